r"""The ``.agg`` format of Gambit: action-graph games, read and written exactly.

The first token is ``#AGG``; lines that begin with # are comments. The grammar, on numbers and square brackets::

    agg       := n S P size^n set^n neighbors^(S+P) signature^P payoffs^S
    set       := INT^size                  action nodes from 0, in ascending order
    neighbors := INT:m INT^m               rows of action nodes, then of the function nodes S, ..., S + P - 1
    signature := 0 | 1 | 2 | 3 | (10 | 11 | 12 | 13) INT:default "[" INT^S "]"
    payoffs   := 0 NUMBER^C                one for each configuration that can arise, in lexicographic order
              |  1 INT:k ( "[" INT^m "]" NUMBER )^k

What the signatures mean says :class:`~marlgt.games.action_graph.FunctionNode`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, ParseError
from marlgt.games._action_graph import KINDS, MAX_WEIGHT, check_action_set, check_neighbors
from marlgt.games.action_graph import ActionGraph, FunctionNode
from marlgt.games.action_graph_games import ActionGraphGame
from marlgt.games.files.lexer import Lexer, Limits, number_token, read_text

__all__ = [
    "format_agg",
    "located",
    "open_lexer",
    "parse_agg",
    "read_action_set",
    "read_agg",
    "read_graph",
    "read_set_size",
    "read_size",
    "shown",
    "shown_graph",
    "shown_sizes",
    "write_agg",
]


def read_agg(path: str | os.PathLike[str], *, limits: Limits | None = None) -> ActionGraphGame:
    """Read a game from an ``.agg`` file.

    Raises
    ------
    ParseError
        With line and column, for a file that does not follow the grammar, is not text or exceeds a limit.
    GameError
        If the path is a directory or a device.
    OSError
        If the file is not there or may not be read.
    """
    limits = limits or Limits()
    return parse_agg(read_text(path, limits), limits=limits)


def parse_agg(text: str, *, limits: Limits | None = None) -> ActionGraphGame:
    """Read a game from the text of an ``.agg`` file, exactly.

    Raises
    ------
    ParseError
        With line and column, for text that does not follow the grammar or exceeds a limit.

    Examples
    --------
    >>> game = parse_agg('#AGG\\n 2 2 0  2 2  0 1  0 1  1 0  1 1  0 2 1  0 2 1')
    >>> game.normal_form().payoffs[0].tolist()
    [[1.0, 2.0], [2.0, 1.0]]
    """
    lexer = open_lexer(text, "#AGG", limits or Limits())
    n, n_nodes, n_functions = (read_size(lexer, what) for what in ("players", "action nodes", "function nodes"))
    sizes = [read_set_size(lexer) for _ in range(n)]
    sets = [read_action_set(lexer, size, n_nodes, f"player {i}") for i, size in enumerate(sizes)]
    graph = read_graph(lexer, sets, n_nodes, n_functions)
    return ActionGraphGame(graph, tuple(str(i + 1) for i in range(n)))


def open_lexer(text: str, word: str, limits: Limits) -> Lexer:
    """Return a lexer behind the word that opens the file."""
    if not isinstance(text, str):
        raise GameError(f"text must be a str, got {type(text).__name__}: decode it first")
    if text.split(None, 1)[:1] != [word]:
        raise ParseError(f"expected the word {word} that opens the file")
    return Lexer(text, limits, action_graph=True)


def read_size(lexer: Lexer, what: str) -> int:
    """Read how many there are of something, which the rest of the text must be able to list."""
    at = lexer.position
    count = lexer.integer(f"the number of {what}")
    if not (count > 0 or (count == 0 and what == "function nodes")):
        lexer.fail(f"the number of {what} is {count}: it must be positive", at=at)
    if count > len(lexer.text):
        lexer.fail(f"the number of {what} is beyond what this file can list", at=at)
    return count


def read_action_set(lexer: Lexer, size: int, n_nodes: int, who: str) -> tuple[int, ...]:
    """Read the action nodes that somebody may choose."""
    at = lexer.position
    own = tuple(lexer.integer("an action node") for _ in range(size))
    with located(lexer, at):
        check_action_set(own, n_nodes, who)
    return own


def read_graph(lexer: Lexer, sets: Sequence[Sequence[int]], n_nodes: int, n_functions: int) -> ActionGraph:
    """Read neighbours, signatures and payoffs, up to the end of the text."""
    n_all = n_nodes + n_functions
    rows = []
    for v in range(n_all):
        at = lexer.position
        count = lexer.integer(f"the number of neighbours of node {v}")
        if not 0 <= count <= n_all:
            lexer.fail(f"node {v} has {count} neighbours: there are {n_all} nodes", at=at)
        rows.append(tuple(lexer.integer("a neighbour") for _ in range(count)))
        with located(lexer, at):
            check_neighbors(v, rows[-1], n_all)
    at = lexer.position
    functions = [_signature(lexer, n_nodes) for _ in range(n_functions)]

    def payoffs(node: int, table: NDArray[np.int64]) -> list[Any]:
        return _payoffs(lexer, node, table)

    with located(lexer, at if n_functions else None):
        graph = ActionGraph(sets, rows, functions, payoffs, max_work=lexer.limits.payoffs)
    if lexer.kind != "end":
        lexer.fail(f"expected the end of the file after the payoffs of {n_nodes} action nodes, found {lexer.shown()}")
    return graph


@contextlib.contextmanager
def located(lexer: Lexer, at: int | None) -> Iterator[None]:
    """Turn a complaint about a part of the game into one about its place in the file."""
    try:
        yield
    except ParseError:
        raise
    except GameError as error:
        lexer.fail(str(error), at=at)


def _signature(lexer: Lexer, n_nodes: int) -> FunctionNode:
    at = lexer.position
    kind = lexer.integer("the type of a function node")
    if kind not in KINDS:
        lexer.fail(f"a function node has type {kind}: the types are {', '.join(map(str, KINDS))}", at=at)
    if kind < 10:
        return FunctionNode(kind)
    default = _weight(lexer, "the default value of a function node")
    lexer.mark("[", "before the weights of a function node")
    weights = tuple(_weight(lexer, "a weight") for _ in range(n_nodes))
    lexer.mark("]", f"after {n_nodes} weights, one per action node")
    return FunctionNode(kind, default, weights)


def _weight(lexer: Lexer, what: str) -> int:
    at = lexer.position
    value = lexer.integer(what)
    if abs(value) > MAX_WEIGHT:
        lexer.fail(f"{what} is larger than {MAX_WEIGHT} in magnitude", at=at)
    return value


def _payoffs(lexer: Lexer, node: int, table: NDArray[np.int64]) -> list[Any]:
    """Read the payoffs of an action node, in the order of its configurations."""
    at = lexer.position
    kind = lexer.integer(f"the type of the payoffs of action node {node}")
    if kind == 0:
        what = f"a payoff of action node {node}, one for each of {len(table)} configurations"
        return [_number(lexer, what) for _ in range(len(table))]
    if kind != 1:
        lexer.fail(f"the payoffs of action node {node} have type {kind}: the types are 0 and 1", at=at)
    count = lexer.integer(f"the number of configurations of action node {node}")
    if not 0 <= count <= len(lexer.text):
        lexer.fail(f"action node {node} has {count} configurations: the file cannot list them", at=at)
    given: dict[tuple[int, ...], Any] = {}
    for _ in range(count):
        place = lexer.position
        lexer.mark("[", "before a configuration")
        row = tuple(lexer.integer("an entry of a configuration") for _ in range(table.shape[1]))
        lexer.mark("]", f"after {table.shape[1]} entries, one per neighbour")
        if row in given:
            lexer.fail(f"action node {node} has the configuration {list(row)} twice: give it one payoff", at=place)
        given[row] = _number(lexer, f"a payoff of action node {node}")
    rows = list(map(tuple, table.tolist()))
    missing = next((row for row in rows if row not in given), None)
    if missing is not None:
        lexer.fail(f"action node {node} has no payoff for the configuration {list(missing)}, which can arise", at=at)
    return [given[row] for row in rows]


def _number(lexer: Lexer, what: str) -> int | Fraction:
    value = lexer.number(what)
    return value.numerator if value.denominator == 1 else value


def read_set_size(lexer: Lexer) -> int:
    """Read the number of actions that somebody has."""
    at = lexer.position
    value = lexer.integer("the size of an action set")
    if not 0 < value <= len(lexer.text):
        lexer.fail(f"an action set has {value} actions: it must have some, and the file must list them", at=at)
    return value


def format_agg(game: ActionGraphGame, *, limits: Limits | None = None) -> str:
    """Return the game as the text of an ``.agg`` file, payoffs in full; the names of the players are lost.

    Exact payoffs are written exactly, floats as the shortest decimal that reads back as the same float.

    Raises
    ------
    GameError
        For a number of too many digits.
    """
    sets = game.graph.action_sets
    rows = [[len(own) for own in sets], *sets]
    return "#AGG\n" + shown_sizes(game.graph, len(sets)) + shown(rows) + shown_graph(game.graph, limits or Limits())


def write_agg(game: ActionGraphGame, path: str | os.PathLike[str], *, limits: Limits | None = None) -> None:
    """Write the game to an ``.agg`` file, as :func:`format_agg` gives it."""
    Path(path).write_bytes(format_agg(game, limits=limits).encode())


def shown_sizes(graph: ActionGraph, n_players: int) -> str:
    """Return the lines with the numbers of players, action nodes and function nodes."""
    return f"{n_players}\n{graph.n_nodes}\n{len(graph.functions)}\n"


def shown(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows of numbers as lines."""
    return "".join(" ".join(map(str, row)) + "\n" for row in rows)


def shown_graph(graph: ActionGraph, limits: Limits) -> str:
    """Return neighbours, signatures and payoffs as lines."""
    lines = [shown((len(own), *own) for own in graph.neighbors)]
    for function in graph.functions:
        weights = f" {function.default} [{' '.join(map(str, function.weights))}]" if function.kind >= 10 else ""
        lines.append(f"{function.kind}{weights}\n")
    tables = graph.payoffs if graph._exact is None else graph._exact
    for table in tables:
        lines.append(" ".join(["0", *(number_token(x, "a payoff", limits) for x in table.tolist())]) + "\n")
    return "".join(lines)
