"""Chains whose laws of returns are known, and what a critic tells of them while it learns."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from marlgt.deep import GMAC
from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.distributions import GaussianMixture, mean, wasserstein_1
from marlgt.deep.environments.chain_copies import RewardChainCopies
from marlgt.deep.environments.reward_chains import Outcome, RewardChain, return_laws
from marlgt.deep.networks.policy_networks import Memories
from marlgt.deep.seeded_environments import SeededEnvs

__all__ = ["CHAINS", "law_distances", "learn_laws", "told_laws", "true_laws"]

_END = None


def two_paths() -> RewardChain:
    """Return a fork: six times in ten a path that costs, else one that pays, and a certain step after both."""
    fork = [Outcome(0.6, 0.0, 1), Outcome(0.4, 0.0, 2)]
    return RewardChain(
        "two paths", [fork, [Outcome(1.0, -1.0, 3)], [Outcome(1.0, 1.0, 3)], [Outcome(1.0, 0.5, _END)]], 0.9
    )


def random_end() -> RewardChain:
    """Return a state that pays about 1, and ends with every fourth step: a mode for every length."""
    return RewardChain("random end", [[Outcome(0.25, 1.0, _END, 0.15), Outcome(0.75, 1.0, 0, 0.15)]], 0.9)


def coin_flips() -> RewardChain:
    """Return a coin that is flipped for ever, each flip worth half of the last: a uniform law."""
    return RewardChain("coin flips", [[Outcome(0.5, -1.0, 0), Outcome(0.5, 1.0, 0)]], 0.5)


def rare_prize() -> RewardChain:
    """Return four steps, each of which wins a prize twice in a hundred and then ends."""
    steps = [[Outcome(0.02, 1.0, _END), Outcome(0.98, 0.0, state + 1)] for state in range(3)]
    return RewardChain("rare prize", [*steps, [Outcome(0.02, 1.0, _END), Outcome(0.98, 0.0, _END)]], 0.9)


def stopped() -> RewardChain:
    """Return a fork between two states that pay for ever, stopped by a clock that nobody sees after 8 steps."""
    fork = [Outcome(0.5, 0.0, 1), Outcome(0.5, 0.0, 2)]
    ways = [[Outcome(1.0, pay, state, 0.8)] for state, pay in ((1, -0.5), (2, 1.0))]
    return RewardChain("stopped", [fork, *ways], 0.9, time_limit=8)


def _standard(chain: RewardChain) -> RewardChain:
    """Return a chain paid in such units that its return has the deviation 1."""
    return chain.scaled(float(chain.moments()[1][0]) ** -0.5)


CHAINS = {chain.name: _standard(chain) for chain in (two_paths(), random_end(), coin_flips(), rare_prize(), stopped())}
"""By name; the return from state 0 has the standard deviation 1."""

ROUNDS = {"two paths": 4, "random end": 30, "coin flips": 6, "rare prize": 5, "stopped": 2}
"""After which laws are exact to 0.001: γⁿ, or less, of how far they are from normal."""


def true_laws(chain: RewardChain) -> list[GaussianMixture[np.ndarray]]:
    """Return the law of the return from each state."""
    return return_laws(chain, ROUNDS[chain.name])


def told_laws(learner: Any) -> GaussianMixture[torch.Tensor]:
    """Return what the critics of all seeds tell of all states, shape (S, N, K), in double precision."""
    size = learner.spec.observation_size
    rows = torch.eye(size).view(1, 1, size, 1, size).expand(len(learner.seeds), -1, -1, -1, -1).contiguous()
    with torch.no_grad():
        outputs, _ = learner.products.values(rows, None, Memories(), None)
        told = learner.critic.mixture(outputs[:, 0, :, 0])
    return GaussianMixture(*(part.double() for part in told))


def law_distances(told: GaussianMixture[torch.Tensor], laws: Sequence[GaussianMixture[np.ndarray]]) -> np.ndarray:
    """Return the 1-Wasserstein distances of what is told from the truth, shape (S, N)."""
    found = []
    for state, law in enumerate(laws):
        truth = GaussianMixture(*(torch.from_numpy(part) for part in law))
        own = GaussianMixture(*(part[:, state] for part in told))
        found.append(wasserstein_1(own, truth).numpy())
    return np.stack(found, axis=1)


def learn_laws(
    chain: RewardChain, algorithm: GMAC, *, seeds: Sequence[int], rollouts: int, checks: int
) -> Mapping[str, Any]:
    """Let the critics of all seeds learn the laws of a chain, where nothing is to be decided.

    Parameters
    ----------
    chain : RewardChain
    algorithm : GMAC
        With any critic.
    seeds : sequence of int
    rollouts : int
    checks : int
        How often, evenly, what is told is compared with the truth, besides at first.

    Returns
    -------
    dict
        ``updates`` (P,); ``distances`` and ``mean_errors`` (P, S, N); ``told``, the last laws of the first seed as
        lists of weights, means and scales, (N, 3, K); ``cpu_seconds`` without those of the comparisons.
    """
    laws = true_laws(chain)
    envs = SeededEnvs(lambda: RewardChainCopies(chain, algorithm.n_envs), seeds, "cpu")
    envs.reset()
    steps = rollouts * algorithm.rollout_steps * algorithm.n_envs
    learner = algorithm.learner(Spec.of(envs.envs[0]), seeds, steps=steps, device="cpu")
    means, marks = chain.moments()[0], {round((k + 1) * rollouts / checks) for k in range(checks)}
    updates, distances, errors, spent = [0], [], [], 0.0
    told = told_laws(learner)
    distances.append(law_distances(told, laws).tolist())
    errors.append((mean(told).numpy() - means).tolist())
    for rollout in range(rollouts):
        began = time.process_time()
        for _ in range(algorithm.rollout_steps):
            learner.observe(envs.step(learner.act(envs)), envs)
        learner.learn()
        spent += time.process_time() - began
        if rollout + 1 in marks:
            told = told_laws(learner)
            updates.append((rollout + 1) * algorithm.epochs * algorithm.minibatches)
            distances.append(law_distances(told, laws).tolist())
            errors.append((mean(told).numpy() - means).tolist())
    shown = [[part[0, state].tolist() for part in told] for state in range(len(laws))]
    return {
        "updates": updates,
        "distances": distances,
        "mean_errors": errors,
        "told": shown,
        "cpu_seconds": spent,
    }
