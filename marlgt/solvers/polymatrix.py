"""Iterated polymatrix approximation: an n-player game as a sequence of linear complementarity problems.

At a profile x every player's payoff is replaced by its first-order approximation, which makes a
polymatrix game: with J the pairwise payoffs at x,

    V_i(a; y) = sum_{j != i} sum_b J[(i, a), (j, b)] y_j(b) - (n - 2) v_i(a).

Its equilibria are the solutions of one linear complementarity problem, whose matrix is copositive-plus
once payoffs are turned into positive costs, so that Lemke's method finds one. A profile that is an
equilibrium of its own polymatrix game is an equilibrium of the game. The covering vector starts the
path where everyone answers a prior profile, so that another prior can lead to another equilibrium.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import certified
from marlgt.equilibria import Equilibrium
from marlgt.errors import NotConverged
from marlgt.games._doors import require_game, require_seed, require_whole
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import gear
from marlgt.progress import stopwatch
from marlgt.solvers._answers import certified_answer
from marlgt.solvers._lemke import FOUND, UNFINISHED, lemke, lemke_tableau
from marlgt.solvers._tensors import (
    INTERPRETED,
    Tensor,
    payoff_jacobian,
    regret_of,
    split,
    tensor_of,
)
from marlgt.solvers.newton import refine, supports_of

__all__ = ["iterated_polymatrix", "polymatrix_equilibrium", "polymatrix_iteration", "random_profile"]

_CHUNK = 2e8
_MOST_PIVOTS = 10_000
_EXPECTED = 5.0
"""Approximations that a typical game takes, for the choice of gear."""


def polymatrix_equilibrium(
    tensor: Tensor, x: NDArray[np.float64], prior: NDArray[np.float64]
) -> tuple[NDArray[np.float64] | None, int]:
    """Return an equilibrium of the polymatrix game at x, and the pivots it took; None at a ray or the limit.

    Parameters
    ----------
    x, prior : ndarray, shape (N,)
        Stacked profiles: where the game is linearised, and what everyone answers at first.
    """
    n, size = tensor.n_players, tensor.size
    jacobian = np.empty((size, size))
    values = np.empty(size)
    linearise = gear(payoff_jacobian, _EXPECTED * INTERPRETED * tensor.jacobian_work)
    linearise(tensor.payoffs, tensor.counts, tensor.offsets, x, jacobian, values)
    m = size + n
    owner = np.repeat(np.arange(n), tensor.counts)
    matrix = np.zeros((m, m))
    matrix[:size, :size] = 2.0 - jacobian
    matrix[np.arange(size), size + owner] = -1.0
    matrix[size + owner, np.arange(size)] = 1.0
    right = np.concatenate([(n - 2) * values, np.full(n, -1.0)])
    cover = np.concatenate([matrix[:size, :size] @ prior, np.ones(n)])
    tableau = np.empty((m, 2 * m + 2))
    basis = np.empty(m, dtype=np.int64)
    state = np.zeros(2, dtype=np.int64)
    work = _EXPECTED * INTERPRETED * 2.0 * m * tableau.size
    gear(lemke_tableau, work)(matrix, right, cover, tableau, basis, state)
    walk = gear(lemke, work)
    chunk = max(1, int(_CHUNK / tableau.size))
    status = UNFINISHED
    while status == UNFINISHED and state[1] < _MOST_PIVOTS:
        status = walk(tableau, basis, state, min(chunk, _MOST_PIVOTS - int(state[1])))
    if status != FOUND:
        return None, int(state[1])
    z = np.zeros(2 * m + 1)
    z[basis] = tableau[:, -1]
    return np.maximum(z[m : m + size], 0.0), int(state[1])


def polymatrix_iteration(
    tensor: Tensor, start: NDArray[np.float64], *, iterations: int = 16
) -> Iterator[tuple[NDArray[np.float64] | None, NDArray[np.float64], int]]:
    """Yield, for each approximation: an equilibrium or None, the approximation's own, and the pivots.

    The point of linearisation moves a share of the way, less with more players, because the error of
    the approximation grows with the number of opponents that move at once.
    """
    share = min(1.0, max(0.35, 2.0 / tensor.n_players))
    x = start
    for _ in range(iterations):
        y, pivots = polymatrix_equilibrium(tensor, x, x)
        if y is None:
            return
        found, _ = refine(tensor, y, supports_of(tensor, y, share=1e-6), support_changes=2, steps=8)
        yield found, y, pivots
        x = (1.0 - share) * x + share * y


def random_profile(tensor: Tensor, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a stacked profile, each player's part uniform over the simplex."""
    return np.concatenate([rng.dirichlet(np.ones(count)) for count in tensor.counts])


def iterated_polymatrix(
    game: NormalFormGame,
    *,
    seed: int = 0,
    restarts: int = 100,
    iterations: int = 16,
    time_limit: float | None = None,
) -> Equilibrium:
    """Return one Nash equilibrium by iterated polymatrix approximation with Newton polish.

    The first try starts where everyone mixes evenly, the others at random profiles. It is not an
    enumeration: which equilibrium comes out depends on the seed.

    Parameters
    ----------
    game : NormalFormGame
    seed : int
        Of the random starts.
    restarts : int
        How many random starts to try after the first.
    iterations : int
        Approximations per start.
    time_limit : float, optional
        Wall seconds.

    Raises
    ------
    NotConverged
        If no start leads to a profile whose certificate holds; ``best`` has the least regret seen.

    Examples
    --------
    Three players who each want to be the one that differs.

    >>> import marlgt as gt
    >>> pays = [[[0, 0], [0, 1]], [[1, 0], [0, 0]]]
    >>> g = gt.NormalFormGame([pays, [[[0, 0], [1, 0]], [[0, 1], [0, 0]]], [[[0, 1], [0, 0]], [[0, 0], [1, 0]]]])
    >>> gt.solvers.iterated_polymatrix(g).epsilon < 1e-12
    True

    References
    ----------
    S. Govindan and R. Wilson (2004). Computing Nash equilibria by iterated polymatrix approximation.
    Journal of Economic Dynamics and Control 28(7), 1229-1241.

    D. A. Miller and S. W. Zucker (1991). Copositive-plus Lemke algorithm solves polymatrix games.
    Operations Research Letters 10(5), 285-290.
    """
    require_game(game)
    require_seed(seed)
    require_whole(restarts, "restarts", least=0)
    require_whole(iterations, "iterations", least=1)
    elapsed = stopwatch()
    tensor = tensor_of(game)
    rng = np.random.default_rng(seed)
    work = {"starts": 0, "approximations": 0, "pivots": 0}
    best, least = tensor.uniform(), np.inf
    for k in range(restarts + 1):
        start = tensor.uniform() if k == 0 else random_profile(tensor, rng)
        work["starts"] += 1
        for found, y, pivots in polymatrix_iteration(tensor, start, iterations=iterations):
            work["approximations"] += 1
            work["pivots"] += pivots
            x = y if found is None else found
            regret = regret_of(tensor, x)
            if regret <= 1e-8:
                answer = certified_answer(
                    game, tensor.offsets, x, method="iterated_polymatrix", work=work, seconds=elapsed()
                )
                if answer is not None:
                    return answer
            if regret < least:
                best, least = x, regret
            if time_limit is not None and elapsed() > time_limit:
                break
        if time_limit is not None and elapsed() > time_limit:
            break
    closest = certified(game, split(best, tensor.offsets), method="iterated_polymatrix", work=work, seconds=elapsed())
    raise NotConverged(
        f"no equilibrium after {work['starts']} starts of iterated polymatrix approximation, the least regret was "
        f"{closest.epsilon:.3g}: allow more restarts or time, or use marlgt.solvers.find_one",
        best=closest,
    )
