"""Logit quantal response equilibria, along the principal branch from even mixing to a Nash equilibrium.

The branch starts at lambda = 0 and is followed as a curve in (log-probabilities, lambda), so that it
may turn back in lambda; for almost every game it ends at one Nash equilibrium, the limiting logit
equilibrium. Lambda multiplies payoffs as they are given, for all players alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE, certified, relative_epsilon
from marlgt.concepts.deviations import values_and_regrets
from marlgt.concepts.quantal_response import checked_rationality, logit_residual
from marlgt.equilibria import Equilibrium
from marlgt.errors import NotConverged
from marlgt.games._doors import positive, require_game
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import gear
from marlgt.progress import progress, stopwatch
from marlgt.solvers._answers import certified_answer
from marlgt.solvers._logit_trace import CROSSED, FULL, PREDICTOR_ERROR, STALLED, fixed_rationality, trace
from marlgt.solvers._tensors import INTERPRETED, Tensor, check_positive, split, tensor_of
from marlgt.solvers.newton import refine, supports_of

__all__ = ["LogitPath", "LogitTrace", "logit", "logit_path", "nearby_equilibrium", "quantal_response"]

_SYSTEMS_EXPECTED = 200.0
_CHUNK = 3e8
_POINTS_PER_CALL = 256
_MOST_SYSTEMS = 20_000
_ALMOST_EVEN = 1e-3
"""Lambda times the payoff range up to which Newton's method needs no path: the response is a contraction."""
_NEVER = -1.0


@dataclass(frozen=True)
class LogitPath:
    """Points of the principal branch, in the order in which it is followed from lambda = 0.

    Attributes
    ----------
    rationality : ndarray, shape (T,)
        Lambda; it need not be increasing.
    profiles : tuple of n ndarrays, shapes (T, A_i)
        Each player's distribution at each point.
    values : ndarray, shape (T, n)
        Expected payoffs.
    regrets : ndarray, shape (T, n)
        Gains from the best deviation: how far each point is from a Nash equilibrium.
    complete : bool
        Whether the path reached the end asked for.
    """

    rationality: NDArray[np.float64]
    profiles: tuple[NDArray[np.float64], ...]
    values: NDArray[np.float64]
    regrets: NDArray[np.float64]
    complete: bool

    def __len__(self) -> int:
        return int(self.rationality.size)


class LogitTrace:
    """A path in progress: where it stands, and how to follow it further.

    Parameters
    ----------
    tensor : Tensor
        With one scale for all players.
    spread : ndarray, shape (n,)
        Each player's payoff range in the tensor's unit, one where it is zero.
    start : ndarray, shape (N,)
        The profile at lambda = 0, all entries positive; even mixing gives the principal branch.
    accept : float
        The largest last correction of a point; its error is about the square.
    """

    def __init__(
        self, tensor: Tensor, spread: NDArray[np.float64], start: NDArray[np.float64], *, accept: float = 1e-3
    ) -> None:
        self.tensor = tensor
        self.spread = spread
        self.log_prior = np.log(start)
        self.u = np.concatenate([self.log_prior, np.zeros(1)])
        self.accept = accept
        self._tangent = np.zeros(tensor.size + 1)
        self._control = np.array([0.05, np.inf, PREDICTOR_ERROR])
        self._counters = np.zeros(2, dtype=np.int64)
        self._points = np.empty((_POINTS_PER_CALL, tensor.size + 2))
        self._cost = tensor.jacobian_work + float(tensor.size + 1) ** 3
        self._chunk = max(1, int(_CHUNK / self._cost))

    @property
    def x(self) -> NDArray[np.float64]:
        """The stacked profile where the path stands."""
        return np.asarray(np.exp(self.u[:-1]))

    @property
    def systems(self) -> int:
        """Linear systems solved so far."""
        return int(self._counters[1])

    def follow(self, *, target: float = np.inf, stop_regret: float = _NEVER) -> tuple[int, NDArray[np.float64]]:
        """Go on for at most about a second; return why it stopped, and the points passed, shape (k, N + 2)."""
        work = self._cost * INTERPRETED * max(_SYSTEMS_EXPECTED, 2.0 * self.systems)
        status = gear(trace, work)(
            self.tensor.payoffs,
            self.tensor.counts,
            self.tensor.offsets,
            self.spread,
            self.log_prior,
            self.u,
            self._tangent,
            self._control,
            self._points,
            self._counters,
            target,
            stop_regret,
            self.accept,
            min(self._chunk, 250 + self.systems),
        )
        return int(status), self._points[: self._counters[0]].copy()

    def land(self, rationality: float) -> None:
        """Move to exactly this lambda nearby, to machine precision where the equations there are regular."""
        self.u[-1] = rationality
        before = self.u.copy()
        moved = gear(fixed_rationality, 10.0 * INTERPRETED * self._cost)(
            self.tensor.payoffs, self.tensor.counts, self.tensor.offsets, self.log_prior, self.u, 30
        )
        if not moved <= 1e-8:
            self.u[:] = before


def principal_branch(game: NormalFormGame, *, accept: float = 1e-3) -> LogitTrace:
    """Return the start of the path from even mixing."""
    tensor = tensor_of(game, common_scale=True)
    return LogitTrace(tensor, spread_of(game, tensor), tensor.uniform(), accept=accept)


def spread_of(game: NormalFormGame, tensor: Tensor) -> NDArray[np.float64]:
    """Return each player's payoff range in the unit of the tensor, one where it is zero."""
    spread = game.payoff_range / tensor.scale
    return np.where(spread > 0.0, spread, 1.0)


def _follow(
    path: LogitTrace, *, target: float, stop_regret: float, time_limit: float | None, description: str
) -> tuple[int, list[NDArray[np.float64]]]:
    """Follow the path until it stops or a limit is reached; return why, and the points passed, in pieces."""
    elapsed = stopwatch()
    pieces = []
    status = FULL
    with progress(description) as report:
        while status == FULL and path.systems < _MOST_SYSTEMS:
            status, points = path.follow(target=target, stop_regret=stop_regret)
            pieces.append(points)
            report(float(path.systems), f"lambda {path.u[-1] / path.tensor.scale.max():.3g}")
            if time_limit is not None and elapsed() > time_limit:
                break
    return status, pieces


def quantal_response(game: NormalFormGame, rationality: float, *, time_limit: float | None = None) -> Equilibrium:
    """Return the logit quantal response equilibrium on the principal branch at one lambda.

    Where the branch passes a lambda several times, it is the first passing. Other branches, and so
    other quantal response equilibria, may exist at the same lambda.

    Parameters
    ----------
    game : NormalFormGame
    rationality : float
        The precision lambda, in one over the unit of the payoffs; at 0 all mix evenly.
    time_limit : float, optional
        Wall seconds.

    Returns
    -------
    Equilibrium
        With concept ``"qre"``; its ``regrets`` are not gains but fixed-point residuals: the largest
        distance, in probability, between each player's strategy and the logit answer to the others.

    Raises
    ------
    GameError
        If the rationality is negative or not finite.
    NotConverged
        If the branch cannot be followed that far.

    Examples
    --------
    Asymmetric matching pennies: the row player's own payoff of 9 moves the row player.

    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[9, 0], [0, 1]], [[0, 1], [1, 0]])
    >>> print(gt.solvers.quantal_response(g, 1.0).profile[0].round(6))
    [0.893576 0.106424]

    References
    ----------
    R. D. McKelvey and T. R. Palfrey (1995). Quantal response equilibria for normal form games.
    Games and Economic Behavior 10(1), 6-38.

    T. L. Turocy (2005). A dynamic homotopy interpretation of the logistic quantal response
    equilibrium correspondence. Games and Economic Behavior 51(2), 243-263.
    """
    require_game(game)
    elapsed = stopwatch()
    rationality = checked_rationality(rationality)
    check_positive(time_limit=time_limit)
    path = principal_branch(game)
    target = rationality * float(path.tensor.scale.max())
    status = CROSSED
    passed: list[NDArray[np.float64]] = []
    if target > _ALMOST_EVEN:
        status, passed = _follow(
            path, target=target, stop_regret=_NEVER, time_limit=time_limit, description="quantal response"
        )
    reached = float(path.u[-1]) / float(path.tensor.scale.max())
    path.land(target)
    profile = split(path.x, path.tensor.offsets)
    answer = replace(
        certified(game, profile, method="quantal_response", work=_work(path, passed), concept="qre"),
        regrets=logit_residual(game, profile, rationality),
        exact=False,
        exact_profile=None,
        seconds=elapsed(),
    )
    if status != CROSSED or answer.epsilon > max(TOLERANCE, 1e-15 * target):
        raise NotConverged(
            f"the principal branch was followed to rationality {reached:.6g}, and {rationality:.6g} was not reached "
            f"within {answer.epsilon:.3g}: ask for less, or use marlgt.solvers.logit for the limit",
            best=answer,
        )
    return answer


def logit_path(
    game: NormalFormGame,
    *,
    until: float | None = None,
    regret: float = 1e-6,
    time_limit: float | None = None,
) -> LogitPath:
    """Return the principal branch as points for a plot, close where it bends and far apart where it is straight.

    Parameters
    ----------
    game : NormalFormGame
    until : float, optional
        Stop at this lambda; without it only the regret stops the path.
    regret : float
        Stop where no player gains more than this share of the payoff range by deviating.
    time_limit : float, optional
        Wall seconds; a path cut short has ``complete=False``.

    Raises
    ------
    GameError
        If a limit is not positive.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    >>> path = gt.solvers.logit_path(g, until=4.0)
    >>> float(path.rationality[-1]), bool((path.profiles[0][:, 1] >= 0.5 - 1e-12).all())
    (4.0, True)
    """
    require_game(game)
    check_positive(until=until, regret=regret, time_limit=time_limit)
    path = principal_branch(game, accept=1e-6)
    unit = float(path.tensor.scale.max())
    target = np.inf if until is None else until * unit
    status, passed = _follow(path, target=target, stop_regret=regret, time_limit=time_limit, description="logit path")
    start = np.concatenate([path.log_prior, np.zeros(1)])
    points = np.concatenate([start[None, :], *(p[:, :-1] for p in passed)])
    if status == CROSSED:
        path.land(target)
        points[-1] = path.u
    stacked = np.exp(points[:, :-1])
    offsets = path.tensor.offsets
    profiles = []
    for i in range(game.n_players):
        part = stacked[:, offsets[i] : offsets[i + 1]]
        profiles.append(part / part.sum(axis=1, keepdims=True))
    facts = [values_and_regrets(game.payoffs, [p[k] for p in profiles]) for k in range(len(points))]
    rationality = points[:, -1] / unit
    if status == CROSSED and until is not None:
        rationality[-1] = until
    return LogitPath(
        rationality=rationality,
        profiles=tuple(profiles),
        values=np.array([v for v, _ in facts]),
        regrets=np.maximum(np.array([r for _, r in facts]), 0.0),
        complete=status not in (FULL, STALLED),
    )


def logit(game: NormalFormGame, *, tolerance: float = 1e-8, time_limit: float | None = None) -> Equilibrium:
    """Return the limiting logit equilibrium: the Nash equilibrium at the end of the principal branch.

    The path is followed until no player's regret exceeds ``tolerance`` times the payoff range, and
    Newton's method on the support found there gives the limit to machine precision.

    Parameters
    ----------
    game : NormalFormGame
    tolerance : float
    time_limit : float, optional
        Wall seconds.

    Raises
    ------
    NotConverged
        If the path stalls, as it may at a bifurcation of a degenerate game, or does not end in time.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[9, 0], [0, 1]], [[0, 1], [1, 0]])
    >>> print(gt.solvers.logit(g).profile)
    (array([0.5, 0.5]), array([0.1, 0.9]))

    References
    ----------
    As for :func:`quantal_response`.
    """
    require_game(game)
    positive(tolerance, "tolerance")
    check_positive(time_limit=time_limit)
    elapsed = stopwatch()
    path = principal_branch(game)
    pieces: list[NDArray[np.float64]] = []
    stop_regret = tolerance
    while True:
        status, passed = _follow(
            path, target=np.inf, stop_regret=stop_regret, time_limit=time_limit, description="logit path"
        )
        pieces += passed
        work = _work(path, pieces)
        found = nearby_equilibrium(game, path.x)
        for candidate in (found, path.x):
            if candidate is not None:
                answer = certified_answer(
                    game, path.tensor.offsets, candidate, method="logit", work=work, seconds=elapsed()
                )
                if answer is not None:
                    return answer
        if status in (FULL, STALLED):
            best = certified(game, split(path.x, path.tensor.offsets), method="logit", work=work, seconds=elapsed())
            raise NotConverged(
                f"the logit path stopped at rationality {path.u[-1] / path.tensor.scale.max():.3g} with a relative "
                f"regret of {relative_epsilon(game, best):.3g}: use marlgt.solvers.find_one, or allow more time",
                best=best,
            )
        stop_regret *= 0.1


def _work(path: LogitTrace, pieces: list[NDArray[np.float64]]) -> dict[str, int]:
    return {"points": sum(map(len, pieces)), "systems": path.systems}


def nearby_equilibrium(game: NormalFormGame, x: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the equilibrium that Newton's method reaches from x, if no probability moves by more than 1e-3."""
    tensor = tensor_of(game)
    tried = set()
    for share in (1e-2, 1e-4, 1e-7, 1e-12):
        support = supports_of(tensor, x, share=share)
        if support.tobytes() in tried:
            continue
        tried.add(support.tobytes())
        found, _ = refine(tensor, x, support, support_changes=1)
        if found is not None and np.abs(found - x).max() <= 1e-3:
            return found
    return None
