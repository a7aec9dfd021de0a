"""Thousands of level-based foraging environments that move at once, on arrays, compiled.

Transitions, rewards, observations and allowed actions are those of the ``lbforaging`` package, version 2.0.0, also
where they surprise. For the moves :mod:`marlgt.games.markov.foraging` lists that. Near the upper and the left border,
agents with a limited sight are seen from farther than food: up to twice the sight from that border.

Three things differ:

- The package calls an episode that its clock stopped terminated. Here it is truncated: what follows is worth the value
  of what was reached.
- Every episode is placed as the package places its first one. There, later ones keep off the cells on which the agents
  stood at the end of the one before.
- Random numbers are of :mod:`marlgt.randomness`, one stream for each environment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games import _foraging_kernels as rules_of
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_flag, require_seed, require_whole
from marlgt.games.drones.backends.keeping import checked_snapshot
from marlgt.kernels import COMPILE_ABOVE, gear
from marlgt.progress import waiting
from marlgt.randomness import streams

__all__ = ["ForagingBatch", "ForagingStep"]

MOST_COPIES = 2**24
"""Most environments in a batch."""
LARGEST = 1000
"""Largest grid, number of agents, number of foods and level."""

_NAME = re.compile(r"Foraging(?:-(\d+)s)?-(\d+)x(\d+)-(\d+)p-(\d+)f(-coop)?(-ind)?(-pen)?-v3")


class ForagingStep(NamedTuple):
    """What a step of a batch gives.

    Attributes
    ----------
    observations : ndarray of float32, shape (B, n_agents, D)
        In which the next actions are chosen: where an episode is over, those of the next one (autoreset in the same
        step).
    rewards : ndarray of float32, shape (B, n_agents)
    terminated, truncated : ndarray of bool, shape (B,)
        Whether all food is gathered, or the clock stopped the episode; never both.
    reached : ndarray of float32, shape (B, n_agents, D)
        The observations that the step led to, also where the episode is over.
    successes : ndarray of bool, shape (B,)
        Whether all food is gathered, as ``terminated``.
    """

    observations: NDArray[np.float32]
    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    reached: NDArray[np.float32]
    successes: NDArray[np.bool_]


class ForagingBatch:
    """B environments of level-based foraging; see :func:`~marlgt.games.level_based_foraging` for the game as a table.

    All agents act at once: each does nothing (0), moves north, south, west or east (1 to 4) or loads the food beside
    her (5). Food is gathered when the levels of those who load it sum to its level at least. Actions that are not
    allowed do nothing. An episode is over when all food is gathered, or after ``horizon`` steps, and begins anew in the
    same step. Environment ``k`` of a seed is the same whatever the number of environments, and the same seed and
    actions give the same bits.

    An agent observes (row, column, level) of every food, in the order of the cells, and of every agent, herself first;
    -1, -1, 0 for what is gathered or out of sight. Cells count from the upper left corner of what is in sight.

    Parameters
    ----------
    n_envs : int
        B.
    size : int
        Rows and columns of the grid.
    n_players : int
    n_foods : int
        On a small grid fewer may find a place: none on the border, and no two with a cell beside both.
    cooperative : bool
        Take all agents (the three weakest, if there are more) to lift any food.
    sight : int, optional
        How many cells away an agent sees; by default the whole grid.
    min_level, max_level : int
        Levels of agents, each as likely as another.
    min_food_level : int
    max_food_level : int, optional
        By default the sum of the levels of the agents (of the three weakest, if there are more).
    horizon : int
        After how many steps an episode is truncated.
    normalised : bool
        Whether all rewards of an episode in which all food is gathered sum to 1; if false, an agent gets her level
        times that of the food.
    penalty : float
        What every agent loses who tries to load food that those who load it cannot lift.
    shared_reward : bool
        Everybody gets the sum of the rewards.

    Attributes
    ----------
    n_envs, n_agents, n_actions : int
    n_observations, n_state : int
        D and S, both 3 times (n_foods + n_agents).
    observations : ndarray of float32, shape (B, n_agents, D)
        In which the next actions are chosen.
    allowed : ndarray of bool, shape (B, n_agents, 6)
        Which actions each agent may choose now.
    state : ndarray of float32, shape (B, S)
        (row, column, level) of every food, -1, -1, 0 if gathered, and of every agent; cells count from the upper left
        corner of the grid. For central critics, in which the next actions are chosen.
    reached_state : ndarray of float32, shape (B, S)
        State that the last step led to, also where the episode is over.

    References
    ----------
    Papoudakis, G., Christianos, F., Schaefer, L. and Albrecht, S. V. (2021). Benchmarking multi-agent deep
    reinforcement learning algorithms in cooperative tasks. NeurIPS Datasets and Benchmarks.

    Examples
    --------
    >>> env = ForagingBatch(64, size=8, n_players=2, n_foods=3)
    >>> env.reset(seed=0).shape
    (64, 2, 15)
    >>> step = env.step(env.random_actions())
    >>> step.rewards.shape, int(step.truncated.sum())
    ((64, 2), 0)
    """

    def __init__(
        self,
        n_envs: int,
        *,
        size: int = 8,
        n_players: int = 2,
        n_foods: int = 3,
        cooperative: bool = False,
        sight: int | None = None,
        min_level: int = 1,
        max_level: int = 2,
        min_food_level: int = 1,
        max_food_level: int | None = None,
        horizon: int = 50,
        normalised: bool = True,
        penalty: float = 0.0,
        shared_reward: bool = False,
    ) -> None:
        _whole(n_envs, "n_envs", 1, MOST_COPIES)
        _whole(size, "size", 3)
        _whole(n_players, "n_players", 1, size * size)
        _whole(n_foods, "n_foods", 1)
        _whole(min_level, "min_level", 1)
        _whole(max_level, "max_level", min_level)
        _whole(min_food_level, "min_food_level", 1)
        weakest = int(min_level) * min(int(n_players), 3)
        if max_food_level is not None:
            _whole(max_food_level, "max_food_level", min_food_level)
        elif min_food_level > weakest:
            raise GameError(
                f"min_food_level is {min_food_level}: the weakest agents lift {weakest} together, so give a "
                "max_food_level too, or a lower one"
            )
        sees = size if sight is None else sight
        _whole(sees, "sight", 1)
        _whole(horizon, "horizon", 1, 2**53)
        flags = {"cooperative": cooperative, "normalised": normalised, "shared_reward": shared_reward}
        for name, flag in flags.items():
            require_flag(flag, name)
        self.cooperative, self.penalty = bool(cooperative), nonnegative(penalty, "penalty")
        self.n_envs, self.n_agents, self.n_actions = int(n_envs), int(n_players), rules_of.N_ACTIONS
        self.size, self.n_foods, self.sight, self.horizon = int(size), int(n_foods), int(sees), int(horizon)
        self.n_observations = self.n_state = 3 * (self.n_foods + self.n_agents)
        levels = (min_level, max_level, min_food_level, max_food_level or 0)
        self._rules = np.array([size, sees, horizon, *levels, *flags.values()], dtype=np.int64)
        b, n = self.n_envs, self.n_agents
        self._agents = np.zeros((b, n, rules_of.AGENT_FIELDS), np.int64)
        self._foods = np.zeros((b, self.n_foods, 3), np.int64)
        self._clock = np.zeros((b, 2), np.int64)
        self._streams = np.zeros((b, 3), np.int64)
        self._rng: np.random.Generator | None = None
        self.observations = np.zeros((b, n, self.n_observations), np.float32)
        self.allowed = np.zeros((b, n, self.n_actions), np.bool_)
        self.state = self.reached_state = np.zeros((b, self.n_state), np.float32)

    @classmethod
    def named(cls, name: str, n_envs: int, *, shared_reward: bool = False, horizon: int = 50) -> ForagingBatch:
        """Return the environments that lbforaging registers under a name.

        Parameters
        ----------
        name : str
            ``Foraging-8x8-2p-3f-v3``, with ``-coop`` after the foods, or ``-2s`` for the sight after the first word.
        n_envs : int
        shared_reward : bool
        horizon : int
            The package registers all with 50 steps; EPyMARL and others cut episodes at 25.

        Raises
        ------
        GameError
            For any other name.

        Examples
        --------
        >>> env = ForagingBatch.named("Foraging-2s-8x8-2p-2f-coop-v3", n_envs=8)
        >>> env.size, env.sight, env.horizon
        (8, 2, 50)
        """
        found = _NAME.fullmatch(name) if isinstance(name, str) and len(name) < 100 else None
        if found is None or found[2] != found[3]:
            raise GameError(
                f"name is {short(name)}: give one like 'Foraging-8x8-2p-3f-v3' or 'Foraging-2s-8x8-2p-2f-coop-v3'"
            )
        return cls(
            n_envs,
            size=int(found[2]),
            n_players=int(found[4]),
            n_foods=int(found[5]),
            cooperative=found[6] is not None,
            sight=None if found[1] is None else int(found[1]),
            max_food_level=None if found[7] is None else 1,
            penalty=0.0 if found[8] is None else 0.1,
            shared_reward=shared_reward,
            horizon=horizon,
        )

    def reset(self, seed: int, *, first: int = 0) -> NDArray[np.float32]:
        """Begin all environments anew and return the observations, shape (B, n_agents, D).

        Parameters
        ----------
        seed : int
        first : int
            These environments are the ones from this number on of a larger batch with the same seed.
        """
        require_seed(seed)
        _whole(first, "first", 0, 2**31)
        self._streams = streams([(int(seed) << 32) + int(first) + k for k in range(self.n_envs)])
        self._rng = np.random.default_rng([int(seed), int(first), 1])
        with waiting("compiling the rules of foraging, once: about 10 s"):
            self._run(rules_of.BEGIN, np.zeros((self.n_envs, self.n_agents), np.int64))
        self.reached_state = self.state
        return self.observations

    def step(self, actions: ArrayLike) -> ForagingStep:
        """Take a step in all environments.

        Parameters
        ----------
        actions : array_like of int, shape (B, n_agents)

        Returns
        -------
        ForagingStep

        Raises
        ------
        GameError
            Before the first reset, and for actions of a wrong shape or kind or that do not exist; nothing changes then.
        """
        self._require_begun()
        return self._run(rules_of.STEP, self._require_actions(actions))

    def _run(self, mode: int, actions: NDArray[np.int64]) -> ForagingStep:
        b, n, width = self.n_envs, self.n_agents, self.n_state
        rewards, flags = np.empty((b, n), np.float32), np.empty((2, b), np.bool_)
        seen, reached = np.empty((b, n, width), np.float32), np.empty((b, n, width), np.float32)
        state, reached_state = np.empty((b, width), np.float32), np.empty((b, width), np.float32)
        allowed = np.empty((b, n, self.n_actions), np.bool_)
        if not gear(rules_of.forage, COMPILE_ABOVE)(
            mode, actions, self._rules, self.penalty, self._agents, self._foods, self._clock, self._streams,
            rewards, flags, seen, reached, state, reached_state, allowed,
        ):  # fmt: skip
            wrong = actions[(actions < 0) | (actions >= self.n_actions)].flat[0]
            raise GameError(f"actions are 0 to {self.n_actions - 1}, got {wrong}")
        self.observations, self.state, self.reached_state, self.allowed = seen, state, reached_state, allowed
        return ForagingStep(seen, rewards, flags[0], flags[1], reached, flags[0].copy())

    def random_actions(self) -> NDArray[np.int64]:
        """Return uniformly random actions, allowed or not, drawn with the seed of the last reset."""
        return self._require_begun().integers(self.n_actions, size=(self.n_envs, self.n_agents))

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return all that the future depends on, as arrays (for ``numpy.savez``); see :meth:`restore`.

        Returns
        -------
        dict
            ``agents``, shape (B, n_agents, 3), and ``foods``, shape (B, n_foods, 3): row, column, level, a food that is
            not there -1, -1, 0. ``clock``, shape (B, 2): steps of the episode, and the levels of all its food together.
            ``streams`` and ``rng``: the random numbers to come.
        """
        words = np.frombuffer(json.dumps(self._require_begun().bit_generator.state).encode(), np.uint8)
        return {
            "agents": self._agents[..., :3].copy(),
            "foods": self._foods.copy(),
            "clock": self._clock.copy(),
            "streams": self._streams.copy(),
            "rng": words.copy(),
        }

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Go back to a snapshot of environments made in the same way, and return the observations.

        Raises
        ------
        GameError
            If it is no snapshot, or not of such environments, or its numbers are none; nothing changes then.
        """
        b, whole = self.n_envs, np.dtype(np.int64)
        shapes = {"agents": (b, self.n_agents, 3), "foods": (b, self.n_foods, 3), "clock": (b, 2), "streams": (b, 3)}
        given, rng = checked_snapshot(snapshot, {name: (shape, whole) for name, shape in shapes.items()})
        agents, foods = given["agents"], given["foods"]
        there = foods[foods[..., 2] != 0]
        for name, things, border in (("agents", agents.reshape(-1, 3), 0), ("foods", there, 1)):
            cells, levels = things[:, :2], things[:, 2]
            if ((cells < border) | (cells >= self.size - border)).any() or (levels < 1).any():
                raise GameError(f"this snapshot is broken: its {name} must lie on the grid and have a level from 1")
        for name, least in (("clock", 0), ("streams", 0)):
            if (given[name] < least).any():
                raise GameError(f"this snapshot is broken: its {name} holds a number below {least}")
        if (given["clock"][:, 1] < foods[..., 2].clip(min=0).sum(axis=1)).any():
            raise GameError("this snapshot is broken: more food lies there than its clock says was placed")
        self._agents[..., :3], self._foods[:], self._clock[:] = agents, foods, given["clock"]
        self._streams, self._rng = given["streams"].copy(), rng
        self._run(rules_of.LOOK, np.zeros((b, self.n_agents), np.int64))
        self.reached_state = self.state
        return self.observations

    def _require_begun(self) -> np.random.Generator:
        if self._rng is None:
            raise GameError("this environment has not begun: call reset(seed) first")
        return self._rng

    def _require_actions(self, actions: Any) -> NDArray[np.int64]:
        try:
            array = np.asarray(actions)
        except Exception as error:
            raise GameError(f"actions must be an array of whole numbers, got {short(actions)}") from error
        shape = (self.n_envs, self.n_agents)
        if array.shape != shape or array.dtype.kind not in "iu":
            raise GameError(
                f"actions must be whole numbers of shape {shape} (environments, agents), got {array.dtype} of shape "
                f"{array.shape}"
            )
        return np.ascontiguousarray(array, dtype=np.int64)


def _whole(value: Any, name: str, least: int, most: int = LARGEST) -> None:
    require_whole(value, name, least=least)
    if value > most:
        raise GameError(f"{name} is {short(value)}: give at most {most:,}")
