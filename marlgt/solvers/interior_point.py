"""A dense primal-dual interior-point method for large matrix games.

For a matrix A with entries in [0, 1] the two players' programs are

    max v  s.t.  A'x - v = s >= 0, 1'x = 1, x >= 0      and      min w  s.t.  w - A y = t >= 0, 1'y = 1, y >= 0,

with duality gap ``w - v = x't + y's``. The centres of the two simplices are strictly feasible, so every
iterate is, and Mehrotra's predictor-corrector steps only lower the gap. Eliminating all but dx from the
Newton equations leaves, with d = y / s and the weighted mean a = A d / sum(d),

    [diag(t / x) + (A - a 1') diag(d) (A - a 1')'] dx + dw = right side,    1'dx = 0.

Centring by a removes v without cancellation, so adding a constant to all payoffs changes no digit. A
multiple of 11', which 1'dx = 0 allows, keeps the matrix well conditioned near the solution.

References
----------
Mehrotra, S. (1992). On the implementation of a primal-dual interior point method. SIAM Journal on
Optimization 2, 575-601.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE
from marlgt.equilibria import Equilibrium
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import progress, stopwatch
from marlgt.solvers._saddle_points import answer, duality_gap, normalized, refined, row_payoffs

__all__ = ["InteriorSolution", "interior_point", "zero_sum_interior_point"]

Vector = NDArray[np.float64]

_BLOCK = 64
_MAX_ITERATIONS = 100
_REFINE_BELOW = 1e-7
_NEARLY_CONVERGED = 1e-10
_CONVERGED = 1e-14


@dataclass(frozen=True)
class InteriorSolution:
    """What the interior-point method found in one matrix.

    Attributes
    ----------
    x, y : ndarray
        Strategies of the row and the column player.
    rows, columns : tuple of int
        Actions that carry weight in the limit.
    gap : float
        Duality gap as a share of the payoff range.
    iterations : int
    """

    x: Vector
    y: Vector
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    gap: float
    iterations: int


def zero_sum_interior_point(game: NormalFormGame, *, tolerance: float = TOLERANCE) -> Equilibrium:
    """Return a minimax pair of a two-player constant-sum game by an interior-point method.

    It is the fastest way for games with hundreds of actions a side. Where optimal strategies are not unique
    the pair lies inside the set of them, not at a vertex.

    Parameters
    ----------
    game : NormalFormGame
        Two players, constant sum.
    tolerance : float
        Largest regret to accept, as a share of the payoff range.

    Raises
    ------
    UnsupportedGame
        If the game is not two-player constant-sum.
    NotConverged
        If the tolerance was not reached.

    Examples
    --------
    >>> from marlgt.games import NormalFormGame
    >>> e = zero_sum_interior_point(NormalFormGame.zero_sum([[0, -1, 2], [1, 0, -3], [-2, 3, 0]]))
    >>> print(e)
    nash (1/2, 1/3, 1/6) (1/2, 1/3, 1/6)  values (0, 0)  epsilon 0 (exact)  [zero_sum_interior_point]
    """
    require_game(game)
    watch = stopwatch()
    found = interior_point(normalized(row_payoffs(game)))
    return answer(
        game,
        found.x,
        found.y,
        rows=found.rows,
        columns=found.columns,
        method="zero_sum_interior_point",
        work={"iterations": found.iterations},
        watch=watch,
        tolerance=tolerance,
    )


def interior_point(matrix: NDArray[np.float64]) -> InteriorSolution:
    """Solve one matrix game with entries in [0, 1].

    Parameters
    ----------
    matrix : ndarray, shape (m, n)
        Payoffs of the row player.
    """
    m, n = matrix.shape
    if m > n:
        # The linear systems have the size of the row player's side: make it the smaller one.
        turned = interior_point(1.0 - matrix.T)
        return InteriorSolution(turned.y, turned.x, turned.columns, turned.rows, turned.gap, turned.iterations)
    if duality_gap(matrix, *_pure_pair(matrix)) == 0.0:
        x, y = _pure_pair(matrix)
        return InteriorSolution(x, y, (int(x.argmax()),), (int(y.argmax()),), 0.0, 0)
    with progress("interior-point method") as report:
        return _follow_path(np.ascontiguousarray(matrix), report)


def _pure_pair(matrix: NDArray[np.float64]) -> tuple[Vector, Vector]:
    """Return the pure maximin row and minimax column."""
    x, y = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[1])
    x[matrix.min(axis=1).argmax()] = 1.0
    y[matrix.max(axis=0).argmin()] = 1.0
    return x, y


def _follow_path(matrix: NDArray[np.float64], report: Callable[[float, str], None]) -> InteriorSolution:
    m, n = matrix.shape
    x, y = np.full(m, 1.0 / m), np.full(n, 1.0 / n)
    earned, conceded = x @ matrix, matrix @ y
    margin = max(float(np.abs(earned - earned.mean()).mean()), float(np.abs(conceded - conceded.mean()).mean()), 1e-3)
    s, t = earned - earned.min() + margin, conceded.max() - conceded + margin
    scaled = np.empty_like(matrix)
    best_gap, best, carriers = np.inf, (x, y), b""
    iteration = 0
    for iteration in range(1, _MAX_ITERATIONS + 1):
        mu = float(x @ t + y @ s) / (m + n)
        newton = _newton_equations(matrix, scaled, x, y, s, t)
        dx, ds, dy, dt = newton(-y * s, -x * t)
        primal, dual = min(1.0, _room(x, dx), _room(s, ds)), min(1.0, _room(y, dy), _room(t, dt))
        aimed = (x + primal * dx) @ (t + dual * dt) + (y + dual * dy) @ (s + primal * ds)
        centre = mu * min(1.0, float(aimed) / (m + n) / mu) ** 3
        dx, ds, dy, dt = newton(centre - y * s - dy * ds, centre - x * t - dx * dt)
        damping = 0.9995 if mu < 1e-5 else 0.99
        primal = min(1.0, damping * min(_room(x, dx), _room(s, ds)))
        dual = min(1.0, damping * min(_room(y, dy), _room(t, dt)))
        x, s = x + primal * dx, s + primal * ds
        y, t = y + dual * dy, t + dual * dt
        x, y = x / x.sum(), y / y.sum()
        gap = duality_gap(matrix, x, y)
        if not np.isfinite(gap):
            break
        if gap < best_gap:
            best_gap, best = gap, (x, y)
        report(iteration, f"gap {best_gap:.1e}")
        if gap < _REFINE_BELOW:
            weighty = (x > t).tobytes() + (y > s).tobytes()
            chosen = _carriers(x, y, s, t)
            # Least squares, for a subgame that is not square, costs as much as a step: only near the end.
            if weighty == carriers and (chosen[0].size == chosen[1].size or gap < _NEARLY_CONVERGED):
                pair = refined(matrix, x, y, *chosen)
                refined_gap = duality_gap(matrix, *pair)
                if refined_gap < best_gap:
                    best_gap, best = refined_gap, pair
            carriers = weighty
        if best_gap < _CONVERGED or mu < 1e-18 or max(primal, dual) < 1e-8:
            break
    rows, columns = _carriers(x, y, s, t)
    return InteriorSolution(*best, tuple(rows.tolist()), tuple(columns.tolist()), best_gap, iteration)


def _carriers(x: Vector, y: Vector, s: Vector, t: Vector) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the actions whose weight, not whose slack, stays positive in the limit."""
    rows, columns = np.flatnonzero(x > t), np.flatnonzero(y > s)
    return (
        rows if rows.size else np.array([x.argmax()], dtype=np.intp),
        columns if columns.size else np.array([y.argmax()], dtype=np.intp),
    )


def _room(vector: Vector, step: Vector) -> float:
    """Return the largest multiple of the step that keeps the vector nonnegative."""
    shrinking = step < 0.0
    if not shrinking.any():
        return 1.0
    return float((vector[shrinking] / -step[shrinking]).min())


def _newton_equations(
    matrix: NDArray[np.float64], scaled: NDArray[np.float64], x: Vector, y: Vector, s: Vector, t: Vector
) -> Callable[[Vector, Vector], tuple[Vector, Vector, Vector, Vector]]:
    """Factorise the Newton equations at a point; return the solver for two complementarity targets.

    The solver maps targets for ``s dy + y ds`` and ``t dx + x dt`` to (dx, ds, dy, dt).
    """
    m = len(x)
    weights = y / s
    total = weights.sum()
    mean = matrix @ weights / total
    np.subtract(matrix, mean[:, None], out=scaled)
    scaled *= np.sqrt(weights)
    normal = scaled @ scaled.T
    ridge = normal.trace() / m
    normal += ridge
    normal.flat[:: m + 1] += t / x
    solve = _cholesky_solver(normal, ridge)
    of_ones = solve(np.ones(m))

    def newton(target_y: Vector, target_x: Vector) -> tuple[Vector, Vector, Vector, Vector]:
        pull = target_y / s
        along = solve(target_x / x + matrix @ pull - mean * pull.sum())
        dx = along - (along.sum() / of_ones.sum()) * of_ones
        ds = dx @ matrix - (mean @ dx - pull.sum() / total)
        return dx, ds, (target_y - y * ds) / s, (target_x - t * dx) / x

    return newton


def _cholesky_solver(matrix: NDArray[np.float64], scale: float) -> Callable[[Vector], Vector]:
    """Factorise a positive definite matrix, raising its diagonal if rounding made it indefinite.

    numpy has no triangular solver, so the diagonal blocks of the factor are inverted once.
    """
    m = len(matrix)
    raised = 0.0
    while True:
        try:
            factor = np.linalg.cholesky(matrix)
            break
        except np.linalg.LinAlgError:
            raised = max(100.0 * raised, 1e-14 * scale)
            matrix.flat[:: m + 1] += raised
    starts = range(0, m, _BLOCK)
    inverses = [np.linalg.inv(factor[a : a + _BLOCK, a : a + _BLOCK]) for a in starts]

    def solve(right: Vector) -> Vector:
        z = right.copy()
        for a, inverse in zip(starts, inverses):
            b = a + _BLOCK
            z[a:b] = inverse @ (z[a:b] - factor[a:b, :a] @ z[:a])
        for a, inverse in zip(reversed(starts), reversed(inverses)):
            b = a + _BLOCK
            z[a:b] = inverse.T @ (z[a:b] - z[b:] @ factor[b:, a:b])
        return z

    return solve
