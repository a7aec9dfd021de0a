"""What deep learners of team values reach, and what values they learn, in the games on which they were first compared.

QTRAN's single-state game (Son et al. 2019), climbing and penalty games (Claus and Boutilier 1998), and QMIX's two-step
game (Rashid et al. 2018). Everything goes through ``train`` with the recipe of these games: all actions are random
(epsilon 1), transitions are replayed, and greedy policies are judged. A seed succeeds if its greedy joint policy earns
the optimum. Published deep baselines stop at 2 of 10 in penalty games from -25 on and near 7 of 11 in climbing
(Papoudakis et al. 2021, table 3, recalled: 50 and about 175 in 25 repetitions).

Papers' figures are recalled, not read again. The additive projection is what VDN's values would be after endless
uniform data, and the monotone projection the best that any monotone mixer can do, over all orders of actions; QMIX's
training ends in a worse local optimum (mean squared error 35.6 against 32.0 in QTRAN's game).
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.deep_matrix_cells import LEARNERS, TASKS, every_row, outcomes, payoffs, tables_of
from benchmarks.deep_matrix_tables import (
    conditions,
    costs,
    earned,
    projections,
    qtran_values,
    reached,
    two_step_values,
)
from benchmarks.deep_study import COLOURS
from benchmarks.studies import record_study
from marlgt import concepts
from marlgt.statistics import bootstrap_interval

SEEDS = 20


def study(folder: Path, *, seeds: int = SEEDS) -> None:
    """Train all learners on all games and write ``deep_matrix_games`` as .json, .md and .png."""
    rows = every_row(seeds)
    record_study(
        folder,
        "deep_matrix_games",
        title="Coordination games, deep",
        text=__doc__ or "",
        settings={
            "steps": f"{rows[0]['steps']}, of the two-step game {rows[-1]['steps']}",
            "seeds": f"0 to {seeds - 1}",
            "torch": importlib.metadata.version("torch"),
            "seconds are": "of one core",
            "all": "the recipe's (`marlgt.deep.recipe`)",
        },
        rows=rows,
        tables={
            "Seeds that reach the optimum (in brackets)": reached(rows),
            "Payoff of the greedy policies, IQM [95 % interval]": earned(rows),
            "CPU-seconds of a seed, stacked with the others, and alone": costs(rows),
            "Values learnt in QTRAN's game, means over seeds": qtran_values(rows),
            "QTRAN's conditions, over all seeds": conditions(rows),
            "VDN and QMIX against the best of their classes": projections(rows),
            "Values learnt in the two-step game, means over seeds": two_step_values(rows),
        },
        draw=partial(draw, rows=rows),
        seconds=sum(row["cpu_seconds"] + row.get("alone", {}).get("cpu_seconds", 0.0) for row in rows),
    )


def draw(figure: Any, *, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw the values learnt in QTRAN's game as heat maps, and below them the payoffs of all learners."""
    figure.set_size_inches(13, 6.6)
    above, below = figure.subfigures(2, 1, height_ratios=(0.62, 1.0))
    _maps(above, rows)
    _bars(below, rows)


def _maps(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    game = payoffs("qtran_matrix")
    own = {row["learner"]: tables_of(row) for row in rows if row["task"] == "qtran_matrix"}
    shown = {
        "payoffs": game,
        "QTRAN-base: Q_jt": own["QTRAN-base"]["joint"].mean(0),
        "QTRAN-base: Q'": own["QTRAN-base"]["totals"].mean(0),
        "QTRAN-base: D": own["QTRAN-base"]["D"].mean(0),
        "QMIX": own["QMIX"]["joint"].mean(0),
        "best monotone fit": concepts.monotone_projection(game).fit,
        "VDN": own["VDN"]["joint"].mean(0),
        "additive projection": concepts.additive_projection(game).fit,
    }
    axes = figure.subplots(1, len(shown))
    for ax, (title, values) in zip(axes, shown.items()):
        image = ax.imshow(values, cmap="RdBu", vmin=-20, vmax=20)
        best = values.min() if title.endswith("D") else values.max()
        for (i, j), value in np.ndenumerate(values):
            text = f"{value + 0.0:.1f}".replace("-0.0", "0.0")
            weight = "bold" if abs(value - best) < 0.05 else "normal"
            ink = "white" if abs(value) > 13 else "black"
            ax.text(j, i, text, ha="center", va="center", fontsize=8.5, color=ink, weight=weight)
        ax.set_title(title, fontsize=9.5)
        ax.set_xticks(range(3), "ABC")
        ax.set_yticks(range(3), "ABC")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.6, pad=0.01)
    figure.suptitle("Values learnt in QTRAN's game, means over seeds (bold: the best, of D the least)", fontsize=11)


def _bars(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    ax = figure.subplots()
    width = 0.8 / len(LEARNERS)
    for k, name in enumerate(LEARNERS):
        own = [row for row in rows if row["learner"] == name]
        found = [bootstrap_interval(row["payoffs"]) for row in own]
        middle, low, high = (
            np.array([float(getattr(each, part)) for each in found]) for part in ("estimate", "low", "high")
        )
        places = np.arange(len(own)) + (k - (len(LEARNERS) - 1) / 2) * width
        ax.bar(places, middle, width * 0.92, color=COLOURS[k], label=name)
        ax.errorbar(
            places, middle, np.abs([middle - low, high - middle]), fmt="none", ecolor="black", capsize=1.5, lw=0.9
        )
        for place, value, above in zip(places, middle, high):
            ax.text(place, max(above, 0) + 0.15, f"{value:.3g}", ha="center", fontsize=7)
    for i, task in enumerate(TASKS):
        (best,) = ax.plot([i - 0.45, i + 0.45], [outcomes(task).max()] * 2, color="black", lw=1.2, ls="--")
    best.set_label("optimum")
    ax.set_xticks(range(len(TASKS)), TASKS.values())
    ax.set_ylabel("payoff of greedy policies")
    ax.set_ylim(min(0.0, ax.get_ylim()[0]), 12.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title(f"What greedy policies earn: IQM of {rows[0]['seeds']} seeds with 95 % intervals", fontsize=11)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=8, frameon=False)


if __name__ == "__main__":
    study(Path(__file__).parent / "results")
