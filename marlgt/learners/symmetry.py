"""Self-play, which means two things: each player has a learner of the same kind, or one learner plays every seat.

In algorithm self-play every player learns by the same algorithm, each with a memory of her own. In policy self-play one
memory plays all seats, learns from what it is told in each, and so learns n times as much from a step. That needs a
game that looks the same from every seat, and learners who see it from their own: a symmetry (Albrecht, Christianos and
Schaefer 2024, section 5.5.1). For seat i it exchanges players 0 and i, maps every state s to ``views[i, s]``, and makes
action a of player 0 action ``moves[i, a]`` of player i, such that rewards and transitions stay what they are. In soccer
the grid is turned around, and whoever has the ball has it still.

References
----------
Albrecht, S. V., Christianos, F. and Schaefer, L. (2024). Multi-Agent Reinforcement Learning. MIT Press.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games.stochastic import StochasticGame
from marlgt.learners._symmetry_search import exchanged, merged, state_map
from marlgt.learners.layout import EVERYBODY
from marlgt.learners.records import seated_policy
from marlgt.learners.settings import setting_of
from marlgt.learners.tables import Floats, TableLearner

__all__ = ["Seating", "Symmetry", "algorithm_self_play", "self_play", "symmetry_of"]

_MOST_ORDERS = 5040


@dataclass(frozen=True, eq=False)
class Symmetry:
    """How a game looks from each seat when its player takes herself for player 0.

    Attributes
    ----------
    views : ndarray of int64, shape (n, S)
        The state that player i sees in place of each state.
    moves : ndarray of int64, shape (n, A)
        The action of player i that each action of player 0 means.
    keeps_start : bool
        Whether the game begins alike for everybody.
    """

    views: NDArray[np.int64]
    moves: NDArray[np.int64]
    keeps_start: bool

    def profile(self, policy: ArrayLike) -> tuple[Floats, ...]:
        """Return the policies of all players who each follow, from their own seat, this policy of player 0.

        Parameters
        ----------
        policy : array_like, shape (S, A), or (A,) in a normal-form game

        Returns
        -------
        tuple of n ndarrays, shapes (S, A) or (A,)
        """
        rows = np.asarray(policy, dtype=np.float64)
        return tuple(seated_policy(rows, i, self.views, self.moves) for i in range(len(self.views)))


class Seating(NamedTuple):
    """What :func:`marlgt.learners.play` is given for policy self-play.

    Attributes
    ----------
    learners : list of n times the same learner
    views : ndarray of int64, shape (n, S)
    moves : ndarray of int64, shape (n, A)
    """

    learners: list[TableLearner]
    views: NDArray[np.int64]
    moves: NDArray[np.int64]


def algorithm_self_play(make: Callable[..., Any], game: Any) -> list[Any]:
    """Return a learner of the same kind for each player, each with a memory of her own.

    Parameters
    ----------
    make : callable
        ``make(game, player=i)`` gives the learner of player i: a class of learners, or a function that sets its rates.
    game : NormalFormGame, StochasticGame or observed environment

    Returns
    -------
    list of n learners

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> pair = algorithm_self_play(gt.learners.QLearning, game)
    >>> [learner.player for learner in pair]
    [0, 1]
    """
    return [make(game, player=i) for i in range(setting_of(game).n_players)]


def self_play(game: Any, learner: TableLearner, *, symmetry: Symmetry | None = None) -> Seating:
    """Return what lets one learner play all seats of a symmetric game with one memory.

    The learner observes n transitions a step, and counts them all. It must carry nothing from one step to the next, for
    another seat's step comes between: Sarsa and learners with traces cannot play so.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
    learner : TableLearner
        Of player 0, of a kind that is ``shareable``.
    symmetry : Symmetry, optional
        By default the one that :func:`symmetry_of` finds.

    Returns
    -------
    Seating

    Raises
    ------
    GameError
        For a learner that is not of player 0, or whose kind cannot share a memory.
    UnsupportedGame
        For a game that is not symmetric.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.rock_paper_scissors()
    >>> learner = gt.learners.QLearning(game, player=0)
    >>> seats = self_play(game, learner)
    >>> run = gt.learners.play(game, seats.learners, views=seats.views, moves=seats.moves, steps=100, seed=0)
    >>> learner.steps
    200
    """
    if not isinstance(learner, TableLearner) or learner.player == EVERYBODY or not type(learner).shareable:
        raise GameError(
            f"learner is {short(learner)}: one memory can play all seats if it reads its own actions and rewards only, "
            "and carries nothing from step to step, as QLearning, ExpectedSarsa and DoubleQ do"
        )
    if learner.player != 0:
        raise GameError(f"the learner is player {learner.player}'s: in self-play everybody is player 0 in her own view")
    found = symmetry_of(game) if symmetry is None else symmetry
    return Seating([learner] * len(found.views), found.views, found.moves)


def symmetry_of(game: Any, *, views: ArrayLike | None = None, moves: ArrayLike | None = None) -> Symmetry:
    """Return a symmetry that lets every player see the game as player 0 does; what is not given is searched for.

    A symmetry that leaves the first state as it is is preferred to one that does not. Whatever was given or found is
    verified: rewards and transition probabilities agree to 1e-12 of the largest. Where rewards depend on the successor,
    their expectations are compared.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
    views : array_like of int, shape (n, S), optional
    moves : array_like of int, shape (n, A), optional

    Returns
    -------
    Symmetry

    Raises
    ------
    GameError
        For views and moves that are no permutations, or do not make a symmetry.
    UnsupportedGame
        If there is no symmetry, or too many orders of actions to try.

    Examples
    --------
    The grid of soccer is turned around, and players and goals with it:

    >>> import marlgt as gt
    >>> game = gt.games.soccer()
    >>> symmetry = symmetry_of(game)
    >>> [game.actions[1][a] for a in symmetry.moves[1]], symmetry.keeps_start
    (['S', 'N', 'W', 'E', 'stand'], True)
    >>> state = gt.games.soccer_state((1, 3), (2, 0), 0)
    >>> game.states[symmetry.views[1, state]]
    'A (1, 4), B (2, 1), ball B'
    """
    given = setting_of(game).game
    if given is None:
        raise UnsupportedGame("an environment has no tables to find a symmetry in: give views and moves to play()")
    n, counts = given.n_players, given.n_actions
    if len(set(counts)) > 1:
        raise UnsupportedGame(f"the players have {counts} actions: a symmetry of all players needs equal numbers")
    seen = _checked(views, (n, given.n_states), "views")
    meant = _checked(moves, (n, counts[0]), "moves")
    tables = [np.tile(np.arange(size), (n, 1)) for size in (given.n_states, counts[0])]
    kept = True
    for seat in range(n):
        exact = None if seen is None else seen[seat]
        orders = _orders(counts[0]) if meant is None else iter([meant[seat]])
        tables[0][seat], tables[1][seat], kept_here = _of_seat(given, seat, exact, orders, meant is not None)
        kept &= kept_here
    return Symmetry(tables[0], tables[1], kept)


def _of_seat(
    game: StochasticGame, seat: int, views: Any, orders: Iterator[NDArray[np.int64]], fixed: bool
) -> tuple[Any, Any, bool]:
    """Return the state map, the action map and whether the start is kept, of a symmetry for one seat."""
    listed = [np.arange(game.n_actions[0])] if seat == 0 and not fixed else list(orders)
    fault = ""
    for keep_start in (True, False):
        for moves in listed:
            image = views
            if image is None:
                image = np.arange(game.n_states) if seat == 0 else state_map(game, seat, moves, keep_start=keep_start)
            if image is None:
                continue
            fault = _fault(game, seat, image, moves)
            kept = bool(np.abs(game.start - game.start[image]).max() <= 1e-12)
            if not fault and (kept or not keep_start):
                return image, moves, kept
    if views is not None or fixed:
        reason = fault or "no states correspond"
        raise GameError(f"views and moves make no symmetry of player 0 and player {seat}: {reason}")
    raise UnsupportedGame(
        f"no symmetry exchanges player 0 and player {seat}: let each player have a learner of her own, with "
        "algorithm_self_play"
    )


def _fault(game: StochasticGame, seat: int, image: NDArray[np.int64], moves: NDArray[np.int64]) -> str:
    """Return in what a map is no symmetry, or nothing."""
    order = np.arange(game.n_players)
    order[[0, seat]] = seat, 0
    paid = exchanged(game.rewards[order][:, image], seat, moves, 2)
    if (game.terminal != game.terminal[image]).any():
        return "a terminal state is mapped to one that is not"
    played = exchanged(game.played[image], seat, moves, 1)
    if (played != game.played).any():
        return f"other actions are legal in state {_first(played != game.played)} than in its image"
    wrong = np.abs(paid - game.rewards).max(axis=0) > 1e-12 * max(1.0, float(np.abs(game.rewards).max()))
    if wrong.any():
        return f"other rewards are paid in state {_first(wrong)} than in its image"
    after, chances = merged(image[game.successors], game.probabilities.copy(), game.n_states)
    there = exchanged(game.successors[image], seat, moves, 1), exchanged(game.probabilities[image], seat, moves, 1)
    after_there, chances_there = merged(there[0].astype(np.int64), there[1], game.n_states)
    wrong = (after != after_there).any(axis=-1) | (np.abs(chances - chances_there).max(axis=-1) > 1e-12)
    return f"what follows state {_first(wrong)} is not what follows its image" if wrong.any() else ""


def _first(wrong: NDArray[np.bool_]) -> int:
    return int(np.argwhere(wrong)[0][0])


def _orders(count: int) -> Iterator[NDArray[np.int64]]:
    if math.factorial(count) > _MOST_ORDERS:
        raise UnsupportedGame(
            f"{count} actions have {math.factorial(count)} orders, too many to try: give moves, the action of each "
            "player that each action of player 0 means"
        )
    return (np.array(order) for order in permutations(range(count)))


def _checked(table: Any, shape: tuple[int, int], name: str) -> NDArray[np.int64] | None:
    if table is None:
        return None
    array = np.asarray(table)
    fits = array.shape == shape and array.dtype.kind in "iu"
    if not fits or (np.sort(array, axis=1) != np.arange(shape[1])).any():
        raise GameError(f"{name} is {short(table)}: give a permutation of 0..{shape[1] - 1} for each player, {shape}")
    return array.astype(np.int64)
