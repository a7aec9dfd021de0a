"""Subgames are what their definition says, and regrets in them agree with those of the subgame as a game of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.concepts import is_subgame_perfect, regrets, subgame_regrets, subgame_roots
from marlgt.concepts.subgames import move_probabilities, subgame_worth
from marlgt.errors import GameError, ProfileError, UnsupportedGame
from marlgt.games import TERMINAL, ExtensiveGame, TreeBuilder
from marlgt.testing import behavior_profiles, extensive_games, forgetful_games, perfect_information_games


def nodes_below(game, root):
    below = {root}
    for v in range(root + 1, game.n_nodes):
        if int(game.parent[v]) in below:
            below.add(v)
    return sorted(below)


def is_closed(game, root):
    below = set(nodes_below(game, root))
    sets = {(int(game.player[v]), int(game.infoset[v])) for v in below if game.player[v] >= 0}
    return all(
        (v in below) == ((int(game.player[v]), int(game.infoset[v])) in sets)
        for v in range(game.n_nodes)
        if game.player[v] >= 0
    )


def as_game_of_its_own(game, root, profile):
    """Return the subtree as a game, and the part of the profile that concerns it."""
    below = nodes_below(game, root)
    place = {v: k for k, v in enumerate(below)}
    payoffs = dict(zip(game.terminals.tolist(), game.terminal_payoffs.T))
    ends = [v for v in below if game.player[v] == TERMINAL]
    outcome = [ends.index(v) if v in ends else -1 for v in below]
    subgame = ExtensiveGame(
        [-1, *(place[int(game.parent[v])] for v in below[1:])],
        [-1, *game.action[below[1:]].tolist()],
        game.player[below],
        np.maximum(game.infoset[below], 0),
        outcome,
        np.array([payoffs[v] for v in ends]).T,
        probability=game.probability[below],
    )
    policies = []
    for i in range(game.n_players):
        own = [v for v in below if game.player[v] == i]
        kept = np.array(list(dict.fromkeys(game.infoset[own].tolist())), dtype=int)
        width = subgame.infosets[i].most_actions
        policies.append(np.asarray(profile[i])[kept][:, :width].reshape(len(kept), width))
    return subgame, policies


@settings(max_examples=60)
@given(extensive_games())
def test_roots_are_the_inner_nodes_that_cut_no_information_set(game):
    expected = [v for v in range(game.n_nodes) if (game.player[v] != TERMINAL or v == 0) and is_closed(game, v)]
    assert subgame_roots(game).tolist() == expected


@settings(max_examples=60)
@given(perfect_information_games())
def test_with_perfect_information_every_inner_node_begins_a_subgame(game):
    assert len(subgame_roots(game)) == max(1, int((game.player != TERMINAL).sum()))


@settings(max_examples=60)
@given(data=st.data())
def test_regrets_agree_with_those_of_each_subgame_as_a_game_of_its_own(data):
    game = data.draw(extensive_games())
    profile = data.draw(behavior_profiles(game))
    gains = subgame_regrets(game, profile)
    for k, root in enumerate(subgame_roots(game).tolist()):
        own = as_game_of_its_own(game, root, profile)
        # A subtree has no labels of players who never move there, so it may list fewer of them.
        np.testing.assert_allclose(gains[: own[0].n_players, k], regrets(*own), atol=1e-9)


@settings(max_examples=40)
@given(data=st.data())
def test_the_first_regret_is_that_of_the_game(data):
    game = data.draw(extensive_games())
    profile = data.draw(behavior_profiles(game))
    np.testing.assert_allclose(subgame_regrets(game, profile)[:, 0], regrets(game, profile), atol=1e-9)


@settings(max_examples=30)
@given(data=st.data())
def test_fractions_give_the_same_worth_as_floats(data):
    game = data.draw(extensive_games(exact=True))
    profile = game.uniform_profile()
    moves = move_probabilities(game, profile, game.probability)
    exact_moves = move_probabilities(game, [p.astype(object) for p in profile], game.exact_probability)
    floats = subgame_worth(game, moves, game.terminal_payoffs, exact=False)
    exact = subgame_worth(game, exact_moves, game.exact_terminal_payoffs, exact=True)
    for one, other in zip(floats[1:], exact[1:]):
        np.testing.assert_allclose(one, other.astype(np.float64), atol=1e-9)


def seltens_horse_without_the_horse():
    """In or out, then Battle of the Sexes: (out, then a pair that is no equilibrium) is Nash but not perfect."""
    tree = TreeBuilder(["Ann", "Bob"])
    root = tree.decision(None, 0, "in or out", ["out", "in"])
    tree.terminal(root, [2, 2])
    inside = tree.decision(root, 0, "row", ["up", "down"])
    for payoffs in ([3, 1], [0, 0]), ([0, 0], [1, 3]):
        hidden = tree.decision(inside, 1, "column", ["left", "right"])
        for p in payoffs:
            tree.terminal(hidden, p)
    return tree.build()


def test_a_threat_that_is_not_credible_is_nash_but_not_subgame_perfect():
    game = seltens_horse_without_the_horse()
    threat = ([[1, 0], [0, 1]], [[1, 0]])
    assert regrets(game, threat).tolist() == [1, 0]
    threat = ([[1, 0], [1, 0]], [[0, 1]])
    assert regrets(game, threat).max() == 0
    assert not is_subgame_perfect(game, threat)
    assert subgame_regrets(game, threat).tolist() == [[0, 1], [0, 1]]


def test_a_large_tree_is_judged_in_the_compiled_gear_as_in_the_plain(monkeypatch):
    games = []

    @settings(max_examples=20, database=None)
    @given(extensive_games(n_players=2, max_actions=3))
    def draw(game):
        games.append(game)

    draw()
    plain = [subgame_regrets(game, game.uniform_profile()) for game in games]
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    for game, expected in zip(games, plain):
        np.testing.assert_allclose(subgame_regrets(game, game.uniform_profile()), expected, atol=1e-12)


def test_bad_input_is_refused():
    game = seltens_horse_without_the_horse()
    with pytest.raises(GameError, match="game is 3: give an ExtensiveGame"):
        subgame_roots(3)
    with pytest.raises(ProfileError, match="one policy for each of 2 players"):
        subgame_regrets(game, ([[1, 0], [1, 0]],))
    with pytest.raises(GameError, match="tolerance is -1"):
        is_subgame_perfect(game, game.uniform_profile(), tolerance=-1)


@settings(max_examples=5)
@given(forgetful_games(max_depth=3))
def test_players_who_forget_are_refused(game):
    with pytest.raises(UnsupportedGame, match="forgets at information set"):
        subgame_regrets(game, game.uniform_profile())
