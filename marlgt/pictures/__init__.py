"""Pictures of games and their answers, drawn on matplotlib axes that the caller gives."""

from marlgt._lazy import attach

_EXPORTS = {
    "draw_best_replies": "marlgt.pictures.diagrams",
    "draw_convergence": "marlgt.pictures.convergence",
    "draw_gap_curves": "marlgt.pictures.phase",
    "draw_grid": "marlgt.pictures.grids",
    "draw_learning_curve": "marlgt.pictures.learning",
    "draw_logit_path": "marlgt.pictures.diagrams",
    "draw_outcomes": "marlgt.pictures.diagrams",
    "draw_phase_portrait": "marlgt.pictures.phase",
    "draw_policy": "marlgt.pictures.policies",
    "draw_simplex": "marlgt.pictures.diagrams",
    "draw_simplex_trajectory": "marlgt.pictures.phase",
    "draw_square_trajectory": "marlgt.pictures.phase",
    "draw_tree": "marlgt.pictures.trees",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
