"""The entry point: reads the arguments, runs one command, turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from marlgt.errors import (
    BudgetExceeded,
    GameError,
    MissingDependency,
    NotConverged,
    ParseError,
    SavingFailed,
    UnreadableFile,
)

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
    asked = _algorithm_asked_about(given)
    if asked:
        return _guarded(lambda: _settings(asked))
    try:
        run: Callable[[], int] = tyro.extras.subcommand_cli_from_dict(
            _deferred(), prog="marlgt", args=given or ["--help"]
        )
    except SystemExit as stop:
        return _code(stop)
    return _guarded(run)


def _algorithm_asked_about(given: Sequence[str]) -> list[str]:
    """Return the words of ``marlgt train ALGORITHM [TASK] --help``, whose answer depends on them; else none."""
    words = [word for word in given[1:] if word not in ("-h", "--help")]
    if list(given[:1]) != ["train"] or len(words) == len(given) - 1 or not words or words[0].startswith("-"):
        return []
    return [word for word in words[:2] if not word.startswith("-")]


def _settings(words: Sequence[str]) -> int:
    from marlgt.cli.deep_commands import show_settings

    return show_settings(*words)


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
    except (ParseError, SavingFailed, UnreadableFile) as error:
        return _fail(_told(error), UNREADABLE)
    except BudgetExceeded as error:
        return _fail(_told(error), OVER_BUDGET)
    except NotConverged as error:
        return _fail(_told(error), NOT_CERTIFIED)
    except (GameError, MissingDependency) as error:
        return _fail(_told(error), USAGE)
    except BrokenPipeError:
        # What is still in the buffer would fail again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FOUND
    except OSError as error:
        return _fail(f"the output cannot be written: {error.strerror or error}", UNREADABLE)
    return code


def _told(error: Exception) -> str:
    """Return what an error says, and what was noted on its way."""
    return " ".join([str(error), *getattr(error, "__notes__", ())])


def _fail(message: str, code: int) -> int:
    print(f"marlgt: {message}", file=sys.stderr)
    return code


def _code(stop: SystemExit) -> int:
    return stop.code if isinstance(stop.code, int) else FOUND if stop.code is None else USAGE
