"""Hypothesis strategies for extensive games, and for behaviour policies in them.

A tree is drawn node by node in preorder: who moves (nobody where the game ends), with how many actions, in which
information set. Counterexamples shrink to a single node, payoffs of zero and perfect information, if these fail
too. Perfect recall holds by construction: two nodes share an information set only where their mover has the same
last sequence.

>>> from hypothesis import given, settings
>>> from marlgt.testing import extensive_games
>>> @settings(max_examples=20, database=None)
... @given(extensive_games(n_players=2))
... def test_no_player_forgets(game):
...     assert game.has_perfect_recall
>>> test_no_player_forgets()
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games.extensive import CHANCE, TERMINAL, BehaviorProfile, ExtensiveGame
from marlgt.games.tree_builder import TreeBuilder
from marlgt.testing._draws import Count, Draw, choice, drawn_bytes, players

__all__ = [
    "TREE_KINDS",
    "behavior_profiles",
    "extensive_games",
    "forgetful_games",
    "imperfect_information_games",
    "perfect_information_games",
    "simultaneous_games",
    "zero_sum_extensive_games",
]

Trees = st.SearchStrategy[ExtensiveGame]

_FORMS = {True: ("integers", "fractions"), False: ("floats",), None: ("integers", "fractions", "floats")}
"""What payoffs may be, by whether the game is to be exact."""


def extensive_games(
    *,
    n_players: Count = range(1, 4),
    max_actions: int = 3,
    max_depth: int = 4,
    exact: bool | None = None,
    kinds: Sequence[Callable[..., Trees]] | None = None,
) -> Trees:
    """Draw extensive games of every kind with perfect recall: what ``st.from_type(ExtensiveGame)`` gives.

    Chance moves, some of them of probability zero, payoffs at inner nodes, ties, players who never move and
    nodes with a single action are all among them.

    Parameters
    ----------
    n_players : int, range or strategy for int
    max_actions : int
        Most actions at a node.
    max_depth : int
        Most moves of a play.
    exact : bool, optional
        Draw only games of integers and fractions if true, only games of floats if false.
    kinds : sequence of functions such as ``zero_sum_extensive_games``, optional
        Draw only games of these kinds.

    Raises
    ------
    GameError
        If the sizes are not positive or the kinds are not strategies of games.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(extensive_games(), lambda game: True).n_nodes
    1
    >>> find(extensive_games(n_players=2), lambda game: not game.has_perfect_information)
    <ExtensiveGame: 5 nodes, 1 + 1 information sets, exact>
    """
    chosen = list(TREE_KINDS.values()) if kinds is None else list(kinds)
    if not chosen or not all(callable(kind) for kind in chosen):
        raise GameError(f"kinds is {kinds!r}: list functions such as marlgt.testing.perfect_information_games")
    sizes: dict[str, Any] = {"max_actions": max_actions, "max_depth": max_depth}
    return st.one_of([kind(n_players=n_players, exact=exact, **sizes) for kind in chosen])


def perfect_information_games(
    *, n_players: Count = range(1, 4), max_actions: int = 3, max_depth: int = 4, exact: bool | None = None
) -> Trees:
    """Draw games in which every player always knows where she is, with any payoffs."""
    return _games(n_players, max_actions, max_depth, exact, shared=_alone)


def imperfect_information_games(
    *, n_players: Count = range(1, 4), max_actions: int = 3, max_depth: int = 4, exact: bool | None = None
) -> Trees:
    """Draw games with information sets and perfect recall, and with any payoffs."""
    return _games(n_players, max_actions, max_depth, exact, shared=_recalling)


def zero_sum_extensive_games(
    *, n_players: Count = 2, max_actions: int = 3, max_depth: int = 4, exact: bool | None = None
) -> Trees:
    """Draw games with information sets, perfect recall, and payoffs that sum to zero at every end."""
    return _games(n_players, max_actions, max_depth, exact, shared=_recalling, zero_sum=True)


def simultaneous_games(
    *, n_players: Count = range(1, 4), max_actions: int = 3, max_depth: int = 4, exact: bool | None = None
) -> Trees:
    """Draw games in which the players move once each, in order, none seeing a move of another."""

    def build(draw: Draw) -> ExtensiveGame:
        n = min(draw(players(n_players)), max_depth)
        counts = [draw(st.integers(1, max_actions)) for _ in range(n)]
        form = choice(draw, _FORMS[exact])
        tree = TreeBuilder([f"Player {i + 1}" for i in range(n)])
        level: list[int | None] = [None]
        for i, count in enumerate(counts):
            actions = [str(a) for a in range(count)]
            nodes = [tree.decision(parent, i, "own", actions, infoset_label="") for parent in level]
            level = [node for node in nodes for _ in range(count)]
        for parent in level:
            tree.terminal(parent, _payoffs(draw, n, form, zero_sum=False))
        return tree.build()

    _check_sizes(max_actions, max_depth)
    return st.composite(build)()


def forgetful_games(
    *, n_players: Count = range(1, 4), max_actions: int = 3, max_depth: int = 4, exact: bool | None = None
) -> Trees:
    """Draw games in which some player forgets what she did or knew, which most solvers must refuse."""
    games = _games(n_players, max_actions, max(max_depth, 2), exact, shared=_forgetting)
    return games.filter(lambda game: not game.has_perfect_recall)


TREE_KINDS: Mapping[str, Callable[..., Trees]] = {
    "perfect_information": perfect_information_games,
    "imperfect_information": imperfect_information_games,
    "zero_sum": zero_sum_extensive_games,
    "simultaneous": simultaneous_games,
}
"""The strategy of every kind with perfect recall, by name."""


def _alone(player: int, n_actions: int, last: Hashable) -> Hashable:
    """Return what nodes must share to be in one information set: nothing does here, so that each has its own."""
    return None


def _recalling(player: int, n_actions: int, last: Hashable) -> Hashable:
    return player, n_actions, last


def _forgetting(player: int, n_actions: int, last: Hashable) -> Hashable:
    return player, n_actions


def _games(
    n_players: Count,
    max_actions: int,
    max_depth: int,
    exact: bool | None,
    *,
    shared: Callable[[int, int, Hashable], Hashable],
    zero_sum: bool = False,
) -> Trees:
    _check_sizes(max_actions, max_depth)

    def build(draw: Draw) -> ExtensiveGame:
        n = draw(players(n_players))
        form, inner = choice(draw, [(form, inner) for form in _FORMS[exact] for inner in (False, True)])
        tree = TreeBuilder([f"Player {i + 1}" for i in range(n)])
        sets: dict[Hashable, int] = {}
        kin: dict[int, tuple[int, int]] = {}
        nothing: tuple[Hashable, ...] = (None,) * n
        stack: list[tuple[int | None, Any, int, tuple[Hashable, ...]]] = [(None, None, 0, nothing)]
        while stack:
            parent, _, depth, last = stack.pop()
            # Nodes can share an information set only where the same player moves: so a node often takes after its kin.
            copied = depth in kin and draw(st.integers(0, 3)) > 0
            mover = kin[depth][0] if copied else _mover(draw, n, depth, max_depth)
            if mover == TERMINAL:
                tree.terminal(parent, _payoffs(draw, n, form, zero_sum=zero_sum))
                continue
            count = kin[depth][1] if copied else _count(draw, max_actions)
            paid = inner and draw(st.booleans())
            outcome = tree.outcome(_payoffs(draw, n, form, zero_sum=zero_sum)) if paid else -1
            actions = [str(a) for a in range(count)]
            if mover == CHANCE:
                moves = _chances([draw(st.integers(0, 3)) for _ in actions], floats=form == "floats")
                node = tree.chance(parent, list(zip(actions, moves)), outcome=outcome)
                after = [last] * count
            else:
                infoset = _infoset(draw, sets, shared(mover, count, last[mover]))
                if infoset is not None:
                    kin[depth] = mover, count
                node = tree.decision(parent, mover, infoset, actions, infoset_label="", outcome=outcome)
                own = node if infoset is None else infoset
                after = [(*last[:mover], (own, a), *last[mover + 1 :]) for a in range(count)]
            stack.extend((node, a, depth + 1, then) for a, then in reversed(list(enumerate(after))))
        return tree.build()

    return st.composite(build)()


def _check_sizes(max_actions: int, max_depth: int) -> None:
    for name, value in (("max_actions", max_actions), ("max_depth", max_depth)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise GameError(f"{name} is {value!r}: give a whole number from 1")


def _mover(draw: Draw, n: int, depth: int, max_depth: int) -> int:
    """Draw who moves: nobody, a player or chance; the deeper, the more often nobody."""
    if depth == max_depth:
        return TERMINAL
    ends = 1 + 2 * depth // max_depth
    code = int(draw(st.integers(0, ends + n)))
    if code < ends:
        return TERMINAL
    return CHANCE if code == ends + n else code - ends


def _count(draw: Draw, max_actions: int) -> int:
    """Draw a number of actions, mostly at least two, shrinking to two and then to one."""
    code = int(draw(st.integers(0, 2 * max_actions - 2)))
    return 1 if code == 2 * max_actions - 2 else 2 + code % (max_actions - 1)


def _infoset(draw: Draw, sets: dict[Hashable, int], key: Hashable) -> Hashable:
    """Return None for a set of its own, or one of the sets made with the same key, the first choice being a new one."""
    if key is None:
        return None
    made = sets.get(key, 0)
    number = int(draw(st.integers(0, made)))
    if number == 0:
        sets[key] = number = made + 1
    return key, number


def _chances(weights: list[int], *, floats: bool) -> list[Any]:
    if not any(weights):
        weights = [1] * len(weights)
    total = sum(weights)
    return [w / total if floats else Fraction(w, total) for w in weights]


def _payoffs(draw: Draw, n: int, form: str, *, zero_sum: bool) -> tuple[Any, ...]:
    """Draw one payoff per player: small integers with many ties, fractions, or floats in steps of 1/256."""
    raw = drawn_bytes(draw, n if form == "integers" else 2 * n).tolist()
    whole = [(w % 8 + 1) // 2 if w % 2 == 1 else -(w % 8 // 2) for w in raw[:n]]
    row: list[Any] = whole
    if form == "fractions":
        row = [Fraction(w, 1 + p % 3) for w, p in zip(whole, raw[n:])]
    elif form == "floats":
        row = [w * (1.0 + p / 256.0) for w, p in zip(whole, raw[n:])]
    if zero_sum:
        row[-1] -= sum(row)
    return tuple(row)


def behavior_profiles(game: ExtensiveGame) -> st.SearchStrategy[BehaviorProfile]:
    """Draw one behaviour policy per player, each row pure, mixed, or mixed on some of the actions.

    Parameters
    ----------
    game : ExtensiveGame

    Examples
    --------
    >>> from hypothesis import find
    >>> from marlgt.games import TreeBuilder
    >>> tree = TreeBuilder(["Ann"])
    >>> root = tree.decision(None, 0, "start", ["take", "leave"])
    >>> _ = tree.terminal(root, [1]), tree.terminal(root, [0])
    >>> find(behavior_profiles(tree.build()), lambda profile: profile[0][0, 1] > 0)
    (array([[0., 1.]]),)
    """

    def build(draw: Draw) -> BehaviorProfile:
        profile = []
        for sets in game.infosets:
            shape = (len(sets), sets.most_actions)
            raw = (
                drawn_bytes(draw, len(sets) * (1 + sets.most_actions)).reshape(len(sets), 1 + shape[1]).astype(np.int64)
            )
            legal = np.arange(shape[1])[None, :] < sets.n_actions[:, None]
            profile.append(_policy(raw, legal) if len(sets) else np.zeros(shape))
        return tuple(profile)

    return st.composite(build)()


def _policy(raw: NDArray[np.int64], legal: NDArray[np.bool_]) -> NDArray[np.float64]:
    form, weights = raw[:, :1] % 3, np.where(legal, raw[:, 1:], -1)
    pure = np.arange(legal.shape[1])[None, :] == weights.argmax(axis=1)[:, None]
    face = legal & (weights % 2 == 0)
    face |= pure & ~face.any(axis=1, keepdims=True)
    chosen = np.where(form == 0, pure, np.where(form == 1, face * (1 + weights % 16), legal * (1 + weights % 16)))
    return np.asarray(chosen / chosen.sum(axis=1, keepdims=True))
