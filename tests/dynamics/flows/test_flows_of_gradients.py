"""Gradient ascent, hill climbing and looking ahead: published steps, definitions, and convergence as rates."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.dynamics import (
    epsilon_greedy_dynamics,
    extragradient_ascent,
    gradient_field,
    infinitesimal_gradient_ascent,
    lola_dynamics,
    many,
    optimistic_gradient_ascent,
    policy_hill_climbing,
    projection_dynamics,
    weighted_policy_learner,
    wolf_iga,
    wolf_policy_hill_climbing,
)
from marlgt.games._profiles import deviation_payoffs
from marlgt.testing import bimatrix_games

MAPS = [
    policy_hill_climbing,
    wolf_policy_hill_climbing,
    weighted_policy_learner,
    extragradient_ascent,
    optimistic_gradient_ascent,
    epsilon_greedy_dynamics,
]
PENNIES = gt.games.matching_pennies()


def two_actions(alpha, beta):
    return [[alpha, 1 - alpha], [beta, 1 - beta]]


def nearest_distribution(v):
    """The projection by bisection on its threshold."""
    low, high = v.min() - 1.0, v.max()
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.maximum(v - middle, 0.0).sum() > 1.0 else (low, middle)
    return np.maximum(v - low, 0.0)


def gradients(game, profile):
    return [deviation_payoffs(game.payoffs[i], profile, i) for i in range(game.n_players)]


def random_game(seed, shape, *, zero_sum=False):
    rng = np.random.default_rng(seed)
    if zero_sum:
        return gt.NormalFormGame.zero_sum(rng.normal(size=shape))
    return gt.NormalFormGame(rng.normal(size=(len(shape), *shape)))


@given(bimatrix_games(rows=2, columns=2), st.integers(0, 4), st.integers(0, 4))
@settings(max_examples=50)
def test_the_linear_system_is_the_slope_of_the_payoffs(game, i, j):
    field = gradient_field(game)
    alpha, beta = i / 4, j / 4
    row, column = field.gradient(alpha, beta)
    scale = 1e-12 * (1 + np.abs(game.payoffs).max())
    # Payoffs are linear in each probability: the slope is what action 0 earns above action 1.
    assert abs(row - np.array([1, -1]) @ game.payoffs[0] @ [beta, 1 - beta]) <= scale
    assert abs(column - [alpha, 1 - alpha] @ game.payoffs[1] @ [1, -1]) <= scale
    if field.centre is not None and 0.01 < abs(field.u) < 100 and 0.01 < abs(field.u_prime) < 100:
        assert np.abs(field.gradient(*field.centre)).max() <= 1e3 * scale
    assert field.kind == {-1: "circles", 0: "degenerate", 1: "saddle"}[int(np.sign(field.u * field.u_prime))]


@pytest.mark.parametrize(
    ("game", "point", "gradient", "slopes", "centre"),
    [
        (PENNIES, (0.2, 0.8), (1.2, 1.2), (4, -4), (0.5, 0.5)),
        (
            gt.NormalFormGame.bimatrix([[10, 0], [0, 7]], [[7, 0], [0, 10]]),
            (0.5, 0.5),
            (1.5, -1.5),
            (17, 17),
            (10 / 17, 7 / 17),
        ),
    ],
)
def test_gradients_centres_and_eigenvalues_of_two_famous_games(game, point, gradient, slopes, centre):
    field = gradient_field(game)
    np.testing.assert_allclose(field.gradient(*point), gradient, atol=1e-12)
    assert (field.u, field.u_prime) == slopes
    np.testing.assert_allclose(field.centre, centre, atol=1e-12)
    np.testing.assert_allclose(np.prod(field.eigenvalues), -slopes[0] * slopes[1], atol=1e-9)


def test_five_steps_of_wolf_iga_in_matching_pennies():
    """By exact arithmetic from Bowling and Veloso (2002), section 4."""
    run = wolf_iga(PENNIES, step=0.01, while_winning=1, while_losing=4, start=two_actions(0.2, 0.8), steps=5)
    expected = [
        [0.248, 0.812],
        [0.29792, 0.82208],
        [0.3494528, 0.8301632],
        [0.402278912, 0.836185088],
        [0.45606852608, 0.84009393152],
    ]
    np.testing.assert_allclose(np.stack([x[1:, 0] for x in run.strategies], axis=1), expected, atol=1e-12)


def radii(run, centre=0.5):
    return np.hypot(run.strategies[0][:, 0] - centre, run.strategies[1][:, 0] - centre)


def test_plain_gradient_steps_leave_the_centre_by_the_modulus_of_the_eigenvalue():
    run = infinitesimal_gradient_ascent(PENNIES, step=0.005, start=two_actions(0.6, 0.5), steps=200)
    # |1 + step 4 i| = sqrt(1 + 16 step^2)
    np.testing.assert_allclose(radii(run), 0.1 * (1 + 16 * 0.005**2) ** (run.times / 2), rtol=1e-9)


def test_winning_slowly_converges_where_plain_gradients_circle():
    plain = infinitesimal_gradient_ascent(PENNIES, step=0.002, start=two_actions(0.2, 0.8), steps=3000)
    wolf = wolf_iga(PENNIES, step=0.002, start=two_actions(0.2, 0.8), steps=3000)
    assert radii(plain).min() > 0.42
    assert radii(wolf)[-1] < 1e-6


@pytest.mark.parametrize(("slow", "fast"), [(1.0, 4.0), (1.0, 2.0)])
def test_a_revolution_shrinks_the_distance_by_the_square_of_the_ratio_of_rates(slow, fast):
    """Bowling and Veloso (2002), lemma 5: sqrt(l_min / l_max) a quarter, so the square of the ratio a revolution."""
    errors = []
    for step in (0.002, 0.001):
        run = wolf_iga(
            PENNIES,
            step=step,
            while_winning=slow,
            while_losing=fast,
            start=two_actions(0.9, 0.5),
            steps=round(2.4 / step),
            record=round(2.4 / step),
        )
        alpha, beta = (x[:, 0] - 0.5 for x in run.strategies)
        # The next time that the path crosses the half-line from the centre on which it began.
        (crossings,) = np.nonzero((alpha[1:] > 0) & (beta[:-1] * beta[1:] <= 0) & (np.arange(len(beta) - 1) > 10))
        errors.append(abs(alpha[crossings[0] + 1] / 0.4 / (slow / fast) ** 2 - 1))
    assert errors[1] < 0.03
    assert errors[1] < 0.7 * errors[0]


@given(bimatrix_games(rows=2, columns=2, payoffs=st.integers(-4, 4)))
@settings(max_examples=12)
def test_wolf_iga_ends_at_an_equilibrium_of_every_small_game_that_is_not_degenerate(game):
    field = gradient_field(game)
    if field.kind == "degenerate" or 0.0 in (*field.gradient(0, 0), *field.gradient(1, 1)):
        return
    run = wolf_iga(game, step=0.004, start=two_actions(0.31, 0.77), steps=2500, record=1, joint=False)
    assert run.last.epsilon < 0.01 * game.payoff_range.max()


def test_the_average_payoffs_of_plain_gradients_go_to_those_of_an_equilibrium():
    """Singh, Kearns and Mansour (2000), theorem 1."""
    game = gt.NormalFormGame.bimatrix([[3, -1], [-2, 1]], [[-3, 1], [1, -1]])
    (equilibrium,) = gt.solve(game)
    run = infinitesimal_gradient_ascent(game, step=0.001, steps=6000)
    values = [(run.joint[-1] * payoffs).sum() for payoffs in game.payoffs]
    np.testing.assert_allclose(values, equilibrium.values, atol=0.05)


def test_three_players_with_two_actions_climb_together():
    game = gt.NormalFormGame.common_interest(np.arange(8.0).reshape(2, 2, 2))
    assert infinitesimal_gradient_ascent(game, steps=500).last.epsilon < 1e-9
    assert wolf_iga(game, steps=500).last.epsilon < 1e-9


def test_the_projection_dynamics_is_plain_ascent_at_half_the_speed():
    game = random_game(4, (2, 2))
    flow = projection_dynamics(game, duration=0.4, record=1)
    run = infinitesimal_gradient_ascent(game, step=1e-4, steps=2000, record=1)
    for a, b in zip(flow.strategies, run.strategies):
        np.testing.assert_allclose(a[-1], b[-1], atol=1e-3)


def climbed(x, v, delta):
    """Table 5 of Bowling and Veloso (2002), in one expression per action."""
    best = int(np.argmax(v))
    taken = np.where(np.arange(len(x)) == best, 0.0, np.minimum(x, delta / (len(x) - 1)))
    return x - taken + taken.sum() * np.eye(len(x))[best]


def by_hill_climbing(game, profile, memory):
    return [climbed(x, v, 0.001) for x, v in zip(profile, gradients(game, profile))]


def by_wolf(game, profile, memory):
    memory.append([x.copy() for x in profile])
    means = [np.mean([p[i] for p in memory], axis=0) for i in range(len(profile))]
    return [
        climbed(x, v, 0.001 if x @ v > m @ v else 0.004) for x, v, m in zip(profile, gradients(game, profile), means)
    ]


def by_weighted_gradients(game, profile, memory):
    moved = []
    for x, v in zip(profile, gradients(game, profile)):
        gain = (len(v) * v - v.sum()) / (len(v) - 1)
        target = x + 0.001 * gain * np.where(gain > 0, 1 - x, x)
        room = 1 - 0.001 * len(x)
        moved.append(0.001 + room * nearest_distribution((target - 0.001) / room))
    return moved


def by_extragradients(game, profile, memory):
    trial = [nearest_distribution(x + 0.05 * v) for x, v in zip(profile, gradients(game, profile))]
    return [nearest_distribution(x + 0.05 * v) for x, v in zip(profile, gradients(game, trial))]


def by_optimism(game, profile, memory):
    memory.append(gradients(game, profile))
    now, last = memory[-1], memory[-2] if len(memory) > 1 else memory[-1]
    return [nearest_distribution(x + 0.1 * v - 0.05 * w) for x, v, w in zip(profile, now, last)]


def by_greed(game, profile, memory):
    payoffs = gradients(game, profile)
    memory.append([q + 0.01 * x * (v - q) for q, x, v in zip(memory[-1], profile, payoffs)] if memory else payoffs)
    return [0.1 / len(q) + 0.9 * (np.arange(len(q)) == np.argmax(q)) for q in memory[-1]]


DEFINITIONS = [by_hill_climbing, by_wolf, by_weighted_gradients, by_extragradients, by_optimism, by_greed]


@pytest.mark.parametrize("shape", [(2, 2), (4, 3), (2, 3, 2)])
@pytest.mark.parametrize(("dynamic", "rule"), list(zip(MAPS, DEFINITIONS)))
def test_steps_are_those_of_the_definition(dynamic, rule, shape):
    rng = np.random.default_rng(8)
    game = random_game(8, shape)
    profile = [0.01 + 0.99 * rng.dirichlet(np.ones(k)) for k in shape]
    profile = [x / x.sum() for x in profile]
    run = dynamic(game, start=profile, steps=60, record=60)
    memory = []
    for t in range(61):
        for x, path in zip(profile, run.strategies):
            np.testing.assert_allclose(path[t], x, atol=1e-10)
        profile = rule(game, profile, memory)


def test_the_second_term_of_opponent_shaping_is_the_slope_of_what_the_opponents_step_is_worth():
    game = random_game(6, (3, 4))
    A, B = game.payoffs
    rng = np.random.default_rng(0)
    x, y = 0.2 + 0.4 * rng.dirichlet(np.ones(3)), 0.15 + 0.4 * rng.dirichlet(np.ones(4))
    step, opponent_step = 1e-3, 0.7

    def centred(v):
        return v - v.mean()

    def slope(function, at):
        h = 1e-6
        return np.array([(function(at + h * e) - function(at - h * e)) / (2 * h) for e in np.eye(len(at))])

    shaping_x = slope(lambda z: (x @ A) @ (opponent_step * centred(B.T @ z)), x)
    shaping_y = slope(lambda z: (B @ y) @ (opponent_step * centred(A @ z)), y)
    run = lola_dynamics(game, start=[x / x.sum(), y / y.sum()], step=step, opponent_step=opponent_step, steps=1)
    np.testing.assert_allclose(run.strategies[0][1], x + step * centred(A @ y + shaping_x), atol=1e-9)
    np.testing.assert_allclose(run.strategies[1][1], y + step * centred(B.T @ x + shaping_y), atol=1e-9)


@pytest.mark.parametrize("dynamic", [extragradient_ascent, optimistic_gradient_ascent])
def test_looking_ahead_goes_to_equilibrium_of_zero_sum_games_at_a_geometric_rate(dynamic):
    gaps = []
    for seed in range(4):
        game = random_game(seed, (3, 3), zero_sum=True)
        run = dynamic(game, step=0.2, steps=1050, record=3, joint=False)
        gaps.append(run.nash_conv_current[1:])
    late = np.median(gaps, axis=0)
    assert late[-1] < 1e-4
    assert late[2] < 0.5 * late[1] < 0.25 * late[0]


def test_shaping_converges_in_matching_pennies_and_plain_ascent_does_not():
    shaped = lola_dynamics(PENNIES, step=0.05, steps=300)
    plain = lola_dynamics(PENNIES, step=0.05, opponent_step=0.0, steps=300)
    assert shaped.last.epsilon < 1e-6
    assert plain.nash_conv_current[-20:].max() > 0.5


def test_wolf_climbing_closes_in_on_mixed_equilibria_that_plain_climbing_circles():
    games = [PENNIES, gt.games.rock_paper_scissors()]
    for game in games:
        plain = policy_hill_climbing(game, delta=0.004, steps=2500)
        wolf = wolf_policy_hill_climbing(game, steps=2500)
        assert plain.nash_conv_current[-30:].mean() > 0.2
        assert wolf.nash_conv_current[-30:].mean() < 0.1
        assert wolf.nash_conv_current[-30:].mean() < 0.4 * plain.nash_conv_current[-30:].mean()


@pytest.mark.parametrize("dynamic", [*MAPS[:-1], infinitesimal_gradient_ascent, lola_dynamics])
def test_a_dominant_action_is_found_in_the_prisoners_dilemma(dynamic):
    plainly = {"opponent_step": 0.0} if dynamic is lola_dynamics else {}
    run = dynamic(gt.games.prisoners_dilemma(), steps=3000, **plainly)
    assert run.last.epsilon < 0.05


def test_greedy_players_of_pennies_go_round_and_average_the_equilibrium():
    run = epsilon_greedy_dynamics(PENNIES, epsilon=0.1, steps=4000, record=400)
    for held, average in zip(run.strategies, run.averages):
        assert set(np.round(held[1:, 0], 9)) == {0.05, 0.95}
        assert abs(average[-1, 0] - 0.5) < 0.1


def test_a_map_has_the_same_bits_in_a_batch_and_in_both_gears(monkeypatch):
    games = [random_game(seed, (2, 3)) for seed in range(3)]
    brief = functools.partial(wolf_policy_hill_climbing, steps=50, record=5)
    alone = [brief(game) for game in games]
    together = many(brief, games)
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    compiled = many(brief, games)
    for a, b, c in zip(alone, together, compiled):
        assert np.array_equal(a.strategies[0], b.strategies[0])
        assert np.array_equal(a.strategies[0], c.strategies[0])
        assert np.array_equal(a.regrets, c.regrets)


@pytest.mark.parametrize(
    ("dynamic", "rest", "message"),
    [
        (infinitesimal_gradient_ascent, {"step": 0}, "step is 0"),
        (wolf_iga, {"while_losing": 0}, "while_losing"),
        (wolf_iga, {"equilibrium": [[1, 0]]}, "2 players but the profile has 1"),
        (policy_hill_climbing, {"delta": -1}, "delta"),
        (epsilon_greedy_dynamics, {"epsilon": 0.0}, "epsilon is 0.0"),
        (epsilon_greedy_dynamics, {"step": 1.5}, "step is 1.5: give a number above 0, at most 1"),
        (weighted_policy_learner, {"floor": 0.5}, "floor is 0.5"),
        (extragradient_ascent, {"step": float("nan")}, "step"),
        (lola_dynamics, {"opponent_step": -1}, "opponent_step"),
        (policy_hill_climbing, {"steps": 1.5}, "steps is 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(dynamic, rest, message):
    with pytest.raises(gt.GameError, match=message):
        dynamic(PENNIES, **rest)


def test_games_of_the_wrong_size_are_refused_with_the_way_out():
    rps = gt.games.rock_paper_scissors()
    with pytest.raises(gt.UnsupportedGame, match="use projection_dynamics"):
        infinitesimal_gradient_ascent(rps)
    with pytest.raises(gt.UnsupportedGame, match="use projection_dynamics"):
        wolf_iga(rps)
    with pytest.raises(gt.UnsupportedGame, match="only in 2 x 2 games"):
        gradient_field(rps)
    with pytest.raises(gt.UnsupportedGame, match="two players shape"):
        lola_dynamics(gt.NormalFormGame.common_interest(np.zeros((2, 2, 2))))
