"""Gradient ascent in games of two actions per player: infinitesimal gradient ascent, and win or learn fast.

In a 2x2 game with row payoffs ``r`` and column payoffs ``c``, where the players play their action 0 with probabilities
alpha and beta, payoffs climb at the rates::

    dU_1 / d alpha = u beta + (r_01 - r_11),          u  = r_00 - r_01 - r_10 + r_11
    dU_2 / d beta  = u' alpha + (c_10 - c_11),        u' = c_00 - c_01 - c_10 + c_11

a linear system about ``(alpha*, beta*) = ((c_11 - c_10) / u', (r_11 - r_01) / u)`` with the eigenvalues
``+- sqrt(u u')``: it circles the centre where ``u u' < 0`` and runs from it along one direction where ``u u' > 0``.
Steps along it (IGA) bring the average payoffs to those of an equilibrium; the strategies themselves may circle for
ever. With small steps while winning and large ones while losing (WoLF-IGA) they go to the equilibrium: a quarter turn
shrinks the distance by ``sqrt(l_min / l_max)``.

References
----------
Singh, S., Kearns, M. and Mansour, Y. (2000). Nash convergence of gradient dynamics in general-sum games. UAI.
Bowling, M. and Veloso, M. (2002). Multiagent learning using a variable learning rate. Artificial Intelligence 136.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics.flows._flow import Rule, games_of, run_map
from marlgt.dynamics.flows._flow_kernels import map_step
from marlgt.dynamics.trajectory import Trajectory
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._doors import nonnegative, positive, require_game
from marlgt.games._profiles import checked_profile
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.kernels import kernel

__all__ = ["GradientField", "gradient_field", "infinitesimal_gradient_ascent", "wolf_iga"]


@dataclass(frozen=True)
class GradientField:
    """The linear system that gradient ascent follows inside the unit square of a 2x2 game.

    Attributes
    ----------
    u, u_prime : float
        What one player's gradient gains per unit of the other's probability of action 0.
    constants : tuple of two floats
        The gradients where the other player never plays action 0.
    """

    u: float
    u_prime: float
    constants: tuple[float, float]

    @property
    def centre(self) -> tuple[float, float] | None:
        """The point (alpha*, beta*) at which both gradients vanish, inside the square or not; None if not one."""
        if self.u == 0.0 or self.u_prime == 0.0:
            return None
        return -self.constants[1] / self.u_prime, -self.constants[0] / self.u

    @property
    def eigenvalues(self) -> NDArray[np.complex128]:
        """The two eigenvalues, ``+- sqrt(u u')``."""
        root = np.sqrt(complex(self.u * self.u_prime))
        return np.array([root, -root])

    @property
    def kind(self) -> str:
        """``"circles"`` for imaginary eigenvalues, ``"saddle"`` for real ones, ``"degenerate"`` without a centre."""
        product = self.u * self.u_prime
        return "circles" if product < 0.0 else "saddle" if product > 0.0 else "degenerate"

    def gradient(self, alpha: ArrayLike, beta: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return both players' gradients at strategies given by the probabilities of action 0."""
        first = self.u * np.asarray(beta, dtype=np.float64) + self.constants[0]
        second = self.u_prime * np.asarray(alpha, dtype=np.float64) + self.constants[1]
        return first, second


def gradient_field(game: NormalFormGame) -> GradientField:
    """Return the linear system of gradient ascent in a 2x2 game.

    Raises
    ------
    UnsupportedGame
        For a game of another size.

    Examples
    --------
    >>> import marlgt as gt
    >>> field = gradient_field(gt.games.matching_pennies())
    >>> field.centre, field.kind
    ((0.5, 0.5), 'circles')
    """
    require_game(game)
    if game.n_actions != (2, 2):
        raise UnsupportedGame(f"the gradients are one linear system only in 2 x 2 games, this one is {game.n_actions}")
    r, c = game.payoffs
    return GradientField(
        float(r[0, 0] - r[0, 1] - r[1, 0] + r[1, 1]),
        float(c[0, 0] - c[0, 1] - c[1, 0] + c[1, 1]),
        (float(r[0, 1] - r[1, 1]), float(c[1, 0] - c[1, 1])),
    )


@kernel
def gradient_update(
    payoffs: Any, offsets: Any, x: Any, v: Any, memory: Any, rates: Any, work: Any, digits: Any
) -> None:
    """Move action 0 by ``rate (v_0 - v_1)`` within [0, 1].

    rates: the step, the rates while winning and losing, and per player the probability of action 0 that she compares
    with.
    """
    for i in range(offsets.shape[0] - 1):
        k = offsets[i]
        gradient = v[k] - v[k + 1]
        # U_i(x) - U_i(e_i, x_-i) = (x_0 - e_0) (v_0 - v_1)
        rate = rates[1] if (x[k] - rates[3 + i]) * gradient > 0.0 else rates[2]
        moved = min(max(x[k] + rates[0] * rate * gradient, 0.0), 1.0)
        x[k] = moved
        x[k + 1] = 1.0 - moved


def infinitesimal_gradient_ascent(
    game: NormalFormGame,
    *,
    step: float = 0.01,
    start: Sequence[ArrayLike] | None = None,
    steps: int = 1000,
    record: int = 100,
    joint: bool | None = None,
) -> Trajectory:
    """Let every player climb her own payoff by small steps, ``alpha += step dU / d alpha``, cut to [0, 1].

    Parameters
    ----------
    game : NormalFormGame
        Two actions for every player; any number of players. For more actions there is the projection dynamics.
    step : float
        Above 0, in units of one over a payoff. The theory is about steps that go to 0: of fixed length they spiral
        out of a centre, the slower the smaller they are.
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
    UnsupportedGame
        If a player has more or fewer than two actions.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = gt.dynamics.infinitesimal_gradient_ascent(gt.games.matching_pennies(), steps=5000)
    >>> bool(run.nash_conv_current[-1] > 0.2), bool(run.nash_conv[-1] < 0.05)
    (True, True)

    References
    ----------
    Singh, Kearns and Mansour (2000), theorem 1.
    """
    step = positive(step, "step")
    rule = Rule(
        "infinitesimal_gradient_ascent",
        {"update": gradient_update},
        "with steps that vanish, average payoffs in 2x2 games go to those of an equilibrium; the strategies circle "
        "where u u' < 0",
        rates=lambda g: (step, 1.0, 1.0, *[0.5] * g.n_players),
        step=map_step,
    )
    _require_two_actions(game)
    return run_map(game, rule, start=start, steps=steps, record=record, joint=joint)


def wolf_iga(
    game: NormalFormGame,
    *,
    step: float = 0.01,
    while_winning: float = 1.0,
    while_losing: float = 4.0,
    equilibrium: Sequence[ArrayLike] | None = None,
    start: Sequence[ArrayLike] | None = None,
    steps: int = 1000,
    record: int = 100,
    joint: bool | None = None,
) -> Trajectory:
    """Climb payoffs by small steps while winning and large ones while losing (win or learn fast).

    A player wins when her strategy earns more against the others' than her part of an equilibrium would.

    Parameters
    ----------
    game : NormalFormGame
        Two actions for every player; the theorem is about two players.
    step : float
        Above 0, in units of one over a payoff.
    while_winning, while_losing : float
        What the step is multiplied with; l_min and l_max in the paper, where the second is the larger.
    equilibrium : profile, optional
        What players compare with. By default, in 2x2 games, the centre of the gradient field where it is an
        equilibrium and else the first that :func:`marlgt.solve` gives; with more players, the latter.
    start, steps, record, joint
        As in :func:`infinitesimal_gradient_ascent`.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.
    UnsupportedGame
        If a player has more or fewer than two actions.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = gt.dynamics.wolf_iga(gt.games.matching_pennies(), steps=3000)
    >>> bool(run.last.epsilon < 1e-3)
    True

    References
    ----------
    Bowling and Veloso (2002).
    """
    step = positive(step, "step")
    slow, fast = nonnegative(while_winning, "while_winning"), positive(while_losing, "while_losing")
    _require_two_actions(game)
    compared = _remembering(_compared) if equilibrium is None else lambda g: checked_profile(g, equilibrium)
    rule = Rule(
        "wolf_iga",
        {"update": gradient_update},
        "in 2x2 games strategies go to an equilibrium; where they circle, each quarter turn shrinks the distance by "
        "sqrt(while_winning / while_losing)",
        rates=lambda g: (step, slow, fast, *[x[0] for x in compared(g)]),
        step=map_step,
    )
    return run_map(game, rule, start=start, steps=steps, record=record, joint=joint)


def _compared(game: NormalFormGame) -> Profile:
    """Return the equilibrium that players compare with when none is given."""
    if game.n_players == 2:
        centre = gradient_field(game).centre
        if centre is not None and all(0.0 <= p <= 1.0 for p in centre):
            return tuple(np.array([p, 1.0 - p]) for p in centre)
    from marlgt.solvers import solve

    answer = next(iter(solve(game)), None)
    if answer is None or answer.profile is None:
        raise GameError("no equilibrium was found to compare with: give equilibrium=")
    profile: Profile = answer.profile
    return profile


def _remembering(function: Callable[[NormalFormGame], Any]) -> Callable[[NormalFormGame], Any]:
    """Return the function, which solves a game only once in a batch that repeats it."""
    known: dict[int, Any] = {}

    def remembered(game: NormalFormGame) -> Any:
        if id(game) not in known:
            known[id(game)] = function(game)
        return known[id(game)]

    return remembered


def _require_two_actions(game: Any) -> None:
    for g in games_of(game):
        if any(k != 2 for k in g.n_actions):
            raise UnsupportedGame(
                f"gradient ascent in one probability needs two actions for every player, this game has {g.n_actions}: "
                "use projection_dynamics, the same flow on simplices"
            )
