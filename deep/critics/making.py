"""Which critic the settings of an algorithm ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm

__all__ = ["critic_of"]


def critic_of(settings: PolicyAlgorithm, n_networks: int, n_features: int) -> Any:
    """Return the last layers of a critic, for so many networks and features."""
    from marlgt.deep.critics.scalar import ScalarCritic

    return ScalarCritic(n_networks, n_features)
