r"""The ``.nfg`` format of Gambit: normal-form games, read and written exactly.

The grammar, on the tokens of :mod:`marlgt.games.files.lexer`::

    nfg   := NFG 1 (R|D) TEXT:title "{" TEXT^n "}" strats [TEXT:comment] (paybody|outbody)
    strats:= "{" NUMBER^n "}"  |  "{" ( "{" TEXT+ "}" )^n "}"
    paybody := NUMBER^(n * profiles)
    outbody := "{" ( "{" TEXT ( NUMBER [","] )^n "}" )* "}" INT^profiles      0: every payoff is 0

Profiles are listed with the first player's action varying fastest, and ``R`` and ``D`` are read
alike: every number is an exact rational.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.files._numbers import compact
from marlgt.games.files.lexer import Lexer, Limits, number_token, read_text, text_token, unique_labels
from marlgt.games.normal_form import NormalFormGame

__all__ = ["format_nfg", "parse_nfg", "read_nfg", "write_nfg"]

_MOST_PLAYERS = 63
"""numpy arrays have at most 64 axes, one of them for the player who is paid."""


def read_nfg(path: str | os.PathLike[str], *, limits: Limits | None = None) -> NormalFormGame:
    """Read a game from a ``.nfg`` file.

    Parameters
    ----------
    path : path
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
    return parse_nfg(read_text(path, limits), limits=limits)


def parse_nfg(text: str, *, limits: Limits | None = None) -> NormalFormGame:
    """Read a game from the text of a ``.nfg`` file, exactly.

    Empty and repeated labels of players and actions get ``_1``, ``_2``, ... added.

    Parameters
    ----------
    text : str
    limits : Limits, optional
        How much the text may ask for.

    Raises
    ------
    ParseError
        With line and column, for text that does not follow the grammar or exceeds a limit.

    Examples
    --------
    >>> g = parse_nfg('NFG 1 R "Pennies" { "Ann" "Bob" } { 2 2 }  1 -1  -1 1  -1 1  1 -1')
    >>> g.players, g.fractions[0].tolist() == [[1, -1], [-1, 1]]
    (('Ann', 'Bob'), True)
    """
    if not isinstance(text, str):
        raise GameError(f"text must be a str, got {type(text).__name__}: decode it first, or give read_nfg a path")
    lexer = Lexer(text, limits or Limits())
    lexer.symbol(("NFG",), "the word NFG that opens an .nfg file")
    lexer.symbol(("1",), "version 1 of the format")
    lexer.symbol(("R", "D"), "R (rational) or D (decimal)")
    title = lexer.quoted("the title")
    players = _labels(lexer, "a player's name", most=_MOST_PLAYERS)
    if not players:
        lexer.fail("the game has no players: name at least one")
    counts, actions = _strategies(lexer, len(players))
    comment = lexer.quoted("the comment") if lexer.kind == "text" else ""
    if lexer.kind == "{":
        payoffs = _outcome_body(lexer, counts)
    else:
        payoffs = _joined(lexer.numbers(len(counts) * math.prod(counts), "payoff", detail=f" ({_counted(counts)})"))
    # The first player varies fastest and a cell lists the players: Fortran order with the player first.
    tensor = payoffs.reshape((len(counts), *counts), order="F")
    return NormalFormGame(tensor, players=unique_labels(players), actions=actions, title=title, comment=comment)


def _labels(lexer: Lexer, what: str, *, most: int) -> list[str]:
    lexer.mark("{", f"before {what}")
    labels: list[str] = []
    while not lexer.skip("}"):
        if len(labels) == most:
            lexer.fail(f"expected {what} at most {most} times, found more")
        labels.append(lexer.quoted(what, limit=lexer.limits.label))
    return labels


def _strategies(lexer: Lexer, n_players: int) -> tuple[tuple[int, ...], list[list[str]] | None]:
    """Read the number of strategies of each player, and their labels where the file gives them."""
    at = lexer.position
    lexer.mark("{", "before the strategies")
    counts: list[int] = []
    actions: list[list[str]] = []
    nested = lexer.kind == "{"
    while not lexer.skip("}"):
        place = lexer.position
        if len(counts) == n_players:
            lexer.fail(f"expected the strategies of {n_players} players, found more")
        if nested:
            labels = _labels(lexer, "a strategy's label", most=lexer.limits.payoffs)
            actions.append(unique_labels(labels))
            counts.append(len(labels))
        else:
            counts.append(lexer.integer("a number of strategies"))
        if counts[-1] < 1:
            lexer.fail(f"player {len(counts)} has {counts[-1]} strategies: every player needs at least one", at=place)
    if len(counts) != n_players:
        lexer.fail(f"expected the strategies of {n_players} players, found {len(counts)}", at=at)
    asked = n_players * math.prod(counts)
    if asked > lexer.limits.payoffs:
        lexer.fail(
            f"{_counted(tuple(counts))} ask for {_size(asked)} payoffs, "
            f"more than the limit of {lexer.limits.payoffs}: raise Limits.payoffs",
            at=at,
        )
    return tuple(counts), actions if nested else None


def _counted(counts: tuple[int, ...]) -> str:
    profiles = math.prod(counts)
    return f"{len(counts)} player{'s' * (len(counts) > 1)} times {_size(profiles)} profile{'s' * (profiles > 1)}"


def _size(count: int) -> str:
    return str(count) if count < 10**12 else f"10^{len(str(count)) - 1}" if count < 10**4000 else "far too many"


def _outcome_body(lexer: Lexer, counts: tuple[int, ...]) -> NDArray[Any]:
    """Read the outcomes and the outcome of each profile; return the payoffs in the order of a payoff body."""
    n = len(counts)
    outcomes: list[list[Fraction]] = [[Fraction(0)] * n]
    lexer.mark("{", "before the outcomes")
    while not lexer.skip("}"):
        lexer.mark("{", "before an outcome")
        lexer.quoted("an outcome's label", limit=lexer.limits.label)
        cell: list[Fraction] = []
        while lexer.kind == "number" and len(cell) <= n:
            cell.append(lexer.number("a payoff"))
            lexer.skip(",")
        if len(cell) != n:
            found = "more" if len(cell) > n else str(len(cell))
            lexer.fail(f"outcome {len(outcomes)} needs {n} payoffs, one per player, and has {found}")
        lexer.mark("}", f"after the payoffs of outcome {len(outcomes)}")
        outcomes.append(cell)
    start = lexer.position
    indices = _joined(lexer.numbers(math.prod(counts), "outcome", detail=" (one per profile)"))
    bad = [k for k, index in enumerate(indices.tolist()) if not (0 <= index < len(outcomes) and index == int(index))]
    if bad:
        place = lexer.position = start
        for _ in range(bad[0] + 1):
            place = lexer.position
            lexer.number("an outcome")
        lexer.fail(
            f"profile {bad[0] + 1} has outcome {short(indices[bad[0]], quoted=False)}: "
            f"the file defines outcomes 1 to {len(outcomes) - 1}, "
            "and 0 is the outcome that pays nothing",
            at=place,
        )
    table = compact([x for cell in outcomes for x in cell]).reshape(-1, n)
    return table[indices.astype(np.intp)].reshape(-1)


def _joined(blocks: Iterable[list[int] | list[Fraction]]) -> NDArray[Any]:
    arrays = [compact(block) for block in blocks]
    return np.concatenate(arrays)


def format_nfg(game: NormalFormGame, *, outcomes: bool = False, limits: Limits | None = None) -> str:
    """Return the game as the text of a ``.nfg`` file, in payoff form or in outcome form.

    Exact payoffs are written exactly. A float is written as the shortest decimal that reads back as
    the same float, so that the game read back has equal payoffs and is exact.

    Parameters
    ----------
    game : NormalFormGame
    outcomes : bool
        Write every different cell once, as an outcome, then the number of each profile's outcome; a cell in which
        everybody gets 0 is outcome 0. It is shorter where few cells differ.
    limits : Limits, optional
        Those of the reader that must accept the text.

    Raises
    ------
    GameError
        For a text that the format cannot hold, or a number of too many digits.

    Examples
    --------
    >>> print(format_nfg(NormalFormGame.zero_sum([[1, -1], [-1, 1]], title="Pennies")))
    NFG 1 R "Pennies" { "1" "2" }
    { 2 2 }
    <BLANKLINE>
    1 -1 -1 1
    -1 1 1 -1
    <BLANKLINE>
    """
    limits = limits or Limits()
    players = " ".join(text_token(name, f"players[{i}]") for i, name in enumerate(game.players))
    if all(labels == tuple(map(str, range(count))) for labels, count in zip(game.actions, game.n_actions)):
        strategies = " ".join(map(str, game.n_actions))
    else:
        strategies = "".join(
            "\n  { " + " ".join(text_token(label, f"actions[{i}]") for label in labels) + " }"
            for i, labels in enumerate(game.actions)
        )
        strategies += "\n"
    head = f"NFG 1 R {text_token(game.title, 'title')} {{ {players} }}\n{{ {strategies} }}\n"
    if game.comment:
        head += text_token(game.comment, "comment") + "\n"
    payoffs = game.payoffs if game._exact is None else game._exact
    tokens = [number_token(x, "a payoff", limits) for x in payoffs.reshape(-1, order="F").tolist()]
    n = game.n_players
    if outcomes:
        table, tokens = _outcome_table([tuple(tokens[k : k + n]) for k in range(0, len(tokens), n)])
        head += table
    width = (1 if outcomes else n) * game.n_actions[0]
    lines = (" ".join(tokens[start : start + width]) for start in range(0, len(tokens), width))
    return head + "\n" + "\n".join(lines) + "\n"


def _outcome_table(cells: list[tuple[str, ...]]) -> tuple[str, list[str]]:
    """Return the outcomes of an outcome body, and the number of each cell's outcome."""
    numbers: dict[tuple[str, ...], int] = {("0",) * len(cells[0]): 0}
    indices = [str(numbers.setdefault(cell, len(numbers))) for cell in cells]
    rows = "".join(f'  {{ "" {", ".join(cell)} }}\n' for cell in list(numbers)[1:])
    return f"\n{{\n{rows}}}", indices


def write_nfg(
    game: NormalFormGame, path: str | os.PathLike[str], *, outcomes: bool = False, limits: Limits | None = None
) -> None:
    """Write the game to a ``.nfg`` file, as :func:`format_nfg` gives it."""
    Path(path).write_bytes(format_nfg(game, outcomes=outcomes, limits=limits).encode())
