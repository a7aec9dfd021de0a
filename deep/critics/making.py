"""Which critic the settings of an algorithm ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm

__all__ = ["critic_of"]


def critic_of(settings: PolicyAlgorithm, n_networks: int, n_features: int) -> Any:
    """Return the last layers of the critic that settings ask for, for so many networks and features."""
    if settings.critic == "scalar":
        from marlgt.deep.critics.scalar import ScalarCritic

        return ScalarCritic(n_networks, n_features, gain=1.0 if settings.orthogonal else None)
    if settings.critic == "mixture":
        from marlgt.deep.critics.mixture import MixtureCritic

        return MixtureCritic(
            n_networks,
            n_features,
            n_components=settings.components,
            loss=settings.critic_loss,
            scale_head=settings.scale_head,
            least_scale=settings.least_scale,
            initial_scale=settings.initial_scale,
        )
    if settings.critic == "categorical":
        from marlgt.deep.critics.categorical import CategoricalCritic

        return CategoricalCritic(
            n_networks, n_features, v_min=settings.v_min, v_max=settings.v_max, n_atoms=settings.components
        )
    from marlgt.deep.critics.quantile import ImplicitQuantileCritic, QuantileCritic

    if settings.critic == "quantile":
        return QuantileCritic(n_networks, n_features, n_quantiles=settings.components)
    return ImplicitQuantileCritic(n_networks, n_features, n_quantiles=settings.components)
