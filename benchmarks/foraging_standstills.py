"""Why likeliest actions of policies in foraging earn less than drawn ones: what teams do where they do not finish.

IPPO is trained by the recipe as in :mod:`benchmarks.deep_policies_foraging`, and its final policies are kept. They are
played by their likeliest actions on fresh episodes; of each that does not end, it is looked at what the team does in
its last steps. Two agents, who see everything and remember nothing: if nothing has changed in a step, nothing will.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.deep_cells import CACHE
from marlgt.statistics import bootstrap_interval

__all__ = ["KINDS", "how_they_end", "measured", "played_tables"]

MOVES = np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1], [0, 0]])
"""Rows and columns by which the six actions move; the last one loads."""
KINDS = (
    "each loads a food that takes both",
    "both want to move to the same field",
    "one wants to move to where the other stands",
    "they walk to and fro",
    "something else",
)
WAYS = ("drawn", "likeliest", "likeliest, 5 % random", "likeliest, drawn where nothing has changed")


class Watched:
    """A policy by its likeliest actions, which keeps in what states it chose what, and how likely that was.

    Parameters
    ----------
    policy : LikeliestPolicy
    states : callable
        Returns the states in which actions are chosen, shape (S, B, Z).
    """

    def __init__(self, policy: Any, states: Callable[[], Tensor]) -> None:
        self.policy, self.now = policy, states
        self.states: list[np.ndarray] = []
        self.actions: list[np.ndarray] = []
        self.certainty: list[np.ndarray] = []

    def begin(self) -> None:
        """Forget."""
        self.policy.begin()

    def act(self, observations: Tensor, allowed: Tensor | None = None) -> Tensor:
        """Return the likeliest actions, shape (S, B, n)."""
        actions: Tensor = self.policy.act(observations, allowed)
        outputs, _ = self.policy.module.act(observations, None)
        law = self.policy.law
        likely = law.log_probability(law.masked(outputs, allowed), actions).sum(-1).exp()
        self.states.append(self.now().numpy().copy())
        self.actions.append(actions.numpy().copy())
        self.certainty.append(likely.detach().numpy())
        return actions


class Unstuck:
    """The likeliest action, but a drawn one where an agent sees what it saw in the step before.

    Parameters
    ----------
    likeliest, drawing : LikeliestPolicy
        The same policy, played in two ways.
    """

    def __init__(self, likeliest: Any, drawing: Any) -> None:
        self.likeliest, self.drawing = likeliest, drawing
        self._before: Tensor | None = None

    def begin(self) -> None:
        """Forget what was seen."""
        self._before = None
        self.likeliest.begin()
        self.drawing.begin()

    def act(self, observations: Tensor, allowed: Tensor | None = None) -> Tensor:
        """Return actions, shape (S, B, n)."""
        actions: Tensor = self.likeliest.act(observations, allowed)
        if self._before is not None:
            same = (observations == self._before).all(-1)
            actions = torch.where(same, self.drawing.act(observations, allowed), actions)
        self._before = observations.clone()
        return actions


def how_they_end(states: np.ndarray, actions: np.ndarray, n_foods: int) -> np.ndarray:
    """Return of what kind the end of each episode is, as its place in :data:`KINDS`.

    Parameters
    ----------
    states : ndarray, shape (3, ..., 3 * (n_foods + 2))
        Row, column and level of foods and agents in the last three states in which actions were chosen.
    actions : ndarray of int, shape (..., 2)
        Chosen in the last of them, and in the one before if the state is the same.
    n_foods : int
    """
    still = (states[-1] == states[-2]).all(-1)
    to_and_fro = ~still & (states[-1] == states[-3]).all(-1)
    agents = states[-1].reshape(*states.shape[1:-1], -1, 3)[..., n_foods:, :2]
    targets = agents + MOVES[actions]
    moves = (MOVES[actions] != 0).any(-1)
    same = (targets[..., 0, :] == targets[..., 1, :]).all(-1)
    known = [still & ~moves.any(-1), still & moves.all(-1) & same, still & same & ~moves.all(-1), to_and_fro]
    found: np.ndarray = np.select(known, range(len(known)), default=len(known))
    return found


def measured(task: str, *, seeds: Sequence[int], episodes: int, folder: Path) -> dict[str, Any]:
    """Return what the kept policies of a task do where they do not finish, from the cache or by training and playing.

    Parameters
    ----------
    task : str
        Of two agents, who see everything.
    seeds : sequence of int
    episodes : int
        Of each seed.
    folder : Path
        Where the run is kept, under the cache.

    Returns
    -------
    dict
        ``episodes`` and ``lost``: for each kind of end in how many of an episode it is found, and what is missing
        there of the return of an episode, over all seeds; ``began``: the median step at which a standstill begins;
        ``differs``: quartiles of the probability that drawn actions are not the likeliest ones there; ``played``: mean
        return of each seed for each of four ways of playing.
    """
    path = CACHE / folder / "standstills.json"
    if not path.exists():
        found = _played(_kept(task, seeds, CACHE / folder), episodes)
        path.write_text(json.dumps(found))
    told: dict[str, Any] = json.loads(path.read_text())
    return told


def _kept(task: str, seeds: Sequence[int], folder: Path) -> Any:
    from marlgt.deep import recipe, resume, train

    if (folder / "run.json").exists():
        return resume(folder)
    book = recipe(task)
    steps = book.steps_of("IPPO")
    return train(
        book.algorithm("IPPO"),
        task,
        steps=steps,
        seeds=seeds,
        folder=folder,
        evaluate_every=steps // 4,
        checkpoint_every=steps // 4,
    )


def _played(run: Any, episodes: int) -> dict[str, Any]:
    from marlgt.deep import evaluate, make_environment
    from marlgt.deep.evaluation import FRESH_COPIES, play_episodes
    from marlgt.deep.exploration import seeded_generators
    from marlgt.deep.seeded_environments import SeededEnvs

    envs = SeededEnvs(lambda: make_environment(run.task, episodes), run.record.seeds, "cpu")
    batch: Any = envs.envs[0]
    watched = Watched(run.policy(), lambda: envs.states * batch.batch.size)
    played = play_episodes(watched, envs, first=FRESH_COPIES)
    drawing = run.policy()
    drawing.draw(seeded_generators(run.record.seeds, 10, "cpu"))
    unstuck = play_episodes(Unstuck(run.policy(), drawing), envs, first=FRESH_COPIES)
    envs.close()

    states, actions = np.stack(watched.states).round(), np.stack(watched.actions)
    ends = how_they_end(states[-3:], actions[-1], batch.batch.n_foods)
    unfinished, missing = ~played.successes, 1.0 - played.team_returns
    stands = unfinished & (ends < KINDS.index("they walk to and fro"))
    same = np.cumprod((states == states[-1]).all(-1)[::-1], axis=0).sum(0)
    differs = 1.0 - watched.certainty[-1]
    ways = (evaluate(run, episodes=episodes, stochastic=True), played, evaluate(run, episodes=episodes, epsilon=0.05))
    return {
        "episodes": [float((unfinished & (ends == kind)).mean()) for kind in range(len(KINDS))],
        "lost": [float(np.where(unfinished & (ends == kind), missing, 0.0).mean()) for kind in range(len(KINDS))],
        "began": float(np.median((len(states) - same)[stands])),
        "differs": np.percentile(differs[stands], (25, 50, 75)).tolist(),
        "played": {name: each.team_returns.mean(1).tolist() for name, each in zip(WAYS, (*ways, unstuck))},
    }


def played_tables(found: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """Return the tables of what :func:`measured` gives, by heading."""
    whole = sum(found["lost"])
    ends = [
        [kind, f"{often:.1%}", f"{lost:.3f}", f"{lost / whole:.0%}"]
        for kind, often, lost in zip(KINDS, found["episodes"], found["lost"])
    ]
    low, middle, high = found["differs"]
    facts = [f"{found['began']:.0f}", f"in {middle:.0%} [{low:.0%}, {high:.0%}] of steps"]
    ways = []
    for name in WAYS:
        each = bootstrap_interval(found["played"][name])
        ways.append([name, f"{float(each.estimate):.3f} [{float(each.low):.3f}, {float(each.high):.3f}]"])
    head = ["at the end", "of all episodes", "missing of an episode's return", "of all that is missing"]
    begun = ["a standstill begins at step, median", "a team would draw other actions there, median [quartiles]"]
    return {
        "Where likeliest actions of IPPO end that do not finish on 8x8-2p-3f": [head, *ends],
        "Standstills among these": [begun, facts],
        "The same policies, played in four ways": [["actions", "return, IQM [95 %]"], *ways],
    }
