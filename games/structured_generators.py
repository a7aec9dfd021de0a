"""Random games with structure: symmetry, potentials, networks, dominance, ties, a number of equilibria.

All are exact, with whole payoffs; the same seed gives the same game.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.generators import checked_counts, generator
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "random_anti_coordination",
    "random_congestion",
    "random_coordination",
    "random_degenerate",
    "random_dominance_solvable",
    "random_graphical",
    "random_polymatrix",
    "random_potential",
    "random_symmetric",
    "random_with_equilibria",
]

_SPREAD = 99
"""Payoffs are drawn from 0 to this number."""


def _at(profiles: tuple[NDArray[Any], ...], tensor: NDArray[Any], players: Sequence[int]) -> NDArray[Any]:
    """Return a tensor over some players' actions, spread over all profiles."""
    return np.asarray(tensor[tuple(profiles[i] for i in players)])


def random_symmetric(n_players: int, n_actions: int, *, seed: int) -> NormalFormGame:
    """Return a symmetric game: a payoff depends on one's own action and on how many others choose each.

    Parameters
    ----------
    n_players, n_actions : int
    seed : int
    """
    rng = generator(seed)
    counts = _alike(n_players, n_actions)
    profiles = np.indices(counts)
    payoffs = np.empty((n_players, *counts), dtype=np.int64)
    table = None
    for i in range(n_players):
        # The others' actions in order, as digits, tell what one faces whoever one is.
        others = np.sort(np.delete(profiles, i, axis=0), axis=0)
        digits = np.asarray(n_actions ** np.arange(n_players - 1), dtype=np.int64)
        codes, faced = np.unique(np.tensordot(digits, others, axes=1), return_inverse=True)
        if table is None:
            table = rng.integers(0, _SPREAD, (n_actions, len(codes)), endpoint=True)
        payoffs[i] = table[profiles[i], faced.reshape(counts)]
    return NormalFormGame(payoffs, title="Random symmetric game")


def random_coordination(n_players: int, n_actions: int, *, seed: int) -> NormalFormGame:
    """Return a game in which choosing alike pays everybody more than anything else.

    Every profile in which all choose the same action is a strict equilibrium.

    Parameters
    ----------
    n_players : int
        At least 2.
    n_actions : int
    seed : int
    """
    rng = generator(seed)
    counts = _alike(n_players, n_actions, least=2)
    payoffs = rng.integers(0, _SPREAD, (n_players, *counts), endpoint=True)
    for a in range(n_actions):
        payoffs.reshape(n_players, -1)[:, np.ravel_multi_index((a,) * n_players, counts)] += _SPREAD + 1
    return NormalFormGame(payoffs, title="Random coordination game")


def random_anti_coordination(n_players: int, n_actions: int, *, seed: int) -> NormalFormGame:
    """Return a game in which a player who shares an action with another gets less than one who does not.

    Every profile in which all choose different actions is an equilibrium if there are no actions to
    spare.

    Parameters
    ----------
    n_players : int
    n_actions : int
        At least ``n_players``.
    seed : int
    """
    rng = generator(seed)
    counts = _alike(n_players, n_actions)
    if n_actions < n_players:
        raise GameError(f"n_actions must be at least n_players={n_players}, so that all can differ, got {n_actions}")
    payoffs = rng.integers(0, _SPREAD, (n_players, *counts), endpoint=True)
    profiles = np.indices(counts)
    for i in range(n_players):
        alone = np.ones(counts, dtype=bool)
        for j in range(n_players):
            if j != i:
                alone &= profiles[i] != profiles[j]
        payoffs[i] += (_SPREAD + 1) * alone
    return NormalFormGame(payoffs, title="Random anti-coordination game")


def random_potential(n_actions: Sequence[int], *, seed: int) -> NormalFormGame:
    """Return a game with an exact potential: a common reward plus what the others alone decide.

    Parameters
    ----------
    n_actions : sequence of int
    seed : int

    References
    ----------
    Monderer and Shapley (1996), Potential games, Games and Economic Behavior 14.
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    common = rng.integers(0, _SPREAD, counts, endpoint=True)
    payoffs = []
    for i in range(len(counts)):
        others = (*counts[:i], 1, *counts[i + 1 :])
        payoffs.append(common + rng.integers(0, _SPREAD, others, endpoint=True))
    return NormalFormGame(np.stack(payoffs), title="Random potential game")


def random_congestion(n_players: int, n_facilities: int, *, seed: int) -> NormalFormGame:
    """Return a congestion game: each uses one or more facilities, whose delays grow with their users.

    An action is a set of facilities, named by its binary digits.

    Parameters
    ----------
    n_players, n_facilities : int
    seed : int

    References
    ----------
    Rosenthal (1973), A class of games possessing pure-strategy Nash equilibria, International Journal
    of Game Theory 2.
    """
    rng = generator(seed)
    if _whole(n_facilities, "n_facilities") > 20:
        raise GameError(f"n_facilities must be at most 20, got {short(n_facilities)}: each set of them is an action")
    counts = _alike(n_players, 2**n_facilities - 1)
    delays = np.cumsum(rng.integers(1, 9, (n_facilities, n_players), endpoint=True), axis=1)
    chosen = np.indices(counts) + 1
    payoffs = np.zeros((n_players, *counts), dtype=np.int64)
    for facility in range(n_facilities):
        using = (chosen >> facility) & 1
        users = using.sum(axis=0)
        payoffs -= using * delays[facility][np.maximum(users - 1, 0)]
    labels = [format(mask, f"0{n_facilities}b") for mask in range(1, 2**n_facilities)]
    return NormalFormGame(payoffs, actions=[labels] * n_players, title="Random congestion game")


def random_dominance_solvable(n_actions: Sequence[int], *, seed: int) -> NormalFormGame:
    """Return a game that iterated elimination of strictly dominated actions reduces to one profile.

    A player's last action falls first, and each other one only after the others' higher ones have
    fallen; a random order of the actions hides which is which.

    Parameters
    ----------
    n_actions : sequence of int
    seed : int
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    profiles = np.indices(counts)
    payoffs = rng.integers(0, _SPREAD, (len(counts), *counts), endpoint=True)
    for i, count in enumerate(counts):
        others = np.delete(profiles, i, axis=0)
        highest = others.max(axis=0, initial=0) if len(others) else np.zeros(counts, dtype=np.int64)
        own = np.moveaxis(payoffs[i], i, 0)
        reach = np.moveaxis(highest, i, 0)
        for a in range(1, count):
            # Once nobody else goes above a, action a is worse than a - 1.
            loss = rng.integers(1, 9, own[a].shape, endpoint=True)
            own[a] = np.where(reach[a] <= a, own[a - 1] - loss, own[a])
    order = [rng.permutation(count) for count in counts]
    return NormalFormGame(payoffs[np.ix_(np.arange(len(counts)), *order)], title="Random dominance-solvable game")


def random_degenerate(n_actions: Sequence[int], *, values: int = 3, seed: int) -> NormalFormGame:
    """Return a game full of ties: few distinct payoffs, and for about half of the players a repeated action.

    Parameters
    ----------
    n_actions : sequence of int
    values : int
        How many different payoffs there are; 1 makes all equal.
    seed : int
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    if _whole(values, "values") > 2**62:
        raise GameError(f"values is {short(values)}: give at most 2**62")
    payoffs = rng.integers(0, int(values), (len(counts), *counts))
    for i, count in enumerate(counts):
        if count > 1 and rng.random() < 0.5:
            source, copy = rng.choice(count, 2, replace=False)
            slices = np.moveaxis(payoffs, i + 1, 0)
            slices[copy] = slices[source]
    return NormalFormGame(payoffs, title="Random degenerate game")


def random_graphical(
    n_actions: Sequence[int], *, edges: Sequence[tuple[int, int]] | None = None, seed: int
) -> NormalFormGame:
    """Return a graphical game: a payoff depends on one's own action and on those of one's neighbours.

    Parameters
    ----------
    n_actions : sequence of int
    edges : sequence of pairs of int, optional
        The neighbours, both ways; by default the players stand in a ring.
    seed : int

    References
    ----------
    Kearns, Littman and Singh (2001), Graphical models for game theory, UAI.
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    profiles = tuple(np.indices(counts))
    payoffs = []
    for i, near in enumerate(_neighbours(len(counts), edges)):
        involved = sorted({i, *near})
        table = rng.integers(0, _SPREAD, [counts[j] for j in involved], endpoint=True)
        payoffs.append(_at(profiles, table, involved))
    return NormalFormGame(np.stack(payoffs), title="Random graphical game")


def random_polymatrix(
    n_actions: Sequence[int], *, edges: Sequence[tuple[int, int]] | None = None, seed: int
) -> NormalFormGame:
    """Return a polymatrix game: everybody plays a two-player game with each neighbour, with one action.

    Parameters
    ----------
    n_actions : sequence of int
    edges : sequence of pairs of int, optional
        The neighbours, both ways; by default all are.
    seed : int

    References
    ----------
    Yanovskaya (1968), Equilibrium points in polymatrix games; Howson (1972), Equilibria of polymatrix
    games, Management Science 18.
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    n = len(counts)
    if edges is None:
        edges = list(itertools.combinations(range(n), 2))
    profiles = tuple(np.indices(counts))
    payoffs = np.zeros((n, *counts), dtype=np.int64)
    for i, near in enumerate(_neighbours(n, edges)):
        for j in near:
            table = rng.integers(0, _SPREAD, (counts[i], counts[j]), endpoint=True)
            payoffs[i] += _at(profiles, table, (i, j))
    return NormalFormGame(payoffs, title="Random polymatrix game")


def _neighbours(n: int, edges: Sequence[tuple[int, int]] | None) -> list[list[int]]:
    if edges is None:
        edges = [(i, (i + 1) % n) for i in range(n) if (i + 1) % n != i]
    near: list[set[int]] = [set() for _ in range(n)]
    if not isinstance(edges, Sequence):
        raise GameError(f"edges is {short(edges)}: give a list of pairs of players")
    for edge in edges:
        if (
            not isinstance(edge, Sequence)
            or len(edge) != 2
            or not all(isinstance(player, (int, np.integer)) and 0 <= player < n for player in edge)
            or edge[0] == edge[1]
        ):
            raise GameError(f"edges must be pairs of different players from 0 to {n - 1}, got {short(edge)}")
        near[edge[0]].add(edge[1])
        near[edge[1]].add(edge[0])
    return [sorted(players) for players in near]


_FIVE = ([[5, 4, 3], [6, 1, 5], [3, 7, 2]], [[4, 1, 1], [3, 1, 7], [3, 7, 3]])
"""A 3 x 3 game of positive payoffs with five equilibria."""


def random_with_equilibria(n_actions: int, n_equilibria: int, *, seed: int) -> NormalFormGame:
    """Return a two-player game with exactly so many equilibria, each of them isolated.

    Blocks along the diagonal, with nothing outside, multiply: a game of blocks with e_1, e_2, ...
    equilibria has (e_1 + 1)(e_2 + 1)... - 1 of them, one for each choice of some blocks and of an
    equilibrium in each. Blocks of one action (1 equilibrium) and of three (5 equilibria) give every
    number ``2**a * 6**b - 1`` with ``a + 3 b <= n_actions``: 1, 3, 5, 7, 11, 15, 23, 31, 35, ... The
    other actions are strictly dominated. Constants for each action of the other player and a random order
    hide the blocks.

    Parameters
    ----------
    n_actions : int
        Of each player.
    n_equilibria : int
        Odd, like the number of equilibria of every nondegenerate game.
    seed : int

    Raises
    ------
    GameError
        If the number is not of that form.

    References
    ----------
    Quint and Shubik (1997), A theorem on the number of Nash equilibria in a bimatrix game,
    International Journal of Game Theory 26.
    """
    rng = generator(seed)
    n = checked_counts((n_actions, n_actions))[0]
    possible = {2**a * 6**b - 1: (a, b) for b in range(n // 3 + 1) for a in range(n - 3 * b + 1) if a + b}
    if _whole(n_equilibria, "n_equilibria") not in possible:
        near = sorted(sorted(possible, key=lambda count: abs(count - n_equilibria))[:5])
        raise GameError(
            f"n_equilibria must be 2**a * 6**b - 1 with a + 3 b <= {n}, for example "
            f"{', '.join(map(str, near))}, got {short(n_equilibria)}"
        )
    singles, triples = possible[n_equilibria]
    A, B = np.zeros((n, n), dtype=np.int64), np.zeros((n, n), dtype=np.int64)
    used = 0
    for size in [1] * singles + [3] * triples:
        block = slice(used, used + size)
        for matrix, five in zip((A, B), _FIVE):
            matrix[block, block] = rng.integers(1, 9, endpoint=True) * (np.array(five) if size == 3 else 1)
        used += size
    A[:, used:] = rng.integers(0, 9, (n, n - used), endpoint=True)
    B[used:] = rng.integers(0, 9, (n - used, n), endpoint=True)
    for extra in range(used, n):
        A[extra] = A[0] - rng.integers(1, 9, n, endpoint=True)
        B[:, extra] = B[:, 0] - rng.integers(1, 9, n, endpoint=True)
    # Payoffs that depend on the other's action alone change nothing.
    A = A + rng.integers(-9, 9, (1, n), endpoint=True)
    B = B + rng.integers(-9, 9, (n, 1), endpoint=True)
    rows, columns = rng.permutation(n), rng.permutation(n)
    return NormalFormGame.bimatrix(
        A[rows][:, columns], B[rows][:, columns], title=f"Random game with {n_equilibria} equilibria"
    )


def _alike(n_players: int, n_actions: int, *, least: int = 1) -> tuple[int, ...]:
    """Return the sizes of a game in which all have as many actions."""
    if _whole(n_players, "n_players") < least:
        raise GameError(f"n_players must be at least {least}, got {n_players}")
    if _whole(n_players, "n_players") > 63:
        raise GameError(f"n_players must be at most 63, as many as an array can hold, got {short(n_players)}")
    return checked_counts((_whole(n_actions, "n_actions"),) * n_players)


def _whole(value: int, name: str) -> int:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise GameError(f"{name} must be a whole number from 1, got {short(value)}")
    return int(value)
