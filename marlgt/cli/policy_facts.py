"""What ``marlgt info`` and ``check`` tell of games with turns and games with states."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from marlgt.certificates import certify
from marlgt.cli.facts import certificate_document
from marlgt.cli.policies import PolicyGame, policy_game_as_json, titled
from marlgt.errors import UnsupportedGame
from marlgt.games.extensive import CHANCE, ExtensiveGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["check_policies", "policy_facts_as_json", "print_policy_facts"]


def policy_facts(game: PolicyGame) -> dict[str, Any]:
    """Return what kind of game it is, as plain data."""
    facts = _of_tree(game) if isinstance(game, ExtensiveGame) else _of_states(game)
    return {"n_players": game.n_players, **facts, "method": _method(game)}


def _method(game: PolicyGame) -> str | None:
    from marlgt.solvers.methods import choose

    try:
        return choose(game)[0][0]
    except UnsupportedGame:
        return None


def _of_tree(game: ExtensiveGame) -> dict[str, Any]:
    return {
        "n_nodes": game.n_nodes,
        "n_terminal_nodes": len(game.terminals),
        "n_chance_nodes": int(np.count_nonzero(game.player == CHANCE)),
        "n_infosets": list(game.n_infosets),
        "depth": int(game.depth.max()),
        "payoff_range": game.payoff_range.tolist(),
        "constant_sum": game.is_constant_sum,
        "perfect_information": game.has_perfect_information,
        "perfect_recall": game.has_perfect_recall,
        "exact": game.is_exact,
    }


def _of_states(game: StochasticGame) -> dict[str, Any]:
    return {
        "n_states": game.n_states,
        "n_terminal_states": int(game.terminal.sum()),
        "n_unreachable_states": int((~game.reachable).sum()),
        "n_actions": list(game.n_actions),
        "most_successors": int((game.probabilities > 0).sum(axis=-1).max()),
        "discount": game.discount,
        "reward_range": [[float(own.min()), float(own.max())] for own in game.rewards],
        "zero_sum": game.is_zero_sum,
        "common_interest": game.is_common_interest,
        "surely_ends": game.surely_ends,
    }


def policy_facts_as_json(game: PolicyGame) -> str:
    """Return the facts as a JSON document."""
    document = {"format": "marlgt.info", "version": 1, "game": policy_game_as_json(game), **policy_facts(game)}
    return json.dumps(document, indent=1)


def print_policy_facts(game: PolicyGame) -> None:
    """Print the facts, one a line."""
    print(repr(game))
    for name, fact in policy_facts(game).items():
        words = {True: "yes", False: "no"}.get(fact) if isinstance(fact, bool) else _words(fact)
        print(f"{name.removeprefix('n_').replace('_', ' ')}: {words}")


def _words(fact: Any) -> str:
    if isinstance(fact, list):
        return ", ".join(_words(x) for x in fact)
    return f"{fact:g}" if isinstance(fact, float) else f"{fact:,}" if isinstance(fact, int) else str(fact or "none")


def check_policies(game: PolicyGame, text: str, *, tolerance: float, as_json: bool) -> float:
    """Print the certificate of policies written by ``marlgt solve --policy``, and return the largest gain."""
    from marlgt.games.files.policies import parse_policy_json

    certificate = certify(game, parse_policy_json(game, text))
    if as_json:
        print(json.dumps(certificate_document(certificate, tolerance), indent=1))
        return certificate.epsilon
    for name, value, regret in zip(game.players, certificate.values, certificate.regrets):
        print(f"{titled(name)}: value {value:.10g}, gains {regret:.6g} from deviating")
    verdict = "a Nash equilibrium" if certificate.epsilon <= tolerance else "not a Nash equilibrium"
    print(f"{verdict}: epsilon {certificate.epsilon:.6g}, computed in floating point (tolerance {tolerance:g})")
    return certificate.epsilon
