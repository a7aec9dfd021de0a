"""Vertex enumeration: every extreme equilibrium of a two-player game, degenerate or not.

An extreme equilibrium is a pair of vertices of the two best-response polytopes that have all labels
between them (:mod:`marlgt.solvers._polytopes`). Every equilibrium is a convex combination of extreme
ones (Mangasarian 1964; Winkels 1979), so the finite list describes all equilibria, also where they
form a continuum: :func:`~marlgt.solvers.components.nash_subsets` gives the pieces. Both polytopes are
walked vertex by vertex, and pairs with complementary labels are joined through a sorted list.

References
----------
Mangasarian, O. L. (1964). Equilibrium points of bimatrix games. J. SIAM 12, 778-780.
Winkels, H.-M. (1979). An algorithm to determine all equilibrium points of a bimatrix game. In: Game
Theory and Related Topics, North-Holland, 137-148.
Avis, D., Rosenberg, G. D., Savani, R. and von Stengel, B. (2010). Enumeration of Nash equilibria for
two-player games. Economic Theory 42, 9-37.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import le
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE, certified_pairs
from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import BudgetExceeded, UnsupportedGame
from marlgt.games._doors import require_budget, require_game
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import stopwatch
from marlgt.solvers._array_walk import MOST_LABELS
from marlgt.solvers._polytope_pair import PolytopePair, vertex_bound
from marlgt.solvers.components import linked_components

__all__ = ["DEFAULT_BUDGET", "vertex_enumeration"]

DEFAULT_BUDGET = 5e6
"""Most vertices, by McMullen's bound, that are enumerated unless more are asked for."""

DOUBTFUL = 1e-12
"""Largest regret, as a share of the payoff range, that rounding leaves where a game of floats is well conditioned."""

VERTICES_IN_PYTHON = 300
COMPARISONS_PER_CHUNK = 1_000_000


def vertex_enumeration(game: NormalFormGame, *, budget: float | None = DEFAULT_BUDGET) -> Equilibria:
    """Return all extreme Nash equilibria of a two-player game, each once, with their components.

    Exact games get exact answers, with a proof in rational arithmetic that no regret is above zero.
    In a game of floats with ties, or nearly so, floats within rounding of short fractions count as
    these, others as they are; in games beyond about 9x9, payoffs within 1e-10 of the player's range
    then count as equal.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    budget : float, optional
        The most vertices of both best-response polytopes together, as bounded beforehand (McMullen
        1970; random games have a quarter of it). None starts in any case; Ctrl-C then gives the
        equilibria among the vertices found, marked incomplete.

    Returns
    -------
    Equilibria
        In lexicographic order; ``components`` holds the indices of the extreme equilibria in each
        connected component of the set of all equilibria.

    Raises
    ------
    UnsupportedGame
        If the game does not have two players.
    BudgetExceeded
        If the bound on the number of vertices is above the budget.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[3, 3], [2, 5], [0, 6]], [[3, 3], [2, 6], [3, 1]])
    >>> for e in vertex_enumeration(g):
    ...     print(e)
    nash (0, 1/3, 2/3) (1/3, 2/3)  values (4, 2.66667)  epsilon 0 (exact)  [vertex_enumeration]
    nash (1, 0, 0) (2/3, 1/3)  values (3, 3)  epsilon 0 (exact)  [vertex_enumeration]
    nash (1, 0, 0) (1, 0)  values (3, 3)  epsilon 0 (exact)  [vertex_enumeration]
    >>> vertex_enumeration(g).components
    ((0,), (1, 2))
    """
    require_game(game)
    elapsed = stopwatch()
    check_budget(game, budget, "vertex_enumeration")
    pair = PolytopePair(game)
    pair.visit()
    links, found = _answers(game, pair, elapsed)
    if not game.is_exact and not pair.stopped and _is_doubtful(found, pair):
        closer = PolytopePair(game)
        closer.visit(exactly=True)
        if closer.complete:
            pair = closer
            links, found = _answers(game, pair, elapsed)
    order = list(range(len(found)))
    if not game.is_exact:
        limits = [TOLERANCE * spread for spread in pair.spreads]
        order = [k for k in order if all(map(le, found[k].regrets.tolist(), limits))]
    complete = pair.complete and len(order) == len(found)
    if len(order) > 1:
        order.sort(key=[_coordinates(e) for e in found].__getitem__)
    return Equilibria(
        [found[k] for k in order],
        concept="nash",
        method="vertex_enumeration",
        complete=complete,
        stopped=pair.stopped,
        components=linked_components([links[k] for k in order]),
    )


def _answers(
    game: NormalFormGame, pair: PolytopePair, elapsed: Callable[[], float]
) -> tuple[list[tuple[int, int]], list[Equilibrium]]:
    """Return the index pairs of complementary vertices, and their certified profiles."""
    links = _complementary(pair)
    rows, columns = list({i: None for i, _ in links}), list({j: None for _, j in links})
    solve: Any = pair.weights if game.is_exact else pair.strategies
    x = dict(zip(rows, solve(0, [int(pair.masks[0][i]) for i in rows])))
    y = dict(zip(columns, solve(1, [int(pair.masks[1][j]) for j in columns])))
    found = certified_pairs(
        game,
        [(x[i], y[j]) for i, j in links],
        method="vertex_enumeration",
        work={"vertices": len(pair.masks[0]) + len(pair.masks[1]), "bases": pair.bases},
        seconds=elapsed(),
        complete=pair.complete,
    )
    return links, found


def _is_doubtful(found: Sequence[Equilibrium], pair: PolytopePair) -> bool:
    """Tell whether rounding has spoilt a walk: a large regret, or an even number where there are no ties."""
    shares = [r / spread for e in found for r, spread in zip(e.regrets.tolist(), pair.spreads)]
    if max(shares, default=1.0) > DOUBTFUL:
        return True
    return len(found) % 2 == 0 and not any(map(_has_spare_labels, pair.masks, pair.n_actions))


def _coordinates(equilibrium: Equilibrium) -> list[int]:
    """Return the probabilities without the last digits, in which equal ones may differ."""
    return [int(x * 1e12 + 0.5) for p in equilibrium.profile or () for x in p.tolist()]


def check_budget(game: NormalFormGame, budget: float | None, what: str) -> None:
    """Raise unless the game has two players and few enough vertices."""
    if game.n_players != 2:
        raise UnsupportedGame(
            f"{what} needs a two-player game, got {game.n_players} players: use marlgt.solve, which picks a method"
        )
    require_budget(budget, "vertices")
    if budget is None:
        return
    bound = vertex_bound(game)
    if bound > budget:
        m, n = game.n_actions
        raise BudgetExceeded(
            f"{what} on {m}×{n} may visit {bound:.1e} vertices, above the budget of {budget:.1e}; use lemke_howson "
            "or lemke_howson_race for one equilibrium, minimax if the game is zero-sum, or pass budget=None to search "
            "until Ctrl-C",
            estimate=float(bound),
            limit=float(budget),
        )


def _complementary(pair: PolytopePair) -> list[tuple[int, int]]:
    """Return the index pairs of vertices that have all labels between them."""
    first, second = pair.masks
    m, n = pair.n_actions
    everything = pair.everything
    if m + n > MOST_LABELS or len(first) + len(second) <= VERTICES_IN_PYTHON:
        some, others = (x.tolist() if isinstance(x, np.ndarray) else x for x in (first, second))
        places = {mask: j for j, mask in enumerate(others)}
        if not (_has_spare_labels(first, m) or _has_spare_labels(second, n)):
            return [(i, places[everything ^ a]) for i, a in enumerate(some) if everything ^ a in places]
        return [(i, j) for i, a in enumerate(some) for b, j in places.items() if a | b == everything]
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    # Vertices with no label to spare have at most one partner of the same kind, of exactly the other labels.
    simple_a, simple_b = np.bitwise_count(a) == m, np.bitwise_count(b) == n
    plain_a, plain_b = np.flatnonzero(simple_a), np.flatnonzero(simple_b)
    pairs = []
    if plain_b.size:
        others = b[plain_b]
        order = np.argsort(others) if isinstance(second, list) else np.arange(others.size)
        missing = everything & ~a[plain_a]
        place = np.minimum(np.searchsorted(others, missing, sorter=order), others.size - 1)
        hit = others[order[place]] == missing
        pairs = list(zip(plain_a[hit].tolist(), plain_b[order[place[hit]]].tolist()))
    pairs += _compared(a, b, np.flatnonzero(~simple_a), np.arange(b.size), everything)
    pairs += _compared(a, b, plain_a, np.flatnonzero(~simple_b), everything)
    return pairs


def _has_spare_labels(masks: Sequence[int] | NDArray[np.int64], dimension: int) -> bool:
    if isinstance(masks, np.ndarray):
        return bool(masks.size and np.bitwise_count(masks).max() > dimension)
    return max(map(int.bit_count, masks), default=0) > dimension


def _compared(
    a: NDArray[np.int64], b: NDArray[np.int64], chosen_a: NDArray[np.intp], chosen_b: NDArray[np.intp], everything: int
) -> Sequence[tuple[int, int]]:
    """Return the complementary pairs among the chosen vertices, by comparing all."""
    pairs: list[tuple[int, int]] = []
    if not chosen_b.size:
        return pairs
    size = max(1, COMPARISONS_PER_CHUNK // chosen_b.size)
    others = b[chosen_b]
    for start in range(0, chosen_a.size, size):
        some = chosen_a[start : start + size]
        i, j = np.nonzero((a[some][:, None] | others[None, :]) == everything)
        pairs += zip(some[i].tolist(), chosen_b[j].tolist())
    return pairs
