r"""The ``.bagg`` format of Gambit: Bayesian action-graph games, read and written exactly.

The first token is ``#BAGG``; the rest is as in :mod:`marlgt.games.files.agg`, with types before the graph::

    bagg := n S P types^n probabilities^n sizes^n set^(all types) neighbors^(S+P) signature^P payoffs^S
    probabilities := NUMBER^types          of a player's types, which are drawn independently; they sum to 1
    sizes         := INT^types             of the action sets of a player's types
"""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from marlgt.errors import GameError
from marlgt.games.action_graph_games import BayesianActionGraphGame
from marlgt.games.files.agg import (
    open_lexer,
    read_action_set,
    read_graph,
    read_set_size,
    read_size,
    shown,
    shown_graph,
    shown_sizes,
)
from marlgt.games.files.lexer import Lexer, Limits, number_token, read_text

__all__ = ["format_bagg", "parse_bagg", "read_bagg", "write_bagg"]


def read_bagg(path: str | os.PathLike[str], *, limits: Limits | None = None) -> BayesianActionGraphGame:
    """Read a game from a ``.bagg`` file.

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
    return parse_bagg(read_text(path, limits), limits=limits)


def parse_bagg(text: str, *, limits: Limits | None = None) -> BayesianActionGraphGame:
    """Read a game from the text of a ``.bagg`` file, exactly.

    Raises
    ------
    ParseError
        With line and column, for text that does not follow the grammar or exceeds a limit.

    Examples
    --------
    One player of two types, alike in what they may do.

    >>> game = parse_bagg('#BAGG\\n 1 2 0  2  1/3 2/3  2 2  0 1  0 1  0  0  0 5  0 7')
    >>> [str(x) for x in game.normal_form().fractions[0]]
    ['5', '19/3', '17/3', '7']
    """
    lexer = open_lexer(text, "#BAGG", limits or Limits())
    n, n_nodes, n_functions = (read_size(lexer, what) for what in ("players", "action nodes", "function nodes"))
    n_types = [read_size(lexer, "types") for _ in range(n)]
    chances = [_probabilities(lexer, i, count) for i, count in enumerate(n_types)]
    sizes = [[read_set_size(lexer) for _ in range(count)] for count in n_types]
    sets = tuple(
        tuple(read_action_set(lexer, size, n_nodes, f"player {i} as type {t}") for t, size in enumerate(own))
        for i, own in enumerate(sizes)
    )
    union = [sorted(set().union(*types)) for types in sets]
    graph = read_graph(lexer, union, n_nodes, n_functions)
    return BayesianActionGraphGame(graph, sets, tuple(chances), tuple(str(i + 1) for i in range(n)))


def _probabilities(lexer: Lexer, player: int, count: int) -> tuple[int | Fraction, ...]:
    at = lexer.position
    values = [lexer.number(f"a type probability of player {player + 1}") for _ in range(count)]
    if min(values) < 0 or sum(values) != 1:
        wrong = "one is negative" if min(values) < 0 else f"they sum to {float(sum(values))!r}"
        lexer.fail(
            f"the type probabilities of player {player + 1} must not be negative and must sum to exactly 1: {wrong}; "
            "write fractions such as 1/3",
            at=at,
        )
    return tuple(x.numerator if x.denominator == 1 else x for x in values)


def format_bagg(game: BayesianActionGraphGame, *, limits: Limits | None = None) -> str:
    """Return the game as the text of a ``.bagg`` file, payoffs in full; the names of the players are lost.

    Exact numbers are written exactly, floats as the shortest decimal that reads back as the same float.

    Raises
    ------
    GameError
        For a number of too many digits, or probabilities given as floats whose decimals do not sum to exactly 1.
    """
    limits = limits or Limits()
    chances = [
        [number_token(p, f"a type probability of player {i}", limits) for p in own]
        for i, own in enumerate(game.type_probabilities)
    ]
    for i, own in enumerate(chances):
        if sum(map(Fraction, own)) != 1:
            raise GameError(
                f"the type probabilities of player {i} are floats whose decimals do not sum to exactly 1: give "
                "fractions.Fraction"
            )
    sizes = [[len(own) for own in types] for types in game.type_sets]
    sets = [own for types in game.type_sets for own in types]
    types = shown([game.n_types, *chances, *sizes, *sets])
    return "#BAGG\n" + shown_sizes(game.graph, game.n_players) + types + shown_graph(game.graph, limits)


def write_bagg(game: BayesianActionGraphGame, path: str | os.PathLike[str], *, limits: Limits | None = None) -> None:
    """Write the game to a ``.bagg`` file, as :func:`format_bagg` gives it."""
    Path(path).write_bytes(format_bagg(game, limits=limits).encode())
