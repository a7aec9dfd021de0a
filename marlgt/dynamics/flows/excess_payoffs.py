"""Flows that payoff differences drive straight: Brown-von Neumann-Nash, Smith's, and the projection dynamics.

With ``v_a`` what action a earns, ``u`` the average and ``[z]`` the positive part of z::

    dx_a / dt = [v_a - u] - x_a sum_b [v_b - u]                           Brown and von Neumann (1950), Nash (1951)
    dx_a / dt = sum_b x_b [v_a - v_b] - x_a sum_b [v_b - v_a]             Smith (1984), pairwise comparison
    dx / dt   = the direction in which strategies can move nearest to v   Nagurney and Zhang (1997), projection

Their rest points are exactly the Nash equilibria, and payoffs and motion agree: ``sum_a v_a dx_a / dt > 0`` wherever a
player moves (positive correlation). In potential games they therefore climb the potential. The first two bring in
actions that nobody plays, and need not wipe out strictly dominated ones (Hofbauer and Sandholm 2011).

References
----------
Sandholm, W. H. (2010). Population games and evolutionary dynamics. MIT Press, chapters 5 and 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from marlgt.dynamics.flows._flow import Rule, run_flow, spreads
from marlgt.dynamics.flows._flow_kernels import projected
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["brown_von_neumann_nash", "projection_dynamics", "smith_dynamics"]


@kernel
def excess_field(offsets: Any, x: Any, v: Any, rates: Any, dx: Any) -> None:
    """Write ``[v_a - u] - x_a sum_b [v_b - u]``."""
    for i in range(offsets.shape[0] - 1):
        earned = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            earned += x[k] * v[k]
        total = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            dx[k] = max(v[k] - earned, 0.0)
            total += dx[k]
        for k in range(offsets[i], offsets[i + 1]):
            dx[k] -= x[k] * total


@kernel
def smith_field(offsets: Any, x: Any, v: Any, rates: Any, dx: Any) -> None:
    """Write ``sum_b x_b [v_a - v_b] - x_a sum_b [v_b - v_a]``."""
    for k in range(x.shape[0]):
        dx[k] = 0.0
    for i in range(offsets.shape[0] - 1):
        for a in range(offsets[i], offsets[i + 1]):
            for b in range(offsets[i], offsets[i + 1]):
                if v[a] > v[b]:
                    moved = x[b] * (v[a] - v[b])
                    dx[a] += moved
                    dx[b] -= moved


@kernel
def projection_field(offsets: Any, x: Any, v: Any, rates: Any, dx: Any) -> None:
    """Write ``v_a - mean`` on the actions that move, 0 on the others.

    The actions that move are those played and, from the best down, those unplayed that earn above the mean of them.
    """
    for i in range(offsets.shape[0] - 1):
        total = 0.0
        moving = 0
        for k in range(offsets[i], offsets[i + 1]):
            dx[k] = 0.0
            if x[k] > 0.0:
                dx[k] = 1.0
                total += v[k]
                moving += 1
        while True:
            best = -1
            for k in range(offsets[i], offsets[i + 1]):
                if dx[k] == 0.0 and (best < 0 or v[k] > v[best]):
                    best = k
            if best < 0 or v[best] * moving <= total:
                break
            dx[best] = 1.0
            total += v[best]
            moving += 1
        for k in range(offsets[i], offsets[i + 1]):
            if dx[k] == 1.0:
                dx[k] = v[k] - total / moving


def brown_von_neumann_nash(
    game: NormalFormGame,
    *,
    start: Sequence[ArrayLike] | None = None,
    duration: float = 50.0,
    dt: float | None = None,
    record: int = 100,
    joint: bool | None = None,
    one_population: bool = False,
) -> Trajectory:
    """Integrate the flow in which actions gain by what they earn above the average, and all lose in proportion.

    Parameters
    ----------
    game : NormalFormGame
    start, duration, dt, record, joint, one_population
        As in :func:`~marlgt.dynamics.replicator_dynamics`; actions of probability 0 can come in.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = gt.dynamics.brown_von_neumann_nash(gt.games.matching_pennies(), duration=20.0)
    >>> bool(run.last.epsilon < 0.1)
    True

    References
    ----------
    Brown, G. W. and von Neumann, J. (1950). Solutions of games by differential equations. In Contributions to the
    Theory of Games I, 73-79. Hofbauer, J. (2000). From Nash and Brown to Maynard Smith. Selection 1.
    """
    rule = Rule(
        "brown_von_neumann_nash",
        {"field": excess_field},
        "rest points are exactly the Nash equilibria; goes to them in two-player zero-sum and in potential games; "
        "dominated actions can survive",
        speed=lambda g: max(g.n_actions) * float(spreads(g).max()),
    )
    return run_flow(
        game, rule, start=start, duration=duration, dt=dt, record=record, joint=joint, one_population=one_population
    )


def smith_dynamics(
    game: NormalFormGame,
    *,
    start: Sequence[ArrayLike] | None = None,
    duration: float = 50.0,
    dt: float | None = None,
    record: int = 100,
    joint: bool | None = None,
    one_population: bool = False,
) -> Trajectory:
    """Integrate the flow in which players compare pairs of actions and switch at the rate of what they gain.

    Parameters
    ----------
    game : NormalFormGame
    start, duration, dt, record, joint, one_population
        As in :func:`~marlgt.dynamics.replicator_dynamics`; actions of probability 0 can come in.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = gt.dynamics.smith_dynamics(gt.games.rock_paper_scissors(), duration=15.0)
    >>> bool(run.last.epsilon < 0.1)
    True

    References
    ----------
    Smith, M. J. (1984). The stability of a dynamic model of traffic assignment. Transportation Science 18, 245-252.
    """
    rule = Rule(
        "smith_dynamics",
        {"field": smith_field},
        "rest points are exactly the Nash equilibria; goes to them in two-player zero-sum and in potential games; "
        "dominated actions can survive",
        speed=lambda g: max(g.n_actions) * float(spreads(g).max()),
    )
    return run_flow(
        game, rule, start=start, duration=duration, dt=dt, record=record, joint=joint, one_population=one_population
    )


def projection_dynamics(
    game: NormalFormGame,
    *,
    start: Sequence[ArrayLike] | None = None,
    duration: float = 50.0,
    dt: float | None = None,
    record: int = 100,
    joint: bool | None = None,
    one_population: bool = False,
) -> Trajectory:
    """Integrate gradient ascent on each player's own payoff, kept inside her simplex: GIGA in continuous time.

    Inside, ``dx_a / dt = v_a - mean of v``; on the boundary, actions at 0 stay there while they earn less than the
    mean of those that move. With two actions it is infinitesimal gradient ascent at half its speed.

    Parameters
    ----------
    game : NormalFormGame
    start, duration, dt, record, joint, one_population
        As in :func:`~marlgt.dynamics.replicator_dynamics`; where a path meets the boundary a step is of first order.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = gt.dynamics.projection_dynamics(gt.games.prisoners_dilemma(), duration=10.0)
    >>> bool(run.last.epsilon < 1e-9)
    True

    References
    ----------
    Nagurney, A. and Zhang, D. (1997). Projected dynamical systems in the formulation, stability analysis, and
    computation of fixed demand traffic network equilibria. Transportation Science 31. Lahkar, R. and Sandholm, W. H.
    (2008). The projection dynamic and the geometry of population games. Games and Economic Behavior 64.
    """
    rule = Rule(
        "projection_dynamics",
        {"field": projection_field, "settle": projected},
        "rest points are exactly the Nash equilibria; average regret vanishes like 1 / time; interior equilibria of "
        "two-player zero-sum games are circled at a constant distance",
    )
    return run_flow(
        game, rule, start=start, duration=duration, dt=dt, record=record, joint=joint, one_population=one_population
    )
