"""What is played: the types of games, the catalogue, random families and files.

A game is data, immutable, with its axes in player order. What a good outcome is stands in
:mod:`marlgt.concepts`; how to find one stands in :mod:`marlgt.solvers`.
"""

if __name__ != "marlgt.games":
    raise ImportError("write `import marlgt.games` (or `from marlgt import games`), not `import games`")

from marlgt._lazy import attach

_EXPORTS = {
    "NormalFormGame": "marlgt.games.normal_form",
    "from_nashpy": "marlgt.games.nashpy_bridge",
    "from_openspiel": "marlgt.games.openspiel",
    "has_finite_improvement_property": "marlgt.games.structure",
    "is_common_interest": "marlgt.games.structure",
    "is_constant_sum": "marlgt.games.structure",
    "is_ordinal_potential": "marlgt.games.structure",
    "is_potential": "marlgt.games.structure",
    "is_symmetric": "marlgt.games.structure",
    "is_zero_sum": "marlgt.games.structure",
    "potential": "marlgt.games.structure",
    "to_nashpy": "marlgt.games.nashpy_bridge",
    "to_openspiel": "marlgt.games.openspiel",
    "weighted_potential": "marlgt.games.structure",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
