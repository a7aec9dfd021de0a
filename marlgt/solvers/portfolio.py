"""One Nash equilibrium of any game, by several methods in turn, each answer certified before it counts.

The order is by cost and by what each method is sure of: pure equilibria by comparison; with two
players Lemke-Howson paths; iterated polymatrix approximation from a few starts, which settles most
games; a logit path, which leads to an equilibrium of almost every game; small supports, for games in
which both stall on ties; then further polymatrix starts and logit paths from random profiles in turn,
since a path from another start avoids the bifurcations of the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import certified
from marlgt.equilibria import Equilibrium
from marlgt.errors import NotConverged
from marlgt.games._doors import require_game, require_seed, require_whole
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import stopwatch
from marlgt.solvers._answers import certified_answer
from marlgt.solvers._logit_trace import SETTLED
from marlgt.solvers._small_supports import supports_by_size
from marlgt.solvers._tensors import Tensor, check_positive, regret_of, split, tensor_of
from marlgt.solvers.homotopy import LogitTrace
from marlgt.solvers.newton import refine, supports_of
from marlgt.solvers.pivoting import lemke_howson_race
from marlgt.solvers.polymatrix import polymatrix_iteration, random_profile
from marlgt.solvers.pure import certified_pure, pure_profiles

__all__ = ["find_one"]

_FIRST_STARTS = 8
_LARGE = 60
"""Actions of all players above which random starts rarely meet the right supports, and paths come sooner."""
_SUPPORTS = 300
_PATH_CALLS = 20
_REGRETS = (1e-3, 1e-6, 1e-9)

Candidate = tuple[str, NDArray[np.float64]]


def find_one(
    game: NormalFormGame, *, seed: int = 0, restarts: int = 100, time_limit: float | None = None
) -> Equilibrium:
    """Return one Nash equilibrium, by whichever method gets there first.

    A pure equilibrium is preferred where there is one, the first in the order of profiles. Which
    equilibrium comes out is reproducible and otherwise without meaning; for one with a meaning see
    :func:`marlgt.solvers.logit`.

    Parameters
    ----------
    game : NormalFormGame
    seed : int
        Of the random starts.
    restarts : int
        Random starts after the deterministic methods.
    time_limit : float, optional
        Wall seconds, looked at between steps of at most about a second.

    Returns
    -------
    Equilibrium
        Its certificate holds; ``method`` names the method that found it. Exact where the game is
        and the equilibrium is pure or has small fractions.

    Raises
    ------
    NotConverged
        If no method finds a profile whose certificate holds; ``best`` has the least regret seen.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.zero_sum([[0, 1, -1], [-1, 0, 1], [1, -1, 0]])
    >>> print(gt.solvers.find_one(g))
    nash (1/3, 1/3, 1/3) (1/3, 1/3, 1/3)  values (0, 0)  epsilon 0 (exact)  [find_one/lemke_howson_race]

    References
    ----------
    R. Porter, E. Nudelman and Y. Shoham (2008). Simple search methods for finding a Nash equilibrium.
    Games and Economic Behavior 63(2), 642-662.

    S. Govindan and R. Wilson (2004). Computing Nash equilibria by iterated polymatrix approximation.
    Journal of Economic Dynamics and Control 28(7), 1229-1241.
    """
    require_game(game)
    require_seed(seed)
    require_whole(restarts, "restarts", least=0)
    check_positive(time_limit=time_limit)
    elapsed = stopwatch()
    pure = pure_profiles(game)
    if len(pure):
        actions = tuple(int(a) for a in pure[0])
        work = {"profiles": game.n_profiles}
        return certified_pure(game, actions, method="find_one/pure_equilibria", work=work, seconds=elapsed())
    if game.n_players == 2:
        try:
            answer = lemke_howson_race(game, seed=seed)
            return replace(answer, method=f"find_one/{answer.method}", seconds=elapsed())
        except NotConverged:
            pass
    tensor = tensor_of(game)
    best, least = tensor.uniform(), regret_of(tensor, tensor.uniform())
    attempts: dict[str, int] = {}
    for method, x in _candidates(tensor, np.random.default_rng(seed), restarts):
        attempts[method] = attempts.get(method, 0) + 1
        regret = regret_of(tensor, x)
        if regret <= 1e-8:
            name = f"find_one/{method}"
            found = certified_answer(game, tensor.offsets, x, method=name, work=attempts, seconds=elapsed())
            if found is not None:
                return found
        if regret < least:
            best, least = x, regret
        if time_limit is not None and elapsed() > time_limit:
            break
    closest = certified(game, split(best, tensor.offsets), method="find_one", work=attempts, seconds=elapsed())
    raise NotConverged(
        f"no method found an equilibrium within its limits, the least regret was {closest.epsilon:.3g}: "
        "allow more time or restarts, or give another seed",
        best=closest,
    )


def _candidates(tensor: Tensor, rng: np.random.Generator, restarts: int) -> Iterator[Candidate]:
    """Yield profiles that may be equilibria, and the closest ones on the way, without end of their own."""
    for k in range(_FIRST_STARTS if tensor.size <= _LARGE else 1):
        yield from _polymatrix(tensor, tensor.uniform() if k == 0 else random_profile(tensor, rng))
    yield from _logit(tensor, tensor.uniform())
    for count, support in enumerate(supports_by_size(tensor)):
        if count == _SUPPORTS:
            break
        found, _ = refine(tensor, tensor.uniform(), support, support_changes=0, steps=12)
        yield "small_supports", tensor.uniform() if found is None else found
    for _ in range(restarts):
        start = random_profile(tensor, rng)
        yield from _polymatrix(tensor, start)
        yield from _logit(tensor, 0.95 * start + 0.05 * tensor.uniform())


def _polymatrix(tensor: Tensor, start: NDArray[np.float64]) -> Iterator[Candidate]:
    for found, y, _ in polymatrix_iteration(tensor, start):
        yield "iterated_polymatrix", y if found is None else found


def _logit(tensor: Tensor, start: NDArray[np.float64]) -> Iterator[Candidate]:
    """Follow a logit path, and try Newton's method ever closer to its end; any equilibrium will do."""
    path = LogitTrace(tensor, np.ones(tensor.n_players), start)
    for stop_regret in _REGRETS:
        for _ in range(_PATH_CALLS):
            status, _ = path.follow(stop_regret=stop_regret)
            yield "logit", path.x
            if status:
                break
        for share in (1e-2, 1e-6):
            found, _ = refine(tensor, path.x, supports_of(tensor, path.x, share=share), support_changes=3)
            if found is not None:
                yield "logit", found
        if status != SETTLED:
            return
