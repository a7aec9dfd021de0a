"""REINFORCE and actor-critic: the published gradient, unbiased estimates, and games that they solve."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.concepts.stationary import stationary_values
from marlgt.errors import GameError
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import compiled
from marlgt.learners import ActorCritic, Reinforce, Transition, play_seeds


def softmax(theta):
    weights = np.exp(theta - theta.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def prepared(learner, theta):
    """Give a learner these preferences."""
    learner.table("preferences")[:] = theta
    learner.table("policy")[:] = softmax(np.asarray(theta, dtype=float))
    return learner


def test_the_published_gradient_of_an_episode():
    # pg.reinforce_gradient_single_state; Williams (1992)
    game = StochasticGame.repeated(gt.NormalFormGame.zero_sum(np.zeros((3, 2))), discount=0.9)
    learner = prepared(Reinforce(game, learning_rate=1.0, baseline_rate=0.0), [[1, 2, -0.5]])
    for t, (action, paid) in enumerate(zip([2, 0, 1], [1.0, -0.5, 2.0])):
        learner.observe(Transition(0, (action, 0), (paid, 0.0), 0, terminated=t == 2))
    expected = [-0.08782751354358809, -1.7725063111010346, 1.8603338246446217]
    np.testing.assert_allclose(learner.preferences[0] - [1, 2, -0.5], expected, atol=1e-10)
    np.testing.assert_allclose(learner.policy(), softmax(learner.preferences), atol=1e-12)


@pytest.mark.parametrize("weighed", [False, True])
def test_episodes_follow_the_definition_with_baselines_truncation_and_a_full_memory(weighed):
    game = gt.games.iterated_prisoners_dilemma(discount=0.8)
    learner = Reinforce(game, learning_rate=0.1, baseline_rate=0.3, discounted_steps=weighed, most_steps=7)
    rng = np.random.default_rng(0)
    theta, base, kept, begun = np.zeros((5, 2)), np.zeros(5), [], 0
    for _ in range(300):
        s, following, a = int(rng.integers(5)), int(rng.integers(5)), int(rng.integers(2))
        r, (ended, cut) = float(rng.normal()), rng.random(2) < 0.1
        learner.observe(Transition(s, (a, 0), (r, 0.0), following, bool(ended), bool(cut and not ended)))
        kept.append((s, a, r))
        if not (ended or cut or len(kept) == 7):
            continue
        pi, worth, returns = softmax(theta), 0.0 if ended else base[following], []
        for _, _, r in reversed(kept):
            worth = r + 0.8 * worth
            returns.insert(0, worth)
        for t, ((s, a, _), worth) in enumerate(zip(kept, returns)):
            weight = 0.8 ** (begun + t) if weighed else 1.0
            theta[s] += 0.1 * weight * (worth - base[s]) * (np.eye(2)[a] - pi[s])
        for (s, _, _), worth in zip(kept, returns):
            base[s] += 0.3 * (worth - base[s])
        begun = 0 if ended or cut else begun + len(kept)
        kept = []
    np.testing.assert_allclose(learner.preferences, theta, atol=1e-9)
    np.testing.assert_allclose(learner.baseline, base, atol=1e-9)


@pytest.mark.parametrize("natural", [False, True])
def test_actor_critic_follows_the_definition(natural):
    game = gt.games.iterated_prisoners_dilemma(discount=0.8)
    learner = ActorCritic(game, 1, learning_rate=0.2, policy_rate=0.1, natural=natural, discounted_steps=True)
    rng = np.random.default_rng(1)
    theta, values, t = np.zeros((5, 2)), np.zeros(5), 0
    for _ in range(200):
        s, following, a = int(rng.integers(5)), int(rng.integers(5)), int(rng.integers(2))
        r, ended = float(rng.normal()), bool(rng.random() < 0.1)
        learner.observe(Transition(s, (0, a), (0.0, r), following, ended, False))
        error = r + (0.0 if ended else 0.8 * values[following]) - values[s]
        pi = softmax(theta[s])
        theta[s] += 0.1 * 0.8**t * error * (np.eye(2)[a] / pi if natural else np.eye(2)[a] - pi)
        values[s] += 0.2 * error
        t = 0 if ended else t + 1
    np.testing.assert_allclose(softmax(learner.preferences), softmax(theta), atol=1e-9)
    np.testing.assert_allclose(learner.state_values, values, atol=1e-9)


def test_the_mean_natural_step_is_the_inverse_fisher_matrix_times_the_gradient():
    # Kakade (2002): in softmax preferences, F = diag(pi) - pi pi'
    game = gt.NormalFormGame.zero_sum([[1.0], [-2.0], [0.5]])
    theta = np.array([0.5, 0.0, -0.3])
    pi, mean = softmax(theta), np.zeros(3)
    for a in range(3):
        learner = prepared(ActorCritic(game, policy_rate=1.0, natural=True), theta[None])
        learner.observe(Transition(0, (a, 0), (float(game.payoffs[0, a, 0]), 0.0), 0))
        mean += pi[a] * (learner.preferences[0] - theta)
    gradient = pi * (game.payoffs[0, :, 0] - pi @ game.payoffs[0, :, 0])
    expected = np.linalg.pinv(np.diag(pi) - np.outer(pi, pi)) @ gradient
    np.testing.assert_allclose(mean - mean.mean(), expected - expected.mean(), atol=1e-10)


def two_step_game():
    """Return a game that ends after exactly two steps."""
    rng = np.random.default_rng(3)
    rewards = rng.normal(size=(2, 4, 2, 2))
    ways = np.zeros((4, 2, 2, 4))
    ways[0, ..., 1:3] = rng.dirichlet(np.ones(2), size=(2, 2))
    ways[1:, ..., 3] = 1.0
    return StochasticGame.from_dense(
        rewards, ways, discount=0.7, start=[1, 0, 0, 0], terminal=[False, False, False, True]
    )


def test_estimates_are_unbiased_whatever_the_baseline():
    game = two_step_game()
    rng = np.random.default_rng(8)
    thetas = [rng.normal(size=(4, 2)) for _ in range(2)]
    pair = [
        prepared(Reinforce(game, i, learning_rate=1.0, baseline_rate=0.0, discounted_steps=True), thetas[i])
        for i in range(2)
    ]
    for learner in pair:
        learner.table("baseline")[:3] = rng.normal(size=3)
    run = play_seeds(game, pair, steps=2, seeds=range(6000), record=1)
    for i in range(2):
        steps = np.array([own[i].preferences - thetas[i] for own in run.learners])
        exact = np.zeros((4, 2))
        for place in np.ndindex(3, 2):
            for sign in (1, -1):
                moved = [theta.copy() for theta in thetas]
                moved[i][place] += sign * 1e-5
                exact[place] += sign * stationary_values(game, [softmax(own) for own in moved])[i, 0] / 2e-5
        errors = steps.std(axis=0) / np.sqrt(len(steps))
        assert (abs(steps.mean(axis=0) - exact)[:3] <= 4.5 * errors[:3]).all()
        assert abs(exact).max() > 10 * errors.max()


def test_both_find_the_dominant_actions_and_an_equilibrium_of_a_potential_game():
    dilemma = gt.games.prisoners_dilemma()
    pair = [Reinforce(dilemma, 0), ActorCritic(dilemma, 1)]
    run = play_seeds(dilemma, pair, steps=5000, seeds=range(8), record=1)
    assert min(learner.policy()[1] for own in run.learners for learner in own) > 0.95
    team = gt.NormalFormGame.common_interest([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]])
    pair = [Reinforce(team, 0), ActorCritic(team, 1)]
    run = play_seeds(team, pair, steps=20_000, seeds=range(20), record=1)
    settled = [gt.concepts.nash_conv(team, profile) < 0.1 for profile in run.profiles()]
    assert np.mean(settled) >= 0.9


def test_both_solve_a_game_of_one_player_and_one_dummy():
    rng = np.random.default_rng(4)
    rewards = np.stack([rng.normal(size=(3, 3, 1)), np.zeros((3, 3, 1))])
    game = StochasticGame.from_dense(rewards, rng.dirichlet(np.ones(3), size=(3, 3, 1)), discount=0.7)
    pair = [Reinforce(game, 0, learning_rate=0.02, most_steps=30), ActorCritic(game, 1)]
    run = play_seeds(game, pair, steps=200_000, seeds=range(4), horizon=30, record=1)
    assert max(gt.concepts.nash_conv(game, profile) for profile in run.profiles()) < 0.1


@pytest.mark.parametrize(("kind", "settings"), [(Reinforce, {"most_steps": 5}), (ActorCritic, {"natural": True})])
def test_both_gears_give_the_same_bits_and_settings_rebuild_the_learner(kind, settings):
    game = gt.games.iterated_prisoners_dilemma(discount=0.8)
    memories = []
    for observe in (kind.observe_kernel, compiled(kind.observe_kernel)):
        learner = kind(game, 0, discounted_steps=True, **settings)
        rng = np.random.default_rng(5)
        for _ in range(200):
            s, following, a, b = (int(x) for x in rng.integers([5, 5, 2, 2]))
            told = np.array([a, b]), rng.normal(size=2), following, int(rng.choice(3, p=[0.8, 0.1, 0.1]))
            observe(learner.memory, learner.form, learner.numbers, learner._legal, s, a, *told, learner._stream)
        memories.append(learner.memory)
    assert (memories[0] == memories[1]).all()
    twin = kind(game, 0, **learner.settings)
    assert (twin.numbers == learner.numbers).all()


def test_bad_settings_are_refused():
    game = gt.games.prisoners_dilemma()
    with pytest.raises(GameError, match="most_steps"):
        Reinforce(game, most_steps=0)
    with pytest.raises(GameError, match=r"learning_rate runs from 1\.5"):
        Reinforce(game, learning_rate=1.5)
    with pytest.raises(GameError, match="natural"):
        ActorCritic(game, natural="yes")
    with pytest.raises(GameError, match="schedules that count steps"):
        ActorCritic(game, policy_rate=gt.learners.power(0.1, per_visit=True))
