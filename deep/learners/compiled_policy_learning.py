"""Acting and proximal updates of policies by compiled loops, as :mod:`.compiled_sides` tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm
from marlgt.deep.algorithms.ppo import PPO
from marlgt.deep.learners import compiled_policy_losses as places
from marlgt.deep.learners import compiled_sides
from marlgt.deep.learners.compiled_policy_updates import choose, judge, learn
from marlgt.deep.learners.compiled_updates import HUBER
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.compiled_perceptrons import block_of
from marlgt.deep.optimisers import Adam
from marlgt.deep.policies.heads import LOG_SCALES, PolicyHead
from marlgt.deep.rollouts.minibatches import Minibatch, shuffled
from marlgt.errors import GameError
from marlgt.kernels import compiled

if TYPE_CHECKING:
    from marlgt.deep.learners.policy_learner import PolicyLearner

__all__ = ["CompiledPolicies"]

_BENT = {"tanh": 1, "relu": 2}
_LEAST = 1e-10
"""As in :mod:`marlgt.deep.policies.noise`."""


class CompiledPolicies:
    """The compiled side of a learner of policies.

    Parameters
    ----------
    learner : PolicyLearner
        One for which :meth:`of` gives something.
    """

    def __init__(self, learner: PolicyLearner) -> None:
        self._learner = learner
        algorithm, module, spec = learner.algorithm, learner.module, learner.spec
        actors, critics = module.actors, cast(AgentNetwork, module.critics)
        sharing, n_seeds = actors.sharing, len(learner.seeds)
        self._discrete = spec.n_actions > 0
        head = cast(PolicyHead, actors.head)
        layers = (
            compiled_sides.layers_of(actors, head.linear),
            compiled_sides.layers_of(critics, cast(Any, critics.head).layer),
        )
        self._layouts = tuple(np.array(each) for each in layers)
        optimiser = learner.optimiser
        flat = (learner.parameters.values, learner.parameters.gradients, optimiser.first, optimiser.second)
        self._descending = compiled_sides.rows_of_networks(learner.parameters, *flat)
        self._members = np.array(sharing.by_network, np.int64)
        block = min(block_of(layout) for layout in self._layouts)
        self._sizes = _sizes(learner, block)
        self._settings = _settings(cast(PPO, algorithm), optimiser)
        width = max(spec.n_actions, spec.action_size)
        rooms = [np.zeros((len(layout) + 1, block * int(layout[:, :2].max())), np.float32) for layout in self._layouts]
        largest = max(int(layout[:, :2].prod(1).max()) for layout in self._layouts)
        self._rooms = (
            *rooms,
            np.zeros((2, max(each.shape[1] for each in rooms)), np.float32),
            np.zeros(largest, np.float32),
            np.zeros(block, np.int64),
            np.zeros(max(spec.n_actions, 2 * spec.action_size), np.float32),
            np.zeros((block, 4), np.float32),
        )
        shape = (n_seeds, algorithm.n_envs, spec.n_agents)
        draws = torch.zeros((*shape, width))
        self._shape, self._draws, self._drawn = shape, draws.unbind(0), draws.numpy()
        # What enters the first layer is then what is observed, row by row.
        self._direct = actors.ids is None and sharing.n_networks == 1
        self._all_allowed = np.ones((*shape, 1), np.uint8)
        self._outcome = np.zeros(4)
        self._results = torch.zeros(n_seeds), torch.zeros(n_seeds)
        self._choose, self._judge, self._learn = (
            compiled(kernel, single=True) for kernel in cast(Any, (choose, judge, learn))
        )

    @classmethod
    def of(cls, learner: PolicyLearner) -> CompiledPolicies:
        """Return that of a learner.

        Raises
        ------
        GameError
            Where the settings ask for what it does not have.
        """
        _require_plain(learner, cast(PPO, learner.algorithm))
        compiled_sides.require_processor(learner.device)
        return cls(learner)

    def act(
        self, observations: Tensor, allowed: Tensor | None, generators: Sequence[torch.Generator]
    ) -> tuple[Tensor, Tensor]:
        """Return what the laws of actions are told, shape (S, B, n, O), and actions drawn from them.

        Parameters
        ----------
        observations : Tensor, shape (S, B, n, D)
        allowed : Tensor of bool, shape (S, B, n, A), optional
        generators : sequence of torch.Generator
            One for each seed.
        """
        for own, generator in zip(self._draws, generators):
            if self._discrete:
                own.uniform_(_LEAST, 1.0, generator=generator)
            else:
                own.normal_(generator=generator)
        outputs = np.empty((*self._shape, self._learner.law.n_outputs), np.float32)
        choices = np.empty(self._shape if self._discrete else (0, 0, 0), np.int64)
        numbers = np.empty((0, 0, 0, 0) if self._discrete else self._drawn.shape, np.float32)
        self._choose(
            self._descending[0],
            self._layouts[0],
            self._sizes,
            self._settings,
            self._members,
            self._entering(observations),
            self._all_allowed if allowed is None else compiled_sides.as_bytes(allowed),
            self._drawn,
            self._rooms[0],
            outputs,
            choices,
            numbers,
        )
        return torch.from_numpy(outputs), torch.from_numpy(choices if self._discrete else numbers)

    def values(
        self, observations: Tensor, states: Tensor | None, memories: Any, starts: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return what the critic says, shape (S, T, B, n, 1), twice: nothing else is known of it.

        Parameters
        ----------
        observations, states
            As :meth:`marlgt.deep.networks.policy_networks.PolicyNetwork.values` takes them.
        memories, starts
            Without effect.
        """
        module = self._learner.module
        critics = cast(AgentNetwork, module.critics)
        rows = _numbers(critics.rows(module.judged(observations, states).flatten(1, 2)))
        values = np.empty((*rows.shape[:2], 1), np.float32)
        self._judge(self._descending[0], self._layouts[1], self._sizes, rows, self._rooms[1], values[..., 0])
        told = critics.sharing.collect(torch.from_numpy(values)).view(*observations.shape[:-1], 1)
        return told, told

    def following_values(self, reached: Tensor, states: Tensor | None, features: Tensor) -> Tensor:
        """Return what the critic says of what steps led to, shape (S, T, B, n, 1)."""
        return self.values(reached, states, None, None)[0]

    def descend(self, rows: Minibatch, generators: Sequence[torch.Generator], holds: Sequence[int]) -> Tensor:
        """Take all updates of a rollout, and return each seed's sum of losses and number of updates, shape (2, S).

        Where a loss is not finite, and so not the sum, that update and those behind it were not taken.

        Parameters
        ----------
        rows : Minibatch
        generators : sequence of torch.Generator
            That deal the rows out to mini-batches, one for each seed.
        holds : sequence of int
            Seeds that stay as they are.
        """
        algorithm, optimiser = self._learner.algorithm, self._learner.optimiser
        n_windows, n_seeds, parts = rows.starts.shape[2], len(generators), algorithm.minibatches
        fields = self._fields(rows)
        losses, moved = self._results
        losses.zero_()
        taken = torch.zeros(n_seeds)
        self._sizes[places.N_WINDOWS] = n_windows
        self._settings[places.ENTROPY_WEIGHT] = self._learner.entropy_weight
        active = torch.ones(n_seeds, dtype=torch.bool)
        for _ in range(algorithm.epochs):
            if parts == 1:
                order = torch.arange(n_windows).repeat(n_seeds, 1)
            else:
                order = shuffled(n_windows, generators, active)
            moving = np.where(active.numpy(), places.MOVES, places.LEAVES)
            for place in holds:
                moving[place] = min(moving[place], 1) * places.RESTS
            sound = self._learn(
                *self._descending,
                self._layouts,
                self._sizes,
                self._settings,
                self._schedule(parts),
                order.numpy(),
                moving,
                *fields,
                self._rooms,
                self._outcome,
                losses.numpy(),
                moved.numpy(),
            )
            if not sound:
                # What was not finite is the loss: its gradients are not what went wrong.
                self._learner.parameters.zero_gradients()
                break
            optimiser.steps += parts * (active if algorithm.stops else 1)
            taken += parts * active
            if algorithm.kl_limit is not None:
                active = active & (moved <= algorithm.kl_limit)
                if not bool(active.any()):
                    break
        return torch.stack((losses, taken))

    def _entering(self, observations: Tensor) -> NDArray[np.float32]:
        """Return what enters the policies, shape (S K, R g, inputs), for observations of shape (S, R, n, D)."""
        module = self._learner.module
        scaled = module.scaled(observations)
        if not self._direct:
            return _numbers(module.actors.rows(scaled))
        return _numbers(scaled).reshape(len(scaled), -1, scaled.shape[-1])

    def _fields(self, rows: Minibatch) -> tuple[Any, ...]:
        """Return what networks see, what was done, and what is known of it, row by row of each network."""
        module = self._learner.module
        sharing, critics = module.actors.sharing, cast(AgentNetwork, module.critics)
        seen = self._entering(rows.observations.flatten(1, 2))
        judged = seen
        if module.critic_sees != "observation":
            judged = _numbers(critics.rows(module.judged(rows.observations, rows.states).flatten(1, 2)))
        actions = rows.actions.float()
        facts = torch.stack((rows.before, rows.advantages, rows.values, rows.targets), -1)
        return (
            (seen, judged),
            _numbers(sharing.spread((actions.unsqueeze(-1) if self._discrete else actions).flatten(1, 2))),
            _numbers(sharing.spread(facts.flatten(1, 2))),
            np.ones((len(seen), 1, 1), np.uint8)
            if rows.allowed is None
            else compiled_sides.as_bytes(sharing.spread(rows.allowed.flatten(1, 2))),
        )

    def _schedule(self, parts: int) -> NDArray[np.float32]:
        """Return size and root of the steps of an epoch, shape (S, parts, 2)."""
        optimiser, n_seeds = self._learner.optimiser, len(self._learner.seeds)
        before = np.broadcast_to(optimiser.steps.numpy().astype(np.float64), (n_seeds,))
        steps = before[:, None] + np.arange(1, parts + 1)
        return np.stack(compiled_sides.adam_step(optimiser, steps), -1).astype(np.float32)


def _numbers(field: Tensor) -> NDArray[np.float32]:
    return cast("NDArray[np.float32]", field.contiguous().numpy())


def _require_plain(learner: PolicyLearner, algorithm: PPO) -> None:
    """Refuse what needs more than perceptrons and the losses of PPO."""
    owners: dict[str, tuple[type, ...]] = {"policy_losses": (PPO,), "value_losses": (PPO,)}
    inherited = ("network", "networks_under", "critic_head", "law", "improve")
    compiled_sides.require_owners(
        algorithm, owners | dict.fromkeys(inherited, (PolicyAlgorithm,)), "the networks and the losses of PPO"
    )
    plain = {"recurrent": False, "normalised": False, "shared_torso": False, "critic": "scalar", "squashed": False}
    compiled_sides.require_settings(algorithm, {**plain, "one_hot": None})
    if algorithm.activation not in _BENT:
        raise GameError(
            f"compiled=True is for the activations {sorted(_BENT)}, got {algorithm.activation!r}: choose one of them, "
            "or leave compiled False"
        )
    sharing, choices = learner.module.actors.sharing, learner.spec.action_choices
    if choices or sharing.n_networks * sharing.group_size != sharing.n_agents:
        what = f"several choices at once, {choices}" if choices else f"networks of unequal groups, {sharing.networks}"
        raise GameError(f"compiled=True is not for {what}: leave compiled False")


def _sizes(learner: PolicyLearner, block: int) -> NDArray[np.int64]:
    algorithm, spec, sharing = learner.algorithm, learner.spec, learner.module.actors.sharing
    scales = cast(PolicyHead, learner.module.actors.head).log_scales
    sizes = {
        places.N_SEEDS: len(learner.seeds),
        places.N_NETWORKS: sharing.n_networks,
        places.GROUP: sharing.group_size,
        places.N_PARTS: algorithm.minibatches,
        places.N_ACTIONS: spec.n_actions,
        places.ACTION_SIZE: spec.action_size,
        places.MASKED: spec.masked,
        places.BENT: _BENT[algorithm.activation],
        places.LOG_SCALES: 0 if scales is None else scales.storage_offset(),
        places.BLOCK: block,
        places.STANDARDISED: algorithm.normalise_advantages,
    }
    return compiled_sides.numbers_at(sizes, places.N_SIZES, np.int64)


def _settings(algorithm: PPO, optimiser: Adam) -> NDArray[np.float32]:
    settings = compiled_sides.adam_numbers(optimiser) | {
        HUBER: algorithm.huber or 0.0,
        places.RATIO_CLIP: algorithm.ratio_clip,
        places.VALUE_CLIP: algorithm.value_clip or 0.0,
        places.VALUE_WEIGHT: algorithm.value_weight,
        places.LEAST_SCALE: LOG_SCALES[0],
        places.MOST_SCALE: LOG_SCALES[1],
    }
    return compiled_sides.numbers_at(settings, places.N_SETTINGS, np.float32)
