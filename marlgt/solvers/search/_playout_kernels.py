"""UCT over the arrays of an extensive game, as a kernel; with shared statistics, over its information sets.

Each node's statistics stand in a slot: with one slot for each node this is UCT; with one for each sequence of a
player's information sets and actions, and a starting node drawn for each simulation, it is information-set search.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games.extensive import ExtensiveGame
from marlgt.kernels import gear, kernel
from marlgt.progress import progress

__all__ = ["Playouts", "run_playouts"]

_DRAWS = 2_000_000
_DRAWS_INTERPRETED = 100_000

Playouts = tuple[NDArray[np.int64], NDArray[np.float64], int]
"""Visits of every slot, the sums of all players' payoffs after each first move, shape (n, A), and moves first tried."""


def run_playouts(
    game: ExtensiveGame,
    simulations: int,
    roots: Callable[[int], NDArray[np.int64]],
    slots: NDArray[np.int64],
    exploration: float,
    rng: np.random.Generator,
) -> Playouts:
    """Simulate from one root after another.

    Parameters
    ----------
    simulations : int
    roots : callable
        Gives so many further nodes of the player who searches, all with the same actions.
    slots : ndarray of int64, shape (N,) or (0,)
        Where the statistics of the move to each node stand, by default in a slot of its own.
    """
    n_slots = int(slots.max()) + 1 if len(slots) else game.n_nodes
    visits = np.zeros(n_slots, dtype=np.int64)
    totals = np.zeros(n_slots)
    made = np.zeros(1, dtype=np.int64)
    levels = int(game.depth.max()) + 1
    path = np.zeros(levels + 1, dtype=np.int64)
    run = gear(play_outs, 20.0 * simulations * levels)
    chunk = max(1, (_DRAWS_INTERPRETED if run is play_outs else _DRAWS) // levels)
    tree = (game.player, game.parent, game.first_child, game.children, game.probability)
    ends = (game.terminal_payoffs, game.terminals)
    sums = np.zeros((game.n_players, 0))
    with progress("Monte-Carlo tree search", total=simulations) as report:
        for done in range(0, simulations, chunk):
            part = roots(min(chunk, simulations - done))
            if not done:
                sums = np.zeros((game.n_players, int(game.first_child[part[0] + 1] - game.first_child[part[0]])))
            run(
                *tree, *ends, slots, part, rng.random(len(part) * levels), exploration, path, visits, totals, sums, made
            )
            report(done + len(part), "")
    return visits, sums, int(made[0])


@kernel
def play_outs(
    player: Any,
    parent: Any,
    first_child: Any,
    children: Any,
    probability: Any,
    payoffs: Any,
    terminals: Any,
    slots: Any,
    roots: Any,
    draws: Any,
    exploration: float,
    path: Any,
    visits: Any,
    totals: Any,
    sums: Any,
    made: Any,
) -> None:
    """Simulate once from each root, with one number from [0, 1) for each move."""
    used = 0
    shared = slots.shape[0] > 0
    for simulation in range(roots.shape[0]):
        node = roots[simulation]
        length = 0
        inside = True
        while player[node] != -2:
            first = first_child[node]
            width = first_child[node + 1] - first
            draw = draws[used]
            used += 1
            pick = width - 1
            if player[node] == -1:
                for k in range(width):
                    draw -= probability[children[first + k]]
                    if draw < 0.0:
                        pick = k
                        break
            elif not inside:
                pick = int(draw * width)
            else:
                everything = 0
                fresh = 0
                for k in range(width):
                    slot = children[first + k]
                    if shared:
                        slot = slots[slot]
                    tried = visits[slot]
                    everything += tried
                    if tried == 0:
                        fresh += 1
                if fresh > 0:
                    # The first move never tried before ends the tree: from there on play is random.
                    inside = False
                    made[0] += 1
                    left = int(draw * fresh)
                    for k in range(width):
                        slot = children[first + k]
                        if shared:
                            slot = slots[slot]
                        if visits[slot] == 0:
                            if left == 0:
                                pick = k
                                break
                            left -= 1
                else:
                    scale = exploration * np.sqrt(np.log(everything))
                    top = -np.inf
                    for k in range(width):
                        slot = children[first + k]
                        if shared:
                            slot = slots[slot]
                        score = totals[slot] / visits[slot] + scale / np.sqrt(visits[slot])
                        if score > top:
                            top = score
                            pick = k
                path[length] = children[first + pick]
                length += 1
            if node == roots[simulation]:
                choice = pick
            node = children[first + pick]
        end = 0
        beyond = terminals.shape[0]
        while beyond - end > 1:
            middle = (end + beyond) // 2
            if terminals[middle] <= node:
                end = middle
            else:
                beyond = middle
        for k in range(length):
            slot = path[k]
            if shared:
                slot = slots[slot]
            visits[slot] += 1
            totals[slot] += payoffs[player[parent[path[k]]], end]
        for i in range(sums.shape[0]):
            sums[i, choice] += payoffs[i, end]
