"""Which move a sampled tree tries next, and what it says in the end: UCB1, PUCT, visit counts and AlphaZero's loss.

With Q(a) the mean value of move a to the player who moves, N(a) how often it was tried, N the sum of these, and P(a)
the prior probability of a policy::

    UCB1:  Q(a) + c sqrt(ln N / N(a))                    (Auer et al. 2002; Kocsis and Szepesvari 2006)
    PUCT:  Q(a) + c P(a) sqrt(N) / (1 + N(a))            (Silver et al. 2017, after Rosin 2011)
    play:  pi(a) proportional to N(a)^(1 / temperature)
    loss:  (z - v)^2 - pi . log p + weight_decay |theta|^2.

References
----------
Auer, P., Cesa-Bianchi, N. and Fischer, P. (2002). Finite-time analysis of the multiarmed bandit problem. Machine
Learning 47, 235-256.
Kocsis, L. and Szepesvari, C. (2006). Bandit based Monte-Carlo planning. ECML, 282-293.
Silver, D. et al. (2017). Mastering the game of Go without human knowledge. Nature 550, 354-359.
Silver, D. et al. (2018). A general reinforcement learning algorithm that masters chess, shogi and Go through
self-play. Science 362, 1140-1144.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import nonnegative

__all__ = ["alphazero_loss", "puct_scores", "ucb1_scores", "visit_policy"]


def ucb1_scores(
    values: ArrayLike, visits: ArrayLike, *, exploration: float = math.sqrt(2), total: float | None = None
) -> NDArray[np.float64]:
    """Return the UCB1 score of each move, inf for those never tried.

    Parameters
    ----------
    values : array_like, shape (A,)
        Mean values to the player who moves; not read where a move was never tried.
    visits : array_like, shape (A,)
    exploration : float
        The constant c; the square root of 2 suits values within [0, 1].
    total : float, optional
        N, by default the sum of the visits.

    Examples
    --------
    >>> ucb1_scores([0.5, 0.0], [4, 0]).round(4).tolist()
    [1.3326, inf]
    """
    means, counts = _checked(values, visits)
    everything = float(counts.sum()) if total is None else nonnegative(total, "total")
    scores = np.full(counts.shape, np.inf)
    tried = counts > 0
    bonus = math.log(max(everything, 1.0)) / counts[tried]
    scores[tried] = means[tried] + nonnegative(exploration, "exploration") * np.sqrt(bonus)
    return scores


def puct_scores(
    values: ArrayLike,
    visits: ArrayLike,
    prior: ArrayLike,
    *,
    exploration: float = math.sqrt(2),
    total: float | None = None,
) -> NDArray[np.float64]:
    """Return AlphaZero's score of each move.

    Parameters
    ----------
    values : array_like, shape (A,)
        Mean values to the player who moves, for untried moves what to take them for (AlphaZero: 0).
    visits : array_like, shape (A,)
    prior : array_like, shape (A,)
        The policy's probabilities.
    exploration : float
        The constant c.
    total : float, optional
        N, by default the sum of the visits.

    Examples
    --------
    >>> puct_scores([0.5, 0.0], [4, 0], [0.5, 0.5], exploration=1.0).tolist()
    [0.7, 1.0]
    """
    means, counts = _checked(values, visits)
    probabilities, _ = exact_and_float(prior, "prior")
    if probabilities.shape != counts.shape or probabilities.min(initial=0.0) < 0:
        raise GameError(f"prior is {short(prior)}: give a probability for each of {counts.size} moves")
    everything = float(counts.sum()) if total is None else nonnegative(total, "total")
    scale = nonnegative(exploration, "exploration") * math.sqrt(everything)
    return np.asarray(means + scale * probabilities / (1.0 + counts))


def visit_policy(visits: ArrayLike, *, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the distribution in proportion to ``visits ** (1 / temperature)``.

    Parameters
    ----------
    visits : array_like, shape (A,)
    temperature : float
        0 for all on the most visited moves, shared alike among ties.

    Examples
    --------
    >>> visit_policy([1, 3]), visit_policy([1, 3], temperature=0.5).round(9)
    (array([0.25, 0.75]), array([0.1, 0.9]))
    """
    _, counts = _checked(visits, visits)
    heat = nonnegative(temperature, "temperature")
    top = counts.max(initial=0.0)
    if counts.size == 0 or top == 0.0:
        raise GameError("no move has been visited: search first")
    if heat == 0.0:
        weights = (counts == top).astype(np.float64)
    else:
        with np.errstate(divide="ignore", under="ignore"):
            weights = np.exp(np.log(counts / top) / heat)
    return np.asarray(weights / weights.sum())


def alphazero_loss(
    outcome: ArrayLike,
    value: ArrayLike,
    policy: ArrayLike,
    predicted: ArrayLike,
    *,
    weight_decay: float = 0.0,
    parameters: ArrayLike = (),
) -> float:
    """Return the loss of AlphaZero's network, the mean over a batch if there is one.

    Parameters
    ----------
    outcome : array_like, scalar or shape (B,)
        How the game ended, for the player to move.
    value : array_like, scalar or shape (B,)
        What the network expected.
    policy : array_like, shape (A,) or (B, A)
        What search plays.
    predicted : array_like, shape (A,) or (B, A)
        The probabilities that the network gave; positive wherever ``policy`` is.
    weight_decay : float
        The constant of the penalty on the squared norm of ``parameters``.
    parameters : array_like

    Examples
    --------
    >>> round(alphazero_loss(1, 0.3, [0.1, 0.8, 0.1], [0.2, 0.5, 0.3]), 6)
    1.325859
    """
    ends, guesses = exact_and_float(outcome, "outcome")[0], exact_and_float(value, "value")[0]
    targets, given = exact_and_float(policy, "policy")[0], exact_and_float(predicted, "predicted")[0]
    weights, _ = exact_and_float(parameters, "parameters")
    if ends.shape != guesses.shape or targets.shape != given.shape or targets.shape[:-1] != ends.shape:
        raise GameError(
            f"outcome, value, policy and predicted have shapes {ends.shape}, {guesses.shape}, {targets.shape} and "
            f"{given.shape}: give scalars with (A,), or (B,) with (B, A)"
        )
    if (targets < 0).any() or (given[targets > 0] <= 0).any():
        raise GameError("predicted must be positive wherever policy is, and policy not negative: both distributions")
    logs = np.where(targets > 0, np.log(np.where(given > 0, given, 1.0)), 0.0)
    loss = (ends - guesses) ** 2 - (targets * logs).sum(axis=-1)
    return float(loss.mean() + nonnegative(weight_decay, "weight_decay") * (weights**2).sum())


def _checked(values: ArrayLike, visits: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    means, counts = np.asarray(values, dtype=np.float64), exact_and_float(visits, "visits")[0]
    if counts.ndim != 1 or means.shape != counts.shape or counts.min(initial=0.0) < 0:
        raise GameError(
            f"values and visits have shapes {means.shape} and {counts.shape}: give one of each per move, the visits "
            "not negative"
        )
    return means, counts
