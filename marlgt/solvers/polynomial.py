"""All isolated Nash equilibria of a small game with any number of players.

An equilibrium with supports S_1, ..., S_n solves one polynomial system, multilinear in the blocks of
the players' probabilities. The supports are walked with conditional dominance
(:mod:`marlgt.solvers._support_systems`) and each system that is left is solved for all its real
solutions between 0 and 1 by branching and contracting (:mod:`marlgt.solvers._subdivision`), where a
box is dropped only with a reason. So what is found is everything, unless some system stays undecided
at the finest resolution: then the game is degenerate, has a singular equilibrium or a continuum of
them, and the answer says that it may not be complete. Where every equilibrium found is regular their
indices must sum to +1 besides, which is checked by separate code (:mod:`marlgt.concepts.indices`).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement, groupby, product
from math import comb, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import certified, relative_epsilon
from marlgt.concepts.indices import equilibrium_index, maximal_totally_mixed
from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import BudgetExceeded, GameError, NotConverged, UnsupportedGame
from marlgt.games._doors import require_budget, require_game
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.kernels import gear
from marlgt.progress import progress, stopwatch
from marlgt.solvers._subdivision import BOXES, DONE, ROOTS, SUPPORTS, SUSPECTS, Search, advance, new_search
from marlgt.solvers._support_systems import System, new_system
from marlgt.solvers.pure import certified_pure, pure_profiles

__all__ = ["BUDGET", "all_isolated_equilibria", "estimated_boxes"]

BUDGET = 5e5
"""Boxes allowed by default: some seconds."""

_METHOD = "all_isolated_equilibria"
_ZERO = 1e-12
_ACCEPTED = 1e-10
_SAME = 1e-8
_NEAR = 1e-3
_MANY_SUPPORTS = 2_000_000
_MANY_ACTIONS = 60
_CHUNK_SECONDS = 0.3


def all_isolated_equilibria(game: NormalFormGame, *, budget: float | None = BUDGET) -> Equilibria:
    """Return every isolated Nash equilibrium of a game with any number of players.

    ``complete`` means that each support system was solved to the end, up to rounding, and that there is
    no other equilibrium. In a degenerate game, whose equilibria may form a continuum, the answer has the
    pure equilibria, the regular ones and some of the others, and ``stopped`` is ``"degenerate"``.

    Parameters
    ----------
    game : NormalFormGame
    budget : float or None
        The most boxes to examine. It is compared with an estimate before the search starts, and a search
        that reaches it ends with ``stopped == "budget"``. None sets no limit and starts at once: the
        sequence is then filled while it is read, the pure equilibria first.

    Raises
    ------
    BudgetExceeded
        If the estimate exceeds the budget.
    UnsupportedGame
        If a player has more than 60 actions.

    Examples
    --------
    A game of McKelvey and McLennan with two totally mixed equilibria, the most a 2 x 2 x 2 game can have:

    >>> import numpy as np
    >>> import marlgt as gt
    >>> payoffs = np.zeros((3, 2, 2, 2), dtype=int)
    >>> payoffs[0, 0, 0, 0], payoffs[0, 1, 1, 0], payoffs[0, 1, 0, 1], payoffs[0, 0, 1, 1] = 9, 9, 3, 3
    >>> payoffs[1, 0, 0, 0], payoffs[1, 1, 1, 0], payoffs[1, 0, 1, 1], payoffs[1, 1, 0, 1] = 8, 8, 4, 4
    >>> payoffs[2, 0, 0, 0], payoffs[2, 1, 1, 0], payoffs[2, 0, 1, 1], payoffs[2, 1, 0, 1] = 12, 2, 6, 6
    >>> found = all_isolated_equilibria(gt.NormalFormGame(payoffs))
    >>> len(found), found.complete, sum(e.exact for e in found)
    (9, True, 9)

    References
    ----------
    R. D. McKelvey and A. McLennan (1997). The maximal number of regular totally mixed Nash equilibria.
    Journal of Economic Theory 72, 411-425.
    R. Porter, E. Nudelman and Y. Shoham (2008). Simple search methods for finding a Nash equilibrium.
    Games and Economic Behavior 63, 642-662.
    R. Krawczyk (1969). Newton-Algorithmen zur Bestimmung von Nullstellen mit Fehlerschranken. Computing 4, 187-201.
    """
    require_game(game)
    estimate = estimated_boxes(game.n_actions)
    require_budget(budget, "boxes")
    if budget is not None and estimate > budget:
        raise BudgetExceeded(
            f"all isolated equilibria of a {' x '.join(map(str, game.n_actions))} game take about {estimate:.2g} "
            f"boxes, over the budget of {budget:.2g}: give budget=None to read them as they are found, or find "
            "one with marlgt.solvers.find_one or marlgt.solvers.logit",
            estimate=estimate,
            limit=budget,
        )
    if max(game.n_actions) > _MANY_ACTIONS:
        raise UnsupportedGame(
            f"a player has {max(game.n_actions)} actions and this method takes {_MANY_ACTIONS} at most: find one "
            "equilibrium with marlgt.solvers.find_one or marlgt.solvers.logit"
        )
    why = f"Each support system is solved by branching and contracting, about {estimate:.2g} boxes."
    found = Equilibria(concept="nash", method=_METHOD, why=why, stream=_search(game, estimate, budget))
    if budget is not None:
        len(found)
    return found


def estimated_boxes(n_actions: Sequence[int]) -> float:
    """Return about how many boxes :func:`all_isolated_equilibria` examines in a random game of this size.

    Each choice of supports counts as many solutions as its system can have isolated ones,
    :func:`~marlgt.concepts.maximal_totally_mixed`, times 1.5 for each unknown where more than two players
    choose, a fit to random games; above two million choices, each counts once.
    """
    supports = int(prod(2 ** min(a, 300) - 1 for a in n_actions))
    if supports > _MANY_SUPPORTS:
        return float(min(supports, 10**300))
    growth = 1.5 if sum(a > 1 for a in n_actions) > 2 else 1.0
    boxes = 0.05 * supports
    groups = [(a, len(list(same))) for a, same in groupby(sorted(n_actions))]
    choices = [list(combinations_with_replacement(range(1, a + 1), players)) for a, players in groups]
    for chosen in product(*choices):
        weight = 1.0
        for sizes, (a, players) in zip(chosen, groups):
            left = players
            for size, same in groupby(sizes):
                times = len(list(same))
                weight *= comb(left, times) * float(comb(a, size)) ** times
                left -= times
        all_sizes = [size for sizes in chosen for size in sizes]
        boxes += weight * maximal_totally_mixed(all_sizes) * growth ** (sum(all_sizes) - len(all_sizes))
    return boxes


def _search(game: NormalFormGame, estimate: float, budget: float | None) -> Generator[Equilibrium, None, str | None]:
    """Yield each equilibrium when it is found; return why they may not be all, or None."""
    elapsed = stopwatch()
    system = new_system(_normalised(game))
    search = new_search(system)
    found: list[Equilibrium] = []
    for row in pure_profiles(game):
        pure = tuple(int(a) for a in row)
        found.append(certified_pure(game, pure, method=_METHOD, work={"boxes": 0, "supports": 0}, seconds=elapsed()))
        yield found[-1]
    steps = _steps_per_box(system)
    chunk, status, degenerate = 100.0, -1, False
    with progress("isolated equilibria", total=estimate) as report:
        while status != DONE:
            boxes = int(search.counters[BOXES])
            if budget is not None and boxes >= budget:
                return "budget"
            # Compiling takes some seconds the first time; work done counts as work to come, so that a long
            # search changes gear while it runs.
            run = gear(advance, 0.1 * steps * max(estimate, 3.0 * boxes))
            started = time.perf_counter()
            status = run(system, search, chunk if budget is None else min(chunk, float(budget - boxes)))
            chunk = _next_chunk(chunk, time.perf_counter() - started)
            work = {"boxes": int(search.counters[BOXES]), "supports": int(search.counters[SUPPORTS])}
            for masks, unknowns in _taken(search, ROOTS):
                answer = _answer(game, _profile(system, masks, unknowns), work, elapsed())
                if relative_epsilon(game, answer) <= _ACCEPTED:
                    if _is_new(answer, found, _SAME):
                        found.append(answer)
                        yield answer
                else:
                    degenerate = True
            for masks, unknowns in _taken(search, SUSPECTS):
                degenerate = True
                near = _polished(game, _profile(system, masks, unknowns), masks, work, elapsed(), found)
                if near is not None:
                    found.append(near)
                    yield near
            report(work["boxes"], f"{len(found)} found")
    if degenerate:
        return "degenerate"
    return None if _indices_sum_to_one(game, found) else "index"


def _normalised(game: NormalFormGame) -> NDArray[np.float64]:
    """Return the payoffs of each player, shifted and scaled to [0, 1]."""
    n = game.n_players
    column = (n,) + (1,) * n
    least = game.payoffs.reshape(n, -1).min(axis=1).reshape(column)
    spread = np.where(game.payoff_range > 0, game.payoff_range, 1.0).reshape(column)
    return np.asarray((game.payoffs - least) / spread)


def _steps_per_box(s: System) -> float:
    rows, n = int(s.coefficients.shape[0]), int(s.payoffs.shape[0])
    return float(8 * s.coefficients.size * n + 2 * rows * rows * s.degree.shape[0])


def _next_chunk(chunk: float, seconds: float) -> float:
    """Return how many boxes fill the time between two looks at the keyboard."""
    return float(np.clip(chunk * _CHUNK_SECONDS / max(seconds, 1e-4), 0.2 * chunk, 4.0 * chunk)) + 1.0


def _taken(search: Search, kind: int) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Take the roots or the suspects off their list."""
    count = int(search.counters[kind])
    search.counters[kind] = 0
    masks, points = (search.root_masks, search.roots) if kind == ROOTS else (search.suspect_masks, search.suspects)
    return [(masks[i].copy(), points[i].copy()) for i in range(count)]


def _profile(s: System, masks: NDArray[np.int64], unknowns: NDArray[np.float64]) -> Profile:
    """Return the profile of a solution: on each support the first probability is what the others leave."""
    profile = []
    start = 0
    for count, mask in zip(s.counts, masks):
        support = [a for a in range(count) if mask >> a & 1]
        x = np.zeros(count)
        x[support[1:]] = unknowns[start : start + len(support) - 1]
        x[support[0]] = 1.0 - x.sum()
        start += len(support) - 1
        x[x < _ZERO] = 0.0
        profile.append(x / x.sum())
    return tuple(profile)


def _answer(game: NormalFormGame, profile: Profile, work: dict[str, int], seconds: float) -> Equilibrium:
    """Return a profile with its certificate, as fractions where these prove to be the equilibrium."""
    if game.is_exact:
        exact = certified(game, _fractions(profile), method=_METHOD, work=work, seconds=seconds)
        if exact.epsilon == 0.0:
            return exact
    return certified(game, profile, method=_METHOD, work=work, seconds=seconds)


def _fractions(profile: Profile) -> tuple[NDArray[Any], ...]:
    """Return the simplest fractions near a profile, the largest of each player making up the sum."""
    fractions = []
    for x in profile:
        exact = np.empty(x.size, dtype=object)
        exact[:] = [Fraction(p).limit_denominator(10**6) for p in x.tolist()]
        largest = int(x.argmax())
        exact[largest] += 1 - sum(exact.tolist())
        fractions.append(exact)
    return tuple(fractions)


def _polished(
    game: NormalFormGame,
    profile: Profile,
    masks: NDArray[np.int64],
    work: dict[str, int],
    seconds: float,
    found: Sequence[Equilibrium],
) -> Equilibrium | None:
    """Return an equilibrium near an undecided box, unless none is reached or it is near one found before."""
    from marlgt.solvers.newton import newton_polish

    if not _distinct(profile, found, _NEAR):
        return None
    supports = [[a for a in range(count) if mask >> a & 1] for count, mask in zip(game.n_actions, masks)]
    try:
        polished = newton_polish(game, profile, supports=supports).profile
    except NotConverged:
        return None
    if polished is None:
        return None
    answer = _answer(game, polished, work, seconds)
    close = relative_epsilon(game, answer) <= _ACCEPTED and _is_new(answer, found, _NEAR)
    return answer if close else None


def _is_new(answer: Equilibrium, found: Sequence[Equilibrium], distance: float) -> bool:
    return answer.profile is not None and _distinct(answer.profile, found, distance)


def _distinct(profile: Profile, found: Sequence[Equilibrium], distance: float) -> bool:
    """Tell whether a profile is farther than ``distance`` from every one found before."""
    stacked = np.concatenate(profile)
    others = [np.concatenate(e.profile) for e in found if e.profile is not None]
    return all(np.abs(stacked - other).max() > distance for other in others)


def _indices_sum_to_one(game: NormalFormGame, found: Sequence[Equilibrium]) -> bool:
    """Check the sum of the indices, where every equilibrium has one."""
    try:
        return sum(equilibrium_index(game, e) for e in found) == 1
    except GameError:
        return True
