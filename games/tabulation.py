"""Tables of games that are given by a step function: every state that can come up, found breadth first.

The states are numbered in the order in which they are found, those of the start first. Two outcomes of the same
actions that lead to the same state with the same rewards become one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import require_whole
from marlgt.games.stochastic import StochasticGame
from marlgt.progress import progress

__all__ = ["MAX_STATES", "StepModel", "tabulate"]

MAX_STATES = 1_000_000
"""How many states a table has at most, unless the caller says otherwise."""

MOST_OUTCOMES = 2**26
"""Most entries of the table of successors: half a gigabyte of probabilities."""

_REPORT_EVERY = 512
_METHODS = ("players", "initial_states", "legal_actions", "step", "is_terminal")

State = TypeVar("State", bound=Hashable)


class StepModel(Protocol[State]):
    """What a game must tell to be tabulated; states are hashable values that no method changes."""

    @property
    def players(self) -> Sequence[str]:
        """The names of the players; a plain attribute will do."""
        ...

    def initial_states(self) -> Sequence[tuple[Any, State]]:
        """Return the states in which the game may begin, each after its probability."""
        ...

    def legal_actions(self, state: State, player: int) -> Sequence[Hashable]:
        """Return the actions that a player has in a state that is not terminal."""
        ...

    def step(self, state: State, actions: tuple[Any, ...]) -> Sequence[tuple[Any, State, Sequence[Any]]]:
        """Return what may follow when the players act so: probability, next state, and each player's reward."""
        ...

    def is_terminal(self, state: State) -> bool:
        """Tell whether the game is over."""
        ...


def tabulate(
    model: StepModel[Any],
    *,
    discount: float,
    label: Callable[[Any], str] = str,
    title: str = "",
    max_states: int = MAX_STATES,
) -> StochasticGame:
    """Return the table of a game that is given by a step function.

    Parameters
    ----------
    model : StepModel
    discount : float
    label : callable
        What to call a state; an action is called by its ``str``.
    title : str
        By default the name of the class of the model.
    max_states : int

    Returns
    -------
    StochasticGame
        Its actions are, for each player, all that are legal in some state, in the order in which they were met.

    Raises
    ------
    BudgetExceeded
        If there are more states than ``max_states``, or more outcomes than fit in memory.
    GameError
        For a model whose answers do not fit together; the message names the state.

    Examples
    --------
    >>> class Coin:
    ...     players = ["she"]
    ...     def initial_states(self): return [(1, "heads")]
    ...     def legal_actions(self, state, player): return ["flip", "stop"]
    ...     def is_terminal(self, state): return state == "stopped"
    ...     def step(self, state, actions):
    ...         if actions == ("stop",):
    ...             return [(1, "stopped", [float(state == "heads")])]
    ...         return [(0.5, "heads", [0]), (0.5, "tails", [0])]
    >>> tabulate(Coin(), discount=0.9)
    <StochasticGame 'Coin': 3 states (1 terminal), 2 actions, discount 0.9>
    """
    missing = [name for name in _METHODS if not hasattr(model, name)]
    if missing:
        raise GameError(
            f"model is {short(model)}, which has no {missing[0]}: give a StepModel, with {', '.join(_METHODS)}"
        )
    require_whole(max_states, "max_states", least=1)
    search = _Search(model, max_states)
    with progress("tabulation") as report:
        search.run(report)
    return search.game(discount, label, title or type(model).__name__)


class _Search:
    """The states found so far and the outcomes of all actions in those looked at, in flat lists."""

    def __init__(self, model: StepModel[Any], max_states: int) -> None:
        self.model, self.max_states = model, max_states
        self.n_players = len(model.players)
        self.numbers: dict[Any, int] = {}
        self.found: list[Any] = []
        self.columns: list[dict[Any, int]] = [{} for _ in model.players]
        self.terminal: list[bool] = []
        self.choices: list[tuple[tuple[int, ...], ...]] = []
        self.counts: list[int] = []
        self.successors: list[int] = []
        self.chances: list[Any] = []
        self.rewards: list[Any] = []
        initial = list(model.initial_states())
        if not initial:
            raise GameError("initial_states() is empty: give at least one state with its probability")
        for _, state in initial:
            _require_hashable(state)
        self.start = [(chance, self._number(state)) for chance, state in initial]

    def _number(self, state: Any) -> int:
        number = self.numbers.setdefault(state, len(self.found))
        if number == len(self.found):
            if number >= self.max_states:
                raise BudgetExceeded(
                    f"the game has more than {self.max_states} states: raise max_states, or tabulate a smaller game",
                    estimate=number + 1,
                    limit=self.max_states,
                )
            self.found.append(state)
        return number

    def run(self, report: Callable[[float, str], None]) -> None:
        """Look at every state that can be reached."""
        model, found = self.model, self.found
        looked_at = 0
        while looked_at < len(found):
            state = found[looked_at]
            ended = bool(model.is_terminal(state))
            self.terminal.append(ended)
            if ended:
                self.choices.append(())
            else:
                self._expand(state)
            looked_at += 1
            if looked_at % _REPORT_EVERY == 0:
                report(looked_at, f"{len(found)} states")

    def _expand(self, state: Any) -> None:
        step, number, numbers = self.model.step, self._number, self.numbers
        legal = [tuple(self.model.legal_actions(state, i)) for i in range(self.n_players)]
        for i, own in enumerate(legal):
            if not own or len(set(own)) < len(own):
                raise GameError(
                    f"player {i} has the legal actions {short(own)} in state {short(state)}: give at least one, and "
                    "each once"
                )
        self.choices.append(
            tuple(tuple(known.setdefault(a, len(known)) for a in own) for known, own in zip(self.columns, legal))
        )
        counts, successors, chances, rewards = self.counts, self.successors, self.chances, self.rewards
        for actions in itertools.product(*legal):
            outcomes = step(state, actions)
            if len(outcomes) > 1 and len({outcome[1] for outcome in outcomes}) < len(outcomes):
                outcomes = _merged(outcomes)
            counts.append(len(outcomes))
            for chance, following, paid in outcomes:
                known = numbers.get(following)
                successors.append(number(following) if known is None else known)
                chances.append(chance)
                rewards.extend(paid)
            if not outcomes or len(rewards) != len(chances) * self.n_players:
                raise GameError(
                    f"step({short(state)}, {short(actions)}) returns {short(outcomes)}: give at least one triple of "
                    f"probability, next state and rewards of {self.n_players} players"
                )

    def game(self, discount: float, label: Callable[[Any], str], title: str) -> StochasticGame:
        """Return what was found as arrays."""
        n, n_states = self.n_players, len(self.found)
        shape = tuple(max(1, len(known)) for known in self.columns)
        width = max(self.counts, default=1)
        size = n_states * math.prod(shape) * width
        if size > MOST_OUTCOMES:
            raise BudgetExceeded(
                f"the table would have {size:,} outcomes, more than {MOST_OUTCOMES:,}: tabulate a smaller game",
                estimate=size,
                limit=MOST_OUTCOMES,
            )
        cells = self._cells(shape)
        counts = np.array(self.counts, dtype=np.int64)
        # Outcome number w of a step stands at place w of its cell.
        place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        place += np.repeat(cells, counts) * width
        successors = np.zeros((n_states, *shape, width), dtype=np.int64)
        chances = np.zeros(successors.shape)
        paid = np.zeros((size, n))
        successors.reshape(-1)[place] = self.successors
        chances.reshape(-1)[place] = exact_and_float(self.chances, "the probabilities of step()")[0]
        paid[place] = exact_and_float(self.rewards, "the rewards of step()")[0].reshape(-1, n)
        legal = [np.zeros((n_states, count), dtype=bool) for count in shape]
        for s, choice in enumerate(self.choices):
            for own, columns in zip(legal, choice):
                own[s, list(columns)] = True
        start = np.zeros(n_states)
        for chance, state in self.start:
            start[state] += float(chance)
        return StochasticGame(
            np.moveaxis(paid.reshape(*successors.shape, n), -1, 0),
            successors,
            chances,
            discount=discount,
            start=start,
            terminal=self.terminal,
            legal=[np.where(np.array(self.terminal)[:, None], True, own) for own in legal],
            players=list(self.model.players),
            states=[label(state) for state in self.found],
            actions=[[str(action) for action in known] or ["0"] for known in self.columns],
            title=title,
        )

    def _cells(self, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Return where each step stands in the table of states and profiles of actions."""
        grids: dict[tuple[tuple[int, ...], ...], NDArray[np.int64]] = {}
        table = np.arange(math.prod(shape)).reshape(shape)
        cells = []
        for s, choice in enumerate(self.choices):
            if not choice:
                continue
            if choice not in grids:
                grids[choice] = table[np.ix_(*choice)].reshape(-1)
            cells.append(grids[choice] + s * table.size)
        return np.concatenate(cells) if cells else np.zeros(0, dtype=np.int64)


def _require_hashable(state: Any) -> None:
    try:
        hash(state)
    except TypeError as error:
        raise GameError(f"the state {short(state)} is not hashable ({error}): make states tuples of numbers") from error


def _merged(outcomes: Sequence[tuple[Any, Any, Sequence[Any]]]) -> Sequence[tuple[Any, Any, Sequence[Any]]]:
    together: dict[Any, Any] = {}
    for chance, following, paid in outcomes:
        key = (following, tuple(paid))
        together[key] = together[key] + chance if key in together else chance
    return [(chance, following, paid) for (following, paid), chance in together.items()]
