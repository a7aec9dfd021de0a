"""Figures of the index and the guides: how a step flows, who shares a network, a run, an algorithm of one's own."""

import re
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _panels import COLOURS, band, line, panels, plain, title
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from marlgt.deep import QMIX, VDN, resume, train
from marlgt.deep.networks.sharing import Sharing

BOX = {"boxstyle": "round,pad=0.02,rounding_size=0.08", "linewidth": 1.3}


def _box(axes, x, y, name, text, colour, *, width=2.05, height=1.0):
    axes.add_patch(FancyBboxPatch((x, y), width, height, facecolor=f"{colour}22", edgecolor=colour, **BOX))
    axes.text(x + width / 2, y + height - 0.25, name, ha="center", va="center", fontsize=10, weight="bold")
    axes.text(x + width / 2, y + 0.36, text, ha="center", va="center", fontsize=7.8, linespacing=1.35)


def _arrow(axes, start, end, text="", *, place=None, bend=0.0, align="center"):
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=12,
            linewidth=1.2,
            color="#444444",
            connectionstyle=f"arc3,rad={bend}",
        )
    )
    if text:
        axes.text(*place, text, ha=align, va="center", fontsize=7.8, color="#222222", linespacing=1.35)


def index():
    figure, axes = plt.subplots(figsize=(8.4, 3.9), layout="constrained")
    axes.set(xlim=(-0.1, 10.3), ylim=(-0.35, 4.35))
    axes.axis("off")
    _box(axes, 0, 2.6, "environment", "B copies for each seed,\nthey begin anew themselves", COLOURS[2])
    _box(axes, 4.0, 2.6, "act", "best actions, or random\nones by the schedule", COLOURS[0])
    _box(axes, 8.0, 2.6, "replay", "a ring of steps, drawn\nevenly or by priority", COLOURS[4])
    _box(axes, 8.0, 0.2, "loss", "each algorithm's own,\none number a window", COLOURS[1])
    _box(axes, 4.0, 0.2, "networks", "stacked: all seeds and\nagents in one product", COLOURS[0])
    _box(axes, 0, 0.2, "target networks", "a copy that lags behind", COLOURS[3])
    _arrow(axes, (2.12, 3.3), (3.9, 3.3), "observations\n(S, B, n, D)", place=(3.0, 3.72))
    _arrow(axes, (3.9, 2.85), (2.12, 2.85), "actions\n(S, B, n)", place=(3.0, 2.42))
    _arrow(axes, (6.12, 3.1), (7.9, 3.1), "step: rewards,\nreached, ends", place=(7.0, 3.55))
    _arrow(axes, (9.02, 2.5), (9.02, 1.32), "windows\n(S, L, R, …)", place=(9.2, 1.92), align="left")
    _arrow(axes, (7.9, 0.7), (6.12, 0.7), "gradient,\nAdam", place=(7.0, 1.1))
    _arrow(axes, (3.9, 0.7), (2.12, 0.7), "now and\nthen copied", place=(3.0, 1.1))
    _arrow(axes, (5.02, 1.32), (5.02, 2.5), "values (S, B, n, A)", place=(5.2, 1.92), align="left")
    _arrow(axes, (1.0, 0.12), (9.0, 0.12), "what follows is worth", place=(7.0, -0.22), bend=0.06)
    return figure


def sharing():
    figure, axes = plt.subplots(1, 3, figsize=(8.0, 2.6), layout="constrained")
    shares = (('share="all"', "all"), ('share="none"', "none"), ("share=(0, 0, 1, 1)", (0, 0, 1, 1)))
    for panel, (name, share) in zip(axes, shares):
        networks = Sharing.of(share, 4).networks
        count = max(networks) + 1
        spots = np.array([1.5]) if count == 1 else np.linspace(0, 3, count) if count == 4 else np.array([0.5, 2.5])
        for agent, network in enumerate(networks):
            panel.plot([agent, spots[network]], [0, 1], color=COLOURS[network], linewidth=1.5, zorder=1)
            panel.plot(agent, 0, "o", color="white", markeredgecolor="black", markersize=19, zorder=2)
            panel.text(agent, 0, str(agent), ha="center", va="center", fontsize=9)
        for network, spot in enumerate(spots):
            panel.plot(spot, 1, "s", color=COLOURS[network], markersize=19, zorder=2)
            panel.text(spot, 1, str(network), ha="center", va="center", fontsize=9, color="white", weight="bold")
        panel.set(xlim=(-0.5, 3.5), ylim=(-0.35, 1.35))
        panel.axis("off")
        title(panel, name)
    axes[0].text(-0.5, 0.27, "agents", fontsize=8, ha="left")
    axes[0].text(0.55, 1.0, "networks", fontsize=8, ha="left", va="center")
    return figure


def training():
    figure, (left, right) = panels(2)
    algorithm = QMIX(lr=1e-3, learning_starts=200, epsilon_steps=10_000, batch_size=64)
    run = train(algorithm, "two_step:observation=one_hot", steps=30_000, seeds=range(5), episodes=1)
    band(left, run.curve.steps, run.curve.mean_return, "greedy, evaluated")
    line(left, run.curve.steps, np.nanmean(run.curve.training_returns, 1), "while exploring", 1)
    left.axhline(8, color="black", linewidth=1, linestyle=":")
    left.set_ylim(0, 8.6)
    plain(left, "return", place="lower right")
    title(left, "QMIX on the two-step game, 5 seeds")
    right.semilogy(run.curve.steps, run.curve.losses.mean(1), color=COLOURS[2], linewidth=1.5)
    plain(right, "mean loss")
    twin = right.twinx()
    twin.plot(run.curve.steps, run.curve.exploration, color=COLOURS[3], linestyle="--", linewidth=1.5)
    twin.set_ylabel("random actions, share (dashed)", fontsize=9)
    twin.tick_params(labelsize=8)
    title(right, "what else a curve holds")
    return figure


def runs():
    figure, (left, right) = panels(2)
    settings = VDN(lr=1e-3, learning_starts=200, epsilon_steps=4000)
    plan = {"steps": 12_000, "episodes": 50, "evaluate_every": 500, "checkpoint_every": 1000}
    task = "Foraging-5x5-2p-1f-v3"
    whole = train(settings, task, seeds=(0, 1, 2), **plan)
    for place, seed in enumerate((0, 1, 2)):
        line(left, whole.curve.steps, whole.curve.mean_return[:, place], f"seed {seed}, with the others", place)
    alone = train(settings, task, seeds=(1,), **plan)
    left.plot(
        alone.curve.steps,
        alone.curve.mean_return[:, 0],
        "o",
        color="black",
        markersize=3.5,
        markerfacecolor="none",
        label="seed 1, alone",
    )
    plain(left, "return", place="upper left")
    title(left, "seeds together, and one alone")
    with tempfile.TemporaryDirectory() as folder:
        _stopped(settings, task, folder, plan, after=6000)
        on = resume(folder)
    line(right, alone.curve.steps, alone.curve.mean_return[:, 0], "never stopped", 1)
    resumed = on.curve.steps
    right.plot(
        resumed,
        on.curve.mean_return[:, 0],
        "o",
        color="black",
        markersize=3.5,
        markerfacecolor="none",
        label="stopped and resumed",
    )
    right.axvline(6000, color="black", linewidth=1, linestyle=":")
    plain(right, "return", place="upper left")
    title(right, "seed 1 stopped after 6,000 steps, resumed")
    return figure


def _stopped(algorithm, task, folder, plan, *, after):
    """Train until an interrupt after so many steps."""
    from marlgt.deep.trainer import Trainer

    class Enough(Exception):
        pass

    step = Trainer._step

    def counted(self):
        if self.learner.steps > after:
            raise Enough
        step(self)

    Trainer._step = counted
    try:
        train(algorithm, task, seeds=(1,), folder=folder, **plan)
    except Enough:
        pass
    finally:
        Trainer._step = step


def write_an_algorithm():
    figure, (left, right) = panels(2)
    made = {}
    page = (Path(__file__).parent / "write_an_algorithm.md").read_text(encoding="utf-8")
    source = re.search(r"^```python\n(.*?)^from marlgt.deep import VDN, train", page, flags=re.M | re.S)[1]
    exec(compile(source, "write_an_algorithm.md", "exec"), made)
    settings = {"lr": 3e-3, "learning_starts": 64, "epsilon_end": 1.0, "update_every": 8, "hidden": (32,)}
    for index, algorithm in enumerate((VDN(**settings), made["HystereticVDN"](**settings, pessimism=0.02))):
        run = train(algorithm, "climbing", steps=4800, seeds=range(5), episodes=1)
        band(left, run.curve.steps, run.curve.mean_return, ("VDN", "hysteretic VDN, 0.02")[index], index)
    left.axhline(11, color="black", linewidth=1, linestyle=":")
    plain(left, "return", place="lower right")
    title(left, "climbing: mean and range of 5 seeds")
    shares = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    for index, (game, name) in enumerate((("climbing", "climbing"), ("penalty:penalty=-100", "penalty, k = −100"))):
        finals = []
        for pessimism in shares:
            algorithm = made["HystereticVDN"](**settings, pessimism=pessimism)
            finals.append(train(algorithm, game, steps=4800, seeds=range(5), episodes=1).curve.final)
        band(right, shares, finals, name, index)
    right.set_xscale("log")
    right.set_xticks([0.01, 0.1, 1.0], ["0.01", "0.1", "1"])
    plain(right, "last return", xlabel="pessimism: 1 is VDN", place="lower right")
    title(right, "how pessimistic? 5 seeds")
    return figure
