"""Figures of the pages on laws of returns: what critics tell, how fast, from which first scale, and if it helps."""

import json
from pathlib import Path

import numpy as np
from _panels import COLOURS, STYLES, panels, plain, title

from marlgt.deep.distributions import GaussianMixture, cdf, quantile
from marlgt.statistics import bootstrap_interval

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
RECORDED = RESULTS / "deep_return_laws.json"
SHOWN = {
    "mixture, K = 5": "mixture, energy",
    "cross-entropy, K = 5": "mixture, cross-entropy",
    "2-Wasserstein, K = 5": "mixture, 2-Wasserstein",
    "scalar": "scalar",
}


def _rows(group=""):
    rows = json.loads(RECORDED.read_text(encoding="utf-8"))["rows"]
    return {(row["label"], row["chain"]): row for row in rows if row["group"] == group}


def return_laws():
    figure, axes = panels(3, width=9.6, height=3.3)
    rows, truths = _rows(), _rows("truth")
    for ax, name in zip(axes, ("two paths", "random end", "coin flips")):
        law = _first(truths["truth", name])
        x = np.linspace(float(quantile(law, 0.002)) - 0.4, float(quantile(law, 0.99)) + 0.4, 800)
        ax.plot(x, _below(law, x), color="#bbbbbb", linewidth=4.5, label="the truth")
        for index, (label, shown) in enumerate(SHOWN.items()):
            row = rows.get((label, name))
            if row is not None:
                ax.plot(
                    x, _below(_first(row), x), linestyle=STYLES[index], color=COLOURS[index], linewidth=1.4, label=shown
                )
        plain(ax, "P(return ≤ x)", xlabel="return x", place="lower right")
        if name != "random end":
            ax.get_legend().remove()
        title(ax, name)
    return figure


def _first(row):
    """Return the law in the first state."""
    return GaussianMixture(*map(np.array, row["told"][0]))


def _below(law, x):
    return np.asarray(cdf(GaussianMixture(*(part[None] for part in law)), x))


def return_laws_learning():
    figure, axes = panels(3, width=9.6, height=3.3, sharey=True)
    rows = _rows()
    for ax, name in zip(axes, ("two paths", "random end", "rare prize")):
        for index, (label, shown) in enumerate(SHOWN.items()):
            row = rows.get((label, name))
            if row is not None:
                worst = np.array(row["distances"]).max(-1)
                found = [bootstrap_interval(check, resamples=500) for check in worst]
                low, middle, high = (
                    [float(getattr(each, part)) for each in found] for part in ("low", "estimate", "high")
                )
                ax.plot(row["updates"], middle, linestyle=STYLES[index], color=COLOURS[index], label=shown)
                ax.fill_between(row["updates"], low, high, color=COLOURS[index], alpha=0.18, linewidth=0)
        ax.axhline(0.05, color="black", linewidth=0.8, linestyle=":")
        ax.set_yscale("log")
        plain(
            ax, "W₁ from the truth, worst state" if name == "two paths" else "", xlabel="updates", place="center right"
        )
        if name != "random end":
            ax.get_legend().remove()
        title(ax, name)
    return figure


def return_laws_scales():
    rows = _rows("Initial scale")
    chains = dict.fromkeys(chain for _, chain in rows)
    figure, axes = panels(len(chains), sharey=True)
    for ax, name in zip(axes, chains):
        for index, loss in enumerate(("energy", "cross-entropy")):
            scales, found = [], []
            for label, chain in rows:
                told, _, scale = label.partition(", ")
                if (told, chain) == (loss, name) and scale.replace("e-", "").replace(".", "").isdigit():
                    scales.append(float(scale))
                    found.append(bootstrap_interval(np.array(rows[label, chain]["distances"])[-1].max(-1)))
            low, middle, high = (
                np.array([float(getattr(each, part)) for each in found]) for part in ("low", "estimate", "high")
            )
            ax.errorbar(
                np.array(scales) * (1 + 0.12 * index),
                middle,
                yerr=(middle - low, high - middle),
                fmt="os"[index] + "-",
                color=COLOURS[index],
                markersize=4,
                capsize=2.5,
                linewidth=1.2,
                label=loss,
            )
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.axhline(0.05, color="black", linewidth=0.8, linestyle=":")
        plain(ax, "W₁ from the truth, worst state" if ax is axes[0] else "", xlabel="first scale σ₀")
        title(ax, name)
    return figure


def robustness():
    rows = json.loads((RESULTS / "deep_robustness.json").read_text(encoding="utf-8"))["rows"]
    kept = {(row["trained"], row["critic"]): row for row in rows if "trained" in row}
    ways = list(dict.fromkeys(way for way, _ in kept))
    figure, (left, right) = panels(2, width=9.6, height=3.4)
    worlds = list(kept[ways[0], "mixture"]["returns"])
    places = np.arange(len(worlds))
    for index, way in enumerate(ways):
        gains = [
            np.array(kept[way, "mixture"]["returns"][name]) - np.array(kept[way, "scalar"]["returns"][name])
            for name in worlds
        ]
        low, middle, high = _intervals(gains)
        left.errorbar(
            places + 0.2 * (index - 1),
            middle,
            yerr=(middle - low, high - middle),
            fmt="osD"[index],
            color=COLOURS[index],
            markersize=4,
            capsize=2.5,
            linewidth=1.2,
            label=f"trained in {way}",
        )
    left.axhline(0.0, color="black", linewidth=0.8)
    left.set_xticks(places, worlds)
    left.set_ylim(-4.0, 11.5)  # Room for the legend.
    plain(left, "return, mixture less scalar", xlabel="judged in", place="lower left")
    title(left, "what the mixture adds")
    for index, critic in enumerate(("scalar", "mixture", "one normal")):
        row = kept["all of it", critic]
        low, middle, high = _intervals(row["watched"])
        right.plot(row["watched_at"], middle, linestyle=STYLES[index], color=COLOURS[index], label=critic)
        right.fill_between(row["watched_at"], low, high, color=COLOURS[index], alpha=0.18, linewidth=0)
    plain(right, "return", place="lower right")
    title(right, "trained and seen in all of it")
    return figure


def _intervals(values):
    """Return the ends and the middles of the intervals of each list of seeds."""
    found = [bootstrap_interval(each) for each in values]
    return (np.array([float(getattr(each, part)) for each in found]) for part in ("low", "estimate", "high"))
