"""A gated recurrent unit over a window, with its gradient written by hand.

Eager autograd records some fifteen nodes a step; here the whole window is one, its inputs are projected by one product,
and its weights get their gradients from one product. Gradients of gradients are had from PyTorch's own nodes, within
:func:`differentiable_twice`.

With gates r, z, candidate c = tanh(a + r u) and u the candidate's product with the memory h, the step is
h' = (1 - z) c + z h. The gradient of every sum is that of h' times a number known from the forward pass::

    ∂h'/∂a   = κ,           κ = (1 - z) (1 - c²)
    ∂h'/∂u   = κ r
    ∂h'/∂a_r = κ u r (1 - r)
    ∂h'/∂a_z = (h - c) z (1 - z)

so these factors are made for all steps at once, and the way back through time is a product, two multiplications and an
addition a step.

The same was measured for perceptrons and did not pay: PyTorch's own nodes for a product and a ReLU are as few.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from marlgt.deep.networks.products import affine, sigmoid_, times_transposed
from marlgt.errors import GameError

__all__ = ["differentiable_twice", "gated_recurrence"]


class _Given(NamedTuple):
    """What :func:`gated_recurrence` is given."""

    inputs: Tensor
    hidden: Tensor
    kept: Tensor | None
    weight_input: Tensor
    weight_hidden: Tensor
    bias_input: Tensor
    bias_hidden: Tensor


def gated_recurrence(
    inputs: Tensor,
    hidden: Tensor,
    kept: Tensor | None,
    weight_input: Tensor,
    weight_hidden: Tensor,
    bias_input: Tensor,
    bias_hidden: Tensor,
) -> Tensor:
    """Run a gated recurrent unit over a window.

    Parameters
    ----------
    inputs : Tensor, shape (N, L, rows, in)
    hidden : Tensor, shape (N, rows, H)
    kept : Tensor, shape (N, L, rows, 1), optional
        Factor of the memory before each step: 0 clears it.
    weight_input : Tensor, shape (N, in, 3 H)
    weight_hidden : Tensor, shape (N, H, 3 H)
    bias_input, bias_hidden : Tensor, shape (N, 1, 3 H)
        Gates stand in the order reset, update, candidate.

    Returns
    -------
    Tensor, shape (N, L, rows, H)
    """
    given = _Given(inputs, hidden, kept, weight_input, weight_hidden, bias_input, bias_hidden)
    if torch.is_grad_enabled() and _plainly:
        return _by_autograd(given)
    if torch.is_grad_enabled():
        return cast(Tensor, cast(Any, _Recurrence).apply(*given))
    return _window(given)[0]


@contextmanager
def differentiable_twice() -> Iterator[None]:
    """Run windows by PyTorch's own nodes while this lasts, several a step: gradients of gradients pass through them."""
    global _plainly
    before, _plainly = _plainly, True
    try:
        yield
    finally:
        _plainly = before


_plainly = False


def _by_autograd(given: _Given) -> Tensor:
    inputs, hidden, kept, weight_input, weight_hidden, bias_input, bias_hidden = given
    size = hidden.shape[-1]
    memories = []
    for step, entering in enumerate(inputs.unbind(1)):
        if kept is not None:
            hidden = hidden * kept[:, step]
        projected, recalled = affine(entering, weight_input, bias_input), affine(hidden, weight_hidden, bias_hidden)
        # By tanh, as sigmoid_ does where a number's bits must not depend on its place.
        gates = 0.5 * (1.0 + torch.tanh(0.5 * (projected[..., : 2 * size] + recalled[..., : 2 * size])))
        reset, update = torch.split(gates, size, -1)
        candidate = torch.tanh(projected[..., 2 * size :] + reset * recalled[..., 2 * size :])
        hidden = candidate + update * (hidden - candidate)
        memories.append(hidden)
    return torch.stack(memories, 1)


def _window(given: _Given) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Give memories after and before each step, both gates, candidates, and the candidates' products with memory."""
    inputs, hidden, kept, weight_input, weight_hidden, bias_input, bias_hidden = given
    n_networks, length, rows, _ = inputs.shape
    size = hidden.shape[-1]
    projected = affine(inputs.flatten(1, 2), weight_input, bias_input).view(n_networks, length, rows, 3 * size)
    memories, before, candidates, recalled = projected.new_empty(4, n_networks, length, rows, size).unbind(0)
    gates = projected.new_empty(n_networks, length, rows, 2 * size)
    for gate, update, reset, candidate, recall, memory, past, keep, from_gates, from_candidate in zip(
        gates.unbind(1),
        gates[..., size:].unbind(1),
        gates[..., :size].unbind(1),
        candidates.unbind(1),
        recalled.unbind(1),
        memories.unbind(1),
        before.unbind(1),
        (None,) * length if kept is None else kept.unbind(1),
        projected[..., : 2 * size].unbind(1),
        projected[..., 2 * size :].unbind(1),
    ):
        if keep is None:
            past.copy_(hidden)
        else:
            torch.mul(hidden, keep, out=past)
        to_gates, to_candidate = torch.split(affine(past, weight_hidden, bias_hidden), [2 * size, size], -1)
        sigmoid_(torch.add(from_gates, to_gates, out=gate))
        recall.copy_(to_candidate)
        torch.addcmul(from_candidate, reset, to_candidate, out=candidate).tanh_()
        hidden = torch.lerp(candidate, past, update, out=memory)
    return memories, before, gates, candidates, recalled


def _refuse_second_order() -> None:
    if torch.is_grad_enabled():
        raise GameError(
            "gradients of gradients do not pass through a recurrent window, but create_graph was set: "
            "call backward without it, or make the window within differentiable_twice()"
        )


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *tensors: Any) -> Tensor:
        given = _Given(*tensors)
        memories, *steps = _window(given)
        ctx.save_for_backward(given.inputs, given.kept, given.weight_input, given.weight_hidden, *steps)
        return memories

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        _refuse_second_order()
        inputs, kept, weight_input, weight_hidden, before, gates, candidates, recalled = ctx.saved_tensors
        length, size = inputs.shape[1], before.shape[-1]
        reset, update = gates[..., :size], gates[..., size:]
        candidate_factor = (1 - update) * (1 - candidates * candidates)
        factors = before.new_empty(*before.shape[:3], 3, size)
        slopes = gates * (1 - gates)
        torch.mul(candidate_factor * recalled, slopes[..., :size], out=factors[..., 0, :])
        torch.mul(before - candidates, slopes[..., size:], out=factors[..., 1, :])
        torch.mul(candidate_factor, reset, out=factors[..., 2, :])
        arriving = torch.empty_like(before)
        leaving = torch.empty_like(factors)
        keeps = None if kept is None else kept.unbind(1)
        updates, gradients, arrivals = update.unbind(1), gradient.unbind(1), arriving.unbind(1)
        factor_steps, leaving_steps = factors.unbind(1), leaving.unbind(1)
        carried: Tensor | None = None
        for step in range(length - 1, -1, -1):
            arrival = arrivals[step]
            if carried is None:
                arrival.copy_(gradients[step])
            else:
                torch.add(gradients[step], carried, out=arrival)
            torch.mul(arrival.unsqueeze(2), factor_steps[step], out=leaving_steps[step])
            carried = times_transposed(leaving_steps[step].flatten(2), weight_hidden).addcmul_(arrival, updates[step])
            if keeps is not None:
                carried.mul_(keeps[step])
        to_hidden = leaving.view(leaving.shape[0], -1, 3 * size)
        weight_hidden_gradient = torch.bmm(before.flatten(1, 2).mT, to_hidden)
        bias_hidden_gradient = to_hidden.sum(1, keepdim=True)
        # Sums from inputs and from memory have one gradient, but for the candidate's: the reset gate scales the latter.
        torch.mul(candidate_factor, arriving, out=leaving[..., 2, :])
        weight_input_gradient = torch.bmm(inputs.flatten(1, 2).mT, to_hidden)
        bias_input_gradient = to_hidden.sum(1, keepdim=True)
        inputs_gradient = None
        if ctx.needs_input_grad[0]:
            inputs_gradient = times_transposed(to_hidden, weight_input).view(inputs.shape)
        return (
            inputs_gradient,
            carried,
            None,
            weight_input_gradient,
            weight_hidden_gradient,
            bias_input_gradient,
            bias_hidden_gradient,
        )
