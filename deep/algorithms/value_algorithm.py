"""What every value-based algorithm shares: its settings, its networks, its targets and its exploration."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn

from marlgt.deep.algorithms.algorithm import Algorithm, require_least, require_positive, require_shares
from marlgt.deep.losses.returns import lambda_returns
from marlgt.deep.losses.targets import greedy
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.heads import ExpectedHead
from marlgt.deep.networks.sharing import Sharing
from marlgt.deep.schedules import Linear
from marlgt.errors import GameError

if TYPE_CHECKING:
    from marlgt.deep.environments import BatchEnv
    from marlgt.deep.learners.greedy_policy import GreedyPolicy
    from marlgt.deep.learners.value_learner import ValueLearner
    from marlgt.deep.networks.plain_networks import PlainNetwork
    from marlgt.deep.replay.store import Batch

__all__ = ["HandLoss", "Loss", "Spec", "ValueAlgorithm"]


class Spec(NamedTuple):
    """The sizes of a task: what networks and replay are built from.

    Attributes
    ----------
    n_agents, n_actions : int
    observation_size, state_size : int
    common_reward : bool
        Whether all agents are rewarded alike; otherwise a team is rewarded by the sum.
    masked : bool
        Whether there are times when not all actions are allowed.
    action_size : int
        d, numbers of an action; 0 where actions are choices.
    action_choices : tuple of int
        The sizes of several choices at once; () elsewhere.
    """

    n_agents: int
    n_actions: int
    observation_size: int
    state_size: int
    common_reward: bool
    masked: bool
    action_size: int = 0
    action_choices: tuple[int, ...] = ()

    @classmethod
    def of(cls, env: BatchEnv) -> Spec:
        """Return the sizes of an environment."""
        return cls(
            env.n_agents,
            env.n_actions,
            env.observation_size,
            env.state_size,
            env.common_reward,
            env.masked,
            env.action_size,
            env.action_choices,
        )


class Loss(NamedTuple):
    """What an update descends on.

    Attributes
    ----------
    elements : Tensor, shape (S, L, R)
        The loss of every step of every window.
    errors : Tensor, shape (S, R)
        How wrong the values of each window are, for prioritised replay; without gradient.
    """

    elements: Tensor
    errors: Tensor


class HandLoss(NamedTuple):
    """A loss, and what adds its gradients to those of the weights.

    Attributes
    ----------
    loss : Loss
    pull_back : callable
        Takes the gradient of the elements, shape (S, L, R).
    """

    loss: Loss
    pull_back: Callable[[Tensor], None]


@dataclass(frozen=True, kw_only=True)
class ValueAlgorithm(Algorithm):
    """Settings that all value-based algorithms share, beside those of :class:`Algorithm`.

    Attributes
    ----------
    batch_size : int
        Windows in an update, for each seed.
    update_every : int
        Environment steps (of all copies of a seed together) for each update.
    buffer_size : int
        Environment steps that the replay holds, for each seed.
    learning_starts : int
        Environment steps before the first update.
    target_period : int
        Updates between two copies of the network to its target.
    target_rate : float
        1 copies the network; less blends it into the target by this share (Polyak averaging).
    averaged_policy : bool
        Whether evaluations play, and the run keeps, the target network, which with a small `target_rate` is an average
        of the late networks and steadier than the newest one.
    epsilon_start, epsilon_end : float
        Share of random actions, drawn for each agent apart, at the beginning and from `epsilon_steps` on.
    epsilon_steps : int
        Environment steps over which it falls linearly.
    sequence_length : int
        Steps in a window of a recurrent network.
    trace : float
        lambda of the returns over a sequence: 0 is one step, 1 the whole sequence.
    n_steps : int
        Steps of the return of a network without memory.
    double : bool
        Whether the network chooses the next action and the target only evaluates it (van Hasselt et al. 2016).
    dueling : bool
        Whether values are a state's value plus centred advantages (Wang et al. 2016).
    stream : int
        Units of a hidden layer of the head's own, in each of the two streams if it is dueling; 0 is none.
    noisy : bool
        Whether weights of the head are noisy, which explores (Fortunato et al. 2018).
    prioritised : bool
        Whether windows are replayed by their error (Schaul et al. 2016).
    priority_exponent, priority_correction : float
        alpha, and beta at the beginning, which rises linearly to 1.
    huber : float or None
        Where the squared error becomes linear; None keeps it squared.
    standardise_rewards : bool
        Whether rewards are learnt from in units of their running standard deviation, from their running mean.
    """

    team: ClassVar[bool] = False
    """Whether the agents are rewarded as one."""

    batch_size: int = 32
    update_every: int = 16
    buffer_size: int = 50_000
    learning_starts: int = 1_000
    target_period: int = 200
    target_rate: float = 1.0
    averaged_policy: bool = False
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    epsilon_steps: int = 20_000
    sequence_length: int = 10
    trace: float = 0.8
    n_steps: int = 1
    double: bool = True
    dueling: bool = False
    stream: int = 0
    noisy: bool = False
    prioritised: bool = False
    priority_exponent: float = 0.6
    priority_correction: float = 0.4
    huber: float | None = None
    standardise_rewards: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_least(self, 1, "batch_size", "update_every", "buffer_size", "target_period")
        require_least(self, 1, "sequence_length", "n_steps")
        require_least(self, 0, "learning_starts", "epsilon_steps", "stream")
        require_shares(self, "epsilon_start", "epsilon_end", "trace", "priority_exponent", "priority_correction")
        require_positive(self, "target_rate", "huber")
        if self.target_rate > 1:
            raise GameError(f"target_rate must be at most 1, which copies the network, got {self.target_rate!r}")
        if self.epsilon_end > self.epsilon_start:
            raise GameError(
                f"epsilon_end must not exceed epsilon_start, got {self.epsilon_end!r} and {self.epsilon_start!r}"
            )
        if self.recurrent and self.n_steps != 1:
            raise GameError("a recurrent network learns from returns along its sequences: set trace, not n_steps")
        if self.buffer_size < self.n_envs * (self.window + 1):
            raise GameError(
                f"buffer_size must hold {self.window + 1} steps of each of the {self.n_envs} copies, "
                f"{self.n_envs * (self.window + 1)} in all, got {self.buffer_size}"
            )

    @property
    def window(self) -> int:
        """Steps that a window of the replay spans."""
        return self.sequence_length if self.recurrent else self.n_steps

    def learner(self, spec: Spec, seeds: Sequence[int], *, steps: int, device: torch.device | str) -> ValueLearner:
        """Return what acts and learns for all seeds."""
        from marlgt.deep.learners.value_learner import ValueLearner

        return ValueLearner(self, spec, seeds, steps=steps, device=device)

    def policy(self, module: Any, spec: Spec) -> GreedyPolicy:
        """Return what is judged: the policy that is greedy in the values."""
        from marlgt.deep.learners.greedy_policy import GreedyPolicy

        return GreedyPolicy(self, module)

    def epsilon(self, steps: int) -> float:
        """Return the share of random actions after so many environment steps."""
        return Linear(self.epsilon_start, self.epsilon_end, self.epsilon_steps).value(steps)

    def network(self, spec: Spec, n_seeds: int) -> nn.Module:
        """Return the networks of all seeds, not initialised yet; its ``agents`` are an :class:`AgentNetwork`."""
        module = nn.Module()
        module.agents = self.agents(spec, n_seeds)
        return module

    def agents(self, spec: Spec, n_seeds: int, n_outputs: int | None = None) -> AgentNetwork:
        """Return the agents' networks, with an output for each of an agent's actions, or another number of them."""
        return AgentNetwork(
            n_seeds,
            Sharing.of(self.share, spec.n_agents),
            spec.observation_size,
            self.head,
            spec.n_actions if n_outputs is None else n_outputs,
            hidden=self.hidden,
            normalised=self.normalised,
            recurrent=self.recurrent,
            agent_ids=self.agent_ids,
            one_hot=self.one_hot,
        )

    def head(self, n_networks: int, n_features: int, n_actions: int) -> nn.Module:
        """Return the last layers of the agents' networks."""
        return ExpectedHead(
            n_networks,
            n_features,
            n_actions,
            delta=self.huber,
            dueling=self.dueling,
            noisy=self.noisy,
            n_hidden=self.stream,
        )

    def values(self, module: Any, observations: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return what the agents act on.

        Parameters
        ----------
        module : nn.Module
        observations : Tensor, shape (S, B, n, D)
        memory : Tensor, shape (S, B, n, H), or None

        Returns
        -------
        values : Tensor, shape (S, B, n, A)
        memory : Tensor, shape (S, B, n, H), or None
        """
        agents: AgentNetwork = module.agents
        outputs, memory = agents.act(observations, memory)
        return agents.head_values(outputs), memory

    @abstractmethod
    def loss(self, online: Any, target: Any, batch: Batch, generators: Sequence[torch.Generator]) -> Loss:
        """Return the loss of a batch; every algorithm has its own.

        Parameters
        ----------
        online, target : nn.Module
            Of :meth:`network`.
        batch : Batch
        generators : sequence of torch.Generator
            One for each seed, for losses that draw.
        """

    def loss_by_hand(self, online: PlainNetwork, target: PlainNetwork, batch: Batch) -> HandLoss | None:
        """Return the loss without a graph, and the way back by hand, or None where there is none; the same bits.

        It is taken in place of :meth:`loss` where the class that has the one has the other too, and all layers are
        plain.
        """
        return None

    def returns(self, batch: Batch, rewards: Tensor, next_values: Tensor) -> Tensor:
        """Return what the values of a batch should be.

        Parameters
        ----------
        rewards, next_values : Tensor, shape (S, L, R) or (S, L, R, n)

        Returns
        -------
        Tensor
            ``r + discount V`` for single transitions, lambda-returns along sequences.
        """
        if self.recurrent:
            return lambda_returns(rewards, batch.discounts, batch.ends, next_values, self.trace)
        discounts = batch.discounts.unsqueeze(-1) if rewards.ndim == 4 else batch.discounts
        return rewards + discounts * next_values

    def next_choices(self, agents: AgentNetwork, batch: Batch, features: Tensor, target_values: Tensor) -> Tensor:
        """Return the actions, shape (S, L, R, n), by which the next state is valued.

        They are greedy in the network's own values if `double`, otherwise in the target's.

        Parameters
        ----------
        agents : AgentNetwork
            The network that is trained.
        batch : Batch
        features : Tensor, shape (S * K, L, rows, F)
            Of its observations.
        target_values : Tensor, shape (S, L, R, n, A)
            In what was reached, by the target network.
        """
        if not self.double:
            return greedy(target_values, batch.reached_allowed)
        with torch.no_grad():
            own = agents.head_values(agents.following(batch.reached, features.detach()))
        return greedy(own, batch.reached_allowed)

    def features_behind(self, behind: AgentNetwork, batch: Batch, features: Tensor) -> Tensor:
        """Return what the target network remembers at each step: with no memory, any tensor of that shape."""
        if not self.recurrent:
            return features
        return cast(Tensor, behind(batch.observations, batch.memory, batch.starts)[1])
