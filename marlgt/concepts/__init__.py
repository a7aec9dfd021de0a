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
    "exploitability": "marlgt.concepts.regrets",
    "is_dominance_solvable": "marlgt.concepts.elimination",
    "is_rationalizable": "marlgt.concepts.rationalizable",
    "iterated_elimination": "marlgt.concepts.elimination",
    "nash_conv": "marlgt.concepts.regrets",
    "rationalizable_actions": "marlgt.concepts.rationalizable",
    "regrets": "marlgt.concepts.regrets",
    "strictly_dominated": "marlgt.concepts.dominance",
    "swap_gains": "marlgt.concepts.regrets",
    "weakly_dominated": "marlgt.concepts.dominance",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
