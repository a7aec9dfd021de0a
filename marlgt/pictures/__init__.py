"""Pictures of games and their answers, drawn on matplotlib axes that the caller gives, and of flights, in files."""

from marlgt._lazy import attach

_EXPORTS = {
    "animate_flight": "marlgt.pictures.flight_animation",
    "draw_best_replies": "marlgt.pictures.diagrams",
    "draw_convergence": "marlgt.pictures.convergence",
    "draw_flight": "marlgt.pictures.flights",
    "draw_flight_over_time": "marlgt.pictures.flights",
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
    "write_flight_replay": "marlgt.pictures.flight_replay",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
