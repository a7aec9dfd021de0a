"""From the end of a Lemke-Howson path to an answer: exact, polished, or walked again in fractions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE, certified, certified_point, relative_epsilon
from marlgt.equilibria import Equilibrium
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import gear
from marlgt.solvers._paths import CELLS_PER_CALL, PIVOT_TOLERANCE, RATIO_TOLERANCE, Path
from marlgt.solvers._tableaux import whole_path
from marlgt.solvers.exact import exact_equilibrium

__all__ = ["at_one_stroke", "conclude", "follow", "predicted_cells", "same_profile", "silent"]

ROUNDING = 1e-14
"""Relative regret up to which pivoted floats are as good as polished ones."""

SUSPECT = 1e-12
"""Relative regret after polishing above which the basis itself may be wrong."""

LARGEST_EXACT_SUPPORT = 150
"""Supports beyond this are certified in floats: their determinants have hundreds of digits."""

EXACT_CELLS = 200_000
"""Tableau entries that a path in fractions may touch, a few seconds' work at most."""

MOST_LABELS_AT_ONE_STROKE = 100
"""Actions of both players above which a path takes so long that the cost of its calls does not count."""


def at_one_stroke(
    game: NormalFormGame, label: int, max_pivots: int, method: str, clock: Callable[[], float]
) -> Equilibrium | None:
    """Return the end of a short path of a small game of floats, by two calls of compiled kernels.

    None without the compiled gear, for a long path, and where the pivots left more than rounding.
    """
    payoffs = game.payoffs
    _, m, n = payoffs.shape
    function = gear(whole_path, 0.0)
    if function is whole_path or m + n > MOST_LABELS_AT_ONE_STROKE or game.is_exact:
        return None
    # A hundredth of what a call may take, for if the path is longer it is walked again.
    budget = min(max_pivots, CELLS_PER_CALL["compiled"] // (100 * m * n))
    point = np.empty(m + n + 4)
    pivots = function(payoffs, label, budget, RATIO_TOLERANCE, PIVOT_TOLERANCE, point)
    if pivots < 0:
        return None
    work = {"pivots": pivots, "label": label}
    answer, share = certified_point(game, point, method, work, clock())
    return answer if share <= ROUNDING else None


def predicted_cells(path: Path) -> float:
    """Return how many cells a path of usual length touches."""
    return float(0.25 * path.cells * path.n_labels)


def follow(path: Path, until: int, report: Callable[[float, str], None], spent: int = 0) -> None:
    """Advance a path in calls of less than a second, repairing it where rounding has grown."""
    while not path.ended and path.pivots < until:
        path.advance(until, max(predicted_cells(path), 2.0 * path.cells * (spent + path.pivots)))
        if not path.ended:
            path.repair()
        if path.lost:
            return
        report(path.pivots, f"label {path.label}")


def conclude(
    game: NormalFormGame, path: Path, method: str, clock: Callable[[], float], pivots: int, *, fractions: bool = True
) -> tuple[Equilibrium, float]:
    """Return the best answer that a path gives, proven where possible, and its regret as a share of the range.

    Of an unfinished path it is where the path stands. Where rounding may have spoilt the basis, and with
    ``fractions``, the path is walked again without rounding.
    """
    work = {"pivots": pivots, "label": path.label}
    ended = path.ended

    def answer(profile: tuple[NDArray[Any], NDArray[Any]]) -> tuple[Equilibrium, float]:
        result = certified(game, profile, method=method, work=work, seconds=clock())
        return result, relative_epsilon(game, result)

    provable = False
    if ended and game.is_exact:
        basis = path.basis()
        provable = len(basis[0]) <= LARGEST_EXACT_SUPPORT
        exact = exact_equilibrium(game, basis) if provable else None
        if exact is not None:
            return answer(exact)
    best = answer(path.point())
    if ended and best[1] > ROUNDING:
        polished = path.polished()
        if polished is not None:
            best = min(best, answer(polished), key=_share)
    if fractions and (path.lost or provable or (ended and best[1] > SUSPECT)):
        exact = _walk_in_fractions(game, path.label)
        if exact is not None:
            walked = answer(exact)
            return walked if walked[0].exact else min(best, walked, key=_share)
    return best


def _walk_in_fractions(game: NormalFormGame, label: int) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return the end of a path that is followed without rounding, or None if that takes too long."""
    if game.is_exact:
        payoffs = game.fractions
    else:
        payoffs = np.empty(game.payoffs.shape, dtype=object)
        payoffs.reshape(-1)[:] = [Fraction(v) for v in game.payoffs.reshape(-1).tolist()]
    path = Path(payoffs, label)
    follow(path, 1 + EXACT_CELLS // path.cells, silent)
    if not path.ended:
        return None
    x, y = path.point()
    return (x, y) if game.is_exact else (x.astype(np.float64), y.astype(np.float64))


def same_profile(first: Equilibrium, second: Equilibrium) -> bool:
    """Tell whether two answers are one profile: exactly where both are exact, else within rounding."""
    if first.exact_profile is not None and second.exact_profile is not None:
        return all(p.tolist() == q.tolist() for p, q in zip(first.exact_profile, second.exact_profile))
    pairs = zip(first.profile or (), second.profile or ())
    return all(np.abs(p - q).max() <= TOLERANCE for p, q in pairs)


def _share(answer: tuple[Equilibrium, float]) -> float:
    return answer[1]


def silent(done: float, note: str) -> None:
    """Report progress to nobody."""
