"""Solvers: they know the whole game and return certified answers, each under its published name."""

from marlgt._lazy import attach

_EXPORTS = {
    "LogitPath": "marlgt.solvers.homotopy",
    "NashSubset": "marlgt.solvers.components",
    "all_isolated_equilibria": "marlgt.solvers.polynomial",
    "coarse_correlated_equilibrium": "marlgt.solvers.correlated",
    "correlated_equilibrium": "marlgt.solvers.correlated",
    "exact_equilibrium": "marlgt.solvers.exact",
    "fairness_optimal": "marlgt.solvers.efficiency",
    "is_degenerate": "marlgt.solvers.degeneracy",
    "iterated_polymatrix": "marlgt.solvers.polymatrix",
    "lemke_howson": "marlgt.solvers.pivoting",
    "lemke_howson_all_labels": "marlgt.solvers.pivoting",
    "lemke_howson_race": "marlgt.solvers.pivoting",
    "logit": "marlgt.solvers.homotopy",
    "logit_path": "marlgt.solvers.homotopy",
    "maxmin_fair": "marlgt.solvers.efficiency",
    "nash_subsets": "marlgt.solvers.components",
    "newton_polish": "marlgt.solvers.newton",
    "pareto_optimal": "marlgt.solvers.efficiency",
    "pure_equilibria": "marlgt.solvers.pure",
    "quantal_response": "marlgt.solvers.homotopy",
    "solve": "marlgt.solvers.selection",
    "support_enumeration": "marlgt.solvers.supports",
    "vertex_enumeration": "marlgt.solvers.vertices",
    "welfare_optimal": "marlgt.solvers.efficiency",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
