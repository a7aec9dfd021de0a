"""Each drone task, flown by its scripted expert and by random actions: is it solved by the one, and not by the other?

Asked for are at least 95 % of episodes solved by the expert, against random actions where there are two sides, and
at most 2 % by random actions. The score is the mean reward of a step, 0 for steps after a crash; with two sides
it is the first agent's return, and where it is gym-pybullet-drones' own it is up to 2. The same first episodes are
flown in PyBullet and with PyTorch: asked for are returns within 0.5 % in the air. Tasks that start on the ground meet
Bullet's own contacts there, and motors that are only on or off amplify any difference.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies import record_study
from marlgt.games.drones import TASKS, Task, evaluate_policy, make_task

SEEDS = range(5)
EPISODES = 200
COMPARED = 16


def study(folder: Path) -> None:
    """Fly all tasks and write ``drone_tasks`` as .json, .md and .png."""
    started = time.process_time()
    rows = [row for name, entry in TASKS.items() for kind in entry.actions for row in flown(name, kind)]
    record_study(
        folder,
        "drone_tasks",
        title="Drone tasks: expert against random actions",
        text=__doc__ or "",
        settings={"seeds": "0 to 4", "episodes of each seed": EPISODES, "episodes in PyBullet and PyTorch": COMPARED},
        rows=rows,
        tables={"Solved": _table(rows), "The expert in the other backends": _backends(rows)},
        draw=partial(draw, rows=rows),
        seconds=time.process_time() - started,
    )


def flown(name: str, kind: str) -> list[dict[str, Any]]:
    """Return the results of a task with one kind of actions, for its fewest, usual and most drones."""
    entry = TASKS[name]
    rows = []
    for count in sorted(set(entry.drones)):
        task = make_task(name, n_drones=count, actions=kind)
        row: dict[str, Any] = {
            "task": name,
            "drones": count,
            "actions": kind,
            "figure": task.figure,
            "solved": task.solved,
        }
        for policy in ("expert", "random"):
            row |= {f"{policy}_{key}": value for key, value in measured(task, policy).items()}
        row["met"] = row["expert_success"] >= 0.95 and row["random_success"] <= 0.02
        if count == entry.drones[1] and kind == entry.actions[0]:
            row |= compared(task)
        print(f"  {name} {count} {kind}: {row['expert_success']:.1%} against {row['random_success']:.1%}", flush=True)
        rows.append(row)
    return rows


def measured(task: Task, policy: str) -> dict[str, float]:
    """Return the share of episodes solved, the score and the length, over all seeds."""
    against = "random" if task.teams else None
    runs = [evaluate_policy(task, policy, against=against, episodes=EPISODES, seed=seed) for seed in SEEDS]
    return {
        "success": float(np.mean([run.success_rate for run in runs])),
        "crashed": float(np.mean([run.crash_rate for run in runs])),
        "score": float(np.mean([run.score for run in runs])),
        "standard_error": float(np.std([run.score for run in runs], ddof=1) / np.sqrt(len(runs))),
        "steps": float(np.mean([run.lengths.mean() for run in runs])),
    }


def compared(task: Task) -> dict[str, float]:
    """Return the first agent's mean return with the expert in each backend, over the same few episodes."""
    return {
        backend: evaluate_policy(task, "expert", episodes=COMPARED, backend=backend).returns[:, 0].mean().item()
        for backend in ("numba", "torch", "bullet")
    }


def _table(rows: list[dict[str, Any]]) -> list[list[str]]:
    head = ["task", "drones", "actions", "solved means", "expert solves", "random solves", "expert's score"]
    head += ["random score", "steps of the expert", "as asked"]
    body = [
        [
            row["task"],
            str(row["drones"]),
            row["actions"],
            f"{row['figure']} ≤ {row['solved']:g}",
            f"{row['expert_success']:.1%}",
            f"{row['random_success']:.1%}",
            f"{row['expert_score']:.3f} ± {row['expert_standard_error']:.3f}",
            f"{row['random_score']:.3f} ± {row['random_standard_error']:.3f}",
            f"{row['expert_steps']:.0f}",
            "yes" if row["met"] else "**no**",
        ]
        for row in rows
    ]
    return [head, *body]


def _backends(rows: list[dict[str, Any]]) -> list[list[str]]:
    head = ["task", "drones", "actions", "numba", "PyTorch", "PyBullet", "PyBullet differs by"]
    body = []
    for row in rows:
        if "bullet" in row:
            scale = max(abs(row["numba"]), 1e-9)
            gap = abs(row["bullet"] - row["numba"]) / scale
            returns = [f"{row[backend]:.4f}" for backend in ("numba", "torch", "bullet")]
            body.append([row["task"], str(row["drones"]), row["actions"], *returns, f"{gap:.3%}"])
    return [head, *body]


def draw(figure: Any, *, rows: list[dict[str, Any]]) -> None:
    """Draw what the experts and random actions solve."""
    figure.set_size_inches(9, 0.26 * len(rows) + 1.6)
    axes = figure.subplots()
    places = np.arange(len(rows))[::-1]
    axes.barh(places + 0.2, [row["expert_success"] for row in rows], 0.4, label="expert", color="#0072B2")
    axes.barh(places - 0.2, [row["random_success"] for row in rows], 0.4, label="random actions", color="#D55E00")
    axes.set_yticks(places, [f"{row['task']}, {row['drones']}, {row['actions']}" for row in rows], fontsize=7)
    axes.axvline(0.95, color="#888888", linewidth=0.8, linestyle="--")
    axes.set_xlabel("share of episodes solved (dashed: 95 %)")
    axes.set_xlim(0, 1)
    axes.legend(loc="lower right")
