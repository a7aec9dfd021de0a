"""The learner that all value-based algorithms share: it acts, remembers and descends, for all seeds at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from marlgt.deep.algorithms.algorithm import owner_of
from marlgt.deep.algorithms.value_algorithm import Spec, ValueAlgorithm
from marlgt.deep.exploration import epsilon_greedy
from marlgt.deep.finiteness import NotFinite, require_sound
from marlgt.deep.learners.greedy_policy import GreedyPolicy
from marlgt.deep.learners.learner import Learner
from marlgt.deep.learners.learner_states import generator_states, load_generators, load_parts, states_of
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.layers import NoisyLinear
from marlgt.deep.networks.plain_networks import PlainNetwork
from marlgt.deep.optimisers import FlatParameters, backward
from marlgt.deep.replay.store import Batch, Replay
from marlgt.deep.seeded_environments import SeededEnvs, SeededStep
from marlgt.deep.standardising import RunningMoments

if TYPE_CHECKING:
    from marlgt.deep.learners.compiled_learning import CompiledLearning

__all__ = ["ValueLearner"]

_EXPLORING, _REPLAYING, _NOISE = 1, 2, 3


class ValueLearner(Learner):
    """Networks, their targets, an optimiser and a replay for S seeds.

    Parameters
    ----------
    algorithm : ValueAlgorithm
    spec : Spec
    seeds : sequence of int
    steps : int
        Environment steps of the whole run, for each seed; rates fall over them.
    device : torch.device or str
    """

    algorithm: ValueAlgorithm

    def __init__(
        self,
        algorithm: ValueAlgorithm,
        spec: Spec,
        seeds: Sequence[int],
        *,
        steps: int,
        device: torch.device | str = "cpu",
    ) -> None:
        purposes = (_EXPLORING, _REPLAYING, _NOISE)
        super().__init__(algorithm, spec, seeds, steps=steps, device=device, purposes=purposes)
        n_seeds = len(self.seeds)
        self.online: Any = self.module
        self.target_parameters = self.parameters.follower()
        self.target: Any = self.target_parameters.module
        self.replay = Replay(
            n_seeds,
            algorithm.n_envs,
            algorithm.buffer_size,
            n_agents=spec.n_agents,
            n_actions=spec.n_actions,
            observation_size=spec.observation_size,
            state_size=spec.state_size if algorithm.needs_state else 0,
            memory_size=cast(AgentNetwork, self.online.agents).memory_size,
            masked=spec.masked,
            prioritised=algorithm.prioritised,
            window=algorithm.window,
            device=str(self.device),
        )
        self.moments = (
            RunningMoments(n_seeds, n_columns=spec.n_agents, device=str(self.device))
            if algorithm.standardise_rewards
            else None
        )
        self._due = 0.0
        self._memory: Tensor | None = None
        self._averaged = 0
        self._plain = self._plain_networks()
        self._slopes = torch.full((n_seeds, algorithm.batch_size), 1.0 / algorithm.batch_size, device=self.device)
        self._compiled: CompiledLearning | None = algorithm.compiled_side(self)
        self._noisy = [module for module in self.online.modules() if isinstance(module, NoisyLinear)]
        self._noisy_targets = [module for module in self.target.modules() if isinstance(module, NoisyLinear)]

    def _plain_networks(self) -> tuple[PlainNetwork, PlainNetwork] | None:
        # Whoever overrides the loss alone means another one than what is written by hand.
        if owner_of(self.algorithm, "loss") is not owner_of(self.algorithm, "loss_by_hand"):
            return None
        online, target = PlainNetwork.of(self.online.agents), PlainNetwork.of(self.target.agents)
        return None if online is None or target is None else (online, target)

    def act(self, envs: SeededEnvs) -> Tensor:
        """Return the actions to take, shape (S, B, n), exploring."""
        self._seen = envs.observations
        self._allowed = envs.allowed if self.spec.masked else None
        epsilon, generators = self.algorithm.epsilon(self.steps), self.generators[_EXPLORING]
        if self._compiled is not None:
            return self._compiled.act(self._seen, self._allowed, epsilon, generators)
        return self._chosen(envs, epsilon, generators)

    @torch.no_grad()
    def _chosen(self, envs: SeededEnvs, epsilon: float, generators: Sequence[torch.Generator]) -> Tensor:
        for layer in self._noisy:
            layer.redraw(self.generators[_NOISE])
        if self._memory is not None:
            self._memory = self._memory.masked_fill(self._starts[:, :, None, None], 0.0)
        self._before = self._memory
        values, self._memory = self.algorithm.values(self.online, self._seen, self._memory)
        self._states = envs.states if self.algorithm.needs_state else None
        self._actions = epsilon_greedy(values, self._allowed, epsilon, generators)
        return self._actions

    def observe(self, step: SeededStep, envs: SeededEnvs) -> None:
        """Remember what the actions led to.

        Raises
        ------
        NotFinite
            If the environment observes or pays what is not finite; it is not remembered.
        """
        if self._compiled is None:
            self._remember(step, envs)
        else:
            then = envs.reached_allowed if self.spec.masked else None
            if not self._compiled.remember(step, self._starts, then):
                require_sound(step, self.steps)
        self._starts = step.terminated | step.truncated
        self.steps += self.algorithm.n_envs
        if self.steps > self.algorithm.learning_starts and self.replay.ready(self.algorithm.window):
            self._due += self.algorithm.n_envs / self.algorithm.update_every

    def _remember(self, step: SeededStep, envs: SeededEnvs) -> None:
        require_sound(step, self.steps)
        memory = self._before
        if memory is None and self._memory is not None:
            memory = torch.zeros_like(self._memory)
        rewards = step.rewards
        if self.algorithm.team:
            team = rewards[..., 0] if self.spec.common_reward else rewards.sum(-1)
            rewards = team.unsqueeze(-1).expand_as(rewards)
        if self.algorithm.reward_scale != 1.0:
            rewards = rewards * self.algorithm.reward_scale
        if self.moments is not None:
            self.moments.update(rewards)
        self.replay.add(
            self._seen,
            self._actions,
            rewards,
            step.terminated,
            step.truncated,
            step.reached,
            self._starts,
            allowed=self._allowed,
            reached_allowed=envs.reached_allowed if self.spec.masked else None,
            states=self._states,
            reached_states=envs.reached_states if self.algorithm.needs_state else None,
            memory=memory,
        )

    def learn(self) -> None:
        """Take the updates that are due.

        Raises
        ------
        NotFinite
            If the loss is no finite number; says in which tensor it began.
        """
        while self._due >= 1:
            self._due -= 1
            self._update()

    def _update(self) -> None:
        algorithm = self.algorithm
        self._set_rate()
        correction = algorithm.priority_correction
        beta = correction + (1 - correction) * self.progress if algorithm.prioritised else None
        self._loss += self._descend(beta) if self._compiled is None else self._descend_compiled(beta)
        self._averaged += 1
        self._stopped.hold()
        self.updates += 1
        if algorithm.target_rate < 1:
            self.target_parameters.blend_from(self.parameters, algorithm.target_rate)
        elif self.updates % algorithm.target_period == 0:
            self.target_parameters.copy_from(self.parameters)

    def _descend(self, beta: float | None) -> Tensor:
        """Take a step down the loss of a batch, and return the loss of each seed."""
        algorithm = self.algorithm
        batch = self.replay.sample(
            algorithm.batch_size,
            self.generators[_REPLAYING],
            length=algorithm.window if algorithm.recurrent else 1,
            n_steps=algorithm.n_steps,
            discount=algorithm.discount,
            beta=beta,
        )
        if self.moments is not None:
            # A sum of several rewards has no mean of its own to take off.
            rewards = self.moments.standardised(batch.rewards, centred=algorithm.n_steps == 1)
            batch = batch._replace(rewards=rewards)
        for layer in (*self._noisy, *self._noisy_targets):
            layer.redraw(self.generators[_NOISE])
        by_hand = None if self._plain is None else algorithm.loss_by_hand(*self._plain, batch)
        loss = (
            algorithm.loss(self.online, self.target, batch, self.generators[_NOISE])
            if by_hand is None
            else by_hand.loss
        )
        elements = loss.elements.squeeze(1) if loss.elements.shape[1] == 1 else loss.elements.mean(1)
        if algorithm.prioritised:
            elements = elements * batch.weights
            self.replay.prioritise(batch.indices, loss.errors, exponent=algorithm.priority_exponent)
        each = elements.mean(-1)
        total = each.sum()
        self._require_finite(total.detach(), batch)
        self.parameters.zero_gradients()
        if by_hand is None:
            backward(total)
        else:
            slope = 1.0 / algorithm.batch_size
            by_hand.pull_back((batch.weights * slope if algorithm.prioritised else self._slopes).unsqueeze(1))
        self.optimiser.step()
        return each.detach()

    def _descend_compiled(self, beta: float | None) -> Tensor:
        """Do the same by compiled loops."""
        algorithm, compiled = self.algorithm, cast("CompiledLearning", self._compiled)
        n_steps = algorithm.n_steps
        drawn = self.replay.draw(algorithm.batch_size, self.generators[_REPLAYING], span=n_steps, beta=beta)
        learnt = compiled.learn(*drawn)
        if learnt is None:
            # They are of that loss already, and would be taken for where it began.
            self.parameters.zero_gradients()
            self._require_finite(torch.tensor(math.nan), self.replay.read(*drawn, n_steps=n_steps))
            return self._loss.new_zeros(self._loss.shape)
        losses, errors = learnt
        if algorithm.prioritised:
            self.replay.prioritise(drawn[0], errors, exponent=algorithm.priority_exponent)
        return losses

    def _require_finite(self, total: Tensor, batch: Batch) -> None:
        if self.device.type != "cpu" and self.updates % 100:
            return
        if math.isfinite(float(total)):
            return
        fields = ("observations", "rewards", "reached", "states", "reached_states", "memory")
        given = {field: getattr(batch, field) for field in fields}
        broken = [k for k, v in given.items() if v is not None and not bool(torch.isfinite(v).all())]
        name = self._what_is_broken(f"the {broken[0]} of the environment") if broken else self._what_is_broken()
        raise NotFinite.learning(self.steps, self.updates, name)

    @property
    def exploration(self) -> float:
        """The share of random actions."""
        return self.algorithm.epsilon(self.steps)

    def losses(self) -> list[float]:
        """Return the mean loss of each seed since the last call; NaN without an update."""
        mean = (self._loss / self._averaged).tolist() if self._averaged else [math.nan] * len(self.seeds)
        self._loss.zero_()
        self._averaged = 0
        return cast(list[float], mean)

    def state(self) -> dict[str, Tensor]:
        """Return everything that a run needs to go on bit for bit, by name."""
        tensors = {"online": self.parameters.values, "target": self.target_parameters.values}
        tensors |= states_of(self._parts()) | generator_states(self.generators)
        tensors["starts"] = self._starts
        tensors["loss"] = self._loss
        if self._memory is not None:
            tensors["memory"] = self._memory
        counts = [self.steps, self.updates, self._averaged]
        tensors["counts"] = torch.tensor(counts, dtype=torch.int64)
        tensors["due"] = torch.tensor(self._due, dtype=torch.float64)
        for side, layers in (("online", self._noisy), ("target", self._noisy_targets)):
            for number, layer in enumerate(layers):
                tensors.update({f"noise.{side}.{number}.{k}": v for k, v in layer.named_buffers()})
        return {name: value.detach().clone() for name, value in tensors.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up a state of :meth:`state`."""
        with torch.no_grad():
            self.parameters.values.copy_(tensors["online"])
            self.target_parameters.values.copy_(tensors["target"])
            for side, layers in (("online", self._noisy), ("target", self._noisy_targets)):
                for number, layer in enumerate(layers):
                    for name, buffer in layer.named_buffers():
                        buffer.copy_(tensors[f"noise.{side}.{number}.{name}"])
        load_parts(self._parts(), tensors)
        load_generators(self.generators, tensors)
        self._starts = tensors["starts"].to(self.device)
        self._loss = tensors["loss"].to(self.device)
        memory = tensors.get("memory")
        self._memory = None if memory is None else memory.to(self.device)
        self.steps, self.updates, self._averaged = (int(count) for count in tensors["counts"])
        self._due = float(tensors["due"])

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"optimiser": self.optimiser, "replay": self.replay}
        return parts if self.moments is None else parts | {"moments": self.moments}

    @property
    def judged_parameters(self) -> FlatParameters:
        """The networks that are evaluated and kept: those that are trained, or their average."""
        return self.target_parameters if self.algorithm.averaged_policy else self.parameters

    def policy(self) -> GreedyPolicy:
        """Return the policy that is greedy in the values as they are now."""
        return GreedyPolicy(self.algorithm, self.target if self.algorithm.averaged_policy else self.online)
