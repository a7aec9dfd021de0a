"""Does a critic that tells the law of returns help where the world is rough? Two drones that hover, disturbed.

Independent PPO is trained with a scalar critic (IPPO) and with a mixture of five normals (GMACIPPO) by one recipe,
which was found by trials of PPO: the same steps, networks, rates and mini-batches, and nothing but the critic is
different. It is trained in calm air and in rough air, and there also with layers that policy and critic share, as in
the paper on GMAC, where the law is a lesson for the policy's layers too; and with one normal in place of five, by the
same loss, which tells whether it is the mixture that helps. Two more scalar critics tell whether it is what single
errors weigh: one with a Huber loss of width 1, in units of the returns' deviation, and one whose gradients, together
with the policy's, are clipped at a norm of 5 rather than 0.5; these two were added when the others were known. Every
final policy is judged in calm air, in wind, with a weak rotor, with noise on what it senses, and with all of it, on the
same fresh episodes of each seed; training does not stop early, and no checkpoint is chosen. Actions are wanted
velocities.

What one critic adds to another is the difference of returns, seed by seed, as an interquartile mean with a 95 %
bootstrap interval: it helps where that interval lies above 0, and harms where it lies below. Of many such intervals one
in twenty misses 0 by chance.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.deep_cells import CACHE, policy_baseline, unusual_settings
from benchmarks.deep_study import COLOURS
from benchmarks.drone_studies import ExpertPolicy, interval
from benchmarks.studies import record_study
from marlgt.games.drones import Disturbances, make_task
from marlgt.statistics import bootstrap_interval

NAME = "deep_robustness"
TASK = "multihover"
SEEDS = range(10)
STEPS = 200_000
EPISODES, EXPERT_EPISODES = 250, 40
CHECKS, WATCHED = 5, 64
"""How often a run is looked at in the world it is trained in, and on how many episodes."""
CRITICS: dict[str, tuple[str, dict[str, Any]]] = {
    "scalar": ("IPPO", {}),
    "mixture": ("GMACIPPO", {}),
    "one normal": ("GMACIPPO", {"components": 1}),
    "scalar, Huber": ("IPPO", {"huber": 1.0}),
    "scalar, clipped at 5": ("IPPO", {"clip": 5.0}),
}
"""Algorithms, and settings beside the recipe's."""

_WIND = {"wind": 2.5, "gusts": 1.0}
_WEAK = {"motors": 0.05, "motor_failure": 0.5, "failed_thrust": 0.7}
_NOISE = {"position_noise": 0.03, "velocity_noise": 0.1, "rate_noise": 0.2}
WORLDS = {
    "calm": Disturbances(),
    "wind": Disturbances(**_WIND),
    "weak rotor": Disturbances(**_WEAK),
    "noise": Disturbances(**_NOISE),
    "all of it": Disturbances(**_WIND, **_WEAK, **_NOISE),
}
"""In which policies are judged: wind to 2.5 m/s, gusts of 1 m/s; of every other drone a rotor with 0.7 of its force."""
TRAINED: dict[str, tuple[str, dict[str, Any]]] = {
    "calm": ("calm", {}),
    "all of it": ("all of it", {}),
    "all of it, shared layers": ("all of it", {"shared_torso": True}),
}
"""How policies are trained: in which world, and with which settings beside the critic's."""

CELLS = (
    ("calm", "scalar"),
    ("calm", "mixture"),
    ("all of it", "scalar"),
    ("all of it", "mixture"),
    ("all of it", "one normal"),
    ("all of it", "scalar, Huber"),
    ("all of it, shared layers", "scalar"),
    ("all of it, shared layers", "mixture"),
    ("all of it", "scalar, clipped at 5"),
)
SHOWN = ("scalar", "mixture", "one normal")
"""What is drawn."""
PAIRS = (
    ("calm", "mixture", "scalar"),
    ("all of it", "mixture", "scalar"),
    ("all of it, shared layers", "mixture", "scalar"),
    ("all of it", "one normal", "scalar"),
    ("all of it", "mixture", "one normal"),
    ("all of it", "scalar, Huber", "scalar"),
    ("all of it", "scalar, clipped at 5", "scalar"),
    ("all of it", "mixture", "scalar, Huber"),
)
"""What is compared: a way of training, a critic, and another."""

FINDINGS = """
**What was found.** A critic that tells the law earns more than the scalar one in every world, in calm air as in rough,
and one normal as much as five: it is not the mixture that helps, and it is hardly the disturbances that it helps
against. A Huber loss of the scalar critic does not make up for it, and neither does more room for its gradients:
clipped at 5 it earns 1.4 to 1.8 less than at 0.5. Training in rough air is worth more than any critic.

**With shared layers the critic decides more.** There the mixture earns 7.9 to 8.7 more than the scalar critic, three
times as much as with networks apart. It is the scalar critic that loses by sharing, 6 to 7 of 220; the mixture loses
0.6 to 1.5. Whether its law is a lesson for the policy's layers, or only its gradients disturb them less, was not told
apart: one normal and a Huber loss were not trained with shared layers.
"""


def task_in(world: str) -> Any:
    """Return the task in a world."""
    return make_task(TASK, n_drones=2, actions="velocity", disturbances=WORLDS[world])


def planned(way: str, critic: str) -> tuple[str, Any, Path]:
    """Return in which world policies are trained, with which algorithm, and where what they reached is kept."""
    from marlgt.deep import recipe
    from marlgt.deep.runs.settings_json import settings_to_json

    (world, changes), (algorithm, own) = TRAINED[way], CRITICS[critic]
    settings = recipe(TASK).algorithm(algorithm, **changes, **own)
    unusual = unusual_settings({"algorithm": algorithm, "settings": settings_to_json(settings)})
    asked = [algorithm, unusual, STEPS, [*SEEDS], EPISODES, CHECKS, WATCHED]
    asked += [world, {name: dataclasses.asdict(each) for name, each in WORLDS.items()}]
    mark = hashlib.sha1(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]
    return world, settings, CACHE / NAME / f"{mark}.json"


def trained(way: str, critic: str) -> dict[str, Any]:
    """Return what the final policies that were trained in some way with a critic earn in all worlds, or train them.

    Returns
    -------
    dict
        ``returns`` and ``successes``: for each world those of each seed; ``watched``: for each of ``watched_at`` steps
        the return of each seed in the world of training; ``cpu_seconds`` of training all seeds.
    """
    from marlgt.deep import evaluate, train

    world, settings, path = planned(way, critic)
    if not path.exists():
        run = train(
            settings, task_in(world), steps=STEPS, seeds=SEEDS, evaluate_every=STEPS // CHECKS, episodes=WATCHED
        )
        played = {name: evaluate(run, task=task_in(name), episodes=EPISODES) for name in WORLDS}
        found = {
            "returns": {name: each.team_returns.mean(1).tolist() for name, each in played.items()},
            "successes": {name: each.successes.mean(1).tolist() for name, each in played.items()},
            "watched_at": run.curve.steps.tolist(),
            "watched": run.curve.mean_return.tolist(),
            "cpu_seconds": run.record.cpu_seconds,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))
    row: dict[str, Any] = json.loads(path.read_text())
    shown = ", ".join(f"{name} {interval(values, '.2f')}" for name, values in row["returns"].items())
    print(f"  {critic}, {way}: {shown}; {row['cpu_seconds']:.0f} s", flush=True)
    return {"trained": way, "critic": critic, **row}


def scripted() -> dict[str, list[float]]:
    """Return what the scripted expert, who sees the true state, earns in each world, for each seed."""
    path = CACHE / NAME / "expert"
    if not path.exists():
        found = {}
        for name in WORLDS:
            made = [
                policy_baseline(
                    task_in(name),
                    "expert",
                    lambda env, draws: ExpertPolicy(env),
                    seeds=[seed],
                    episodes=EXPERT_EPISODES,
                    continuous=True,
                )
                for seed in SEEDS
            ]
            found[name] = [each.returns[0] for each in made]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))
    returns: dict[str, list[float]] = json.loads(path.read_text())
    return returns


def study(folder: Path) -> None:
    """Train what is not trained yet, and write ``deep_robustness`` before and after every training."""
    expert, rows = scripted(), []
    for place, cell in enumerate(CELLS):
        rows.append(trained(*cell))
        if not all(planned(*later)[-1].exists() for later in CELLS[place + 1 : place + 2]) or cell == CELLS[-1]:
            record(folder, rows, expert)


def record(folder: Path, rows: Sequence[Mapping[str, Any]], expert: Mapping[str, Sequence[float]]) -> None:
    """Write the results of the cells that there are."""
    record_study(
        folder,
        NAME,
        title="Mixture critics in rough air",
        text=f"{__doc__}\n{FINDINGS}",
        settings={
            "seeds": f"{min(SEEDS)} to {max(SEEDS)}",
            "steps of each seed": f"{STEPS:,}",
            "fresh episodes of a seed": EPISODES,
            "torch": importlib.metadata.version("torch"),
            "seconds are": "of one core, without final episodes",
        },
        rows=[*rows, {"critic": "none: the scripted expert", "returns": expert}],
        tables={
            "What the critic adds to the return": _gains(rows, "returns", "+.2f"),
            "What it adds there less what it adds in calm air": _gains(rows, "returns", "+.2f", beyond="calm"),
            "What it adds to the share of episodes solved": _gains(rows, "successes", "+.1%"),
            "What it adds to the return on the way, in the world of training": _gains_on_the_way(rows),
            "Team returns": _returns(rows, expert),
            "Episodes solved": _table(rows, "successes", ".1%"),
            "The worlds": _worlds(),
        },
        draw=lambda figure: draw(figure, rows),
        seconds=sum(row["cpu_seconds"] for row in rows),
    )


def gains(rows: Sequence[Mapping[str, Any]], pair: tuple[str, str, str], told: Callable[..., Any]) -> np.ndarray:
    """Return by how much more one critic has than another of what is told of a row, seed by seed, shape (..., S)."""
    way, one, other = pair
    own = {row["critic"]: np.array(told(row)) for row in rows if row["trained"] == way}
    found: np.ndarray = own[one] - own[other]
    return found


def verdict(values: np.ndarray) -> str:
    """Return what an interval of differences says."""
    found = bootstrap_interval(values)
    return "helps" if found.low > 0 else "harms" if found.high < 0 else "undecided"


def _gains(rows: Sequence[Mapping[str, Any]], what: str, form: str, *, beyond: str | None = None) -> list[list[str]]:
    worlds = [name for name in WORLDS if name != beyond]
    body = []
    for pair in _known(rows):
        found = {name: gains(rows, pair, lambda row, name=name: row[what][name]) for name in WORLDS}
        told: list[Any] = [found[name] - (found[beyond] if beyond else 0.0) for name in worlds]
        body.append([*_named(pair), *(f"{interval(each, form)}, {verdict(each)}" for each in told)])
    return [["trained in", "critics", *(f"judged in {name}" for name in worlds)], *body]


def _gains_on_the_way(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the differences at each look but the first, and of the mean over these looks."""
    steps = rows[0]["watched_at"][1:]
    body = []
    for pair in _known(rows):
        found = gains(rows, pair, lambda row: row["watched"])[1:]
        whole: Any = found.mean(0)
        body.append(
            [*_named(pair), *(interval(each, "+.1f") for each in found), f"{interval(whole, '+.1f')}, {verdict(whole)}"]
        )
    return [["trained in", "critics", *(f"{at / 1000:.0f} thousand steps" for at in steps), "mean of these"], *body]


def _known(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return the comparisons whose both sides are trained."""
    known = {(row["trained"], row["critic"]) for row in rows}
    return [(way, one, other) for way, one, other in PAIRS if {(way, one), (way, other)} <= known]


def _named(pair: tuple[str, str, str]) -> list[str]:
    way, one, other = pair
    return [way, f"{one} less {other}"]


def _returns(rows: Sequence[Mapping[str, Any]], expert: Mapping[str, Sequence[float]]) -> list[list[str]]:
    told = [interval(expert[name], ".2f") for name in WORLDS]
    return [*_table(rows, "returns", ".2f"), ["", "the scripted expert, who sees the true state", *told, ""]]


def _table(rows: Sequence[Mapping[str, Any]], what: str, form: str) -> list[list[str]]:
    body = [
        [
            row["trained"],
            row["critic"],
            *(interval(row[what][name], form) for name in WORLDS),
            f"{row['cpu_seconds']:.0f}",
        ]
        for row in rows
    ]
    return [["trained in", "critic", *WORLDS, "CPU-s of all seeds"], *body]


def _worlds() -> list[list[str]]:
    usual = dataclasses.asdict(Disturbances())
    body = []
    for name, world in WORLDS.items():
        own = {key.replace("_", " "): value for key, value in dataclasses.asdict(world).items() if value != usual[key]}
        body.append([name, ", ".join(f"{key} {value:g}" for key, value in own.items()) or "nothing"])
    return [["world", "disturbances"], *body]


def draw(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw team returns by world, a panel for each way of training."""
    figure.set_size_inches(13.0, 4.4)
    ways = dict.fromkeys(row["trained"] for row in rows)
    axes = np.atleast_1d(figure.subplots(1, len(ways), sharey=True))
    places = np.arange(len(WORLDS))
    for ax, way in zip(axes, ways):
        own = [row for row in rows if row["trained"] == way and row["critic"] in SHOWN]
        for row in own:
            number = SHOWN.index(row["critic"])
            beside = places + 0.22 * (number - 1)
            found = [bootstrap_interval(row["returns"][name]) for name in WORLDS]
            middle, low, high = (np.array([float(getattr(x, part)) for x in found]) for part in _PARTS)
            for place, name in zip(beside, WORLDS):
                seeds = row["returns"][name]
                ax.plot([place + 0.07] * len(seeds), seeds, "_", color=COLOURS[number], alpha=0.5, markersize=4)
            ax.errorbar(
                beside,
                middle,
                yerr=(middle - low, high - middle),
                fmt="osD"[number],
                color=COLOURS[number],
                capsize=3,
                markersize=5,
                label=row["critic"],
            )
        ax.set_xticks(places, list(WORLDS))
        ax.set_title(f"trained in: {way}", fontsize=10)
        ax.grid(alpha=0.25, linewidth=0.6)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("return of the team")
    handles = {label: line for ax in axes for line, label in zip(*ax.get_legend_handles_labels())}
    axes[-1].legend(handles.values(), handles, frameon=False, loc="lower left")


_PARTS = ("estimate", "low", "high")
