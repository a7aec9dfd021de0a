"""Gradient ascent by players who look ahead, with exact derivatives of the discounted value of a small game.

Two players climb what they earn from the start, in the preferences theta_1 and theta_2 of softmax policies. With steps
``s`` and ``h``, V_i the values, D_i the gradient in theta_i, and D_ij second derivatives, player 1 moves by s times::

    D_1 V_1                                                             naive ascent
    D_1 V_1 + h (D_12 V_2) D_2 V_1                                      LOLA, to first order as in the paper
    D_1 V_1 (theta_1, theta_2 + h D_2 V_2)                              policy prediction
    D_1 V_1 + h (D_12 V_1) D_2 V_2 + p h (D_12 V_2) D_2 V_1             stable opponent shaping
    D_1 V_1 - h (M' g)_1,   g = (D_1 V_1, D_2 V_2),  M = D g            consensus
    D_1 V_1 at (theta_1 + s D_1 V_1, theta_2 + s D_2 V_2)               extragradient

and player 2 likewise. The second term of LOLA is what one gains by changing the step that the opponent will make: in
the iterated prisoner's dilemma naive players come to defect, and players who shape each other mostly to tit for tat.
LOLA's rest points need not be equilibria, and it may leave one; the scale p, chosen at each step, prevents that.

References
----------
Foerster, J. N., Chen, R. Y., Al-Shedivat, M., Whiteson, S., Abbeel, P. and Mordatch, I. (2018). Learning with
opponent-learning awareness. AAMAS.
Letcher, A., Foerster, J., Balduzzi, D., Rocktaeschel, T. and Whiteson, S. (2019). Stable opponent shaping in
differentiable games. ICLR, algorithm 1.
Zhang, C. and Lesser, V. (2010). Multi-agent learning with policy prediction. AAAI.
Mescheder, L., Nowozin, S. and Geiger, A. (2017). The numerics of GANs. NeurIPS.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from marlgt.errors import GameError
from marlgt.games._doors import nonnegative, positive
from marlgt.games.stochastic import StochasticGame
from marlgt.learners.policies._value_derivatives import Derivatives, Floats, SmallGame
from marlgt.learners.policies.ascents import AscentRun, climb

__all__ = [
    "consensus_ascent",
    "extragradient_policy_ascent",
    "lola",
    "naive_policy_ascent",
    "policy_prediction",
    "stable_opponent_shaping",
]


def naive_policy_ascent(
    game: StochasticGame,
    *,
    step: float = 0.1,
    steps: int = 500,
    seeds: Iterable[int] = range(20),
    spread: float = 1.0,
    start: Iterable[ArrayLike] | None = None,
    record: int = 50,
) -> AscentRun:
    """Let two players climb their own values, each as if the other stood still.

    Parameters
    ----------
    game : StochasticGame
        Of two players, with a discount below 1 or one that surely ends.
    step : float
        In preferences for a unit of value.
    steps : int
    seeds : iterable of int
        One start each: preferences drawn from a normal distribution.
    spread : float
        Its standard deviation.
    start : pair of array_like, shapes (S, A_1) and (S, A_2), optional
        The same preferences for every seed, in place of drawn ones.
    record : int
        How many times values are recorded, evenly spaced, after the start.

    Returns
    -------
    AscentRun

    Raises
    ------
    GameError
        For settings out of range.
    UnsupportedGame
        For more or fewer than two players, a game too large, and values that may be infinite.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.iterated_prisoners_dilemma(discount=0.9)
    >>> run = naive_policy_ascent(game, step=1.0, seeds=range(3))
    >>> bool((run.values[:, -1] * (1 - game.discount) < 1.3).all())     # they defect, and get 1 each
    True
    """

    def move(own: SmallGame, theta: Floats) -> Floats:
        return own.derivatives(theta, order=1).simultaneous

    return climb("naive ascent", move, game, step, steps, seeds, spread, start, record)


def lola(
    game: StochasticGame,
    *,
    step: float = 0.1,
    opponent_step: float = 1.0,
    steps: int = 500,
    seeds: Iterable[int] = range(20),
    spread: float = 1.0,
    start: Iterable[ArrayLike] | None = None,
    record: int = 50,
) -> AscentRun:
    """Let two players climb and shape each other's next step: learning with opponent-learning awareness.

    Parameters
    ----------
    game, step, steps, seeds, spread, start, record
        As in :func:`naive_policy_ascent`.
    opponent_step : float
        The step that each expects the other to make, at least 0.

    Returns
    -------
    AscentRun

    Raises
    ------
    GameError, UnsupportedGame
        As in :func:`naive_policy_ascent`.

    References
    ----------
    Foerster et al. (2018).
    """
    ahead = nonnegative(opponent_step, "opponent_step")

    def move(own: SmallGame, theta: Floats) -> Floats:
        found = own.derivatives(theta, order=2)
        return found.simultaneous + ahead * found.shaping

    return climb("LOLA", move, game, step, steps, seeds, spread, start, record)


def policy_prediction(
    game: StochasticGame,
    *,
    step: float = 0.1,
    opponent_step: float = 1.0,
    steps: int = 500,
    seeds: Iterable[int] = range(20),
    spread: float = 1.0,
    start: Iterable[ArrayLike] | None = None,
    record: int = 50,
) -> AscentRun:
    """Let two players climb their own values against the policy that the other is about to have.

    Parameters
    ----------
    game, step, steps, seeds, spread, start, record
        As in :func:`naive_policy_ascent`.
    opponent_step : float
        The step that each expects the other to make, at least 0.

    Returns
    -------
    AscentRun

    Raises
    ------
    GameError, UnsupportedGame
        As in :func:`naive_policy_ascent`.

    References
    ----------
    Zhang and Lesser (2010).
    """
    ahead = nonnegative(opponent_step, "opponent_step")

    def move(own: SmallGame, theta: Floats) -> Floats:
        gradient = own.derivatives(theta, order=1).simultaneous
        moved = np.empty_like(theta)
        for i, part in enumerate(own.parts):
            foreseen = theta + ahead * gradient
            foreseen[:, part] = theta[:, part]
            moved[:, part] = own.derivatives(foreseen, order=1).gradients[i][:, part]
        return moved

    return climb("policy prediction", move, game, step, steps, seeds, spread, start, record)


def extragradient_policy_ascent(
    game: StochasticGame,
    *,
    step: float = 0.1,
    steps: int = 500,
    seeds: Iterable[int] = range(20),
    spread: float = 1.0,
    start: Iterable[ArrayLike] | None = None,
    record: int = 50,
) -> AscentRun:
    """Let two players climb along the gradients at the end of a trial step of both.

    Parameters
    ----------
    game, step, steps, seeds, spread, start, record
        As in :func:`naive_policy_ascent`.

    Returns
    -------
    AscentRun

    Raises
    ------
    GameError, UnsupportedGame
        As in :func:`naive_policy_ascent`.
    """
    size = positive(step, "step")

    def move(own: SmallGame, theta: Floats) -> Floats:
        trial = theta + size * own.derivatives(theta, order=1).simultaneous
        return own.derivatives(trial, order=1).simultaneous

    return climb("extragradient ascent", move, game, step, steps, seeds, spread, start, record)


def consensus_ascent(
    game: StochasticGame,
    *,
    step: float = 0.1,
    weight: float = 0.1,
    steps: int = 500,
    seeds: Iterable[int] = range(20),
    spread: float = 1.0,
    start: Iterable[ArrayLike] | None = None,
    record: int = 50,
) -> AscentRun:
    """Let two players climb while together they shorten their gradients, which leads to rest points of any kind.

    Parameters
    ----------
    game, step, steps, seeds, spread, start, record
        As in :func:`naive_policy_ascent`.
    weight : float
        Of the shortening, at least 0.

    Returns
    -------
    AscentRun

    Raises
    ------
    GameError, UnsupportedGame
        As in :func:`naive_policy_ascent`.

    References
    ----------
    Mescheder et al. (2017).
    """
    share = nonnegative(weight, "weight")

    def move(own: SmallGame, theta: Floats) -> Floats:
        found = own.derivatives(theta, order=2)
        pull = np.einsum("bij,bi->bj", found.jacobian, found.simultaneous)
        return np.asarray(found.simultaneous - share * pull)

    return climb("consensus ascent", move, game, step, steps, seeds, spread, start, record)


def stable_opponent_shaping(
    game: StochasticGame,
    *,
    step: float = 0.1,
    opponent_step: float = 1.0,
    safety: float = 0.5,
    threshold: float = 0.1,
    steps: int = 500,
    seeds: Iterable[int] = range(20),
    spread: float = 1.0,
    start: Iterable[ArrayLike] | None = None,
    record: int = 50,
) -> AscentRun:
    """Let two players look ahead and shape each other only as far as neither loses its way to stable rest points.

    Parameters
    ----------
    game, step, steps, seeds, spread, start, record
        As in :func:`naive_policy_ascent`.
    opponent_step : float
        The step that each expects the other to make, at least 0.
    safety : float
        Below 1: how much of the lookahead's own progress shaping may undo.
    threshold : float
        The length of the gradient below which shaping fades out.

    Returns
    -------
    AscentRun

    Raises
    ------
    GameError, UnsupportedGame
        As in :func:`naive_policy_ascent`.

    References
    ----------
    Letcher et al. (2019), algorithm 1.
    """
    ahead = nonnegative(opponent_step, "opponent_step")
    if not 0.0 < safety < 1.0:
        raise GameError(f"safety is {safety:g}: give a number between 0 and 1")
    near = positive(threshold, "threshold")

    def move(own: SmallGame, theta: Floats) -> Floats:
        found = own.derivatives(theta, order=2)
        foreseen = found.simultaneous + ahead * found.lookahead
        return np.asarray(foreseen + _shaping_share(found, foreseen, ahead, safety, near) * ahead * found.shaping)

    return climb("stable opponent shaping", move, game, step, steps, seeds, spread, start, record)


def _shaping_share(found: Derivatives, foreseen: Floats, ahead: float, safety: float, near: float) -> Floats:
    """Return the scale p of the shaping term, shape (B, 1)."""
    along = ahead * np.einsum("bi,bi->b", found.shaping, foreseen)
    squared = np.einsum("bi,bi->b", foreseen, foreseen)
    safe = np.ones_like(along)
    against = along < 0.0
    safe[against] = np.minimum(1.0, -safety * squared[against] / along[against])
    length = np.einsum("bi,bi->b", found.simultaneous, found.simultaneous)
    fading = np.where(length < near**2, length, 1.0)
    return np.asarray(np.minimum(safe, fading)[:, None])
