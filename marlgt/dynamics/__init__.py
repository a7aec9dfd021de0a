"""Dynamics: rules by which players who know the game revise their play, step after step."""

from marlgt._lazy import attach

_EXPORTS = {
    "FictitiousPlay": "marlgt.dynamics.fictitious",
    "Trajectories": "marlgt.dynamics.trajectory",
    "Trajectory": "marlgt.dynamics.trajectory",
    "fictitious_play": "marlgt.dynamics.fictitious",
    "many": "marlgt.dynamics.trajectory",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
