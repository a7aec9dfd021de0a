"""What the figures of the dynamics share: panels, curves with bands, and small files."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import marlgt as gt

# Okabe and Ito's colours, which colour-blind readers tell apart, darkest first.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
STYLES = ("-", "--", "-.", (0, (1, 1)))
SHAPLEY = gt.games.load("shapley_1964")
PENNIES = gt.games.matching_pennies()
ROCK_PAPER_SCISSORS = gt.games.rock_paper_scissors()


def panels(count=2, *, width=7.4, height=3.2):
    """Return a figure with panels side by side."""
    figure, axes = plt.subplots(1, count, figsize=(width, height), layout="constrained")
    for one in np.atleast_1d(axes):
        one.title.set_fontsize(9)
    return figure, axes


def title(axes, text):
    axes.set_title(text, fontsize=9.5)


def curve(axes, run, gap="nash_conv", *, label, index=0):
    """Draw one gap of a run, or the median and the middle half of a batch, on logarithmic axes."""
    values = np.atleast_2d(getattr(run, gap))
    values = np.where(values > 0.0, values, np.nan)
    kept = np.isfinite(values).any(axis=0) & (run.times > 0)
    if not kept.any():
        raise ValueError(f"{label}: the gap is never above 0, there is nothing to draw")
    low, middle, high = np.nanquantile(values[:, kept], (0.25, 0.5, 0.75), axis=0)
    style, colour = STYLES[index % len(STYLES)], COLOURS[index]
    axes.plot(run.times[kept], middle, linestyle=style, color=colour, linewidth=1.6, label=label)
    if len(values) > 1:
        axes.fill_between(run.times[kept], low, high, color=colour, alpha=0.18, linewidth=0)


def reference(axes, function, label, times=(10, 1000)):
    """Draw a rate or a bound as a dotted line."""
    t = np.geomspace(*times, 60)
    axes.plot(t, function(t), color="#555555", linewidth=1.2, linestyle=":", label=label)


def logarithmic(axes, ylabel, *, xlabel="step", place="best"):
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain(axes, ylabel, xlabel=xlabel, place=place)


def plain(axes, ylabel, *, xlabel="step", place="best"):
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=7.5, loc=place)


def series(axes, times, values, label, index=0):
    axes.plot(times, values, linestyle=STYLES[index % len(STYLES)], color=COLOURS[index], linewidth=1.4, label=label)


def logarithmic_steps(steps, count=60):
    """Return which steps to record for an even spacing on a logarithmic axis."""
    return sorted({int(t) for t in np.geomspace(1, steps, count)})


def pair(p, q):
    """Return the profile of two players who play action 0 with these probabilities."""
    return (np.array([p, 1 - p]), np.array([q, 1 - q]))


def save(figure, path):
    """Write a figure as a picture of at most 128 colours, which makes its file small."""
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    picture = Image.open(path).convert("RGB").quantize(128, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    return Path(path).stat().st_size
