"""Rationalizable actions: those that common knowledge of rationality allows.

With two players they are the actions that survive the iterated elimination of actions strictly
dominated by mixed strategies (Bernheim 1984; Pearce 1984), because an action is a best reply to some
belief exactly when nothing dominates it strictly. With more players that equivalence needs beliefs in
which the others' choices may be correlated, and the actions given are the correlated-rationalizable
ones, a superset of those rationalizable by independent beliefs.

References
----------
Bernheim, B. D. (1984). Rationalizable strategic behavior. Econometrica 52, 1007-1028.
Pearce, D. G. (1984). Rationalizable strategic behavior and the problem of perfection. Econometrica 52,
1029-1050.
"""

from __future__ import annotations

from marlgt.concepts.elimination import iterated_elimination
from marlgt.games._comparable import checked_player
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame

__all__ = ["is_rationalizable", "rationalizable_actions"]


def rationalizable_actions(game: NormalFormGame, *, tolerance: float = 1e-9) -> tuple[tuple[int, ...], ...]:
    """Return each player's rationalizable actions; beliefs may be correlated where n > 2.

    Parameters
    ----------
    game : NormalFormGame
    tolerance : float
        As in :func:`marlgt.concepts.iterated_elimination`.

    Examples
    --------
    >>> import marlgt as gt
    >>> rationalizable_actions(gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]]))
    ((1,), (1,))
    """
    require_game(game)
    return iterated_elimination(game, strict=True, by_mixed=True, tolerance=tolerance).actions


def is_rationalizable(game: NormalFormGame, player: int, action: int, *, tolerance: float = 1e-9) -> bool:
    """Tell whether an action of a player is rationalizable."""
    require_game(game)
    return action in rationalizable_actions(game, tolerance=tolerance)[checked_player(game, player)]
