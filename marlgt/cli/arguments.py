"""What a person types, read into games and profiles."""

from __future__ import annotations

import json
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlgt.errors import GameError, ParseError, ProfileError, UnreadableFile

if TYPE_CHECKING:
    from marlgt.solvers.methods import Game

__all__ = ["UnreadableFile", "read_file", "read_game", "read_profile"]

_LARGEST_EXPONENT = 10_000
_NUMBER = re.compile(r"[+-]?[0-9./_]{1,4300}(?:[eE]([+-]?[0-9]{1,9}))?")


def read_game(text: str) -> Game:
    """Return the game that ``text`` names: a file, ``-`` for standard input, or a catalogue name.

    Raises
    ------
    UnreadableFile
        For a path that cannot be read.
    ParseError
        For a file that does not follow its grammar.
    GameError
        For a name that the catalogue lacks; the message names the closest ones.
    """
    from marlgt.games.files.formats import parse_game
    from marlgt.games.library import load, read

    if not text:
        raise GameError("no game is named: give a file, a catalogue name such as chicken, or - for standard input")
    if text == "-":
        return _solvable(parse_game(sys.stdin.read()))
    path = Path(text)
    if not path.suffix and "/" not in text:
        return load(text)
    try:
        return _solvable(read(path))
    except OSError as error:
        raise UnreadableFile(f"{text} cannot be read: {error.strerror or error}") from error
    except ParseError:
        raise
    except GameError as error:
        raise UnreadableFile(f"{text} holds no game: {error}") from error


def _solvable(game: Any) -> Game:
    """Return the game in a form that solvers take: of an action graph its normal form."""
    from marlgt.games.action_graph_games import ActionGraphGame, BayesianActionGraphGame

    solved: Game = game.normal_form() if isinstance(game, ActionGraphGame | BayesianActionGraphGame) else game
    return solved


def read_file(text: str) -> str:
    """Return the text of a file of policies.

    Raises
    ------
    UnreadableFile
        For a path that cannot be read.
    """
    try:
        return Path(text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableFile(f"{text} cannot be read: {reason}; in this game a profile is a policy file") from error


def read_profile(text: str) -> list[list[Fraction | float]]:
    """Return the profile written as ``1/2,1/2;0,1`` or as JSON ``[["1/2", "1/2"], [0, 1]]``.

    Raises
    ------
    ProfileError
        For text of neither form.
    """
    if text.lstrip().startswith("["):
        try:
            rows: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ProfileError(f"the profile is not valid JSON: {error}") from error
    else:
        rows = [part.replace(",", " ").split() for part in text.split(";")]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ProfileError(f"the profile {text!r} is not one list of probabilities per player: write 1/2,1/2;0,1")
    return [[_number(x) for x in row] for row in rows]


def _number(entry: Any) -> Fraction | float:
    """Read a probability exactly where it is written as an integer, a fraction or a decimal."""
    text = str(entry)
    match = _NUMBER.fullmatch(text)
    if match is None or abs(int(match[1] or 0)) > _LARGEST_EXPONENT:
        raise ProfileError(f"{_short(entry)} is not a probability: write 0.25 or 1/4")
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise ProfileError(f"{_short(entry)} is not a probability: write 0.25 or 1/4") from error


def _short(entry: Any) -> str:
    text = repr(entry)
    return text if len(text) <= 40 else f"{text[:40]}..."
