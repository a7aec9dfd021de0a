"""Monte-Carlo tree search over rules: selection, expansion, evaluation and backup, for n players and chance.

Every node keeps, for each move, how often it was tried and the sum of what it brought to the player who moves there:
with two opposed players this is the sign flip at every turn. Moves of chance are drawn and keep no statistics.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.extensive import CHANCE, TERMINAL
from marlgt.progress import progress
from marlgt.solvers.search._views import moves_of

__all__ = ["Node", "Settings", "draws", "grow", "play_out"]

Draw = Callable[[], float]


@dataclass(frozen=True)
class Settings:
    """How to search; the fields are those of :func:`mcts`."""

    exploration: float
    puct: bool
    prior: Callable[[Any, list[Any]], Sequence[float]] | None
    value_function: Callable[[Any], Any] | None
    rollouts: int
    solve: bool
    bounds: tuple[float, float] | None
    noise: tuple[float, float] | None


class Node:
    """A position: its moves, their statistics, and what best play brings where that is proved."""

    __slots__ = (
        "actions",
        "children",
        "expanded",
        "mover",
        "open",
        "order",
        "proved",
        "state",
        "sure",
        "totals",
        "visits",
        "weights",
    )

    def __init__(self, rules: Any, state: Any) -> None:
        self.state = state
        self.mover = rules.current_player(state)
        self.expanded = False
        self.proved: list[float] | None = None
        self.sure: list[float] | None = None
        self.open = 0
        self.actions: list[Any] = []
        self.weights: list[float] = []
        self.children: list[Node | None] = []
        self.visits: list[int] = []
        self.totals: list[float] = []
        self.order: Iterator[int] = iter(())
        if self.mover == TERMINAL:
            self.proved = [float(x) for x in rules.returns(state)]

    def expand(self, rules: Any, settings: Settings, draw: Draw) -> None:
        """List the moves, with their prior probabilities, or those of chance."""
        self.actions, self.weights = moves_of(rules, self.state, self.mover)
        self.open = count = len(self.actions)
        self.children = [None] * count
        self.expanded = True
        if self.mover == CHANCE:
            self.weights = list(itertools.accumulate(self.weights))
            return
        self.visits, self.totals = [0] * count, [0.0] * count
        if settings.puct:
            self.weights = _prior(settings, self.state, self.actions)
        else:
            # Untried moves are tried first, in random order.
            self.order = iter(sorted(range(count), key=lambda _: draw()))

    def choose(self, settings: Settings, draw: Draw) -> int:
        """Return the move to try."""
        if self.mover == CHANCE:
            u = draw() * self.weights[-1]
            return next((k for k, upto in enumerate(self.weights) if u < upto), len(self.weights) - 1)
        if not settings.puct:
            fresh = next(self.order, None)
            return self._highest_ucb1(settings) if fresh is None else fresh
        scale = settings.exploration * math.sqrt(sum(self.visits))
        best, top, first = 0, -math.inf, 0.0
        for k, (visits, total, prior) in enumerate(zip(self.visits, self.totals, self.weights)):
            if settings.solve and self.is_proved(k):
                continue
            score = (total / visits if visits else 0.0) + scale * prior / (1.0 + visits)
            if score > top or (score == top and prior > first):
                best, top, first = k, score, prior
        return best

    def _highest_ucb1(self, settings: Settings) -> int:
        scale = settings.exploration * math.sqrt(math.log(sum(self.visits)))
        best, top = 0, -math.inf
        for k, (visits, total) in enumerate(zip(self.visits, self.totals)):
            if settings.solve and self.is_proved(k):
                continue
            score = total / visits + scale / math.sqrt(visits)
            if score > top:
                best, top = k, score
        return best

    def is_proved(self, k: int) -> bool:
        """Tell whether it is proved what a move brings."""
        child = self.children[k]
        return child is not None and child.proved is not None

    def learn(self, k: int, bounds: tuple[float, float] | None) -> bool:
        """Note that a move is proved; tell whether the node now is."""
        child = self.children[k]
        if child is None or child.proved is None:
            return False
        if self.mover == CHANCE:
            known = [below.proved for below in self.children if below is not None and below.proved is not None]
            if len(known) == len(self.children):
                chances = [after - before for before, after in itertools.pairwise([0.0, *self.weights])]
                self.proved = [sum(p * w[i] for p, w in zip(chances, known)) for i in range(len(known[0]))]
            return self.proved is not None
        self.open -= 1
        if self.sure is None or child.proved[self.mover] > self.sure[self.mover]:
            self.sure = child.proved
        if self.open == 0 or (bounds is not None and self.sure[self.mover] >= bounds[1]):
            self.proved = self.sure
        return self.proved is not None


def grow(
    rules: Any, root: Node, simulations: int, settings: Settings, rng: np.random.Generator
) -> tuple[int, list[list[float]]]:
    """Simulate from the root; return how many nodes were made, and the sums of all players' payoffs per move."""
    draw = draws(rng)
    root.expand(rules, settings, draw)
    if settings.noise is not None and settings.puct:
        concentration, share = settings.noise
        random = rng.dirichlet(np.full(len(root.actions), concentration)).tolist()
        root.weights = [(1.0 - share) * p + share * r for p, r in zip(root.weights, random)]
    sums = [[0.0] * len(rules.players) for _ in root.actions]
    nodes = 1
    with progress("Monte-Carlo tree search", total=simulations) as report:
        for done in range(simulations):
            if root.proved is not None:
                break
            path: list[tuple[Node, int]] = []
            node = root
            while True:
                k = node.choose(settings, draw)
                path.append((node, k))
                child = node.children[k]
                if child is None:
                    child = node.children[k] = Node(rules, rules.next_state(node.state, node.actions[k]))
                    nodes += 1
                    if child.mover not in (CHANCE, TERMINAL):
                        value = _evaluated(rules, child.state, settings, draw)
                        break
                if child.proved is not None:
                    value = child.proved
                    break
                if not child.expanded:
                    child.expand(rules, settings, draw)
                node = child
            _back_up(path, value, settings)
            own = sums[path[0][1]]
            for i, x in enumerate(value):
                own[i] += x
            if not done % 256:
                report(done, "")
    return nodes, sums


def _back_up(path: list[tuple[Node, int]], value: list[float], settings: Settings) -> None:
    proving = settings.solve
    for node, k in reversed(path):
        if node.mover >= 0:
            node.visits[k] += 1
            node.totals[k] += value[node.mover]
        if not settings.solve:
            continue
        proving = proving and node.learn(k, settings.bounds)
        if node.mover == CHANCE:
            value = value if node.proved is None else node.proved
        elif node.sure is not None and node.sure[node.mover] > value[node.mover]:
            # Moves that are proved are tried no more, so that what the player is sure of has to be counted here.
            value = node.sure


def _prior(settings: Settings, state: Any, actions: list[Any]) -> list[float]:
    if settings.prior is None:
        return [1.0 / len(actions)] * len(actions)
    given = [float(p) for p in settings.prior(state, actions)]
    if len(given) != len(actions) or not all(0.0 <= p < math.inf for p in given):
        raise GameError(f"prior gave {short(given)} in the state {short(state)}: give a probability for each move")
    return given


def _evaluated(rules: Any, state: Any, settings: Settings, draw: Draw) -> list[float]:
    n = len(rules.players)
    if settings.value_function is not None:
        given = settings.value_function(state)
        values = [float(x) for x in given] if np.ndim(given) else [float(given), -float(given)]
        if len(values) != n or not all(map(math.isfinite, values)):
            raise GameError(
                f"value_function gave {short(given)} in the state {short(state)}: give what each of {n} players can "
                "expect, or, for two opposed ones, what player 0 can"
            )
        return values
    if settings.rollouts == 1:
        return play_out(rules, state, draw)
    sums = [0.0] * n
    for _ in range(settings.rollouts):
        for i, x in enumerate(play_out(rules, state, draw)):
            sums[i] += x / settings.rollouts
    return sums


def play_out(rules: Any, state: Any, draw: Draw) -> list[float]:
    """Return the payoffs of one play in which everyone moves at random."""
    mover = rules.current_player(state)
    while mover != TERMINAL:
        if mover == CHANCE:
            state = rules.next_state(state, chance_move(rules, state, draw))
        else:
            actions = rules.legal_actions(state)
            state = rules.next_state(state, actions[int(draw() * len(actions))])
        mover = rules.current_player(state)
    return [float(x) for x in rules.returns(state)]


def chance_move(rules: Any, state: Any, draw: Draw) -> Any:
    """Return a move of chance, drawn with its probability."""
    outcomes = rules.chance_outcomes(state)
    u = draw()
    for action, p in outcomes:
        u -= p
        if u < 0.0:
            return action
    return outcomes[-1][0]


def draws(rng: np.random.Generator) -> Draw:
    """Return a function that gives numbers from [0, 1), drawn by the thousand."""

    def stream() -> Iterator[float]:
        while True:
            yield from rng.random(4096).tolist()

    return stream().__next__
