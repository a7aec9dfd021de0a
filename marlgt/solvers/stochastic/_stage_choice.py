"""Equilibria of the stage games of all states, pure ones all at once and mixed ones state by state."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded
from marlgt.games.normal_form import NormalFormGame
from marlgt.solvers._tensors import regret_of, split, stack, tensor_of
from marlgt.solvers.correlated import correlated_equilibrium
from marlgt.solvers.matrix_game_batch import minimax_batch
from marlgt.solvers.newton import refine, supports_of
from marlgt.solvers.pivoting import lemke_howson, lemke_howson_race
from marlgt.solvers.portfolio import find_one
from marlgt.solvers.stochastic._stage_tables import Floats, StageTables
from marlgt.solvers.vertices import vertex_enumeration

__all__ = [
    "best_pure",
    "correlated_choice",
    "friend_or_foe_choice",
    "nash_choice",
    "pivoting_choice",
    "pure_equilibria_of_stages",
    "stage_groups",
]

StageGroup = tuple[NDArray[np.intp], list[NDArray[np.intp]]]
"""Positions of states, and of each player the legal actions there, shape (positions, number of legal actions)."""

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
    return np.asarray(stable.any(axis=1)), first


def stage_game(tables: StageTables, worths: Floats, position: int) -> tuple[NormalFormGame, list[NDArray[np.intp]]]:
    """Return the stage game of one state over its legal actions, and these for each player."""
    kept = [np.flatnonzero(tables.legal[position, tables.block(i)]) for i in range(tables.n_players)]
    return NormalFormGame(worths[:, position][np.ix_(np.arange(tables.n_players), *kept)]), kept


def nash_choice(tables: StageTables, worths: Floats, before: Floats) -> Floats:
    """Return a Nash equilibrium of every stage game, shape (m, K).

    With two players it is the welfare-best of all, the first in lexicographic order among equals. With more it is the
    welfare-best pure one; where there is none, the one that Newton's method reaches from ``before``, policies of shape
    (m, K); or else that of :func:`marlgt.solvers.find_one`.
    """
    has_pure, chosen = best_pure(tables, worths)
    x = tables.pure(chosen)
    flat = np.where(playable(tables), worths.sum(axis=0), -np.inf).reshape(tables.n_states, -1)
    reached = flat[np.arange(tables.n_states), chosen]
    slack = TIE * max(1.0, float(np.abs(worths).max()))
    settled = has_pure & ((tables.n_players != 2) | (reached >= flat.max(axis=1) - slack))
    for position in np.flatnonzero(~settled).tolist():
        game, kept = stage_game(tables, worths, position)
        guess = [before[position, tables.block(i)][own] for i, own in enumerate(kept)]
        strategies = _welfare_best(game) if game.n_players == 2 else _near_or_any(game, guess)
        x[position] = 0.0
        for i, (own, strategy) in enumerate(zip(kept, strategies)):
            x[position, tables.offsets[i] + own] = strategy
    return x


def pivoting_choice(tables: StageTables, worths: Floats, turn: int) -> Floats:
    """Return the Nash equilibrium of every stage game of two players to which pivoting from one label leads.

    Which one that is changes little with the worths, unlike which is best.

    Parameters
    ----------
    turn : int
        The label to drop: for 0 the first player's first action, for 1 the second's, for 2 and 3 the middle ones.

    Raises
    ------
    NotConverged
        If the pivots ran out.
    """
    x = np.zeros((tables.n_states, tables.size))
    for position in range(tables.n_states):
        game, kept = stage_game(tables, worths, position)
        rows, columns = game.n_actions
        found = lemke_howson(game, label=(0, rows, rows // 2, rows + columns // 2)[turn])
        for i, (own, strategy) in enumerate(zip(kept, found.profile or ())):
            x[position, tables.offsets[i] + own] = strategy
    return x


def correlated_choice(tables: StageTables, worths: Floats, objective: str, player: int) -> Floats:
    """Return a correlated equilibrium of every stage game that is best for the objective, shape (m, A_1, ..., A_n)."""
    m = tables.n_states
    goal = {
        "utilitarian": worths.sum(axis=0),
        "egalitarian": worths.min(axis=0),
        "republican": worths.max(axis=0),
        "libertarian": worths[player],
    }[objective]
    allowed = playable(tables)
    # No distribution can do better than this, so that a pure equilibrium that reaches it is the best of all.
    tops = np.where(allowed, worths, -np.inf).reshape(tables.n_players, m, -1).max(axis=2)
    bound = tops.min(axis=0) if objective == "egalitarian" else np.where(allowed, goal, -np.inf).reshape(m, -1).max(1)
    has_pure, chosen = best_pure(tables, worths, goal)
    slack = TIE * max(1.0, float(np.abs(worths).max()))
    settled = has_pure & (goal.reshape(m, -1)[np.arange(m), chosen] >= bound - slack)
    joint: Floats = np.zeros(worths.shape[1:])
    joint.reshape(m, -1)[np.arange(m), chosen] = 1.0
    for position in np.flatnonzero(~settled).tolist():
        game, kept = stage_game(tables, worths, position)
        found = correlated_equilibrium(game, objective=objective, player=player)
        joint[position] = 0.0
        joint[position][np.ix_(*kept)] = found.joint
    return joint


def stage_groups(tables: StageTables) -> list[StageGroup]:
    """Return the states in groups of one number of legal actions of each player."""
    counts = np.add.reduceat(tables.legal, tables.offsets[:-1], axis=1)
    groups = []
    for shape in np.unique(counts, axis=0):
        positions = np.flatnonzero((counts == shape).all(axis=1))
        legal = [tables.legal[positions, tables.block(i)] for i in range(tables.n_players)]
        groups.append((positions, [np.nonzero(own)[1].reshape(len(positions), -1) for own in legal]))
    return groups


def friend_or_foe_choice(
    tables: StageTables, groups: Sequence[StageGroup], worths: Floats, foes: Sequence[Collection[int]]
) -> tuple[Floats, Floats]:
    """Return each player's part of what is best with her friends against her foes, and its worth to her.

    Returns
    -------
    x : ndarray, shape (m, K)
    values : ndarray, shape (n, m)
    """
    m, n = tables.n_states, tables.n_players
    x, values = np.zeros((m, tables.size)), np.zeros((n, m))
    for positions, kept in groups:
        count = len(positions)
        places = [positions.reshape(-1, *[1] * n)]
        places += [kept[i].reshape(count, *[1] * i, -1, *[1] * (n - 1 - i)) for i in range(n)]
        for i in range(n):
            # The player first, then her friends, then her foes.
            side = [i, *(j for j in range(n) if j != i and j not in foes[i])]
            order = side + [j for j in range(n) if j not in side]
            table = worths[(i, *places)].transpose(0, *(1 + j for j in order))
            rows = int(np.prod(table.shape[1 : 1 + len(side)]))
            batch = minimax_batch(np.ascontiguousarray(table.reshape(count, rows, -1)))
            own = batch.rows.reshape(count, kept[i].shape[1], -1).sum(axis=2)
            x[positions[:, None], tables.offsets[i] + kept[i]] = own
            values[i, positions] = batch.values
    return x, values


def _welfare_best(game: NormalFormGame) -> Sequence[Floats]:
    try:
        answers = vertex_enumeration(game)
        found = list(answers)
    except BudgetExceeded:
        found = []
    else:
        if answers.stopped == "interrupted":
            # Part of the equilibria is an answer for a caller, but no reason to go on here.
            raise KeyboardInterrupt
    if not found:
        return lemke_howson_race(game).profile or ()
    welfare = np.array([float(e.values.sum()) for e in found])
    slack = TIE * max(1.0, float(np.abs(game.payoffs).max()))
    return found[int((welfare >= welfare.max() - slack).argmax())].profile or ()


def _near_or_any(game: NormalFormGame, guess: Sequence[Floats]) -> Sequence[Floats]:
    tensor = tensor_of(game)
    x = stack(guess)
    near, _ = refine(tensor, x, supports_of(tensor, x, share=1e-6), support_changes=3)
    if near is not None and regret_of(tensor, near) <= TIE:
        return split(near, tensor.offsets)
    return find_one(game).profile or ()
