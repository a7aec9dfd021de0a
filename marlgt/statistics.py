"""Statistics over seeds and tasks: robust summaries of few runs, with intervals.

Scores have one row for each task and one column for each seed, ``(tasks, seeds)``; one task may be given as
``(seeds,)``. Axes before these are batches: every statistic maps ``(..., tasks, seeds)`` to ``(...)``, so that all
resamples of a bootstrap are one call. A bootstrap is *stratified*: the seeds of each task are drawn again, with
replacement, apart from those of the others, and the tasks stay as they are.

References
----------
Agarwal, R., Schwarzer, M., Castro, P. S., Courville, A. and Bellemare, M. (2021). Deep reinforcement learning at the
edge of the statistical precipice. Advances in Neural Information Processing Systems 34, sections 4.1 to 4.3.
Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap, chapter 13. Chapman and Hall.
Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the American
Statistical Association 22, 209-212.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError

__all__ = [
    "Interval",
    "bootstrap_interval",
    "interquartile_mean",
    "mean_interval",
    "optimality_gap",
    "performance_profile",
    "probability_of_improvement",
    "wilson_interval",
]

Floats = NDArray[np.float64]

_RESAMPLES = 2000
_CELLS = 1 << 21
"""Resampled scores that are held at once: 16 MiB."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes
    ----------
    estimate, low, high : ndarray
        Of one shape; without axes where one number is estimated.
    level : float
        How often such an interval covers what is estimated.
    """

    estimate: Floats
    low: Floats
    high: Floats
    level: float = 0.95

    @property
    def mean(self) -> Floats:
        """The estimate, where it is a mean."""
        return self.estimate


def interquartile_mean(scores: ArrayLike) -> Floats:
    """Return the mean of the middle half of all scores, shape (...).

    The lowest and the highest quarter of the tasks x seeds scores, each rounded down to whole scores, are left out:
    less disturbed by single runs than the mean, and by fewer seeds than the median needs.

    Parameters
    ----------
    scores : array_like, shape (seeds,) or (..., tasks, seeds)

    Examples
    --------
    >>> float(interquartile_mean([0, 10, 11, 12, 1000]))
    11.0
    """
    flat = _pooled(_checked(scores, "scores"))
    count = flat.shape[-1]
    cut = count // 4
    middle = np.partition(flat, (cut, count - cut - 1), axis=-1)[..., cut : count - cut]
    return np.asarray(middle.mean(axis=-1))


def optimality_gap(scores: ArrayLike, *, target: float = 1.0) -> Floats:
    """Return by how much scores fall short of a target on average, shape (...); what is above it counts as reaching it.

    Parameters
    ----------
    scores : array_like, shape (seeds,) or (..., tasks, seeds)
    target : float
        In the unit of the scores.
    """
    flat = _pooled(_checked(scores, "scores"))
    return np.asarray(target - np.minimum(flat, target).mean(axis=-1))


def performance_profile(scores: ArrayLike, thresholds: ArrayLike) -> Floats:
    """Return the share of runs whose score is above each threshold, shape (..., thresholds).

    Parameters
    ----------
    scores : array_like, shape (seeds,) or (..., tasks, seeds)
    thresholds : array_like, shape (thresholds,)
    """
    flat = np.sort(_pooled(_checked(scores, "scores")), axis=-1)
    levels = np.asarray(thresholds, dtype=np.float64)
    if levels.ndim != 1:
        raise GameError(f"thresholds must have shape (thresholds,), got {levels.shape}: give a list of numbers")
    rows = flat.reshape(-1, flat.shape[-1])
    below = np.array([np.searchsorted(row, levels, side="right") for row in rows]).reshape(*flat.shape[:-1], -1)
    return np.asarray((flat.shape[-1] - below) / flat.shape[-1])


def probability_of_improvement(scores: ArrayLike, others: ArrayLike) -> Floats:
    """Return how probably a run of one algorithm beats one of another on a task drawn at random, shape (...).

    It is the mean over tasks of the Mann-Whitney statistic ``P(X > Y) + P(X = Y) / 2``.

    Parameters
    ----------
    scores, others : array_like, shapes (seeds,) or (..., tasks, seeds)
        Of the same tasks, with any number of seeds each.
    """
    mine, theirs = _checked(scores, "scores"), _checked(others, "others")
    if mine.shape[:-1] != theirs.shape[:-1]:
        raise GameError(f"scores and others must be of the same tasks, got shapes {mine.shape} and {theirs.shape}")
    better = (mine[..., :, None] > theirs[..., None, :]) + 0.5 * (mine[..., :, None] == theirs[..., None, :])
    return np.asarray(better.mean(axis=(-3, -2, -1)))


def bootstrap_interval(
    scores: ArrayLike | tuple[Floats, ...],
    statistic: Callable[..., Any] = interquartile_mean,
    *,
    level: float = 0.95,
    resamples: int = _RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return a statistic of scores with its stratified percentile bootstrap interval.

    Parameters
    ----------
    scores : array_like, shape (seeds,) or (tasks, seeds), or tuple of ndarrays of such shapes
        A tuple is for a statistic of several arguments, such as :func:`probability_of_improvement`; each is drawn
        again apart.
    statistic : callable
        Maps ``(resamples, tasks, seeds)`` to ``(resamples, ...)``: a function of this module, or such as
        ``lambda scores: scores.mean(axis=(-2, -1))``.
    level : float
    resamples : int
    seed : int

    Raises
    ------
    GameError
        If a score is not a number, or the statistic does not keep the first axis.

    Examples
    --------
    >>> found = bootstrap_interval([0, 10, 11, 12, 1000])
    >>> float(found.estimate), float(found.low), float(found.high)
    (11.0, 3.6666666666666665, 670.6666666666666)
    """
    _require_level(level)
    if isinstance(resamples, bool) or not isinstance(resamples, (int, np.integer)) or resamples < 1:
        raise GameError(f"resamples is {resamples!r}: give a whole number from 1")
    several = isinstance(scores, tuple) and bool(scores) and all(isinstance(part, np.ndarray) for part in scores)
    given: Any = scores if several else (scores,)
    parts = [_checked(part, "scores") for part in given]
    if any(part.ndim != 2 for part in parts):
        raise GameError(
            f"scores must have shape (seeds,) or (tasks, seeds), got {[part.shape for part in parts if part.ndim != 2]}"
        )
    (estimate,) = _statistics(statistic, [part[None] for part in parts])
    rng = np.random.default_rng(seed)
    chunk = max(1, _CELLS // max(part.size for part in parts))
    found = []
    for begin in range(0, resamples, chunk):
        count = min(chunk, resamples - begin)
        drawn = [
            np.take_along_axis(part[None], rng.integers(part.shape[1], size=(count, *part.shape)), axis=2)
            for part in parts
        ]
        found.append(_statistics(statistic, drawn))
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(np.concatenate(found), (tail, 1.0 - tail), axis=0)
    return Interval(np.asarray(estimate), np.asarray(low), np.asarray(high), level)


def mean_interval(samples: Floats, *, level: float = 0.95, seed: int = 0) -> Interval:
    """Return the mean of samples over their first axis, elementwise, with a percentile bootstrap interval.

    Parameters
    ----------
    samples : ndarray, shape (seeds, ...)
        Samples that are not a number are left out.
    level : float
    seed : int
    """
    values = np.asarray(samples, dtype=np.float64)
    rng = np.random.default_rng(seed)
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    flat, counts = filled.reshape(len(values), -1), known.reshape(len(values), -1).astype(np.float64)
    # Each resample is a vector of multiplicities, so that all of them are one matrix product.
    weights = rng.multinomial(len(values), np.full(len(values), 1.0 / len(values)), size=_RESAMPLES).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (weights @ flat) / (weights @ counts)
        mean = flat.sum(axis=0) / counts.sum(axis=0)
    tail = 0.5 * (1.0 - level)
    low, high = (_quantile(means, q) for q in (tail, 1.0 - tail))
    shape = values.shape[1:]
    return Interval(mean.reshape(shape), low.reshape(shape), high.reshape(shape), level)


def wilson_interval(successes: ArrayLike, count: ArrayLike, *, level: float = 0.95) -> Interval:
    """Return rates with Wilson's interval, which keeps to [0, 1] and its level at rates of 0 and 1 too.

    Parameters
    ----------
    successes, count : array_like of int
        Of one shape, or of shapes that broadcast; at least one trial each.
    level : float

    References
    ----------
    Wilson (1927), equation 5.
    """
    _require_level(level)
    wins, trials = np.broadcast_arrays(np.asarray(successes, dtype=np.float64), np.asarray(count, dtype=np.float64))
    if not np.all((trials >= 1) & (wins >= 0) & (wins <= trials)):
        raise GameError(f"successes must be from 0 to count, and count from 1, got {successes!r} and {count!r}")
    z = NormalDist().inv_cdf(0.5 + 0.5 * level)
    rate = wins / trials
    centre = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    spread = z / (1 + z * z / trials) * np.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    # At rates of 0 and 1 the bounds are these exactly, and rounding must not put them beside.
    low = np.where(wins == 0, 0.0, centre - spread)
    high = np.where(wins == trials, 1.0, centre + spread)
    return Interval(np.asarray(rate), low, high, level)


def _checked(scores: Any, name: str) -> Floats:
    try:
        values = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.ndim == 0 or values.size == 0:
        raise GameError(
            f"{name} must be numbers of shape (seeds,) or (tasks, seeds), at least one: give a list of them"
        )
    if not np.isfinite(values).all():
        raise GameError(f"{name} must be finite numbers: leave out or count as failed the runs that have none")
    return values[None] if values.ndim == 1 else values


def _pooled(scores: Floats) -> Floats:
    return scores.reshape(*scores.shape[:-2], -1)


def _statistics(statistic: Callable[..., Any], parts: list[Floats]) -> Floats:
    found = np.asarray(statistic(*parts), dtype=np.float64)
    if found.shape[:1] != (len(parts[0]),):
        raise GameError(
            f"the statistic gave shape {found.shape} for {len(parts[0])} resamples: give a function from "
            "(resamples, tasks, seeds) to (resamples, ...), such as lambda scores: scores.mean(axis=(-2, -1))"
        )
    return found


def _require_level(level: Any) -> None:
    if isinstance(level, bool) or not isinstance(level, (int, float, np.floating)) or not 0 < level < 1:
        raise GameError(f"level is {level!r}: give a number between 0 and 1, such as 0.95")


def _quantile(means: Floats, q: float) -> Floats:
    known = ~np.isnan(means).all(axis=0)
    result = np.full(means.shape[1], np.nan)
    if known.any():
        result[known] = np.nanquantile(means[:, known], q, axis=0)
    return result
