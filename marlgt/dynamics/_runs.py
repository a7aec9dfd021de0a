"""Runs of a rule on one game or on a batch: the arrays of the loop, its chunks, and the trajectories that it makes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from marlgt.dynamics import trajectory as trajectories
from marlgt.dynamics._engine import BOOK_ROWS, SIMULTANEOUS, STRATEGY, loop_of
from marlgt.dynamics._record_times import recorded_times
from marlgt.dynamics._schedules import first_strategies, power_weights
from marlgt.dynamics.trajectory import Batch, Trajectories, Trajectory
from marlgt.errors import GameError
from marlgt.games._doors import require_flag, require_game, require_seed
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.kernels import gear, is_compiled
from marlgt.progress import progress, stopwatch
from marlgt.randomness import streams

__all__ = [
    "Rule",
    "Table",
    "chunks",
    "first_profiles",
    "games_of",
    "kept_actions",
    "run",
    "seeds_of",
    "tracks_joint",
    "trajectory_of",
]

Floats = NDArray[np.float64]
_LARGEST_RECORD = 5 * 10**8
_MOST_NUMBERS = 2**27
_PLAIN_CHUNK, _COMPILED_CHUNK = 1e6, 5e7


@dataclass(frozen=True)
class Rule:
    """A rule of play.

    Attributes
    ----------
    name : str
    respond : kernel
        In place of :func:`marlgt.dynamics._engine.respond`.
    room : callable
        How many numbers the rule remembers of a player with so many actions.
    guarantee : str
    """

    name: str
    respond: Callable[..., None]
    room: Callable[[int], int]
    guarantee: str


@dataclass(frozen=True)
class Table:
    """Games of one shape, laid out for the loop.

    Attributes
    ----------
    games : tuple of NormalFormGame, length R
    payoffs : ndarray, shape (G, P)
        For each different game the matrices (joint actions of the others, own actions), player after player.
    which : ndarray of int64, shape (R,)
    layout : ndarray of int64, shape (4, n)
        Number of actions, first action, first payoff and, filled in by the rule, first number of the state.
    """

    games: tuple[NormalFormGame, ...]
    payoffs: Floats
    which: NDArray[np.int64]
    layout: NDArray[np.int64]

    @property
    def n_profiles(self) -> int:
        """The number of action profiles."""
        return math.prod(self.games[0].n_actions)

    @property
    def heads(self) -> list[int]:
        """Where the actions of each player begin, and where the last ones end."""
        return [*map(int, self.layout[1]), sum(self.games[0].n_actions)]


def games_of(source: NormalFormGame | Batch) -> Table:
    """Return the games of a run or a batch as the loop takes them."""
    if not isinstance(source, Batch):
        require_game(source)
    games = source.games if isinstance(source, Batch) else (source,)
    distinct = {id(game): game for game in games}
    place = {key: k for k, key in enumerate(distinct)}
    n, counts = games[0].n_players, games[0].n_actions
    rows = [np.concatenate([np.moveaxis(g.payoffs[i], i, -1).reshape(-1) for i in range(n)]) for g in distinct.values()]
    layout = np.zeros((4, n), dtype=np.int64)
    layout[0] = counts
    layout[1] = np.cumsum((0, *counts))[:-1]
    layout[2] = math.prod(counts) * np.arange(n)
    return Table(games, np.array(rows), np.array([place[id(g)] for g in games], dtype=np.int64), layout)


def first_profiles(source: NormalFormGame | Batch, games: Sequence[NormalFormGame], start: Any) -> list[Profile]:
    """Return the first strategies of each run."""
    starts = source.starts if isinstance(source, Batch) else None
    if starts is None:
        return [first_strategies(game, start) for game in games]
    if start is not None:
        raise GameError("both start and starts are given: give one of them")
    return [first_strategies(game, one) for game, one in zip(games, starts)]


def seeds_of(source: NormalFormGame | Batch, seed: int, count: int) -> list[int]:
    """Return the seed of each run."""
    seeds = source.seeds if isinstance(source, Batch) else None
    result = [seed] * count if seeds is None else list(seeds)
    for s in result:
        require_seed(s)
    return result


def tracks_joint(table: Table, n_times: int, joint: bool | None) -> bool:
    """Tell whether to keep the joint distribution, and refuse records beyond memory."""
    if joint is not None:
        require_flag(joint, "joint")
    runs = len(table.games)
    if runs * n_times * (2 * table.heads[-1]) > _MOST_NUMBERS:
        raise GameError(
            f"{runs} runs recorded at {n_times} times make {runs * n_times * 2 * table.heads[-1]:.1e} probabilities, "
            f"above the limit of {_MOST_NUMBERS:.0e}: record fewer times"
        )
    fits = runs * n_times * table.n_profiles <= _MOST_NUMBERS
    if joint and not fits:
        raise GameError(
            f"joint distributions of {table.n_profiles} profiles at {n_times} times of {runs} runs exceed the limit "
            f"of {_MOST_NUMBERS:.0e} numbers: record fewer times, or give joint=False"
        )
    return bool(joint) if joint is not None else fits and table.n_profiles <= trajectories.MOST_TRACKED


def kept_actions(table: Table, steps: int, keep: bool) -> NDArray[np.int64]:
    """Return room for the actions of each step, shape (R, steps, n), or (R, 0, n) if they are not kept."""
    require_flag(keep, "keep_actions")
    runs, n = len(table.games), table.games[0].n_players
    if keep and steps * n * runs > _LARGEST_RECORD:
        raise GameError(
            f"the record of {steps} steps would hold {steps * n * runs:.1e} actions, above the limit of "
            f"{_LARGEST_RECORD:.0e}: play fewer steps, or give keep_actions=False"
        )
    return np.zeros((runs, steps if keep else 0, n), dtype=np.int64)


def chunks(
    name: str,
    times: NDArray[np.int64],
    runs: int,
    cost: float,
    fast: bool,
    advance: Callable[[NDArray[np.int64]], None],
) -> None:
    """Call ``advance(bounds)`` over all steps and runs, in pieces after which an interrupt is heard.

    ``bounds`` holds the first step and the end, the first run and the end, and the first recorded time to come.
    """
    steps = int(times[-1])
    budget = _COMPILED_CHUNK if fast else _PLAIN_CHUNK
    block = max(1, min(runs, int(budget / cost)))
    length = max(1, min(steps, int(budget / (cost * block))))
    with progress(name.replace("_", " "), total=float(steps) * runs) as report:
        for first in range(0, runs, block):
            last = min(first + block, runs)
            for start in range(0, steps, length):
                stop = min(start + length, steps)
                cursor = int(np.searchsorted(times, start, side="right"))
                advance(np.array([start, stop, first, last, cursor], dtype=np.int64))
                report(float(first) * steps + float(stop) * (last - first), "")


def run(
    source: NormalFormGame | Batch,
    rule: Rule,
    *,
    steps: int,
    record: int | Sequence[int],
    joint: bool | None,
    start: Any = None,
    profiles: list[Profile] | None = None,
    seed: int = 0,
    rates: Callable[[Floats], Floats] | None = None,
    scales: Callable[[NormalFormGame], Floats] | None = None,
    averaging: float = 0.0,
    shares: Callable[[Floats], Floats] | None = None,
    order: int = SIMULTANEOUS,
    sampled: bool = False,
    believing: bool = False,
    keep_actions: bool = False,
) -> Trajectory:
    """Run a rule from each start, and return its trajectory, or the trajectories of a batch.

    Parameters
    ----------
    source : NormalFormGame or Batch
    rule : Rule
    steps, record, joint, start, seed
        As in the public functions.
    profiles : list of profiles, optional
        The first strategies of each run, in place of ``start``.
    rates : callable, optional
        The rate of each step, 1 if not given; times ``scales`` of the game, one number for each player.
    averaging : float
        Step t weighs ``t ** averaging`` in all averages.
    shares : callable, optional
        In place of ``averaging``: what share of the average each step makes up when it is played.
    order : int
        Who revises at a step: everybody at once, one after the other, or one drawn at random.
    sampled : bool
        Whether actions are drawn from the strategies.
    believing : bool
        Whether utilities are those against the averages of the others, instead of those of the last step.
    keep_actions : bool
    """
    clock = stopwatch()
    times = recorded_times(record, steps)
    table = games_of(source)
    runs, n, width = len(table.games), table.games[0].n_players, table.heads[-1]
    tracking = tracks_joint(table, len(times), joint)
    kept = kept_actions(table, steps, keep_actions)
    rooms = [rule.room(count) for count in table.games[0].n_actions]
    table.layout[3] = np.cumsum((0, *rooms))[:-1]
    book = np.zeros((runs, BOOK_ROWS, width))
    for page, profile in zip(book, profiles or first_profiles(source, table.games, start)):
        page[STRATEGY] = np.concatenate(profile)
    size = table.n_profiles if tracking else 0
    purse, joints = np.zeros((runs, 1 + n)), np.zeros((runs, len(times), size))
    shots, regrets = np.zeros((runs, len(times), 2, width)), np.zeros((runs, len(times), n))
    scale = np.ones((runs, n)) if scales is None else np.array([scales(game) for game in table.games])
    states, now = np.zeros((runs, sum(rooms))), np.zeros((runs, n), dtype=np.int64)
    running, random = np.zeros((runs, size)), streams(seeds_of(source, seed, runs))
    scratch = np.zeros(table.n_profiles // min(table.games[0].n_actions))
    weights = power_weights(averaging) if shares is None else shares
    cost = 8.0 * width + (n + 1.0) * (width if sampled and not believing else table.n_profiles) + sum(rooms)
    loop = loop_of(rule.respond)
    advance = gear(loop, cost * steps * runs)

    def part(bounds: NDArray[np.int64]) -> None:
        played = np.arange(bounds[0] + 1.0, bounds[1] + 1.0)
        schedule = np.ones((2, len(played)))
        schedule[0] = weights(played)
        if rates is not None:
            schedule[1] = rates(played)
        advance(
            *(table.payoffs, table.which, table.layout, scale, schedule, book, states, purse, running, now, random),
            *(scratch, times, shots, joints, regrets, kept, bounds),
            *(order, int(sampled), int(believing), int(shares is not None)),
        )

    chunks(rule.name, times, runs, cost, is_compiled(loop) and advance is not loop, part)
    gained, actions = None if tracking else regrets, kept if keep_actions else None
    return trajectory_of(source, table, rule, times, shots, joints, gained, actions, clock())


def trajectory_of(
    source: NormalFormGame | Batch,
    table: Table,
    rule: Rule,
    times: NDArray[np.int64],
    shots: Floats,
    joints: Floats,
    regrets: Floats | None,
    kept: NDArray[np.int64] | None,
    seconds: float,
) -> Trajectory:
    """Return the trajectory of the one run, or the trajectories of a batch.

    Parameters
    ----------
    shots : ndarray, shape (R, T, 2, A_1 + ... + A_n)
        Strategies and averages.
    joints : ndarray, shape (R, T, number of action profiles), or (R, T, 0)
    regrets : ndarray, shape (R, T, n), or None
        None to read them from the joint distributions.
    kept : ndarray, shape (R, steps, n), or None
    """
    heads = table.heads
    spans = list(pairwise(heads))
    results = []
    for r, game in enumerate(table.games):
        joint = joints[r].reshape(len(times), *game.n_actions) if joints.shape[2] else None
        gained = regrets[r] if regrets is not None else _regrets(game, joints[r])
        strategies, averages = (tuple(shots[r, :, part, head:tail] for head, tail in spans) for part in (0, 1))
        results.append(
            Trajectory(
                game,
                rule.name,
                times.astype(np.float64),
                strategies,
                averages,
                gained,
                joint,
                None if kept is None else kept[r],
                rule.guarantee,
                {"steps": int(times[-1])},
                seconds / len(table.games),
            )
        )
    return cast("Trajectory", Trajectories(results)) if isinstance(source, Batch) else results[0]


def _regrets(game: NormalFormGame, joints: Floats) -> Floats:
    """Return each player's gain from her best fixed action, for each joint distribution, shape (T, n)."""
    played = joints.reshape(len(joints), *game.n_actions)
    columns = []
    for i, count in enumerate(game.n_actions):
        others = played.sum(axis=1 + i).reshape(len(joints), -1)
        best = (others @ np.moveaxis(game.payoffs[i], i, -1).reshape(-1, count)).max(axis=1)
        columns.append(best - joints @ game.payoffs[i].reshape(-1))
    return np.stack(columns, axis=1)
