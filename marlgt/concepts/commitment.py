"""Stackelberg commitment in two-player games: how far a profile is from the best commitment.

The leader commits to a strategy, which the follower sees and answers with a best reply, ties broken for
the leader (strong Stackelberg). A profile is such an outcome when the follower's reply is best and no
commitment earns the leader more. The best commitment's value is that of one linear program over joint
distributions in which only the follower's recommendations need to be incentive compatible (Conitzer and
Korzhyk 2011)::

    max sum_ij q_ij A_ij   s.t.   sum_i q_ij (B_ik - B_ij) <= 0 for all j, k,   sum q = 1,  q >= 0

with A the leader's and B the follower's payoffs. The solver solves other programs, so that this one
checks it.

References
----------
Conitzer, V. and Sandholm, T. (2006). Computing the optimal strategy to commit to. Proceedings of the 7th
ACM Conference on Electronic Commerce.
Conitzer, V. and Korzhyk, D. (2011). Commitment to correlated strategies. Proceedings of the 25th AAAI
Conference on Artificial Intelligence.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.concepts.deviations import values_and_regrets
from marlgt.errors import NotConverged, UnsupportedGame
from marlgt.exact_programs import EXACT_CELLS, common_integers, maximize_exactly
from marlgt.games._comparable import checked_player, slack_of
from marlgt.games._doors import require_game
from marlgt.games._profiles import checked_profile, exact_profile
from marlgt.games.normal_form import NormalFormGame

__all__ = ["is_stackelberg", "leader_payoffs", "stackelberg_shortfalls", "stackelberg_value"]


def leader_payoffs(payoffs: NDArray[Any], leader: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the leader's and the follower's payoffs with the leader's actions as rows, unchecked."""
    return (payoffs[0], payoffs[1]) if leader == 0 else (payoffs[1].T, payoffs[0].T)


def checked_leader(game: NormalFormGame, leader: int) -> int:
    """Return the leader's index in a two-player game.

    Raises
    ------
    UnsupportedGame
        If the game has not two players.
    GameError
        If the leader is none of them.
    """
    if game.n_players != 2:
        raise UnsupportedGame(
            f"commitment is defined here for one leader and one follower, the game has {game.n_players} players: "
            "merge the followers, or ask for a correlated equilibrium with the objective libertarian"
        )
    return checked_player(game, leader, "leader")


def stackelberg_value(game: NormalFormGame, *, leader: int = 0) -> float:
    """Return what the leader gets from the best mixed commitment.

    Parameters
    ----------
    game : NormalFormGame
        With two players.
    leader : int

    Raises
    ------
    UnsupportedGame
        If the game has not two players.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[2, 0, 0], [1, 0, 0]], [[0, 2, 5], [0, -1, -4]])
    >>> round(stackelberg_value(g), 9)
    1.333333333
    """
    require_game(game)
    return float(_value(game, checked_leader(game, leader))[0])


def is_stackelberg(
    game: NormalFormGame, profile: Sequence[ArrayLike], *, leader: int = 0, tolerance: float = 1e-9
) -> bool:
    """Tell whether a profile is a strong Stackelberg outcome.

    Parameters
    ----------
    game : NormalFormGame
        With two players.
    profile : sequence of 2 array_like
        In player order.
    leader : int
    tolerance : float
        Largest shortfall, as a share of the player's payoff range.
    """
    require_game(game)
    shortfalls, _ = stackelberg_shortfalls(game, profile, leader=leader)
    return bool((shortfalls <= tolerance * game.payoff_range).all())


def stackelberg_shortfalls(
    game: NormalFormGame, profile: Sequence[ArrayLike], *, leader: int = 0, mixed: bool = True
) -> tuple[NDArray[np.float64], bool]:
    """Return what the follower gains by replying better and the leader by committing better, shape (2,).

    Parameters
    ----------
    game : NormalFormGame
        With two players.
    profile : sequence of 2 array_like
        In player order.
    leader : int
    mixed : bool
        Whether the leader may commit to mixed strategies; if False, only pure ones compete.

    Returns
    -------
    shortfalls : ndarray, shape (2,)
        In player order, in units of payoff, never below zero.
    exact : bool
        Whether both were computed in rational arithmetic.
    """
    require_game(game)
    leader = checked_leader(game, leader)
    checked = checked_profile(game, profile)
    best, exact = _value(game, leader) if mixed else _pure_value(game, leader)
    fractions = exact_profile(profile) if exact else None
    values, regrets = values_and_regrets(game.payoffs if fractions is None else game.fractions, fractions or checked)
    shortfalls = np.zeros(2)
    shortfalls[leader] = max(float(best - values[leader]), 0.0)
    shortfalls[1 - leader] = max(float(regrets[1 - leader]), 0.0)
    return shortfalls, fractions is not None


def _pure_value(game: NormalFormGame, leader: int) -> tuple[Any, bool]:
    payoffs = game.fractions if game.is_exact else game.payoffs
    own, other = leader_payoffs(payoffs, leader)
    slack = slack_of(game, 0.0, player=1 - leader)
    reached = [max(u for u, v in zip(row, reply) if v >= max(reply) - slack) for row, reply in zip(own, other)]
    return max(reached), game.is_exact


def _value(game: NormalFormGame, leader: int) -> tuple[Any, bool]:
    """Return the optimum of the program in the module's docstring, and whether it is exact."""
    m, n = game.n_actions if leader == 0 else game.n_actions[::-1]
    if game.is_exact and (n * (n - 1) + 2) * (m * n + 1) <= EXACT_CELLS:
        own, other = leader_payoffs(game.fractions, leader)
        lowest = own.min()
        # With every payoff positive the optimum uses up sum q <= 1.
        joint = maximize_exactly(
            common_integers(own - lowest + 1).reshape(-1),
            np.vstack([common_integers(_follower_rows(other)), np.full((1, m * n), 1, dtype=object)]),
            np.array([0] * (n * (n - 1)) + [1], dtype=object),
        )
        return Fraction(joint @ own.reshape(-1)), True
    from marlgt.linear_programs import solve_linear_program

    own, other = leader_payoffs(game.payoffs, leader)
    spread = float(game.payoff_range[leader]) or 1.0
    rows = _follower_rows(other / (float(game.payoff_range[1 - leader]) or 1.0))
    program = solve_linear_program(
        (own - own.min()).reshape(-1) / spread,
        matrix=np.vstack([rows, np.ones((1, m * n))]),
        row_lower=np.append(np.full(len(rows), -np.inf), 1.0),
        row_upper=np.append(np.zeros(len(rows)), 1.0),
        maximize=True,
    )
    if program.status != "optimal":
        raise NotConverged(f"the linear program of the best commitment ended {program.status}")
    return program.objective * spread + float(own.min()), False


def _follower_rows(other: NDArray[Any]) -> NDArray[Any]:
    """Return the rows ``sum_i q_ij (B_ik - B_ij)``, k != j, over the flattened q."""
    m, n = other.shape
    rows = np.zeros((n * (n - 1), m, n), dtype=other.dtype)
    pairs = [(j, k) for j in range(n) for k in range(n) if k != j]
    for row, (j, k) in zip(rows, pairs):
        row[:, j] = other[:, k] - other[:, j]
    return rows.reshape(len(pairs), m * n)
