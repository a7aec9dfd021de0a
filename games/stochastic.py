"""Stochastic games: n players act at once in one of finitely many states, are paid, and move on (Shapley 1953).

In state s the players choose actions a = (a_1, ..., a_n); player i gets ``rewards[i, s, a]`` in expectation and the
next state is ``successors[s, a, k]`` with probability ``probabilities[s, a, k]``. Each state and profile of actions
lists its k possible successors, not a row over all states: soccer takes one megabyte so, and a hundred dense. A
play is worth the sum of its rewards, each worth ``discount`` times as much as one a step before. Terminal states
are worth 0. A stationary policy of player i is an array of shape (S, A_i), a distribution over her legal actions in
each state; in terminal states it does not matter.

References
----------
Shapley, L. S. (1953). Stochastic games. Proceedings of the National Academy of Sciences 39, 1095-1100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games import _transitions as checks
from marlgt.games._arrays import exact_and_float, labels_or_default, short
from marlgt.games._doors import require_game
from marlgt.games._stationary import StationaryProfile, checked_stationary
from marlgt.games.normal_form import NormalFormGame

__all__ = ["StationaryProfile", "StochasticGame", "checked_stationary"]


@dataclass(frozen=True, eq=False, repr=False, init=False)
class StochasticGame:
    """A finite stochastic game with arrays of rewards, successors and probabilities.

    Parameters
    ----------
    rewards : array_like, shape (n, S, A_1, ..., A_n) or (n, S, A_1, ..., A_n, k)
        What each player gets; with the last axis, what she gets when that successor comes.
    successors : array_like of int, shape (S, A_1, ..., A_n, k)
        Possible next states. Entries of probability 0 are padding.
    probabilities : array_like, shape (S, A_1, ..., A_n, k)
    discount : float
        From 0 to 1. With 1 the solvers ask for a game that surely ends.
    start : array_like, shape (S,), optional
        The distribution of the first state; by default uniform over the states that are not terminal.
    terminal : array_like of bool, shape (S,), optional
        States in which the game is over; their rewards and successors are not read.
    legal : sequence of n array_like of bool, shapes (S, A_i), optional
        The actions that each player has in each state; by default all. What is not legal is not read.
    players, states : sequence of str, optional
    actions : sequence of n sequences of str, optional
    title : str

    Attributes
    ----------
    rewards : ndarray of float64, shape (n, S, A_1, ..., A_n)
        Expected rewards; 0 in terminal states and for illegal actions.
    successor_rewards : ndarray of float64, shape (n, S, A_1, ..., A_n, k), or None
        The reward with each successor, where it depends on that.
    successors : ndarray of int32, shape (S, A_1, ..., A_n, k)
    probabilities : ndarray of float64, shape (S, A_1, ..., A_n, k)
    start : ndarray of float64, shape (S,)
    terminal : ndarray of bool, shape (S,)
    legal : tuple of n ndarrays of bool, shapes (S, A_i)

    Raises
    ------
    GameError
        For arrays that do not fit together, probabilities that are negative or do not sum to 1, successors that are
        no states, states in which a player has no action, and a discount that is not between 0 and 1.

    Examples
    --------
    >>> from marlgt.games import StochasticGame
    >>> pennies = [[[1, 0], [0, 1]]]
    >>> game = StochasticGame(
    ...     rewards=[pennies, [[[-1, 0], [0, -1]]]], successors=[[[[0], [0]], [[0], [0]]]],
    ...     probabilities=[[[[1], [1]], [[1], [1]]]], discount=0.5,
    ... )
    >>> game.n_states, game.n_actions, game.is_zero_sum
    (1, (2, 2), True)
    """

    rewards: NDArray[np.float64]
    successor_rewards: NDArray[np.float64] | None
    successors: NDArray[np.int32]
    probabilities: NDArray[np.float64]
    discount: float
    start: NDArray[np.float64]
    terminal: NDArray[np.bool_]
    legal: tuple[NDArray[np.bool_], ...]
    players: tuple[str, ...]
    states: tuple[str, ...]
    actions: tuple[tuple[str, ...], ...]
    title: str

    def __init__(
        self,
        rewards: ArrayLike,
        successors: ArrayLike,
        probabilities: ArrayLike,
        *,
        discount: float,
        start: ArrayLike | None = None,
        terminal: ArrayLike | None = None,
        legal: Sequence[ArrayLike] | None = None,
        players: Sequence[str] | None = None,
        states: Sequence[str] | None = None,
        actions: Sequence[Sequence[str]] | None = None,
        title: str = "",
    ) -> None:
        chances, _ = exact_and_float(probabilities, "probabilities")
        if chances.ndim < 3 or chances.size == 0:
            raise GameError(f"probabilities must have shape (S, A_1, ..., A_n, k), got {chances.shape}")
        shape, n = chances.shape[:-1], chances.ndim - 2
        n_states, counts = shape[0], shape[1:]
        paid, _ = exact_and_float(rewards, "rewards")
        if paid.shape not in ((n, *shape), (n, *chances.shape)):
            raise GameError(
                f"rewards has shape {paid.shape}: with these probabilities it must be {(n, *shape)}, one number for "
                f"each player, state and profile of actions, or {(n, *chances.shape)}, one for each successor too"
            )
        ended = checks.checked_flags(terminal, (n_states,), "terminal", default=False)
        allowed = checks.checked_legal(legal, n_states, counts, ended)
        played = checks.playable(ended, allowed)
        nexts = checks.checked_successors(successors, chances, played)
        checks.check_chances(chances, played)
        chances[~played] = 0.0
        paid[:, ~played] = 0.0
        detailed = None
        if paid.ndim == chances.ndim + 1:
            detailed, paid = paid, np.einsum("...k,...k->...", paid, chances)
            if (detailed == detailed[..., :1])[:, chances > 0].all():
                detailed = None
        if not isinstance(title, str):
            raise GameError(f"title is {short(title)}: give text")
        fields: dict[str, Any] = {
            "rewards": paid,
            "successor_rewards": detailed,
            "successors": nexts,
            "probabilities": chances,
            "discount": checks.checked_discount(discount),
            "start": checks.checked_start(start, ended),
            "terminal": ended,
            "legal": allowed,
            "players": labels_or_default(players, n, "players", first=1),
            "states": labels_or_default(states, n_states, "states", first=0),
            "actions": checks.action_labels(actions, counts),
            "title": title,
        }
        for name, field in fields.items():
            for array in field if name == "legal" else (field,):
                if isinstance(array, np.ndarray):
                    array.flags.writeable = False
            object.__setattr__(self, name, field)

    @classmethod
    def from_dense(cls, rewards: ArrayLike, transitions: ArrayLike, *, discount: float, **rest: Any) -> StochasticGame:
        """Return the game whose transitions are rows over all states.

        Parameters
        ----------
        rewards : array_like, shape (n, S, A_1, ..., A_n)
        transitions : array_like, shape (S, A_1, ..., A_n, S)
        discount : float
        **rest
            As in the class.
        """
        dense, _ = exact_and_float(transitions, "transitions")
        if dense.ndim < 3 or dense.size == 0 or dense.shape[0] != dense.shape[-1]:
            raise GameError(f"transitions must have shape (S, A_1, ..., A_n, S), got {dense.shape}")
        if dense.min() < 0:
            place = tuple(int(i) for i in np.unravel_index(int(np.argmin(dense)), dense.shape))
            raise GameError(f"transitions{list(place)} is {dense.min()}: probabilities are not negative")
        width = max(1, int((dense > 0).sum(axis=-1).max()))
        # The states of positive probability first, in their order.
        successors = np.argsort(dense <= 0, axis=-1, kind="stable")[..., :width]
        return cls(rewards, successors, np.take_along_axis(dense, successors, -1), discount=discount, **rest)

    @classmethod
    def zero_sum(
        cls, rewards: ArrayLike, successors: ArrayLike, probabilities: ArrayLike, *, discount: float, **rest: Any
    ) -> StochasticGame:
        """Return the game of two players in which the first gets ``rewards`` from the second.

        Parameters
        ----------
        rewards : array_like, shape (S, A_1, A_2) or (S, A_1, A_2, k)
        successors, probabilities, discount, **rest
            As in the class.
        """
        paid, _ = exact_and_float(rewards, "rewards")
        return cls(np.stack([paid, -paid]), successors, probabilities, discount=discount, **rest)

    @classmethod
    def repeated(cls, game: NormalFormGame, *, discount: float) -> StochasticGame:
        """Return the game of one state in which a normal-form game is played again and again."""
        require_game(game)
        shape = (1, *game.n_actions, 1)
        return cls(
            game.payoffs[:, None],
            np.zeros(shape, dtype=np.int64),
            np.ones(shape),
            discount=discount,
            players=game.players,
            actions=game.actions,
            title=f"{game.title or 'a game'}, repeated",
        )

    @property
    def n_players(self) -> int:
        """The number of players."""
        return int(self.rewards.shape[0])

    @property
    def n_states(self) -> int:
        """The number of states, terminal ones included."""
        return int(self.rewards.shape[1])

    @property
    def n_actions(self) -> tuple[int, ...]:
        """The number of actions of each player, whether legal in a state or not."""
        return tuple(self.rewards.shape[2:])

    @cached_property
    def played(self) -> NDArray[np.bool_]:
        """Whether each profile of actions can be played in each state, shape (S, A_1, ..., A_n)."""
        return np.asarray(self.probabilities.sum(axis=-1) > 0.0)

    @cached_property
    def all_legal(self) -> bool:
        """Whether every action is legal in every state that is not terminal."""
        return all(bool(own[~self.terminal].all()) for own in self.legal)

    @cached_property
    def reward_range(self) -> NDArray[np.float64]:
        """The spread of each player's rewards over all that can be played, shape (n,)."""
        paid = self.rewards.reshape(self.n_players, -1)[:, self.played.reshape(-1)]
        return np.asarray(np.ptp(paid, axis=1)) if paid.size else np.zeros(self.n_players)

    @cached_property
    def is_zero_sum(self) -> bool:
        """Whether the rewards of two players sum to zero everywhere."""
        if self.n_players != 2:
            return False
        scale = max(float(np.abs(self.rewards).max()), np.finfo(float).tiny)
        return bool(np.abs(self.rewards.sum(axis=0)).max() <= 1e-12 * scale)

    @cached_property
    def is_common_interest(self) -> bool:
        """Whether all players always get the same reward."""
        scale = max(float(np.abs(self.rewards).max()), np.finfo(float).tiny)
        return bool(np.abs(self.rewards - self.rewards[:1]).max() <= 1e-12 * scale)

    @cached_property
    def surely_ends(self) -> bool:
        """Whether the game reaches a terminal state with probability 1 whatever the players do."""
        # The states from which the players can stay away from the end for ever: a greatest fixed point.
        escaping = ~self.terminal
        possible = self.probabilities > 0.0
        while escaping.any():
            stays = (escaping[self.successors] | ~possible).all(axis=-1) & self.played
            remaining = escaping & stays.reshape(self.n_states, -1).any(axis=1)
            if (remaining == escaping).all():
                return False
            escaping = remaining
        return True

    @cached_property
    def reachable(self) -> NDArray[np.bool_]:
        """Whether each state can be reached from the starting states, shape (S,)."""
        reached = self.start > 0.0
        frontier = reached
        possible = self.probabilities > 0.0
        while frontier.any():
            found = np.zeros(self.n_states, dtype=bool)
            found[self.successors[frontier][possible[frontier]]] = True
            frontier = found & ~reached
            reached = reached | frontier
        return reached

    def stage_game(self, state: int, values: ArrayLike) -> NormalFormGame:
        """Return the game of one state whose payoffs are the rewards plus the discounted values of what follows.

        Parameters
        ----------
        state : int
        values : array_like, shape (n, S)
            What each state is worth to each player.

        Returns
        -------
        NormalFormGame
            Over the legal actions of the state.
        """
        payoffs = self.action_values(checks.checked_values(state, values, (self.n_players, self.n_states)), state)
        kept = [np.flatnonzero(own[state]) for own in self.legal]
        names = [[self.actions[i][a] for a in chosen] for i, chosen in enumerate(kept)]
        return NormalFormGame(payoffs[np.ix_(np.arange(self.n_players), *kept)], players=self.players, actions=names)

    def action_values(self, values: NDArray[np.float64], state: int | slice = slice(None)) -> NDArray[np.float64]:
        """Return the reward plus the discounted value of what follows, of every profile of actions.

        Parameters
        ----------
        values : ndarray, shape (n, S)
        state : int, optional
            By default all states.

        Returns
        -------
        ndarray, shape (n, S, A_1, ..., A_n), or (n, A_1, ..., A_n) for one state
        """
        ahead = np.einsum("i...k,...k->i...", values[:, self.successors[state]], self.probabilities[state])
        return np.asarray(self.rewards[:, state] + self.discount * ahead)

    def uniform_profile(self) -> StationaryProfile:
        """Return the profile in which every player chooses among her legal actions alike."""
        return tuple(own / np.maximum(own.sum(axis=1, keepdims=True), 1) for own in self.legal)

    def with_discount(self, discount: float) -> StochasticGame:
        """Return the same game with another discount."""
        return self._like(self.rewards if self.successor_rewards is None else self.successor_rewards, discount)

    def with_rewards(self, rewards: ArrayLike) -> StochasticGame:
        """Return the same game with other rewards, of a shape that the class takes."""
        return self._like(rewards, self.discount)

    def _like(self, rewards: ArrayLike, discount: float) -> StochasticGame:
        return StochasticGame(
            rewards,
            self.successors,
            self.probabilities,
            discount=discount,
            start=self.start,
            terminal=self.terminal,
            legal=self.legal,
            players=self.players,
            states=self.states,
            actions=self.actions,
            title=self.title,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StochasticGame):
            return NotImplemented
        names = ("rewards", "successors", "probabilities", "start", "terminal", "successor_rewards")
        return (
            all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)
            and self.discount == other.discount
            and all(np.array_equal(a, b) for a, b in zip(self.legal, other.legal))
            and (self.players, self.states, self.actions) == (other.players, other.states, other.actions)
        )

    def __hash__(self) -> int:
        return hash((self.rewards.tobytes(), self.successors.tobytes(), self.probabilities.tobytes(), self.discount))

    def __repr__(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        counts = " x ".join(map(str, self.n_actions))
        ended = int(self.terminal.sum())
        final = f" ({ended} terminal)" if ended else ""
        return f"<StochasticGame{title}: {self.n_states} states{final}, {counts} actions, discount {self.discount:g}>"
