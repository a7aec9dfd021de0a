"""Games as JSON: the payoffs nested in player order, exact numbers as integers or as text like "1/3"."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from marlgt.errors import GameError, ParseError
from marlgt.games.files.lexer import Limits, read_text
from marlgt.games.normal_form import NormalFormGame

__all__ = ["format_json", "parse_json", "read_json"]

_LIMITS = Limits()


def format_json(game: NormalFormGame) -> str:
    """Return the game as a JSON document that :func:`parse_json` reads back equal."""
    if game.is_exact:
        flat: list[Any] = [int(x) if x.denominator == 1 else str(x) for x in game.fractions.reshape(-1)]
    else:
        flat = game.payoffs.reshape(-1).tolist()
    payoffs = np.empty(len(flat), dtype=object)
    payoffs[:] = flat
    document = {
        "format": "marlgt.normal_form_game",
        "version": 1,
        "title": game.title,
        "comment": game.comment,
        "players": list(game.players),
        "actions": [list(labels) for labels in game.actions],
        "exact": game.is_exact,
        "payoffs": payoffs.reshape(game.payoffs.shape).tolist(),
    }
    return json.dumps(document, ensure_ascii=False)


def parse_json(text: str) -> NormalFormGame:
    """Return the game of a JSON document.

    Raises
    ------
    ParseError
        For text that is not JSON, with line and column.
    GameError
        For JSON that is no game: a missing or unknown field, or payoffs that are not numbers.
    """
    try:
        document = json.loads(text, parse_constant=_no_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise ParseError(error.msg, line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise ParseError("the JSON is nested too deeply: payoffs need one level per player and one more") from error
    if not isinstance(document, dict) or document.get("format") != "marlgt.normal_form_game":
        raise GameError('the JSON is not a game: it must be an object with "format": "marlgt.normal_form_game"')
    known = {"format", "version", "title", "comment", "players", "actions", "exact", "payoffs"}
    unknown = sorted(set(document) - known)
    if unknown:
        raise GameError(f"the JSON has the unknown field {unknown[0]!r}: the fields are {', '.join(sorted(known))}")
    if "payoffs" not in document:
        raise GameError('the JSON lacks the field "payoffs": nested lists of shape (n, A_1, ..., A_n)')
    payoffs = _numbers(document["payoffs"])
    return NormalFormGame(
        payoffs,
        players=document.get("players"),
        actions=document.get("actions"),
        title=_text(document, "title"),
        comment=_text(document, "comment"),
    )


def read_json(path: str | Path) -> NormalFormGame:
    """Read a game from a JSON file of at most 64 MiB."""
    return parse_json(read_text(path, _LIMITS))


def _numbers(value: Any) -> Any:
    """Return nested lists with text like "1/3" turned into fractions."""
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    if isinstance(value, str):
        exponent = value.lower().partition("e")[2]
        if len(value) > _LIMITS.digits or len(exponent.lstrip("+-")) > 4:
            raise GameError(f"the payoff {value[:40]!r}... is too long a number: the largest magnitude is 1e150")
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError) as error:
            raise GameError(f'the payoff {value[:40]!r} is not a number: write 3, 0.25 or "1/3"') from error
    return value


def _text(document: dict[str, Any], field: str) -> str:
    value = document.get(field, "")
    if not isinstance(value, str):
        raise GameError(f"the field {field!r} is {value!r}: it must be text")
    return value


def _integer(digits: str) -> int:
    if len(digits) > _LIMITS.digits:
        raise GameError(f"the JSON holds a number of {len(digits)} digits: the largest magnitude is 1e150")
    return int(digits)


def _no_constant(name: str) -> float:
    raise GameError(f"the JSON holds {name}: payoffs must be finite")
