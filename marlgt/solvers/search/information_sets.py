"""Information-set Monte-Carlo tree search: sampling moves where players do not know where in the tree they are.

Each simulation begins at a state drawn from those that the searching player thinks possible, and then goes on as if
that were the truth; but statistics belong to information sets, so that what a player does depends on what she knows
only. With several observers every player has the information sets of the rules; with a single observer the moves of
the others are known to the searcher only by what has been played since she last moved, and their statistics do not
depend on what they hold. A move's bonus counts how often it could have been tried, since the moves at hand can
differ from one state to another (Cowling, Powley and Whitehouse 2012).

It does not converge to an equilibrium in general. The states are drawn as if the others had played as ``beliefs``
says, whatever they would rather do; and as both sides' choices follow each other from one simulation to the next,
they can agree where simultaneous moves could not, on cooperation in the prisoner's dilemma for one. Where a move is
better than the others whatever the rest holds, it finds it.

References
----------
Cowling, P. I., Powley, E. J. and Whitehouse, D. (2012). Information set Monte Carlo tree search. IEEE Transactions
on Computational Intelligence and AI in Games 4, 120-143.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_seed, require_whole
from marlgt.games.extensive import CHANCE, TERMINAL, ExtensiveGame
from marlgt.games.sequence_form import checked_behavior
from marlgt.progress import progress, stopwatch
from marlgt.solvers.search._playout_kernels import run_playouts
from marlgt.solvers.search._playouts import Draw, chance_move, draws, play_out
from marlgt.solvers.search._views import searchable
from marlgt.solvers.search.results import MonteCarloResult
from marlgt.solvers.search.tree_policies import visit_policy

__all__ = ["information_set_mcts", "infoset_weights"]

Table = dict[Hashable, dict[Any, list[float]]]
"""For each information set and move: how often it was tried, the sum of what it brought, how often it was at hand."""


def information_set_mcts(
    game: Any,
    state: Any = None,
    *,
    simulations: int,
    seed: int,
    exploration: float = math.sqrt(2),
    observers: str = "multiple",
    beliefs: Any = None,
    temperature: float = 1.0,
) -> MonteCarloResult:
    """Return what simulated plays say about the moves at an information set.

    Parameters
    ----------
    game : ExtensiveGame, or Rules with a method ``resample(state, player, rng)``
        The method returns a state that the player cannot tell from ``state``, drawn from what she thinks possible.
    state : optional
        A state of the rules, or any node of the information set; by default where the game begins.
    simulations : int
    seed : int
    exploration : float
        The constant c of UCB1, in the unit of the payoffs.
    observers : {"multiple", "single"}
    beliefs : sequence of n array_like, shapes (I_i, A_i), optional
        For an extensive game: the behaviour policies that the others are thought to have followed up to here, by
        default uniform ones. Nodes are drawn as chance and these policies reach them.
    temperature : float
        Of the returned policy; 0 for the most visited moves only.

    Raises
    ------
    GameError
        For options that do not fit, a state in which no player moves, rules without ``resample``, and beliefs under
        which the information set is never reached.

    Examples
    --------
    >>> import marlgt as gt
    >>> pennies = gt.games.ExtensiveGame.from_normal_form(gt.NormalFormGame.zero_sum([[2, 1], [0, 0]]))
    >>> information_set_mcts(pennies, simulations=500, seed=0).action
    0
    """
    clock = stopwatch()
    rules, start = searchable(game, state)
    require_whole(simulations, "simulations", least=1)
    require_seed(seed)
    constant, heat = nonnegative(exploration, "exploration"), nonnegative(temperature, "temperature")
    if observers not in ("multiple", "single"):
        raise GameError(f"observers is {short(observers)}: give 'multiple' or 'single'")
    player = rules.current_player(start)
    if player < 0:
        raise GameError("no player is to move at this state: start from one where a player moves")
    rng = np.random.default_rng(seed)
    if isinstance(game, ExtensiveGame):
        nodes, weights = infoset_weights(game, start, beliefs)
        if observers == "multiple":
            visits, values, n_sets = _on_arrays(game, simulations, nodes, weights, constant, rng)
            actions = list(rules.legal_actions(start))
            return _result(actions, visits, values, player, n_sets, heat, clock)
        sample: Callable[[], Any] = lambda: int(rng.choice(nodes, p=weights))  # noqa: E731
    else:
        if beliefs is not None:
            raise GameError("beliefs are for extensive games: let resample draw the states of rules")
        if not callable(getattr(game, "resample", None)):
            raise GameError("the rules need a method resample(state, player, rng): a state the player thinks possible")
        sample = lambda: game.resample(start, player, rng)  # noqa: E731
    table: Table = {}
    actions = list(rules.legal_actions(start))
    sums = np.zeros((len(rules.players), len(actions)))
    draw = draws(rng)
    single = observers == "single"
    places = {action: k for k, action in enumerate(actions)}
    with progress("information-set search", total=simulations) as report:
        for done in range(simulations):
            first, value = _simulated(rules, sample(), player, table, constant, draw, single=single)
            sums[:, places[first]] += value
            if not done % 256:
                report(done, "")
    root = table[_key(rules, start, player, player, (), single=single)]
    visits = np.array([int(root[action][0]) for action in actions], dtype=np.int64)
    values = np.where(visits > 0, sums / np.maximum(visits, 1), np.nan)
    return _result(actions, visits, values, player, len(table), heat, clock)


def infoset_weights(
    game: ExtensiveGame, node: int, beliefs: Any = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nodes of an information set, and how likely its player should think each.

    Parameters
    ----------
    game : ExtensiveGame
    node : int
        Any node of the information set.
    beliefs : sequence of n array_like, shapes (I_i, A_i), optional
        The others' behaviour policies, by default uniform ones.

    Raises
    ------
    GameError
        If the information set is never reached.
    """
    player = int(game.player[node])
    profile = game.uniform_profile() if beliefs is None else checked_behavior(game, beliefs)
    nodes = np.flatnonzero((game.player == player) & (game.infoset == game.infoset[node]))
    weights = np.ones(len(nodes))
    for k, v in enumerate(nodes.tolist()):
        while game.parent[v] >= 0:
            above = int(game.parent[v])
            mover = int(game.player[above])
            if mover == CHANCE:
                weights[k] *= game.probability[v]
            elif mover != player:
                weights[k] *= profile[mover][game.infoset[above], game.action[v]]
            v = above
    if not weights.sum() > 0.0:
        raise GameError(
            "under these beliefs the information set is never reached: give the others a chance to get there"
        )
    return nodes, weights / weights.sum()


def _on_arrays(
    game: ExtensiveGame,
    simulations: int,
    nodes: NDArray[np.int64],
    weights: NDArray[np.float64],
    exploration: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Search with one slot of statistics for each action of each information set."""
    offsets = np.cumsum([0, *(int(sets.n_actions.sum()) for sets in game.infosets)])
    slots = np.zeros(game.n_nodes, dtype=np.int64)
    below = np.arange(1, game.n_nodes)
    parents = game.parent[below]
    movers = game.player[parents]
    decided = movers >= 0
    sets = game.infoset_offset[movers[decided]] + game.infoset[parents[decided]]
    own = game.first_sequence[sets] - 1 + game.action[below[decided]]
    slots[below[decided]] = offsets[movers[decided]] + own

    def drawn(count: int) -> NDArray[np.int64]:
        return np.asarray(rng.choice(nodes, size=count, p=weights))

    visits, sums, _ = run_playouts(game, simulations, drawn, slots, exploration, rng)
    first = int(game.first_child[nodes[0]])
    counts = visits[slots[game.children[first : first + sums.shape[1]]]]
    values = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    seen = np.add.reduceat(visits, np.concatenate([offsets[i] + s for i, s in enumerate(_starts(game))]))
    return counts, values, int(np.count_nonzero(seen))


def _starts(game: ExtensiveGame) -> list[NDArray[np.int64]]:
    return [np.cumsum(sets.n_actions) - sets.n_actions for sets in game.infosets]


def _simulated(
    rules: Any, state: Any, observer: int, table: Table, exploration: float, draw: Draw, *, single: bool
) -> tuple[Any, list[float]]:
    """Simulate from a state; return the first move and what everyone got."""
    path: list[tuple[list[float], int]] = []
    played: tuple[Any, ...] = ()
    first: Any = None
    while True:
        mover = rules.current_player(state)
        if mover == TERMINAL:
            value = [float(x) for x in rules.returns(state)]
            break
        if mover == CHANCE:
            state = rules.next_state(state, chance_move(rules, state, draw))
            continue
        key = _key(rules, state, mover, observer, played, single=single)
        own = table.setdefault(key, {})
        actions = rules.legal_actions(state)
        at_hand = [own.setdefault(action, [0, 0.0, 0]) for action in actions]
        fresh = [k for k, entry in enumerate(at_hand) if not entry[0]]
        if fresh:
            pick = fresh[int(draw() * len(fresh))]
        else:
            scores = [
                total / visits + exploration * math.sqrt(math.log(possible) / visits)
                for visits, total, possible in at_hand
            ]
            pick = max(range(len(scores)), key=scores.__getitem__)
        for entry in at_hand:
            entry[2] += 1
        path.append((at_hand[pick], mover))
        first = actions[pick] if len(path) == 1 else first
        played = (key, actions[pick]) if mover == observer else (*played, actions[pick])
        state = rules.next_state(state, actions[pick])
        if fresh:
            value = play_out(rules, state, draw)
            break
    for entry, mover in path:
        entry[0] += 1
        entry[1] += value[mover]
    return first, value


def _key(rules: Any, state: Any, mover: int, observer: int, played: tuple[Any, ...], *, single: bool) -> Hashable:
    """Return what names the information set of a state."""
    if not single or mover == observer:
        known = rules.information_state(state)
        return mover, known if known is not None else (state,)
    return mover, played


def _result(
    actions: list[Any],
    visits: NDArray[np.int64],
    values: NDArray[np.float64],
    player: int,
    n_sets: int,
    heat: float,
    clock: Callable[[], float],
) -> MonteCarloResult:
    best = actions[int(visits.argmax())]
    return MonteCarloResult(
        actions=tuple(actions),
        visits=visits,
        values=values,
        policy=visit_policy(visits, temperature=heat),
        action=best,
        principal_variation=(best,),
        player=player,
        simulations=int(visits.sum()),
        nodes=n_sets,
        solution=None,
        method="information_set_mcts",
        seconds=clock(),
    )
