"""What studies of learners that fly drones share: the loop over cells, flights in PyBullet, experts and tables.

A study is a :class:`DroneStudy`; :func:`study_drones` trains what is missing, one cell after another, and writes the
results after every training, so that a study that is stopped has its page all the same.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.deep_study import CACHE, Baseline, Cell, draw_curves, learnt, policy_baseline, settings_table
from benchmarks.studies import record_study
from marlgt.statistics import bootstrap_interval

__all__ = [
    "COMPARED",
    "DroneStudy",
    "ExpertPolicy",
    "gap",
    "in_bullet",
    "interval",
    "record_drones",
    "solved_of",
    "study_drones",
    "thousands",
]

COMPARED = 16
"""Fresh episodes of each seed that its final policy flies in PyBullet too."""

Rows = Sequence[Mapping[str, Any]]
Table = list[list[str]]


@dataclass(frozen=True, kw_only=True)
class DroneStudy:
    """A study of what learners reach on drone tasks.

    Attributes
    ----------
    name, title, text : str
        As :func:`benchmarks.studies.record_study` takes them.
    seeds : range
    panels : mapping of str to str
        The tasks, in the order of the page, and what they are called there.
    order : sequence of (task, algorithm)
        In which cells are trained.
    shown : sequence of str
        The algorithms, in the order of the page.
    cell : callable
        ``cell(task, algorithm)`` is the :class:`Cell` to train.
    judged : str
        What the page says of the fresh episodes of a seed.
    asked : callable
        ``asked(rows)`` is the table of what was asked.
    table : callable
        ``table(task, rows, baselines)`` is the table of a task.
    further : callable, optional
        Gives further tables by their headings.
    expert_episodes : int
        Fresh episodes of each seed that random actions and the expert play.
    continuous : bool
        Whether actions are numbers.
    """

    name: str
    title: str
    text: str
    seeds: range
    panels: Mapping[str, str]
    order: Sequence[tuple[str, str]]
    shown: Sequence[str]
    cell: Callable[[str, str], Cell]
    settings: Mapping[str, Any]
    asked: Callable[[Rows], Table]
    table: Callable[[str, Rows, Sequence[Baseline]], Table]
    further: Callable[[], Mapping[str, Table]] = field(default=dict)
    expert_episodes: int
    continuous: bool = False


def study_drones(folder: Path, study: DroneStudy) -> None:
    """Train what is not trained yet, and write the study as .json, .md and .png after every training."""
    made = [(task, algorithm) for task in study.panels for algorithm in study.shown]
    rows: dict[tuple[str, str], Mapping[str, Any]] = {}
    for task, algorithm in study.order:
        before = set(CACHE.glob(f"{study.name}/*.json"))
        row = learnt(study.cell(task, algorithm), study.name)
        rows[task, algorithm] = row | in_bullet(row, study.name)
        solved = f"{sum(row['solved'])} of {len(study.seeds)}"
        print(f"  {task}, {algorithm}: {solved}, {row['cpu_seconds']:.0f} s", flush=True)
        if set(CACHE.glob(f"{study.name}/*.json")) != before or len(rows) == len(study.order):
            record_drones(folder, study, [rows[name] for name in made if name in rows])


def record_drones(folder: Path, study: DroneStudy, rows: Rows) -> None:
    """Write the results of the cells that there are."""
    tasks = [task for task in study.panels if any(row["task"] == task for row in rows)]
    baselines = [each for task in tasks for each in kept_baselines(task, study)]
    record_study(
        folder,
        study.name,
        title=study.title,
        text=study.text.replace(":doc:`drone_tasks`", "[drone_tasks](drone_tasks.md)") + not_trained(study, rows),
        settings={
            "seeds": f"{min(study.seeds)} to {max(study.seeds)}",
            **study.settings,
            "torch": importlib.metadata.version("torch"),
            "seconds are": "of one core, evaluations included",
        },
        rows=[*rows, *({"baseline": each.name, "task": each.task, "returns": each.returns} for each in baselines)],
        tables={
            "What was asked": study.asked(rows),
            **{study.panels[task]: study.table(task, rows, baselines) for task in tasks},
            "In PyBullet": bullet_table(rows, study.panels),
            **study.further(),
            "Settings": settings_table(rows),
        },
        draw=partial(draw_curves, rows=rows, baselines=baselines),
        seconds=sum(row["cpu_seconds"] for row in rows),
    )


def not_trained(study: DroneStudy, rows: Rows) -> str:
    """Return a paragraph on the cells that are missing; nothing if there are none."""
    there = {(row["task"], row["algorithm"]) for row in rows}
    missing: dict[str, list[str]] = {}
    for task, algorithm in study.order:
        if (task, algorithm) not in there:
            missing.setdefault(study.panels[task], []).append(algorithm)
    listed = "; ".join(f"{panel} by {', '.join(names)}" for panel, names in missing.items())
    return f"\n**Not trained:** {listed}.\n" if missing else ""


def in_bullet(row: Mapping[str, Any], study: str) -> dict[str, list[float]]:
    """Return what the final policy of each seed earns in the same few episodes in our own physics and in PyBullet."""
    from marlgt.deep import evaluate

    path = CACHE / study / f"{row['folder']}.bullet"
    if not path.exists():
        run = CACHE / study / row["folder"]
        played = {
            backend: evaluate(run, episodes=COMPARED, backend=backend).team_returns.mean(1).tolist()
            for backend in ("numba", "bullet")
        }
        path.write_text(json.dumps(played))
    found: dict[str, list[float]] = json.loads(path.read_text())
    return found


class ExpertPolicy:
    """The scripted expert of a drone task, who sees the true state.

    Parameters
    ----------
    env : DroneTask
        That he flies.
    """

    def __init__(self, env: Any) -> None:
        self.batch, self.choose = env.batch, env.batch.task.expert(env.batch.task)
        self.numbers = bool(env.action_size)

    def begin(self) -> None:
        """Do nothing: there is nothing to forget."""

    def act(self, observations: Any, allowed: Any) -> Any:
        """Return actions, shape (1, B, n), or (1, B, n, d) where they are numbers."""
        import torch

        chosen = np.asarray(self.choose(self.batch.view()))
        if self.numbers:
            return torch.from_numpy(chosen.astype(np.float32)).reshape(*observations.shape[:3], -1)
        return torch.from_numpy(chosen).reshape(observations.shape[:3])


def kept_baselines(task: str, study: DroneStudy) -> list[Baseline]:
    """Return what random actions and the expert earn on some of the fresh episodes of every seed."""
    from marlgt.deep.evaluation import RandomPolicy

    path = CACHE / study.name / f"{task.replace(':', '_')}.baselines"
    if not path.exists():
        found = {}
        for name, make in (
            ("random", lambda env, draws: RandomPolicy(env.n_actions, draws, action_size=env.action_size)),
            ("expert", lambda env, draws: ExpertPolicy(env)),
        ):
            how: dict[str, Any] = {"episodes": study.expert_episodes, "continuous": study.continuous}
            each = [policy_baseline(task, name, make, seeds=[seed], **how) for seed in study.seeds]
            found[name] = [[one.returns[0], (one.successes or (np.nan,))[0]] for one in each]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))
    return [
        Baseline(task=task, name=name, returns=tuple(row[0] for row in rows), successes=tuple(row[1] for row in rows))
        for name, rows in json.loads(path.read_text()).items()
    ]


def bullet_table(rows: Rows, panels: Mapping[str, str]) -> Table:
    """Return the table of what final policies earn in PyBullet."""
    head = ["task", "algorithm", "our physics, mean return", "PyBullet", "differs by", "most of a seed"]
    body = []
    for row in rows:
        ours, theirs = (np.array(row[backend]) for backend in ("numba", "bullet"))
        most = float(np.abs(theirs / ours - 1.0).max())
        means = [f"{ours.mean():.2f}", f"{theirs.mean():.2f}"]
        body.append([panels[row["task"]], row["label"], *means, f"{gap(row):+.2%}", f"{most:.2%}"])
    return [head, *body]


def gap(row: Mapping[str, Any]) -> float:
    """Return by what share the mean return in PyBullet is more than in our own physics."""
    return float(np.mean(row["bullet"]) / np.mean(row["numba"]) - 1.0)


def interval(values: Sequence[float], form: str) -> str:
    """Return the interquartile mean of values of seeds, and its interval of 95 %."""
    found = bootstrap_interval(values)
    return f"{float(found.estimate):{form}} [{float(found.low):{form}}, {float(found.high):{form}}]"


def thousands(steps: Sequence[int | None]) -> str:
    """Return steps of seeds in thousands; a dash for none."""
    return ", ".join("–" if at is None else f"{at / 1000:.0f}" for at in steps)


def solved_of(solved: Sequence[bool]) -> str:
    """Return how many seeds of how many have solved a task."""
    return f"{sum(solved)} of {len(solved)}"
