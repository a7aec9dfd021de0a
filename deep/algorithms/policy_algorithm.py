"""What every policy-gradient algorithm shares: its settings, its networks, its critic and its losses.

A rollout is T steps of B copies with the policy as it is. Its advantages are generalised ones (Schulman et al. 2016),

    A_t = Σ_l (γλ)^l δ_{t+l},    δ_t = r_t + γ (1 - terminated_t) V(reached_t) - V(s_t),

cut where an episode ends, bootstrapped by what was reached where it was only stopped. Targets of a scalar critic are
``A_t + V(s_t)``, the λ-returns. The loss of a row sums over agents, and is averaged over the rows of a seed::

    policy loss + value_weight critic loss - entropy_weight entropy

References
----------
François-Lavet, V., Fonteneau, R., Ernst, D. (2015). How to discount deep reinforcement learning: towards new dynamic
strategies. NIPS Deep Reinforcement Learning Workshop, arXiv:1512.02011: a discount that rises as learning goes on.

Polyak, B. T., Juditsky, A. B. (1992). Acceleration of stochastic approximation by averaging. SIAM Journal on Control
and Optimization 30(4), 838-855: an average of what is learnt, in place of its last values.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor

from marlgt.deep.algorithms.algorithm import Algorithm, require_least, require_positive, require_shares
from marlgt.deep.critics.making import critic_of
from marlgt.deep.losses.policies import critic_losses
from marlgt.deep.networks.policy_networks import PolicyNetwork
from marlgt.deep.networks.sharing import Sharing
from marlgt.deep.policies.heads import LOG_SCALES
from marlgt.deep.policies.law import law_of
from marlgt.errors import GameError

if TYPE_CHECKING:
    from marlgt.deep.algorithms.value_algorithm import Spec
    from marlgt.deep.learners.policy_learner import PolicyLearner
    from marlgt.deep.rollouts.minibatches import Minibatch

__all__ = ["PolicyAlgorithm"]


@dataclass(frozen=True, kw_only=True)
class PolicyAlgorithm(Algorithm):
    """Settings that all policy-gradient algorithms share, beside those of :class:`Algorithm`.

    Attributes
    ----------
    rollout_steps : int
        T, steps of each copy between two updates.
    discount_end : float or None
        The discount at the end of the run, reached linearly; None keeps `discount`. What is near is learnt sooner by a
        low one, and what is far counts in the end (François-Lavet et al. 2015).
    trace : float
        lambda of the generalised advantages: 0 is one step, 1 the whole rollout.
    epochs : int
        How often each rollout is learnt from.
    minibatches : int
        Parts of a rollout, each an update.
    value_weight, entropy_weight : float
        What the critic's loss and the policy's entropy count.
    entropy_weight_end : float or None
        What the entropy counts at the end of the run, reached linearly; None keeps `entropy_weight`. A policy whose
        entropy counts nothing in the end may become certain, so that its likeliest actions are what it plays.
    kl_limit : float or None
        How far a policy may move in the updates of a rollout: a seed whose estimated Kullback-Leibler divergence is
        larger after an epoch takes no more of them.
    average_rate : float or None
        How far, after each rollout, an average of the networks moves towards them, at most 1. The average is what is
        judged and kept, since policies go up and down from rollout to rollout (Polyak and Juditsky 1992). None: the
        networks themselves are.
    normalise_advantages : bool
        Whether the advantages of a mini-batch are brought to mean 0 and deviation 1, for each seed.
    normalise_observations : bool
        Whether networks see observations (and states) less their running mean, over their running deviation.
    normalise_rewards : bool
        Whether rewards are divided by the running deviation of their discounted sums.
    normalise_values : bool
        Whether the critic learns returns less their running mean, over their running deviation (Yu et al. 2022).
    activation : {'tanh', 'relu', 'elu'}
        What follows each hidden layer.
    orthogonal : bool
        Whether first weights are orthogonal, with a small last layer of the policy; otherwise PyTorch's own law.
    policy_gain : float
        Gain of the first weights of the policy's last layer.
    squashed : bool
        Whether continuous actions are the hyperbolic tangent of a Gaussian, rather than clipped to -1 to 1.
    initial_log_scale : float
        Logarithm of the first standard deviation of continuous actions, from -5 to 2.
    sequence_length : int
        Steps of a window of a recurrent network; it divides `rollout_steps`.
    shared_torso : bool
        Whether policy and critic share all but their last layers.
    critic : {'scalar', 'mixture', 'categorical', 'quantile', 'implicit_quantile'}
        What the critic predicts: the mean of returns, or their law.
    critic_sees : {'observation', 'state', 'both', 'joint'}
        What a critic sees at each agent's place: the agent's observation, the state of the task, both, or the
        agent's observation and everybody's. What others see may be used in training, since only policies act.
    critic_loss : {'cramer', 'cross_entropy', 'wasserstein'}
        How a mixture critic is compared with its target.
    components : int
        Normals of a mixture critic; atoms or quantiles of the others.
    samples : int
        Normals (or points) of a target law.
    scale_head : {'softplus_variance', 'initial_scale'}
        How a mixture critic's standard deviations come from its outputs.
    least_scale : float
        What a mixture critic's standard deviations do not fall below, or hardly, in units of its targets.
    initial_scale : float
        Their first size, where `scale_head` is 'initial_scale'.
    v_min, v_max : float
        Ends of the support of a categorical critic.
    baseline : {'mean', 'mode'}
        What of a mixture critic's law advantages are computed from; the mode is biased.
    huber : float or None
        Where a scalar critic's squared error becomes linear; None keeps it squared.
    signal : {'reward', 'difference', 'aristocrat'}
        What agents learn from: the rewards of the task; or, for a team whose task can tell what would have been paid
        (see :func:`~marlgt.deep.environments.protocol.alternatives_of`), what an agent's action added to
        `default_action`, or to the mean over her policy's actions. Both leave the team's policy gradient what it is in
        games of one step, with less noise where rewards add up.
    default_action : int
        Which action stands for an agent's absence, in difference rewards.
    """

    continuous: ClassVar[bool] = True
    on_policy: ClassVar[bool] = True

    lr: float = 3e-4
    adam_epsilon: float = 1e-5
    n_envs: int = 16
    clip: float | None = 0.5
    rollout_steps: int = 128
    discount_end: float | None = None
    trace: float = 0.95
    epochs: int = 1
    minibatches: int = 1
    value_weight: float = 0.5
    entropy_weight: float = 0.0
    entropy_weight_end: float | None = None
    kl_limit: float | None = None
    average_rate: float | None = None
    normalise_advantages: bool = True
    normalise_observations: bool = False
    normalise_rewards: bool = False
    normalise_values: bool = False
    activation: Literal["tanh", "relu", "elu"] = "tanh"
    orthogonal: bool = True
    policy_gain: float = 0.01
    squashed: bool = False
    initial_log_scale: float = 0.0
    sequence_length: int = 16
    shared_torso: bool = False
    critic: Literal["scalar", "mixture", "categorical", "quantile", "implicit_quantile"] = "scalar"
    critic_sees: Literal["observation", "state", "both", "joint"] = "observation"
    critic_loss: Literal["cramer", "cross_entropy", "wasserstein"] = "cramer"
    components: int = 5
    samples: int = 32
    scale_head: Literal["softplus_variance", "initial_scale"] = "softplus_variance"
    least_scale: float = 0.05
    initial_scale: float = 1.0
    v_min: float = -10.0
    v_max: float = 10.0
    baseline: Literal["mean", "mode"] = "mean"
    huber: float | None = None
    signal: Literal["reward", "difference", "aristocrat"] = "reward"
    default_action: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one = ("rollout_steps", "epochs", "minibatches", "sequence_length", "components", "samples")
        require_least(self, 1, *at_least_one)
        require_least(self, 0, "default_action")
        require_shares(self, "trace")
        for name in ("discount_end", "average_rate"):
            if getattr(self, name) is not None:
                require_shares(self, name)
        require_positive(self, "policy_gain", "initial_scale", "least_scale", "huber", "kl_limit", "average_rate")
        for name in ("value_weight", "entropy_weight", "entropy_weight_end"):
            given = getattr(self, name)
            if given is not None and given < 0:
                raise GameError(f"{name} must not be negative, got {given!r}")
        least, most = LOG_SCALES
        if not least <= self.initial_log_scale <= most:
            raise GameError(
                f"initial_log_scale must be a number from {least:g} to {most:g}, got {self.initial_log_scale!r}"
            )
        if self.v_min >= self.v_max:
            raise GameError(f"v_min must be less than v_max, got {self.v_min!r} and {self.v_max!r}")
        if self.recurrent and self.rollout_steps % self.sequence_length:
            raise GameError(
                f"rollout_steps must be a multiple of sequence_length, got {self.rollout_steps} and "
                f"{self.sequence_length}"
            )
        if self.shared_torso and self.critic_sees != "observation":
            raise GameError(
                f"a critic that sees {self.critic_sees!r} cannot share the policy's layers, which see observations "
                "alone: leave shared_torso out"
            )
        if self.baseline == "mode" and self.critic != "mixture":
            raise GameError(f"a baseline of 'mode' is a mixture critic's, and this one is {self.critic!r}: give 'mean'")
        if self.huber is not None and self.critic != "scalar":
            raise GameError(f"huber is for a scalar critic, and this one is {self.critic!r}: leave it out")
        rows = self.rollout_steps * self.n_envs // self.window
        if self.minibatches > rows:
            raise GameError(
                f"minibatches must be at most the {rows} rows of a rollout ({self.n_envs} copies of "
                f"{self.rollout_steps} steps), got {self.minibatches}"
            )

    @property
    def window(self) -> int:
        """Steps of a row of a mini-batch."""
        return self.sequence_length if self.recurrent else 1

    @property
    def stops(self) -> bool:
        """Whether seeds may rest while others go on."""
        return self.kl_limit is not None

    @property
    def baseless(self) -> bool:
        """Whether advantages are returns as they are, without a critic."""
        return False

    def law(self, spec: Spec) -> Any:
        """Return the law of actions, given the outputs of the policy's network."""
        return law_of(spec.n_actions, spec.action_size, spec.action_choices, squashed=self.squashed)

    def critic_head(self, n_networks: int, n_features: int) -> Any:
        """Return the last layers of the critic."""
        return critic_of(self, n_networks, n_features)

    def network(self, spec: Spec, n_seeds: int) -> PolicyNetwork:
        """Return the networks of all seeds, not initialised yet."""
        return self.networks_under(self.critic_head, spec, n_seeds)

    def networks_under(self, critic_head: Any, spec: Spec, n_seeds: int, **critic: Any) -> PolicyNetwork:
        """Return networks with other last layers of the critic, and other settings of it."""
        return PolicyNetwork(
            n_seeds,
            Sharing.of(self.share, spec.n_agents),
            spec.observation_size,
            spec.state_size,
            self.law(spec),
            critic_head,
            critic_sees=self.critic_sees,
            shared_torso=self.shared_torso,
            policy_gain=self.policy_gain,
            initial_log_scale=self.initial_log_scale,
            seen_normalised=self.normalise_observations,
            hidden=self.hidden,
            activation=self.activation,
            orthogonal=self.orthogonal,
            normalised=self.normalised,
            recurrent=self.recurrent,
            agent_ids=self.agent_ids,
            one_hot=self.one_hot,
            **critic,
        )

    def learner(self, spec: Spec, seeds: Sequence[int], *, steps: int, device: torch.device | str) -> PolicyLearner:
        """Return what acts and learns for all seeds."""
        from marlgt.deep.learners.policy_learner import PolicyLearner

        return PolicyLearner(self, spec, seeds, steps=steps, device=device)

    def policy(self, module: Any, spec: Spec) -> Any:
        """Return what is judged: the likeliest action of a choice, the mean of a Gaussian."""
        from marlgt.deep.learners.likeliest_policy import LikeliestPolicy

        return LikeliestPolicy(module, self.law(spec))

    @abstractmethod
    def policy_losses(self, log_probabilities: Tensor, before: Tensor, advantages: Tensor) -> Tensor:
        """Return what the policy descends on for each row and agent.

        Parameters
        ----------
        log_probabilities, before : Tensor, shape (S, L, R, n)
            Of the actions taken, under the policy as it is and as it was when it took them.
        advantages : Tensor, shape (S, L, R, n)
        """

    def improve(self, learner: PolicyLearner, rows: Minibatch) -> None:
        """Learn from a rollout; by default by :meth:`PolicyLearner.descend`."""
        learner.descend(rows)

    def step_weights(self, ends: Tensor) -> Tensor | None:
        """Return what each step of a rollout counts, shape (S, T, B); None where all count alike.

        Parameters
        ----------
        ends : Tensor of bool, shape (S, T, B)
        """
        return None

    def value_losses(self, critic: Any, outputs: Tensor, targets: Any, before: Tensor) -> Tensor:
        """Return what the critic descends on for each row and agent, shape (S, L, R, n).

        Parameters
        ----------
        critic : nn.Module
            The critic's last layers.
        outputs : Tensor, shape (S, L, R, n, O)
        targets : Tensor or Particles
        before : Tensor, shape (S, L, R, n)
            The mean that the critic told before the update.
        """
        if self.huber is not None:
            return critic_losses(critic.mean(outputs), targets, delta=self.huber)
        losses: Tensor = critic.losses(outputs, targets)
        return losses
