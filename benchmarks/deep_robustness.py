"""Does a critic that tells the law of returns help where the world is rough? Two drones that hover, disturbed.

Independent PPO and the same with mixture critics (GMACIPPO) are trained by one recipe, in calm air and in rough, and
every final policy is judged in calm air, in wind, with a weak rotor, with noise on what it senses, and with all of it,
on the same fresh episodes of each seed. Actions are wanted velocities. What the mixture adds is the difference of the
two algorithms' returns, seed by seed, as an interquartile mean with a 95 % bootstrap interval: it helps where that
interval lies above 0.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.deep_study import CACHE, COLOURS
from benchmarks.studies import record_study
from marlgt.games.drones import Disturbances, make_task
from marlgt.statistics import bootstrap_interval

NAME = "deep_robustness"
TASK = "multihover"
SEEDS = range(5)
EPISODES = 500
ALGORITHMS = ("IPPO", "GMACIPPO")

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
TRAINED = ("calm", "all of it")

FINDINGS = ""


def task_in(world: str) -> Any:
    """Return the task in a world."""
    return make_task(TASK, n_drones=2, actions="velocity", disturbances=WORLDS[world])


def trained(algorithm: str, world: str) -> dict[str, Any]:
    """Return what the final policies of an algorithm that was trained in a world earn in all of them, or train it.

    Returns
    -------
    dict
        ``returns`` and ``successes``: for each world those of each seed; ``cpu_seconds`` of training all seeds.
    """
    from marlgt.deep import evaluate, recipe, train
    from marlgt.deep.runs.settings_json import settings_to_json

    book = recipe(TASK)
    settings, steps = book.algorithm(algorithm), book.steps_of(algorithm)
    asked = [algorithm, dict(settings_to_json(settings)), steps, [*SEEDS], EPISODES]
    asked += [world, {name: dataclasses.asdict(each) for name, each in WORLDS.items()}]
    path = CACHE / NAME / f"{hashlib.sha1(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]}.json"
    if not path.exists():
        run = train(settings, task_in(world), steps=steps, seeds=SEEDS, evaluate_every=steps, episodes=64)
        played = {name: evaluate(run, task=task_in(name), episodes=EPISODES) for name in WORLDS}
        found = {
            "steps": steps,
            "returns": {name: each.team_returns.mean(1).tolist() for name, each in played.items()},
            "successes": {name: each.successes.mean(1).tolist() for name, each in played.items()},
            "cpu_seconds": run.record.cpu_seconds,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))
    row: dict[str, Any] = json.loads(path.read_text())
    shown = ", ".join(f"{name} {_interval(values, '.2f')}" for name, values in row["returns"].items())
    print(f"  {algorithm} trained in {world}: {shown}; {row['cpu_seconds']:.0f} s", flush=True)
    return {"algorithm": algorithm, "trained_in": world, **row}


def study(folder: Path) -> None:
    """Train what is not trained yet, and write ``deep_robustness``."""
    rows = [trained(algorithm, world) for world in TRAINED for algorithm in ALGORITHMS]
    record_study(
        folder,
        NAME,
        title="Mixture critics in rough air",
        text=f"{__doc__}\n{FINDINGS}",
        settings={
            "seeds": f"{min(SEEDS)} to {max(SEEDS)}",
            "steps": f"{rows[0]['steps']:,}",
            "fresh episodes of a seed": EPISODES,
            "torch": importlib.metadata.version("torch"),
            "seconds are": "of one core",
        },
        rows=rows,
        tables={
            "Team returns": _table(rows, "returns", ".2f"),
            "Episodes solved": _table(rows, "successes", ".1%"),
            "What the mixture adds to the return": _gains(rows),
        },
        draw=lambda figure: draw(figure, rows),
        seconds=sum(row["cpu_seconds"] for row in rows),
    )


def gains(rows: Sequence[Mapping[str, Any]], world: str, judged: str) -> np.ndarray:
    """Return by how much the mixture's return is larger, seed by seed, shape (S,)."""
    own = {row["algorithm"]: np.array(row["returns"][judged]) for row in rows if row["trained_in"] == world}
    plain, mixture = (own[name] for name in ALGORITHMS)
    found: np.ndarray = mixture - plain
    return found


def _gains(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    body = []
    for world in TRAINED:
        cells = []
        for judged in WORLDS:
            found = bootstrap_interval(gains(rows, world, judged))
            verdict = "helps" if found.low > 0 else "harms" if found.high < 0 else "undecided"
            cells.append(f"{_interval(gains(rows, world, judged), '+.2f')}, {verdict}")
        body.append([world, *cells])
    return [["trained in", *(f"judged in {name}" for name in WORLDS)], *body]


def _table(rows: Sequence[Mapping[str, Any]], what: str, form: str) -> list[list[str]]:
    body = [
        [
            row["algorithm"],
            row["trained_in"],
            *(_interval(row[what][name], form) for name in WORLDS),
            f"{row['cpu_seconds']:.0f}",
        ]
        for row in rows
    ]
    return [["algorithm", "trained in", *WORLDS, "CPU-s of all seeds"], *body]


def _interval(values: Sequence[float] | np.ndarray, form: str) -> str:
    found = bootstrap_interval(values)
    return f"{float(found.estimate):{form}} [{float(found.low):{form}}, {float(found.high):{form}}]"


def draw(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw team returns by world, a panel for each world of training."""
    figure.set_size_inches(11.0, 4.2)
    axes = figure.subplots(1, len(TRAINED), sharey=True)
    places = np.arange(len(WORLDS))
    for ax, world in zip(axes, TRAINED):
        for number, row in enumerate(row for row in rows if row["trained_in"] == world):
            found = [bootstrap_interval(row["returns"][name]) for name in WORLDS]
            middle, low, high = (np.array([float(getattr(x, part)) for x in found]) for part in _PARTS)
            ax.errorbar(
                places + 0.12 * (2 * number - 1),
                middle,
                yerr=(middle - low, high - middle),
                fmt="o",
                color=COLOURS[number],
                capsize=3,
                label=row["algorithm"],
            )
        ax.set_xticks(places, list(WORLDS))
        ax.set_title(f"trained in {world}" if world == "calm" else f"trained with {world}", fontsize=10)
        ax.grid(alpha=0.25, linewidth=0.6)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("return of the team")
    axes[0].legend(frameon=False)


_PARTS = ("estimate", "low", "high")
