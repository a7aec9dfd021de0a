"""The commands of ``marlgt`` by name; those about games and answers stand here, one function each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from marlgt.cli.deep_commands import evaluate, train
from marlgt.cli.play_commands import dynamics, fly, learn, play

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
    "subgame_perfect",
    "extensive_form_correlated",
    "extensive_form_coarse_correlated",
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
    iterations: int | None = None,
    gap: float | None = None,
    time: float | None = None,
    seed: int = 0,
    policy: Path | None = None,
    curve: Path | None = None,
    format: Literal["table", "json", "csv"] = "table",
) -> int:
    """Solve a game and print every answer with its certificate.

    Args:
        game: A file, a catalogue name (see `marlgt games`), or - for a game on standard input.
        concept: The solution concept.
        method: A solver by name; the default is chosen for the game and says why.
        objective: For correlated concepts: welfare, egalitarian, republican or libertarian.
        rationality: For qre: the precision lambda of the logit response.
        leader: For stackelberg: the player who commits.
        label: For lemke_howson: the label to drop first.
        budget: The most work to allow, in the method's own unit; 0 sets no limit.
        iterations: For iterative methods: the most iterations.
        gap: For iterative methods: the gap from equilibrium at which to stop.
        time: For iterative methods: seconds after which to stop.
        seed: For methods that draw random numbers.
        policy: Where to write the first answer's policies as JSON, for games with turns or states.
        curve: Where to draw how the gap fell with the iterations: a .png, .svg or .pdf file.
        format: table for people; json and csv for programs.
    """
    from marlgt.cli.answers import print_or_write
    from marlgt.cli.arguments import read_game
    from marlgt.cli.policies import require_picture
    from marlgt.solvers.selection import DEFAULT_BUDGET
    from marlgt.solvers.selection import solve as solve_game

    if curve is not None:
        require_picture(curve)
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
        iterations=iterations,
        gap=gap,
        time_limit=time,
        seed=seed,
    )
    print_or_write(subject, answers, form=format, policy=policy, curve=curve)
    if answers.stopped == "interrupted":
        return 130
    return 0 if len(answers) else 5


def info(game: Positional[str], *, format: Literal["table", "json"] = "table") -> int:
    """Tell what kind of game it is: size, structure, dominated actions, security levels.

    Args:
        game: A file, a catalogue name, or - for a game on standard input.
        format: table for people; json for programs.
    """
    from marlgt.cli.arguments import read_game
    from marlgt.cli.facts import facts_as_json, print_facts
    from marlgt.games.normal_form import NormalFormGame

    subject = read_game(game)
    if not isinstance(subject, NormalFormGame):
        from marlgt.cli.policy_facts import policy_facts_as_json, print_policy_facts

        if format == "json":
            print(policy_facts_as_json(subject))
        else:
            print_policy_facts(subject)
    elif format == "json":
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
        game: A file, a catalogue name, or - for a game on standard input.
        profile: One distribution per player, as 1/2,1/2;0,1 or as JSON; in games with turns or states a file that
            solve --policy has written.
        tolerance: The largest regret to accept, in units of payoff.
        format: table for people; json for programs.
    """
    from marlgt.cli.arguments import read_file, read_game, read_profile
    from marlgt.cli.facts import certificate_as_json, print_certificate
    from marlgt.games._doors import nonnegative
    from marlgt.games.normal_form import NormalFormGame

    tolerance = nonnegative(tolerance, "tolerance")
    subject = read_game(game)
    if not isinstance(subject, NormalFormGame):
        from marlgt.cli.policy_facts import check_policies

        epsilon = check_policies(subject, read_file(profile), tolerance=tolerance, as_json=format == "json")
        return 0 if epsilon <= tolerance else 5
    given = read_profile(profile)
    if format == "json":
        epsilon = certificate_as_json(subject, given, tolerance=tolerance)
    else:
        epsilon = print_certificate(subject, given, tolerance=tolerance)
    return 0 if epsilon <= tolerance else 5


def convert(
    game: Positional[str],
    *,
    to: Literal["nfg", "efg", "json", "html", "latex", "text"] | None = None,
    output: Path | None = None,
) -> int:
    """Write a game in another format, on standard output or to a file.

    Args:
        game: A file, a catalogue name, or - for a game on standard input.
        to: nfg, efg and json keep payoffs exactly; html, latex and text are for people and normal-form games. Without
            it nfg for normal-form games, efg for games with turns and json for games with states.
        output: Where to write; standard output if not given.
    """
    from marlgt.cli.arguments import UnreadableFile, read_game
    from marlgt.cli.conversion import converted

    text = converted(read_game(game), to)
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
    "play": play,
    "learn": learn,
    "dynamics": dynamics,
    "fly": fly,
    "train": train,
    "evaluate": evaluate,
    "show": show,
    "doctor": doctor,
}
"""The commands by name, in the order of the help page."""
