"""Trajectories: what a dynamic on a normal-form game did, and how far from equilibrium it was along the way.

With ``a^1, ..., a^t`` the profiles played (or the product distributions, where players mix), q_t their average, a
distribution over action profiles, and x_t the profile of the players' own averages::

    regret of player i   = max_b  sum_a q_t(a) [u_i(b, a_-i) - u_i(a)]        (average external regret)
    CCE gap              = the largest regret of a player
    CE gap               = max over i, a_i != b of  sum_{a_-i} q_t(a) [u_i(b, a_-i) - u_i(a)]
    NashConv             = sum_i  max_b u_i(b, x_-i) - u_i(x)

Vanishing regrets bring q_t to the coarse correlated equilibria, and in two-player zero-sum games x_t to the Nash
equilibria; in other games x_t need not go there.

References
----------
Hart, S. and Mas-Colell, A. (2000). A simple adaptive procedure leading to correlated equilibrium. Econometrica 68.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast, overload

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import certified
from marlgt.concepts.deviations import ce_gap, deviation_gains, nash_conv
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import bounded_list, require_seed
from marlgt.games.normal_form import NormalFormGame, Profile

__all__ = ["Batch", "Trajectories", "Trajectory", "many", "trajectory"]

Floats = NDArray[np.float64]

MOST_RUNS = 10**7
"""Runs of a batch."""

MOST_TRACKED = 10_000
"""Action profiles up to which a dynamic keeps the joint distribution of play unless it is told."""


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """What a dynamic did on one game from one start, at T recorded times.

    Attributes
    ----------
    game : NormalFormGame
    rule : str
        The name of the dynamic.
    times : ndarray, shape (T,)
        Steps made, or the time of a flow.
    strategies : tuple of n ndarrays, shapes (T, A_i)
        The mixed strategy that each player holds at that time.
    averages : tuple of n ndarrays, shapes (T, A_i)
        The average of each player's play up to that time, weighted as the dynamic says.
    regrets : ndarray, shape (T, n)
        Average external regret of each player; negative where play did better than every fixed action.
    joint : ndarray, shape (T, A_1, ..., A_n), or None
        The average joint distribution of play up to that time.
    actions : ndarray of int, shape (S, n), or None
        The action profile of each of S steps, where the dynamic plays actions and was asked to keep them.
    guarantee : str
        What is proved about the dynamic, and where it is known to fail.
    work : mapping of str to int
    seconds : float
    """

    game: NormalFormGame
    rule: str
    times: Floats
    strategies: tuple[Floats, ...]
    averages: tuple[Floats, ...]
    regrets: Floats
    joint: Floats | None = None
    actions: NDArray[np.int64] | None = None
    guarantee: str = ""
    work: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @cached_property
    def nash_conv(self) -> Floats:
        """NashConv of the averages at each recorded time, shape (T,)."""
        return self._conv(self.averages)

    @cached_property
    def nash_conv_current(self) -> Floats:
        """NashConv of the strategies held at each recorded time, shape (T,)."""
        return self._conv(self.strategies)

    @property
    def cce_gap(self) -> Floats:
        """The largest average external regret at each recorded time, shape (T,); negative inside the set."""
        return np.asarray(self.regrets.max(axis=1))

    @cached_property
    def ce_gap(self) -> Floats:
        """The largest average gain from one swap at each recorded time, shape (T,).

        Raises
        ------
        GameError
            If the joint distribution of play was not kept.
        """
        if self.joint is None:
            raise GameError(
                f"{self.rule} did not keep the joint distribution of play, which the CE gap is read from: "
                "run it again with joint=True"
            )
        return np.array([ce_gap(self.game, q) for q in self.joint])

    @cached_property
    def equilibrium(self) -> Equilibrium:
        """The averages at the end with their certified regrets: they need not be an equilibrium."""
        profile = [x[-1] for x in self.averages]
        return certified(self.game, profile, method=self.rule, work=dict(self.work), seconds=self.seconds)

    @cached_property
    def last(self) -> Equilibrium:
        """The strategies held at the end with their certified regrets."""
        profile = [x[-1] for x in self.strategies]
        return certified(self.game, profile, method=self.rule, work=dict(self.work), seconds=self.seconds)

    @property
    def profile(self) -> Profile:
        """The averages at the end."""
        return tuple(x[-1] for x in self.averages)

    def path(self, player: int, *, average: bool = True) -> Floats:
        """Return one player's averages, or the strategies that she held, at the recorded times, shape (T, A_player)."""
        kept = self.averages if average else self.strategies
        if not 0 <= player < len(kept):
            raise GameError(f"player is {player}: the game has players 0 to {len(kept) - 1}")
        return kept[player]

    def _conv(self, paths: Sequence[Floats]) -> Floats:
        return np.array([nash_conv(self.game, [x[t] for x in paths]) for t in range(len(self.times))])

    def __repr__(self) -> str:
        return (
            f"<Trajectory of {self.rule}: {len(self.times)} times up to {self.times[-1]:g}, "
            f"NashConv {self.nash_conv[-1]:.3g}, largest regret {self.cce_gap[-1]:.3g}>"
        )


def trajectory(
    game: NormalFormGame,
    rule: str,
    times: Floats,
    strategies: Sequence[Floats],
    averages: Sequence[Floats],
    *,
    joint: Floats | None = None,
    regrets: Floats | None = None,
    **rest: Any,
) -> Trajectory:
    """Return the trajectory of one run; its regrets are read from the joint distributions where they are not given.

    Parameters
    ----------
    game, rule, times, strategies, averages
        As in :class:`Trajectory`.
    joint : ndarray, shape (T, A_1, ..., A_n), optional
    regrets : ndarray, shape (T, n), optional
        Needed where ``joint`` is not given.
    **rest
        The other fields of :class:`Trajectory`.
    """
    if regrets is None:
        if joint is None:
            raise GameError("a trajectory needs the joint distributions of play, or the regrets themselves")
        players = range(game.n_players)
        # A column of the swap gains adds up to the gain from one fixed action.
        regrets = np.array([[deviation_gains(game.payoffs, q, i).sum(axis=0).max() for i in players] for q in joint])
    return Trajectory(game, rule, times, tuple(strategies), tuple(averages), regrets, joint, **rest)


@dataclass(frozen=True)
class Batch:
    """Games of one shape with their starts and seeds: what :func:`many` hands to a dynamic in place of a game.

    Attributes
    ----------
    games : tuple of NormalFormGame
        One for each run.
    starts : tuple of profiles, or None
        The first strategies of each run; by default those of the dynamic.
    seeds : tuple of int, or None
        The seed of each run, for dynamics that draw.
    """

    games: tuple[NormalFormGame, ...]
    starts: tuple[Profile, ...] | None = None
    seeds: tuple[int, ...] | None = None


class Trajectories(Sequence[Trajectory]):
    """The runs of one dynamic on many games, or from many starts, recorded at the same times.

    Attributes
    ----------
    times : ndarray, shape (T,)
    nash_conv, nash_conv_current, cce_gap, ce_gap : ndarray, shape (B, T)
    """

    def __init__(self, runs: Sequence[Trajectory]) -> None:
        self._runs = tuple(runs)
        self.times = self._runs[0].times

    @overload
    def __getitem__(self, index: int) -> Trajectory: ...

    @overload
    def __getitem__(self, index: slice) -> Trajectories: ...

    def __getitem__(self, index: int | slice) -> Trajectory | Trajectories:
        return Trajectories(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Trajectory]:
        return iter(self._runs)

    @cached_property
    def nash_conv(self) -> Floats:
        """NashConv of the averages, shape (B, T)."""
        return np.array([run.nash_conv for run in self._runs])

    @cached_property
    def nash_conv_current(self) -> Floats:
        """NashConv of the strategies held, shape (B, T)."""
        return np.array([run.nash_conv_current for run in self._runs])

    @cached_property
    def cce_gap(self) -> Floats:
        """The largest average external regret, shape (B, T)."""
        return np.array([run.cce_gap for run in self._runs])

    @cached_property
    def ce_gap(self) -> Floats:
        """The largest average gain from one swap, shape (B, T)."""
        return np.array([run.ce_gap for run in self._runs])

    def __repr__(self) -> str:
        recorded = f"{len(self.times)} times up to {self.times[-1]:g}"
        return f"<Trajectories: {len(self)} runs of {self._runs[0].rule}, {recorded}>"


def many(
    dynamic: Callable[..., Trajectory],
    games: NormalFormGame | Sequence[NormalFormGame],
    *,
    starts: Sequence[Profile] | None = None,
    seeds: Sequence[int] | None = None,
    **settings: Any,
) -> Trajectories:
    """Run one dynamic on many games, from many starts or with many seeds, in one batch.

    Parameters
    ----------
    dynamic : callable
        A function of :mod:`marlgt.dynamics`, such as :func:`~marlgt.dynamics.hedge`.
    games : NormalFormGame or sequence of NormalFormGame
        Of one shape.
    starts : sequence of profiles, optional
        The first strategies of each run, in place of ``start``.
    seeds : sequence of int, optional
        The seed of each run, in place of ``seed``; a run is the same whatever the others are.
    **settings
        The other settings of the dynamic, the same for all runs.

    Returns
    -------
    Trajectories
        One run for each game, start or seed; where several of them are given, as many of each, or one game for all.

    Raises
    ------
    GameError
        For games of different shapes, and numbers of games, starts and seeds that do not fit together.
    """
    if not callable(dynamic):
        raise GameError(f"dynamic is {short(dynamic)}: give a function of marlgt.dynamics, such as dynamics.hedge")
    given = (
        [games]
        if isinstance(games, NormalFormGame)
        else bounded_list(games, "games", "normal-form games, one for each run", most=MOST_RUNS)
    )
    starts = None if starts is None else bounded_list(starts, "starts", "profiles, one for each run", most=MOST_RUNS)
    seeds = (
        None
        if seeds is None
        else bounded_list(seeds, "seeds", "whole numbers from 0, one for each run", most=MOST_RUNS)
    )
    for seed in seeds or ():
        require_seed(seed)
    counts = {len(part) for part in (starts, seeds) if part is not None}
    if len(given) > 1 or not counts:
        counts.add(len(given))
    if len(counts) != 1 or 0 in counts or not given:
        raise GameError(
            f"there are {len(given)} games, {'no' if starts is None else len(starts)} starts and "
            f"{'no' if seeds is None else len(seeds)} seeds: give as many of each, at least one, or one game for all"
        )
    if not all(isinstance(g, NormalFormGame) for g in given) or len({g.n_actions for g in given}) > 1:
        raise GameError("games must be normal-form games of one shape: run each shape in a batch of its own")
    count = counts.pop()
    batch = Batch(
        tuple(given * count if len(given) == 1 else given),
        None if starts is None else tuple(starts),
        None if seeds is None else tuple(map(int, seeds)),
    )
    return cast("Trajectories", dynamic(batch, **settings))
