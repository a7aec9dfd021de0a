"""Gymnasium environments as deep learners see them: one agent, rows of numbers to observe.

The wrappers that ``gymnasium.make`` puts around an environment to check it are taken off, and its time limit is kept
here, which saves half the time of a small environment's step.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from marlgt.deep.environments.action_spaces import action_form
from marlgt.deep.environments.classic_control import PLANTS, ClassicControl
from marlgt.deep.environments.continuous_control import FORCED, ContinuousControl
from marlgt.deep.environments.protocol import BatchEnv, EnvironmentFailed, Step, not_finite
from marlgt.deep.environments.streams import copy_seeds
from marlgt.errors import GameError, MissingDependency, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_seed, require_whole

__all__ = ["GymnasiumCopies", "copy_failed", "named_copies", "refuse_snapshot"]


WAY = "put a wrapper around it that chooses from a list (gymnasium.wrappers.TransformAction), and give a function"


def named_copies(
    name: str, n_envs: int, options: Mapping[str, Any], label: str, *, continuous: bool = False
) -> BatchEnv:
    """Return copies of the environment that Gymnasium registers under a name.

    Parameters
    ----------
    name : str
    n_envs : int
    options : mapping
        What ``gymnasium.make`` takes.
    label : str
        What to call them.
    continuous : bool
        Whether other actions than single choices are welcome.
    """
    if name in PLANTS and not options:
        return ClassicControl(name, n_envs)
    if name in FORCED and continuous and not options:
        return ContinuousControl(name, n_envs)
    gymnasium = _gymnasium()

    def make() -> Any:
        try:
            return gymnasium.make(name, disable_env_checker=True, **options)
        except gymnasium.error.UnregisteredEnv:
            near = difflib.get_close_matches(name, list(gymnasium.registry), n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "gymnasium.registry lists them"
            raise GameError(f"there is no Gymnasium environment {short(name)}: {hint}") from None
        except Exception as error:
            raise GameError(f"Gymnasium cannot make {label}: {error}") from error

    return GymnasiumCopies(make, n_envs, name=label, continuous=continuous)


def _gymnasium() -> Any:
    try:
        import gymnasium
    except ImportError as error:
        raise MissingDependency("environments of Gymnasium", package="gymnasium", extra="games") from error
    return gymnasium


class GymnasiumCopies:
    """B copies of a Gymnasium environment, stepped one after another.

    Numbers from -1 to 1 are scaled to the bounds of a ``Box`` of actions.

    States that are numbers of a ``Discrete`` space are observed as rows of zeros with one 1. A copy's info may hold
    ``action_mask``, and at the end of an episode ``is_success``. These copies cannot be saved in the midst of an
    episode: ``snapshot()`` is None.

    Parameters
    ----------
    make : callable
        Makes one environment; called once for each copy.
    n_envs : int
    name : str
    made : sequence
        Environments that were made already, for the first copies.
    continuous : bool
        Whether other actions than single choices are welcome.

    Raises
    ------
    UnsupportedGame
        For actions that are not welcome or have no bounds, and for observations that are no row of numbers.
    """

    n_agents = 1
    common_reward = True
    judged = False

    def __init__(
        self,
        make: Callable[[], Any],
        n_envs: int,
        *,
        name: str,
        made: Sequence[Any] = (),
        continuous: bool = False,
    ) -> None:
        require_whole(n_envs, "n_envs", least=1)
        self.name, self.n_envs = name, int(n_envs)
        first = made[0] if made else make()
        form = action_form(first.action_space, name, continuous, WAY)
        self.n_actions, self.action_size, self.action_choices, self._own, _ = form
        self.observation_size, self._encode = _encoding(first.observation_space, name)
        self.state_size = self.observation_size
        whole = [first, *made[1:], *(make() for _ in range(self.n_envs - max(1, len(made))))]
        self._envs, self._limits = zip(*(_peeled(env) for env in whole))
        self._steps = [0] * self.n_envs
        self._going: Sequence[int] = range(self.n_envs)
        self._moves = -1
        self.observations = np.zeros((self.n_envs, 1, self.observation_size), np.float32)
        self._reached = self.observations
        self.allowed = np.ones((self.n_envs, 1, self.n_actions), np.bool_)
        self.reached_allowed = self.allowed
        self._masked = False
        self._never = np.zeros(self.n_envs, np.bool_)

    @property
    def masked(self) -> bool:
        """Whether a reset told of actions that are not allowed."""
        return self._masked

    @property
    def state(self) -> NDArray[np.float32]:
        """What the agent observes, shape (B, Z)."""
        return self.observations[:, 0]

    @property
    def reached_state(self) -> NDArray[np.float32]:
        """What the agent observed where the last step led to, shape (B, Z)."""
        return self._reached[:, 0]

    def reset(self, seed: int, *, first: int = 0) -> NDArray[np.float32]:
        """Begin all copies anew and return the observations."""
        require_seed(seed)
        require_whole(first, "first", least=0)
        seen = np.zeros_like(self.observations)
        allowed = np.ones_like(self.allowed)
        self._masked, self._moves, self._steps = False, 0, [0] * self.n_envs
        self._going = range(self.n_envs)
        k = 0
        try:
            for k, own in enumerate(copy_seeds(seed, first, self.n_envs)):
                observation, info = self._envs[k].reset(seed=own)
                seen[k, 0] = self._encode(observation)
                if "action_mask" in info:
                    self._masked = True
                    allowed[k, 0] = _mask(info)
            if (found := not_finite(seen)) is not None:
                k, _, what = found
                raise GameError(f"its {what} holds a number that is not finite")
        except Exception as error:
            self._fail(k, error)
        self.observations = self._reached = seen
        self.allowed = self.reached_allowed = allowed
        return seen

    def step(self, actions: Any) -> Step:
        """Take a step in all copies."""
        if self._moves < 0:
            raise GameError("this environment has not begun: call reset(seed) first")
        chosen = actions.tolist()
        if len(chosen) != self.n_envs:
            raise GameError(f"actions must have shape ({self.n_envs}, 1), got {len(chosen)} rows")
        self._moves += 1
        reached = self.observations.copy()
        rewards = np.zeros((self.n_envs, 1), np.float32)
        terminated = np.zeros(self.n_envs, np.bool_)
        truncated = successes = self._never
        allowed = self.allowed.copy() if self._masked else self.allowed
        encode, steps, limits, own, over = self._encode, self._steps, self._limits, self._own, []
        k = 0
        try:
            for k in self._going:
                (action,) = chosen[k]
                observation, reward, ended, stopped, info = self._envs[k].step(own(action))
                reached[k, 0] = encode(observation)
                rewards[k, 0] = reward
                steps[k] += 1
                if self._masked:
                    allowed[k, 0] = _mask(info)
                if ended or stopped or steps[k] == limits[k]:
                    terminated[k] = ended
                    over.append((k, bool(info.get("is_success", False))))
            if (found := not_finite(reached, rewards)) is not None:
                k, _, what = found
                raise GameError(f"its {what} holds a number that is not finite")
            self.observations = self._reached = reached
            self.allowed = self.reached_allowed = allowed
            if over:
                truncated, successes = np.zeros_like(self._never), np.zeros_like(self._never)
                self.observations, self.allowed = reached.copy(), allowed.copy() if self._masked else allowed
                for k, solved in over:
                    truncated[k], successes[k] = not terminated[k], solved
                    observation, info = self._envs[k].reset()
                    self.observations[k, 0] = encode(observation)
                    steps[k] = 0
                    if self._masked:
                        self.allowed[k, 0] = _mask(info)
        except Exception as error:
            self._fail(k, error)
        return Step(self.observations, rewards, terminated, truncated, reached, successes)

    def rest(self, resting: NDArray[np.bool_]) -> None:
        """Step these copies no more until the next reset: they stay as they are, and earn nothing."""
        self._going = np.flatnonzero(~resting).tolist()

    def _fail(self, k: int, error: Exception) -> NoReturn:
        step, self._moves = self._moves, -1
        raise copy_failed(self.name, k, step, error) from error

    def snapshot(self) -> None:
        """Return None: these copies cannot be saved in the midst of an episode."""

    def restore(self, snapshot: Any) -> NDArray[np.float32]:
        """Raise GameError: there are no snapshots."""
        refuse_snapshot(self.name)

    def close(self) -> None:
        """Close all environments."""
        for env in self._envs:
            env.close()


def copy_failed(name: str, copy: int, step: int, error: Exception) -> EnvironmentFailed:
    """Return what is raised where a copy of an environment raises an error."""
    return EnvironmentFailed(
        f"copy {copy} of {name} raised {type(error).__name__} at step {step}: {error}; reset the copies, or mend "
        "the environment",
        copy=copy,
        step=step,
    )


def refuse_snapshot(name: str) -> NoReturn:
    """Raise GameError: what is written by others cannot be put back into the midst of an episode."""
    raise GameError(f"{name} cannot be saved in the midst of an episode, so there is no snapshot: reset it")


def _peeled(env: Any) -> tuple[Any, int]:
    """Return the environment without the wrappers that only check or count, and its time limit, 0 for none."""
    from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit

    limit = 0
    while type(env) in (OrderEnforcing, PassiveEnvChecker, TimeLimit):
        if type(env) is TimeLimit:
            own = int(env._max_episode_steps)
            limit = own if limit == 0 else min(limit, own)
        env = env.env
    return env, limit


def _encoding(space: Any, name: str) -> tuple[int, Callable[[Any], Any]]:
    """Return how many numbers are observed, and how they are got from an observation."""
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        rows = np.eye(int(space.n), dtype=np.float32)
        start = int(space.start)
        return len(rows), lambda number: rows[number - start]
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        return int(space.shape[0]), lambda row: row
    kind = f"arrays of shape {space.shape}" if isinstance(space, spaces.Box) else f"a {type(space).__name__} space"
    raise UnsupportedGame(
        f"the observations of {name} are {kind}, and networks here read rows of numbers: give a function that makes "
        "the environment inside gymnasium.wrappers.FlattenObservation"
    )


def _mask(info: Mapping[str, Any]) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = np.asarray(info["action_mask"]) != 0
    if not mask.any():
        raise GameError("its action_mask forbids everything: allow at least one action")
    return mask
