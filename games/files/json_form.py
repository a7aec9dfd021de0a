"""Games as JSON: nested lists in player order, exact numbers as integers or as text like "1/3".

A document is an object whose field ``format`` names its type and whose field ``version`` is 1. All fields but the
format and those marked * may be left out.

``marlgt.normal_form_game``
    ``payoffs``* nested as (n, A_1, ..., A_n); ``players``, ``actions``, ``title``, ``comment``, ``exact``.
``marlgt.extensive_game``
    One entry for each node, the root first: ``parent``* (-1 for the root), ``action``*, ``player``* (-1 for chance,
    -2 for a terminal node), ``infoset``*, ``outcome``* (-1 for none), ``probability`` (of the move to the node, 1
    where chance does not move), ``node_labels``. For each outcome: ``outcomes``*, a list of n payoffs, and
    ``outcome_labels``. For each player: ``players``*, and ``infosets``, a list of objects ``{"label", "actions"}``,
    one for each information set; ``chance`` lists those of chance. ``title``, ``comment``.
``marlgt.stochastic_game``
    ``rewards``*, ``successors``*, ``probabilities``*, ``discount``*, ``start``, ``terminal``, ``legal``, ``players``,
    ``states``, ``actions``, ``title``, as :class:`~marlgt.games.StochasticGame` takes them. Numbers are floats.

A float reads back as the same float; a number that is written as an integer or as text is exact.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, ParseError
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.files.lexer import Limits, read_text
from marlgt.games.infosets import Infosets
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["format_json", "json_numbers", "json_object", "parse_json", "plain_numbers", "read_json"]

_LIMITS = Limits()
_FIELDS = {
    "normal_form": ({"payoffs"}, {"players", "actions", "title", "comment", "exact"}),
    "extensive": (
        {"parent", "action", "player", "infoset", "outcome", "outcomes", "players"},
        {"probability", "infosets", "chance", "node_labels", "outcome_labels", "title", "comment"},
    ),
    "stochastic": (
        {"rewards", "successors", "probabilities", "discount"},
        {"start", "terminal", "legal", "players", "states", "actions", "title"},
    ),
}


def format_json(game: NormalFormGame | ExtensiveGame | StochasticGame) -> str:
    """Return the game as a JSON document that :func:`parse_json` reads back equal."""
    if isinstance(game, NormalFormGame):
        document = _normal_form_document(game)
    elif isinstance(game, ExtensiveGame):
        document = _extensive_document(game)
    elif isinstance(game, StochasticGame):
        document = _stochastic_document(game)
    else:
        raise GameError(f"a {type(game).__name__} has no JSON form: give a normal-form, extensive or stochastic game")
    return json.dumps(document, ensure_ascii=False)


def parse_json(text: str) -> NormalFormGame | ExtensiveGame | StochasticGame:
    """Return the game of a JSON document.

    Raises
    ------
    ParseError
        For text that is not JSON, with line and column.
    GameError
        For JSON that is no game: a missing or unknown field, or payoffs that are not numbers.
    """
    document = json_object(text)
    name = document.get("format")
    kind = name.removeprefix("marlgt.").removesuffix("_game") if isinstance(name, str) else ""
    if kind not in _FIELDS or name != f"marlgt.{kind}_game":
        raise GameError(
            'the JSON is not a game: it must be an object with "format": "marlgt.normal_form_game", '
            '"marlgt.extensive_game" or "marlgt.stochastic_game"'
        )
    if document.get("version", 1) != 1:
        raise GameError(f"the JSON has version {document['version']!r}: only version 1 is known")
    required, optional = _FIELDS[kind]
    known = required | optional | {"format", "version"}
    unknown = sorted(set(document) - known)
    if unknown:
        raise GameError(f"the JSON has the unknown field {unknown[0]!r}: the fields are {', '.join(sorted(known))}")
    missing = sorted(required - set(document))
    if missing:
        raise GameError(f'the JSON lacks the field "{missing[0]}", which this type of game needs')
    for field in ("title", "comment"):
        if not isinstance(document.get(field, ""), str):
            raise GameError(f"the field {field!r} is {document[field]!r}: it must be text")
    names = ("title", "comment", "players", "actions")
    words: dict[str, Any] = {field: document[field] for field in names if field in document}
    if kind == "normal_form":
        return NormalFormGame(json_numbers(document["payoffs"]), **words)
    return _extensive(document, words) if kind == "extensive" else _stochastic(document, words)


def read_json(path: str | Path) -> NormalFormGame | ExtensiveGame | StochasticGame:
    """Read a game from a JSON file of at most 64 MiB."""
    return parse_json(read_text(path, _LIMITS))


def json_object(text: str) -> dict[str, Any]:
    """Return the object that a JSON document is, its numbers of bounded size.

    Raises
    ------
    ParseError
        For text that is not JSON, with line and column.
    GameError
        If it is no object, or holds NaN or an infinity.
    """
    try:
        document = json.loads(text, parse_constant=_no_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise ParseError(error.msg, line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise ParseError("the JSON is nested too deeply: payoffs need one level per player and one more") from error
    if not isinstance(document, dict):
        raise GameError("the JSON is not a game: it must be an object")
    return document


def json_numbers(value: Any) -> Any:
    """Return nested lists with text like "1/3" turned into fractions."""
    if isinstance(value, list):
        return [json_numbers(v) for v in value]
    if isinstance(value, str):
        exponent = value.lower().partition("e")[2]
        if len(value) > _LIMITS.digits or len(exponent.lstrip("+-")) > 4:
            raise GameError(f"the payoff {value[:40]!r}... is too long a number: the largest magnitude is 1e150")
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError) as error:
            raise GameError(f'the payoff {value[:40]!r} is not a number: write 3, 0.25 or "1/3"') from error
    return value


def plain_numbers(values: NDArray[Any]) -> Any:
    """Return an array as nested lists that JSON holds, fractions as text."""
    if values.dtype != object:
        return values.tolist()
    flat = np.empty(values.size, dtype=object)
    flat[:] = [int(x) if x == int(x) else str(x) for x in values.reshape(-1).tolist()]
    return flat.reshape(values.shape).tolist()


def _normal_form_document(game: NormalFormGame) -> dict[str, Any]:
    return {
        "format": "marlgt.normal_form_game",
        "version": 1,
        "title": game.title,
        "comment": game.comment,
        "players": list(game.players),
        "actions": [list(labels) for labels in game.actions],
        "exact": game.is_exact,
        "payoffs": plain_numbers(game.payoffs if game._exact is None else game._exact),
    }


def _extensive_document(game: ExtensiveGame) -> dict[str, Any]:
    exact = game._exact_probability
    document: dict[str, Any] = {
        "format": "marlgt.extensive_game",
        "version": 1,
        "title": game.title,
        "comment": game.comment,
        "players": list(game.players),
        "infosets": [_table(sets) for sets in game.infosets],
        "chance": _table(game.chance),
        "outcomes": plain_numbers((game.outcomes if game._exact_outcomes is None else game._exact_outcomes).T),
        "parent": game.parent.tolist(),
        "action": game.action.tolist(),
        "player": game.player.tolist(),
        "infoset": game.infoset.tolist(),
        "outcome": game.outcome.tolist(),
    }
    if len(game.chance):
        document["probability"] = plain_numbers(game.probability if exact is None else exact)
    for field in ("node_labels", "outcome_labels"):
        if getattr(game, field):
            document[field] = list(getattr(game, field))
    return document


def _table(sets: Infosets) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{} for _ in range(len(sets))]
    for j, row in enumerate(rows):
        if sets.labels:
            row["label"] = sets.labels[j]
        if sets.actions:
            row["actions"] = list(sets.actions[j])
    return rows


def _extensive(document: dict[str, Any], words: dict[str, Any]) -> ExtensiveGame:
    players = document["players"]
    outcomes = json_numbers(document["outcomes"])
    if not isinstance(players, list) or not isinstance(outcomes, list):
        raise GameError('the fields "players" and "outcomes" must be lists')
    if any(not isinstance(row, list) or len(row) != len(players) for row in outcomes):
        raise GameError(f'every entry of "outcomes" must list {len(players)} payoffs, one per player')
    columns = [list(column) for column in zip(*outcomes)] or np.zeros((len(players), 0), dtype=np.int64)
    tables = document.get("infosets", [[] for _ in players])
    if not isinstance(tables, list) or len(tables) != len(players):
        raise GameError(f'the field "infosets" must hold one list for each of {len(players)} players')
    probability = document.get("probability")
    return ExtensiveGame(
        document["parent"],
        document["action"],
        document["player"],
        document["infoset"],
        document["outcome"],
        columns,
        probability=None if probability is None else json_numbers(probability),
        infosets=[_infosets(rows) for rows in tables],
        chance=_infosets(document.get("chance", [])),
        node_labels=document.get("node_labels", ()),
        outcome_labels=document.get("outcome_labels", ()),
        **words,
    )


def _infosets(rows: Any) -> Infosets:
    """Return the labels of a mover's information sets; the tree tells how many actions each has."""
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and set(row) <= {"label", "actions"} for row in rows
    ):
        raise GameError('information sets must be objects with the fields "label" and "actions", in a list')
    labels = [row.get("label", "") for row in rows]
    actions = [row.get("actions", []) for row in rows]
    if not all(isinstance(label, str) for label in labels):
        raise GameError('the field "label" of an information set must be text')
    if not all(isinstance(own, list) and all(isinstance(label, str) for label in own) for own in actions):
        raise GameError('the field "actions" of an information set must be a list of text')
    counts = np.array(list(map(len, actions)), dtype=np.int32)
    return Infosets(counts, tuple(labels) if any(labels) else (), tuple(map(tuple, actions)) if any(actions) else ())


def _stochastic_document(game: StochasticGame) -> dict[str, Any]:
    rewards = game.rewards if game.successor_rewards is None else game.successor_rewards
    return {
        "format": "marlgt.stochastic_game",
        "version": 1,
        "title": game.title,
        "players": list(game.players),
        "states": list(game.states),
        "actions": [list(labels) for labels in game.actions],
        "discount": game.discount,
        "start": game.start.tolist(),
        "terminal": game.terminal.tolist(),
        "legal": [own.tolist() for own in game.legal],
        "rewards": rewards.tolist(),
        "successors": game.successors.tolist(),
        "probabilities": game.probabilities.tolist(),
    }


def _stochastic(document: dict[str, Any], words: dict[str, Any]) -> StochasticGame:
    numbers = {name: json_numbers(document[name]) for name in ("rewards", "successors", "probabilities", "discount")}
    options = {name: document[name] for name in ("start", "terminal", "legal", "states") if name in document}
    return StochasticGame(**numbers, **options, **words)


def _integer(digits: str) -> int:
    if len(digits) > _LIMITS.digits:
        raise GameError(f"the JSON holds a number of {len(digits)} digits: the largest magnitude is 1e150")
    return int(digits)


def _no_constant(name: str) -> float:
    raise GameError(f"the JSON holds {name}: payoffs must be finite")
