"""Independent and centralised policy gradients on games of one round: where they climb to, beside published returns.

In climbing the best equilibrium pays 11, and is next to a loss of 30; in the penalty game two pay 10, and to miss each
other there costs the penalty. Papoudakis et al. (2021) play 25 rounds, so that their returns are 25 times a payoff:
all their policy gradients, and nearly all learners of values, stay at 175 of 275 and at 50 of 250. Returns here are of
one round, of the likeliest actions of final policies; rewards are the same for both agents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.deep_study import Cell, study_deep

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
**They end where others ended.** A policy gradient improves an action by what it is worth beside the other's actions as
they are. At first those are nearly random; beside them the first action of the best equilibrium costs more than it may
earn, it is played less, and with it goes what would make it good. A critic that sees everything does not change that,
and neither does COMA's baseline: both change the noise of the gradient, not its direction. What reaches the best
equilibria is a target that asks what an action is worth *if the other does her best*, such as QTRAN's, in 800 updates
(``deep_matrix_games``).
"""


def cells() -> list[Cell]:
    """Return all trainings of the study."""
    made = []
    for task, panel in PANELS.items():
        told: dict[str, Any] = {"panel": panel, "return_goal": float(BEST[panel]), "evaluations": 10, "judged_on": 10}
        made += [Cell(name, task, SEEDS, **told) for name in ALGORITHMS]
        for name, changes in SMALL.items():
            label = f"{name}, small bonus"
            made.append(Cell(name, task, SEEDS, label=label, steps=40_960, changes=changes, **told))
    return made


def study(folder: Path) -> None:
    """Train all algorithms on all games and write ``deep_policies_matrix`` as .json, .md and .png."""
    study_deep(
        folder,
        NAME,
        title="Policy gradients on games of one round",
        text=f"{__doc__}\n{FINDINGS}",
        cells=cells(),
        further=lambda rows: {"Beside published returns": published(rows)},
    )


def published(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return mean returns of 25 rounds beside published ones."""
    body = []
    for row in rows:
        told = PUBLISHED[row["panel"]][ALGORITHMS.index(row["algorithm"])]
        mean = ROUNDS * sum(row["final"]) / len(row["final"])
        best = ROUNDS * BEST[row["panel"]]
        body.append([row["panel"], row["label"], f"{mean:.0f} of {best}", told])
    return [["game", "algorithm", "25 times the mean return here", "published"], *body]
