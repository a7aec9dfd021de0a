"""Fictitious play in extensive form: every player replies best to the others' average plans, which mix in the reply.

The average of realization plans is the plan of a behaviour policy that plays like the average of the mixed
strategies (Heinrich, Lanctot and Silver 2015), so fictitious play needs no normal form:

    plan  <-  plan + (reply - plan) / (t + 1),       all players at once, from uniform policies.

In two-player zero-sum games and in games of identical interest the averages approach the equilibria.

References
----------
Heinrich, J., Lanctot, M. and Silver, D. (2015). Fictitious self-play in extensive-form games. Proceedings of
the 32nd International Conference on Machine Learning, PMLR 37, 805-813.
"""

from __future__ import annotations

import numpy as np

from marlgt.equilibria import Equilibrium
from marlgt.games._doors import require_extensive_game
from marlgt.games.extensive import ExtensiveGame
from marlgt.kernels import gear
from marlgt.policy_certificates import certified_policies
from marlgt.progress import stopwatch
from marlgt.solvers.extensive._regret_kernels import best_values, fictitious_steps, write_plans
from marlgt.solvers.extensive._runs import checked_limits, iterate
from marlgt.solvers.extensive._sequence_rows import sequence_rows

__all__ = ["extensive_fictitious_play"]


def extensive_fictitious_play(
    game: ExtensiveGame, *, iterations: int = 1000, gap: float | None = None, time_limit: float | None = None
) -> Equilibrium:
    """Return the average policies of fictitious play in extensive form.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall, of any number of players.
    iterations : int
        At most so many best replies of every player; among equal actions the first.
    gap : float, optional
        Stop when the exploitability (NashConv over the number of players) is at most this.
    time_limit : float, optional
        Stop after so many seconds.

    Returns
    -------
    Equilibrium
        ``work`` holds the iterations that were run, ``trace`` the exploitability after some of them.

    Raises
    ------
    GameError
        For limits that are no limits.
    UnsupportedGame
        If a player forgets.

    Examples
    --------
    >>> import marlgt as gt
    >>> pennies = gt.ExtensiveGame.from_normal_form(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]))
    >>> bool(extensive_fictitious_play(pennies, iterations=1000).epsilon < 0.05)
    True

    References
    ----------
    Heinrich et al. (2015): XFP.
    """
    require_extensive_game(game)
    limits = checked_limits(iterations, gap, time_limit)
    clock = stopwatch()
    rows = sequence_rows(game.sequence_form)
    n, size, work = rows.n_players, rows.n_sequences, limits[0] * rows.steps
    plan, reply_plan, worths, reply = np.ones(size), np.ones(size), np.empty(size), np.ones(size)
    values, best = np.empty(n), np.empty(n)
    gear(write_plans, work)(
        rows.n_actions, rows.first, rows.parent, rows.uniform_policy(), plan, 0, len(rows.n_actions)
    )
    play, measure = gear(fictitious_steps, work), gear(best_values, work)
    played = 0

    def advance(count: int) -> None:
        nonlocal played
        # The uniform policies that it begins with count as one reply.
        arrays = (plan, worths, reply, reply_plan, values, best)
        play(*rows.sets, *rows.payoffs, played + 1, count, *arrays)
        played += count

    def exploitability() -> float:
        measure(*rows.sets, *rows.payoffs, plan, worths, reply, values, best)
        return rows.exploitability(values, best)

    trace = iterate(advance, exploitability, limits=limits, steps=rows.steps, name="extensive_fictitious_play")
    return certified_policies(
        game,
        rows.behavior(plan),
        method="extensive_fictitious_play",
        work={"iterations": played},
        seconds=clock(),
        trace=trace,
    )
