"""Learners of team values and the coordination games they are trained on, and the tables of values that they learn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.deep_cells import CACHE

__all__ = ["LEARNERS", "TASKS", "every_row", "outcomes", "payoffs", "tables_of"]

TASKS = {
    "qtran_matrix": "QTRAN's game",
    "climbing": "climbing",
    "penalty:penalty=-25": "penalty -25",
    "penalty:penalty=-50": "penalty -50",
    "penalty:penalty=-75": "penalty -75",
    "penalty:penalty=-100": "penalty -100",
    "two_step_game": "two-step",
}
LEARNERS: dict[str, tuple[str, dict[str, Any]]] = {
    "QTRAN-base": ("QTRAN", {"variant": "base"}),
    "QTRAN-alt": ("QTRAN", {"variant": "alt"}),
    "QMIX": ("QMIX", {}),
    "VDN": ("VDN", {}),
    "IDQN": ("IDQN", {}),
    "JAL-AM": ("JALAM", {}),
    "central Q": ("CentralQ", {}),
}
ALONE = (
    *((name, task) for name in ("QTRAN-base", "QTRAN-alt") for task in TASKS if task != "two_step_game"),
    ("QMIX", "two_step_game"),
    ("VDN", "two_step_game"),
)
"""Learners and tasks whose first seed is also trained alone: what a seed costs, and whether it is the same."""


def payoffs(task: str) -> np.ndarray:
    """Return the team's payoffs of a one-shot game."""
    from marlgt.deep import make_environment

    game: Any = make_environment(task, 1).game  # type: ignore[attr-defined]
    return np.asarray(game.payoffs[0], dtype=float)


def outcomes(task: str) -> np.ndarray:
    """Return what each pure joint policy earns, each as likely as any by random actions."""
    if task != "two_step_game":
        return payoffs(task).ravel()
    return np.array([7.0] * 4 + [0.0, 1.0, 1.0, 8.0])


def learned(name: str, task: str, seeds: Sequence[int]) -> dict[str, Any]:
    """Return what a learner reached on a task, from the cache or else by training."""
    path = CACHE / "deep_matrix_games" / f"{name}_{task.replace(':', '_')}_{len(seeds)}.json"
    algorithm, changes = LEARNERS[name]
    from marlgt.deep import recipe, train
    from marlgt.deep.runs.settings_json import settings_to_json

    book = recipe(task)
    chosen = book.algorithm(algorithm, **changes)
    settings = json.loads(json.dumps(settings_to_json(chosen)))
    if path.exists():
        row: dict[str, Any] = json.loads(path.read_text())
        if row["settings"] == settings and row["steps"] == book.steps:
            return row
    run = train(chosen, task, steps=book.steps, seeds=seeds, episodes=1)
    row = {
        "learner": name,
        "task": task,
        "steps": book.steps,
        "seeds": len(seeds),
        "settings": settings,
        "payoffs": run.curve.final.tolist(),
        "optimum": float(outcomes(task).max()),
        "curve": {"steps": run.curve.steps.tolist(), "payoffs": run.curve.mean_return.tolist()},
        "cpu_seconds": run.record.cpu_seconds,
        "states": states_learnt(run, task),
    }
    if (name, task) in ALONE:
        alone = train(chosen, task, steps=book.steps, seeds=seeds[:1], episodes=1)
        first = states_learnt(alone, task)
        row["alone"] = {
            "cpu_seconds": alone.record.cpu_seconds,
            "same": all(row["states"][state]["joint"][0] == first[state]["joint"][0] for state in first),
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(row))
    return row


def states_learnt(run: Any, task: str) -> dict[str, dict[str, Any]]:
    """Return the tables learnt by all seeds: of the only state, or of the three of the two-step game."""
    from marlgt.deep.inspection import learnt_values

    if task == "two_step_game":
        codes = {state: np.eye(4, dtype=np.float32)[i] for i, state in enumerate(("1", "2A", "2B"))}
        width = run.spec.n_agents if run.algorithm.name != "CentralQ" else 2
        found = {state: learnt_values(run, observations=[code] * width, state=code) for state, code in codes.items()}
    else:
        found = {"": learnt_values(run)}
    return {state: {key: rounded(getattr(values, key)) for key in FIELDS} for state, values in found.items()}


FIELDS = ("utilities", "joint", "state_value")


def rounded(values: Any) -> Any:
    """Return an array as lists of numbers with five decimals."""
    return None if values is None else np.round(values, 5).tolist()


def every_row(seeds: int) -> list[dict[str, Any]]:
    """Return the rows of all learners on all tasks."""
    rows = []
    for task in TASKS:
        for name in LEARNERS:
            row = learned(name, task, range(seeds))
            rows.append(row)
            hits = int((np.array(row["payoffs"]) >= row["optimum"] - 1e-6).sum())
            cost = row["cpu_seconds"] / row["seeds"]
            print(f"  {name} on {TASKS[task]}: {hits} of {row['seeds']}, {cost:.2f} CPU-s a seed", flush=True)
    return rows


def tables_of(row: Mapping[str, Any], state: str = "") -> dict[str, np.ndarray]:
    """Return what all seeds learnt in a state: joint values, sums of utilities, V and D."""
    from marlgt.deep.inspection import LearntValues

    found = LearntValues(
        *(None if row["states"][state][key] is None else np.array(row["states"][state][key]) for key in FIELDS)
    )
    made = {} if found.joint is None else {"joint": found.joint}
    if found.utilities is not None:
        made["totals"] = found.totals
    if found.state_value is not None:
        made |= {"V": found.state_value, "D": found.residual}
    return made
