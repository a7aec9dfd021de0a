"""The whole tree of a pyspiel game, walked once in preorder with few calls per node.

OpenSpiel holds probabilities and payoffs as floats. They are restored to the small fractions that print the same,
where the probabilities of every chance node then sum to exactly 1; else the game stays a game of floats.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError, MissingDependency, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games.extensive import CHANCE, TERMINAL, ExtensiveGame, Infosets

__all__ = ["efg_text", "exported", "first_states", "load_pyspiel", "loaded", "turn_based"]

_MOST_PARTS = 10_000  # the largest denominator of a probability or payoff that is restored
_ROUNDING = 2.0**-50


def load_pyspiel() -> Any:
    """Return the module, or raise with what to type."""
    try:
        import pyspiel
    except ImportError as error:
        raise MissingDependency("the bridge to OpenSpiel", package="open_spiel", extra="games") from error
    return pyspiel


def loaded(game: Any) -> tuple[Any, Any]:
    """Return pyspiel and a game of it, loaded if it is given by name."""
    pyspiel = load_pyspiel()
    if isinstance(game, str):
        try:
            game = pyspiel.load_game(game)
        except pyspiel.SpielError as error:
            raise GameError(
                f"game is {short(game)}, which pyspiel cannot load: {str(error).strip().splitlines()[0][:200]}"
            ) from error
    elif not isinstance(game, pyspiel.Game):
        raise GameError(f"game is {short(game)}: give a pyspiel.Game or the name of one")
    return pyspiel, game


def turn_based(pyspiel: Any, game: Any) -> Any:
    """Return a sequential game: the game itself, or the one in which simultaneous moves are made in turn, unseen.

    Raises
    ------
    UnsupportedGame
        If the game is neither.
    """
    kind = game.get_type()
    if kind.dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
        return pyspiel.convert_to_turn_based(game)
    if kind.dynamics != pyspiel.GameType.Dynamics.SEQUENTIAL:
        raise UnsupportedGame(f"{kind.short_name} is neither simultaneous nor sequential: it has no game tree")
    if kind.chance_mode == pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC:
        raise UnsupportedGame(
            f"{kind.short_name} draws its chance moves itself and does not list them, so it has no game tree: load it "
            "with explicit chance nodes, where it has such a parameter"
        )
    return game


def exported(pyspiel: Any, game: Any, max_nodes: int) -> ExtensiveGame:
    """Return the tree of a sequential pyspiel game.

    Raises
    ------
    BudgetExceeded
        If it has more than ``max_nodes`` nodes.
    """
    kind = game.get_type()
    name = str(game)
    information_state = _information_state(pyspiel, kind, short(name, quoted=False))
    parent: list[int] = []
    action: list[int] = []
    player: list[int] = []
    infoset: list[int] = []
    outcome: list[int] = []
    chosen: list[int] = []
    n = game.num_players()
    chances: dict[float, int] = {1.0: 0}
    payoffs: dict[tuple[float, ...], int] = {}
    keys: list[dict[Any, int]] = [{} for _ in range(n + 1)]
    legal_at: list[list[Any]] = [[] for _ in keys]
    labels: list[list[str]] = [[] for _ in keys]
    actions: list[list[tuple[str, ...]]] = [[] for _ in keys]
    stack: list[tuple[Any, int, int, int, int, bool]] = [(game.new_initial_state(), -1, -1, -1, 0, False)]
    node = -1
    while stack:
        state, above, place, move, chance, last = stack.pop()
        node += 1
        if node >= max_nodes:
            raise BudgetExceeded(
                f"the tree of {short(name, quoted=False)} has more than {max_nodes} nodes: raise max_nodes, load "
                "pyspiel's game with smaller parameters, or search it by its rules",
                estimate=float(node + 1),
                limit=float(max_nodes),
            )
        if last:  # nobody needs the parent's state any more
            state.apply_action(move)
        elif place >= 0:
            state = state.child(move)
        mover = state.current_player()
        parent.append(above)
        action.append(place)
        chosen.append(chance)
        if mover >= 0:
            legal = state.legal_actions()
            key = information_state(state)
            known = keys[mover]
            number = known.get(key)
            if number is None:
                number = len(legal_at[mover])
                known[key if key is not None else node] = number
                legal_at[mover].append(legal)
                labels[mover].append(key if isinstance(key, str) else "")
                actions[mover].append(tuple([state.action_to_string(mover, a) for a in legal]))
            elif legal != legal_at[mover][number]:
                raise GameError(
                    f"{short(name, quoted=False)} has different legal actions at two states of player {mover} with the "
                    f"information state {short(key)}: pyspiel's game is no extensive game"
                )
            player.append(mover)
            infoset.append(number)
            outcome.append(-1)
            end = len(legal) - 1
            for a in range(end, -1, -1):
                stack.append((state, node, a, legal[a], 0, a == end))
        elif mover == -4:
            ends = tuple(state.returns())
            player.append(TERMINAL)
            infoset.append(-1)
            outcome.append(payoffs.setdefault(ends, len(payoffs)))
        elif mover == -1:
            moves = tuple(state.chance_outcomes())
            number = keys[n].get(moves)
            if number is None:
                number = keys[n][moves] = len(legal_at[n])
                legal_at[n].append(_restored([p for _, p in moves]))
                labels[n].append("")
                actions[n].append(tuple([state.action_to_string(mover, a) for a, _ in moves]))
            player.append(CHANCE)
            infoset.append(number)
            outcome.append(-1)
            end = len(moves) - 1
            for a in range(end, -1, -1):
                move, p = moves[a]
                stack.append((state, node, a, move, chances.setdefault(p, len(chances)), a == end))
        else:
            raise UnsupportedGame(f"{short(name, quoted=False)} has a state with the player {mover}: it is no tree")
    tables = [
        Infosets(np.array([len(a) for a in own], dtype=np.int32), tuple(words) if any(words) else (), tuple(own))
        for own, words in zip(actions, labels)
    ]
    return ExtensiveGame(
        np.array(parent, dtype=np.int64),
        np.array(action, dtype=np.int64),
        np.array(player, dtype=np.int64),
        np.array(infoset, dtype=np.int64),
        np.array(outcome, dtype=np.int64),
        _outcomes(payoffs, n),
        probability=_probabilities(chances, legal_at[n])[np.array(chosen, dtype=np.int64)],
        infosets=tables[:-1],
        chance=tables[-1],
        title=kind.long_name,
        comment=name,
    )


def first_states(game: Any, tree: ExtensiveGame) -> Iterator[tuple[int, int, Any]]:
    """Yield (player, information set, state) for the first node of every information set, in preorder.

    The tree is the one that :func:`exported` makes of the game.
    """
    movers = np.flatnonzero(tree.player >= 0)
    _, first = np.unique(tree.infoset_offset[tree.player[movers]] + tree.infoset[movers], return_index=True)
    wanted = np.zeros(tree.n_nodes, dtype=bool)
    wanted[movers[first]] = True
    needed = wanted.tolist()
    parents = tree.parent.tolist()
    for v in range(tree.n_nodes - 1, 0, -1):
        if needed[v]:
            needed[parents[v]] = True
    stack: list[tuple[int, Any]] = [(0, game.new_initial_state())]
    while stack:
        v, state = stack.pop()
        if wanted[v]:
            yield int(tree.player[v]), int(tree.infoset[v]), state
        below = tree.children[tree.first_child[v] : tree.first_child[v + 1]].tolist()
        moves = state.legal_actions() if below else []
        if len(moves) != len(below):
            raise GameError(f"the tree is not that of {short(str(game), quoted=False)}: export it by from_openspiel")
        stack.extend((u, state.child(a)) for u, a in zip(reversed(below), reversed(moves)) if needed[u])


def efg_text(game: ExtensiveGame) -> str:
    """Return the tree as efg text that pyspiel reads: decimal numbers, payoffs at the ends alone."""
    ends = game.terminal_payoffs
    columns, place = np.unique(ends, axis=1, return_inverse=True)
    payoffs = [f'{k + 1} "" {{ {" ".join(map(repr, column))} }}' for k, column in enumerate(columns.T.tolist())]
    end_of = dict(zip(game.terminals.tolist(), place.reshape(-1).tolist()))
    labelled = _labels_keep_their_order(game)
    chance = game.probability.tolist()
    lines = [
        f'EFG 2 R "{_quoted(game.title)}" {{ {" ".join(f"{chr(34)}{_quoted(p)}{chr(34)}" for p in game.players)} }}'
    ]
    starts = game.first_child.tolist()
    for v, (mover, j) in enumerate(zip(game.player.tolist(), game.infoset.tolist())):
        below = game.children[starts[v] : starts[v + 1]].tolist()
        if mover == TERMINAL:
            lines.append(f't "" {payoffs[end_of[v]]}')
            continue
        sets = game.chance if mover == CHANCE else game.infosets[mover]
        names = [_quoted(a) for a in sets.action_labels(j)] if labelled else list(map(str, range(len(below))))
        if mover == CHANCE:
            moves = " ".join(f'"{name}" {chance[u]!r}' for name, u in zip(names, below))
            lines.append(f'c "" {v + 1} "" {{ {moves} }} 0')
        else:
            moves = " ".join(f'"{name}"' for name in names)
            lines.append(f'p "" {mover + 1} {j + 1} "{_quoted(sets.label(j))}" {{ {moves} }} 0')
    return "\n".join(lines) + "\n"


def _labels_keep_their_order(game: ExtensiveGame) -> bool:
    """Return whether numbering labels by first appearance leaves the actions of every information set in order."""
    for movers, tables in (((CHANCE,), (game.chance,)), (range(game.n_players), game.infosets)):
        numbers: dict[str, int] = {}
        seen: set[tuple[int, int]] = set()
        nodes = np.flatnonzero(np.isin(game.player, list(movers)))
        for mover, j in zip(game.player[nodes].tolist(), game.infoset[nodes].tolist()):
            if (mover, j) in seen:
                continue
            seen.add((mover, j))
            table = tables[0] if mover == CHANCE else tables[mover]
            order = [numbers.setdefault(_quoted(a), len(numbers)) for a in table.action_labels(j)]
            if any(a >= b for a, b in itertools.pairwise(order)):
                return False
    return True


def _quoted(text: str) -> str:
    return text.replace(chr(34), "'")


def _information_state(pyspiel: Any, kind: Any, name: str) -> Any:
    """Return the function of a state that names its information set."""
    if kind.provides_information_state_string:
        return lambda state: state.information_state_string()
    if kind.information == pyspiel.GameType.Information.PERFECT_INFORMATION:
        return lambda state: None
    if kind.provides_information_state_tensor:
        return lambda state: np.asarray(state.information_state_tensor(), dtype=np.float64).tobytes()
    raise UnsupportedGame(
        f"pyspiel's {name} does not say what a player knows (it has no information states): its tree cannot be exported"
    )


def _restored(probabilities: list[float]) -> list[Fraction] | None:
    """Return the small fractions nearest to probabilities if they sum to exactly 1, else None."""
    fractions = [Fraction(p).limit_denominator(_MOST_PARTS) for p in probabilities]
    close = all(abs(float(f) - p) <= _ROUNDING for f, p in zip(fractions, probabilities))
    return fractions if close and sum(fractions) == 1 else None


def _probabilities(chances: dict[float, int], restored: list[list[Fraction] | None]) -> NDArray[Any]:
    if any(fractions is None for fractions in restored):
        return np.array(list(chances), dtype=np.float64)
    values = np.empty(len(chances), dtype=object)
    values[:] = [Fraction(p).limit_denominator(_MOST_PARTS) if p != 1.0 else 1 for p in chances]
    return values


def _outcomes(payoffs: dict[tuple[float, ...], int], n: int) -> NDArray[Any]:
    floats = np.array(list(payoffs), dtype=np.float64).reshape(-1, n).T
    if bool((floats == np.rint(floats)).all()) and np.abs(floats).max(initial=0.0) < 2.0**53:
        return np.asarray(floats.astype(np.int64))
    exact = np.empty(floats.shape, dtype=object)
    exact.reshape(-1)[:] = [Fraction(x).limit_denominator(_MOST_PARTS) for x in floats.reshape(-1).tolist()]
    same = [float(f) == x for f, x in zip(exact.reshape(-1).tolist(), floats.reshape(-1).tolist())]
    return exact if all(same) else floats
