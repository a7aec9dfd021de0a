"""The stationary distribution of a Markov chain to full accuracy in every entry, however small its rates are.

Grassmann, Taksar and Heyman eliminate states one by one without a subtraction, so that no digits cancel: every entry
is as accurate as the rates, whatever their sizes (O'Cinneide 1993). Rates that no float holds, such as exp(-5000),
are eliminated by their logarithms.

References
----------
Grassmann, W. K., Taksar, M. I. and Heyman, D. P. (1985). Regenerative analysis and steady state distributions for
Markov chains. Operations Research 33, 1107-1116.
O'Cinneide, C. A. (1993). Entrywise perturbation theory and error analysis for Markov chains. Numerische Mathematik
65, 109-120.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["stationary_distribution"]

_SAFE = -30.0
"""Least logarithm of a rate for which products along the elimination stay far from the smallest floats."""


def stationary_distribution(log_rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stationary distribution of an irreducible chain, shape (S,).

    Parameters
    ----------
    log_rates : ndarray, shape (S, S)
        The logarithm of the rate from each state (row) to each other one, -inf for none; the diagonal is not read.
    """
    count = len(log_rates)
    rates = log_rates.copy()
    np.fill_diagonal(rates, -np.inf)
    finite = rates[rates > -np.inf]
    if not finite.size:
        return np.full(count, 1.0 / count)
    # Only ratios matter: the largest rate becomes 1.
    rates -= finite.max()
    if finite.min() - finite.max() >= _SAFE:
        return _eliminated(np.exp(rates))
    return _eliminated_by_logarithms(rates)


def _eliminated(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    count = len(rates)
    for last in range(count - 1, 0, -1):
        rates[:last, last] /= rates[last, :last].sum()
        rates[:last, :last] += rates[:last, last, None] * rates[last, :last]
    weights = np.zeros(count)
    weights[0] = 1.0
    for state in range(1, count):
        weights[state] = weights[:state] @ rates[:state, state]
    return np.asarray(weights / weights.sum())


def _eliminated_by_logarithms(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    count = len(rates)
    for last in range(count - 1, 0, -1):
        rates[:last, last] -= _log_sum(rates[last, :last])
        into, out = np.flatnonzero(rates[:last, last] > -np.inf), np.flatnonzero(rates[last, :last] > -np.inf)
        block = np.ix_(into, out)
        rates[block] = np.logaddexp(rates[block], rates[into, last, None] + rates[last, out])
    logs = np.full(count, -np.inf)
    logs[0] = 0.0
    for state in range(1, count):
        logs[state] = _log_sum(logs[:state] + rates[:state, state])
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def _log_sum(logs: NDArray[np.float64]) -> float:
    top = float(logs.max())
    return top if top == -np.inf else top + float(np.log(np.exp(logs - top).sum()))
