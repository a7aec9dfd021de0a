"""What a run leaves in its folder: ``run.json`` tells how it was made, ``curve.json`` what came of it.

Both are whole at every moment, and hold no NaN: what is not a number is null. ``run.json`` is an object with
``schema`` ("marlgt.run"), ``version`` (1) and the attributes of :class:`RunRecord`; ``curve.json`` one with ``schema``
("marlgt.curve"), ``version`` (1), ``seeds`` and ``points``, a list of objects with the attributes of
:class:`~marlgt.deep.runs.curves.Evaluation`, arrays as nested lists.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

import marlgt
from marlgt.deep.runs.curves import Curve, Evaluation
from marlgt.deep.runs.plain_json import json_text
from marlgt.deep.runs.settings_json import settings_from_json, settings_to_json
from marlgt.errors import GameError, UnreadableFile
from marlgt.games._arrays import short
from marlgt.games._doors import require_path
from marlgt.whole_files import shown_path, write_whole

__all__ = ["RunRecord", "read_curve", "read_run", "write_curve", "write_run"]

_RUN, _CURVE, _VERSION = ("run.json", "marlgt.run"), ("curve.json", "marlgt.curve"), 1


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """How a run was made, and how far it came.

    Attributes
    ----------
    algorithm : str
        Name of the algorithm.
    settings : mapping
        Its settings as JSON; :func:`~marlgt.deep.runs.settings_json.settings_from_json` makes them settings again.
    task : str
    seeds : tuple of int
    steps : int
        Environment steps that each seed is to train for.
    options : mapping
        What else the training was told, such as how often it evaluates.
    versions : mapping of str to str
        Of python, torch, numpy and marlgt.
    threads : int
        Threads of PyTorch: sums over threads differ in their last bits.
    device, device_name : str
        Such as ``"cuda"``, and the name of the processor.
    commit : str or None
        Of the checkout that marlgt runs from, with ``-dirty`` if its files were changed; None if it is installed.
    started : str
        ISO 8601, UTC.
    finished : str or None
    wall_seconds, cpu_seconds : float
        Spent so far, over all sittings of a run that was resumed.
    steps_done : int
    status : {'running', 'finished', 'stopped', 'failed'}
        Stopped by the user or by a threshold, failed by an error; a run that was killed stays "running".
    reason : str or None
        Why it stopped or failed.
    """

    algorithm: str
    settings: Mapping[str, Any]
    task: str
    seeds: tuple[int, ...]
    steps: int
    options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str]
    threads: int
    device: str
    device_name: str
    commit: str | None
    started: str
    finished: str | None = None
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    steps_done: int = 0
    status: Literal["running", "finished", "stopped", "failed"] = "running"
    reason: str | None = None

    @classmethod
    def begin(
        cls,
        algorithm: str,
        settings: Any,
        task: str,
        *,
        seeds: Sequence[int],
        steps: int,
        device: str | torch.device = "cpu",
        options: Mapping[str, Any] | None = None,
    ) -> RunRecord:
        """Return the record of a run that begins now, here.

        Parameters
        ----------
        algorithm : str
        settings : dataclass
        task : str
        seeds : sequence of int
        steps : int
        device : str or torch.device
        options : mapping, optional
        """
        return cls(
            algorithm=algorithm,
            settings=settings_to_json(settings),
            task=task,
            seeds=tuple(int(seed) for seed in seeds),
            steps=int(steps),
            options=dict(options or {}),
            versions={
                "python": platform.python_version(),
                "torch": str(torch.__version__),
                "numpy": np.__version__,
                "marlgt": marlgt.__version__,
            },
            threads=torch.get_num_threads(),
            device=str(device),
            device_name=_device_name(torch.device(device)),
            commit=_commit(),
            started=_now(),
        )

    def proceeded(self, steps_done: int, *, wall_seconds: float, cpu_seconds: float) -> RunRecord:
        """Return the record of the run at a later step; seconds are those spent in all."""
        return dataclasses.replace(
            self,
            steps_done=int(steps_done),
            wall_seconds=float(wall_seconds),
            cpu_seconds=float(cpu_seconds),
            status="running",
            finished=None,
            reason=None,
        )

    def ended(self, status: Literal["finished", "stopped", "failed"], reason: str | None = None) -> RunRecord:
        """Return the record of the run as it ends now."""
        return dataclasses.replace(self, status=status, reason=reason, finished=_now())


def write_run(folder: str | os.PathLike[str], record: RunRecord) -> None:
    """Write ``run.json`` into the folder of a run, which is made if it is not there.

    Raises
    ------
    SavingFailed
        If it cannot be written; what stood there is kept.
    """
    _write(folder, _RUN, settings_to_json(record))


def write_curve(folder: str | os.PathLike[str], curve: Curve) -> None:
    """Write ``curve.json`` into the folder of a run, which is made if it is not there.

    Raises
    ------
    SavingFailed
        If it cannot be written; what stood there is kept.
    """
    _write(folder, _CURVE, {"seeds": curve.seeds, "points": [point.facts() for point in curve.points]})


def read_run(folder: str | os.PathLike[str]) -> RunRecord:
    """Return the record in the folder of a run.

    Raises
    ------
    UnreadableFile
        If there is none, or it is cut short, damaged, no record, or one of another version.
    """
    path, told = _read(folder, _RUN)
    try:
        return settings_from_json(RunRecord, told)
    except (GameError, RecursionError) as error:
        raise UnreadableFile(f"{path} is no whole record of a run: {short(str(error), quoted=False)}") from error


def read_curve(folder: str | os.PathLike[str]) -> Curve:
    """Return the curve in the folder of a run.

    Raises
    ------
    UnreadableFile
        If there is none, or it is cut short, damaged, no curve, or one of another version.
    """
    path, told = _read(folder, _CURVE)
    try:
        seeds = tuple(int(seed) for seed in told["seeds"])
        return Curve(seeds, tuple(Evaluation.from_facts(point) for point in told["points"]))
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        reason = f"{type(error).__name__}: {short(str(error), quoted=False)}"
        raise UnreadableFile(f"{path} is no whole curve ({reason}): take it from another copy of the run") from error


def _write(folder: str | os.PathLike[str], kind: tuple[str, str], told: Mapping[str, Any]) -> None:
    require_path(folder, "folder")
    name, schema = kind
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GameError(
            f"the folder {shown_path(folder)} of the run cannot be made ({error.strerror}): give another place"
        ) from error
    text = json_text({"schema": schema, "version": _VERSION, **told}, name, indent=1)
    write_whole(Path(folder) / name, lambda file: file.write(text.encode()))


def _read(folder: str | os.PathLike[str], kind: tuple[str, str]) -> tuple[str, dict[str, Any]]:
    require_path(folder, "folder")
    name, schema = kind
    shown = shown_path(Path(folder) / name)
    try:
        told = json.loads((Path(folder) / name).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise UnreadableFile(f"there is no {name} in {shown_path(folder)}: give the folder of a run") from None
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        reason = f"{type(error).__name__}: {short(str(error), quoted=False)}"
        raise UnreadableFile(f"{shown} is damaged or cut short ({reason}): give the folder of another run") from error
    if not isinstance(told, dict) or told.pop("schema", None) != schema:
        raise UnreadableFile(f"{shown} was not written by marlgt.deep: give the folder of a run")
    version = told.pop("version", None)
    if version != _VERSION:
        raise UnreadableFile(
            f"{shown} has version {short(version)} of the schema {schema}, and this marlgt reads version {_VERSION}: "
            "read it with the marlgt that wrote it"
        )
    return shown, told


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _commit() -> str | None:
    root = Path(marlgt.__file__).resolve().parent.parent
    # An installed marlgt may lie in an environment inside a repository of something else.
    if not (root / ".git").exists() or not (root / "pyproject.toml").is_file():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None
