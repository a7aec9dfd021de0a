"""Drones that are flown by policies: PPO, IPPO and MAPPO beside the same with mixture critics, on drone tasks.

Asked for is, on gym-pybullet-drones' own score, a one-dimensional hover of at least 465 and a hover by four motors of
at least 450 with all of five seeds, in less than 60 CPU-seconds a seed, and then that package's own thresholds for
the end of training, 474 and 467; 474.23 is the optimum. Then two drones that hover, three in formation and two that
pass a gate, *solved* by all of five seeds in less than 15 minutes of two cores for all five; and, as curves, four
drones that hover and four that cross. A policy has solved one of these tasks if it solves 95 % of 1000 fresh
episodes, as part 4 asked of the scripted experts (:doc:`drone_tasks`); a seed stops learning as soon as an evaluation
of 128 episodes, apart from those 1000, has 98 % solved, or, in gym-pybullet-drones' tasks, where all episodes begin
alike, as soon as its own threshold is reached. What was asked has to hold of the final policies, on fresh episodes;
CPU-seconds to a return are its environment steps at the speed of the whole training.

Actions are numbers: what the rotors turn faster or slower in gym-pybullet-drones' tasks, a wanted velocity in the
others. Final policies then fly the first 16 of their fresh episodes in PyBullet and in our own physics: asked for are
mean returns within 2 %.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.deep_drones import ExpertPolicy
from benchmarks.deep_study import CACHE, Baseline, Cell, draw_curves, learnt, policy_baseline, settings_table
from benchmarks.studies import record_study
from marlgt.statistics import bootstrap_interval

NAME = "deep_policies_drones"
SEEDS = range(5)
COMPARED = 16
BUDGET = 2 * 15 * 60
"""Seconds of one core that all seeds of a task with several drones may take."""
PEER_BUDGET = 60
"""CPU-seconds of each seed in gym-pybullet-drones' tasks."""

HOVER_1D, HOVER = "hover1d-gpd", "hover-gpd"
TWO, FOUR = "multihover:n_drones=2,actions=velocity", "multihover:n_drones=4,actions=velocity"
FORMATION, GATE, CROSSING = "formation:n_drones=3,actions=velocity", "gate:n_drones=2", "crossing:n_drones=4"
PANELS = {
    HOVER_1D: "1-D hover, gym-pybullet-drones' score",
    HOVER: "4-motor hover, gym-pybullet-drones' score",
    TWO: "multi-hover, 2 drones",
    FORMATION: "formation, 3 drones",
    GATE: "gate, 2 drones",
    CROSSING: "crossing, 4 drones",
    FOUR: "multi-hover, 4 drones",
}
SCORES = {HOVER_1D: (465.0, 474.0), HOVER: (450.0, 467.0)}
"""Returns that were asked for, and gym-pybullet-drones' own thresholds."""
REQUIRED = (TWO, FORMATION, GATE)
EXPERT_EPISODES = 200

ORDER = (
    (HOVER_1D, "PPO"),
    (HOVER_1D, "GMAC"),
    (HOVER, "PPO"),
    (HOVER, "GMAC"),
    (TWO, "IPPO"),
    (TWO, "GMACIPPO"),
    (FORMATION, "IPPO"),
    (FORMATION, "GMACIPPO"),
    (GATE, "IPPO"),
    (GATE, "GMACIPPO"),
    (CROSSING, "IPPO"),
    (CROSSING, "GMACIPPO"),
    (FOUR, "IPPO"),
    (FOUR, "GMACIPPO"),
    (TWO, "MAPPO"),
    (TWO, "GMACMAPPO"),
    (FORMATION, "MAPPO"),
    (FORMATION, "GMACMAPPO"),
    (GATE, "MAPPO"),
    (GATE, "GMACMAPPO"),
)
"""In which cells are trained: first what was asked, each with its distributional form after it."""

FINDINGS = """
**What was found.** By one motor command all five seeds of PPO and of GMAC pass 465 in at most four CPU-seconds. With
the same settings GMAC stops at 474 with all seeds, in at most twelve, and PPO with none: its final policies earn
470.5 to 473.2. The settings are the third that were tried on all seeds, and were chosen by trials of PPO. By the
first (discount 0.99, 64 copies, rate 1e-3) neither came to 474, PPO ending at 222 to 472 and GMAC at 469 to 471; by
the second (32 copies, rate 2e-3 to 5e-4) PPO came there with two seeds and ended below 465 with one, and GMAC was not
trained to its end. That the mixture decides is so for one set of settings.

By four motors all seeds of PPO come past 450 in at most 16 CPU-seconds, and three stop at 467; the other two go on,
and one of them falls to 417, so that 450 does not hold of all final policies. Returns differ by up to 0.23 % of a
seed in PyBullet there, and by nothing elsewhere. Two drones are solved by all seeds with either critic, in much the
same steps and seconds. Of formation, one seed of five keeps failing a fifth of its episodes as its rate falls to
1e-5.

The tables have the cells that were trained: gate, crossing, four drones, MAPPO, and mixture critics on four motors
and formation are in the study, and were not run.
"""


def cell(task: str, algorithm: str) -> Cell:
    """Return the training of an algorithm on a task by its recipe, kept so that its policy can fly elsewhere."""
    scored = task in SCORES
    return Cell(
        algorithm,
        task,
        SEEDS,
        panel=PANELS[task],
        return_goal=SCORES[task][0] if scored else None,
        success_goal=None if scored else 0.95,
        judged_on=COMPARED if scored else 1000,
        evaluations=60 if scored else 20,
        checkpoint_every=4_000_000,
    )


def study(folder: Path) -> None:
    """Train what is not trained yet, and write ``deep_policies_drones`` after every training."""
    made = [f"{task} {algorithm}" for task in PANELS for each, algorithm in ORDER if each == task]
    rows: dict[str, Mapping[str, Any]] = {}
    for task, algorithm in ORDER:
        before = set(CACHE.glob(f"{NAME}/*.json"))
        row = learnt(cell(task, algorithm), NAME)
        rows[f"{task} {algorithm}"] = row | in_bullet(row)
        solved = f"{sum(row['solved'])} of {len(SEEDS)}"
        print(f"  {task}, {algorithm}: {solved}, {row['cpu_seconds']:.0f} s", flush=True)
        if set(CACHE.glob(f"{NAME}/*.json")) != before or len(rows) == len(ORDER):
            record(folder, [rows[name] for name in made if name in rows])


def record(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the results of the cells that there are."""
    tasks = [task for task in PANELS if any(row["task"] == task for row in rows)]
    baselines = [each for task in tasks for each in kept_baselines(task)]
    record_study(
        folder,
        NAME,
        title="Drones by policies",
        text=f"{__doc__}\n{FINDINGS}".replace(":doc:`drone_tasks`", "[drone_tasks](drone_tasks.md)"),
        settings={
            "seeds": f"{min(SEEDS)} to {max(SEEDS)}",
            "fresh episodes of a seed": "1000, of which 16 in PyBullet, or 16 where all begin alike",
            "torch": importlib.metadata.version("torch"),
            "seconds are": "of one core, evaluations included",
        },
        rows=[*rows, *({"baseline": each.name, "task": each.task, "returns": each.returns} for each in baselines)],
        tables={
            "What was asked": _asked(rows),
            **{PANELS[task]: _table(task, rows, baselines) for task in tasks},
            "In PyBullet": _bullet_table(rows),
            "Settings": settings_table(rows),
        },
        draw=partial(draw_curves, rows=rows, baselines=baselines),
        seconds=sum(row["cpu_seconds"] for row in rows),
    )


def in_bullet(row: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return what the final policy of each seed earns in the same few episodes in our own physics and in PyBullet."""
    from marlgt.deep import evaluate

    path = CACHE / NAME / f"{row['folder']}.bullet"
    if not path.exists():
        run = CACHE / NAME / row["folder"]
        played = {
            backend: evaluate(run, episodes=COMPARED, backend=backend).team_returns.mean(1).tolist()
            for backend in ("numba", "bullet")
        }
        path.write_text(json.dumps(played))
    found: dict[str, list[float]] = json.loads(path.read_text())
    return found


class NumbersByExpert(ExpertPolicy):
    """The scripted expert of a drone task, whose actions are numbers."""

    def act(self, observations: Any, allowed: Any) -> Any:
        """Return the actions of all drones."""
        chosen = torch.from_numpy(np.asarray(self.choose(self.batch.view()), dtype=np.float32))
        return chosen.reshape(*observations.shape[:3], -1)


def kept_baselines(task: str) -> list[Baseline]:
    """Return what random actions and the expert earn on some of the fresh episodes of every seed."""
    from marlgt.deep.evaluation import RandomPolicy

    path = CACHE / NAME / f"{task.replace(':', '_')}.baselines"
    if not path.exists():
        found = {}
        for name, make in (
            ("random", lambda env, draws: RandomPolicy(0, draws, action_size=env.action_size)),
            ("expert", lambda env, draws: NumbersByExpert(env)),
        ):
            each = [
                policy_baseline(task, name, make, seeds=[seed], episodes=EXPERT_EPISODES, continuous=True)
                for seed in SEEDS
            ]
            found[name] = [[one.returns[0], (one.successes or (np.nan,))[0]] for one in each]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))
    return [
        Baseline(task=task, name=name, returns=tuple(row[0] for row in rows), successes=tuple(row[1] for row in rows))
        for name, rows in json.loads(path.read_text()).items()
    ]


def _asked(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    head = ["asked", "by", "seeds that came there", "final policies there", "CPU-s", "PyBullet differs by", "as asked"]
    body = []
    for task, levels in SCORES.items():
        for level in levels:
            for row in (row for row in rows if row["task"] == task):
                spent = _seconds_to(row, level)
                reached = [each for each in spent if each is not None]
                limit = PEER_BUDGET if level == levels[0] else np.inf
                kept = sum(each >= level for each in row["final"])
                # A return that was passed on the way and lost again is not what was asked for.
                met = kept == len(reached) == len(spent) and max(reached) < limit and abs(_gap(row)) <= 0.02
                body.append(
                    [
                        f"{PANELS[task]}: ≥ {level:g}",
                        row["label"],
                        f"{len(reached)} of {len(spent)}",
                        f"{kept} of {len(spent)}",
                        f"at most {max(reached):.0f} of a seed" if reached else "–",
                        f"{_gap(row):+.2%}",
                        "yes" if met else "**no**",
                    ]
                )
    for task in REQUIRED:
        for row in (row for row in rows if row["task"] == task):
            met = all(row["solved"]) and row["cpu_seconds"] < BUDGET and abs(_gap(row)) <= 0.02
            body.append(
                [
                    f"{PANELS[task]}: solved",
                    row["label"],
                    f"{sum(at is not None for at in row['solved_at'])} of {len(row['solved_at'])}",
                    f"{sum(row['solved'])} of {len(row['solved'])}",
                    f"{row['cpu_seconds']:.0f} of {BUDGET} for all",
                    f"{_gap(row):+.2%}",
                    "yes" if met else "**no**",
                ]
            )
    return [head, *body]


def _steps_to(row: Mapping[str, Any], level: float) -> list[int | None]:
    """Return the environment steps of the first evaluation of each seed that is worth so much."""
    reached = np.array(row["curve"]["returns"]) >= level
    return [int(row["curve"]["steps"][column.argmax()]) if column.any() else None for column in reached.T]


def _seconds_to(row: Mapping[str, Any], level: float) -> list[float | None]:
    """Return the same in CPU-seconds of a seed."""
    return [None if at is None else at / row["steps_per_second"] for at in _steps_to(row, level)]


def _table(task: str, rows: Sequence[Mapping[str, Any]], baselines: Sequence[Baseline]) -> list[list[str]]:
    levels = SCORES.get(task, ())
    head = ["algorithm", "return, IQM [95 %]", "least of a seed"]
    head += [f"≥ {level:g} at, thousand steps" for level in levels]
    head += [f"seeds ≥ {levels[0]:g}"] if levels else ["episodes solved, IQM [95 %]", "least of a seed"]
    head += [] if levels else ["seeds solved", "solved at, thousand steps"]
    head += ["CPU-s of all seeds", "steps/CPU-s"]
    body = []
    for row in (row for row in rows if row["task"] == task):
        shown = [row["label"], _interval(row["final"], ".2f"), f"{min(row['final']):.2f}"]
        shown += [_thousands(_steps_to(row, level)) for level in levels]
        solved = f"{sum(row['solved'])} of {len(row['solved'])}"
        if levels:
            shown += [solved]
        else:
            least = f"{min(row['final_success']):.1%}"
            shown += [_interval(row["final_success"], ".1%"), least, solved, _thousands(row["solved_at"])]
        body.append([*shown, f"{row['cpu_seconds']:.0f}", f"{row['steps_per_second']:,.0f}"])
    for each in (each for each in baselines if each.task == task):
        shown = [each.name, _interval(each.returns, ".2f"), f"{min(each.returns):.2f}"]
        if not levels:
            rates = each.successes or ()
            shown += [_interval(rates, ".1%"), f"{min(rates):.1%}"]
        body.append(shown + [""] * (len(head) - len(shown)))
    return [head, *body]


def _thousands(steps: Sequence[int | None]) -> str:
    return ", ".join("–" if at is None else f"{at / 1000:.0f}" for at in steps)


def _bullet_table(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    head = ["task", "algorithm", "our physics, mean return", "PyBullet", "differs by", "most of a seed"]
    body = []
    for row in rows:
        ours, theirs = (np.array(row[backend]) for backend in ("numba", "bullet"))
        most = float(np.abs(theirs / ours - 1.0).max())
        means = [f"{ours.mean():.2f}", f"{theirs.mean():.2f}"]
        body.append([PANELS[row["task"]], row["label"], *means, f"{_gap(row):+.2%}", f"{most:.2%}"])
    return [head, *body]


def _gap(row: Mapping[str, Any]) -> float:
    return float(np.mean(row["bullet"]) / np.mean(row["numba"]) - 1.0)


def _interval(values: Sequence[float], form: str) -> str:
    found = bootstrap_interval(values)
    return f"{float(found.estimate):{form}} [{float(found.low):{form}}, {float(found.high):{form}}]"
