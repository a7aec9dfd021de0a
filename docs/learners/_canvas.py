"""What the figures of the learners share: panels, curves with intervals, paths in square and triangle, small files."""

from pathlib import Path

import matplotlib
import matplotlib.ticker

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import marlgt as gt

# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)))
PENNIES = gt.games.matching_pennies()
ROCK_PAPER_SCISSORS = gt.games.rock_paper_scissors()
DILEMMA = gt.games.prisoners_dilemma()
HEIGHT = np.sqrt(3.0) / 2.0


def panels(count=2, *, width=7.4, height=3.2):
    """Return a figure with panels side by side."""
    return plt.subplots(1, count, figsize=(width, height), layout="constrained")


def title(axes, text):
    axes.set_title(text, fontsize=9.5)


def plain(axes, ylabel, *, xlabel="steps", place="best"):
    axes.set_xlabel(xlabel, fontsize=9)
    axes.set_ylabel(ylabel, fontsize=9)
    axes.tick_params(labelsize=8)
    if axes.get_xscale() == "linear" and axes.get_aspect() == "auto" and xlabel == "steps":
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5))
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=7.5, loc=place, markerscale=0.7, labelspacing=0.6)


def line(axes, times, values, label=None, index=0):
    axes.plot(times, values, linestyle=STYLES[index % 6], color=COLOURS[index % 6], linewidth=1.5, label=label)


def band(axes, times, samples, label, index=0):
    """Draw the mean of samples over seeds, with its 95% bootstrap interval."""
    interval = gt.learners.bootstrap_interval(np.asarray(samples, dtype=float))
    line(axes, times, interval.mean, label, index)
    axes.fill_between(times, interval.low, interval.high, color=COLOURS[index % 6], alpha=0.2, linewidth=0)


def snapshots(match, read, *, chunk, count):
    """Return times and what ``read`` says of the learners of each seed, shape (seeds, count + 1, ...)."""
    seen = [[np.array(read(own)) for own in match.learners]]
    for _ in range(count):
        match.advance(chunk, record=1)
        seen.append([np.array(read(own)) for own in match.learners])
    return chunk * np.arange(count + 1), np.moveaxis(np.array(seen, dtype=float), 0, 1)


def square(axes, points, text, *, colour=COLOURS[0], target=None, labels=("first", "second")):
    """Draw a path of two probabilities of the first action, from a ring to a dot."""
    axes.plot(points[:, 0], points[:, 1], color=colour, linewidth=0.9)
    axes.plot(*points[0], "o", color=colour, markerfacecolor="white", markersize=6)
    axes.plot(*points[-1], "o", color=colour, markersize=6)
    if target is not None:
        axes.plot(*target, "*", color="black", markersize=9)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    axes.set_xticks([0, 0.5, 1])
    axes.set_yticks([0, 0.5, 1])
    plain(axes, f"{labels[1]} player plays heads", xlabel=f"{labels[0]} player plays heads")
    title(axes, text)


def triangle(axes, points, text, names, *, target=None):
    """Draw a path of mixtures of three actions, from a ring to a dot."""
    edge = np.array([[0, 0], [1, 0], [0.5, HEIGHT], [0, 0]])
    axes.plot(*edge.T, color="#888888", linewidth=1)
    x, y = points[:, 1] + 0.5 * points[:, 2], HEIGHT * points[:, 2]
    axes.plot(x, y, color=COLOURS[0], linewidth=0.9)
    axes.plot(x[0], y[0], "o", color=COLOURS[0], markerfacecolor="white", markersize=6)
    axes.plot(x[-1], y[-1], "o", color=COLOURS[0], markersize=6)
    if target is not None:
        axes.plot(target[1] + 0.5 * target[2], HEIGHT * target[2], "*", color="black", markersize=9)
    for (u, v), name, side in zip(edge[:3], names, ("right", "left", "center")):
        axes.annotate(
            name,
            (u, v + (0.03 if side == "center" else -0.02)),
            ha=side,
            fontsize=8.5,
            va="bottom" if side == "center" else "top",
        )
    axes.set(xlim=(-0.25, 1.25), ylim=(-0.12, 1.0), aspect="equal")
    axes.axis("off")
    title(axes, text)


def save(figure, path):
    """Write a figure as a picture of at most 128 colours, which makes its file small."""
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    picture = Image.open(path).convert("RGB").quantize(128, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    return Path(path).stat().st_size
