"""Strategies for stochastic games and stationary profiles, degenerate ones left in.

The games have ties, actions that are copies of others, states that are absorbing, terminal or out of reach,
successors of probability zero, and actions that are not legal everywhere. A counterexample shrinks toward one
state with one action per player and rewards of zero.

>>> from hypothesis import given, settings
>>> from marlgt.testing import stochastic_games
>>> @settings(max_examples=20, database=None)
... @given(stochastic_games(n_players=2))
... def test_a_value_never_exceeds_the_largest_reward_for_ever(game):
...     assert abs(game.action_values(game.rewards.max(axis=(2, 3))).max()) <= 2 * abs(game.rewards).max()
>>> test_a_value_never_exceeds_the_largest_reward_for_ever()
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from marlgt.games.stochastic import StationaryProfile, StochasticGame
from marlgt.testing._draws import (
    Actions,
    Count,
    Draw,
    Frame,
    choice,
    codes,
    drawn_bytes,
    frames,
    number,
    two_actions,
    values,
)

__all__ = [
    "any_stochastic_game",
    "common_interest_stochastic_games",
    "ending_stochastic_games",
    "stationary_profiles",
    "stochastic_games",
    "zero_sum_stochastic_games",
]

StochasticGames = st.SearchStrategy[StochasticGame]

Discount = float | st.SearchStrategy[float] | None
"""A discount, a strategy for it, or the default: one of a few below 1."""

_DISCOUNTS = (0.5, 0.9, 0.75, 0.0, 0.99)
_MOST_SUCCESSORS = 3
_STATES = range(1, 5)
_ILLEGAL_ABOVE = 190
_KINDS_OF_STATE = 8
_TERMINAL, _ABSORBING = 6, 7


def stochastic_games(
    *, n_players: Count = 2, n_states: Count = _STATES, n_actions: Actions = range(1, 4), discount: Discount = None
) -> StochasticGames:
    """Draw stochastic games whose rewards need have nothing to do with one another.

    Parameters
    ----------
    n_players, n_states : int, range or strategy for int
    n_actions : int, range, strategy for int, or sequence of n of these
    discount : float or strategy for float, optional
        By default one of 0, 0.5, 0.75, 0.9 and 0.99.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(stochastic_games(), lambda game: True)
    <StochasticGame: 1 states, 1 x 1 actions, discount 0.5>
    """
    return _games(_independent, n_players, n_states, n_actions, discount)


def zero_sum_stochastic_games(
    *, n_states: Count = _STATES, n_actions: Actions = range(1, 4), discount: Discount = None
) -> StochasticGames:
    """Draw stochastic games of two players, one of whom gets what the other loses.

    Parameters
    ----------
    n_states, n_actions, discount
        As in :func:`stochastic_games`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(zero_sum_stochastic_games(n_states=2), lambda game: game.rewards[0].any()).is_zero_sum
    True
    """
    return _games(_opposite, 2, n_states, n_actions, discount)


def common_interest_stochastic_games(
    *, n_players: Count = 2, n_states: Count = _STATES, n_actions: Actions = range(1, 4), discount: Discount = None
) -> StochasticGames:
    """Draw stochastic games in which all players always get the same.

    Parameters
    ----------
    n_players, n_states, n_actions, discount
        As in :func:`stochastic_games`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(common_interest_stochastic_games(n_players=3), lambda game: game.n_states > 1).is_common_interest
    True
    """
    return _games(_shared, n_players, n_states, n_actions, discount)


def ending_stochastic_games(
    *, n_players: Count = 2, n_states: Count = range(2, 6), n_actions: Actions = range(1, 4), discount: Discount = 1.0
) -> StochasticGames:
    """Draw stochastic games that surely end, whatever the players do: every move leads to a state of higher number.

    Parameters
    ----------
    n_players, n_actions, discount
        As in :func:`stochastic_games`.
    n_states : int, range or strategy for int
        From 2: the last one is terminal.

    Examples
    --------
    >>> from hypothesis import find
    >>> game = find(ending_stochastic_games(), lambda game: True)
    >>> game, game.surely_ends
    (<StochasticGame: 2 states (1 terminal), 1 x 1 actions, discount 1>, True)
    """
    return _games(_independent, n_players, n_states, n_actions, discount, ending=True)


def any_stochastic_game() -> StochasticGames:
    """Draw stochastic games of every kind with one to three players: ``st.from_type(StochasticGame)`` gives these."""
    return st.one_of(
        stochastic_games(n_players=range(1, 4)),
        zero_sum_stochastic_games(),
        common_interest_stochastic_games(n_players=range(1, 4)),
        ending_stochastic_games(n_players=range(1, 4), discount=st.sampled_from((0.9, 1.0))),
    )


def stationary_profiles(game: StochasticGame) -> st.SearchStrategy[StationaryProfile]:
    """Draw one stationary policy per player, of shapes (S, A_i): pure, mixed, or mixed on some of the legal actions.

    Parameters
    ----------
    game : StochasticGame

    Examples
    --------
    >>> from hypothesis import find
    >>> from marlgt.games import NormalFormGame, StochasticGame
    >>> game = StochasticGame.repeated(NormalFormGame.zero_sum([[1, -1], [-1, 1]]), discount=0.5)
    >>> find(stationary_profiles(game), lambda profile: profile[0][0, 1] == 1)
    (array([[0., 1.]]), array([[1., 0.]]))
    """

    @st.composite
    def build(draw: Draw) -> StationaryProfile:
        return tuple(_policy(draw, legal) for legal in game.legal)

    return build()


def _policy(draw: Draw, legal: NDArray[np.bool_]) -> NDArray[np.float64]:
    form = choice(draw, ("pure", "face", "mixed"))
    raw = drawn_bytes(draw, legal.size).reshape(legal.shape).astype(np.int64)
    if form == "pure":
        chosen = np.where(legal, raw, -1).argmax(axis=1)
        weights = np.arange(legal.shape[1]) == chosen[:, None]
    elif form == "face":
        weights = np.where(raw % 2 == 1, 0, raw // 2 % 16)
    else:
        weights = raw % 16 + 1
    weights = weights * legal
    empty = ~weights.any(axis=1)
    weights[empty] = legal[empty]
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1))


def _independent(draw: Draw, frame: Frame, leading: int) -> NDArray[np.float64]:
    n = len(frame.kept)
    return np.asarray(values(draw, n * leading, frame), dtype=np.float64).reshape(n, leading, *frame.shape)


def _opposite(draw: Draw, frame: Frame, leading: int) -> NDArray[np.float64]:
    paid = np.asarray(values(draw, leading, frame), dtype=np.float64)
    return np.stack([paid, -paid])


def _shared(draw: Draw, frame: Frame, leading: int) -> NDArray[np.float64]:
    paid = np.asarray(values(draw, leading, frame), dtype=np.float64)
    return np.stack([paid] * len(frame.kept))


def _games(
    rewards: Callable[[Draw, Frame, int], NDArray[np.float64]],
    n_players: Count,
    n_states: Count,
    n_actions: Actions,
    discount: Discount,
    *,
    ending: bool = False,
) -> StochasticGames:
    @st.composite
    def build(draw: Draw) -> StochasticGame:
        states = draw(number(n_states, "n_states"))
        frame = frames(draw, n_players, n_actions)
        width = draw(st.integers(1, _MOST_SUCCESSORS))
        chances = _by_successor(codes(draw, states * width, frame) % 5, states, width)
        # The first successor always has some weight, so that zeros are a point.
        chances[..., 0] += 1
        successors = _by_successor(codes(draw, states * width, frame), states, width)
        by_successor = draw(st.booleans())
        paid = rewards(draw, frame, states * (width if by_successor else 1))
        n = len(frame.kept)
        if by_successor:
            paid = np.moveaxis(paid.reshape(n, states, width, *frame.shape), 2, -1)
        kinds = drawn_bytes(draw, states) % _KINDS_OF_STATE
        if ending:
            successors = _onward(successors)
            terminal = np.arange(states) == states - 1
        else:
            successors = successors % states
            terminal = (kinds == _TERMINAL) & (np.arange(states) > 0)
            absorbing = np.flatnonzero(kinds == _ABSORBING)
            successors[absorbing] = absorbing.reshape((-1,) + (1,) * (n + 1))
        player, original, copy = two_actions(draw, frame.shape) if draw(st.booleans()) else (0, 0, 0)
        for array, axis in ((paid, 2 + player), (successors, 1 + player), (chances, 1 + player)):
            own = np.moveaxis(array, axis, 0)
            own[copy] = own[original]
        return StochasticGame(
            paid,
            successors,
            chances / chances.sum(axis=-1, keepdims=True),
            discount=_discount(draw, discount),
            start=_start(draw, terminal),
            terminal=terminal,
            legal=_legal(draw, states, frame.shape),
        )

    return build()


def _by_successor(flat: NDArray[np.int64], states: int, width: int) -> NDArray[np.int64]:
    return np.moveaxis(flat.reshape(states, width, *flat.shape[1:]), 1, -1).copy()


def _onward(raw: NDArray[np.int64]) -> NDArray[np.int64]:
    """Map numbers to states of higher number, the last one for zeros."""
    states = len(raw)
    own = np.arange(states).reshape((-1,) + (1,) * (raw.ndim - 1))
    return np.where(own < states - 1, states - 1 - raw % np.maximum(states - 1 - own, 1), states - 1)


def _discount(draw: Draw, discount: Discount) -> float:
    if discount is None:
        return choice(draw, _DISCOUNTS)
    return float(draw(discount)) if isinstance(discount, st.SearchStrategy) else float(discount)


def _start(draw: Draw, terminal: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    form = choice(draw, ("first", "uniform", "weights"))
    if form == "uniform":
        return None
    weights = np.zeros(len(terminal), dtype=np.int64)
    if form == "weights":
        weights += drawn_bytes(draw, len(terminal)) % 4
    if not weights.any():
        weights[0] = 1
    return np.asarray(weights / weights.sum())


def _legal(draw: Draw, states: int, counts: tuple[int, ...]) -> list[NDArray[np.bool_]] | None:
    if not draw(st.booleans()):
        return None
    legal = []
    for count in counts:
        own = drawn_bytes(draw, states * count).reshape(states, count) < _ILLEGAL_ABOVE
        own[~own.any(axis=1), 0] = True
        legal.append(own)
    return legal
