"""QR-DQN: quantiles of the return at evenly spread fractions.

A network gives `n_quantiles` returns for each action, fitted to the quantiles of ``r + discount Z'(s', a*)`` by the
quantile Huber loss with its corner at `kappa` (equation 10, algorithm 1). The best action has the largest mean.

Departures
----------
1. Those of :mod:`marlgt.deep.algorithms.dqn`.

References
----------
Dabney, W., Rowland, M., Bellemare, M. G. & Munos, R. (2018). Distributional reinforcement learning with quantile
regression. AAAI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from marlgt.deep.algorithms.dqn import DQN
from marlgt.deep.networks.heads import QuantileHead
from marlgt.errors import GameError

__all__ = ["QRDQN"]


@dataclass(frozen=True, kw_only=True)
class QRDQN(DQN):
    """QR-DQN; other settings are those of :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm`.

    Attributes
    ----------
    n_quantiles : int
        Quantiles for each action.
    kappa : float
        Where the loss becomes linear; 0 is the pinball loss.
    """

    name: ClassVar[str] = "QRDQN"

    n_quantiles: int = 51
    kappa: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.recurrent and self.trace > 0:
            raise GameError("distributions are learnt from single steps: set trace=0 for a recurrent network")
        if self.huber is not None:
            raise GameError("QRDQN has a quantile Huber loss of its own: set kappa, and leave huber None")
        self.head(1, 1, 1)

    def head(self, n_networks: int, n_features: int, n_actions: int) -> nn.Module:
        """Return the layers that give quantiles."""
        return QuantileHead(
            n_networks,
            n_features,
            n_actions,
            n_quantiles=self.n_quantiles,
            kappa=self.kappa,
            dueling=self.dueling,
            noisy=self.noisy,
            n_hidden=self.stream,
        )
