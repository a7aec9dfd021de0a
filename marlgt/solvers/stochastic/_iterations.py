"""What the solvers of zero-sum stochastic games share: their door, when they stop, and what they hand back.

Let T be Shapley's operator and h the most steps that a play can be expected to take, 1 / (1 - discount) where the
discount is below 1. If ``|T V - V| <= e`` in every state, the value of the game is within ``e (h - 1)`` of T V, which
is the classical ``e discount / (1 - discount)``, and the policies that are optimal in the stage games of V guarantee
each player that much. The same holds for a sweep that reads the values that it has just written, because that
operator is monotone too and has the same fixed point. Stage games solved up to a gap d add ``d h``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts.stationary import longest_play, value_units
from marlgt.equilibria import Equilibrium
from marlgt.errors import NotConverged, UnsupportedGame
from marlgt.games._doors import nonnegative, require_stochastic_game, require_whole
from marlgt.games.stochastic import StochasticGame
from marlgt.policy_certificates import certified_policies, relative_policy_epsilon
from marlgt.progress import stopwatch
from marlgt.solvers.stochastic._stages import Stages, policies_of, shapley_sweep, stages_of

__all__ = ["Iteration", "finished", "open_iteration"]

_EPS = float(np.finfo(np.float64).eps)


@dataclass
class Iteration:
    """Where an iteration stands.

    Attributes
    ----------
    values : ndarray, shape (S,)
        What the states are worth to the first player, as far as known.
    residual, gap : float
        The largest change of a value in the last sweep, and the largest gap of its stage games.
    horizon : float
        The most discounted steps that a play can be expected to take.
    spread : float
        The range of the rewards.
    expected : float
        Predicted inner-loop steps of the whole call.
    """

    game: StochasticGame
    stages: Stages
    values: NDArray[np.float64]
    tolerance: float
    max_sweeps: int
    horizon: float
    spread: float
    expected: float
    watch: Callable[[], float]
    residual: float = np.inf
    gap: float = 0.0
    sweeps: int = 0
    pivots: int = 0
    trace: list[tuple[int, float]] = field(default_factory=list)

    def sweep(self, target: NDArray[np.float64] | None = None) -> None:
        """Apply Shapley's operator: to ``values`` state by state in place, or all at once into ``target``."""
        self.residual, self.gap, pivots = shapley_sweep(
            self.stages, self.values, self.values if target is None else target, self.expected
        )
        self.sweeps += 1
        self.pivots += pivots
        self.trace.append((self.sweeps, self.residual))

    @property
    def settled(self) -> bool:
        """Whether the residual proves the tolerance, or is down to rounding."""
        largest = max(float(np.abs(self.values).max()), self.spread)
        # The policies give away the bound on either side, and the certificate's own rounding needs room.
        return self.residual * (self.horizon - 1.0) <= 0.25 * self.tolerance * largest or (
            self.residual <= 8.0 * _EPS * largest
        )

    @property
    def exhausted(self) -> bool:
        """Whether no sweeps are left."""
        return self.sweeps >= self.max_sweeps


def open_iteration(
    game: StochasticGame, *, method: str, tolerance: float, max_sweeps: int, typical_sweeps: float
) -> Iteration:
    """Check the arguments and return an iteration that stands at values of 0."""
    watch = stopwatch()
    require_stochastic_game(game)
    if not game.is_zero_sum:
        way = (
            "plan_common_interest(game) plans games in which all players always get the same"
            if game.is_common_interest
            else "marlgt.solve(game) picks a method for general sums"
        )
        raise UnsupportedGame(
            f"{method} solves stochastic games of two players whose rewards sum to zero, and this game has "
            f"{game.n_players} players{' whose rewards do not' if game.n_players == 2 else ''}: {way}"
        )
    tolerance = nonnegative(tolerance, "tolerance")
    require_whole(max_sweeps, "max_sweeps", least=1)
    horizon = longest_play(game)
    stages = stages_of(game)
    spread = float(game.reward_range[0])
    return Iteration(
        game=game,
        stages=stages,
        values=np.zeros(game.n_states),
        tolerance=tolerance,
        max_sweeps=max_sweeps,
        horizon=horizon,
        spread=spread if spread > 0.0 else 1.0,
        expected=stages.work * min(float(max_sweeps), typical_sweeps),
        watch=watch,
    )


def finished(run: Iteration, *, method: str, work: Mapping[str, int] | None = None) -> Equilibrium:
    """Return the present policies with their certificate, or raise NotConverged with them."""
    trace = np.array(run.trace, dtype=np.float64).reshape(-1, 2)
    answer = certified_policies(
        run.game,
        policies_of(run.game, run.stages),
        method=method,
        work={"sweeps": run.sweeps, "pivots": run.pivots, **(work or {})},
        trace=trace,
    )
    worth = np.asarray(answer.state_values)
    # The bound holds for the iteration's values; the policies' own are as far from them as can be seen.
    bound = run.residual * (run.horizon - 1.0) + run.gap * run.horizon + float(np.abs(worth[0] - run.values).max())
    answer = replace(answer, error_bound=bound, seconds=run.watch())
    share = relative_policy_epsilon(run.game, answer)
    if share <= run.tolerance or (run.tolerance < 1e-12 and share <= 1e-12 and run.settled):
        return answer
    spent = f"after {run.sweeps} sweeps" if run.exhausted else "and its residual is down to rounding"
    stakes = float(value_units(run.game, worth)[0])
    way = "give it more sweeps with max_sweeps or"
    if not run.exhausted:
        way = f"over a play of {run.horizon:.0e} steps rounding adds up, so give a smaller discount or"
    raise NotConverged(
        f"{method} stands at a regret of {share:.1e} of what is at stake ({stakes:.3g}) {spent}: {way} a larger "
        f"tolerance than {run.tolerance:.1e}",
        best=answer,
    )
