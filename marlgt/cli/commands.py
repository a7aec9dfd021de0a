"""The commands of ``marlgt``, one function each; their signatures are the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

__all__ = ["COMMANDS"]

Concept = Literal[
    "nash",
    "correlated",
    "coarse_correlated",
    "minimax",
    "stackelberg",
    "pareto",
    "welfare",
    "fairness",
    "qre",
    "evolutionarily_stable",
]


def solve(
    game: Positional[str],
    *,
    concept: Concept = "nash",
    method: str | None = None,
    objective: str = "welfare",
    rationality: float = 1.0,
    leader: int = 0,
    label: int = 0,
    budget: float | None = None,
    seed: int = 0,
    format: Literal["table", "json", "csv"] = "table",
) -> int:
    """Solve a game and print every answer with its certificate.

    Args:
        game: A file, a catalogue name (see `marlgt games`), or - for .nfg text on standard input.
        concept: The solution concept.
        method: A solver by name; the default is chosen for the game and says why.
        objective: For correlated concepts: welfare, egalitarian, republican or libertarian.
        rationality: For qre: the precision lambda of the logit response.
        leader: For stackelberg: the player who commits.
        label: For lemke_howson: the label to drop first.
        budget: The most work to allow, in the method's own unit; 0 sets no limit.
        seed: For methods that draw random numbers.
        format: table for people; json and csv for programs.
    """
    from marlgt.cli.arguments import read_game
    from marlgt.cli.output import answers_as_csv, answers_as_json, print_answers
    from marlgt.solvers.selection import DEFAULT_BUDGET
    from marlgt.solvers.selection import solve as solve_game

    subject = read_game(game)
    answers = solve_game(
        subject,
        concept=concept,
        method=method,
        objective=objective,
        rationality=rationality,
        leader=leader,
        label=label,
        budget=DEFAULT_BUDGET if budget is None else None if budget == 0 else budget,
        seed=seed,
    )
    if format == "json":
        print(answers_as_json(subject, answers))
    elif format == "csv":
        print(answers_as_csv(subject, answers), end="")
    else:
        print_answers(subject, answers)
    if answers.stopped == "interrupted":
        return 130
    return 0 if len(answers) else 5


def info(game: Positional[str], *, format: Literal["table", "json"] = "table") -> int:
    """Tell what kind of game it is: size, structure, dominated actions, security levels.

    Args:
        game: A file, a catalogue name, or - for .nfg text on standard input.
        format: table for people; json for programs.
    """
    from marlgt.cli.arguments import read_game
    from marlgt.cli.facts import facts_as_json, print_facts

    subject = read_game(game)
    if format == "json":
        print(facts_as_json(subject))
    else:
        print_facts(subject)
    return 0


def check(
    game: Positional[str],
    profile: Positional[str],
    *,
    tolerance: float = 1e-9,
    format: Literal["table", "json"] = "table",
) -> int:
    """Certify a mixed profile: exit 0 if nobody gains more than the tolerance by deviating, else 5.

    Args:
        game: A file, a catalogue name, or - for .nfg text on standard input.
        profile: One distribution per player, as 1/2,1/2;0,1 or as JSON.
        tolerance: The largest regret to accept, in units of payoff.
        format: table for people; json for programs.
    """
    from marlgt.cli.arguments import read_game, read_profile
    from marlgt.cli.facts import certificate_as_json, print_certificate
    from marlgt.games._doors import nonnegative

    tolerance = nonnegative(tolerance, "tolerance")
    subject = read_game(game)
    given = read_profile(profile)
    if format == "json":
        epsilon = certificate_as_json(subject, given, tolerance=tolerance)
    else:
        epsilon = print_certificate(subject, given, tolerance=tolerance)
    return 0 if epsilon <= tolerance else 5


def convert(
    game: Positional[str],
    *,
    to: Literal["nfg", "json", "html", "latex", "text"] = "nfg",
    output: Path | None = None,
) -> int:
    """Write a game in another format, on standard output or to a file.

    Args:
        game: A file, a catalogue name, or - for .nfg text on standard input.
        to: nfg and json keep payoffs exactly; html, latex and text are for people.
        output: Where to write; standard output if not given.
    """
    from marlgt.cli.arguments import UnreadableFile, read_game
    from marlgt.games.display import as_html, as_latex, as_text
    from marlgt.games.files.json_form import format_json

    subject = read_game(game)
    writers = {"json": format_json, "html": as_html, "latex": as_latex, "text": as_text}
    text = subject.to_nfg() if to == "nfg" else writers[to](subject)
    if output is None:
        print(text.rstrip("\n"))
        return 0
    try:
        output.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as error:
        raise UnreadableFile(f"{output} cannot be written: {error.strerror or error}") from error
    return 0


def games(
    *,
    players: int | None = None,
    kind: Literal["normal_form", "stochastic", "extensive"] | None = None,
    format: Literal["table", "json"] = "table",
) -> int:
    """List the catalogue of named games.

    Args:
        players: Only games with this many players.
        kind: Only games of one kind.
        format: table for people; json for programs.
    """
    from marlgt.cli.facts import print_catalogue

    print_catalogue(players=players, kind=kind, as_json=format == "json")
    return 0


def show(
    games: Positional[tuple[str, ...]] = (),
    *,
    output: Path = Path("report.html"),
) -> int:
    """Solve games and write one self-contained HTML page with tables, pictures and certificates.

    Args:
        games: Files or catalogue names; a handful of famous games if none is given.
        output: The page to write; its folder is made if need be.
    """
    from marlgt.cli.page import FAMOUS, write_page

    write_page(games or FAMOUS, output)
    return 0


def doctor(*, format: Literal["table", "json"] = "table") -> int:
    """Check the installation: versions, optional packages, the compiled gear and its cache.

    Args:
        format: table for people; json for programs.
    """
    from marlgt.cli.health import examine

    return examine(as_json=format == "json", stream=sys.stdout)


COMMANDS: dict[str, Callable[..., int]] = {
    "solve": solve,
    "info": info,
    "check": check,
    "convert": convert,
    "games": games,
    "show": show,
    "doctor": doctor,
}
"""The commands by name, in the order of the help page."""
