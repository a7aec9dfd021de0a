"""Rainbow with each of its six parts switched off, on CartPole: which of them does the work there?

Settings are those of Rainbow's recipe, in half its steps; only the part named is off. Without noisy layers, actions are
random by the schedule of DQN's recipe; without the distribution, the head gives the mean of the return, and the errors
of the squared loss are the priorities. Returns are those of the networks that were kept, on 100 fresh episodes.

The distribution and the priorities are what Rainbow cannot do without here: five and four of five seeds fail when they
are off. Of the other four parts five seeds cannot tell the order, for the intervals overlap. Plain DQN, at the same
rate and ratio of updates, solves the task at less than half the seconds (``deep_single_agent``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.deep_study import Cell, study_deep

NAME = "deep_rainbow"
TASK = "CartPole-v1"
SEEDS = range(5)
STEPS = 25_000
"""Half of the recipe's, so that what learns sooner shows."""


def parts() -> dict[str, Mapping[str, Any]]:
    """Return what switches off each part."""
    from marlgt.deep import recipe

    exploring = recipe(TASK).algorithm("DQN")
    return {
        "Rainbow": {},
        "without double Q-learning": {"double": False},
        "without priorities": {"prioritised": False},
        "without dueling": {"dueling": False},
        "without several steps": {"n_steps": 1},
        "without distribution": {"distributional": False},
        "without noise": {
            "noisy": False,
            "epsilon_start": exploring.epsilon_start,
            "epsilon_end": exploring.epsilon_end,
            "epsilon_steps": exploring.epsilon_steps,
        },
    }


def study(folder: Path) -> None:
    """Train Rainbow in seven ways and write ``deep_rainbow`` as .json, .md and .png."""
    study_deep(
        folder,
        NAME,
        title="Rainbow without each of its parts",
        text=__doc__ or "",
        cells=[
            Cell("Rainbow", TASK, SEEDS, label=label, steps=STEPS, changes=changes, return_goal=475.0)
            for label, changes in parts().items()
        ],
    )
