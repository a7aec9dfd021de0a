"""Double Q-learning: one table judges what the other chooses, and no maximum of noise is taken for a value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts.stationary import best_stationary
from marlgt.errors import GameError
from marlgt.games import StochasticGame
from marlgt.kernels import compiled
from marlgt.learners import DoubleQ, QLearning, Transition, play_seeds, power
from marlgt.randomness import streams
from marlgt.testing import check_learner


def biased():
    """Sutton and Barto (2018), example 6.7, with ten actions in B that pay -1.1 or 0.9 with equal chances.

    There the rewards of B are normal, here of two values, with the same mean -0.1 and variance 1. In state 0 (A),
    action 0 ends the game and action 1 leads to state 1 (B); both pay 0.
    """
    successors = np.full((4, 10, 2), [2, 3])
    successors[0, 1] = 1
    rewards = np.zeros((1, 4, 10, 2))
    rewards[0, 1] = [-1.1, 0.9]
    legal = np.ones((4, 10), dtype=bool)
    legal[0, 2:] = False
    terminal, start = np.arange(4) >= 2, np.arange(4) == 0
    chances = np.full(successors.shape, 0.5)
    return StochasticGame(
        rewards, successors, chances, discount=1.0, legal=[legal], terminal=terminal, start=start.astype(float)
    )


@given(st.lists(st.tuples(*[st.integers(0, 1)] * 3, st.floats(-5, 5), st.sampled_from([0, 0, 1, 2])), max_size=15))
def test_one_table_moves_to_what_the_other_holds_of_its_best_action(steps):
    game = gt.games.random_stochastic_game(2, (2,), discount=0.8, seed=0)
    learner = DoubleQ(game, learning_rate=0.5)
    for state, action, following, reward, ended in steps:
        before = learner.pair.copy()
        learner.observe(Transition(state, (action,), (reward,), following, ended == 1, ended == 2))
        possible = []
        for k in range(2):
            best = np.flatnonzero(before[k, following] == before[k, following].max())
            for b in best:
                ahead = 0.0 if ended == 1 else before[1 - k, following, b]
                after = before.copy()
                after[k, state, action] += 0.5 * (reward + 0.8 * ahead - after[k, state, action])
                possible.append(after)
        assert any(np.allclose(learner.pair, after, atol=1e-12) for after in possible)
        np.testing.assert_allclose(learner.values, learner.pair.mean(axis=0), atol=1e-12)
    assert learner.table("updates").sum() == learner.table("visits").sum() == len(steps)


def test_both_tables_learn_alike():
    game = gt.games.random_stochastic_game(2, (2,), discount=0.8, seed=0)
    run = play_seeds(game, [DoubleQ(game, exploration=1.0)], steps=2000, seeds=range(4), record=1)
    updates = np.array([own[0].table("updates").sum(axis=(1, 2)) for own in run.learners])
    assert (np.abs(updates[:, 0] - 1000) < 4 * np.sqrt(500)).all()


def test_double_q_is_not_lured_by_the_maximum_of_noise():
    # Sutton and Barto (2018), figure 6.5: with epsilon and alpha 0.1, both end near the least share of left moves,
    # 5 %, but Q-learning goes left far more often first. True values: v(A) = 0, v(B) = -0.1.
    game = biased()
    left = {}
    for kind in (QLearning, DoubleQ):
        learner = kind(game, learning_rate=0.1, exploration=0.1)
        early = play_seeds(game, [learner], steps=150, seeds=range(100), record=1)
        left[kind] = early.plays[:, 0, 1] / early.plays[:, 0, :2].sum(axis=1)
    gap = left[QLearning] - left[DoubleQ]
    assert gap.mean() > 4 * gap.std() / np.sqrt(len(gap))
    assert left[QLearning].mean() > 0.5
    late = play_seeds(game, [DoubleQ(game, learning_rate=0.1, exploration=0.1)], steps=1000, seeds=range(20), record=2)
    # Who goes right always ends after one step; left takes two.
    shares = late.lengths[:, 1] - 1.0
    assert shares.mean() < 0.2


def test_values_come_near_the_best_ones():
    game = gt.games.random_stochastic_game(3, (2,), discount=0.5, seed=11)
    values, _ = best_stationary(game, game.uniform_profile(), 0)
    best = game.action_values(values[None])[0]
    learner = DoubleQ(game, learning_rate=power(1.0, exponent=0.7, per_visit=True), exploration=0.5)
    run = play_seeds(game, [learner], steps=5000, seeds=range(8), record=1)
    errors = [np.abs(own[0].pair - best).max() for own in run.learners]
    assert np.mean(errors) < 0.05 * np.ptp(game.rewards) / (1 - game.discount)


def test_the_compiled_update_gives_the_same_bits():
    rng = np.random.default_rng(0)
    game = gt.games.random_stochastic_game(2, (2,), discount=0.8, seed=0)
    learners = [DoubleQ(game, learning_rate=power(0.9, exponent=0.7, per_visit=True)) for _ in range(2)]
    pairs = list(zip(learners, (DoubleQ.observe_kernel, compiled(DoubleQ.observe_kernel)), streams([7, 7])))
    for _ in range(200):
        state, own, following = (int(x) for x in rng.integers(2, size=3))
        ended = int(rng.integers(3)) if rng.random() < 0.1 else 0
        reward = rng.normal(size=1)
        for learner, update, stream in pairs:
            knowledge = learner.memory, learner.form, learner.numbers, learner._legal
            update(*knowledge, state, own, np.array([own]), reward, following, ended, stream)
    np.testing.assert_array_equal(learners[0].memory, learners[1].memory)


def test_the_protocol_is_kept():
    assert check_learner(DoubleQ, max_examples=4).passed


def test_bad_input_is_told_the_rule():
    game = biased()
    with pytest.raises(GameError, match="learning_rate runs from 2"):
        DoubleQ(game, learning_rate=2)
    with pytest.raises(GameError, match="epsilon is never above 0"):
        DoubleQ(game, exploration=0)
