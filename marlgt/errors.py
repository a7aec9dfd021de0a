"""The exceptions of marlgt: one small tree under ``ValueError``.

Every message is one sentence that says what was wrong, what was expected and what to do.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BudgetExceeded",
    "ExactnessError",
    "GameError",
    "LearningStopped",
    "MissingDependency",
    "NotConverged",
    "ParseError",
    "ProfileError",
    "SavingFailed",
    "UnreadableFile",
    "UnsupportedGame",
]


class GameError(ValueError):
    """An argument that cannot be used: a payoff, a shape, a label, an option. Root of the tree."""


class ProfileError(GameError):
    """A strategy profile or joint distribution that is not one, or that does not fit its game."""


class UnsupportedGame(GameError):
    """A well-formed game that the method asked for does not cover."""


class ExactnessError(GameError):
    """Exact arithmetic was asked of a game whose payoffs are floating-point numbers."""


class ParseError(GameError):
    """A game file that does not follow its grammar or exceeds a limit.

    Attributes
    ----------
    line, column : int
        Where the reader stopped, both counted from 1.
    """

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        self.column = column


class BudgetExceeded(GameError):
    """Work that was estimated, before it began, to exceed its budget.

    Attributes
    ----------
    estimate, limit : float
        Predicted and allowed work, in the unit that the message names.
    """

    def __init__(self, message: str, *, estimate: float, limit: float) -> None:
        super().__init__(message)
        self.estimate = estimate
        self.limit = limit


class NotConverged(GameError):
    """A solver that stopped without reaching its tolerance.

    Attributes
    ----------
    best : Equilibrium or None
        The best answer found, with its own certificate.
    """

    def __init__(self, message: str, *, best: Any = None) -> None:
        super().__init__(message)
        self.best = best


class LearningStopped(GameError):
    """A match that could not go on; nothing that was learned is lost.

    Attributes
    ----------
    run : Run
        The records until then, with the learners as they are.
    """

    def __init__(self, message: str, *, run: Any) -> None:
        super().__init__(message)
        self.run = run


class SavingFailed(GameError):
    """A file that could not be written, as on a full disk; what stood in its place before is kept."""


class UnreadableFile(GameError):
    """A file that is missing or damaged, or holds something else than was asked for."""


class MissingDependency(ImportError):
    """An optional package that the function needs is not installed; the message says what to type."""

    def __init__(self, what: str, *, package: str, extra: str) -> None:
        super().__init__(f'{what} needs {package}: pip install "marlgt[{extra}]"')
