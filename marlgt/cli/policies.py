"""Answers in games with turns and games with states: as tables, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marlgt.cli.arguments import UnreadableFile
from marlgt.cli.output import answers_document, certificate_text, summary
from marlgt.errors import GameError, MissingDependency
from marlgt.games._arrays import short
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.stochastic import StochasticGame

if TYPE_CHECKING:
    from marlgt.equilibria import Equilibria

__all__ = [
    "policies_as_csv",
    "policies_as_json",
    "policy_game_as_json",
    "print_policies",
    "require_picture",
    "titled",
    "write_curve",
]

_MOST_ROWS = 12
"""Rows of each player's policy that a table shows; all of them stand in the other formats."""

_PLAYED = 5e-7
"""Probability below which a table does not mention an action."""

PolicyGame = ExtensiveGame | StochasticGame


def policy_game_as_json(game: PolicyGame) -> dict[str, Any]:
    """Return a game's facts, without its tree or its arrays."""
    facts: dict[str, Any] = {"title": game.title, "players": list(game.players)}
    if isinstance(game, ExtensiveGame):
        return facts | {
            "kind": "extensive",
            "n_nodes": game.n_nodes,
            "n_infosets": list(game.n_infosets),
            "exact": game.is_exact,
        }
    return facts | {
        "kind": "stochastic",
        "n_states": game.n_states,
        "n_actions": list(game.n_actions),
        "discount": game.discount,
        "exact": False,
    }


def policies_as_json(game: PolicyGame, answers: Equilibria) -> str:
    """Return the answers of one call as a JSON document."""
    return json.dumps(answers_document(policy_game_as_json(game), answers), indent=1)


def titled(name: str) -> str:
    """Return what to call a player in a sentence: ``player 1`` where the name is only a number."""
    return f"player {name}" if name.isdigit() else name


def _rows(game: PolicyGame, player: int, policy: Any) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """Yield the label of each information set or state in which a player chooses, and her actions' probabilities."""
    if isinstance(game, ExtensiveGame):
        sets = game.infosets[player]
        for j, row in enumerate(policy):
            yield sets.label(j), [(label, float(p)) for label, p in zip(sets.action_labels(j), row)]
        return
    for s, row in enumerate(policy):
        allowed = game.legal[player][s]
        if not game.terminal[s] and np.count_nonzero(allowed) > 1:
            yield game.states[s], [(game.actions[player][a], float(row[a])) for a in np.flatnonzero(allowed)]


def policies_as_csv(game: PolicyGame, answers: Equilibria) -> str:
    """Return one line per answer, player, information set or state, and action."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["answer", "player", "where", "action", "probability", "value", "regret"])
    for k, e in enumerate(answers):
        for i, policy in enumerate(e.profile or ()):
            worth = repr(float(e.values[i])), repr(float(e.regrets[i]))
            for where, actions in _rows(game, i, policy):
                for label, probability in actions:
                    writer.writerow([k, game.players[i], where, label, repr(probability), *worth])
    return text.getvalue()


def print_policies(game: PolicyGame, answers: Equilibria) -> None:
    """Print values, certificates and the first rows of the policies on standard output."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=False)
    with console.capture() as captured:
        console.print(repr(game), markup=False, highlight=False)
        for k, e in enumerate(answers):
            table = Table(title=f"answer {k}" if len(answers) > 1 else None, title_justify="left")
            for column in ("player", "value", "regret"):
                table.add_column(column, justify="left" if column == "player" else "right")
            for i, name in enumerate(game.players):
                table.add_row(name, f"{e.values[i]:.10g}", f"{e.regrets[i]:.1e}")
            console.print(table, markup=False)
            for i, policy in enumerate(e.profile or ()):
                for line in _policy_lines(game, i, policy):
                    console.print(line, markup=False, highlight=False, soft_wrap=True)
            bound = "" if e.error_bound is None else f", values within {e.error_bound:.1e} of the true ones"
            proof = f"largest regret {certificate_text(e)}{bound}, {e.seconds:.3g} s"
            console.print(proof, markup=False, highlight=False)
        console.print(summary(answers), markup=False, highlight=False)
    print(captured.get(), end="")


def _policy_lines(game: PolicyGame, player: int, policy: Any) -> Iterator[str]:
    yield f"{titled(game.players[player])}:"
    hidden = 0
    for count, (where, actions) in enumerate(_rows(game, player, policy)):
        if count >= _MOST_ROWS:
            hidden += 1
            continue
        played = ", ".join(f"{label} {p:.4g}" for label, p in actions if p > _PLAYED)
        yield f"  {' '.join(where.split()) or '(start)'}: {played}"
    if hidden:
        yield f"  ... and {hidden} more: --policy FILE writes them all"


def require_picture(path: Path, option: str = "curve") -> None:
    """Refuse, before any work, a picture that could not be written after it.

    Raises
    ------
    GameError
        For a path whose ending names no format of pictures that is written.
    UnreadableFile
        If there is no folder to write it to.
    MissingDependency
        Without matplotlib.
    """
    from importlib import import_module

    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise GameError(f"{option} is {short(str(path))}: end the name in .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise UnreadableFile(f"{path} cannot be written: there is no folder {str(path.parent)!r}")
    try:
        import_module("matplotlib")
    except ImportError as error:
        raise MissingDependency("a picture", package="matplotlib", extra="plot") from error


def write_curve(answers: Equilibria, path: Path) -> None:
    """Draw how the gap fell with the iterations, to a PNG, SVG or PDF file.

    Raises
    ------
    MissingDependency
        Without matplotlib.
    UnsupportedGame
        If no answer has a trace.
    UnreadableFile
        If the picture cannot be written there.
    """
    from marlgt.cli.figures import write_picture
    from marlgt.pictures.convergence import draw_convergence

    write_picture(path, lambda axes: draw_convergence(axes, answers), what="the convergence curve")
    print(f"wrote {path}")
