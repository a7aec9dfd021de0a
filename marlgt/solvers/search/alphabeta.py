"""Minimax search of two-player constant-sum games with perfect information, whole or with alpha-beta cuts.

Player 0 maximises her payoff and player 1 minimises it; moves of chance are averaged. Alpha is what player 0 is
sure of elsewhere, beta what player 1 is: a node whose value lies outside (alpha, beta) changes nothing above it, so
its remaining moves are cut. On a tree of b moves and d levels in the best order alpha-beta visits
b^ceil(d/2) + b^floor(d/2) - 1 leaves, and no algorithm that proves the value visits fewer (Knuth and Moore 1975).

References
----------
Shannon, C. E. (1950). Programming a computer for playing chess. Philosophical Magazine 41, 256-275.
Knuth, D. E. and Moore, R. W. (1975). An analysis of alpha-beta pruning. Artificial Intelligence 6, 293-326.
Ballard, B. W. (1983). The star-minimax search procedure for trees containing chance nodes. Artificial Intelligence
21, 327-350.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import require_flag, require_whole
from marlgt.games.extensive import ExtensiveGame
from marlgt.progress import stopwatch
from marlgt.solvers.search._depth_first import CUT_ABOVE, CUT_EQUAL, NO_CUT, Count, Plan, depth_first
from marlgt.solvers.search._tree_kernels import search_tree
from marlgt.solvers.search._views import searchable
from marlgt.solvers.search.results import SearchResult

__all__ = ["alpha_beta", "minimax_search"]

_CUTS = {"alpha>=beta": CUT_EQUAL, "alpha>beta": CUT_ABOVE}

Order = Callable[[Any, list[Any]], Sequence[Any]]


def minimax_search(
    game: Any,
    state: Any = None,
    *,
    depth: int | None = None,
    evaluate: Callable[[Any], float] | None = None,
    order: Order | None = None,
    transpositions: bool = False,
    count_states: bool = False,
    keep_leaves: bool = False,
) -> SearchResult:
    """Return the minimax value of a position by visiting every line of play.

    Parameters
    ----------
    game : Rules, ExtensiveGame or nested lists of numbers
        Of two players (or one), constant sum, with perfect information. In nested lists player 0 moves first, the
        players take turns, and the numbers are what player 0 gets.
    state : optional
        Where to begin: a state of the rules, or a node of the tree; by default where the game begins.
    depth : int, optional
        How many moves to look ahead, moves of chance counted; positions there are worth what ``evaluate`` says.
    evaluate : callable, optional
        ``evaluate(state)``: what player 0 can expect; needed with ``depth``.
    order : callable, optional
        ``order(state, actions)``: the actions in the order in which to try them, by default as they come.
    transpositions : bool
        Keep the value of every state, and look up those met again; states must then be hashable. It changes no
        value, and lowers the counts: what stands below a state is visited once.
    count_states : bool
        Count the different states; they must then be hashable.
    keep_leaves : bool
        Return the values of the leaves in the order of their visit.

    Raises
    ------
    UnsupportedGame
        For more than two players, payoffs whose sum differs, or a tree with hidden information.
    GameError
        For options that do not fit.

    Examples
    --------
    >>> found = minimax_search([[3, 12, 8], [2, 4, 6], [14, 5, 2]])
    >>> found.value, found.action, found.principal_variation, found.leaves
    (3.0, 0, (0, 0), 9)
    """
    plan = Plan(NO_CUT, depth, evaluate, order, None, transpositions, count_states, keep_leaves)
    return _searched(game, state, plan, "minimax_search")


def alpha_beta(
    game: Any,
    state: Any = None,
    *,
    cut: str = "alpha>=beta",
    order: Order | None = None,
    depth: int | None = None,
    evaluate: Callable[[Any], float] | None = None,
    bounds: tuple[float, float] | None = None,
    transpositions: bool = False,
    count_states: bool = False,
    keep_leaves: bool = False,
) -> SearchResult:
    """Return the minimax value of a position, cutting moves that cannot change it.

    Parameters
    ----------
    game, state
        As in :func:`minimax_search`.
    cut : {"alpha>=beta", "alpha>beta"}
        When to leave out a node's remaining moves. The first is the rule of Knuth and Moore; the second cuts less,
        as it goes on where a value only ties.
    order : callable, optional
        ``order(state, actions)``: the actions in the order in which to try them, by default as they come. The
        sooner the best ones come, the more is cut.
    depth, evaluate, count_states, keep_leaves
        As in :func:`minimax_search`.
    bounds : pair of float, optional
        The least and largest payoff of player 0. With them moves of chance are cut too (Star1 of Ballard 1983).
    transpositions : bool
        Keep values and bounds of states, and look up those met again; states must then be hashable. It changes no
        value. Nodes found in the table count as visited, those below them do not, so that there are fewer; an entry
        that is only a bound for the present window leads to a new search of the state.

    Raises
    ------
    UnsupportedGame
        For more than two players, payoffs whose sum differs, or a tree with hidden information.
    GameError
        For options that do not fit, and leaves outside the bounds.

    Examples
    --------
    >>> found = alpha_beta([[3, 12, 8], [2, 4, 6], [14, 5, 2]], keep_leaves=True)
    >>> found.value, found.leaf_values
    (3.0, (3.0, 12.0, 8.0, 2.0, 14.0, 5.0, 2.0))
    """
    if not isinstance(cut, str) or cut not in _CUTS:
        raise GameError(f"cut is {short(cut)}: give 'alpha>=beta' or 'alpha>beta'")
    if bounds is not None:
        floats, _ = exact_and_float(bounds, "bounds")
        if floats.shape != (2,) or floats[0] > floats[1]:
            raise GameError(f"bounds is {short(bounds)}: give the least and the largest payoff of player 0")
        bounds = (float(floats[0]), float(floats[1]))
    plan = Plan(_CUTS[cut], depth, evaluate, order, bounds, transpositions, count_states, keep_leaves)
    return _searched(game, state, plan, "alpha_beta")


def _searched(game: Any, state: Any, plan: Plan, method: str) -> SearchResult:
    clock = stopwatch()
    rules, root = searchable(game, state)
    for name in ("transpositions", "count_states", "keep_leaves"):
        require_flag(getattr(plan, name), name)
    if plan.depth is not None:
        require_whole(plan.depth, "depth", least=0)
        if not callable(plan.evaluate):
            raise GameError("a depth limit needs evaluate(state), what player 0 can expect where the search stops")
    elif plan.evaluate is not None:
        raise GameError("evaluate is used at the depth limit only: give depth too, or leave evaluate out")
    if plan.order is not None and not callable(plan.order):
        raise GameError(f"order is {short(plan.order)}: give a function of a state and its actions")
    if isinstance(game, ExtensiveGame):
        _require_searchable_tree(game, plan)
        if plan.depth is None and plan.order is None:
            return _tree_result(game, root, plan, method, clock)
    elif not hasattr(game, "initial_state"):
        for name in ("transpositions", "count_states"):
            if getattr(plan, name):
                raise GameError(f"the positions of nested lists are met once each: leave {name} out")
    count = Count()
    value, line = depth_first(rules, root, plan, count)
    variation = []
    while line is not None:
        action, line = line
        variation.append(action)
    return SearchResult(
        value=value,
        action=variation[0] if variation else None,
        principal_variation=tuple(variation),
        nodes=count.nodes,
        leaves=count.leaves,
        states=len(count.states) if plan.count_states else None,
        cutoffs=count.cutoffs,
        table_hits=count.hits,
        leaf_values=tuple(count.leaf_values) if plan.keep_leaves else None,
        method=method,
        seconds=clock(),
    )


def _require_searchable_tree(game: ExtensiveGame, plan: Plan) -> None:
    if game.n_players > 2 or (game.n_players == 2 and not game.is_constant_sum):
        raise UnsupportedGame(
            "minimax search takes games of one player, or of two whose payoffs have a constant sum: use backward "
            "induction, or mcts"
        )
    if not game.has_perfect_information:
        raise UnsupportedGame(
            "the tree has hidden information, where a move depends on what else the player must expect: use a solver "
            "of the sequence form, or information_set_mcts"
        )
    if plan.transpositions:
        raise GameError("the nodes of a tree are met once each: leave transpositions out, or search the rules")
    if plan.bounds is not None:
        least, most = float(game.terminal_payoffs[0].min()), float(game.terminal_payoffs[0].max())
        if not (plan.bounds[0] <= least and most <= plan.bounds[1]):
            raise GameError(f"player 0 gets from {least:g} to {most:g}, outside the bounds {plan.bounds}")


def _tree_result(game: ExtensiveGame, root: int, plan: Plan, method: str, clock: Callable[[], float]) -> SearchResult:
    value, (nodes, leaves, cutoffs, best_action, leaf_values) = search_tree(game, root, plan.cut, plan.bounds)
    variation, node = [], root
    while best_action[node] >= 0:
        variation.append(int(best_action[node]))
        node = int(game.children[game.first_child[node] + best_action[node]])
    return SearchResult(
        value=value,
        action=variation[0] if variation else None,
        principal_variation=tuple(variation),
        nodes=nodes,
        leaves=leaves,
        states=nodes if plan.count_states else None,
        cutoffs=cutoffs,
        table_hits=0,
        leaf_values=tuple(leaf_values.tolist()) if plan.keep_leaves else None,
        method=method,
        seconds=clock(),
    )
