"""The entry point: reads the arguments, runs one command, turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from marlgt.cli.arguments import UnreadableFile
from marlgt.errors import BudgetExceeded, GameError, MissingDependency, NotConverged, ParseError

__all__ = ["main"]

FOUND, USAGE, UNREADABLE, OVER_BUDGET, NOT_CERTIFIED, INTERRUPTED = 0, 2, 3, 4, 5, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; those of the process if not given.
    """
    import tyro

    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        from marlgt import __version__

        print(f"marlgt {__version__}")
        return FOUND
    try:
        run: Callable[[], int] = tyro.extras.subcommand_cli_from_dict(
            _deferred(), prog="marlgt", args=given or ["--help"]
        )
    except SystemExit as stop:
        return _code(stop)
    return _guarded(run)


def _deferred() -> dict[str, Callable[..., Any]]:
    """Return the commands as functions that only bind their arguments, so that errors are ours to report."""
    import functools

    from marlgt.cli.commands import COMMANDS

    def defer(command: Callable[..., int]) -> Callable[..., Callable[[], int]]:
        @functools.wraps(command)
        def bound(*args: Any, **options: Any) -> Callable[[], int]:
            return functools.partial(command, *args, **options)

        return bound

    return {name: defer(command) for name, command in COMMANDS.items()}


def _guarded(run: Callable[[], int]) -> int:
    try:
        code = run()
        # A process whose output was closed before it began has none.
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except (ParseError, UnreadableFile) as error:
        return _fail(str(error), UNREADABLE)
    except BudgetExceeded as error:
        return _fail(str(error), OVER_BUDGET)
    except NotConverged as error:
        return _fail(str(error), NOT_CERTIFIED)
    except (GameError, MissingDependency) as error:
        return _fail(str(error), USAGE)
    except BrokenPipeError:
        # What is still in the buffer would fail again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FOUND
    except OSError as error:
        return _fail(f"the output cannot be written: {error.strerror or error}", UNREADABLE)
    return code


def _fail(message: str, code: int) -> int:
    print(f"marlgt: {message}", file=sys.stderr)
    return code


def _code(stop: SystemExit) -> int:
    return stop.code if isinstance(stop.code, int) else FOUND if stop.code is None else USAGE
