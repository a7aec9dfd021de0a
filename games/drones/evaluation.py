"""Fly a policy: many episodes for a table of scores, or one for a record that can be drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_seed, require_whole
from marlgt.games.drones.actions import random_actions, require_actions
from marlgt.games.drones.doors import make_batch, require_backend, task_named
from marlgt.games.drones.flights import Flight
from marlgt.games.drones.kernels.observations import STATE_SIZE
from marlgt.games.drones.task import Task
from marlgt.games.drones.views import View
from marlgt.progress import progress

__all__ = ["Scores", "evaluate_policy", "pilot_of", "policy_named", "record_flight"]

Policy = Callable[..., Any]
"""From the true state to actions; one whose attribute ``observes`` is true is given what the agents observe too."""

Pilot = Callable[[View, Any], Any]
"""From the true state and the observations, shape (B, n_agents, D), to actions."""

MOST_WORLDS = 16
"""Environments in PyBullet at once: each holds memory for a Bullet of its own."""

MOST_TOGETHER = 16384
"""Environments at once of any other backend."""

MOST_EPISODES, MOST_STEPS = 10_000_000, 200_000
"""The most episodes of an evaluation, and the longest episode, in control steps, of a recording."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """What a policy earned in E episodes of a task.

    Attributes
    ----------
    task, policy, backend : str
    returns : ndarray, shape (E, n_agents)
        Sums of rewards.
    lengths : ndarray of int, shape (E,)
        Control steps.
    successes, crashes : ndarray of bool, shape (E,)
        Whether the task was solved, and whether the episode was decided without success, as by a crash.
    horizon : int
        Control steps of a full episode.
    zero_sum : bool
        Whether what one side wins the other loses.
    """

    task: str
    policy: str
    backend: str
    returns: np.ndarray
    lengths: np.ndarray
    successes: np.ndarray
    crashes: np.ndarray
    horizon: int
    zero_sum: bool = False

    @property
    def scores(self) -> np.ndarray:
        """Return over horizon, mean of the agents, of each episode: in [0, 1] where rewards are.

        Where the sides are against one another, the return of the first agent.
        """
        scores: np.ndarray = self.returns[:, 0] if self.zero_sum else self.returns.mean(axis=1) / self.horizon
        return scores

    @property
    def score(self) -> float:
        """Mean of :attr:`scores`."""
        return float(self.scores.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of :attr:`score`."""
        n = len(self.lengths)
        return float(self.scores.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")

    @property
    def success_rate(self) -> float:
        """Share of episodes in which the task was solved."""
        return float(self.successes.mean())

    @property
    def crash_rate(self) -> float:
        """Share of episodes that were decided without success."""
        return float(self.crashes.mean())


def policy_named(task: Task, policy: Policy | str, seed: int) -> tuple[str, Policy]:
    """Return a policy's name and the policy itself.

    Parameters
    ----------
    task : Task
    policy : callable or {'expert', 'random'}
    seed : int
        Of the random policy.

    Raises
    ------
    GameError
        For a name other than ``expert`` and ``random``, and for what is not callable.
    """
    word = policy if isinstance(policy, str) else None
    if word == "expert":
        return "expert", task.expert(task)
    if word == "random":
        rng = np.random.default_rng([seed, 2])
        return "random", lambda view: random_actions(task, len(view.positions), rng)
    if word is not None or not callable(policy):
        raise GameError(f"policy is {short(policy)}: give 'expert', 'random', or a function from a View to actions")
    return getattr(policy, "__name__", type(policy).__name__), policy


def pilot_of(policy: Policy) -> Pilot:
    """Return a policy as a function of the true state and of the observations."""
    return policy if getattr(policy, "observes", False) else lambda view, observations: policy(view)


def _players(task: Task, policy: Policy | str, against: Policy | str | None, seed: int) -> tuple[str, Pilot]:
    """Return the name and the actions of all agents, those of the other teams by another policy."""
    name, chosen = policy_named(task, policy, seed)
    first = pilot_of(chosen)
    if against is None:
        return name, first
    if not task.teams:
        raise GameError(f"all agents of {task.name} are on one side: against is for tasks with teams, such as pursuit")
    other, chosen = policy_named(task, against, seed + 1)
    second = pilot_of(chosen)
    ours = np.array(task.teams) == task.teams[0]

    def both(view: View, observations: Any) -> Any:
        n_envs = len(view.ticks)
        mine, theirs = (require_actions(task, side(view, observations), n_envs) for side in (first, second))
        return np.where(ours if mine.ndim == 2 else ours[:, None], mine, theirs)

    return f"{name} against {other}", both


def evaluate_policy(
    task: Task | str,
    policy: Policy | str = "expert",
    *,
    against: Policy | str | None = None,
    episodes: int = 100,
    seed: int = 0,
    backend: str = "numba",
) -> Scores:
    """Fly episodes of a task, many at once, each from a start of its own.

    Parameters
    ----------
    task : Task or str
        A task, or the name of one.
    policy : callable or {'expert', 'random'}
        A function from a :class:`~marlgt.games.drones.View` to the actions of all agents, shape (B, n_agents, …); one
        whose attribute ``observes`` is true takes their observations too, shape (B, n_agents, D).
    against : callable or {'expert', 'random'}, optional
        Who decides for the other teams, in tasks with teams; the policy itself by default.
    episodes : int
    seed : int
        Of the starts, disturbances and random actions: the same in every backend.
    backend : {'numba', 'torch', 'bullet'}

    Examples
    --------
    >>> scores = evaluate_policy("multihover", "expert", episodes=32)
    >>> scores.success_rate
    1.0
    """
    require_whole(episodes, "episodes", least=1)
    if episodes > MOST_EPISODES:
        raise GameError(f"episodes is {short(episodes)}: give at most {MOST_EPISODES:,}")
    require_seed(seed)
    require_backend(backend)
    flown = task_named(task)
    name, chosen = _players(flown, policy, against, seed)
    together = MOST_WORLDS if backend == "bullet" else MOST_TOGETHER
    parts = []
    with progress(f"{flown.name}: {name}", total=int(episodes)) as report:
        for first in range(0, int(episodes), together):
            count = min(together, int(episodes) - first)
            parts.append(_fly_once(flown, chosen, backend, count, seed, first, report))
    returns, lengths, successes, crashes = (np.concatenate(column) for column in zip(*parts, strict=True))
    zero_sum = flown.payoff == "zero_sum"
    return Scores(flown.name, name, backend, returns, lengths, successes, crashes, flown.horizon, zero_sum)


def _fly_once(
    task: Task, policy: Pilot, backend: str, count: int, seed: int, first: int, report: Callable[..., None]
) -> tuple[np.ndarray, ...]:
    """Fly one episode in each environment from ``first`` on; return returns, lengths, successes and crashes."""
    env = make_batch(task, n_envs=count, backend=backend)
    returns, lengths = np.zeros((count, task.n_agents)), np.zeros(count, dtype=int)
    successes, crashes = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    running = np.ones(count, dtype=bool)
    try:
        env.reset(seed, first=first) if first else env.reset(seed)
        while running.any():
            step = env.step(policy(env.view(), env.observations))
            terminated, truncated = _array(step.terminated), _array(step.truncated)
            returns[running] += _array(step.rewards)[running]
            lengths[running] += 1
            over = running & (terminated | truncated)
            successes[over] = _array(step.successes)[over]
            crashes[over] = terminated[over] & ~successes[over]
            running &= ~over
            report(first + int((~running).sum()), f"{int(running.sum())} flying")
    finally:
        env.close()
    return returns, lengths, successes, crashes


def record_flight(
    task: Task | str,
    policy: Policy | str = "expert",
    *,
    against: Policy | str | None = None,
    seed: int = 0,
    backend: str = "numba",
) -> Flight:
    """Fly one episode and keep all of it.

    Parameters
    ----------
    task, policy, against, seed, backend
        See :func:`evaluate_policy`; the episode is the first of those that it flies.

    Examples
    --------
    >>> flight = record_flight("multihover", seed=1)
    >>> flight.positions.shape, flight.success
    ((241, 2, 3), True)
    """
    require_seed(seed)
    flown = task_named(task)
    if flown.horizon > MOST_STEPS:
        raise GameError(
            f"an episode of {flown.horizon:,} control steps is too long to keep all of it: give fewer seconds, for at "
            f"most {MOST_STEPS:,}"
        )
    name, chosen = _players(flown, policy, against, seed)
    env = make_batch(flown, n_envs=1, backend=backend)
    views, rewards = [], []
    try:
        env.reset(seed)
        while True:
            view = env.view()
            views.append(view)
            step = env.step(chosen(view, env.observations))
            rewards.append(_array(step.rewards)[0].astype(float))
            if bool(step.terminated[0]) or bool(step.truncated[0]):
                break
        # The environment has begun anew: how this episode ended is in the state that it reached.
        last = _array(env.reached_state)[0, : flown.n_drones * STATE_SIZE].astype(float).reshape(-1, STATE_SIZE)
    finally:
        env.close()

    def track(name: str, end: np.ndarray) -> np.ndarray:
        return np.array([*(getattr(view, name)[0] for view in views), end])

    carried = flown.burden is not None
    loads = track("loads", views[-1].loads[0]) if carried else np.zeros((0, 3))
    return Flight(
        task=flown.name,
        policy=name,
        backend=backend,
        times=np.arange(len(views) + 1) / flown.rate,
        positions=track("positions", last[:, :3]),
        velocities=track("velocities", 2.0 * last[:, 12:15]),
        orientations=track("quaternions", _quaternions(last[:, 3:12].reshape(-1, 3, 3), views[-1].quaternions[0])),
        rotors=track("rotors", views[-1].rotors[0]),
        goals=track("goals", last[:, :3] + last[:, 18:21]),
        rewards=np.array(rewards),
        loads=loads,
        scene=flown.scene,
        success=bool(step.successes[0]),
        crashed=bool(step.terminated[0]) and not bool(step.successes[0]),
    )


def _quaternions(rotations: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return unit quaternions x, y, z, w of rotations, of the two signs those nearer to given ones."""
    if not np.isfinite(rotations).all() or (np.abs(np.linalg.det(rotations) - 1.0) > 0.1).any():
        return near
    # The eigenvector of the largest eigenvalue of a symmetric matrix (Bar-Itzhack 2000), which no rotation upsets.
    sums = rotations + rotations.swapaxes(1, 2)
    turns = rotations - rotations.swapaxes(1, 2)
    trace = np.trace(rotations, axis1=1, axis2=2)
    matrix = np.zeros((len(rotations), 4, 4))
    matrix[:, :3, :3] = sums - trace[:, None, None] * np.eye(3)
    matrix[:, 3, :3] = matrix[:, :3, 3] = np.stack([turns[:, 2, 1], turns[:, 0, 2], turns[:, 1, 0]], axis=1)
    matrix[:, 3, 3] = trace
    quaternions = np.linalg.eigh(matrix).eigenvectors[:, :, -1]
    signs = np.where((quaternions * near).sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    return np.asarray(signs * quaternions)


def _array(values: Any) -> np.ndarray:
    """Return a NumPy array of what a backend gives."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
