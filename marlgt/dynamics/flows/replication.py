"""Replicator dynamics: strategies that earn more than the average grow, in proportion to what there is of them.

With ``v_a`` what action a earns against the others and ``u = sum_a x_a v_a`` what the player earns on average::

    dx_a / dt  = x_a (v_a - u)                                              replicator (Taylor and Jonker 1978)
    x_a'       = x_a (b + v_a) / (b + u)                                    in discrete time, background fitness b
    dx_a / dt  = x_a (f_a - phi) + m (phi / A - x_a f_a),  f = b + v        with mutation at rate m
                 phi = sum_a x_a f_a

Rest points in the interior are the interior Nash equilibria; stable rest points are Nash equilibria, and strict ones
are asymptotically stable. In two-player zero-sum games with an interior equilibrium p the distance
``sum_i KL(p_i, x_i)`` stays constant: play goes round for ever, while its time average goes to equilibrium.

References
----------
Taylor, P. D. and Jonker, L. B. (1978). Evolutionary stable strategies and game dynamics. Mathematical Biosciences 40.
Hofbauer, J. and Sigmund, K. (1998). Evolutionary games and population dynamics. Cambridge University Press.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from marlgt.dynamics.flows._flow import Rule, run_flow, run_map, spreads
from marlgt.dynamics.flows._flow_kernels import map_step
from marlgt.dynamics.trajectory import Trajectory
from marlgt.errors import GameError
from marlgt.games._doors import nonnegative, positive
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["discrete_replicator", "replicator_dynamics", "replicator_mutator"]


@kernel
def replicator_field(offsets: Any, x: Any, v: Any, rates: Any, dx: Any) -> None:
    """Write ``x_a (v_a - u)``."""
    for i in range(offsets.shape[0] - 1):
        earned = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            earned += x[k] * v[k]
        for k in range(offsets[i], offsets[i + 1]):
            dx[k] = x[k] * (v[k] - earned)


@kernel
def replicator_mutator_field(offsets: Any, x: Any, v: Any, rates: Any, dx: Any) -> None:
    """Write ``x_a (f_a - phi) + m (phi / A - x_a f_a)``; rates: the mutation m, the background b."""
    for i in range(offsets.shape[0] - 1):
        fitness = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            fitness += x[k] * (rates[1] + v[k])
        fair = fitness / (offsets[i + 1] - offsets[i])
        for k in range(offsets[i], offsets[i + 1]):
            born = x[k] * (rates[1] + v[k])
            dx[k] = born - x[k] * fitness + rates[0] * (fair - born)


@kernel
def replicator_update(
    payoffs: Any, offsets: Any, x: Any, v: Any, memory: Any, rates: Any, work: Any, digits: Any
) -> None:
    """Write ``x_a (b + v_a) / (b + u)``; rates: the background b."""
    for i in range(offsets.shape[0] - 1):
        fitness = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            fitness += x[k] * (rates[0] + v[k])
        for k in range(offsets[i], offsets[i + 1]):
            x[k] = x[k] * (rates[0] + v[k]) / fitness


def replicator_dynamics(
    game: NormalFormGame,
    *,
    start: Sequence[ArrayLike] | None = None,
    duration: float = 50.0,
    dt: float | None = None,
    record: int = 100,
    joint: bool | None = None,
    one_population: bool = False,
) -> Trajectory:
    """Integrate the replicator equation, ``dx_a / dt = x_a (v_a - u)``.

    The time average of play has vanishing regret, at most ``log(1 / smallest start) / duration`` for each player.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players; or a batch from :func:`~marlgt.dynamics.many`.
    start : profile, optional
        An action of probability 0 stays at 0. By default inside, off the centre.
    duration : float
        In units of time; a payoff is a rate, so doubling payoffs halves the time that anything takes.
    dt : float, optional
        The longest step of the Runge-Kutta method; by default 0.05 divided by the largest spread of payoffs.
    record : int
        How many times are recorded, evenly spaced, after the start.
    joint : bool, optional
        Whether to keep the average joint distribution; by default where there are at most 10,000 action profiles.
    one_population : bool
        One state for both players of a symmetric game (Maynard Smith's setting): asymmetric equilibria do not attract.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range, and for a dt so long that strategies leave the simplex.
    UnsupportedGame
        For one population in a game that is not symmetric with two players.

    Examples
    --------
    In rock paper scissors play circles round the equilibrium; its average goes there:

    >>> import marlgt as gt
    >>> run = gt.dynamics.replicator_dynamics(gt.games.rock_paper_scissors(), duration=50.0)
    >>> bool(run.nash_conv_current[-1] > 0.3), bool(run.nash_conv[-1] < 0.05)
    (True, True)

    References
    ----------
    Taylor and Jonker (1978); for two populations Taylor, P. D. (1979), J. Applied Probability 16. The bound on regret:
    Hofbauer, J., Sorin, S. and Viossat, Y. (2009). Time average replicator and best-reply dynamics. Math. of OR 34.
    """
    rule = Rule(
        "replicator_dynamics",
        {"field": replicator_field},
        "average regret at most log(1 / smallest start) / time; dominated actions vanish; interior equilibria of "
        "two-player zero-sum games are circled for ever at a constant KL divergence",
    )
    return run_flow(
        game, rule, start=start, duration=duration, dt=dt, record=record, joint=joint, one_population=one_population
    )


def replicator_mutator(
    game: NormalFormGame,
    *,
    mutation: float = 0.01,
    background: float = 0.0,
    start: Sequence[ArrayLike] | None = None,
    duration: float = 50.0,
    dt: float | None = None,
    record: int = 100,
    joint: bool | None = None,
    one_population: bool = False,
) -> Trajectory:
    """Integrate the replicator equation with uniform mutation of what is born.

    Offspring of an action with fitness ``f_a`` mutate with probability ``mutation`` to an action drawn evenly, so
    that no action dies out. Fitness is counted from the player's lowest payoff, plus ``background``: here, unlike in
    the replicator equation, a constant added to all payoffs matters.

    Parameters
    ----------
    game : NormalFormGame
    mutation : float
        From 0 to 1.
    background : float
        Fitness of the lowest payoff, at least 0.
    start, duration, dt, record, joint, one_population
        As in :func:`replicator_dynamics`.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    Mutation stills the circling of rock paper scissors:

    >>> import marlgt as gt
    >>> run = gt.dynamics.replicator_mutator(gt.games.rock_paper_scissors(), mutation=0.2)
    >>> bool(run.nash_conv_current[-1] < 1e-3)
    True

    References
    ----------
    Hadeler, K. P. (1981). Stable polymorphisms in a selection model with mutation. SIAM J. Applied Mathematics 41.
    Bomze, I. M. and Buerger, R. (1995). Stability by mutation in evolutionary games. Games and Economic Behavior 11.
    """
    mutation, background = nonnegative(mutation, "mutation"), nonnegative(background, "background")
    if mutation > 1.0:
        raise GameError(f"mutation is {mutation:g}: give a probability, from 0 to 1")
    rule = Rule(
        "replicator_mutator",
        {"field": replicator_mutator_field},
        "no action dies out; rest points are near, not at, Nash equilibria, and go there with the mutation rate",
        rates=lambda _: (mutation, background),
        speed=lambda g: float(spreads(g).max()) + background,
    )
    return run_flow(
        game, rule, start=start, duration=duration, dt=dt, record=record, joint=joint, one_population=one_population
    )


def discrete_replicator(
    game: NormalFormGame,
    *,
    background: float = 1.0,
    start: Sequence[ArrayLike] | None = None,
    steps: int = 1000,
    record: int = 100,
    joint: bool | None = None,
    one_population: bool = False,
) -> Trajectory:
    """Iterate ``x_a -> x_a (b + v_a) / (b + u)`` with payoffs counted from each player's lowest.

    The background fitness b sets the length of the steps: for large b a step is one of ``1 / b`` of the replicator
    equation. Unlike that equation, the map spirals away from interior equilibria of zero-sum games.

    Parameters
    ----------
    game : NormalFormGame
    background : float
        Fitness of the lowest payoff, above 0.
    start : profile, optional
    steps : int
        Generations.
    record : int
        How many times are recorded, evenly spaced, after the start.
    joint, one_population
        As in :func:`replicator_dynamics`.

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
    >>> run = gt.dynamics.discrete_replicator(gt.games.prisoners_dilemma(), steps=200)
    >>> bool(run.last.epsilon < 1e-9)
    True

    References
    ----------
    Hofbauer and Sigmund (1998), section 7.1 on the equation; Akin, E. and Losert, V. (1984). Evolutionary dynamics of
    zero-sum games. J. Mathematical Biology 20, on the map.
    """
    background = positive(background, "background")
    rule = Rule(
        "discrete_replicator",
        {"update": replicator_update},
        "the average payoff of common-interest games never falls; interior equilibria of zero-sum games repel",
        rates=lambda _: (background,),
        step=map_step,
    )
    return run_map(game, rule, start=start, steps=steps, record=record, joint=joint, one_population=one_population)
