"""The bridge to OpenSpiel: its one-shot games as normal-form games, and back."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError, MissingDependency, UnsupportedGame
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame

__all__ = ["from_openspiel", "to_openspiel"]

MAX_PAYOFFS = 1_000_000
"""Players times profiles that a conversion may ask for by default."""

_MAX_NODES = 20_000
"""Histories of a sequential game that are visited to count its strategies."""


def from_openspiel(game: Any, *, normal_form: bool = False, max_payoffs: int = MAX_PAYOFFS) -> NormalFormGame:
    """Return a pyspiel game as a normal-form game, payoffs that are all whole numbers exactly.

    Parameters
    ----------
    game : pyspiel.Game or str
        A game, or a name that ``pyspiel.load_game`` takes, such as ``"matrix_pd"`` or
        ``"blotto(coins=5,fields=3)"``.
    normal_form : bool
        Whether to convert a small game of several moves too: its strategies are then the choices of
        one action for every information state, which are exponentially many.
    max_payoffs : int
        Players times profiles that the conversion may ask for.

    Raises
    ------
    MissingDependency
        If open_spiel is not installed.
    GameError
        If pyspiel knows no such game.
    UnsupportedGame
        For a game of several moves, unless ``normal_form`` is true.
    BudgetExceeded
        If the normal form is larger than ``max_payoffs``.
    """
    pyspiel = _pyspiel()
    if isinstance(game, str):
        try:
            game = pyspiel.load_game(game)
        except pyspiel.SpielError as error:
            raise GameError(f"pyspiel cannot load {game!r}: {_first_sentence(error)}") from error
    elif not isinstance(game, pyspiel.Game):
        raise GameError(f"game must be a pyspiel.Game or the name of one, got {game!r}")
    kind = game.get_type()
    if kind.information != pyspiel.GameType.Information.ONE_SHOT:
        if not normal_form:
            raise UnsupportedGame(
                f"{kind.short_name} is a game of several moves, which this reads only as the table of its strategies: "
                "say from_openspiel(game, normal_form=True), for small games"
            )
        game = _tensor_game(pyspiel, game, max_payoffs)
    return _one_shot(pyspiel, game, kind.long_name, max_payoffs)


def to_openspiel(game: NormalFormGame) -> Any:
    """Return the game as a pyspiel matrix game, or a tensor game where the players are not two.

    The payoffs become float64 and the names of the players are lost; the labels of actions and the
    title are kept.

    Parameters
    ----------
    game : NormalFormGame

    Returns
    -------
    pyspiel.MatrixGame or pyspiel.TensorGame

    Raises
    ------
    MissingDependency
        If open_spiel is not installed.
    """
    require_game(game)
    pyspiel = _pyspiel()
    title = game.title or "normal-form game"
    actions = [list(labels) for labels in game.actions]
    if game.n_players == 2:
        return pyspiel.create_matrix_game("marlgt", title, *actions, game.payoffs[0].tolist(), game.payoffs[1].tolist())
    return pyspiel.create_tensor_game("marlgt", title, actions, game.payoffs.reshape(game.n_players, -1).tolist())


def _pyspiel() -> Any:
    try:
        import pyspiel
    except ImportError as error:
        raise MissingDependency("the bridge to OpenSpiel", package="open_spiel", extra="games") from error
    return pyspiel


def _first_sentence(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]


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


def _tensor_game(pyspiel: Any, game: Any, max_payoffs: int) -> Any:
    """Return the game of pure strategies, its size counted before it is built."""
    name = game.get_type().short_name
    if game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
        game = pyspiel.convert_to_turn_based(game)
    elif game.get_type().dynamics != pyspiel.GameType.Dynamics.SEQUENTIAL:
        raise UnsupportedGame(f"{name} is neither simultaneous nor sequential: it has no normal form here")
    choices: list[dict[str, int]] = [{} for _ in range(game.num_players())]
    stack = [game.new_initial_state()]
    visited = 0
    while stack:
        state = stack.pop()
        visited += 1
        if visited > _MAX_NODES:
            raise BudgetExceeded(
                f"{name} has more than {_MAX_NODES} histories, so its normal form is far beyond "
                f"max_payoffs={max_payoffs}: give a smaller game",
                estimate=float(10**300),
                limit=float(max_payoffs),
            )
        if state.is_terminal():
            continue
        if not state.is_chance_node():
            player = state.current_player()
            choices[player][state.information_state_string(player)] = len(state.legal_actions())
        stack.extend(state.child(action) for action in state.legal_actions())
    _check_size(name, [math.prod(sets.values()) for sets in choices], max_payoffs)
    return pyspiel.extensive_to_tensor_game(game)
