"""Iterating over values of a stochastic game with a chosen stage equilibrium in each state.

A sweep chooses an equilibrium of every stage game and takes what it is worth for the new values. For general sums this
is no contraction, and it may go round in circles (Zinkevich, Greenwald and Littman 2005). Where the exact values of the
chosen policies are nearer to a fixed point than those of the sweep, the iteration goes on from them, which leaves the
fixed points as they are and takes tens of sweeps in place of hundreds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from marlgt.progress import progress, stopwatch
from marlgt.solvers.stochastic._stage_tables import Floats, StageTables

__all__ = ["CIRCLES", "EQUILIBRIUM", "FIXED", "LIMIT", "Sweeps", "sweep_to_equilibrium"]

EQUILIBRIUM, FIXED, CIRCLES, LIMIT = "equilibrium", "fixed", "circles", "limit"
"""Why sweeps ended: at an equilibrium chosen again, at values fixed without one, in a circle, or at a limit."""

_PAUSE = 8
_FIXED = 1e-13
_SAME = 1e-8
"""Change of the values, as a share of the largest, in a sweep that agrees with the policies before it."""
_DIGITS = 11
_PATIENCE = 40
_MOST_PATIENCE = 2000


@dataclass
class Sweeps:
    """What sweeps led to.

    Attributes
    ----------
    status : str
    count : int
        Sweeps.
    residual : float
        The largest change of a value in the last sweep.
    policy : ndarray
        The policies of the least gain in one step, of whatever shape they are chosen in.
    gain : float
    trace : list of tuple
        Sweeps, and the least gain until then.
    """

    status: str
    count: int
    residual: float
    policy: Floats
    gain: float
    trace: list[tuple[float, float]] = field(default_factory=list)


def sweep_to_equilibrium(
    tables: StageTables,
    choose: Callable[[Floats, Floats], tuple[Floats, Floats]],
    assess: Callable[[Floats], tuple[Floats, float]],
    start: Floats,
    *,
    polish: Callable[[Floats, Floats], Floats | None],
    tolerance: float,
    max_sweeps: int,
    time_limit: float | None,
    description: str,
) -> Sweeps:
    """Sweep until the policies chosen are an equilibrium, and are chosen again for its values.

    Parameters
    ----------
    choose : callable
        From worths (n, m, A_1, ..., A_n) and the policies before, policies and their values in the stage games.
    assess : callable
        From policies, their values in the whole game, shape (n, m), and the largest gain of one step.
    start : ndarray
        The policies whose values come first.
    polish : callable
        From policies and values, an equilibrium nearby with the same supports, or None.
    tolerance : float
        The largest gain in one step, as a share of the largest value.
    """
    elapsed = stopwatch()
    values, _ = assess(start)
    result = Sweeps(LIMIT, 0, math.inf, start, math.inf)
    policy, least, since, pause = start, math.inf, 0, 0
    swept: Floats | None = None
    candidate: Floats | None = None
    before = math.inf
    stood: set[tuple[int, bytes]] = set()
    discount = tables.game.discount
    half_life = math.log(2.0) / max(1e-6, -math.log(max(discount, 1e-6)))
    patience = _PATIENCE + min(_MOST_PATIENCE, math.ceil(2.0 * half_life))
    with progress(description) as report:
        for count in range(1, max_sweeps + 1):
            guess = policy
            policy, fresh = choose(tables.worths(values), guess)
            unit = max(1.0, float(np.abs(fresh).max()))
            residual = float(np.abs(fresh - values).max())
            result.count, result.residual = count, residual
            if candidate is not None and residual <= _SAME * unit:
                result.status, result.policy = EQUILIBRIUM, candidate
                return result
            candidate = None
            if residual < 0.5 * least:
                least, since = residual, count
                stood.clear()
            elif count - since > patience:
                result.status = CIRCLES
                return result
            if swept is None and residual > _SAME * unit:
                # With sweeps alone values and guess decide all, and they stood here since there was any progress.
                here = pause, np.round(values / unit, _DIGITS).tobytes() + np.round(guess, _DIGITS).tobytes()
                if here in stood:
                    result.status = CIRCLES
                    return result
                stood.add(here)
            if time_limit is not None and elapsed() > time_limit:
                return result
            if swept is not None and residual >= before:
                # The exact values led away: back to those of the sweep, and on with sweeps alone for a while.
                values, swept, pause = swept, None, _PAUSE
                continue
            exact, gain = assess(policy)
            polished = polish(policy, exact) if gain > tolerance * unit else None
            if polished is not None:
                exact_there, gain_there = assess(polished)
                if gain_there <= tolerance * unit:
                    policy, exact, gain = polished, exact_there, gain_there
            if gain < result.gain:
                result.policy, result.gain = policy, gain
            result.trace.append((float(count), result.gain))
            report(float(count), f"gain {result.gain:.1e}")
            if gain <= tolerance * unit:
                # An equilibrium of the game; the next sweep tells whether the rule of choice agrees with it.
                candidate, values, swept, before = policy, exact, fresh, max(residual, before)
                continue
            if residual <= _FIXED * unit:
                result.status = FIXED
                return result
            before = residual
            if pause:
                values, swept, pause = fresh, None, pause - 1
            else:
                values, swept = exact, fresh
    return result
