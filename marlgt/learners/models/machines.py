"""Finite-state policies: a player who is in one of a few states, each with a strategy, and moves on what is played.

A machine of player j is M distributions over her actions (one for each state of the game, if she looks at that) and the
next machine state after every profile of actions. The classics of the repeated prisoner's dilemma are of one or two
states: always the same action, the grim trigger, tit for tat, and win-stay, lose-shift.

References
----------
Rubinstein, A. (1986). Finite automata play the repeated prisoner's dilemma. Journal of Economic Theory 39, 83-96.
Nowak, M. and Sigmund, K. (1993). A strategy of win-stay, lose-shift that outperforms tit-for-tat. Nature 364, 56-58.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole
from marlgt.learners.settings import Setting, checked_player, setting_of
from marlgt.learners.tables import Transition

__all__ = [
    "MachinePlayer",
    "PolicyMachine",
    "always",
    "grim_trigger",
    "policy_machine",
    "stationary_machine",
    "tit_for_tat",
    "trembling",
    "win_stay_lose_shift",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PolicyMachine:
    """A finite-state policy of one player; made by :func:`policy_machine`.

    Attributes
    ----------
    player : int
    n_actions : tuple of int
        Of all players.
    distributions : ndarray, shape (M, S, A_player), or (M, 1, A_player) for machines that do not look at the state
    successors : ndarray of int64, shape (M, profiles)
        The next machine state after each profile of actions, the last player's action counted fastest.
    initial : int
    title : str
    """

    player: int
    n_actions: tuple[int, ...]
    distributions: Floats
    successors: NDArray[np.int64]
    initial: int = 0
    title: str = ""

    def probabilities(self, position: int, state: int) -> Floats:
        """Return the strategy in a machine state and a state of the game, shape (A_player,)."""
        rows = self.distributions[position]
        return np.asarray(rows[0 if len(rows) == 1 else state])

    def after(self, position: int, profile: int) -> int:
        """Return the machine state that follows a profile."""
        return int(self.successors[position, profile])

    def __repr__(self) -> str:
        return f"<PolicyMachine {self.title or 'unnamed'} of player {self.player}, {len(self.distributions)} states>"


def policy_machine(
    game: Any,
    player: int | str,
    *,
    distributions: ArrayLike,
    successors: ArrayLike,
    initial: int = 0,
    title: str = "",
) -> PolicyMachine:
    """Return a machine, checked.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
    player : int or str
    distributions : array_like, shape (M, A_player) or (M, S, A_player)
    successors : array_like of int, shape (M, A_1, ..., A_n) or (M, profiles)
    initial : int
    title : str

    Raises
    ------
    GameError
        For arrays that do not fit the game, rows that are no distributions over legal actions, and machine states that
        there are not.
    """
    setting = setting_of(game)
    who = checked_player(setting, player)
    rows = np.array(distributions, dtype=np.float64)
    rows = rows[:, None] if rows.ndim == 2 else rows
    count = setting.n_actions[who]
    if rows.ndim != 3 or rows.shape[1] not in (1, setting.n_states) or rows.shape[2] != count or not len(rows):
        shape = (len(rows), setting.n_states, count)
        raise GameError(f"distributions has shape {np.shape(distributions)}: it must be {shape} or {shape[::2]}")
    if not (rows >= 0).all() or not (np.abs(rows.sum(axis=2) - 1.0) <= 1e-9).all():
        raise GameError(f"distributions is {short(distributions)}: every row must be a distribution")
    if (np.broadcast_to(rows, (len(rows), setting.n_states, count))[:, ~setting.legal[who]] > 0).any():
        raise GameError("the machine plays actions that are illegal: give rows for each state of the game")
    nexts = np.array(successors)
    if nexts.size != len(rows) * setting.n_profiles or nexts.dtype.kind not in "iu":
        raise GameError(
            f"successors has shape {nexts.shape}: give whole numbers, shape {(len(rows), *setting.n_actions)}"
        )
    nexts = nexts.reshape(len(rows), setting.n_profiles).astype(np.int64)
    require_whole(initial, "initial", least=0)
    if nexts.min() < 0 or max(int(nexts.max()), initial) >= len(rows):
        raise GameError(f"the machine has states 0 to {len(rows) - 1}: successors or initial name another")
    return PolicyMachine(who, setting.n_actions, rows, nexts, initial, title)


def stationary_machine(game: Any, player: int | str, policy: ArrayLike, *, title: str = "stationary") -> PolicyMachine:
    """Return the machine of one state that plays a stationary policy.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
    player : int or str
    policy : array_like, shape (A_player,) or (S, A_player)
    """
    rows = np.array(policy, dtype=np.float64)
    setting = setting_of(game)
    nexts = np.zeros((1, setting.n_profiles), dtype=np.int64)
    return policy_machine(setting, player, distributions=rows[None], successors=nexts, title=title)


def always(game: Any, player: int | str, action: int) -> PolicyMachine:
    """Return the machine that always plays one action."""
    setting = setting_of(game)
    count = setting.n_actions[checked_player(setting, player)]
    pure = np.eye(count)[_checked_action(action, "action", count)]
    return stationary_machine(setting, player, pure, title=f"always {action}")


def grim_trigger(game: Any, player: int | str, *, cooperate: int = 0, punish: int = 1) -> PolicyMachine:
    """Return the machine that cooperates until the other does not, and punishes for ever after.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
        Of two players.
    player : int or str
    cooperate : int
        What both are to play.
    punish : int
    """
    setting, who, other = _pair(game, player)
    count = setting.n_actions[who]
    rows = np.eye(count)[[_checked_action(cooperate, "cooperate", count), _checked_action(punish, "punish", count)]]
    nexts = np.ones((2, setting.n_profiles), dtype=np.int64)
    nexts[0] = other != cooperate
    return policy_machine(setting, who, distributions=rows, successors=nexts, title="grim trigger")


def tit_for_tat(game: Any, player: int | str, *, first: int = 0) -> PolicyMachine:
    """Return the machine that plays what the other played last, in a game of two players with the same actions.

    Examples
    --------
    >>> import marlgt as gt
    >>> machine = tit_for_tat(gt.games.prisoners_dilemma(), 1)
    >>> machine.after(0, 2), machine.probabilities(1, 0).tolist()      # the first player defected
    (1, [0.0, 1.0])
    """
    setting, who, other = _pair(game, player)
    count = setting.n_actions[who]
    if setting.n_actions[1 - who] != count:
        raise UnsupportedGame(f"the players have {setting.n_actions} actions: who copies needs those of the other")
    nexts = np.tile(other, (count, 1))
    start = _checked_action(first, "first", count)
    return policy_machine(
        setting, who, distributions=np.eye(count), successors=nexts, initial=start, title="tit for tat"
    )


def win_stay_lose_shift(
    game: Any, player: int | str, *, first: int = 0, aspiration: float | None = None
) -> PolicyMachine:
    """Return the machine that repeats its action after a win, and turns to the other after a loss.

    Parameters
    ----------
    game : NormalFormGame, or a stochastic game of one state
        Of two players, the machine's with two actions.
    player : int or str
    first : int
    aspiration : float, optional
        The least payoff that is a win; by default the mean of the machine's own payoffs.
    """
    setting, who, _ = _pair(game, player)
    if setting.game is None or setting.n_states != 1 or setting.n_actions[who] != 2:
        raise UnsupportedGame("win-stay, lose-shift is for two actions in one known matrix of payoffs")
    paid = setting.game.rewards[who].reshape(-1)
    wins = paid >= (float(paid.mean()) if aspiration is None else aspiration)
    own = np.arange(setting.n_profiles) // int(setting.strides()[who]) % 2
    nexts = np.tile(np.where(wins, own, 1 - own), (2, 1))
    start = _checked_action(first, "first", 2)
    title = "win-stay, lose-shift"
    return policy_machine(setting, who, distributions=np.eye(2), successors=nexts, initial=start, title=title)


def trembling(machine: PolicyMachine, noise: float) -> PolicyMachine:
    """Return the machine that with probability ``noise`` plays any of its actions instead.

    No action is impossible to it, so that no play can refute it for good.
    """
    if isinstance(noise, bool) or not isinstance(noise, float | int) or not 0.0 <= noise <= 1.0:
        raise GameError(f"noise is {short(noise)}: give a number from 0 to 1")
    rows = (1.0 - noise) * machine.distributions + noise / machine.distributions.shape[2]
    return replace(machine, distributions=rows)


class MachinePlayer:
    """A player who follows a machine and does not learn; a new episode starts it anew.

    Parameters
    ----------
    machine : PolicyMachine
    """

    def __init__(self, machine: PolicyMachine) -> None:
        if not isinstance(machine, PolicyMachine):
            raise GameError(f"machine is {short(machine)}: give a PolicyMachine such as tit_for_tat(game, 1)")
        self.machine = machine
        self.position = machine.initial

    def act(self, observation: int, rng: np.random.Generator) -> int:
        """Return an action drawn from the strategy of the machine state."""
        return int(rng.choice(self.machine.n_actions[self.machine.player], p=self._row(observation)))

    def observe(self, transition: Transition) -> None:
        """Move on."""
        profile = int(np.ravel_multi_index(transition.actions, self.machine.n_actions))
        over = transition.terminated or transition.truncated
        self.position = self.machine.initial if over else self.machine.after(self.position, profile)

    def policy(self) -> Floats:
        """Return the strategies of the machine state as it is, shape (S, A), or (A,) if it looks at no state."""
        rows = self.machine.distributions[self.position]
        return np.asarray(rows[0] if len(rows) == 1 else rows)

    def _row(self, observation: int) -> Floats:
        return self.machine.probabilities(self.position, observation)


def _pair(game: Any, player: int | str) -> tuple[Setting, int, NDArray[np.int64]]:
    """Return the setting of a game of two, the player's number, and the other's action in each profile."""
    setting = setting_of(game)
    if setting.n_players != 2:
        raise UnsupportedGame(f"the game has {setting.n_players} players: this machine reacts to one other")
    who = checked_player(setting, player)
    step, count = int(setting.strides()[1 - who]), setting.n_actions[1 - who]
    return setting, who, np.arange(setting.n_profiles, dtype=np.int64) // step % count


def _checked_action(action: Any, name: str, count: int) -> int:
    require_whole(action, name, least=0)
    if action >= count:
        raise GameError(f"{name} is {action}: the player has actions 0 to {count - 1}")
    return int(action)
