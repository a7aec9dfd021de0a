"""Profiles of policies as JSON: behaviour policies of extensive games, stationary policies of stochastic games.

A document is an object with the fields ``format``, ``version`` (1) and ``policies``, which holds one list for each
player, in their order; ``players`` may repeat their names. Probabilities are numbers, or text like "1/3".

``marlgt.behavior_profile``
    The list holds an object for each information set of the player: ``{"infoset": label, "actions": [labels],
    "probabilities": [numbers]}``.
``marlgt.stationary_profile``
    The list holds an object for each state that is not terminal: ``{"state": label, "actions": [labels],
    "probabilities": [numbers]}``.

Where labels are given and tell the sets, states or actions of the game apart, they place the entry; else entries
stand in the order of the game.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, ProfileError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import require_policy_game
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.files.json_form import json_numbers, json_object, plain_numbers
from marlgt.games.files.lexer import Limits, read_text
from marlgt.games.sequence_form import checked_behavior
from marlgt.games.stochastic import StochasticGame, checked_stationary

__all__ = ["format_policy_json", "parse_policy_json", "read_policy_json"]


def format_policy_json(game: ExtensiveGame | StochasticGame, profile: Sequence[Any]) -> str:
    """Return a profile of a game as a JSON document that :func:`parse_policy_json` reads back equal.

    Parameters
    ----------
    game : ExtensiveGame or StochasticGame
    profile : behaviour profile or stationary profile
        Fractions are written as text.

    Raises
    ------
    ProfileError
        If the profile does not fit the game.
    """
    kind, places = _places(game)
    _checked(game, profile)
    policies = []
    for i, own in enumerate(places):
        rows = np.asarray(profile[i])
        policies.append(
            [
                {kind: label, "actions": list(actions), "probabilities": plain_numbers(rows[j, : len(actions)])}
                for j, label, actions in own
            ]
        )
    document = {
        "format": f"marlgt.{'behavior' if kind == 'infoset' else 'stationary'}_profile",
        "version": 1,
        "players": list(game.players),
        "policies": policies,
    }
    return json.dumps(document, ensure_ascii=False)


def parse_policy_json(game: ExtensiveGame | StochasticGame, text: str) -> tuple[NDArray[np.float64], ...]:
    """Return the profile of a JSON document, checked against the game.

    Returns
    -------
    tuple of n ndarrays
        Of shapes (I_i, A_i) for an extensive game, (S, A_i) for a stochastic one, where the rows of terminal states
        are 0.

    Raises
    ------
    ParseError
        For text that is not JSON, with line and column.
    GameError
        For JSON that is no profile, or a profile of another type of game.
    ProfileError
        If the profile does not fit the game.
    """
    kind, places = _places(game)
    name = f"marlgt.{'behavior' if kind == 'infoset' else 'stationary'}_profile"
    document = json_object(text)
    if document.get("format") != name:
        raise GameError(f'the JSON is no policy of this game: it must be an object with "format": "{name}"')
    if document.get("version", 1) != 1:
        raise GameError(f"the JSON has version {document['version']!r}: only version 1 is known")
    players, policies = document.get("players"), document.get("policies")
    if players is not None and players != list(game.players):
        raise ProfileError(
            f"the policies are those of the players {short(players)}: the game has {short(game.players)}"
        )
    if not isinstance(policies, list) or len(policies) != game.n_players:
        raise ProfileError(f'the field "policies" must hold one list for each of {game.n_players} players')
    shapes = _shapes(game)
    profile = [
        _policy(entries, kind, own, shape, f"player {i}")
        for i, (entries, own, shape) in enumerate(zip(policies, places, shapes))
    ]
    return _checked(game, profile)


def read_policy_json(game: ExtensiveGame | StochasticGame, path: str | Path) -> tuple[NDArray[np.float64], ...]:
    """Read a profile from a JSON file of at most 64 MiB, as :func:`parse_policy_json` reads its text."""
    return parse_policy_json(game, read_text(path, Limits()))


_Place = tuple[int, str, tuple[str, ...]]
"""The row of a policy, the label of its information set or state, and the labels of the actions."""


def _places(game: ExtensiveGame | StochasticGame) -> tuple[str, list[list[_Place]]]:
    require_policy_game(game)
    if isinstance(game, ExtensiveGame):
        return "infoset", [
            [(j, sets.label(j), sets.action_labels(j)) for j in range(len(sets))] for sets in game.infosets
        ]
    states = np.flatnonzero(~game.terminal).tolist()
    return "state", [[(s, game.states[s], labels) for s in states] for labels in game.actions]


def _shapes(game: ExtensiveGame | StochasticGame) -> list[tuple[int, int]]:
    if isinstance(game, ExtensiveGame):
        return [(len(sets), sets.most_actions) for sets in game.infosets]
    return [(game.n_states, count) for count in game.n_actions]


def _checked(game: ExtensiveGame | StochasticGame, profile: Sequence[Any]) -> tuple[NDArray[np.float64], ...]:
    if isinstance(game, ExtensiveGame):
        return checked_behavior(game, profile)
    return checked_stationary(game, profile)


def _policy(entries: Any, kind: str, own: list[_Place], shape: tuple[int, int], who: str) -> NDArray[np.float64]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise GameError(f"the policy of {who} must be a list of objects, one for each {kind}")
    if len(entries) != len(own):
        raise ProfileError(f"the policy of {who} has {len(entries)} entries: give one for each {kind}, {len(own)}")
    policy = np.zeros(shape)
    order = _order([entry.get(kind) for entry in entries], [label for _, label, _ in own], kind, who)
    for place, entry in zip(order, entries):
        row, label, actions = own[place]
        unknown = sorted(set(entry) - {kind, "actions", "probabilities"})
        if unknown:
            raise GameError(f"the policy of {who} has an entry with the unknown field {unknown[0]!r}")
        where = f"the policy of {who} at {kind} {label!r}"
        chances = entry.get("probabilities")
        if not isinstance(chances, list) or len(chances) != len(actions):
            raise ProfileError(f"{where} must list {len(actions)} probabilities, got {short(chances)}")
        columns: Sequence[int] = range(len(actions))
        if "actions" in entry:
            named = entry["actions"]
            if not isinstance(named, list) or len(named) != len(actions):
                raise ProfileError(f"{where} names the actions {short(named)}: the game has {short(actions)}")
            columns = _order(named, list(actions), "action", where)
        policy[row, list(columns)] = exact_and_float(json_numbers(chances), f"the probabilities of {where}")[0]
    return policy


def _order(given: list[Any], labels: list[str], what: str, who: str) -> Sequence[int]:
    """Return the place in the game of each label given; their order where labels are not given or not unique."""
    if all(label is None for label in given) or given == labels:
        return range(len(given))
    if not all(isinstance(label, str) for label in given):
        raise ProfileError(f"{who} names the {what} {short(given)}: give a label, as text, for each or for none")
    if len(set(labels)) == len(labels):
        strange = next((label for label in given if label not in labels), None)
        if strange is None and len(set(given)) == len(given):
            place = {label: k for k, label in enumerate(labels)}
            return [place[label] for label in given]
        if strange is not None:
            raise ProfileError(f"{who} names the {what} {short(strange)}: the game has {short(labels)}")
        raise ProfileError(f"{who} names the {what} {short(max(given, key=given.count))} twice: give each once")
    raise ProfileError(
        f"{who} names each {what} otherwise than the game, whose labels repeat: give them in the order {short(labels)}"
    )
