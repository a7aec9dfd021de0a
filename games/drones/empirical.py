"""Empirical games: policies as the actions of a game in normal form, their mean returns as its payoffs.

A player is a team of agents (:attr:`marlgt.games.drones.Task.teams`) or, where there are none, one agent. Each chooses
among a few policies, every combination is flown in the same episodes, and the payoff of a player is the mean of what
its agents earn together. What solves games then says which policies are worth having: an equilibrium, α-rank, or the
next best response of a policy-space response oracle (Lanctot et al., 2017). Since all combinations start in the same
states and with the same disturbances, their differences are known better than their values.

References
----------
M. P. Wellman, "Methods for empirical game-theoretic analysis", AAAI 2006.
M. Lanctot et al., "A unified game-theoretic approach to multiagent reinforcement learning", NeurIPS 2017.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_seed, require_whole
from marlgt.games.drones.actions import random_actions
from marlgt.games.drones.doors import require_backend, task_named
from marlgt.games.drones.evaluation import Policy, evaluate_policy, pilot_of, policy_named
from marlgt.games.drones.task import Task
from marlgt.games.drones.views import View
from marlgt.games.normal_form import NormalFormGame

__all__ = ["Pairings", "empirical_game"]

Choices = Mapping[str, Policy | str] | Sequence[Policy | str]
"""The policies of a player: by name, or in a row, where each has its own name."""


@dataclasses.dataclass(frozen=True, eq=False)
class Pairings:
    """A game between policies, with what is known of how exact it is.

    Attributes
    ----------
    task, backend : str
    game : NormalFormGame
        Mean returns, undiscounted; the labels of its actions are the names of the policies.
    standard_errors : ndarray, shape (n_players, A_1, ..., A_n)
        Of each mean.
    success_rates : ndarray, shape (A_1, ..., A_n)
        Share of the episodes in which the task was solved.
    episodes : int
        Flown by each combination of policies.
    seed : int
        Of the starts, the disturbances and random actions, the same for all combinations.
    """

    task: str
    backend: str
    game: NormalFormGame
    standard_errors: np.ndarray
    success_rates: np.ndarray
    episodes: int
    seed: int

    def symmetrised(self) -> NormalFormGame:
        """Return the symmetric game of two players in which each pair of policies has played in both seats.

        The row player's payoff is the mean of what a policy earned as the first and as the second player.

        Raises
        ------
        GameError
            Unless there are two players with the same policies in the same order.
        """
        if self.game.n_players != 2 or self.game.actions[0] != self.game.actions[1]:
            raise GameError(
                "only two players with the same policies, in the same order, change seats: this game has the policies "
                f"{short(self.game.actions)}"
            )
        first, second = self.game.payoffs
        mean = 0.5 * (first + second.T)
        return NormalFormGame.bimatrix(mean, mean.T, actions=self.game.actions, title=self.game.title)


def empirical_game(
    task: Task | str,
    policies: Sequence[Choices],
    *,
    episodes: int = 64,
    seed: int = 0,
    backend: str = "numba",
    n_drones: int | None = None,
    actions: str | None = None,
    players: Sequence[str] | None = None,
) -> Pairings:
    """Fly every combination of the players' policies, and return the game of their mean returns.

    Parameters
    ----------
    task : Task or str
        A task, or the name of one.
    policies : sequence of mappings or of sequences
        For each team of the task, or for each agent, its policies by name. A policy is ``"expert"``, ``"random"``, or a
        function from a :class:`~marlgt.games.drones.View` to the actions of all agents, of which only those of the
        player's own count; it keeps nothing from one call to the next.
    episodes : int
        For each combination; at least 2.
    seed : int
    backend : {'numba', 'torch', 'bullet'}
    n_drones, actions
        See :func:`marlgt.games.drones.make_task`; only with a name.
    players : sequence of str, optional
        Names of the players.

    Raises
    ------
    GameError
        For a wrong number of players, a player without policies, what is no policy, or a policy whose actions do not
        fit.

    Examples
    --------
    >>> found = empirical_game("duel", [["expert", "random"], ["expert", "random"]], episodes=16)
    >>> found.game.actions[0]
    ('expert', 'random')
    >>> bool(found.game.payoffs[0, 0, 1] > 0.9)
    True
    """
    require_whole(episodes, "episodes", least=2)
    require_seed(seed)
    require_backend(backend)
    flown = task_named(task, n_drones, actions)
    seats = _seats(flown, policies)
    named = [_named(flown, choices, player) for player, choices in enumerate(policies)]
    shape = tuple(len(choices) for choices in named)
    payoffs, errors = np.zeros((len(seats), *shape)), np.zeros((len(seats), *shape))
    successes = np.zeros(shape)
    for profile in itertools.product(*map(range, shape)):
        chosen = [choices[k] for choices, k in zip(named, profile)]
        scores = evaluate_policy(
            flown, _together(flown, seats, chosen, seed), episodes=episodes, seed=seed, backend=backend
        )
        for player, own in enumerate(seats):
            returns = scores.returns[:, own].sum(axis=1)
            payoffs[(player, *profile)] = returns.mean()
            errors[(player, *profile)] = returns.std(ddof=1) / np.sqrt(episodes)
        successes[profile] = scores.success_rate
    game = NormalFormGame(
        payoffs,
        players=players,
        actions=[[name for name, _ in choices] for choices in named],
        title=f"{flown.name}, mean returns of {episodes} episodes",
    )
    for array in (errors, successes):
        array.setflags(write=False)
    return Pairings(flown.name, backend, game, errors, successes, int(episodes), int(seed))


def _seats(task: Task, policies: Any) -> list[np.ndarray]:
    """Return the agents of each player."""
    if isinstance(policies, str | Mapping) or not isinstance(policies, Sequence):
        raise GameError(f"policies is {short(policies)}: give a list with the policies of each player")
    agents = np.arange(task.n_agents)
    teams = np.array(task.teams or agents)
    if len(policies) == teams.max() + 1:
        return [agents[teams == team] for team in range(len(policies))]
    if len(policies) == task.n_agents:
        return [agents[k : k + 1] for k in agents]
    numbers = f"{teams.max() + 1} teams or {task.n_agents} agents" if task.teams else f"{task.n_agents} agents"
    raise GameError(f"{task.name} is played by {numbers}: give the policies of each, got {len(policies)} lists")


def _named(task: Task, choices: Any, player: int) -> list[tuple[str, Policy | None]]:
    """Return the policies of a player with their names; None for random actions."""
    if isinstance(choices, str) or not isinstance(choices, Sequence | Mapping) or not choices:
        raise GameError(
            f"policies[{player}] is {short(choices)}: give the policies of this player by name, at least one of them"
        )
    labelled = choices.items() if isinstance(choices, Mapping) else [(None, policy) for policy in choices]
    named: list[tuple[str, Policy | None]] = []
    for label, policy in labelled:
        name, function = (
            ("random", None) if isinstance(policy, str) and policy == "random" else policy_named(task, policy, 0)
        )
        named.append((name if label is None else str(label), function))
    names = [name for name, _ in named]
    if len(set(names)) < len(names):
        raise GameError(
            f"policies[{player}] are named {', '.join(names)}, some of them alike: give a dict, by names of their own"
        )
    return named


def _together(
    task: Task, seats: Sequence[np.ndarray], chosen: Sequence[tuple[str, Policy | None]], seed: int
) -> Policy:
    """Return the joint policy in which each player's agents follow its own policy."""
    # A player's random actions are its own, and the same whatever the others do.
    rngs = [np.random.default_rng([seed, 2, player]) for player in range(len(seats))]

    def joint(view: View, observations: Any) -> np.ndarray:
        shape = (len(view.ticks), task.n_agents) + (() if task.choices is not None else (task.n_inputs,))
        actions = np.zeros(shape, dtype=float if task.choices is None else int)
        for own, (name, policy), rng in zip(seats, chosen, rngs):
            given = np.asarray(
                random_actions(task, shape[0], rng) if policy is None else pilot_of(policy)(view, observations)
            )
            if given.shape != shape or (task.choices is not None and given.dtype.kind not in "iu"):
                raise GameError(
                    f"the policy {name!r} must give {'whole ' if task.choices is not None else ''}numbers of shape "
                    f"{shape}, the actions of all agents, got {given.dtype} of shape {given.shape}"
                )
            actions[:, own] = given[:, own]
        return actions

    vars(joint)["observes"] = True
    joint.__name__ = " against ".join(name for name, _ in chosen)
    return joint
