"""Random numbers of many seeds in one tensor, each seed's from a generator of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from marlgt.errors import GameError

__all__ = ["gumbels", "normals"]

_LEAST = 1e-10
"""Small enough to leave every other number of a 32-bit uniform draw as it is."""


def _empty(like: Tensor, shape: tuple[int, ...], generators: Sequence[torch.Generator]) -> Tensor:
    if like.shape[0] != len(generators):
        raise GameError(
            f"the first axis of outputs must be the seeds, got {like.shape[0]} rows and {len(generators)} generators: "
            "give one generator for each seed"
        )
    return torch.empty((like.shape[0], *shape), dtype=like.dtype, device=like.device)


def normals(like: Tensor, shape: tuple[int, ...], generators: Sequence[torch.Generator]) -> Tensor:
    """Return standard normal numbers, shape (S, *shape), of the kind and on the device of a tensor (S, ...)."""
    numbers = _empty(like, shape, generators)
    for own, generator in zip(numbers, generators):
        own.normal_(generator=generator)
    return numbers


def gumbels(like: Tensor, shape: tuple[int, ...], generators: Sequence[torch.Generator]) -> Tensor:
    """Return numbers G of the negated Gumbel law, shape (S, *shape): ``argmax(logits - G)`` has the softmax's law.

    ``G = log(-log U)`` is finite, from -17 to 3.2, so that what is masked can never win.

    References
    ----------
    E. J. Gumbel (1954), *Statistical theory of extreme values and some practical applications*, National Bureau of
    Standards, Applied Mathematics Series 33.
    """
    numbers = _empty(like, shape, generators)
    for own, generator in zip(numbers, generators):
        own.uniform_(_LEAST, 1.0, generator=generator)
    return numbers.log_().neg_().log_()
