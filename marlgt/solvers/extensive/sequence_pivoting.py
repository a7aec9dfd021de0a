"""One equilibrium of a two-player extensive game of any payoffs, by complementary pivoting on the sequence form.

Lemke's method follows a path from the best replies to a prior to an equilibrium (von Stengel, van den Elzen and
Talman 2002): on the way each player replies to a mixture of the prior, with weight z0, and of what the other plays.
From different priors it may reach different equilibria; from a completely mixed one the equilibrium is normal-form
perfect. The path is unique, with lexicographic ties, and never cycles.

References
----------
von Stengel, B., van den Elzen, A. and Talman, D. (2002). Computing normal form perfect equilibria for extensive
two-person games. Econometrica 70, 693-715.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE
from marlgt.concepts.exact_behavior import exact_plan
from marlgt.equilibria import Equilibrium
from marlgt.errors import BudgetExceeded, ExactnessError, NotConverged, UnsupportedGame
from marlgt.games._doors import nonnegative, require_extensive_game, require_flag, require_seed
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.sequence_form import checked_behavior
from marlgt.kernels import gear
from marlgt.policy_certificates import certified_policies, relative_policy_epsilon
from marlgt.progress import stopwatch
from marlgt.solvers._lemke import FOUND, UNFINISHED, lemke, lemke_tableau
from marlgt.solvers.extensive._complementarity import Complementarity, complementarity, player_basis, reply_choices
from marlgt.solvers.extensive._exact_plans import constraint_rows, integer_payoffs, proven
from marlgt.solvers.extensive._integer_lemke import integer_lemke
from marlgt.sparse_rational import solve_sparse

__all__ = ["sequence_form_lcp"]

_EXACT_STEPS = 3_000_000
"""Changes of entries after which an exact solution of the last basis is given up."""

_INTEGER_SEQUENCES = 160
"""Sequences of both players up to which the path itself is followed in integers where floats fail."""

_MOST_SEQUENCES = 10_000
"""Sequences of both players whose tableau fits into memory, at two gigabytes."""

_RESTARTS = 4
_STEPS_AT_ONCE = 2e8

Plans = tuple[NDArray[Any], NDArray[Any]]


@dataclass
class _Path:
    """A game, its priors, and what was done.

    Attributes
    ----------
    game : ExtensiveGame
    clock : callable
        Seconds since the call began.
    work : dict
    """

    game: ExtensiveGame
    clock: Callable[[], float]
    work: dict[str, int] = field(default_factory=lambda: {"sequences": 0, "pivots": 0})


def sequence_form_lcp(
    game: ExtensiveGame,
    *,
    prior: Any = None,
    seed: int | None = None,
    exact: bool | None = None,
    tolerance: float = TOLERANCE,
) -> Equilibrium:
    """Return one Nash equilibrium of a two-player extensive game, by Lemke's method on its sequence form.

    It works on a dense tableau with one row for each sequence of both players: some hundred take a second. An exact
    game's last basis is solved in fractions; small games in which rounding misleads the path are followed in
    integers from the start. It finds one equilibrium, which depends on the prior.

    Parameters
    ----------
    game : ExtensiveGame
        Two players with perfect recall.
    prior : sequence of two array_like, shapes (I_i, A_i), optional
        The behaviour policies to which the first replies are given; uniform by default.
    seed : int, optional
        Draw the prior at random instead.
    exact : bool, optional
        Whether to look for an exact answer; without it, in exact games as far as it is cheap.
    tolerance : float
        Largest regret to accept, as a share of the payoff range.

    Raises
    ------
    UnsupportedGame
        If the game has not two players, or a player forgets.
    ProfileError
        If the prior does not fit the game.
    ExactnessError
        If an exact answer is asked of a game that holds floats.
    BudgetExceeded
        If the players have more than 10,000 sequences.
    NotConverged
        If a regret exceeds the tolerance, or no exact answer was proven though asked for; it carries the answer.

    Examples
    --------
    >>> import marlgt as gt
    >>> from marlgt.games import TreeBuilder
    >>> tree = TreeBuilder(["entrant", "incumbent"])
    >>> root = tree.decision(None, 0, "entry", ["out", "in"])
    >>> _ = tree.terminal(root, [0, 2])
    >>> reply = tree.decision(root, 1, "reply", ["fight", "share"])
    >>> _ = tree.terminal(reply, [-1, -1]), tree.terminal(reply, [1, 1])
    >>> answer = gt.solvers.sequence_form_lcp(tree.build())
    >>> answer.values.tolist(), answer.exact
    ([1.0, 1.0], True)
    """
    require_extensive_game(game)
    if exact is not None:
        require_flag(exact, "exact")
    tolerance = nonnegative(tolerance, "tolerance")
    if game.n_players != 2:
        raise UnsupportedGame(
            f"sequence_form_lcp takes two players and the game has {game.n_players}: use marlgt.solvers.cfr_plus, or "
            "solve game.normal_form()"
        )
    if exact and not game.is_exact:
        raise ExactnessError("the game holds floats, which have no agreed exact value: call game.rationalize() first")
    if seed is not None:
        require_seed(seed)
    path = _Path(game, stopwatch())
    path.work["sequences"] = sum(own.n_sequences for own in game.sequence_form.players)
    if path.work["sequences"] > _MOST_SEQUENCES:
        raise BudgetExceeded(
            f"the players have {path.work['sequences']} sequences and the tableau, of the square of them, takes up to "
            f"{_MOST_SEQUENCES}: use marlgt.solvers.cfr_plus, or sequence_form_lp where payoffs sum to a constant",
            estimate=float(path.work["sequences"]),
            limit=float(_MOST_SEQUENCES),
        )
    rng = np.random.default_rng(0 if seed is None else seed)
    small = path.work["sequences"] <= _INTEGER_SEQUENCES
    wanted = game.is_exact and exact is not False and (exact is True or small)
    found: list[Equilibrium] = []
    for attempt in range(1 + _RESTARTS):
        drawn = attempt > 0 or (seed is not None and prior is None)
        priors = _drawn_prior(game, rng) if drawn else _given_prior(game, prior)
        found.append(_from_floats(path, priors, exact))
        if not _acceptable(game, found[-1], tolerance, exact=wanted) and small:
            found += _from_integers(path, priors)
        for answer in found:
            if _acceptable(game, answer, tolerance, exact=wanted):
                return answer
        best = min(found, key=lambda e: e.epsilon)
        if not exact and _acceptable(game, best, tolerance, exact=False):
            return best
    raise NotConverged(
        f"sequence_form_lcp stopped at a regret of {best.epsilon:.1e}{' without a proof' if exact else ''}: give "
        "another prior or seed, or use marlgt.solvers.cfr_plus",
        best=best,
    )


def _acceptable(game: ExtensiveGame, answer: Equilibrium, tolerance: float, *, exact: bool) -> bool:
    if exact:
        return answer.exact
    # A float payoff of magnitude M is itself known only to about eps M.
    rounding = 8.0 * float(np.finfo(np.float64).eps) * float(np.abs(game.terminal_payoffs).max())
    return relative_policy_epsilon(game, answer) <= tolerance or answer.epsilon <= rounding


def _given_prior(game: ExtensiveGame, prior: Any) -> list[NDArray[Any]]:
    """Return a prior in fractions; rows that are not exactly distributions are made so."""
    profile = game.uniform_profile() if prior is None else checked_behavior(game, prior)
    result = []
    for policy in profile:
        rows = np.empty(policy.shape, dtype=object)
        for j, row in enumerate(policy.tolist()):
            near = [Fraction(p).limit_denominator(10**4) for p in row]
            rows[j] = [p / sum(near) for p in near]
        result.append(rows)
    return result


def _drawn_prior(game: ExtensiveGame, rng: np.random.Generator) -> list[NDArray[Any]]:
    """Return a completely mixed prior whose probabilities have small denominators."""
    result = []
    for sets in game.infosets:
        rows = np.full((len(sets), sets.most_actions), Fraction(0), dtype=object)
        for j, count in enumerate(sets.n_actions.tolist()):
            weights = rng.integers(1, 100, size=count).tolist()
            rows[j, :count] = [Fraction(w, sum(weights)) for w in weights]
        result.append(rows)
    return result


def _from_floats(path: _Path, priors: Sequence[NDArray[Any]], exact: bool | None) -> Equilibrium:
    """Return the end of the path followed in floats, as fractions where these prove it."""
    game, form = path.game, path.game.sequence_form
    plans = form.realization_plans([policy.astype(np.float64) for policy in priors])
    matrices = []
    for i in range(2):
        spread = float(game.payoff_range[i]) or 1.0
        worth = (form.payoffs[i] - float(game.terminal_payoffs[i].min()) * form.reach) / spread
        dense = np.zeros([own.n_sequences for own in form.players])
        dense[form.sequences[0], form.sequences[1]] = worth
        matrices.append(dense if i == 0 else np.ascontiguousarray(dense.T))
    problem = _problem(game, (matrices[0], matrices[1]), plans, 1)
    in_w, in_z, is_z, pivots = _float_lemke(problem)
    path.work["pivots"] += pivots
    x, y = problem.plans(in_w, in_z)
    if game.is_exact and exact is not False:
        proof = _from_basis(path, problem.played(is_z), None if exact else _EXACT_STEPS)
        if proof is not None:
            return proof
    policies = form.behavior_profile((np.maximum(x, 0.0), np.maximum(y, 0.0)))
    return certified_policies(game, policies, method="sequence_form_lcp", work=dict(path.work), seconds=path.clock())


def _problem(game: ExtensiveGame, payoffs: Plans, plans: Sequence[NDArray[Any]], scale: int) -> Complementarity:
    bases = []
    for i, own in enumerate(game.sequence_form.players):
        chosen = reply_choices(own, payoffs[i] @ plans[1 - i])
        bases.append(player_basis(own, chosen, payoffs[i].dtype))
    return complementarity(payoffs, plans, (bases[0], bases[1]), scale)


def _float_lemke(
    problem: Complementarity,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], int]:
    """Return the values of w and z at the end of the path, which variables of z are basic, and the pivots."""
    n = len(problem.right)
    in_w, in_z, is_z = problem.right.copy(), np.zeros(n), np.zeros(n, dtype=bool)
    if n == 0 or problem.right.min() >= -1e-12:
        return in_w, in_z, is_z, 0
    tableau, basis = np.empty((n, 2 * n + 2)), np.empty(n, dtype=np.int64)
    state = np.zeros(2, dtype=np.int64)
    gear(lemke_tableau, float(n * n))(problem.matrix, problem.right, problem.cover, tableau, basis, state)
    at_once = max(1, int(_STEPS_AT_ONCE / (2.0 * n * n)))
    # Interpreted, a pivot works on whole rows at once.
    walk = gear(lemke, 12.0 * n * n)
    outcome = UNFINISHED
    while outcome == UNFINISHED and state[1] < 100 * n + 1000:
        outcome = walk(tableau, basis, state, at_once)
    in_w[:] = 0.0
    if outcome == FOUND:
        values = tableau[:, 2 * n + 1]
        of_z = basis >= n
        is_z[basis[of_z] - n] = True
        in_z[basis[of_z] - n] = values[of_z]
        in_w[basis[~of_z]] = values[~of_z]
    return in_w, in_z, is_z, int(state[1])


def _from_basis(
    path: _Path, played: tuple[NDArray[np.bool_], NDArray[np.bool_]], max_steps: int | None
) -> Equilibrium | None:
    """Return the exact solution of a basis, given which sequences' plans are in it, if it is an equilibrium."""
    players = path.game.sequence_form.players
    plans = []
    for i, own in enumerate(players):
        mine, theirs = np.flatnonzero(played[i]).tolist(), np.flatnonzero(played[1 - i]).tolist()
        place = {sequence: k for k, sequence in enumerate(mine)}
        rows = [{place[c]: v for c, v in row.items() if c in place} for row in constraint_rows(own)]
        right = [int(r == 0) for r in range(len(rows))]
        # The other's slack F'q - B'x vanishes at each of her sequences in the basis; the values q follow the plan.
        slack: dict[int, dict[int, int]] = {sequence: {} for sequence in theirs}
        for value, row in enumerate(constraint_rows(players[1 - i])):
            for sequence, sign in row.items():
                if sequence in slack:
                    slack[sequence][len(mine) + value] = sign
        for ends, worth in integer_payoffs(path.game, 1 - i).items():
            if ends[1 - i] in slack and ends[i] in place:
                slack[ends[1 - i]][place[ends[i]]] = -worth
        rows += slack.values()
        if len(rows) != len(mine) + 1 + players[1 - i].n_infosets:
            return None
        solution = solve_sparse(rows, right + [0] * len(theirs), max_steps=max_steps)
        if solution is None:
            return None
        plan: list[Any] = [0] * own.n_sequences
        for sequence, k in place.items():
            plan[sequence] = solution[k]
        plans.append(plan)
    return proven(path.game, plans, method="sequence_form_lcp", work=dict(path.work), seconds=path.clock())


def _from_integers(path: _Path, priors: Sequence[NDArray[Any]]) -> list[Equilibrium]:
    """Return the end of the path followed in integers, or nothing if it ends in a ray."""
    game, form = path.game, path.game.sequence_form
    plans = [exact_plan(own, policy) for own, policy in zip(form.players, priors)]
    scale = math.lcm(*(int(p.denominator) for plan in plans for p in plan.tolist()))
    whole = []
    for plan in plans:
        numbers = np.empty(len(plan), dtype=object)
        numbers[:] = [int(p * scale) for p in plan.tolist()]
        whole.append(numbers)
    matrices = []
    for i in range(2):
        matrix = np.zeros([form.players[j].n_sequences for j in (i, 1 - i)], dtype=object)
        for ends, worth in integer_payoffs(game, i).items():
            matrix[ends[i], ends[1 - i]] = worth
        matrices.append(matrix)
    problem = _problem(game, (matrices[0], matrices[1]), whole, scale)
    end = integer_lemke(problem.matrix, problem.right, problem.cover, max_pivots=20 * len(problem.right) + 200)
    if end is None:
        return []
    path.work["pivots"] += end[1]
    answer = _from_basis(path, problem.played(end[0]), None)
    return [] if answer is None else [answer]
