"""Regret matching, hedge, leaders and gradient ascent: published cases, peers, rates, and where they cycle."""

import numpy as np
import pytest
from open_spiel.python.algorithms import regret_matching as peer

import marlgt as gt
from marlgt import concepts, dynamics
from marlgt.dynamics import many

ROCK = gt.games.rock_paper_scissors()
SHAPLEY = gt.games.load("shapley_1964")
PENNIES = gt.games.matching_pennies()
CORNER = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
EXPECTED = [
    dynamics.regret_matching,
    dynamics.regret_matching_plus,
    dynamics.predictive_regret_matching,
    dynamics.predictive_regret_matching_plus,
    dynamics.hedge,
    dynamics.optimistic_hedge,
    dynamics.follow_the_regularised_leader,
    dynamics.online_gradient,
    dynamics.giga,
    dynamics.internal_regret_matching,
    dynamics.swap_regret_minimization,
]
DRAWN = [
    dynamics.conditional_regret_matching,
    dynamics.follow_the_perturbed_leader,
    dynamics.stochastic_fictitious_play,
    dynamics.weakened_fictitious_play,
]
NAMES = dict(ids=lambda f: f.__name__)


def random_zero_sum(seed, shape=(4, 5)):
    return gt.NormalFormGame.zero_sum(np.random.default_rng(seed).uniform(-1, 1, shape))


def test_the_published_sequence_of_strategies_comes_out():
    # learn.regret_matching_policy_sequence: rock-paper-scissors.
    A = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    cumulative = np.zeros(3)
    strategies = []
    for own, other in zip([0, 2, 1, 1, 0, 2, 0, 1], [0, 0, 1, 2, 1, 0, 2, 2]):
        cumulative += A[:, other] - A[own, other]
        strategies.append(dynamics.regret_matching_strategy(cumulative))
    assert cumulative.tolist() == [5, 4, 3]
    assert np.allclose(strategies[:4], [[0, 1, 0], [0.25, 0.75, 0], [0, 1, 0], [1 / 3, 1 / 2, 1 / 6]])
    assert np.allclose(strategies[-1], [5 / 12, 1 / 3, 1 / 4])


def test_the_published_conditional_strategy_comes_out():
    # learn.conditional_regret_matching_policy
    regrets = [[0, 0, 0], [0.375, 0, 0.375], [0.25, 0.5, 0]]
    strategy = dynamics.conditional_regret_matching_strategy(regrets, 1, 10)
    assert np.allclose(strategy, [0.0375, 0.925, 0.0375])


@pytest.mark.parametrize(
    ("v", "expected"), [([0.5, 0.8, -0.2], [0.35, 0.65, 0]), ([2, -1, 0.3, 0.1], [1, 0, 0, 0]), ([1e150, 0], [1, 0])]
)
def test_projections_are_those_of_the_vectors(v, expected):
    assert np.allclose(dynamics.project_to_simplex(v), expected, atol=1e-12)


def test_projections_are_nearest():
    # The projection p is characterised by <v - p, x - p> <= 0 for every vertex x.
    rng = np.random.default_rng(0)
    for _ in range(200):
        v = rng.integers(-3, 4, size=rng.integers(1, 7)) / rng.integers(1, 4)
        p = dynamics.project_to_simplex(v)
        assert (p >= 0).all()
        assert p.sum() == pytest.approx(1)
        assert ((v - p) @ (np.eye(len(v)) - p).T <= 1e-12).all()


@pytest.mark.parametrize("seed", range(3))
def test_openspiel_matches_regrets_alike(seed, monkeypatch):
    monkeypatch.setattr(peer, "INITIAL_REGRET_DENOM", np.inf)
    shape = ((3, 4), (2, 2), (2, 3, 2))[seed]
    game = gt.NormalFormGame(np.random.default_rng(seed).standard_normal((len(shape), *shape)))
    theirs = peer.regret_matching(list(game.payoffs), iterations=99, gamma=0.0)
    ours = dynamics.regret_matching(game, steps=100)
    for x, y in zip(ours.profile, theirs):
        assert np.allclose(x, y, atol=1e-12)


def test_regret_matching_approaches_the_equilibrium_of_a_zero_sum_game():
    # learn.rm_selfplay_converges_zero_sum
    game = gt.NormalFormGame.zero_sum([[0, -1, 2], [1, 0, -3], [-2, 3, 0]])
    run = dynamics.regret_matching(game, steps=20_000, record=1)
    for x in run.profile:
        assert np.abs(x - [1 / 2, 1 / 3, 1 / 6]).max() <= 0.03
    assert run.nash_conv[-1] < 0.03


@pytest.mark.parametrize(
    "game", [SHAPLEY, gt.NormalFormGame.bimatrix([[0, 7], [2, 6]], [[0, 2], [7, 6]])], ids=["shapley", "chicken"]
)
def test_drawn_regret_matching_approaches_coarse_correlated_equilibria(game):
    # extra.rm_cce_gap_small_*
    runs = many(dynamics.regret_matching, game, seeds=range(5), steps=30_000, sampled=True, record=2)
    assert runs.cce_gap[:, -1].max() < 0.05


def test_conditional_regret_matching_approaches_correlated_equilibria():
    # extra.conditional_rm_ce_gap_small_shapley: eta is 4 max|u| A.
    runs = many(dynamics.conditional_regret_matching, SHAPLEY, seeds=range(3), steps=60_000, eta=12, record=2)
    assert runs.ce_gap[:, -1].max() < 0.08


def test_exact_conditional_regrets_vanish_where_external_ones_do_not_lead_to_correlated_equilibria():
    for rule in (dynamics.internal_regret_matching, dynamics.swap_regret_minimization):
        run = rule(SHAPLEY, steps=2000, start=CORNER, record=1)
        assert run.ce_gap[0] < 0.01
    external = dynamics.hedge(SHAPLEY, steps=2000, start=CORNER)
    assert external.cce_gap[-1] < 0.02
    assert external.ce_gap[-1] > 0.05


@pytest.mark.parametrize("inner", [dynamics.hedge, dynamics.regret_matching, dynamics.regret_matching_plus], **NAMES)
def test_every_inner_learner_makes_swap_regret_vanish(inner):
    game = gt.NormalFormGame(np.random.default_rng(3).integers(0, 9, size=(3, 2, 3, 2)))
    run = dynamics.swap_regret_minimization(game, inner=inner, steps=1000, joint=True, record=1)
    assert run.ce_gap[-1] < 0.06 * np.ptp(game.payoffs)


def slopes(rule, **settings):
    """Return the exponents with which NashConv of the averages falls over the steps, for five games."""
    runs = many(rule, [random_zero_sum(seed, (3, 4)) for seed in range(5)], steps=2000, record=20, **settings)
    early, late = runs.nash_conv[:, 1:3].mean(axis=1), runs.nash_conv[:, -4:].mean(axis=1)
    return np.log(late / early) / np.log(18.5 / 2.5)


@pytest.mark.parametrize(
    ("rule", "settings", "at_most"),
    [
        (dynamics.regret_matching, {}, -0.4),
        (dynamics.hedge, {}, -0.4),
        (dynamics.giga, {}, -0.4),
        (dynamics.follow_the_regularised_leader, {}, -0.4),
        (dynamics.optimistic_hedge, {}, -0.9),
        (dynamics.follow_the_regularised_leader, {"optimistic": True}, -0.9),
        (dynamics.regret_matching_plus, {}, -0.9),
        (dynamics.predictive_regret_matching_plus, {}, -0.9),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_averages_of_zero_sum_games_approach_nash_at_the_proved_rate(rule, settings, at_most):
    assert np.median(slopes(rule, **settings)) <= at_most


def divergence(trajectory):
    """Return the sum of the players' Kullback-Leibler divergences from the centre to the strategy."""
    return -sum(np.log(x * x.shape[1]).mean(axis=1) for x in trajectory.strategies)


def test_hedge_leaves_the_equilibrium_of_matching_pennies_and_optimism_returns_to_it():
    # Bailey and Piliouras 2018: the divergence from an interior equilibrium never falls; Daskalakis and Panageas 2019.
    start = ([0.6, 0.4], [0.45, 0.55])
    # The first step is the start; before it the weights are uniform, so that the second step is nearer than the first.
    away = divergence(dynamics.hedge(PENNIES, rate=0.1, steps=600, record=600, start=start))
    assert (np.diff(away[1:]) >= -1e-12).all()
    assert away[-1] > 10 * away[1]
    back = dynamics.optimistic_hedge(PENNIES, rate=0.1, steps=4000, start=start)
    assert back.nash_conv_current[-1] < 1e-3


def test_gradient_ascent_cycles_in_matching_pennies_while_its_averages_settle():
    run = dynamics.giga(PENNIES, steps=3000, start=([1, 0], [0.5, 0.5]))
    assert run.nash_conv[-1] < 0.05
    assert run.nash_conv_current[-30:].max() > 0.3


@pytest.mark.parametrize("rule", EXPECTED + DRAWN, **NAMES)
def test_a_joint_distribution_and_running_sums_tell_the_same_regrets(rule):
    game = gt.NormalFormGame(np.random.default_rng(1).standard_normal((3, 2, 3, 2)))
    with_joint, without = (rule(game, steps=40, record=7, joint=joint) for joint in (True, False))
    assert np.allclose(with_joint.regrets, without.regrets, atol=1e-12)
    assert without.joint is None
    for i, (x, y) in enumerate(zip(with_joint.averages, without.averages)):
        assert np.array_equal(x, y)
        axes = tuple(1 + j for j in range(3) if j != i)
        assert np.allclose(with_joint.joint.sum(axis=axes), x)
    assert [concepts.cce_gap(game, q) for q in with_joint.joint] == pytest.approx(with_joint.cce_gap.tolist())


@pytest.mark.parametrize("rule", EXPECTED + DRAWN, **NAMES)
def test_a_run_in_a_batch_has_the_bits_that_it_has_alone(rule):
    rng = np.random.default_rng(2)
    games = [gt.NormalFormGame(rng.standard_normal((2, 3, 2))) for _ in range(3)]
    starts = [(rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(2))) for _ in range(3)]
    draws = rule in DRAWN
    batch = many(rule, games, starts=starts, seeds=range(3) if draws else None, steps=30, record=4)
    for k, run in enumerate(batch):
        alone = rule(games[k], start=starts[k], steps=30, record=4, **({"seed": k} if draws else {}))
        assert all(np.array_equal(x, y) for x, y in zip(run.strategies, alone.strategies))
        assert np.array_equal(run.joint, alone.joint)
        assert np.array_equal(run.regrets, alone.regrets)


@pytest.mark.parametrize("rule", [dynamics.regret_matching_plus, dynamics.conditional_regret_matching], **NAMES)
def test_both_gears_give_the_same_bits(rule, monkeypatch):
    game = gt.NormalFormGame(np.random.default_rng(4).standard_normal((2, 3, 4)))
    results = []
    for gear in ("plain", "compiled"):
        monkeypatch.setenv("MARLGT_GEAR", gear)
        results.append([rule(game, steps=50, record=5, joint=joint) for joint in (True, False)])
    for plain, fast in zip(*results):
        assert all(np.array_equal(x, y) for x, y in zip(plain.strategies, fast.strategies))
        assert np.allclose(plain.regrets, fast.regrets, rtol=0, atol=1e-13)


def test_an_interrupted_chunking_changes_nothing(monkeypatch):
    whole = dynamics.regret_matching(ROCK, steps=100, record=[3, 50, 77], start=CORNER, sampled=True, keep_actions=True)
    monkeypatch.setattr("marlgt.dynamics._runs._PLAIN_CHUNK", 700.0)
    parts = dynamics.regret_matching(ROCK, steps=100, record=[3, 50, 77], start=CORNER, sampled=True, keep_actions=True)
    assert whole.times.tolist() == [3, 50, 77, 100]
    assert np.array_equal(whole.actions, parts.actions)
    assert np.array_equal(whole.regrets, parts.regrets)
    batch = many(dynamics.regret_matching, ROCK, seeds=range(5), steps=40, record=3, sampled=True)
    monkeypatch.setattr("marlgt.dynamics._runs._PLAIN_CHUNK", 1.0)
    again = many(dynamics.regret_matching, ROCK, seeds=range(5), steps=40, record=3, sampled=True)
    assert np.array_equal(batch.cce_gap, again.cce_gap)


def softmax(values):
    weights = np.exp(values - values.max())
    return weights / weights.sum()


def positive(values):
    kept = np.maximum(values, 0.0)
    return kept / kept.sum() if kept.sum() > 0 else np.full(len(values), 1 / len(values))


FORMULAS = {
    # From the sum U of the utilities, the last ones u, the last strategy x, the sum R and the last r of the regrets,
    # and the step t to come.
    "hedge": ({"rate": 0.7}, lambda U, u, x, R, r, t: softmax(0.7 * U)),
    "optimistic_hedge": ({"rate": 0.7}, lambda U, u, x, R, r, t: softmax(0.7 * (U + u))),
    "follow_the_regularised_leader": (
        {"rate": lambda t: t**-0.5},
        lambda U, u, x, R, r, t: dynamics.project_to_simplex(U / np.sqrt(t)),
    ),
    "online_gradient": (
        {"rate": lambda t: t**-0.7},
        lambda U, u, x, R, r, t: dynamics.project_to_simplex(x + (t - 1) ** -0.7 * u),
    ),
    "giga": ({}, lambda U, u, x, R, r, t: dynamics.project_to_simplex(x + u / np.sqrt(t - 1))),
    "regret_matching": ({}, lambda U, u, x, R, r, t: positive(R)),
    "predictive_regret_matching": ({}, lambda U, u, x, R, r, t: positive(R + r)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_each_step_is_that_of_the_formula(name):
    settings, formula = FORMULAS[name]
    game = gt.NormalFormGame(np.random.default_rng(11).uniform(-1, 1, size=(3, 2, 3, 2)))
    run = getattr(dynamics, name)(game, steps=25, record=25, **settings)
    for i in range(3):
        U, R = np.zeros(game.n_actions[i]), np.zeros(game.n_actions[i])
        for t in range(2, 26):
            profile = [x[t - 2] for x in run.strategies]
            others = [x for j, x in enumerate(profile) if j != i]
            u = np.einsum("abc,b,c->a", np.moveaxis(game.payoffs[i], i, 0), *others)
            r = u - profile[i] @ u
            U, R = U + u, R + r
            assert np.allclose(run.strategies[i][t - 1], formula(U, u, profile[i], R, r, t), atol=1e-12)


def test_linear_averages_weigh_each_step_by_its_number():
    run = dynamics.regret_matching_plus(ROCK, steps=30, record=30, start=CORNER)
    weights = np.arange(1, 31)
    for x, mean in zip(run.strategies, run.averages):
        assert np.allclose((weights[:, None] * x).sum(axis=0) / weights.sum(), mean[-1])


def test_alternating_regret_matching_plus_is_that_of_the_paper():
    # Tammelin et al. 2015: player 2 hears the strategy that player 1 has just taken.
    A = np.random.default_rng(6).standard_normal((3, 4))
    run = dynamics.regret_matching_plus(gt.NormalFormGame.zero_sum(A), steps=40, record=40)
    x, y, Q, R = np.full(3, 1 / 3), np.full(4, 1 / 4), np.zeros(3), np.zeros(4)
    for t in range(40):
        assert np.allclose(run.strategies[0][t], x, atol=1e-12)
        assert np.allclose(run.strategies[1][t], y, atol=1e-12)
        Q = np.maximum(Q + A @ y - x @ A @ y, 0)
        x = Q / Q.sum() if Q.sum() > 0 else np.full(3, 1 / 3)
        R = np.maximum(R - x @ A + x @ A @ y, 0)
        y = R / R.sum() if R.sum() > 0 else np.full(4, 1 / 4)


@pytest.mark.parametrize("rule", EXPECTED + DRAWN, **NAMES)
@pytest.mark.parametrize("scale", [1e150, 1e-300, 0.0])
def test_payoffs_of_any_scale_leave_strategies_distributions(rule, scale):
    game = gt.NormalFormGame(scale * np.random.default_rng(5).integers(-1, 2, size=(2, 3, 3)))
    run = rule(game, steps=30, record=3)
    for x in run.strategies + run.averages:
        assert np.isfinite(x).all()
        assert np.allclose(x.sum(axis=1), 1.0)


def test_odd_settings_are_errors():
    with pytest.raises(gt.GameError, match="keep_actions needs actions"):
        dynamics.hedge(ROCK, keep_actions=True)
    with pytest.raises(gt.GameError, match=r"rate is 0: give positive finite numbers"):
        dynamics.hedge(ROCK, rate=0.0)
    with pytest.raises(gt.GameError, match="rate of a step is nan"):
        dynamics.online_gradient(ROCK, rate=lambda t: np.nan)
    with pytest.raises(gt.GameError, match="eta is 2: it must exceed 4"):
        dynamics.conditional_regret_matching(ROCK, eta=2)
    with pytest.raises(gt.GameError, match="inner is 'giga': give one of the functions hedge"):
        dynamics.swap_regret_minimization(ROCK, inner=dynamics.giga)
    with pytest.raises(gt.GameError, match="averaging is 30"):
        dynamics.regret_matching(ROCK, averaging=30)
    with pytest.raises(gt.GameError, match="both start and starts"):
        many(dynamics.hedge, ROCK, starts=[CORNER], start=CORNER)
    with pytest.raises(gt.ProfileError, match="sums to 2"):
        dynamics.hedge(ROCK, start=([1, 1, 0], [1, 0, 0]))
    with pytest.raises(gt.GameError, match="seed is -1"):
        dynamics.regret_matching(ROCK, sampled=True, seed=-1)
    with pytest.raises(gt.GameError, match="record fewer times"):
        dynamics.hedge(ROCK, steps=10**9, record=10**9)
    with pytest.raises(gt.GameError, match="give one number for each action"):
        dynamics.regret_matching_strategy([[1.0]])
    with pytest.raises(gt.GameError, match="give one number for each action"):
        dynamics.project_to_simplex([])
    with pytest.raises(gt.GameError, match="must exceed the row's positive regrets"):
        dynamics.conditional_regret_matching_strategy([[0, 2], [1, 0]], 0, 1)
