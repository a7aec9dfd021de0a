"""Conformance suites for solvers of games with turns or states, each with one line.

>>> from marlgt.testing import check_extensive_solver
>>> def first_actions(game):
...     profile = [0 * policy for policy in game.uniform_profile()]
...     for policy in profile:
...         policy[:, :1] = 1
...     return profile
>>> report = check_extensive_solver(first_actions, max_examples=20, time_limit=None)
>>> report.passed, report.failures[0].name, report.failures[0].counterexample.n_nodes
(False, 'returns equilibria', 3)

As in :mod:`marlgt.testing.conformance`, the solver runs in a process of its own, Hypothesis draws the games with a
fixed seed, and every failure comes with a small game as code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from marlgt.errors import BudgetExceeded, GameError, UnsupportedGame
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame
from marlgt.testing._draws import Actions, Count
from marlgt.testing.conformance import Conformance, check_properties
from marlgt.testing.policy_images import with_fewer_nodes
from marlgt.testing.policy_properties import OF_EXTENSIVE_SOLVERS, OF_STOCHASTIC_SOLVERS
from marlgt.testing.stochastic import (
    common_interest_stochastic_games,
    ending_stochastic_games,
    stochastic_games,
    zero_sum_stochastic_games,
)
from marlgt.testing.trees import extensive_games

__all__ = ["check_extensive_solver", "check_stochastic_solver"]

_STOCHASTIC_KINDS = (
    stochastic_games,
    zero_sum_stochastic_games,
    common_interest_stochastic_games,
    ending_stochastic_games,
)


def check_extensive_solver(
    solver: Callable[[ExtensiveGame], Any],
    *,
    kinds: Sequence[Callable[..., Any]] | None = None,
    n_players: Count = 2,
    max_actions: int = 3,
    max_depth: int = 4,
    exact: bool | None = None,
    only: Callable[[ExtensiveGame], bool] | None = None,
    max_examples: int = 100,
    time_limit: float | None = 5.0,
    tolerance: float = 1e-7,
    refusals: tuple[type[Exception], ...] = (UnsupportedGame, BudgetExceeded),
    seed: int = 0,
) -> Conformance:
    """Check a solver of Nash equilibria of extensive games with perfect recall, and shrink every failure.

    Parameters
    ----------
    solver : callable of an ExtensiveGame
        Returns a behaviour profile, an Equilibrium, or an iterable of these.
    kinds : sequence of functions such as ``zero_sum_extensive_games``, optional
        Draw only games of these kinds.
    n_players, max_actions, max_depth, exact
        As for :func:`~marlgt.testing.extensive_games`.
    only : callable of an ExtensiveGame, optional
        Draw only games that it accepts.
    max_examples, time_limit, refusals, seed
        As for :func:`~marlgt.testing.check_solver`.
    tolerance : float
        Largest regret, as a share of the payoff range; for an iterative method, what it promises.

    Raises
    ------
    GameError
        If the solver or ``only`` is not callable, the kinds are not strategies of games, or a size is not positive.
    """
    return check_properties(
        solver,
        extensive_games(n_players=n_players, max_actions=max_actions, max_depth=max_depth, exact=exact, kinds=kinds),
        OF_EXTENSIVE_SOLVERS,
        takes="an ExtensiveGame that returns behaviour policies",
        only=only,
        simplify=with_fewer_nodes,
        first_game=ExtensiveGame.from_normal_form(_EASY),
        max_examples=max_examples,
        time_limit=time_limit,
        tolerance=tolerance,
        refusals=refusals,
        seed=seed,
    )


def check_stochastic_solver(
    solver: Callable[[StochasticGame], Any],
    *,
    kinds: Sequence[Callable[..., Any]] | None = None,
    n_states: Count = range(2, 5),
    n_actions: Actions = range(1, 4),
    only: Callable[[StochasticGame], bool] | None = None,
    max_examples: int = 100,
    time_limit: float | None = 5.0,
    tolerance: float = 1e-7,
    refusals: tuple[type[Exception], ...] = (UnsupportedGame, BudgetExceeded),
    seed: int = 0,
) -> Conformance:
    """Check a solver of stationary equilibria of two-player stochastic games, and shrink every failure.

    Parameters
    ----------
    solver : callable of a StochasticGame
        Returns a stationary profile, an Equilibrium, or an iterable of these.
    kinds : sequence of functions such as ``zero_sum_stochastic_games``, optional
        Draw only games of these kinds.
    n_states, n_actions
        As for :func:`~marlgt.testing.stochastic_games`; games that surely end have at least two states.
    only : callable of a StochasticGame, optional
        Draw only games that it accepts.
    max_examples, time_limit, refusals, seed
        As for :func:`~marlgt.testing.check_solver`.
    tolerance : float
        Largest regret in a state that can be reached, as a share of what is at stake there.

    Raises
    ------
    GameError
        If the solver or ``only`` is not callable, or the kinds are not strategies of games.
    """
    chosen = list(_STOCHASTIC_KINDS) if kinds is None else list(kinds)
    if not chosen or not all(callable(kind) for kind in chosen):
        raise GameError(f"kinds is {kinds!r}: list functions such as marlgt.testing.zero_sum_stochastic_games")
    return check_properties(
        solver,
        st.one_of([kind(n_states=n_states, n_actions=n_actions) for kind in chosen]),
        OF_STOCHASTIC_SOLVERS,
        takes="a StochasticGame that returns stationary policies",
        only=only,
        first_game=StochasticGame.repeated(_EASY, discount=0.5),
        max_examples=max_examples,
        time_limit=time_limit,
        tolerance=tolerance,
        refusals=refusals,
        seed=seed,
    )


_EASY = NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
