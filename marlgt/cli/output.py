"""Answers as tables, JSON and CSV. The JSON form is stable: fields are added, never renamed."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from marlgt.equilibria import Equilibria, Equilibrium
    from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "answers_as_csv",
    "answers_as_json",
    "answers_document",
    "certificate_text",
    "game_as_json",
    "print_answers",
    "strategy_text",
    "summary",
]

_LONGEST_FRACTION = 15
"""Characters of a probability in a table; longer fractions are shown as decimals there, and in full in JSON."""


def game_as_json(game: NormalFormGame) -> dict[str, Any]:
    """Return a game's facts, without its payoffs."""
    return {
        "title": game.title,
        "players": list(game.players),
        "actions": [list(labels) for labels in game.actions],
        "exact": game.is_exact,
    }


def answers_as_json(game: NormalFormGame, answers: Equilibria) -> str:
    """Return the answers of one call as a JSON document."""
    return json.dumps(answers_document(game_as_json(game), answers), indent=1)


def answers_document(game: dict[str, Any], answers: Equilibria) -> dict[str, Any]:
    """Return the answers of one call, and the facts of the game, as plain data."""
    components = answers.components
    return {
        "format": "marlgt.solve",
        "version": 1,
        "game": game,
        "concept": answers.concept,
        "method": answers.method,
        "why": answers.why,
        "answers": [_answer(e) for e in answers],
        "complete": answers.complete,
        "stopped": answers.stopped,
        "components": None if components is None else [list(c) for c in components],
    }


def _answer(e: Equilibrium) -> dict[str, Any]:
    exact = e.exact_profile
    return {
        "profile": None if e.profile is None else [p.tolist() for p in e.profile],
        "exact_profile": None if exact is None else [_as_text(p.tolist()) for p in exact],
        "joint": None if e.joint is None else np.asarray(e.joint).tolist(),
        "values": e.values.tolist(),
        "regrets": e.regrets.tolist(),
        "epsilon": e.epsilon,
        "exact": e.exact,
        "method": e.method,
        "work": dict(e.work),
        "seconds": e.seconds,
        "error_bound": e.error_bound,
        "state_values": None if e.state_values is None else e.state_values.tolist(),
        "trace": None if e.trace is None else e.trace.tolist(),
    }


def _as_text(entries: Any) -> Any:
    """Return exact numbers, nested in lists, as text."""
    return [_as_text(x) for x in entries] if isinstance(entries, list) else str(entries)


def answers_as_csv(game: NormalFormGame, answers: Equilibria) -> str:
    """Return one line per answer, player and action, or per action profile of a joint distribution."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["answer", "player", "action", "probability", "value", "regret", "exact"])
    for k, e in enumerate(answers):
        if e.profile is None:
            joint = np.asarray(e.joint)
            for index in np.ndindex(joint.shape):
                label = " ".join(game.actions[i][a] for i, a in enumerate(index))
                writer.writerow([k, "", label, repr(float(joint[index])), "", repr(e.epsilon), e.exact])
            continue
        for i, distribution in enumerate(e.exact_profile or e.profile):
            for label, probability in zip(game.actions[i], distribution):
                shown = str(probability) if e.exact_profile is not None else repr(float(probability))
                value, regret = repr(float(e.values[i])), repr(float(e.regrets[i]))
                writer.writerow([k, game.players[i], label, shown, value, regret, e.exact])
    return text.getvalue()


def strategy_text(game: NormalFormGame, e: Equilibrium, player: int) -> str:
    """Return one player's strategy in words: ``heads``, or ``heads: 1/2, tails: 1/2``."""
    if e.profile is None:
        return ""
    labels = game.actions[player]
    played = [a for a, probability in enumerate(e.profile[player]) if probability > 0]
    if len(played) == 1:
        return labels[played[0]]
    exact = e.exact_profile
    if exact is not None and all(len(str(exact[player][a])) <= _LONGEST_FRACTION for a in played):
        return ", ".join(f"{labels[a]}: {exact[player][a]}" for a in played)
    return ", ".join(f"{labels[a]}: {e.profile[player][a]:.4g}" for a in played)


def joint_text(game: NormalFormGame, e: Equilibrium) -> str:
    """Return a joint distribution in words: each action profile of positive probability."""
    joint = np.asarray(e.joint)
    parts = []
    for index in zip(*np.nonzero(joint > 1e-12)):
        labels = ", ".join(game.actions[i][a] for i, a in enumerate(index))
        parts.append(f"({labels}): {joint[index]:.4g}")
    return ", ".join(parts)


def certificate_text(e: Equilibrium) -> str:
    """Return the certificate in a word or a number: ``0 (exact)`` or ``2.2e-16``."""
    shown = "0" if e.epsilon == 0 else f"{e.epsilon:.1e}"
    return f"{shown} (exact)" if e.exact else shown


def print_answers(game: NormalFormGame, answers: Equilibria) -> None:
    """Print the answers as a table on standard output."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=False)
    table = Table(title=game.title or None, title_justify="left", show_lines=False)
    table.add_column("#", justify="right")
    joint = any(e.profile is None for e in answers)
    columns = ["joint distribution"] if joint else [f"player {name}" for name in game.players]
    for column in columns:
        table.add_column(column, overflow="fold")
    table.add_column("values", overflow="fold")
    table.add_column("epsilon", no_wrap=True)
    for k, e in enumerate(answers):
        cells = [joint_text(game, e)] if joint else [strategy_text(game, e, i) for i in range(game.n_players)]
        values = ", ".join(f"{v:.6g}" for v in e.values)
        table.add_row(str(k), *cells, values, certificate_text(e))
    # Captured and printed in one go: rich by itself ends the process with exit code 1 when the reader is gone.
    with console.capture() as captured:
        console.print(table, markup=False)
        console.print(summary(answers), markup=False, highlight=False)
    print(captured.get(), end="")


NOUNS = {
    "nash": "Nash equilibrium",
    "pure_nash": "pure Nash equilibrium",
    "correlated": "correlated equilibrium",
    "coarse_correlated": "coarse correlated equilibrium",
    "qre": "quantal response equilibrium",
    "stackelberg": "Stackelberg commitment",
    "evolutionarily_stable": "evolutionarily stable strategy",
    "pareto": "Pareto-optimal outcome",
    "welfare": "welfare-optimal outcome",
    "fairness": "fair outcome",
}


def plural(concept: str, count: int) -> str:
    """Return what an answer of a concept is called, in the plural if there are several."""
    noun = NOUNS.get(concept, f"{concept.replace('_', ' ')} answer")
    if count == 1:
        return noun
    return noun[:-2] + "a" if noun.endswith("um") else noun[:-1] + "ies" if noun.endswith("y") else noun + "s"


def summary(answers: Equilibria) -> str:
    """Return one sentence: how many answers, by what method, and whether they are all."""
    count = len(answers)
    noun = plural(answers.concept, count)
    status = "all there are" if answers.complete else f"stopped: {answers.stopped}" if answers.stopped else "maybe more"
    return f"{count} {noun} by {answers.method} ({status}). {answers.why}".rstrip()
