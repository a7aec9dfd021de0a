"""Policy gradients on tasks of one agent: what PPO, A2C, TRPO and GMAC reach, in how many steps and seconds.

Asked of PPO are at least 490 of 500 on CartPole with 10 of 10 seeds in 5 CPU-seconds of a seed, at least -90 on Acrobot
in 15, and at least -200 on Pendulum in 60; LunarLander counts as solved at 200, by choices and by numbers. A seed whose
evaluation reaches the threshold keeps its networks and learns no more, which is early stopping by episodes of their
own; the returns in the tables are those of the networks that were kept on 100 to 1,000 fresh episodes, by their
likeliest actions, so that a lucky evaluation does not count twice. Seconds are those of seeds trained together,
evaluations included.

Published returns are CleanRL's, of the last 100 episodes of training over three seeds, and those of the RL Zoo of
Stable-Baselines3, of one policy each by its likeliest actions, whose deviation is over episodes; there LunarLander is
version 2. GMAC, of which nothing is published here, stands beside PPO's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.deep_study import Cell, random_baseline, study_deep

NAME = "deep_policies_single"
CART_POLE, ACROBOT, PENDULUM = "CartPole-v1", "Acrobot-v1", "Pendulum-v1"
LANDER, LANDER_BY_NUMBERS = "LunarLander-v3", "LunarLanderContinuous-v3"
TEN, FIVE = range(10), range(5)
ASKED = {CART_POLE: 5.0, ACROBOT: 15.0, PENDULUM: 60.0, LANDER: None, LANDER_BY_NUMBERS: None}
"""CPU-seconds of a seed of PPO, where they were asked for."""
GOALS = {CART_POLE: 490.0, ACROBOT: -90.0, PENDULUM: -200.0, LANDER: 200.0, LANDER_BY_NUMBERS: 200.0}

CLEANRL = {CART_POLE: (490.0, 6.1, "500,000"), ACROBOT: (-86.4, 1.3, "500,000")}
"""Mean return of PPO, its deviation over seeds, and steps: docs.cleanrl.dev, page PPO."""
ZOO = {
    (CART_POLE, "PPO"): (500.0, 0.0, "100,000"),
    (CART_POLE, "TRPO"): (500.0, 0.0, "100,000"),
    (CART_POLE, "A2C"): (500.0, 0.0, "500,000"),
    (ACROBOT, "PPO"): (-73.5, 18.2, "1,000,000"),
    (ACROBOT, "TRPO"): (-83.1, 18.6, "100,000"),
    (ACROBOT, "A2C"): (-83.4, 17.2, "500,000"),
    (PENDULUM, "PPO"): (-172.2, 104.2, "100,000"),
    (PENDULUM, "TRPO"): (-174.6, 127.6, "100,000"),
    (PENDULUM, "A2C"): (-163.0, 103.2, "1,000,000"),
    (LANDER, "PPO"): (242.1, 31.8, "1,000,000"),
    (LANDER, "TRPO"): (133.2, 112.2, "200,000"),
    (LANDER, "A2C"): (155.8, 80.4, "200,000"),
    (LANDER_BY_NUMBERS, "PPO"): (270.9, 32.1, "1,000,000"),
    (LANDER_BY_NUMBERS, "TRPO"): (262.4, 21.4, "200,000"),
    (LANDER_BY_NUMBERS, "A2C"): (84.2, 145.9, "5,000,000"),
}
"""Mean return, its deviation over episodes, and steps: github.com/DLR-RM/rl-baselines3-zoo, benchmark.md."""

FINDINGS = """
**What works.** All four algorithms hold CartPole's pole for all 500 steps of all fresh episodes, with every seed,
within 60,000 steps and 4 CPU-seconds of a seed. All four solve Acrobot and Pendulum with every seed: A2C needs 36,000
steps and 2 CPU-seconds on Acrobot, PPO 4 CPU-seconds on Pendulum. PPO and GMAC land on the moon with every seed, by
choices and by numbers, GMAC for 267 and 274 on average, PPO for 262 and 273. All of them earn at least what is
published of them; on Acrobot that takes longer than solving it.

**What made the difference.** Values in units of their running deviation: see the recipes. Beyond what counts as solved,
patience: on Acrobot policies come to -84 within 30,000 to 100,000 steps and seem to stay there, but earn more as the
rate falls: PPO -69 after 2,000,000 steps, in 49 CPU-seconds of a seed, TRPO -78 after 300,000, and A2C -83 after
1,000,000. On Pendulum a discount of 0.95, a rate that ends at 1e-5 and twice the copies; by the recipe before, with
0.9, one of five seeds of PPO ended at -225. TRPO needs rollouts of whole episodes there: all copies begin together and
are stopped together, so that a rollout of 64 steps holds one part of episodes only. With 32 copies of 64 steps, at a
discount of 0.95, no seed of five solved it in 200,000 steps, and they ended between -228 and -752; with 16 copies of
64, at 0.9, two seeds went back from -210 to -240 and -640, with 8 copies of 200 both stayed at -160 to -180.

A2C wants noise on Pendulum, a low rate and a horizon that grows. By a first deviation of 0.6 all its seeds climbed from
-1,050 to between -379 and -726 over 1,000,000 steps, and its rate fell before it was there. By 1.6, twice the rate and
an average of the networks over the last rollouts, which is what is judged and kept, they ended at -172 to -193; over
2,000,000 steps, from the same rate, two of five seeds were still at -909 and -1104 after half of them. From 1e-3, with
a first deviation of 1 and a discount that rises from 0.9 to 0.95, all five end at -156 to -165 after 1,500,000 steps,
in 72 CPU-seconds of a seed, and earn more than all others here. Of single changes by a rate of 1.2e-3, over 1,000,000
steps with two seeds each, rectifiers in place of hyperbolic tangents ended at -172 on average, that first deviation at
-176, twice the weight of the critic at -260, rollouts of 5 steps at -273; the longer horizon without less noise at -157
and -955. Rollouts of 32 and of 200 steps, in as many mini-batches as keep them at 64 rows or in fewer, ended at -671 to
-1016 on average, by seven settings, over 500,000 and 600,000 steps.

**LunarLander.** A horizon of some 200 steps decides: a discount of 0.995 with a trace of 0.98, from rollouts of 16
copies of 256 steps, half the rate, twice the mini-batches, and an average of the networks, which is judged and kept. By
choices PPO earned 238 and GMAC 241 by a discount of 0.999 and rollouts of 128 steps; now they earn 262 and 267, after
at most 570,000 steps, in 120 and 127 CPU-seconds of a seed. By numbers likeliest actions go up and down from rollout to
rollout, and fall short of drawn ones, until noise is gone: PPO and GMAC had earned 243 and 240 after 400,000 steps, and
earn 273 and 274 now after 1,000,000, by a rate that ends at 2e-5 and a slower average. By a rate that ends at 1e-4 and
an average that follows three times as fast they earned 269, two of them 262 each. There the new settings are worth time
rather than returns: by those before two seeds came to 200 after 240,000 and 480,000 steps, where they take 200,000 and
280,000 now, and ended at 275.

TRPO lands by the same rollouts: with a threshold of 268, three of five seeds stop there, after 360,000 to 760,000
steps, and all earn 252 to 271 in 1,000 fresh episodes, 265 on average. Without, the same five earned 252 to 278, but
one went back from 271 to 184. By 2 copies of 1,024 steps, as the RL Zoo has it, its seeds pass 250 within 130,000
steps, but drawn actions earn 100 to 150 then, and what is learnt from them takes back what likeliest actions do: at a
discount of 0.995, with a threshold of 266, four of five seeds stopped there within 160,000 steps and earned 261 to 266,
and the fifth went from 261 back to 181; at 0.99, with a threshold of 250, all stopped within 130,000, and earned 251 to
258. From 16 copies of 128 steps, at 0.999, it had ended at -25 to 175 after 400,000.

A2C wants few copies and long rollouts, with observations in units of their deviation and an average of the networks: 4
copies of 256 steps, in 16 mini-batches, at a discount of 0.995 and with a bonus for entropy. By choices four of five
seeds pass 200, the fifth earns 172, and their mean of 223 is above what is published. From 16 copies of 5 steps it had
ended at -217 to 171, and by seven other settings, of two or three seeds each, most policies learnt to land, and then to
stay in the air until they were stopped. Long rollouts alone did not do it: at a discount of 0.99 without the bonus one
of two seeds landed for 235, and one stayed in the air.

By numbers A2C has a lower rate, 3e-4, and no bonus: all seeds earn 139 to 183 after 400,000 steps, 156 on average,
where 84 are published after 5,000,000. With the rate and the bonus that it has by choices all five had ended at -221 to
-1022, below chance, likely since only the first of a rollout's mini-batches belongs to the policy that made it, and
nothing holds the others back; which of the two decides was not tried. By one update of each rollout, of 64 rows, three
seeds earned 119, 85 and 9 after 50,000 steps, and -60 to -104 after 250,000.

**What falls short.** A2C by numbers does not come to 200, nor does one of its five seeds by choices. TRPO by choices
passes 200 with two of five seeds, and earns 155 on average after 300,000 steps, above what is published; by the
settings that it has by numbers five seeds earned 91 to 173 after 800,000, 131 on average.

**What a threshold is worth.** With a threshold of 490 in 20 episodes, as the recipe has it, one of ten seeds of PPO
stopped on CartPole by luck, and earned 478 on fresh episodes; with -84 in 30 on Acrobot one of five earned -91. Here
seeds stop at 500 in 100 episodes, and PPO at -82 in 100. On the moon the thresholds by numbers are hardly reached, so
that most networks are those of the end. A mean over 100 episodes is worth little where they differ by 100, as on
Pendulum: PPO's five seeds earn -155 to -182 in 100 fresh episodes each and -158 to -164 in 1,000, of which a table has
the latter.

**What differs between rows.** PPO runs by compiled loops everywhere but on CartPole, and TRPO on Acrobot without values
in units of their own. "Longer" are those that learn on where others stop. Final policies are judged on 1,000 fresh
episodes on Pendulum, the longer ones on Acrobot, and PPO, GMAC and TRPO on LunarLander by numbers; TRPO on Acrobot on
400, all others on 100. Seconds were taken while other work ran beside.
"""


def cells() -> list[Cell]:
    """Return all trainings of the study."""
    # At 490 in 20 episodes one of ten seeds of PPO stopped that earned 478 in fresh ones.
    all_of_it: Mapping[str, Any] = {"return_threshold": 500.0, "episodes": 100}
    made = [Cell("PPO", CART_POLE, TEN, **all_of_it)]
    made += [Cell(name, CART_POLE, FIVE, **all_of_it) for name in ("GMAC", "TRPO")]
    made += [Cell("A2C", CART_POLE, FIVE, steps=120_000, **all_of_it)]
    looped: Mapping[str, Any] = {"changes": {"compiled": True}}
    # At -84 in 30 episodes, as the recipe has it, one of five seeds of PPO stopped that earned -91 in fresh ones.
    made += [Cell("PPO", ACROBOT, FIVE, return_threshold=-82.0, episodes=100, **looped)]
    # Returns differ by 100 from episode to episode on Pendulum, and a rare crash costs 300 on the moon.
    often: Mapping[str, Any] = {"judged_on": 1000}
    made += [Cell("PPO", PENDULUM, FIVE, **often, **looped)]
    made += [Cell(name, ACROBOT, FIVE) for name in ("GMAC", "A2C")]
    swinging: Mapping[str, Any] = {"episodes": 100, "judged_on": 400}
    unscaled: Mapping[str, Any] = {"changes": {"normalise_values": False}}
    made += [Cell("TRPO", ACROBOT, FIVE, steps=300_000, return_threshold=-76.0, **swinging, **unscaled)]
    # What is published took a million steps; -75 is hardly reached by A2C, and -60 never.
    steadily: Mapping[str, Any] = {"lr_end": 1e-5, "average_rate": 0.02}
    longer: Mapping[str, Any] = {
        "label": "A2C, longer",
        "steps": 1_000_000,
        "return_threshold": -75.0,
        **swinging,
        **often,
    }
    made += [Cell("A2C", ACROBOT, FIVE, changes=steadily, **longer)]
    longer = {"label": "PPO, longer", "steps": 2_000_000, "return_threshold": -60.0, **swinging, **often}
    steadily = {"lr_end": 2e-5, "average_rate": 0.05, "compiled": True}
    made += [Cell("PPO", ACROBOT, FIVE, changes=steadily, **longer)]
    made += [Cell(name, PENDULUM, FIVE, **often) for name in ("GMAC", "TRPO")]
    made += [Cell("A2C", PENDULUM, FIVE, steps=1_500_000, return_threshold=-140.0, **often)]
    landing: Mapping[str, Any] = {"steps": 600_000, "return_threshold": 265.0, "episodes": 100}
    by_numbers: Mapping[str, Any] = {"return_threshold": 285.0, "episodes": 100, **often}
    for task, told in ((LANDER, landing), (LANDER_BY_NUMBERS, {"steps": 1_000_000, "evaluations": 25, **by_numbers})):
        made += [Cell("GMAC", task, FIVE, **told), Cell("PPO", task, FIVE, **told, **looped)]
    # A seed that lands by noise alone may fall back: at 268 it stops in time.
    made += [Cell("TRPO", LANDER_BY_NUMBERS, FIVE, steps=800_000, **{**by_numbers, "return_threshold": 268.0})]
    made += [Cell("TRPO", LANDER, FIVE, evaluations=10)]
    sure: Mapping[str, Any] = {"episodes": 50, "evaluations": 20}
    made += [
        Cell("A2C", task, FIVE, steps=steps, return_threshold=240.0, **sure)
        for task, steps in ((LANDER, 600_000), (LANDER_BY_NUMBERS, 400_000))
    ]
    # Thresholds at which seeds stop are the recipe's, goals are what was asked for.
    return [Cell(**{**vars(cell), "return_goal": GOALS[cell.task]}) for cell in made]


def study(folder: Path) -> None:
    """Train all algorithms on all tasks and write ``deep_policies_single`` as .json, .md and .png."""
    study_deep(
        folder,
        NAME,
        title="Policy gradients on tasks of one agent",
        text=f"{__doc__}\n{FINDINGS}",
        cells=cells(),
        baselines=[random_baseline(task, seeds=FIVE, continuous=True) for task in (PENDULUM, LANDER_BY_NUMBERS)],
        further=lambda rows: {"As asked": as_asked(rows), "Beside published returns": published(rows)},
    )


def as_asked(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return what was asked for, and whether it was reached."""
    body = []
    for row in rows:
        if row["label"] == "PPO" and row["task"] in ASKED:
            seconds, limit = row["cpu_seconds"] / len(row["seeds"]), ASKED[row["task"]]
            solved, count = sum(row["solved"]), len(row["solved"])
            asked = f"≥ {GOALS[row['task']]:g} with every seed" + ("" if limit is None else f", ≤ {limit:g} CPU-s")
            met = "yes" if solved == count and (limit is None or seconds <= limit) else "**no**"
            body.append([row["task"], asked, f"{solved} of {count}, {seconds:.1f} CPU-s", met])
    return [["task", "asked of PPO", "reached", "as asked"], *body]


def published(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return mean returns and steps beside published ones, and whether they are at least the highest of these."""
    body = []
    for row in rows:
        label = "PPO" if row["label"] == "GMAC" else row["algorithm"]
        told = [CLEANRL.get(row["task"]) if label == "PPO" else None, ZOO.get((row["task"], label))]
        most = max((each[0] for each in told if each is not None), default=None)
        if most is not None:
            ours = sum(row["final"]) / len(row["final"])
            texts = ["" if each is None else f"{each[0]:.1f} ± {each[1]:.1f} ({each[2]})" for each in told]
            met = "yes" if ours >= most else "**no**"
            body.append([row["task"], row["label"], f"{ours:.1f} ({row['steps_done']:,})", *texts, met])
    return [["task", "algorithm", "mean here (steps at most)", "CleanRL (steps)", "RL Zoo (steps)", "reached"], *body]
