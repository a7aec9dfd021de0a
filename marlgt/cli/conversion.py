"""A game in the form that ``marlgt convert`` was asked for."""

from __future__ import annotations

from marlgt.errors import UnsupportedGame
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame
from marlgt.solvers.methods import Game

__all__ = ["converted"]


def converted(game: Game, to: str | None) -> str:
    """Return a game as text.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or ExtensiveGame
    to : {"nfg", "efg", "json", "html", "latex", "text"}, optional
        By default ``"nfg"``, ``"json"`` and ``"efg"``, by the kind of game.

    Raises
    ------
    UnsupportedGame
        If the game has no such form.
    """
    from marlgt.games.display import as_html, as_latex, as_text
    from marlgt.games.files.json_form import format_json

    if isinstance(game, StochasticGame):
        if to not in (None, "json"):
            raise UnsupportedGame(f"a stochastic game has no form {to!r}: use --to json")
        return format_json(game)
    if to == "json":
        return format_json(game)
    if to == "efg" or (to is None and isinstance(game, ExtensiveGame)):
        return (game if isinstance(game, ExtensiveGame) else ExtensiveGame.from_normal_form(game)).to_efg()
    table = game if isinstance(game, NormalFormGame) else game.normal_form()
    writers = {"html": as_html, "latex": as_latex, "text": as_text}
    return writers[to](table) if to in writers else table.to_nfg()
