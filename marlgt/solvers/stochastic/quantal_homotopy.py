"""Markov logit equilibria of a stochastic game, from even mixing to a stationary equilibrium.

In a Markov logit equilibrium with precision lambda every player chooses, in every state, action a with a probability
proportional to ``exp(lambda d_i(s, a))``, where d_i(s, a) is what a earns against the others' policies with all that
follows. At lambda = 0 all mix evenly, and for almost every game a path leads from there to lambda = infinity, whose
limit is a stationary (Markov perfect) equilibrium. Lambda may turn back on the way, so the path is followed as a curve.
Unlike the iteration of stage equilibria it cannot cycle.

References
----------
Eibelshauser, S. and Poensgen, D. (2019). Markov quantal response equilibrium and a homotopy method for computing and
selecting Markov perfect equilibria of dynamic stochastic games. SSRN 3314404.
Turocy, T. L. (2005). A dynamic homotopy interpretation of the logistic quantal response equilibrium correspondence.
Games and Economic Behavior 51, 243-263.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts.quantal_response import checked_rationality
from marlgt.concepts.stationary import require_discounting
from marlgt.equilibria import Equilibrium
from marlgt.errors import NotConverged
from marlgt.games._doors import positive, require_stochastic_game
from marlgt.games.stochastic import StochasticGame
from marlgt.policy_certificates import certified_policies
from marlgt.progress import progress, stopwatch
from marlgt.solvers._tensors import check_positive
from marlgt.solvers.stochastic._quantal_trace import CROSSED, FULL, STALLED, QuantalTrace
from marlgt.solvers.stochastic._stage_tables import StageTables, stage_tables
from marlgt.solvers.stochastic._stationary_answers import accepted, near_end, with_trace

__all__ = ["markov_logit", "markov_quantal_response"]

_STEPS = 0.01
"""The first correction to aim at. At 0.1 one of 110 random games ended elsewhere than at 0.001, at 0.01 none did."""
_CHUNK = 20
_MOST_SYSTEMS = 20_000
_RESIDUAL = 1e-9
_NEAR = 1e-3
_ALMOST_EVEN = 1e-6
"""Lambda times the unit of the rewards up to which Newton's method needs no path."""


def markov_logit(game: StochasticGame, *, tolerance: float = 1e-6, time_limit: float | None = None) -> Equilibrium:
    """Return the stationary equilibrium at the end of the principal branch of Markov logit equilibria.

    The branch is followed until no action gains more than ``tolerance`` in one step, in units of the largest range of
    a player's rewards; Newton's method on the supports found there gives the limit to rounding.

    Parameters
    ----------
    game : StochasticGame
        Any number of players; discounted, or sure to end.
    tolerance : float
        Where the path is first left for Newton's method; if that fails, the path is followed further.
    time_limit : float, optional
        Wall seconds.

    Returns
    -------
    Equilibrium
        An equilibrium from every state, also from those that cannot be reached. ``trace`` holds linear systems solved
        and the largest gain of one step.

    Raises
    ------
    GameError
        If a limit is not positive.
    UnsupportedGame
        If the game is not discounted and may go on for ever.
    NotConverged
        If the path stalls, as it may at a bifurcation of a degenerate game, or does not end in time; ``best`` holds
        the policies where it stopped.

    Examples
    --------
    >>> import marlgt as gt
    >>> pennies = gt.games.StochasticGame.repeated(
    ...     gt.NormalFormGame.bimatrix([[9, 0], [0, 1]], [[0, 1], [1, 0]]), discount=0.9
    ... )
    >>> e = markov_logit(pennies)
    >>> e.profile[0].round(6).tolist(), e.profile[1].round(6).tolist()
    ([[0.5, 0.5]], [[0.1, 0.9]])

    References
    ----------
    As for the module.
    """
    require_stochastic_game(game)
    positive(tolerance, "tolerance")
    check_positive(time_limit=time_limit)
    require_discounting(game)
    elapsed = stopwatch()
    tables = stage_tables(game, common_scale=True)
    path = QuantalTrace(tables, tables.uniform(), aim=_STEPS)
    trace: list[tuple[float, float]] = []
    stop_gain = tolerance
    while True:
        status = _follow(path, trace, stop_gain=stop_gain, time_limit=time_limit)
        ended = status in (FULL, STALLED)
        work = {"systems": path.systems}
        nearby = [x for x in near_end(tables, path, thorough=True) if np.abs(x - path.x).max() <= _NEAR]
        for x in (*nearby, path.x):
            answer = accepted(game, tables.profile(x), method="markov_logit", work=work, seconds=elapsed(), trace=trace)
            if answer is not None:
                return answer
        if ended:
            best = _stopped(game, tables, path, trace, method="markov_logit", seconds=elapsed())
            raise NotConverged(
                f"the path of Markov logit equilibria stopped at rationality {path.rationality / tables.scale[0]:.3g} "
                f"with a largest gain of {best.epsilon:.3g}: use marlgt.solvers.stationary_equilibrium, which tries "
                "other starts, or allow more time",
                best=best,
            )
        stop_gain *= 0.1


def markov_quantal_response(
    game: StochasticGame, rationality: float, *, time_limit: float | None = None
) -> Equilibrium:
    """Return the Markov logit equilibrium on the principal branch at one lambda.

    Where the branch passes a lambda several times, it is the first passing.

    Parameters
    ----------
    game : StochasticGame
    rationality : float
        The precision lambda, in one over the unit of the rewards; at 0 all mix evenly.
    time_limit : float, optional
        Wall seconds.

    Returns
    -------
    Equilibrium
        With concept ``"qre"``; its ``regrets`` are not gains but the largest distance, in probability, between each
        player's policy and the logit answer to the others.

    Raises
    ------
    GameError
        If the rationality is negative or not finite.
    UnsupportedGame
        If the game is not discounted and may go on for ever.
    NotConverged
        If the branch cannot be followed that far.

    Examples
    --------
    >>> import marlgt as gt
    >>> pennies = gt.NormalFormGame.bimatrix([[9, 0], [0, 1]], [[0, 1], [1, 0]])
    >>> e = markov_quantal_response(gt.games.StochasticGame.repeated(pennies, discount=0.5), 1.0)
    >>> e.profile[0].round(6).tolist()
    [[0.893576, 0.106424]]

    References
    ----------
    As for the module.
    """
    require_stochastic_game(game)
    rationality = checked_rationality(rationality)
    check_positive(time_limit=time_limit)
    require_discounting(game)
    elapsed = stopwatch()
    tables = stage_tables(game, common_scale=True)
    path = QuantalTrace(tables, tables.uniform(), aim=_STEPS)
    target = rationality * float(tables.scale[0])
    trace: list[tuple[float, float]] = []
    status = CROSSED
    if target > _ALMOST_EVEN:
        status = _follow(path, trace, target=target, time_limit=time_limit)
    reached = path.rationality / float(tables.scale[0])
    landed = path.land(target) if status == CROSSED else False
    residual = _residuals(tables, path)
    answer = replace(
        _stopped(game, tables, path, trace, method="markov_quantal_response", seconds=elapsed()),
        concept="qre",
        regrets=residual,
    )
    if not landed or answer.epsilon > max(_RESIDUAL, 1e-14 * target):
        raise NotConverged(
            f"the branch was followed to rationality {reached:.6g}, and {rationality:.6g} was not reached within "
            f"{answer.epsilon:.3g}: ask for less, or use marlgt.solvers.markov_logit for the limit",
            best=answer,
        )
    return answer


def _follow(
    path: QuantalTrace,
    trace: list[tuple[float, float]],
    *,
    target: float = np.inf,
    stop_gain: float = -1.0,
    time_limit: float | None,
) -> int:
    """Follow the path until it stops or a limit is reached; return why, and note on the way how far it came."""
    elapsed = stopwatch()
    with progress("Markov logit path") as report:
        while path.systems < _MOST_SYSTEMS:
            status = path.follow(target=target, stop_gain=stop_gain, systems=_CHUNK)
            trace.append((float(path.systems), path.gain))
            report(float(path.systems), f"gain {path.gain:.1e}")
            if status != FULL or (time_limit is not None and elapsed() > time_limit):
                return status
    return FULL


def _residuals(tables: StageTables, path: QuantalTrace) -> NDArray[np.float64]:
    """Return each player's largest distance from the logit answer to the others' policies, shape (n,)."""
    x = path.x
    values = tables.evaluate(x)
    _, earned = tables.pairwise(x, tables.worths(values))
    distances = np.zeros(tables.n_players)
    for i in range(tables.n_players):
        block = tables.block(i)
        exponent = np.where(tables.legal[:, block], path.rationality * earned[:, block], -np.inf)
        answer = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        answer /= answer.sum(axis=1, keepdims=True)
        distances[i] = np.abs(answer - x[:, block]).max()
    return distances


def _stopped(
    game: StochasticGame,
    tables: StageTables,
    path: QuantalTrace,
    trace: list[tuple[float, float]],
    *,
    method: str,
    seconds: float,
) -> Equilibrium:
    return certified_policies(
        game,
        tables.profile(path.x),
        method=method,
        work={"systems": path.systems},
        seconds=seconds,
        trace=with_trace(trace),
    )
