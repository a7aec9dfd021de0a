"""C51: the distribution of the return on fixed atoms.

A network gives probabilities of `n_atoms` returns from `v_min` to `v_max` for each action. The distribution of
``r + discount Z'(s', a*)`` is projected onto the atoms, its mass shared between the two nearest ones, and the loss is
the cross-entropy from that projection (equation 7, algorithm 1). The best action has the largest mean.

Departures
----------
1. Those of :mod:`marlgt.deep.algorithms.dqn`.

References
----------
Bellemare, M. G., Dabney, W. & Munos, R. (2017). A distributional perspective on reinforcement learning. ICML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from marlgt.deep.algorithms.dqn import DQN
from marlgt.deep.networks.heads import CategoricalHead
from marlgt.errors import GameError

__all__ = ["C51"]


@dataclass(frozen=True, kw_only=True)
class C51(DQN):
    """C51; other settings are those of :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm`.

    Attributes
    ----------
    v_min, v_max : float
        The least and the largest discounted return that can be told.
    n_atoms : int
        Returns between which probability is shared out.
    """

    name: ClassVar[str] = "C51"

    v_min: float = -10.0
    v_max: float = 10.0
    n_atoms: int = 51

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tells_laws and self.recurrent and self.trace > 0:
            raise GameError("distributions are learnt from single steps: set trace=0 for a recurrent network")
        if self.tells_laws and self.huber is not None:
            raise GameError(f"{self.name} descends on a cross-entropy, which huber does not change: leave it None")
        self.head(1, 1, 1)

    @property
    def tells_laws(self) -> bool:
        """Whether the distribution of the return is learnt, rather than its mean."""
        return True

    def head(self, n_networks: int, n_features: int, n_actions: int) -> nn.Module:
        """Return the layers that give logits of the atoms."""
        return CategoricalHead(
            n_networks,
            n_features,
            n_actions,
            v_min=self.v_min,
            v_max=self.v_max,
            n_atoms=self.n_atoms,
            dueling=self.dueling,
            noisy=self.noisy,
            n_hidden=self.stream,
        )
