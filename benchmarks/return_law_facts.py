"""What is exact about laws of returns: biases of losses on samples, contractions, and what a clock must not do."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.return_laws import CHAINS, true_laws
from marlgt.deep.distributions import GaussianMixture, cramer_distance, kl_divergence, wasserstein_1, wasserstein_2
from marlgt.deep.environments.reward_chains import Outcome, RewardChain, return_laws

__all__ = ["biases", "contractions", "cuts"]


def biases() -> list[list[str]]:
    """Return for which q losses between m tosses of a coin of 0.4 and a coin of q are least on average: exactly.

    Against k heads of m, squared Cramér is ``(k/m - q)²``, W₁ and W₂² are ``|k/m - q|`` and cross-entropy is
    ``-k/m log q - (1 - k/m) log(1 - q)``.
    """
    truth, q = 0.4, np.linspace(0.0, 1.0, 3001)
    head = ["tosses m", "squared Cramér", "cross-entropy", "W₁, and squared W₂"]
    body = []
    for m in (1, 3, 7, 30):
        k = np.arange(m + 1)
        chances = np.array([math.comb(m, int(i)) for i in k], dtype=float) * truth**k * (1 - truth) ** (m - k)
        shares = (k / m)[:, None]
        entropies = -shares * np.log(q.clip(1e-12)) - (1 - shares) * np.log((1 - q).clip(1e-12))
        losses = ((shares - q) ** 2, entropies, np.abs(shares - q))
        body.append([str(m), *(f"{q[(chances @ loss).argmin()]:.3f}" for loss in losses)])
    return [head, *body]


def contractions(discount: float = 0.5) -> list[list[str]]:
    """Return distances between two mixtures before and after ``r + γ Z``."""
    one = GaussianMixture(*map(np.array, ([0.6, 0.4], [-1.0, 1.0], [0.2, 0.3])))
    other = GaussianMixture(*map(np.array, ([0.5, 0.5], [-0.5, 1.2], [0.4, 0.2])))
    measures = {
        "W₁": wasserstein_1,
        "W₂": wasserstein_2,
        "Cramér": lambda *laws: cramer_distance(*laws) ** 0.5,
        "Kullback-Leibler": kl_divergence,
    }
    body = []
    for name, measure in measures.items():
        before = float(measure(one, other))
        after = float(measure(one.shifted(1.0, discount), other.shifted(1.0, discount)))
        body.append([name, f"{before:.4f}", f"{after:.4f}", f"{after / before:.4f}"])
    return [["", "of two mixtures", f"after r + γ Z, γ = {discount:g}", "ratio"], *body]


def cuts() -> list[list[str]]:
    """Return how far the return's law is from that of a return that a clock ends, in the chain that one stops."""
    chain = CHAINS["stopped"]
    limit = chain.time_limit or 0
    size = len(chain.outcomes)
    # Time is part of the state, and the last step ends the episode.
    unrolled = [
        [
            Outcome(
                o.probability,
                o.reward,
                None if o.successor is None or step == limit - 1 else (step + 1) * size + o.successor,
                o.scale,
            )
            for o in own
        ]
        for step in range(limit)
        for own in chain.outcomes
    ]
    cut = return_laws(RewardChain("cut", unrolled, chain.discount), limit)[0]
    truth = true_laws(chain)[0]
    told = [f"{float(wasserstein_1(cut, truth)):.3f}", f"{float(wasserstein_2(cut, truth)):.3f}"]
    return [["law of the return from the first state", "W₁ from the truth", "W₂"], ["if the clock were an end", *told]]
