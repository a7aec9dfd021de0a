"""Flows: velocities against their definitions, theorems as rates, and the same bits however they are run."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts.deviations import deviation_gains
from marlgt.dynamics import (
    best_response_flow,
    boltzmann_q_dynamics,
    brown_von_neumann_nash,
    discrete_replicator,
    logit_dynamics,
    many,
    projection_dynamics,
    replicator_dynamics,
    replicator_mutator,
    smith_dynamics,
)
from marlgt.dynamics.flows._flow import interior_start
from marlgt.games._profiles import deviation_payoffs
from marlgt.testing import bimatrix_games, profiles

SMOOTH = [
    replicator_dynamics,
    logit_dynamics,
    boltzmann_q_dynamics,
    brown_von_neumann_nash,
    smith_dynamics,
    replicator_mutator,
]
AT_NASH = [replicator_dynamics, best_response_flow, brown_von_neumann_nash, smith_dynamics, projection_dynamics]
ONLY_AT_NASH = AT_NASH[1:]


def random_game(seed, shape, *, zero_sum=False):
    rng = np.random.default_rng(seed)
    if zero_sum:
        return gt.NormalFormGame.zero_sum(rng.normal(size=shape))
    return gt.NormalFormGame(rng.normal(size=(len(shape), *shape)))


def random_profile(seed, shape):
    rng = np.random.default_rng(seed)
    return [rng.dirichlet(np.ones(k)) for k in shape]


def velocity(flow, game, profile, *, h=1e-6, **rest):
    run = flow(game, start=profile, duration=h, dt=h, record=1, **rest)
    return [(x[1] - x[0]) / h for x in run.strategies]


def replicator_by_definition(x, v):
    return x * (v - x @ v)


def best_response_by_definition(x, v):
    return (np.arange(len(x)) == np.argmax(v)) - x


def logit_by_definition(x, v, temperature=0.1):
    weights = np.exp((v - v.max()) / temperature)
    return weights / weights.sum() - x


def boltzmann_by_definition(x, v, temperature=0.1):
    return x * ((v - x @ v) / temperature - np.log(x) + x @ np.log(x))


def excess_by_definition(x, v):
    excess = np.maximum(v - x @ v, 0.0)
    return excess - x * excess.sum()


def smith_by_definition(x, v):
    rates = np.maximum(v[None, :] - v[:, None], 0.0)
    return x @ rates - x * rates.sum(axis=1)


def projection_by_definition(x, v):
    """The nearest point to v of the tangent cone, by trying every set of actions that may move."""
    best = None
    for mask in range(1, 2 ** len(x)):
        moving = np.array([bool(mask >> k & 1) for k in range(len(x))]) | (x > 0)
        z = np.where(moving, v - v[moving].mean(), 0.0)
        if (z[x <= 0] >= -1e-15).all() and (best is None or ((z - v) ** 2).sum() < ((best - v) ** 2).sum()):
            best = z
    return best


def mutator_by_definition(x, fitness, mutation=0.01):
    """The sum over parents of what they bear, through the matrix of mutation."""
    A = len(x)
    matrix = (1 - mutation) * np.eye(A) + mutation / A
    return (x * fitness) @ matrix - x * (x @ fitness)


DEFINITIONS = [
    (replicator_dynamics, replicator_by_definition),
    (best_response_flow, best_response_by_definition),
    (logit_dynamics, logit_by_definition),
    (boltzmann_q_dynamics, boltzmann_by_definition),
    (brown_von_neumann_nash, excess_by_definition),
    (smith_dynamics, smith_by_definition),
    (projection_dynamics, projection_by_definition),
    (replicator_mutator, mutator_by_definition),
]


def field_by_definition(rule, game):
    """The velocities of all players' probabilities in one array, by the definitions and numpy's sums."""
    ends = np.cumsum(game.n_actions)[:-1]
    lowest = game.payoffs.reshape(game.n_players, -1).min(axis=1)

    def field(_, flat):
        profile = np.split(flat, ends)
        payoffs = [deviation_payoffs(game.payoffs[i], profile, i) - lowest[i] for i in range(game.n_players)]
        return np.concatenate([rule(x, v) for x, v in zip(profile, payoffs)])

    return field


@pytest.mark.parametrize("shape", [(2, 2), (4, 3), (1, 5), (2, 3, 2), (2, 2, 2, 2)])
@pytest.mark.parametrize(("flow", "rule"), DEFINITIONS)
def test_strategies_move_by_the_definition(flow, rule, shape):
    for seed in range(3):
        game, profile = random_game(seed, shape), random_profile(seed, shape)
        expected = field_by_definition(rule, game)(0.0, np.concatenate(profile))
        np.testing.assert_allclose(np.concatenate(velocity(flow, game, profile)), expected, atol=2e-4)


def test_on_the_boundary_the_projection_takes_in_the_actions_that_earn_more_than_those_that_move():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        game = random_game(seed, (5, 4))
        x = rng.dirichlet(np.ones(5)) * (rng.random(5) < 0.5)
        x = np.eye(5)[0] if x.sum() == 0 else x / x.sum()
        profile = [x, rng.dirichlet(np.ones(4))]
        expected = projection_by_definition(x, game.payoffs[0] @ profile[1])
        np.testing.assert_allclose(velocity(projection_dynamics, game, profile)[0], expected, atol=1e-4)


@pytest.mark.parametrize(("flow", "rule"), [pair for pair in DEFINITIONS if pair[0] in SMOOTH[:4]])
def test_a_path_agrees_with_scipys_integrator_to_1e_8(flow, rule):
    from scipy.integrate import solve_ivp

    game = random_game(5, (3, 3))
    start = interior_start(game)
    run = flow(game, start=start, duration=2.0, dt=0.0025, record=10)
    peer = solve_ivp(
        field_by_definition(rule, game),
        (0.0, 2.0),
        np.concatenate(start),
        method="DOP853",
        rtol=1e-12,
        atol=1e-13,
        t_eval=run.times,
    )
    # Excess payoffs have kinks, where a step of fixed length is of second order.
    tolerance = 1e-6 if flow is brown_von_neumann_nash else 1e-8
    assert np.abs(np.hstack(run.strategies) - peer.y.T).max() < tolerance


@pytest.mark.parametrize("flow", [replicator_dynamics, boltzmann_q_dynamics])
def test_halving_the_step_divides_the_error_by_sixteen(flow):
    game = gt.games.rock_paper_scissors()
    settings_ = {} if flow is replicator_dynamics else {"temperature": 1.0}
    ends = [flow(game, duration=4.0, dt=dt, record=1, **settings_) for dt in (0.2, 0.1, 0.05, 0.0125)]
    exact = np.hstack(ends[-1].strategies)[-1]
    errors = [np.abs(np.hstack(run.strategies)[-1] - exact).max() for run in ends[:-1]]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 3.6).all()
    assert (orders < 4.6).all()


def test_averages_are_integrals_of_fourth_order():
    game = gt.games.rock_paper_scissors()
    ends = [replicator_dynamics(game, duration=4.0, dt=dt, record=1).joint[-1] for dt in (0.2, 0.1, 0.0125)]
    errors = [np.abs(joint - ends[-1]).max() for joint in ends[:-1]]
    assert 3.6 < np.log2(errors[0] / errors[1]) < 4.6


@pytest.mark.parametrize("flow", [*SMOOTH, best_response_flow, projection_dynamics, discrete_replicator])
def test_averages_regrets_and_the_joint_distribution_fit_together(flow):
    game = random_game(2, (2, 3, 2))
    run = flow(game, record=5, **({"steps": 50} if flow is discrete_replicator else {"duration": 2.0}))
    assert run.times[0] == 0
    assert len(run.times) == 6
    np.testing.assert_allclose(run.joint.sum(axis=(1, 2, 3)), 1.0, atol=1e-12)
    for i in range(3):
        others = tuple(1 + j for j in range(3) if j != i)
        np.testing.assert_allclose(run.joint.sum(axis=others), run.averages[i], atol=1e-12)
        regrets = [deviation_gains(game.payoffs, q, i).sum(axis=0).max() for q in run.joint]
        np.testing.assert_allclose(run.regrets[:, i], regrets, atol=1e-12)
        np.testing.assert_allclose(run.strategies[i].sum(axis=1), 1.0, atol=1e-12)
    without = flow(game, record=5, joint=False, **({"steps": 50} if flow is discrete_replicator else {"duration": 2.0}))
    assert without.joint is None
    assert np.array_equal(without.regrets, run.regrets)


@given(bimatrix_games(), st.data())
@settings(max_examples=25)
def test_equilibria_stand_still_and_nothing_else_does(game, data):
    spread = float(game.payoff_range.max())
    if not 1e-3 < spread < 1e3 or max(game.n_actions) > 4:
        return
    for equilibrium in list(gt.solve(game))[:3]:
        if equilibrium.epsilon > 1e-13 * spread:
            continue
        for flow in AT_NASH:
            moved = np.concatenate(velocity(flow, game, equilibrium.profile, h=1e-3 / spread))
            assert np.abs(moved).max() < 1e-8 * spread
    profile = data.draw(profiles(game))
    gain = gt.certify(game, profile).epsilon
    if gain > 1e-2 * spread:
        for flow in ONLY_AT_NASH:
            assert np.abs(np.concatenate(velocity(flow, game, profile, h=1e-4 / spread))).max() > 1e-6 * min(
                spread, 1.0
            )


@pytest.mark.parametrize("flow", AT_NASH)
def test_payoffs_and_motion_agree(flow):
    for seed in range(20):
        shape = (3, 4) if seed % 2 else (2, 3, 2)
        game, profile = random_game(seed, shape), random_profile(seed, shape)
        for i, moved in enumerate(velocity(flow, game, profile)):
            assert moved @ deviation_payoffs(game.payoffs[i], profile, i) > 0.0


@pytest.mark.parametrize("flow", AT_NASH)
def test_the_potential_never_falls(flow):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        common = rng.normal(size=(3, 3))
        # A potential game that is no common-interest game: each has a part that only the other decides.
        payoffs = np.stack([common + rng.normal(size=(1, 3)), common + rng.normal(size=(3, 1))])
        run = flow(gt.NormalFormGame(payoffs), duration=3.0, record=30)
        x, y = run.strategies
        heights = np.einsum("ta,ab,tb->t", x, common, y)
        assert (np.diff(heights) > -1e-9).all()
        assert heights[-1] > heights[0] + 1e-3


@pytest.mark.parametrize("flow", AT_NASH)
def test_strategies_end_at_an_equilibrium_of_a_common_interest_game(flow):
    run = flow(gt.games.stag_hunt(), duration=20.0)
    # Excess payoffs vanish with the distance, whose square is what is left of the way: it shrinks like 1 / t.
    assert run.last.epsilon < (0.1 if flow is brown_von_neumann_nash else 1e-6)


def divergence(p, paths):
    return sum((q * np.log(q / x)).sum(axis=1) for q, x in zip(p, paths))


def test_the_replicator_keeps_its_distance_from_an_interior_equilibrium_of_a_zero_sum_game():
    for game in (gt.games.rock_paper_scissors(), gt.NormalFormGame.zero_sum([[3, -1], [-2, 1]])):
        (equilibrium,) = gt.solve(game)
        run = replicator_dynamics(game, duration=20.0)
        distance = divergence(equilibrium.profile, run.strategies)
        assert np.abs(distance - distance[0]).max() < 1e-6
        assert run.nash_conv_current[1:].min() > 0.05


def test_the_replicators_regret_falls_like_one_over_time():
    for seed in range(4):
        game = random_game(seed, (3, 3), zero_sum=seed % 2 == 0)
        run = replicator_dynamics(game, duration=10.0, record=20)
        bound = -np.log(min(x.min() for x in interior_start(game))) / run.times[1:]
        assert (run.cce_gap[1:] <= bound + 1e-9).all()
        if seed % 2 == 0:
            # The averages' gap is the sum of the regrets.
            np.testing.assert_allclose(run.nash_conv[1:], run.regrets[1:].sum(axis=1), atol=1e-9)


def test_a_strictly_dominated_action_vanishes_under_the_replicator_at_the_rate_of_the_gap():
    rng = np.random.default_rng(3)
    payoffs = rng.uniform(size=(2, 3, 3))
    payoffs[0, 2] = payoffs[0, 0] - 0.5
    run = replicator_dynamics(gt.NormalFormGame(payoffs), duration=20.0)
    ratio = run.strategies[0][:, 2] / run.strategies[0][:, 0]
    np.testing.assert_allclose(ratio, ratio[0] * np.exp(-0.5 * run.times), rtol=1e-6)


def test_a_dominated_twin_survives_smiths_dynamics():
    """Hofbauer and Sandholm (2011), Survival of dominated strategies under evolutionary dynamics, section 4."""
    A = np.array([[0, -2, 1, 1], [1, 0, -2, -2], [-2, 1, 0, 0], [-2, 1, 0, 0]], dtype=float)
    A[3] -= 0.05
    start = [0.4, 0.3, 0.2, 0.1]
    game = gt.NormalFormGame.bimatrix(A, A.T)
    alive = smith_dynamics(game, start=[start] * 2, duration=60.0, dt=0.05, one_population=True, joint=False)
    assert alive.strategies[0][-50:, 3].max() > 0.1
    gone = replicator_dynamics(game, start=[start] * 2, duration=60.0, dt=0.05, one_population=True, joint=False)
    assert gone.strategies[0][-1, 3] / gone.strategies[0][-1, 2] < 0.06


@pytest.mark.parametrize(("win", "inward"), [(2.0, True), (0.5, False)])
def test_one_population_of_rock_paper_scissors_spirals_by_the_sign_of_its_determinant(win, inward):
    """Zeeman (1980): inwards where winning gains more than losing costs, which makes the centre stable."""
    A = np.array([[0, -1, win], [win, 0, -1], [-1, win, 0]])
    game = gt.NormalFormGame.bimatrix(A, A.T)
    assert gt.concepts.is_evolutionarily_stable(game, [1 / 3] * 3) == inward
    run = replicator_dynamics(game, duration=20.0, one_population=True)
    assert np.array_equal(run.strategies[0], run.strategies[1])
    steps = np.diff(divergence([np.full(3, 1 / 3)], run.strategies[:1]))
    assert (steps < 0).all() if inward else (steps > 0).all()


def test_hawks_and_doves_mix_in_one_population_and_part_in_two():
    game = gt.games.hawk_dove()
    start = [[0.6, 0.4]] * 2
    together = replicator_dynamics(game, start=start, duration=30.0, one_population=True)
    assert together.last.epsilon < 1e-6
    assert 0.4 < together.last.profile[0][0] < 0.6
    apart = replicator_dynamics(game, start=[[0.6, 0.4], [0.57, 0.43]], duration=30.0)
    assert apart.last.epsilon < 1e-6
    np.testing.assert_allclose(apart.last.profile, [[1, 0], [0, 1]], atol=1e-6)


@pytest.mark.parametrize("flow", [logit_dynamics, boltzmann_q_dynamics])
def test_smoothed_flows_end_at_the_quantal_response_equilibrium_of_zero_sum_games(flow):
    for seed in range(3):
        game = random_game(seed, (3, 2), zero_sum=True)
        run = flow(game, temperature=0.5, duration=40.0, dt=0.1, joint=False)
        assert gt.concepts.is_quantal_response(game, run.last.profile, 2.0, tolerance=1e-6)


def test_the_best_response_flow_closes_in_on_zero_sum_equilibria_like_exp_minus_time():
    """Hofbauer and Sorin (2006): the sum of the largest gains shrinks exactly like exp(-t)."""
    for seed in range(4):
        game = random_game(seed, (3, 4), zero_sum=True)
        run = best_response_flow(game, duration=3.0, record=6)
        gaps = run.nash_conv_current
        np.testing.assert_allclose(gaps, gaps[0] * np.exp(-run.times), rtol=1e-7)


def test_two_player_best_response_paths_do_not_depend_on_the_step():
    game = gt.games.shapley_1964()
    ends = [best_response_flow(game, duration=6.0, record=4, dt=dt) for dt in (0.3, 0.01)]
    for i in range(2):
        np.testing.assert_allclose(ends[0].strategies[i], ends[1].strategies[i], atol=1e-9)


def test_best_responses_go_to_the_triangle_of_shapley():
    """Gaunersdorfer and Hofbauer (1995): where losing costs more than winning gains, the best payoff goes to 0."""
    A = np.array([[0, -2, 1], [1, 0, -2], [-2, 1, 0]], dtype=float)
    run = best_response_flow(
        gt.NormalFormGame.bimatrix(A, A.T), duration=15.0, record=300, dt=0.05, one_population=True
    )
    x = run.strategies[0][-100:]
    assert np.abs((x @ A.T).max(axis=1)).max() < 1e-4
    # The corners solve (Ax)_i = (Ax)_j = 0: (1, 2, 4) / 7 for this game, in every rotation.
    assert abs(x.max() - 4 / 7) < 0.02
    assert abs(x.min() - 1 / 7) < 0.01


def test_the_best_response_flow_circles_in_shapleys_game():
    run = best_response_flow(gt.games.shapley_1964(), duration=10.0)
    assert run.nash_conv_current[10:].min() > 0.2


def test_the_discrete_replicator_climbs_common_interest_games_and_flees_zero_sum_equilibria():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        common = rng.normal(size=(3, 3))
        run = discrete_replicator(gt.NormalFormGame.common_interest(common), background=0.5, steps=60, record=60)
        heights = np.einsum("ta,ab,tb->t", run.strategies[0], common, run.strategies[1])
        assert (np.diff(heights) >= -1e-12).all()
    run = discrete_replicator(gt.games.matching_pennies(), steps=50, record=50)
    assert (np.diff(divergence([np.full(2, 0.5)] * 2, run.strategies)) > 0).all()


def test_many_generations_at_a_large_background_are_the_replicator_equation():
    game = random_game(1, (3, 3))
    flow = replicator_dynamics(game, duration=2.0, record=1)
    errors = []
    for background in (100, 200):
        run = discrete_replicator(game, background=background, steps=2 * background, record=1)
        errors.append(max(np.abs(a[-1] - b[-1]).max() for a, b in zip(run.strategies, flow.strategies)))
    assert errors[0] < 0.05
    assert 1.6 < errors[0] / errors[1] < 2.4


def test_rest_points_with_mutation_go_to_equilibrium_with_the_rate():
    gaps = [
        replicator_mutator(gt.games.prisoners_dilemma(), mutation=m, duration=8.0).last.epsilon
        for m in (0.04, 0.02, 0.01)
    ]
    assert gaps[0] > 1.7 * gaps[1] > 1.7 * 1.7 * gaps[2] > 0


@pytest.mark.parametrize("flow", [replicator_dynamics, best_response_flow, discrete_replicator])
def test_a_run_has_the_same_bits_in_a_batch_and_in_both_gears(flow, monkeypatch):
    games = [random_game(seed, (3, 3)) for seed in range(3)]
    brief = functools.partial(flow, record=4, **({"steps": 40} if flow is discrete_replicator else {"duration": 1.0}))
    alone = [brief(game) for game in games]
    together = many(brief, games)
    starts = many(brief, games[0], starts=[interior_start(games[0]), [[1, 0, 0], [0, 1, 0]]])
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    compiled = many(brief, games)
    for i in range(3):
        for other in (together[i], compiled[i]):
            assert np.array_equal(np.hstack(alone[i].strategies), np.hstack(other.strategies))
            assert np.array_equal(np.hstack(alone[i].averages), np.hstack(other.averages))
            assert np.array_equal(alone[i].joint, other.joint)
            assert np.array_equal(alone[i].regrets, other.regrets)
    assert np.array_equal(starts[0].strategies[0], alone[0].strategies[0])


def test_a_batch_in_many_chunks_has_the_same_bits(monkeypatch):
    games = [random_game(seed, (2, 2)) for seed in range(5)]
    whole = many(replicator_dynamics, games, duration=1.0, record=3)
    monkeypatch.setattr("marlgt.dynamics.flows._flow._CHUNK_WORK", 1500.0)
    cut = many(replicator_dynamics, games, duration=1.0, record=3)
    for a, b in zip(whole, cut):
        assert np.array_equal(a.strategies[0], b.strategies[0])
        assert np.array_equal(a.joint, b.joint)


def test_large_payoffs_that_differ_little_keep_their_digits():
    game = gt.games.rock_paper_scissors()
    moved = gt.NormalFormGame(game.payoffs + 2.0**40)
    near, far = (replicator_dynamics(g, duration=5.0) for g in (game, moved))
    assert np.array_equal(near.strategies[0], far.strategies[0])


@pytest.mark.parametrize(
    ("flow", "rest", "message"),
    [
        (replicator_dynamics, {"duration": -1.0}, "duration"),
        (replicator_dynamics, {"dt": 1e-300}, "shorter duration or a longer dt"),
        (replicator_dynamics, {"record": 10**9}, "record fewer times"),
        (discrete_replicator, {"steps": 10**16}, "steps is 10000000000000000"),
        (replicator_dynamics, {"dt": 0.0}, "dt is 0.0: it must be positive"),
        (replicator_dynamics, {"record": 0}, "record is 0"),
        (replicator_dynamics, {"joint": "yes"}, "joint is 'yes'"),
        (replicator_dynamics, {"start": [[0.5, 0.6], [0.5, 0.5]]}, "profile"),
        (replicator_dynamics, {"start": [[0.4, 0.6], [0.5, 0.5]], "one_population": True}, "one state"),
        (replicator_dynamics, {"dt": 40.0, "record": 1}, "give a dt below 25"),
        (logit_dynamics, {"temperature": 0.0}, "temperature"),
        (replicator_mutator, {"mutation": 1.5}, "mutation is 1.5"),
        (discrete_replicator, {"background": 0.0}, "background"),
        (discrete_replicator, {"steps": 0}, "steps is 0"),
    ],
)
def test_settings_out_of_range_are_refused(flow, rest, message):
    with pytest.raises(gt.GameError, match=message):
        flow(gt.games.hawk_dove(), **rest)


def test_one_population_needs_a_symmetric_game():
    with pytest.raises(gt.UnsupportedGame, match="one population needs a symmetric"):
        replicator_dynamics(gt.games.matching_pennies(), one_population=True)
    with pytest.raises(gt.GameError, match="give a NormalFormGame"):
        replicator_dynamics([[1, 2], [3, 4]])
    with pytest.raises(gt.GameError, match="leave out start"):
        many(replicator_dynamics, gt.games.hawk_dove(), starts=[[[1, 0], [0, 1]]], start=[[1, 0], [0, 1]])


def test_what_is_not_recorded_for_want_of_room_is_said():
    run = replicator_dynamics(random_game(0, (3, 3)), duration=1.0, record=2, joint=False)
    with pytest.raises(gt.GameError, match="joint=True"):
        _ = run.ce_gap
