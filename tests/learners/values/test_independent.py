"""Independent Q-learning: the update, what it converges to alone, and where two of them never settle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts.stationary import best_stationary
from marlgt.errors import GameError, ProfileError
from marlgt.games import StochasticGame
from marlgt.kernels import compiled
from marlgt.learners import FixedPolicy, QLearning, Transition, UniformPolicy, play_seeds, power
from marlgt.learners.values.independent import observe
from marlgt.randomness import streams

LEGAL = np.array([[True, True, True], [True, False, True]])


def two_states(discount=0.8):
    shape = (2, 3, 2, 2)
    return StochasticGame(
        np.zeros((2, 2, 3, 2)),
        np.broadcast_to([0, 1], shape),
        np.full(shape, 0.5),
        discount=discount,
        legal=[LEGAL, np.ones((2, 2), dtype=bool)],
    )


@st.composite
def steps(draw):
    several = []
    for _ in range(draw(st.integers(1, 12))):
        state = draw(st.integers(0, 1))
        own = draw(st.sampled_from(np.flatnonzero(LEGAL[state]).tolist()))
        rest = draw(st.tuples(st.integers(0, 1), st.floats(-5, 5), st.floats(-5, 5), st.integers(0, 1)))
        several.append((state, own, *rest, draw(st.sampled_from([0, 0, 1, 2]))))
    return several


@given(steps(), st.sampled_from([0.3, "visits"]))
def test_each_step_moves_one_value_to_its_target(given_steps, rate):
    schedule = power(1.0, per_visit=True) if rate == "visits" else rate
    learner = QLearning(two_states(), learning_rate=schedule, initial=0.5)
    values, visits = np.full((2, 3), 0.5), np.zeros((2, 3))
    for state, own, other, reward, others_reward, following, ended in given_steps:
        learner.observe(Transition(state, (own, other), (reward, others_reward), following, ended == 1, ended == 2))
        ahead = 0.0 if ended == 1 else values[following][LEGAL[following]].max()
        alpha = 1.0 / (1.0 + visits[state, own]) if rate == "visits" else rate
        values[state, own] += alpha * (reward + 0.8 * ahead - values[state, own])
        visits[state, own] += 1
    np.testing.assert_allclose(learner.values, values, atol=1e-9)
    np.testing.assert_array_equal(learner.table("visits"), visits)
    assert learner.steps == len(given_steps)


def test_the_second_player_reads_her_own_action_and_reward():
    learner = QLearning(two_states(), player=1, learning_rate=1.0)
    learner.observe(Transition(0, (2, 1), (9.0, -3.0), 1, True))
    np.testing.assert_array_equal(learner.values, [[0, -3], [0, 0]])


def test_the_compiled_update_gives_the_same_bits():
    rng = np.random.default_rng(0)
    learners = [QLearning(two_states(), learning_rate=power(0.9, exponent=0.7, per_visit=True)) for _ in range(2)]
    stream = streams([0])[0]
    for _ in range(200):
        state = int(rng.integers(2))
        own = int(rng.choice(np.flatnonzero(LEGAL[state])))
        rest = np.array([own, 0]), rng.normal(size=2), int(rng.integers(2)), int(rng.integers(3)), stream
        for learner, update in zip(learners, (observe, compiled(observe))):
            update(learner.memory, learner.form, learner.numbers, learner._legal, state, own, *rest)
    np.testing.assert_array_equal(learners[0].memory, learners[1].memory)


def test_against_a_fixed_player_values_come_near_the_best_reply():
    # Watkins and Dayan (1992): with every pair visited for ever and Robbins-Monro rates Q converges to the best values.
    game = gt.games.random_stochastic_game(3, (2, 2), discount=0.5, seed=4)
    other = UniformPolicy(game, 1)
    profile = [game.uniform_profile()[0], other.policy()]
    best, _ = best_stationary(game, profile, 0)
    exact = np.einsum("sab,sb->sa", game.action_values(np.array([best, best]))[0], other.policy())
    learner = QLearning(game, learning_rate=power(1.0, exponent=0.7, per_visit=True), exploration=0.6)
    run = play_seeds(game, [learner, other], steps=3000, seeds=range(8), record=1)
    values = np.array([own[0].values for own in run.learners])
    errors = np.abs(values - exact).max(axis=(1, 2)) / (np.ptp(game.rewards[0]) / 0.5)
    assert errors.mean() < 0.05
    # The mean over the other's actions is what an independent learner sees (Albrecht and others 2024, eq. 5.10).
    assert (np.abs(values.mean(axis=0) - exact) < 0.05 * np.ptp(game.rewards[0])).all()


def test_two_of_them_defect_in_the_prisoners_dilemma():
    game = gt.games.prisoners_dilemma()
    pair = [QLearning(game, player=i) for i in range(2)]
    run = play_seeds(game, pair, steps=500, seeds=range(30), record=1)
    gaps = [gt.concepts.nash_conv(game, profile) for profile in run.profiles()]
    assert np.mean(gaps) < 0.1
    assert np.median(gaps) == 0.0


def test_two_of_them_never_settle_in_rock_paper_scissors():
    game = gt.games.rock_paper_scissors()
    pair = [QLearning(game, player=i, learning_rate=0.1) for i in range(2)]
    run = play_seeds(game, pair, steps=800, seeds=range(8), record=80, judge=gt.concepts.nash_conv)
    # Greedy policies are pure almost always, and the last one does not stay: all three actions come back.
    assert run.gaps[:, 40:].mean() > 1.5
    shares = run.plays[:, 0].sum(axis=2) / 800
    assert shares.min() > 0.1


def test_a_repeated_game_without_discount_earns_rewards_alone():
    game = gt.games.prisoners_dilemma()
    learner = QLearning(game, learning_rate=1.0)
    assert learner.setting.discount == 0.0
    learner.observe(Transition(0, (0, 0), (2.0, 2.0), 0))
    assert learner.values[0, 0] == 2.0


def test_greedy_policies_share_ties_among_legal_actions():
    learner = QLearning(two_states())
    np.testing.assert_allclose(learner.policy(), [[1 / 3, 1 / 3, 1 / 3], [0.5, 0, 0.5]])
    learner.table("values")[1, 1] = 99.0
    np.testing.assert_allclose(learner.policy()[1], [0.5, 0, 0.5])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda g: QLearning(g, player=2), "player is 2: the game has players 0 to 1"),
        (lambda g: QLearning(g, player="me"), "player is 'me': the players are"),
        (lambda g: QLearning(g, learning_rate=1.1), "learning_rate runs from 1.1"),
        (lambda g: QLearning(g, exploration=0), "epsilon is never above 0"),
        (lambda g: QLearning("soccer"), "learners play a NormalFormGame, a StochasticGame"),
        (lambda g: QLearning(g).table("rates"), "QLearning has no table 'rates': it has values, visits"),
    ],
    ids=range(6),
)
def test_bad_input_is_told_the_rule(make, message):
    with pytest.raises(GameError, match=message):
        make(two_states())


def test_a_fixed_policy_is_a_distribution_over_legal_actions():
    with pytest.raises(ProfileError, match=r"the policy in state 1 is .*: give a distribution over the legal actions"):
        FixedPolicy(two_states(), policy=[0.2, 0.3, 0.5])
    with pytest.raises(ProfileError, match=r"policy has shape \(2,\): it must be \(2, 3\)"):
        FixedPolicy(two_states(), policy=[0.5, 0.5])
