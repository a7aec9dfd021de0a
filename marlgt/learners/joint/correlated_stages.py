"""Correlated-Q: what follows is worth what the best correlated equilibrium of its stage game is worth.

For the values Q_1(s, .), ..., Q_n(s, .) of all players, a correlated equilibrium sigma(s) is best for an objective
(Greenwald and Hall 2003): the sum of the payoffs (utilitarian), the smallest (egalitarian), the largest (republican),
or, for every player her own, her payoff (libertarian). Then ``V_j(s) = sum_a sigma(s, a) Q_j(s, a)``.

Players who draw from one distribution need a common signal. Here one learner is the device: it controls all players,
draws what all of them do, and so plays the equilibrium; as all players of one kind see the same, it learns what each of
them would. A learner of a single player has no signal and plays her own part of a draw of her own, which mixes as her
part of the equilibrium does, but apart from the others. Libertarian players share no distribution: each draws from her
own and plays her own part, with or without a device.

No condition is known under which the values converge, and in some games they do not: where the only stationary
equilibrium cannot be told from the values of actions (Zinkevich, Greenwald and Littman 2005), they go round.

References
----------
Greenwald, A. and Hall, K. (2003). Correlated Q-learning. ICML 20, 242-249.
Zinkevich, M., Greenwald, A. and Littman, M. L. (2005). Cyclic equilibria in Markov games. NIPS 18, 1641-1648.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_flag
from marlgt.kernels import lean_kernel
from marlgt.learners.exploration import draw_uniformly
from marlgt.learners.joint._correlated_program import program_work, solve
from marlgt.learners.joint._joint_stages import CHOSEN, JointLearner, draw_all_uniformly, update_joint
from marlgt.learners.layout import COUNTS, EVERYBODY, EXPLORATION, PLAYER, PLAYERS, PROFILES, STEPS
from marlgt.learners.schedules import Schedule, scheduled
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Floats
from marlgt.randomness import uniform

__all__ = ["CorrelatedQ"]

_OBJECTIVES = ("utilitarian", "egalitarian", "republican", "libertarian")
_LARGEST_STAGE = 256


@lean_kernel
def act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return a joint action drawn from what is chosen in the state, or the own part of one."""
    level = scheduled(numbers, EXPLORATION + 2, memory[STEPS])
    player = form[PLAYER]
    if level > 0.0 and uniform(stream) < level:
        if player == EVERYBODY:
            return draw_all_uniformly(form, legal, state, stream)
        return draw_uniformly(form, legal, player, state, stream)
    chosen = form[CHOSEN] + state * form[PROFILES]
    left = uniform(stream)
    joint = 0
    for cell in range(form[PROFILES]):
        if memory[chosen + cell] > 0.0:
            joint = cell
            left -= memory[chosen + cell]
            if left < 0.0:
                break
    if player == EVERYBODY:
        return joint
    return joint // int(form[COUNTS + form[PLAYERS] + player]) % int(form[COUNTS + player])


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
    """Update the values of what was played, and choose anew in its state."""
    update_joint(memory, form, numbers, state, actions, rewards, following, ended)
    solve(memory, form, numbers, legal, state)


class CorrelatedQ(JointLearner):
    """Correlated-Q-learning, of all players by one correlation device or of a single player.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
        Of any number of players.
    player : int or str, optional
        By default all players, who then play joint actions drawn together.
    objective : {"utilitarian", "egalitarian", "republican", "libertarian"}
        Which equilibrium of a stage game is chosen. Of several the one best for the first player, then for the second.
    coarse : bool
        Whether coarse correlated equilibria are chosen instead, which leave no gain from one action whatever is told.
    learning_rate : float or Schedule
        Alpha, from 0 to 1.
    exploration : float or Schedule
        The probability of random actions, of all players at once with a device.
    initial : float
        The first value of every joint action to every player.

    Raises
    ------
    GameError
        For an unknown objective, rates out of range or an exploration that is never above 0.
    UnsupportedGame
        If a stage game has more than 256 joint actions.

    Examples
    --------
    >>> import marlgt as gt
    >>> chicken = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    >>> learner = CorrelatedQ(chicken, learning_rate=0.2)
    >>> run = gt.learners.play(chicken, [learner], steps=1000, seed=0)
    >>> learner.joint().round(6).tolist(), learner.state_values[:, 0].round(6).tolist()
    ([[0.5, 0.25], [0.25, 0.0]], [5.25, 5.25])
    """

    act_kernel = staticmethod(act)
    observe_kernel = staticmethod(observe)

    def __init__(
        self,
        game: Any,
        player: int | str | None = None,
        *,
        objective: str = "utilitarian",
        coarse: bool = False,
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule = 0.2,
        initial: float = 0.0,
    ) -> None:
        setting = setting_of(game)
        if not isinstance(objective, str) or objective not in _OBJECTIVES:
            raise GameError(f"objective is {short(objective)}: choose one of {', '.join(_OBJECTIVES)}")
        require_flag(coarse, "coarse")
        if setting.n_profiles > _LARGEST_STAGE:
            raise UnsupportedGame(
                f"a stage game has {setting.n_profiles} joint actions, more than {_LARGEST_STAGE} for a linear program "
                "each step: use FriendOrFoeQ, or an independent learner such as QLearning"
            )
        super().__init__(
            setting,
            None if player is None else checked_player(setting, player),
            chosen=setting.n_profiles,
            work=program_work(setting, coarse=bool(coarse)),
            solve=solve,
            settings={
                "objective": objective,
                "coarse": bool(coarse),
                "learning_rate": learning_rate,
                "exploration": exploration,
                "initial": initial,
            },
            extra=[float(_OBJECTIVES.index(objective)), float(bool(coarse))],
        )
        self.step_work = 10.0 * program_work(setting, coarse=bool(coarse))

    def joint(self) -> Floats:
        """Return the distribution of joint actions chosen in each state, shape (S, A_1, ..., A_n).

        In a normal-form game it has no axis of states. That of libertarian players, who draw apart, is a product.
        """
        shape = (self.setting.n_states, *self.setting.n_actions)
        return self._shaped(self.table("chosen").reshape(shape))

    def profile(self) -> tuple[Floats, ...]:
        """Return every player's part of the chosen distributions, in player order."""
        n = self.setting.n_players
        joint = self.table("chosen").reshape(self.setting.n_states, *self.setting.n_actions)
        axes = range(1, n + 1)
        return tuple(self._shaped(np.asarray(joint.sum(axis=tuple(a for a in axes if a != 1 + i)))) for i in range(n))

    def policy(self) -> Any:
        """Return the own part of the chosen distributions, or everybody's with a device.

        Played apart, the parts of a correlated equilibrium need not be an equilibrium: :meth:`joint` is what is played.
        """
        return self.profile() if self.player == EVERYBODY else self.profile()[self.player]
