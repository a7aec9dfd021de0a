r"""The ``.efg`` format of Gambit: extensive games, read and written exactly.

The grammar, on the tokens of :mod:`marlgt.games.files.lexer`::

    efg  := EFG 2 (R|D) TEXT:title "{" TEXT* "}" [TEXT:comment] node
    node := c TEXT:label INT:set        [TEXT:label "{" ( TEXT:action NUMBER )+ "}"] paid node^actions
          | p TEXT:label INT:player INT:set [TEXT:label "{" TEXT:action+ "}"] paid node^actions
          | t TEXT:label paid
    paid := 0 | INT:outcome | INT:outcome TEXT:label "{" ( NUMBER [","] )^players "}"

Players count from 1. Information sets are numbered for each player, and for chance, apart; outcomes are numbered for
the whole game. The first mention of either defines it; a later one leaves the definition out or repeats it token by
token. Outcomes at inner nodes add to what is paid later. The probabilities of chance moves sum to exactly 1. ``R``
and ``D`` are read alike, every number as an exact rational, and what follows the tree is not read.
"""

from __future__ import annotations

import os
from pathlib import Path

from marlgt.errors import GameError
from marlgt.games._doors import require_whole
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.files.lexer import Lexer, Limits, read_text

__all__ = ["format_efg", "parse_efg", "read_efg", "write_efg"]

_MOST_PLAYERS = 10_000


def read_efg(
    path: str | os.PathLike[str],
    *,
    rationalize: bool = False,
    max_denominator: int = 10**6,
    limits: Limits | None = None,
) -> ExtensiveGame:
    """Read a game from an ``.efg`` file, as :func:`parse_efg` reads its text.

    Parameters
    ----------
    path : path
    rationalize : bool
    max_denominator : int
    limits : Limits, optional
        How much the file may ask for.

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
    text = read_text(path, limits)
    return parse_efg(text, rationalize=rationalize, max_denominator=max_denominator, limits=limits)


def parse_efg(
    text: str, *, rationalize: bool = False, max_denominator: int = 10**6, limits: Limits | None = None
) -> ExtensiveGame:
    """Read a game from the text of an ``.efg`` file, exactly.

    Empty and repeated labels of players, outcomes and the actions of an information set get ``_1``, ``_2``, ...
    added; so do repeated labels of nodes and of the information sets of a player, of which empty ones stay empty.
    Where all labels of a kind are empty, or actions are labelled 0, 1, ..., the game holds none of that kind.

    Parameters
    ----------
    text : str
    rationalize : bool
        Take decimals of 15 or more digits for floats that were rounded when they were written, as OpenSpiel's
        export writes a third as 0.3333333333333333: they become the fractions of bounded denominator that round
        to them, and probabilities sum to exactly 1 again.
    max_denominator : int
        The largest denominator of those fractions.
    limits : Limits, optional
        How much the text may ask for.

    Raises
    ------
    ParseError
        With line and column, for text that does not follow the grammar or exceeds a limit.

    Examples
    --------
    >>> game = parse_efg('EFG 2 R "Guess" { "Ann" } c "" 1 "coin" { "H" 1/2 "T" 0.5 } 0'
    ...     ' p "" 1 1 "call" { "h" "t" } 0 t "" 1 "won" { 1 } t "" 2 "lost" { -1 } p "" 1 1 0 t "" 2 t "" 1')
    >>> game.n_infosets, game.exact_terminal_payoffs.tolist() == [[1, -1, -1, 1]]
    ((1,), True)
    """
    from marlgt.games.files._efg_reader import EfgReader

    if not isinstance(text, str):
        raise GameError(f"text must be a str, got {type(text).__name__}: decode it first, or give read_efg a path")
    require_whole(max_denominator, "max_denominator", least=1)
    lexer = Lexer(text, limits or Limits())
    lexer.symbol(("EFG",), "the word EFG that opens an .efg file")
    lexer.symbol(("2",), "version 2 of the format")
    lexer.symbol(("R", "D"), "R (rational) or D (decimal)")
    title = lexer.quoted("the title")
    lexer.mark("{", "before a player's name")
    players: list[str] = []
    while not lexer.skip("}"):
        if len(players) == _MOST_PLAYERS:
            lexer.fail(f"the game has more than {_MOST_PLAYERS} players")
        players.append(lexer.quoted("a player's name", limit=lexer.limits.label))
    if not players:
        lexer.fail("the game has no players: name at least one")
    comment = lexer.quoted("the comment") if lexer.kind == "text" else ""
    reader = EfgReader(lexer, players, max_denominator=max_denominator if rationalize else None)
    return reader.read(title=title, comment=comment)


def format_efg(game: ExtensiveGame, *, limits: Limits | None = None) -> str:
    """Return the game as the text of an ``.efg`` file, which :func:`parse_efg` reads back equal.

    Exact numbers are written exactly; a float is written as the shortest decimal that reads back as the same float.
    Information sets and outcomes are defined anew at every mention, a node stands on each line, and labels that the
    format wants unique are made so, as :func:`parse_efg` would: Gambit reads the text. OpenSpiel reads it too, if
    every end of the game has an outcome, no inner node has one, and no text holds a quote.

    What the format cannot hold is not kept: an outcome that no node has, and a chance information set whose nodes
    differ in probabilities, which is split.

    Parameters
    ----------
    game : ExtensiveGame
    limits : Limits, optional
        Those of the reader that must accept the text.

    Raises
    ------
    GameError
        For a text that the format cannot hold, a number of too many digits, or probabilities given as floats whose
        decimals do not sum to exactly 1.

    Examples
    --------
    >>> from marlgt.games import TreeBuilder
    >>> tree = TreeBuilder(["Ann"], title="Take it")
    >>> root = tree.decision(None, 0, "choice", ["yes", "no"])
    >>> _ = tree.terminal(root, [1]), tree.terminal(root)
    >>> print(format_efg(tree.build()))
    EFG 2 R "Take it" { "Ann" }
    ""
    <BLANKLINE>
    p "" 1 1 "choice" { "yes" "no" } 0
    t "" 1 "" { 1 }
    t "" 0
    <BLANKLINE>
    """
    from marlgt.games.files._efg_writer import efg_text

    return efg_text(game, limits or Limits())


def write_efg(game: ExtensiveGame, path: str | os.PathLike[str], *, limits: Limits | None = None) -> None:
    """Write the game to an ``.efg`` file, as :func:`format_efg` gives it."""
    Path(path).write_bytes(format_efg(game, limits=limits).encode())
