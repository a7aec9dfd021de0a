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
opponent-learning awareness. AAMAS, equation 4.2 and figure 1.
Letcher, A., Foerster, J., Balduzzi, D., Rocktaeschel, T. and Whiteson, S. (2019). Stable opponent shaping in
differentiable games. ICLR, algorithm 1.
Zhang, C. and Lesser, V. (2010). Multi-agent learning with policy prediction. AAAI.
Mescheder, L., Nowozin, S. and Geiger, A. (2017). The numerics of GANs. NeurIPS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, positive, require_seed, require_whole
from marlgt.games.stochastic import StochasticGame
from marlgt.learners._value_derivatives import Derivatives, Floats, SmallGame, small_game
from marlgt.progress import progress

__all__ = [
    "AscentRun",
    "consensus_ascent",
    "extragradient_policy_ascent",
    "lola",
    "naive_policy_ascent",
    "policy_prediction",
    "stable_opponent_shaping",
]

Move = Callable[[SmallGame, Floats], Floats]


@dataclass(frozen=True, eq=False, repr=False)
class AscentRun:
    """How two players climbed, from each of some starts.

    Attributes
    ----------
    seeds : tuple of int
    times : ndarray of int64, shape (T,)
        Steps made; the first is 0.
    values : ndarray, shape (seeds, T, 2)
        What the start of the game is worth to each player; times ``1 - discount``, a mean reward.
    preferences : tuple of 2 ndarrays, shapes (seeds, S, A_i)
        At the end.
    policies : tuple of 2 ndarrays, shapes (seeds, S, A_i)
        At the end.
    """

    seeds: tuple[int, ...]
    times: NDArray[np.int64]
    values: Floats
    preferences: tuple[Floats, Floats]
    policies: tuple[Floats, Floats]

    def __repr__(self) -> str:
        return f"<AscentRun of {len(self.seeds)} starts, {int(self.times[-1])} steps each>"


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

    return _climb("naive ascent", move, game, step, steps, seeds, spread, start, record)


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

    return _climb("LOLA", move, game, step, steps, seeds, spread, start, record)


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

    return _climb("policy prediction", move, game, step, steps, seeds, spread, start, record)


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

    return _climb("extragradient ascent", move, game, step, steps, seeds, spread, start, record)


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

    return _climb("consensus ascent", move, game, step, steps, seeds, spread, start, record)


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

    return _climb("stable opponent shaping", move, game, step, steps, seeds, spread, start, record)


def _shaping_share(found: Derivatives, foreseen: Floats, ahead: float, safety: float, near: float) -> Floats:
    """Return the scale p of the shaping term, shape (B, 1)."""
    along = ahead * np.einsum("bi,bi->b", found.shaping, foreseen)
    squared = np.einsum("bi,bi->b", foreseen, foreseen)
    safe = np.ones_like(along)
    against = along < 0.0
    safe[against] = np.minimum(1.0, -safety * squared[against] / along[against])
    length = np.einsum("bi,bi->b", found.simultaneous, found.simultaneous)
    fading = np.where(length < near**2, length, 1.0)
    return np.minimum(safe, fading)[:, None]


def _climb(
    what: str,
    move: Move,
    game: StochasticGame,
    step: float,
    steps: int,
    seeds: Iterable[int],
    spread: float,
    start: Iterable[ArrayLike] | None,
    record: int,
) -> AscentRun:
    size = positive(step, "step")
    require_whole(steps, "steps", least=1)
    require_whole(record, "record", least=1)
    listed = tuple(seeds)
    for seed in listed:
        require_seed(seed)
    if not listed:
        raise GameError("seeds is empty: give at least one")
    own = small_game(game)
    theta = _begun(own, listed, nonnegative(spread, "spread"), start)
    times = np.unique(np.linspace(0, steps, min(record, steps) + 1).round().astype(np.int64))
    values = [own.values(theta)]
    with progress(what, total=float(steps)) as report:
        for t in range(1, steps + 1):
            theta = theta + size * move(own, theta)
            if t == times[len(values)]:
                values.append(own.values(theta))
                report(float(t), "")
    preferences, policies = own.split(theta), own.policies(theta)
    return AscentRun(listed, times, np.stack(values, axis=1), preferences, policies)


def _begun(own: SmallGame, seeds: tuple[int, ...], spread: float, start: Iterable[ArrayLike] | None) -> Floats:
    sizes = [part.stop - part.start for part in own.parts]
    if start is None:
        return spread * np.stack([np.random.default_rng(seed).standard_normal(sum(sizes)) for seed in seeds])
    rows = [np.asarray(part, dtype=np.float64) for part in start]
    shapes = [(own.n_states, count) for count in own.n_actions]
    if [row.shape for row in rows] != shapes or not all(np.isfinite(row).all() for row in rows):
        got = short([row.shape for row in rows])
        raise GameError(f"start must hold finite preferences of shapes {shapes[0]} and {shapes[1]}, got {got}")
    return np.tile(np.concatenate([row.reshape(-1) for row in rows]), (len(seeds), 1))
