"""The strategies for extensive games draw what they say, and their counterexamples are small."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.games import CHANCE, TERMINAL, ExtensiveGame
from marlgt.games.sequence_form import checked_behavior
from marlgt.testing import (
    TREE_KINDS,
    behavior_profiles,
    extensive_games,
    forgetful_games,
    imperfect_information_games,
    perfect_information_games,
    simultaneous_games,
    zero_sum_extensive_games,
)

QUICK = settings(max_examples=40, deadline=None, database=None, derandomize=True)
MANY = settings(max_examples=1000, deadline=None, database=None)


def smallest(strategy, condition=lambda drawn: True):
    return find(strategy, condition, settings=MANY, random=Random(0))


@pytest.mark.parametrize("kind", TREE_KINDS.values(), ids=TREE_KINDS)
@settings(QUICK, max_examples=20)
@given(data=st.data())
def test_a_game_keeps_the_sizes_and_the_exactness_asked_for(kind, data):
    exact = data.draw(st.booleans())
    game = data.draw(kind(n_players=range(1, 3), max_actions=2, max_depth=3, exact=exact))
    assert game.n_players in (1, 2)
    assert game.depth.max() <= 3
    assert np.diff(game.first_child).max() <= 2
    assert game.is_exact == exact
    assert game.has_perfect_recall


@QUICK
@given(perfect_information_games())
def test_perfect_information_leaves_no_two_nodes_in_one_set(game):
    assert game.has_perfect_information


@QUICK
@given(zero_sum_extensive_games(n_players=range(1, 4)))
def test_payoffs_of_zero_sum_games_sum_to_exactly_zero(game):
    assert (game.terminal_payoffs.sum(axis=0) == 0).all()


@QUICK
@given(simultaneous_games())
def test_players_of_simultaneous_games_have_one_information_set_each(game):
    assert game.n_infosets == (1,) * game.n_players


@QUICK
@given(forgetful_games(max_actions=2, max_depth=3))
def test_forgetful_games_have_no_perfect_recall(game):
    assert not game.has_perfect_recall


@QUICK
@given(data=st.data())
def test_behavior_profiles_fit_their_game(data):
    game = data.draw(extensive_games())
    profile = data.draw(behavior_profiles(game))
    assert len(checked_behavior(game, profile)) == game.n_players


WANTED = {
    "an information set of two nodes": lambda g: not g.has_perfect_information,
    "a chance move": lambda g: (g.player == CHANCE).any(),
    "a chance move of probability zero": lambda g: (g.probability == 0).any(),
    "an outcome at an inner node": lambda g: ((g.outcome >= 0) & (g.player != TERMINAL)).any(),
    "a player who never moves": lambda g: 0 in g.n_infosets and max(g.n_infosets) > 0,
    "a node with one action": lambda g: any((sets.n_actions == 1).any() for sets in g.infosets),
    "different payoffs": lambda g: (g.payoff_range > 0).all(),
    "a tie among different payoffs": lambda g: any(2 < len(set(row)) < len(row) for row in g.terminal_payoffs.tolist()),
    "floats": lambda g: not g.is_exact,
    "fractions": lambda g: (g.outcomes % 1 != 0).any() and g.is_exact,
    "a deep tree": lambda g: g.depth.max() == 4,
}


@pytest.fixture(scope="module")
def drawn():
    games = []

    @settings(max_examples=250, deadline=None, database=None, derandomize=True)
    @given(extensive_games())
    def look(game):
        games.append(game)

    look()
    return games


@pytest.mark.parametrize("wanted", WANTED.values(), ids=WANTED)
def test_the_draws_hold(wanted, drawn):
    assert sum(bool(wanted(game)) for game in drawn) >= 3


def test_games_shrink_to_a_single_node_with_payoffs_of_zero():
    game = smallest(extensive_games())
    assert game.n_nodes == game.n_players == 1
    assert not game.terminal_payoffs.any()


def test_a_hidden_choice_shrinks_to_a_tree_of_seven_nodes():
    games = imperfect_information_games(n_players=2, max_depth=2)
    game = smallest(games, lambda g: not g.has_perfect_information and (g.infosets[1].n_actions > 1).any())
    assert game.n_nodes == 7


def test_from_type_draws_extensive_games():
    assert smallest(st.from_type(ExtensiveGame)).n_nodes == 1


def test_bad_sizes_and_kinds_are_refused():
    with pytest.raises(GameError, match="max_depth is 0: give a whole number from 1"):
        extensive_games(max_depth=0)
    with pytest.raises(GameError, match="max_actions is True"):
        perfect_information_games(max_actions=True)
    with pytest.raises(GameError, match=r"kinds is \[\]: list functions such as marlgt.testing.perfect"):
        extensive_games(kinds=[])
