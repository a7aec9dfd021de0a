"""Tables of environments that can be copied: every state that can come up, found by stepping copies.

A copy takes its randomness along, so what chance did not do in it is never seen: the environment must be
deterministic after its reset.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_seed
from marlgt.games.stochastic import StochasticGame
from marlgt.games.tabulation import MAX_STATES, tabulate

__all__ = ["tabulate_environment"]


def tabulate_environment(
    env: Any,
    *,
    discount: float,
    key: Callable[[Any], Hashable] | None = None,
    seed: int = 0,
    title: str = "",
    max_states: int = MAX_STATES,
) -> StochasticGame:
    """Return the table of an environment that is deterministic after its reset and can be copied.

    Parameters
    ----------
    env : pettingzoo.ParallelEnv
        With discrete actions. What is legal is read from ``action_mask`` in the observation or the info, if there.
        Take a time limit away: an environment that is seen to truncate is refused.
    discount : float
    key : callable, optional
        What tells the states of the environment apart, given a copy; by default the bytes of its ``state()``.
    seed : int
        Of the reset; the game begins in the state that follows it.
    title : str
    max_states : int

    Raises
    ------
    BudgetExceeded
        If there are more states than ``max_states``.
    UnsupportedGame
        For actions that are not discrete, and an environment that truncates.

    Examples
    --------
    >>> from marlgt.games import coordination_grid, parallel_env
    >>> tabulate_environment(parallel_env(coordination_grid()), discount=0.95)
    <StochasticGame 'An environment': 72 states (1 terminal), 5 x 5 actions, discount 0.95>
    """
    require_seed(seed)
    missing = [name for name in ("possible_agents", "reset", "step", "action_space") if not hasattr(env, name)]
    if missing:
        raise GameError(
            f"env is {short(env)}, which has no {missing[0]}: give an environment with PettingZoo's ParallelEnv"
        )
    model = _Copied(copy.deepcopy(env), key or _state_bytes, int(seed))
    return tabulate(
        model, discount=discount, label=_Snapshot.label, title=title or "An environment", max_states=max_states
    )


class _Snapshot:
    """A copy of the environment, equal to others whose key is equal."""

    def __init__(self, env: Any, key: tuple[Hashable, bool], masks: tuple[Any, ...], over: bool, number: int) -> None:
        self.env, self.key, self.masks, self.over, self.number = env, key, masks, over, number

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Snapshot) and self.key == other.key

    def label(self) -> str:
        told = self.key[0]
        return str(self.number) if isinstance(told, bytes) else str(told)


class _Copied:
    """The model whose step is that of a copy."""

    def __init__(self, env: Any, key: Callable[[Any], Hashable], seed: int) -> None:
        self.env, self.key, self.seed = env, key, seed
        self.players = [str(agent) for agent in env.possible_agents]
        self.counts = []
        for agent in env.possible_agents:
            count = getattr(env.action_space(agent), "n", None)
            if not isinstance(count, (int, np.integer)):
                raise UnsupportedGame(
                    f"the actions of {agent!r} are {short(env.action_space(agent))}: only Discrete ones fit"
                )
            self.counts.append(int(count))
        self.made = 0

    def initial_states(self) -> list[tuple[float, _Snapshot]]:
        observations, infos = self.env.reset(seed=self.seed)
        return [(1.0, self._snapshot(self.env, observations, infos, over=False))]

    def legal_actions(self, state: _Snapshot, player: int) -> tuple[int, ...]:
        mask = state.masks[player]
        return tuple(range(self.counts[player])) if mask is None else tuple(np.flatnonzero(mask).tolist())

    def is_terminal(self, state: _Snapshot) -> bool:
        return state.over

    def step(self, state: _Snapshot, actions: tuple[int, ...]) -> list[tuple[float, _Snapshot, list[float]]]:
        env = copy.deepcopy(state.env)
        agents = self.env.possible_agents
        observations, rewards, terminated, truncated, infos = env.step(dict(zip(agents, actions)))
        if any(truncated.values()):
            raise UnsupportedGame("the environment truncates, so its states count steps: take its time limit away")
        ended = [bool(terminated[agent]) for agent in agents]
        if any(ended) and not all(ended):
            raise UnsupportedGame("the environment ends for some agents before others: a stochastic game ends for all")
        following = self._snapshot(env, observations, infos, over=all(ended))
        return [(1.0, following, [float(rewards[agent]) for agent in agents])]

    def _snapshot(self, env: Any, observations: Any, infos: Any, *, over: bool) -> _Snapshot:
        masks = tuple(_mask(observations[agent], infos[agent]) for agent in self.env.possible_agents)
        self.made += 1
        return _Snapshot(env, (self.key(env), over), masks, over, self.made)


def _mask(observation: Any, info: Any) -> Any:
    for source in (observation, info):
        if isinstance(source, dict) and "action_mask" in source:
            return source["action_mask"]
    return None


def _state_bytes(env: Any) -> Hashable:
    return np.ascontiguousarray(env.state()).tobytes()
