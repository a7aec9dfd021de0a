"""QMIX: a team's value is a monotone function of its agents' utilities, mixed by weights made from the state.

``Q_tot = |W_2(s)| elu(|W_1(s)| Q + b_1(s)) + V(s)``: as Q_tot falls in no utility, the agents' own best actions make a
best joint action, and the team's value is learnt as one agent's is. What a monotone mixer can represent, and what
training makes of it, are two things: see :func:`marlgt.concepts.monotone_projection`.

Departures
----------
1. Networks without memory unless `recurrent` is set; the paper's have a GRU.
2. Adam in place of RMSprop.

References
----------
Rashid, T. et al. (2018). QMIX: monotonic value function factorisation for deep multi-agent reinforcement
learning. ICML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.algorithms.vdn import VDN
from marlgt.deep.networks.mixers import MonotoneMixer
from marlgt.errors import GameError

__all__ = ["QMIX"]


@dataclass(frozen=True, kw_only=True)
class QMIX(VDN):
    """QMIX; other settings are those of :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm`.

    Attributes
    ----------
    embedding : int
        Units of the mixing network.
    hypernetwork_layers : {1, 2}
        Layers of the networks that make its weights.
    monotone : {'absolute', 'softplus'}
        What keeps the weights from being negative; the paper takes absolute values.
    """

    name: ClassVar[str] = "QMIX"
    needs_state: ClassVar[bool] = True

    embedding: int = 32
    hypernetwork_layers: Literal[1, 2] = 1
    monotone: Literal["absolute", "softplus"] = "absolute"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.embedding < 1:
            raise GameError(f"embedding must be a whole number of at least 1, got {self.embedding!r}")

    def mixer(self, spec: Spec, n_seeds: int) -> nn.Module:
        """Return the monotone mixer."""
        return MonotoneMixer(
            n_seeds,
            spec.n_agents,
            spec.state_size,
            self.embedding,
            hypernetwork_layers=self.hypernetwork_layers,
            monotone=self.monotone,
        )
