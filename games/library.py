"""The catalogue as a whole: find a game by its name, list all of them, and read one from a file."""

from __future__ import annotations

import difflib
import functools
import importlib
import os

from marlgt.errors import GameError
from marlgt.games import _EXPORTS
from marlgt.games._arrays import short
from marlgt.games._catalogue import CatalogueEntry, described, is_listed
from marlgt.games.action_graph_games import ActionGraphGame, BayesianActionGraphGame
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["CatalogueEntry", "catalogue", "load", "read"]

TOPICS = (
    "classic",
    "coordination",
    "cyclic",
    "cyclic_polytopes",
    "degenerate",
    "economic",
    "laboratory",
    "n_player",
    "n_player_benchmarks",
    "poker",
    "reasoning",
    "zero_sum",
)
"""The modules of normal-form games in the catalogue; each game that they export takes no required argument."""

PACKAGES = ("markov", "trees")
"""The packages of stochastic and of extensive games in the catalogue."""


_TABLES = frozenset(f"marlgt.games.{topic}" for topic in TOPICS)
_OTHERS = tuple(f"marlgt.games.{package}." for package in PACKAGES)


def _is_game(name: str) -> bool:
    """Tell whether a public name is a catalogue game; of the modules of games only its own is imported."""
    module = _EXPORTS.get(name, "")
    return module in _TABLES or (module.startswith(_OTHERS) and is_listed(importlib.import_module(module), name))


@functools.cache
def _names() -> tuple[str, ...]:
    return tuple(name for name in _EXPORTS if _is_game(name))


def load(name: str) -> NormalFormGame | StochasticGame | ExtensiveGame:
    """Return a catalogue game at the default values of its parameters.

    To set them call the game's own function: ``marlgt.games.prisoners_dilemma(temptation=7)``.

    Parameters
    ----------
    name : str
        The name of the function; spaces and hyphens count as underscores, capitals as small letters.

    Raises
    ------
    GameError
        If there is no such game; the message names the nearest ones.

    Examples
    --------
    >>> load("stag hunt").n_actions
    (2, 2)
    >>> load("kuhn poker").n_infosets
    (6, 6)
    """
    if not isinstance(name, str):
        raise GameError(f"name must be the name of a catalogue game, got {short(name)}")
    wanted = name.strip().lower().replace("'", "").replace(" ", "_").replace("-", "_")
    if not _is_game(wanted):
        near = difflib.get_close_matches(wanted, _names(), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "marlgt.games.catalogue() lists them"
        raise GameError(f"there is no game {name!r} in the catalogue: {hint}")
    game: NormalFormGame | StochasticGame | ExtensiveGame = getattr(importlib.import_module(_EXPORTS[wanted]), wanted)()
    return game


@functools.cache
def catalogue() -> tuple[CatalogueEntry, ...]:
    """Return what is known of every catalogue game, in alphabetical order.

    Examples
    --------
    >>> entry = next(entry for entry in catalogue() if entry.name == "matching_pennies")
    >>> entry.n_actions, entry.count, entry.equilibria[0][0]
    ((2, 2), 1, (Fraction(1, 2), Fraction(1, 2)))
    """
    names = _names()
    for name in names:
        importlib.import_module(_EXPORTS[name])
    return tuple(described(name) for name in sorted(names))


def read(
    path: str | os.PathLike[str],
) -> NormalFormGame | ExtensiveGame | StochasticGame | ActionGraphGame | BayesianActionGraphGame:
    """Read a game from a file, its format told by the ending of the name, or else by its first word.

    Parameters
    ----------
    path : path
        Of a ``.nfg``, ``.efg``, ``.agg``, ``.bagg`` or ``.gbt`` file (Gambit's formats) or a ``.json`` file (see
        :mod:`marlgt.games.files.json_form`).

    Returns
    -------
    NormalFormGame
        From ``.nfg``, and where ``.gbt`` or ``.json`` hold one.
    ExtensiveGame
        From ``.efg``, and where ``.gbt`` or ``.json`` hold one. The profiles of a ``.gbt`` file gives
        :func:`marlgt.games.files.gbt.read_gbt`.
    StochasticGame
        Where ``.json`` holds one.
    ActionGraphGame, BayesianActionGraphGame
        From ``.agg`` and ``.bagg``; their ``normal_form()`` is what solvers take.

    Raises
    ------
    GameError
        For another ending and a first word of no format, or a path that is no regular file.
    ParseError
        For a file that does not follow its format.
    OSError
        If the file is not there or may not be read.
    """
    from marlgt.games._doors import require_path
    from marlgt.games.files.formats import read_game_file

    require_path(path, "path")
    return read_game_file(path)
