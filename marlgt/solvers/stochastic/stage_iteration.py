"""Value iteration with a chosen equilibrium of every stage game, the planning counterpart of Nash-Q and its kin.

The values of the states make every state a normal-form game, whose chosen equilibrium gives new values: the
welfare-best Nash equilibrium (Hu and Wellman 2003), or a correlated equilibrium that is best for an objective
(Greenwald and Hall 2003). The policies of a fixed point are a stationary equilibrium, Nash or correlated. The iteration
need not reach one: no rule that chooses by the values of actions alone finds a stationary equilibrium of every game
(Zinkevich, Greenwald and Littman 2005). That it goes round in circles is found out and said;
:func:`marlgt.solvers.stationary_equilibrium` is for such games.

References
----------
Hu, J. and Wellman, M. P. (2003). Nash Q-learning for general-sum stochastic games. JMLR 4, 1039-1069.
Greenwald, A. and Hall, K. (2003). Correlated Q-learning. ICML 20, 242-249.
Zinkevich, M., Greenwald, A. and Littman, M. L. (2005). Cyclic equilibria in Markov games. NIPS 18, 1641-1648.
"""

from __future__ import annotations

import numpy as np

from marlgt.certificates import TOLERANCE
from marlgt.concepts.stationary_correlated import stationary_joint_values
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError, NotConverged
from marlgt.games._arrays import short
from marlgt.games._comparable import checked_player
from marlgt.games.stochastic import StochasticGame
from marlgt.policy_certificates import certified_policies, relative_policy_epsilon
from marlgt.progress import stopwatch
from marlgt.solvers.stochastic._stage_choice import correlated_choice, nash_choice
from marlgt.solvers.stochastic._stage_tables import Floats, StageTables, stage_tables
from marlgt.solvers.stochastic._stationary_answers import certified_joint, opened, with_trace
from marlgt.solvers.stochastic._stationary_newton import refined
from marlgt.solvers.stochastic._sweeps import CIRCLES, EQUILIBRIUM, FIXED, Sweeps, sweep_to_equilibrium

__all__ = ["STAGE_OBJECTIVES", "correlated_value_iteration", "nash_value_iteration"]

STAGE_OBJECTIVES = ("utilitarian", "egalitarian", "republican", "libertarian")
"""The objectives of Greenwald and Hall's correlated Q-learning."""

_SUPPORT = 1e-12


def nash_value_iteration(
    game: StochasticGame, *, tolerance: float = TOLERANCE, max_sweeps: int = 5000, time_limit: float | None = None
) -> Equilibrium:
    """Return the stationary equilibrium that value iteration with a Nash equilibrium of every stage game leads to.

    It is a fixed point: for its values the same stage equilibria, or others worth the same, are chosen again.

    With two players the stage equilibrium is the welfare-best of all, the first in lexicographic order among equals.
    With more it is the welfare-best pure one, or where there is none a mixed one near that of the sweep before.

    Parameters
    ----------
    game : StochasticGame
        Discounted, or sure to end.
    tolerance : float
        Of the largest gain, in units of the largest value; no answer is returned above it.
    max_sweeps : int
    time_limit : float, optional
        Wall seconds, looked at between sweeps.

    Returns
    -------
    Equilibrium
        ``trace`` holds sweeps and the least gain of one step until then.

    Raises
    ------
    GameError
        For a tolerance or a limit that is not positive.
    UnsupportedGame
        If the game is not discounted and may go on for ever.
    NotConverged
        If it goes round in circles or reaches a limit; ``best`` holds the best policies on the way, certified.

    Examples
    --------
    Prisoners who remember the last outcome, and for whom defection is the only equilibrium of every stage game:

    >>> import marlgt as gt
    >>> game = gt.games.iterated_prisoners_dilemma()
    >>> e = nash_value_iteration(game)
    >>> e.profile[0][:, 1].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]

    References
    ----------
    Hu and Wellman (2003): Nash-Q, here with a known game.
    """
    opened(game, tolerance, max_sweeps, time_limit)
    elapsed = stopwatch()
    tables = stage_tables(game, common_scale=True)
    tried: set[bytes] = set()

    def choose(worths: Floats, before: Floats) -> tuple[Floats, Floats]:
        x = nash_choice(tables, worths, before)
        return x, tables.averages(x, tables.pairwise(x, worths)[1])

    def assess(x: Floats) -> tuple[Floats, float]:
        values = tables.evaluate(x)
        return values, tables.largest_gain(x, values)

    def polish(x: Floats, values: Floats) -> Floats | None:
        support = x > _SUPPORT
        if support.tobytes() in tried:
            return None
        tried.add(support.tobytes())
        return refined(tables, x, values, support, support_changes=0)

    start = tables.uniform()
    found = sweep_to_equilibrium(
        tables, choose, assess, start, polish=polish, tolerance=0.1 * tolerance, max_sweeps=max_sweeps,
        time_limit=time_limit, description="Nash value iteration",
    )  # fmt: skip
    answer = certified_policies(
        game, tables.profile(found.policy), method="nash_value_iteration", work={"sweeps": found.count},
        seconds=elapsed(), trace=with_trace(found.trace),
    )  # fmt: skip
    return _returned(game, answer, found, tolerance)


def correlated_value_iteration(
    game: StochasticGame,
    *,
    objective: str = "utilitarian",
    player: int = 0,
    tolerance: float = TOLERANCE,
    max_sweeps: int = 5000,
    time_limit: float | None = None,
) -> Equilibrium:
    """Return the stationary correlated equilibrium that iterating a correlated equilibrium of every stage leads to.

    Parameters
    ----------
    game : StochasticGame
        Discounted, or sure to end.
    objective : {"utilitarian", "egalitarian", "republican", "libertarian"}
        Which correlated equilibrium of a stage game is chosen: that of the largest sum of values (also called
        ``"welfare"``, as for normal-form games), of the largest smallest value, of the largest value of any player,
        or of the largest value of ``player``.
    player : int
        For the libertarian objective.
    tolerance, max_sweeps, time_limit
        As in :func:`nash_value_iteration`.

    Returns
    -------
    Equilibrium
        With ``joint`` of shape (S, A_1, ..., A_n), and as regrets the exact gains of the best disobedience: of the
        best strategy in the decision process in which the player sees the state and what she is told.

    Raises
    ------
    GameError
        For an unknown objective, a player who does not exist, or a limit that is not positive.
    UnsupportedGame
        If the game is not discounted and may go on for ever.
    NotConverged
        If it goes round in circles or reaches a limit; ``best`` holds the best policies on the way, certified.

    Examples
    --------
    >>> import marlgt as gt
    >>> chicken = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    >>> e = correlated_value_iteration(gt.games.StochasticGame.repeated(chicken, discount=0.5))
    >>> e.joint.round(6).tolist(), e.values.round(6).tolist()
    ([[[0.5, 0.25], [0.25, 0.0]]], [10.5, 10.5])

    References
    ----------
    Greenwald and Hall (2003): correlated-Q, here with a known game.
    """
    opened(game, tolerance, max_sweeps, time_limit)
    elapsed = stopwatch()
    tables = stage_tables(game, common_scale=True)
    objective = "utilitarian" if objective == "welfare" else objective
    if not isinstance(objective, str) or objective not in STAGE_OBJECTIVES:
        raise GameError(f"objective is {short(objective)}: choose one of {', '.join(STAGE_OBJECTIVES)}")
    player = checked_player(game, player)
    axes = tuple(range(2, 2 + tables.n_players))

    def choose(worths: Floats, before: Floats) -> tuple[Floats, Floats]:
        joint = correlated_choice(tables, worths, objective, player)
        return joint, (worths * joint).sum(axis=axes)

    def assess(joint: Floats) -> tuple[Floats, float]:
        values = stationary_joint_values(game, _everywhere(tables, joint))[:, tables.live] / tables.scale[:, None]
        return values, tables.swap_gain(joint, tables.worths(values))

    played = game.played[tables.live]
    start = played / np.maximum(played.reshape(len(played), -1).sum(axis=1), 1).reshape(-1, *[1] * tables.n_players)
    found = sweep_to_equilibrium(
        tables, choose, assess, start, polish=lambda policy, values: None, tolerance=0.1 * tolerance,
        max_sweeps=max_sweeps, time_limit=time_limit, description="correlated value iteration",
    )  # fmt: skip
    answer = certified_joint(
        game, _everywhere(tables, found.policy), method="correlated_value_iteration", work={"sweeps": found.count},
        seconds=elapsed(), trace=found.trace,
    )  # fmt: skip
    return _returned(game, answer, found, tolerance)


def _everywhere(tables: StageTables, joint: Floats) -> Floats:
    """Return joint policies of all states, with zeros in terminal ones."""
    every = np.zeros((tables.game.n_states, *joint.shape[1:]))
    every[tables.live] = joint
    return every


def _returned(game: StochasticGame, answer: Equilibrium, found: Sweeps, tolerance: float) -> Equilibrium:
    """Return the answer if it is a fixed point and its certificate holds; else say why there is none."""
    if found.status == EQUILIBRIUM and relative_policy_epsilon(game, answer) <= tolerance:
        return answer
    reasons: dict[str, str] = {
        CIRCLES: f"the iteration goes round in circles: after {found.count} sweeps the values still change by "
        f"{found.residual:.3g} of the largest range of rewards",
        FIXED: f"the values came to rest after {found.count} sweeps, but their policies are no equilibrium",
        EQUILIBRIUM: f"the iteration ended after {found.count} sweeps short of the tolerance",
    }
    limit = f"the iteration reached its limit after {found.count} sweeps"
    met = relative_policy_epsilon(game, answer) <= tolerance
    left = (
        "the equilibrium met on the way, which best holds, is not the one that the rule chooses there"
        if met
        else f"the best policies on the way leave a gain of {answer.epsilon:.3g}"
    )
    raise NotConverged(
        f"{reasons.get(found.status, limit)}, and {left}: use marlgt.solvers.stationary_equilibrium, which does not go "
        "round in circles",
        best=answer,
    )
