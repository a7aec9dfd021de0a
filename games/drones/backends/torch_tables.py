"""Between tensors by field and the blocks of the compiled backend; devices and snapshots are checked here too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.drones.backends.keeping import checked_snapshot
from marlgt.games.drones.backends.torch_lanes import torch
from marlgt.games.drones.kernels.lanes import WIDTH

__all__ = ["from_blocks", "require_device", "require_snapshot", "to_blocks"]


def require_device(device: Any, dtype: torch.dtype) -> torch.device:
    """Return a device, the processor for None, or say that it is none or cannot hold such numbers."""
    try:
        place = torch.device("cpu" if device is None else device)
        torch.zeros(1, dtype=dtype, device=place).cpu()
    except (RuntimeError, AssertionError, TypeError, ValueError, NotImplementedError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise GameError(
            f"device {short(device)} cannot be used here for {dtype} ({reason}): choose 'cpu', or a device that "
            "this PyTorch finds"
        ) from error
    return place


def to_blocks(fields: Mapping[int, torch.Tensor]) -> np.ndarray:
    """Return fields, tensors of shape (rows, lanes), as blocks of shape (blocks, rows, fields * WIDTH).

    Lanes that fill up the last block hold what the last lane holds.
    """
    table = torch.stack([fields[field] for field in sorted(fields)]).cpu().numpy()
    count, rows, lanes = table.shape
    blocks = -(-lanes // WIDTH)
    full = np.concatenate([table, np.repeat(table[:, :, -1:], blocks * WIDTH - lanes, axis=2)], axis=2)
    parts = full.reshape(count, rows, blocks, WIDTH).transpose(2, 1, 0, 3)
    return np.ascontiguousarray(parts).reshape(blocks, rows, count * WIDTH)


def from_blocks(table: np.ndarray, lanes: int, device: torch.device) -> dict[int, torch.Tensor]:
    """Return blocks of shape (blocks, rows, fields * WIDTH) as fields, tensors of shape (rows, lanes)."""
    blocks, rows = table.shape[:2]
    parts = table.reshape(blocks, rows, -1, WIDTH).transpose(2, 1, 0, 3).reshape(-1, rows, blocks * WIDTH)
    whole = torch.tensor(parts[:, :, :lanes], device=device)
    return {k * WIDTH: row for k, row in enumerate(whole.unbind(0))}


def require_snapshot(
    snapshot: Mapping[str, np.ndarray], expected: Mapping[str, tuple[tuple[int, ...], np.dtype]]
) -> np.random.Generator:
    """Return the random state in a snapshot, or say what in it does not fit.

    Parameters
    ----------
    expected : mapping of str to (shape, dtype)
    """
    return checked_snapshot(snapshot, expected)[1]
