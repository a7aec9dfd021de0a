"""Hypothesis strategies for games of every kind that breaks solvers.

:func:`normal_form_games` draws a game of any kind; each kind also has a function of its own. A counterexample
shrinks toward one action per player and payoffs of zero.

>>> from hypothesis import given, settings
>>> from marlgt.testing import normal_form_games
>>> @settings(max_examples=20, database=None)
... @given(normal_form_games(n_players=2, n_actions=range(1, 4)))
... def test_a_game_is_its_own_double_transpose(game):
...     assert game.permute_players([1, 0]).permute_players([1, 0]) == game
>>> test_a_game_is_its_own_double_transpose()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame
from marlgt.testing._draws import Actions, Count, Draw, Games, composed, frames
from marlgt.testing.answers import joint_distributions, profiles
from marlgt.testing.numeric import (
    degenerate_games,
    duplicate_games,
    extreme_scale_games,
    fraction_games,
    generic_games,
    large_integer_games,
    near_tie_games,
    win_lose_games,
)
from marlgt.testing.structured import (
    can_be_square,
    common_interest_games,
    constant_sum_games,
    coordination_games,
    dominated_games,
    potential_games,
    symmetric_games,
    zero_sum_games,
)

__all__ = [
    "KINDS",
    "any_game",
    "as_code",
    "bimatrix_games",
    "common_interest_games",
    "constant_sum_games",
    "coordination_games",
    "degenerate_games",
    "dominated_games",
    "duplicate_games",
    "extreme_scale_games",
    "fraction_games",
    "generic_games",
    "joint_distributions",
    "large_integer_games",
    "near_tie_games",
    "normal_form_games",
    "potential_games",
    "profiles",
    "symmetric_games",
    "win_lose_games",
    "zero_sum_games",
]


def normal_form_games(
    *, n_players: Count = 2, n_actions: Actions = None, payoffs: st.SearchStrategy[Any] | None = None
) -> Games:
    """Draw games of every kind, or games whose payoffs come from a strategy of yours.

    Parameters
    ----------
    n_players : int, range or strategy for int
    n_actions : int, range, strategy for int, or sequence of n of these, optional
        One count for every player, a range or strategy from which each player's count is drawn, or one of
        these for each player. Without it up to 4 actions for two players, 3 for three and 2 for more.
    payoffs : strategy for numbers, optional
        Draw each payoff from it, and take no kind into account.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from hypothesis import find, strategies as st
    >>> find(normal_form_games(), lambda game: True).n_actions
    (1, 1)
    >>> thirds = st.builds(Fraction, st.integers(-3, 3), st.just(3))
    >>> find(normal_form_games(n_actions=2, payoffs=thirds), lambda game: True).is_exact
    True
    """
    if payoffs is not None:
        return _from_elements(n_players, n_actions, payoffs)
    kinds = [kind for kind in KINDS.values() if can_be_square(n_actions) or kind not in _SQUARE]
    return st.one_of([kind(n_players=n_players, n_actions=n_actions) for kind in kinds])


def any_game() -> Games:
    """Draw games of every kind with one to three players: what ``st.from_type(NormalFormGame)`` gives."""
    return normal_form_games(n_players=range(1, 4))


def bimatrix_games(
    *, rows: Count = range(1, 5), columns: Count = range(1, 5), payoffs: st.SearchStrategy[Any] | None = None
) -> Games:
    """Draw two-player games with the given numbers of rows and columns.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(bimatrix_games(rows=2, columns=3), lambda game: True).payoffs.shape
    (2, 2, 3)
    """

    return normal_form_games(n_actions=(rows, columns), payoffs=payoffs)


KINDS: Mapping[str, Callable[..., Games]] = {
    "degenerate": degenerate_games,
    "generic": generic_games,
    "duplicate": duplicate_games,
    "near_tie": near_tie_games,
    "zero_sum": zero_sum_games,
    "constant_sum": constant_sum_games,
    "symmetric": symmetric_games,
    "coordination": coordination_games,
    "common_interest": common_interest_games,
    "potential": potential_games,
    "dominated": dominated_games,
    "extreme_scale": extreme_scale_games,
    "win_lose": win_lose_games,
    "fraction": fraction_games,
    "large_integer": large_integer_games,
}
"""The strategy of every kind, by name."""

_SQUARE = (symmetric_games, coordination_games)


def _from_elements(n_players: Count, n_actions: Actions, payoffs: st.SearchStrategy[Any]) -> Games:
    def build(draw: Draw) -> NormalFormGame:
        shape = frames(draw, n_players, n_actions).shape
        size = len(shape) * prod(shape)
        array = np.empty(size, dtype=object)
        array[:] = draw(st.lists(payoffs, min_size=size, max_size=size))
        return NormalFormGame(array.reshape(len(shape), *shape))

    return composed(build)


def as_code(game: NormalFormGame | ExtensiveGame | StochasticGame) -> str:
    """Return Python that makes the game, to paste into a test.

    Examples
    --------
    >>> print(as_code(NormalFormGame.bimatrix([[0, 1]], [[0.5, 0]])))
    from marlgt.games import NormalFormGame
    game = NormalFormGame.bimatrix([[0.0, 1.0]], [[0.5, 0.0]])
    """
    if not isinstance(game, NormalFormGame):
        from marlgt.testing.code import policy_game_as_code

        return policy_game_as_code(game)
    exact = game._exact
    payoffs = (game.payoffs if exact is None else exact).tolist()
    if game.n_players == 2:
        call = f"game = NormalFormGame.bimatrix({payoffs[0]!r}, {payoffs[1]!r})"
    else:
        call = f"game = NormalFormGame({payoffs!r})"
    first = "from fractions import Fraction\n" if "Fraction(" in call else ""
    return f"{first}from marlgt.games import NormalFormGame\n{call}"
