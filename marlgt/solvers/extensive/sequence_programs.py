"""Two-player constant-sum extensive games as linear programs over realization plans.

Against a plan x of the first player, the second one's best reply solves ``min y'(A'x)  s.t.  F y = f, y >= 0``, whose
dual turns the maximin into one linear program of the size of the tree (Koller, Megiddo and von Stengel 1994;
von Stengel 1996):

    max f'q   s.t.   E x = e,   F'q - A'x <= 0,   x >= 0,

and the multipliers of the inequalities are an optimal plan y of the second player.

References
----------
Koller, D., Megiddo, N. and von Stengel, B. (1994). Fast algorithms for finding randomized strategies in game
trees. Proceedings of the 26th ACM Symposium on Theory of Computing, 750-759.
von Stengel, B. (1996). Efficient computation of behavior strategies. Games and Economic Behavior 14, 220-246.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE
from marlgt.equilibria import Equilibrium
from marlgt.errors import ExactnessError, NotConverged, UnsupportedGame
from marlgt.games._doors import nonnegative, require_extensive_game, require_flag
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.sequence_form import SequenceForm
from marlgt.linear_programs import LinearProgramResult, compressed_rows, solve_linear_program
from marlgt.policy_certificates import certified_policies, relative_policy_epsilon
from marlgt.progress import stopwatch
from marlgt.solvers.extensive._exact_plans import constraint_rows, integer_payoffs, proven
from marlgt.sparse_rational import solve_sparse

__all__ = ["sequence_form_lp"]

_EXACT_SEQUENCES = 2500
"""Sequences of both players up to which an exact answer is tried unasked."""

_EXACT_STEPS = 3_000_000
"""Additions of integers after which it is given up unasked."""


def sequence_form_lp(game: ExtensiveGame, *, exact: bool | None = None, tolerance: float = TOLERANCE) -> Equilibrium:
    """Return optimal behaviour policies of a two-player constant-sum extensive game, by linear programming.

    They are a Nash equilibrium and guarantee each player the value of the game; they need not be optimal where the
    other has already erred. HiGHS solves the program; an exact game's last basis is solved again in fractions,
    and the answer is exact where these prove it.

    Parameters
    ----------
    game : ExtensiveGame
        Two players with perfect recall, the sum of payoffs constant.
    exact : bool, optional
        Whether to look for an exact answer; without it, in exact games with at most 2500 sequences.
    tolerance : float
        Largest regret to accept, as a share of the payoff range.

    Returns
    -------
    Equilibrium
        ``values[0]`` is the value of the game to the first player.

    Raises
    ------
    UnsupportedGame
        If the game has not two players, is not constant-sum, or a player forgets.
    ExactnessError
        If an exact answer is asked of a game that holds floats.
    NotConverged
        If a regret exceeds the tolerance, or no exact answer was proven though asked for; it carries the answer.

    Examples
    --------
    >>> import marlgt as gt
    >>> answer = gt.solvers.sequence_form_lp(gt.games.kuhn_poker())
    >>> round(float(answer.values[0]), 9), answer.epsilon, answer.exact
    (-0.055555556, 0.0, True)
    """
    clock = stopwatch()
    require_extensive_game(game)
    if exact is not None:
        require_flag(exact, "exact")
    tolerance = nonnegative(tolerance, "tolerance")
    if game.n_players != 2 or not game.is_constant_sum:
        what = f"has {game.n_players} players" if game.n_players != 2 else "is not constant-sum"
        other = "cfr_plus" if game.n_players != 2 else "sequence_form_lcp"
        raise UnsupportedGame(
            f"sequence_form_lp takes two-player constant-sum games and this one {what}: use marlgt.solvers.{other}"
        )
    if exact and not game.is_exact:
        raise ExactnessError("the game holds floats, which have no agreed exact value: call game.rationalize() first")
    form = game.sequence_form
    work = {"sequences": sum(own.n_sequences for own in form.players)}
    tried = exact or (exact is None and game.is_exact and work["sequences"] <= _EXACT_SEQUENCES)
    result = _solved(form, game, 0, basis=tried)
    if tried:
        plans = _exact_plans(game, result, max_steps=None if exact else _EXACT_STEPS)
        answer = plans and proven(game, plans, method="sequence_form_lp", work=work, seconds=clock())
        if answer:
            return answer
    best = _in_floats(game, result, tolerance, work, clock)
    # A float payoff of magnitude M is itself known only to about eps M.
    rounding = 8.0 * float(np.finfo(np.float64).eps) * float(np.abs(game.terminal_payoffs).max())
    if exact:
        raise NotConverged(
            f"no exact answer was proven, only one with a regret of {best.epsilon:.1e}: use exact=False", best=best
        )
    if relative_policy_epsilon(game, best) > tolerance and best.epsilon > rounding:
        raise NotConverged(
            f"sequence_form_lp stopped at a regret of {best.epsilon:.1e}, above {tolerance:.0e} of the payoff range: "
            "use marlgt.solvers.predictive_cfr_plus, or a larger tolerance",
            best=best,
        )
    return best


def _in_floats(
    game: ExtensiveGame,
    result: LinearProgramResult,
    tolerance: float,
    work: dict[str, int],
    clock: Callable[[], float],
) -> Equilibrium:
    """Return the best pair of policies from the program and, if need be, from the other player's program."""
    form = game.sequence_form

    def certified(x: NDArray[np.float64], y: NDArray[np.float64]) -> Equilibrium:
        profile = form.behavior_profile((x, y))
        return certified_policies(game, profile, method="sequence_form_lp", work=work, seconds=clock())

    x, y = _plans(form, result, 0)
    best = certified(x, y)
    if relative_policy_epsilon(game, best) <= tolerance:
        return best
    # Multipliers are known to the tolerance of HiGHS only: solve for the second player's plan itself.
    other_y, other_x = _plans(form, _solved(form, game, 1, basis=False), 1)
    pairs = ((x, other_y), (other_x, y), (other_x, other_y))
    return min([best, *(certified(*pair) for pair in pairs)], key=lambda e: e.epsilon)


def _solved(form: SequenceForm, game: ExtensiveGame, player: int, *, basis: bool) -> LinearProgramResult:
    """Solve the program of a player's plan; the variables are her plan and the other's values q."""
    own, other = form.players[player], form.players[1 - player]
    low = float(game.terminal_payoffs[player].min())
    spread = float(game.payoff_range[player]) or 1.0
    shape = (own.n_sequences, other.n_sequences)
    worth = (form.payoffs[player] - low * form.reach) / spread
    # [[E, 0], [-A', F']]; scipy.sparse would take longer to import than small programs to solve.
    n_equal = 1 + own.n_infosets
    plan_rows, plan_columns, plan_signs = own.constraint_entries()
    value_rows, value_columns, value_signs = other.constraint_entries()
    rows = np.concatenate([plan_rows, n_equal + form.sequences[1 - player], n_equal + value_columns])
    columns = np.concatenate([plan_columns, form.sequences[player], shape[0] + value_rows])
    matrix = compressed_rows(rows, columns, np.concatenate([plan_signs, -worth, value_signs]), n_equal + shape[1])
    n_plan, n_values = shape[0], 1 + other.n_infosets
    equal = np.zeros(n_equal)
    equal[0] = 1.0
    objective = np.zeros(n_plan + n_values)
    objective[n_plan] = 1.0
    return solve_linear_program(
        objective,
        matrix=matrix,
        row_lower=np.concatenate([equal, np.full(shape[1], -np.inf)]),
        row_upper=np.concatenate([equal, np.zeros(shape[1])]),
        lower=np.concatenate([np.zeros(n_plan), np.full(n_values, -np.inf)]),
        maximize=True,
        basis=basis,
    )


def _plans(
    form: SequenceForm, result: LinearProgramResult, player: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the player's plan and, from the multipliers, the other's."""
    own = form.players[player]
    if len(result.x) < own.n_sequences or result.status != "optimal":
        uniform = [np.ones(p.n_sequences) for p in (own, form.players[1 - player])]
        return uniform[0], uniform[1]
    return result.x[: own.n_sequences], np.abs(result.row_duals[1 + own.n_infosets :])


def _exact_plans(
    game: ExtensiveGame, result: LinearProgramResult, *, max_steps: int | None
) -> tuple[list[Any], list[Any]] | None:
    """Return both plans that belong to the last basis, exactly, or None if it is no basis or takes too long."""
    first, second = game.sequence_form.players
    n_plan = first.n_sequences
    rows = constraint_rows(first)
    n_equal = len(rows)
    rows += [{} for _ in range(second.n_sequences)]
    for row, entries in enumerate(constraint_rows(second)):
        for sequence, sign in entries.items():
            rows[n_equal + sequence][n_plan + row] = sign
    for (a, b), worth in integer_payoffs(game, 0).items():
        rows[n_equal + b][a] = -worth
    tight = np.flatnonzero(~result.basic_rows).tolist()
    basic = np.flatnonzero(result.basic_columns).tolist()
    if len(tight) != len(basic) or not basic:
        return None
    place = {column: k for k, column in enumerate(basic)}
    system = [{place[c]: v for c, v in rows[r].items() if c in place} for r in tight]
    primal = solve_sparse(system, [int(r == 0) for r in tight], max_steps=max_steps)
    turned: list[dict[int, int]] = [{} for _ in basic]
    for k, entries in enumerate(system):
        for c, v in entries.items():
            turned[c][k] = v
    dual = solve_sparse(turned, [int(column == n_plan) for column in basic], max_steps=max_steps)
    if primal is None or dual is None:
        return None
    x: list[Any] = [0] * n_plan
    y: list[Any] = [0] * second.n_sequences
    for column, share in zip(basic, primal):
        if column < n_plan:
            x[column] = share
    for row, weight in zip(tight, dual):
        if row >= n_equal:
            y[row - n_equal] = weight
    return x, y
