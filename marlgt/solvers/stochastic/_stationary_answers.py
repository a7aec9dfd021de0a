"""From policies in all states to a certified answer of a stochastic game."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from marlgt.certificates import TOLERANCE
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.stochastic import StationaryProfile, StochasticGame
from marlgt.policy_certificates import certified_policies, relative_policy_epsilon
from marlgt.solvers.stochastic._quantal_trace import QuantalTrace
from marlgt.solvers.stochastic._stage_tables import Floats, StageTables
from marlgt.solvers.stochastic._stationary_newton import is_balanced, refined, supports_above

__all__ = ["accepted", "near_end", "require_stochastic", "with_trace"]

_SHARES = (1e-2, 1e-3, 1e-4, 1e-6, 1e-9)


def require_stochastic(game: object) -> None:
    """Raise GameError unless the argument is a StochasticGame."""
    if not isinstance(game, StochasticGame):
        raise GameError(f"game is {short(game)}: give a StochasticGame")


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
