"""Choosing actions: the best, or by chance any that is allowed; and random numbers that each seed has to itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from marlgt.deep.losses.targets import greedy

__all__ = ["epsilon_greedy", "seeded_generators"]


def seeded_generators(seeds: Sequence[int], purpose: int, device: str | torch.device = "cpu") -> list[torch.Generator]:
    """Return a generator for each seed, apart from those for other purposes.

    Parameters
    ----------
    seeds : sequence of int
        Not negative.
    purpose : int
        A number for what is drawn from them.
    """
    generators = []
    for seed in seeds:
        state = np.random.SeedSequence([int(seed), purpose]).generate_state(1, np.uint64)[0]
        generators.append(torch.Generator(device).manual_seed(int(state >> np.uint64(1))))
    return generators


def epsilon_greedy(
    values: Tensor, allowed: Tensor | None, epsilon: float, generators: Sequence[torch.Generator]
) -> Tensor:
    """Return each agent's best action, or with probability `epsilon`, for each agent apart, any that is allowed.

    Parameters
    ----------
    values : Tensor, shape (S, B, n, A)
    allowed : Tensor of bool, shape (S, B, n, A), or None
    epsilon : float
    generators : sequence of torch.Generator
        One for each seed.

    Returns
    -------
    Tensor of int64, shape (S, B, n)
    """
    best = greedy(values, allowed)
    if epsilon <= 0:
        return best
    shape = (*values.shape[1:-1], values.shape[-1] + 1)
    draws = torch.stack([torch.rand(shape, generator=each, device=values.device) for each in generators])
    chances = draws[..., :-1]
    if allowed is not None:
        chances = chances.masked_fill(~allowed, -1.0)
    return torch.where(draws[..., -1] < epsilon, chances.argmax(-1), best)
