"""The normal form of an extensive game: the game of its pure strategies, and a tree for every normal-form game.

Expectations over chance are sums over the ends of the game. Exact ones are added as integers over a common
denominator, split into limbs so short that float64 holds their sums exactly.

References
----------
Osborne, M. J. and Rubinstein, A. (1994). A Course in Game Theory, chapter 6.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded
from marlgt.games._doors import require_extensive_game, require_flag, require_game, require_whole
from marlgt.games._exact import over_common_denominators
from marlgt.games._plans import played_nodes, played_sequences, recalls, sequences, size
from marlgt.games.extensive import TERMINAL, ExtensiveGame, Infosets
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.plans import n_pure_strategies, pure_strategies

__all__ = ["extensive_form", "strategic_form"]

MAX_PAYOFFS = 10_000_000
"""Players times profiles of pure strategies that a normal form may have by default."""

_Plays = tuple[NDArray[np.bool_], NDArray[np.int64]]

_ENTRIES_AT_ONCE = 4_000_000
_LIMB = 20  # bits: sums of 2^33 numbers of 20 bits are exact in float64


def strategic_form(game: ExtensiveGame, *, reduced: bool = True, max_payoffs: int = MAX_PAYOFFS) -> NormalFormGame:
    """Return the normal-form game of the pure strategies, in the order of :func:`pure_strategies`.

    The payoffs are expectations over chance, exact where the game is. The label of a strategy joins those of its
    actions, ``"bet/fold"``, with ``*`` at information sets that it rules out.

    Parameters
    ----------
    game : ExtensiveGame
    reduced : bool
        Whether strategies that play alike against everybody are listed once.
    max_payoffs : int
        Most players times profiles.

    Raises
    ------
    BudgetExceeded
        If the normal form is larger than ``max_payoffs``; nothing is built before.

    Examples
    --------
    >>> from marlgt.games import myerson_poker_tree
    >>> table = strategic_form(myerson_poker_tree())
    >>> table.actions
    (('raise/raise', 'raise/fold', 'fold/raise', 'fold/fold'), ('meet', 'pass'))
    >>> [[str(x) for x in row] for row in table.fractions[0]]
    [['0', '1'], ['1/2', '0'], ['-1/2', '1'], ['0', '0']]

    References
    ----------
    Osborne, M. J. and Rubinstein, A. (1994). A Course in Game Theory, Definitions 94.1 and 95.1.
    """
    require_extensive_game(game)
    require_whole(max_payoffs, "max_payoffs", least=1)
    require_flag(reduced, "reduced")
    n = game.n_players
    asked = n * math.prod(n_pure_strategies(game, i, reduced=reduced) for i in range(n))
    if asked > max_payoffs:
        raise BudgetExceeded(
            f"the normal form of {game.title or 'the game'} has {size(asked)} payoffs, more than "
            f"max_payoffs={max_payoffs}: raise it, or use the sequence form, which stays small",
            estimate=float(min(asked, 10**300)),
            limit=float(max_payoffs),
        )
    strategies = [pure_strategies(game, i, reduced=reduced) for i in range(n)]
    plays = [_plays(game, i, own) for i, own in enumerate(strategies)]
    if game.is_exact:
        reach = exact_reach(game)
        payoffs = np.stack([_exact_sums(reach * own, plays) for own in game.exact_terminal_payoffs])
    else:
        weights = game.chance_reach[game.terminals] * game.terminal_payoffs
        payoffs = np.stack([_sums(own, plays) for own in weights])
    return NormalFormGame(
        payoffs,
        players=game.players,
        actions=[_labels(game, i, own) for i, own in enumerate(strategies)],
        title=game.title,
        comment=game.comment,
    )


def extensive_form(game: NormalFormGame) -> ExtensiveGame:
    """Return the tree in which the players of a normal-form game choose in order, none seeing the others' moves."""
    require_game(game)
    n = game.n_players
    sizes = [math.prod(game.n_actions[:i]) for i in range(n + 1)]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    parents, actions = [np.array([-1])], [np.array([-1])]
    for i in range(n):
        parents.append(starts[i] + np.arange(sizes[i + 1]) // game.n_actions[i])
        actions.append(np.arange(sizes[i + 1]) % game.n_actions[i])
    nodes = int(starts[-1])
    outcome = np.full(nodes, -1)
    outcome[starts[n] :] = np.arange(sizes[n])
    exact = game.fractions if game.is_exact else game.payoffs
    return ExtensiveGame(
        np.concatenate(parents),
        np.concatenate(actions),
        np.repeat([*range(n), TERMINAL], sizes),
        np.zeros(nodes, dtype=np.int64),
        outcome,
        exact.reshape(n, -1),
        players=game.players,
        infosets=[Infosets(np.array([len(own)], dtype=np.int32), (), (own,)) for own in game.actions],
        title=game.title,
        comment=game.comment,
    )


def _plays(game: ExtensiveGame, player: int, strategies: NDArray[np.int32]) -> _Plays:
    """Return which ends of the game each strategy leaves possible: end t where ``table[k, column[t]]`` is true."""
    if not recalls(game, player):
        return played_nodes(game, player, strategies), game.terminals
    table = played_sequences(sequences(game, player), strategies)
    return table, game.last_sequence[player, game.terminals].astype(np.int64)


def exact_reach(game: ExtensiveGame) -> NDArray[Any]:
    """Return, in fractions, the probability that chance lets each end of the game be reached, shape (T,)."""
    reach = np.empty(game.n_nodes, dtype=object)
    reach[0] = Fraction(1)
    parents, chances = game.parent.tolist(), game.exact_probability.tolist()
    for v in range(1, game.n_nodes):
        above, chance = reach[parents[v]], chances[v]
        reach[v] = above if chance == 1 else above * chance
    return np.asarray(reach[game.terminals])


def _exact_sums(weights: NDArray[Any], plays: list[_Plays]) -> NDArray[Any]:
    """Return the sums of fractions as integers over one denominator, added as limbs that float64 holds exactly."""
    (numerators,), (denominator,) = over_common_denominators(weights[None])
    sizes = [abs(int(w)) for w in numerators]
    signs = np.array([-1.0 if w < 0 else 1.0 for w in numerators])
    if sum(sizes) < 2**53:
        total: NDArray[Any] = np.rint(_sums(signs * np.array(sizes, dtype=np.float64), plays)).astype(np.int64)
    else:
        total = np.zeros(tuple(len(own) for own, _ in plays), dtype=object)
        for shift in range(0, max(sizes).bit_length(), _LIMB):
            limbs = np.array([(size >> shift) & ((1 << _LIMB) - 1) for size in sizes], dtype=np.float64)
            total = total + np.rint(_sums(signs * limbs, plays)).astype(np.int64).astype(object) * (1 << shift)
    values, places = np.unique(total, return_inverse=True)
    fractions = np.empty(len(values), dtype=object)
    fractions[:] = [Fraction(int(value), denominator) for value in values.tolist()]
    return np.asarray(fractions[places].reshape(total.shape))


def _sums(weights: NDArray[np.float64], plays: list[_Plays]) -> NDArray[np.float64]:
    """Return the sum of the weights of the ends that each profile leaves possible, shape (K_1, ..., K_n)."""
    (table, column), others = plays[0], plays[1:]
    if len(others) == 1:
        total = np.zeros((len(table), len(others[0][0])))
        step = max(1, _ENTRIES_AT_ONCE // max(total.shape))
        for start in range(0, len(weights), step):
            part = slice(start, start + step)
            possible = others[0][0][:, others[0][1][part]].astype(np.float64)
            total += (table[:, column[part]] * weights[part]) @ possible.T
        return total
    total = np.empty(tuple(len(own) for own, _ in plays))
    for k, left in enumerate(table):
        ends = np.flatnonzero(left[column])
        total[k] = _sums(weights[ends], [(own, at[ends]) for own, at in others]) if others else weights[ends].sum()
    return total


def _labels(game: ExtensiveGame, player: int, strategies: NDArray[np.int32]) -> list[str]:
    sets = game.infosets[player]
    names = [(*sets.action_labels(j), "*") for j in range(len(sets))]
    return ["/".join([own[a] for own, a in zip(names, row)]) or "no choice" for row in strategies.tolist()]
