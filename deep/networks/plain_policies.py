"""Policies and critics of plain perceptrons, and their gradients, without automatic differentiation of their layers.

What is to be descended on differs from algorithm to algorithm, and is left to autograd; but it begins at the outputs
of the last layers, and from there back through the layers there is one way for all. With ``h_{k+1} = f(h_k W_k + b_k)``
and g_k the gradient of the sum before f::

    ∂/∂W_k = h_kᵀ g_k,    ∂/∂b_k = sum of the rows of g_k,    g_{k-1} = (g_k W_kᵀ) f'(h_k)

where both derivatives need no more than the output: ``1 - h²`` of the hyperbolic tangent, ``h > 0`` of relu. On
batches of some thousand rows this takes half the time, since products with few columns are taken transposed, which
their library does some times faster, and since the hyperbolic tangent is ``2 σ(2 x) - 1``, true to 1e-7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from marlgt.deep.critics.mixture import MixtureCritic
from marlgt.deep.critics.scalar import ScalarCritic
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.layers import Linear
from marlgt.deep.networks.one_hot_products import add_picked_gradient, picked_rows, picked_sums
from marlgt.deep.networks.policy_networks import Memories, PolicyNetwork
from marlgt.deep.networks.products import affine
from marlgt.deep.policies.heads import PolicyHead

__all__ = ["PlainLayers", "PlainPolicies"]

_FEW = 16
"""Columns below which a product is taken transposed."""

_LANES = 16


def _tanh_(values: Tensor) -> Tensor:
    # The logistic function of what is left after blocks of 16 numbers is another; see `products`.
    return values.mul_(2.0).sigmoid_().mul_(2.0).sub_(1.0) if values[0].numel() % _LANES == 0 else values.tanh_()


def _tanh_slope(gradient: Tensor, after: Tensor) -> Tensor:
    slope: Tensor = torch.ops.aten.tanh_backward(gradient, after)
    return slope


def _relu_slope(gradient: Tensor, after: Tensor) -> Tensor:
    slope: Tensor = torch.ops.aten.threshold_backward(gradient, after, 0)
    return slope


_ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "tanh": (_tanh_, _tanh_slope),
    "relu": (torch.relu_, _relu_slope),
}
_HEADS: dict[type, str] = {PolicyHead: "linear", ScalarCritic: "layer", MixtureCritic: "layer"}
"""Where each kind of head keeps its affine map."""


class _Pass(NamedTuple):
    """What a forward pass leaves for the way back."""

    layers: PlainLayers
    entering: list[Tensor]
    outputs: Tensor
    seen: Tensor | None = None


class PlainLayers:
    """The products of an :class:`AgentNetwork` of plain layers; its weights are those of the network.

    Parameters
    ----------
    agents : AgentNetwork
        One for which :meth:`of` gives something.
    """

    def __init__(self, agents: AgentNetwork) -> None:
        self.agents, self.head = agents, agents.head
        last: Linear = getattr(agents.head, _HEADS[type(agents.head)])
        self.layers = (*agents.torso.affine_maps, (last.weight, last.bias))
        self._activate, self._slope = _ACTIVATIONS[agents.torso.activation]
        numbers = agents.numbers
        self.picks = numbers is not None and numbers.device.type == "cpu" and not agents.n_plain

    @classmethod
    def of(cls, agents: AgentNetwork) -> PlainLayers | None:
        """Return it, or None for memory, normalisation, padded groups, and other heads or activations."""
        if (
            type(agents) is not AgentNetwork
            or type(agents.head) not in _HEADS
            or agents.recurrent
            or agents.torso.norms is not None
            or agents.torso.activation not in _ACTIVATIONS
            or agents.sharing.n_networks * agents.sharing.group_size != agents.sharing.n_agents
        ):
            return None
        return cls(agents)

    @torch.no_grad()
    def outputs(self, observations: Tensor, rows: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """Return the outputs, shape (S, L, R, n, O), and what enters each layer, shape (S K, rows, inputs) each.

        Where `picks`, what enters the first is which of its rows are picked; see :mod:`.one_hot_products`.

        Parameters
        ----------
        observations : Tensor, shape (S, L, R, n, D)
        rows : Tensor, shape (S K, rows, inputs), optional
            What enters the first layer, where it is known already.
        """
        entering = [self._first(observations.flatten(1, 2)) if rows is None else rows]
        for number, (weight, bias) in enumerate(self.layers[:-1]):
            product = picked_sums if self.picks and not number else _mapped
            entering.append(self._activate(product(entering[-1], weight, bias)))
        told = _mapped(entering[-1], *self.layers[-1])
        if isinstance(self.head, PolicyHead) and self.head.log_scales is not None:
            told = torch.cat((told, self.head.bounded_log_scales().expand(-1, told.shape[1], -1)), dim=-1)
        collected = self.agents.sharing.collect(told)
        return collected.view(*observations.shape[:-1], told.shape[-1]), entering

    def _first(self, observations: Tensor) -> Tensor:
        numbers = self.agents.numbers
        if numbers is None or not self.picks:
            return self.agents.rows(observations)
        return self.agents.sharing.spread(picked_rows(observations, numbers, told=self.agents.ids is not None))

    @torch.no_grad()
    def pull_back(self, entering: list[Tensor], gradient: Tensor) -> None:
        """Add the gradients of the weights to theirs, given that of the outputs, shape (S, L, R, n, O)."""
        arriving = self.agents.sharing.spread(gradient.flatten(1, 2))
        if isinstance(self.head, PolicyHead) and self.head.log_scales is not None:
            width = self.layers[-1][0].shape[2]
            self.head.pull_back_log_scales(arriving[..., width:].contiguous().sum(1, keepdim=True))
            arriving = arriving[..., :width]
        # A strided product may round otherwise than the same one whose rows are neighbours.
        arriving = arriving.contiguous()
        for number in range(len(self.layers) - 1, -1, -1):
            (weight, bias), inputs = self.layers[number], entering[number]
            add = add_picked_gradient if self.picks and not number else _add_weight_gradient
            add(_gradient(weight), inputs, arriving)
            _gradient(bias).add_(arriving.sum(1, keepdim=True))
            if number:
                arriving = self._slope(_input_gradient(arriving, weight), inputs)


class PlainPolicies:
    """A :class:`PolicyNetwork` of plain layers, whose outputs are where autograd ends.

    After the backward pass of something made of the outputs, :meth:`pull_back` brings their gradients to the weights.

    Parameters
    ----------
    module : PolicyNetwork
        One for which :meth:`of` gives something.
    actors, critics : PlainLayers
    """

    def __init__(self, module: PolicyNetwork, actors: PlainLayers, critics: PlainLayers) -> None:
        self.module, self.actors, self.critics = module, actors, critics
        self._passes: list[_Pass] = []

    @classmethod
    def of(cls, module: nn.Module) -> PlainPolicies | None:
        """Return it, or None where some layer is not plain, or policy and critic share layers."""
        if type(module) is not PolicyNetwork or module.critics is None:
            return None
        actors, critics = PlainLayers.of(module.actors), PlainLayers.of(module.critics)
        return None if actors is None or critics is None else cls(module, actors, critics)

    def act(self, observations: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """As :meth:`PolicyNetwork.act`."""
        return self.actors.outputs(self.module.scaled(observations).unsqueeze(1))[0].squeeze(1), memory

    def following_values(self, reached: Tensor, states: Tensor | None, features: Tensor) -> Tensor:
        """As :meth:`PolicyNetwork.following_values`."""
        return self.critics.outputs(self.module.judged(reached, states))[0]

    def policies(self, observations: Tensor, memories: Memories, starts: Tensor | None) -> tuple[Tensor, Tensor]:
        """As :meth:`PolicyNetwork.policies`."""
        told = self._passed(self.actors, self.module.scaled(observations))
        if self._passes:
            self._passes[-1] = self._passes[-1]._replace(seen=observations)
        return told

    def values(
        self,
        observations: Tensor,
        states: Tensor | None,
        memories: Memories,
        starts: Tensor | None,
        features: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As :meth:`PolicyNetwork.values`."""
        rows = None
        # Where the critic sees what the policy sees, both networks are entered by the same numbers.
        if self.module.critic_sees == "observation" and self._passes and self._passes[-1].seen is observations:
            rows = self._passes[-1].entering[0]
        return self._passed(self.critics, self.module.judged(observations, states), rows)

    def pull_back(self) -> None:
        """Add the gradients of all weights to theirs, after a backward pass."""
        for layers, entering, outputs, _ in self._passes:
            if outputs.grad is not None:
                layers.pull_back(entering, outputs.grad)
        self._passes.clear()

    def _passed(self, layers: PlainLayers, seen: Tensor, rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
        outputs, entering = layers.outputs(seen, rows)
        if torch.is_grad_enabled():
            outputs.requires_grad_()
            self._passes.append(_Pass(layers, entering, outputs))
        features = entering[-1]
        return outputs, features.view(features.shape[0], seen.shape[1], -1, features.shape[-1])


def _gradient(parameter: Any) -> Tensor:
    gradient: Tensor = parameter.grad
    return gradient


def _mapped(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    if 1 < weight.shape[2] < _FEW and weight.shape[1] > 1:
        return torch.baddbmm(bias.mT, weight.mT, inputs.mT).mT.contiguous()
    return affine(inputs, weight, bias)


def _add_weight_gradient(total: Tensor, inputs: Tensor, gradient: Tensor) -> None:
    # Products of a single row or column round otherwise for one network than for many.
    if gradient.shape[2] == 1:
        total.add_((inputs * gradient).sum(1).unsqueeze(-1))
    elif inputs.shape[2] == 1:
        total.add_((inputs * gradient).sum(1, keepdim=True))
    elif gradient.shape[2] < _FEW:
        total.add_(torch.bmm(gradient.mT, inputs).mT)
    else:
        total.baddbmm_(inputs.mT, gradient)


def _input_gradient(gradient: Tensor, weight: Tensor) -> Tensor:
    if weight.shape[2] == 1:
        return gradient * weight.mT
    return torch.bmm(gradient, weight.mT)
