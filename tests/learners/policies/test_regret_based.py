"""Regret matchers and Exp3: their definitions, and the correlated equilibria that their play approaches."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError, UnsupportedGame
from marlgt.kernels import compiled
from marlgt.learners import (
    ConditionalRegretMatcher,
    Exp3,
    RegretMatcher,
    RegretMatcherPlus,
    Transition,
    play_seeds,
)

ALL = [RegretMatcher, RegretMatcherPlus, ConditionalRegretMatcher, Exp3]


def rounds(game, *, steps, seed):
    """Yield transitions of random play of a game of two players."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        actions = tuple(int(rng.integers(count)) for count in game.n_actions)
        yield Transition(0, actions, tuple(game.payoffs[:, *actions].tolist()), 0)


def matched(regrets):
    positive = np.maximum(regrets, 0.0)
    return positive / positive.sum() if positive.sum() > 0 else np.full(len(regrets), 1 / len(regrets))


@pytest.mark.parametrize("feedback", ["payoffs", "sampled", "values"])
@pytest.mark.parametrize("kind", [RegretMatcher, RegretMatcherPlus])
@pytest.mark.parametrize("player", [0, 1])
def test_regret_matchers_follow_the_definition(kind, feedback, player):
    game = gt.games.chicken() if player else gt.games.shapley_1964()
    learner = kind(game, player, feedback=feedback, exploration=None if feedback == "payoffs" else 0.2)
    count = game.n_actions[player]
    regrets, q, pi = np.zeros(count), np.zeros(count), np.full(count, 1 / count)
    policies = []
    for seen in rounds(game, steps=100, seed=player):
        own, paid = seen.actions[player], seen.rewards[player]
        q[own] += 0.1 * (paid - q[own])
        if feedback == "payoffs":
            table = game.payoffs[player] if player == 0 else game.payoffs[player].T
            gains, had = table[:, seen.actions[1 - player]], paid
        elif feedback == "sampled":
            gains, had = np.eye(count)[own] * paid / (0.8 * pi[own] + 0.2 / count), paid
        else:
            gains, had = q, pi @ q
        policies.append(pi)
        regrets = regrets + gains - had
        if kind is RegretMatcherPlus:
            regrets = np.maximum(regrets, 0.0)
        pi = matched(regrets)
        learner.observe(seen)
        np.testing.assert_allclose(learner.current, pi, atol=1e-9)
    weights = np.arange(1.0, 101.0) if kind is RegretMatcherPlus else np.ones(100)
    np.testing.assert_allclose(learner.policy(), np.average(policies, axis=0, weights=weights), atol=1e-9)
    np.testing.assert_allclose(learner.regrets[0], regrets, atol=1e-9)


@pytest.mark.parametrize("feedback", ["payoffs", "sampled"])
def test_conditional_matching_follows_the_definition(feedback):
    # Hart and Mas-Colell (2000), equations 2.1 and 2.2, and (2001) for sampled gains
    game = gt.games.shapley_1964()
    learner = ConditionalRegretMatcher(
        game, inertia=5.0, feedback=feedback, exploration=None if feedback == "payoffs" else 0.3
    )
    regrets, pi = np.zeros((3, 3)), np.full(3, 1 / 3)
    for t, seen in enumerate(rounds(game, steps=150, seed=3), start=1):
        own, paid = seen.actions[0], seen.rewards[0]
        chances = pi if feedback == "payoffs" else 0.7 * pi + 0.1
        for b in range(3):
            if b != own and feedback == "payoffs":
                regrets[own, b] += game.payoffs[0][b, seen.actions[1]] - paid
            elif b != own:
                regrets[b, own] += chances[b] * paid / chances[own]
                regrets[own, b] -= paid
        pi = np.minimum(np.maximum(regrets[own], 0.0) / (5.0 * t), 1 / 3)
        pi[own] = 0.0
        pi[own] = 1.0 - pi.sum()
        learner.observe(seen)
        np.testing.assert_allclose(learner.current, pi, atol=1e-9)


def test_exp3_follows_the_definition():
    # Auer et al. (2002), figure 1
    game = gt.games.shapley_1964()
    learner = Exp3(game, exploration=0.3, bounds=(-1.0, 3.0))
    weights = np.ones(3)
    for seen in rounds(game, steps=200, seed=4):
        own = seen.actions[0]
        chance = 0.7 * weights[own] / weights.sum() + 0.1
        weights[own] *= np.exp(0.1 * (seen.rewards[0] + 1.0) / 4.0 / chance)
        learner.observe(seen)
        np.testing.assert_allclose(learner.current, weights / weights.sum(), atol=1e-9)


def gaps(kind, game, steps, gap, **settings):
    pair = [kind(game, i, **settings) for i in range(2)]
    run = play_seeds(game, pair, steps=steps, seeds=range(8), record=1)
    return np.array([gap(game, plays[0] / steps) for plays in run.plays])


@pytest.mark.parametrize("name", ["shapley_1964", "chicken", "rock_paper_scissors"])
def test_regret_matching_approaches_the_coarse_correlated_equilibria_at_its_rate(name):
    # Hart and Mas-Colell (2000): regrets shrink like one over the square root of time; with payoffs in a range R the
    # regret of the chances is at most R sqrt(A / T), and what is drawn from them is within a few R / sqrt(T) of that.
    game = getattr(gt.games, name)()
    scale = np.ptp(game.payoffs) * (np.sqrt(max(game.n_actions)) + 3.0)
    for steps in (1000, 10_000, 100_000):
        found = gaps(RegretMatcher, game, steps, gt.concepts.cce_gap, feedback="payoffs")
        assert found.max() <= scale / np.sqrt(steps)


def test_conditional_matching_approaches_the_correlated_equilibria_where_external_matching_does_not():
    game = gt.games.shapley_1964()
    early, late = (
        gaps(ConditionalRegretMatcher, game, steps, gt.concepts.ce_gap, feedback="payoffs") for steps in (2000, 200_000)
    )
    assert late.max() < 0.03
    assert late.mean() < 0.5 * early.mean()
    assert gaps(RegretMatcher, game, 200_000, gt.concepts.ce_gap, feedback="payoffs").min() > 0.05


@pytest.mark.parametrize("kind", [RegretMatcher, ConditionalRegretMatcher])
def test_sampled_gains_come_near_coarse_correlated_equilibria(kind):
    game = gt.games.chicken()
    assert gaps(kind, game, 100_000, gt.concepts.cce_gap).mean() < 0.1 * np.ptp(game.payoffs)


def test_the_regret_of_exp3_is_within_its_bound():
    # Auer et al. (2002), corollary 3.2, for payoffs of range 2; the bound is on the mean.
    game, steps = gt.games.rock_paper_scissors(), 20_000
    gamma = min(1.0, np.sqrt(3 * np.log(3) / ((np.e - 1) * steps)))
    pair = [Exp3(game, i, exploration=gamma) for i in range(2)]
    run = play_seeds(game, pair, steps=steps, seeds=range(10), record=1)
    regrets = []
    for plays in run.plays[:, 0].astype(float):
        columns = plays.sum(axis=0)
        regrets.append((game.payoffs[0] @ columns).max() - (game.payoffs[0] * plays).sum())
    assert np.mean(regrets) <= 2 * 2.63 * np.sqrt(steps * 3 * np.log(3))


def test_averages_of_regret_matching_plus_are_near_the_equilibrium_of_a_zero_sum_game():
    game = gt.NormalFormGame.zero_sum([[3, -1, 0], [-2, 4, 1]])
    pair = [RegretMatcherPlus(game, i, feedback="payoffs") for i in range(2)]
    run = play_seeds(game, pair, steps=20_000, seeds=range(8), record=1)
    assert max(gt.concepts.nash_conv(game, profile) for profile in run.profiles()) < 0.15


@pytest.mark.parametrize("kind", ALL)
def test_policies_are_distributions_over_legal_actions_in_stochastic_games(kind):
    rng = np.random.default_rng(7)
    legal = [np.array([[True, True, False], [True, False, True]]), np.ones((2, 2), dtype=bool)]
    game = gt.games.StochasticGame.from_dense(
        rng.normal(size=(2, 2, 3, 2)), rng.dirichlet(np.ones(2), size=(2, 3, 2)), discount=0.6, legal=legal
    )
    pair = [kind(game, i) for i in range(2)]
    state = 0
    for _ in range(300):
        actions = tuple(learner.act(state, rng) for learner in pair)
        assert legal[0][state, actions[0]]
        following = int(rng.integers(2))
        for learner in pair:
            learner.observe(Transition(state, actions, tuple(game.rewards[:, state, *actions]), following))
        state = following
    for learner, own in zip(pair, legal):
        for policy in (learner.policy(), learner.current, learner.average):
            np.testing.assert_allclose(policy.sum(axis=1), 1.0, atol=1e-9)
            assert policy.min() >= 0.0
            assert not policy[~own].any()


@pytest.mark.parametrize("kind", ALL)
def test_both_gears_give_the_same_bits_and_settings_rebuild_the_learner(kind):
    game = gt.games.shapley_1964()
    memories = []
    for observe in (kind.observe_kernel, compiled(kind.observe_kernel)):
        learner = kind(game, 0)
        for seen in rounds(game, steps=200, seed=3):
            told = np.array(seen.actions), np.array(seen.rewards), 0, 0
            knowledge = learner.memory, learner.form, learner.numbers, learner._legal
            observe(*knowledge, 0, seen.actions[0], *told, learner._stream)
        memories.append(learner.memory)
    assert (memories[0] == memories[1]).all()
    twin = kind(game, 0, **learner.settings)
    assert (twin.numbers == learner.numbers).all()


def test_bad_settings_are_refused():
    game = gt.games.chicken()
    with pytest.raises(GameError, match="bounds is"):
        Exp3(game, bounds=(1.0, 1.0))
    with pytest.raises(GameError, match="inertia"):
        ConditionalRegretMatcher(game, inertia=0.0)
    with pytest.raises(GameError, match="never explores"):
        RegretMatcher(game, exploration=0.0)
    with pytest.raises(UnsupportedGame, match="game of one state"):
        RegretMatcher(gt.games.iterated_prisoners_dilemma(), feedback="payoffs")
    endless = gt.games.iterated_prisoners_dilemma(discount=1.0)
    with pytest.raises(UnsupportedGame, match="rewards do not bound values"):
        Exp3(endless)
    assert Exp3(endless, bounds=(0.0, 100.0)).settings["bounds"] == [0.0, 100.0]
