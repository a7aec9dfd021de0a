"""A run as training gives it and as it is read back: its record, its curve, and its networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from marlgt.deep.algorithms.naming import algorithm_named
from marlgt.deep.algorithms.value_algorithm import Spec, ValueAlgorithm
from marlgt.deep.runs.checkpoints import read_checkpoint, require_same
from marlgt.deep.runs.curves import Curve
from marlgt.deep.runs.records import RunRecord, read_curve, read_run
from marlgt.deep.runs.settings_json import settings_from_json
from marlgt.deep.value_learner import GreedyPolicy

__all__ = ["POLICY", "Run", "load_run"]

POLICY = "policy.safetensors"
"""The networks, in the folder of a run."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a training gave.

    Attributes
    ----------
    record : RunRecord
        How it was made and how far it came.
    curve : Curve
        What the greedy policies earned as they learnt.
    algorithm : ValueAlgorithm
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
    algorithm: ValueAlgorithm
    spec: Spec
    module: torch.nn.Module
    task: Any
    folder: Path | None

    def policy(self) -> GreedyPolicy:
        """Return the greedy policies of all seeds."""
        return GreedyPolicy(self.algorithm, self.module)


def load_run(folder: str | Path, *, device: str = "cpu") -> Run:
    """Return the run in a folder, finished or not, with the networks it had when they were last saved.

    Raises
    ------
    UnreadableFile
        If the folder holds no run, or a file of it is damaged, or the networks are of another architecture.
    """
    record = read_run(folder)
    algorithm = settings_from_json(algorithm_named(record.algorithm), record.settings)
    tensors, facts = read_checkpoint(Path(folder) / POLICY)
    spec = Spec(**facts["spec"])
    module = algorithm.network(spec, len(record.seeds))
    require_same(dict(module.named_parameters()), tensors)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(tensors[name])
    return Run(record, read_curve(folder), algorithm, spec, module.to(device), record.task, Path(folder))
