"""The same depth-first search over the arrays of an extensive game, as one kernel that can be resumed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games.extensive import ExtensiveGame
from marlgt.kernels import gear, kernel

__all__ = ["TreeCount", "search_tree"]

_STEPS = 20_000_000
_STEPS_INTERPRETED = 300_000

TreeCount = tuple[int, int, int, NDArray[np.int32], NDArray[np.float64]]
"""Nodes, leaves, cutoffs, the best action at each node visited, and the values of the leaves in order."""


def search_tree(
    game: ExtensiveGame, root: int, cut: int, bounds: tuple[float, float] | None
) -> tuple[float, TreeCount]:
    """Return the value of a node to player 0, and what the search did.

    Parameters
    ----------
    game : ExtensiveGame
        Of one or two players, with perfect information and constant sum.
    root : int
    cut : int
        0 for no cuts, 1 for cuts where alpha >= beta, 2 where alpha > beta.
    bounds : tuple of float, optional
        The least and largest value, which let chance nodes be cut.
    """
    payoff = np.zeros(game.n_nodes)
    payoff[game.terminals] = game.terminal_payoffs[0]
    deepest = int(game.depth.max()) + 2
    path = np.zeros((deepest, 2), dtype=np.int64)
    path[0, 0] = root
    # Columns: alpha, beta, best or sum, probability left, and the window that a move of chance passed on.
    numbers = np.zeros((deepest, 6))
    numbers[0, 0], numbers[0, 1] = -np.inf, np.inf
    low, high = (-np.inf, np.inf) if bounds is None else bounds
    best_action = np.full(game.n_nodes, -1, dtype=np.int32)
    leaf_values = np.zeros(len(game.terminals))
    # Depth, whether the node at this depth is new, nodes, leaves, cutoffs.
    counts = np.array([0, 1, 0, 0, 0], dtype=np.int64)
    run = gear(depth_first_pass, 12.0 * game.n_nodes)
    steps = _STEPS_INTERPRETED if run is depth_first_pass else _STEPS
    tree = (game.player, game.first_child, game.children, game.probability, payoff)
    while counts[0] >= 0:
        run(*tree, cut, low, high, path, numbers, best_action, leaf_values, counts, steps)
    return float(numbers[0, 2]), (int(counts[2]), int(counts[3]), int(counts[4]), best_action, leaf_values[: counts[3]])


@kernel
def depth_first_pass(
    player: Any,
    first_child: Any,
    children: Any,
    probability: Any,
    payoff: Any,
    cut: int,
    low: float,
    high: float,
    path: Any,
    numbers: Any,
    best_action: Any,
    leaf_values: Any,
    counts: Any,
    steps: int,
) -> None:
    """Go on with the search for some steps; ``counts[0]`` is -1 when it has ended, the value in ``numbers[0, 2]``."""
    depth = counts[0]
    entering = counts[1]
    star = low > -np.inf and high < np.inf
    for _ in range(steps):
        node = path[depth, 0]
        mover = player[node]
        done = False
        if entering == 1:
            counts[2] += 1
            path[depth, 1] = 0
            entering = 0
            if mover == -2:
                numbers[depth, 2] = payoff[node]
                leaf_values[counts[3]] = payoff[node]
                counts[3] += 1
                done = True
            elif mover == -1:
                numbers[depth, 2] = 0.0
                numbers[depth, 3] = 1.0
            elif mover == 0:
                numbers[depth, 2] = -np.inf
            else:
                numbers[depth, 2] = np.inf
        else:
            # A child has been searched: its value stands one level below.
            place = path[depth, 1]
            value = numbers[depth + 1, 2]
            path[depth, 1] = place + 1
            width = first_child[node + 1] - first_child[node]
            done = place + 1 == width
            stopped = False
            if mover == -1:
                p = probability[children[first_child[node] + place]]
                numbers[depth, 2] += p * value
                numbers[depth, 3] = max(numbers[depth, 3] - p, 0.0)
                if star and not done and p > 0.0:
                    if value >= numbers[depth, 5]:
                        numbers[depth, 2] += numbers[depth, 3] * low
                        stopped = True
                    elif value <= numbers[depth, 4]:
                        numbers[depth, 2] += numbers[depth, 3] * high
                        stopped = True
            else:
                if (mover == 0 and value > numbers[depth, 2]) or (mover == 1 and value < numbers[depth, 2]):
                    numbers[depth, 2] = value
                    best_action[node] = place
                if cut > 0:
                    if mover == 0:
                        numbers[depth, 0] = max(numbers[depth, 0], value)
                    else:
                        numbers[depth, 1] = min(numbers[depth, 1], value)
                    equal = cut == 1 and numbers[depth, 0] == numbers[depth, 1]
                    stopped = not done and (equal or numbers[depth, 0] > numbers[depth, 1])
            if stopped:
                counts[4] += 1
                done = True
        if done:
            depth -= 1
            if depth < 0:
                break
            continue
        child = children[first_child[node] + path[depth, 1]]
        path[depth + 1, 0] = child
        entering = 1
        if mover != -1:
            numbers[depth + 1, 0] = numbers[depth, 0]
            numbers[depth + 1, 1] = numbers[depth, 1]
        else:
            numbers[depth + 1, 0] = -np.inf
            numbers[depth + 1, 1] = np.inf
            p = probability[child]
            if star and p > 0.0:
                rest = max(numbers[depth, 3] - p, 0.0)
                numbers[depth, 4] = max((numbers[depth, 0] - numbers[depth, 2] - high * rest) / p, low - 1.0)
                numbers[depth, 5] = min((numbers[depth, 1] - numbers[depth, 2] - low * rest) / p, high + 1.0)
                numbers[depth + 1, 0] = numbers[depth, 4]
                numbers[depth + 1, 1] = numbers[depth, 5]
        depth += 1
    counts[0] = depth
    counts[1] = entering
