"""The last layers of a value network: expected values, categorical, quantile and implicit quantile returns.

Every head is stacked over N networks and keeps one interface, so that an algorithm does not ask which it has.
``*atoms`` are the head's own axes: none, (n_atoms,), (n_quantiles,), or (2, n_samples).

    head(features (N, rows, F))           -> outputs (N, rows, A, *atoms)
    head.values(outputs (..., A, *atoms)) -> expected values (..., A), on which to act
    head.errors(outputs, actions, rewards, discounts, next_outputs, next_actions) -> Errors of shape (...)

``errors`` compares what the online network says of the actions taken with the target network's distribution
of ``r + d Z̄(s', a')``, through which no gradient flows. The caller chooses a', by :func:`greedy` of the
``values`` of the target network (DQN) or of the online network (double DQN).

A dueling head joins V and the advantages atom by atom, logits included (Hessel et al. 2018); with
``n_hidden`` each of its streams has a hidden layer of its own (Wang et al. 2016). A noisy head has
:class:`NoisyLinear` layers only (Fortunato et al. 2018), except for the implicit head's embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from marlgt.deep.losses.categorical import cross_entropy, expected_values, project, return_support
from marlgt.deep.losses.quantiles import (
    cosine_features,
    midpoints,
    quantile_huber_loss,
    require_kappa,
    sample_fractions,
)
from marlgt.deep.losses.targets import action_values, dueling, huber
from marlgt.deep.networks.layers import Linear, NoisyLinear
from marlgt.errors import GameError

__all__ = ["CategoricalHead", "Errors", "ExpectedHead", "ImplicitQuantileHead", "QuantileHead"]


class Errors(NamedTuple):
    """How far outputs are from their targets.

    Attributes
    ----------
    losses : Tensor, shape (...)
        What to descend on, element by element.
    priorities : Tensor, shape (...)
        By how much to prefer each element in prioritised replay; non-negative, without gradient.
    """

    losses: Tensor
    priorities: Tensor


class _Streams(nn.Module):
    """One stream of layers, or V and the advantages joined: features (N, rows, F) to (N, rows, A, n_atoms)."""

    def __init__(
        self,
        n_networks: int,
        n_features: int,
        n_actions: int,
        n_atoms: int,
        *,
        dueling: bool,
        noisy: bool,
        sigma: float,
        n_hidden: int,
    ) -> None:
        super().__init__()
        if n_actions < 1:
            raise GameError(f"a head gives the values of at least one action, got {n_actions}: give n_actions >= 1")
        self.n_actions, self.n_atoms = n_actions, n_atoms

        def layer(n_inputs: int, n_outputs: int) -> nn.Module:
            if noisy:
                return NoisyLinear(n_networks, n_inputs, n_outputs, sigma)
            return Linear(n_networks, n_inputs, n_outputs)

        def stream(n_outputs: int) -> nn.Module:
            if not n_hidden:
                return layer(n_features, n_outputs)
            return nn.Sequential(layer(n_features, n_hidden), nn.ReLU(), layer(n_hidden, n_outputs))

        self.advantages = stream(n_actions * n_atoms)
        self.value = stream(n_atoms) if dueling else None

    def forward(self, features: Tensor) -> Tensor:
        outputs: Tensor = self.advantages(features).unflatten(-1, (self.n_actions, self.n_atoms))
        return outputs if self.value is None else dueling(self.value(features), outputs, axis=-2)

    def joined(self, features: Tensor) -> Tensor:
        if self.value is None:
            advantages: Tensor = self.advantages.forward(features)
            return advantages
        return self.forward(features).squeeze(-1)


class ExpectedHead(nn.Module):
    """Expected returns, one number an action: DQN's last layer.

    Parameters
    ----------
    n_networks, n_features, n_actions : int
        N, F and A.
    delta : float, optional
        Where Huber's loss of the error turns straight; by default the loss is the error's square (not its half).
    dueling, noisy : bool
    sigma : float
        Initial scale of the noise, in units of 1 / sqrt(inputs).
    n_hidden : int
        Units of a hidden layer in each stream; 0 for none.

    Notes
    -----
    The priority is the absolute error (Schaul et al. 2016).
    """

    def __init__(
        self,
        n_networks: int,
        n_features: int,
        n_actions: int,
        *,
        delta: float | None = None,
        dueling: bool = False,
        noisy: bool = False,
        sigma: float = 0.5,
        n_hidden: int = 0,
    ) -> None:
        super().__init__()
        if delta is not None and not delta > 0:
            raise GameError(f"delta is where Huber's loss turns straight, got {delta}: give a number > 0, or None")
        self.delta = delta
        self.streams = _Streams(
            n_networks, n_features, n_actions, 1, dueling=dueling, noisy=noisy, sigma=sigma, n_hidden=n_hidden
        )

    def forward(self, features: Tensor) -> Tensor:
        """Give the values (N, rows, A)."""
        # One atom needs no axis: (N, rows, A) comes out of the last layer as it is.
        return self.streams.joined(features)

    def values(self, outputs: Tensor) -> Tensor:
        """Give the outputs themselves."""
        return outputs

    def errors(
        self,
        outputs: Tensor,
        actions: Tensor,
        rewards: Tensor,
        discounts: Tensor,
        next_outputs: Tensor,
        next_actions: Tensor,
    ) -> Errors:
        """Give the squared or Huber losses of ``r + d Q̄(s', a') - Q(s, a)``."""
        targets = rewards + discounts * action_values(next_outputs, next_actions)
        errors = targets.detach() - action_values(outputs, actions)
        losses = errors.square() if self.delta is None else huber(errors, self.delta)
        return Errors(losses, errors.detach().abs())


class CategoricalHead(nn.Module):
    """Logits of returns on fixed atoms: C51 (Bellemare, Dabney & Munos 2017).

    Parameters
    ----------
    n_networks, n_features, n_actions : int
    v_min, v_max : float
        The support's ends, in units of discounted return.
    n_atoms : int
    dueling, noisy, sigma, n_hidden
        See :class:`ExpectedHead`.

    Notes
    -----
    The loss is the cross-entropy, the priority the Kullback-Leibler divergence KL(target | output), which is
    the loss less the target's own entropy: Rainbow's choice (Hessel et al. 2018, section 3).
    """

    support: Tensor

    def __init__(
        self,
        n_networks: int,
        n_features: int,
        n_actions: int,
        *,
        v_min: float = -10.0,
        v_max: float = 10.0,
        n_atoms: int = 51,
        dueling: bool = False,
        noisy: bool = False,
        sigma: float = 0.5,
        n_hidden: int = 0,
    ) -> None:
        super().__init__()
        self.register_buffer("support", return_support(v_min, v_max, n_atoms), persistent=False)
        self.streams = _Streams(
            n_networks, n_features, n_actions, n_atoms, dueling=dueling, noisy=noisy, sigma=sigma, n_hidden=n_hidden
        )

    def forward(self, features: Tensor) -> Tensor:
        """Give logits (N, rows, A, n_atoms)."""
        return cast(Tensor, self.streams(features))

    def values(self, outputs: Tensor) -> Tensor:
        """Give the means of the distributions."""
        return expected_values(outputs.softmax(dim=-1), self.support)

    def errors(
        self,
        outputs: Tensor,
        actions: Tensor,
        rewards: Tensor,
        discounts: Tensor,
        next_outputs: Tensor,
        next_actions: Tensor,
    ) -> Errors:
        """Give the cross-entropies with the projections of ``r + d Z̄(s', a')``."""
        with torch.no_grad():
            next_probabilities = action_values(next_outputs, next_actions).softmax(dim=-1)
            targets = project(next_probabilities, rewards, discounts, self.support)
        losses = cross_entropy(action_values(outputs, actions), targets)
        divergences = losses.detach() + torch.xlogy(targets, targets).sum(dim=-1)
        return Errors(losses, divergences.clamp(min=0))


class QuantileHead(nn.Module):
    """Quantiles of returns at evenly spread fractions: QR-DQN (Dabney et al. 2018a).

    Parameters
    ----------
    n_networks, n_features, n_actions : int
    n_quantiles : int
    kappa : float
        Where Huber's parabola ends; 0 for the pinball loss.
    dueling, noisy, sigma, n_hidden
        See :class:`ExpectedHead`.

    Notes
    -----
    The priority is the loss. Quantiles are not forced into order, nor need they be.
    """

    fractions: Tensor

    def __init__(
        self,
        n_networks: int,
        n_features: int,
        n_actions: int,
        *,
        n_quantiles: int = 51,
        kappa: float = 1.0,
        dueling: bool = False,
        noisy: bool = False,
        sigma: float = 0.5,
        n_hidden: int = 0,
    ) -> None:
        super().__init__()
        require_kappa(kappa)
        self.kappa = kappa
        self.register_buffer("fractions", midpoints(n_quantiles), persistent=False)
        self.streams = _Streams(
            n_networks, n_features, n_actions, n_quantiles, dueling=dueling, noisy=noisy, sigma=sigma, n_hidden=n_hidden
        )

    def forward(self, features: Tensor) -> Tensor:
        """Give quantiles (N, rows, A, n_quantiles)."""
        return cast(Tensor, self.streams(features))

    def values(self, outputs: Tensor) -> Tensor:
        """Give the means of the quantiles."""
        return outputs.mean(dim=-1)

    def errors(
        self,
        outputs: Tensor,
        actions: Tensor,
        rewards: Tensor,
        discounts: Tensor,
        next_outputs: Tensor,
        next_actions: Tensor,
    ) -> Errors:
        """Give the quantile Huber losses against the quantiles of ``r + d Z̄(s', a')``."""
        targets = _shifted(action_values(next_outputs, next_actions), rewards, discounts)
        losses = quantile_huber_loss(action_values(outputs, actions), targets, self.fractions, self.kappa)
        return Errors(losses, losses.detach())


class ImplicitQuantileHead(nn.Module):
    """Quantiles of returns at any fractions, which are inputs: IQN (Dabney et al. 2018b).

    The features are multiplied by ``ReLU(W cos(π i τ) + b)``, an embedding of the fraction τ.

    Parameters
    ----------
    n_networks, n_features, n_actions : int
    n_cosines : int
    kappa : float
    dueling, noisy, sigma, n_hidden
        See :class:`ExpectedHead`.
    n_midpoints : int
        Fractions without chance, unless another number is asked for.

    Notes
    -----
    An output holds the quantiles and, beside them, the fractions that they belong to: (N, rows, A, 2, n_samples).
    The number of fractions is N in the online network, N' in the target and K for acting, as the caller likes.
    The priority is the loss.
    """

    def __init__(
        self,
        n_networks: int,
        n_features: int,
        n_actions: int,
        *,
        n_cosines: int = 64,
        kappa: float = 1.0,
        dueling: bool = False,
        noisy: bool = False,
        sigma: float = 0.5,
        n_hidden: int = 0,
        n_midpoints: int = 32,
    ) -> None:
        super().__init__()
        if n_cosines < 1:
            raise GameError(f"a fraction is embedded by at least one cosine, got {n_cosines}: give n_cosines >= 1")
        require_kappa(kappa)
        self.kappa, self.n_cosines, self.n_midpoints = kappa, n_cosines, n_midpoints
        self.embedding = Linear(n_networks, n_cosines, n_features)
        self.streams = _Streams(
            n_networks, n_features, n_actions, 1, dueling=dueling, noisy=noisy, sigma=sigma, n_hidden=n_hidden
        )

    def forward(
        self, features: Tensor, generators: Sequence[torch.Generator] | None = None, n_samples: int | None = None
    ) -> Tensor:
        """Give quantiles and their fractions.

        Parameters
        ----------
        features : Tensor, shape (N, rows, F)
        generators : sequence of torch.Generator, optional
            One a seed, from which the fractions are drawn, anew for every row. Without them every row has the
            midpoints ``(2 i + 1) / 2 n_samples``, for acting without chance.
        n_samples : int, optional
            By default ``n_midpoints``.

        Returns
        -------
        Tensor, shape (N, rows, A, 2, n_samples)
        """
        n_networks, n_rows, n_features = features.shape
        n_samples = self.n_midpoints if n_samples is None else n_samples
        shape = (n_networks, n_rows, n_samples)
        if generators is None:
            fractions = midpoints(n_samples, dtype=features.dtype, device=features.device).expand(shape)
        else:
            fractions = sample_fractions(generators, n_networks, shape[1:], device=features.device).to(features.dtype)
        cosines = cosine_features(fractions, self.n_cosines).flatten(1, 2)
        embedded = self.embedding(cosines).relu().view(*shape, n_features)
        modulated = (features.unsqueeze(2) * embedded).flatten(1, 2)
        quantiles = self.streams(modulated).view(*shape, -1).transpose(2, 3)
        return torch.stack((quantiles, fractions.unsqueeze(2).expand_as(quantiles)), dim=-2)

    def values(self, outputs: Tensor) -> Tensor:
        """Give the means of the quantiles."""
        return outputs[..., 0, :].mean(dim=-1)

    def errors(
        self,
        outputs: Tensor,
        actions: Tensor,
        rewards: Tensor,
        discounts: Tensor,
        next_outputs: Tensor,
        next_actions: Tensor,
    ) -> Errors:
        """Give the quantile Huber losses of N quantiles against N' of ``r + d Z̄(s', a')``."""
        quantiles, fractions = action_values(outputs, actions).unbind(dim=-2)
        targets = _shifted(action_values(next_outputs, next_actions)[..., 0, :], rewards, discounts)
        losses = quantile_huber_loss(quantiles, targets, fractions, self.kappa)
        return Errors(losses, losses.detach())


def _shifted(samples: Tensor, rewards: Tensor, discounts: Tensor) -> Tensor:
    return (rewards.unsqueeze(-1) + discounts.unsqueeze(-1) * samples).detach()
