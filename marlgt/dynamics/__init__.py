"""Dynamics: rules by which players who know the game revise their play, step after step."""

from marlgt._lazy import attach

_EXPORTS = {
    "FictitiousPlay": "marlgt.dynamics.fictitious",
    "fictitious_play": "marlgt.dynamics.fictitious",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
