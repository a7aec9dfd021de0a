"""Level-based foraging by policy gradients: IPPO, MAPPO, IA2C and COMA, beside what others published.

Rewards of an episode sum to 1 if all is gathered. Asked for are, on ``8x8-2p-3f``, an interquartile mean of at least
0.93 by IPPO and MAPPO over ten seeds in 60 CPU-seconds of a seed, 0.66 in a sixth of the 112 CPU-seconds that EPyMARL's
MAPPO took for it here, and 15,000 steps of training in a CPU-second; on ``10x10-3p-3f`` 0.95 in ten minutes. Episodes
are cut after 50 steps, as the package cuts them, those of ``8x8-2p-3f`` after 25, as EPyMARL does.

Final policies are judged on 1000 fresh episodes of each seed as they are, by actions drawn from them; the table of
drawn and likeliest actions has their likeliest ones beside. The expert is that of ``deep_foraging``: all go together to
one food. CPU-seconds hold the evaluations. Where no return was asked for, the goal of the tables is 2, which is never
reached.

As there, agents are told places relative to themselves, which enter the networks as one-hot vectors, and do not choose
actions that would do nothing. Both can be computed from the published observation, but the published learners had
neither: one panel is without both, as they saw the task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.deep_cells import Baseline, Cell, policy_baseline, random_baseline
from benchmarks.deep_foraging import ForagingExpert
from benchmarks.deep_study import study_deep
from benchmarks.foraging_standstills import measured, played_tables
from marlgt.statistics import bootstrap_interval

NAME = "deep_policies_foraging"
SEEN = "Foraging-8x8-2p-3f-v3:horizon=25,observation=relative"
UNAIDED = "Foraging-8x8-2p-3f-v3:horizon=25,masked=false"
COOP = "Foraging-8x8-2p-2f-coop-v3:observation=relative"
LARGE = "Foraging-10x10-3p-3f-v3:observation=relative"
PANELS = {
    SEEN: "8x8-2p-3f",
    UNAIDED: "8x8-2p-3f as published learners saw it",
    COOP: "8x8-2p-2f-coop",
    LARGE: "10x10-3p-3f",
}
TEN, FIVE = range(10), range(5)
EPISODES = 1000
ASKED = {SEEN: (0.93, 60.0), LARGE: (0.95, 600.0)}
"""Interquartile mean, and CPU-seconds of a seed."""
RATE, PEER_RATE = 15_000, 686
"""Steps in a CPU-second that are asked for, and those of EPyMARL's IPPO, measured by us."""
PEER_AT, PEER_SECONDS = 0.66, 112.0
"""What EPyMARL's MAPPO earned greedily, and when, measured by us on one core (one seed)."""
PUBLISHED = {
    COOP: {"IA2C": "1.00", "IPPO": "1.00", "COMA": "0.61", "MAPPO": "1.00"},
    LARGE: {"IA2C": "1.00", "IPPO": "0.98", "COMA": "0.19", "MAPPO": "0.99"},
}
"""Largest mean returns in 20 million steps, Papoudakis et al. (2021), table 3."""

FINDINGS = """
**What works.** On 8x8-2p-3f IPPO and MAPPO pass 0.93 with nine of ten seeds or more, in a quarter of the time that was
asked for, and 0.66 within three CPU-seconds of a seed. IA2C, which learns once from each rollout, is as good in little
more than half of the time. What MAPPO's critic sees more, the state, is nothing that an agent does not see here. On
10x10-3p-3f all five seeds of all three are above the 0.95 that was asked for in 600 CPU-seconds of a seed: IPPO earns
0.986 after 155, IA2C 0.984 after 80, and MAPPO 0.977 after 162. In the cooperative task all four algorithms leave next
to nothing, COMA too, of which 0.61 is published. The rate is due to the first layers: they add up the rows of weights
that one-hot numbers pick, where 242 columns of mostly zeros were multiplied before.

**The fairer comparison.** As published learners saw the task, with raw observations and actions that do nothing,
learning takes several times as many steps, and IPPO passes EPyMARL's 0.66 sooner than EPyMARL all the same; MAPPO ends
at 0.70 in as many steps. Masks and relative places are worth more than the choice among these algorithms.

**Why likeliest actions earn less.** Nearly all that they miss is missed where a team stands still, for ever, since it
sees everything and remembers nothing (the tables of how episodes end). In two fifths of that each agent loads a food
that takes both and waits for the other; in three tenths both want to move to the same field, so that nobody does; in
two ninths one wants to move to where the other stands and loads. They hardly walk in circles, as greedy values do. It
begins early, and drawn actions end it soon: there a team draws others in a third of the steps. That is all that they
are worth: the likeliest actions earn as much as drawn ones, but for 0.005, if an agent draws only where it sees what it
saw in the step before. Since a draw ends a standstill after some three steps, there is little to gain from a policy
whose likeliest actions know a way out, and little that teaches it to. With a steady bonus for entropy and a last rate
of 1e-4 likeliest actions earned 0.70 of 0.94; that both fall to nothing, or nearly, closes a quarter of the gap. Longer
training closes little more: on 10x10-3p-3f, after six times the steps, likeliest actions earn 0.80 to 0.83. Play these
policies as they are, ``evaluate(run, stochastic=True)``.

**A nearer horizon.** On 10x10-3p-3f a discount of 0.95 is worth more than time. By 0.97, as on the smaller fields,
IPPO, IA2C and MAPPO earned 0.953, 0.961 and 0.936 after 1,200,000 steps, 0.969, 0.970 and 0.969 after 2,400,000, and
IA2C 0.973 after 4,800,000; by a discount that rises from 0.97 to 0.99 three seeds of IA2C earned 0.936. 0.95 was not
tried on the smaller fields.

**What falls short.** COMA is behind the others: on 8x8-2p-3f, where in first trials, with a critic that saw numbers as
they are, it earned half as much, and on 10x10-3p-3f, where it earns 0.923 after 1,200,000 steps by a discount of 0.97,
far above the 0.19 that is published. Longer, or by 0.95, it was not trained there. IA2C's and MAPPO's published
returns, 1.00 and 0.99, are not reached there. In the task as published learners saw it, which was given 500,000 steps,
IPPO stays at 0.75.

**What to doubt.** The comparison with EPyMARL is of times that were not taken in one run, with one seed of a recurrent
learner; its 0.66 was of greedy actions, ours of drawn ones. Published returns are recalled, not looked up, and are the
best evaluations in 20 million steps; ours are final. The expert earns more than all on 8x8-2p-3f.
"""


def cell(algorithm: str, task: str, seeds: Sequence[int] = FIVE, **others: Any) -> Cell:
    """Return the training of an algorithm on a task by its recipe."""
    goal = ASKED[task][0] if task in ASKED else None
    told: dict[str, Any] = {"return_threshold": 2.0, "return_goal": goal, "judged_on": EPISODES, "stochastic": True}
    # Evaluations are by likeliest actions and do not stop a seed: no return is 2.
    return Cell(algorithm, task, seeds, panel=PANELS[task], evaluations=20, episodes=64, **{**told, **others})


def cells() -> list[Cell]:
    """Return all trainings of the study."""
    return [
        cell("IPPO", SEEN, TEN),
        cell("MAPPO", SEEN, TEN),
        cell("IA2C", SEEN),
        cell("COMA", SEEN, steps=260_000),
        *(cell(name, UNAIDED, steps=500_000) for name in ("IPPO", "MAPPO")),
        *(cell(name, COOP) for name in ("IPPO", "MAPPO", "IA2C")),
        cell("COMA", COOP, steps=260_000),
        *(cell(name, LARGE) for name in ("IPPO", "MAPPO", "IA2C")),
        cell("COMA", LARGE, steps=1_200_000, changes={"discount": 0.97}),
    ]


def study(folder: Path) -> None:
    """Train what is not trained yet, and write ``deep_policies_foraging`` as .json, .md and .png."""
    made = cells()
    tasks = list(dict.fromkeys(each.task for each in made))
    baselines = [random_baseline(task, seeds=FIVE, episodes=EPISODES) for task in tasks]
    # The expert reads relative places.
    baselines += [expert_baseline(task) for task in tasks if task != UNAIDED]
    ends = measured(SEEN, seeds=FIVE, episodes=EPISODES, folder=Path(NAME) / "standstills")
    study_deep(
        folder,
        NAME,
        title="Level-based foraging by policies",
        text=f"{__doc__}\n{FINDINGS}",
        cells=made,
        baselines=baselines,
        settings={"fresh episodes of a seed": EPISODES},
        further=lambda rows: {
            "What was asked": as_asked(rows),
            "Beside published returns": published(rows),
            "Drawn and likeliest actions": drawn_and_likeliest(rows),
            **played_tables(ends),
        },
    )


def expert_baseline(task: str) -> Baseline:
    """Return what the scripted expert earns."""

    def made(env: Any, draws: list[Any]) -> ForagingExpert:
        return ForagingExpert(env.batch.n_foods, env.n_agents, draws)

    return policy_baseline(task, "expert", made, seeds=FIVE, episodes=EPISODES)


def seconds_to(row: Mapping[str, Any], level: float) -> list[float]:
    """Return the CPU-seconds of each seed until its training episodes between two evaluations earned so much.

    Those are means over a twentieth of the run, evaluations included in the time; infinite where it was never.
    """
    steps = np.asarray(row["curve"]["steps"], dtype=float)
    earned = np.array([[np.nan if x is None else x for x in point] for point in row["curve"]["training"]])
    each = row["cpu_seconds"] / len(row["seeds"])
    reached = earned >= level
    return [float(each * steps[column.argmax()] / steps[-1]) if column.any() else float("inf") for column in reached.T]


def as_asked(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    body = []
    for row in rows:
        # On the large task no algorithm was named.
        if row["task"] == LARGE or (row["task"] in (SEEN, UNAIDED) and row["label"] in ("IPPO", "MAPPO")):
            reached = float(bootstrap_interval(row["final"]).estimate)
            each, rate = row["cpu_seconds"] / len(row["seeds"]), row["steps_per_second"]
            asked, met = "", ""
            if row["task"] in ASKED:
                least, limit = ASKED[row["task"]]
                asked = f"IQM ≥ {least}, ≤ {limit:.0f} CPU-s"
                met = "yes" if reached >= least and each <= limit else "**no**"
            took = [seconds_to(row, level) for level in (PEER_AT, 0.9)]
            own = PEER_SECONDS / np.median(took[0]) if row["task"] in (SEEN, UNAIDED) else 0.0
            body.append(
                [
                    row["panel"],
                    row["label"],
                    asked,
                    f"{reached:.3f}, {each:.1f} CPU-s",
                    met,
                    *(f"{np.median(each):.1f} ({max(each):.1f})" for each in took),
                    f"{own:.0f}×" if own else "",
                    f"{rate:,.0f}, {rate / PEER_RATE:.0f}×" if row["task"] in (SEEN, UNAIDED) else f"{rate:,.0f}",
                ]
            )
    head = ["task", "algorithm", "asked", "reached", "as asked", "CPU-s to 0.66, median (last seed)", "to 0.9"]
    return [[*head, "EPyMARL's 112 s over the median", "steps/CPU-s, over EPyMARL's 686"], *body]


def published(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    body = []
    for row in rows:
        if row["task"] in PUBLISHED:
            shown = [f"{float(bootstrap_interval(row[key]).estimate):.3f}" for key in ("final", "final_greedy")]
            told = PUBLISHED[row["task"]][row["label"]]
            body.append([row["panel"], row["label"], f"{row['steps']:,}", *shown, told])
    return [
        ["task", "algorithm", "steps here", "drawn, IQM", "likeliest, IQM", "published, in 20 million steps"],
        *body,
    ]


def drawn_and_likeliest(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    body = []
    for row in rows:
        shown = [f"{float(bootstrap_interval(row[key]).estimate):.3f}" for key in ("final", "final_greedy")]
        body.append([row["panel"], row["label"], *shown])
    return [["task", "algorithm", "drawn, IQM", "likeliest, IQM"], *body]
