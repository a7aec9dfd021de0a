"""Newton polish: from a profile that is nearly an equilibrium to one at machine precision.

On the support of an equilibrium every action earns the same, which is a square system of multilinear
equations; near an isolated solution Newton's method doubles the digits at each step. Where the
solution leaves the simplex, or an action outside does better, the support was wrong: the action with
the most negative probability leaves it, or the one with the largest gain joins, and the step repeats.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.certificates import TOLERANCE, certified, relative_epsilon
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError, NotConverged
from marlgt.games._doors import require_game
from marlgt.games._profiles import checked_profile
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import gear
from marlgt.progress import stopwatch
from marlgt.solvers._answers import certified_answer
from marlgt.solvers._support_newton import newton_on_support
from marlgt.solvers._tensors import INTERPRETED, Tensor, stack, tensor_of

__all__ = ["newton_polish", "refine", "supports_of"]

_NEGATIVE = 1e-11
_GAIN = 1e-11
_STEPS = 30
_EXPECTED = 40.0
"""Newton steps of a typical search, for the choice of gear."""


def newton_polish(
    game: NormalFormGame,
    profile: Sequence[ArrayLike],
    *,
    supports: Sequence[Sequence[int]] | None = None,
    support_changes: int = 20,
) -> Equilibrium:
    """Return the Nash equilibrium that Newton's method reaches from a guess.

    It is a local method: from a poor guess it may find another equilibrium, or none.

    Parameters
    ----------
    game : NormalFormGame
    profile : sequence of n array_like
        The guess, one distribution per player.
    supports : sequence of n sequences of int, optional
        The actions played with positive probability; those above a hundredth of an even share if not given.
    support_changes : int
        How many actions may leave or join these supports.

    Raises
    ------
    ProfileError
        If the profile does not fit the game.
    GameError
        If a support is empty or names an action that does not exist.
    NotConverged
        If no equilibrium is reached; ``best`` is the certified guess.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[3, 0], [0, 1]], [[1, 0], [0, 3]])
    >>> print(newton_polish(g, ([0.7, 0.3], [0.2, 0.8])).profile)
    (array([0.75, 0.25]), array([0.25, 0.75]))

    References
    ----------
    S. Govindan and R. Wilson (2003). A global Newton method to compute Nash equilibria.
    Journal of Economic Theory 110(1), 65-86.
    """
    require_game(game)
    elapsed = stopwatch()
    checked = checked_profile(game, profile)
    tensor = tensor_of(game)
    guess = stack(checked)
    if supports is None:
        support = supports_of(tensor, guess, share=0.01)
    else:
        support = _mask(game, tensor, supports)
    found, changes = refine(tensor, guess, support, support_changes=support_changes)
    work = {"support_changes": changes}
    if found is not None:
        answer = certified_answer(game, tensor.offsets, found, method="newton_polish", work=work, seconds=elapsed())
        if answer is not None:
            return answer
    best = certified(game, checked, method="newton_polish", work=work, seconds=elapsed())
    if relative_epsilon(game, best) <= TOLERANCE:
        return best
    raise NotConverged(
        f"Newton's method reached no equilibrium from this guess, whose largest regret is {best.epsilon:.3g}: "
        "start closer, or use marlgt.solvers.find_one",
        best=best,
    )


def supports_of(tensor: Tensor, x: NDArray[np.float64], *, share: float) -> NDArray[np.bool_]:
    """Return which actions have more than ``share`` of an even share of probability; never an empty support."""
    support = np.empty(tensor.size, dtype=np.bool_)
    for i in range(tensor.n_players):
        block = slice(tensor.offsets[i], tensor.offsets[i + 1])
        part = x[block]
        support[block] = part > min(share / part.size, float(part.max()) * 0.5)
    return support


def refine(
    tensor: Tensor,
    guess: NDArray[np.float64],
    support: NDArray[np.bool_],
    *,
    support_changes: int = 6,
    steps: int = _STEPS,
) -> tuple[NDArray[np.float64] | None, int]:
    """Return a stacked equilibrium near a stacked guess, or None; and how often the support changed.

    The answer solves the indifference equations to about 1e-13 of the payoff range; it is not a
    certificate, which is for :func:`marlgt.certificates.certified` to give.
    """
    newton = gear(newton_on_support, _EXPECTED * INTERPRETED * (tensor.jacobian_work + float(tensor.size) ** 3))
    jacobian = np.empty((tensor.size, tensor.size))
    values = np.empty(tensor.size)
    support = support.copy()
    x = guess
    seen = set()
    for change in range(support_changes + 1):
        key = support.tobytes()
        if key in seen:
            return None, change
        seen.add(key)
        x = _onto(tensor, x, support)
        residual = newton(tensor.payoffs, tensor.counts, tensor.offsets, support, x, jacobian, values, steps)
        if not residual <= 1e-11 or not np.isfinite(x).all():
            return None, change
        worst = int(np.argmin(x))
        if x[worst] < -_NEGATIVE:
            support[worst] = False
            continue
        x = np.maximum(x, 0.0)
        joining = _best_outside(tensor, x, values, support)
        if joining < 0:
            return x, change
        support[joining] = True
    return None, support_changes


def _onto(tensor: Tensor, x: NDArray[np.float64], support: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the profile with a positive part on every action of the supports and none elsewhere."""
    result = np.where(support, np.maximum(x, 0.0), 0.0)
    for i in range(tensor.n_players):
        block = slice(tensor.offsets[i], tensor.offsets[i + 1])
        total = result[block].sum()
        if total <= 1e-9:
            result[block] = support[block]
            total = result[block].sum()
        result[block] /= total
    return result


def _best_outside(
    tensor: Tensor, x: NDArray[np.float64], values: NDArray[np.float64], support: NDArray[np.bool_]
) -> int:
    """Return the action outside the supports that gains most over its player's own, or -1."""
    best, largest = -1, _GAIN
    for i in range(tensor.n_players):
        start, end = tensor.offsets[i], tensor.offsets[i + 1]
        gains = values[start:end] - values[start:end] @ x[start:end]
        gains[support[start:end]] = -np.inf
        a = int(np.argmax(gains))
        if gains[a] > largest:
            best, largest = int(start) + a, float(gains[a])
    return best


def _mask(game: NormalFormGame, tensor: Tensor, supports: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    if len(supports) != game.n_players:
        raise GameError(f"supports must list the actions of each of {game.n_players} players, got {len(supports)}")
    mask = np.zeros(tensor.size, dtype=np.bool_)
    for i, (actions, count) in enumerate(zip(supports, game.n_actions)):
        chosen = np.asarray(actions, dtype=np.intp)
        if chosen.size == 0 or chosen.min() < 0 or chosen.max() >= count:
            raise GameError(f"supports[{i}] is {list(actions)}: name at least one action from 0 to {count - 1}")
        mask[tensor.offsets[i] + chosen] = True
    return mask
