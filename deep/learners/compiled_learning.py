"""A deep Q-network's acting, remembering and learning by compiled loops, on the tensors of its learner.

Parameters, moments, targets and replay stay the learner's tensors: what is seen here are NumPy's views of them, so that
checkpoints, evaluation and resumption know nothing of it. Random numbers come from the learner's generators in the same
order. Sums are taken in another order than PyTorch's, so that results agree with it to rounding, not in their bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlgt.deep.algorithms.dqn import DQN
from marlgt.deep.algorithms.idqn import IDQN
from marlgt.deep.algorithms.value_algorithm import ValueAlgorithm
from marlgt.deep.learners import compiled_updates as places
from marlgt.deep.learners.compiled_updates import choose, learn, remember
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.compiled_networks import SCALE
from marlgt.deep.networks.heads import ExpectedHead
from marlgt.errors import GameError
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
        height = n_seeds * sharing.n_networks

        def rows(flat: Tensor) -> NDArray[np.float32]:
            return cast("NDArray[np.float32]", flat.detach().numpy().reshape(height, -1))

        optimiser = learner.optimiser
        self._online, self._target = rows(learner.parameters.values), rows(learner.target_parameters.values)
        self._descending = (rows(learner.parameters.gradients), rows(optimiser.first), rows(optimiser.second))
        self._taken = optimiser.steps.numpy().reshape(1)
        stored = replay.rows.numpy().reshape(-1, replay.layout.width)
        self._store = (stored, stored.view(np.uint8), stored.view(np.int64))
        self._sizes = _sizes(learner, agents)
        members = sorted(range(spec.n_agents), key=lambda agent: sharing.networks[agent])
        counts = [sharing.networks.count(k) for k in range(sharing.n_networks)]
        self._groups = np.array(members, np.int64), np.cumsum([0, *counts], dtype=np.int64)

        n_layers, widest = len(self._layout), int(self._layout[:, :2].max())
        n_rows = max(n_copies, algorithm.batch_size) * max(counts)
        room = np.float32
        self._room = (
            np.zeros((n_layers + 1, n_rows, widest), room),
            np.zeros((n_layers, n_rows, widest), room),
            np.zeros((n_layers, n_rows), room),
            np.ones(widest, room),
        )
        self._room_back = (
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
    def of(cls, learner: ValueLearner) -> CompiledLearning | None:
        """Return it where the settings ask for it.

        Raises
        ------
        GameError
            Where they ask for it with what it does not have.
        """
        algorithm = learner.algorithm
        if not (isinstance(algorithm, DQN) and algorithm.compiled):
            return None
        _require_plain(algorithm)
        if learner.device.type != "cpu":
            raise GameError(
                f"compiled=True is for processors, but the device is {str(learner.device)!r}: set device='cpu', or "
                "leave compiled False"
            )
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
            *self._groups,
            seen,
            mask,
            self._chances,
            np.float32(epsilon),
            *self._room,
            chosen,
        )
        return torch.from_numpy(actions)

    def remember(self, step: SeededStep, starts: Tensor, reached_allowed: Tensor | None) -> bool:
        """Write what the last actions led to into the replay, as ``Replay.add`` does, if it is finite; say whether."""
        replay = self._learner.replay
        seen, actions, allowed = self._before
        written = self._remember(
            *self._store,
            replay.head * replay.n_envs,
            self._sizes,
            seen,
            actions,
            self._numbers(step.rewards),
            self._scale,
            _bytes(step.terminated),
            _bytes(step.truncated),
            self._numbers(step.reached),
            _bytes(starts),
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
        optimiser, settings = self._learner.optimiser, self._settings
        steps = float(self._taken[0]) + 1.0
        first, second = optimiser.betas
        settings[places.STEP] = optimiser.lr / (1.0 - first**steps)
        settings[places.ROOT] = 1.0 / math.sqrt(1.0 - second**steps)
        taken = self._learn(
            self._online,
            self._target,
            *self._descending,
            self._layout,
            self._sizes,
            *self._groups,
            *self._store,
            indices.numpy(),
            weights.numpy(),
            self._powers,
            settings,
            *self._room,
            *self._room_back,
            *self._results,
        )
        if not taken:
            return None
        self._taken[0] = steps
        return self._losses, self._errors

    def _numbers(self, field: Tensor) -> NDArray[np.float32]:
        return np.ascontiguousarray(field.numpy(), np.float32).reshape(len(self._unmasked), -1)

    def _mask(self, mask: Tensor | None) -> NDArray[np.uint8]:
        return self._unmasked if mask is None else _bytes(mask).reshape(len(self._unmasked), -1)


def _bytes(field: Tensor) -> NDArray[np.uint8]:
    return np.ascontiguousarray(field.numpy()).view(np.uint8).reshape(-1)


def _require_plain(algorithm: DQN) -> None:
    """Refuse settings that need more than perceptrons and the errors of their own values."""

    def owner(method: str) -> type:
        return next(kind for kind in type(algorithm).__mro__ if method in vars(kind))

    others = [m for m in ("head", "agents", "network", "values", "next_choices") if owner(m) is not ValueAlgorithm]
    if others or owner("loss") not in (DQN, IDQN) or algorithm.needs_state or algorithm.team:
        raise GameError(
            f"compiled=True is for the networks and the loss of DQN, and {type(algorithm).__name__} has others: "
            "leave compiled False"
        )
    plain = {"recurrent": False, "dueling": False, "noisy": False, "stream": 0, "standardise_rewards": False}
    for name, value in {**plain, "shared_experience": False}.items():
        if getattr(algorithm, name, value) != value:
            raise GameError(
                f"compiled=True is for perceptrons without {name}: set {name}={value}, or leave compiled False"
            )


def _layout(agents: AgentNetwork) -> NDArray[np.int64]:
    """Return sizes and places of the layers, as :mod:`marlgt.deep.networks.compiled_networks` tells."""
    last: Any = cast(ExpectedHead, agents.head).streams.advantages
    maps = (*agents.torso.affine_maps, (last.weight, last.bias))
    layout = [[*weight.shape[1:], weight.storage_offset(), bias.storage_offset(), -1, -1] for weight, bias in maps]
    for row, norm in zip(layout, cast(Any, agents.torso.norms or ())):
        row[SCALE:] = norm.scale.storage_offset(), norm.shift.storage_offset()
    return np.array(layout, np.int64)


def _sizes(learner: ValueLearner, agents: AgentNetwork) -> NDArray[np.int64]:
    algorithm, replay, spec = learner.algorithm, learner.replay, learner.spec
    row = replay.layout.views()
    sizes = np.zeros(places.N_SIZES, np.int64)
    given = {
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
    for place, value in given.items():
        sizes[place] = value
    return sizes


def _settings(algorithm: ValueAlgorithm, optimiser: Any, n_agents: int) -> NDArray[np.float32]:
    first, second = optimiser.betas
    settings = np.zeros(11, np.float32)
    given = {
        places.HUBER: algorithm.huber or 0.0,
        places.CLIP: optimiser.clip or 0.0,
        places.SHARE: 1.0 / algorithm.batch_size,
        places.EPSILON: optimiser.epsilon,
        places.FIRST: first,
        places.SECOND: second,
        places.FIRST_REST: 1.0 - first,
        places.SECOND_REST: 1.0 - second,
        places.PER_AGENT: 1.0 / n_agents,
    }
    for place, value in given.items():
        settings[place] = value
    return settings
