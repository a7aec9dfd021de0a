"""What a critic says of what each step of a rollout led to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

__all__ = ["Judge", "following_outputs"]


class Judge(Protocol):
    """Whatever holds a critic, such as a :class:`marlgt.deep.networks.policy_networks.PolicyNetwork`."""

    def following_values(self, reached: Tensor, states: Tensor | None, features: Tensor) -> Tensor:
        """Return the critic's outputs in what steps led to, given the features of the steps; (S, L, R, n, O)."""


def following_outputs(module: Judge, kept: Mapping[str, Tensor], outputs: Tensor, features: Tensor) -> Tensor:
    """Return the critic's outputs in what each step led to, shape (S, T, B, n, O).

    Within an episode that is what it says of the next step; only the last steps, and those at which an episode was
    stopped, are looked at anew. Where an episode terminated it does not matter.

    Parameters
    ----------
    module : Judge
    kept : mapping of str to Tensor
        The fields of a rollout: ``reached, truncated`` and, where the critic sees states, ``reached_states``.
    outputs : Tensor, shape (S, T, B, n, O)
        What the critic says of each step.
    features : Tensor, shape (S * K, T, rows, F)
        What that comes from.
    """
    reached, states = kept["reached"], kept.get("reached_states")
    last_states = None if states is None else states[:, -1:]
    last = module.following_values(reached[:, -1:], last_states, features[:, -1:])
    following = torch.cat((outputs[:, 1:], last), dim=1)
    truncated = kept["truncated"]
    if not bool(truncated.any()):
        return following
    everywhere = module.following_values(reached, states, features)
    marks = truncated.view(*truncated.shape, *(1,) * (outputs.dim() - 3))
    return torch.where(marks, everywhere, following)
