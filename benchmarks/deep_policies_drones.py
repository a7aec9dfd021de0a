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

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.deep_study import Baseline, Cell
from benchmarks.drone_studies import COMPARED, DroneStudy, gap, interval, solved_of, study_drones, thousands

NAME = "deep_policies_drones"
SEEDS = range(5)
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
BY_LOOPS = tuple((task, name) for task in (GATE, CROSSING) for name in ("IPPO", "MAPPO"))
"""What learns by compiled loops, which take a fraction of the time where trainings are long."""
EXPERT_EPISODES = 200
ALGORITHMS = ("PPO", "GMAC", "IPPO", "GMACIPPO", "MAPPO", "GMACMAPPO")

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
    (FOUR, "MAPPO"),
    (FOUR, "GMACMAPPO"),
    (CROSSING, "MAPPO"),
    (CROSSING, "GMACMAPPO"),
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
the same settings GMAC stops at 474 with all seeds, in at most twelve, and PPO with none: its final policies earn 470.5
to 473.2. The settings are the third that were tried on all seeds, and were chosen by trials of PPO. By the first
(discount 0.99, 64 copies, rate 1e-3) neither came to 474, PPO ending at 222 to 472 and GMAC at 469 to 471; by the
second (32 copies, rate 2e-3 to 5e-4) PPO came there with two seeds and ended below 465 with one, and GMAC was not
trained to its end. Further trials of PPO with an average of the networks, over twice the steps with three seeds each,
ended at 473.3, 473.4 and 474.0 by a discount of 0.95, and lower on average by 0.92, by more noise, by fewer passes and
by squashed actions. That the mixture decides is so for one set of settings.

By four motors all final policies of PPO earn 460.6 to 464.9, 450 after at most 20 CPU-seconds, and none comes to 467:
the last points are for climbing faster, and by then the policies act with little noise and learn slowly. GMAC has a
bonus for entropy that falls to nothing, by which noise stays for as long as it helps, and stops at 467 with all seeds.
Without the bonus, by PPO's settings, it did so with four, and the fifth ended at 466.4; at two thirds of the rate over
1,500,000 steps again with four, the fifth at 466.5, and over 2,000,000 with two, the others at 455.5 to 461.1. PPO with
the bonus came to 467 with one seed, ended at 463.5 to 466.6 with three, and at 360 with one, which is why it does not
have it here: the two rows differ in more than the critic. By the first settings (32 copies, a first deviation of 0.37
rather than 0.22, 600,000 steps) three seeds of PPO stopped at 467, and one ended at 417: it turned about its own axis
and never learnt to steer; GMAC stopped at 467 with four, and the fifth ended at 465.7.

Two drones that hover are solved by all seeds with every critic, in at most 77 CPU-seconds for all; a critic that sees
the whole state is no help there. Formation is solved by all seeds of IPPO and MAPPO with either critic, in 169
CPU-seconds for all with a scalar critic, and in 97 (IPPO) and 137 (MAPPO) with a mixture. At first, by a discount of
0.99 and a rate that fell to 1e-5, one seed kept hovering 10 to 15 cm beside its corners, where the reward is nearly
flat.

Four drones that hover are solved by all seeds of IPPO in 148 CPU-seconds for all, and in 126 with a mixture, and by all
of MAPPO in 262, and in 197 with a mixture.

The gate is solved by all seeds of GMACIPPO, in 1399 CPU-seconds for all beside other work; four of them stop before
2,200,000 steps, and the worst solves 96 % in the end. These settings were chosen by what the same seeds did before;
then seeds 5 to 9, on which nothing was chosen, solved 96 to 98 % in as many steps, all five, in 1462 CPU-seconds. Both
drones pass the gate early, and then stand still behind it; to go on to their places is what takes long. What fails in
the end are pairs that come to the gate at the same time and collide, and drones that hover a few centimetres farther
from their places than is allowed. A collision costs all that follows, which at a discount of 0.98 is some 50 steps of
540, while haste pays at once; with that discount, and a rate that ended at 3e-5, three seeds had solved it after
2,500,000 steps, the others 95 and 92 %, and after 4,000,000 two. Now the discount rises to 0.99 over the run, the rate
ends at 1e-4, the first deviation is 1, and what is judged and kept is an average of the networks that moves towards
them by a twentieth after each rollout: policies go up and down by up to a fifth of their episodes from one evaluation
to the next, and their average less.

Several such settings had come to four seeds of five. By a first deviation of 0.6 and a discount that rises to 0.997
four solved it over 3,500,000 steps, the fifth 94 %, and over 5,000,000 four, the fifth 86 %; by 0.995 two, the others
94 %; by 0.99 over 2,500,000 steps four, the worst 84 %, and over 3,500,000 three, the others 90 and 93 %; by 0.995
without an average two, the worst 86 %. By a first deviation of 0.37 and 0.997 four did, the fifth 94 %. By 1 and 0.99,
but a rate that ends at 3e-4 and a slower average, four did, the fifth 88 %, by collisions. By 1 and 0.997 three seeds
solved 93, 76 and 91 % after 2,000,000 steps: drones of the first two hovered too far from their places in nearly all
that failed, and those of the third collided. With a far horizon the last 0.2 m count for little beside all else. By the
settings that are shown policies keep a deviation of about 0.65 to the end, and their likeliest actions bring drones to
0.1 m of their places.

GMACMAPPO, whose critic sees the whole state, solves it with four seeds, the fifth 90 %. With scalar critics, over as
many steps, IPPO solves it with one, and 0 to 91 % with the others, and MAPPO with none, one seed at 94.9 % and the
others at 13 to 62 %. What fails are, with three seeds of IPPO, nearly all drones that hover 0.3 to 0.4 m beside their
places, where 0.3 is allowed.

Crossing is solved by all seeds of MAPPO (96 to 98 %), by four of IPPO, the fifth 83 %, and by three of GMACIPPO and of
GMACMAPPO, the others of which solve 88 to 95 %. Here a mixture is no help. The five seeds took 571 CPU-seconds of IPPO
and 1098 of MAPPO, which learn by compiled loops, and 1000 of GMACIPPO and 1410 of GMACMAPPO, which learn by PyTorch's
operations; the two whose critics see the whole state were trained side by side on two cores. By the gate's first
deviation, last rate and average, IPPO solved it with two seeds, the others 93 to 95 %, and GMACIPPO over 2,500,000
steps with one, the others 89 to 94 %; by its average and last discount alone, over as many, GMACIPPO did with three.
"""


def cell(task: str, algorithm: str) -> Cell:
    """Return the training of an algorithm on a task by its recipe, kept so that its policy can fly elsewhere."""
    scored = task in SCORES
    return Cell(
        algorithm,
        task,
        SEEDS,
        changes={"compiled": True} if (task, algorithm) in BY_LOOPS else {},
        panel=PANELS[task],
        return_goal=SCORES[task][0] if scored else None,
        success_goal=None if scored else 0.95,
        judged_on=COMPARED if scored else 1000,
        evaluations=60 if scored else 20,
        checkpoint_every=4_000_000,
    )


def study(folder: Path) -> None:
    """Train what is not trained yet, and write ``deep_policies_drones`` after every training."""
    study_drones(folder, DRONES)


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
                met = kept == len(reached) == len(spent) and max(reached) < limit and abs(gap(row)) <= 0.02
                body.append(
                    [
                        f"{PANELS[task]}: ≥ {level:g}",
                        row["label"],
                        f"{len(reached)} of {len(spent)}",
                        f"{kept} of {len(spent)}",
                        f"at most {max(reached):.0f} of a seed" if reached else "–",
                        f"{gap(row):+.2%}",
                        "yes" if met else "**no**",
                    ]
                )
    for task in REQUIRED:
        for row in (row for row in rows if row["task"] == task):
            met = all(row["solved"]) and row["cpu_seconds"] < BUDGET and abs(gap(row)) <= 0.02
            body.append(
                [
                    f"{PANELS[task]}: solved",
                    row["label"],
                    f"{sum(at is not None for at in row['solved_at'])} of {len(row['solved_at'])}",
                    solved_of(row["solved"]),
                    f"{row['cpu_seconds']:.0f} of {BUDGET} for all",
                    f"{gap(row):+.2%}",
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
        shown = [row["label"], interval(row["final"], ".2f"), f"{min(row['final']):.2f}"]
        shown += [thousands(_steps_to(row, level)) for level in levels]
        solved = solved_of(row["solved"])
        if levels:
            shown += [solved]
        else:
            least = f"{min(row['final_success']):.1%}"
            shown += [interval(row["final_success"], ".1%"), least, solved, thousands(row["solved_at"])]
        body.append([*shown, f"{row['cpu_seconds']:.0f}", f"{row['steps_per_second']:,.0f}"])
    for each in (each for each in baselines if each.task == task):
        shown = [each.name, interval(each.returns, ".2f"), f"{min(each.returns):.2f}"]
        if not levels:
            rates = each.successes or ()
            shown += [interval(rates, ".1%"), f"{min(rates):.1%}"]
        body.append(shown + [""] * (len(head) - len(shown)))
    return [head, *body]


DRONES = DroneStudy(
    name=NAME,
    title="Drones by policies",
    text=f"{__doc__}\n{FINDINGS}",
    seeds=SEEDS,
    panels=PANELS,
    order=ORDER,
    shown=ALGORITHMS,
    cell=cell,
    settings={
        "fresh episodes of a seed": f"1000, of which {COMPARED} in PyBullet, or {COMPARED} where all begin alike"
    },
    asked=_asked,
    table=_table,
    expert_episodes=EXPERT_EPISODES,
    continuous=True,
)
