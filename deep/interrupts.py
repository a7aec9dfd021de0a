"""What a training sets for the whole process while it runs, and gives back: PyTorch's threads, and Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["deferred_interrupt", "threads_set"]


@contextmanager
def threads_set(threads: int) -> Iterator[None]:
    """Let PyTorch have so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Keep the first Ctrl-C back, so that it does not fall into the middle of a step; a second one comes through.

    Yields
    ------
    callable
        Whether there was one. Outside of the main thread nothing is kept back.
    """
    pending = False
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        nonlocal pending
        if pending and callable(before):
            before(number, frame)
        pending = True

    # A process that ignores Ctrl-C, such as one in the background of a shell, goes on ignoring it.
    if not callable(before):
        yield lambda: False
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pending
    finally:
        signal.signal(signal.SIGINT, before)
