"""The answers of ``marlgt solve`` in any kind of game: printed, written as policies, or played by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from marlgt.cli.arguments import UnreadableFile, read_file
from marlgt.cli.output import answers_as_csv, answers_as_json, print_answers
from marlgt.cli.policies import policies_as_csv, policies_as_json, print_policies, write_curve
from marlgt.equilibria import Equilibria
from marlgt.errors import GameError
from marlgt.games.normal_form import NormalFormGame
from marlgt.solvers.methods import Game
from marlgt.solvers.selection import solve

__all__ = ["opponents", "print_or_write"]


def print_or_write(game: Game, answers: Equilibria, *, form: str, policy: Path | None, curve: Path | None) -> None:
    """Print the answers as a table, as JSON or as CSV, and write what files were asked for.

    Raises
    ------
    GameError
        If policies are asked of a normal-form game.
    UnreadableFile
        If a file cannot be written.
    """
    if policy is not None and isinstance(game, NormalFormGame):
        raise GameError("a normal-form game has no policies to write: use --format json")
    if isinstance(game, NormalFormGame):
        if form == "table":
            print_answers(game, answers)
        else:
            print(answers_as_json(game, answers) if form == "json" else answers_as_csv(game, answers).rstrip("\n"))
    elif form == "table":
        print_policies(game, answers)
    else:
        print(policies_as_json(game, answers) if form == "json" else policies_as_csv(game, answers).rstrip("\n"))
    if policy is not None and not isinstance(game, NormalFormGame) and answers[0].profile is not None:
        from marlgt.games.files.policies import format_policy_json

        try:
            policy.write_text(format_policy_json(game, answers[0].profile), encoding="utf-8")
        except OSError as error:
            raise UnreadableFile(f"{policy} cannot be written: {error.strerror or error}") from error
    if curve is not None:
        write_curve(answers, curve)


def opponents(game: Game, *, method: str | None, iterations: int | None, policy: Path | None) -> Sequence[Any]:
    """Return the profile by which the others play: read from a file, or the first answer of a solver.

    Raises
    ------
    GameError
        If a policy file is given for a normal-form game.
    UnreadableFile
        If the file cannot be read.
    """
    if policy is None:
        answer = solve(game, method=method, iterations=iterations)[0]
        if answer.profile is None:
            raise GameError(f"{answer.method} answers with a joint distribution: name a method for nash")
        return answer.profile
    if isinstance(game, NormalFormGame):
        raise GameError("a normal-form game takes no policy file: leave --policy out")
    from marlgt.games.files.policies import parse_policy_json

    return parse_policy_json(game, read_file(str(policy)))
