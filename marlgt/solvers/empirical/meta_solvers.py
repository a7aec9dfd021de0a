"""Meta-solvers: what the players of an empirical game should mix, given the payoffs of the strategies so far.

A meta-solver is any function from a NormalFormGame to an :class:`~marlgt.Equilibrium` with a profile or a joint
distribution; it need not be an equilibrium, its regrets say. Projected replicator dynamics (Lanctot et al. 2017)
are the discrete replicator equation with every strategy kept alive::

    x_i  <-  P( x_i + dt x_i (u_i(., x_-i) - u_i(x)) ),

where P is the Euclidean projection onto the distributions with all entries at least ``floor``; the answer is the
average over time.

References
----------
Lanctot, M. et al. (2017). A unified game-theoretic approach to multiagent reinforcement learning. NeurIPS 30.
Muller, P. et al. (2020). A generalized training approach for multiagent learning. ICLR.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import certified
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import require_game, require_whole
from marlgt.games._profiles import checked_profile
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import gear, kernel
from marlgt.progress import progress, stopwatch
from marlgt.solvers.empirical.alpharank import alpha_rank

__all__ = ["alpha_rank_meta", "nash_meta", "projected_replicator_dynamics", "uniform_meta"]

_CHUNK = 30_000_000
_CHUNK_INTERPRETED = 2_000_000


def nash_meta(game: NormalFormGame) -> Equilibrium:
    """Return a Nash equilibrium: a minimax pair of a two-player constant-sum game, else the first one found.

    Examples
    --------
    >>> import marlgt as gt
    >>> nash_meta(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])).profile[0].tolist()
    [0.5, 0.5]
    """
    from marlgt.games.structure import is_constant_sum

    require_game(game)
    if game.n_players == 2 and is_constant_sum(game):
        from marlgt.solvers.matrix_game import minimax

        return minimax(game)
    from marlgt.solvers.portfolio import find_one

    return find_one(game)


def uniform_meta(game: NormalFormGame) -> Equilibrium:
    """Return the profile in which everyone mixes all strategies alike: with it, PSRO is fictitious play."""
    clock = stopwatch()
    require_game(game)
    return certified(game, _uniform(game), method="uniform_meta", seconds=clock())


def alpha_rank_meta(game: NormalFormGame, *, alpha: float = 100.0, population_size: int = 50) -> Equilibrium:
    """Return each player's share of strategies in the stationary distribution of alpha-rank (Muller et al. 2020).

    Parameters
    ----------
    game : NormalFormGame
    alpha, population_size
        As in :func:`alpha_rank`.
    """
    clock = stopwatch()
    found = alpha_rank(game, alpha=alpha, population_size=population_size)
    profile = [np.array(own) for own in found.marginals]
    return certified(game, profile, method="alpha_rank_meta", seconds=clock())


def projected_replicator_dynamics(
    game: NormalFormGame,
    *,
    steps: int = 100_000,
    step_size: float = 1e-3,
    floor: float = 1e-6,
    start: Sequence[Any] | None = None,
) -> Equilibrium:
    """Return the average over time of replicator dynamics that keep every strategy alive.

    Parameters
    ----------
    game : NormalFormGame
    steps : int
    step_size : float
        The time ``dt`` of one step, per unit of payoff.
    floor : float
        The least probability of a strategy, at most 1 over the largest number of strategies.
    start : sequence of n array_like, optional
        The profile to begin with, by default the uniform one.

    Returns
    -------
    Equilibrium
        With the average profile, the start included, and its regrets: it need not be an equilibrium.

    Raises
    ------
    GameError
        For parameters out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> found = projected_replicator_dynamics(gt.games.prisoners_dilemma(), steps=2000, step_size=0.1)
    >>> found.profile[0].round(2).tolist()
    [0.0, 1.0]
    """
    clock = stopwatch()
    require_game(game)
    require_whole(steps, "steps", least=1)
    least = _positive(floor, "floor", zero=True)
    if least * max(game.n_actions) > 1.0:
        raise GameError(f"floor is {least:g}: it can be at most 1/{max(game.n_actions)}, shared by all strategies")
    rate = _positive(step_size, "step_size")
    profile = _uniform(game) if start is None else list(checked_profile(game, start))
    counts = np.array(game.n_actions, dtype=np.int64)
    point = np.concatenate(profile).astype(np.float64)
    total = point.copy()
    payoffs = np.ascontiguousarray(game.payoffs.reshape(game.n_players, -1))
    worths = np.zeros_like(point)
    cost = 10.0 * payoffs.size * game.n_players + 25.0 * point.size
    run = gear(replicator_steps, steps * cost)
    chunk = max(1, int((_CHUNK_INTERPRETED if run is replicator_steps else _CHUNK) / cost))
    digits = np.zeros(game.n_players, dtype=np.int64)
    with progress("projected replicator dynamics", total=steps) as report:
        for done in range(0, steps, chunk):
            run(payoffs, counts, point, total, worths, digits, rate, least, min(chunk, steps - done))
            report(done + chunk, "")
    total /= steps + 1
    average = [own / own.sum() for own in np.split(total, np.cumsum(counts)[:-1])]
    method = "projected_replicator_dynamics"
    return certified(game, average, method=method, work={"steps": steps}, seconds=clock())


def _uniform(game: NormalFormGame) -> list[NDArray[np.float64]]:
    return [np.full(count, 1.0 / count) for count in game.n_actions]


def _positive(value: Any, name: str, *, zero: bool = False) -> float:
    number, _ = exact_and_float(value, name)
    if number.shape != () or number < 0 or (number == 0 and not zero):
        raise GameError(f"{name} is {short(value)}: give a positive number")
    return float(number)


@kernel
def replicator_steps(
    payoffs: NDArray[np.float64],
    counts: NDArray[np.int64],
    point: NDArray[np.float64],
    total: NDArray[np.float64],
    worths: NDArray[np.float64],
    digits: NDArray[np.int64],
    rate: float,
    floor: float,
    steps: int,
) -> None:
    """Make some steps from a stacked profile, adding each to ``total``."""
    n = counts.shape[0]
    for _ in range(steps):
        for k in range(point.shape[0]):
            worths[k] = 0.0
        for i in range(n):
            digits[i] = 0
        for cell in range(payoffs.shape[1]):
            place = 0
            for i in range(n):
                weight = 1.0
                other = 0
                for j in range(n):
                    if j != i:
                        weight *= point[other + digits[j]]
                    other += counts[j]
                worths[place + digits[i]] += weight * payoffs[i, cell]
                place += counts[i]
            for i in range(n - 1, -1, -1):
                digits[i] += 1
                if digits[i] < counts[i]:
                    break
                digits[i] = 0
        first = 0
        for i in range(n):
            last = first + counts[i]
            value = 0.0
            for k in range(first, last):
                value += point[k] * worths[k]
            for k in range(first, last):
                point[k] += rate * point[k] * (worths[k] - value)
            lift_onto_simplex(point, first, last, floor)
            for k in range(first, last):
                total[k] += point[k]
            first = last


@kernel
def lift_onto_simplex(point: NDArray[np.float64], first: int, last: int, floor: float) -> None:
    """Replace entries by the nearest distribution whose entries are at least ``floor``."""
    # The same is subtracted from all entries but those that it sends to the floor: the more go there, the more it is.
    count = last - first
    mass = 0.0
    for k in range(first, last):
        mass += point[k]
    shift = (mass - 1.0) / count
    for _ in range(count):
        above = 0
        mass = 0.0
        for k in range(first, last):
            if point[k] - shift > floor:
                above += 1
                mass += point[k]
        if above == 0:
            break
        more = (mass - 1.0 + (count - above) * floor) / above
        if more <= shift:
            break
        shift = more
    for k in range(first, last):
        point[k] = max(point[k] - shift, floor)
