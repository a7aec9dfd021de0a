"""Learners and matches in files: what is loaded is what was saved, bit for bit, and nothing else is taken."""

from __future__ import annotations

import json
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt import games, learners
from marlgt.errors import GameError, UnsupportedGame
from marlgt.learners import Exploration, Match, Person, QLearning, TableLearner, UniformPolicy, load, observed, save
from marlgt.learners.saving import _decoded, _encoded
from marlgt.testing import schedules

GAME = games.soccer()


def trained(steps=300):
    learner = QLearning(
        GAME, player=1, learning_rate=learners.power(1.0, per_visit=True), exploration=learners.softmax(0.3)
    )
    learners.play(GAME, [UniformPolicy(GAME, 0), learner], steps=steps, seed=0)
    return learner


@pytest.mark.parametrize(
    "make",
    [
        lambda game: [QLearning(game, player=i, exploration=learners.linear(1.0, 0.1, steps=500)) for i in range(2)],
        lambda game: [UniformPolicy(game, 0), QLearning(game, player="B", learning_rate=0.5)],
        lambda game: [learners.Sarsa(game, player=i) for i in range(2)],
        lambda game: [learners.CentralQ(game)],
    ],
    ids=["independent", "against uniform", "with actions chosen ahead", "central"],
)
@pytest.mark.parametrize("world", ["fused", "stepwise"])
def test_a_match_that_was_saved_goes_on_bit_for_bit(make, world, tmp_path):
    def fresh():
        if world == "fused":
            return GAME
        return observed(lambda: games.parallel_env(GAME), discount=0.9, max_observations=800, shared="joint")

    game = fresh()
    whole = Match(game, make(game), seeds=[3, 8], horizon=50)
    straight = whole.advance(500)
    game = fresh()
    first = Match(game, make(game), seeds=[3, 8], horizon=50)
    first.advance(200)
    first.save(tmp_path / "match.npz")
    second = Match.load(tmp_path / "match.npz", fresh())
    assert second.steps == 200
    rest = second.advance(300, record=3)
    if world == "stepwise":
        # Numbers of observations are shared by the seeds, which were cut differently; what was paid is not.
        assert np.allclose(straight.rewards[:, 40:].mean(axis=1), rest.rewards.mean(axis=1), rtol=0, atol=1e-12)
        first.advance(300, record=3)
        whole = first
    for own, other in zip(whole.learners, second.learners):
        for a, b in zip(own, other):
            assert a.memory.tobytes() == b.memory.tobytes()


def test_a_learner_that_was_saved_knows_and_learns_the_same(tmp_path):
    learner = trained()
    save(learner, tmp_path / "learner.npz")
    again = load(tmp_path / "learner.npz", GAME)
    assert type(again) is QLearning
    assert again.settings == learner.settings
    assert again.player == 1
    for _ in range(2):
        assert again.memory.tobytes() == learner.memory.tobytes()
        for twin in (learner, again):
            learners.play(GAME, [UniformPolicy(GAME, 0), twin], steps=100, seed=1)


def test_one_learner_in_two_seats_stays_one(tmp_path):
    game = games.rock_paper_scissors()
    both = QLearning(game, player=0)
    match = Match(game, [both, both], seeds=[0])
    match.advance(50)
    match.save(tmp_path / "match.npz")
    again = Match.load(tmp_path / "match.npz", game)
    assert again.learners[0][0] is again.learners[0][1]
    match.advance(50)
    again.advance(50)
    assert again.learners[0][0].memory.tobytes() == match.learners[0][0].memory.tobytes()


def test_an_environment_takes_over_the_numbers_that_a_learner_knows(tmp_path):
    def fresh():
        return observed(lambda: games.parallel_env(GAME), discount=0.9, max_observations=800)

    env = fresh()
    pair = [QLearning(env, player=i) for i in range(2)]
    learners.play(env, pair, steps=200, seed=0)
    for i, learner in enumerate(pair):
        save(learner, tmp_path / f"{i}.npz")
    other = fresh()
    again = [load(tmp_path / f"{i}.npz", other) for i in range(2)]
    assert other.labels() == env.labels()
    learners.play(other, again, steps=50, seed=1)
    third = fresh()
    # Another history numbers the same states otherwise.
    learners.play(third, [UniformPolicy(third, i) for i in range(2)], steps=50, seed=7)
    with pytest.raises(GameError, match=r"load it for a new observed\(\.\.\.\)"):
        load(tmp_path / "0.npz", third)


def test_an_environment_that_does_not_repeat_itself_cannot_resume(tmp_path):
    class Moody:
        possible_agents = ("a",)
        moods = 0

        def action_space(self, agent):
            from gymnasium import spaces

            return spaces.Discrete(2)

        def reset(self, seed=None, options=None):
            type(self).moods += 1
            self.agents = ["a"]
            return {"a": self.moods}, {}

        def step(self, actions):
            return {"a": self.moods}, {"a": 0.0}, {"a": False}, {"a": False}, {}

    env = observed(Moody(), discount=0.9, max_observations=10)
    match = Match(env, [QLearning(env)], seeds=[0])
    match.advance(5)
    match.save(tmp_path / "match.npz")
    with pytest.raises(GameError, match="does not repeat itself"):
        Match.load(tmp_path / "match.npz", observed(Moody(), discount=0.9, max_observations=10))


class Own(TableLearner):
    """A learner of a user."""

    act_kernel = staticmethod(QLearning.act_kernel)
    observe_kernel = staticmethod(QLearning.observe_kernel)

    def __init__(self, game, player=0, *, table=None):
        shape = (1, 3)
        super().__init__(game, player, tables={"values": shape, "visits": shape}, settings={"table": table})


def test_classes_of_your_own_are_loaded_when_you_name_them(tmp_path):
    game = games.rock_paper_scissors()
    learner = Own(game, table=np.array([[1.0, np.inf]]))
    save(learner, tmp_path / "own.npz")
    with pytest.raises(GameError, match=r"a 'Own', which marlgt does not have: give its class in classes=\[\.\.\.\]"):
        load(tmp_path / "own.npz", game)
    again = load(tmp_path / "own.npz", game, classes=[Own])
    assert np.array_equal(again.settings["table"], learner.settings["table"])
    with pytest.raises(GameError, match="derive from TableLearner"):
        load(tmp_path / "own.npz", game, classes=[dict])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | schedules(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(), inner, max_size=3)
            | st.lists(inner, max_size=3).map(tuple)
        ),
        max_leaves=5,
    )
    | schedules().map(lambda rate: learners.epsilon_greedy(rate, ties="lowest"))
)
@settings(max_examples=150)
def test_settings_survive_json(value):
    again = _decoded(json.loads(json.dumps(_encoded(value, "it"))))
    assert again == value
    assert type(again) is type(value) or isinstance(value, (int, float, Exploration))


def test_settings_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(GameError, match="the setting table is"):
        save(Own(games.rock_paper_scissors(), table=lambda: 0), tmp_path / "own.npz")
    assert not list(tmp_path.iterdir())


def test_who_is_no_table_learner_is_not_saved(tmp_path):
    game = games.rock_paper_scissors()
    match = Match(game, [QLearning(game), Person(game, 1, ask=lambda prompt: "0", say=str)], copies=False)
    with pytest.raises(UnsupportedGame, match=r"learners\[1\] is .*only learners with tables can be saved"):
        match.save(tmp_path / "match.npz")
    with pytest.raises(GameError, match="learner is 3"):
        save(3, tmp_path / "learner.npz")


def test_another_game_is_refused(tmp_path):
    game = games.prisoners_dilemma()
    save(QLearning(game), tmp_path / "pd.npz")
    with pytest.raises(GameError, match=r"belongs to a game with .*this one has"):
        load(tmp_path / "pd.npz", games.rock_paper_scissors())
    with pytest.raises(GameError, match="same sizes with other numbers"):
        load(tmp_path / "pd.npz", games.stag_hunt())
    assert load(tmp_path / "pd.npz", games.stag_hunt(), same_game=False).steps == 0


def rewritten(path, **changes):
    """Write the file again with another header."""
    with np.load(path) as file:
        arrays = dict(file)
    header = {**json.loads(arrays.pop("header").tobytes()), **changes}
    packed = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(path, header=packed, **arrays)


def test_foreign_old_and_damaged_files_are_refused_with_a_sentence(tmp_path):
    path = tmp_path / "learner.npz"
    learner = trained(50)
    with pytest.raises(GameError, match="there is no file"):
        load(path, GAME)
    save(learner, path)
    with pytest.raises(GameError, match=r"not a match: read it with marlgt\.learners\.load"):
        Match.load(path, GAME)
    whole = path.read_bytes()
    for damaged in (b"", whole[:100], whole[:-200], whole[: len(whole) // 2] + b"\0" * 64, b"nothing of the kind"):
        path.write_bytes(damaged)
        with pytest.raises(GameError, match="damaged, or was not saved by marlgt"):
            load(path, GAME)
    np.savez(path, something=np.zeros(3))
    with pytest.raises(GameError, match="was not saved by marlgt"):
        load(path, GAME)
    np.savez(path, header=np.array([{"schema": "marlgt.learner"}], dtype=object))
    with pytest.raises(GameError, match="was not saved by marlgt"):
        load(path, GAME)
    path.write_bytes(whole)
    rewritten(path, version=99)
    with pytest.raises(GameError, match="has version 99"):
        load(path, GAME)
    rewritten(path, schema="other.thing", version=1)
    with pytest.raises(GameError, match=r"holds a 'other\.thing', not a learner"):
        load(path, GAME)


@pytest.mark.parametrize(
    "change",
    [
        {"learner": {"class": "QLearning"}},
        {"game": None},
        {"learner": {"class": "QLearning", "player": 0, "settings": {"no": 1}}},
    ],
    ids=["without settings", "without game", "unknown setting"],
)
def test_headers_that_do_not_fit_are_refused(change, tmp_path):
    save(trained(20), tmp_path / "learner.npz")
    rewritten(tmp_path / "learner.npz", **change)
    with pytest.raises(GameError, match=r"damaged|belongs to a game"):
        load(tmp_path / "learner.npz", GAME)


def test_a_name_in_a_file_imports_nothing(tmp_path):
    save(trained(20), tmp_path / "learner.npz")
    for name in ("os.system", "Match", "play", "TableLearner.__init__"):
        rewritten(tmp_path / "learner.npz", learner={"class": name, "player": 0, "settings": {}})
        with pytest.raises(GameError, match="which marlgt does not have"):
            load(tmp_path / "learner.npz", GAME)


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "learner.npz"
    save(trained(20), path)
    before = path.read_bytes()

    def full(*args, **arrays):
        args[0].write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(GameError, match="cannot be written: no space"):
        save(trained(30), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["learner.npz"]
    with pytest.raises(GameError, match="there is no folder"):
        save(trained(20), tmp_path / "nowhere" / "learner.npz")


def test_the_file_is_a_zip_of_plain_arrays(tmp_path):
    save(trained(20), tmp_path / "learner.npz")
    with zipfile.ZipFile(tmp_path / "learner.npz") as file:
        assert sorted(file.namelist()) == ["header.npy", "memory_0.npy"]
    with np.load(tmp_path / "learner.npz", allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())
    assert header["schema"] == "marlgt.learner"
    assert gt.learners.load(tmp_path / "learner.npz", GAME).steps == 20


def test_only_files_are_written_over(tmp_path):
    pipe = tmp_path / "pipe.npz"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        with pytest.raises(GameError, match="no file that could be written over"):
            save(QLearning(GAME), path)
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.npz"]


@pytest.mark.parametrize("path", [None, 3, "\0", "x" * 5000], ids=["None", "a number", "a zero", "too long"])
def test_what_names_no_file_is_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GameError, match=r"path of a file|cannot be written"):
        save(QLearning(GAME), path)
    with pytest.raises(GameError, match=r"path of a file|damaged"):
        load(path, GAME)


def test_any_wrong_byte_is_noticed(tmp_path):
    path = tmp_path / "learner.npz"
    save(trained(), path)
    whole = path.read_bytes()
    for place in range(60, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        try:
            again = load(path, GAME)
        except GameError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            # Some bytes of an archive are read by nobody.
            assert np.array_equal(again.memory, trained().memory)


@pytest.mark.parametrize("wrong", [{"engine_place": 99}, {"engine_place": -7}, {"engine_played": -5}], ids=str)
def test_a_match_in_a_state_that_there_is_not_is_refused(wrong, tmp_path):
    game, path = games.matching_pennies(), tmp_path / "match.npz"
    match = Match(game, [QLearning(game, player=i) for i in range(2)])
    match.advance(10)
    match.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    for name, number in wrong.items():
        arrays[name][...] = number
    np.savez(path, **arrays)
    with pytest.raises(GameError, match="in a state that the game does not have"):
        Match.load(path, game)
