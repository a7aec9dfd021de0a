"""Fictitious play against its theorems: convergence where it is proved, cycling where it is known."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.dynamics import fictitious_play
from marlgt.dynamics.fictitious import play_two
from marlgt.kernels import compiled

SHAPLEY = gt.NormalFormGame.bimatrix(np.eye(3, dtype=int), np.roll(np.eye(3, dtype=int), 1, axis=1))


def test_regret_shrinks_in_zero_sum_games():
    # Robinson 1951: the empirical frequencies approach the value of every matrix game.
    rng = np.random.default_rng(0)
    for _ in range(10):
        game = gt.NormalFormGame.zero_sum(rng.integers(-5, 6, size=(4, 5)))
        short = fictitious_play(game, steps=100).equilibrium.regrets.sum()
        long = fictitious_play(game, steps=40_000).equilibrium.regrets.sum()
        assert long <= max(0.15, 0.5 * short)


def test_shapleys_game_cycles_with_growing_runs():
    # Shapley 1964: runs of one action profile grow geometrically, so the frequencies never settle.
    actions = fictitious_play(SHAPLEY, steps=2000, first_actions=(0, 1)).actions
    changes = np.flatnonzero((actions[1:] != actions[:-1]).any(axis=1))
    runs = np.diff(changes)
    assert runs[-1] > 5 * runs[len(runs) // 2]


def test_three_players_in_a_potential_game_reach_a_pure_equilibrium():
    rewards = np.random.default_rng(1).integers(0, 50, size=(3, 3, 3))
    run = fictitious_play(gt.NormalFormGame.common_interest(rewards), steps=500)
    last = [np.eye(3)[a] for a in run.actions[-1]]
    assert gt.certify(gt.NormalFormGame.common_interest(rewards), last).epsilon == 0


def test_many_players_and_two_players_play_alike():
    two = gt.NormalFormGame.bimatrix([[3, 0, 1], [1, 2, 0]], [[1, 4, 2], [3, 0, 2]])
    padded = gt.NormalFormGame(np.concatenate([two.payoffs[..., None], np.zeros((1, 2, 3, 1))]))
    assert np.array_equal(fictitious_play(two, steps=300).actions, fictitious_play(padded, steps=300).actions[:, :2])


def test_both_gears_play_the_same_actions():
    rng = np.random.default_rng(2)
    A, B = rng.random((3, 4)), rng.random((3, 4))
    results = []
    for play in (play_two, compiled(play_two)):
        actions = np.zeros((200, 2), dtype=np.int64)
        play(np.ascontiguousarray(A.T), B, np.zeros(3), np.zeros(4), actions, 0, 200)
        results.append(actions)
    assert np.array_equal(*results)


def test_the_path_ends_in_the_profile():
    run = fictitious_play(SHAPLEY, steps=50)
    assert np.allclose(run.path(0)[-1], run.profile[0])


@pytest.mark.parametrize("steps", [0, -3])
def test_no_steps_is_an_error(steps):
    with pytest.raises(gt.GameError, match="give a whole number from 1"):
        fictitious_play(SHAPLEY, steps=steps)


def test_unknown_first_actions_are_an_error():
    with pytest.raises(gt.GameError, match="first_actions is"):
        fictitious_play(SHAPLEY, first_actions=(0, 3))
