"""The learner that all policy-gradient algorithms share: it acts, keeps a rollout and descends, all seeds at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from marlgt.deep.finiteness import NotFinite, require_sound
from marlgt.deep.learners.learner import Learner
from marlgt.deep.learners.learner_states import generator_states, load_generators, load_parts, states_of
from marlgt.deep.losses.credit import aristocrat_utilities, difference_rewards
from marlgt.deep.losses.policies import divergence_estimates, standardised_advantages
from marlgt.deep.losses.returns import generalised_advantages
from marlgt.deep.losses.sample_replacement import sample_replacement
from marlgt.deep.networks.plain_policies import PlainPolicies
from marlgt.deep.networks.policy_networks import Memories, PolicyNetwork
from marlgt.deep.optimisers import FlatParameters, backward
from marlgt.deep.rollouts.following import following_outputs
from marlgt.deep.rollouts.minibatches import Minibatch, all_rows, averaged, dealt
from marlgt.deep.rollouts.moments import moments_of
from marlgt.deep.rollouts.store import Rollout
from marlgt.deep.rollouts.units import ValueUnits
from marlgt.deep.schedules import towards
from marlgt.deep.seeded_environments import SeededEnvs, SeededStep

if TYPE_CHECKING:
    from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm
    from marlgt.deep.algorithms.value_algorithm import Spec
    from marlgt.deep.learners.compiled_policy_learning import CompiledPolicies
    from marlgt.deep.learners.likeliest_policy import LikeliestPolicy

__all__ = ["PolicyLearner"]

_ACTING, _DEALING, TARGETS = 1, 2, 3


class PolicyLearner(Learner):
    """Policies, critics, an optimiser and a rollout for S seeds.

    Parameters
    ----------
    algorithm : PolicyAlgorithm
    spec : Spec
    seeds : sequence of int
    steps : int
        Environment steps of the whole run, for each seed; rates fall over them.
    device : torch.device or str
    """

    algorithm: PolicyAlgorithm
    module: PolicyNetwork

    def __init__(
        self,
        algorithm: PolicyAlgorithm,
        spec: Spec,
        seeds: Sequence[int],
        *,
        steps: int,
        device: torch.device | str = "cpu",
    ) -> None:
        purposes = (_ACTING, _DEALING, TARGETS)
        super().__init__(algorithm, spec, seeds, steps=steps, device=device, purposes=purposes, apart=algorithm.stops)
        n_seeds = len(self.seeds)
        self.law = algorithm.law(spec)
        self.critic = self.module.critic_head
        self.rollout = Rollout(algorithm.rollout_steps, device=self.device)
        self.remembered = Rollout(algorithm.rollout_steps // algorithm.window, device=self.device)
        self.moments = moments_of(algorithm, spec, n_seeds, self.module.told is not None, str(self.device))
        self.units = ValueUnits(n_seeds, running=algorithm.normalise_values, device=str(self.device))
        self._sees_states = algorithm.critic_sees in ("state", "both")
        self._memories = Memories()
        self._entropy = torch.full((), math.nan, device=self.device)
        self._averaged = torch.zeros(n_seeds, device=self.device)
        self._average = None if algorithm.average_rate is None else self.parameters.follower()
        self._plain = PlainPolicies.of(self.module)
        self._compiled: CompiledPolicies | None = algorithm.compiled_side(self)
        self.products: Any = self._compiled or self._plain or self.module
        # One-hot numbers are not made into vectors, also in acting.
        picking = self._plain if self._plain is not None and self._plain.actors.picks else self.module
        self._acting: Any = self._compiled or picking

    @torch.no_grad()
    def act(self, envs: SeededEnvs) -> Tensor:
        """Return the actions to take, shape (S, B, n) or (S, B, n, d), drawn from the policies."""
        observations = envs.observations
        allowed = envs.allowed if self.spec.masked else None
        if self.algorithm.recurrent:
            self._clear()
        outputs, actions = self._drawn(observations, allowed)
        self.rollout.put(
            observations=observations,
            outputs=outputs,
            actions=actions,
            starts=self._starts,
            allowed=allowed,
            states=envs.states if self._sees_states else None,
        )
        if self.algorithm.signal != "reward":
            self._credit = self._credited(envs, outputs, actions)
        return actions

    def _drawn(self, observations: Tensor, allowed: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return what the laws of actions are told, shape (S, B, n, O), and actions drawn from them."""
        if self._compiled is not None:
            return self._compiled.act(observations, allowed, self.generators[_ACTING])
        outputs, memory = self._acting.act(observations, self._memories.policy)
        self._memories = self._memories._replace(policy=memory)
        outputs = self.law.masked(outputs, allowed)
        return outputs, self.law.sample(outputs, self.generators[_ACTING])

    def _credited(self, envs: SeededEnvs, outputs: Tensor, actions: Tensor) -> Tensor:
        """Return what agents are paid in place of rewards, shape (S, B, n), for what they are about to do."""
        alternatives = envs.alternatives(actions)
        if self.algorithm.signal == "aristocrat":
            return aristocrat_utilities(alternatives, self.law.probabilities(outputs), actions)
        return difference_rewards(alternatives, actions, self.algorithm.default_action)

    def _clear(self) -> None:
        memory = self._memories.policy
        if memory is None:
            width = self.module.actors.memory_size
            memory = torch.zeros((*self._starts.shape, self.spec.n_agents, width), device=self.device)
        memory = memory.masked_fill(self._starts[:, :, None, None], 0.0)
        self._memories = self._memories._replace(policy=memory)
        if self.rollout.step % self.algorithm.window == 0:
            self.remembered.put(policy=memory)
            self.remembered.advance()

    def observe(self, step: SeededStep, envs: SeededEnvs) -> None:
        """Keep what the actions led to.

        Raises
        ------
        NotFinite
            If the environment observes or pays what is not finite.
        """
        require_sound(step, self.steps)
        rewards = step.rewards if self.algorithm.signal == "reward" else self._credit
        if self.algorithm.reward_scale != 1.0:
            rewards = rewards * self.algorithm.reward_scale
        self.rollout.put(
            rewards=rewards,
            terminated=step.terminated,
            truncated=step.truncated,
            reached=step.reached,
            reached_states=envs.reached_states if self._sees_states else None,
        )
        self.rollout.advance()
        self._starts = step.terminated | step.truncated
        self.steps += self.algorithm.n_envs

    def learn(self) -> None:
        """Learn from the rollout, if it is full.

        Raises
        ------
        NotFinite
            If the loss or the networks are no finite numbers; says where.
        """
        if not self.rollout.full:
            return
        self._set_rate()
        self.algorithm.improve(self, self.rows())
        self._take_scales()
        self._stopped.hold()
        if self._average is not None and self.algorithm.average_rate is not None:
            self._average.blend_from(self.parameters, self.algorithm.average_rate)
        self.rollout.begin()
        self.remembered.begin()
        self.updates += 1
        self.require_finite()

    @property
    def entropy_weight(self) -> float:
        """What the entropy of the policies counts now."""
        return towards(self.algorithm.entropy_weight, self.algorithm.entropy_weight_end, self.progress)

    @property
    def discount(self) -> float:
        """What a reward of the next step counts now."""
        return towards(self.algorithm.discount, self.algorithm.discount_end, self.progress)

    @torch.no_grad()
    def rows(self) -> Minibatch:
        """Return all rows of the rollout, with what is to be learnt from them."""
        kept, algorithm = self.rollout.fields, self.algorithm
        self._entropy = self.law.entropy(kept["outputs"]).mean()
        starts = kept["starts"] if algorithm.recurrent else None
        first = Memories(None if starts is None else self.remembered.fields["policy"][:, 0], self._memories.critic)
        outputs, features = self.products.values(kept["observations"], kept.get("states"), first, starts)
        next_outputs = following_outputs(self._acting, kept, outputs, features)
        rewards, discounts, ends = self.paid()
        self.units.begin()
        tell = self.critic.mode if algorithm.baseline == "mode" else self.critic.mean
        said = tell(outputs)
        values, next_values = self.units.raw(said), self.units.raw(tell(next_outputs))
        if algorithm.baseless:
            values, next_values = torch.zeros_like(values), torch.zeros_like(next_values)
        advantages = generalised_advantages(rewards, discounts, ends, values, next_values, algorithm.trace)
        self.units.update(advantages + values)
        if self.critic.distributional:
            targets = self._laws(rewards, discounts, ends, next_outputs)
        else:
            targets = self.units.told(advantages + values)
        return all_rows(
            kept,
            algorithm.window,
            before=self.law.log_probability(kept["outputs"], kept["actions"]),
            advantages=advantages,
            # Its own numbers, not what they would be in new units: from there on it counts how far it moves.
            values=said,
            targets=targets,
            weights=algorithm.step_weights(ends),
            memories=self._row_memories(features, first.critic),
        )

    def paid(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the rollout is learnt from: rewards (S, T, B, n), scaled; discounts and ends (S, T, B)."""
        kept = self.rollout.fields
        rewards, ends = kept["rewards"], kept["terminated"] | kept["truncated"]
        if "rewards" in self.moments:
            rewards = self.moments["rewards"].scaled(rewards, ends)
        return rewards, self.discount * (~kept["terminated"]).to(rewards.dtype), ends

    def _laws(self, rewards: Tensor, discounts: Tensor, ends: Tensor, next_outputs: Tensor) -> Any:
        """Return particles of the laws that the critic should tell, in its own units."""
        laws = sample_replacement(
            rewards,
            discounts,
            ends,
            next_outputs,
            lambda *told: self.units.raw_laws(self.critic.particles(*told)),
            lambda_=self.algorithm.trace,
            n_samples=self.algorithm.samples,
            generators=self.generators[TARGETS],
        )
        return self.units.told_laws(laws)

    def _row_memories(self, features: Tensor, first: Tensor | None) -> Memories:
        """Return what was remembered before each row, shape (S, R, n, H), and keep the last of the critic's."""
        if not self.algorithm.recurrent:
            return Memories()
        length = self.algorithm.window
        policy = self.remembered.fields["policy"].flatten(1, 2)
        if self.module.critics is None:
            return Memories(policy)
        after = self.module.critics.by_agent(features, self.algorithm.n_envs)
        if first is None:
            first = torch.zeros_like(after[:, 0])
        before = torch.cat((first.unsqueeze(1), after[:, length - 1 : -1 : length]), dim=1)
        self._memories = self._memories._replace(critic=after[:, -1].clone())
        return Memories(policy, before.flatten(1, 2))

    def _take_scales(self) -> None:
        for name, scaling in (("observations", self.module.seen), ("states", self.module.told)):
            if scaling is not None:
                moments, field = self.moments[name], self.rollout.fields[name]
                moments.update(field)
                scaling.take(moments.mean.float(), moments.deviation.float())

    def descend(self, rows: Minibatch) -> None:
        """Take all updates of a rollout; a seed whose policy has moved too far takes no more of them."""
        algorithm = self.algorithm
        if self._compiled is not None:
            losses, taken = self._compiled.descend(rows, self.generators[_DEALING], self._stopped.places)
            self._require_finite(losses.sum())
            self._loss, self._averaged = self._loss + losses, self._averaged + taken
            return
        active = torch.ones(len(self.seeds), dtype=torch.bool, device=self.device) if algorithm.stops else None
        for _ in range(algorithm.epochs):
            moved = torch.zeros(len(self.seeds), device=self.device)
            for batch in dealt(rows, algorithm.minibatches, self.generators[_DEALING], active):
                moved = self.update(batch, active)
            if active is not None and algorithm.kl_limit is not None:
                active = active & (moved <= algorithm.kl_limit)
                if not bool(active.any()):
                    break

    def update(self, batch: Minibatch, active: Tensor | None = None) -> Tensor:
        """Take one update of the active seeds, and return how far each policy has moved, shape (S,).

        That is the estimate ``E[ρ - 1 - log ρ]`` of the Kullback-Leibler divergence, before the update.
        """
        algorithm = self.algorithm
        starts = batch.starts if algorithm.recurrent else None
        outputs, features = self.products.policies(batch.observations, batch.memories, starts)
        outputs = self.law.masked(outputs, batch.allowed)
        now = self.law.log_probability(outputs, batch.actions)
        advantages = standardised_advantages(batch.advantages) if algorithm.normalise_advantages else batch.advantages
        elements = algorithm.policy_losses(now, batch.before, advantages)
        if algorithm.value_weight:
            elements = elements + algorithm.value_weight * self.value_losses(batch, features)
        if self.entropy_weight:
            elements = elements - self.entropy_weight * self.law.entropy(outputs)
        self.descend_on(averaged(elements, batch.weights), active)
        with torch.no_grad():
            return averaged(divergence_estimates(now, batch.before), None) / batch.before.shape[-1]

    def value_losses(self, batch: Minibatch, features: Tensor | None = None) -> Tensor:
        """Return the critic's losses, shape (S, L, R, n), given the policy's features where they are known already."""
        starts = batch.starts if self.algorithm.recurrent else None
        outputs, _ = self.products.values(batch.observations, batch.states, batch.memories, starts, features)
        return self.algorithm.value_losses(self.critic, outputs, batch.targets, batch.values)

    def fit_critic(self, rows: Minibatch, epochs: int) -> None:
        """Take updates of the critic alone, which must share nothing with the policy."""
        for _ in range(epochs):
            for batch in dealt(rows, self.algorithm.minibatches, self.generators[_DEALING]):
                self.descend_on(self.algorithm.value_weight * averaged(self.value_losses(batch), batch.weights))

    def descend_on(self, losses: Tensor, active: Tensor | None = None) -> None:
        """Take a step of the optimiser down the loss of each seed, shape (S,), for the active seeds."""
        total = losses.sum()
        self._require_finite(total.detach())
        self.parameters.zero_gradients()
        backward(total)
        if self._plain is not None:
            self._plain.pull_back()
        self.optimiser.step(active)
        self._stopped.hold()
        took = torch.ones_like(self._averaged) if active is None else active.to(self._averaged.dtype)
        self._loss += losses.detach() * took
        self._averaged += took

    def _require_finite(self, total: Tensor) -> None:
        if self.device.type == "cpu" and not math.isfinite(float(total)):
            raise NotFinite.learning(self.steps, self.updates, self._what_is_broken())

    @property
    def exploration(self) -> float:
        """The mean entropy of the policies in the last rollout, nats; NaN before the first."""
        return float(self._entropy)

    def losses(self) -> list[float]:
        """Return the mean loss of each seed since the last call; NaN without an update."""
        mean: list[float] = (self._loss / self._averaged).tolist()
        self._loss.zero_()
        self._averaged.zero_()
        return mean

    def state(self) -> dict[str, Tensor]:
        """Return everything that a run needs to go on bit for bit, by name."""
        tensors = {"networks": self.parameters.values, "starts": self._starts, "loss": self._loss}
        tensors |= {"entropy": self._entropy, "averaged": self._averaged}
        tensors["counts"] = torch.tensor([self.steps, self.updates], dtype=torch.int64)
        if self._average is not None:
            tensors["average"] = self._average.values
        tensors |= states_of(self._parts()) | generator_states(self.generators)
        for name, memory in self._memories._asdict().items():
            if memory is not None:
                tensors[f"memory.{name}"] = memory
        return {name: value.detach().clone() for name, value in tensors.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up a state of :meth:`state`."""
        with torch.no_grad():
            self.parameters.values.copy_(tensors["networks"])
            if self._average is not None:
                self._average.values.copy_(tensors["average"])
        load_parts(self._parts(), tensors)
        load_generators(self.generators, tensors)
        self._starts = tensors["starts"].to(self.device)
        self._loss = tensors["loss"].to(self.device)
        self._entropy = tensors["entropy"].to(self.device)
        self._averaged = tensors["averaged"].to(self.device)
        kept = {name: tensors.get(f"memory.{name}") for name in Memories._fields}
        self._memories = Memories(**{name: None if m is None else m.to(self.device) for name, m in kept.items()})
        self.steps, self.updates = (int(count) for count in tensors["counts"])

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {f"moments.{name}": moments for name, moments in self.moments.items()}
        parts |= {"units": self.units, "optimiser": self.optimiser}
        return parts | {"rollout": self.rollout, "remembered": self.remembered}

    @property
    def judged_parameters(self) -> FlatParameters:
        """The networks that are evaluated and kept: those that are trained, or their average."""
        return self.parameters if self._average is None else self._average

    def policy(self) -> LikeliestPolicy:
        """Return what is judged: the likeliest actions of the policies, or of their average, as they are now."""
        return cast("LikeliestPolicy", self.algorithm.policy(self.judged_parameters.module, self.spec))
