"""Teams that fly: what value learners reach on drone tasks with discrete actions.

Asked for are takeoff by motors with two speeds each, two drones that hover and three in formation, *solved* by at
least one algorithm with all of five seeds, in less than 15 minutes of two cores for all five; and, as curves,
coverage, and takeoff by motors that are on or off. An episode is solved as the task says: by the mean of its figure
over the last two seconds, and without a crash. A policy has solved a task if it solves 95 % of 1000 fresh episodes, as
part 4 asked of the scripted experts (:doc:`drone_tasks`); a seed stops learning as soon as an evaluation of 128
episodes, apart from those 1000, has 98 % solved. Rewards of a step are at most 1, and an episode has 240 steps (takeoff
180, on/off 288), so that a return over those is the score of ``drone_tasks``.

Final policies then fly the first 16 of their fresh episodes in PyBullet and in our own physics: asked for are mean
returns within 2 %.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.deep_study import CACHE, Baseline, Cell
from benchmarks.drone_studies import COMPARED, DroneStudy, gap, interval, solved_of, study_drones, thousands
from benchmarks.motor_coupling import coupling

NAME = "deep_drones"
SEEDS = range(5)
EPISODES = 1000
BUDGET = 2 * 15 * 60
"""Seconds of one core that all seeds of a task may take."""

PANELS = {
    "takeoff-2level:actions=four": "two-level takeoff, 4 motors",
    "multihover:n_drones=2": "multi-hover, 2 drones",
    "formation:n_drones=3": "formation, 3 drones",
    "coverage:n_drones=3": "coverage, 3 drones",
    "takeoff-onoff:actions=four": "on/off takeoff, 4 motors",
}
REQUIRED = tuple(PANELS)[:3]
ALGORITHMS = ("IDQN", "VDN", "QMIX", "QTRAN")

ORDER = (
    ("multihover:n_drones=2", "IDQN"),
    ("takeoff-2level:actions=four", "VDN"),
    ("formation:n_drones=3", "IDQN"),
    ("multihover:n_drones=2", "VDN"),
    ("multihover:n_drones=2", "QMIX"),
    ("takeoff-2level:actions=four", "IDQN"),
    ("coverage:n_drones=3", "VDN"),
    ("takeoff-onoff:actions=four", "VDN"),
    ("formation:n_drones=3", "VDN"),
    ("takeoff-2level:actions=four", "QMIX"),
    ("multihover:n_drones=2", "QTRAN"),
    ("formation:n_drones=3", "QMIX"),
    ("coverage:n_drones=3", "IDQN"),
    ("takeoff-onoff:actions=four", "QTRAN"),
    ("takeoff-2level:actions=four", "QTRAN"),
    ("formation:n_drones=3", "QTRAN"),
    ("coverage:n_drones=3", "QMIX"),
    ("takeoff-onoff:actions=four", "QMIX"),
    ("coverage:n_drones=3", "QTRAN"),
    ("takeoff-onoff:actions=four", "IDQN"),
)
"""In which cells are trained: first what was asked to be solved."""

STEPS = {"coverage:n_drones=3": 400_000, "takeoff-onoff:actions=four": 400_000}
"""Environment steps of the tasks that are not asked to be solved, fewer than the recipe's."""

FINDINGS = """
**What was found.** Two-level takeoff is where the algorithms part. The last table but one has the exact values of all
16 joint actions, in states that a flight comes through: whether a motor should be fast or slow depends on the others
in nearly three of four cases, which no sum and no monotone mixing of utilities can represent, and the best sum
explains two thirds of what joint actions differ by. Yet the greedy actions of that sum lose a twentieth of what there
is to lose: forces and torques of motors add up, little else happens in a thirtieth of a second, and the next choice
corrects the last. VDN cannot represent the values, but it can represent good policies, and it solves the task with all
seeds; so does QMIX, a little sooner. Independent motors could have the same greedy policies. But to each of them the
other three are noise in the common target: with the same settings and steps their curves rise 200,000 steps later, and
no seed has solved the task in the end.

QTRAN is the only one that could represent the values, and the worst on every task that the others solve: after a
million steps it has learnt next to nothing of takeoff and formation, and of multi-hover less than half. Its joint
network has to learn the value of joint actions without the help of a sum, from a few of them tried in each state, and
its utilities learn from that network alone. In one-shot games, where all joint actions are tried often, that is its
strength ([deep_matrix_games](deep_matrix_games.md)); here it costs more steps than we gave it.

Two drones that hover have goals of their own and see them; there joint targets only save steps. Formation is solved
with all seeds by independent learners, VDN and QMIX alike. In coverage nobody is told which target is whose. VDN learns
within 160,000 steps to fly to a target near by, and stays there: two drones claim the same one, and meet, or hover side
by side while another is left; QMIX earns a little more, and independent learners less. Motors that are on or off are
coupled no more than those with two levels. What is harder there is that rotors lag by seven steps and that nobody
observes their speeds: in 400,000 steps no algorithm gets much further than random actions.

Policies that never touch the ground earn in PyBullet what they earn in our own physics, to the last digits; takeoff
meets Bullet's own contacts, and policies that are not finished, and crash, differ by more.
"""


def cell(task: str, algorithm: str) -> Cell:
    """Return the training of an algorithm on a task by its recipe, kept so that its policy can fly elsewhere."""
    return Cell(
        algorithm,
        task,
        SEEDS,
        panel=PANELS[task],
        steps=STEPS.get(task),
        success_goal=0.95,
        judged_on=EPISODES,
        checkpoint_every=4_000_000,
    )


def study(folder: Path) -> None:
    """Train what is not trained yet, and write ``deep_drones`` as .json, .md and .png after every training."""
    study_drones(
        folder,
        DroneStudy(
            name=NAME,
            title="Drones by value learners",
            text=f"{__doc__}\n{FINDINGS}",
            seeds=SEEDS,
            panels=PANELS,
            order=ORDER,
            shown=ALGORITHMS,
            cell=cell,
            settings={"fresh episodes of a seed": EPISODES, "of those in PyBullet": COMPARED},
            asked=_asked,
            table=_table,
            further=lambda: {"How the motors depend on each other": _coupling_table()},
            expert_episodes=EPISODES,
        ),
    )


def _asked(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    head = ["asked", "by", "seeds", "CPU-s of all seeds", "PyBullet differs by", "as asked"]
    body = []
    for task in REQUIRED:
        own = [row for row in rows if row["task"] == task]
        if not own:
            body.append([f"{PANELS[task]}: solved", "not run yet", "", "", "", "**no**"])
            continue
        best = min(own, key=lambda row: (-sum(row["solved"]), row["cpu_seconds"]))
        met = all(best["solved"]) and best["cpu_seconds"] < BUDGET and abs(gap(best)) <= 0.02
        body.append(
            [
                f"{PANELS[task]}: solved",
                best["label"],
                solved_of(best["solved"]),
                f"{best['cpu_seconds']:.0f} of {BUDGET}",
                f"{gap(best):+.2%}",
                "yes" if met else "**no**",
            ]
        )
    return [head, *body]


def _table(task: str, rows: Sequence[Mapping[str, Any]], baselines: Sequence[Baseline]) -> list[list[str]]:
    head = ["algorithm", "return, IQM [95 %]", "episodes solved, IQM [95 %]", "least of a seed", "seeds solved"]
    head += ["solved at, thousand steps", "CPU-s of all seeds", "steps/CPU-s"]
    body = []
    for row in (row for row in rows if row["task"] == task):
        body.append(
            [
                row["label"],
                interval(row["final"], ".1f"),
                interval(row["final_success"], ".1%"),
                f"{min(row['final_success']):.1%}",
                solved_of(row["solved"]),
                thousands(row["solved_at"]),
                f"{row['cpu_seconds']:.0f}",
                f"{row['steps_per_second']:,.0f}",
            ]
        )
    for each in (each for each in baselines if each.task == task):
        rates = each.successes or ()
        body.append([each.name, interval(each.returns, ".1f"), interval(rates, ".1%"), f"{min(rates):.1%}", *[""] * 4])
    return [head, *body]


def _coupling_table() -> list[list[str]]:
    path = CACHE / NAME / "coupling"
    if not path.exists():
        found = {task: [coupling(task, seed=seed) for seed in SEEDS] for task in ("takeoff-2level", "takeoff-onoff")}
        path.write_text(json.dumps(found))
    head = ["task", "a sum explains", "a motor's second level is good or bad as the others act"]
    head += ["best sum plays the best", "and loses, of best less worst", "best less worst, of the value"]
    body = [
        [task, *(interval([each[key] for each in seeds], ".1%") for key in seeds[0])]
        for task, seeds in json.loads(path.read_text()).items()
    ]
    return [head, *body]
