"""A run as training gives it and as it is read back: its record, its curve, and its networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from marlgt.deep.algorithms.algorithm import Algorithm
from marlgt.deep.algorithms.naming import algorithm_named
from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.devices import require_device
from marlgt.deep.runs.checkpoints import read_checkpoint, require_same
from marlgt.deep.runs.curves import Curve
from marlgt.deep.runs.records import RunRecord, read_curve, read_run
from marlgt.deep.runs.settings_json import settings_from_json
from marlgt.errors import GameError, UnreadableFile
from marlgt.whole_files import shown_path

__all__ = ["POLICY", "Run", "algorithm_of", "load_run"]

POLICY = "policy.safetensors"
"""The networks, in the folder of a run."""

MOST_NUMBERS = 10**6
"""Largest size of a task that a file may tell of."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a training gave.

    Attributes
    ----------
    record : RunRecord
        How it was made and how far it came.
    curve : Curve
        What the greedy policies earned as they learnt.
    algorithm : Algorithm
    spec : Spec
        The sizes of the task.
    module : nn.Module
        The networks of all seeds; of a seed that reached the threshold, those that did.
    task : str or callable
        What :func:`~marlgt.deep.environments.make_environment` makes the task from.
    folder : Path or None
    """

    record: RunRecord
    curve: Curve
    algorithm: Algorithm
    spec: Spec
    module: torch.nn.Module
    task: Any
    folder: Path | None

    def policy(self) -> Any:
        """Return what all seeds play when they are judged; see :class:`marlgt.deep.evaluation.Policy`."""
        return self.algorithm.policy(self.module, self.spec)


def load_run(folder: str | Path, *, device: str = "cpu") -> Run:
    """Return the run in a folder, finished or not, with the networks it had when they were last saved.

    Raises
    ------
    UnreadableFile
        If the folder holds no run, or a file of it is damaged, or the networks are of another architecture.
    """
    chosen = require_device(device)
    record = read_run(folder)
    algorithm = algorithm_of(record)
    curve = read_curve(folder)
    if curve.seeds != record.seeds:
        raise UnreadableFile(
            f"curve.json and run.json in {shown_path(folder)} are of different seeds, {curve.seeds} "
            f"and {record.seeds}: take both from the same run"
        )
    path = Path(folder) / POLICY
    tensors, facts = read_checkpoint(path)
    try:
        spec = _spec(facts)
        # Without memory, until it is known that what was saved is of these sizes.
        with torch.device("meta"):
            expected = dict(algorithm.network(spec, len(record.seeds)).named_parameters())
        require_same(expected, tensors)
    except (GameError, TypeError, ValueError, KeyError, RuntimeError) as error:
        raise UnreadableFile(f"{shown_path(path)} does not fit the settings in run.json: {error}") from error
    module = algorithm.network(spec, len(record.seeds))
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(tensors[name])
    return Run(record, curve, algorithm, spec, module.to(chosen), record.task, Path(folder))


def algorithm_of(record: RunRecord) -> Algorithm:
    """Return the algorithm of a record, with its settings.

    Raises
    ------
    UnreadableFile
        If there is no such algorithm, or it refuses the settings.
    """
    try:
        return settings_from_json(algorithm_named(record.algorithm), record.settings)
    except GameError as error:
        raise UnreadableFile(f"run.json tells of no algorithm of this marlgt: {error}") from error


def _spec(facts: Any) -> Spec:
    told = facts.get("spec")
    kinds: dict[str, type] = dict.fromkeys(Spec._fields, int)
    kinds |= dict.fromkeys(("common_reward", "masked"), bool) | {"action_choices": list}
    if isinstance(told, dict):
        # Runs of value learners are older than actions that are numbers.
        told = {"action_size": 0, "action_choices": []} | told
    if not isinstance(told, dict) or {name: type(value) for name, value in told.items()} != kinds:
        raise GameError("its facts do not hold the sizes of the task")
    choices = told.pop("action_choices")
    if not all(type(size) is int for size in choices):
        raise GameError("its facts do not hold the sizes of the task")
    # A hostile file may ask for networks of any size, or for as many agents.
    sizes = (*told.values(), *choices, len(choices), sum(choices))
    if not all(0 <= value <= MOST_NUMBERS for value in sizes):
        raise GameError("the sizes of the task in its facts are those of no task")
    return Spec(**told, action_choices=tuple(choices))
