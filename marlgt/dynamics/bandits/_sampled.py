"""Sampled play: every player draws an action, the payoffs are looked up, and each learns from what she is shown.

One loop serves every rule: ``advance`` makes a step, and the simultaneous one has each player ``act`` on her own
strategy and memory and ``learn`` from her own payoff alone. Rules bind these names to kernels of their own. Payoffs are
rescaled to ``(u - low) / (high - low)`` for rules that need them between 0 and 1; regrets are in the game's own units.

After t steps the joint distribution is the empirical one of the t profiles played, the averages its marginals, and the
regrets those of realised play. The strategies are what the next actions will be drawn from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics._record_times import recorded_times
from marlgt.dynamics.bandits._sampled_doors import guard_size, stated_range, unpacked
from marlgt.dynamics.trajectory import MOST_TRACKED, Batch, Trajectories, Trajectory
from marlgt.games._doors import require_flag, require_game
from marlgt.games._profiles import checked_profile
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.kernels import gear, inlined_kernel, lean_kernel, specialised
from marlgt.progress import progress, stopwatch
from marlgt.randomness import streams, uniform

__all__ = [
    "Rule",
    "action_counts",
    "advance",
    "drawn",
    "play_rule",
    "play_run",
    "regret_path",
    "simultaneous",
]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_CHUNK_WORK = 5_000_000


@inlined_kernel
def drawn(
    player: int, low: int, high: int, step: int, stream: Whole, strategy: Floats, memory: Floats, settings: Floats
) -> int:
    """Draw an action from the player's strategy, ``strategy[low:high]``."""
    place = uniform(stream)
    chosen = low
    total = strategy[low]
    while place >= total and chosen < high - 1:
        chosen += 1
        total += strategy[chosen]
    return chosen - low


@lean_kernel
def act(
    player: int, low: int, high: int, step: int, stream: Whole, strategy: Floats, memory: Floats, settings: Floats
) -> int:
    """Stand for the way in which a rule chooses an action."""
    return 0


@lean_kernel
def learn(
    player: int,
    low: int,
    high: int,
    step: int,
    action: int,
    payoff: float,
    strategy: Floats,
    memory: Floats,
    settings: Floats,
    stream: Whole,
) -> None:
    """Stand for the way in which a rule learns from the payoff of its action."""


@lean_kernel
def advance(
    step: int,
    payoffs: Floats,
    strides: Whole,
    offsets: Whole,
    stream: Whole,
    strategy: Floats,
    memory: Floats,
    settings: Floats,
    actions: Whole,
) -> int:
    """Let all players act at once, then each learn from her own payoff; return the index of the profile played."""
    profile = 0
    for i in range(actions.shape[0]):
        a = act(i, offsets[i], offsets[i + 1], step, stream, strategy, memory, settings)
        actions[i] = a
        profile += strides[i] * a
    for i in range(actions.shape[0]):
        learn(
            i,
            offsets[i],
            offsets[i + 1],
            step,
            actions[i],
            payoffs[i, profile],
            strategy,
            memory,
            settings,
            stream,
        )
    return profile


@lean_kernel
def play_run(
    payoffs: Floats,
    strides: Whole,
    offsets: Whole,
    stream: Whole,
    strategy: Floats,
    memory: Floats,
    settings: Floats,
    actions: Whole,
    counts: Whole,
    tallies: Whole,
    gains: Floats,
    times: Whole,
    kept_strategies: Floats,
    kept_counts: Whole,
    kept_tallies: Whole,
    kept_gains: Floats,
    history: Whole,
    first: int,
    last: int,
) -> None:
    """Make steps ``first`` to ``last`` of one run, and write what is recorded at ``times``.

    Where ``counts`` is empty the profiles are not counted: each player's actions are, and her gains from fixed ones.
    """
    n = actions.shape[0]
    place = 0
    while place < times.shape[0] and times[place] <= first:
        place += 1
    for t in range(first, last):
        profile = advance(t, payoffs, strides, offsets, stream, strategy, memory, settings, actions)
        if counts.shape[0] > 0:
            counts[profile] += 1
        else:
            for i in range(n):
                low = offsets[i]
                tallies[low + actions[i]] += 1
                base = profile - strides[i] * actions[i]
                for b in range(offsets[i + 1] - low):
                    gains[low + b] += payoffs[i, base + strides[i] * b] - payoffs[i, profile]
        if history.shape[0] > 0:
            for i in range(n):
                history[t, i] = actions[i]
        if times[place] == t + 1:
            for a in range(strategy.shape[0]):
                kept_strategies[place, a] = strategy[a]
            for p in range(counts.shape[0]):
                kept_counts[place, p] = counts[p]
            for a in range(gains.shape[0]):
                kept_tallies[place, a] = tallies[a]
                kept_gains[place, a] = gains[a]
            place += 1


def simultaneous(learning: Callable[..., None], acting: Callable[..., int] = drawn) -> Callable[..., int]:
    """Return the step in which all players act and learn by the given kernels."""
    return specialised(advance, act=acting, learn=learning)


@dataclass(frozen=True)
class Rule:
    """A rule of sampled play.

    Attributes
    ----------
    name, guarantee : str
    advance : callable
        The kernel of one step.
    settings : ndarray, shape (n, S)
        Numbers that the kernels read, for each player.
    memory : ndarray, shape (n, M), or a function of a game that returns it
        What each player remembers at first.
    scaled : bool
        Whether the kernels are shown payoffs between 0 and 1.
    starts : bool
        Whether the first strategies may be chosen; they are uniform otherwise.
    """

    name: str
    guarantee: str
    advance: Callable[..., int]
    settings: Floats
    memory: Floats | Callable[[NormalFormGame], Floats]
    scaled: bool = True
    starts: bool = False


def action_counts(game: NormalFormGame | Batch) -> tuple[int, ...]:
    """Return the number of actions of each player of a game, or of the games of a batch, checked."""
    if isinstance(game, Batch):
        return game.games[0].n_actions
    require_game(game)
    return game.n_actions


def play_rule(
    game: NormalFormGame | Batch,
    rule: Rule,
    *,
    steps: int,
    record: int | Sequence[int],
    seed: int,
    keep_actions: bool,
    joint: bool | None,
    payoff_range: ArrayLike | None = None,
    start: Profile | None = None,
) -> Trajectory:
    """Play a rule on one game, or on each of a batch.

    Returns
    -------
    Trajectory, or Trajectories for a batch
    """
    games, starts, seeds = unpacked(game, seed, start, starts=rule.starts, name=rule.name)
    times = recorded_times(record, steps)
    require_flag(keep_actions, "keep_actions")
    if joint is not None:
        require_flag(joint, "joint")
    tracked = bool(games[0].n_profiles <= MOST_TRACKED if joint is None else joint)
    n, size = games[0].n_players, games[0].n_profiles
    guard_size(len(games) * (len(times) * (size if tracked else sum(games[0].n_actions))), "the record")
    guard_size(len(games) * steps * n * keep_actions, "the history")
    ranges = {id(g): stated_range(g, payoff_range) for g in games}
    one = specialised(play_run, advance=rule.advance)
    work = len(games) * steps * (40.0 * n + 12.0 * sum(games[0].n_actions))
    runner = gear(one, work)
    clock = stopwatch()
    runs = []
    with progress(rule.name.replace("_", " "), total=len(games) * steps) as report:
        for index, (each, first, its_seed) in enumerate(zip(games, starts, seeds)):
            low, spread = ranges[id(each)]

            def done(step: int, base: int = index * steps) -> None:
                report(base + step, "")

            runs.append(
                _one_run(
                    each,
                    rule,
                    runner,
                    first,
                    its_seed,
                    times,
                    low=low,
                    spread=spread,
                    keep=keep_actions,
                    tracked=tracked,
                    done=done,
                )
            )
    seconds = clock() / len(games)
    finished = [
        Trajectory(
            each, rule.name, times.astype(np.float64), **parts, guarantee=rule.guarantee, work={"steps": int(steps)},
            seconds=seconds,
        )
        for each, parts in zip(games, runs)
    ]  # fmt: skip
    return cast("Trajectory", Trajectories(finished)) if isinstance(game, Batch) else finished[0]


def _one_run(
    game: NormalFormGame,
    rule: Rule,
    runner: Callable[..., None],
    start: Any,
    seed: int,
    times: Whole,
    *,
    low: Floats,
    spread: Floats,
    keep: bool,
    tracked: bool,
    done: Callable[[int], None],
) -> dict[str, Any]:
    """Play one run and return what its trajectory holds."""
    counts, n, steps = game.n_actions, game.n_players, int(times[-1])
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    strides = np.array([int(np.prod(counts[i + 1 :])) for i in range(n)], dtype=np.int64)
    flat = np.ascontiguousarray(game.payoffs.reshape(n, -1))
    if rule.scaled:
        flat = (flat - low[:, None]) / spread[:, None]
    profile = [np.full(k, 1.0 / k) for k in counts] if start is None else checked_profile(game, start)
    strategy = np.ascontiguousarray(np.concatenate([np.asarray(x, dtype=np.float64) for x in profile]))
    memory = np.array(rule.memory(game) if callable(rule.memory) else rule.memory, dtype=np.float64)
    held, slots = len(times), int(offsets[-1])
    cells, spare = (game.n_profiles, 0) if tracked else (0, slots)
    tallies = [np.zeros(shape, dtype=np.int64) for shape in (cells, spare, (held, cells), (held, spare))]
    gains, kept_gains = np.zeros(spare), np.zeros((held, spare))
    strategies = np.zeros((held, slots))
    history = np.zeros((steps if keep else 0, n), dtype=np.int64)
    stream, actions = streams([seed])[0], np.zeros(n, dtype=np.int64)
    chunk = max(1, _CHUNK_WORK // slots)
    for first in range(0, steps, chunk):
        last = min(first + chunk, steps)
        runner(
            flat, strides, offsets, stream, strategy, memory, rule.settings, actions, tallies[0], tallies[1], gains,
            times, strategies, tallies[2], tallies[3], kept_gains, history, first, last,
        )  # fmt: skip
        done(last)
    bounds = list(pairwise(offsets.tolist()))
    result: dict[str, Any] = {
        "strategies": tuple(np.ascontiguousarray(strategies[:, a:b]) for a, b in bounds),
        "actions": history if keep else None,
        "joint": None,
    }
    if tracked:
        joint = (tallies[2] / times[:, None]).reshape(held, *counts)
        averages = [joint.sum(axis=tuple(1 + j for j in range(n) if j != i)) for i in range(n)]
        regrets = np.stack([regret_path(game.payoffs[i], joint, i) for i in range(n)], axis=1)
        return {**result, "joint": joint, "averages": tuple(averages), "regrets": regrets}
    per_step = kept_gains / times[:, None]
    units = spread if rule.scaled else np.ones(n)
    regrets = np.stack([per_step[:, a:b].max(axis=1) * unit for (a, b), unit in zip(bounds, units)], axis=1)
    shares = tallies[3] / times[:, None]
    return {**result, "averages": tuple(shares[:, a:b] for a, b in bounds), "regrets": regrets}


def regret_path(payoffs: Floats, joint: Floats, player: int) -> Floats:
    """Return the average external regret of one player at each recorded time, shape (T,)."""
    own = payoffs.shape[player]
    q = np.moveaxis(joint, 1 + player, 1).reshape(len(joint), own, -1)
    u = np.moveaxis(payoffs, player, 0).reshape(own, -1)
    fixed = q.sum(axis=1) @ u.T
    return np.asarray(fixed.max(axis=1) - (q * u).sum(axis=(1, 2)))
