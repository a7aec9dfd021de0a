"""How the training of policies scales: environment steps a second with copies of a task, and with its agents.

PPO with two layers of 64 units learns to hover by four motors, with 64 to 16,384 copies at once and rollouts of 32
steps, 4 epochs of mini-batches of at most 4,096 rows; and 1 to 32 drones that hover together learn by one shared
network, with 128 copies. Each figure is of one whole cycle, acting, simulating and learning, by the wall clock, the
best of some rounds, without evaluations; steps of the environment count once, however many agents it has. A scalar
critic learns by PyTorch's operations and by compiled loops (``compiled=True``, which run on one core), a mixture critic
by PyTorch's. Wanted are 50,000 steps a second on two cores. Where there is a GPU, everything stays on it and its rows
stand beside.

Parts of the time tell what is the bottleneck: the simulator, or learning.
"""

from __future__ import annotations

import importlib.metadata
import itertools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.studies import record_study

NAME = "deep_policy_scaling"
COPIES = (64, 256, 1024, 4096, 16384)
AGENTS = (1, 2, 4, 8, 16, 32)
ROLLOUT, EPOCHS, ROWS = 32, 4, 4096
ROUNDS, MANY = 3, 4096
"""Rounds of each, of which a rollout of at least so many copies, some seconds long, has two."""
LEARNERS = ("scalar, compiled", "scalar", "mixture")
ASKED = 50_000
PARTS = ("acting", "simulating", "keeping", "learning")


def study(folder: Path) -> None:
    """Time all trainings and write ``deep_policy_scaling`` as .json, .md and .png."""
    import torch

    began = time.perf_counter()
    before = torch.get_num_threads()
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    rows: list[dict[str, Any]] = []
    try:
        for device, threads in itertools.product(devices, (1, 2)):
            if device == "cuda" and threads > 1:
                continue
            torch.set_num_threads(threads)
            cases = [("hover", 1, n_envs, critic) for critic in LEARNERS for n_envs in COPIES]
            cases += [("multihover", n_agents, 128, critic) for critic in LEARNERS[:2] for n_agents in AGENTS]
            for task, n_agents, n_envs, critic in cases:
                if "compiled" not in critic or device == "cpu":
                    rows.append(timed(task, n_agents, n_envs, device, threads, critic))
                    print(f"  {rows[-1]}", flush=True)
    finally:
        torch.set_num_threads(before)
    record_study(
        folder,
        NAME,
        title="Training of policies with copies and agents",
        text=__doc__ or "",
        settings={
            "torch": importlib.metadata.version("torch"),
            "seed": 0,
            "device": "CPU" if len(devices) == 1 else f"CPU and {torch.cuda.get_device_name()}",
        },
        rows=rows,
        tables={
            "Copies of hovering by four motors": table(rows, "hover"),
            "Drones that hover together, 128 copies": table(rows, "multihover"),
        },
        draw=lambda figure: draw(figure, rows),
        seconds=time.perf_counter() - began,
    )


def timed(task: str, n_agents: int, n_envs: int, device: str, threads: int, critic: str) -> dict[str, Any]:
    """Return environment steps a second, and what share of the time each part takes.

    Parameters
    ----------
    task : {'hover', 'multihover'}
    n_agents, n_envs, threads : int
    device : {'cpu', 'cuda'}
    critic : {'scalar, compiled', 'scalar', 'mixture'}
    """
    import torch

    from marlgt.deep import PPO, make_environment
    from marlgt.deep.algorithms.value_algorithm import Spec
    from marlgt.deep.seeded_environments import SeededEnvs

    rows = ROLLOUT * n_envs
    algorithm = PPO(
        n_envs=n_envs,
        rollout_steps=ROLLOUT,
        epochs=EPOCHS,
        minibatches=max(1, rows // ROWS),
        critic=critic.split(",")[0],
        compiled="compiled" in critic,
        normalise_values=critic == "mixture",
    )
    made = flown(task, n_agents)

    def make() -> Any:
        options = {} if device != "cpu" else {"threads": threads}
        return make_environment(made, n_envs, device=device, continuous=True, options=options)

    envs = SeededEnvs(make, [0], device)
    envs.reset()
    learner = algorithm.learner(Spec.of(envs.envs[0]), [0], steps=10**9, device=device)

    def now() -> float:
        if device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter()

    def cycle() -> list[float]:
        taken = [0.0] * len(PARTS)
        for _ in range(ROLLOUT):
            clock = [now()]
            actions = learner.act(envs)
            clock.append(now())
            step = envs.step(actions)
            clock.append(now())
            learner.observe(step, envs)
            clock.append(now())
            learner.learn()
            clock.append(now())
            taken = [total + later - earlier for total, (earlier, later) in zip(taken, itertools.pairwise(clock))]
        return taken

    cycle()
    best = min((cycle() for _ in range(ROUNDS if n_envs < MANY else 2)), key=sum)
    envs.close()
    return {
        "task": task,
        "agents": n_agents,
        "copies": n_envs,
        "device": device,
        "threads": threads,
        "critic": critic,
        "steps_per_second": rows / sum(best),
        "shares": {part: seconds / sum(best) for part, seconds in zip(PARTS, best)},
    }


def flown(task: str, n_agents: int) -> Any:
    """Return the task: one drone that hovers, or several, also more than its door lets through."""
    from marlgt.games.drones.making import make_task
    from marlgt.games.drones.tasks.hovering import multihover

    return make_task("hover", actions="motors") if task == "hover" else multihover(n_agents, "motors")


def table(rows: Sequence[Mapping[str, Any]], task: str) -> list[list[str]]:
    """Return the figures of a task."""
    head = ["drones", "copies", "critic", "device", "threads", "steps a second", *(f"{part}, %" for part in PARTS)]
    body = [
        [
            str(row["agents"]),
            f"{row['copies']:,}",
            row["critic"],
            row["device"],
            str(row["threads"]),
            f"{row['steps_per_second']:,.0f}",
            *(f"{100 * row['shares'][part]:.0f}" for part in PARTS),
        ]
        for row in rows
        if row["task"] == task
    ]
    return [head, *body]


def draw(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw steps a second against copies, and those of all drones together against drones."""
    figure.set_size_inches(9.6, 3.8)
    left, right = figure.subplots(1, 2)
    for device, threads, critic in dict.fromkeys((row["device"], row["threads"], row["critic"]) for row in rows):
        own = [row for row in rows if (row["device"], row["threads"], row["critic"]) == (device, threads, critic)]
        label = f"{critic}, {device}" + (f", {threads} threads" if threads > 1 else "")
        looks = {
            "color": f"C{LEARNERS.index(critic) + len(LEARNERS) * (device != 'cpu')}",
            "linestyle": "--" if threads > 1 else "-",
            "marker": "o",
            "markersize": 4,
            "label": label,
        }
        for axes, task, across in ((left, "hover", "copies"), (right, "multihover", "agents")):
            shown = [row for row in own if row["task"] == task]
            if shown:
                axes.plot([r[across] for r in shown], [r["steps_per_second"] * r["agents"] for r in shown], **looks)
    left.axhline(ASKED, color="0.5", linestyle=":", label="asked, two cores")
    left.set_xlabel("copies of hovering by four motors")
    right.set_xlabel("drones that hover together, 128 copies")
    left.set_ylabel("environment steps a second, learning included")
    right.set_ylabel("the same, times drones")
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_ylim(0, 1.6 * axes.get_ylim()[1])
        axes.legend(fontsize=7, ncols=2, loc="upper center")
