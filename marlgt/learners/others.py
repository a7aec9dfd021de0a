"""Others at the table: a person at the terminal, and the bots of OpenSpiel, in the seats of learners.

Both do what learners do (act, observe, tell their policy), so that any learner plays against them. Their policy is how
often they have played each action in each state so far.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._openspiel_tree import loaded
from marlgt.learners._stops import Leave
from marlgt.learners.settings import Setting, checked_player, setting_of
from marlgt.learners.tables import Transition

__all__ = ["Person", "SpielBot"]


class Person:
    """A person who is asked for each action, and told what followed.

    The answer ``q`` ends the match: what was played until then is its result, and all learners keep what they learned.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    ask : callable
        Reads a line after a prompt.
    say : callable
        Writes a line.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.rock_paper_scissors()
    >>> answers = iter(["rock", "2", "q"])
    >>> person = Person(game, 0, ask=lambda prompt: next(answers), say=lambda line: None)
    >>> run = gt.learners.play(game, [person, gt.learners.UniformPolicy(game, 1)], steps=100, seed=0)
    >>> run.steps, person.policy().tolist()
    (2, [0.5, 0.0, 0.5])
    """

    asks = True
    """A match lets Ctrl-C interrupt the question."""

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        ask: Callable[[str], str] = input,
        say: Callable[[str], None] = print,
    ) -> None:
        self.setting = setting_of(game)
        self.player = checked_player(self.setting, player)
        self._observed = game if self.setting.numbering is not None else None
        self._ask, self._say = ask, say
        self._counts = np.zeros((self.setting.n_states, self.setting.n_actions[self.player]), dtype=np.int64)
        # Those who never change the state need not be told of it.
        self._last = -1

    def act(self, observation: int, rng: np.random.Generator) -> int:
        """Ask for an action until the answer is one, by its number or its label."""
        self._show(observation)
        legal = np.flatnonzero(self.setting.legal[self.player][observation]).tolist()
        labels = [self._action(self.player, a) for a in legal]
        numbered = not all(label.isdigit() for label in labels)
        menu = "  ".join(f"[{k}] {label}" if numbered else label for k, label in enumerate(labels))
        while True:
            try:
                answer = self._ask(f"{menu}\nYour move: ").strip()
            except EOFError:
                raise Leave(f"{self._name(self.player)} left the match") from None
            if answer.lower() in ("q", "quit") and answer not in labels:
                raise Leave(f"{self._name(self.player)} left the match")
            if answer in labels:
                return int(legal[labels.index(answer)])
            if numbered and answer.isdigit() and int(answer) < len(labels):
                return int(legal[int(answer)])
            self._say(f"There is no move {answer!r}: give one of those shown, or q to stop.")

    def observe(self, transition: Transition) -> None:
        """Tell what everybody played and got, and whether the episode is over."""
        self._counts[transition.observation, transition.actions[self.player]] += 1
        players = enumerate(zip(transition.actions, transition.rewards))
        self._say("  " + ", ".join(f"{self._name(i)} {self._action(i, a)} gets {x:g}" for i, (a, x) in players))
        if transition.terminated or transition.truncated:
            self._say(f"The episode {'ends' if transition.terminated else 'is stopped'}.")
            self._last = -1

    def policy(self) -> NDArray[np.float64]:
        """Return how often the person played each action, shape (S, A), or (A,) in a normal-form game."""
        return _shares(self.setting, self.player, self._counts)

    def _show(self, observation: int) -> None:
        game = self.setting.game
        if self._observed is not None:
            self._say(f"You see: {short(self._observed.labels(self.player)[observation])}")
        elif game is not None and game.n_states > 1 and observation != self._last:
            self._say(f"State: {game.states[observation]}")
        self._last = observation

    def _name(self, player: int) -> str:
        name = self.setting.players[player]
        return f"player {name}" if name.isdigit() else name

    def _action(self, player: int, action: int) -> str:
        game = self.setting.game
        return str(action) if game is None else game.actions[player][action]


class SpielBot:
    """A bot of OpenSpiel in a seat of a match.

    The bot is shown states of its pyspiel game, in which the actions are made that are observed. A one-shot game is
    begun anew after each step; the rounds of a repeated game are the steps of a match on its stage game. In a game with
    states, chance in the pyspiel game is what makes ``str(state)`` the label of the state that the match is in.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
        In which a player's k-th legal action is the k-th of ``state.legal_actions(player)``.
    player : int or str
    bot : pyspiel.Bot, or a function without arguments that makes one
        Matches with several seeds need the function.
    spiel_game : pyspiel.Game or str
        The bot's game: of simultaneous moves.

    Raises
    ------
    MissingDependency
        Without open_spiel.
    UnsupportedGame
        For a pyspiel game of moves in turn, or with other numbers of players.

    Examples
    --------
    >>> import marlgt as gt
    >>> import pyspiel
    >>> game = gt.games.from_openspiel("matrix_rps")
    >>> bot = SpielBot(game, 1, lambda: pyspiel.make_uniform_random_bot(1, 7), spiel_game="matrix_rps")
    >>> learner = gt.learners.QLearning(game, player=0)
    >>> run = gt.learners.play(game, [learner, bot], steps=100, seed=0)
    >>> learner.steps
    100
    """

    def __init__(self, game: Any, player: int | str, bot: Any, *, spiel_game: Any) -> None:
        self.setting = setting_of(game)
        self.player = checked_player(self.setting, player)
        pyspiel, self._spiel_game = loaded(spiel_game)
        kind = self._spiel_game.get_type()
        if kind.dynamics != pyspiel.GameType.Dynamics.SIMULTANEOUS:
            raise UnsupportedGame(f"{kind.short_name} has moves in turn: learners play games of simultaneous moves")
        if self._spiel_game.num_players() != self.setting.n_players:
            raise UnsupportedGame(
                f"{kind.short_name} has {self._spiel_game.num_players()} players, the game has "
                f"{self.setting.n_players}: give the same game to both"
            )
        self._maker = bot if callable(bot) and not hasattr(bot, "step") else None
        self._bot = bot if self._maker is None else self._maker()
        if not hasattr(self._bot, "step"):
            raise GameError(f"bot is {short(bot)}: give a pyspiel bot, or a function without arguments that makes one")
        self._counts = np.zeros((self.setting.n_states, self.setting.n_actions[self.player]), dtype=np.int64)
        self._state: Any = None

    def act(self, observation: int, rng: np.random.Generator) -> int:
        """Return the bot's action, drawn with random numbers of its own."""
        if self._state is None or self._is_elsewhere(observation):
            self._state = self._spiel_game.new_initial_state()
            self._bot.restart()
        self._let_chance_move(observation)
        action = self._bot.step(self._state)
        moves = self._moves(self.player)
        if action not in moves:
            raise GameError(f"the bot played {action}, which is not legal: its moves are {moves}")
        legal = np.flatnonzero(self.setting.legal[self.player][observation])
        if len(legal) != len(moves):
            raise GameError(
                f"the bot has {len(moves)} moves where its seat has {len(legal)}: give SpielBot the pyspiel game that "
                "is played"
            )
        return int(legal[moves.index(action)])

    def observe(self, transition: Transition) -> None:
        """Make the actions in the bot's own state, and begin anew where the game is over."""
        seen, actions = transition.observation, transition.actions
        self._counts[seen, actions[self.player]] += 1
        made = []
        for i, action in enumerate(actions):
            legal = np.flatnonzero(self.setting.legal[i][seen]).tolist()
            made.append(self._moves(i)[legal.index(action)])
        before = self._state.clone()
        self._state.apply_actions(made)
        self._bot.inform_actions(before, made)
        if self._state.is_terminal() or transition.terminated or transition.truncated:
            self._state = None
        elif self._state.is_chance_node():
            self._let_chance_move(transition.next_observation)

    def policy(self) -> NDArray[np.float64]:
        """Return how often the bot played each action, shape (S, A), or (A,) in a normal-form game."""
        return _shares(self.setting, self.player, self._counts)

    def _moves(self, player: int) -> list[int]:
        return list(self._state.legal_actions(player))

    def _is_elsewhere(self, observation: int) -> bool:
        """Tell whether the match has left the bot's state, as another match does that begins in the middle of one."""
        game = self.setting.game
        if game is None or game.n_states == 1 or self._state.is_chance_node():
            return False
        return str(self._state) != game.states[observation]

    def _let_chance_move(self, observation: int) -> None:
        """Follow chance to the state of the match, which is known by its label."""
        if not self._state.is_chance_node():
            return
        label = None if self.setting.game is None else self.setting.game.states[observation]
        waiting = [self._state]
        while waiting:
            state = waiting.pop()
            if not state.is_chance_node():
                if str(state) == label:
                    self._state = state
                    return
                continue
            waiting.extend(state.child(outcome) for outcome, _ in state.chance_outcomes())
        raise GameError(
            f"no outcome of chance leads to the state {short(label)}: the states of the game must be labelled by "
            "str(state) of the pyspiel game"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> SpielBot:
        if self._maker is None:
            raise GameError("a pyspiel bot cannot be copied for another seed: give SpielBot a function that makes one")
        twin = SpielBot(self.setting, self.player, self._maker, spiel_game=self._spiel_game)
        twin._counts = self._counts.copy()
        return twin


def _shares(setting: Setting, player: int, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return counts as shares, and legal actions alike where nothing was counted."""
    legal = setting.legal[player].astype(np.float64)
    weights = np.where(counts.any(axis=1, keepdims=True), counts, legal)
    policy = weights / weights.sum(axis=1, keepdims=True)
    return np.asarray(policy[0] if setting.one_shot else policy)
