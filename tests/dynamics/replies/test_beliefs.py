"""Stochastic and weakened fictitious play, and best-response dynamics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt import concepts
from marlgt.dynamics import (
    best_response_dynamics,
    fictitious_play,
    many,
    stochastic_fictitious_play,
    weakened_fictitious_play,
)
from marlgt.testing import normal_form_games, potential_games

PENNIES = gt.games.matching_pennies()
SHAPLEY = gt.games.load("shapley_1964")
COORDINATION = gt.NormalFormGame.bimatrix([[2, 0], [0, 1]], [[2, 0], [0, 1]])


def softmax(values):
    weights = np.exp(values - values.max())
    return weights / weights.sum()


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 2)])
@pytest.mark.parametrize("size", [None, 0.2, lambda t: t**-0.6])
def test_beliefs_follow_the_recursion_of_the_definition(shape, size):
    n = len(shape)
    game = gt.NormalFormGame(np.random.default_rng(8).standard_normal((n, *shape)))
    run = weakened_fictitious_play(
        game, step_size=size, temperature=lambda t: 1 / np.sqrt(t), sampled=False, steps=30, record=30, joint=True
    )
    plays = [np.full(k, 1 / k) for k in shape]
    beliefs, joint = [np.zeros(k) for k in shape], np.zeros(shape)
    for t in range(1, 31):
        if t > 1:
            heard = [deviations(game, beliefs, i) for i in range(n)]
            plays = [softmax(u * np.sqrt(t)) for u in heard]
        alpha = 1.0 if t == 1 else 1 / t if size is None else size(t) if callable(size) else size
        beliefs = [(1 - alpha) * s + alpha * x for s, x in zip(beliefs, plays)]
        product = plays[0]
        for x in plays[1:]:
            product = np.multiply.outer(product, x)
        joint = (1 - alpha) * joint + alpha * product
        for i in range(n):
            assert np.allclose(run.strategies[i][t - 1], plays[i])
            assert np.allclose(run.averages[i][t - 1], beliefs[i])
        assert np.allclose(run.joint[t - 1], joint)


def deviations(game, beliefs, player):
    letters = "abc"[: game.n_players]
    others = [(letters[j], beliefs[j]) for j in range(game.n_players) if j != player]
    spec = ",".join([letters, *(name for name, _ in others)]) + "->" + letters[player]
    return np.einsum(spec, game.payoffs[player], *(x for _, x in others))


@pytest.mark.parametrize("ties", ["lowest", "highest", "stay"])
def test_without_perturbation_it_is_fictitious_play(ties):
    game = gt.NormalFormGame(np.random.default_rng(9).integers(0, 3, size=(2, 3, 3)))
    weak = weakened_fictitious_play(
        game, temperature=None, ties=ties, start=(np.eye(3)[1], np.eye(3)[2]), steps=200, keep_actions=True
    )
    assert np.array_equal(weak.actions, fictitious_play(game, ties=ties, first_actions=(1, 2), steps=200).actions)


def test_a_long_constant_step_size_neither_overflows_nor_forgets_to_be_a_distribution():
    run = weakened_fictitious_play(PENNIES, step_size=0.5, temperature=None, start=([1, 0], [1, 0]), steps=3000)
    for x in run.averages:
        assert np.allclose(x.sum(axis=1), 1.0)
    assert np.allclose(run.joint.sum(axis=(1, 2)), 1.0)
    # Geometric fictitious play forgets, so that it goes round matching pennies for ever.
    assert run.nash_conv[-30:].max() > 0.5


@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_stochastic_fictitious_play_approaches_the_logit_equilibrium(temperature):
    # Hofbauer and Sandholm 2002: zero-sum games; frequencies of 6,000 draws have standard deviations below 0.0065.
    game = gt.NormalFormGame.zero_sum([[2, -1], [-1, 1]])
    runs = many(stochastic_fictitious_play, game, seeds=range(3), temperature=temperature, steps=6000, record=1)
    for run in runs:
        assert concepts.logit_residual(game, run.profile, 1 / temperature).max() < 0.12
    mean = stochastic_fictitious_play(game, temperature=temperature, sampled=False, steps=4000, record=1)
    assert concepts.logit_residual(game, mean.profile, 1 / temperature).max() < 0.01


def test_weakened_play_approaches_nash_where_fictitious_play_does():
    # Leslie and Collins 2006, in a zero-sum game; several seeds.
    game = gt.NormalFormGame.zero_sum(np.random.default_rng(10).uniform(-1, 1, (3, 3)))
    runs = many(weakened_fictitious_play, game, seeds=range(5), step_size=lambda t: t**-0.8, steps=4000, record=1)
    assert np.median(runs.nash_conv[:, -1]) < 0.1
    assert runs.nash_conv[:, -1].max() < 0.2


def test_weakened_play_cycles_in_shapleys_game():
    run = weakened_fictitious_play(SHAPLEY, start=([1, 0, 0], [0, 1, 0]), sampled=False, steps=3000)
    assert run.nash_conv[50:].min() > 0.1


@settings(max_examples=40)
@given(potential_games(n_players=2, n_actions=range(1, 4)))
def test_one_at_a_time_reaches_a_pure_equilibrium_in_potential_games(game):
    # Monderer and Shapley 1996: each switch raises the potential, so no path comes back.
    run = best_response_dynamics(game, steps=40, record=1)
    assert run.work.get("pure_equilibrium") == 1 or rounding(game)


def rounding(game):
    """Tell whether payoffs are such that a potential's differences drown in rounding."""
    flat = np.abs(game.payoffs[game.payoffs != 0])
    return flat.size > 0 and flat.max() > 1e12 * flat.min()


@settings(max_examples=40)
@given(
    game=normal_form_games(n_players=2, n_actions=range(1, 4)), order=st.sampled_from(["sequential", "simultaneous"])
)
def test_what_is_said_of_settling_and_cycling_is_true(game, order):
    run = best_response_dynamics(game, order=order, steps=60, record=1)
    actions = run.actions
    if "cycle_at" in run.work:
        at, length = run.work["cycle_at"] - 1, run.work["cycle_length"]
        assert length > 1
        assert np.array_equal(actions[at : len(actions) - length], actions[at + length :])
        assert not (actions[at : at + length] == actions[at]).all()
    else:
        # Both orders are deterministic, and there are at most 9 profiles: by step 60 one has come back.
        settled = run.work["settled_at"] - 1
        assert (actions[settled:] == actions[-1]).all()
        strategies = [np.eye(k)[a] for a, k in zip(actions[-1], game.n_actions)]
        assert run.work["pure_equilibrium"] == (concepts.regrets(game, strategies).max() <= 0)
        if order == "sequential":
            assert run.work["pure_equilibrium"] == 1


def test_moving_at_once_cycles_even_in_a_coordination_game():
    run = best_response_dynamics(COORDINATION, order="simultaneous", first_actions=(0, 1), steps=20)
    assert run.work["cycle_length"] == 2
    assert "cycles from step 1 on, through 2 profiles" in run.guarantee
    settled = best_response_dynamics(COORDINATION, first_actions=(0, 1), steps=20)
    assert settled.work["settled_at"] == 2
    assert "settles at step 2 in a pure equilibrium" in settled.guarantee


@pytest.mark.parametrize("settings", [{"order": "random"}, {"order": "simultaneous", "inertia": 0.5}], ids=str)
def test_chance_leads_to_a_pure_equilibrium_of_a_coordination_game(settings):
    runs = many(
        best_response_dynamics, COORDINATION, starts=[([1, 0], [0, 1])] * 20, seeds=range(20), steps=200, **settings
    )
    assert all(run.work["pure_equilibrium"] == 1 for run in runs)
    assert len({tuple(run.actions[-1]) for run in runs}) == 2


def test_inertia_keeps_an_action_as_often_as_it_says():
    # In matching pennies one player always wants to move: she moves in half of the steps, 1000 draws, four deviations.
    run = best_response_dynamics(PENNIES, order="simultaneous", inertia=0.5, steps=1001, seed=1)
    moves = (run.actions[1:] != run.actions[:-1]).any(axis=1).mean()
    assert abs(moves - 0.5) < 4 * 0.5 / np.sqrt(1000)


def test_odd_settings_are_errors():
    with pytest.raises(gt.GameError, match="order is 'all': give one of 'random', 'sequential', 'simultaneous'"):
        best_response_dynamics(PENNIES, order="all")
    with pytest.raises(gt.GameError, match="inertia is 1"):
        best_response_dynamics(PENNIES, inertia=1.0)
    with pytest.raises(gt.GameError, match=r"step_size is 1\.5: give positive finite numbers and at most 1"):
        weakened_fictitious_play(PENNIES, step_size=1.5)
    with pytest.raises(gt.GameError, match="temperature is 0"):
        stochastic_fictitious_play(PENNIES, temperature=0)
    with pytest.raises(gt.GameError, match="both first_actions and starts"):
        many(best_response_dynamics, PENNIES, starts=[([1, 0], [1, 0])], first_actions=(0, 0))
    with pytest.raises(gt.GameError, match="ties is None"):
        weakened_fictitious_play(PENNIES, ties=None)
