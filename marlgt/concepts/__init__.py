"""What a good outcome is: definitions, and checkers that decide whether an answer meets them."""

from marlgt._lazy import attach

_EXPORTS = {
    "Domination": "marlgt.concepts.dominance",
    "Elimination": "marlgt.concepts.elimination",
    "EliminationStep": "marlgt.concepts.elimination",
    "cce_gap": "marlgt.concepts.regrets",
    "ce_gap": "marlgt.concepts.regrets",
    "dominated_by": "marlgt.concepts.dominance",
    "dominating_strategy": "marlgt.concepts.dominance",
    "empirical_distribution": "marlgt.concepts.history",
    "exploitability": "marlgt.concepts.regrets",
    "external_regret": "marlgt.concepts.history",
    "fairness_shortfall": "marlgt.concepts.efficiency",
    "internal_regret": "marlgt.concepts.history",
    "is_coarse_correlated": "marlgt.concepts.correlated",
    "is_correlated": "marlgt.concepts.correlated",
    "is_dominance_solvable": "marlgt.concepts.elimination",
    "is_epsilon_nash": "marlgt.concepts.nash",
    "is_nash": "marlgt.concepts.nash",
    "is_pareto_optimal": "marlgt.concepts.efficiency",
    "is_pareto_optimal_pure": "marlgt.concepts.efficiency",
    "is_rationalizable": "marlgt.concepts.rationalizable",
    "iterated_elimination": "marlgt.concepts.elimination",
    "joint_distribution": "marlgt.concepts.correlated",
    "max_min_shortfall": "marlgt.concepts.efficiency",
    "nash_conv": "marlgt.concepts.regrets",
    "nash_product": "marlgt.concepts.efficiency",
    "pareto_frontier_pure": "marlgt.concepts.efficiency",
    "pareto_gain": "marlgt.concepts.efficiency",
    "pareto_shortfall": "marlgt.concepts.efficiency",
    "rationalizable_actions": "marlgt.concepts.rationalizable",
    "regrets": "marlgt.concepts.regrets",
    "strictly_dominated": "marlgt.concepts.dominance",
    "swap_gains": "marlgt.concepts.regrets",
    "weakly_dominated": "marlgt.concepts.dominance",
    "welfare": "marlgt.concepts.efficiency",
    "welfare_shortfall": "marlgt.concepts.efficiency",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
