"""Strategies for games whose numbers break solvers: ties, near-ties, duplicates, extreme scales, fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from marlgt.games.normal_form import NormalFormGame
from marlgt.testing._draws import (
    Actions,
    Count,
    Draw,
    Games,
    choice,
    composed,
    fixed_point,
    frames,
    integers,
    two_actions,
    values,
)

__all__ = [
    "degenerate_games",
    "duplicate_games",
    "extreme_scale_games",
    "fraction_games",
    "generic_games",
    "large_integer_games",
    "near_tie_games",
    "win_lose_games",
]

_POWERS = (0, -9, 12, -6, 6, -3, 3, 9, -1, 1)


def generic_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw games whose payoffs are fine-grained floats, so that ties are rare.

    A shrunk game may have ties, for it shrinks to integers wherever they show the failure too.
    """

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        return NormalFormGame(fixed_point(draw, len(frame.kept), frame))

    return composed(build)


def degenerate_games(*, n_players: Count = 2, n_actions: Actions = None, magnitude: int = 2) -> Games:
    """Draw exact games of small integers, where ties and continua of equilibria are common.

    Parameters
    ----------
    magnitude : int
        Payoffs run from ``-magnitude`` to ``magnitude``.
    """

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        return NormalFormGame(integers(draw, len(frame.kept), frame, magnitude=magnitude))

    return composed(build)


def near_tie_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw games of small integers moved by a few times 1e-4, 1e-7, 1e-10 or 1e-13."""

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        step = choice(draw, (1e-4, 1e-7, 1e-10, 1e-13))
        base = integers(draw, len(frame.kept), frame)
        return NormalFormGame(base + step * integers(draw, len(frame.kept), frame, magnitude=3))

    return composed(build)


def duplicate_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw games in which a player with more than one action has two that pay everybody the same."""

    def build(draw: Draw) -> NormalFormGame:
        payoffs = _base(draw, n_players, n_actions).copy()
        player, source, target = two_actions(draw, payoffs.shape[1:])
        if source != target:
            _along(payoffs, player)[:, target] = _along(payoffs, player)[:, source]
        return NormalFormGame(payoffs)

    return composed(build)


def extreme_scale_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw games whose payoffs stand in units from 1e-9 to 1e12, per player or mixed, some with a large offset."""

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        base = integers(draw, len(frame.kept), frame, magnitude=9).astype(np.float64)
        column = (len(frame.kept),) + (1,) * len(frame.kept)
        if draw(st.booleans()):
            units = [choice(draw, _POWERS) for _ in frame.kept]
            offsets = np.array([10.0 ** choice(draw, range(7)) for _ in frame.kept])
            return NormalFormGame((base + offsets.reshape(column)) * 10.0 ** np.reshape(units, column))
        codes = np.abs(integers(draw, len(frame.kept), frame, magnitude=len(_POWERS) - 1))
        return NormalFormGame(base * 10.0 ** np.take(_POWERS, codes))

    return composed(build)


def large_integer_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw exact games of integers up to 2**62, whose products and differences overflow machine words."""

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        unit = 2 ** choice(draw, (31, 53, 61))
        base = integers(draw, len(frame.kept), frame)
        return NormalFormGame(base * unit + integers(draw, len(frame.kept), frame, magnitude=3))

    return composed(build)


def win_lose_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw games in which every payoff is 0 or 1."""

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        return NormalFormGame(np.abs(integers(draw, len(frame.kept), frame, magnitude=1)))

    return composed(build)


def fraction_games(*, n_players: Count = 2, n_actions: Actions = None) -> Games:
    """Draw exact games of fractions with denominators up to 12."""

    def build(draw: Draw) -> NormalFormGame:
        frame = frames(draw, n_players, n_actions)
        numerators = integers(draw, len(frame.kept), frame, magnitude=24)
        denominators = 1 + np.abs(integers(draw, len(frame.kept), frame, magnitude=11))
        payoffs = np.empty(numerators.shape, dtype=object)
        payoffs.reshape(-1)[:] = [
            Fraction(p, q) for p, q in zip(numerators.reshape(-1).tolist(), denominators.reshape(-1).tolist())
        ]
        return NormalFormGame(payoffs)

    return composed(build)


def _base(draw: Draw, n_players: Count, n_actions: Actions) -> NDArray[Any]:
    frame = frames(draw, n_players, n_actions)
    return values(draw, len(frame.kept), frame)


def _along(payoffs: NDArray[Any], player: int) -> NDArray[Any]:
    """Return a view with the player's actions on axis 1."""
    return np.moveaxis(payoffs, player + 1, 1)
