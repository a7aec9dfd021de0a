"""``marlgt evaluate``: what a run earns beside random actions and the expert, and pictures of a flight."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marlgt.cli.flying import write_flight
from marlgt.deep.evaluation import Episodes, evaluate, evaluate_random
from marlgt.deep.flying import flight_policy, flown_task
from marlgt.deep.runs.run import Run, load_run
from marlgt.errors import GameError
from marlgt.games.drones.evaluation import Scores, evaluate_policy
from marlgt.statistics import Interval, bootstrap_interval

__all__ = ["Evaluated", "evaluated", "evaluation_as_json", "print_evaluation", "show_trained"]

EPISODES, BULLET_EPISODES = 1000, 20


@dataclass(frozen=True)
class Row:
    """What one policy earned.

    Attributes
    ----------
    mean_return, low, high : float
        Mean over episodes, and its 95% interval: 1.96 standard errors to both sides, nan for one episode.
    success_rate : float or None
        None where the task knows no success.
    mean_length : float
    """

    mean_return: float
    low: float
    high: float
    success_rate: float | None
    mean_length: float

    @classmethod
    def of(cls, returns: np.ndarray, lengths: np.ndarray, successes: np.ndarray | None) -> Row:
        """Return the row of E episodes."""
        mean = float(returns.mean())
        error = 1.96 * float(returns.std(ddof=1)) / math.sqrt(len(returns)) if len(returns) > 1 else math.nan
        rate = None if successes is None else float(successes.mean())
        return cls(mean, mean - error, mean + error, rate, float(lengths.mean()))


@dataclass(frozen=True)
class Evaluated:
    """What a run earns, and what others do on the same task.

    Attributes
    ----------
    run : Run
    task, backend : str
        ``backend`` is empty where the task has none.
    episodes : int
        Of each seed.
    stochastic : bool
    epsilon : float
    seeds : list of Row
    whole : Interval
        Interquartile mean over seeds of their mean returns.
    random : Row
    expert : Row or None
        None for all but drone tasks.
    """

    run: Run
    task: str
    backend: str
    episodes: int
    stochastic: bool
    epsilon: float
    seeds: list[Row]
    whole: Interval
    random: Row
    expert: Row | None


def evaluated(
    folder: Path,
    *,
    episodes: int | None,
    task: str | None,
    backend: str | None,
    stochastic: bool,
    epsilon: float,
    device: str,
    threads: int,
) -> Evaluated:
    """Play the policies of a run, random actions and, for drones, the expert."""
    run = load_run(folder, device=device)
    count = (BULLET_EPISODES if backend == "bullet" else EPISODES) if episodes is None else episodes
    options: dict[str, Any] = {"episodes": count, "task": task, "backend": backend, "threads": threads}
    played = evaluate(run, stochastic=stochastic, epsilon=epsilon, device=device, **options)
    by_chance = evaluate_random(run, device=device, **options)
    flown = flown_task(run, task)
    seeds = [_row(played, number) for number in range(len(run.record.seeds))]
    expert = None
    if flown is not None:
        expert = _expert(evaluate_policy(flown, "expert", episodes=count, backend=backend or "numba"), played)
    return Evaluated(
        run,
        run.record.task if task is None else task,
        "" if flown is None else backend or "numba",
        count,
        stochastic,
        epsilon,
        seeds,
        bootstrap_interval([row.mean_return for row in seeds]),
        _row(by_chance, 0),
        expert,
    )


def _row(played: Episodes, number: int) -> Row:
    successes = played.successes[number] if played.judged else None
    return Row.of(played.team_returns[number], played.lengths[number], successes)


def _expert(scores: Scores, played: Episodes) -> Row:
    returns = scores.returns[:, 0] if played.common_reward else scores.returns.sum(axis=1)
    return Row.of(returns, scores.lengths, scores.successes)


def show_trained(
    folder: Path,
    *,
    task: str | None,
    backend: str,
    seed: int | None,
    video: Path | None,
    camera: str,
    replay: Path | None,
    plots: Path | None,
) -> None:
    """Write what is asked for of one episode, flown by the policy of one seed.

    Raises
    ------
    GameError
        If the run was not trained on drones, or has no such seed.
    """
    run = load_run(folder)
    flown = flown_task(run, task)
    if flown is None:
        raise GameError(f"{run.record.task if task is None else task} is no drone task: there is no flight to show")
    write_flight(
        flown,
        flight_policy(run, seed),
        against=None,
        backend=backend,
        seed=0,
        video=video,
        camera=camera,
        replay=replay,
        plots=plots,
    )


def evaluation_as_json(found: Evaluated) -> str:
    """Return an evaluation as a JSON document; its form is stable: fields are added, never renamed."""
    record = found.run.record
    document = {
        "format": "marlgt.evaluate",
        "version": 1,
        "algorithm": record.algorithm,
        "task": found.task,
        "trained_on": record.task,
        "backend": found.backend or None,
        "episodes": found.episodes,
        "stochastic": found.stochastic,
        "epsilon": found.epsilon,
        "seeds": [{"seed": seed, **_plain(row)} for seed, row in zip(record.seeds, found.seeds, strict=True)],
        "interquartile_mean": {
            "estimate": float(found.whole.estimate),
            "low": float(found.whole.low),
            "high": float(found.whole.high),
        },
        "random": _plain(found.random),
        "expert": None if found.expert is None else _plain(found.expert),
    }
    return json.dumps(document)


def _plain(row: Row) -> dict[str, float | None]:
    known = row.low == row.low
    return {
        "mean_return": row.mean_return,
        "low": row.low if known else None,
        "high": row.high if known else None,
        "success_rate": row.success_rate,
        "mean_length": row.mean_length,
    }


def print_evaluation(found: Evaluated) -> None:
    """Print a table of what each seed earns, beside random actions and the expert."""
    from rich.console import Console
    from rich.table import Table

    record = found.run.record
    where = f", {found.backend}" if found.backend else ""
    table = Table(title=f"{record.algorithm} on {found.task}{where}", title_justify="left")
    judged = found.random.success_rate is not None
    table.add_column("policy")
    for column in ("return", "95% interval", *(("solved",) if judged else ()), "steps"):
        table.add_column(column, justify="right")
    rows = [(f"seed {seed}", row) for seed, row in zip(record.seeds, found.seeds, strict=True)]
    rows.append(("random", found.random))
    if found.expert is not None:
        rows.append(("expert", found.expert))
    for name, row in rows:
        interval = "-" if row.low != row.low else f"{row.low:.4g} to {row.high:.4g}"
        solved = [f"{row.success_rate:.0%}"] if row.success_rate is not None else []
        table.add_row(name, f"{row.mean_return:.4g}", interval, *solved, f"{row.mean_length:.4g}")
    how = "greedy"
    if found.run.algorithm.on_policy:
        how = "actions drawn from the policies" if found.stochastic else "the policies' likeliest actions"
    if found.epsilon > 0:
        how = f"{how} but for {found.epsilon:.0%} random ones"
    played = "1 episode" if found.episodes == 1 else f"{found.episodes:,} episodes"
    lines = [f"{played} of each, {how}, that training never met."]
    if len(found.seeds) > 1:
        lines.append(
            f"Interquartile mean over seeds {float(found.whole.estimate):.4g} "
            f"[{float(found.whole.low):.4g}, {float(found.whole.high):.4g}], 95% bootstrap interval."
        )
    console = Console(soft_wrap=False)
    with console.capture() as captured:
        console.print(table, markup=False)
        console.print(" ".join(lines), markup=False, highlight=False)
    print(captured.get(), end="")
