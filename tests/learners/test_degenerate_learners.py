"""Every table learner on games that nobody would call games, and with settings that nobody should give."""

from __future__ import annotations

import inspect
from fractions import Fraction

import numpy as np
import pytest

from marlgt import NormalFormGame, games, learners
from marlgt.errors import BudgetExceeded, GameError, LearningStopped, ProfileError
from marlgt.learners import Match, QLearning, TableLearner, UniformPolicy, play, play_seeds
from marlgt.learners.settings import setting_of

PENNIES = games.matching_pennies()


def kinds():
    """Return the classes of learners that can be made without more than a game, by name."""
    found = {name: getattr(learners, name) for name in learners.__all__}
    skipped = ("TableLearner", "FixedPolicy")
    return {k: x for k, x in found.items() if isinstance(x, type) and issubclass(x, TableLearner) and k not in skipped}


KINDS = kinds()


def states(n_actions=(2, 2), *, discount=0.9, zero_sum=False, **options):
    """Return a game of three states, two of which may follow each action."""
    rng = np.random.default_rng(1)
    shape = (3, *n_actions)
    paid = rng.normal(size=(len(n_actions), *shape))
    paid = np.stack([paid[0], -paid[0]]) if zero_sum else paid
    successors, shares = rng.integers(0, 3, size=(*shape, 2)), rng.dirichlet(np.ones(2), size=shape)
    return games.StochasticGame(paid, successors, shares, discount=discount, **options)


def few_legal(*rows):
    return [np.array(rows, dtype=bool)] * 2


ODD = {
    "one player": NormalFormGame([[1.0, 2.0, 3.0]]),
    "nobody has a choice": NormalFormGame(np.zeros((3, 1, 1, 1))),
    "one of two has a choice": NormalFormGame.zero_sum([[3], [1]]),
    "all payoffs the same": NormalFormGame.zero_sum(np.zeros((3, 3))),
    "payoffs below every normal float": NormalFormGame.zero_sum([[5e-324, 0], [0, 5e-324]]),
    "large payoffs": NormalFormGame.zero_sum([[1e150, -1e150], [-1e150, 1e150]]),
    "payoffs of all sizes": NormalFormGame.bimatrix([[1e150, 1e-300], [1e12, 0]], [[0, 1e-300], [1e150, 1]]),
    "fractions": NormalFormGame.zero_sum([[Fraction(1, 3), Fraction(-2, 7)], [Fraction(0), Fraction(1, 9)]]),
    "five players": NormalFormGame(np.random.default_rng(0).normal(size=(5, 2, 3, 2, 1, 2))),
    "few legal actions": states(zero_sum=True, legal=few_legal([1, 1], [0, 1], [1, 0])),
    "states without a choice": states(zero_sum=True, legal=few_legal([1, 0], [0, 1], [1, 0])),
    "nothing follows": states(zero_sum=True, discount=0.0),
    "an end": states(zero_sum=True, terminal=[False, False, True], start=[0.5, 0.5, 0.0]),
    "alone in three states": states((3,)),
}


def team_of(kind, game):
    """Return a learner of this kind for each player, or one for all."""
    parameters = inspect.signature(kind).parameters
    if "player" not in parameters or parameters["player"].default is None:
        return [kind(game)]
    return [kind(game, player=i) for i in range(setting_of(game).n_players)]


@pytest.mark.parametrize("oddity", ODD)
def test_every_learner_holds_a_legal_policy_or_says_in_a_sentence_why_not(oddity):
    game, played, reasons = ODD[oddity], 0, []
    legal = setting_of(game).legal
    for name, kind in KINDS.items():
        for horizon in (None, 1):
            try:
                run = play(game, team_of(kind, game), steps=25, seed=0, horizon=horizon, record=3)
            except GameError as error:
                reasons.append(str(error))
                continue
            played += 1
            assert np.isfinite(run.rewards).all(), name
            for own, policy in zip(legal, run.profiles()[0]):
                rows = np.atleast_2d(policy)
                assert np.allclose(rows.sum(axis=1), 1.0, atol=1e-9), name
                assert rows.min() >= 0.0, name
                assert not rows[~own].any(), name
    assert played >= 40
    assert not any("\n" in reason for reason in reasons)


def two_states():
    """Return a zero-sum game of two states, so that every kind plays it."""
    rng = np.random.default_rng(3)
    paid = rng.normal(size=(2, 2, 2))
    successors, shares = np.tile([0, 1], (2, 2, 2, 1)), rng.dirichlet(np.ones(2), size=(2, 2, 2))
    return games.StochasticGame(np.stack([paid, -paid]), successors, shares, discount=0.9)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_match_cut_saved_and_loaded_is_the_same_bit_for_bit(name, tmp_path):
    one_state = name in ("FMQ", "FictitiousPlayer")
    game = PENNIES if one_state else two_states()
    whole = Match(game, team_of(KINDS[name], game), seeds=[3, 8], horizon=7)
    whole.advance(90, record=9)
    parts = Match(game, team_of(KINDS[name], game), seeds=[3, 8], horizon=7)
    parts.advance(31, record=[4, 11])
    parts.save(tmp_path / "match.npz")
    parts = Match.load(tmp_path / "match.npz", game)
    parts.advance(1, record=1)
    parts.advance(58, record=2)
    alone = Match(game, team_of(KINDS[name], game), seeds=[8], horizon=7)
    alone.advance(90)
    for own, other in zip(whole.learners, parts.learners):
        for one, two in zip(own, other):
            assert np.array_equal(one.memory, two.memory, equal_nan=True)
    for one, two in zip(whole.learners[1], alone.learners[0]):
        assert np.array_equal(one.memory, two.memory, equal_nan=True)


@pytest.mark.parametrize(
    "name", ["CentralQ", "CorrelatedQ", "DoubleQ", "ExpectedSarsa", "JALAM", "MinimaxQ", "NashQ", "QLearning", "Sarsa"]
)
def test_no_exploration_is_no_way_to_explore(name):
    with pytest.raises(GameError, match="epsilon is None: give a number"):
        KINDS[name](PENNIES, exploration=None)


@pytest.mark.parametrize(
    ("name", "setting"),
    [("Sarsa", "n"), ("TDPrediction", "n"), ("Reinforce", "most_steps"), ("JALAM", "window")],
)
def test_more_memory_than_there_is_is_refused_before_it_is_taken(name, setting):
    for amount in (10**9, 2**63, 10**30):
        with pytest.raises(BudgetExceeded, match=r"would remember .* numbers, .* above the limit"):
            KINDS[name](PENNIES, **{setting: amount})


def test_more_seeds_and_records_than_memory_holds_are_refused():
    pair = team_of(QLearning, PENNIES)
    with pytest.raises(BudgetExceeded, match="seeds lists more than 1,000,000"):
        play_seeds(PENNIES, pair, steps=10, seeds=range(10**12))
    with pytest.raises(BudgetExceeded, match="give a smaller record, or fewer seeds"):
        play_seeds(PENNIES, pair, steps=10**6, seeds=range(100), record=10**6)
    soccer = games.soccer()
    with pytest.raises(BudgetExceeded, match=r"100,000 seeds with copies .* play [\d,]+ seeds at a time"):
        play_seeds(soccer, team_of(learners.MinimaxQ, soccer), steps=10, seeds=range(10**5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 3}, "seeds is 3: give a list of whole numbers"),
        ({"seeds": "12"}, "give a list of whole numbers"),
        ({"seeds": [None]}, "seed is None"),
        ({"learners": None}, "learners is None: give a list of learners"),
        ({"learners": 3}, "give a list of learners"),
        ({"horizon": 10**30}, "or None for episodes that end by themselves"),
        ({"steps": 10**30}, "counted exactly"),
        ({"record": range(1, 10**12)}, "record lists more than"),
        ({"record": np.array(0.5)}, "record is"),
        ({"views": [[0], [0, 1]]}, "views must be numbers of states"),
        ({"views": [["a"], ["b"]]}, "views must be numbers of states"),
        ({"moves": [[0], [0, 1]]}, "in some order"),
        ({"judge": 3}, "judge is 3: give a function of a game and a profile"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_match_cannot_use_is_refused(options, message):
    given = {"learners": team_of(QLearning, PENNIES), "steps": 10, "seeds": [0, 1], **options}
    with pytest.raises(GameError, match=message):
        play_seeds(PENNIES, given.pop("learners"), **given)


def test_a_judge_who_fails_loses_nothing_that_was_learned():
    def judge(game, profile):
        if len(seen) == 2:
            raise ZeroDivisionError("nothing to divide by")
        seen.append(profile)
        return 1.0

    seen = []
    with pytest.raises(LearningStopped, match=r"judge failed after 30 steps \(ZeroDivisionError: nothing") as stopped:
        play(PENNIES, team_of(QLearning, PENNIES), steps=50, seed=0, record=5, judge=judge)
    run = stopped.value.run
    assert isinstance(stopped.value.__cause__, ZeroDivisionError)
    assert run.times.tolist() == [10, 20, 30]
    assert run.learners[0][0].steps == 30
    assert run.gaps[0, :2].tolist() == [1.0, 1.0]
    assert np.isnan(run.gaps[0, 2])


@pytest.mark.parametrize("rate", [10**400, -(10**400), float("inf")], ids=["huge", "minus huge", "infinite"])
def test_numbers_beyond_all_floats_are_refused(rate):
    with pytest.raises(GameError, match="learning_rate runs from"):
        QLearning(PENNIES, learning_rate=abs(rate))
    with pytest.raises(GameError, match="give finite numbers"):
        learners.power(rate)
    with pytest.raises(GameError, match="above 0 and finite"):
        learners.softmax(abs(rate))
    for kind in (QLearning, learners.MinimaxQ):
        with pytest.raises(GameError, match="give a finite number"):
            kind(PENNIES, initial=rate)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        (learners.CentralQ, "scalarise"),
        (learners.ConditionalRegretMatcher, "feedback"),
        (learners.CorrelatedQ, "objective"),
        (learners.CorrelatedQ, "coarse"),
        (learners.FictitiousPlayer, "ties"),
        (learners.NashQ, "selection"),
        (learners.SarsaLambda, "traces"),
        (learners.TDLambda, "traces"),
    ],
)
def test_arrays_are_no_words(kind, setting):
    for value in (np.array([0.5, 0.5]), np.array(["first", "sum"]), ["rewards"]):
        with pytest.raises(GameError, match=f"{setting} is"):
            kind(PENNIES, **{setting: value})


@pytest.mark.parametrize(
    "policy", ["mixed", None, {}, 1j, object(), [[0.5], [0.5, 0.5]]], ids=lambda x: type(x).__name__
)
def test_what_is_no_array_of_probabilities_is_refused(policy):
    with pytest.raises(ProfileError, match="policy"):
        learners.FixedPolicy(PENNIES, 0, policy=policy)


def test_projections_keep_their_digits_beside_large_gains():
    """Gains of 1e16 and more left no digit of the probabilities, which then were all 0."""
    game = NormalFormGame.zero_sum([[1e20, -1e20], [-1e20, 1e20]])
    for name in ("GIGA", "GIGAWoLF", "PGAAPP", "WPL"):
        run = play(game, team_of(KINDS[name], game), steps=50, seed=0)
        for policy in run.profiles()[0]:
            assert abs(policy.sum() - 1.0) < 1e-12, name


def test_a_smooth_fictitious_player_who_saw_nobody_mixes_evenly():
    player = learners.FictitiousPlayer(PENNIES, temperature=0.5)
    chosen = [player.act(0, np.random.default_rng(seed)) for seed in range(200)]
    assert 70 <= sum(chosen) <= 130
    assert np.array_equal(UniformPolicy(PENNIES).policy(), [0.5, 0.5])
