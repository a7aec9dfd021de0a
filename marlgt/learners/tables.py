"""Learners whose whole knowledge is one block of numbers: what they share, whatever their update rule.

A table learner is three arrays and two kernels. ``memory`` holds everything that changes (its header counts
observations and episodes, then one table after another), ``form`` the whole numbers that say where each table begins,
``numbers`` the settings. ``act`` reads them and draws an action, ``observe`` updates the memory. A match between such
learners runs in one fused loop over all seeds, each with its own copy of the memory; elsewhere they are called one step
at a time. Either way the memory is all there is to save.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import short
from marlgt.kernels import gear
from marlgt.learners.exploration import Exploration, as_exploration
from marlgt.learners.layout import (
    EVERYBODY,
    HEADER,
    MOST_TABLES,
    PENDING,
    RUNNING,
    STEPS,
    TERMINATED,
    TRUNCATED,
)
from marlgt.learners.schedules import Schedule, as_schedule
from marlgt.learners.settings import Setting, checked_player, is_finite_number, setting_of
from marlgt.randomness import streams

__all__ = ["Floats", "Learner", "TableLearner", "Transition"]

Floats = NDArray[np.float64]

MOST_NUMBERS = 2**28
"""Numbers that learners hold in all: two gigabytes."""


class Transition(NamedTuple):
    """What a learner is told after a step.

    Attributes
    ----------
    observation : int
        The state, or the number of what the learner observed, in which the actions were chosen.
    actions : tuple of int
        The action of every player; independent learners read only their own.
    rewards : tuple of float
        The reward of every player; independent learners read only their own.
    next_observation : int
    terminated : bool
        The game is over: what follows is worth 0.
    truncated : bool
        The episode was cut here: what follows is worth the value of the state.
    """

    observation: int
    actions: tuple[int, ...]
    rewards: tuple[float, ...]
    next_observation: int
    terminated: bool = False
    truncated: bool = False


@runtime_checkable
class Learner(Protocol):
    """Whoever can play: acts on an observation, learns from what follows, and can say what it has learned."""

    def act(self, observation: int, rng: np.random.Generator) -> int:
        """Return an action for an observation."""
        ...

    def observe(self, transition: Transition) -> None:
        """Learn from one step."""
        ...

    def policy(self) -> Any:
        """Return the policy learned so far, shape (S, A_player)."""
        ...


class TableLearner:
    """The state and the doors that all table learners share.

    Attributes
    ----------
    setting : Setting
    player : int
        ``EVERYBODY`` for a learner that chooses the actions of all players.
    memory : ndarray, shape (size,)
        All that changes.
    settings : dict
        The arguments that it was made with.
    shareable : bool
        Whether one memory can serve several seats at once: the kind reads its own actions and rewards only, and carries
        nothing from one step to the next. A property of the class.
    step_work : float
        What a step costs, in units of :func:`marlgt.kernels.gear`; more for learners that solve games.
    """

    shareable: ClassVar[bool] = False
    step_work: float = 60.0
    act_kernel: ClassVar[Callable[..., int]]
    observe_kernel: ClassVar[Callable[..., None]]

    def __init__(
        self,
        game: Any,
        player: Any,
        *,
        tables: Mapping[str, tuple[int, ...]],
        settings: Mapping[str, Any],
        learning_rate: float | Schedule = 0.0,
        exploration: float | Schedule | Exploration | None = None,
        extra: Sequence[float] | Floats = (),
    ) -> None:
        self.setting: Setting = setting_of(game)
        self.player = EVERYBODY if player is None else checked_player(self.setting, player)
        self.settings: dict[str, Any] = dict(settings)
        first = self.settings.get("initial", 0.0)
        if not is_finite_number(first):
            raise GameError(f"initial is {short(first)}: give a finite number, the first value of every action")
        self._shapes = dict(tables)
        sizes = [prod(map(int, shape)) for shape in tables.values()]
        if sum(sizes) > MOST_NUMBERS:
            largest = max(zip(sizes, tables))
            raise BudgetExceeded(
                f"{type(self).__name__} would remember {sum(sizes):.1e} numbers, {largest[0]:.1e} of them in its table "
                f"{largest[1]!r}, above the limit of {MOST_NUMBERS:.1e}: remember fewer steps, or play a smaller game",
                estimate=float(sum(sizes)),
                limit=float(MOST_NUMBERS),
            )
        begins = HEADER + np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._begins = dict(zip(tables, begins.tolist()))
        self._legal, self.form = _form(self.setting, self.player, begins)
        # A policy that is mixed anyway need not explore; what acts on values must.
        rule = Exploration("epsilon_greedy", as_schedule(0.0, "epsilon"))
        if exploration is not None:
            rule = as_exploration(exploration)
        rate = as_schedule(learning_rate, "learning_rate")
        special = np.asarray(extra, dtype=np.float64)
        self.numbers: Floats = np.concatenate([[self.setting.discount], rate.row(), rule.row(), special])
        self.memory: Floats = np.zeros(int(begins[-1]))
        self.memory[PENDING] = -1.0
        self._stream = streams([0])[0]
        self._scratch = np.zeros(self.setting.n_players, dtype=np.int64), np.zeros(self.setting.n_players)

    def table(self, name: str) -> Floats:
        """Return one table of the memory, a view: writing to it changes what the learner knows."""
        if name not in self._shapes:
            raise GameError(f"{type(self).__name__} has no table {name!r}: it has {', '.join(self._shapes)}")
        shape, begin = self._shapes[name], self._begins[name]
        return self.memory[begin : begin + int(np.prod(shape))].reshape(shape)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables."""
        return tuple(self._shapes)

    @property
    def steps(self) -> int:
        """How many transitions the learner has observed."""
        return int(self.memory[STEPS])

    def act(self, observation: int, rng: np.random.Generator) -> int:
        """Return an action for an observation, drawn with numbers from ``rng``.

        A learner that controls every player returns the number of a profile of actions.
        """
        # Three draws of floats cost a tenth of one draw of whole numbers.
        draw, stream = rng.random, self._stream
        stream[0] = int(draw() * 4294967296.0)
        stream[1] = int(draw() * 4294967296.0)
        stream[2] = 1 + int(draw() * 1073741824.0)
        act = gear(type(self).act_kernel, 0.0)
        return int(act(self.memory, self.form, self.numbers, self._legal, observation, stream))

    def observe(self, transition: Transition) -> None:
        """Learn from one step."""
        s, actions, rewards, following, terminated, truncated = transition
        ended = TERMINATED if terminated else TRUNCATED if truncated else RUNNING
        # Two scratch arrays of the learner's own, filled one by one: new ones, or slices, cost as much as an update.
        played, paid = self._scratch
        for i, action in enumerate(actions):
            played[i] = action
        for i, reward in enumerate(rewards):
            paid[i] = reward
        own = int(played @ self.setting.strides()) if self.player == EVERYBODY else int(actions[self.player])
        observe = gear(type(self).observe_kernel, 0.0)
        observe(
            self.memory,
            self.form,
            self.numbers,
            self._legal,
            s,
            own,
            played,
            paid,
            following,
            ended,
            self._stream,
        )

    def policy(self) -> Any:
        """Return the policy that the learner has learned, without its exploration.

        Returns
        -------
        ndarray, shape (S, A_player), or (A_player,) in a normal-form game
            A tuple with one for each player, if the learner controls them all.
        """
        raise NotImplementedError(f"{type(self).__name__} has no policy(): a learner must say what it has learned")

    def copy(self) -> TableLearner:
        """Return a learner of the same settings with a memory of its own."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.memory = self.memory.copy()
        twin._stream = self._stream.copy()
        return twin

    def _shaped(self, policy: Floats) -> Floats:
        """Return a policy of shape (S, A) as the game takes it."""
        return policy[0] if self.setting.one_shot else policy

    def _greedy(self, values: Floats, player: int) -> Floats:
        """Return the greedy policy, ties shared, of values of shape (S, A)."""
        legal = self.setting.legal[player]
        masked = np.where(legal, values, -np.inf)
        best = legal & (masked == masked.max(axis=1, keepdims=True))
        return self._shaped(best / best.sum(axis=1, keepdims=True))

    def __repr__(self) -> str:
        who = "all players" if self.player == EVERYBODY else f"player {self.player}"
        return f"<{type(self).__name__} of {who} of {self.setting.title or 'a game'}, {self.steps} steps observed>"


def _form(setting: Setting, player: int, begins: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return what is legal, and the whole numbers that a learner's kernels read."""
    legal, legal_begins = setting.flat_legal()
    own = setting.n_profiles if player == EVERYBODY else setting.n_actions[player]
    places = np.zeros(MOST_TABLES, dtype=np.int64)
    places[: len(begins) - 1] = begins[:-1]
    facts = [player, setting.n_states, own, setting.n_players, setting.n_profiles, int(setting.all_legal())]
    counts = np.array(setting.n_actions, dtype=np.int64)
    return legal, np.concatenate([facts, places, counts, setting.strides(), legal_begins]).astype(np.int64)
