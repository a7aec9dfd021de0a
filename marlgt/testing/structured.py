"""Strategies for games of a structure: zero-sum, symmetric, coordination, potential, dominance."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games.normal_form import NormalFormGame
from marlgt.testing._draws import (
    Actions,
    Count,
    Draw,
    Frame,
    Games,
    composed,
    frames,
    integers,
    two_actions,
    values,
)

__all__ = [
    "can_be_square",
    "common_interest_games",
    "constant_sum_games",
    "coordination_games",
    "dominated_games",
    "potential_games",
    "symmetric_games",
    "zero_sum_games",
]


def zero_sum_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw games whose payoffs sum to exactly zero in every cell."""

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        return NormalFormGame(_rest_to_the_last(values(draw, len(frame.kept) - 1, frame), 0))

    return composed(build)


def constant_sum_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw games of integers whose payoffs sum to the same number in every cell."""

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        given = integers(draw, len(frame.kept) - 1, frame, magnitude=5)
        return NormalFormGame(_rest_to_the_last(given, draw(st.integers(-10, 10))))

    return composed(build)


def symmetric_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw games in which every player is in the same position: who plays what decides, not who is who.

    ``n_actions`` must give every player the same count; a range or strategy is drawn from once.
    """

    def build(draw: Draw) -> NormalFormGame:
        frame = _square(draw, n_players, n_actions)
        first = values(draw, 1, frame)[0]
        shape = frame.shape
        payoffs = np.empty((len(shape), *shape), dtype=first.dtype)
        for cell in itertools.product(range(shape[0]), repeat=len(shape)):
            for i, own in enumerate(cell):
                others = sorted(cell[:i] + cell[i + 1 :])
                payoffs[i][cell] = first[own][tuple(others)]
        return NormalFormGame(payoffs)

    return composed(build)


def coordination_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw games in which it is a strict equilibrium that all choose the same action, whichever it is.

    ``n_actions`` must give every player the same count; a range or strategy is drawn from once.
    """

    def build(draw: Draw) -> NormalFormGame:
        frame = _square(draw, n_players, n_actions)
        payoffs = -np.abs(integers(draw, len(frame.kept), frame, magnitude=3))
        single = Frame(frame.kept[:1], frame.largest[:1])
        rewards = 1 + np.abs(integers(draw, len(frame.kept), single, magnitude=3))
        for a in range(frame.shape[0]):
            diagonal: tuple[slice | int, ...] = (slice(None), *(a,) * len(frame.kept))
            payoffs[diagonal] = rewards[:, a]
        return NormalFormGame(payoffs)

    return composed(build)


def common_interest_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw games in which all players get the same."""

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        return NormalFormGame.common_interest(values(draw, 1, frame)[0])

    return composed(build)


def potential_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw exact potential games of integers: one potential, plus what the others' actions alone decide.

    References
    ----------
    Monderer and Shapley (1996), Potential games.
    """

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        potential = integers(draw, 1, frame, magnitude=4)
        dummies = integers(draw, len(frame.kept), frame, magnitude=4)
        return NormalFormGame(np.stack([potential[0] + d.take([0], axis=i) for i, d in enumerate(dummies)]))

    return composed(build)


def dominated_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw games in which a player with more than one action has one that another dominates, strictly or weakly."""

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        payoffs = integers(draw, len(frame.kept), frame, magnitude=4)
        losses = np.abs(integers(draw, 1, frame)[0])
        player, better, worse = two_actions(draw, frame.shape)
        if better != worse:
            strict = draw(st.booleans())
            own = np.moveaxis(payoffs[player], player, 0)
            own[worse] = own[better] - np.moveaxis(losses, player, 0)[worse] - int(strict)
            if not strict and (own[worse] == own[better]).all():
                own[worse].flat[0] -= 1
        return NormalFormGame(payoffs)

    return composed(build)


def _square(draw: Draw, n_players: Count, n_actions: Actions) -> Frame:
    """Draw actions for the first player and give them to all."""
    if not can_be_square(n_actions):
        raise GameError(f"n_actions is {n_actions!r}: this kind of game needs the same count for every player")
    return frames(draw, n_players, n_actions).square()


def can_be_square(n_actions: Actions) -> bool:
    """Return whether the same count can be drawn for every player."""
    if isinstance(n_actions, Sequence) and not isinstance(n_actions, range):
        return all(count == n_actions[0] for count in n_actions)
    return True


def _rest_to_the_last(given: NDArray[Any], total: int) -> NDArray[Any]:
    """Return the payoffs of all players but the last, and for the last what is left of the total."""
    # Sums of integers and of multiples of 2**-24 this small are exact in float64.
    return np.concatenate([given, total - given.sum(axis=0, keepdims=True)])
