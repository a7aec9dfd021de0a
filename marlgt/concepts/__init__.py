"""What a good outcome is: definitions, and checkers that decide whether an answer meets them."""

from marlgt._lazy import attach

_EXPORTS = {
    "cce_gap": "marlgt.concepts.regrets",
    "ce_gap": "marlgt.concepts.regrets",
    "exploitability": "marlgt.concepts.regrets",
    "nash_conv": "marlgt.concepts.regrets",
    "regrets": "marlgt.concepts.regrets",
    "swap_gains": "marlgt.concepts.regrets",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
