"""The command ``marlgt``: solve, inspect, check and convert games without writing Python.

Exit codes: 0 found, 2 usage, 3 unreadable file, 4 over budget, 5 not certified, 130 interrupted.
"""

from marlgt._lazy import attach

_EXPORTS = {"main": "marlgt.cli.entry"}
__all__ = ["main"]
__getattr__, __dir__ = attach(__name__, _EXPORTS)
