"""Support enumeration: the equilibria of a two-player game by guessing who plays what.

In a nondegenerate game the two strategies of an equilibrium have supports S and T of one size, and are
the only ones that make the opponent's support indifferent (von Stengel 2007, algorithm 3.4). So for
every pair of supports of equal size two square systems are solved, and their solutions kept if they
are positive and no action outside the supports does better.

Pairs are passed over where an action of a support is conditionally dominated: where another action of
that player does strictly better against every action in the opponent's support (Porter, Nudelman and
Shoham 2008).

In a degenerate game there may be equilibria with supports of different sizes, and infinitely many; of
those only the ones with supports of equal size and nonsingular systems are found, and the result says
that it is not complete. :func:`~marlgt.solvers.vertices.vertex_enumeration` finds the rest.

References
----------
von Stengel, B. (2007). Equilibrium computation for two-player games in strategic and extensive form.
In: Algorithmic Game Theory, Cambridge University Press, ch. 3.
Porter, R., Nudelman, E. and Shoham, Y. (2008). Simple search methods for finding a Nash equilibrium.
Games and Economic Behavior 63, 642-662.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from math import comb

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE, certified_pairs, relative_epsilon
from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import BudgetExceeded, UnsupportedGame
from marlgt.games._comparable import comparable_payoffs
from marlgt.games._doors import require_budget, require_game
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import gear
from marlgt.progress import progress, stopwatch
from marlgt.solvers._polytope_pair import PolytopePair
from marlgt.solvers._support_kernel import EXHAUSTED, search
from marlgt.solvers.degeneracy import is_degenerate

__all__ = ["support_enumeration"]

STEPS_PER_PAIR = 100.0
"""Predicted inner-loop steps that one pair of supports costs."""

PAIRS_PER_CALL = {True: 500, False: 100_000}
"""Pairs visited between two returns to Python, by whether the kernel is interpreted."""

FOUND_PER_CALL = 64

POSITIVE = 1e-10
"""Least probability of an action of a support in a game of floats."""

CLOSE = 1e-6

CANDIDATE = -1e-7
"""The same in an exact game, where the candidate is then solved for, and judged, exactly."""


def support_enumeration(game: NormalFormGame, *, budget: float | None = 5_000_000) -> Equilibria:
    """Return the equilibria of a two-player game with supports of equal size: all, if it is nondegenerate.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    budget : float, optional
        The most pairs of supports; an m-by-n game has C(m + n, n) - 1. None streams: the result yields
        each equilibrium when it is found, and Ctrl-C ends the search.

    Returns
    -------
    Equilibria
        Small supports first. ``complete`` only if the game is nondegenerate and no two payoffs that a
        player chooses between are closer than 1e-6 of the payoff range without being equal: the supports
        are searched in floats, which could not tell.

    Raises
    ------
    UnsupportedGame
        If the game does not have two players.
    BudgetExceeded
        If there are more pairs of supports than the budget.

    Examples
    --------
    >>> import marlgt as gt
    >>> for e in support_enumeration(gt.NormalFormGame.bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]])):
    ...     print(e)
    nash (1, 0) (1, 0)  values (3, 2)  epsilon 0 (exact)  [support_enumeration]
    nash (0, 1) (0, 1)  values (2, 3)  epsilon 0 (exact)  [support_enumeration]
    nash (3/5, 2/5) (2/5, 3/5)  values (1.2, 1.2)  epsilon 0 (exact)  [support_enumeration]
    """
    require_game(game)
    if game.n_players != 2:
        raise UnsupportedGame(
            f"support_enumeration needs a two-player game, got {game.n_players} players: "
            "use marlgt.solve, which picks a method"
        )
    m, n = game.n_actions
    pairs = comb(m + n, n) - 1
    require_budget(budget, "support pairs")
    if budget is not None and pairs > budget:
        raise BudgetExceeded(
            f"support_enumeration on {m}×{n} visits {pairs:.1e} support pairs, above the budget of {budget:.1e}; "
            "use vertex_enumeration up to about 17×17, lemke_howson or lemke_howson_race for one equilibrium, "
            "or pass budget=None to stream",
            estimate=float(pairs),
            limit=float(budget),
        )
    found = Equilibria(concept="nash", method="support_enumeration", stream=_stream(game, pairs))
    if budget is not None:
        len(found)
    return found


def _stream(game: NormalFormGame, pairs: int) -> Generator[Equilibrium, None, bool]:
    """Yield equilibria by size of support; return whether they are all."""
    elapsed = stopwatch()
    kept = _undominated(game)
    a, b = _positive(game, kept)
    m, n = a.shape
    run = gear(search, min(pairs, comb(m + n, n)) * STEPS_PER_PAIR)
    chunk = PAIRS_PER_CALL[run is search]
    pair = PolytopePair(game)
    positive = CANDIDATE if game.is_exact else POSITIVE
    visited = total = 0
    with progress("support enumeration", total=float(comb(m + n, n) - 1)) as report:
        for size in range(1, min(m, n) + 1):
            rows, columns = np.arange(size), np.arange(size)
            state = np.zeros(4, dtype=np.int64)
            workspace = np.empty((size, size + 1))
            available = np.empty(n, dtype=np.int64)
            supports = np.empty((FOUND_PER_CALL, 2, size), dtype=np.int64)
            status = -1
            while status != EXHAUSTED:
                status = run(a, b, rows, columns, available, state, workspace, supports, positive, chunk)
                for k in range(int(state[2])):
                    played = kept[0][supports[k, 0]], kept[1][supports[k, 1]]
                    work = {"support_pairs": visited + int(state[3])}
                    answer = _proven(game, pair, played, work, elapsed())
                    if answer is not None:
                        total += 1
                        yield answer
                state[2] = 0
                report(visited + float(state[3]), f"{total} found")
            visited += int(state[3])
    return _payoffs_are_apart(game) and _nondegenerate(game)


def _proven(
    game: NormalFormGame,
    pair: PolytopePair,
    supports: tuple[NDArray[np.int64], NDArray[np.int64]],
    work: Mapping[str, int],
    seconds: float,
) -> Equilibrium | None:
    """Solve for the strategies with the given supports, and certify them if they are an equilibrium."""
    m = game.n_actions[0]
    rows = sum(1 << int(i) for i in supports[0])
    columns = sum(1 << (m + int(j)) for j in supports[1])
    try:
        x = pair.strategies(0, [pair.origins[0] & ~rows | columns])[0]
        y = pair.strategies(1, [pair.origins[1] & ~columns | rows])[0]
    except ArithmeticError:
        # The system is singular, which rounding had hidden.
        return None
    if not (min(x[supports[0]]) > 0 and min(y[supports[1]]) > 0):
        return None
    answer = certified_pairs(game, [(x, y)], method="support_enumeration", work=work, seconds=seconds)[0]
    return answer if relative_epsilon(game, answer) <= (0.0 if answer.exact else TOLERANCE) else None


def _nondegenerate(game: NormalFormGame) -> bool:
    try:
        return not is_degenerate(game)
    except BudgetExceeded:
        return False


def _payoffs_are_apart(game: NormalFormGame) -> bool:
    """Tell whether any two payoffs between which a player chooses are equal, or differ enough for floats."""
    payoffs = comparable_payoffs(game)
    for player, spread in enumerate(game.payoff_range.tolist()):
        rounding = float(np.finfo(np.float64).eps) * float(np.abs(game.payoffs[player]).max())
        if spread > 0 and CLOSE * spread < max(rounding, float(np.finfo(np.float64).smallest_subnormal)):
            return False
        ordered = np.sort(payoffs[player], axis=player)
        gaps = np.diff(ordered, axis=player)
        if any(0 < gap < CLOSE * spread for gap in gaps.reshape(-1).tolist()):
            return False
    return True


def _undominated(game: NormalFormGame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the actions that survive iterated elimination of those strictly dominated by pure ones."""
    kept = [np.arange(count) for count in game.n_actions]
    shrinking = True
    while shrinking:
        shrinking = False
        for player in (0, 1):
            payoffs = game.payoffs[player][np.ix_(*kept)]
            own = payoffs if player == 0 else payoffs.T
            dominated = (own[None, :, :] > own[:, None, :]).all(axis=2).any(axis=1)
            if dominated.any():
                kept[player] = kept[player][~dominated]
                shrinking = True
    return kept[0], kept[1]


def _positive(
    game: NormalFormGame, kept: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both matrices with payoffs between one and two."""
    result = []
    for payoffs in game.payoffs:
        own = payoffs[np.ix_(*kept)]
        spread = float(np.ptp(own)) or 1.0
        result.append(np.ascontiguousarray((own - own.min()) / spread + 1.0))
    return result[0], result[1]
