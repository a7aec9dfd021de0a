"""Dirichlet beliefs about a strategy: what is known of it from counts of the actions that it played.

With the prior density proportional to ``prod_a pi(a)^(alpha_a - 1)`` and ``n_a`` plays of each action seen, the
posterior is of the same form with ``alpha_a + n_a``, and::

    E[pi(a)]   = (alpha_a + n_a) / (alpha_0 + n),        alpha_0 = sum_a alpha_a,    n = sum_a n_a
    Var[pi(a)] = E[pi(a)] (1 - E[pi(a)]) / (alpha_0 + n + 1)
    log Pr(seen | prior) = log Gamma(alpha_0) - log Gamma(alpha_0 + n) + sum_a log Gamma(alpha_a + n_a) / Gamma(alpha_a)

The mean is the probability of each next action. With prior 0 it is the share of the observations: the model of
fictitious play and of JAL-AM, whose denominator is the number of observations.

References
----------
Gelman, A. et al. (2013). Bayesian Data Analysis, third edition, section 3.4. CRC Press.
Fudenberg, D. and Levine, D. K. (1998). The Theory of Learning in Games, section 2.2. MIT Press.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_whole

__all__ = ["DirichletBeliefs", "dirichlet_beliefs"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DirichletBeliefs:
    """Beliefs about a mixed strategy; made by :func:`dirichlet_beliefs`.

    Attributes
    ----------
    prior : ndarray, shape (A,)
        The alphas: how often each action counts as seen before.
    counts : ndarray, shape (A,)
        How often each action was seen.
    """

    prior: Floats
    counts: Floats

    @property
    def weights(self) -> Floats:
        """The alphas of the posterior, shape (A,)."""
        return np.asarray(self.prior + self.counts)

    @property
    def mean(self) -> Floats:
        """The expected strategy, which is the probability of each next action; uniform if there is nothing to go by."""
        total = self.weights.sum()
        return np.full(len(self.prior), 1.0 / len(self.prior)) if total == 0 else np.asarray(self.weights / total)

    @property
    def variance(self) -> Floats:
        """The variance of each probability, shape (A,); the prior must be positive.

        Raises
        ------
        GameError
            If the posterior is no density, for an action with no weight.
        """
        self._require_proper("the variance")
        return np.asarray(self.mean * (1.0 - self.mean) / (self.weights.sum() + 1.0))

    @property
    def log_evidence(self) -> float:
        """The logarithm of the prior probability of the sequence of actions seen.

        Raises
        ------
        GameError
            If an action has no prior weight.
        """
        if not (self.prior > 0).all():
            raise GameError("the evidence asks for a prior that is a density: give every action a positive weight")
        total = float(self.prior.sum())
        terms = [math.lgamma(a + n) - math.lgamma(a) for a, n in zip(self.prior, self.counts)]
        return math.lgamma(total) - math.lgamma(total + float(self.counts.sum())) + sum(terms)

    def observed(self, actions: int | Iterable[int]) -> DirichletBeliefs:
        """Return the beliefs after one action, or several."""
        counts = self.counts.copy()
        for action in [actions] if isinstance(actions, int | np.integer) else actions:
            require_whole(action, "action", least=0)
            if action >= len(counts):
                raise GameError(f"action is {action}: the player has actions 0 to {len(counts) - 1}")
            counts[action] += 1.0
        return DirichletBeliefs(self.prior, counts)

    def sampled(self, rng: np.random.Generator) -> Floats:
        """Return a strategy drawn from the posterior, shape (A,)."""
        self._require_proper("a sample")
        return np.asarray(rng.dirichlet(self.weights))

    def _require_proper(self, what: str) -> None:
        if not (self.weights > 0).all():
            raise GameError(f"{what} asks for beliefs that are a density: give every action a positive prior weight")


def dirichlet_beliefs(n_actions: int, *, prior: float | ArrayLike = 1.0) -> DirichletBeliefs:
    """Return beliefs before any observation.

    Parameters
    ----------
    n_actions : int
    prior : float or array_like, shape (A,)
        One weight for all actions or one for each. 1 is the uniform density, 1/2 the one of Jeffreys.

    Raises
    ------
    GameError
        For weights that are negative or do not fit.

    Examples
    --------
    >>> beliefs = dirichlet_beliefs(3).observed([0, 0, 2])
    >>> beliefs.mean
    array([0.5       , 0.16666667, 0.33333333])
    """
    require_whole(n_actions, "n_actions", least=1)
    weights: Any = (
        np.full(n_actions, nonnegative(prior, "prior")) if np.ndim(prior) == 0 else np.array(prior, dtype=float)
    )
    if weights.shape != (n_actions,) or not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise GameError(f"prior is {short(prior)}: give one number, or {n_actions}, that are not negative")
    return DirichletBeliefs(weights, np.zeros(n_actions))
