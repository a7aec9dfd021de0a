"""What ``marlgt info``, ``check`` and ``games`` print, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from marlgt.certificates import Certificate, certify
from marlgt.cli.output import game_as_json
from marlgt.games._catalogue import CatalogueEntry
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "certificate_as_json",
    "certificate_document",
    "facts_as_json",
    "print_catalogue",
    "print_certificate",
    "print_facts",
]


def facts_of(game: NormalFormGame) -> dict[str, Any]:
    """Return what kind of game it is, as plain data."""
    from marlgt.concepts.elimination import iterated_elimination
    from marlgt.games.structure import is_common_interest, is_constant_sum, is_potential, is_symmetric, is_zero_sum
    from marlgt.solvers.security import security_levels
    from marlgt.solvers.selection import choose

    elimination = iterated_elimination(game)
    facts: dict[str, Any] = {
        "n_players": game.n_players,
        "n_actions": list(game.n_actions),
        "n_profiles": game.n_profiles,
        "payoff_range": game.payoff_range.tolist(),
        "zero_sum": is_zero_sum(game),
        "constant_sum": is_constant_sum(game),
        "common_interest": is_common_interest(game),
        "symmetric": is_symmetric(game),
        "exact_potential": is_potential(game),
        "degenerate": _degenerate(game),
        "security_levels": security_levels(game).values.tolist(),
        "rationalizable_actions": [[game.actions[i][a] for a in kept] for i, kept in enumerate(elimination.actions)],
        "elimination": [str(step) for step in elimination.steps],
        "method": choose(game)[0][0],
    }
    return facts


def _degenerate(game: NormalFormGame) -> bool | None:
    """Decide degeneracy where that is defined and quick: two players, up to 12 actions each."""
    from marlgt.solvers.degeneracy import is_degenerate

    return is_degenerate(game) if game.n_players == 2 and max(game.n_actions) <= 12 else None


def facts_as_json(game: NormalFormGame) -> str:
    """Return the facts as a JSON document."""
    return json.dumps({"format": "marlgt.info", "version": 1, "game": game_as_json(game), **facts_of(game)}, indent=1)


def print_facts(game: NormalFormGame) -> None:
    """Print the game and its facts on standard output."""
    facts = facts_of(game)
    print(game)
    print()
    size = " x ".join(str(k) for k in game.n_actions)
    print(f"{game.n_players} players, {size} actions, {'exact' if game.is_exact else 'floating-point'} payoffs")
    names = ("zero_sum", "constant_sum", "common_interest", "symmetric", "exact_potential", "degenerate")
    for name in names:
        answer = {True: "yes", False: "no", None: "not decided"}[facts[name]]
        print(f"{name.replace('_', ' ')}: {answer}")
    levels = ", ".join(f"{v:.6g}" for v in facts["security_levels"])
    print(f"security levels: {levels}")
    for player, actions in zip(game.players, facts["rationalizable_actions"]):
        print(f"rationalizable for {player}: {', '.join(actions)}")
    for step in facts["elimination"]:
        print(f"  {step}")
    print(f"method that solve would choose: {facts['method']}")


def certificate_as_json(game: NormalFormGame, profile: Sequence[Any], *, tolerance: float) -> float:
    """Print a profile's certificate as JSON and return its epsilon."""
    certificate = certify(game, profile)
    print(json.dumps(certificate_document(certificate, tolerance), indent=1))
    return certificate.epsilon


def certificate_document(certificate: Certificate, tolerance: float) -> dict[str, Any]:
    """Return a certificate, and whether it is one of an equilibrium, as plain data."""
    return {
        "format": "marlgt.check",
        "version": 1,
        "values": certificate.values.tolist(),
        "regrets": certificate.regrets.tolist(),
        "epsilon": certificate.epsilon,
        "exact": certificate.exact,
        "tolerance": tolerance,
        "equilibrium": certificate.epsilon <= tolerance,
    }


def print_certificate(game: NormalFormGame, profile: Sequence[Any], *, tolerance: float) -> float:
    """Print what each player earns and could gain, and return the largest gain."""
    certificate = certify(game, profile)
    for i, name in enumerate(game.players):
        gain = certificate.regrets[i]
        reply = game.actions[i][game.best_replies(profile, i, tolerance=0.0)[0]]
        better = f", by playing {reply}" if gain > tolerance else ""
        print(f"player {name}: value {certificate.values[i]:.6g}, gains {gain:.6g} from deviating{better}")
    arithmetic = "exactly" if certificate.exact else "in floating point"
    verdict = "a Nash equilibrium" if certificate.epsilon <= tolerance else "not a Nash equilibrium"
    print(f"{verdict}: epsilon {certificate.epsilon:.6g}, computed {arithmetic} (tolerance {tolerance:g})")
    return certificate.epsilon


def print_catalogue(*, players: int | None, kind: str | None, as_json: bool) -> None:
    """Print the named games, one line each."""
    from marlgt.games.library import catalogue

    entries = [
        entry
        for entry in catalogue()
        if (players is None or entry.n_players == players) and (kind is None or entry.kind == kind)
    ]
    if as_json:
        rows = [
            {
                "name": e.name,
                "kind": e.kind,
                "n_players": e.n_players,
                "n_actions": list(e.n_actions),
                "size": e.size,
                "summary": e.summary,
                "source": e.source,
            }
            for e in entries
        ]
        print(json.dumps({"format": "marlgt.games", "version": 1, "games": rows}, indent=1))
        return
    width = max((len(e.name) for e in entries), default=0)
    for e in entries:
        print(f"{e.name:<{width}}  {_size(e):<14}  {e.summary}")


def _size(entry: CatalogueEntry) -> str:
    if entry.kind == "normal_form":
        return "x".join(map(str, entry.n_actions))
    return f"{entry.size:,} {'states' if entry.kind == 'stochastic' else 'nodes'}"
