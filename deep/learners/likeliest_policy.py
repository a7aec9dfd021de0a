"""Policies as they are judged: by their likeliest actions, or as they are, with random actions among them or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from marlgt.deep.networks.policy_networks import PolicyNetwork

__all__ = ["LikeliestPolicy"]


class LikeliestPolicy:
    """The likeliest action of a choice, the mean of a Gaussian; it remembers what recurrent networks remember.

    Parameters
    ----------
    module : PolicyNetwork
        For S seeds.
    law : object
        Of actions; see :mod:`marlgt.deep.policies`.
    """

    def __init__(self, module: PolicyNetwork, law: Any) -> None:
        self.module, self.law = module, law
        self._memory: Tensor | None = None
        self._epsilon = 0.0
        self._drawing: Sequence[torch.Generator] = ()
        self._exploring: Sequence[torch.Generator] = ()

    def draw(self, generators: Sequence[torch.Generator]) -> None:
        """Draw actions from the policy from now on, by one generator for each seed: play it as it is."""
        self._drawing = generators

    def explore(self, epsilon: float, generators: Sequence[torch.Generator]) -> None:
        """Take so large a share of random actions from now on, drawn from one generator for each seed."""
        self._epsilon, self._exploring = epsilon, generators

    def begin(self) -> None:
        """Forget: all environments begin anew."""
        self._memory = None

    @torch.no_grad()
    def act(self, observations: Tensor, allowed: Tensor | None = None) -> Tensor:
        """Return the actions in observations of shape (S, B, n, D)."""
        outputs, self._memory = self.module.act(observations, self._memory)
        outputs = self.law.masked(outputs, allowed)
        actions: Tensor = self.law.sample(outputs, self._drawing) if self._drawing else self.law.mode(outputs)
        if self._epsilon <= 0.0:
            return actions
        lots = _uniform(observations.shape[1:3], self._exploring).view(*actions.shape[:3], *(1,) * (actions.dim() - 3))
        return torch.where(lots < self._epsilon, self._at_random(outputs, actions, allowed), actions)

    def _at_random(self, outputs: Tensor, actions: Tensor, allowed: Tensor | None) -> Tensor:
        """Return actions all of which are equally likely, and allowed."""
        if actions.is_floating_point():
            return 2.0 * _uniform(actions.shape[1:], self._exploring) - 1.0
        drawn: Tensor = self.law.sample(self.law.masked(torch.zeros_like(outputs), allowed), self._exploring)
        return drawn


def _uniform(shape: Sequence[int], generators: Sequence[torch.Generator]) -> Tensor:
    """Return numbers from 0 to 1, shape (S, ...)."""
    return torch.stack([torch.rand(tuple(shape), generator=each, device=each.device) for each in generators])
