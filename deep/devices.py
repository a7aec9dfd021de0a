"""Devices at the public door: what PyTorch can compute on here."""

from __future__ import annotations

from typing import Any

import torch

from marlgt.errors import GameError
from marlgt.games._arrays import short

__all__ = ["require_device"]


def require_device(device: Any) -> torch.device:
    """Return the device of a name, on which a number was put and read to see that it is there.

    Parameters
    ----------
    device : str or torch.device

    Raises
    ------
    GameError
        If PyTorch knows no such device, or there is none here.
    """
    try:
        chosen = torch.device(device)
        if chosen.type == "cuda" and not torch.cuda.is_available():
            raise RuntimeError("there is no GPU with CUDA")
        torch.zeros(1, device=chosen).item()
    except Exception as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]
        raise GameError(
            f"device is {short(device)}, which PyTorch cannot compute on here ({short(reason, quoted=False)}): give "
            "'cpu', or 'cuda' where there is a GPU"
        ) from error
    return chosen
