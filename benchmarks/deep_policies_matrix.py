"""Independent and centralised policy gradients on games of one round: where they climb to, beside published returns.

In climbing the best equilibrium pays 11, and is next to a loss of 30; in the penalty game two pay 10, and to miss each
other there costs the penalty. Papoudakis et al. (2021) play 25 rounds, so that their returns are 25 times a payoff:
all their policy gradients, and nearly all learners of values, stay at 175 of 275 and at 50 of 250. Returns here are of
one round, of the likeliest actions of final policies; rewards are the same for both agents.

In the picture lines that lie on each other are the thinner the later they are drawn; bars are 95 % intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.deep_cells import Baseline, Cell
from benchmarks.deep_study import COLOURS, study_deep
from marlgt.games import climbing_game, penalty_game
from marlgt.statistics import bootstrap_interval

NAME = "deep_policies_matrix"
PANELS = {
    "climbing": "climbing",
    "penalty:penalty=0": "penalty 0",
    "penalty:penalty=-25": "penalty -25",
    "penalty:penalty=-100": "penalty -100",
}
ALGORITHMS = ("IPPO", "MAPPO", "IA2C", "COMA")
SEEDS = range(10)
ROUNDS = 25
BEST = {"climbing": 11, "penalty 0": 10, "penalty -25": 10, "penalty -100": 10}
SMALL: dict[str, dict[str, Any]] = {
    "IPPO": {"entropy_weight": 0.01, "entropy_weight_end": None, "normalise_advantages": True},
    "IA2C": {"entropy_weight": 0.5, "entropy_weight_end": 0.0},
}
"""Settings of a bonus for entropy that is small beside payoffs, as is usual."""
PUBLISHED = {
    "climbing": ("175", "175", "175", "185 ± 49"),
    "penalty 0": ("250", "250", "250", "250"),
    "penalty -25": ("50", "50", "50", "50"),
    "penalty -100": ("50", "50", "50", "50"),
}
"""Largest mean returns of the algorithms in 20 million steps, Papoudakis et al. (2021), table 3."""

FINDINGS = """
**With the usual, small bonus for entropy they end where others ended.** A policy gradient improves an action by what it
is worth beside the other's actions as they are. At first those are nearly random; beside them the safe action of a
penalty game is worth most, so that both play it, and stay. A critic that sees everything does not change that, and
neither does COMA's baseline: both change the noise of the gradient, not its direction.

**With a bonus as large as payoffs, which falls over the run, IPPO, MAPPO and IA2C reach a best equilibrium of every
penalty game with every seed**, where all published ones stayed at 2 a round. As long as policies mix, a small
difference in how often one of them plays the first and the last action makes the more frequent one worth more to the
other, all the more the higher the penalty; she answers, and the difference grows. That is no merit of a learner: best
replies that are smoothed by a falling temperature, without samples and critics, do the same, if they begin hot enough
(the table of smoothed replies). The bonus is counted in payoffs, so that advantages must not be normalised.

**What falls short.** COMA reaches the best equilibrium with half of the seeds where the penalty is 100. Agents share a
network, so that they begin nearly alike, which helps: with networks apart IPPO still does it with every seed, but IA2C
at a penalty of 100 with one of ten. In climbing nobody reaches 11, with either bonus, and smoothed replies do not at
any temperature of the table: beside whatever the other mixes the way leads from the third action to the second. What
finds 11 is a target that asks what an action is worth *if the other does her best*, such as QTRAN's, in 800 updates
(``deep_matrix_games``).

**What to doubt.** The bonus was chosen on these games; how large payoffs are must be known for it.
"""
TEMPERATURES = (0.2, 0.5, 1.0, 2.0, 4.0)


def cells() -> list[Cell]:
    """Return all trainings of the study."""
    made = []
    for task, panel in PANELS.items():
        told: dict[str, Any] = {"panel": panel, "return_goal": float(BEST[panel]), "evaluations": 10, "judged_on": 10}
        made += [Cell(name, task, SEEDS, **told) for name in ALGORITHMS]
        for name, changes in SMALL.items():
            label = f"{name}, small bonus"
            made.append(Cell(name, task, SEEDS, label=label, steps=40_960, changes=changes, **told))
        if panel in ("penalty -25", "penalty -100"):
            apart = {"share": "none"}
            made += [Cell(name, task, SEEDS, label=f"{name}, apart", changes=apart, **told) for name in SMALL]
    return made


def study(folder: Path) -> None:
    """Train all algorithms on all games and write ``deep_policies_matrix`` as .json, .md and .png."""
    study_deep(
        folder,
        NAME,
        title="Policy gradients on games of one round",
        text=f"{__doc__}\n{FINDINGS}",
        cells=cells(),
        further=lambda rows: {
            "Beside published returns": published(rows),
            "Payoffs of smoothed best replies, by the temperature at first": replies(),
        },
        draw=draw,
    )


def smoothed_replies(payoffs: NDArray[np.float64], first: float, *, last: float = 0.05, steps: int = 10_000) -> float:
    """Return what two players get at last who move slowly towards best replies, smoothed as by a bonus for entropy.

    Parameters
    ----------
    payoffs : ndarray, shape (A, A)
        The same for both.
    first, last : float
        Temperature, which falls over the steps.
    steps : int
    """
    # Not quite uniform: between the first and the last action both would stay for ever.
    mine, hers = (np.full(len(payoffs), 1.0 / len(payoffs)) + np.linspace(more, -more, 3) for more in (0.01, 0.001))
    for step in range(steps):
        heat = first + (last - first) * step / steps
        replies = (payoffs @ hers / heat, payoffs.T @ mine / heat)
        weights = [np.exp(worth - worth.max()) for worth in replies]
        mine, hers = (old + 0.05 * (new / new.sum() - old) for old, new in zip((mine, hers), weights))
    return float(mine @ payoffs @ hers)


def replies() -> list[list[str]]:
    """Return what smoothed best replies lead to in every game."""
    games = {"climbing": climbing_game(), **{f"penalty {-k}": penalty_game(penalty=-k) for k in (0, 25, 100)}}
    body = []
    for name, game in games.items():
        payoffs = np.asarray(game.payoffs[0], dtype=np.float64)
        body.append([name, *(f"{smoothed_replies(payoffs, heat):.1f}" for heat in TEMPERATURES)])
    return [["game", *(f"{heat:g}" for heat in TEMPERATURES)], *body]


def published(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return mean returns of 25 rounds beside published ones."""
    body = []
    for row in rows:
        told = PUBLISHED[row["panel"]][ALGORITHMS.index(row["algorithm"])]
        mean = ROUNDS * sum(row["final"]) / len(row["final"])
        best = ROUNDS * BEST[row["panel"]]
        body.append([row["panel"], row["label"], f"{mean:.0f} of {best}", told])
    return [["game", "algorithm", "25 times the mean return here", "published"], *body]


GROUPS: dict[str, tuple[str, ...]] = {
    "the bonus begins as large as payoffs": ALGORITHMS,
    "a small bonus, or networks apart": tuple(f"{name}, {how}" for how in ("small bonus", "apart") for name in SMALL),
}
"""Rows of panels of the picture, and the lines in each."""
DRAWN = ((5.5, "o"), (3.8, "s"), (2.2, "^"), (1.2, "D"))
"""Widths and marks of the lines of a panel: later ones are thinner, so that those below stay in sight."""


def draw(figure: Any, rows: Sequence[Mapping[str, Any]], baselines: Sequence[Baseline]) -> None:
    """Draw returns of likeliest actions over steps: games side by side, settings above each other.

    Many lines lie on each other; an interquartile mean is drawn, and a 95 % interval as bars at the marks, which lie
    beside each other.
    """
    figure.set_size_inches(14.0, 7.0)
    axes = figure.subplots(len(GROUPS), len(BEST), sharex=True, sharey=True)
    chance = {PANELS[each.task]: float(np.mean(each.returns)) for each in baselines if each.name == "random"}
    for line, (heading, labels) in zip(axes, GROUPS.items()):
        handles: dict[str, Any] = {}
        for ax, panel in zip(line, BEST):
            own = {row["label"]: row for row in rows if row["panel"] == panel}
            for place, label in enumerate(labels):
                if label in own:
                    handles[label] = _draw_line(ax, own[label], place)
            ax.axhline(BEST[panel], color="#999999", linestyle=":", linewidth=1.2)
            ax.set_title(f"{panel} (random play {chance[panel]:.1f})" if ax in axes[0] else "", fontsize=10)
            ax.set_ylim(0.0, 12.0)
            ax.grid(alpha=0.25, linewidth=0.6)
            ax.spines[["top", "right"]].set_visible(False)
        line[0].set_ylabel(f"return of likeliest actions\n{heading}")
        line[0].legend(handles.values(), handles, loc="lower right", fontsize=8, frameon=False)
    for ax in axes[-1]:
        ax.set_xlabel("thousand steps of a seed")


def _draw_line(ax: Any, row: Mapping[str, Any], place: int) -> Any:
    width, mark = DRAWN[place]
    bands = [bootstrap_interval(point, resamples=500) for point in row["curve"]["returns"]]
    low, middle, high = (
        np.array([float(getattr(each, part)) for each in bands]) for part in ("low", "estimate", "high")
    )
    steps = np.array(row["curve"]["steps"]) / 1000.0
    ax.plot(steps, middle, color=COLOURS[place], linewidth=width, solid_joinstyle="round")
    # Marks at other steps for each line; the first point is of networks that have learnt nothing.
    at = slice(1 + place % 2, None, 2)
    beside = steps[at] + 0.8 * (place - 1.5)
    spread = (np.maximum(middle - low, 0.0)[at], np.maximum(high - middle, 0.0)[at])
    return ax.errorbar(
        beside, middle[at], yerr=spread, fmt=mark, color=COLOURS[place], ecolor=COLOURS[place], elinewidth=1.0,
        capsize=2.0, markersize=5.0, markeredgecolor="white", markeredgewidth=0.6, label=row["label"],
    )  # fmt: skip
