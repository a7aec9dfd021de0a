"""Cells of studies of deep learners: one algorithm on one task with all its seeds, trained once and judged.

The seeds of a cell are trained stacked in one process. What it reached is kept as JSON under ``build/deep_studies`` as
soon as it is there, so that a study that was stopped goes on with the cells that are missing; a cell whose settings
change is trained anew. Steps, settings and thresholds are the recipe's (:func:`marlgt.deep.recipe`) where the cell does
not say otherwise. The final policies are judged on fresh episodes that neither training nor its evaluations met.
CPU-seconds of a seed are those of the cell, evaluations included, over its seeds.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["CACHE", "Baseline", "Cell", "carried", "learnt", "policy_baseline", "random_baseline", "unusual_settings"]

CACHE = Path(__file__).parents[1] / "build" / "deep_studies"

_PLANNED = ("algorithm", "label", "task", "panel", "seeds", "steps", "evaluate_every", "episodes", "judged_on")
_PLANNED += ("return_threshold", "success_threshold", "return_goal", "success_goal", "checkpoint_every")


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What something that does not learn earns on a task.

    Attributes
    ----------
    task : str
        As the cells have it.
    name : str
        Such as "random" or "expert".
    returns : tuple of float
        Mean team return of each seed.
    successes : tuple of float or None
        Share of successes of each seed, where the task tells.
    """

    task: str
    name: str
    returns: tuple[float, ...]
    successes: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Cell:
    """One algorithm on one task.

    Attributes
    ----------
    algorithm, task : str
        As :func:`marlgt.deep.recipe` and its ``algorithm`` take them.
    seeds : range or tuple of int
    label, panel : str
        Name of the line and of the panel; by default the algorithm's and the task's.
    steps : int or None
        Environment steps of each seed.
    changes : mapping
        Settings that are not the recipe's.
    evaluations : int
        Points of the curve after the first.
    episodes : int
        Of an evaluation, which stops a seed at the threshold.
    return_threshold, success_threshold : float or None
        In place of the recipe's.
    return_goal, success_goal : float or None
        What a final policy must earn to count as solved; by default the thresholds.
    judged_on : int
        Fresh episodes on which final policies are judged.
    checkpoint_every : int or None
        Environment steps between checkpoints in the cache, from which a stopped cell goes on; None for none.
    stochastic : bool
        Whether final policies are judged as they are, by actions drawn from them, and not by their likeliest ones.
    """

    algorithm: str
    task: str
    seeds: Sequence[int] = range(5)
    label: str = field(default="", kw_only=True)
    panel: str = field(default="", kw_only=True)
    steps: int | None = field(default=None, kw_only=True)
    changes: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    evaluations: int = field(default=20, kw_only=True)
    episodes: int | None = field(default=None, kw_only=True)
    return_threshold: float | None = field(default=None, kw_only=True)
    success_threshold: float | None = field(default=None, kw_only=True)
    return_goal: float | None = field(default=None, kw_only=True)
    success_goal: float | None = field(default=None, kw_only=True)
    judged_on: int = field(default=100, kw_only=True)
    checkpoint_every: int | None = field(default=None, kw_only=True)
    stochastic: bool = field(default=False, kw_only=True)

    def plan(self) -> dict[str, Any]:
        """Return everything that decides what the cell reaches, as JSON has it."""
        from marlgt.deep import recipe
        from marlgt.deep.runs.settings_json import settings_to_json

        book = recipe(self.task)
        steps = book.steps_of(self.algorithm) if self.steps is None else self.steps
        threshold = book.return_threshold if self.return_threshold is None else self.return_threshold
        success = book.success_threshold if self.success_threshold is None else self.success_threshold
        return {
            "algorithm": self.algorithm,
            "label": self.label or self.algorithm,
            "task": self.task,
            "panel": self.panel or self.task,
            "seeds": [int(seed) for seed in self.seeds],
            "steps": steps,
            "settings": dict(settings_to_json(book.algorithm(self.algorithm, **self.changes))),
            "evaluate_every": max(1, steps // self.evaluations),
            "episodes": book.episodes if self.episodes is None else self.episodes,
            "return_threshold": threshold,
            "success_threshold": success,
            "return_goal": threshold if self.return_goal is None else self.return_goal,
            "success_goal": success if self.success_goal is None else self.success_goal,
            "judged_on": self.judged_on,
            "checkpoint_every": self.checkpoint_every,
            **({"stochastic": True} if self.stochastic else {}),
        }


def learnt(cell: Cell, study: str) -> dict[str, Any]:
    """Return what a cell reached: from the cache of a study, or else by training.

    Returns
    -------
    dict
        The plan of the cell, and for each seed ``final`` (mean return over the fresh episodes), ``final_success``,
        ``best`` (mean return of the best evaluation), ``solved_at`` (environment steps at which the thresholds were
        reached, or None), ``final_greedy`` (as ``final``, by the likeliest actions) and ``solved``; ``cpu_seconds`` of
        all seeds, ``steps_per_second`` of CPU, ``steps_done``, ``folder`` (of the run, in the folder of the study under
        the cache, if it has checkpoints), and ``curve`` with ``steps`` (P,), ``returns`` (P, S) and ``successes``
        (P, S), where a seed that has reached the thresholds keeps its value, and ``training`` (P, S), returns of the
        training episodes since the point before.
    """
    plan = cell.plan()
    text = json.dumps(plan, sort_keys=True)
    name = f"{plan['label']}_{plan['panel']}".replace("/", "-").replace(" ", "-")
    path = CACHE / study / f"{name}_{hashlib.sha1(text.encode()).hexdigest()[:10]}.json"
    for known in (path, *sorted(path.parent.glob(f"{name}_*.json"))):
        if known.exists():
            row: dict[str, Any] = json.loads(known.read_text())
            if _own(row) == _own(plan):
                return row
    row = plan | _trained(plan, path.with_suffix(""))
    row["folder"] = path.stem if plan["checkpoint_every"] else None
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_path = path.with_suffix(".new")
    partial_path.write_text(json.dumps(row))
    partial_path.replace(path)
    return row


def _own(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan without the settings that are defaults: settings that came later do not make it another."""
    known = {key: plan[key] for key in _PLANNED}
    return known | {"stochastic": plan.get("stochastic", False), "settings": unusual_settings(plan)}


def unusual_settings(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a cell that are not the algorithm's defaults."""
    from marlgt.deep.algorithms.naming import algorithm_named
    from marlgt.deep.runs.settings_json import settings_to_json

    usual = settings_to_json(algorithm_named(plan["algorithm"])())
    return {key: value for key, value in plan["settings"].items() if value != usual.get(key)}


def _trained(plan: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    from marlgt.deep import evaluate, resume, train
    from marlgt.deep.algorithms.naming import algorithm_named
    from marlgt.deep.runs.settings_json import settings_from_json

    if (folder / "run.json").exists():
        run = resume(folder)
    else:
        run = train(
            settings_from_json(algorithm_named(plan["algorithm"]), plan["settings"]),
            plan["task"],
            steps=plan["steps"],
            seeds=plan["seeds"],
            folder=folder if plan["checkpoint_every"] else None,
            evaluate_every=plan["evaluate_every"],
            episodes=plan["episodes"],
            checkpoint_every=plan["checkpoint_every"],
            return_threshold=plan["return_threshold"],
            success_threshold=plan["success_threshold"],
        )
    stochastic = plan.get("stochastic", False)
    played = evaluate(run, episodes=plan["judged_on"], stochastic=stochastic)
    greedy = evaluate(run, episodes=plan["judged_on"]) if stochastic else played
    final, rates = played.team_returns.mean(1), played.successes.mean(1)
    returns, successes = run.curve.mean_return, run.curve.success_rates
    judged = bool(np.isfinite(successes[0]).all())
    return {
        "final": final.tolist(),
        "final_greedy": greedy.team_returns.mean(1).tolist(),
        "final_success": rates.tolist() if judged else None,
        "best": np.nanmax(returns, axis=0).tolist(),
        "solved": _reached(plan["return_goal"], final, plan["success_goal"], rates).tolist(),
        "solved_at": _solved_at(plan, run.curve.steps, returns, successes),
        "cpu_seconds": run.record.cpu_seconds,
        "steps_done": run.record.steps_done,
        "steps_per_second": run.record.steps_done * len(final) / run.record.cpu_seconds,
        "curve": {
            "steps": run.curve.steps.tolist(),
            "returns": carried(returns),
            "successes": carried(successes) if judged else None,
            "training": [[None if np.isnan(x) else x for x in row] for row in run.curve.training_returns.tolist()],
        },
        "versions": dict(run.record.versions),
    }


def _reached(least_return: float | None, returns: Any, least_rate: float | None, rates: Any) -> np.ndarray:
    """Return where all goals that are given are reached; with no goal nowhere."""
    given = [(least, got) for least, got in ((least_return, returns), (least_rate, rates)) if least is not None]
    if not given:
        return np.zeros(np.shape(returns), dtype=bool)
    with np.errstate(invalid="ignore"):
        return np.logical_and.reduce([np.asarray(got) >= least for least, got in given])


def _solved_at(plan: Mapping[str, Any], steps: Any, returns: Any, successes: Any) -> list[int | None]:
    reached = _reached(plan["return_threshold"], returns, plan["success_threshold"], successes)
    return [int(steps[column.argmax()]) if column.any() else None for column in reached.T]


def carried(values: np.ndarray) -> list[list[float]]:
    """Return values, shape (P, S), in which a seed that has none at a point keeps what it had before."""
    kept = np.array(values, dtype=np.float64)
    for before, row in itertools.pairwise(kept):
        row[np.isnan(row)] = before[np.isnan(row)]
    rows: list[list[float]] = kept.tolist()
    return rows


def policy_baseline(
    task: str,
    name: str,
    policy: Callable[[Any, list[Any]], Any],
    *,
    seeds: Sequence[int],
    episodes: int = 100,
    continuous: bool = False,
) -> Baseline:
    """Return what a policy earns on the episodes on which final policies are judged.

    Parameters
    ----------
    task, name : str
    policy : callable
        Gives a :class:`marlgt.deep.evaluation.Policy` for an environment and a torch generator for each seed.
    seeds : sequence of int
    episodes : int
        Of each seed.
    continuous : bool
        Whether the task is the one that policies are trained on, whose actions may be numbers.
    """
    from marlgt.deep import make_environment
    from marlgt.deep.evaluation import FRESH_COPIES, play_episodes
    from marlgt.deep.exploration import seeded_generators
    from marlgt.deep.seeded_environments import SeededEnvs

    envs = SeededEnvs(lambda: make_environment(task, episodes, continuous=continuous), seeds, "cpu")
    try:
        env: Any = envs.envs[0]
        played = play_episodes(policy(env, seeded_generators(seeds, 10)), envs, first=FRESH_COPIES)
    finally:
        envs.close()
    rates = tuple(played.successes.mean(1).tolist()) if env.judged else None
    return Baseline(task=task, name=name, returns=tuple(played.team_returns.mean(1).tolist()), successes=rates)


def random_baseline(task: str, *, seeds: Sequence[int], episodes: int = 100, continuous: bool = False) -> Baseline:
    """Return what random allowed actions earn."""
    from marlgt.deep.evaluation import RandomPolicy

    return policy_baseline(
        task,
        "random",
        lambda env, draws: RandomPolicy(env.n_actions, draws, action_size=env.action_size),
        seeds=seeds,
        episodes=episodes,
        continuous=continuous,
    )
