"""Supports from small to large, without those that conditional dominance rules out.

Porter, Nudelman and Shoham (2008) found that random games mostly have an equilibrium on small supports
of similar sizes, and try them in that order. An action that another one beats whatever the others
choose within their supports is in no equilibrium on these supports.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from marlgt.solvers._tensors import Tensor

__all__ = ["supports_by_size"]


def supports_by_size(tensor: Tensor) -> Iterator[NDArray[np.bool_]]:
    """Yield masks over the stacked actions, by total size and then by balance, pure profiles left out."""
    counts = [int(c) for c in tensor.counts]
    for total in range(len(counts) + 1, sum(counts) + 1):
        for sizes in sorted(_sizes(counts, total), key=lambda s: (max(s) - min(s), s)):
            choices = [itertools.combinations(range(c), k) for c, k in zip(counts, sizes)]
            for supports in itertools.product(*choices):
                if _undominated(tensor, supports):
                    yield _mask(tensor, supports)


def _sizes(counts: list[int], total: int) -> Iterator[tuple[int, ...]]:
    """Yield the support sizes of this total in which no player mixes more actions than the others' freedom allows."""
    for sizes in _compositions(counts, total):
        free = [k - 1 for k in sizes]
        if all(f <= sum(free) - f for f in free):
            yield sizes


def _compositions(counts: list[int], total: int) -> Iterator[tuple[int, ...]]:
    if len(counts) == 1:
        if 1 <= total <= counts[0]:
            yield (total,)
        return
    for first in range(1, min(counts[0], total - len(counts) + 1) + 1):
        for rest in _compositions(counts[1:], total - first):
            yield (first, *rest)


def _undominated(tensor: Tensor, supports: tuple[tuple[int, ...], ...]) -> bool:
    shape = tuple(int(c) for c in tensor.counts)
    for i, own in enumerate(supports):
        kept: list[NDArray[np.intp]] = [np.array(s, dtype=np.intp) for s in supports]
        kept[i] = np.arange(shape[i])
        block = tensor.payoffs[i].reshape(shape)[np.ix_(*kept)]
        rows = np.moveaxis(block, i, 0).reshape(shape[i], -1)
        for a in own:
            if (rows > rows[a]).all(axis=1).any():
                return False
    return True


def _mask(tensor: Tensor, supports: tuple[tuple[int, ...], ...]) -> NDArray[np.bool_]:
    mask = np.zeros(tensor.size, dtype=np.bool_)
    for i, actions in enumerate(supports):
        mask[tensor.offsets[i] + np.array(actions, dtype=np.intp)] = True
    return mask
