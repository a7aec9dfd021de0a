"""Gradient ascent that looks ahead: extragradient, optimistic gradients, and the shaping of an opponent's step.

With P the nearest distribution, ``v(x)`` the gradients of all players' payoffs (what each action earns) and a step s::

    y = P(x + s v(x)),  x' = P(x + s v(y))                       extragradient (Korpelevich 1976)
    x_{t+1} = P(x_t + 2 s v(x_t) - s v(x_{t-1}))                  optimistic gradient (Malitsky and Tam 2020)
    x' = P(x + s [A y + h B M A' x])                              opponent shaping in a game (A, B); likewise for y

In the last, ``h M B' x`` is the step that the opponent is expected to make (M takes the mean off, so that it stays a
distribution) and the second term is the gain from changing it, exact for bimatrix games: it is the term that sets
learning with opponent-learning awareness (LOLA) apart. Where plain gradient ascent spirals out of the interior
equilibrium of a two-player zero-sum game, all three go there with small enough steps, the first two in every such game.
The third does not keep to equilibria on the boundary or in general-sum games.

References
----------
Korpelevich, G. M. (1976). The extragradient method for finding saddle points and other problems. Ekonomika i
Matematicheskie Metody 12.
Popov, L. D. (1980). A modification of the Arrow-Hurwicz method for search of saddle points. Mathematical Notes 28.
Daskalakis, C., Ilyas, A., Syrgkanis, V. and Zeng, H. (2018). Training GANs with optimism. ICLR.
Malitsky, Y. and Tam, M. K. (2020). A forward-backward splitting method for monotone inclusions without cocoercivity.
SIAM Journal on Optimization 30.
Foerster, J. N. et al. (2018). Learning with opponent-learning awareness. AAMAS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marlgt.dynamics.flows._flow import Rule, games_of, run_map
from marlgt.dynamics.flows._flow_kernels import action_payoffs, map_step, projected
from marlgt.dynamics.trajectory import Trajectory
from marlgt.errors import UnsupportedGame
from marlgt.games._doors import nonnegative, positive
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["extragradient_ascent", "lola_dynamics", "optimistic_gradient_ascent"]


@kernel
def extragradient_update(
    payoffs: Any, offsets: Any, x: Any, v: Any, memory: Any, rates: Any, work: Any, digits: Any
) -> None:
    """Step from x along the gradient at the end of a trial step; rates: the step."""
    trial = work[1]
    for k in range(x.shape[0]):
        trial[k] = x[k] + rates[0] * v[k]
    projected(offsets, trial)
    action_payoffs(payoffs, offsets, trial, v, digits, work[4], False)
    for k in range(x.shape[0]):
        x[k] += rates[0] * v[k]
    projected(offsets, x)


@kernel
def optimistic_update(
    payoffs: Any, offsets: Any, x: Any, v: Any, memory: Any, rates: Any, work: Any, digits: Any
) -> None:
    """Step along twice this gradient less the last; memory: whether there is a last, and the last; rates: the step."""
    for k in range(x.shape[0]):
        last = memory[1 + k] if memory[0] > 0.0 else v[k]
        x[k] += rates[0] * (2.0 * v[k] - last)
        memory[1 + k] = v[k]
    memory[0] = 1.0
    projected(offsets, x)


@kernel
def shaping_update(payoffs: Any, offsets: Any, x: Any, v: Any, memory: Any, rates: Any, work: Any, digits: Any) -> None:
    """Step along the gradient and the gain from moving the opponent's step; rates: the step, the opponent's step."""
    rows, total = offsets[1], offsets[2]
    columns = total - rows
    # slopes: how one's payoff changes with the opponent's probabilities, A'x for the row player and B y for the other.
    slopes = work[1]
    for k in range(total):
        slopes[k] = 0.0
    for a in range(rows):
        for b in range(columns):
            slopes[rows + b] += payoffs[0, a * columns + b] * x[a]
            slopes[a] += payoffs[1, a * columns + b] * x[rows + b]
    for i in range(2):
        mean = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            mean += slopes[k]
        mean /= offsets[i + 1] - offsets[i]
        for k in range(offsets[i], offsets[i + 1]):
            slopes[k] -= mean
    # B M A'x for the row player, A' M B y for the column player.
    for a in range(rows):
        for b in range(columns):
            v[a] += rates[1] * payoffs[1, a * columns + b] * slopes[rows + b]
            v[rows + b] += rates[1] * payoffs[0, a * columns + b] * slopes[a]
    for k in range(total):
        x[k] += rates[0] * v[k]
    projected(offsets, x)


def extragradient_ascent(
    game: NormalFormGame,
    *,
    step: float = 0.05,
    start: Sequence[ArrayLike] | None = None,
    steps: int = 1000,
    record: int = 100,
    joint: bool | None = None,
) -> Trajectory:
    """Let all players climb along the gradients at the end of a trial step: IGA-PP with one step of foresight.

    Parameters
    ----------
    game : NormalFormGame
    step : float
        Above 0, in units of one over a payoff; convergence in zero-sum games needs it below one over the largest
        singular value of the payoffs.
    start : profile, optional
    steps : int
    record : int
        How many times are recorded, evenly spaced, after the start.
    joint : bool, optional
        Whether to keep the average joint distribution; by default where there are at most 10,000 action profiles.

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
    >>> run = gt.dynamics.extragradient_ascent(gt.games.rock_paper_scissors(), step=0.2)
    >>> bool(run.last.epsilon < 1e-6)
    True

    References
    ----------
    Korpelevich (1976). Zhang, C. and Lesser, V. (2010). Multi-agent learning with policy prediction. AAAI.
    """
    return _ascent("extragradient_ascent", extragradient_update, step, game, start, steps, record, joint)


def optimistic_gradient_ascent(
    game: NormalFormGame,
    *,
    step: float = 0.05,
    start: Sequence[ArrayLike] | None = None,
    steps: int = 1000,
    record: int = 100,
    joint: bool | None = None,
) -> Trajectory:
    """Let all players climb along twice the present gradient less the last one.

    Parameters
    ----------
    game : NormalFormGame
    step : float
        Above 0, in units of one over a payoff; below half of one over the largest singular value in zero-sum games.
    start, steps, record, joint
        As in :func:`extragradient_ascent`.

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
    >>> run = gt.dynamics.optimistic_gradient_ascent(gt.games.rock_paper_scissors(), step=0.2)
    >>> bool(run.last.epsilon < 1e-6)
    True

    References
    ----------
    Malitsky and Tam (2020). Without constraints this is the method of Popov (1980), which has a projection more, and
    the one of Daskalakis et al. (2018).
    """
    return _ascent("optimistic_gradient_ascent", optimistic_update, step, game, start, steps, record, joint)


def lola_dynamics(
    game: NormalFormGame,
    *,
    step: float = 0.01,
    opponent_step: float = 1.0,
    start: Sequence[ArrayLike] | None = None,
    steps: int = 1000,
    record: int = 100,
    joint: bool | None = None,
) -> Trajectory:
    """Let two players climb payoffs and shape each other's next step (learning with opponent-learning awareness).

    The parameters are the probabilities themselves, and the opponent's step is anticipated before it is kept inside
    the simplex; as in the paper, the change of one's gradient along that step is left out.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    step : float
        Above 0, in units of one over a payoff.
    opponent_step : float
        The step that each expects the other to make, at least 0; at 0 this is plain gradient ascent.
    start, steps, record, joint
        As in :func:`extragradient_ascent`.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.
    UnsupportedGame
        For more or fewer than two players.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = gt.dynamics.lola_dynamics(gt.games.matching_pennies(), step=0.05)
    >>> bool(run.last.epsilon < 1e-6)
    True

    References
    ----------
    Foerster et al. (2018). Letcher, A. et al. (2019). Stable opponent shaping in differentiable games.
    ICLR, on games where it fails.
    """
    step, opponent_step = positive(step, "step"), nonnegative(opponent_step, "opponent_step")
    for g in games_of(game):
        if g.n_players != 2:
            raise UnsupportedGame(f"two players shape each other's steps, this game has {g.n_players} players")
    rule = Rule(
        "lola_dynamics",
        {"update": shaping_update},
        "goes to the interior equilibrium of zero-sum games that have one, with small steps; elsewhere rest points "
        "need not be equilibria",
        rates=lambda _: (step, opponent_step),
        step=map_step,
    )
    return run_map(game, rule, start=start, steps=steps, record=record, joint=joint)


def _ascent(
    name: str,
    update: Any,
    step: float,
    game: NormalFormGame,
    start: Sequence[ArrayLike] | None,
    steps: int,
    record: int,
    joint: bool | None,
) -> Trajectory:
    step = positive(step, "step")
    rule = Rule(
        name,
        {"update": update},
        "the strategies themselves go to equilibrium in two-player zero-sum games, for small enough steps",
        rates=lambda _: (step,),
        memory=lambda _, x: np.zeros(1 + len(x)),
        step=map_step,
    )
    return run_map(game, rule, start=start, steps=steps, record=record, joint=joint)
