"""Actors with a centralised critic of actions, which tells what an agent's action is worth given what others do.

In training the critic of agent i sees the state, her observation, the others' actions ``u_-i`` and who she is, and has
an output for each of her own actions (Albrecht et al. 2024, section 9.4.3)::

    policy loss    -sg[Q_i(s, u)] log π_i(u_i | h_i)
    critic loss    (sg[G] - Q_i(s, u))²,    G_t = r_t + γ ((1 - λ) Q'_i(s_{t+1}, u_{t+1}) + λ G_{t+1})

with Q' of target networks and u_{t+1} what was done next, so that the critic is that of the policies as they are.
Nothing is subtracted from Q: it is the gradient of Sutton et al. (2000) without a baseline, beside which
:class:`~marlgt.deep.algorithms.coma.COMA` has one.

References
----------
Albrecht, S. V., Christianos, F. and Schäfer, L. (2024). Multi-agent reinforcement learning. MIT Press.
Sutton, R. S., McAllester, D., Singh, S. and Mansour, Y. (2000). Policy gradient methods for reinforcement learning
with function approximation. NIPS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from marlgt.deep.algorithms.algorithm import require_least
from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm
from marlgt.deep.critics.action_values import ActionValueCritic
from marlgt.deep.losses.policies import policy_gradient_losses
from marlgt.deep.losses.targets import action_values
from marlgt.deep.networks.policy_networks import PolicyNetwork
from marlgt.errors import GameError, UnsupportedGame

if TYPE_CHECKING:
    from marlgt.deep.algorithms.value_algorithm import Spec
    from marlgt.deep.learners.action_critic_learner import ActionCriticLearner

__all__ = ["CentralCritic"]


@dataclass(frozen=True, kw_only=True)
class CentralCritic(PolicyAlgorithm):
    """Actors with a centralised critic of actions; a recurrent policy has a critic without memory, which sees states.

    Attributes
    ----------
    trace : float
        lambda of the critic's targets.
    target_period : int
        Updates after which the target networks become what the critic is.
    """

    name: ClassVar[str] = "CentralCritic"
    continuous: ClassVar[bool] = False

    lr: float = 7e-4
    rollout_steps: int = 5
    trace: float = 0.8
    entropy_weight: float = 0.01
    value_weight: float = 1.0
    normalise_advantages: bool = False
    critic_sees: Literal["observation", "state", "both", "joint"] = "both"
    target_period: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        require_least(self, 1, "target_period")
        for name, value, usual in (
            ("critic", self.critic, "scalar"),
            ("shared_torso", self.shared_torso, False),
            ("normalise_values", self.normalise_values, False),
        ):
            if value != usual:
                raise GameError(
                    f"{name} must be {usual!r} for {self.name}, whose critic tells the mean worth of each action from "
                    f"layers of its own, got {value!r}"
                )
        if self.value_weight == 0.0:
            raise GameError(f"value_weight must be above 0: {self.name} has nothing to learn from but its critic")

    def network(self, spec: Spec, n_seeds: int) -> PolicyNetwork:
        """Return the networks of all seeds, not initialised yet.

        Raises
        ------
        UnsupportedGame
            Where actions are no single choice.
        """
        if spec.n_actions < 1:
            raise UnsupportedGame(
                f"{self.name} learns what each of an agent's actions is worth, and here actions are numbers or several "
                "choices at once: train MAPPO, or on a task with a list of actions"
            )
        head = partial(ActionValueCritic, n_actions=spec.n_actions, gain=1.0 if self.orthogonal else None)
        n_told = spec.n_agents * spec.n_actions
        return self.networks_under(head, spec, n_seeds, n_told=n_told, critic_remembers=False)

    def learner(
        self, spec: Spec, seeds: Sequence[int], *, steps: int, device: torch.device | str
    ) -> ActionCriticLearner:
        """Return what acts and learns for all seeds."""
        from marlgt.deep.learners.action_critic_learner import ActionCriticLearner

        return ActionCriticLearner(self, spec, seeds, steps=steps, device=device)

    def advantages(self, values: Tensor, policies: Tensor, actions: Tensor) -> Tensor:
        """Return what the policies learn from, shape (..., n).

        Parameters
        ----------
        values : Tensor, shape (..., n, A)
            Q of each agent's actions, the others acting as they did.
        policies : Tensor, shape (..., n, A)
            What each agent played, with 0 for actions that are not allowed.
        actions : Tensor of int64, shape (..., n)
        """
        return action_values(values, actions)

    def policy_losses(self, log_probabilities: Tensor, before: Tensor, advantages: Tensor) -> Tensor:
        """Return the losses of the policy gradient."""
        return policy_gradient_losses(log_probabilities, advantages)
