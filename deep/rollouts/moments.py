"""The running moments that a learner of policies keeps of what networks see and agents are paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marlgt.deep.rollouts.rewards import RewardScale
from marlgt.deep.standardising import RunningMoments

if TYPE_CHECKING:
    from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm
    from marlgt.deep.algorithms.value_algorithm import Spec

__all__ = ["moments_of"]


def moments_of(algorithm: PolicyAlgorithm, spec: Spec, n_seeds: int, states: bool, device: str) -> dict[str, Any]:
    """Return them by name: ``observations``, ``states`` and ``rewards``, as far as they are asked for.

    Parameters
    ----------
    algorithm : PolicyAlgorithm
    spec : Spec
    n_seeds : int
    states : bool
        Whether those of states are.
    device : str
    """
    moments: dict[str, Any] = {}
    if algorithm.normalise_observations:
        moments["observations"] = RunningMoments(n_seeds, n_columns=spec.observation_size, device=device)
    if states:
        moments["states"] = RunningMoments(n_seeds, n_columns=spec.state_size, device=device)
    if algorithm.normalise_rewards:
        shape = (n_seeds, algorithm.n_envs, spec.n_agents)
        moments["rewards"] = RewardScale(shape, algorithm.discount, device=device)
    return moments
