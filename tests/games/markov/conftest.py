"""The judges of known values: value iteration as Shapley (1953) defines it, and planning."""

import numpy as np
import pytest

from marlgt.solvers import minimax, minimax_batch


def _shapley_values(game, *, tolerance=1e-11):
    """Return what each state is worth to player 0 of a zero-sum game."""
    values = np.zeros(game.n_states)
    while True:
        both = np.stack([values, -values])
        if game.all_legal:
            following = minimax_batch(game.action_values(both)[0]).values
        else:
            following = np.array([minimax(game.stage_game(s, both)).values[0] for s in range(game.n_states)])
        following = np.where(game.terminal, 0.0, following)
        change = np.abs(following - values).max()
        values = following
        if change <= tolerance * (1 - game.discount):
            return values


def _planned_values(game, *, tolerance=1e-11):
    """Return what each state is worth if the players act together to raise the sum of rewards."""
    values = np.zeros((game.n_players, game.n_states))
    sums = np.zeros(game.n_states)
    while True:
        values[0], values[1:] = sums, 0.0
        worth = game.action_values(values)
        worth = game.rewards.sum(axis=0) + worth[0] - game.rewards[0]
        worth = np.where(game.played, worth, -np.inf).reshape(game.n_states, -1).max(axis=1)
        following = np.where(game.terminal, 0.0, worth)
        change = np.abs(following - sums).max()
        sums = following
        if change <= tolerance * (1 - game.discount):
            return sums


@pytest.fixture(scope="session")
def shapley_values():
    """The function that gives the values of a zero-sum game."""
    return _shapley_values


@pytest.fixture(scope="session")
def planned_values():
    """The function that gives the values of a game whose players act as one."""
    return _planned_values
