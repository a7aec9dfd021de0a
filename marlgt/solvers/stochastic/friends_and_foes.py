"""Friend-or-foe value iteration: every player counts on her friends and braces herself against her foes.

Player i's values satisfy ``V_i(s) = max min q_i(s, x)``, where she and her friends choose a joint mixture to maximise
and her foes a joint action to minimise, and q_i is her reward plus the discounted V_i of what follows. The right side
is a contraction, so that unlike the iteration of equilibria this always converges. With friends alone its policies are
an equilibrium where all players' best outcomes coincide and each has one way to it, with foes alone where the game has
an adversarial equilibrium, as zero-sum games do (Littman 2001); in other games they need not be one.

References
----------
Littman, M. L. (2001). Friend-or-foe Q-learning in general-sum games. ICML 18, 322-328.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from marlgt.certificates import TOLERANCE
from marlgt.concepts.stationary import longest_play
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError, NotConverged
from marlgt.games._arrays import short
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import gear
from marlgt.policy_certificates import certified_policies, relative_policy_epsilon
from marlgt.progress import progress, stopwatch
from marlgt.solvers._condensed_tableau import solve_games
from marlgt.solvers.stochastic._stage_choice import friend_or_foe_choice, stage_groups
from marlgt.solvers.stochastic._stage_tables import stage_tables
from marlgt.solvers.stochastic._stationary_answers import opened, with_trace
from marlgt.solvers.stochastic._stationary_newton import refined

__all__ = ["friend_or_foe_value_iteration"]

_SUPPORT = 1e-9


def friend_or_foe_value_iteration(
    game: StochasticGame,
    *,
    foes: Sequence[Sequence[int]] | None = None,
    tolerance: float = TOLERANCE,
    max_sweeps: int = 20_000,
    time_limit: float | None = None,
) -> Equilibrium:
    """Return the stationary equilibrium of players who each count the others as friends or foes.

    Parameters
    ----------
    game : StochasticGame
        Discounted, or sure to end.
    foes : sequence of n sequences of int, optional
        Whom each player takes for a foe; by default all the others. ``[[], []]`` makes two friends.
    tolerance : float
        Of the values and of the largest gain, in units of the largest value.
    max_sweeps : int
    time_limit : float, optional
        Wall seconds, looked at between sweeps.

    Returns
    -------
    Equilibrium
        With the players' own parts of what is best for each. ``error_bound`` bounds how far the iteration's values are
        from its fixed point; ``trace`` holds sweeps and residuals.

    Raises
    ------
    GameError
        For foes that are none, or a limit that is not positive.
    UnsupportedGame
        If the game is not discounted and may go on for ever.
    NotConverged
        If a limit is reached, or the values converge but the policies are no equilibrium; ``best`` holds them,
        certified.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.StochasticGame.repeated(gt.NormalFormGame.common_interest([[1, 0], [0, 2]]), discount=0.5)
    >>> e = friend_or_foe_value_iteration(game, foes=[[], []])
    >>> e.profile[0].tolist(), e.values.round(6).tolist()
    ([[0.0, 1.0]], [4.0, 4.0])

    References
    ----------
    Littman (2001): friend-or-foe Q, here with a known game.
    """
    opened(game, tolerance, max_sweeps, time_limit)
    hostile = _foes_of([[j for j in range(game.n_players) if j != i] for i in range(game.n_players)]
                       if foes is None else foes, game.n_players)  # fmt: skip
    elapsed = stopwatch()
    tables = stage_tables(game)
    values = np.zeros((tables.n_players, tables.n_states))
    x, residual, sweeps, bound = tables.uniform(), 0.0, 0, 0.0
    trace: list[tuple[float, float]] = []
    reach = longest_play(game)
    groups = stage_groups(tables)
    # Which gear the stage games are solved in is settled once, by the sweeps to come and not by each of them.
    expected = min(max_sweeps, 1.0 + math.log(1.0 / min(tolerance, 0.5)) * reach)
    pivots = min(max(game.n_actions), 10) + 3.0
    gear(solve_games, expected * pivots * tables.n_players * float(game.played[tables.live].sum()))
    with progress("friend-or-foe value iteration") as report:
        while sweeps < max_sweeps:
            x, fresh = friend_or_foe_choice(tables, groups, tables.worths(values), hostile)
            residual = float(np.abs(fresh - values).max())
            values, sweeps = fresh, sweeps + 1
            trace.append((float(sweeps), residual))
            report(float(sweeps), f"residual {residual:.1e}")
            # The residual of the new values is at most the discount times this one.
            bound = residual * game.discount * reach
            unit = max(1.0, float(np.abs(values).max()))
            if bound <= tolerance * unit or residual <= 1e-15 * unit:
                break
            if time_limit is not None and elapsed() > time_limit:
                break
    better = refined(tables, x, tables.evaluate(x), x > _SUPPORT, support_changes=0)
    profiles = [x] if better is None else [better, x]
    answers = [
        replace(
            certified_policies(
                game,
                tables.profile(policies),
                method="friend_or_foe_value_iteration",
                work={"sweeps": sweeps},
                seconds=elapsed(),
                trace=with_trace(trace),
            ),
            error_bound=bound * float(tables.scale.max()),
        )
        for policies in profiles
    ]
    answer = min(answers, key=lambda e: relative_policy_epsilon(game, e))
    converged = bound <= tolerance * max(1.0, float(np.abs(values).max()))
    if converged and relative_policy_epsilon(game, answer) <= tolerance:
        return answer
    if converged:
        raise NotConverged(
            f"the friend-or-foe values converged in {sweeps} sweeps, but the policies are no equilibrium and leave a "
            f"gain of {answer.epsilon:.3g}: use marlgt.solvers.stationary_equilibrium for one",
            best=answer,
        )
    raise NotConverged(
        f"after {sweeps} sweeps the values may still be off by {answer.error_bound:.3g}: allow more sweeps or time, or "
        "a larger tolerance",
        best=answer,
    )


def _foes_of(foes: Any, n: int) -> tuple[frozenset[int], ...]:
    """Return each player's foes, checked."""
    if isinstance(foes, str) or not isinstance(foes, Sequence) or len(foes) != n:
        raise GameError(f"foes is {short(foes)}: list the foes of each of {n} players, [] for none")
    for i, given in enumerate(foes):
        whole = isinstance(given, Sequence) and not isinstance(given, str)
        if not whole or not all(isinstance(j, int) and not isinstance(j, bool) and 0 <= j < n for j in given):
            raise GameError(f"foes[{i}] is {short(given)}: list players from 0 to {n - 1}")
        if i in given:
            raise GameError(f"foes[{i}] names player {i} herself: list other players")
    return tuple(frozenset(given) for given in foes)
