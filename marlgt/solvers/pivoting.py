"""One equilibrium of a two-player game by complementary pivoting, or all that Lemke-Howson paths reach.

Every label k starts a path at the artificial equilibrium (0, 0): drop k, and pivot in turn in the two
best-response polytopes on the label just picked up, until k is picked up again. Such a path ends at a
Nash equilibrium. With ties broken lexicographically this holds for degenerate games too. Paths may be
exponentially long in the worst case (Savani and von Stengel 2006), and on random games of a few hundred
actions one label in several already needs more pivots than anyone will wait for, while another ends
within a hundred: hence :func:`lemke_howson_race`.

The tableaux are pivoted in floats. The basis that a path ends with is then solved anew: in integers where
the payoffs are exact, which proves the answer, in floats otherwise. Where rounding has led a path astray,
small games are walked again in fractions, and others from other labels.

References
----------
Lemke, C. E. and Howson, J. T. (1964). Equilibrium points of bimatrix games. Journal of the Society
for Industrial and Applied Mathematics 12, 413-423.
Savani, R. and von Stengel, B. (2006). Hard-to-solve bimatrix games. Econometrica 74, 397-429.
Shapley, L. S. (1974). A note on the Lemke-Howson algorithm. Mathematical Programming Study 1, 175-189.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from marlgt.certificates import TOLERANCE
from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import GameError, NotConverged, UnsupportedGame
from marlgt.games._doors import require_game, require_seed, require_whole
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import progress, stopwatch
from marlgt.solvers._path_ends import at_one_stroke, conclude, follow, predicted_cells, same_profile, silent
from marlgt.solvers._paths import Path

__all__ = ["lemke_howson", "lemke_howson_all_labels", "lemke_howson_race"]

MAX_PIVOTS = 200_000
RUN = 16
"""Pivots of the shortest run of a race."""

HEAD_START = 8
"""Runs from other labels before the first path of a race goes on."""


def lemke_howson(game: NormalFormGame, *, label: int = 0, max_pivots: int = MAX_PIVOTS) -> Equilibrium:
    """Return the equilibrium at the end of the Lemke-Howson path of one label.

    Parameters
    ----------
    game : NormalFormGame
        Two players, with m and n actions.
    label : int
        The label dropped first: ``0 <= label < m`` an action of the first player, ``m + j`` the action j
        of the second.
    max_pivots : int
        Length at which the path is given up.

    Returns
    -------
    Equilibrium
        Exact, with a proof, in an exact game, unless more than 150 actions are mixed. ``work`` tells the
        pivots and the label; the label differs from the one asked for only if rounding made that path
        unusable.

    Raises
    ------
    UnsupportedGame
        If the game has not two players.
    GameError
        If there is no such label.
    NotConverged
        If the path is longer than ``max_pivots``, or no equilibrium could be certified.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> print(gt.solvers.lemke_howson(g, label=1))
    nash (0, 1/3, 2/3) (1/3, 2/3)  values (4, 2.66667)  epsilon 0 (exact)  [lemke_howson]
    """
    require_game(game)
    clock = stopwatch()
    _check(game, "lemke_howson", max_pivots)
    label = _checked_label(game, label)
    short = at_one_stroke(game, label, max_pivots, "lemke_howson", clock)
    if short is not None:
        return short
    path = Path(game.payoffs, label)
    path.advance(max_pivots, predicted_cells(path))
    if not path.ended:
        with progress("Lemke-Howson", total=max_pivots) as report:
            follow(path, max_pivots, report)
    answer, share = conclude(game, path, "lemke_howson", clock, path.pivots)
    if share <= TOLERANCE and (path.ended or path.lost):
        return answer
    if not (path.ended or path.lost):
        raise NotConverged(
            f"the path of label {label} did not end within {max_pivots} pivots: use lemke_howson_race, which runs "
            "several labels at once, or raise max_pivots",
            best=answer,
        )
    for other in range(path.n_labels):
        path = Path(game.payoffs, other)
        follow(path, max_pivots, silent)
        candidate, its_share = conclude(game, path, "lemke_howson", clock, path.pivots, fractions=game.is_exact)
        if its_share <= TOLERANCE:
            return candidate
        if its_share < share:
            answer, share = candidate, its_share
    raise NotConverged(
        "no path led to an equilibrium that could be certified: use marlgt.solve, which tries other methods",
        best=answer,
    )


def lemke_howson_all_labels(game: NormalFormGame, *, max_pivots: int = MAX_PIVOTS) -> Equilibria:
    """Return the equilibria that Lemke-Howson paths reach from the artificial equilibrium, each once.

    These need not be all equilibria, not even in a nondegenerate game (Shapley 1974), so the answer never
    counts as complete.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    max_pivots : int
        Length at which a path is given up; if that happens, ``stopped`` is ``"budget"``.

    Returns
    -------
    Equilibria
        In the order of the labels that find them. Ctrl-C keeps what was found.

    Raises
    ------
    UnsupportedGame
        If the game has not two players.
    NotConverged
        If no path ends within ``max_pivots``.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]])
    >>> for e in gt.solvers.lemke_howson_all_labels(g): print(e)
    nash (1, 0) (1, 0)  values (3, 2)  epsilon 0 (exact)  [lemke_howson_all_labels]
    nash (0, 1) (0, 1)  values (2, 3)  epsilon 0 (exact)  [lemke_howson_all_labels]
    """
    require_game(game)
    clock = stopwatch()
    method = "lemke_howson_all_labels"
    _check(game, method, max_pivots)
    labels = sum(game.n_actions)
    found: list[Equilibrium] = []
    seen: set[str] = set()
    best: tuple[float, Equilibrium | None] = (np.inf, None)
    stopped = ""
    spent = 0
    beginning, path = Path(game.payoffs, 0), Path(game.payoffs, 0)
    beginning.advance(0, labels * predicted_cells(beginning))
    try:
        with progress("Lemke-Howson, all labels", total=labels) as report:
            for label in range(labels):
                path.restart(beginning, label)
                follow(path, max_pivots, silent, spent)
                spent += path.pivots
                basis = str(path.basis()) if path.ended else f"label {label}"
                if basis not in seen:
                    seen.add(basis)
                    answer, share = conclude(game, path, method, clock, path.pivots)
                    if share < best[0]:
                        best = share, answer
                    if share > TOLERANCE:
                        stopped = "budget"
                    elif not any(same_profile(answer, other) for other in found):
                        found.append(answer)
                report(label + 1, f"{len(found)} found")
    except KeyboardInterrupt:
        stopped = "interrupted"
    if stopped == "budget" and not found:
        raise NotConverged(
            f"no path ended within {max_pivots} pivots at an equilibrium that could be certified: "
            "use lemke_howson_race, or raise max_pivots",
            best=best[1],
        )
    why = "the paths of all labels were followed from the artificial equilibrium"
    return Equilibria(found, concept="nash", method=method, stopped=stopped, why=why)


def lemke_howson_race(game: NormalFormGame, *, seed: int = 0, max_pivots: int = 2_000_000) -> Equilibrium:
    """Return the equilibrium at the end of the first of several Lemke-Howson paths to come to one.

    One label's path alternates with runs from other labels, drawn at random, whose lengths follow Luby's
    sequence 1, 1, 2, 1, 1, 2, 4, ... times 16 pivots; the first eight runs come before the first turn. So the
    race costs little more than twice what the one path would, and little more than twice what Luby's
    schedule would, which no schedule of restarts beats by more than a logarithmic factor. In random games
    of some hundred actions most labels lead far, and a few to an equilibrium nearby.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    seed : int
        The first label is ``seed`` modulo the number of labels; the others are drawn from this seed.
    max_pivots : int
        Pivots of all paths together at which the race is given up.

    Raises
    ------
    UnsupportedGame
        If the game has not two players.
    GameError
        If the seed is negative.
    NotConverged
        If no path ended in time.

    References
    ----------
    Luby, M., Sinclair, A. and Zuckerman, D. (1993). Optimal speedup of Las Vegas algorithms. Information
    Processing Letters 47, 173-180.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    >>> print(gt.solvers.lemke_howson_race(g))
    nash (1/3, 1/3, 1/3) (1/3, 1/3, 1/3)  values (0, 0)  epsilon 0 (exact)  [lemke_howson_race]
    """
    require_game(game)
    clock = stopwatch()
    method = "lemke_howson_race"
    _check(game, method, max_pivots)
    require_seed(seed)
    best: tuple[float, Equilibrium | None] = (np.inf, None)
    first = seed % sum(game.n_actions)
    spent = 0
    with progress("Lemke-Howson, racing labels", total=max_pivots) as report:
        for path, until in _turns(game, first, seed):
            before = path.pivots
            follow(path, min(until, before + max_pivots - spent), silent, spent)
            spent += path.pivots - before
            if path.ended or path.lost or spent >= max_pivots:
                fractions = game.is_exact or path.label == first
                answer, share = conclude(game, path, method, clock, spent, fractions=fractions)
                if share <= TOLERANCE:
                    return answer
                if share < best[0]:
                    best = share, answer
            if spent >= max_pivots:
                break
            report(spent, f"label {path.label}")
    raise NotConverged(
        f"no path ended at an equilibrium that could be certified within {spent} pivots in all: "
        "raise max_pivots, or try another seed",
        best=best[1],
    )


def _turns(game: NormalFormGame, first: int, seed: int) -> Iterator[tuple[Path, int]]:
    """Yield the paths of a race, each with the pivots that it may then have done in all.

    It ends when every label has failed: its path has ended, or been lost, without a certified answer.
    """
    n_labels = sum(game.n_actions)
    steady = Path(game.payoffs, first)
    yield steady, RUN
    # Most paths of small games have ended by now, without the cost of a generator.
    others = np.random.default_rng(seed).permutation(n_labels).tolist()
    others.remove(steady.label)
    beginning, runner = Path(game.payoffs, 0), Path(game.payoffs, 0)
    beginning.advance(0, predicted_cells(beginning))
    failed: set[int] = set()
    runs = 0
    while True:
        runs += 1
        length = RUN * _luby(runs)
        remaining = [label for label in others if label not in failed]
        if remaining:
            runner.restart(beginning, remaining[runs % len(remaining)])
            yield runner, length
            if runner.ended or runner.lost:
                failed.add(runner.label)
        if steady.ended or steady.lost:
            if not remaining:
                return
        elif runs > HEAD_START or not remaining:
            yield steady, steady.pivots + length


def _luby(i: int) -> int:
    """Return the i-th number, i >= 1, of the sequence 1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8, ..."""
    while (i & (i + 1)) != 0:
        i -= (1 << (i.bit_length() - 1)) - 1
    return (i + 1) // 2


def _check(game: NormalFormGame, method: str, max_pivots: int) -> None:
    if game.payoffs.ndim != 3:
        raise UnsupportedGame(
            f"{method} solves two-player games and this one has {game.n_players}: use marlgt.solve(game)"
        )
    require_whole(max_pivots, "max_pivots", least=1)


def _checked_label(game: NormalFormGame, label: int) -> int:
    _, m, n = game.payoffs.shape
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)) or not 0 <= label < m + n:
        raise GameError(
            f"label must be an integer from 0 to {m + n - 1}, the {m} rows and then the {n} columns, got {label!r}"
        )
    return int(label)
