"""What searches return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MonteCarloResult", "SearchResult"]


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


@dataclass(frozen=True)
class MonteCarloResult:
    """What sampling says about the moves at a position.

    Attributes
    ----------
    actions : tuple
        The moves of the player who is to move.
    visits : ndarray of int, shape (A,)
        How often each was tried.
    values : ndarray, shape (n, A)
        The mean payoff of each player after each move, nan where it was never tried.
    policy : ndarray, shape (A,)
        In proportion to ``visits ** (1 / temperature)``.
    action : object
        The move to play: the most visited, the first among ties; where the position is solved, a best one.
    principal_variation : tuple
        The most visited line, up to a move of chance or an unvisited move.
    player : int
        Who is to move.
    simulations : int
    nodes : int
        Positions, or information sets, of which statistics are kept.
    solution : ndarray, shape (n,), or None
        What the players get with best play, where the search has proved it.
    method : str
    seconds : float
    """

    actions: tuple[Any, ...]
    visits: NDArray[np.int64]
    values: NDArray[np.float64]
    policy: NDArray[np.float64]
    action: Any
    principal_variation: tuple[Any, ...]
    player: int
    simulations: int
    nodes: int
    solution: NDArray[np.float64] | None
    method: str
    seconds: float
