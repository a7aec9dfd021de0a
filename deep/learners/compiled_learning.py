"""Acting, remembering and learning of deep Q-networks by compiled loops, as :mod:`.compiled_sides` tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlgt.deep.algorithms.dqn import DQN
from marlgt.deep.algorithms.idqn import IDQN
from marlgt.deep.algorithms.value_algorithm import ValueAlgorithm
from marlgt.deep.learners import compiled_sides
from marlgt.deep.learners import compiled_updates as places
from marlgt.deep.learners.compiled_updates import choose, learn, remember
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.compiled_networks import SCALE
from marlgt.deep.networks.heads import ExpectedHead
from marlgt.deep.optimisers import Adam
from marlgt.kernels import compiled

if TYPE_CHECKING:
    from marlgt.deep.learners.value_learner import ValueLearner
    from marlgt.deep.seeded_environments import SeededStep

__all__ = ["CompiledLearning"]


class CompiledLearning:
    """The compiled side of a learner.

    Parameters
    ----------
    learner : ValueLearner
        One for which :meth:`of` gives something.
    """

    def __init__(self, learner: ValueLearner) -> None:
        self._learner = learner
        algorithm, replay, agents = learner.algorithm, learner.replay, cast(AgentNetwork, learner.online.agents)
        n_seeds, n_copies, spec, sharing = len(learner.seeds), algorithm.n_envs, learner.spec, agents.sharing
        self._layout = _layout(agents)
        optimiser = learner.optimiser
        flat = (learner.parameters.values, learner.parameters.gradients, optimiser.first, optimiser.second)
        self._online, *self._descending = compiled_sides.rows_of_networks(learner.parameters, *flat)
        (self._target,) = compiled_sides.rows_of_networks(learner.target_parameters, learner.target_parameters.values)
        self._taken = optimiser.steps.numpy().reshape(1)
        stored = replay.rows.numpy().reshape(-1, replay.layout.width)
        self._store = (stored, stored.view(np.uint8), stored.view(np.int64))
        self._sizes = _sizes(learner, agents)
        counts = [sharing.networks.count(k) for k in range(sharing.n_networks)]
        self._groups = np.array(sharing.by_network, np.int64), np.cumsum([0, *counts], dtype=np.int64)

        n_layers, widest = len(self._layout), int(self._layout[:, :2].max())
        n_rows = max(n_copies, algorithm.batch_size) * max(counts)
        room = np.float32
        self._room = (
            np.zeros((n_layers + 1, n_rows, widest), room),
            np.zeros((n_layers, n_rows, widest), room),
            np.zeros((n_layers, n_rows), room),
            np.ones(widest, room),
        )
        self._way_back = (
            np.zeros((2, n_rows, widest), room),
            np.zeros(widest * (widest + 1), room),
            np.zeros((2, n_rows), room),
            np.zeros(n_rows, np.int64),
        )
        self._losses = torch.zeros(n_seeds)
        self._errors = torch.zeros(n_seeds, algorithm.batch_size)
        self._results = self._losses.numpy(), self._errors.numpy()
        self._powers = np.array([algorithm.discount ** (k + 1) for k in range(algorithm.n_steps)], room)
        self._settings = _settings(algorithm, optimiser, spec.n_agents)
        draws = torch.ones(n_seeds, n_copies, spec.n_agents, spec.n_actions + 1)
        self._draws, self._chances = draws.unbind(0), draws.numpy().reshape(-1, spec.n_agents, spec.n_actions + 1)
        self._unmasked = np.ones((n_seeds * n_copies, 1), np.uint8)
        self._scale = room(algorithm.reward_scale)
        self._shape = (n_seeds, n_copies, spec.n_agents)
        self._choose, self._remember, self._learn = (
            compiled(kernel, single=True) for kernel in cast(Any, (choose, remember, learn))
        )

    @classmethod
    def of(cls, learner: ValueLearner) -> CompiledLearning:
        """Return that of a learner.

        Raises
        ------
        GameError
            Where the settings ask for what it does not have.
        """
        _require_plain(learner.algorithm)
        compiled_sides.require_processor(learner.device)
        return cls(learner)

    def act(
        self, observations: Tensor, allowed: Tensor | None, epsilon: float, generators: Sequence[torch.Generator]
    ) -> Tensor:
        """Return the actions, shape (S, B, n), in observations of shape (S, B, n, D), as ``epsilon_greedy`` does."""
        if epsilon > 0:
            for draws, generator in zip(self._draws, generators):
                draws.uniform_(generator=generator)
        actions = np.empty(self._shape, np.int64)
        self._before = seen, chosen, mask = (
            self._numbers(observations),
            actions.reshape(-1, self._shape[2]),
            self._mask(allowed),
        )
        self._choose(
            self._online,
            self._layout,
            self._sizes,
            self._groups,
            seen,
            mask,
            self._chances,
            np.float32(epsilon),
            self._room,
            chosen,
        )
        return torch.from_numpy(actions)

    def remember(self, step: SeededStep, starts: Tensor, reached_allowed: Tensor | None) -> bool:
        """Write what the last actions led to into the replay, as ``Replay.add`` does, if it is finite; say whether."""
        replay = self._learner.replay
        seen, actions, allowed = self._before
        written = self._remember(
            self._store,
            replay.head * replay.n_envs,
            self._sizes,
            seen,
            actions,
            self._numbers(step.rewards),
            self._scale,
            compiled_sides.as_bytes(step.terminated).reshape(-1),
            compiled_sides.as_bytes(step.truncated).reshape(-1),
            self._numbers(step.reached),
            compiled_sides.as_bytes(starts).reshape(-1),
            allowed,
            self._mask(reached_allowed),
        )
        if written:
            replay.advance()
        return bool(written)

    def learn(self, indices: Tensor, weights: Tensor) -> tuple[Tensor, Tensor] | None:
        """Descend on windows, and return each seed's loss and each window's error; or None, if one is not finite.

        Parameters
        ----------
        indices, weights : Tensor, shape (S, R)
            Of ``Replay.draw``.
        """
        settings, steps = self._settings, float(self._taken[0]) + 1.0
        settings[places.STEP], settings[places.ROOT] = compiled_sides.adam_step(self._learner.optimiser, steps)
        taken = self._learn(
            self._online,
            self._target,
            *self._descending,
            self._layout,
            self._sizes,
            self._groups,
            self._store,
            indices.numpy(),
            weights.numpy(),
            self._powers,
            settings,
            self._room,
            self._way_back,
            *self._results,
        )
        if not taken:
            return None
        self._taken[0] = steps
        return self._losses, self._errors

    def _numbers(self, field: Tensor) -> NDArray[np.float32]:
        return np.ascontiguousarray(field.numpy(), np.float32).reshape(len(self._unmasked), -1)

    def _mask(self, mask: Tensor | None) -> NDArray[np.uint8]:
        return self._unmasked if mask is None else compiled_sides.as_bytes(mask).reshape(len(self._unmasked), -1)


def _require_plain(algorithm: ValueAlgorithm) -> None:
    """Refuse settings that need more than perceptrons and the errors of their own values."""
    owners: dict[str, tuple[type, ...]] = {"loss": (DQN, IDQN)}
    owners |= dict.fromkeys(("head", "agents", "network", "values", "next_choices"), (ValueAlgorithm,))
    compiled_sides.require_owners(algorithm, owners, "the networks and the loss of DQN")
    plain = {"recurrent": False, "dueling": False, "noisy": False, "stream": 0, "standardise_rewards": False}
    compiled_sides.require_settings(
        algorithm, {**plain, "shared_experience": False, "team": False, "needs_state": False}
    )


def _layout(agents: AgentNetwork) -> NDArray[np.int64]:
    """Return sizes and places of the layers, as :mod:`marlgt.deep.networks.compiled_networks` tells."""
    layout = [
        [*layer, -1, -1]
        for layer in compiled_sides.layers_of(agents, cast(ExpectedHead, agents.head).streams.advantages)
    ]
    for row, norm in zip(layout, cast(Any, agents.torso.norms or ())):
        row[SCALE:] = norm.scale.storage_offset(), norm.shift.storage_offset()
    return np.array(layout, np.int64)


def _sizes(learner: ValueLearner, agents: AgentNetwork) -> NDArray[np.int64]:
    algorithm, replay, spec = learner.algorithm, learner.replay, learner.spec
    row = replay.layout.views()
    sizes = {
        places.N_SEEDS: len(learner.seeds),
        places.N_NETWORKS: agents.sharing.n_networks,
        places.N_AGENTS: spec.n_agents,
        places.N_ACTIONS: spec.n_actions,
        places.N_SEEN: spec.observation_size,
        places.N_STORED: replay.n_rows * replay.n_envs,
        places.N_STEPS: algorithm.n_steps,
        places.ONE_HOT: 0 if agents.numbers is None else len(agents.numbers),
        places.LEAST: 0 if algorithm.one_hot is None else algorithm.one_hot[0],
        places.TOLD: agents.ids is not None,
        places.MASKED: spec.masked,
        places.REWARDS: row.rewards[2],
        places.BEFORE: row.observations[2],
        places.AFTER: row.reached[2],
        places.ENDING: row.terminated[2],
        places.ALLOWED: 0 if row.allowed is None else row.allowed[2],
        places.REACHED_ALLOWED: 0 if row.reached_allowed is None else row.reached_allowed[2],
        places.N_COPIES: replay.n_envs,
        places.DOUBLE: algorithm.double,
    }
    return compiled_sides.numbers_at(sizes, places.N_SIZES, np.int64)


def _settings(algorithm: ValueAlgorithm, optimiser: Adam, n_agents: int) -> NDArray[np.float32]:
    settings = compiled_sides.adam_numbers(optimiser) | {
        places.HUBER: algorithm.huber or 0.0,
        places.SHARE: 1.0 / algorithm.batch_size,
        places.PER_AGENT: 1.0 / n_agents,
    }
    return compiled_sides.numbers_at(settings, places.N_SETTINGS, np.float32)
