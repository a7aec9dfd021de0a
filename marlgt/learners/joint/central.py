"""Central Q-learning: one learner chooses the actions of all players, for one reward made of theirs.

The joint action a = (a_1, ..., a_n) is one action of a single-agent problem (Albrecht, Christianos and Schaefer 2024,
Algorithm 4), and what each player is paid becomes one number by a scalarisation f::

    Q(s, a) <- Q(s, a) + alpha [ f(r_1, ..., r_n) + discount max_b Q(s', b) - Q(s, a) ]

That is ``scalarise="rewards"``. For the sum, weights or one player f is linear, and the optimum is that of f of the
returns. The minimum and the product are not: the sum of the smallest rewards is not the smallest sum of rewards. With
``scalarise="values"`` the learner keeps the n values of the players, and f chooses among them::

    Q_i(s, a) <- Q_i(s, a) + alpha [ r_i + discount Q_i(s', b) - Q_i(s, a) ],       b greedy for f(Q_1, ..., Q_n)(s', .)

which has no guarantee where f is not linear, for such a problem has no principle of optimality.

In a common-reward game the central optimum is Pareto optimal and an equilibrium. In a zero-sum game the sum is 0
whatever is played, and nothing is learned from it. The table has ``prod_i A_i`` columns, exponentially many in n. The
greedy joint action decomposes into one deterministic policy a player (eq. 5.9); a mixed joint policy would not.

References
----------
Albrecht, S. V., Christianos, F. and Schaefer, L. (2024). Multi-Agent Reinforcement Learning: Foundations and Modern
Approaches, section 5.3.1. MIT Press.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.kernels import inlined_kernel, lean_kernel
from marlgt.learners.exploration import Exploration, as_exploration, draw_from_values, greedy_action
from marlgt.learners.layout import (
    COUNTS,
    DISCOUNT,
    EPISODES,
    EXPLORATION,
    EXTRA,
    FREE,
    PER_VISIT,
    PLAYERS,
    PROFILES,
    RATE,
    RUNNING,
    STATES,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners.schedules import Schedule, scheduled
from marlgt.learners.settings import Setting, checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner

__all__ = ["CentralQ"]

LARGEST_TABLE = 50_000_000
"""States times joint actions that the learner may have."""

WORTH, VISITS, JOINTLY_LEGAL, VALUES = TABLES, TABLES + 1, TABLES + 2, TABLES + 3
WEIGHTED, LEAST, PRODUCT = 0.0, 1.0, 2.0
# numbers: the scalarisation, whether it is of values, the weights of the players.
KIND, OF_VALUES, WEIGHTS = EXTRA, EXTRA + 1, EXTRA + 2


@lean_kernel
def scalarised(numbers: Any, paid: Any, at: int, step: int, n: int) -> float:
    """Return the number made of ``paid[at + i step]``, i < n."""
    total = 0.0
    if numbers[KIND] == WEIGHTED:
        for i in range(n):
            total += numbers[WEIGHTS + i] * paid[at + i * step]
        return total
    least = paid[at]
    total = 1.0
    for i in range(n):
        least = min(least, paid[at + i * step])
        total *= paid[at + i * step]
    # A product of two losses would pass for a gain: who loses makes everything worse than nothing.
    if numbers[KIND] == LEAST or least < 0.0:
        return float(least)
    return total


@inlined_kernel
def act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return the number of a profile, drawn by the rule of exploration from the worth of the profiles."""
    place = state * form[PROFILES]
    return draw_from_values(
        numbers,
        EXPLORATION,
        memory,
        form[WORTH] + place,
        form[VISITS] + place,
        form,
        # The profiles are the actions of a player numbered 3 n, whose legality stands in the memory.
        memory,
        3 * form[PLAYERS],
        state,
        memory[STEPS],
        stream,
    )


@lean_kernel
def observe(
    memory: Any,
    form: Any,
    numbers: Any,
    legal: Any,
    state: int,
    own: int,
    actions: Any,
    rewards: Any,
    following: int,
    ended: int,
    stream: Any,
) -> None:
    """Update the worth of the profile played."""
    n = form[PLAYERS]
    place = state * form[PROFILES] + own
    time = memory[STEPS]
    if numbers[PER_VISIT] == 1.0:
        time = memory[form[VISITS] + place]
    rate = scheduled(numbers, RATE, time)
    ahead = following * form[PROFILES]
    best = 0
    if ended != TERMINATED:
        best = greedy_action(memory, form[WORTH] + ahead, form, memory, 3 * n, following, True, stream)
    if numbers[OF_VALUES] == 0.0:
        target = scalarised(numbers, rewards, 0, 1, n)
        if ended != TERMINATED:
            target += numbers[DISCOUNT] * memory[form[WORTH] + ahead + best]
        memory[form[WORTH] + place] += rate * (target - memory[form[WORTH] + place])
    else:
        size = form[STATES] * form[PROFILES]
        for i in range(n):
            target = rewards[i]
            if ended != TERMINATED:
                target += numbers[DISCOUNT] * memory[form[VALUES] + i * size + ahead + best]
            at = form[VALUES] + i * size + place
            memory[at] += rate * (target - memory[at])
        memory[form[WORTH] + place] = scalarised(numbers, memory, form[VALUES] + place, size, n)
    memory[form[VISITS] + place] += 1.0
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


class CentralQ(TableLearner):
    """Q-learning of one learner who controls all players; it plays alone.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
    scalarisation : {"sum", "min", "product"}, sequence of n numbers, or int
        How the players' rewards become one: the welfare, the egalitarian and the Nash welfare; weights of a sum; or
        the player whose reward alone counts. Where somebody gets less than 0, the product is replaced by the minimum.
    scalarise : {"rewards", "values"}
        Whether the rewards of each step become one, or the values learned.
    learning_rate : float or Schedule
    exploration : float, Schedule or Exploration
        Over profiles.
    initial : float
        The first value of every profile, for each player with ``scalarise="values"``.

    Raises
    ------
    GameError
        For a scalarisation that is none, rates that are not from 0 to 1, an epsilon that is never above 0.
    UnsupportedGame
        If there are too many joint actions for a table.

    Examples
    --------
    The sum of the rewards brings cooperation to the prisoner's dilemma, which independent learners never find:

    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> learner = CentralQ(game)
    >>> run = gt.learners.play(game, [learner], steps=2000, seed=0)
    >>> [policy.tolist() for policy in learner.policy()]
    [[1.0, 0.0], [1.0, 0.0]]
    """

    act_kernel = staticmethod(act)
    observe_kernel = staticmethod(observe)

    def __init__(
        self,
        game: Any,
        *,
        scalarisation: str | int | Sequence[float] = "sum",
        scalarise: str = "rewards",
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule | Exploration = 0.1,
        initial: float = 0.0,
    ) -> None:
        setting = setting_of(game)
        kind, weights = _checked_scalarisation(setting, scalarisation)
        if not isinstance(scalarise, str) or scalarise not in ("rewards", "values"):
            raise GameError(f"scalarise is {short(scalarise)}: give 'rewards' or 'values'")
        shape = (setting.n_states, setting.n_profiles)
        if shape[0] * shape[1] > LARGEST_TABLE:
            raise UnsupportedGame(
                f"the game has {shape[0]:,} states of {shape[1]:,} joint actions: a central learner's table has a "
                f"number for each, at most {LARGEST_TABLE:,}; let independent learners play"
            )
        by_value = scalarise == "values"
        tables: dict[str, tuple[int, ...]] = {"worth": shape, "visits": shape}
        tables["jointly_legal"] = (0,) if setting.all_legal() else shape
        tables["values"] = (setting.n_players, *shape) if by_value else (0,)
        given = list(scalarisation) if isinstance(scalarisation, Sequence | np.ndarray) else scalarisation
        settings = {
            "scalarisation": scalarisation if isinstance(scalarisation, str) else given,
            "scalarise": scalarise,
            "learning_rate": learning_rate,
            "exploration": exploration,
            "initial": initial,
        }
        super().__init__(
            setting,
            None,
            tables=tables,
            settings=settings,
            learning_rate=learning_rate,
            exploration=as_exploration(exploration),
            extra=[kind, float(by_value), *weights],
        )
        self.form = _with_joint_player(self.form, setting)
        if not self.form[FREE]:
            self.table("jointly_legal")[:] = _jointly_legal(setting)
        self.table("values")[:] = initial
        self.table("worth")[:] = initial
        if by_value:
            same = np.full(setting.n_players, float(initial))
            self.table("worth")[:] = scalarised(self.numbers, same, 0, 1, setting.n_players)

    @property
    def values(self) -> Floats:
        """What the profiles are worth, scalarised, shape (S, A_1, ..., A_n)."""
        return np.asarray(self.table("worth").reshape(-1, *self.setting.n_actions))

    def policy(self) -> tuple[Floats, ...]:
        """Return one deterministic policy for each player: her part of the best profile, the first of several.

        Returns
        -------
        tuple of n ndarrays, shapes (S, A_i), or (A_i,) in a normal-form game
        """
        worth = self.table("worth")
        if not self.form[FREE]:
            worth = np.where(self.table("jointly_legal") > 0, worth, -np.inf)
        chosen = np.unravel_index(worth.argmax(axis=1), self.setting.n_actions)
        counts = self.setting.n_actions
        return tuple(self._shaped(np.eye(count)[own]) for own, count in zip(chosen, counts))


def _checked_scalarisation(setting: Setting, given: Any) -> tuple[float, list[float]]:
    n = setting.n_players
    if isinstance(given, str) and given in ("sum", "min", "product"):
        return {"sum": WEIGHTED, "min": LEAST, "product": PRODUCT}[given], [1.0] * n
    if isinstance(given, int | np.integer) and not isinstance(given, bool):
        who = checked_player(setting, given)
        return WEIGHTED, [float(i == who) for i in range(n)]
    try:
        weights = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        weights = np.zeros(0)
    if isinstance(given, str) or weights.shape != (n,) or not np.isfinite(weights).all():
        raise GameError(
            f"scalarisation is {short(given)}: give 'sum', 'min', 'product', a player's number, or {n} finite weights"
        )
    return WEIGHTED, weights.tolist()


def _with_joint_player(form: Any, setting: Setting) -> Any:
    """Return the form with a player 3 n behind the others, whose actions are the profiles."""
    n = setting.n_players
    longer = np.zeros(COUNTS + 5 * n + 1, dtype=np.int64)
    longer[: len(form)] = form
    longer[COUNTS + 3 * n] = setting.n_profiles
    longer[COUNTS + 5 * n] = form[JOINTLY_LEGAL]
    return longer


def _jointly_legal(setting: Setting) -> Floats:
    """Return 1 for the profiles of which every part is legal, shape (S, profiles)."""
    joint = np.ones((setting.n_states, 1))
    for own in setting.legal:
        joint = (joint[:, :, None] * own[:, None, :]).reshape(setting.n_states, -1)
    return joint
