import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.errors import BudgetExceeded, GameError, ProfileError, UnsupportedGame
from marlgt.games import (
    absent_minded_driver,
    behavior_to_mixed,
    kuhn_poker,
    leduc_poker,
    liars_dice,
    mixed_to_behavior,
    n_pure_strategies,
    pure_strategies,
    wichardt_2008,
)
from marlgt.testing import behavior_profiles, extensive_games, forgetful_games

SMALL = extensive_games(max_depth=3, n_players=st.integers(1, 3))


def reaches(game, player, strategy, node):
    """Whether a strategy makes every own move on the path to a node."""
    while node > 0:
        above = game.parent[node]
        if game.player[above] == player and strategy[game.infoset[above]] != game.action[node]:
            return False
        node = game.parent[node]
    return True


def by_definition(game, player):
    """The distinct strategies with -1 where no node of an information set is reached, in lexicographic order."""
    counts = game.infosets[player].n_actions.tolist()
    found = {}
    for strategy in itertools.product(*map(range, counts)):
        seen = {
            int(game.infoset[v]) for v in np.flatnonzero(game.player == player) if reaches(game, player, strategy, v)
        }
        found[tuple(a if j in seen else -1 for j, a in enumerate(strategy))] = None
    return list(found)


def plays(game, profile):
    """The probability of every end of the game under a behaviour profile."""
    chances = np.ones(game.n_nodes)
    for v in range(1, game.n_nodes):
        above, mover = game.parent[v], game.player[game.parent[v]]
        step = game.probability[v] if mover < 0 else profile[mover][game.infoset[above], game.action[v]]
        chances[v] = chances[above] * step
    return chances[game.terminals]


def mixed_plays(game, mixtures):
    """The probability of every end of the game under mixtures of pure strategies, by the definition."""
    lists = [pure_strategies(game, i) for i in range(game.n_players)]
    chances = game.chance_reach[game.terminals].copy()
    for i, (own, weights) in enumerate(zip(lists, mixtures)):
        for k, v in enumerate(game.terminals):
            chances[k] *= sum(w for w, strategy in zip(weights, own.tolist()) if reaches(game, i, strategy, v))
    return chances


@given(SMALL | forgetful_games(max_depth=3))
@settings(max_examples=60)
def test_reduced_strategies_are_those_that_play_differently(game):
    for i in range(game.n_players):
        if n_pure_strategies(game, i, reduced=False) <= 200:
            assert [tuple(row) for row in pure_strategies(game, i).tolist()] == by_definition(game, i)


@given(extensive_games())
@settings(max_examples=60)
def test_the_number_of_strategies_is_known_before_they_are_listed(game):
    for i in range(game.n_players):
        for reduced in (True, False):
            count = n_pure_strategies(game, i, reduced=reduced)
            if count <= 10_000:
                listed = pure_strategies(game, i, reduced=reduced)
                assert listed.shape == (count, game.n_infosets[i])
                assert [tuple(row) for row in listed.tolist()] == sorted(set(map(tuple, listed.tolist())))


def test_kuhn_poker_has_27_reduced_strategies_against_64():
    # Kuhn (1950): the first player has 3 plans for each of 3 cards, the second 4
    game = kuhn_poker()
    assert [len(pure_strategies(game, i)) for i in range(2)] == [27, 64]
    assert [len(pure_strategies(game, i, reduced=False)) for i in range(2)] == [64, 64]


def test_numbers_of_strategies_may_be_astronomical():
    assert n_pure_strategies(leduc_poker(), 0) > 10**40
    with pytest.raises(BudgetExceeded, match="pure strategies at 468 information sets, more than max_choices"):
        pure_strategies(leduc_poker(), 0)
    with pytest.raises(BudgetExceeded, match=r"player 1 has .* raise it, or use the sequence form") as caught:
        pure_strategies(liars_dice(sides=2), 1, max_choices=3)
    assert caught.value.limit == 3


@given(SMALL, st.data())
@settings(max_examples=60)
def test_behaviour_becomes_a_mixture_that_plays_alike_and_back(game, data):
    profile = data.draw(behavior_profiles(game))
    mixtures = behavior_to_mixed(game, profile)
    assert [weights.sum() for weights in mixtures] == pytest.approx([1] * game.n_players)
    assert mixed_plays(game, mixtures) == pytest.approx(plays(game, profile), abs=1e-12)
    assert plays(game, mixed_to_behavior(game, mixtures)) == pytest.approx(plays(game, profile), abs=1e-12)


@given(SMALL, st.integers(0, 2**32))
@settings(max_examples=60)
def test_every_mixture_has_behaviour_that_plays_alike(game, seed):
    # Kuhn (1953)
    rng = np.random.default_rng(seed)
    mixtures = [rng.dirichlet(np.full(n_pure_strategies(game, i), 0.5)) for i in range(game.n_players)]
    assert plays(game, mixed_to_behavior(game, mixtures)) == pytest.approx(mixed_plays(game, mixtures), abs=1e-12)


def test_mixtures_of_all_strategies_are_taken_too():
    game = kuhn_poker()
    uniform = game.uniform_profile()
    mixtures = behavior_to_mixed(game, uniform, reduced=False)
    assert mixtures[0] == pytest.approx(np.full(64, 1 / 64))
    back = mixed_to_behavior(game, mixtures, reduced=False)
    assert plays(game, back) == pytest.approx(plays(game, uniform))


def test_a_forgetful_player_has_no_behaviour_for_every_mixture():
    with pytest.raises(UnsupportedGame, match="player 0 forgets at information set 1 "):
        mixed_to_behavior(wichardt_2008(), [[0.5, 0, 0, 0.5], [1, 0]])
    with pytest.raises(UnsupportedGame, match="a player forgets, so her behaviour policy may be no mixture"):
        behavior_to_mixed(absent_minded_driver(), [[[0.5, 0.5]]])


def test_an_absent_minded_driver_cannot_plan_to_take_the_second_exit():
    assert pure_strategies(absent_minded_driver(), 0).tolist() == [[0], [1]]


BAD = [
    (lambda game: pure_strategies(game, 2), GameError, "player is 2: players are numbered from 0 to 1"),
    (lambda game: pure_strategies(3, 0), GameError, "game is 3: give an ExtensiveGame"),
    (lambda game: mixed_to_behavior(game, [[1]]), ProfileError, "mixed holds 1 distributions: give one for each of 2"),
    (
        lambda game: mixed_to_behavior(game, [[1], [1]]),
        ProfileError,
        r"mixed\[0\] has shape \(1,\) but player 0 has 27",
    ),
    (
        lambda game: mixed_to_behavior(game, [np.full(27, 0.1), np.full(64, 1 / 64)]),
        ProfileError,
        r"mixed\[0\] is .*: give probabilities that sum to 1",
    ),
    (lambda game: behavior_to_mixed(game, game.uniform_profile()[:1]), ProfileError, "one policy for each of 2 playe"),
]


@pytest.mark.parametrize(("misuse", "error", "message"), BAD, ids=range(len(BAD)))
def test_misuse_is_refused_with_a_reason(misuse, error, message):
    with pytest.raises(error, match=message):
        misuse(kuhn_poker())
