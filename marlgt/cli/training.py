"""``marlgt train``: what is asked for in words becomes a run, and the run a table, a document or a picture."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marlgt.cli.algorithm_settings import shown_value
from marlgt.cli.learning import read_seeds
from marlgt.deep.algorithms.naming import algorithm_named
from marlgt.deep.interrupts import threads_set
from marlgt.deep.recipes.naming import Recipe, recipe
from marlgt.deep.runs.curves import Curve
from marlgt.deep.runs.records import RunRecord, read_curve, read_run
from marlgt.deep.runs.settings_json import parse_setting
from marlgt.deep.training import begin_training, resume
from marlgt.errors import GameError, UnreadableFile
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole
from marlgt.statistics import bootstrap_interval

__all__ = ["Outcome", "Wish", "outcome_of", "outcomes_as_json", "print_outcome", "read_steps", "trained", "went_on"]

_STEPS = re.compile(r"(?P<number>[0-9][0-9_]*(?:\.[0-9]+)?(?:e[0-9]{1,2})?)(?P<unit>[kM]?)")
_UNITS = {"": 1, "k": 1_000, "M": 1_000_000}


def read_steps(text: str, name: str = "steps") -> int:
    """Return a number of steps written as ``500000``, ``500k``, ``2.5M`` or ``1e6``.

    Raises
    ------
    GameError
        For text of another form, and for less than one step.

    Examples
    --------
    >>> read_steps("500k"), read_steps("2.5M"), read_steps("1_000")
    (500000, 2500000, 1000)
    """
    found = _STEPS.fullmatch(text.strip())
    steps = 0.0 if found is None else float(found["number"].replace("_", "")) * _UNITS[found["unit"]]
    if steps < 1 or steps > 1e15 or steps % 1:
        raise GameError(f"{name} is {short(text)}: give a whole number from 1, such as 500000, 500k or 2.5M")
    return int(steps)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the command line asks of a training; None leaves it to the recipe of the task, or to the training itself."""

    algorithm: str
    task: str
    steps: str | None
    seeds: str
    settings: Sequence[str]
    defaults: bool
    folder: Path | None
    evaluate_every: str | None
    checkpoint_every: str | None
    episodes: int | None
    return_threshold: float | None
    success_threshold: float | None
    device: str
    threads: int
    tensorboard: bool


def trained(wish: Wish, *, announce: bool) -> Path:
    """Train as it is wished, and return the folder of the run, which may have been stopped with Ctrl-C.

    Raises
    ------
    GameError
        For names, settings and options that do not fit, and for a training that cannot go on.
    """
    found = Recipe(steps=200_000) if wish.defaults else recipe(wish.task)
    kind = algorithm_named(wish.algorithm)
    changes = dict(parse_setting(kind, text) for text in wish.settings)
    made = found.algorithm(wish.algorithm, **changes)
    steps = found.steps_of(made.name) if wish.steps is None else read_steps(wish.steps)
    seeds = read_seeds(wish.seeds)
    options: dict[str, Any] = {
        "evaluate_every": None if wish.evaluate_every is None else read_steps(wish.evaluate_every, "evaluate-every"),
        "checkpoint_every": None
        if wish.checkpoint_every is None
        else read_steps(wish.checkpoint_every, "checkpoint-every"),
        "episodes": found.episodes if wish.episodes is None else wish.episodes,
        "return_threshold": found.return_threshold if wish.return_threshold is None else wish.return_threshold,
        "success_threshold": found.success_threshold if wish.success_threshold is None else wish.success_threshold,
    }
    folder = _free_folder(made.name, wish.task) if wish.folder is None else wish.folder
    threads = wish.threads
    require_whole(threads, "threads", least=1)
    with threads_set(threads):
        training = begin_training(
            made,
            wish.task,
            steps=steps,
            seeds=seeds,
            folder=folder,
            device=wish.device,
            threads=threads,
            tensorboard=wish.tensorboard,
            **options,
        )
        if announce:
            print(_announced(made, wish, steps, len(seeds), options, folder), flush=True)
        _kept(training.run, folder)
    return folder


def went_on(folder: Path, *, tensorboard: bool) -> None:
    """Go on with the run in a folder.

    Raises
    ------
    GameError
        If there is none that could go on.
    """
    _kept(lambda: resume(folder, tensorboard=tensorboard), folder)


def _kept(work: Any, folder: Path) -> None:
    """Do the work; tell of a run that was stopped or failed how to go on."""
    before = _written(folder)
    try:
        work()
    except KeyboardInterrupt:
        if _written(folder) is None:
            raise
        print(f"marlgt: interrupted; go on with: marlgt train --resume {folder}", file=sys.stderr)
    except GameError as error:
        if _written(folder) not in (None, before):
            error.add_note(f"(the run is kept: go on with marlgt train --resume {folder})")
        raise


def _written(folder: Path) -> int | None:
    """Return when the record of a run was last written, in nanoseconds, or None if there is none."""
    try:
        return (folder / "run.json").stat().st_mtime_ns
    except OSError:
        return None


def _free_folder(algorithm: str, task: str) -> Path:
    name = re.sub(r"[^\w.=+]+", "-", f"{algorithm}-{task}")[:100].strip("-")
    numbers = iter(range(2, 10**9))
    folder = Path("runs") / name
    while folder.exists():
        folder = Path("runs") / f"{name}-{next(numbers)}"
    return folder


def _announced(made: Any, wish: Wish, steps: int, n_seeds: int, options: dict[str, Any], folder: Path) -> str:
    usual = type(made)()
    changed = {
        name: getattr(made, name) for name in made.__dataclass_fields__ if getattr(made, name) != getattr(usual, name)
    }
    settings = " ".join(f"{name}={shown_value(value)}" for name, value in changed.items()) or "the defaults"
    thresholds = [
        f"{name.replace('_threshold', '')} {options[name]:g}"
        for name in ("return_threshold", "success_threshold")
        if options[name] is not None
    ]
    until = f", or until {' and '.join(thresholds)}" if thresholds else ""
    seeds = "1 seed" if n_seeds == 1 else f"each of {n_seeds} seeds"
    return f"{made.name} on {wish.task}, {steps:,} steps of {seeds}{until}, into {folder}\nsettings: {settings}"


@dataclass(frozen=True)
class Outcome:
    """What a run came to: its record, its curve, and of S seeds what is told of each.

    Attributes
    ----------
    folder : Path
    record : RunRecord
    curve : Curve
    final, best, success : ndarray, shape (S,)
        Mean return of the last evaluation of each seed, of its best one, and the share of successes of the last one,
        nan where the task knows no success.
    solved_at : ndarray, shape (S,)
        Environment steps of the first evaluation that reached the thresholds; nan where none did, or there are none.
    exploration : float
        At the end: the share of random actions, or the mean entropy of policies, nats; nan if nothing was learnt yet.
    """

    folder: Path
    record: RunRecord
    curve: Curve
    final: np.ndarray
    best: np.ndarray
    success: np.ndarray
    solved_at: np.ndarray
    exploration: float


def outcome_of(folder: Path) -> Outcome:
    """Return what the run in a folder came to.

    Raises
    ------
    UnreadableFile
        If the folder holds no run, or one without an evaluation.
    """
    record, curve = read_run(folder), read_curve(folder)
    if not len(curve):
        raise UnreadableFile(f"the run in {folder} was not evaluated yet: let it reach its first evaluation")
    returns, rates = curve.mean_return, curve.success_rates
    # A seed that has solved its task is evaluated no more.
    played = np.isfinite(returns)
    last = np.where(played.any(0), len(curve) - 1 - played[::-1].argmax(0), 0)
    seeds = np.arange(len(curve.seeds))
    reached = played.copy()
    given = False
    for name, values in (("return_threshold", returns), ("success_threshold", rates)):
        threshold = record.options.get(name)
        if threshold is not None:
            given = True
            with np.errstate(invalid="ignore"):
                reached &= values >= threshold
    solved = np.where(reached.any(0) & given, curve.steps[reached.argmax(0)].astype(float), np.nan)
    best = np.where(played, returns, -np.inf).max(0)
    return Outcome(
        folder, record, curve, returns[last, seeds], best, rates[last, seeds], solved, float(curve.exploration[-1])
    )


def outcomes_as_json(outcome: Outcome) -> str:
    """Return an outcome as a JSON document; its form is stable: fields are added, never renamed."""
    record = outcome.record
    whole = bootstrap_interval(outcome.final)
    document = {
        "format": "marlgt.train",
        "version": 1,
        "algorithm": record.algorithm,
        "task": record.task,
        "settings": dict(record.settings),
        "options": dict(record.options),
        "folder": str(outcome.folder),
        "status": record.status,
        "reason": record.reason,
        "steps": record.steps,
        "steps_done": record.steps_done,
        "seeds": [
            {
                "seed": seed,
                "final_return": _number(outcome.final[k]),
                "best_return": _number(outcome.best[k]),
                "success_rate": _number(outcome.success[k]),
                "solved_at": _number(outcome.solved_at[k]),
            }
            for k, seed in enumerate(record.seeds)
        ],
        "interquartile_mean": {
            "estimate": float(whole.estimate),
            "low": float(whole.low),
            "high": float(whole.high),
        },
        "exploration": _number(outcome.exploration),
        "explores_by": "entropy" if _learns_policies(record) else "random actions",
        "cpu_seconds": record.cpu_seconds,
        "wall_seconds": record.wall_seconds,
    }
    return json.dumps(document)


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def print_outcome(outcome: Outcome) -> None:
    """Print what each seed came to, and their interquartile mean with its interval."""
    from rich.console import Console
    from rich.table import Table

    record = outcome.record
    table = Table(title=f"{record.algorithm} on {record.task}", title_justify="left")
    judged, thresholds = bool(np.isfinite(outcome.success).any()), _thresholds(record)
    table.add_column("seed", justify="right")
    table.add_column("return", justify="right")
    table.add_column("best", justify="right")
    if judged:
        table.add_column("solved", justify="right")
    if thresholds:
        table.add_column("reached at step", justify="right")
    for k, seed in enumerate(record.seeds):
        cells = [str(seed), f"{outcome.final[k]:.4g}", f"{outcome.best[k]:.4g}"]
        if judged:
            cells.append(f"{outcome.success[k]:.0%}")
        if thresholds:
            cells.append(f"{outcome.solved_at[k]:,.0f}" if np.isfinite(outcome.solved_at[k]) else "-")
        table.add_row(*cells)
    whole = bootstrap_interval(outcome.final)
    episodes = outcome.curve.returns.shape[2]
    how = ("", " of likeliest actions") if _learns_policies(record) else ("greedy ", "")
    played = f"{how[0]}episode{'s' * (episodes != 1)}{how[1]}"
    means = f"means of {episodes} {played}" if episodes != 1 else f"those of one {played}"
    lines = [f"Returns are {means} at the end, and at the best evaluation."]
    if len(record.seeds) > 1:
        lines[:0] = [
            f"Interquartile mean of the returns {float(whole.estimate):.4g} "
            f"[{float(whole.low):.4g}, {float(whole.high):.4g}], 95% bootstrap interval over seeds."
        ]
    if thresholds:
        lines.append(f"Reached: {thresholds}, by {int(np.isfinite(outcome.solved_at).sum())} of {len(record.seeds)}.")
    if _learns_policies(record) and math.isfinite(outcome.exploration):
        lines.append(f"The mean entropy of the policies was {outcome.exploration:.3g} nats at the end.")
    rate = record.steps_done * len(record.seeds) / max(record.wall_seconds, 1e-9)
    state = "" if record.status == "finished" else f" ({record.status})"
    lines.append(
        f"{record.steps_done:,} of {record.steps:,} steps{state}, {record.cpu_seconds:.3g} CPU-seconds, {rate:,.0f} "
        f"steps a second, all seeds together. The run lies in {outcome.folder}: marlgt evaluate {outcome.folder}"
    )
    console = Console(soft_wrap=False)
    with console.capture() as captured:
        console.print(table, markup=False)
        for line in lines:
            console.print(line, markup=False, highlight=False)
    print(captured.get(), end="")


def _learns_policies(record: RunRecord) -> bool:
    return algorithm_named(record.algorithm).on_policy


def _thresholds(record: RunRecord) -> str:
    parts = [
        (record.options.get("return_threshold"), "a return of {:g}"),
        (record.options.get("success_threshold"), "successes of {:.0%}"),
    ]
    return " and ".join(text.format(value) for value, text in parts if value is not None)
