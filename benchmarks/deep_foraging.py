"""Level-based foraging by independent learners and value decomposition, and what makes it hard for them.

Two or three agents gather food together; one food needs the levels of several who load it in the same step. Rewards of
an episode sum to 1 if all is gathered within 50 steps. Asked for are at least 0.95 by QMIX and VDN, recurrent and with
lambda-returns, on ``8x8-2p-2f-coop`` with all of five seeds, in 15 minutes of two cores; and curves on ``8x8-2p-3f``
and ``10x10-3p-3f`` beside the returns that Papoudakis et al. (2021) publish. Value-based learners stayed below 0.1 here
in our own first attempts and in others' code after as many steps, so that the last panel changes one setting at a time.

Final policies are judged on 1000 fresh episodes of each seed, greedy, and once more with 5 % of random actions. The
expert is scripted: all go to the food to which they have the fewest steps together, each to a side of her own, and load
it; a tenth of their moves is random, so that they do not stand in each other's way for long.

Two things help that the published learners did not have, and that must be known when the numbers are compared.
*Masks*: an agent does not choose actions that would do nothing, moves into walls and loading without food beside her.
*Places*: foods and others are told relative to the agent, and each number enters the network as a one-hot vector; all
of that can be computed from the published observation. The last panel has a row without each, and one without both.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.deep_study import CACHE, Baseline, Cell, policy_baseline, random_baseline, study_deep
from marlgt.statistics import bootstrap_interval

NAME = "deep_foraging"
SEEDS, FEWER = range(5), range(3)
EPISODES = 1000
BUDGET = 2 * 15 * 60
"""Seconds of one core that all seeds of an algorithm may take."""

RELATIVE = ":observation=relative"
COOP, THREE, LARGE = "Foraging-8x8-2p-2f-coop-v3", "Foraging-8x8-2p-3f-v3", "Foraging-10x10-3p-3f-v3"
PANELS = {COOP: "8x8-2p-2f-coop", THREE: "8x8-2p-3f", LARGE: "10x10-3p-3f"}
STEPS = {COOP: 300_000, THREE: 300_000, LARGE: 500_000}
ABLATED = "8x8-2p-2f-coop, QMIX, one thing changed"

PUBLISHED = [
    ["task", "IQL", "VDN", "QMIX"],
    ["8x8-2p-2f-coop", "1.00", "1.00", "0.96"],
    ["10x10-3p-3f", "0.93", "0.84", "0.84"],
]
"""Largest mean returns in 2 million steps, Papoudakis et al. (2021), table 3."""

FORWARD = {"recurrent": False, "n_steps": 5, "batch_size": 256}
SPEEDS: dict[str, tuple[str, dict[str, Any]]] = {
    "QMIX, the recipe: an update of 256 steps for each 128": ("QMIX", {}),
    "QMIX, recurrent, an update of 64 steps for each 32": ("QMIX", {"update_every": 32, "batch_size": 4}),
    "QMIX, no memory, an update of 32 steps for each 32": (
        "QMIX",
        {**FORWARD, "n_steps": 1, "update_every": 32, "batch_size": 32},
    ),
    "VDN, no memory, an update of 32 steps for each 32": (
        "VDN",
        {**FORWARD, "n_steps": 1, "update_every": 32, "batch_size": 32},
    ),
}
"""Trainings whose speed is measured, at the updates for each step that peers were measured at."""

MOVES = torch.tensor([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]])
"""Rows and columns by which the first five actions move."""

FINDINGS = """
**What makes it hard.** Random actions are paid less than 1 % of what there is in the cooperative task, so that nearly
all that a network learns from at first is its own noise, and a move is worth little more than the opposite one. Each
row of the last panel leaves out one thing that helps with that. Raw observations are the worst: 200,000 steps are then
nearly as good as none. Without masks most of what is tried does nothing, learning begins later, and seeds differ more.
With a discount of 0.99 a wasted step costs 1 % of what is to come, less than the errors of the values, and greedy
agents walk in circles; 5 % of random actions lead out of those, as the second table shows. With rewards as they are,
rather than five times as large, the first payments drown in the noise of the first values. Without any of these, QMIX
earns nothing, which is what we and others saw. Lambda-returns and memory matter least: everything is seen here.

**What works.** All of it together; then QMIX, VDN and independent learners all solve the cooperative task with all
seeds, in less than 30 CPU-seconds each. Value decomposition decides nothing there: independent learners that share
their network and their experience are as good; with three foods they are a little behind. Between three agents it
does decide: after 500,000 steps on 10x10 every seed of QMIX and VDN is above every seed of the independent learners,
and four of five seeds of VDN are above 0.95. What greedy policies miss are circles again: with 5 % of random actions
the same policies earn more.

**What the comparison with published returns is worth.** Those are best evaluations in 2 million steps of learners that
know no masks and are told places as numbers; ours are final policies, after fewer steps. On 10x10 four of five seeds of
QMIX and all five of VDN earn more than the 0.84 published for both; independent learners stay below the published 0.93,
in a quarter of the steps. The row without masks, on the cooperative task, is the fairer comparison.
"""


def cell(task: str, algorithm: str, seeds: Sequence[int] = SEEDS, **others: Any) -> Cell:
    """Return the training of an algorithm on a task by its recipe."""
    name = task.partition(":")[0]
    return Cell(
        algorithm,
        task,
        seeds,
        **{
            "panel": PANELS[name],
            "steps": STEPS[name],
            "evaluations": 10,
            "return_goal": 0.95,
            "judged_on": EPISODES,
            "checkpoint_every": 4_000_000,
            **others,
        },
    )


def ablation(label: str, changes: Mapping[str, Any], task: str = COOP + RELATIVE) -> Cell:
    """Return a training by QMIX that differs from the recipe in what its label says."""
    return cell(task, "QMIX", FEWER, label=label, panel=ABLATED, changes=changes, steps=200_000)


ABLATIONS = (
    ablation("recipe", {}),
    ablation("no mask", {}, f"{COOP}{RELATIVE},masked=false"),
    ablation("discount 0.99", {"discount": 0.99}),
    ablation("raw observations", {}, COOP),
    ablation("rewards as they are", {"reward_scale": 1.0}),
    ablation("lambda 0", {"trace": 0.0}),
    ablation("no memory, 5 steps", FORWARD),
    ablation("no mask, raw, 0.99, as they are", {"discount": 0.99, "reward_scale": 1.0}, f"{COOP}:masked=false"),
)
CELLS = (
    *(cell(task + RELATIVE, algorithm) for task in (COOP, THREE) for algorithm in ("QMIX", "VDN", "IDQN")),
    *(cell(LARGE + RELATIVE, algorithm) for algorithm in ("QMIX", "VDN", "IDQN")),
    *ABLATIONS,
)


class ForagingExpert:
    """All go to one food, each to a side of its own, by the fewest steps together, and load it; see the module.

    Parameters
    ----------
    n_foods, n_agents : int
    generators : sequence of torch.Generator
        One for each seed.
    """

    def __init__(self, n_foods: int, n_agents: int, generators: Sequence[torch.Generator]) -> None:
        self.n_foods, self.generators = n_foods, list(generators)
        self.ways = torch.tensor(list(itertools.permutations(range(1, 5), n_agents)))

    def begin(self) -> None:
        """Do nothing: there is nothing to forget."""

    def act(self, observations: torch.Tensor, allowed: torch.Tensor | None) -> torch.Tensor:
        """Return actions (S, B, n) in relative observations (S, B, n, D)."""
        things = observations[:, :, 0].reshape(*observations.shape[:2], -1, 3)
        foods, agents = things[..., : self.n_foods, :], things[..., self.n_foods :, :2].clone()
        # The first agent tells where she stands on the grid, and where the others stand from her.
        agents[..., 0, :] = 0
        sides = MOVES[self.ways]
        cells = foods[..., None, None, :2] + sides
        together = (cells - agents[..., None, None, :, :]).abs().sum((-1, -2))
        together = together.masked_fill(foods[..., 2:] == 0, 1e9).flatten(2)
        aim = cells.flatten(2, 3).gather(
            2, together.argmin(-1)[..., None, None, None].expand(-1, -1, 1, *sides.shape[1:])
        )
        ahead = aim.squeeze(2) - agents
        there = (ahead.abs().sum(-1) == 0).unsqueeze(-1)
        left = (ahead.unsqueeze(-2) - MOVES).abs().sum(-1)
        scores = torch.cat([-left, torch.where(there, 9.0, -1e6)], dim=-1)
        draws = torch.stack([torch.rand((2, *scores.shape[1:]), generator=each) for each in self.generators])
        wander = (draws[:, 0, ..., :1] < 0.1) & ~there
        # Ties are broken at random: of two ways that are as short, one may be blocked.
        scores = torch.where(wander, draws[:, 1], scores + 0.1 * draws[:, 1])
        return (scores if allowed is None else scores.masked_fill(~allowed, -1e9)).argmax(-1)


def expert_baseline(task: str) -> Baseline:
    """Return what the scripted expert earns."""

    def made(env: Any, draws: list[Any]) -> ForagingExpert:
        return ForagingExpert(env.batch.n_foods, env.n_agents, draws)

    return policy_baseline(task, "expert", made, seeds=SEEDS, episodes=EPISODES)


def exploring(row: Mapping[str, Any]) -> list[float]:
    """Return the mean return of each seed's final policy with 5 % of random actions."""
    from marlgt.deep import evaluate

    path = CACHE / NAME / f"{row['folder']}.exploring"
    if not path.exists():
        played = evaluate(CACHE / NAME / row["folder"], episodes=EPISODES, epsilon=0.05)
        path.write_text(json.dumps(played.team_returns.mean(1).tolist()))
    found: list[float] = json.loads(path.read_text())
    return found


def study(folder: Path) -> None:
    """Train what is not trained yet, and write ``deep_foraging`` as .json, .md and .png."""
    tasks = list(dict.fromkeys(each.task for each in CELLS if each.panel != ABLATED))
    baselines = [made for task in tasks for made in (random_baseline(task, seeds=SEEDS, episodes=EPISODES),)]
    baselines += [expert_baseline(task) for task in tasks]
    study_deep(
        folder,
        NAME,
        title="Level-based foraging by value learners",
        text=f"{__doc__}\n{FINDINGS}",
        cells=CELLS,
        baselines=baselines,
        settings={"fresh episodes of a seed": EPISODES},
        further=_further,
    )


def _further(rows: list[dict[str, Any]]) -> dict[str, Sequence[Sequence[str]]]:
    return {
        "What was asked": _asked(rows),
        "Greedy, and with 5 % of random actions": _exploring_table(rows),
        "Speed": _speed_table(),
        "Published returns (recalled, not looked up)": PUBLISHED,
    }


def speed() -> dict[str, list[float]]:
    """Return environment steps per CPU-second, learning included: of one seed, and of five stacked."""
    from marlgt.deep import recipe, train

    path = CACHE / NAME / "speed.rates"
    if not path.exists():
        task = COOP + RELATIVE
        rates: dict[str, list[float]] = {}
        for label, (name, changes) in SPEEDS.items():
            algorithm = recipe(task).algorithm(name, **changes)
            rates[label] = []
            for n_seeds in (1, 5):
                taken = []
                for steps in (4_000, 20_000):
                    began = time.process_time()
                    train(algorithm, task, steps=steps, seeds=range(n_seeds), evaluate_every=steps, episodes=1)
                    taken.append(time.process_time() - began)
                # What a run takes to begin, and to be evaluated twice, is in both.
                rates[label].append(16_000 * n_seeds / (taken[1] - taken[0]))
        path.write_text(json.dumps(rates))
    found: dict[str, list[float]] = json.loads(path.read_text())
    return found


def _speed_table() -> list[list[str]]:
    head = ["training", "steps/CPU-s, one seed", "five seeds together"]
    return [head, *([label, *(f"{rate:,.0f}" for rate in rates)] for label, rates in speed().items())]


def _asked(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    body = []
    for row in rows:
        if row["panel"] == PANELS[COOP] and row["label"] in ("QMIX", "VDN"):
            within = "yes" if all(row["solved"]) and row["cpu_seconds"] <= BUDGET else "no"
            seeds = f"{sum(row['solved'])} of {len(row['final'])}"
            body.append([row["label"], seeds, f"{row['cpu_seconds']:.0f} of {BUDGET}", within])
    return [["8x8-2p-2f-coop", "seeds with at least 0.95", "CPU-s of all seeds", "reached"], *body]


def _exploring_table(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    body = []
    for row in rows:
        shown = [f"{float(bootstrap_interval(values).estimate):.3f}" for values in (row["final"], exploring(row))]
        body.append([row["panel"], row["label"], *shown, f"{np.max(row['best']):.3f}"])
    return [["task", "algorithm", "greedy, IQM", "5 % random, IQM", "best evaluation of a seed"], *body]
