"""What the figures of the deep layer share: panels, curves with intervals, tables of values, small files."""

import itertools
import json
from pathlib import Path

import matplotlib
import matplotlib.ticker

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.environments import make_environment
from marlgt.deep.learners.value_learner import ValueLearner
from marlgt.deep.seeded_environments import SeededEnvs

# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)))
QTRAN_GAME = np.array([[8.0, -12, -12], [-12, 0, 0], [-12, 0, 0]])


def panels(count=2, *, width=7.4, height=3.2, **rest):
    """Return a figure with panels side by side."""
    return plt.subplots(1, count, figsize=(width, height), layout="constrained", **rest)


def title(axes, text):
    axes.set_title(text, fontsize=9.5)


def plain(axes, ylabel, *, xlabel="environment steps", place="best"):
    """Label an axis, thin its ticks, and place a legend where there is one."""
    axes.set_xlabel(xlabel, fontsize=9)
    axes.set_ylabel(ylabel, fontsize=9)
    axes.tick_params(labelsize=8)
    if axes.get_xscale() == "linear" and xlabel == "environment steps":
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5))
        axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda x, _: f"{x / 1000:g}k" if x else "0"))
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=7.5, loc=place, markerscale=0.7, labelspacing=0.6)


def line(axes, times, values, label=None, index=0):
    axes.plot(times, values, linestyle=STYLES[index % 6], color=COLOURS[index % 6], linewidth=1.5, label=label)


def band(axes, times, samples, label=None, index=0):
    """Draw the mean of samples, shape (times, seeds), and the range from the least seed to the best."""
    samples = np.asarray(samples, dtype=float)
    line(axes, times, samples.mean(1), label, index)
    axes.fill_between(times, samples.min(1), samples.max(1), color=COLOURS[index % 6], alpha=0.18, linewidth=0)


def values_table(axes, values, text, *, best=None, limits=(-12, 8), digits=1, size=9, names="ABC", labels=True):
    """Draw a matrix of joint values; a frame marks the joint action that the agents' own greedy choices make."""
    axes.imshow(np.clip(values, *limits), cmap="RdYlBu", vmin=limits[0], vmax=limits[1], alpha=0.75)
    for (row, column), value in np.ndenumerate(values):
        shown = f"{value:.{digits}f}".replace("-0.0", "0.0") if digits else f"{value:.0f}"
        axes.text(column, row, shown, ha="center", va="center", fontsize=size)
    if best is not None:
        row, column = best
        axes.add_patch(
            plt.Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, fill=False, edgecolor="black", linewidth=1.8)
        )
    axes.set_xticks(range(values.shape[1]), list(names)[: values.shape[1]], fontsize=8)
    axes.set_yticks(range(values.shape[0]), list(names)[: values.shape[0]], fontsize=8)
    axes.tick_params(length=0)
    if labels:
        axes.set_xlabel("agent 1", fontsize=8.5)
        axes.set_ylabel("agent 0", fontsize=8.5)
    for side in axes.spines.values():
        side.set_visible(False)
    title(axes, text)


def watched(algorithm, task, look, *, steps, seeds=(0,), every):
    """Train, and return the steps at which, and what ``look(learner)`` returned there."""
    envs = SeededEnvs(lambda: make_environment(task, algorithm.n_envs, frames=algorithm.frames), seeds, "cpu")
    envs.reset()
    learner = ValueLearner(algorithm, Spec.of(envs.envs[0]), seeds, steps=steps)
    times, seen = [0], [look(learner)]
    while learner.steps < steps:
        learner.act(envs)
        learner.observe(envs.step(learner._actions), envs)
        learner.learn()
        if learner.steps // every > times[-1] // every:
            times.append(learner.steps)
            seen.append(look(learner))
    envs.close()
    return np.array(times), seen


def recorded(name, task, study="deep_single_agent"):
    """Return steps and returns, shape (points, seeds), that a study recorded; who was done counts on as she was."""
    path = Path(__file__).parents[2] / "benchmarks" / "results" / f"{study}.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    curve = next(row["curve"] for row in rows if (row.get("algorithm"), row.get("task")) == (name, task))
    returns = np.array(curve["returns"], dtype=float)
    for before, after in itertools.pairwise(returns):
        after[np.isnan(after)] = before[np.isnan(after)]
    return np.array(curve["steps"]), returns


def save(figure, path):
    """Write a figure as a picture of at most 128 colours, which makes its file small."""
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    picture = Image.open(path).convert("RGB").quantize(128, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    return Path(path).stat().st_size
