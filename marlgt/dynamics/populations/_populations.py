"""Finite populations: N individuals, each with a pure strategy of a symmetric game, who are replaced one at a time.

With ``n(s)`` individuals of strategy s, an individual of s earns against the others, herself left out, on average::

    u(s) = (sum_j A(s, j) n(j) - A(s, s)) / (N - 1)

A process is the matrix M of probabilities that in one step an individual of i gives way to one of j. The same matrices
are drawn from in simulations and make up the exact Markov chains. A record of a run holds the composition after each of
its times, the average composition, and as joint distribution the strategies of two different individuals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics._record_times import recorded_times
from marlgt.dynamics.bandits._sampled import regret_path
from marlgt.dynamics.bandits._sampled_doors import guard_size, share, unpacked
from marlgt.dynamics.trajectory import Batch, Trajectories, Trajectory
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_flag, require_game, require_whole
from marlgt.games._profiles import checked_profile
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.structure import is_symmetric
from marlgt.kernels import gear, kernel, specialised
from marlgt.progress import progress, stopwatch
from marlgt.randomness import streams, uniform

__all__ = [
    "Process",
    "evolve",
    "mean_payoff",
    "one_at_a_time",
    "population_settings",
    "symmetric_payoffs",
]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_CHUNK_WORK = 4e8
_MOST_COUNTED = 2**62


@kernel
def mean_payoff(matrix: Floats, counts: Whole, strategy: int) -> float:
    """Return what an individual of a strategy earns on average against the others."""
    total = -matrix[strategy, strategy]
    size = 0
    for j in range(counts.shape[0]):
        total += matrix[strategy, j] * counts[j]
        size += counts[j]
    return float(total / (size - 1))


@kernel
def replacement(matrix: Floats, counts: Whole, settings: Floats, moves: Floats) -> None:
    """Stand for the kernel that writes the probabilities M of a process."""


@kernel
def replace_one(
    changed: bool, matrix: Floats, counts: Whole, stream: Whole, settings: Floats, moves: Floats, weights: Floats
) -> bool:
    """Draw who gives way to whom; return whether the composition changed."""
    if changed:
        replacement(matrix, counts, settings, moves)
    place = uniform(stream)
    for i in range(counts.shape[0]):
        for j in range(counts.shape[0]):
            if j != i:
                place -= moves[i, j]
                if place < 0.0:
                    counts[i] -= 1
                    counts[j] += 1
                    return True
    return False


@kernel
def change(
    changed: bool, matrix: Floats, counts: Whole, stream: Whole, settings: Floats, moves: Floats, weights: Floats
) -> bool:
    """Stand for the kernel that makes one step."""
    return False


@kernel
def evolve_run(
    matrix: Floats,
    counts: Whole,
    stream: Whole,
    settings: Floats,
    moves: Floats,
    weights: Floats,
    sums: Whole,
    pairs: Whole,
    times: Whole,
    kept_counts: Whole,
    kept_sums: Whole,
    kept_pairs: Whole,
    first: int,
    last: int,
) -> None:
    """Make steps ``first`` to ``last``; ``sums`` adds up the compositions and ``pairs`` their products."""
    k = counts.shape[0]
    place = 0
    while place < times.shape[0] and times[place] <= first:
        place += 1
    changed = True
    for t in range(first, last):
        changed = change(changed, matrix, counts, stream, settings, moves, weights)
        for i in range(k):
            sums[i] += counts[i]
            for j in range(k):
                pairs[i, j] += counts[i] * counts[j]
        if times[place] == t + 1:
            for i in range(k):
                kept_counts[place, i] = counts[i]
                kept_sums[place, i] = sums[i]
                for j in range(k):
                    kept_pairs[place, i, j] = pairs[i, j]
            place += 1


def one_at_a_time(moves: Callable[..., None]) -> Callable[..., bool]:
    """Return the step in which one individual gives way to another with the probabilities of a kernel."""
    return specialised(replace_one, replacement=moves)


@dataclass(frozen=True)
class Process:
    """A population process.

    Attributes
    ----------
    name, guarantee : str
    change : callable
        The kernel of one step.
    moves : callable or None
        The kernel that writes the probabilities of replacement, where one individual is replaced at a time.
    """

    name: str
    guarantee: str
    change: Callable[..., bool]
    moves: Callable[..., None] | None = None


def symmetric_payoffs(game: Any) -> Floats:
    """Return what a strategy earns against another, of a symmetric game of two players.

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    """
    require_game(game)
    if game.n_players != 2 or not is_symmetric(game):
        raise UnsupportedGame(
            "a population plays a symmetric game of two players: give matrices A and A.T, or make an asymmetric game "
            "symmetric by letting each individual play both roles"
        )
    return np.ascontiguousarray(game.payoffs[0])


def population_settings(
    matrix: Floats, population: Any, *, selection: Any = 1.0, exponential: Any = True, mutation: Any = 0.0
) -> Floats:
    """Return what the kernels read: strength of selection, 1 for exponential fitness, mutation, range of payoffs.

    Raises
    ------
    GameError
        For settings out of range, and a fitness that is not positive.
    """
    require_whole(population, "population", least=2)
    require_flag(exponential, "exponential")
    strength = nonnegative(selection, "selection")
    if not exponential:
        share(selection, "selection")
        if 1.0 - strength + strength * matrix.min() <= 0.0:
            raise GameError(
                f"the fitness 1 - w + w u would be {1.0 - strength + strength * matrix.min():g} at the least payoff "
                f"{matrix.min():g}: lower the selection w, raise the payoffs, or give exponential=True"
            )
    spread = float(matrix.max() - matrix.min())
    return np.array([strength, float(exponential), share(mutation, "mutation"), spread if spread > 0.0 else 1.0])


def evolve(
    game: NormalFormGame | Batch,
    process: Process,
    settings_of: Callable[[Floats], Floats],
    *,
    population: int,
    steps: int,
    record: int | Sequence[int],
    seed: int,
    start: ArrayLike | None,
    cost: float = 60.0,
) -> Trajectory:
    """Run a process on one game, or on each of a batch.

    Returns
    -------
    Trajectory, or Trajectories for a batch
    """
    games, starts, seeds = unpacked(game, seed, start, starts=True, name=process.name)
    times = recorded_times(record, steps)
    matrices = {id(g): symmetric_payoffs(g) for g in games}
    settings = {key: settings_of(matrix) for key, matrix in matrices.items()}
    if int(population) ** 2 * int(steps) > _MOST_COUNTED:
        raise GameError(
            f"the meetings of {short(population)} individuals in {steps:,} steps are more than {_MOST_COUNTED:.0e}, up "
            "to which they are counted exactly: give a smaller population or fewer steps"
        )
    k, held = games[0].n_actions[0], len(times)
    guard_size(float(len(games) * held * (k + 1) * k), "the record")
    runner = gear(specialised(evolve_run, change=process.change), len(games) * steps * (cost + 8.0 * k * k))
    clock = stopwatch()
    runs = []
    chunk = max(1, int(_CHUNK_WORK / (cost + 8.0 * k * k)))
    with progress(process.name.replace("_", " "), total=len(games) * steps) as report:
        for index, (each, first_counts, its_seed) in enumerate(zip(games, starts, seeds)):
            counts, stream = _composition(each, first_counts, population), streams([its_seed])[0]
            sums, pairs = np.zeros(k, dtype=np.int64), np.zeros((k, k), dtype=np.int64)
            kept = (
                np.zeros((held, k), dtype=np.int64),
                np.zeros((held, k), dtype=np.int64),
                np.zeros((held, k, k), dtype=np.int64),
            )
            moves, weights = np.zeros((k, k)), np.zeros(k)
            for first in range(0, steps, chunk):
                last = min(first + chunk, steps)
                runner(
                    matrices[id(each)], counts, stream, settings[id(each)], moves, weights, sums, pairs, times, kept[0],
                    kept[1], kept[2], first, last,
                )  # fmt: skip
                report(index * steps + last, "")
            runs.append(kept)
    seconds = clock() / len(games)
    finished = [_trajectory(each, process, population, times, kept, steps, seconds) for each, kept in zip(games, runs)]
    return cast("Trajectory", Trajectories(finished)) if isinstance(game, Batch) else finished[0]


def _trajectory(
    game: NormalFormGame,
    process: Process,
    size: int,
    times: Whole,
    kept: tuple[Whole, Whole, Whole],
    steps: int,
    seconds: float,
) -> Trajectory:
    counts, sums, pairs = kept
    composition, average = counts / size, sums / (times[:, None] * float(size))
    k = counts.shape[1]
    # Nobody meets herself.
    meetings = pairs - sums[:, :, None] * np.eye(k, dtype=np.int64)
    joint = meetings / (times[:, None, None] * (size * (size - 1.0)))
    regrets = np.stack([regret_path(game.payoffs[i], joint, i) for i in range(2)], axis=1)
    return Trajectory(
        game, process.name, times.astype(np.float64), (composition, composition), (average, average), regrets, joint,
        guarantee=process.guarantee, work={"steps": int(steps), "population": int(size)}, seconds=seconds,
    )  # fmt: skip


def _composition(game: NormalFormGame, start: Any, size: int) -> Whole:
    """Return the number of individuals of each strategy at first: as given, nearest to a profile, or evenly split."""
    k = game.n_actions[0]
    given = np.asarray(start) if start is not None else None
    if given is not None and given.shape == (k,) and given.dtype.kind in "iu":
        if given.min() < 0 or given.sum() != size:
            raise GameError(
                f"start is {short(start)}: give the number of individuals of each strategy, {size} in all, or a profile"
            )
        return given.astype(np.int64)
    shares = np.full(k, 1.0 / k) if start is None else np.asarray(checked_profile(game, start)[0], dtype=np.float64)
    exact = shares * size
    counts = np.floor(exact + 1e-9).astype(np.int64)
    # The individuals that are left go to the largest remainders, the first among ties.
    left = math.floor(size - counts.sum())
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[:left]] += 1
    return counts
