"""``marlgt train`` and ``marlgt evaluate`` for algorithms that learn policies: numbers as actions, entropy, flights."""

import json

import pytest

from marlgt.cli import main

pytest.importorskip("torch")

SMALL = ["--set", "n_envs=4", "rollout_steps=16", "minibatches=2", "epochs=2", "hidden=8"]
QUICK = ["--defaults", "--steps", "256", "--episodes", "2", *SMALL]


def run(capsys, *words):
    code = main([*map(str, words)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.fixture
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def hover(tmp_path_factory):
    from marlgt.deep import GMAC, train

    folder = tmp_path_factory.mktemp("runs") / "hover"
    algorithm = GMAC(n_envs=4, rollout_steps=16, minibatches=2, epochs=2, hidden=(8,), samples=8)
    train(algorithm, "hover1d-gpd", steps=256, seeds=(0, 3), episodes=1, folder=folder)
    return folder


@pytest.mark.parametrize(
    ("algorithm", "task"),
    [
        ("PPO", "hover1d-gpd"),
        ("gmac", "hover1d-gpd"),
        ("TRPO", "CartPole-v1"),
        ("MAPPO", "climbing"),
        ("COMA", "climbing"),
    ],
)
def test_policies_are_trained_by_name_and_tell_their_entropy(algorithm, task, capsys, here):
    words = list(QUICK)
    if algorithm in ("TRPO", "COMA"):
        words = [word for word in words if word != "epochs=2"]
    code, out, err = run(capsys, "train", algorithm, task, "--seeds", "0..1", *words)
    shown = " ".join(out.split())
    assert (code, err) == (0, "")
    assert "episodes of likeliest actions" in shown
    assert "The mean entropy of the policies was" in shown
    assert "n_envs=4 hidden=8 rollout_steps=16" in shown


def test_the_document_tells_how_much_a_policy_explores(capsys, here):
    _, out, _ = run(capsys, "train", "IPPO", "climbing", *QUICK, "--seeds", "0", "--format", "json")
    document = json.loads(out)
    assert document["explores_by"] == "entropy"
    # Three actions, of which nothing is known yet: nearly log 3.
    assert 1.0 < document["exploration"] < 1.0987
    words = ["--defaults", "--steps", "64", "--set", "n_envs=4", "epsilon_steps=100"]
    _, out, _ = run(capsys, "train", "VDN", "climbing", *words, "--seeds", "0", "--format", "json")
    document = json.loads(out)
    assert document["explores_by"] == "random actions"
    assert document["exploration"] == pytest.approx(1.0 - 0.95 * 0.64)


def test_a_recipe_tells_policies_their_own_settings(capsys, here):
    words = [
        "hover1d-gpd",
        "--steps",
        "64",
        "--seeds",
        "0",
        "--set",
        "n_envs=4",
        "rollout_steps=16",
        "--format",
        "json",
    ]
    document = json.loads(run(capsys, "train", "PPO", *words)[1])
    assert document["settings"]["normalise_observations"] is True
    assert document["options"]["return_threshold"] == 474
    assert "buffer_size" not in document["settings"]


def test_the_settings_of_a_policy_algorithm_begin_with_what_is_its_own(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = run(capsys, "train", "GMAC", "--help")
    assert code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    names = [row[0] for row in rows if row[0]]
    own = ["ratio_clip", "value_clip", "compiled", "epochs", "minibatches", "normalise_values", "critic"]
    assert names[: len(own)] == own
    assert rows[0][:3] == ["ratio_clip", "float", "0.2"]
    typed = {row[0]: row[1] for row in rows if row[0]}
    assert typed["kl_limit"] == "float or None"
    assert typed["critic_loss"] == "{'cramer', 'cross_entropy', 'wasserstein'}"
    assert "batch_size" not in typed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["GMAK", "climbing"], "did you mean GMAC"),
        (["GMAC", "climbing", "--set", "componets=3"], "GMAC has no setting 'componets': did you mean 'components'"),
        (["PPO", "climbing", "--set", "critic=scaler"], "critic must be one of 'scalar', 'mixture'"),
        (["PPO", "climbing", "--set", "ratio_clip=0"], "ratio_clip must be a number above 0"),
        (["PPO", "climbing", "--set", "epsilon_steps=100"], "PPO has no setting 'epsilon_steps'"),
        (
            ["PPO", "climbing", "--set", "n_envs=2", "rollout_steps=8", "minibatches=17"],
            "minibatches must be at most the 16 rows of a rollout",
        ),
        (["TRPO", "climbing", "--set", "epochs=3"], "TRPO takes one step of the policy from a rollout"),
        (["COMA", "hover1d-gpd"], "continuous, and learners of action values choose from a list: train PPO"),
    ],
)
def test_what_does_not_fit_a_policy_ends_in_one_sentence(words, message, capsys, here):
    code, out, err = run(capsys, "train", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not (here / "runs").exists()


def test_a_run_of_policies_that_was_finished_is_told_again(capsys, here):
    words = ["train", "PPO", "CartPole-v1", "--folder", "kept", "--seeds", "0", *QUICK]
    assert run(capsys, *words)[0] == 0
    code, out, _ = run(capsys, "train", "--resume", "kept", "--format", "json")
    assert (code, json.loads(out)["steps_done"]) == (0, 256)


def test_an_interrupted_training_of_policies_ends_as_if_it_had_not_been(capsys, here, monkeypatch):
    from marlgt.deep.environments.classic_control import ClassicControl

    words = ["train", "PPO", "CartPole-v1", "--seeds", "0", "--checkpoint-every", "64", *QUICK, "--format", "json"]
    whole = json.loads(run(capsys, *words, "--folder", "whole")[1])
    step, calls = ClassicControl.step, []

    def interrupted(self, actions):
        calls.append(self.n_envs)
        if calls.count(4) > 40:
            raise KeyboardInterrupt
        return step(self, actions)

    with monkeypatch.context() as patch:
        patch.setattr(ClassicControl, "step", interrupted)
        code, out, err = run(capsys, *words, "--folder", "kept")
    assert code == 130
    assert "go on with: marlgt train --resume kept" in err
    assert json.loads(out)["status"] == "stopped"
    code, out, _ = run(capsys, "train", "--resume", "kept", "--format", "json")
    again = json.loads(out)
    assert (code, again["status"]) == (0, "finished")
    assert again["seeds"] == whole["seeds"]
    assert (here / "kept" / "policy.safetensors").read_bytes() == (here / "whole" / "policy.safetensors").read_bytes()


def test_an_evaluation_plays_likeliest_or_drawn_actions(capsys, hover):
    code, out, _ = run(capsys, "evaluate", hover, "--episodes", "4", "--format", "json")
    still = json.loads(out)
    assert (code, still["stochastic"], still["backend"]) == (0, False, "numba")
    drawn = json.loads(run(capsys, "evaluate", hover, "--episodes", "4", "--stochastic", "--format", "json")[1])
    assert drawn["stochastic"] is True
    # The task always begins alike: only draws differ from episode to episode.
    assert all(row["low"] == row["high"] for row in still["seeds"])
    assert all(row["low"] < row["high"] for row in drawn["seeds"])
    assert "the policies' likeliest actions" in " ".join(run(capsys, "evaluate", hover, "--episodes", "2")[1].split())
    shown = " ".join(run(capsys, "evaluate", hover, "--episodes", "2", "--stochastic", "--epsilon", "0.1")[1].split())
    assert "actions drawn from the policies but for 10% random ones" in shown


def test_a_policy_of_numbers_earns_the_same_in_pybullet(capsys, hover):
    pytest.importorskip("pybullet")
    documents = [
        json.loads(run(capsys, "evaluate", hover, "--episodes", "1", *words, "--format", "json")[1])
        for words in ((), ("--backend", "bullet"))
    ]
    assert documents[1]["backend"] == "bullet"
    compiled, bullet = ([row["mean_return"] for row in document["seeds"]] for document in documents)
    assert compiled == pytest.approx(bullet, rel=0.02)


def test_a_flight_by_numbers_is_animated_and_replayed(capsys, hover, tmp_path):
    film, page = tmp_path / "flight.gif", tmp_path / "flight.html"
    code, _, _ = run(capsys, "evaluate", hover, "--episodes", "1", "--seed", "3", "--video", film, "--replay", page)
    assert code == 0
    assert film.read_bytes()[:4] == b"GIF8"
    assert "<canvas" in page.read_text()


def test_values_have_no_policy_to_draw_from(capsys, here):
    words = ["--defaults", "--steps", "32", "--set", "n_envs=4", "--seeds", "0", "--folder", "kept"]
    assert run(capsys, "train", "VDN", "climbing", *words)[0] == 0
    code, out, err = run(capsys, "evaluate", "kept", "--stochastic")
    assert (code, out) == (2, "")
    assert "VDN learns values, and has no policy" in err
