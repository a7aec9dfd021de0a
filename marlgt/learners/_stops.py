"""How a match stops: Ctrl-C between steps, a person who leaves, an environment that fails, values that diverge.

Whatever stops a match, every learner keeps what it learned up to the last whole step, and the match can be played on.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from marlgt.learners.tables import TableLearner

__all__ = ["Failed", "Interrupts", "Leave", "diverged", "interrupts_held"]


class Leave(Exception):
    """A person ends the match."""


class Failed(Exception):
    """A step of a seed could not be finished; the cause is the exception that it raised."""

    def __init__(self, seed: int, step: int) -> None:
        super().__init__(f"seed {seed} failed in step {step}")
        self.seed, self.step = seed, step


class Interrupts:
    """Interrupts that came while they were held back.

    Attributes
    ----------
    free : bool
        Whether an interrupt takes effect at once, as while a person is asked.
    """

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self._waiting: tuple[Any, Any] | None = None
        self.free = False

    def receive(self, number: int, frame: Any) -> None:
        """Hold an interrupt back; a second one, for whom the first takes too long, takes effect at once."""
        if self.free or self._waiting is not None:
            self._waiting = None
            self._handler(number, frame)
        else:
            self._waiting = number, frame

    def release(self) -> None:
        """Let an interrupt that came take effect now."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._handler(*waiting)


@contextmanager
def interrupts_held() -> Iterator[Interrupts]:
    """Hold Ctrl-C back in a block, but where the block releases it, so that no step is left half made.

    Yields
    ------
    Interrupts
    """
    previous = signal.getsignal(signal.SIGINT)
    held = Interrupts(previous)
    # Only the main thread receives signals, and a process that ignores them or dies of them is left to do so.
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield held
        return
    signal.signal(signal.SIGINT, held.receive)
    try:
        yield held
    finally:
        signal.signal(signal.SIGINT, previous)
    held.release()


def diverged(learners: Sequence[Any], known: Sequence[bool]) -> str | None:
    """Return which table of which learner holds a number that is not finite, or None.

    Parameters
    ----------
    learners : sequence of learners
    known : sequence of bool
        Whether each learner's memory was finite when the match began; others are not judged.
    """
    for i, (learner, fine) in enumerate(zip(learners, known)):
        # One sum tells of all numbers at once, without an array of flags.
        if not isinstance(learner, TableLearner) or not fine or np.isfinite(_total(learner)):
            continue
        for name in learner.tables:
            if not np.isfinite(learner.table(name)).all():
                return f"learners[{i}] has numbers in its table {name!r} that are not finite"
    return None


def _total(learner: TableLearner) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(learner.memory.sum())
