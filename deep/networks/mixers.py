r"""From the utilities of agents to a joint value: sums and monotone mixers; beside them, QTRAN's joint networks.

A mixer that never falls when a utility rises makes the agents' own best actions a best joint action (individual
global max). VDN adds the utilities up. QMIX mixes them by a network whose weights are made from the state s by
hypernetworks and kept from being negative::

    Q_tot = elu(q W_1(s) + b_1(s)) · W_2(s) + V(s)
    W_1 = |hyper_1(s)|, shape (n, E),    W_2 = |hyper_2(s)|, shape (E,),    b_1 linear,    V with one hidden layer

With the absolute value a weight may be 0, as in the paper, and then other joint actions may be as good as the greedy
one; softplus keeps all weights above 0, so that the joint maximum is attained at individual ones alone.

Not every monotone function is within reach: elu is convex, so that d²Q_tot / dq_i dq_j = Σ_k W_2k elu''(·) W_1ik W_1jk
is nowhere negative. What a utility adds never falls when another one rises: [[0, 1], [1, 8]] can be represented,
[[0, 7], [7, 8]] no better than by a sum. :func:`marlgt.concepts.monotone_projection` knows no such limit.

QTRAN learns beside the sum of utilities a joint value that is bound by nothing, and a value of the state, both from
the features that the agents' networks compute before their last layer::

    Q_jt(h, u) = head(Σ_i e(h_i, u_i), s),    V_jt(h) = head'(Σ_i e'(h_i), s),    e = relu(linear)

The paper shares these first layers between the Q_i and Q_jt, and sums features of agents (Son et al. 2019, section
4.1). Ours, not the paper's:

1. e knows who the agent is, by a one-hot pair of agent and action: agents may share a network, and a game need not be
   symmetric.
2. The heads may see the state too; with a state size of 0 they see, as in the paper, nothing but the features.
3. The alternative's counterfactual values come from the same Q_jt, evaluated once for each agent and action, instead
   of an output for each action: there is one D(u), and theorem 3 is about it. They need no gradient, so that this
   costs a forward pass.
4. :class:`JointTable` gives every joint action an output of its own, where they are few.
5. The heads' units are elu: where units of a relu head die, Q_jt is left a sum (QTRAN's matrix game, full batch, Adam
   with a rate of 3e-3: 9 of 20 seeds with relu, none with elu).

References
----------
Rashid, T. et al. (2018). QMIX: monotonic value function factorisation. ICML. Section 4.
Son, K. et al. (2019). QTRAN: learning to factorize with transformation. ICML. Section 4.
Sunehag, P. et al. (2018). Value-decomposition networks for cooperative multi-agent learning. AAMAS.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from marlgt.deep.networks.layers import MLP, Linear
from marlgt.errors import GameError

__all__ = ["JointTable", "JointValueNetwork", "MonotoneMixer", "StateValueNetwork", "SumMixer"]

_LARGEST_TABLE = 4096
"""Joint actions that a table may have an output for."""


class SumMixer(nn.Module):
    """VDN's joint value, the sum of the utilities; it has no parameters and needs no state."""

    def forward(self, utilities: Tensor, states: Tensor | None = None) -> Tensor:
        """Return the sums, shape (S, ...), of utilities (S, ..., n)."""
        return utilities.sum(dim=-1)


class MonotoneMixer(nn.Module):
    """QMIX's joint value: a mixing network that never falls in a utility, its weights made from the state.

    The hypernetworks' first layers are one product; its columns are those of hyper_1, hyper_2, V and b_1, in this
    order.

    Parameters
    ----------
    n_seeds, n_agents, state_size : int
        S, n, Z.
    embedding : int
        E, units of the mixing network and of V's hidden layer.
    hypernetwork_layers : {1, 2}
        Layers of hyper_1 and hyper_2.
    hidden : int
        Units between the two layers.
    monotone : {"absolute", "softplus"}
        What keeps the weights from being negative.

    Raises
    ------
    GameError
        If an option is unknown or there is no state.
    """

    def __init__(
        self,
        n_seeds: int,
        n_agents: int,
        state_size: int,
        embedding: int = 32,
        hypernetwork_layers: int = 1,
        hidden: int = 64,
        monotone: str = "absolute",
    ) -> None:
        super().__init__()
        if hypernetwork_layers not in (1, 2):
            raise GameError(
                f"hypernetwork_layers must be 1 or 2, got {hypernetwork_layers!r}: 2 adds a hidden layer of {hidden}"
            )
        if monotone not in ("absolute", "softplus"):
            raise GameError(f"monotone must be 'absolute' or 'softplus', got {monotone!r}: QMIX takes absolute values")
        if state_size < 1:
            raise GameError(
                f"a monotone mixer's weights are made from the state, got a state of size {state_size}: give the "
                "task a state, such as all observations side by side"
            )
        self.n_agents, self.embedding, self.monotone = n_agents, embedding, monotone
        made = n_agents * embedding
        self.upper: nn.ModuleList | None
        if hypernetwork_layers == 1:
            self._widths = [made, embedding, embedding, embedding]
            self.upper = None
        else:
            self._widths = [hidden, hidden, embedding, embedding]
            self.upper = nn.ModuleList([Linear(n_seeds, hidden, made), Linear(n_seeds, hidden, embedding)])
        self.lower = Linear(n_seeds, state_size, sum(self._widths))
        self.value = Linear(n_seeds, embedding, 1)

    def forward(self, utilities: Tensor, states: Tensor) -> Tensor:
        """Mix.

        Parameters
        ----------
        utilities : Tensor, shape (S, ..., n)
        states : Tensor, shape (S, ..., Z)

        Returns
        -------
        Tensor, shape (S, ...)
        """
        inner, outer, value, shift = self.lower(states.flatten(1, -2)).split(self._widths, dim=-1)
        if self.upper is not None:
            inner, outer = self.upper[0](inner.relu()), self.upper[1](outer.relu())
        if self.monotone == "absolute":
            inner, outer = inner.abs(), outer.abs()
        else:
            inner, outer = nn.functional.softplus(inner), nn.functional.softplus(outer)
        weights = inner.reshape(*inner.shape[:2], self.n_agents, self.embedding)
        mixed = (utilities.flatten(1, -2).unsqueeze(-1) * weights).sum(dim=-2) + shift
        total = (nn.functional.elu(mixed) * outer).sum(dim=-1) + self.value(value.relu()).squeeze(-1)
        return torch.reshape(total, utilities.shape[:-1])


class JointValueNetwork(nn.Module):
    """QTRAN's Q_jt: the value of a joint action, from the sum of the agents' features.

    Parameters
    ----------
    n_seeds, n_features, n_agents, n_actions : int
        S, H, n, A.
    state_size : int
        Z; 0 where the head sees no state.
    hidden : int
        Units of the sum of features and of both hidden layers of the head.
    """

    def __init__(
        self, n_seeds: int, n_features: int, n_agents: int, n_actions: int, state_size: int = 0, *, hidden: int = 64
    ) -> None:
        super().__init__()
        self.encoder = _Encoder(n_seeds, n_features, n_agents, n_actions, hidden)
        self.head = MLP(n_seeds, (hidden + state_size, hidden, hidden, 1), "elu")

    def forward(self, features: Tensor, actions: Tensor, states: Tensor | None = None) -> Tensor:
        """Return Q_jt(h, u).

        Parameters
        ----------
        features : Tensor, shape (S, ..., n, H)
            Of the agents' networks, before their last layer.
        actions : Tensor of int64, shape (S, ..., n)
        states : Tensor, shape (S, ..., Z), optional

        Returns
        -------
        Tensor, shape (S, ...)
        """
        return _headed(self.head, self.encoder(features, actions).sum(dim=-2), states)

    def counterfactuals(self, features: Tensor, actions: Tensor, states: Tensor | None = None) -> Tensor:
        """Return Q_jt(h, (u_i, u_-i)) for each agent i and each of her actions, the others acting as given.

        Parameters
        ----------
        features, actions, states : Tensor
            As in :meth:`forward`.

        Returns
        -------
        Tensor, shape (S, ..., n, A)
        """
        every = self.encoder.every(features)
        index = actions[..., None, None].expand(*actions.shape, 1, every.shape[-1])
        taken = every.gather(-2, index)
        candidates = taken.sum(dim=-3, keepdim=True) - taken + every
        if states is not None:
            states = states[..., None, None, :].expand(*candidates.shape[:-1], states.shape[-1])
        return _headed(self.head, candidates, states)


class JointTable(nn.Module):
    """A joint value with an output for every joint action, which no sum of features confines; for small games.

    Parameters
    ----------
    n_seeds, n_features, n_agents, n_actions, state_size, hidden : int
        As of :class:`JointValueNetwork`.

    Raises
    ------
    GameError
        If there are more than 4096 joint actions.
    """

    strides: Tensor

    def __init__(
        self, n_seeds: int, n_features: int, n_agents: int, n_actions: int, state_size: int = 0, *, hidden: int = 64
    ) -> None:
        super().__init__()
        n_joint_actions = n_actions**n_agents
        if n_joint_actions > _LARGEST_TABLE:
            raise GameError(
                f"a table of joint values has at most {_LARGEST_TABLE} joint actions, got {n_actions}^{n_agents} = "
                f"{n_joint_actions}: use JointValueNetwork"
            )
        self.n_agents, self.n_actions = n_agents, n_actions
        self.head = MLP(n_seeds, (n_agents * n_features + state_size, hidden, hidden, n_joint_actions), "elu")
        strides = torch.tensor([n_actions ** (n_agents - 1 - i) for i in range(n_agents)])
        self.register_buffer("strides", strides, persistent=False)

    def table(self, features: Tensor, states: Tensor | None = None) -> Tensor:
        """Return the values of all joint actions, shape (S, ..., A_1, …, A_n)."""
        flat = self._flat(features, states)
        return torch.reshape(flat, (*flat.shape[:-1], *(self.n_actions,) * self.n_agents))

    def forward(self, features: Tensor, actions: Tensor, states: Tensor | None = None) -> Tensor:
        """Return the values of joint actions, shape (S, ...), as :class:`JointValueNetwork` does."""
        chosen = (actions * self.strides).sum(dim=-1, keepdim=True)
        return self._flat(features, states).gather(-1, chosen).squeeze(-1)

    def counterfactuals(self, features: Tensor, actions: Tensor, states: Tensor | None = None) -> Tensor:
        """Return the values (S, ..., n, A) of each agent's actions beside the others' given ones."""
        others = (actions * self.strides).sum(dim=-1, keepdim=True) - actions * self.strides
        own = torch.arange(self.n_actions, device=actions.device) * self.strides.unsqueeze(-1)
        places = others.unsqueeze(-1) + own
        return self._flat(features, states).gather(-1, places.flatten(-2)).view(places.shape)

    def _flat(self, features: Tensor, states: Tensor | None) -> Tensor:
        return _outputs(self.head, features.flatten(-2), states)


class StateValueNetwork(nn.Module):
    """QTRAN's V_jt: what the best joint action is worth more than the utilities of the greedy ones add up to.

    Parameters
    ----------
    n_seeds, n_features, n_agents, state_size, hidden : int
        As of :class:`JointValueNetwork`.
    """

    def __init__(self, n_seeds: int, n_features: int, n_agents: int, state_size: int = 0, *, hidden: int = 64) -> None:
        super().__init__()
        self.encoder = _Encoder(n_seeds, n_features, n_agents, 1, hidden)
        self.head = MLP(n_seeds, (hidden + state_size, hidden, hidden, 1), "elu")

    def forward(self, features: Tensor, states: Tensor | None = None) -> Tensor:
        """Return V_jt, shape (S, ...), from features (S, ..., n, H) and states (S, ..., Z)."""
        return _headed(self.head, self.encoder.every(features).sum(dim=(-3, -2)), states)


class _Encoder(nn.Module):
    """relu(h_i W + U_(i, u_i) + b) for each agent, in which the pair of agent and action has a row of its own."""

    def __init__(self, n_seeds: int, n_features: int, n_agents: int, n_actions: int, hidden: int) -> None:
        super().__init__()
        self.n_features, self.n_agents, self.n_actions = n_features, n_agents, n_actions
        self.linear = Linear(n_seeds, n_features + n_agents * n_actions, hidden)

    def forward(self, features: Tensor, actions: Tensor) -> Tensor:
        """Return (S, ..., n, hidden) for the actions (S, ..., n)."""
        agents = torch.arange(self.n_agents, device=actions.device)
        # A product with one-hot rows: adding gradients up by index would not be deterministic on a GPU.
        pairs = nn.functional.one_hot(actions + agents * self.n_actions, self.n_agents * self.n_actions)
        inputs = torch.cat([features, pairs.to(features.dtype)], dim=-1)
        return _outputs(self.linear, inputs, None).relu()

    def every(self, features: Tensor) -> Tensor:
        """Return (S, ..., n, A, hidden) for all actions."""
        weight, bias = self.linear.weight, self.linear.bias
        shared = torch.baddbmm(bias, features.flatten(1, -2), weight[:, : self.n_features])
        own = weight[:, self.n_features :].reshape(-1, 1, self.n_agents, self.n_actions, weight.shape[-1])
        shared = shared.view(shared.shape[0], -1, self.n_agents, 1, shared.shape[-1])
        encoded = (shared + own).relu()
        return torch.reshape(encoded, (*features.shape[:-1], self.n_actions, encoded.shape[-1]))


def _headed(head: nn.Module, inputs: Tensor, states: Tensor | None) -> Tensor:
    return _outputs(head, inputs, states).squeeze(-1)


def _outputs(network: nn.Module, inputs: Tensor, states: Tensor | None) -> Tensor:
    """Apply a stacked network to (S, ..., in), beside the states (S, ..., Z), whatever the axes between."""
    if states is not None:
        inputs = torch.cat([inputs, states], dim=-1)
    result: Tensor = network(inputs.flatten(1, -2))
    return result.view(*inputs.shape[:-1], result.shape[-1])
