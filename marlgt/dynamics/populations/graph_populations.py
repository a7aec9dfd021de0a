"""Populations on graphs: individuals play with their neighbours, and their children take their neighbours' places.

An individual's payoff is the sum over her neighbours, her fitness ``1 - w + w u`` or ``exp(w u)``. At each step::

    birth-death   an individual drawn in proportion to fitness has a child, who replaces a random neighbour
    death-birth   a random individual dies, and her neighbours compete for the place in proportion to fitness

The order matters. On the complete graph both are the Moran process up to terms of order 1/N; where everybody has k
neighbours, weak selection under death-birth lets cooperation that costs c and gives b take over more often than a
neutral mutant if ``b / c > k`` for large N, and under birth-death never (Ohtsuki et al. 2006). For N individuals the
condition is ``b / c > k (N - 2) / (N - 2 k)`` (Taylor, Day and Wild 2007).

References
----------
Lieberman, E., Hauert, C. and Nowak, M. A. (2005). Evolutionary dynamics on graphs. Nature 433, 312-316.
Ohtsuki, H., Hauert, C., Lieberman, E. and Nowak, M. A. (2006). A simple rule for the evolution of cooperation on graphs
and social networks. Nature 441, 502-505.
Taylor, P. D., Day, T. and Wild, G. (2007). Evolution of cooperation in a finite homogeneous graph. Nature 447, 469-472.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics._record_times import recorded_times
from marlgt.dynamics.bandits._sampled import regret_path
from marlgt.dynamics.bandits._sampled_doors import guard_size, unpacked
from marlgt.dynamics.populations._populations import population_settings, symmetric_payoffs
from marlgt.dynamics.trajectory import Trajectories, Trajectory
from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import require_flag
from marlgt.games._profiles import checked_profile
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import gear, kernel, specialised
from marlgt.progress import progress, stopwatch
from marlgt.randomness import drawn_from, streams, uniform, uniform_below

__all__ = ["birth_death_on_graph", "death_birth_on_graph"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_CHUNK_WORK = 2e7
_LARGEST_EXPONENT = 600.0


@kernel
def fitness_of(node: int, matrix: Floats, held: Whole, first: Whole, neighbours: Whole, settings: Floats) -> float:
    """Return the fitness of an individual, from the sum of her payoffs."""
    total = 0.0
    for place in range(first[node], first[node + 1]):
        total += matrix[held[node], held[neighbours[place]]]
    if settings[1] > 0.0:
        return math.exp(settings[0] * total)
    return float(1.0 - settings[0] + settings[0] * total)


@kernel
def choose(
    matrix: Floats, held: Whole, first: Whole, neighbours: Whole, stream: Whole, settings: Floats, weights: Floats
) -> int:
    """Stand for the kernel that draws who is replaced, times N, plus who is the parent."""
    return 0


@kernel
def choose_birth_first(
    matrix: Floats, held: Whole, first: Whole, neighbours: Whole, stream: Whole, settings: Floats, weights: Floats
) -> int:
    """Draw a parent in proportion to fitness, then a neighbour of hers. ``weights`` is up to date from the start."""
    size = held.shape[0]
    parent = drawn_from(stream, weights[:size])
    place = first[parent] + uniform_below(stream, first[parent + 1] - first[parent])
    return int(neighbours[place] * size + parent)


@kernel
def choose_death_first(
    matrix: Floats, held: Whole, first: Whole, neighbours: Whole, stream: Whole, settings: Floats, weights: Floats
) -> int:
    """Draw who dies, then one of her neighbours in proportion to fitness."""
    size = held.shape[0]
    dead = uniform_below(stream, size)
    low = first[dead]
    count = first[dead + 1] - low
    for place in range(count):
        weights[place] = fitness_of(neighbours[low + place], matrix, held, first, neighbours, settings)
    return int(dead * size + neighbours[low + drawn_from(stream, weights[:count])])


@kernel
def refresh(
    node: int, matrix: Floats, held: Whole, first: Whole, neighbours: Whole, settings: Floats, weights: Floats
) -> None:
    """Stand for the kernel that brings weights up to date after a change; nothing where none are kept."""


@kernel
def refresh_around(
    node: int, matrix: Floats, held: Whole, first: Whole, neighbours: Whole, settings: Floats, weights: Floats
) -> None:
    """Compute the fitness of an individual and of her neighbours anew."""
    weights[node] = fitness_of(node, matrix, held, first, neighbours, settings)
    for place in range(first[node], first[node + 1]):
        other = neighbours[place]
        weights[other] = fitness_of(other, matrix, held, first, neighbours, settings)


@kernel
def evolve_graph(
    matrix: Floats,
    held: Whole,
    first: Whole,
    neighbours: Whole,
    stream: Whole,
    settings: Floats,
    weights: Floats,
    counts: Whole,
    edges: Whole,
    sums: Whole,
    pairs: Whole,
    times: Whole,
    kept_counts: Whole,
    kept_sums: Whole,
    kept_pairs: Whole,
    begin: int,
    end: int,
) -> None:
    """Make steps ``begin`` to ``end``; ``edges`` counts the pairs of strategies along the edges, both ways."""
    size = held.shape[0]
    k = counts.shape[0]
    place = 0
    while place < times.shape[0] and times[place] <= begin:
        place += 1
    for t in range(begin, end):
        chosen = choose(matrix, held, first, neighbours, stream, settings, weights)
        node = chosen // size
        before = held[node]
        after = held[chosen % size]
        if settings[2] > 0.0 and k > 1 and uniform(stream) < settings[2]:
            after = (after + 1 + uniform_below(stream, k - 1)) % k
        if after != before:
            held[node] = after
            counts[before] -= 1
            counts[after] += 1
            for at in range(first[node], first[node + 1]):
                other = held[neighbours[at]]
                edges[before, other] -= 1
                edges[other, before] -= 1
                edges[after, other] += 1
                edges[other, after] += 1
            refresh(node, matrix, held, first, neighbours, settings, weights)
        for i in range(k):
            sums[i] += counts[i]
            for j in range(k):
                pairs[i, j] += edges[i, j]
        if times[place] == t + 1:
            for i in range(k):
                kept_counts[place, i] = counts[i]
                kept_sums[place, i] = sums[i]
                for j in range(k):
                    kept_pairs[place, i, j] = pairs[i, j]
            place += 1


_BIRTH_FIRST = specialised(evolve_graph, choose=choose_birth_first, refresh=refresh_around)
_DEATH_FIRST = specialised(evolve_graph, choose=choose_death_first)


def birth_death_on_graph(
    game: NormalFormGame,
    adjacency: ArrayLike,
    *,
    steps: int = 10_000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    selection: float = 0.1,
    exponential: bool = True,
    mutation: float = 0.0,
    start: ArrayLike | None = None,
) -> Trajectory:
    """Let a population on a graph evolve: a birth in proportion to fitness, then the death of a random neighbour.

    Parameters
    ----------
    game : NormalFormGame
        Symmetric, of two players.
    adjacency : array_like, shape (N, N)
        Symmetric, 1 between neighbours and 0 elsewhere; nobody is her own neighbour, everybody has one.
    steps, record, seed, selection, exponential, mutation
        As in :func:`~marlgt.dynamics.moran_process`.
    start : array_like of int, shape (N,), or profile, optional
        The strategy of each individual, or a profile from whose first strategy each draws; uniform if not given.

    Returns
    -------
    Trajectory
        The composition, for both players the same; ``joint`` is the average distribution over the two ends of an edge,
        and regrets are those of play along the edges.

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    GameError
        For a matrix that is not that of such a graph, and settings out of range.
    """
    return _evolve(
        game, adjacency, "birth_death_on_graph", _BIRTH_FIRST, steps, record, seed, selection, exponential, mutation,
        start,
    )  # fmt: skip


def death_birth_on_graph(
    game: NormalFormGame,
    adjacency: ArrayLike,
    *,
    steps: int = 10_000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    selection: float = 0.1,
    exponential: bool = True,
    mutation: float = 0.0,
    start: ArrayLike | None = None,
) -> Trajectory:
    """Let a population on a graph evolve: a random death, then a neighbour's birth in proportion to fitness.

    Parameters
    ----------
    game, adjacency, steps, record, seed, selection, exponential, mutation, start
        As in :func:`birth_death_on_graph`.

    Returns
    -------
    Trajectory

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    GameError
        For a matrix that is not that of such a graph, and settings out of range.

    Examples
    --------
    On a cycle cooperators who give 8 at a cost of 1 hold out against defectors:

    >>> import numpy as np
    >>> import marlgt as gt
    >>> donation = gt.NormalFormGame.bimatrix([[7, -1], [8, 0]], [[7, 8], [-1, 0]])
    >>> cycle = np.roll(np.eye(30, dtype=int), 1, axis=0)
    >>> run = death_birth_on_graph(donation, cycle + cycle.T, steps=5_000, start=[0] * 15 + [1] * 15)
    >>> bool(run.strategies[0][-1, 0] > 0.5)
    True
    """
    return _evolve(
        game, adjacency, "death_birth_on_graph", _DEATH_FIRST, steps, record, seed, selection, exponential, mutation,
        start,
    )  # fmt: skip


def _evolve(
    game: NormalFormGame,
    adjacency: ArrayLike,
    name: str,
    loop: Callable[..., None],
    steps: int,
    record: int | Sequence[int],
    seed: int,
    selection: float,
    exponential: bool,
    mutation: float,
    start: ArrayLike | None,
) -> Trajectory:
    require_flag(exponential, "exponential")
    games, starts, seeds = unpacked(game, seed, start, starts=True, name=name)
    first, neighbours = _graph(adjacency)
    size, widest = len(first) - 1, int(np.diff(first).max())
    times = recorded_times(record, steps)
    k = games[0].n_actions[0]
    guard_size(float(len(games) * len(times) * (k + 1) * k), "the record")
    cost = 30.0 * widest**2 + (size if loop is _BIRTH_FIRST else 0) + 8.0 * k * k
    runner = gear(loop, len(games) * steps * cost)
    chunk = max(1, int(_CHUNK_WORK / cost))
    clock = stopwatch()
    finished = []
    with progress(name.replace("_", " "), total=len(games) * steps) as report:
        for index, (each, given, its_seed) in enumerate(zip(games, starts, seeds)):
            matrix = symmetric_payoffs(each)
            settings = _settings(matrix, size, widest, selection, exponential, mutation)
            stream = streams([its_seed])[0]
            held = _first_strategies(each, size, given, stream)
            weights = np.ones(max(size, widest))
            for node in range(size):
                weights[node] = fitness_of(node, matrix, held, first, neighbours, settings)
            counts, edges = np.bincount(held, minlength=k).astype(np.int64), np.zeros((k, k), dtype=np.int64)
            np.add.at(edges, (np.repeat(held, np.diff(first)), held[neighbours]), 1)
            sums, pairs = np.zeros(k, dtype=np.int64), np.zeros((k, k), dtype=np.int64)
            kept_counts, kept_sums = np.zeros((2, len(times), k), dtype=np.int64)
            kept_pairs = np.zeros((len(times), k, k), dtype=np.int64)
            for begin in range(0, steps, chunk):
                end = min(begin + chunk, steps)
                runner(
                    matrix, held, first, neighbours, stream, settings, weights, counts, edges, sums, pairs, times,
                    kept_counts, kept_sums, kept_pairs, begin, end,
                )  # fmt: skip
                report(index * steps + end, "")
            composition, average = kept_counts / size, kept_sums / (times[:, None] * float(size))
            joint = kept_pairs / (times[:, None, None] * float(len(neighbours)))
            regrets = np.stack([regret_path(each.payoffs[i], joint, i) for i in range(2)], axis=1)
            finished.append(
                Trajectory(
                    each, name, times.astype(np.float64), (composition, composition), (average, average), regrets,
                    joint, guarantee=_GUARANTEE, work={"steps": int(steps), "population": size}, seconds=clock(),
                )
            )  # fmt: skip
    return finished[0] if isinstance(game, NormalFormGame) else cast("Trajectory", Trajectories(finished))


_GUARANTEE = (
    "Without mutation one strategy takes over in the end on a connected graph; with k neighbours each and weak "
    "selection, death-birth favours cooperation if b / c > k, birth-death does not."
)


def _graph(adjacency: ArrayLike) -> tuple[Whole, Whole]:
    """Return where the neighbours of each individual begin, shape (N + 1,), and the neighbours."""
    given, _ = exact_and_float(adjacency, "adjacency")
    if given.ndim != 2 or given.shape[0] != given.shape[1] or len(given) < 2:
        raise GameError(f"adjacency has shape {given.shape}: give a square matrix of two individuals or more")
    if not np.isin(given, (0.0, 1.0)).all() or not np.array_equal(given, given.T) or np.diagonal(given).any():
        raise GameError("adjacency must be symmetric, of 0 and 1, and 0 on the diagonal: 1 marks two neighbours")
    degrees = given.sum(axis=1).astype(np.int64)
    if degrees.min() == 0:
        raise GameError(f"individual {int(degrees.argmin())} has no neighbours: connect everybody, or leave them out")
    return np.concatenate([[0], np.cumsum(degrees)]).astype(np.int64), np.nonzero(given)[1].astype(np.int64)


def _settings(matrix: Floats, size: int, widest: int, selection: float, exponential: bool, mutation: float) -> Floats:
    settings = population_settings(matrix, size, selection=selection, exponential=True, mutation=mutation)
    if exponential:
        if settings[0] * widest * np.abs(matrix).max() > _LARGEST_EXPONENT:
            raise GameError(
                f"the fitness exp(w u) would leave the floats, with payoffs up to {widest * np.abs(matrix).max():g}: "
                f"lower the selection w to {_LARGEST_EXPONENT / (widest * np.abs(matrix).max()):.3g}"
            )
        return settings
    # The least sum of payoffs over 1 to so many neighbours.
    least = float(min(matrix.min(), matrix.min() * widest))
    return population_settings(np.append(matrix.ravel(), least), size, selection=selection, exponential=False,
                               mutation=mutation)  # fmt: skip


def _first_strategies(game: NormalFormGame, size: int, start: Any, stream: Whole) -> Whole:
    k = game.n_actions[0]
    given = np.asarray(start) if isinstance(start, np.ndarray | list) else None
    if given is not None and given.shape == (size,) and given.dtype.kind in "iu":
        if given.min() < 0 or given.max() >= k:
            raise GameError(f"start is {short(start)}: give strategies from 0 to {k - 1} of all {size} individuals")
        return given.astype(np.int64)
    shares = np.full(k, 1.0 / k) if start is None else np.asarray(checked_profile(game, start)[0], dtype=np.float64)
    return np.array([drawn_from(stream, shares) for _ in range(size)], dtype=np.int64)
