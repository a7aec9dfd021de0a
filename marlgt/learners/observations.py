"""Observations of any environment as numbers, so that learners with tables play what no table describes.

Whatever can be made a key (numbers, texts, arrays, and tuples or dictionaries of them) is numbered in the order in
which it is met. Two observations are the same if their keys are: an array by its shape, type and content, a dictionary
regardless of order. Where an environment tells which actions are legal, that is a part of the observation.

The numbers belong to the observed environment, whatever matches are played in it: a learner that has learned in one is
at home in the next. When several seeds are played, what a seed is paid does not depend on the others, but the numbers
that its observations get do.

References
----------
Terry, J. K. et al. (2021). PettingZoo: gym for multi-agent reinforcement learning. NeurIPS.
"""

from __future__ import annotations

import copy
import weakref
from array import array
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole
from marlgt.learners._numbering import Numbering, key_of
from marlgt.learners.settings import Setting

__all__ = ["Observed", "observed"]

MOST_ENTRIES = 2**28
"""Most pairs of an observation and an action that the tables of one player may have."""

Numbers = tuple[int, ...]
Flags = tuple[bool, ...]


def observed(
    environment: Any,
    *,
    discount: float,
    max_observations: int = 100_000,
    key: Callable[[Any], Hashable] | None = None,
    shared: str = "own",
) -> Observed:
    """Return a PettingZoo parallel environment as something that learners with tables can play.

    Parameters
    ----------
    environment : pettingzoo.ParallelEnv, or a function without arguments that makes one
        With ``possible_agents`` and discrete actions. Several seeds need copies of it, or the function. Legal actions
        are read from ``action_mask`` of an observation that is a dictionary, or of the infos.
    discount : float
    max_observations : int
        Most different observations of a player; tables have so many rows.
    key : callable of an observation, optional
        What makes two observations the same, such as rounding; by default all of their content.
    shared : {"own", "joint"}
        Whether a player's state is the number of her own observation, or that of the observations of all players
        together, as learners of joint actions need it.

    Returns
    -------
    Observed

    Raises
    ------
    GameError
        For what is no such environment, actions that are not discrete, and tables that are too large.

    Notes
    -----
    An agent that is gone acts no more (in joint actions as her action 0) and learns no more, while the others go on.
    Each episode is begun with ``reset(seed=...)``, the seed drawn from that of the match. With discount 1, episodes
    must end, or the match have a horizon.

    Examples
    --------
    >>> import marlgt as gt
    >>> env = observed(gt.games.parallel_env(gt.games.soccer(), horizon=50), discount=0.9, max_observations=1000)
    >>> pair = [gt.learners.QLearning(env, player=name) for name in env.setting.players]
    >>> run = gt.learners.play(env, pair, steps=200, seed=0)
    >>> bool(run.episodes.sum() >= 4), len(env.labels()) > 10
    (True, True)
    """
    made = environment() if _is_maker(environment) else environment
    agents = getattr(made, "possible_agents", None)
    if not agents or not all(callable(getattr(made, name, None)) for name in ("reset", "step", "action_space")):
        raise GameError(
            f"environment is {short(environment)}: give a PettingZoo parallel environment, with possible_agents, "
            "reset, step and action_space, or a function that makes one"
        )
    if shared not in ("own", "joint"):
        raise GameError(f'shared is {short(shared)}: give "own" or "joint"')
    if isinstance(discount, bool) or not isinstance(discount, (int, float)) or not 0.0 <= discount <= 1.0:
        raise GameError(f"discount is {short(discount)}: give a number from 0 to 1")
    if key is not None and not callable(key):
        raise GameError(f"key is {short(key)}: give a function of an observation")
    require_whole(max_observations, "max_observations", least=1)
    counts, firsts = _actions(made, agents)
    if max_observations * max(counts) > MOST_ENTRIES:
        raise GameError(
            f"{max_observations} observations with {max(counts)} actions need {max_observations * max(counts):.3g} "
            f"entries: at most {MOST_ENTRIES:.3g} fit, give a smaller max_observations"
        )
    numbering = Numbering(counts, int(max_observations), joint=shared == "joint")
    names = tuple(map(str, agents))
    title = str(getattr(made, "metadata", {}).get("name", type(made).__name__))
    setting = Setting(
        names, int(max_observations), counts, float(discount), numbering.legal, title, numbering=numbering
    )
    return Observed(environment, made, setting, numbering, key or key_of, tuple(agents), firsts)


class Observed:
    """An environment whose observations are numbered; made by :func:`observed`.

    Attributes
    ----------
    setting : Setting
        With ``max_observations`` states.
    numbering : Numbering
    """

    def __init__(
        self,
        environment: Any,
        first: Any,
        setting: Setting,
        numbering: Numbering,
        key: Callable[[Any], Hashable],
        agents: tuple[Any, ...],
        first_actions: Numbers,
    ) -> None:
        self.setting, self.numbering = setting, numbering
        self._environment, self._spare = environment, first
        self._key, self._agents, self._first_actions = key, agents, first_actions
        self._first: weakref.ref[Seat] | None = None

    def seat(self) -> Seat:
        """Return a place to play: the environment itself, or a copy of it while another match plays it.

        Raises
        ------
        GameError
            If it cannot be copied.
        """
        taken = self._first is not None and self._first() is not None
        if not taken:
            made = self._spare
        elif _is_maker(self._environment):
            made = self._environment()
        else:
            made = self._copy()
        seat = Seat(made, self.numbering, self._key, self._agents, self._first_actions)
        if not taken:
            self._first = weakref.ref(seat)
        return seat

    def _copy(self) -> Any:
        try:
            return copy.deepcopy(self._environment)
        except Exception as error:
            raise GameError(
                f"the environment cannot be copied ({type(error).__name__}: {error}): give observed(...) a function "
                "that makes one"
            ) from error

    def labels(self, player: int = 0) -> list[Any]:
        """Return the observations of a player that were met, in the order of their numbers.

        Where numbers are shared, each is the tuple of what all players observed, None for those who were gone. With a
        ``key`` of your own they are its keys.

        Parameters
        ----------
        player : int
        """
        require_whole(player, "player", least=0)
        if player >= self.setting.n_players:
            raise GameError(f"player is {player}: the environment has players 0 to {self.setting.n_players - 1}")
        return self.numbering.labels(player)

    def __repr__(self) -> str:
        counts = ", ".join(str(len(book)) for book in self.numbering.books)
        return f"<{self.setting.title or 'environment'} of {self.setting.n_players} players, {counts} observations met>"


class Seat:
    """One copy of an environment in play, with the methods that a match calls."""

    def __init__(
        self,
        environment: Any,
        numbering: Numbering,
        key: Callable[[Any], Hashable],
        agents: tuple[Any, ...],
        first_actions: Numbers,
    ) -> None:
        self.environment = environment
        self._numbering, self._key, self._agents, self._first_actions = numbering, key, agents, first_actions
        self._seen: Numbers = (0,) * len(agents)
        self._alive: Flags = (True,) * len(agents)
        self._seed = 0
        # Four bytes an action: an episode may be without end.
        self._history = array("i")

    def reset(self, rng: np.random.Generator) -> Numbers:
        """Begin anew with a seed drawn from ``rng``, and return what each player observes."""
        return self._begin(int(rng.integers(2**31)))

    def step(self, actions: Numbers, rng: np.random.Generator) -> tuple[Numbers, list[float], Flags, Flags]:
        """Return what each player observes and is paid, and for whom the game was ended, and for whom cut."""
        self._history.extend(actions)
        return self._move(actions)

    def saved(self) -> dict[str, Any]:
        """Return the seed of the episode and the actions since, which :meth:`resume` makes again."""
        return {"seed": self._seed, "actions": self._history.tolist()}

    def resume(self, saved: Mapping[str, Any]) -> Numbers:
        """Play an episode up to where it was, and return what each player observes."""
        self._begin(int(saved["seed"]))
        n = len(self._agents)
        self._history.extend(saved["actions"])
        for k in range(0, len(self._history), n):
            self._move(tuple(self._history[k : k + n]))
        return self._seen

    def _begin(self, seed: int) -> Numbers:
        self._seed, self._history = seed, array("i")
        answer = self.environment.reset(seed=seed)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise GameError(f"reset returned {short(answer)}: it must return observations and infos")
        self._alive = tuple(agent in answer[0] for agent in self._agents)
        if not all(self._alive):
            gone = self._agents[self._alive.index(False)]
            raise GameError(f"reset returned no observation for {gone!r}: every agent must be there at the beginning")
        self._seen = self._numbers(*answer)
        return self._seen

    def _move(self, actions: Numbers) -> tuple[Numbers, list[float], Flags, Flags]:
        there = self._alive
        chosen = {}
        for agent, action, first, alive in zip(self._agents, actions, self._first_actions, there):
            if alive:
                chosen[agent] = action + first
        answer = self.environment.step(chosen)
        if not isinstance(answer, tuple) or len(answer) != 5:
            raise GameError(
                f"step returned {short(answer)}: it must return observations, rewards, terminations, truncations, infos"
            )
        observations, paid, terminations, truncations, infos = answer
        present = self.environment.agents
        n = len(there)
        rewards, ended, cut, left = [0.0] * n, [False] * n, [False] * n, [False] * n
        for i, (agent, alive) in enumerate(zip(self._agents, there)):
            if not alive:
                continue
            if agent not in paid:
                raise GameError(f"step returned no reward for {agent!r}, who acted: give every agent that acted one")
            rewards[i] = float(paid[agent])
            over = bool(terminations.get(agent, False))
            cut[i] = not over and bool(truncations.get(agent, False))
            # Whoever is gone without a word has ended.
            ended[i] = over or (not cut[i] and agent not in present)
            left[i] = not ended[i] and not cut[i]
            if not ended[i] and agent not in observations:
                raise GameError(f"step returned no observation for {agent!r}, whose game has not ended: give one")
        self._seen = self._numbers(observations, infos)
        self._alive = tuple(left)
        return self._seen, rewards, tuple(ended), tuple(cut)

    def _numbers(self, observations: Mapping[Any, Any], infos: Mapping[Any, Any]) -> Numbers:
        parts = [
            self._entry(agent, observations[agent], infos) if alive and agent in observations else None
            for agent, alive in zip(self._agents, self._alive)
        ]
        numbering = self._numbering
        if numbering.joint:
            # Those who are gone do nothing: their action 0.
            masks = [
                (b"\x01" + bytes(legal.shape[1] - 1)) if part is None else part[1]
                for part, legal in zip(parts, numbering.legal)
            ]
            return (numbering.number(0, tuple(parts), masks),) * len(parts)
        numbers = list(self._seen)
        for i, part in enumerate(parts):
            if part is not None:
                numbers[i] = numbering.number(i, part, part[1:])
        return tuple(numbers)

    def _entry(self, agent: Any, seen: Any, infos: Mapping[Any, Any]) -> tuple[Hashable, bytes | None]:
        """Return the key of what an agent observes, and what it may do."""
        mask = None
        if isinstance(seen, dict) and "action_mask" in seen:
            mask = seen["action_mask"]
            seen = seen["observation"] if len(seen) == 2 and "observation" in seen else _without_mask(seen)
        elif agent in infos:
            mask = (infos[agent] or {}).get("action_mask")
        return self._key(seen), None if mask is None else np.asarray(mask, dtype=bool).tobytes()


def _is_maker(environment: Any) -> bool:
    return isinstance(environment, type) or (callable(environment) and not hasattr(environment, "possible_agents"))


def _without_mask(seen: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in seen.items() if name != "action_mask"}


def _actions(environment: Any, agents: Sequence[Any]) -> tuple[Numbers, Numbers]:
    """Return how many actions each agent has, and what the environment calls the first one."""
    spaces = [environment.action_space(agent) for agent in agents]
    for agent, space in zip(agents, spaces):
        if not isinstance(getattr(space, "n", None), (int, np.integer)) or type(space).__name__ != "Discrete":
            raise GameError(f"the actions of {agent!r} are {short(space)}: learners with tables need a Discrete space")
    return tuple(int(space.n) for space in spaces), tuple(int(getattr(space, "start", 0)) for space in spaces)
