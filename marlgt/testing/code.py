"""Games with turns or states as Python to paste into a test."""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.games.extensive import ExtensiveGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["policy_game_as_code"]


def policy_game_as_code(game: ExtensiveGame | StochasticGame) -> str:
    """Return Python that makes the game, its labels left out.

    Examples
    --------
    >>> from marlgt.games import TreeBuilder
    >>> tree = TreeBuilder(["Ann"])
    >>> _ = tree.terminal(None, [3])
    >>> print(policy_game_as_code(tree.build()))
    from marlgt.games import ExtensiveGame
    game = ExtensiveGame(
        parent=[-1],
        action=[-1],
        player=[-2],
        infoset=[0],
        outcome=[0],
        outcomes=[[3]],
    )
    """
    if isinstance(game, ExtensiveGame):
        return _call("ExtensiveGame", _tree_arguments(game))
    rewards = game.rewards if game.successor_rewards is None else game.successor_rewards
    arguments: dict[str, Any] = {
        "rewards": rewards.tolist(),
        "successors": game.successors.tolist(),
        "probabilities": game.probabilities.tolist(),
        "discount": game.discount,
        "start": game.start.tolist(),
    }
    if game.terminal.any():
        arguments["terminal"] = game.terminal.tolist()
    if not game.all_legal:
        arguments["legal"] = [own.tolist() for own in game.legal]
    return _call("StochasticGame", arguments)


def _tree_arguments(game: ExtensiveGame) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "parent": game.parent.tolist(),
        "action": game.action.tolist(),
        "player": game.player.tolist(),
        "infoset": np.maximum(game.infoset, 0).tolist(),
        "outcome": game.outcome.tolist(),
        "outcomes": (game.outcomes if game._exact_outcomes is None else game._exact_outcomes).tolist(),
    }
    if len(game.chance):
        arguments["probability"] = (game.exact_probability if game.is_exact else game.probability).tolist()
    return arguments


def _call(name: str, arguments: dict[str, Any]) -> str:
    lines = [f"    {argument}={value!r}," for argument, value in arguments.items()]
    body = "\n".join(["game = " + name + "(", *lines, ")"])
    first = "from fractions import Fraction\n" if "Fraction(" in body else ""
    return f"{first}from marlgt.games import {name}\n{body}"
