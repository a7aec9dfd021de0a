"""Optimal commitment in two-player games: one linear program for each reply of the follower.

For every action j of the follower the leader's best strategy among those to which j is a best reply
solves ``max_x sum_i x_i A_ij`` subject to ``sum_i x_i (B_ik - B_ij) <= 0`` for every k; the best of these
optima is the strong Stackelberg outcome, the follower's ties broken for the leader. Programs are tried in
the order of the most that the leader could get, and end when no later one can do better. Exact games of
moderate size are solved in exact arithmetic.

References
----------
Conitzer, V. and Sandholm, T. (2006). Computing the optimal strategy to commit to. Proceedings of the 7th
ACM Conference on Electronic Commerce.
von Stengel, B. and Zamir, S. (2010). Leadership games with convex strategy sets. Games and Economic
Behavior 69, 446-457.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE, relative_epsilon
from marlgt.concepts.commitment import checked_leader, leader_payoffs, stackelberg_shortfalls
from marlgt.equilibria import Equilibrium
from marlgt.errors import NotConverged
from marlgt.exact_programs import EXACT_CELLS, common_integers, maximize_exactly
from marlgt.games._comparable import comparable_payoffs, slack_of
from marlgt.games._doors import require_game
from marlgt.games._exact import exact_unit
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import stopwatch

__all__ = ["stackelberg", "stackelberg_pure"]


def stackelberg(game: NormalFormGame, *, leader: int = 0) -> Equilibrium:
    """Return the leader's best mixed commitment and the follower's reply (strong Stackelberg).

    Parameters
    ----------
    game : NormalFormGame
        With two players.
    leader : int

    Returns
    -------
    Equilibrium
        Its regrets are what the follower gains by replying better and the leader by committing better,
        recomputed by another linear program.

    Raises
    ------
    UnsupportedGame
        If the game has not two players.
    NotConverged
        If a linear program cannot be solved to the tolerance of certificates.

    Examples
    --------
    Committing to her second action two times in three makes the follower choose his first.

    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[2, 0, 0], [1, 0, 0]], [[0, 2, 5], [0, -1, -4]])
    >>> print(stackelberg(g))
    stackelberg (1/3, 2/3) (1, 0, 0)  values (1.33333, 0)  epsilon 0 (exact)  [stackelberg]
    """
    require_game(game)
    clock = stopwatch()
    leader = checked_leader(game, leader)
    m, n = game.n_actions if leader == 0 else game.n_actions[::-1]
    exact = game.is_exact and (n + 1) * (m + 1) <= EXACT_CELLS
    own, other = leader_payoffs(game.fractions if exact else game.payoffs, leader)
    solve = _exact_commitment if exact else _float_commitment
    best: tuple[Any, NDArray[Any], int] | None = None
    programs = 0
    ceilings = own.max(axis=0)
    for reply in sorted(range(n), key=lambda j: -ceilings[j]):
        if best is not None and ceilings[reply] <= best[0]:
            break
        programs += 1
        commitment = solve(own[:, reply], other, reply)
        if commitment is None:
            continue
        value = commitment @ own[:, reply]
        if best is None or value > best[0]:
            best = (value, commitment, reply)
    if best is None:
        raise NotConverged("HiGHS found no commitment with a best reply, though every commitment has one")
    return _certified(game, leader, best[1], best[2], {"programs": programs}, clock, mixed=True)


def stackelberg_pure(game: NormalFormGame, *, leader: int = 0) -> Equilibrium:
    """Return the leader's best pure commitment and the follower's reply, ties broken for the leader.

    Parameters
    ----------
    game : NormalFormGame
        With two players.
    leader : int

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[2, 4], [1, 3]], [[1, 0], [0, 1]])
    >>> print(stackelberg_pure(g))
    stackelberg (0, 1) (0, 1)  values (3, 1)  epsilon 0 (exact)  [stackelberg_pure]
    """
    require_game(game)
    clock = stopwatch()
    leader = checked_leader(game, leader)
    own, other = leader_payoffs(comparable_payoffs(game), leader)
    ties = other >= other.max(axis=1, keepdims=True) - slack_of(game, 0.0, player=1 - leader)
    row, reply = max(zip(*(k.tolist() for k in np.nonzero(ties))), key=lambda pair: own[pair])
    return _certified(game, leader, exact_unit(len(own), row), reply, {"profiles": own.size}, clock, mixed=False)


def _exact_commitment(own: NDArray[Any], other: NDArray[Any], reply: int) -> NDArray[Any] | None:
    rows = np.delete(other - other[:, [reply]], reply, axis=1).T
    matrix = np.vstack([common_integers(rows), np.array([[1] * len(own)], dtype=object)])
    bounds = np.array([0] * len(rows) + [1], dtype=object)
    # With every payoff positive the optimum uses up sum x <= 1, unless only x = 0 is feasible.
    commitment = maximize_exactly(common_integers(own - own.min() + 1), matrix, bounds)
    return commitment if sum(commitment) == 1 else None


def _float_commitment(own: NDArray[Any], other: NDArray[Any], reply: int) -> NDArray[Any] | None:
    from marlgt.linear_programs import solve_linear_program

    rows = np.delete(other - other[:, [reply]], reply, axis=1).T
    largest = np.abs(rows).max(initial=0.0) or 1.0
    spread = float(own.max() - own.min()) or 1.0
    program = solve_linear_program(
        (own - own.min()) / spread,
        matrix=np.vstack([rows / largest, np.ones((1, len(own)))]),
        row_lower=np.append(np.full(len(rows), -np.inf), 1.0),
        row_upper=np.append(np.zeros(len(rows)), 1.0),
        maximize=True,
    )
    if program.status != "optimal":
        return None
    commitment = np.maximum(program.x, 0.0)
    return np.asarray(commitment / commitment.sum())


def _certified(
    game: NormalFormGame,
    leader: int,
    commitment: NDArray[Any],
    reply: int,
    work: dict[str, int],
    clock: Callable[[], float],
    *,
    mixed: bool,
) -> Equilibrium:
    answer = exact_unit(game.n_actions[1 - leader], reply)
    pair: Sequence[NDArray[Any]] = (commitment, answer) if leader == 0 else (answer, commitment)
    floats = tuple(np.asarray(p, dtype=np.float64) for p in pair)
    for strategy in floats:
        strategy.flags.writeable = False
    rational = game.is_exact and commitment.dtype == object
    shortfalls, exact = stackelberg_shortfalls(game, pair if rational else floats, leader=leader, mixed=mixed)
    outcome = Equilibrium(
        concept="stackelberg",
        profile=floats,
        joint=None,
        values=game.values(floats),
        regrets=shortfalls,
        exact=exact,
        method="stackelberg" if mixed else "stackelberg_pure",
        exact_profile=tuple(pair) if rational else None,
        work=work,
        seconds=clock(),
    )
    if relative_epsilon(game, outcome) > TOLERANCE:
        raise NotConverged(
            f"the best commitment found falls short by {outcome.epsilon:.1e}: use answer.best as it is", best=outcome
        )
    return outcome
