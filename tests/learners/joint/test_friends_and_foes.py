"""Friend-or-foe Q: its update against a plain reimplementation, and its limits against exact ones."""

import itertools

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError, UnsupportedGame
from marlgt.learners import FriendOrFoeQ, play_seeds, power
from marlgt.learners.tables import Transition

RATE = power(1.0, exponent=0.7, per_visit=True)


def three_players(seed):
    """A game of three players with illegal actions and rewards that tie."""
    drawn = gt.games.random_stochastic_game(3, (2, 3, 2), branching=2, discount=0.7, seed=seed)
    legal = [np.ones((3, a), dtype=bool) for a in (2, 3, 2)]
    legal[0][1, 0] = legal[1][1, 2] = legal[1][2, 0] = False
    rewards = np.round(drawn.rewards * 3)
    return gt.games.StochasticGame(rewards, drawn.successors, drawn.probabilities, discount=0.7, legal=legal)


def coalition_value(q, legal, own):
    """Return the value of a stage game q of shape (A_1, ..., A_n) between a coalition and the others."""
    others = [j for j in range(q.ndim) if j not in own]
    rows = list(itertools.product(*(np.flatnonzero(legal[j]) for j in own)))
    columns = list(itertools.product(*(np.flatnonzero(legal[j]) for j in others)))
    matrix = np.empty((len(rows), len(columns)))
    for (i, row), (k, column) in itertools.product(enumerate(rows), enumerate(columns)):
        cell = np.empty(q.ndim, dtype=int)
        cell[list(own)] = row
        cell[others] = column
        matrix[i, k] = q[tuple(cell)]
    if not others:
        return float(matrix.max())
    return float(gt.solvers.minimax(gt.NormalFormGame.zero_sum(matrix)).values[0])


@pytest.mark.parametrize(
    ("player", "friends", "own"),
    [(0, (), (0,)), (1, (), (1,)), (2, (0,), (0, 2)), (0, (1,), (0, 1)), (1, "all", (0, 1, 2))],
)
def test_every_update_is_that_of_the_definition(player, friends, own):
    game = three_players(player)
    learner = FriendOrFoeQ(game, player, friends=friends, learning_rate=0.5)
    rng = np.random.default_rng(player)
    q, v = np.zeros((3, 2, 3, 2)), np.zeros(3)
    for t in range(80):
        s, following = rng.integers(3, size=2).tolist()
        actions = tuple(int(rng.choice(np.flatnonzero(legal[s]))) for legal in game.legal)
        rewards = tuple(float(r[(s, *actions)]) for r in game.rewards)
        learner.observe(Transition(s, actions, rewards, following, terminated=t % 7 == 0))
        ahead = 0.0 if t % 7 == 0 else v[following]
        q[(s, *actions)] += 0.5 * (rewards[player] + 0.7 * ahead - q[(s, *actions)])
        v[s] = coalition_value(q[s], [legal[s] for legal in game.legal], own)
        assert learner.state_values[s] == pytest.approx(v[s], abs=1e-12)
    np.testing.assert_allclose(learner.values, q, atol=1e-12)
    for policy, legal in zip(learner.profile(), game.legal):
        np.testing.assert_allclose(policy.sum(axis=1), 1.0, atol=1e-12)
        assert (policy[~legal] == 0.0).all()
    np.testing.assert_array_equal(learner.policy(), learner.profile()[player])


def test_friends_of_common_interest_reach_the_best_plan_over_all_seeds():
    for seed in range(3):
        game = gt.games.random_stochastic_game(5, (2, 3), branching=2, discount=0.8, common_interest=True, seed=seed)
        pair = [FriendOrFoeQ(game, i, friends="all", learning_rate=RATE, exploration=0.5) for i in range(2)]
        run = play_seeds(game, pair, steps=60_000, seeds=range(4), record=1)
        # Exact value iteration on what both choose together.
        flat = game.rewards[0].reshape(5, -1)
        values = np.zeros(5)
        for _ in range(300):
            ahead = (game.probabilities * values[game.successors]).sum(axis=-1).reshape(5, -1)
            values = (flat + 0.8 * ahead).max(axis=1)
        for own, profile in zip(run.learners, run.profiles()):
            assert np.abs(own[0].state_values - values).max() < 0.05 * values.max()
            reached = gt.concepts.stationary_values(game, profile)[0]
            assert np.abs(reached - values).max() < 0.02 * values.max()


def test_foes_learn_the_security_levels_of_a_general_sum_game():
    game = gt.games.random_stochastic_game(3, (3, 2), branching=2, discount=0.7, seed=4)
    pair = [FriendOrFoeQ(game, i, learning_rate=RATE, exploration=0.5) for i in range(2)]
    run = play_seeds(game, pair, steps=60_000, seeds=range(4), record=1)
    for i in range(2):
        own = game.rewards[i] if i == 0 else -game.rewards[1]
        # Against a foe the player's own rewards alone make a zero-sum game.
        feud = gt.games.StochasticGame.zero_sum(own, game.successors, game.probabilities, discount=0.7)
        exact = np.array(gt.solve(feud)[0].state_values)[i]
        for learners in run.learners:
            assert np.abs(learners[i].state_values - exact).max() < 0.08


def test_chicken_is_worth_7_to_friends_and_2_to_foes():
    # Littman (2001): the friend's value is the best of all outcomes, the foe's what she can be sure of.
    chicken = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    pair = [FriendOrFoeQ(chicken, 0, friends=[1]), FriendOrFoeQ(chicken, 1)]
    run = play_seeds(chicken, pair, steps=3000, seeds=range(3), record=1)
    for friend, foe in run.learners:
        assert friend.state_values[0] == pytest.approx(7.0, abs=1e-3)
        assert foe.state_values[0] == pytest.approx(2.0, abs=1e-3)
        assert friend.policy().tolist() == [0.0, 1.0]
        assert foe.policy().tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("friends", "message"),
    [
        ([0], "names player 0 herself"),
        ([5], "players 0 to 2"),
        ("some", "list players"),
        (1, "list players"),
    ],
)
def test_friends_who_are_none_are_refused(friends, message):
    with pytest.raises(GameError, match=message):
        FriendOrFoeQ(three_players(0), 0, friends=friends)


def test_stage_games_too_large_for_a_linear_program_are_refused_unless_all_are_friends():
    game = gt.NormalFormGame(np.random.default_rng(0).normal(size=(2, 70, 70)))
    with pytest.raises(UnsupportedGame, match="70 x 70 joint actions, more than 4096"):
        FriendOrFoeQ(game, 0)
    assert FriendOrFoeQ(game, 0, friends="all").policy().shape == (70,)


def test_the_settings_rebuild_the_learner():
    learner = FriendOrFoeQ(three_players(0), 2, friends=[0], learning_rate=0.3, initial=2.0)
    twin = FriendOrFoeQ(three_players(0), 2, **learner.settings)
    np.testing.assert_array_equal(twin.memory, learner.memory)
    np.testing.assert_array_equal(twin.numbers, learner.numbers)
