"""Neural layers for many networks at once: every parameter is stacked along a first axis of N = seeds x networks.

A layer maps ``(N, rows, in)`` to ``(N, rows, out)``: network i sees only the i-th slice, and one product serves all.
Parameters start at zero; `marlgt.deep.networks.initialising.initialise` draws them, seed by seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from marlgt.deep.networks.initialising import orthogonal_rows, seed_rows, uniform_rows
from marlgt.deep.networks.products import affine, elu
from marlgt.deep.networks.recurrence import gated_recurrence
from marlgt.errors import GameError

__all__ = ["GRU", "MLP", "GRUCell", "LayerNorm", "Linear", "NoisyLinear"]

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "elu": elu,
}


class Linear(nn.Module):
    """N affine maps ``x W + b``.

    Parameters
    ----------
    n_networks, n_inputs, n_outputs : int
    orthogonal : float, optional
        Gain of an orthogonal first weight with zero bias. Without it weight and bias are uniform on ±1/√in, which is
        PyTorch's own law.
    """

    def __init__(self, n_networks: int, n_inputs: int, n_outputs: int, *, orthogonal: float | None = None) -> None:
        super().__init__()
        _check_sizes(n_networks, n_inputs, n_outputs)
        self.orthogonal = orthogonal
        self.weight = nn.Parameter(torch.zeros(n_networks, n_inputs, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_networks, 1, n_outputs))

    def draw(self, generators: Sequence[torch.Generator]) -> None:
        """Draw the first weights, seed by seed."""
        if self.orthogonal is None:
            bound = 1.0 / math.sqrt(self.weight.shape[1])
            uniform_rows(self.weight, bound, generators)
            uniform_rows(self.bias, bound, generators)
        else:
            orthogonal_rows(self.weight, self.orthogonal, generators)
            self.bias.detach().zero_()

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``(N, rows, in)`` to ``(N, rows, out)``."""
        return affine(inputs, self.weight, self.bias)


class NoisyLinear(nn.Module):
    """N affine maps whose weights carry learned, factorised Gaussian noise.

    ``W = μ + σ ∘ (f(ε_in) f(ε_out)ᵀ)`` and ``b = μ_b + σ_b ∘ f(ε_out)`` with ``f(x) = sign(x) √|x|``. The noise stays
    until `redraw`. Means alone serve in evaluation mode (``.eval()``) and while ``noisy`` is False.

    Parameters
    ----------
    n_networks, n_inputs, n_outputs : int
    sigma : float
        σ₀: every σ begins at σ₀/√in.

    References
    ----------
    M. Fortunato et al. (2018), *Noisy networks for exploration*, ICLR, equations 9-11 and section 3.2.
    """

    weight_noise: Tensor
    bias_noise: Tensor

    def __init__(self, n_networks: int, n_inputs: int, n_outputs: int, sigma: float = 0.5) -> None:
        super().__init__()
        _check_sizes(n_networks, n_inputs, n_outputs)
        self.sigma = sigma
        self.noisy = True
        self.weight = nn.Parameter(torch.zeros(n_networks, n_inputs, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_networks, 1, n_outputs))
        self.weight_sigma = nn.Parameter(torch.zeros(n_networks, n_inputs, n_outputs))
        self.bias_sigma = nn.Parameter(torch.zeros(n_networks, 1, n_outputs))
        self.register_buffer("weight_noise", torch.zeros(n_networks, n_inputs, n_outputs))
        self.register_buffer("bias_noise", torch.zeros(n_networks, 1, n_outputs))

    def draw(self, generators: Sequence[torch.Generator]) -> None:
        """Draw the first means and the first noise, seed by seed."""
        scale = 1.0 / math.sqrt(self.weight.shape[1])
        uniform_rows(self.weight, scale, generators)
        uniform_rows(self.bias, scale, generators)
        self.weight_sigma.detach().fill_(self.sigma * scale)
        self.bias_sigma.detach().fill_(self.sigma * scale)
        self.redraw(generators)

    def redraw(self, generators: Sequence[torch.Generator]) -> None:
        """Draw new noise; that of seed s comes from ``generators[s]`` alone."""
        _, n_inputs, n_outputs = self.weight.shape
        of_biases = seed_rows(self.bias_noise, generators)
        for (rows, generator), (bias_rows, _) in zip(seed_rows(self.weight_noise, generators), of_biases):
            shape = (rows.shape[0], n_inputs + n_outputs)
            noise = torch.randn(shape, generator=generator, device=generator.device).to(rows.device)
            noise = noise.sign() * noise.abs().sqrt()
            torch.mul(noise[:, :n_inputs, None], noise[:, None, n_inputs:], out=rows)
            bias_rows.copy_(noise[:, None, n_inputs:])

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``(N, rows, in)`` to ``(N, rows, out)``."""
        if not (self.noisy and self.training):
            return affine(inputs, self.weight, self.bias)
        weight = torch.addcmul(self.weight, self.weight_sigma, self.weight_noise)
        return affine(inputs, weight, torch.addcmul(self.bias, self.bias_sigma, self.bias_noise))


class LayerNorm(nn.Module):
    """N layer normalisations: each row is brought to mean 0 and variance 1, then scaled and shifted.

    Parameters
    ----------
    n_networks, n_features : int

    References
    ----------
    J. L. Ba, J. R. Kiros, G. E. Hinton (2016), *Layer normalization*, arXiv:1607.06450, equation 4.
    """

    def __init__(self, n_networks: int, n_features: int) -> None:
        super().__init__()
        _check_sizes(n_networks, n_features)
        self.scale = nn.Parameter(torch.ones(n_networks, 1, n_features))
        self.shift = nn.Parameter(torch.zeros(n_networks, 1, n_features))

    def draw(self, generators: Sequence[torch.Generator]) -> None:
        """Set the scales to 1 and the shifts to 0: nothing is random."""
        self.scale.detach().fill_(1.0)
        self.shift.detach().zero_()

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``(N, rows, features)`` to the same shape."""
        return torch.addcmul(self.shift, torch.nn.functional.layer_norm(inputs, inputs.shape[-1:]), self.scale)


class MLP(nn.Module):
    """N perceptrons: affine layers with an activation between them, and none after the last unless asked.

    Parameters
    ----------
    n_networks : int
    sizes : sequence of int
        Widths from the inputs to the outputs: ``(4, 64, 64, 2)`` has two hidden layers.
    activation : {"relu", "tanh", "elu"}
    normalised : bool
        Whether a layer normalisation stands before every activation.
    orthogonal : float, optional
        Gain of the orthogonal first weights of the hidden layers; the last layer takes ``last_gain``.
    last_gain : float
    activate_last : bool
        Whether an activation (and normalisation) also follows the last layer, as in a torso; it then takes the gain of
        the hidden layers.
    """

    def __init__(
        self,
        n_networks: int,
        sizes: Sequence[int],
        activation: str = "relu",
        normalised: bool = False,
        *,
        orthogonal: float | None = None,
        last_gain: float = 1.0,
        activate_last: bool = False,
    ) -> None:
        super().__init__()
        if len(sizes) < 2:
            raise GameError(f"sizes must run from the inputs to the outputs, got {list(sizes)}: give at least two")
        if activation not in _ACTIVATIONS:
            raise GameError(
                f"activation must be one of {', '.join(_ACTIVATIONS)}, got {activation!r}: choose one of these"
            )
        self.activation = activation
        self.activated = len(sizes) - 1 if activate_last else len(sizes) - 2
        gains = [
            last_gain if orthogonal is not None and index >= self.activated else orthogonal
            for index in range(len(sizes) - 1)
        ]
        # A tuple beside the ModuleList: walking the latter costs as much as a product of a small network.
        self._stack = tuple(
            Linear(n_networks, n_inputs, n_outputs, orthogonal=gain)
            for n_inputs, n_outputs, gain in zip(sizes, sizes[1:], gains)
        )
        self.layers = nn.ModuleList(self._stack)
        self.norms = (
            nn.ModuleList(LayerNorm(n_networks, size) for size in sizes[1 : 1 + self.activated]) if normalised else None
        )

    @property
    def affine_maps(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """Weight and bias of each layer."""
        return tuple((layer.weight, layer.bias) for layer in self._stack)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``(N, rows, sizes[0])`` to ``(N, rows, sizes[-1])``."""
        activate, norms = _ACTIVATIONS[self.activation], self.norms
        hidden = inputs
        for index, (weight, bias) in enumerate(self.affine_maps):
            hidden = affine(hidden, weight, bias)
            if index < self.activated:
                hidden = activate(hidden if norms is None else norms[index](hidden))
        return hidden


class GRUCell(nn.Module):
    """N gated recurrent units, one step at a time, with the gates of `torch.nn.GRUCell`.

    With reset r, update z and candidate c, ``r = σ(x W_r + b_r + h U_r + d_r)``, likewise z,
    ``c = tanh(x W_c + b_c + r ∘ (h U_c + d_c))`` and ``h' = (1 - z) ∘ c + z ∘ h``. The gates stand side by side, in
    the order r, z, c, in the last axis of every parameter.

    Parameters
    ----------
    n_networks, n_inputs, n_hidden : int

    References
    ----------
    K. Cho et al. (2014), *Learning phrase representations using RNN encoder-decoder for statistical machine
    translation*, EMNLP, equations 5-8; the reset gate acts after the product, as in cuDNN.
    """

    def __init__(self, n_networks: int, n_inputs: int, n_hidden: int) -> None:
        super().__init__()
        _check_sizes(n_networks, n_inputs, n_hidden)
        self.n_hidden = n_hidden
        self.weight_input = nn.Parameter(torch.zeros(n_networks, n_inputs, 3 * n_hidden))
        self.weight_hidden = nn.Parameter(torch.zeros(n_networks, n_hidden, 3 * n_hidden))
        self.bias_input = nn.Parameter(torch.zeros(n_networks, 1, 3 * n_hidden))
        self.bias_hidden = nn.Parameter(torch.zeros(n_networks, 1, 3 * n_hidden))

    def draw(self, generators: Sequence[torch.Generator]) -> None:
        """Draw all parameters uniformly on ±1/√H, seed by seed."""
        for parameter in (self.weight_input, self.weight_hidden, self.bias_input, self.bias_hidden):
            uniform_rows(parameter, 1.0 / math.sqrt(self.n_hidden), generators)

    def forward(self, inputs: Tensor, hidden: Tensor) -> Tensor:
        """Map inputs ``(N, rows, in)`` and memory ``(N, rows, H)`` to the next memory ``(N, rows, H)``."""
        return self._run(inputs.unsqueeze(1), hidden, None).squeeze(1)

    def _run(self, inputs: Tensor, hidden: Tensor, kept: Tensor | None) -> Tensor:
        return gated_recurrence(
            inputs, hidden, kept, self.weight_input, self.weight_hidden, self.bias_input, self.bias_hidden
        )


class GRU(GRUCell):
    """N gated recurrent units over a window of L steps; a single step is ``step(inputs, hidden)``.

    Parameters
    ----------
    n_networks, n_inputs, n_hidden : int
    """

    def step(self, inputs: Tensor, hidden: Tensor) -> Tensor:
        """Advance one step, as `GRUCell`: ``(N, rows, in)``, ``(N, rows, H)`` to ``(N, rows, H)``."""
        return super().forward(inputs, hidden)

    def forward(self, inputs: Tensor, hidden: Tensor | None = None, starts: Tensor | None = None) -> Tensor:
        """Run over a window.

        Parameters
        ----------
        inputs : Tensor, shape (N, L, rows, in)
        hidden : Tensor, shape (N, rows, H), optional
            Memory before the first step; without it, zeros.
        starts : bool Tensor, shape (N, L, rows), optional
            Where an episode begins: memory is cleared before that step.

        Returns
        -------
        Tensor, shape (N, L, rows, H)
            Memory after each step.
        """
        if hidden is None:
            hidden = inputs.new_zeros(inputs.shape[0], inputs.shape[2], self.n_hidden)
        kept = None if starts is None else (~starts).to(inputs.dtype).unsqueeze(-1)
        return self._run(inputs, hidden, kept)

    def step_from(self, memories: Tensor, inputs: Tensor) -> Tensor:
        """Advance one step from every memory of a window, all at once.

        It serves values of next states: from the memory after step t, one step with what step t led to.

        Parameters
        ----------
        memories : Tensor, shape (N, L, rows, H)
        inputs : Tensor, shape (N, L, rows, in)

        Returns
        -------
        Tensor, shape (N, L, rows, H)
        """
        return self.step(inputs.flatten(1, 2), memories.flatten(1, 2)).view(memories.shape)


def _check_sizes(*sizes: int) -> None:
    if min(sizes) < 1:
        raise GameError(f"a layer needs at least one network, input and output, got sizes {sizes}: give positive sizes")
