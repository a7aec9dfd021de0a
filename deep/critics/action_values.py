"""A critic of actions: what each of an agent's actions is worth while the others act as they do."""

from __future__ import annotations

from torch import Tensor

from marlgt.deep.critics.scalar import ScalarCritic
from marlgt.deep.networks.layers import Linear

__all__ = ["ActionValueCritic"]


class ActionValueCritic(ScalarCritic):
    """Expected returns, one number for each of A actions; losses are of the action that was taken.

    Parameters
    ----------
    n_networks, n_features, n_actions : int
        N, F and A.
    gain : float, optional
        Of the orthogonal first weights; None for PyTorch's law.
    """

    def __init__(self, n_networks: int, n_features: int, n_actions: int, *, gain: float | None = 1.0) -> None:
        super().__init__(n_networks, n_features, gain=gain)
        self.layer = Linear(n_networks, n_features, n_actions, orthogonal=gain)
        self.n_outputs = n_actions

    def forward(self, features: Tensor) -> Tensor:
        """Give values (N, rows, A)."""
        return self.layer.forward(features)
