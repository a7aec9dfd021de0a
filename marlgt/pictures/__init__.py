"""Pictures of games and their answers, drawn on matplotlib axes that the caller gives."""

from marlgt._lazy import attach

_EXPORTS = {
    "draw_best_replies": "marlgt.pictures.diagrams",
    "draw_logit_path": "marlgt.pictures.diagrams",
    "draw_outcomes": "marlgt.pictures.diagrams",
    "draw_simplex": "marlgt.pictures.diagrams",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
