"""Correlated-Q: stage equilibria against linear programs, its update against the definition, and where it fails."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import GameError, UnsupportedGame
from marlgt.kernels import compiled
from marlgt.learners import CorrelatedQ, play_seeds, power
from marlgt.learners.joint._correlated_program import solve
from marlgt.learners.tables import Transition
from marlgt.testing import normal_form_games

OBJECTIVES = ("utilitarian", "egalitarian", "republican", "libertarian")
CHICKEN = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])


def choice(payoffs, objective, *, coarse=False, kernel=solve):
    """Return the learner of one stage game after it has chosen."""
    payoffs = np.asarray(payoffs, dtype=float)
    learner = CorrelatedQ(gt.NormalFormGame(payoffs), objective=objective, coarse=coarse)
    learner.table("values")[0] = payoffs.reshape(len(payoffs), -1)
    kernel(learner.memory, learner.form, learner.numbers, learner._legal, 0)
    return learner


def exact(payoffs, objective, *, coarse=False, player=0):
    find = gt.solvers.coarse_correlated_equilibrium if coarse else gt.solvers.correlated_equilibrium
    return np.asarray(find(gt.NormalFormGame(payoffs), objective=objective, player=player).values, dtype=float)


GAMES = normal_form_games(n_players=range(2, 4), n_actions=range(1, 4))


@given(GAMES, st.sampled_from(OBJECTIVES), st.booleans())
@settings(max_examples=120, deadline=None)
def test_what_is_chosen_is_the_best_correlated_equilibrium_of_the_stage_game(game, objective, coarse):
    payoffs = np.array(game.payoffs, dtype=float)
    n = len(payoffs)
    learner = choice(payoffs, objective, coarse=coarse)
    values, scale = learner.state_values[:, 0], max(1e-300, float(np.ptp(payoffs)))
    if objective == "libertarian":
        best = [exact(payoffs, objective, coarse=coarse, player=i)[i] for i in range(n)]
        np.testing.assert_allclose(values, best, rtol=1e-7, atol=1e-7 * scale)
        return
    measure = {"utilitarian": np.sum, "egalitarian": np.min, "republican": np.max}[objective]
    flat = np.asarray(learner.joint()).reshape(-1)
    assert flat.min() >= 0.0
    assert flat.sum() == pytest.approx(1.0, abs=1e-12)
    concept = "coarse_correlated" if coarse else "correlated"
    certificate = gt.certify(gt.NormalFormGame(payoffs), learner.joint(), concept=concept)
    assert np.asarray(certificate.regrets, dtype=float).max() <= 1e-8 * scale
    if objective == "egalitarian":
        reached = payoffs.min(axis=0).reshape(-1) @ flat
        assert values.min() >= reached - 1e-7 * scale
        assert values.min() >= exact(payoffs, objective, coarse=coarse).min() - 1e-7 * scale
    else:
        best = measure(exact(payoffs, objective, coarse=coarse))
        assert measure(values) == pytest.approx(best, rel=1e-7, abs=1e-7 * scale)


@pytest.mark.parametrize("seed", range(6))
def test_ties_go_to_the_first_player_then_to_the_second(seed):
    # Welfare ties everywhere in a constant-sum game: the values must be the best for the first player.
    first = np.random.default_rng(seed).integers(0, 3, size=(3, 3)).astype(float)
    payoffs = np.stack([first, 4.0 - first, first * 0.0])[:2]
    values = choice(payoffs, "utilitarian").state_values[:, 0]
    np.testing.assert_allclose(values, exact(payoffs, "libertarian", player=0), atol=1e-9)
    doubled = np.stack([np.ones((2, 2)), [[0, 1], [2, 3]]])
    np.testing.assert_allclose(choice(doubled, "libertarian").state_values[:, 0], [1, 3], atol=1e-12)


def test_chicken_has_the_known_values():
    # Utilitarian 5.25 each; the best for one of correlated equilibria is the pure equilibrium worth 7 to her.
    np.testing.assert_allclose(choice(CHICKEN.payoffs, "utilitarian").state_values[:, 0], [5.25, 5.25], atol=1e-12)
    np.testing.assert_allclose(choice(CHICKEN.payoffs, "egalitarian").state_values[:, 0], [5.25, 5.25], atol=1e-12)
    np.testing.assert_allclose(choice(CHICKEN.payoffs, "republican").state_values[:, 0], [7.0, 2.0], atol=1e-12)
    lonely = choice(CHICKEN.payoffs, "libertarian")
    np.testing.assert_allclose(lonely.state_values[:, 0], [7.0, 7.0], atol=1e-12)
    # Both dare, each by her own equilibrium.
    np.testing.assert_allclose(lonely.joint(), [[0, 0], [0, 1]], atol=1e-12)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_update_is_that_of_the_definition(objective):
    drawn = gt.games.random_stochastic_game(3, (2, 2, 2), branching=2, discount=0.7, seed=1)
    legal = [np.ones((3, 2), dtype=bool) for _ in range(3)]
    legal[0][0, 1] = legal[2][1, 0] = False
    game = gt.games.StochasticGame(drawn.rewards, drawn.successors, drawn.probabilities, discount=0.7, legal=legal)
    learner = CorrelatedQ(game, objective=objective, learning_rate=0.5)
    rng = np.random.default_rng(0)
    q, v = np.zeros((3, 3, 2, 2, 2)), np.zeros((3, 3))
    for t in range(40):
        s, following = rng.integers(3, size=2).tolist()
        actions = tuple(int(rng.choice(np.flatnonzero(own[s]))) for own in game.legal)
        rewards = tuple(float(r[(s, *actions)]) for r in game.rewards)
        learner.observe(Transition(s, actions, rewards, following, terminated=t % 7 == 0))
        for j in range(3):
            ahead = 0.0 if t % 7 == 0 else v[j, following]
            q[(j, s, *actions)] += 0.5 * (rewards[j] + 0.7 * ahead - q[(j, s, *actions)])
        np.testing.assert_allclose(learner.values, q, atol=1e-9)
        kept = [np.flatnonzero(own[s]) for own in game.legal]
        stage = q[:, s][np.ix_([0, 1, 2], *kept)]
        values = learner.state_values[:, s]
        if objective == "libertarian":
            best = [exact(stage, objective, player=i)[i] for i in range(3)]
            np.testing.assert_allclose(values, best, atol=1e-7)
        else:
            measure = {"utilitarian": np.sum, "egalitarian": np.min, "republican": np.max}[objective]
            known = exact(stage, objective)
            assert measure(values) >= measure(known) - 1e-7
            assert objective == "egalitarian" or measure(values) == pytest.approx(measure(known), abs=1e-7)
        joint = learner.joint()[s]
        inside = np.zeros_like(joint, dtype=bool)
        inside[np.ix_(*kept)] = True
        assert (joint[~inside] == 0.0).all()
        v[:, s] = values


def test_both_gears_give_the_same_bits():
    for seed, objective in enumerate(OBJECTIVES):
        payoffs = np.random.default_rng(seed).normal(size=(2, 3, 4))
        plain, fast = (choice(payoffs, objective, kernel=way) for way in (solve, compiled(solve)))
        np.testing.assert_array_equal(plain.table("chosen"), fast.table("chosen"))
        np.testing.assert_array_equal(plain.table("state_values"), fast.table("state_values"))


def test_a_device_plays_the_equilibrium_and_players_apart_its_parts():
    chosen = np.array([[0.5, 0.25], [0.25, 0.0]])
    device = CorrelatedQ(CHICKEN, learning_rate=0.3, exploration=gt.learners.linear(1.0, 0.0, steps=500))
    run = play_seeds(CHICKEN, [device], steps=20_500, seeds=range(4), record=1)
    for plays in run.plays:
        # 20,000 draws and at most 500 of exploration: 0.025 and three standard deviations of 0.0035.
        np.testing.assert_allclose(plays.reshape(2, 2) / plays.sum(), chosen, atol=0.035)
    pair = [CorrelatedQ(CHICKEN, i, learning_rate=0.3, exploration=0.3) for i in range(2)]
    run = play_seeds(CHICKEN, pair, steps=400, seeds=(0,), record=1)
    first, second = run.learners[0]
    np.testing.assert_array_equal(first.table("values"), second.table("values"))
    np.testing.assert_allclose(run.profiles()[0], [[0.75, 0.25]] * 2, atol=1e-5)


def test_the_utilitarian_fixed_point_of_value_iteration_is_learned_over_all_seeds():
    game = gt.games.StochasticGame.repeated(CHICKEN, discount=0.5)
    learner = CorrelatedQ(game, learning_rate=power(1.0, exponent=0.6, per_visit=True), exploration=0.5)
    run = play_seeds(game, [learner], steps=20_000, seeds=range(4), record=1)
    known = gt.solvers.correlated_value_iteration(game).values
    for own in run.learners:
        np.testing.assert_allclose(own[0].state_values[:, 0], known, atol=0.01)


def test_nosde_is_never_settled():
    # Zinkevich, Greenwald and Littman (2005): no rule on the values of actions finds the stationary equilibrium.
    game = gt.games.nosde()
    learner = CorrelatedQ(game, learning_rate=0.05, exploration=0.3)
    times = range(5000, 20_001, 1000)
    run = play_seeds(game, [learner], steps=20_000, seeds=range(5), record=times, judge=gt.concepts.nash_conv)
    assert run.gaps.min() > 0.05


def test_what_correlated_q_does_not_fit_is_refused():
    with pytest.raises(UnsupportedGame, match="289 joint actions, more than 256"):
        CorrelatedQ(gt.NormalFormGame(np.zeros((2, 17, 17))))
    with pytest.raises(GameError, match="choose one of utilitarian, egalitarian, republican, libertarian"):
        CorrelatedQ(CHICKEN, objective="welfare-best")
    with pytest.raises(GameError, match="explores with a probability"):
        CorrelatedQ(CHICKEN, exploration=gt.learners.softmax(1.0))


def test_the_settings_rebuild_the_learner():
    for player in (None, 1):
        learner = CorrelatedQ(CHICKEN, player, objective="republican", coarse=True, learning_rate=0.3, initial=2.0)
        twin = CorrelatedQ(CHICKEN, player, **learner.settings)
        np.testing.assert_array_equal(twin.memory, learner.memory)
        np.testing.assert_array_equal(twin.numbers, learner.numbers)


def test_ties_that_rounding_broke_leave_the_program_sound():
    # A stage game met on the way of egalitarian learners, on which an earlier rule of pivots broke down.
    payoffs = np.array(
        [
            [[96.7336627, 94.46629912, 96.9774639, 96.97545009], [0.0, 0.0, 97.02410641, 94.32884201]],
            [[96.95056541, 94.84128314, 96.95799542, 96.96747361], [99.0, 99.0, 96.95228838, 94.80764683]],
        ]
    )
    learner = choice(payoffs, "egalitarian")
    known = exact(payoffs, "egalitarian")
    assert learner.state_values[:, 0].min() >= known.min() - 1e-6
    rng = np.random.default_rng(0)
    way = compiled(solve)
    for trial in range(300):
        shape = (2, *rng.integers(2, 5, size=2))
        near = rng.integers(-1, 3, size=shape) + rng.normal(size=shape) * 10.0 ** -rng.integers(2, 14)
        joint = choice(near, OBJECTIVES[trial % 3], kernel=way).joint()
        regrets = gt.certify(gt.NormalFormGame(near), joint, concept="correlated").regrets
        assert np.asarray(regrets, dtype=float).max() <= 1e-5 * np.ptp(near)
