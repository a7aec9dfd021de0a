"""Which agents share a network: an index map agent -> network, and the two permutations that serve it.

With n agents and K networks per seed, ``networks[i]`` is the network of agent i. The stacked layers work on one batch
per network, so the rows of all agents of a network are laid side by side: `Sharing.spread` does that, and
`Sharing.collect` undoes it. Both are views where all agents share (K = 1), one permuted copy where every group has the
same size, and one gather where sizes differ: small groups are then filled to the largest one by repeats of their first
agent, whose outputs are dropped, so that no gradient flows through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from marlgt.errors import GameError

__all__ = ["Sharing"]


@dataclass(frozen=True)
class Sharing:
    """An index map from agents to networks.

    Parameters
    ----------
    networks : tuple of int, length n
        ``networks[i]`` is the network of agent i. Every number from 0 to the largest occurs.
    """

    networks: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.networks:
            raise GameError("sharing needs at least one agent, got none: give one network index per agent")
        if sorted(set(self.networks)) != list(range(max(self.networks) + 1)):
            raise GameError(
                f"networks must be numbered 0, 1, ... without gaps, got {list(self.networks)}: "
                "renumber them in the order of their first agent"
            )

    @staticmethod
    def of(share: str | Sequence[int], n_agents: int) -> Sharing:
        """Read a setting: all agents on one network, none shared, or one network index per agent.

        Parameters
        ----------
        share : "all", "none" or sequence of int
        n_agents : int

        Raises
        ------
        GameError
            If the word is neither, or the sequence does not number networks for n agents.
        """
        if n_agents < 1:
            raise GameError(f"n_agents must be at least 1, got {n_agents}: give the number of agents of the task")
        if share == "all":
            return Sharing((0,) * n_agents)
        if share == "none":
            return Sharing(tuple(range(n_agents)))
        if isinstance(share, str):
            raise GameError(
                f"share must be 'all', 'none' or one network index per agent, got {share!r}: "
                f"for {n_agents} agents write for example {[i // 2 for i in range(n_agents)]}"
            )
        indices = tuple(share)
        if len(indices) != n_agents:
            raise GameError(
                f"share must have one network index per agent, got {len(indices)} for {n_agents} agents: "
                "give a sequence as long as the number of agents"
            )
        if any(isinstance(i, bool) or int(i) != i for i in indices):
            raise GameError(f"share must hold whole numbers, got {list(indices)}: number the networks 0, 1, ...")
        return Sharing(tuple(int(i) for i in indices))

    @property
    def n_agents(self) -> int:
        """Number of agents n."""
        return len(self.networks)

    @cached_property
    def n_networks(self) -> int:
        """Number of networks K of a seed."""
        return max(self.networks) + 1

    @cached_property
    def group_size(self) -> int:
        """Number g of agents in the largest group."""
        return max(self.networks.count(k) for k in range(self.n_networks))

    @cached_property
    def by_network(self) -> tuple[int, ...]:
        """The agents, network by network."""
        return tuple(sorted(range(self.n_agents), key=self.networks.__getitem__))

    @cached_property
    def _slots(self) -> tuple[int, ...]:
        # Agent of each of the K g slots, network-major.
        slots: list[int] = []
        for network in range(self.n_networks):
            group = [agent for agent, own in enumerate(self.networks) if own == network]
            slots += group + group[:1] * (self.group_size - len(group))
        return tuple(slots)

    @cached_property
    def _in_order(self) -> bool:
        return self._slots == tuple(range(self.n_agents))

    @cached_property
    def _places(self) -> tuple[int, ...]:
        # Slot of each agent: the first one that holds it, so that repeats are dropped.
        return tuple(self._slots.index(agent) for agent in range(self.n_agents))

    def _index(self, values: tuple[int, ...], device: torch.device) -> Tensor:
        cache: dict[tuple[tuple[int, ...], torch.device], Tensor] = self.__dict__.setdefault("_indices", {})
        key = (values, device)
        if key not in cache:
            cache[key] = torch.tensor(values, device=device)
        return cache[key]

    def spread(self, values: Tensor) -> Tensor:
        """Lay the agents of each network side by side.

        Parameters
        ----------
        values : Tensor, shape (S, rows, n, D)

        Returns
        -------
        Tensor, shape (S K, rows g, D)
            Row ``r g + j`` of network ``s K + k`` is row r of the j-th agent of network k in seed s.
        """
        if values.dim() != 4 or values.shape[2] != self.n_agents:
            raise GameError(
                f"values must have shape (seeds, rows, {self.n_agents}, features), got {tuple(values.shape)}: "
                "put the agents on the third axis"
            )
        n_seeds, rows, _, width = values.shape
        k, g = self.n_networks, self.group_size
        if not self._in_order:
            values = values.index_select(2, self._index(self._slots, values.device))
        if k == 1:
            return values.reshape(n_seeds, rows * g, width)
        if g == 1:
            # Copied also for one seed, where a view would do: products of strided rows round otherwise.
            return values.transpose(1, 2).contiguous().view(n_seeds * k, rows, width)
        return values.reshape(n_seeds, rows, k, g, width).transpose(1, 2).reshape(n_seeds * k, rows * g, width)

    def collect(self, values: Tensor) -> Tensor:
        """Undo `spread`: put the outputs of the networks back in the order of the agents.

        Parameters
        ----------
        values : Tensor, shape (S K, rows g, O)

        Returns
        -------
        Tensor, shape (S, rows, n, O)
            In the order of the agents, a view where all share one network.
        """
        k, g = self.n_networks, self.group_size
        if values.dim() != 3 or values.shape[0] % k or values.shape[1] % g:
            raise GameError(
                f"values must have shape (seeds * {k}, rows * {g}, outputs), got {tuple(values.shape)}: "
                "give what a stacked network made of spread rows"
            )
        n_seeds, rows, width = values.shape[0] // k, values.shape[1] // g, values.shape[2]
        if k == 1:
            ordered = values.reshape(n_seeds, rows, g, width)
        elif g == 1:
            # Not by a transposition, whose gradient is strided for one seed and not for many, and rounds otherwise.
            ordered = torch.stack(values.reshape(n_seeds, k, rows, width).unbind(1), 2)
        else:
            ordered = values.reshape(n_seeds, k, rows, g, width).transpose(1, 2).reshape(n_seeds, rows, k * g, width)
        if not self._in_order:
            ordered = ordered.index_select(2, self._index(self._places, values.device))
        return ordered
