"""Solvers: they know the whole game and return certified answers, each under its published name."""

from marlgt._lazy import attach

_EXPORTS = {
    "solve": "marlgt.solvers.selection",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
