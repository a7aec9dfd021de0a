"""Learning curves as TensorBoard shows them: one run for each seed, a scalar for each number of an evaluation."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from marlgt.deep.runs.curves import Evaluation
from marlgt.errors import GameError, MissingDependency, SavingFailed
from marlgt.games._doors import require_path

__all__ = ["TensorBoardLog"]


class TensorBoardLog:
    """Writes the evaluations of a run as events into ``folder/seed_<seed>``, until it is closed.

    ``tensorboard --logdir folder`` then draws the seeds over each other. Numbers that are not finite are left out.

    Parameters
    ----------
    folder : path of a folder, which is made if it is not there
    seeds : sequence of int
    resumed_at : int, optional
        Environment steps from which a run goes on: what an earlier sitting wrote at these steps or later is hidden.

    Raises
    ------
    MissingDependency
        If tensorboard is not installed.
    SavingFailed
        If the folder cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str], seeds: Sequence[int], *, resumed_at: int | None = None) -> None:
        require_path(folder, "folder")
        self.folder, self.seeds = folder, tuple(seeds)
        make: Any = _summary_writer()
        self._writers: list[Any] = []
        try:
            for seed in self.seeds:
                self._writers.append(make(str(Path(folder) / f"seed_{seed}"), purge_step=resumed_at))
        except OSError as error:
            self.close()
            raise _unwritable(folder, error) from error

    def add(self, point: Evaluation) -> None:
        """Write one evaluation, and leave it where TensorBoard sees it.

        Raises
        ------
        GameError
            If it is one of other seeds.
        SavingFailed
            If it cannot be written, as on a full disk.
        """
        if len(point.returns) != len(self.seeds):
            raise GameError(f"the evaluation is of {len(point.returns)} seeds, and {len(self.seeds)} are logged")
        for k, writer in enumerate(self._writers):
            episodes = point.returns[k].size > 0
            scalars = {
                "evaluation/return": point.returns[k].mean() if episodes else np.nan,
                "evaluation/length": point.lengths[k].mean() if episodes else np.nan,
                "evaluation/success rate": point.success_rates[k],
                "training/return": point.training_returns[k],
                "training/loss": point.losses[k],
                "training/exploration": point.exploration,
                "training/steps per second": point.steps_per_second,
            }
            try:
                for tag, value in scalars.items():
                    if np.isfinite(value):
                        writer.add_scalar(tag, float(value), point.steps)
                writer.flush()
            except OSError as error:
                raise _unwritable(self.folder, error) from error

    def close(self) -> None:
        """Close the files."""
        for writer in self._writers:
            # Whatever could not be written was told by `add`, which leaves nothing behind to be written here.
            with contextlib.suppress(OSError):
                writer.close()
        self._writers = []

    def __enter__(self) -> TensorBoardLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _unwritable(folder: Any, error: OSError) -> SavingFailed:
    reason = error.strerror or error
    return SavingFailed(f"events for TensorBoard cannot be written to {str(folder)!r} ({reason}): give another folder")


def _summary_writer() -> Any:
    # A fifth of a second, which only those who ask for it pay.
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingDependency("a log for TensorBoard", package="tensorboard", extra="tensorboard") from error
    return SummaryWriter
