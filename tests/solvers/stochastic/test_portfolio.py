"""One stationary equilibrium of a general-sum stochastic game."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import GameError, NotConverged, UnsupportedGame
from marlgt.games.stochastic import StochasticGame
from marlgt.solvers import modified_policy_iteration, stationary_equilibrium
from marlgt.solvers.stochastic._stage_choice import pivoting_choice
from marlgt.solvers.stochastic._stage_tables import stage_tables
from marlgt.testing.stochastic import any_stochastic_game

ROUNDING = 1e-9


def unit(game, answer):
    """What is at stake: the largest value or range of rewards."""
    return max(float(np.abs(answer.state_values).max()), float(np.ptp(game.rewards)), 1e-300)


def tied_game(seed):
    """A game of small whole rewards, few successors, illegal actions and terminal states, with two or three players."""
    rng = np.random.default_rng(seed)
    n, s = int(rng.integers(2, 4)), int(rng.integers(1, 6))
    counts = tuple(int(a) for a in rng.integers(1, 4, size=n))
    width = min(s, 2)
    legal = []
    for count in counts:
        own = rng.random((s, count)) < 0.8
        own[np.arange(s), rng.integers(0, count, size=s)] = True
        legal.append(own)
    terminal = rng.random(s) < 0.2
    terminal[0] = False
    return StochasticGame(
        rng.integers(-2, 3, size=(n, s, *counts)).astype(float),
        rng.integers(0, s, size=(s, *counts, width)),
        rng.dirichlet(np.ones(width), size=(s, *counts)),
        discount=float(rng.choice([0.0, 0.5, 0.9, 0.95])),
        terminal=terminal,
        legal=legal,
    )


def normal_game(n_states, n_players, n_actions, seed):
    rng = np.random.default_rng(seed)
    shape = (n_states, *[n_actions] * n_players)
    return StochasticGame.from_dense(
        rng.normal(size=(n_players, *shape)), rng.dirichlet(np.ones(n_states), size=shape), discount=0.95
    )


@settings(max_examples=40)
@given(any_stochastic_game())
def test_every_answer_leaves_no_gain_to_a_best_reply(gains_of_best_replies, game):
    answer = stationary_equilibrium(game)
    gains = gains_of_best_replies(game, answer.profile)[:, ~game.terminal]
    assert gains.max(initial=0.0) <= ROUNDING * unit(game, answer)


@pytest.mark.parametrize("seed", range(25))
def test_ties_illegal_actions_and_terminal_states_are_no_obstacle(gains_of_best_replies, seed):
    game = tied_game(seed)
    answer = stationary_equilibrium(game)
    assert gains_of_best_replies(game, answer.profile)[:, ~game.terminal].max() <= ROUNDING * unit(game, answer)


@pytest.mark.parametrize(("shape", "seeds"), [((20, 2, 5), 3), ((50, 2, 3), 2), ((10, 3, 3), 3), ((3, 4, 3), 3)])
def test_random_games_of_every_shape_are_solved(gains_of_best_replies, shape, seeds):
    mixed = 0
    for seed in range(seeds):
        game = normal_game(*shape, seed)
        answer = stationary_equilibrium(game)
        mixed += any((policy > 1e-9).sum(axis=1).max() > 1 for policy in answer.profile)
        assert gains_of_best_replies(game, answer.profile).max() <= ROUNDING * unit(game, answer)
    assert mixed > 0


def test_the_judge_of_best_replies_can_fail(gains_of_best_replies):
    game = normal_game(5, 2, 3, 0)
    answer = stationary_equilibrium(game)
    moved = tuple(0.999 * policy + 0.001 / 3 for policy in answer.profile)
    assert gains_of_best_replies(game, moved).max() > 1e-3
    assert gt.certify(game, moved).epsilon == pytest.approx(gains_of_best_replies(game, moved).max(), rel=1e-9)


def test_the_unique_equilibrium_of_the_game_without_deterministic_ones_is_found():
    # Zinkevich, Greenwald and Littman 2005: player 1 sends with 2/3, player 2 with 5/12, at discount 3/4.
    answer = stationary_equilibrium(gt.games.nosde())
    sends = [row[row < 1.0] for policy in answer.profile for row in policy if 0.0 < row[0] < 1.0]
    assert len(sends) == 2
    np.testing.assert_allclose(np.sort(sends[0]), [1 / 3, 2 / 3], atol=1e-12)
    np.testing.assert_allclose(np.sort(sends[1]), [5 / 12, 7 / 12], atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_zero_sum_games_have_the_value_of_shapleys_operator(seed):
    game = gt.games.random_stochastic_game(6, (3, 3), zero_sum=True, discount=0.9, seed=seed)
    value = modified_policy_iteration(game).state_values
    # Rewards doubled for one player: the same equilibria, but no longer a zero-sum game to the library.
    general = StochasticGame(
        game.rewards * np.array([1.0, 2.0]).reshape(2, 1, 1, 1), game.successors, game.probabilities, discount=0.9
    )
    assert not general.is_zero_sum
    np.testing.assert_allclose(stationary_equilibrium(game).state_values, value, atol=1e-8)
    np.testing.assert_allclose(stationary_equilibrium(general).state_values[0], value[0], atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_players_with_common_interests_reach_what_planning_reaches(seed):
    game = gt.games.random_stochastic_game(6, (2, 3), common_interest=True, discount=0.9, seed=seed)
    best = gt.solvers.plan_common_interest(game).values
    np.testing.assert_allclose(stationary_equilibrium(game).values, best, atol=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_a_repeated_game_has_the_equilibria_of_the_game_that_is_repeated(seed):
    stage = gt.NormalFormGame(np.random.default_rng(seed).normal(size=(2, 3, 3)))
    answer = stationary_equilibrium(StochasticGame.repeated(stage, discount=0.8))
    found = np.concatenate([policy[0] for policy in answer.profile])
    every = [np.concatenate(e.profile) for e in gt.solve(stage)]
    assert min(np.abs(found - other).max() for other in every) <= 1e-9


def test_prisoners_who_remember_find_an_equilibrium_that_is_one():
    game = gt.games.iterated_prisoners_dilemma()
    answer = stationary_equilibrium(game)
    assert answer.epsilon <= 1e-12
    # Defection for ever earns the punishment 1 a step in the game of 5, 3, 1, 0, in units of that game.
    np.testing.assert_allclose(answer.profile[0][:, 1], 1.0)


def test_grid_game_1_is_worth_what_hu_and_wellman_compute():
    # Hu and Wellman 2003: both reach their goals in four steps without meeting, 100 * 0.99 ** 3.
    np.testing.assert_allclose(stationary_equilibrium(gt.games.grid_game_1()).values, [97.0299, 97.0299], atol=1e-9)


def test_a_decision_process_of_one_player_is_planned():
    rng = np.random.default_rng(3)
    game = StochasticGame.from_dense(rng.normal(size=(1, 5, 3)), rng.dirichlet(np.ones(5), size=(5, 3)), discount=0.9)
    best, _ = gt.concepts.stationary.best_stationary(game, game.uniform_profile(), 0)
    np.testing.assert_allclose(stationary_equilibrium(game).state_values[0], best, atol=1e-10)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_unit_of_the_rewards_does_not_matter(scale):
    game = normal_game(4, 2, 3, 1)
    scaled = StochasticGame(game.rewards * scale, game.successors, game.probabilities, discount=game.discount)
    one, other = stationary_equilibrium(game), stationary_equilibrium(scaled)
    np.testing.assert_allclose(other.state_values, one.state_values * scale, rtol=1e-9)


def test_the_same_seed_gives_the_same_equilibrium():
    game = normal_game(5, 2, 3, 9)
    first, second = (stationary_equilibrium(game, seed=4) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first.profile, second.profile))


def test_a_limit_ends_the_search_with_the_best_policies_and_their_gain(gains_of_best_replies):
    game = normal_game(20, 2, 5, 0)
    with pytest.raises(NotConverged, match=r"no method found .* least regret was .*: allow more time") as failure:
        stationary_equilibrium(game, time_limit=1e-9)
    best = failure.value.best
    assert best.epsilon == pytest.approx(gains_of_best_replies(game, best.profile).max(), rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed is -1: give a whole number from 0"),
        ({"restarts": -1}, "restarts is -1: give a whole number from 0"),
        ({"time_limit": 0}, "time_limit is 0: it must be positive"),
    ],
)
def test_limits_that_are_none_are_refused(arguments, message):
    with pytest.raises(GameError, match=message):
        stationary_equilibrium(gt.games.nosde(), **arguments)


def test_other_kinds_of_game_and_endless_games_are_refused():
    with pytest.raises(GameError, match="give a StochasticGame"):
        stationary_equilibrium(gt.games.prisoners_dilemma())
    with pytest.raises(UnsupportedGame, match="give a discount below 1"):
        stationary_equilibrium(gt.games.nosde().with_discount(1.0))


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("counts", [(1, 1), (1, 3), (3, 2)])
def test_pivoting_from_any_label_gives_equilibria_of_the_stage_games(turn, counts):
    rng = np.random.default_rng(turn)
    rewards = rng.normal(size=(2, 4, *counts))
    chances = rng.dirichlet(np.ones(4), size=(4, *counts))
    tables = stage_tables(StochasticGame.from_dense(rewards, chances, discount=0.9))
    x = pivoting_choice(tables, tables.rewards, turn)
    for state in range(4):
        profile = [x[state, tables.block(i)] for i in range(2)]
        assert gt.concepts.regrets(gt.NormalFormGame(tables.rewards[:, state]), profile).max() <= 1e-9


def test_supports_of_stage_equilibria_lead_newton_s_method_to_an_equilibrium():
    found = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        shape = (10, 4, 4)
        game = StochasticGame.from_dense(
            rng.normal(size=(2, *shape)), rng.dirichlet(np.ones(10), size=shape), discount=0.9
        )
        answer = stationary_equilibrium(game)
        assert gt.certify(game, answer.profile).epsilon <= 1e-9 * np.abs(answer.state_values).max()
        found += answer.method == "stationary_equilibrium/pivoting_stage_equilibria"
    assert found >= 3


def test_foraging_of_1610_states_is_settled_by_best_replies():
    answer = stationary_equilibrium(gt.games.level_based_foraging())
    assert answer.method == "stationary_equilibrium/best_replies"
    assert answer.epsilon <= 1e-9
