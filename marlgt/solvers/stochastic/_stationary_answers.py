"""From policies in all states to a certified answer of a stochastic game."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from marlgt.certificates import TOLERANCE
from marlgt.concepts.stationary import require_discounting
from marlgt.concepts.stationary_correlated import correlated_worth
from marlgt.equilibria import Equilibrium
from marlgt.games._doors import positive, require_stochastic_game, require_whole
from marlgt.games.stochastic import StationaryProfile, StochasticGame
from marlgt.policy_certificates import certified_policies, relative_policy_epsilon
from marlgt.solvers._tensors import check_positive
from marlgt.solvers.stochastic._quantal_trace import QuantalTrace
from marlgt.solvers.stochastic._stage_tables import Floats, StageTables
from marlgt.solvers.stochastic._stationary_newton import is_balanced, refined, supports_above

__all__ = ["accepted", "certified_joint", "near_end", "opened", "with_trace"]

_SHARES = (1e-2, 1e-3, 1e-4, 1e-6, 1e-9)


def opened(game: StochasticGame, tolerance: float, max_sweeps: int, time_limit: float | None) -> None:
    """Check the arguments that all iterations share."""
    require_stochastic_game(game)
    positive(tolerance, "tolerance")
    check_positive(time_limit=time_limit)
    require_whole(max_sweeps, "max_sweeps", least=1)
    require_discounting(game)


def accepted(
    game: StochasticGame,
    profile: StationaryProfile,
    *,
    method: str,
    work: Mapping[str, int],
    seconds: float,
    trace: Sequence[tuple[float, float]] = (),
) -> Equilibrium | None:
    """Return the policies with their certificate, or None if it does not hold."""
    answer = certified_policies(game, profile, method=method, work=dict(work), seconds=seconds, trace=with_trace(trace))
    return answer if relative_policy_epsilon(game, answer) <= TOLERANCE else None


def certified_joint(
    game: StochasticGame,
    joint: Floats,
    *,
    method: str,
    work: Mapping[str, int],
    seconds: float,
    error_bound: float | None = None,
    trace: Sequence[tuple[float, float]] = (),
) -> Equilibrium:
    """Return joint policies of shape (S, A_1, ..., A_n) as a correlated answer, its certificate computed here.

    The regrets are the exact gains of the best disobedience, over the states that can be reached.
    """
    values, regrets, by_state = correlated_worth(game, joint)
    arrays = np.array(joint, dtype=np.float64), values, regrets, by_state
    for array in arrays:
        array.flags.writeable = False
    return Equilibrium(
        concept="correlated",
        profile=None,
        joint=arrays[0],
        values=arrays[1],
        regrets=arrays[2],
        exact=False,
        method=method,
        work=dict(work),
        seconds=seconds,
        state_values=arrays[3],
        error_bound=error_bound,
        trace=with_trace(trace),
    )


def with_trace(trace: Sequence[tuple[float, float]]) -> Floats | None:
    """Return iterations and gaps as an array of shape (k, 2), or None for none."""
    return np.array(trace, dtype=np.float64) if len(trace) else None


def near_end(
    tables: StageTables, path: QuantalTrace, *, thorough: bool = False, support_changes: int = 4
) -> list[Floats]:
    """Return what Newton's method finds from a point near the end of a path, at most one answer.

    Parameters
    ----------
    thorough : bool
        Try supports, too, that are an equilibrium's only in degenerate games.
    """
    x, tried = path.x, set()
    for share in _SHARES:
        support = supports_above(tables, x, share)
        key = support.tobytes()
        if key in tried or not (thorough or is_balanced(tables, support)):
            continue
        tried.add(key)
        found = refined(tables, x, path.values, support, support_changes=support_changes)
        if found is not None:
            return [found]
    return []
