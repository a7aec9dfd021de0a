"""Iterated elimination of dominated actions, with a record of every step.

Each round removes, for all players at once, every action that is dominated in the game that the round
began with. What strict dominance leaves does not depend on the order of removal; what weak dominance
leaves may, and the rule here is the one just stated. No action that iterated strict dominance removes
is played in any Nash or correlated equilibrium; weak dominance may remove equilibria.

References
----------
Moulin, H. (1979). Dominance solvable voting schemes. Econometrica 47, 1337-1351.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from marlgt.concepts.dominance import Domination, dominating_strategy
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame

__all__ = ["Elimination", "EliminationStep", "is_dominance_solvable", "iterated_elimination"]


@dataclass(frozen=True)
class EliminationStep:
    """One removed action.

    Attributes
    ----------
    round : int
        Counted from 1.
    domination : Domination
        What dominates the action; actions are numbered as in the game given.
    """

    round: int
    domination: Domination

    def __str__(self) -> str:
        d = self.domination
        by = " + ".join(f"{w:.4g} of {b}" if w < 1 else str(b) for b, w in enumerate(d.strategy) if w > 0)
        return f"round {self.round}: player {d.player} drops action {d.action}, dominated by {by}"


@dataclass(frozen=True)
class Elimination:
    """What iterated elimination leaves, and how it got there.

    Attributes
    ----------
    game : NormalFormGame
        The reduced game.
    actions : tuple of tuple of int
        The surviving actions of each player, numbered as in the game given.
    steps : tuple of EliminationStep
    rounds : int
        Rounds in which something was removed.
    strict : bool
        Whether only strictly dominated actions were removed.
    """

    game: NormalFormGame
    actions: tuple[tuple[int, ...], ...]
    steps: tuple[EliminationStep, ...]
    rounds: int
    strict: bool

    def __str__(self) -> str:
        kind = "strictly" if self.strict else "weakly"
        head = f"{len(self.steps)} {kind} dominated actions removed in {self.rounds} rounds, leaving {self.actions}"
        return "\n".join([head, *(f"  {step}" for step in self.steps)])


def iterated_elimination(
    game: NormalFormGame, *, strict: bool = True, by_mixed: bool = True, tolerance: float = 1e-9
) -> Elimination:
    """Remove dominated actions round by round until none is left.

    Parameters
    ----------
    game : NormalFormGame
    strict : bool
        Remove strictly dominated actions only; if False, weakly dominated ones too.
    by_mixed : bool
        Whether mixed strategies may dominate, not only actions.
    tolerance : float
        In games of floats, the share of the payoff range within which payoffs count as equal.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
    >>> print(iterated_elimination(g))
    2 strictly dominated actions removed in 1 rounds, leaving ((1,), (1,))
      round 1: player 0 drops action 0, dominated by 1
      round 1: player 1 drops action 0, dominated by 1
    """
    require_game(game)
    kept: list[tuple[int, ...]] = [tuple(range(count)) for count in game.n_actions]
    steps: list[EliminationStep] = []
    rounds = 0
    reduced = game
    while True:
        found = _dominations(reduced, strict, by_mixed, _tolerances(game, reduced, tolerance))
        if not found:
            return Elimination(reduced, tuple(kept), tuple(steps), rounds, strict)
        rounds += 1
        steps.extend(EliminationStep(rounds, _in_full(d, kept[d.player], game.n_actions[d.player])) for d in found)
        for player in range(game.n_players):
            gone = {d.action for d in found if d.player == player}
            kept[player] = tuple(a for position, a in enumerate(kept[player]) if position not in gone)
        reduced = game.restrict(kept)


def is_dominance_solvable(game: NormalFormGame, *, strict: bool = True, tolerance: float = 1e-9) -> bool:
    """Tell whether iterated elimination leaves one action profile."""
    require_game(game)
    return iterated_elimination(game, strict=strict, tolerance=tolerance).game.n_profiles == 1


def _dominations(game: NormalFormGame, strict: bool, by_mixed: bool, tolerances: list[float]) -> list[Domination]:
    return [
        domination
        for player, (count, tolerance) in enumerate(zip(game.n_actions, tolerances))
        for a in range(count)
        if (domination := dominating_strategy(game, player, a, strict=strict, by_mixed=by_mixed, tolerance=tolerance))
        is not None
    ]


def _tolerances(game: NormalFormGame, reduced: NormalFormGame, tolerance: float) -> list[float]:
    """Return shares of the reduced game's payoff ranges that are the tolerance in the game given.

    Differences that were rounding errors in the whole game do not become payoffs in a part of it.
    """
    slack, ranges = tolerance * game.payoff_range, reduced.payoff_range
    return [float(s) for s in np.divide(slack, ranges, out=np.ones_like(slack), where=ranges > slack)]


def _in_full(domination: Domination, kept: tuple[int, ...], count: int) -> Domination:
    """Return the domination with actions numbered as in the game before any was removed."""
    strategy = np.zeros(count)
    strategy[list(kept)] = domination.strategy
    strategy.flags.writeable = False
    exact = None
    if domination.exact_strategy is not None:
        exact = np.full(count, 0 * domination.exact_strategy[0], dtype=object)
        exact[list(kept)] = domination.exact_strategy
    return replace(domination, action=kept[domination.action], strategy=strategy, exact_strategy=exact)
