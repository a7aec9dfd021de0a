"""Least-squares fits that rise along every axis of an array: isotonic regression on a product of chains.

The fit is found by splitting blocks. Among the upper sets U of a block with mean c, the one of greatest
Σ_{x ∈ U} (y_x - c) is where the fit exceeds c; where that greatest sum is zero the fit is c on the whole
block, and otherwise the two parts are separate problems (Luss, Rosset and Shahar 2012, theorem 1). An
upper set of an array is a growing sequence of upper sets of its layers, so that the best one comes from
dynamic programming over the layers. All blocks of many arrays are split at once.

References
----------
Luss, R., Rosset, S. and Shahar, M. (2012). Efficient regularized isotonic regression with application to
gene-gene interaction search. Annals of Applied Statistics 6, 253-283.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod

import numpy as np
from numpy.typing import NDArray

__all__ = ["isotonic_fits", "upper_set_bound"]

_NO_GAIN = 1e-11
"""Sum of residuals below which an upper set is no better than the empty one; values have range 1."""


def upper_set_bound(shape: tuple[int, ...]) -> int:
    """Return at least the number of upper sets of a product of chains; exact for up to three of them."""
    a, b, c = (*shape[:3], 1, 1, 1)[:3]
    # MacMahon's count of the plane partitions inside a box.
    box = Fraction(1)
    for i in range(1, a + 1):
        for j in range(1, b + 1):
            box *= Fraction(i + j + c - 1, i + j - 1)
    bound: int = int(box) ** prod(shape[3:])
    return bound


def isotonic_fits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nearest array that falls along no axis, for each array of a batch.

    Parameters
    ----------
    values : ndarray, shape (batch, A_1, ..., A_n)
        Finite, of range about 1 within each array.

    Returns
    -------
    ndarray, shape (batch, A_1, ..., A_n)
    """
    shape = values.shape[1:]
    sets = _upper_sets(shape[:-1])
    targets = values.reshape(len(values), -1, shape[-1])
    fits = np.empty_like(targets)
    owners, blocks = np.arange(len(targets)), np.ones(targets.shape, dtype=bool)
    while len(owners):
        inside = np.where(blocks, targets[owners], 0.0)
        means = inside.sum(axis=(1, 2)) / blocks.sum(axis=(1, 2))
        gains, upper = _best_upper_sets(np.where(blocks, inside - means[:, None, None], 0.0), sets)
        upper &= blocks
        # An upper part that is empty or everything cannot gain: round-off must not split for ever.
        counts = upper.sum(axis=(1, 2))
        splits = (gains > _NO_GAIN) & (counts > 0) & (counts < blocks.sum(axis=(1, 2)))
        for owner, block, mean in zip(owners[~splits], blocks[~splits], means[~splits]):
            fits[owner][block] = mean
        owners = np.concatenate([owners[splits], owners[splits]])
        blocks = np.concatenate([upper[splits], (blocks & ~upper)[splits]])
    return fits.reshape(values.shape)


def _upper_sets(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return every upper set of a product of chains, by size, shape (sets, cells)."""
    if not shape:
        return np.array([[False], [True]])
    smaller = _upper_sets(shape[:-1])
    above = [np.flatnonzero(~(own & ~smaller).any(axis=1)) for own in smaller]
    chains = [[k] for k in range(len(smaller))]
    for _ in range(shape[-1] - 1):
        chains = [[*chain, int(k)] for chain in chains for k in above[chain[-1]]]
    found = smaller[np.array(chains)].transpose(0, 2, 1).reshape(len(chains), -1)
    return np.asarray(found[np.argsort(found.sum(axis=1), kind="stable")])


def _best_upper_sets(
    weights: NDArray[np.float64], sets: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the greatest sum of weights over an upper set, and such a set, for each array of a batch.

    Parameters
    ----------
    weights : ndarray, shape (batch, cells, layers)
    sets : ndarray, shape (sets, cells)
        The upper sets of one layer.
    """
    batch, _, layers = weights.shape
    sizes = sets.sum(axis=1)
    inside = np.logical_not((sets[:, None] & ~sets[None]).any(axis=2))
    covered = [np.flatnonzero(inside[:, k] & (sizes == sizes[k] - 1)) for k in range(len(sets))]
    totals = np.empty((layers, len(sets), batch))
    for layer in range(layers):
        totals[layer] = sets.astype(float) @ weights[:, :, layer].T
        if layer:
            totals[layer] += _greatest_below(totals[layer - 1], covered)
    chosen = totals[-1].argmax(axis=0)
    gains = totals[-1][chosen, np.arange(batch)]
    upper = np.empty(weights.shape, dtype=bool)
    upper[:, :, -1] = sets[chosen]
    for layer in range(layers - 2, -1, -1):
        chosen = np.where(inside[:, chosen], totals[layer], -np.inf).argmax(axis=0)
        upper[:, :, layer] = sets[chosen]
    return gains, upper


def _greatest_below(totals: NDArray[np.float64], covered: list[NDArray[np.intp]]) -> NDArray[np.float64]:
    """Return the greatest total over the subsets of each set, which come before it, shape (sets, batch)."""
    best = totals.copy()
    for k, below in enumerate(covered):
        for j in below:
            np.maximum(best[k], best[j], out=best[k])
    return best
