"""What is played: the types of games, the catalogue, random families and files.

A game is data, immutable, with its axes in player order. What a good outcome is stands in
:mod:`marlgt.concepts`; how to find one stands in :mod:`marlgt.solvers`.
"""

if __name__ != "marlgt.games":
    raise ImportError("write `import marlgt.games` (or `from marlgt import games`), not `import games`")

from marlgt._lazy import attach

_EXPORTS = {
    "NormalFormGame": "marlgt.games.normal_form",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
