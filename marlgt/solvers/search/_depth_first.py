"""Depth-first minimax with a window, on a stack of its own: trees may be deeper than Python's recursion allows.

The search is fail-soft: a node returns the best value that it saw, exact if it lies inside the window, else a bound.
At a chance node whose outcome i has probability p_i, with the weighted values S of those before it and probability
R of those after it, no value lies outside [L, U], so outcome i matters only inside (Ballard 1983, Star1)

    alpha_i = (alpha - S - U R) / p_i,    beta_i = (beta - S - L R) / p_i.

References
----------
Knuth, D. E. and Moore, R. W. (1975). An analysis of alpha-beta pruning. Artificial Intelligence 6, 293-326.
Ballard, B. W. (1983). The *-minimax search procedure for trees containing chance nodes. Artificial Intelligence
21, 327-350.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games.extensive import CHANCE, TERMINAL
from marlgt.solvers.search._views import moves_of

__all__ = ["Count", "Plan", "depth_first"]

NO_CUT, CUT_EQUAL, CUT_ABOVE = 0, 1, 2
EXACT, LOWER, UPPER = 0, 1, 2

INFINITY = float("inf")

Line = tuple[Any, Any] | None
"""Best play as nested pairs (action, rest), which positions share."""


@dataclass(frozen=True)
class Plan:
    """How to search.

    Attributes
    ----------
    cut : int
        Never, where alpha >= beta, or where alpha > beta.
    depth : int or None
    evaluate : callable or None
    order : callable or None
    bounds : tuple of float, or None
        The least and the largest value, which let chance nodes be cut.
    transpositions, count_states, keep_leaves : bool
    """

    cut: int
    depth: int | None = None
    evaluate: Callable[[Any], float] | None = None
    order: Callable[[Any, list[Any]], Any] | None = None
    bounds: tuple[float, float] | None = None
    transpositions: bool = False
    count_states: bool = False
    keep_leaves: bool = False


@dataclass
class Count:
    """What a search did."""

    nodes: int = 0
    leaves: int = 0
    cutoffs: int = 0
    hits: int = 0
    states: set[Any] = field(default_factory=set)
    leaf_values: list[float] = field(default_factory=list)
    total: float | None = None


class _Frame:
    """A node on the way: who moves, what is left to try, and the best so far."""

    __slots__ = ("actions", "alpha", "best", "beta", "key", "line", "mover", "next", "p", "rest", "start", "state")

    def __init__(self, state: Any, mover: int, actions: list[Any], p: list[float], window: tuple[float, float]) -> None:
        self.state, self.mover, self.actions, self.p = state, mover, actions, p
        self.alpha, self.beta = self.start = window
        self.best = 0.0 if mover == CHANCE else -INFINITY if mover == 0 else INFINITY
        self.line: Line = None
        self.rest = 1.0
        self.next = 0
        self.key: Any = None

    def window(self, bounds: tuple[float, float] | None) -> tuple[float, float]:
        """Return the window of the next outcome of chance: what it may still change."""
        p = self.p[self.next]
        if bounds is None or p <= 0.0:
            return -INFINITY, INFINITY
        low, high = bounds
        rest = max(self.rest - p, 0.0)
        return (
            max((self.alpha - self.best - high * rest) / p, low - 1.0),
            min((self.beta - self.best - low * rest) / p, high + 1.0),
        )


def depth_first(rules: Any, root: Any, plan: Plan, count: Count) -> tuple[float, Line]:
    """Return the value of a position to player 0 and a line of best play."""
    stack: list[_Frame] = []
    table: dict[Any, tuple[int, float, Line]] = {}
    state, window = root, (-INFINITY, INFINITY)
    while True:
        frame = _entered(rules, state, window, len(stack), plan, count, table)
        if isinstance(frame, _Frame):
            stack.append(frame)
        else:
            value, line = frame
            while True:
                if not stack:
                    return value, line
                top = stack[-1]
                if not _taken(top, value, line, plan):
                    break
                if top.next < len(top.actions):
                    count.cutoffs += 1
                stack.pop()
                value, line = top.best, top.line
                if top.key is not None:
                    flag = LOWER if value >= top.start[1] else UPPER if value <= top.start[0] else EXACT
                    table[top.key] = flag, value, line
        top = stack[-1]
        window = top.window(plan.bounds) if top.mover == CHANCE else (top.alpha, top.beta)
        state = rules.next_state(top.state, top.actions[top.next])


def _entered(
    rules: Any,
    state: Any,
    window: tuple[float, float],
    depth: int,
    plan: Plan,
    count: Count,
    table: dict[Any, tuple[int, float, Line]],
) -> _Frame | tuple[float, Line]:
    """Return a node to expand, or its value where that is known."""
    count.nodes += 1
    if plan.count_states:
        count.states.add(state)
    mover = rules.current_player(state)
    if mover == TERMINAL or depth == plan.depth:
        value = _final(rules.returns(state), count) if mover == TERMINAL else _judged(plan, state)
        if plan.bounds is not None and not plan.bounds[0] <= value <= plan.bounds[1]:
            raise GameError(f"a leaf is worth {value:g}, outside the bounds {plan.bounds}: give bounds that hold")
        count.leaves += 1
        if plan.keep_leaves:
            count.leaf_values.append(value)
        return value, None
    key = None
    if plan.transpositions:
        # With a depth limit an entry serves only where as much of the depth is left.
        key = (state, None if plan.depth is None else plan.depth - depth)
        known = table.get(key)
        if known is not None:
            flag, value, line = known
            if flag == EXACT or (flag == LOWER and value >= window[1]) or (flag == UPPER and value <= window[0]):
                count.hits += 1
                return value, line
    actions, p = moves_of(rules, state, mover)
    if mover == CHANCE:
        if not actions:
            raise GameError(f"chance has no move in the state {short(state)}: give outcomes, or call it terminal")
    elif mover > 1 or mover < 0:
        raise UnsupportedGame(f"player {mover} moves: minimax search takes games of two players, numbered 0 and 1")
    elif plan.order is not None:
        actions = list(plan.order(state, actions))
    frame = _Frame(state, mover, actions, p, window)
    frame.key = key
    return frame


def _final(returns: Any, count: Count) -> float:
    """Return what player 0 gets, once it is clear that the players' payoffs are opposed."""
    value = float(returns[0])
    if len(returns) > 1:
        total = value + float(returns[1])
        if len(returns) > 2:
            raise UnsupportedGame(f"the game has {len(returns)} players: minimax search takes two")
        if count.total is None:
            count.total = total
        elif abs(total - count.total) > 1e-9 * (1.0 + abs(value)):
            raise UnsupportedGame(
                f"the payoffs sum to {count.total:g} at one end and to {total:g} at another: minimax search takes "
                "constant-sum games; use backward induction, or mcts"
            )
    return value


def _judged(plan: Plan, state: Any) -> float:
    given: Any = plan.evaluate(state) if plan.evaluate is not None else 0.0
    value = float(given) if isinstance(given, (numbers.Real, np.number, np.bool_)) else math.nan
    if not math.isfinite(value):
        raise GameError(f"evaluate gave {short(given)} for the state {short(state)}: give what player 0 can expect")
    return value


def _taken(top: _Frame, value: float, line: Line, plan: Plan) -> bool:
    """Take a child's value into account; tell whether the node is done."""
    action = top.actions[top.next]
    last = top.next + 1 == len(top.actions)
    if top.mover == CHANCE:
        p = top.p[top.next]
        if plan.bounds is None:
            top.best += p * value
            top.next += 1
            return last
        low, high = top.window(plan.bounds)
        top.best += p * value
        top.rest = max(top.rest - p, 0.0)
        top.next += 1
        if not last and p > 0.0 and (value >= high or value <= low):
            top.best += top.rest * (plan.bounds[0] if value >= high else plan.bounds[1])
            return True
        return last
    top.next += 1
    if value > top.best if top.mover == 0 else value < top.best:
        top.best, top.line = value, (action, line)
    if plan.cut == NO_CUT:
        return last
    if top.mover == 0:
        top.alpha = max(top.alpha, value)
    else:
        top.beta = min(top.beta, value)
    if plan.cut == CUT_EQUAL:
        return last or top.alpha >= top.beta
    return last or top.alpha > top.beta
