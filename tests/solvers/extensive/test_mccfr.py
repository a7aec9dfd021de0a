"""Monte-Carlo CFR: unbiased regrets, convergence, less variance with baselines, seeds, odd games, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.concepts import exploitability
from marlgt.errors import GameError
from marlgt.games import TreeBuilder, kuhn_poker
from marlgt.solvers import RegretMinimizer, external_sampling_mccfr, outcome_sampling_mccfr
from marlgt.solvers.extensive import mccfr
from marlgt.solvers.extensive._sampling_kernels import sample_externally, sample_outcomes
from marlgt.testing import extensive_games

METHODS = [external_sampling_mccfr, outcome_sampling_mccfr]


def sampled_regrets(game, samples, *, outcome, learning_rate=0.0):
    """Return the regrets of many single walks of player 0, all from uniform policies, shape (samples, S)."""
    walks = mccfr._Walks(game, 5, 1)
    rng = np.random.default_rng(11)
    nodes, cursors = (np.zeros(walks.deepest, dtype=np.int64) for _ in range(2))
    floats = [np.zeros(walks.deepest) for _ in range(2)]
    baselines = np.zeros((game.n_players, len(walks.policy)))
    found = np.empty((samples, walks.rows.n_sequences))
    for k in range(samples):
        regrets, average = np.zeros(len(walks.policy)), np.zeros(len(walks.policy))
        policy = walks.policy.copy()
        limits = (rng.random(walks.longest), walks.longest, 0, 1, game.n_players)
        if outcome:
            arrays = (regrets, policy, average, baselines, nodes, cursors, *floats)
            sample_outcomes(*walks.tree, *limits, 0.6, learning_rate, *arrays)
        else:
            sample_externally(*walks.tree, *limits, regrets, policy, average, walks.worths, nodes, cursors, floats[0])
        found[k] = regrets[: walks.rows.n_sequences]
    return found * walks.rows.scale[0]


def exact_regrets(game):
    """Return the regrets of player 0 after one exact iteration, from uniform policies."""
    run = RegretMinimizer(game, beta=float("inf"))
    run.advance(1)
    return run.regrets[0]


@pytest.mark.parametrize(
    ("outcome", "learning_rate"), [(False, 0.0), (True, 0.0), (True, 0.5)], ids=["external", "outcome", "baselines"]
)
def test_sampled_regrets_are_the_exact_ones_on_average(outcome, learning_rate):
    game, samples = kuhn_poker(), 4000
    found = sampled_regrets(game, samples, outcome=outcome, learning_rate=learning_rate)
    own = game.sequence_form.players[0].n_sequences
    errors = found.std(axis=0)[1:own] / np.sqrt(samples)
    assert (errors > 0).all()
    assert (np.abs(found.mean(axis=0)[:own] - exact_regrets(game))[1:] <= 4 * errors).all()
    assert not found[:, own:].any()


def test_baselines_take_most_of_the_variance_away():
    game = kuhn_poker()
    plain, reduced = (sampled_regrets(game, 2000, outcome=True, learning_rate=rate)[500:] for rate in (0.0, 0.1))
    assert reduced.var(axis=0).sum() < 0.6 * plain.var(axis=0).sum()


@pytest.mark.parametrize("method", METHODS)
def test_exploitability_falls_as_the_root_of_the_iterations(method, monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    game = kuhn_poker()
    for seed in range(3):
        few, many = (exploitability(game, method(game, iterations=k, seed=seed).profile) for k in (1000, 100_000))
        assert many < few / 3
        assert many < 0.02


def test_baselines_help_on_kuhn_poker(monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    game = kuhn_poker()
    means = [
        np.mean([outcome_sampling_mccfr(game, iterations=20_000, seed=s, baselines=b).epsilon for s in range(8)])
        for b in (True, False)
    ]
    assert means[0] < means[1]


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_the_same_answer_in_both_gears_and_another_seed_another(method, monkeypatch):
    game = kuhn_poker()
    answers = []
    for kind, seed in (("plain", 1), ("compiled", 1), ("compiled", 2)):
        monkeypatch.setenv("MARLGT_GEAR", kind)
        answers.append(method(game, iterations=200, seed=seed))
    assert np.allclose(answers[0].profile[0], answers[1].profile[0], rtol=0, atol=1e-12)
    assert not np.allclose(answers[1].profile[0], answers[2].profile[0], rtol=0, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_batches_of_random_numbers_end_between_walks(method, monkeypatch):
    monkeypatch.setattr(mccfr, "MOST_DRAWS", 1)
    answer = method(kuhn_poker(), iterations=50)
    assert answer.work == {"iterations": 50}
    assert answer.trace[-1, 1] == pytest.approx(exploitability(kuhn_poker(), answer.profile), abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_three_players_are_sampled_too(method, monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    assert method(kuhn_poker(3), iterations=30_000, seed=4).epsilon < 0.05


@pytest.mark.parametrize("method", METHODS)
def test_a_player_alone_learns_the_best_action(method):
    tree = TreeBuilder(["she"])
    root = tree.chance(None, [("sun", 0.25), ("rain", 0.75)])
    for weather in range(2):
        node = tree.decision(root, 0, f"sees {weather}", ["walk", "ride"])
        tree.terminal(node, [1 - weather])
        tree.terminal(node, [weather / 2])
    answer = method(tree.build(), iterations=3000)
    assert answer.epsilon < 0.02


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25)
@given(game=extensive_games(max_depth=3))
def test_every_game_gets_policies_and_a_certificate(method, game):
    answer = method(game, iterations=5, seed=3)
    again = method(game, iterations=5, seed=3)
    for policy, other, sets in zip(answer.profile, again.profile, game.infosets):
        assert policy.sum(axis=1) == pytest.approx(np.ones(len(sets)))
        assert np.array_equal(policy, other)
    assert answer.regrets == pytest.approx(gt.certify(game, answer.profile).regrets)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"seed": -1}, "seed is -1: give a whole number from 0"),
        ({"seed": None}, "seed is None"),
    ],
)
def test_seeds_that_are_none_are_refused(method, limits, message):
    with pytest.raises(GameError, match=message):
        method(kuhn_poker(), **limits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baselines": 1}, "baselines is 1: give True or False"),
        ({"exploration": 0.0}, "exploration is 0.0: give a probability above 0"),
        ({"exploration": 1.0}, "exploration is 1.0"),
        ({"learning_rate": 1.5}, "learning_rate is 1.5"),
    ],
)
def test_options_of_outcome_sampling_are_checked(options, message):
    with pytest.raises(GameError, match=message):
        outcome_sampling_mccfr(kuhn_poker(), **options)
