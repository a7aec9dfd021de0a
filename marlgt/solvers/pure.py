"""Pure Nash equilibria, all of them, by comparing payoffs along every axis of the tensor.

A pure profile a is an equilibrium exactly when ``u_i(a) = max_b u_i(b, a_-i)`` for every player i:
n maxima over the tensor and n comparisons, exact wherever the payoffs are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.games._comparable import comparable_payoffs
from marlgt.games._doors import require_game
from marlgt.games._exact import exact_unit
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import stopwatch

__all__ = ["certified_pure", "pure_equilibria", "pure_profiles"]

_ROUNDING = 1e-13
"""How far below the best reply a float payoff may lie, as a share of the range, and still tie with it."""


def pure_equilibria(game: NormalFormGame) -> Equilibria:
    """Return every pure Nash equilibrium, in the order of the action profiles; possibly none.

    The concept of the sequence is ``"pure_nash"``: ``complete`` means that these are all the *pure* ones,
    and there may be mixed equilibria besides. The sequence is filled while it is read, so that the first
    answer of a huge game costs no more than one.

    Parameters
    ----------
    game : NormalFormGame
        In an exact game the comparisons are exact and each answer is proven; in a game of floats
        payoffs within 1e-13 of the payoff range count as tied.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    >>> for e in gt.solvers.pure_equilibria(g):
    ...     print(e.supports, e.values, e.exact)
    ((0,), (0,)) [2. 1.] True
    ((1,), (1,)) [1. 2.] True
    """
    require_game(game)
    elapsed = stopwatch()
    found = pure_profiles(game)
    work = {"profiles": game.n_profiles}

    def stream() -> Iterator[Equilibrium]:
        for indices in found:
            profile = tuple(int(a) for a in indices)
            yield certified_pure(game, profile, method="pure_equilibria", work=work, seconds=elapsed())

    return Equilibria(concept="pure_nash", method="pure_equilibria", stream=stream())


def pure_profiles(game: NormalFormGame) -> NDArray[np.intp]:
    """Return the pure equilibria as rows of actions, shape (count, n)."""
    payoffs = comparable_payoffs(game)
    stable = np.ones(payoffs.shape[1:], dtype=np.bool_)
    for i in range(game.n_players):
        best = payoffs[i].max(axis=i, keepdims=True)
        if not game.is_exact:
            best = best - _ROUNDING * game.payoff_range[i]
        stable &= np.asarray(payoffs[i] >= best, dtype=np.bool_)
    return np.argwhere(stable)


def _line(payoffs: NDArray[Any], profile: Any, player: int) -> NDArray[Any]:
    """Return what each action of one player earns while the others keep to a pure profile."""
    index: list[Any] = [player, *(int(a) for a in profile)]
    index[player + 1] = slice(None)
    return np.asarray(payoffs[tuple(index)])


def _regret(payoffs: NDArray[Any], profile: Any, player: int) -> Any:
    line = _line(payoffs, profile, player).tolist()
    return max(line) - line[int(profile[player])]


def certified_pure(
    game: NormalFormGame, profile: tuple[int, ...], *, method: str, work: Mapping[str, int], seconds: float
) -> Equilibrium:
    """Return a pure profile with its certificate, from its own lines of the tensor without the rest of it."""
    payoffs = comparable_payoffs(game)
    regrets = [_regret(payoffs, profile, i) for i in range(game.n_players)]
    exact = tuple(exact_unit(count, a) for a, count in zip(profile, game.n_actions)) if game.is_exact else None
    mixed = []
    for a, count in zip(profile, game.n_actions):
        x = np.zeros(count)
        x[a] = 1.0
        x.flags.writeable = False
        mixed.append(x)
    return Equilibrium(
        concept="nash",
        profile=tuple(mixed),
        joint=None,
        values=game.payoffs.reshape(game.n_players, -1)[:, np.ravel_multi_index(profile, game.n_actions)],
        regrets=np.array([float(r) for r in regrets]),
        exact=game.is_exact,
        method=method,
        exact_profile=exact,
        work=work,
        seconds=seconds,
    )
