"""Policies and critics of all agents and seeds: what acts sees observations alone, what judges may see more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from marlgt.deep.losses.policies import centralised_observations
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.scaling import Scaling
from marlgt.deep.networks.sharing import Sharing
from marlgt.deep.policies.heads import PolicyHead

__all__ = ["Memories", "PolicyNetwork"]

TORSO_GAIN = 2.0**0.5


class Memories(NamedTuple):
    """What recurrent networks remember before a step, shape (S, R, n, H) each; None without memory.

    Attributes
    ----------
    policy, critic : Tensor or None
        The critic's is None where it shares the policy's layers.
    """

    policy: Tensor | None = None
    critic: Tensor | None = None


class PolicyNetwork(nn.Module):
    """Policies, and critics beside or on top of them.

    Parameters
    ----------
    n_seeds : int
        S.
    sharing : Sharing
        Which of the K networks of a seed each agent uses; policy and critic alike.
    observation_size, state_size : int
        D and Z.
    law : object
        The law of actions; see :mod:`marlgt.deep.policies`.
    critic_head : callable
        ``critic_head(n_networks, n_features)`` makes the critic's last layers; see :mod:`marlgt.deep.critics`.
    critic_sees : {'observation', 'state', 'both', 'joint'}
        What a critic sees at each agent's place.
    n_told : int
        Numbers that the critic is told at each agent's place beside what it sees, such as the others' actions.
    critic_remembers : bool
        Whether the critic is recurrent where the policy is.
    shared_torso : bool
        Whether the critic's last layers stand on the policy's features.
    policy_gain, initial_log_scale : float
        Of the policy's last layer.
    seen_normalised : bool
        Whether observations and states are brought to a common scale, by :class:`Scaling`.
    orthogonal : bool
        Whether first weights are orthogonal.
    one_hot : tuple of int, optional
        For observations; numbers of a state, and what the critic is told beside, are seen as they are.
    **torso
        ``hidden, activation, normalised, recurrent, agent_ids`` as :class:`AgentNetwork` takes them.
    """

    def __init__(
        self,
        n_seeds: int,
        sharing: Sharing,
        observation_size: int,
        state_size: int,
        law: Any,
        critic_head: Callable[[int, int], nn.Module],
        *,
        critic_sees: str = "observation",
        n_told: int = 0,
        critic_remembers: bool = True,
        shared_torso: bool = False,
        policy_gain: float = 0.01,
        initial_log_scale: float = 0.0,
        seen_normalised: bool = False,
        orthogonal: bool = True,
        one_hot: tuple[int, int] | None = None,
        **torso: Any,
    ) -> None:
        super().__init__()
        gain = TORSO_GAIN if orthogonal else None

        def policy_head(n_networks: int, n_features: int, _: int) -> nn.Module:
            return PolicyHead(n_networks, n_features, law, policy_gain, log_scale=initial_log_scale)

        def value_head(n_networks: int, n_features: int, _: int) -> nn.Module:
            return critic_head(n_networks, n_features)

        self.critic_sees, self.n_seeds = critic_sees, n_seeds
        self.actors = AgentNetwork(
            n_seeds, sharing, observation_size, policy_head, 0, orthogonal=gain, one_hot=one_hot, **torso
        )
        width = {
            "observation": observation_size,
            "state": state_size,
            "both": observation_size + state_size,
            "joint": observation_size * (1 + sharing.n_agents),
        }[critic_sees] + n_told
        one_hot = one_hot if critic_sees in ("observation", "joint") else None
        torso["recurrent"] = critic_remembers and torso.get("recurrent", False)
        self.critics = (
            None
            if shared_torso
            else AgentNetwork(
                n_seeds, sharing, width, value_head, 0, orthogonal=gain, one_hot=one_hot, n_plain=n_told, **torso
            )
        )
        self.shared_head = critic_head(n_seeds * sharing.n_networks, self.actors.n_features) if shared_torso else None
        self.seen = Scaling(n_seeds, observation_size) if seen_normalised else None
        self.told = Scaling(n_seeds, state_size) if seen_normalised and critic_sees in ("state", "both") else None

    @property
    def critic_head(self) -> Any:
        """The critic's last layers."""
        return self.shared_head if self.critics is None else self.critics.head

    def act(self, observations: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the policy's outputs for one step, shape (S, B, n, O), and what is remembered."""
        return self.actors.act(self.scaled(observations), memory)

    def policies(self, observations: Tensor, memories: Memories, starts: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the policy's outputs along windows, shape (S, L, R, n, O), and the features they come from.

        Parameters
        ----------
        observations : Tensor, shape (S, L, R, n, D)
        memories : Memories
            Before the first step.
        starts : Tensor of bool, shape (S, L, R), optional
            Steps before which memories are cleared.
        """
        return self.actors.forward(self.scaled(observations), memories.policy, starts)

    def following_policies(self, reached: Tensor, features: Tensor) -> Tensor:
        """Return the policy's outputs in what steps led to, given the features of the steps; (S, L, R, n, O)."""
        return self.actors.following(self.scaled(reached), features)

    def values(
        self,
        observations: Tensor,
        states: Tensor | None,
        memories: Memories,
        starts: Tensor | None,
        features: Tensor | None = None,
        told: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the critic's outputs along windows, shape (S, L, R, n, O), and the features they come from.

        Parameters
        ----------
        observations : Tensor, shape (S, L, R, n, D)
        states : Tensor, shape (S, L, R, Z), optional
            Where the critic sees them.
        memories : Memories
        starts : Tensor of bool, shape (S, L, R), optional
        features : Tensor, optional
            The policy's, if they are known already, for a critic that stands on them.
        told : Tensor, shape (S, L, R, n, E), optional
            Where the critic is told more than it sees.
        """
        if self.critics is None:
            if features is None:
                features = self.policies(observations, memories, starts)[1]
            return self.actors.headed_by(self.critic_head, features, observations.shape[2]), features
        seen = self.judged(observations, states)
        if told is not None:
            seen = torch.cat((seen, told), dim=-1)
        return self.critics.forward(seen, memories.critic, starts)

    def following_values(self, reached: Tensor, states: Tensor | None, features: Tensor) -> Tensor:
        """Return the critic's outputs in what steps led to, given the features of the steps; (S, L, R, n, O)."""
        if self.critics is None:
            seen = self.actors.following_features(self.scaled(reached), features)
            return self.actors.headed_by(self.critic_head, seen, reached.shape[2])
        return self.critics.following(self.judged(reached, states), features)

    def scaled(self, observations: Tensor) -> Tensor:
        """Return observations as the policy sees them."""
        return observations if self.seen is None else self.seen(observations)

    def judged(self, observations: Tensor, states: Tensor | None) -> Tensor:
        """Return what the critic sees at each agent's place, shape (..., n, D')."""
        if self.critic_sees == "observation":
            return self.scaled(observations)
        if self.critic_sees == "joint":
            return centralised_observations(self.scaled(observations))
        if states is None:
            raise ValueError("the critic sees states, and none are given")
        whole = (states if self.told is None else self.told(states)).unsqueeze(-2)
        whole = whole.expand(*observations.shape[:-1], states.shape[-1])
        return whole if self.critic_sees == "state" else torch.cat((self.scaled(observations), whole), dim=-1)
