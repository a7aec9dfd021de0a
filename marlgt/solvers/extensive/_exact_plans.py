"""Exact answers of two-player games from what a float solver found: the same equations, solved in fractions.

A basis says which inequalities hold with equality. Solving these equations exactly gives realization plans whose
certificate, computed in fractions, proves or refutes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts.exact_behavior import exact_behavior
from marlgt.equilibria import Equilibrium
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.sequence_form import PlayerSequences
from marlgt.games.strategic_form import exact_reach
from marlgt.policy_certificates import certified_exact_policies, certified_policies

__all__ = ["constraint_rows", "integer_payoffs", "proven"]


def integer_payoffs(game: ExtensiveGame, player: int) -> dict[tuple[int, int], int]:
    """Return a player's payoffs over both players' sequences as integers, where they are not zero.

    They are shifted so that the least payoff is zero, weighted by chance, and multiplied by a common denominator.
    Floats count as the fractions that they are.
    """
    if game.is_exact:
        payoffs, reach = game.exact_terminal_payoffs[player], exact_reach(game)
    else:
        payoffs = np.array([Fraction(u) for u in game.terminal_payoffs[player].tolist()], dtype=object)
        reach = np.array([Fraction(p) for p in game.chance_reach[game.terminals].tolist()], dtype=object)
    weighted = reach * (payoffs - min(payoffs))
    ends = game.last_sequence[:, game.terminals].T.tolist()
    sums: dict[tuple[int, int], Fraction] = {}
    for (a, b), worth in zip(ends, weighted.tolist()):
        sums[a, b] = sums.get((a, b), Fraction(0)) + worth
    common = math.lcm(*(worth.denominator for worth in sums.values()))
    return {key: int(worth * common) for key, worth in sums.items() if worth}


def constraint_rows(own: PlayerSequences) -> list[dict[int, int]]:
    """Return the rows of the matrix E of the realization plans: ``E x = (1, 0, ..., 0)``."""
    rows: list[dict[int, int]] = [{0: 1}]
    starts, counts, parents = (a.tolist() for a in (own.first_sequence, own.n_actions, own.parent_sequence))
    for start, count, parent in zip(starts, counts, parents):
        rows.append({parent: -1, **dict.fromkeys(range(start, start + count), 1)})
    return rows


def proven(
    game: ExtensiveGame, plans: Sequence[Sequence[Any]], *, method: str, work: Mapping[str, int], seconds: float
) -> Equilibrium | None:
    """Return exact realization plans as an equilibrium if the exact certificate proves them, else None.

    In a game of floats the certificate is one in floats, and decides nothing here.
    """
    policies: list[NDArray[Any]] = []
    for own, plan in zip(game.sequence_form.players, plans):
        if min(plan) < 0:
            return None
        policy = exact_behavior(own, plan)
        if any(total != 1 for total in policy.sum(axis=1).tolist()):
            return None
        policies.append(policy)
    if not game.is_exact:
        floats = [policy.astype(np.float64) for policy in policies]
        return certified_policies(game, floats, method=method, work=work, seconds=seconds)
    answer = certified_exact_policies(game, policies, method=method, work=work, seconds=seconds)
    return answer if not np.any(answer.regrets) else None
