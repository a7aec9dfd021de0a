"""Equilibria of the stage games of all states, pure ones all at once and mixed ones state by state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marlgt.solvers.stochastic._stage_tables import Floats, StageTables

__all__ = ["best_pure", "pure_equilibria_of_stages"]

TIE = 1e-10
"""Payoffs this close, as a share of the largest, tie: the first profile of actions among them is taken."""


def playable(tables: StageTables) -> NDArray[np.bool_]:
    """Return which profiles of actions can be played in each state, shape (m, A_1, ..., A_n)."""
    return np.asarray(tables.game.played[tables.live])


def pure_equilibria_of_stages(tables: StageTables, worths: Floats) -> NDArray[np.bool_]:
    """Return which profiles of actions are equilibria of the stage games, shape (m, A_1, ..., A_n).

    Parameters
    ----------
    worths : ndarray, shape (n, m, A_1, ..., A_n)
    """
    allowed = playable(tables)
    stable = allowed.copy()
    slack = TIE * max(1.0, float(np.abs(worths).max()))
    for i in range(tables.n_players):
        own = np.where(allowed, worths[i], -np.inf)
        stable &= own >= own.max(axis=1 + i, keepdims=True) - slack
    return stable


def best_pure(
    tables: StageTables, worths: Floats, objective: Floats | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Return which states have a pure stage equilibrium, and the first that is best, as a flat index, shapes (m,).

    Parameters
    ----------
    worths : ndarray, shape (n, m, A_1, ..., A_n)
    objective : ndarray, shape (m, A_1, ..., A_n), optional
        By default the sum of the players' payoffs.
    """
    goal = worths.sum(axis=0) if objective is None else objective
    m = tables.n_states
    stable = pure_equilibria_of_stages(tables, worths).reshape(m, -1)
    reached = np.where(stable, goal.reshape(m, -1), -np.inf)
    top = reached.max(axis=1, keepdims=True)
    slack = TIE * max(1.0, float(np.abs(goal).max()))
    with np.errstate(invalid="ignore"):
        first = (reached >= top - slack).argmax(axis=1)
    return stable.any(axis=1), first
