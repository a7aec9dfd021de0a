"""Training and going on with it: the doors through which a run begins.

A run with a folder leaves ``run.json`` and ``curve.json`` there (:mod:`marlgt.deep.runs.records`),
``policy.safetensors`` with the networks, and until it is finished ``checkpoint.safetensors`` with everything it needs
to go on. A run that is killed at any moment and resumed gives bit for bit what it gives undisturbed, on the same kind
of machine. Environments that cannot be saved in the middle of an episode begin anew at each checkpoint, whether or not
the run is stopped there, and what they are in the middle of counts as truncated.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from marlgt.deep.algorithms.algorithm import Algorithm
from marlgt.deep.interrupts import threads_set
from marlgt.deep.runs.records import RunRecord, read_run
from marlgt.deep.runs.run import Run, algorithm_of, load_run
from marlgt.deep.runs.settings_json import settings_from_json
from marlgt.deep.trainer import CHECKPOINT, Plan, Trainer
from marlgt.errors import GameError, UnreadableFile
from marlgt.games._arrays import short
from marlgt.games._doors import is_number, require_flag, require_path, require_seed, require_whole

__all__ = ["begin_training", "resume", "train"]


def train(
    algorithm: Algorithm,
    task: str | Callable[[], Any] | Any,
    *,
    steps: int,
    seeds: Sequence[int] = (0,),
    folder: str | Path | None = None,
    evaluate_every: int | None = None,
    episodes: int = 100,
    checkpoint_every: int | None = None,
    return_threshold: float | None = None,
    success_threshold: float | None = None,
    device: str = "cpu",
    threads: int = 1,
    tensorboard: bool = False,
) -> Run:
    """Train an algorithm on a task, all seeds in the same tensor operations.

    Parameters
    ----------
    algorithm : Algorithm
        Such as ``QMIX(lr=3e-4)``.
    task : str, game, or callable
        As :func:`~marlgt.deep.environments.make_environment` takes it. A run with a folder needs a string, unless it
        is never resumed.
    steps : int
        Environment steps of each seed, all its copies together.
    seeds : sequence of int
        Each gives what it gives alone.
    folder : path, optional
        Where the run is kept; it is made, and must not hold a run already.
    evaluate_every : int, optional
        Environment steps between evaluations; by default a twentieth of `steps`.
    episodes : int
        Of an evaluation, greedy, on copies of their own.
    checkpoint_every : int, optional
        Environment steps between checkpoints; by default a tenth of `steps`.
    return_threshold, success_threshold : float, optional
        Mean return and share of successes of an evaluation at which a seed stops; both if both are given.
    device : str
        For example ``"cpu"`` or ``"cuda"``.
    threads : int
        Threads of PyTorch; one is fastest for small networks.
    tensorboard : bool
        Whether curves are also written for TensorBoard, into the folder.

    Returns
    -------
    Run

    Raises
    ------
    GameError
        For settings, tasks and folders that do not fit.
    NotFinite
        If learning meets a number that is not finite; the last checkpoint is kept.

    Examples
    --------
    >>> from marlgt.deep import VDN, train
    >>> run = train(VDN(learning_starts=64, epsilon_steps=500), "climbing", steps=1_000, episodes=1)
    >>> run.curve.final.shape
    (1,)
    """
    require_whole(threads, "threads", least=1)
    with threads_set(int(threads)):
        return begin_training(
            algorithm,
            task,
            steps=steps,
            seeds=seeds,
            folder=folder,
            evaluate_every=evaluate_every,
            episodes=episodes,
            checkpoint_every=checkpoint_every,
            return_threshold=return_threshold,
            success_threshold=success_threshold,
            device=device,
            threads=threads,
            tensorboard=tensorboard,
        ).run()


def begin_training(
    algorithm: Algorithm,
    task: str | Callable[[], Any] | Any,
    *,
    steps: int,
    seeds: Sequence[int] = (0,),
    folder: str | Path | None = None,
    evaluate_every: int | None = None,
    episodes: int = 100,
    checkpoint_every: int | None = None,
    return_threshold: float | None = None,
    success_threshold: float | None = None,
    device: str = "cpu",
    threads: int = 1,
    tensorboard: bool = False,
) -> Trainer:
    """Return a training whose ``run()`` is what :func:`train` does; all that it is given has been checked.

    PyTorch's threads are those that it has, not `threads`, which is only kept with the run.

    Parameters
    ----------
    algorithm, task, steps, seeds, folder, evaluate_every, episodes, checkpoint_every, return_threshold,
    success_threshold, device, threads, tensorboard
        See :func:`train`.
    """
    if not isinstance(algorithm, Algorithm):
        raise GameError(f"algorithm must be one such as QMIX(lr=3e-4), got {algorithm!r}")
    require_whole(steps, "steps", least=1)
    require_whole(episodes, "episodes", least=1)
    require_whole(threads, "threads", least=1)
    require_flag(tensorboard, "tensorboard")
    chosen = _checked_seeds(seeds)
    plan = Plan(
        evaluate_every=_every(evaluate_every, steps, 20, "evaluate_every"),
        episodes=int(episodes),
        checkpoint_every=_every(checkpoint_every, steps, 10, "checkpoint_every"),
        return_threshold=_threshold(return_threshold, "return_threshold"),
        success_threshold=_threshold(success_threshold, "success_threshold"),
        threads=int(threads),
    )
    if folder is not None:
        _require_free(folder)
    if tensorboard and folder is None:
        raise GameError("tensorboard writes into the folder of the run: give a folder")
    return Trainer(algorithm, task, int(steps), chosen, plan, folder, device, tensorboard)


def resume(folder: str | Path, *, task: Any = None, tensorboard: bool = False) -> Run:
    """Go on with a run that was stopped, killed or failed, from its last checkpoint; a finished run is only read.

    Parameters
    ----------
    folder : path
    task : callable or game, optional
        What the run was trained on, where that was no string; it must be the same task.
    tensorboard : bool

    Returns
    -------
    Run

    Raises
    ------
    UnreadableFile
        If the folder holds no run, a file of it is damaged, or its checkpoint is of another architecture.
    """
    record = read_run(folder)
    if record.status == "finished":
        return load_run(folder)
    algorithm = algorithm_of(record)
    plan = _plan_of(record)
    chosen = record.task if task is None else task
    with threads_set(plan.threads):
        training = Trainer(
            algorithm, chosen, record.steps, record.seeds, plan, folder, record.device, tensorboard, record
        )
        if (Path(folder) / CHECKPOINT).exists():
            training.load()
        return training.run()


def _every(given: int | None, steps: int, parts: int, name: str) -> int:
    if given is None:
        return max(1, steps // parts)
    require_whole(given, name, least=1)
    return int(given)


def _checked_seeds(seeds: Any) -> tuple[int, ...]:
    chosen = tuple(seeds) if isinstance(seeds, (Sequence, range)) and not isinstance(seeds, str) else ()
    if not chosen:
        raise GameError(f"seeds must be some seeds, such as range(5), got {seeds!r}")
    for seed in chosen:
        require_seed(seed)
    if len(set(chosen)) < len(chosen):
        raise GameError(f"each seed is trained once, got {chosen!r}")
    return tuple(int(seed) for seed in chosen)


def _threshold(given: Any, name: str) -> float | None:
    if given is None:
        return None
    if not is_number(given, largest=sys.float_info.max):
        raise GameError(f"{name} is {short(given)}: give a number, or None to train for all steps")
    return float(given)


def _require_free(folder: Any) -> None:
    require_path(folder, "folder")
    if Path(folder).exists() and not Path(folder).is_dir():
        raise GameError(f"the folder {str(folder)!r} is a file: give the path of a folder")
    if (Path(folder) / "run.json").exists():
        raise GameError(f"the folder {str(folder)!r} holds a run already: resume it, or give another folder")


def _plan_of(record: RunRecord) -> Plan:
    try:
        plan = settings_from_json(Plan, record.options)
        _checked_seeds(record.seeds)
        for name in ("evaluate_every", "episodes", "checkpoint_every", "threads"):
            require_whole(getattr(plan, name), name, least=1)
        require_whole(record.steps, "steps", least=1)
    except GameError as error:
        raise UnreadableFile(f"run.json tells of no training that could go on: {error}") from error
    return plan
