"""Strategies for answers to a game: mixed profiles and joint distributions, exact and in floats."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from marlgt.games.normal_form import NormalFormGame
from marlgt.testing._draws import Draw, choice

__all__ = ["joint_distributions", "profiles"]


def profiles(game: NormalFormGame, *, exact: bool | None = None) -> st.SearchStrategy[tuple[NDArray[Any], ...]]:
    """Draw one distribution per player: pure, mixed, or mixed on some of the actions.

    Parameters
    ----------
    game : NormalFormGame
    exact : bool, optional
        Object arrays of Fraction if true, float64 if false; without it fractions in half of the draws if the
        game is exact, floats otherwise.

    Examples
    --------
    >>> from hypothesis import find
    >>> from marlgt.games import NormalFormGame
    >>> game = NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    >>> find(profiles(game, exact=False), lambda p: p[0][1] == 1)
    (array([0., 1.]), array([1., 0.]))
    """

    @st.composite
    def build(draw: Draw) -> tuple[NDArray[Any], ...]:
        fractions = _exactly(draw, game, exact)
        return tuple(_distribution(draw, count, fractions) for count in game.n_actions)

    return build()


def joint_distributions(game: NormalFormGame, *, exact: bool | None = None) -> st.SearchStrategy[NDArray[Any]]:
    """Draw distributions over action profiles, shape (A_1, ..., A_n): points, products, and correlated ones.

    Parameters
    ----------
    game : NormalFormGame
    exact : bool, optional
        As for :func:`profiles`.

    Examples
    --------
    >>> from hypothesis import find
    >>> from marlgt.games import NormalFormGame
    >>> game = NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    >>> find(joint_distributions(game, exact=False), lambda q: q[0, 1] == q[1, 0] == 0 < q[1, 1] < 1)
    array([[0.5, 0. ],
           [0. , 0.5]])
    """

    @st.composite
    def build(draw: Draw) -> NDArray[Any]:
        fractions = _exactly(draw, game, exact)
        if draw(st.booleans()):
            joint = np.ones((), dtype=object if fractions else np.float64)
            for count in game.n_actions:
                joint = np.multiply.outer(joint, _distribution(draw, count, fractions))
            return np.asarray(joint)
        return _distribution(draw, game.n_profiles, fractions).reshape(game.n_actions)

    return build()


def _exactly(draw: Draw, game: NormalFormGame, exact: bool | None) -> bool:
    if exact is None:
        return game.is_exact and bool(draw(st.booleans()))
    return exact


def _distribution(draw: Draw, count: int, fractions: bool) -> NDArray[Any]:
    """Draw weights in one go, most of them zero for a face and one of them for a pure action."""
    form = choice(draw, ("pure", "face", "mixed"))
    if form == "pure":
        weights = np.zeros(count, dtype=np.int64)
        weights[draw(st.integers(0, count - 1))] = 1
    else:
        raw = np.frombuffer(draw(st.binary(min_size=count, max_size=count)), dtype=np.uint8).astype(np.int64)
        weights = np.where(raw % 2 == 1, 0, raw // 2 % 16) if form == "face" else raw % 16 + 1
        if not weights.any():
            weights[0] = 1
    if not fractions:
        return np.asarray(weights / weights.sum())
    total = int(weights.sum())
    result = np.empty(count, dtype=object)
    result[:] = [Fraction(int(w), total) for w in weights]
    return result
