"""Flows towards replies: sharp best replies, logit replies, and Boltzmann Q-learning.

With ``v_a`` what action a earns, ``u`` the average, T a temperature in units of payoff and L the logit reply
``L_a = exp(v_a / T) / sum_b exp(v_b / T)``::

    dx / dt    = best reply - x                                       best-response flow (Gilboa and Matsui 1991)
    dx / dt    = L - x                                                logit dynamics (Fudenberg and Levine 1998)
    dx_a / dt  = x_a [(v_a - u) / T - log x_a + sum_b x_b log x_b]    Boltzmann Q-learning (Tuyls et al. 2003)

Rest points of the first are the Nash equilibria; those of the other two, in the interior, are the logit quantal
response equilibria at rationality 1 / T. The third is replicator dynamics with a pull towards even mixing, the
expected motion of Q-learning with Boltzmann exploration as its rate goes to 0; it describes single Q-learners well
only if every action's value is updated equally often, which frequency-adjusted Q-learning (Kaisers and Tuyls 2010)
brings about by dividing an action's rate by its probability.

References
----------
Hofbauer, J. and Hopkins, E. (2005). Learning in perturbed asymmetric games. Games and Economic Behavior 52.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from marlgt.dynamics.flows._flow import Rule, run_flow, spreads
from marlgt.dynamics.flows._flow_kernels import exponential_step
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games._doors import positive
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["best_response_flow", "boltzmann_q_dynamics", "logit_dynamics"]

TIE_SHARE = 1e-12
"""Payoffs within this share of the spread of the best one tie with it: they are rounded."""


@kernel
def best_response_target(offsets: Any, x: Any, v: Any, rates: Any, dx: Any) -> None:
    """Write the best reply: x restricted to the best actions, or those evenly if x plays none of them.

    rates: the slack within which payoffs tie.
    """
    for i in range(offsets.shape[0] - 1):
        best = v[offsets[i]]
        for k in range(offsets[i], offsets[i + 1]):
            best = max(best, v[k])
        played = 0.0
        ties = 0
        for k in range(offsets[i], offsets[i + 1]):
            if v[k] >= best - rates[0]:
                played += x[k]
                ties += 1
        for k in range(offsets[i], offsets[i + 1]):
            if v[k] < best - rates[0]:
                dx[k] = 0.0
            elif played > 0.0:
                dx[k] = x[k] / played
            else:
                dx[k] = 1.0 / ties


@kernel
def logit_field(offsets: Any, x: Any, v: Any, rates: Any, dx: Any) -> None:
    """Write ``L_a - x_a``; rates: the rationality 1 / T."""
    for i in range(offsets.shape[0] - 1):
        best = v[offsets[i]]
        for k in range(offsets[i], offsets[i + 1]):
            best = max(best, v[k])
        total = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            dx[k] = math.exp(rates[0] * (v[k] - best))
            total += dx[k]
        for k in range(offsets[i], offsets[i + 1]):
            dx[k] = dx[k] / total - x[k]


@kernel
def boltzmann_field(offsets: Any, x: Any, v: Any, rates: Any, dx: Any) -> None:
    """Write ``x_a [(v_a - u) / T - log x_a + sum_b x_b log x_b]``; rates: the rationality 1 / T."""
    for i in range(offsets.shape[0] - 1):
        average = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            if x[k] > 0.0:
                # What the action is worth with the bonus for rarity.
                dx[k] = rates[0] * v[k] - math.log(x[k])
                average += x[k] * dx[k]
        for k in range(offsets[i], offsets[i + 1]):
            dx[k] = x[k] * (dx[k] - average) if x[k] > 0.0 else 0.0


def best_response_flow(
    game: NormalFormGame,
    *,
    start: Sequence[ArrayLike] | None = None,
    duration: float = 20.0,
    dt: float | None = None,
    record: int = 100,
    joint: bool | None = None,
    one_population: bool = False,
) -> Trajectory:
    """Move every strategy straight towards a best reply, ``dx / dt = BR(x) - x``: fictitious play in continuous time.

    A player with several best replies keeps the proportions in which she plays them, and plays them evenly if she
    plays none: so the rest points are exactly the Nash equilibria. With two players the path is exact up to rounding
    until best replies change more than 100 times a step, which they do within about ``dt / 100`` of an equilibrium
    that paths spiral into; with more players a change is noticed at the end of the step in which it comes.

    Parameters
    ----------
    game : NormalFormGame
    start : profile, optional
    duration : float
        Strategies go to their targets like ``exp(-t)``, whatever the unit of payoffs; 20 leaves 2e-9 of the start.
    dt : float, optional
        The longest step; by default 0.01.
    record, joint, one_population
        As in :func:`~marlgt.dynamics.replicator_dynamics`.

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
    >>> run = gt.dynamics.best_response_flow(gt.games.matching_pennies(), duration=4.0)
    >>> bool(run.last.epsilon < 0.02)
    True

    References
    ----------
    Gilboa, I. and Matsui, A. (1991). Social stability and equilibrium. Econometrica 59. Hofbauer, J. (1995). Stability
    for the best response dynamics. Convergence in zero-sum games, where NashConv shrinks like exp(-t):
    Hofbauer, J. and Sorin, S. (2006). Discrete and Continuous Dynamical Systems B 6.
    """
    rule = Rule(
        "best_response_flow",
        {"field": best_response_target},
        "strategies go to equilibrium in two-player zero-sum and potential games; in Shapley's game they go to a "
        "closed polygon",
        rates=lambda g: (TIE_SHARE * float(spreads(g).max()),),
        speed=lambda _: 5.0,
        step=exponential_step,
    )
    return run_flow(
        game, rule, start=start, duration=duration, dt=dt, record=record, joint=joint, one_population=one_population
    )


def logit_dynamics(
    game: NormalFormGame,
    *,
    temperature: float = 0.1,
    start: Sequence[ArrayLike] | None = None,
    duration: float = 20.0,
    dt: float | None = None,
    record: int = 100,
    joint: bool | None = None,
    one_population: bool = False,
) -> Trajectory:
    """Move every strategy towards the logit reply, ``dx / dt = L(x) - x``: smooth fictitious play in continuous time.

    Parameters
    ----------
    game : NormalFormGame
    temperature : float
        In units of payoff, above 0; rest points are the quantal response equilibria at rationality ``1 / temperature``.
    start, duration, dt, record, joint, one_population
        As in :func:`~marlgt.dynamics.replicator_dynamics`.

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
    >>> game = gt.games.matching_pennies()
    >>> run = gt.dynamics.logit_dynamics(game, temperature=0.5)
    >>> gt.concepts.is_quantal_response(game, run.last.profile, 1 / 0.5, tolerance=1e-6)
    True

    References
    ----------
    Fudenberg, D. and Levine, D. K. (1998). The theory of learning in games. MIT Press, chapter 4. Hofbauer, J. and
    Sandholm, W. H. (2002). On the global convergence of stochastic fictitious play. Econometrica 70.
    """
    rationality = 1.0 / positive(temperature, "temperature")
    rule = Rule(
        "logit_dynamics",
        {"field": logit_field},
        "goes to the quantal response equilibrium of every two-player zero-sum game, and to the set of them in "
        "potential games; cycles in Shapley's game at low temperature",
        rates=lambda _: (rationality,),
        speed=lambda g: 1.0 + rationality * float(spreads(g).max()),
    )
    return run_flow(
        game, rule, start=start, duration=duration, dt=dt, record=record, joint=joint, one_population=one_population
    )


def boltzmann_q_dynamics(
    game: NormalFormGame,
    *,
    temperature: float = 0.1,
    start: Sequence[ArrayLike] | None = None,
    duration: float = 50.0,
    dt: float | None = None,
    record: int = 100,
    joint: bool | None = None,
    one_population: bool = False,
) -> Trajectory:
    """Integrate the expected motion of Q-learning with Boltzmann exploration at a fixed temperature.

    A learning rate only changes the unit of time, which is here one over that rate.

    Parameters
    ----------
    game : NormalFormGame
    temperature : float
        In units of payoff, above 0.
    start, duration, dt, record, joint, one_population
        As in :func:`~marlgt.dynamics.replicator_dynamics`.

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
    >>> game = gt.games.prisoners_dilemma()
    >>> run = gt.dynamics.boltzmann_q_dynamics(game, temperature=1.0, duration=20.0)
    >>> gt.concepts.is_quantal_response(game, run.last.profile, 1.0, tolerance=1e-6)
    True

    References
    ----------
    Tuyls, K., Verbeeck, K. and Lenaerts, T. (2003). A selection-mutation model for Q-learning in multi-agent systems.
    AAMAS. Sato, Y. and Crutchfield, J. P. (2003). Coupled replicator equations for the dynamics of learning in
    multiagent systems. Physical Review E 67. Kaisers, M. and Tuyls, K. (2010). Frequency adjusted multi-agent
    Q-learning. AAMAS.
    """
    rationality = 1.0 / positive(temperature, "temperature")
    rule = Rule(
        "boltzmann_q_dynamics",
        {"field": boltzmann_field},
        "goes to the quantal response equilibrium of every two-player zero-sum game; elsewhere it can cycle at low "
        "temperature",
        rates=lambda _: (rationality,),
        speed=lambda g: 2.0 + rationality * float(spreads(g).max()),
    )
    return run_flow(
        game, rule, start=start, duration=duration, dt=dt, record=record, joint=joint, one_population=one_population
    )
