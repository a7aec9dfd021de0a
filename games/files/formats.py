"""The formats of game files, told apart by the ending of a file's name or by the first word in it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.action_graph_games import ActionGraphGame, BayesianActionGraphGame
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.files.lexer import Limits, read_text
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["FORMATS", "GameFile", "parse_game", "read_game_file"]

GameFile = NormalFormGame | ExtensiveGame | StochasticGame | ActionGraphGame | BayesianActionGraphGame
"""What a game file may hold."""

FORMATS = ("nfg", "efg", "agg", "bagg", "gbt", "json")
"""The names of the formats, which are the endings of their files."""

_FIRST_WORD = re.compile(r"\ufeff?\s*(?:(NFG)(?=\s)|(EFG)(?=\s)|(#AGG)(?=\s)|(#BAGG)(?=\s)|(<)|(\{))")


def read_game_file(path: str | os.PathLike[str], *, limits: Limits | None = None) -> GameFile:
    """Read a game from a file, as :func:`marlgt.games.read` says."""
    limits = limits or Limits()
    ending = Path(path).suffix.lower()[1:]
    text = read_text(path, limits)
    name = ending if ending in FORMATS else _told_by_first_word(text)
    if name is None:
        raise GameError(
            f"{str(path)!r} ends in {Path(path).suffix or 'no suffix'!r} and opens with {short(text[:20])}: games are "
            f"read from {', '.join('.' + known for known in FORMATS)} files"
        )
    return parse_game(text, name, limits=limits)


def parse_game(text: str, name: str | None = None, *, limits: Limits | None = None) -> GameFile:
    """Read a game from text of the format named, or of the one that its first word tells.

    Raises
    ------
    GameError
        For text of no known format.
    ParseError
        For text that does not follow its format.

    Examples
    --------
    >>> parse_game('NFG 1 R "" { "Ann" } { 2 } 1 0').n_actions
    (2,)
    """
    name = _told_by_first_word(text) if name is None else name
    if name == "nfg":
        from marlgt.games.files.nfg import parse_nfg

        return parse_nfg(text, limits=limits)
    if name == "efg":
        from marlgt.games.files.efg import parse_efg

        return parse_efg(text, limits=limits)
    if name == "agg":
        from marlgt.games.files.agg import parse_agg

        return parse_agg(text, limits=limits)
    if name == "bagg":
        from marlgt.games.files.bagg import parse_bagg

        return parse_bagg(text, limits=limits)
    if name == "gbt":
        from marlgt.games.files.gbt import parse_gbt

        return parse_gbt(text, limits=limits).game
    if name == "json":
        from marlgt.games.files.json_form import parse_json

        return parse_json(text)
    raise GameError(f"the text opens with {short(text[:20])}: the formats of games are {', '.join(FORMATS)}")


def _told_by_first_word(text: str) -> str | None:
    match = _FIRST_WORD.match(text)
    if match is None:
        return None
    return ("nfg", "efg", "agg", "bagg", "gbt", "json")[match.lastindex - 1] if match.lastindex else None
