"""Players who do not learn: a fixed stationary policy, the uniformly random player among them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from marlgt.errors import ProfileError
from marlgt.games._arrays import short
from marlgt.kernels import inlined_kernel
from marlgt.learners.exploration import draw_from_policy
from marlgt.learners.layout import COUNT, EXPLORATION, PLAYER, STEPS, TABLES
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner

__all__ = ["FixedPolicy", "UniformPolicy"]

POLICY = TABLES


@inlined_kernel
def act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return an action drawn from the policy of the state."""
    at = form[POLICY] + state * form[COUNT]
    return draw_from_policy(numbers, EXPLORATION, memory, at, form, legal, form[PLAYER], state, 0.0, stream)


@inlined_kernel
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
    """Count the step."""
    memory[STEPS] += 1.0


class FixedPolicy(TableLearner):
    """A player who always follows one stationary policy.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    policy : array_like, shape (S, A_player), or (A_player,) for the same distribution in every state
        Such as ``solve(game)[0].profile[player]``, or what another learner has learned.

    Raises
    ------
    ProfileError
        If a row is no distribution over the legal actions.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.matching_pennies()
    >>> FixedPolicy(game, 0, policy=[0.75, 0.25]).policy()
    array([0.75, 0.25])
    """

    act_kernel = staticmethod(act)
    observe_kernel = staticmethod(observe)
    shareable: ClassVar[bool] = True

    def __init__(self, game: Any, player: int | str = 0, *, policy: ArrayLike) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        shape = (setting.n_states, setting.n_actions[who])
        try:
            rows = np.array(policy, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ProfileError(
                f"policy is {short(policy)}: it must be an array of probabilities of shape {shape} or {shape[1:]}"
            ) from error
        if rows.shape == shape[1:]:
            rows = np.broadcast_to(rows, shape).copy()
        if rows.shape != shape:
            raise ProfileError(f"policy has shape {rows.shape}: it must be {shape}, a row per state, or {shape[1:]}")
        inner = np.ones(len(rows), dtype=bool) if setting.game is None else ~setting.game.terminal
        illegal = ((rows < 0) | ((rows > 0) & ~setting.legal[who])).any(axis=1)
        wrong = illegal | ~(np.abs(rows.sum(axis=1) - 1.0) <= 1e-6)
        bad = np.flatnonzero(wrong & inner)
        if len(bad):
            raise ProfileError(
                f"the policy in state {bad[0]} is {rows[bad[0]].tolist()}: give a distribution over the legal actions"
            )
        super().__init__(setting, who, tables={"policy": shape}, settings={"policy": rows.tolist()})
        self.table("policy")[:] = rows

    def policy(self) -> Floats:
        """Return the policy, shape (S, A_player), or (A_player,) in a normal-form game."""
        return self._shaped(self.table("policy"))


class UniformPolicy(FixedPolicy):
    """A player who plays all her legal actions alike.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    """

    def __init__(self, game: Any, player: int | str = 0) -> None:
        setting = setting_of(game)
        legal = setting.legal[checked_player(setting, player)]
        super().__init__(setting, player, policy=legal / legal.sum(axis=1, keepdims=True))
        self.settings = {}
