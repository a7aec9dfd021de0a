"""Games of the catalogue as deep learners see them: matrix games as episodes of a few steps, and stochastic games."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.deep.environments.protocol import Step, checked_arrays
from marlgt.deep.environments.streams import CopyStreams
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_flag, require_seed, require_whole
from marlgt.games._transition_tables import TransitionTables
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["OBSERVATION_KINDS", "MatrixEpisodes", "StochasticEpisodes", "equal_actions"]

OBSERVATION_KINDS = ("one_hot", "binary")
"""How the number of a state is observed: a row of zeros with one 1, or its binary digits."""

MOST_ONE_HOT = 4096
"""Most states observed as rows with one 1, by default and at all."""

USUAL_HORIZON = 100
"""After how many steps an episode of a game that need not end is truncated, if nothing else is said."""


def equal_actions(counts: tuple[int, ...], pad_actions: bool, what: str) -> int:
    """Return how many actions each agent has, counting those that are never allowed.

    Raises
    ------
    UnsupportedGame
        If agents have different numbers of actions, unless they are to be padded.
    """
    require_flag(pad_actions, "pad_actions")
    if len(set(counts)) > 1 and not pad_actions:
        raise UnsupportedGame(
            f"the agents of {what} have {', '.join(map(str, counts))} actions, and networks that agents share have as "
            "many outputs for each: give the option pad_actions=True to add actions that are never allowed"
        )
    return max(counts)


def _chosen(actions: Any, n_envs: int, n_agents: int) -> NDArray[np.int64]:
    array = np.asarray(actions)
    if array.shape != (n_envs, n_agents) or array.dtype.kind not in "iu":
        raise GameError(
            f"actions must be whole numbers of shape {(n_envs, n_agents)} (environments, agents), got {array.dtype} of "
            f"shape {array.shape}"
        )
    return array


def _cells_of_alternatives(
    cells: NDArray[Any], chosen: NDArray[np.int64], strides: NDArray[Any], n_actions: int
) -> NDArray[Any]:
    """Return which cell of a table is reached if one agent acts otherwise, shape (B, n, A)."""
    changes: NDArray[Any] = np.arange(n_actions) - chosen[..., None]
    return np.asarray(cells[:, None, None] + changes * strides[:, None])


class MatrixEpisodes:
    """B copies of a normal-form game that is played ``repeats`` times in an episode; there is nothing to observe.

    With one play, every step terminates. With more, the last is truncated: nothing ends there, the count is only not
    observed.

    Parameters
    ----------
    game : NormalFormGame
    n_envs : int
    repeats : int
    pad_actions : bool
        Whether players may have different numbers of actions.
    name : str, optional
        What to call it; by default the game's title.
    """

    action_size = 0
    action_choices: tuple[int, ...] = ()

    def __init__(
        self,
        game: NormalFormGame,
        n_envs: int,
        *,
        repeats: int = 1,
        pad_actions: bool = False,
        name: str | None = None,
    ) -> None:
        require_whole(n_envs, "n_envs", least=1)
        require_whole(repeats, "repeats", least=1)
        self.game, self.repeats = game, int(repeats)
        self.name = name or game.title or "a normal-form game"
        self.n_envs, self.n_agents = int(n_envs), game.n_players
        self.n_actions = equal_actions(game.n_actions, pad_actions, self.name)
        self.observation_size = self.state_size = 1
        self.common_reward = bool((game.payoffs == game.payoffs[:1]).all())
        self.judged = False
        counts = np.array(game.n_actions)
        self._payoffs = np.ascontiguousarray(game.payoffs.reshape(game.n_players, -1).T, dtype=np.float32)
        self._strides = np.append(np.cumprod(counts[:0:-1])[::-1], 1).astype(np.int64)
        self._counts = counts
        self.observations = np.ones((self.n_envs, self.n_agents, 1), np.float32)
        self.state = self.reached_state = np.ones((self.n_envs, 1), np.float32)
        self.allowed = np.repeat((np.arange(self.n_actions) < counts[:, None])[None], self.n_envs, axis=0)
        self.reached_allowed = self.allowed
        self.masked = not bool(self.allowed.all())
        self._never, self._always = np.zeros(self.n_envs, np.bool_), np.ones(self.n_envs, np.bool_)
        self._played = -1

    def reset(self, seed: int, *, first: int = 0) -> NDArray[np.float32]:
        """Begin all copies anew and return the observations; nothing here is random."""
        require_seed(seed)
        require_whole(first, "first", least=0)
        self._played = 0
        return self.observations

    def _checked(self, actions: Any) -> NDArray[np.int64]:
        chosen = _chosen(actions, self.n_envs, self.n_agents)
        if (chosen < 0).any() or (chosen >= self._counts).any():
            copy, agent = np.argwhere((chosen < 0) | (chosen >= self._counts))[0]
            raise GameError(
                f"actions[{copy}, {agent}] is {chosen[copy, agent]}: agent {agent} has actions 0 to "
                f"{self._counts[agent] - 1}"
            )
        return chosen

    def step(self, actions: Any) -> Step:
        """Play the game once in all copies."""
        if self._played < 0:
            raise GameError("this environment has not begun: call reset(seed) first")
        chosen = self._checked(actions)
        rewards = self._payoffs[chosen @ self._strides]
        self._played = (self._played + 1) % self.repeats
        over = self._always if self._played == 0 else self._never
        ended, stopped = (over, self._never) if self.repeats == 1 else (self._never, over)
        return Step(self.observations, rewards, ended, stopped, self.observations, self._never)

    def alternatives(self, actions: Any) -> NDArray[np.float32]:
        """Return the team's reward had one agent acted otherwise, shape (B, n, A); NaN for actions that there are not.

        Parameters
        ----------
        actions : ndarray of int, shape (B, n)
            What is about to be played.
        """
        chosen = self._checked(actions)
        cells = _cells_of_alternatives(chosen @ self._strides, chosen, self._strides, self.n_actions)
        known = self.allowed
        return np.where(known, self._team[np.where(known, cells, 0)], np.float32(np.nan))

    @cached_property
    def _team(self) -> NDArray[np.float32]:
        """The team's reward for each profile of actions."""
        payoffs = self.game.payoffs.reshape(self.n_agents, -1)
        return np.asarray(payoffs[0] if self.common_reward else payoffs.sum(axis=0), np.float32)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return how many plays of the episode are over, the same for all copies."""
        return {"played": np.array([self._played])}

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Go back to a snapshot and return the observations."""
        played = int(checked_arrays(snapshot, self.snapshot())["played"][0])
        if not -1 <= played < self.repeats:
            raise GameError(f"this snapshot is broken: {played} plays of an episode of {self.repeats} are over")
        self._played = played
        return self.observations

    def close(self) -> None:
        """Do nothing: nothing is held outside of memory."""


class StochasticEpisodes:
    """B copies of a stochastic game; every agent observes the state.

    Parameters
    ----------
    game : StochasticGame
    n_envs : int
    horizon : int, optional
        After how many steps an episode is truncated. By default never where the game surely ends, else after 100.
    observation : {'one_hot', 'binary'}, optional
        By default ``one_hot`` up to 4,096 states.
    pad_actions : bool
        Whether players may have different numbers of actions.
    name : str, optional
        What to call it; by default the game's title.
    """

    action_size = 0
    action_choices: tuple[int, ...] = ()

    def __init__(
        self,
        game: StochasticGame,
        n_envs: int,
        *,
        horizon: int | None = None,
        observation: str | None = None,
        pad_actions: bool = False,
        name: str | None = None,
    ) -> None:
        require_whole(n_envs, "n_envs", least=1)
        if horizon is None:
            horizon = 0 if game.surely_ends else USUAL_HORIZON
        else:
            require_whole(horizon, "horizon", least=1)
        if game.start[game.terminal].any():
            raise UnsupportedGame("the game may begin in a terminal state: give it a start from which it can be played")
        self.game, self.horizon = game, int(horizon)
        self.name = name or game.title or "a stochastic game"
        self.n_envs, self.n_agents = int(n_envs), game.n_players
        self.n_actions = equal_actions(game.n_actions, pad_actions, self.name)
        self.common_reward = bool(game.is_common_interest)
        self.judged = False
        self._codes = _state_codes(game.n_states, observation)
        self.observation_size = self.state_size = self._codes.shape[1]
        legal = np.zeros((game.n_states, self.n_agents, self.n_actions), np.bool_)
        for i, own in enumerate(game.legal):
            legal[:, i, : own.shape[1]] = own
        # Nothing is chosen in a terminal state, but a mask that forbids everything has no largest value.
        legal[game.terminal, :, 0] = True
        self._legal = legal
        self.masked = not bool(self._legal.all())
        self._tables = TransitionTables(game)
        self._paid = self._tables.rewards.astype(np.float32)
        starts = np.flatnonzero(game.start)
        self._only_start = int(starts[0]) if len(starts) == 1 else -1
        self._agents = np.arange(self.n_agents)
        self._states = np.zeros(self.n_envs, np.int32)
        self._steps = np.zeros(self.n_envs, np.int64)
        self._never = np.zeros(self.n_envs, np.bool_)
        self._streams: CopyStreams | None = None
        self._look()

    def _look(self) -> None:
        self.observations, self.state, self.allowed = self._seen(self._states)
        self.reached_state, self.reached_allowed = self.state, self.allowed

    def _seen(self, states: NDArray[np.int32]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        codes = self._codes[states]
        return codes[:, None].repeat(self.n_agents, axis=1), codes, self._legal[states]

    def _begun(self, streams: CopyStreams, rows: NDArray[Any] | None = None) -> NDArray[np.int32]:
        """Return first states of all copies, or of some."""
        if self._only_start >= 0:
            return np.full(self.n_envs if rows is None else len(rows), self._only_start, np.int32)
        return self._tables.starts(streams.draw(rows))

    def _followed(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the next states and the rewards."""
        tables, states = self._tables, self._states
        known = tables.width == 1 and chosen.min() >= 0 and chosen.max() < self.n_actions
        if known and self._legal[states[:, None], self._agents, chosen].all():
            cells = states * tables.profiles + chosen @ tables.strides
            return tables.successors[cells, 0], self._paid[cells]
        # The tables ask a generator for one number of each copy, which the streams give; they name what is not legal.
        states, rewards = tables.follow(states, chosen, self._streams)  # type: ignore[arg-type]
        return states, rewards.astype(np.float32)

    def reset(self, seed: int, *, first: int = 0) -> NDArray[np.float32]:
        """Begin all copies anew and return the observations."""
        require_seed(seed)
        require_whole(first, "first", least=0)
        self._streams = CopyStreams(seed, first, self.n_envs)
        self._states = self._begun(self._streams)
        self._steps = np.zeros(self.n_envs, np.int64)
        self._look()
        return self.observations

    def step(self, actions: Any) -> Step:
        """Take a step in all copies."""
        if self._streams is None:
            raise GameError("this environment has not begun: call reset(seed) first")
        chosen = _chosen(actions, self.n_envs, self.n_agents)
        states, rewards = self._followed(chosen)
        self._steps += 1
        terminated = self.game.terminal[states]
        truncated = (self._steps >= self.horizon) & ~terminated if self.horizon else self._never
        self._states = states
        self._look()
        reached = self.observations
        ends = terminated | truncated
        if ends.any():
            over = np.flatnonzero(ends)
            self._states = states.copy()
            self._states[over] = self._begun(self._streams, over)
            self._steps[over] = 0
            self.observations, self.state, self.allowed = self._seen(self._states)
        return Step(self.observations, rewards, terminated, truncated, reached, self._never)

    def alternatives(self, actions: Any) -> NDArray[np.float32]:
        """Return the team's reward had one agent acted otherwise, shape (B, n, A); NaN for what is not allowed.

        Of this step only, and its mean where chance decides: what would follow from another action is not told.

        Parameters
        ----------
        actions : ndarray of int, shape (B, n)
            What is about to be played.
        """
        chosen = _chosen(actions, self.n_envs, self.n_agents)
        tables, states = self._tables, self._states
        inside = (chosen >= 0) & (chosen < self.n_actions)
        if not inside.all() or not self._legal[states[:, None], self._agents, chosen].all():
            raise GameError("alternatives are those of actions that are allowed: give what is about to be played")
        cells = _cells_of_alternatives(
            states * tables.profiles + chosen @ tables.strides, chosen, tables.strides, self.n_actions
        )
        known = self._legal[states]
        return np.where(known, self._team[np.where(known, cells, 0)], np.float32(np.nan))

    @cached_property
    def _team(self) -> NDArray[np.float32]:
        """The team's mean reward in each state for each profile of actions."""
        rewards = self.game.rewards.reshape(self.n_agents, -1)
        return np.asarray(rewards[0] if self.common_reward else rewards.sum(axis=0), np.float32)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return all that the future depends on, as arrays."""
        if self._streams is None:
            raise GameError("this environment has not begun: call reset(seed) first")
        return {"states": self._states.copy(), "steps": self._steps.copy(), "streams": self._streams.words.copy()}

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Go back to a snapshot and return the observations."""
        mine: dict[str, NDArray[Any]] = {
            "states": self._states,
            "steps": self._steps,
            "streams": np.zeros((self.n_envs, 3), np.int64),
        }
        given = checked_arrays(snapshot, mine)
        states = given["states"]
        if (states < 0).any() or (states >= self.game.n_states).any() or self.game.terminal[states].any():
            raise GameError("this snapshot is broken: its states are not all states in which this game goes on")
        if (given["steps"] < 0).any() or (given["streams"] < 0).any():
            raise GameError("this snapshot is broken: its steps and streams must not be negative")
        self._streams = CopyStreams(0, 0, 0)
        self._streams.words = given["streams"]
        self._states, self._steps = states, given["steps"]
        self._look()
        return self.observations

    def close(self) -> None:
        """Do nothing: nothing is held outside of memory."""


def _state_codes(n_states: int, observation: str | None) -> NDArray[np.float32]:
    """Return what is observed in each state, shape (S, D)."""
    if observation is None:
        observation = "one_hot" if n_states <= MOST_ONE_HOT else "binary"
    if observation not in OBSERVATION_KINDS:
        raise GameError(f"observation is {short(observation)}: choose from {', '.join(OBSERVATION_KINDS)}")
    if observation == "one_hot":
        if n_states > MOST_ONE_HOT:
            raise GameError(
                f"{n_states:,} states are too many for observations with one number each: give observation=binary"
            )
        return np.eye(n_states, dtype=np.float32)
    digits = max(1, (n_states - 1).bit_length())
    return ((np.arange(n_states)[:, None] >> np.arange(digits)) & 1).astype(np.float32)
