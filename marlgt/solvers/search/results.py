"""What searches return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["SearchResult"]


@dataclass(frozen=True)
class SearchResult:
    """The value of a position and how it was found.

    Attributes
    ----------
    value : float
        What player 0 gets when both play best.
    action : object or None
        The first best action; None where chance moves or the game is over.
    principal_variation : tuple
        Best play from the position on, up to a move of chance, the depth limit or the end.
    nodes : int
        Positions visited, the first, terminal ones and those found in the table included.
    leaves : int
        Those of them that are terminal or were evaluated at the depth limit.
    states : int or None
        How many different states were visited, if that was asked for.
    cutoffs : int
        How often moves were left out.
    table_hits : int
        How often the table of transpositions had the answer.
    leaf_values : tuple of float, or None
        The values of the leaves in the order of their visit, if that was asked for.
    method : str
    seconds : float
    """

    value: float
    action: Any
    principal_variation: tuple[Any, ...]
    nodes: int
    leaves: int
    states: int | None
    cutoffs: int
    table_hits: int
    leaf_values: tuple[float, ...] | None
    method: str
    seconds: float
