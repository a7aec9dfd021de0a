"""Monte-Carlo tree search: the value of moves from simulated plays, in games with perfect information.

Each simulation descends from the position by the rule of selection, adds the first position not seen before, takes
its value from random plays or from a value function, and adds it to the statistics of the moves on the way, to each
player her own payoff. With UCB1 (UCT) the most visited move becomes the minimax move as simulations grow (Kocsis
and Szepesvari 2006); with a prior and a value function it is the search of AlphaZero (Silver et al. 2018).

References
----------
Kocsis, L. and Szepesvari, C. (2006). Bandit based Monte-Carlo planning. ECML, 282-293.
Winands, M., Bjornsson, Y. and Saito, J.-T. (2008). Monte-Carlo tree search solver. Computers and Games, 25-36.
Silver, D. et al. (2018). A general reinforcement learning algorithm that masters chess, shogi and Go through
self-play. Science 362, 1140-1144.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import nonnegative, require_flag, require_seed, require_whole
from marlgt.games.extensive import ExtensiveGame
from marlgt.progress import stopwatch
from marlgt.solvers.search._playout_kernels import run_playouts
from marlgt.solvers.search._playouts import Node, Settings, grow
from marlgt.solvers.search._views import searchable
from marlgt.solvers.search.results import MonteCarloResult
from marlgt.solvers.search.tree_policies import visit_policy

__all__ = ["mcts"]


def mcts(
    game: Any,
    state: Any = None,
    *,
    simulations: int,
    seed: int,
    exploration: float = math.sqrt(2),
    selection: str = "uct",
    prior: Callable[[Any, list[Any]], Sequence[float]] | None = None,
    value_function: Callable[[Any], Any] | None = None,
    rollouts: int = 1,
    temperature: float = 1.0,
    solve: bool = False,
    bounds: tuple[float, float] | None = None,
    noise: tuple[float, float] | None = None,
) -> MonteCarloResult:
    """Return what simulated plays say about the moves at a position.

    Parameters
    ----------
    game : Rules, ExtensiveGame or nested lists of numbers
        Of any number of players, with perfect information and moves of chance. Searching an extensive game by plain
        UCT is compiled.
    state : optional
        Where a player is to move: a state of the rules, or a node of the tree; by default where the game begins.
    simulations : int
    seed : int
    exploration : float
        The constant c of the rule of selection, in the unit of the payoffs.
    selection : {"uct", "puct"}
        UCB1, or PUCT with the prior.
    prior : callable, optional
        ``prior(state, actions)``: a probability for each action, by default all alike; only with ``"puct"``.
    value_function : callable, optional
        ``value_function(state)``: what each player can expect, or of two opposed players what player 0 can; by
        default plays in which everyone moves at random say.
    rollouts : int
        How many of these plays to average.
    temperature : float
        Of the returned policy; 0 for the most visited moves only.
    solve : bool
        Also pass back values that are proved, never to search what is decided (Winands et al. 2008); the search
        ends once the position is solved.
    bounds : pair of float, optional
        The least and largest payoff, with which ``solve`` proves a move that nothing can beat without looking at
        the others.
    noise : pair of float, optional
        Concentration and share of the Dirichlet noise that AlphaZero mixes into the prior of the first position.

    Raises
    ------
    GameError
        For options that do not fit, and a position in which no player moves.
    UnsupportedGame
        For a tree with hidden information: see :func:`information_set_mcts`.

    Examples
    --------
    >>> found = mcts([[3, 12, 8], [2, 4, 6], [14, 5, 2]], simulations=2000, seed=0, exploration=10.0)
    >>> found.action, found.principal_variation, int(found.visits.sum())
    (0, (0, 0), 2000)
    """
    clock = stopwatch()
    rules, start = searchable(game, state)
    settings = _settings(exploration, selection, prior, value_function, rollouts, solve, bounds, noise)
    require_whole(simulations, "simulations", least=1)
    require_seed(seed)
    heat = nonnegative(temperature, "temperature")
    if isinstance(game, ExtensiveGame) and not game.has_perfect_information:
        raise UnsupportedGame(
            "the tree has hidden information, which the search must not see: use information_set_mcts"
        )
    rng = np.random.default_rng(seed)
    mover = game.player[start] if isinstance(game, ExtensiveGame) else rules.current_player(start)
    if mover < 0:
        raise GameError("no player is to move at this state: start from one where a player moves")
    plain = not (settings.puct or settings.solve) and value_function is None and rollouts == 1
    if isinstance(game, ExtensiveGame) and plain:
        return _on_arrays(game, start, simulations, settings, rng, heat, clock)
    root = Node(rules, start)
    nodes, sums = grow(rules, root, simulations, settings, rng)
    visits = np.array(root.visits, dtype=np.int64)
    best = _best_move(root, settings)
    variation: list[Any] = []
    node: Node | None = root
    k = best
    while node is not None:
        variation.append(node.actions[k])
        node = node.children[k]
        if node is None or node.mover < 0 or not node.expanded or not sum(node.visits):
            break
        k = _best_move(node, settings)
    return MonteCarloResult(
        actions=tuple(root.actions),
        visits=visits,
        values=_means(np.array(sums).T, visits),
        policy=visit_policy(visits, temperature=heat),
        action=root.actions[best],
        principal_variation=tuple(variation),
        player=root.mover,
        simulations=int(visits.sum()),
        nodes=nodes,
        solution=None if root.proved is None else np.array(root.proved),
        method="mcts",
        seconds=clock(),
    )


def _settings(
    exploration: float,
    selection: str,
    prior: Any,
    value_function: Any,
    rollouts: int,
    solve: bool,
    bounds: Any,
    noise: Any,
) -> Settings:
    if selection not in ("uct", "puct"):
        raise GameError(f"selection is {short(selection)}: give 'uct' or 'puct'")
    for function, name in ((prior, "prior"), (value_function, "value_function")):
        if function is not None and not callable(function):
            raise GameError(f"{name} is {short(function)}: give a function")
    if selection == "uct" and (prior is not None or noise is not None):
        raise GameError("a prior, and noise in it, need selection='puct': UCB1 knows none")
    require_whole(rollouts, "rollouts", least=1)
    require_flag(solve, "solve")
    if bounds is not None:
        floats, _ = exact_and_float(bounds, "bounds")
        if floats.shape != (2,) or floats[0] > floats[1]:
            raise GameError(f"bounds is {short(bounds)}: give the least and the largest payoff")
        bounds = (float(floats[0]), float(floats[1]))
    if noise is not None:
        floats, _ = exact_and_float(noise, "noise")
        if floats.shape != (2,) or floats[0] <= 0 or not 0 <= floats[1] <= 1:
            raise GameError(f"noise is {short(noise)}: give a positive concentration and a share from 0 to 1")
        noise = (float(floats[0]), float(floats[1]))
    constant = nonnegative(exploration, "exploration")
    return Settings(constant, selection == "puct", prior, value_function, rollouts, solve, bounds, noise)


def _best_move(node: Node, settings: Settings) -> int:
    """Return the most visited move; with proofs, a proved one where none that is open promises more."""
    counts = list(node.visits)
    sure = node.sure
    if sure is not None:
        counts = [-1 if node.is_proved(k) else count for k, count in enumerate(counts)]
        k = max(range(len(counts)), key=counts.__getitem__)
        worst = settings.bounds is not None and sure[node.mover] <= settings.bounds[0]
        promise = node.totals[k] / counts[k] if counts[k] > 0 else float("inf") if worst else -float("inf")
        if counts[k] < 0 or sure[node.mover] >= promise:
            worths = [child.proved if child is not None else None for child in node.children]
            return next(k for k, w in enumerate(worths) if w is not None and w[node.mover] == sure[node.mover])
    return max(range(len(counts)), key=counts.__getitem__)


def _means(sums: np.ndarray, visits: np.ndarray) -> np.ndarray:
    return np.where(visits > 0, sums / np.maximum(visits, 1), np.nan)


def _on_arrays(
    game: ExtensiveGame,
    root: int,
    simulations: int,
    settings: Settings,
    rng: np.random.Generator,
    heat: float,
    clock: Callable[[], float],
) -> MonteCarloResult:
    own = np.zeros(0, dtype=np.int64)
    counts, sums, made = run_playouts(
        game, simulations, lambda count: np.full(count, root, dtype=np.int64), own, settings.exploration, rng
    )
    node, variation = root, []
    while game.player[node] >= 0:
        below = game.children[game.first_child[node] : game.first_child[node + 1]]
        if not counts[below].any():
            break
        k = int(counts[below].argmax())
        variation.append(k)
        node = int(below[k])
    visits = counts[game.children[game.first_child[root] : game.first_child[root + 1]]]
    return MonteCarloResult(
        actions=tuple(range(len(visits))),
        visits=visits,
        values=_means(sums, visits),
        policy=visit_policy(visits, temperature=heat),
        action=variation[0],
        principal_variation=tuple(variation),
        player=int(game.player[root]),
        simulations=simulations,
        nodes=1 + made,
        solution=None,
        method="mcts",
        seconds=clock(),
    )
