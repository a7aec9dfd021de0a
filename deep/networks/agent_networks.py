"""The networks of all agents and seeds: observations in, one output for each action out, with or without memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from marlgt.deep.networks.layers import GRU, MLP
from marlgt.deep.networks.sharing import Sharing

__all__ = ["AgentNetwork"]


class AgentNetwork(nn.Module):
    """Hidden layers, perhaps a GRU, and a head, for every agent of every seed in the same tensor operations.

    Parameters
    ----------
    n_seeds : int
        S.
    sharing : Sharing
        Which of the K networks of a seed each agent uses.
    observation_size : int
        D.
    head : callable
        ``head(n_networks, n_features, n_actions)`` makes the last layers.
    n_actions : int
        A.
    hidden : tuple of int
        Units of the hidden layers; of the last one also the GRU's.
    normalised : bool
        Whether layer normalisation follows each hidden layer.
    recurrent : bool
        Whether a GRU follows the hidden layers (Hausknecht & Stone 2015).
    agent_ids : bool
        Whether agents that share a network are told who they are, by a one-hot input (Gupta et al. 2017).
    one_hot : tuple of int, optional
        Least and largest whole number of observations, each of which the networks see as a one-hot vector; as zeros
        what is not one of them. Without it, numbers are seen as they are.
    n_plain : int
        Numbers at the end of an observation that are seen as they are all the same.
    activation : {"relu", "tanh", "elu"}
    orthogonal : float, optional
        Gain of orthogonal first weights of the hidden layers; see :class:`~marlgt.deep.networks.layers.MLP`.
    """

    def __init__(
        self,
        n_seeds: int,
        sharing: Sharing,
        observation_size: int,
        head: Callable[[int, int, int], nn.Module],
        n_actions: int,
        *,
        hidden: tuple[int, ...] = (64, 64),
        normalised: bool = False,
        recurrent: bool = False,
        agent_ids: bool = True,
        one_hot: tuple[int, int] | None = None,
        n_plain: int = 0,
        activation: str = "relu",
        orthogonal: float | None = None,
    ) -> None:
        super().__init__()
        self.sharing, self.n_seeds, self.recurrent = sharing, n_seeds, recurrent
        n_networks = n_seeds * sharing.n_networks
        told = agent_ids and sharing.n_networks < sharing.n_agents
        self.ids: Tensor | None
        self.register_buffer("ids", torch.eye(sharing.n_agents) if told else None, persistent=False)
        self.numbers: Tensor | None
        numbers = None if one_hot is None else torch.arange(one_hot[0], one_hot[1] + 1, dtype=torch.float32)
        self.register_buffer("numbers", numbers, persistent=False)
        self.n_coded, self.n_plain = 0 if numbers is None else observation_size - n_plain, n_plain
        n_columns = 1 if numbers is None else len(numbers)
        n_inputs = observation_size + self.n_coded * (n_columns - 1) + (sharing.n_agents if told else 0)
        sizes = (n_inputs, *hidden)
        self.torso = MLP(n_networks, sizes, activation, normalised, orthogonal=orthogonal, activate_last=True)
        self.memory = GRU(n_networks, hidden[-1], hidden[-1]) if recurrent else None
        self.head = head(n_networks, hidden[-1], n_actions)
        self.n_features = hidden[-1]

    @property
    def memory_size(self) -> int:
        """Numbers that an agent remembers; 0 without a GRU."""
        return self.n_features if self.recurrent else 0

    def forward(
        self, observations: Tensor, memory: Tensor | None = None, starts: Tensor | None = None, **options: Any
    ) -> tuple[Tensor, Tensor]:
        """Return outputs along windows, and the features that they come from.

        Parameters
        ----------
        observations : Tensor, shape (S, L, R, n, D)
        memory : Tensor, shape (S, R, n, H), optional
            What was remembered before the first step; without it, nothing.
        starts : Tensor of bool, shape (S, L, R), optional
            Steps before which the memory is cleared.
        **options
            For the head.

        Returns
        -------
        outputs : Tensor, shape (S, L, R, n, A, ...)
        features : Tensor, shape (S * K, L, rows, F)
            As :meth:`following` takes them.
        """
        length, windows = observations.shape[1:3]
        features = self._torso(observations.flatten(1, 2))
        features = features.view(features.shape[0], length, -1, self.n_features)
        if self.memory is not None:
            before = None if memory is None else self.sharing.spread(memory)
            if starts is not None:
                n_agents = self.sharing.n_agents
                marks = starts.unsqueeze(-1).expand(-1, -1, -1, n_agents).reshape(self.n_seeds, -1, n_agents, 1)
                starts = self.sharing.spread(marks).view(features.shape[:3])
            features = self.memory(features, before, starts)
        return self._headed(features, length, windows, options), features

    def following(self, reached: Tensor, features: Tensor, **options: Any) -> Tensor:
        """Return the outputs in the observations that each step led to.

        Parameters
        ----------
        reached : Tensor, shape (S, L, R, n, D)
        features : Tensor, shape (S * K, L, rows, F)
            Of the step itself, from :meth:`forward`: what a recurrent network remembers.
        **options
            For the head.

        Returns
        -------
        Tensor, shape (S, L, R, n, A, ...)
        """
        length, windows = reached.shape[1:3]
        return self._headed(self.following_features(reached, features), length, windows, options)

    def following_features(self, reached: Tensor, features: Tensor) -> Tensor:
        """Return the features, shape (S * K, L, rows, F), in the observations that each step led to."""
        seen = self._torso(reached.flatten(1, 2)).view(features.shape[0], reached.shape[1], -1, self.n_features)
        return seen if self.memory is None else self.memory.step_from(features, seen)

    def headed(self, features: Tensor, windows: int) -> Tensor:
        """Return the outputs, shape (S, L, R, n, A, ...), of features."""
        return self._headed(features, features.shape[1], windows, {})

    def headed_by(self, head: nn.Module, features: Tensor, windows: int) -> Tensor:
        """Return the outputs, shape (S, L, R, n, ...), that another head makes of features."""
        outputs = cast(Any, head).forward(features.flatten(1, 2))
        rows = self.sharing.collect(outputs)
        return rows.view(self.n_seeds, features.shape[1], windows, self.sharing.n_agents, outputs.shape[-1])

    def act(self, observations: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return outputs for one step, shape (S, B, n, A, ...), and what is remembered, shape (S, B, n, H) or None."""
        features, memory = self.act_features(observations, memory)
        return self.headed(features, observations.shape[1]).squeeze(1), memory

    def act_features(self, observations: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the features for one step, shape (S * K, 1, rows, F), and what is remembered."""
        seen = self._torso(observations)
        if self.memory is not None:
            remembered = torch.zeros_like(seen) if memory is None else self.sharing.spread(memory)
            seen = self.memory.step(seen, remembered)
            memory = self.sharing.collect(seen)
        return seen.unsqueeze(1), memory

    def head_values(self, outputs: Tensor) -> Tensor:
        """Return the expected value of each action from outputs, shape (S, ..., n, A)."""
        return cast(Tensor, cast(Any, self.head).values(outputs))

    def by_agent(self, features: Tensor, windows: int) -> Tensor:
        """Return features by agent, shape (S, L, R, n, F)."""
        rows = self.sharing.collect(features.flatten(1, 2))
        return rows.view(self.n_seeds, features.shape[1], windows, self.sharing.n_agents, self.n_features)

    def rows(self, observations: Tensor) -> Tensor:
        """Return what enters the first layer, shape (S * K, rows, inputs), for observations of shape (S, R, n, D)."""
        if self.numbers is not None:
            plain = observations[..., self.n_coded :]
            coded = observations[..., : self.n_coded].unsqueeze(-1) == self.numbers
            observations = coded.flatten(-2).to(plain.dtype)
            if plain.shape[-1]:
                observations = torch.cat((observations, plain), dim=-1)
        if self.ids is not None:
            ids = self.ids.expand(*observations.shape[:-1], -1)
            observations = torch.cat((observations, ids), dim=-1)
        return self.sharing.spread(observations)

    def _torso(self, observations: Tensor) -> Tensor:
        return self.torso.forward(self.rows(observations))

    def _headed(self, features: Tensor, length: int, windows: int, options: dict[str, Any]) -> Tensor:
        # Without the hooks of a module's call, which cost as much as a product of a small network.
        outputs = self.head.forward(features.flatten(1, 2), **options)
        rows = self.sharing.collect(outputs if outputs.dim() == 3 else outputs.flatten(2))
        return rows.view(self.n_seeds, length, windows, self.sharing.n_agents, *outputs.shape[2:])
