"""Solvers: they know the whole game and return certified answers, each under its published name."""

from marlgt._lazy import attach

_EXPORTS = {
    "NashSubset": "marlgt.solvers.components",
    "exact_equilibrium": "marlgt.solvers.exact",
    "fairness_optimal": "marlgt.solvers.efficiency",
    "is_degenerate": "marlgt.solvers.degeneracy",
    "iterated_polymatrix": "marlgt.solvers.polymatrix",
    "lemke_howson": "marlgt.solvers.pivoting",
    "lemke_howson_all_labels": "marlgt.solvers.pivoting",
    "lemke_howson_race": "marlgt.solvers.pivoting",
    "maxmin_fair": "marlgt.solvers.efficiency",
    "nash_subsets": "marlgt.solvers.components",
    "newton_polish": "marlgt.solvers.newton",
    "pareto_optimal": "marlgt.solvers.efficiency",
    "pure_equilibria": "marlgt.solvers.pure",
    "solve": "marlgt.solvers.selection",
    "vertex_enumeration": "marlgt.solvers.vertices",
    "welfare_optimal": "marlgt.solvers.efficiency",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
