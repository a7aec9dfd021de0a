"""The form of every environment that deep learners see, and what a step of it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short

__all__ = [
    "BatchEnv",
    "EnvironmentFailed",
    "Step",
    "alternatives_of",
    "checked_arrays",
    "not_finite",
    "numbers_between_bounds",
    "rest",
]


def alternatives_of(env: Any) -> Callable[[Any], NDArray[np.float32]]:
    """Return what tells how a team would have been rewarded had one agent acted otherwise, where a task can tell.

    ``alternatives_of(env)(actions)`` has the shape (B, n, A): the team's reward, in the states in which ``actions``,
    shape (B, n), are about to be taken, if agent i takes a' and the others what they take; NaN where agent i is not
    allowed a'. The team's reward is the common one, or the sum of all. It does not move the environment.

    Raises
    ------
    UnsupportedGame
        If the task cannot tell.

    References
    ----------
    Wolpert, D. H. and Tumer, K. (2002). Optimal payoff functions for members of collectives. Advances in Complex
    Systems 4, 265-279: difference rewards and aristocrat utility.
    """
    while not hasattr(env, "alternatives") and hasattr(env, "env"):
        if env.n_agents != env.env.n_agents:
            break
        env = env.env
    found = getattr(env, "alternatives", None)
    if found is None:
        raise UnsupportedGame(
            f"{env.name} cannot tell what would have been paid for another action, which only the games of the "
            "catalogue know: train on one of those, or with another signal than difference rewards"
        )
    told: Callable[[Any], NDArray[np.float32]] = found
    return told


def rest(env: Any, resting: NDArray[np.bool_]) -> None:
    """Let copies rest until the next reset, where an environment saves time by it; others are stepped on.

    Parameters
    ----------
    env : BatchEnv
    resting : ndarray of bool, shape (B,)
        Which copies nobody looks at any more; the others do not depend on it.
    """
    while not hasattr(env, "rest") and hasattr(env, "env"):
        env = env.env
    if hasattr(env, "rest"):
        env.rest(resting)


class EnvironmentFailed(GameError):
    """An environment written by somebody else that raised while it was reset or stepped; the cause is chained.

    Attributes
    ----------
    copy, step : int
        Which copy, and after how many steps of the batch since its reset.
    """

    def __init__(self, message: str, *, copy: int, step: int) -> None:
        super().__init__(message)
        self.copy, self.step = copy, step


class Step(NamedTuple):
    """What a step of B copies gives; arrays, or tensors where the copies live on a device.

    Attributes
    ----------
    observations : float32, shape (B, n, D)
        In which the next actions are chosen: where an episode is over, those of the next one (autoreset in the same
        step).
    rewards : float32, shape (B, n)
    terminated, truncated : bool, shape (B,)
        Whether the episode ended (what follows is worth 0), or was stopped (what follows is worth the value of what was
        reached); never both.
    reached : float32, shape (B, n, D)
        The observations that the step led to, also where the episode is over.
    successes : bool, shape (B,)
        Whether the episode is over and its task was solved; never where a task knows no success.
    """

    observations: Any
    rewards: Any
    terminated: Any
    truncated: Any
    reached: Any
    successes: Any


@runtime_checkable
class BatchEnv(Protocol):
    """B copies of one task with n agents, D numbers in an observation, Z in a state and A actions.

    Actions are of one of three kinds, the same for all agents: a choice from A, whole numbers of shape (B, n); m
    choices at once, whole numbers of shape (B, n, m); or d numbers from -1 to 1, of shape (B, n, d), which the
    environment scales to its own bounds, and clips where they lie outside.

    Copy ``k`` of a seed is the same whatever the number of copies. Arrays that were handed out are not written to
    again; they may be the same array from step to step where they never change, so nobody else may write to them.

    Attributes
    ----------
    name : str
        With which :func:`make_environment` makes the same task again, where it is one with a name.
    n_envs, n_agents, n_actions, observation_size, state_size : int
        B, n, A, D and Z; A is 0 where an action is no single choice.
    action_size : int
        d; 0 where actions are choices.
    action_choices : tuple of int
        The sizes of m choices at once; () elsewhere.
    common_reward : bool
        Whether all agents always get the same reward.
    masked : bool
        Whether there are times when an agent is not allowed everything; some environments tell at their first reset.
    judged : bool
        Whether the task knows success.
    observations : float32, shape (B, n, D)
    state : float32, shape (B, Z)
        For mixers and central critics.
    allowed : bool, shape (B, n, A)
        These three: in which the next actions are chosen. Every agent is always allowed something.
    reached_state, reached_allowed : float32, shape (B, Z), and bool, shape (B, n, A)
        What the last step led to, also where the episode is over.
    """

    name: str
    n_envs: int
    n_agents: int
    n_actions: int
    action_size: int
    action_choices: tuple[int, ...]
    observation_size: int
    state_size: int
    common_reward: bool
    judged: bool

    @property
    def masked(self) -> bool:
        """Whether there are times when an agent is not allowed everything; known from the first reset on."""

    @property
    def observations(self) -> Any:
        """In which the next actions are chosen, shape (B, n, D)."""

    @property
    def state(self) -> Any:
        """In which the next actions are chosen, shape (B, Z)."""

    @property
    def allowed(self) -> Any:
        """Which actions may be chosen next, shape (B, n, A)."""

    @property
    def reached_state(self) -> Any:
        """What the last step led to, shape (B, Z)."""

    @property
    def reached_allowed(self) -> Any:
        """What may be chosen where the last step led to, shape (B, n, A)."""

    def reset(self, seed: int, *, first: int = 0) -> Any:
        """Begin all copies anew, as those from number ``first`` on of a larger batch; return the observations."""

    def step(self, actions: Any) -> Step:
        """Take a step in all copies with actions of shape (B, n), (B, n, m) or (B, n, d)."""

    def snapshot(self) -> dict[str, NDArray[Any]] | None:
        """Return all that the future depends on, as arrays, or None if that cannot be had in the midst of episodes."""

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> Any:
        """Go back to a snapshot of an environment made in the same way, and return the observations."""

    def close(self) -> None:
        """Let go of what the copies hold outside of memory."""


def numbers_between_bounds(actions: Any, shape: tuple[int, int, int], name: str) -> NDArray[np.float64]:
    """Return actions that are numbers, clipped to -1 and 1.

    Raises
    ------
    GameError
        If they have another shape (B, n, d), or one of them is not a number.
    """
    array = np.asarray(actions, np.float64)
    if array.shape != shape:
        raise GameError(f"actions of {name} must have shape {shape} (environments, agents, numbers), got {array.shape}")
    clipped = array.clip(-1.0, 1.0)
    if np.isnan(clipped.sum()):
        copy, agent, place = np.argwhere(np.isnan(array))[0].tolist()
        raise GameError(f"actions[{copy}, {agent}, {place}] of {name} is not a number: give numbers from -1 to 1")
    return clipped


def checked_arrays(snapshot: Any, expected: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return copies of the arrays of a snapshot that have the shapes and kinds of the expected ones.

    Raises
    ------
    GameError
        If it is no snapshot of an environment made in the same way.
    """
    if not isinstance(snapshot, Mapping):
        raise GameError(f"a snapshot is a dictionary of arrays, got {short(snapshot)}: give what snapshot() returned")
    arrays = {}
    for name, mine in expected.items():
        try:
            array = np.array(snapshot[name])
        except Exception as error:
            raise GameError(f"this snapshot does not fit: its {name} cannot be read") from error
        if array.shape != mine.shape or array.dtype != mine.dtype:
            raise GameError(
                f"this snapshot does not fit: {name} must be {mine.dtype} of shape {mine.shape}, got {array.dtype} of "
                f"shape {array.shape}: restore it in an environment made in the same way"
            )
        arrays[name] = array
    return arrays


def not_finite(
    observations: NDArray[np.float32], rewards: NDArray[np.float32] | None = None
) -> tuple[int, int, str] | None:
    """Return the first copy and agent that were given a number that is not finite, and what it stands in, or None.

    Parameters
    ----------
    observations : ndarray, shape (B, n, D)
    rewards : ndarray, shape (B, n), optional
    """
    for what, array in (("reward", rewards), ("observation", observations)):
        if array is not None and not np.isfinite(array).all():
            per_agent = np.isfinite(array).reshape(*array.shape[:2], -1).all(axis=2)
            copy, agent = np.argwhere(~per_agent)[0].tolist()
            return copy, agent, what
    return None
