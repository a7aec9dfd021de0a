"""What policies earn: one episode of each of many fresh copies of a task, for all seeds of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlgt.deep.exploration import seeded_generators
from marlgt.deep.seeded_environments import SeededEnvs
from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole

if TYPE_CHECKING:
    from pathlib import Path

    from marlgt.deep.runs.run import Run

__all__ = ["Episodes", "Policy", "RandomPolicy", "evaluate", "evaluate_random", "play_episodes"]

FRESH_COPIES = 2**31
"""Number of the first copy that :func:`evaluate` plays: no training and no curve reaches it."""

MOST_TOGETHER, MOST_WORLDS = 4096, 16
"""Copies that are played at once for each seed, and in PyBullet, whose worlds take memory."""

LONGEST = 100_000
"""Steps after which an episode is held to be endless."""

_EVALUATING, _DRAWING = 9, 10


class Policy(Protocol):
    """What acts for all agents of all seeds."""

    def begin(self) -> None:
        """Forget: all environments begin anew."""

    def act(self, observations: Tensor, allowed: Tensor | None) -> Tensor:
        """Return actions (S, B, n, ...) in observations (S, B, n, D), where allowed (S, B, n, A) says so."""


class RandomPolicy:
    """Any allowed action, all equally likely; numbers are uniform from -1 to 1.

    Parameters
    ----------
    n_actions : int
    generators : sequence of torch.Generator
        One for each seed.
    action_size : int
    action_choices : tuple of int
        What actions are made of where they are no single choices; see
        :class:`~marlgt.deep.environments.BatchEnv`.
    """

    def __init__(
        self,
        n_actions: int,
        generators: Sequence[torch.Generator],
        *,
        action_size: int = 0,
        action_choices: tuple[int, ...] = (),
    ) -> None:
        self.n_actions, self.generators = n_actions, list(generators)
        self.action_size, self.action_choices = action_size, action_choices

    def begin(self) -> None:
        """Do nothing: there is nothing to forget."""

    def act(self, observations: Tensor, allowed: Tensor | None) -> Tensor:
        """Return actions, shape (S, B, n), (S, B, n, m) or (S, B, n, d)."""
        shape = (*observations.shape[1:3], self.n_actions or self.action_size or len(self.action_choices))
        chances = torch.stack(
            [torch.rand(shape, generator=each, device=observations.device) for each in self.generators]
        )
        if self.action_size:
            return 2.0 * chances - 1.0
        if self.action_choices:
            sizes = torch.tensor(self.action_choices, device=chances.device)
            return torch.minimum((chances * sizes).long(), sizes - 1)
        return (chances if allowed is None else chances.masked_fill(~allowed, -1.0)).argmax(-1)


@dataclass(frozen=True, eq=False)
class Episodes:
    """Episodes played by the policies of S seeds.

    Attributes
    ----------
    returns : ndarray, shape (S, E, n)
        Undiscounted return of each agent.
    lengths : ndarray of int64, shape (S, E)
    successes : ndarray of bool, shape (S, E)
    common_reward : bool
        Whether all agents are rewarded alike.
    judged : bool
        Whether the task knows success.
    """

    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]
    successes: NDArray[np.bool_]
    common_reward: bool
    judged: bool = True

    @property
    def team_returns(self) -> NDArray[np.float64]:
        """The common return, or the sum of the agents', shape (S, E)."""
        returns: NDArray[np.float64] = self.returns[..., 0] if self.common_reward else self.returns.sum(-1)
        return returns


def play_episodes(policy: Policy, envs: SeededEnvs, *, first: int = 0) -> Episodes:
    """Play one episode in each copy, all copies at once.

    Parameters
    ----------
    policy : Policy
    envs : SeededEnvs
        E copies of each of S seeds.
    first : int
        Number of the first copy: copies are the same for the same seed and number.

    Raises
    ------
    BudgetExceeded
        If an episode has not ended after 100,000 steps.
    """
    envs.reset(first)
    policy.begin()
    env: Any = envs.envs[0]
    masked = env.masked
    shape = (len(envs.envs), envs.n_envs)
    returns = np.zeros((*shape, env.n_agents))
    lengths = np.zeros(shape, np.int64)
    successes = np.zeros(shape, bool)
    playing = np.ones(shape, bool)
    while playing.any():
        if lengths.max() >= LONGEST:
            raise BudgetExceeded(
                f"an episode of {env.name} has not ended after {LONGEST:,} steps: give the task a limit of time",
                estimate=math.inf,
                limit=float(LONGEST),
            )
        actions = policy.act(envs.observations, envs.allowed if masked else None)
        step = envs.step(actions)
        returns += np.where(playing[..., None], step.rewards.cpu().numpy(), 0.0)
        lengths += playing
        successes |= playing & step.successes.cpu().numpy()
        over = (step.terminated | step.truncated).cpu().numpy()
        if (playing & over).any():
            playing &= ~over
            envs.rest(~playing)
    return Episodes(returns, lengths, successes, bool(env.common_reward), bool(env.judged))


def evaluate(
    run: Run | str | Path,
    *,
    episodes: int = 1000,
    task: Any = None,
    backend: str | None = None,
    stochastic: bool = False,
    epsilon: float = 0.0,
    device: str = "cpu",
    threads: int = 1,
) -> Episodes:
    """Play what a run learnt, on episodes that it never met.

    Parameters
    ----------
    run : Run, or path of its folder
    episodes : int
        For each seed, each in a fresh copy, thousands at once; in PyBullet a few at once.
    task : str, game, or callable, optional
        Another task of the same sizes; by default the one it was trained on.
    backend : {'numba', 'torch', 'bullet'}, optional
        The physics of a drone task.
    stochastic : bool
        Whether actions of policies are drawn from them. By default they are the likeliest ones (the mean of a
        Gaussian), which is not what a policy says where it mixes: of rock, paper and scissors one is always a little
        likelier. Learners of values have no policy to draw from.
    epsilon : float
        Share of random actions, all equally likely; numbers are uniform from -1 to 1.
    device : str
    threads : int
        Of PyTorch.

    Returns
    -------
    Episodes

    Raises
    ------
    GameError
        If the task has other sizes than the one that the run was trained on, or what learnt values should be
        stochastic.
    """
    if not isinstance(stochastic, bool):
        raise GameError(f"stochastic must be True or False, got {short(stochastic)}")
    if isinstance(epsilon, bool) or not isinstance(epsilon, (int, float)) or not 0 <= epsilon <= 1:
        raise GameError(f"epsilon must be a number from 0 to 1, got {epsilon!r}")
    done = _loaded(run, device)
    if stochastic and not done.algorithm.on_policy:
        raise GameError(
            f"{done.algorithm.name} learns values, and has no policy from which stochastic actions could be drawn: "
            "give epsilon, a share of random actions"
        )

    def made() -> Policy:
        policy = done.policy()
        if stochastic:
            policy.draw(seeded_generators(done.record.seeds, _DRAWING, device))
        if epsilon > 0:
            policy.explore(epsilon, seeded_generators(done.record.seeds, _EVALUATING, device))
        played: Policy = policy
        return played

    return _on_fresh_copies(done, made, done.record.seeds, episodes, task, backend, device, threads)


def evaluate_random(
    run: Run | str | Path,
    *,
    episodes: int = 1000,
    task: Any = None,
    backend: str | None = None,
    device: str = "cpu",
    threads: int = 1,
) -> Episodes:
    """Play random actions where :func:`evaluate` plays what a run learnt: in the episodes of its first seed.

    Parameters
    ----------
    run, episodes, task, backend, device, threads
        See :func:`evaluate`.
    """
    done = _loaded(run, device)
    first = done.record.seeds[:1]

    def made() -> Policy:
        return RandomPolicy(
            done.spec.n_actions,
            seeded_generators(first, _EVALUATING, device),
            action_size=done.spec.action_size,
            action_choices=done.spec.action_choices,
        )

    return _on_fresh_copies(done, made, first, episodes, task, backend, device, threads)


def _loaded(run: Any, device: str) -> Run:
    from marlgt.deep.runs.run import Run, load_run

    return run if isinstance(run, Run) else load_run(run, device=device)


def _on_fresh_copies(
    done: Run,
    make_policy: Callable[[], Policy],
    seeds: Sequence[int],
    episodes: int,
    task: Any,
    backend: str | None,
    device: str,
    threads: int,
) -> Episodes:
    from marlgt.deep.algorithms.value_algorithm import Spec
    from marlgt.deep.environments import make_environment
    from marlgt.deep.interrupts import threads_set

    require_whole(episodes, "episodes", least=1)
    require_whole(threads, "threads", least=1)
    together = min(int(episodes), MOST_WORLDS if backend == "bullet" else MOST_TOGETHER)

    def made() -> Any:
        options = {"backend": backend} if backend is not None else {}
        env = make_environment(
            done.task if task is None else task,
            together,
            device=device,
            frames=done.algorithm.frames,
            continuous=done.algorithm.continuous,
            **options,
        )
        return done.algorithm.view(env)

    parts = []
    with threads_set(threads):
        envs = SeededEnvs(made, seeds, device)
        try:
            envs.reset(FRESH_COPIES)
            spec = Spec.of(envs.envs[0])
            if _compared(spec) != _compared(done.spec):
                raise GameError(
                    f"the task {envs.envs[0].name} has {_sizes(spec)}, and the run was trained with "
                    f"{_sizes(done.spec)}: evaluate it on a task of the same sizes"
                )
            policy = make_policy()
            for first in range(0, int(episodes), together):
                parts.append(play_episodes(policy, envs, first=FRESH_COPIES + first))
        finally:
            envs.close()
    returns, lengths, successes = (
        np.concatenate([getattr(part, name) for part in parts], axis=1)[:, : int(episodes)]
        for name in ("returns", "lengths", "successes")
    )
    return Episodes(returns, lengths, successes, parts[0].common_reward, parts[0].judged)


def _compared(spec: Any) -> tuple[Any, ...]:
    return (*spec[:4], spec.action_size, spec.action_choices)


def _sizes(spec: Any) -> str:
    actions = f"{spec.n_actions} actions"
    if spec.action_size:
        actions = f"actions of {spec.action_size} numbers"
    elif spec.action_choices:
        actions = f"actions of {' x '.join(map(str, spec.action_choices))} choices"
    return (
        f"{spec.n_agents} agents, {actions}, {spec.observation_size} numbers observed and a state of {spec.state_size}"
    )
