"""The bridge to Nashpy: its two-player games as normal-form games, and back."""

from __future__ import annotations

from typing import Any

from marlgt.errors import GameError, MissingDependency, UnsupportedGame
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame

__all__ = ["from_nashpy", "to_nashpy"]


def from_nashpy(game: Any) -> NormalFormGame:
    """Return a ``nashpy.Game`` as a normal-form game; integer matrices stay exact.

    Parameters
    ----------
    game : nashpy.Game

    Raises
    ------
    GameError
        If it is no ``nashpy.Game``, or one built without matrices or with payoffs that are not finite.
    """
    matrices = getattr(game, "payoff_matrices", None)
    if not isinstance(matrices, tuple) or len(matrices) != 2:
        raise GameError(f"game must be a nashpy.Game with two payoff matrices, got {game!r}")
    return NormalFormGame.bimatrix(*matrices)


def to_nashpy(game: NormalFormGame) -> Any:
    """Return a two-player game as a ``nashpy.Game`` of float64 matrices, labels lost.

    Parameters
    ----------
    game : NormalFormGame

    Returns
    -------
    nashpy.Game

    Raises
    ------
    UnsupportedGame
        If the players are not two.
    MissingDependency
        If nashpy is not installed.
    """
    require_game(game)
    if game.n_players != 2:
        raise UnsupportedGame(f"nashpy games have two players, this one has {game.n_players}: use to_openspiel(game)")
    try:
        import nashpy
    except ImportError as error:
        raise MissingDependency("the bridge to Nashpy", package="nashpy", extra="games") from error
    return nashpy.Game(game.payoffs[0].copy(), game.payoffs[1].copy())
