"""Learning curves: what learners earned against the steps they played, with intervals over seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.learners.records import Run
from marlgt.statistics import mean_interval

__all__ = ["draw_learning_curve", "draw_return_curve"]

_LABELS = {
    "rewards": "mean reward a step",
    "returns": "return of an episode",
    "discounted": "discounted return of an episode",
    "win_rates": "share of episodes won",
    "lengths": "steps of an episode",
    "welfare": "sum of mean rewards",
    "fairness": "Jain's index of mean rewards",
    "gaps": "gap",
}
_RETURN_LABELS = {
    "mean_return": "return of a greedy episode",
    "success_rates": "share of episodes solved",
    "training_returns": "return of a training episode",
    "losses": "loss",
}
# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C00")


def draw_learning_curve(
    axes: Any,
    runs: Run | Mapping[str, Run],
    *,
    what: str = "rewards",
    player: int | None = None,
    level: float = 0.95,
    logarithmic: bool = False,
) -> None:
    """Draw the mean over seeds of a record, with its bootstrap interval as a band.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    runs : Run, or mapping of str to Run
        One run, a line for each player; or several runs by name, a line for each.
    what : str
        The record: ``"rewards"``, ``"returns"``, ``"win_rates"``, ``"gaps"``, ``"welfare"`` and so on.
    player : int, optional
        Whose record; by default all players of one run, and the mean over players of several runs.
    level : float
        Of the interval.
    logarithmic : bool
        Whether the vertical axis is logarithmic, as suits gaps.

    Raises
    ------
    GameError
        For what is no run, or a record that it does not hold.
    """
    named = {"": runs} if isinstance(runs, Run) else dict(runs)
    if not named or not all(isinstance(run, Run) for run in named.values()):
        raise GameError(f"runs is {short(runs)}: give what marlgt.learners.play returned, or several by name")
    lines = 0
    for name, run in named.items():
        for label, samples in _lines(run, what, player, single=isinstance(runs, Run)):
            from marlgt.learners.records import bootstrap_interval

            interval = bootstrap_interval(samples, level=level)
            colour = COLOURS[lines % len(COLOURS)]
            text = ", ".join(part for part in (name, label) if part)
            known = np.isfinite(interval.mean)
            axes.plot(run.times[known], interval.mean[known], color=colour, label=text or None, linewidth=1.6)
            if len(run.seeds) > 1:
                low, high = interval.low[known], interval.high[known]
                axes.fill_between(run.times[known], low, high, color=colour, alpha=0.2, linewidth=0)
            lines += 1
    axes.set_xlabel("steps")
    axes.set_ylabel(_LABELS.get(what, what.replace("_", " ")))
    if logarithmic:
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8)


def _lines(run: Run, what: str, player: int | None, *, single: bool) -> list[tuple[str, Any]]:
    samples = getattr(run, what, None)
    if not isinstance(samples, np.ndarray) or what in ("times", "plays"):
        raise GameError(f"what is {what!r}: give a record that the run holds, of {', '.join(_LABELS)}")
    samples = samples.astype(np.float64)
    if samples.ndim == 2:
        return [("", samples)]
    if player is not None:
        return [("" if not single else run.players[player], samples[:, :, player])]
    if not single:
        return [("", samples.mean(axis=2))]
    return [(name, samples[:, :, i]) for i, name in enumerate(run.players)]


class ReturnCurve(Protocol):
    """A curve of P points and S seeds, as the runs of deep learners have one, with arrays of shape (P, S) to draw."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds."""

    @property
    def steps(self) -> Any:
        """Environment steps at each point, shape (P,)."""


def draw_return_curve(
    axes: Any, curves: ReturnCurve | Mapping[str, ReturnCurve], *, what: str = "mean_return", level: float = 0.95
) -> None:
    """Draw what greedy policies of deep learners earned: the mean over seeds, with its bootstrap interval as a band.

    A seed that has solved its task and is trained no more counts on with what it last earned.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    curves : Curve of a run, or mapping of str to such
        Of one run, whose seeds are drawn thinly behind; or of several by name, a line for each.
    what : {'mean_return', 'success_rates', 'training_returns', 'losses'}
        The attribute of the curve that is drawn.
    level : float
        Of the interval.

    Raises
    ------
    GameError
        For another attribute.
    """
    if what not in _RETURN_LABELS:
        raise GameError(f"what is {short(what)}: give one of {', '.join(_RETURN_LABELS)}")
    named = dict(curves) if isinstance(curves, Mapping) else {"": curves}
    for number, (name, curve) in enumerate(named.items()):
        colour = COLOURS[number % len(COLOURS)]
        samples = _continued(getattr(curve, what))
        known = np.isfinite(samples).any(axis=1)
        steps, samples = curve.steps[known], samples[known]
        interval = mean_interval(samples.T, level=level)
        if len(named) == 1 and len(curve.seeds) > 1:
            axes.plot(steps, samples, color=colour, alpha=0.25, linewidth=0.8)
        axes.plot(steps, interval.mean, color=colour, label=name or None, linewidth=1.6)
        if len(curve.seeds) > 1:
            axes.fill_between(steps, interval.low, interval.high, color=colour, alpha=0.2, linewidth=0)
    axes.set_xlabel("environment steps of a seed")
    axes.set_ylabel(_RETURN_LABELS[what])
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8)


def _continued(samples: Any) -> Any:
    """Return samples, shape (points, seeds), with each gap filled by what stood before it."""
    rows = np.arange(len(samples))[:, None]
    last = np.maximum.accumulate(np.where(np.isfinite(samples), rows, 0), axis=0)
    return np.take_along_axis(samples, last, axis=0)
