"""Time and progress of work; on the terminal nothing for a second, then one line, never in a pipe."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["progress", "stopwatch", "waiting"]

_SILENT_SECONDS = 1.0


@contextmanager
def progress(description: str, *, total: float | None = None) -> Iterator[Callable[[float, str], None]]:
    """Show how far long work has come, on standard error, if that is a terminal.

    Parameters
    ----------
    description : str
        What is being done, for example ``"support enumeration"``.
    total : float, optional
        The amount of work in all, where it is known.

    Yields
    ------
    callable
        ``report(done, note)``: the amount done so far, and a short note such as ``"3 found"``.
    """
    started = time.perf_counter()
    bar: Any = None
    task: Any = None
    terminal = sys.stderr.isatty()

    def report(done: float, note: str = "") -> None:
        nonlocal bar, task
        if not terminal or time.perf_counter() - started < _SILENT_SECONDS:
            return
        if bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            task = bar.add_task(description, total=total, note="")
            bar.start()
        bar.update(task, completed=done, note=note)

    try:
        yield report
    finally:
        if bar is not None:
            bar.stop()


@contextmanager
def waiting(description: str) -> Iterator[None]:
    """Say what is being waited for, after a second, on standard error, if that is a terminal.

    Parameters
    ----------
    description : str
        For work that cannot tell how far it has come, for example ``"compiling, once"``.
    """
    if not sys.stderr.isatty():
        yield
        return
    timer = threading.Timer(_SILENT_SECONDS, print, [f"{description} …"], {"file": sys.stderr, "flush": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def stopwatch() -> Callable[[], float]:
    """Return a function that tells the seconds since this call."""
    started = time.perf_counter()
    return lambda: time.perf_counter() - started
