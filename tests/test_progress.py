"""What is said while long work runs: nothing in a pipe, on a terminal something after a second."""

import io
import time

from marlgt import progress
from marlgt.progress import waiting


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_waiting_says_what_for_once_it_is_long(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(progress, "_SILENT_SECONDS", 0.05)
    with waiting("compiling, once"):
        until = time.monotonic() + 10
        while "compiling, once" not in terminal.getvalue() and time.monotonic() < until:
            time.sleep(0.01)
    assert "compiling, once" in terminal.getvalue()


def test_short_waiting_is_silent(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(progress, "_SILENT_SECONDS", 60.0)
    with waiting("compiling, once"):
        pass
    assert terminal.getvalue() == ""


def test_nothing_is_said_in_a_pipe(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(progress, "_SILENT_SECONDS", 0.0)
    with waiting("compiling, once"):
        time.sleep(0.05)
    assert stream.getvalue() == ""
