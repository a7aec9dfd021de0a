"""Payoffs as they are to be compared: exactly where they were given exactly, else within rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError

if TYPE_CHECKING:
    from marlgt.games.normal_form import NormalFormGame

__all__ = ["checked_player", "comparable_payoffs", "slack_of"]

_SUMS_STAY_EXACT = 2**52


class HasPlayers(Protocol):
    """A game of any kind."""

    @property
    def n_players(self) -> int:
        """The number of players."""
        ...


def comparable_payoffs(game: NormalFormGame) -> NDArray[Any]:
    """Return the payoffs in an arithmetic in which sums and differences lose as little as possible.

    Returns
    -------
    ndarray, shape (n, A_1, ..., A_n)
        int64, or object ndarray of int and Fraction, for an exact game; else float64.
    """
    exact = game._exact
    if exact is None:
        return game.payoffs
    if exact.dtype == object or np.abs(game.payoffs).max() < _SUMS_STAY_EXACT:
        return exact
    return exact.astype(object)


def slack_of(game: NormalFormGame, tolerance: float, *, player: int | None = None) -> float:
    """Return how far two payoffs may lie apart and still count as equal: 0 in an exact game.

    It is ``tolerance`` times the payoff range of the player, plus the rounding of her payoffs; without a
    player, what compares sums over all players: the largest of both.
    """
    if game.is_exact:
        return 0  # not 0.0, which turns the fractions it is subtracted from into floats
    payoffs, ranges = (
        (game.payoffs, game.payoff_range) if player is None else (game.payoffs[player], game.payoff_range[player])
    )
    rounding = 8.0 * np.finfo(np.float64).eps * np.abs(payoffs).max()
    return float(tolerance * np.max(ranges) + rounding)


def checked_player(game: HasPlayers, player: int, name: str = "player") -> int:
    """Return the player's index.

    Raises
    ------
    GameError
        If it is not one of 0, ..., n - 1.
    """
    if isinstance(player, (int, np.integer)) and not isinstance(player, bool) and 0 <= player < game.n_players:
        return int(player)
    raise GameError(f"{name} is {player!r}: players are numbered from 0 to {game.n_players - 1}")
