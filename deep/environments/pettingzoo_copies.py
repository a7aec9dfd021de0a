"""PettingZoo's parallel environments as deep learners see them: dictionaries in, arrays out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from marlgt.deep.environments.action_spaces import action_form
from marlgt.deep.environments.catalogue_games import equal_actions
from marlgt.deep.environments.gymnasium_copies import GymnasiumCopies, copy_failed, refuse_snapshot
from marlgt.deep.environments.protocol import BatchEnv, EnvironmentFailed, Step, not_finite
from marlgt.deep.environments.streams import copy_seeds
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_flag, require_seed, require_whole

__all__ = ["ParallelCopies", "ParallelTask", "copies_of"]

OPTIONS = ("pad_actions", "shared_reward")
PARALLEL = ("possible_agents", "reset", "step", "observation_space", "action_space")
"""What makes an object a parallel environment."""
SUCCESS = ("is_success", "success")
"""What infos call it that the task was solved."""


@dataclass(frozen=True)
class ParallelTask:
    """A function that makes a PettingZoo parallel environment, with options, wherever a task is asked for.

    Attributes
    ----------
    make : callable
        Without arguments.
    pad_actions : bool
        Whether agents may have different numbers of actions.
    shared_reward : bool
        Everybody gets the sum of the rewards.

    Examples
    --------
    >>> from marlgt.deep.environments import make_environment
    >>> from marlgt.games import parallel_env, soccer
    >>> team = ParallelTask(lambda: parallel_env(soccer()), shared_reward=True)
    >>> make_environment(team, 2).common_reward
    True
    """

    make: Callable[[], Any]
    _: KW_ONLY
    pad_actions: bool = False
    shared_reward: bool = False

    def __call__(self) -> Any:
        """Return one environment."""
        return self.make()


WAY = "make the environment with discrete actions, or put a wrapper around it that has them"


def copies_of(
    make: Callable[[], Any], n_envs: int, options: Mapping[str, Any], *, continuous: bool = False
) -> BatchEnv:
    """Return copies of what a function makes: a PettingZoo parallel environment, or a Gymnasium environment.

    Parameters
    ----------
    make : callable
        Without arguments; called once for each copy.
    n_envs : int
    options : mapping
        ``pad_actions`` and ``shared_reward``, for PettingZoo; they go before those of a :class:`ParallelTask`.
    continuous : bool
        Whether other actions than single choices are welcome.
    """
    if isinstance(make, ParallelTask):
        options = {"pad_actions": make.pad_actions, "shared_reward": make.shared_reward, **options}
        make = make.make
    name = f"{getattr(make, '__module__', '')}.{getattr(make, '__qualname__', type(make).__name__)}".lstrip(".")
    try:
        env = make()
    except Exception as error:
        raise EnvironmentFailed(
            f"{name} raised {type(error).__name__} when it was called to make copy 0: {error}", copy=0, step=0
        ) from error
    if all(hasattr(env, attribute) for attribute in PARALLEL):
        for key in options:
            if key not in OPTIONS:
                raise GameError(f"{name} has no option {short(key)}: parallel environments have {', '.join(OPTIONS)}")
        return ParallelCopies(make, n_envs, name=name, made=env, continuous=continuous, **options)
    if hasattr(env, "agent_iter"):
        raise UnsupportedGame(
            f"in what {name} makes agents move in turns, and here all act at once: put "
            "pettingzoo.utils.aec_to_parallel around it"
        )
    if not all(hasattr(env, attribute) for attribute in ("reset", "step", "action_space", "observation_space")):
        raise GameError(
            f"{name} makes {short(env)}: let it make a PettingZoo parallel environment or a Gymnasium environment"
        )
    if options:
        raise GameError(f"{name} makes a Gymnasium environment and has no options: set them in the function")
    return GymnasiumCopies(make, n_envs, name=name, made=[env], continuous=continuous)


class ParallelCopies:
    """B copies of a PettingZoo parallel environment, stepped one after another.

    Observations are flattened, and filled up with zeros where agents have different sizes; numbers of ``Discrete``
    spaces become rows of zeros with one 1. Which actions are allowed is read from ``action_mask`` in observations or
    infos. An agent that is done before the others observes zeros, gets nothing, and has only action 0, until all are
    done. An episode counts as terminated if nobody was truncated in its last step. It was a success if some agent's
    last info says ``is_success`` or ``success``; the task knows success if infos of a reset hold one of them. These
    copies cannot be saved in the midst of an episode: ``snapshot()`` is None.

    Parameters
    ----------
    make : callable
        Makes one environment; called once for each copy.
    n_envs : int
    name : str
    made : ParallelEnv, optional
        The environment of copy 0, if there is one.
    pad_actions : bool
        Whether agents may have different numbers of actions.
    shared_reward : bool
        Everybody gets the sum of the rewards.
    continuous : bool
        Whether other actions than single choices are welcome, where all agents have the same.

    Raises
    ------
    UnsupportedGame
        For actions that are not welcome, have no bounds, or differ from agent to agent, and for observations
        that are no numbers.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        n_envs: int,
        *,
        name: str,
        made: Any = None,
        pad_actions: bool = False,
        shared_reward: bool = False,
        continuous: bool = False,
    ) -> None:
        require_whole(n_envs, "n_envs", least=1)
        require_flag(shared_reward, "shared_reward")
        self.name, self.n_envs = name, int(n_envs)
        first = make() if made is None else made
        self.agents = list(first.possible_agents)
        self.judged = False
        self.n_agents, self.common_reward = len(self.agents), bool(shared_reward) or len(self.agents) == 1
        forms = [action_form(first.action_space(agent), f"{agent} in {name}", continuous, WAY) for agent in self.agents]
        single = all(form.n_actions for form in forms)
        if not single and len({form.key for form in forms}) > 1:
            raise UnsupportedGame(
                f"the agents of {name} have different actions, and numbers or several choices must be alike for all: "
                "put a wrapper around the environment that gives all the same action space"
            )
        counts = tuple(form.n_actions for form in forms)
        self.n_actions = equal_actions(counts, pad_actions, name) if single else 0
        self.action_size, self.action_choices = forms[0].action_size, forms[0].action_choices
        encoders = [_encoder(first.observation_space(agent), agent, name) for agent in self.agents]
        self.observation_size = max(size for size, _ in encoders)
        self._encoders = [encode for _, encode in encoders]
        self._sizes = [size for size, _ in encoders]
        self._own = [form.own for form in forms]
        self.masked = single
        self._possible = np.arange(self.n_actions) < np.array(counts)[:, None]
        self._only_first = np.arange(self.n_actions) == 0
        self._counts = counts
        self._envs = [first, *(make() for _ in range(self.n_envs - 1))]
        self._moves = -1
        shape = (self.n_envs, self.n_agents)
        self.observations = np.zeros((*shape, self.observation_size), np.float32)
        self.allowed = np.repeat(self._possible[None], self.n_envs, axis=0)
        self.reached_allowed = self.allowed
        self._resting = np.zeros(self.n_envs, np.bool_)
        self._has_state, self.state_size = self._probed(first)
        self.state = self.reached_state = np.zeros((self.n_envs, self.state_size), np.float32)

    def _probed(self, env: Any) -> tuple[bool, int]:
        """Return whether the environment knows its state, and how many numbers it has."""
        try:
            _, infos = env.reset(seed=0)
            self.judged = any(key in info for info in infos.values() for key in SUCCESS)
        except Exception as error:
            self._fail(0, error)
        try:
            state = np.asarray(env.state(), np.float32)
        except (AttributeError, NotImplementedError):
            return False, self.n_agents * self.observation_size
        except Exception as error:
            self._fail(0, error)
        return True, int(state.size)

    def reset(self, seed: int, *, first: int = 0) -> NDArray[np.float32]:
        """Begin all copies anew and return the observations."""
        require_seed(seed)
        require_whole(first, "first", least=0)
        self.observations, self.state = np.zeros_like(self.observations), np.zeros_like(self.state)
        self.allowed = np.zeros_like(self.allowed)
        self._moves, self._resting = 0, np.zeros_like(self._resting)
        k = 0
        try:
            for k, own in enumerate(copy_seeds(seed, first, self.n_envs)):
                self._look(k, self._envs[k].reset(seed=own), self.observations, self.state, self.allowed)
            if (found := not_finite(self.observations)) is not None:
                k = found[0]
                raise GameError(f"the {found[2]} of {self.agents[found[1]]} holds a number that is not finite")
        except Exception as error:
            self._fail(k, error)
        self.reached_state, self.reached_allowed = self.state, self.allowed
        return self.observations

    def _look(self, k: int, seen: Any, observations: Any, state: Any, allowed: Any) -> None:
        """Write what copy k shows of itself."""
        views, infos = seen
        env = self._envs[k]
        there = set(env.agents)
        for i, agent in enumerate(self.agents):
            # An agent that is done in this step is shown its last observation; then it is no longer among the views.
            view = views.get(agent)
            if view is not None:
                observations[k, i, : self._sizes[i]] = self._encoders[i](view)
            if not self.n_actions:
                continue
            if agent not in there:
                allowed[k, i] = self._only_first
                continue
            mask = view.get("action_mask") if isinstance(view, Mapping) else None
            if mask is None:
                mask = infos.get(agent, {}).get("action_mask")
            if mask is None:
                allowed[k, i] = self._possible[i]
                continue
            allowed[k, i, : self._counts[i]] = np.asarray(mask) != 0
            if not allowed[k, i].any():
                raise GameError(f"the action_mask of {agent} forbids everything: allow at least one action")
        state[k] = np.asarray(env.state(), np.float32).ravel() if self._has_state else observations[k].ravel()

    def step(self, actions: Any) -> Step:
        """Take a step in all copies."""
        if self._moves < 0:
            raise GameError("this environment has not begun: call reset(seed) first")
        chosen = actions.tolist()
        if len(chosen) != self.n_envs:
            raise GameError(f"actions must have shape ({self.n_envs}, {self.n_agents}), got {len(chosen)} rows")
        self._moves += 1
        reached, rewards = np.zeros_like(self.observations), np.zeros((self.n_envs, self.n_agents), np.float32)
        state, allowed = np.zeros_like(self.state), np.zeros_like(self.allowed)
        idle = self._resting
        reached[idle], state[idle], allowed[idle] = self.observations[idle], self.state[idle], self.allowed[idle]
        terminated, truncated, successes = (np.zeros(self.n_envs, np.bool_) for _ in range(3))
        over, k = [], 0
        try:
            for k in np.flatnonzero(~idle).tolist():
                env = self._envs[k]
                there = set(env.agents)
                given = {}
                for i, (agent, action) in enumerate(zip(self.agents, chosen[k], strict=True)):
                    if self.n_actions and not 0 <= action < self._counts[i]:
                        raise GameError(f"the action of {agent} is {action}: she has 0 to {self._counts[i] - 1}")
                    if agent in there:
                        given[agent] = self._own[i](action)
                views, paid, ended, stopped, infos = env.step(given)
                for i, agent in enumerate(self.agents):
                    rewards[k, i] = paid.get(agent, 0.0)
                self._look(k, (views, infos), reached, state, allowed)
                if not env.agents or all(ended.get(a, False) or stopped.get(a, False) for a in there):
                    over.append(k)
                    truncated[k] = any(stopped.get(a, False) and not ended.get(a, False) for a in there)
                    terminated[k] = not truncated[k]
                    successes[k] = any(info.get(key, False) for info in infos.values() for key in SUCCESS)
            if (found := not_finite(reached, rewards)) is not None:
                k = found[0]
                raise GameError(f"the {found[2]} of {self.agents[found[1]]} holds a number that is not finite")
            self.observations, self.state, self.allowed = reached, state, allowed
            self.reached_state, self.reached_allowed = state, allowed
            if over:
                self.observations, self.state, self.allowed = reached.copy(), state.copy(), allowed.copy()
                for k in over:
                    self.observations[k], self.allowed[k] = 0.0, False
                    self._look(k, self._envs[k].reset(), self.observations, self.state, self.allowed)
        except Exception as error:
            self._fail(k, error)
        if self.common_reward:
            rewards[:] = rewards.sum(axis=1, keepdims=True)
        return Step(self.observations, rewards, terminated, truncated, reached, successes)

    def rest(self, resting: NDArray[np.bool_]) -> None:
        """Step these copies no more until the next reset: they stay as they are, and earn nothing."""
        self._resting = resting.copy()

    def _fail(self, k: int, error: Exception) -> NoReturn:
        step, self._moves = max(self._moves, 0), -1
        raise copy_failed(self.name, k, step, error) from error

    def snapshot(self) -> None:
        """Return None: these copies cannot be saved in the midst of an episode."""

    def restore(self, snapshot: Any) -> NDArray[np.float32]:
        """Raise GameError: there are no snapshots."""
        refuse_snapshot(self.name)

    def close(self) -> None:
        """Close all environments."""
        for env in self._envs:
            if hasattr(env, "close"):
                env.close()


def _encoder(space: Any, agent: str, name: str) -> tuple[int, Callable[[Any], Any]]:
    """Return how many numbers an agent observes, and how they are got from what it is given."""
    from gymnasium import spaces

    if isinstance(space, spaces.Dict) and "observation" in space.spaces:
        size, inner = _encoder(space.spaces["observation"], agent, name)
        return size, lambda view: inner(view["observation"])
    if isinstance(space, spaces.Discrete):
        rows, start = np.eye(int(space.n), dtype=np.float32), int(space.start)
        return len(rows), lambda number: rows[number - start]
    if isinstance(space, spaces.Box | spaces.MultiBinary):
        return int(np.prod(space.shape)), np.ravel
    raise UnsupportedGame(
        f"the observations of {agent} in {name} are a {type(space).__name__} space, and networks here read rows of "
        "numbers: flatten them in a wrapper around the environment"
    )
