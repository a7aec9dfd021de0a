"""The bridge to OpenSpiel: its finite games as normal-form and extensive games, and ours as games of pyspiel."""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole
from marlgt.games._openspiel_tree import efg_text, exported, load_pyspiel, loaded, turn_based
from marlgt.games.extensive import MAX_NODES, ExtensiveGame
from marlgt.games.normal_form import NormalFormGame

__all__ = ["from_openspiel", "to_openspiel"]

MAX_PAYOFFS = 1_000_000
"""Players times profiles that a conversion may ask for by default."""

_DEEPEST = 10_000
"""Depth of a tree that pyspiel's reader of efg text, which recurs, takes safely."""


@overload
def from_openspiel(
    game: Any, *, normal_form: Literal[True], max_nodes: int = ..., max_payoffs: int = ...
) -> NormalFormGame: ...


@overload
def from_openspiel(
    game: Any, *, normal_form: bool = ..., max_nodes: int = ..., max_payoffs: int = ...
) -> NormalFormGame | ExtensiveGame: ...


def from_openspiel(
    game: Any, *, normal_form: bool = False, max_nodes: int = MAX_NODES, max_payoffs: int = MAX_PAYOFFS
) -> NormalFormGame | ExtensiveGame:
    """Return a finite pyspiel game: a one-shot game in normal form, a game of several moves in extensive form.

    Simultaneous moves of a longer game are made in turn, unseen, as by ``pyspiel.convert_to_turn_based``. The
    information sets are OpenSpiel's information states, in whose strings they are labelled. Payoffs and probabilities
    that are small fractions are restored exactly: Kuhn poker, Leduc poker and liar's dice become exact games.

    Parameters
    ----------
    game : pyspiel.Game or str
        A game, or a name that ``pyspiel.load_game`` takes, such as ``"matrix_pd"`` or
        ``"liars_dice(dice_sides=4)"``.
    normal_form : bool
        Whether to convert a small game of several moves to normal form too: its strategies are then the choices of
        one action for every information state, which are exponentially many.
    max_nodes : int
        Most nodes of the tree.
    max_payoffs : int
        Most players times profiles of a normal form.

    Raises
    ------
    MissingDependency
        If open_spiel is not installed.
    GameError
        If pyspiel knows no such game.
    UnsupportedGame
        For a game that lists neither its chance moves nor what players know, or of a mean field.
    BudgetExceeded
        If the game is larger than ``max_nodes`` or ``max_payoffs``.
    """
    pyspiel, game = loaded(game)
    require_whole(max_nodes, "max_nodes", least=1)
    kind = game.get_type()
    if kind.information == pyspiel.GameType.Information.ONE_SHOT:
        return _one_shot(pyspiel, game, kind.long_name, max_payoffs)
    tree = exported(pyspiel, turn_based(pyspiel, game), max_nodes)
    if not normal_form:
        return tree
    from marlgt.games.strategic_form import strategic_form

    return strategic_form(tree, reduced=False, max_payoffs=max_payoffs)


def to_openspiel(game: NormalFormGame | ExtensiveGame) -> Any:
    """Return a game as one of pyspiel's: a matrix or tensor game, or the efg game of a tree.

    Numbers become float64. The labels of actions and the title are kept; those of a tree only where OpenSpiel, which
    sorts the actions of a node by the first appearance of their labels in the whole tree, keeps their order.
    Outcomes inside the tree are paid at its ends.

    Parameters
    ----------
    game : NormalFormGame or ExtensiveGame

    Returns
    -------
    pyspiel.MatrixGame, pyspiel.TensorGame or pyspiel.EFGGame

    Raises
    ------
    MissingDependency
        If open_spiel is not installed.
    UnsupportedGame
        For a tree deeper than pyspiel's reader takes.
    """
    if isinstance(game, ExtensiveGame):
        return _efg_game(game)
    if not isinstance(game, NormalFormGame):
        raise GameError(f"game is {short(game)}: give a NormalFormGame or an ExtensiveGame")
    pyspiel = load_pyspiel()
    title = game.title or "normal-form game"
    actions = [list(labels) for labels in game.actions]
    if game.n_players == 2:
        return pyspiel.create_matrix_game("marlgt", title, *actions, game.payoffs[0].tolist(), game.payoffs[1].tolist())
    return pyspiel.create_tensor_game("marlgt", title, actions, game.payoffs.reshape(game.n_players, -1).tolist())


def _efg_game(game: ExtensiveGame) -> Any:
    pyspiel = load_pyspiel()
    if int(game.depth.max()) > _DEEPEST:
        raise UnsupportedGame(
            f"the tree is {int(game.depth.max())} moves deep and pyspiel's reader recurs, safely to {_DEEPEST}: "
            "give a game with shorter plays"
        )
    return pyspiel.load_efg_game(efg_text(game))


def _check_size(name: str, counts: list[int], max_payoffs: int) -> None:
    asked = len(counts) * math.prod(counts)
    if asked > max_payoffs:
        size = f"{asked:.3g}" if asked < 10**300 else "more than 1e300"
        raise BudgetExceeded(
            f"the normal form of {name} has {size} payoffs, more than max_payoffs={max_payoffs}: "
            "raise it, or give a smaller game",
            estimate=float(min(asked, 10**300)),
            limit=float(max_payoffs),
        )


def _one_shot(pyspiel: Any, game: Any, title: str, max_payoffs: int) -> NormalFormGame:
    """Play every joint action of a one-shot game once."""
    state = game.new_initial_state()
    n = game.num_players()
    legal = [state.legal_actions(i) for i in range(n)]
    _check_size(title, [len(actions) for actions in legal], max_payoffs)
    actions = [[state.action_to_string(i, a) for a in legal[i]] for i in range(n)]
    if isinstance(game, pyspiel.MatrixGame):
        payoffs = np.stack([game.row_utilities(), game.col_utilities()])
    elif isinstance(game, pyspiel.TensorGame):
        payoffs = np.stack([np.reshape(game.player_utilities(i), game.shape()) for i in range(n)])
    else:
        payoffs = np.empty((n, *map(len, legal)))
        for profile in itertools.product(*(range(len(choices)) for choices in legal)):
            after = state.clone()
            after.apply_actions([legal[i][a] for i, a in enumerate(profile)])
            payoffs.reshape(n, -1)[:, np.ravel_multi_index(profile, payoffs.shape[1:])] = _expected_returns(after, n)
    whole = np.abs(payoffs).max() < 2**53 and bool((payoffs == np.rint(payoffs)).all())
    return NormalFormGame(payoffs.astype(np.int64) if whole else payoffs, actions=actions, title=title)


def _expected_returns(state: Any, n: int) -> NDArray[np.float64]:
    if state.is_terminal():
        return np.array(state.returns(), dtype=np.float64)
    if not state.is_chance_node():
        raise UnsupportedGame("the game calls itself one-shot but goes on after every player has moved")
    total = np.zeros(n)
    for action, probability in state.chance_outcomes():
        total += probability * _expected_returns(state.child(action), n)
    return total
