"""Learners of values as they are judged: by their best actions, with random ones among them or not."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from marlgt.deep.algorithms.value_algorithm import ValueAlgorithm
from marlgt.deep.exploration import epsilon_greedy
from marlgt.deep.networks.layers import NoisyLinear

__all__ = ["GreedyPolicy"]


class GreedyPolicy:
    """The best action for every agent of every seed; it remembers what a recurrent network remembers.

    Parameters
    ----------
    algorithm : ValueAlgorithm
    module : nn.Module
        Its networks, for S seeds.
    """

    def __init__(self, algorithm: ValueAlgorithm, module: nn.Module) -> None:
        self.algorithm, self.module = algorithm, module
        self._memory: Tensor | None = None
        self._noisy = [layer for layer in module.modules() if isinstance(layer, NoisyLinear)]
        self._epsilon: float = 0.0
        self._generators: Sequence[torch.Generator] = ()

    def explore(self, epsilon: float, generators: Sequence[torch.Generator]) -> None:
        """Take so large a share of random actions from now on, drawn from one generator for each seed."""
        self._epsilon, self._generators = epsilon, generators

    def begin(self) -> None:
        """Forget: all environments begin anew."""
        self._memory = None

    @torch.no_grad()
    def act(self, observations: Tensor, allowed: Tensor | None = None) -> Tensor:
        """Return the actions, shape (S, B, n), in observations of shape (S, B, n, D)."""
        for layer in self._noisy:
            layer.noisy = False
        try:
            values, self._memory = self.algorithm.values(self.module, observations, self._memory)
        finally:
            for layer in self._noisy:
                layer.noisy = True
        return epsilon_greedy(values, allowed, self._epsilon, self._generators)
