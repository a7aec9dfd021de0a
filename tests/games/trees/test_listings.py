import importlib
import pkgutil
from fractions import Fraction

import pytest

import marlgt as gt
from marlgt.games import trees
from marlgt.games._catalogue import _LISTINGS

MODULES = [
    importlib.import_module(f"marlgt.games.trees.{found.name}") for found in pkgutil.iter_modules(trees.__path__)
]
LISTED = {name: found for name, found in _LISTINGS.items() if found.make.__module__.startswith("marlgt.games.trees.")}
SMALL = [name for name, found in LISTED.items() if found.size < 100_000]


def test_every_game_is_exported_and_every_function_listed():
    functions = {name for module in MODULES for name in module.__all__ if name.islower() and name in gt.games._EXPORTS}
    assert functions == set(LISTED)
    assert all(gt.games._EXPORTS[name] == found.make.__module__ for name, found in LISTED.items())
    assert len(LISTED) >= 25


@pytest.mark.parametrize("name", SMALL)
def test_the_facts_of_a_listing_are_true(name, value_of):
    found, game = LISTED[name], gt.games.load(name)
    assert (game.n_nodes, game.n_players) == (found.size, found.n_players)
    assert game.is_exact
    assert game.title
    assert all(sets.actions for sets in game.infosets if len(sets))
    if found.value is not None and game.n_players == 2 and game.is_constant_sum:
        assert value_of(game) == pytest.approx(float(found.value), abs=1e-9)
        assert isinstance(found.value, int | Fraction) or name == "leduc_poker"


def test_liars_dice_with_six_sides_is_openspiels(same_as_pyspiel):
    game = gt.games.liars_dice()
    assert game.n_nodes == LISTED["liars_dice"].size
    same_as_pyspiel(game, "liars_dice")
