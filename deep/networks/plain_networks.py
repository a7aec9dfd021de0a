"""Values of plain perceptrons, and their gradients, without automatic differentiation.

For a network of a few thousand weights recording a graph and walking back along it costs more than its products. Here
the same operations are called in the same order as autograd would, so that values and gradients are the same bits.
With layers ``h_{k+1} = relu(h_k W_k + b_k)``, the last one without relu, and g_k the gradient of the sum before relu::

    ∂/∂W_k = h_kᵀ g_k,    ∂/∂b_k = sum of the rows of g_k,    g_{k-1} = (g_k W_kᵀ) where h_k > 0
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.heads import ExpectedHead
from marlgt.deep.networks.layers import Linear

__all__ = ["PlainNetwork"]


class PlainNetwork:
    """The products of an :class:`AgentNetwork` whose layers are all plain ones; its weights are those of the network.

    Parameters
    ----------
    agents : AgentNetwork
        One for which :meth:`of` gives something.
    """

    def __init__(self, agents: AgentNetwork) -> None:
        last: Any = cast(ExpectedHead, agents.head).streams.advantages
        self.agents, self.sharing = agents, agents.sharing
        self.layers = (*agents.torso.affine_maps, (last.weight, last.bias))

    @classmethod
    def of(cls, agents: AgentNetwork) -> PlainNetwork | None:
        """Return it, or None for memory, normalisation, two streams, noise, a hidden head, or padded groups."""
        head: Any = agents.head
        if (
            type(agents) is not AgentNetwork
            or type(head) is not ExpectedHead
            or type(head.streams.advantages) is not Linear
            or head.streams.value is not None
            or agents.recurrent
            or agents.torso.norms is not None
            or agents.sharing.n_networks * agents.sharing.group_size != agents.sharing.n_agents
        ):
            return None
        plain = cls(agents)
        # Products of a single row or column are written otherwise.
        return plain if all(min(weight.shape[1:]) > 1 for weight, _ in plain.layers) else None

    @torch.no_grad()
    def values(self, observations: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the values of all actions, and what enters each layer.

        Parameters
        ----------
        observations : Tensor, shape (S, L, R, n, D)

        Returns
        -------
        values : Tensor, shape (S, L, R, n, A)
        entering : list of Tensor, each of shape (S * K, rows, inputs)
        """
        entering = [self.agents.rows(observations.flatten(1, 2))]
        for weight, bias in self.layers[:-1]:
            entering.append(torch.relu(torch.baddbmm(bias, entering[-1], weight)))
        weight, bias = self.layers[-1]
        outputs = self.sharing.collect(torch.baddbmm(bias, entering[-1], weight))
        return outputs.view(*observations.shape[:-1], outputs.shape[-1]), entering

    @torch.no_grad()
    def pull_back(self, entering: list[Tensor], gradient: Tensor) -> None:
        """Add the gradients of the weights to theirs, given that of the values, shape (S, L, R, n, A)."""
        # A strided product may round otherwise than the same one whose rows are neighbours.
        arriving = self.sharing.spread(gradient.flatten(1, 2)).contiguous()
        for number in range(len(self.layers) - 1, -1, -1):
            (weight, bias), inputs = self.layers[number], entering[number]
            weight.grad.add_(torch.bmm(inputs.mT, arriving))
            bias.grad.add_(arriving.sum(1, keepdim=True))
            if number:
                arriving = torch.ops.aten.threshold_backward(torch.bmm(arriving, weight.mT), inputs, 0)
