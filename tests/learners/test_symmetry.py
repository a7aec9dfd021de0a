"""Self-play in both meanings: symmetries are found and verified, and one memory learns from every seat."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts.stationary import stationary_values
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import NormalFormGame, StochasticGame
from marlgt.learners import (
    DoubleQ,
    Match,
    QLearning,
    Sarsa,
    TDLambda,
    algorithm_self_play,
    play,
    play_seeds,
    power,
    self_play,
    symmetry_of,
)
from marlgt.testing import stochastic_games


def symmetrised(game, states, order):
    """A game of twice the states: the image of state s is ``states[s] + S``, where the players have changed places.

    There their actions are numbered by ``order``, which is its own inverse, and what follows is an image too.
    """
    count, back = game.n_states, np.argsort(states)

    def mirrored(table, axis):
        return np.swapaxes(table, axis, axis + 1).take(order, axis).take(order, axis + 1)

    rewards = np.concatenate([game.rewards, mirrored(game.rewards[::-1], 2)[:, back]], axis=1)
    after = np.concatenate([game.successors, (count + states)[mirrored(game.successors, 1)[back]]])
    chances = np.concatenate([game.probabilities, mirrored(game.probabilities, 1)[back]])
    legal = [np.concatenate([game.legal[i], game.legal[1 - i][back][:, order]]) for i in range(2)]
    terminal = np.concatenate([game.terminal, game.terminal[back]])
    return StochasticGame(rewards, after, chances, discount=game.discount, legal=legal, terminal=terminal)


def assert_symmetric(game, symmetry):
    """The definition, cell by cell and apart from the library: rewards and chances of what follows agree."""
    for i in range(1, game.n_players):
        view, move = symmetry.views[i], symmetry.moves[i]
        back = np.argsort(move)
        for s in np.flatnonzero(~game.terminal):
            for profile in np.argwhere(game.played[s]):
                image = profile.copy()
                image[0], image[i] = back[profile[i]], move[profile[0]]
                here, there = (s, *profile), (view[s], *image)
                assert game.played[there]
                paid = game.rewards[(slice(None), *there)].copy()
                paid[[0, i]] = paid[[i, 0]]
                np.testing.assert_allclose(paid, game.rewards[(slice(None), *here)], atol=1e-12)
                reached, expected = np.zeros((2, game.n_states))
                np.add.at(reached, game.successors[there], game.probabilities[there])
                np.add.at(expected, view[game.successors[here]], game.probabilities[here])
                np.testing.assert_allclose(reached, expected, atol=1e-12)


def test_soccer_is_turned_around():
    game = gt.games.soccer()
    symmetry = symmetry_of(game)
    assert symmetry.keeps_start
    assert [game.actions[1][a] for a in symmetry.moves[1]] == ["S", "N", "W", "E", "stand"]
    np.testing.assert_array_equal(symmetry.views[0], np.arange(761))
    here, there = gt.games.soccer_state((1, 3), (2, 1), 0), gt.games.soccer_state((1, 3), (2, 1), 1)
    assert symmetry.views[1, here] == there
    np.testing.assert_array_equal(symmetry.views[1][symmetry.views[1]], np.arange(761))


def test_the_mirror_is_a_symmetry_of_soccer_too_but_moves_the_start():
    game = gt.games.soccer()
    moves = [[0, 1, 2, 3, 4], [0, 1, 3, 2, 4]]
    symmetry = symmetry_of(game, moves=moves)
    assert not symmetry.keeps_start
    state = gt.games.soccer_state((0, 1), (3, 4), 0)
    assert symmetry.views[1, state] == gt.games.soccer_state((3, 0), (0, 3), 1)
    again = symmetry_of(game, views=symmetry.views, moves=moves)
    np.testing.assert_array_equal(again.views, symmetry.views)


@settings(max_examples=25)
@given(stochastic_games(n_players=2, n_actions=2, n_states=st.integers(1, 3)), st.data())
def test_what_was_made_symmetric_is_found_symmetric(game, data):
    order = data.draw(st.permutations(range(2)))
    made = symmetrised(game, np.array(data.draw(st.permutations(range(game.n_states)))), order)
    symmetry = symmetry_of(made)
    assert_symmetric(made, symmetry)
    profile = made.uniform_profile()[0]
    values = stationary_values(made, symmetry.profile(profile))
    # Who plays the same from every seat earns the same: v_1(s) = v_0(view of s).
    np.testing.assert_allclose(values[1], values[0][symmetry.views[1]], atol=1e-9)


@given(st.lists(st.integers(-3, 3), min_size=9, max_size=9), st.permutations(range(3)))
def test_a_symmetric_matrix_game_is_recognised_in_any_numbering(numbers, order):
    A = np.array(numbers).reshape(3, 3)
    game = NormalFormGame.bimatrix(A[:, order], A.T[:, order])
    symmetry = symmetry_of(game)
    image = symmetry.moves[1]
    np.testing.assert_array_equal(game.payoffs[1], game.payoffs[0][:, image].T[:, np.argsort(image)])


def test_three_players_who_are_all_alike():
    rng = np.random.default_rng(0)
    table = rng.integers(0, 9, size=(2, 3))
    payoffs = np.zeros((3, 2, 2, 2))
    for profile in np.ndindex(2, 2, 2):
        for i in range(3):
            payoffs[(i, *profile)] = table[profile[i], sum(profile) - profile[i]]
    symmetry = symmetry_of(NormalFormGame(payoffs))
    assert symmetry.moves.tolist() == [[0, 1]] * 3


def test_a_game_that_looks_different_from_the_seats_has_no_symmetry():
    with pytest.raises(UnsupportedGame, match=r"no symmetry exchanges player 0 and player 1.*algorithm_self_play"):
        symmetry_of(NormalFormGame.bimatrix([[1, 2], [3, 4]], [[0, 0], [0, 9]]))
    with pytest.raises(UnsupportedGame, match="needs equal numbers"):
        symmetry_of(NormalFormGame.bimatrix([[1, 2]], [[1, 2]]))
    with pytest.raises(UnsupportedGame, match="too many to try: give moves"):
        symmetry_of(NormalFormGame.zero_sum(np.zeros((8, 8))))


def test_wrong_maps_are_refused_with_the_place_where_they_fail():
    game = gt.games.soccer()
    found = symmetry_of(game)
    with pytest.raises(GameError, match=r"make no symmetry of player 0 and player 1: .* state \d+"):
        symmetry_of(game, views=[np.arange(761)] * 2, moves=found.moves)
    with pytest.raises(GameError, match="make no symmetry of player 0 and player 1: no states correspond"):
        symmetry_of(game, moves=[[0, 1, 2, 3, 4]] * 2)
    with pytest.raises(GameError, match=r"moves is .*: give a permutation of 0\.\.4 for each player"):
        symmetry_of(game, moves=[[0, 1, 2, 3, 3]] * 2)


def test_one_memory_counts_and_learns_what_happens_in_every_seat():
    # With discount 0 and sample means, values are the mean rewards of all plays of both seats, which the match counts.
    A = np.array([[1.0, 5.0, 0.0], [2.0, 3.0, 4.0], [7.0, 1.0, 2.0]])
    order = [2, 0, 1]
    game = NormalFormGame.bimatrix(A[:, order], A.T[:, order])
    learner = QLearning(game, learning_rate=power(1.0, per_visit=True), exploration=0.5)
    seats = self_play(game, learner)
    run = play_seeds(game, seats.learners, views=seats.views, moves=seats.moves, steps=500, seeds=[0, 1], record=1)
    back = np.argsort(seats.moves[1])
    for own, plays in zip(run.learners, run.plays[:, 0]):
        assert own[0] is own[1]
        assert own[0].steps == 1000
        visits = plays.sum(axis=1) + plays.sum(axis=0)[seats.moves[1]]
        np.testing.assert_array_equal(own[0].table("visits")[0], visits)
        earned = (plays * game.payoffs[0]).sum(axis=1)
        np.add.at(earned, back, (plays * game.payoffs[1]).sum(axis=0))
        np.testing.assert_allclose(own[0].values[0], earned / visits)


def test_one_memory_in_soccer_sees_the_states_of_both_seats_from_its_own():
    game = gt.games.soccer()
    symmetry = symmetry_of(game)
    learner = QLearning(game, exploration=0.3)
    seats = self_play(game, learner, symmetry=symmetry)
    run = play_seeds(game, seats.learners, views=seats.views, moves=seats.moves, steps=3000, seeds=[0], record=1)
    plays = run.plays[0]
    visits = plays.sum(axis=2) + plays.sum(axis=1)[np.argsort(symmetry.views[1])][:, symmetry.moves[1]]
    np.testing.assert_array_equal(run.learners[0][0].table("visits"), visits)
    first, second = run.profiles()[0]
    np.testing.assert_array_equal(second, symmetry.profile(first)[1])
    # In every state either seat plays what the other would play in its image.
    inner = ~game.terminal
    for s in np.flatnonzero(inner)[:50]:
        np.testing.assert_array_equal(second[s, symmetry.moves[1]], first[symmetry.views[1, s]])


def test_a_match_judges_the_profile_that_the_views_mean():
    A = np.array([[1.0, 0.0], [0.0, 0.0]])
    game = NormalFormGame.bimatrix(A[:, ::-1], A.T[:, ::-1])
    learner = QLearning(game, exploration=0.5)
    learner.table("values")[:] = [[1.0, 0.0]]
    seats = self_play(game, learner)
    judged = []

    def judge(_, profile):
        judged.append([own.tolist() for own in profile])
        return float(gt.concepts.nash_conv(game, profile))

    match = Match(game, seats.learners, views=seats.views, moves=seats.moves)
    run = match.advance(1, judge=judge)
    assert judged == [[[1.0, 0.0], [0.0, 1.0]]]
    assert run.gaps[0, 0] == 0.0


def test_step_by_step_the_seats_are_told_apart_too():
    class Watcher:
        """A player 1 who plays nothing but action 0, in Python, so that the match goes step by step."""

        def act(self, observation, rng):
            return 0

        def observe(self, transition):
            pass

        def policy(self):
            return np.array([1.0, 0.0])

    # Three players, of whom 0 and 2 share a memory; everybody is paid the number of her own action.
    game = NormalFormGame(np.indices((2, 2, 2)))
    learner = QLearning(game, learning_rate=power(1.0, per_visit=True), exploration=0.5)
    play(game, [learner, Watcher(), learner], steps=60, seed=0)
    assert learner.steps == 120
    assert learner.table("visits").min() > 10
    np.testing.assert_allclose(learner.values, [[0.0, 1.0]])


def test_algorithm_self_play_gives_each_player_her_own_memory():
    game = gt.games.rock_paper_scissors()
    pair = algorithm_self_play(lambda g, player: DoubleQ(g, player, learning_rate=0.2), game)
    assert [x.player for x in pair] == [0, 1]
    assert pair[0].settings["learning_rate"] == 0.2
    assert not np.shares_memory(pair[0].memory, pair[1].memory)


@pytest.mark.parametrize("kind", [Sarsa, TDLambda])
def test_who_carries_something_from_step_to_step_cannot_share_a_memory(kind):
    game = gt.games.rock_paper_scissors()
    with pytest.raises(GameError, match="carries nothing from step to step, as QLearning"):
        self_play(game, kind(game))


def test_the_shared_learner_is_player_0s():
    game = gt.games.rock_paper_scissors()
    with pytest.raises(GameError, match="the learner is player 1's"):
        self_play(game, QLearning(game, player=1))
