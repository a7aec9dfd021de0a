"""Stochastic games to be played step by step: one copy as a PettingZoo environment, or thousands of copies as arrays.

Both know when a game is over for good (terminated: what follows is worth 0) and when it was only stopped at the
horizon (truncated: what follows is worth the value of the state).
"""

from __future__ import annotations

import copy
import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError, MissingDependency, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_seed, require_stochastic_game, require_whole
from marlgt.games._transition_tables import TransitionTables
from marlgt.games.stochastic import StochasticGame

__all__ = ["BatchSimulator", "BatchStep", "parallel_env"]

MOST_COPIES = 2**26
"""Most copies of a game that a batch holds."""


def parallel_env(game: StochasticGame, *, horizon: int | None = None) -> Any:
    """Return a simulator of the game that follows PettingZoo's ParallelEnv.

    The agents are the players. Each observes the number of the state. Where some action is not legal in some state
    she observes a dictionary, with the number as ``observation`` and her legal actions as ``action_mask``; her info
    holds ``action_mask`` and the label of the ``state`` in any case. ``state()`` is the state as a row of zeros with
    one 1, of shape (S,).

    Parameters
    ----------
    game : StochasticGame
    horizon : int, optional
        After how many steps an episode is truncated; by default never.

    Returns
    -------
    pettingzoo.ParallelEnv
        It can be copied and pickled. To reset it with a seed makes what follows reproducible.

    Raises
    ------
    MissingDependency
        Without pettingzoo and gymnasium.
    UnsupportedGame
        If the game may begin in a terminal state.

    References
    ----------
    Terry, J. K. et al. (2021). PettingZoo: gym for multi-agent reinforcement learning. NeurIPS.

    Examples
    --------
    >>> from marlgt.games import soccer
    >>> env = parallel_env(soccer(), horizon=100)
    >>> observations, infos = env.reset(seed=0)
    >>> infos["A"]["state"]
    'A (1, 3), B (2, 1), ball B'
    >>> observations, rewards, terminated, truncated, infos = env.step({"A": 2, "B": 4})
    >>> infos["A"]["state"], rewards["A"]
    ('A (1, 4), B (2, 1), ball B', 0.0)
    """
    _require_playable(game, horizon)
    if len(set(game.players)) < game.n_players:
        raise GameError(f"players are {short(game.players)}: agents need different names")
    return _view()(game, horizon)


class BatchStep(NamedTuple):
    """What a step of many copies gives.

    Attributes
    ----------
    states : ndarray of int32, shape (B,)
        The next state of each copy, also of those that are over.
    rewards : ndarray, shape (B, n)
    terminated, truncated : ndarray of bool, shape (B,)
        Whether the game ended, or was stopped at the horizon; never both.
    """

    states: NDArray[np.int32]
    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]


class BatchSimulator:
    """Thousands of copies of a stochastic game that move at once.

    A copy that is over begins anew in the same step: :attr:`states` holds the states in which the next actions are
    chosen, while the step's own ``states`` are those that were reached.

    Parameters
    ----------
    game : StochasticGame
    n_copies : int
    horizon : int, optional
        After how many steps a copy is truncated; by default never.

    Attributes
    ----------
    states : ndarray of int32, shape (B,)
    steps : ndarray of int64, shape (B,)
        How many steps each copy has made since it began.

    Examples
    --------
    >>> import numpy as np
    >>> from marlgt.games import soccer
    >>> simulator = BatchSimulator(soccer(), n_copies=4096, horizon=50)
    >>> states = simulator.reset(seed=0)
    >>> step = simulator.step(np.full((4096, 2), 3))
    >>> step.rewards.shape, int(step.terminated.sum())
    ((4096, 2), 0)
    """

    def __init__(self, game: StochasticGame, *, n_copies: int, horizon: int | None = None) -> None:
        _require_playable(game, horizon)
        require_whole(n_copies, "n_copies", least=1)
        if n_copies > MOST_COPIES:
            raise GameError(f"n_copies is {short(n_copies)}: at most {MOST_COPIES:,} fit in memory")
        self.game, self.n_copies, self.horizon = game, int(n_copies), horizon
        self._tables = TransitionTables(game)
        self._rng: np.random.Generator | None = None
        self.states = np.zeros(self.n_copies, dtype=np.int32)
        self.steps = np.zeros(self.n_copies, dtype=np.int64)

    def reset(self, seed: int) -> NDArray[np.int32]:
        """Begin all copies anew and return their states; the same seed and actions give the same bits.

        Parameters
        ----------
        seed : int
        """
        require_seed(seed)
        self._rng = np.random.default_rng(int(seed))
        self.states = self._tables.starts(self._rng.random(self.n_copies))
        self.steps = np.zeros(self.n_copies, dtype=np.int64)
        return self.states.copy()

    def step(self, actions: ArrayLike) -> BatchStep:
        """Move all copies.

        Parameters
        ----------
        actions : array_like of int, shape (B, n)

        Raises
        ------
        GameError
            For actions that are not legal, and before the first :meth:`reset`.
        """
        if self._rng is None:
            raise GameError("the copies have not begun: call reset(seed) before step(actions)")
        chosen = _array(actions)
        if chosen.shape != (self.n_copies, self.game.n_players) or chosen.dtype.kind not in "iu":
            raise GameError(
                f"actions is {short(actions)}: give whole numbers of shape {(self.n_copies, self.game.n_players)}"
            )
        states, rewards = self._tables.follow(self.states, chosen, self._rng)
        self.steps += 1
        terminated = self.game.terminal[states]
        truncated = np.zeros(self.n_copies, dtype=bool)
        if self.horizon is not None:
            truncated = (self.steps >= self.horizon) & ~terminated
        over = np.flatnonzero(terminated | truncated)
        self.states = states
        if len(over):
            self.states = states.copy()
            self.states[over] = self._tables.starts(self._rng.random(len(over)))
            self.steps[over] = 0
        return BatchStep(states, rewards, terminated, truncated)


def _array(actions: Any) -> NDArray[Any]:
    try:
        return np.asarray(actions)
    except ValueError:
        # Ragged nesting: what is no array of whole numbers is refused by its dtype.
        return np.zeros(0)


def _require_playable(game: Any, horizon: Any) -> None:
    require_stochastic_game(game)
    if horizon is not None:
        require_whole(horizon, "horizon", least=1)
    if game.start[game.terminal].any():
        raise UnsupportedGame("the game may begin in a terminal state: give it a start from which it can be played")


class _View:
    """The methods of the environment; :func:`_view` joins them to PettingZoo's class."""

    def __init__(self, game: StochasticGame, horizon: int | None) -> None:
        from gymnasium import spaces

        self.game, self.horizon = game, horizon
        self.metadata = {"name": game.title or "stochastic game", "render_modes": ["ansi"], "is_parallelizable": True}
        self.render_mode = "ansi"
        self.possible_agents = list(game.players)
        self.agents: list[str] = []
        self.state_space = spaces.Box(0.0, 1.0, (game.n_states,), np.float32)
        self.action_spaces = {name: spaces.Discrete(k) for name, k in zip(game.players, game.n_actions)}
        self.observation_spaces: dict[str, Any] = {
            name: spaces.Discrete(game.n_states)
            if game.all_legal
            else spaces.Dict({"observation": spaces.Discrete(game.n_states), "action_mask": spaces.MultiBinary(k)})
            for name, k in zip(game.players, game.n_actions)
        }
        self._tables = TransitionTables(game)
        self._rng: np.random.Generator | None = None
        self._states = np.zeros(1, dtype=np.int32)
        self._steps = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return parallel_env, (self.game,), self.__dict__

    def __deepcopy__(self, memo: dict[int, Any]) -> _View:
        twin: _View = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        # What never changes is shared: a copy costs microseconds, as a search needs it.
        for name in ("agents", "action_spaces", "observation_spaces", "_rng", "_states"):
            setattr(twin, name, copy.deepcopy(getattr(self, name), memo))
        return twin

    def observation_space(self, agent: str) -> Any:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if seed is not None:
            require_seed(seed)
        if seed is not None or self._rng is None:
            self._rng = np.random.default_rng(seed)
        self._states = self._tables.starts(self._rng.random(1))
        self._steps = 0
        self.agents = list(self.possible_agents)
        return self._observed()

    def step(self, actions: dict[str, int]) -> tuple[dict[str, Any], ...]:
        if self._rng is None or not self.agents:
            raise GameError("no episode is going on: call reset() before step(actions)")
        if not isinstance(actions, dict) or set(actions) != set(self.agents):
            raise GameError(f"actions is {short(actions)}: give one action for each of the agents {self.agents}")
        chosen = _array([[actions[name] for name in self.agents]])
        if chosen.dtype.kind not in "iu" or chosen.ndim != 2:
            raise GameError(f"actions is {short(actions)}: an action is a whole number")
        self._states, rewards = self._tables.follow(self._states, chosen, self._rng)
        self._steps += 1
        ended = bool(self.game.terminal[self._states[0]])
        stopped = self.horizon is not None and self._steps >= self.horizon and not ended
        observations, infos = self._observed()
        paid = dict(zip(self.agents, rewards[0].tolist()))
        flags = [dict.fromkeys(self.agents, flag) for flag in (ended, stopped)]
        if ended or stopped:
            self.agents = []
        return observations, paid, *flags, infos

    def _observed(self) -> tuple[dict[str, Any], dict[str, Any]]:
        state = int(self._states[0])
        observations: dict[str, Any] = {}
        infos: dict[str, Any] = {}
        for name, legal in zip(self.possible_agents, self.game.legal):
            mask = legal[state].astype(np.int8)
            number = np.int64(state)
            observations[name] = number if self.game.all_legal else {"observation": number, "action_mask": mask}
            infos[name] = {"action_mask": mask, "state": self.game.states[state]}
        return observations, infos

    def state(self) -> NDArray[np.float32]:
        row = np.zeros(self.game.n_states, dtype=np.float32)
        row[self._states[0]] = 1.0
        return row

    def render(self) -> str:
        return self.game.states[int(self._states[0])]

    def close(self) -> None:
        """Release nothing: there is nothing to release."""


@functools.cache
def _view() -> Any:
    try:
        import gymnasium  # noqa: F401
        from pettingzoo import ParallelEnv
    except ImportError as error:
        raise MissingDependency("parallel_env", package="pettingzoo", extra="games") from error
    return type("StochasticParallelEnv", (_View, ParallelEnv), {"__doc__": _View.__doc__})
