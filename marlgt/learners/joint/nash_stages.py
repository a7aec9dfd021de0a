"""Nash-Q: what follows is worth what a Nash equilibrium of its stage game is worth (Hu and Wellman 2003).

The learner keeps both players' values, takes a Nash equilibrium (x, y) of the stage game Q_1(s, .), Q_2(s, .) and sets
``V_j(s) = x' Q_j(s) y``. A stage game may have many equilibria, and which one is chosen is a part of the algorithm:

    first       the first pair of supports that bears one, from small to large, in lexicographic order
    second      the next one, or the first where there is only one
    welfare     the largest sum of values, the first of equals
    best_own    the best for the learner herself, the first of equals

Convergence is proved where every stage game met has an equilibrium that is best for both (or every one a saddle), and
that one is chosen throughout. Elsewhere learners that select alike mostly converge, those that do not (each her own
best) may not, and where the only stationary equilibrium cannot be told from the values of actions nothing of this kind
does (Zinkevich, Greenwald and Littman 2005).

References
----------
Hu, J. and Wellman, M. P. (2003). Nash Q-learning for general-sum stochastic games. Journal of Machine Learning
Research 4, 1039-1069.
Zinkevich, M., Greenwald, A. and Littman, M. L. (2005). Cyclic equilibria in Markov games. NIPS 18, 1641-1648.
"""

from __future__ import annotations

import math
from typing import Any

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.kernels import lean_kernel
from marlgt.learners.exploration import draw_uniformly
from marlgt.learners.joint._joint_stages import CHOSEN, JointLearner, draw_all_uniformly, update_joint
from marlgt.learners.joint._nash_supports import LARGEST_SIDE, nash_work, solve
from marlgt.learners.layout import COUNTS, EVERYBODY, EXPLORATION, PLAYER, STEPS
from marlgt.learners.schedules import Schedule, scheduled
from marlgt.learners.settings import Setting, checked_player, setting_of
from marlgt.learners.tables import Floats
from marlgt.randomness import uniform

__all__ = ["NashQ"]

_SELECTIONS = ("first", "second", "welfare", "best_own")


@lean_kernel
def draw_mixture(memory: Any, mixture: int, count: int, stream: Any) -> int:
    """Return an action drawn from ``memory[mixture + a]``."""
    left = uniform(stream)
    action = 0
    for a in range(count):
        if memory[mixture + a] > 0.0:
            action = a
            left -= memory[mixture + a]
            if left < 0.0:
                break
    return action


@lean_kernel
def act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return an action drawn from the own mixture of the state, or of both players' mixtures a joint one."""
    level = scheduled(numbers, EXPLORATION + 2, memory[STEPS])
    player = form[PLAYER]
    if level > 0.0 and uniform(stream) < level:
        if player == EVERYBODY:
            return draw_all_uniformly(form, legal, state, stream)
        return draw_uniformly(form, legal, player, state, stream)
    rows = int(form[COUNTS])
    columns = int(form[COUNTS + 1])
    mixture = form[CHOSEN] + state * (rows + columns)
    if player == 0:
        return draw_mixture(memory, mixture, rows, stream)
    if player == 1:
        return draw_mixture(memory, mixture + rows, columns, stream)
    first = draw_mixture(memory, mixture, rows, stream)
    return first * columns + draw_mixture(memory, mixture + rows, columns, stream)


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
    """Update both players' values of what was played, and choose anew in its state."""
    update_joint(memory, form, numbers, state, actions, rewards, following, ended)
    solve(memory, form, numbers, legal, state)


class NashQ(JointLearner):
    """Nash-Q-learning of one of two players, or of both who select alike.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str, optional
        By default both: two learners who select alike hold the same values, and one learner stands for them.
    selection : {"first", "second", "welfare", "best_own"}
        Which equilibrium of a stage game is chosen.
    learning_rate : float or Schedule
        Alpha, from 0 to 1; in the paper one over the visits, ``power(1.0, per_visit=True)``.
    exploration : float or Schedule
        The probability of a random action, of both players at once where the learner controls both.
    initial : float
        The first value of every pair of actions to both players.

    Raises
    ------
    GameError
        For an unknown selection, ``"best_own"`` for both players at once, rates out of range, or an exploration that is
        never above 0.
    UnsupportedGame
        If there are not two players, or one has more than 6 actions.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.stag_hunt()
    >>> learner = NashQ(game, selection="welfare", learning_rate=0.2)
    >>> run = gt.learners.play(game, [learner], steps=1000, seed=0)
    >>> [policy.tolist() for policy in learner.policy()]
    [[1.0, 0.0], [1.0, 0.0]]
    """

    act_kernel = staticmethod(act)
    observe_kernel = staticmethod(observe)

    def __init__(
        self,
        game: Any,
        player: int | str | None = None,
        *,
        selection: str = "first",
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule = 0.2,
        initial: float = 0.0,
    ) -> None:
        setting = setting_of(game)
        who = None if player is None else checked_player(setting, player)
        if not isinstance(selection, str) or selection not in _SELECTIONS:
            raise GameError(f"selection is {short(selection)}: choose one of {', '.join(_SELECTIONS)}")
        if who is None and selection == "best_own":
            raise GameError(
                'selection is "best_own", by which the players hold different values: make a learner for each of them '
                "with player=0 and player=1"
            )
        require_small(setting)
        super().__init__(
            setting,
            who,
            chosen=sum(setting.n_actions),
            work=nash_work(*setting.n_actions),
            solve=solve,
            settings={
                "selection": selection,
                "learning_rate": learning_rate,
                "exploration": exploration,
                "initial": initial,
            },
            extra=[float(_SELECTIONS.index(selection))],
        )
        rows, columns = setting.n_actions
        # A pair of supports, of which there are so many of equal size, takes about a hundred.
        self.step_work = 500.0 + 100.0 * (math.comb(rows + columns, rows) - 1)

    def profile(self) -> tuple[Floats, ...]:
        """Return the chosen equilibria's policies of both players, shapes (S, A_i), or (A_i,) in a normal-form game."""
        rows = self.setting.n_actions[0]
        chosen = self.table("chosen")
        return self._shaped(chosen[:, :rows]), self._shaped(chosen[:, rows:])

    def policy(self) -> Any:
        """Return the own policy, or both players' where the learner controls both."""
        return self.profile() if self.player == EVERYBODY else self.profile()[self.player]


def require_small(setting: Setting) -> None:
    """Raise unless all equilibria of a stage game can be found at every step."""
    if setting.n_players != 2:
        raise UnsupportedGame(
            f"NashQ finds the equilibria of stage games of two players, this game has {setting.n_players}: use "
            "CorrelatedQ, whose stage games are linear programs for any number of players"
        )
    if max(setting.n_actions) > LARGEST_SIDE:
        raise UnsupportedGame(
            f"the players have {setting.n_actions[0]} and {setting.n_actions[1]} actions, and NashQ enumerates the "
            f"supports of up to {LARGEST_SIDE} each at every step: use CorrelatedQ, or FriendOrFoeQ for larger games"
        )
