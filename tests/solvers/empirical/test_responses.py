"""Policy-space response oracles over the three types of game, and joint ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import nash_conv
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import kuhn_poker
from marlgt.solvers.empirical.joint_responses import jpsro
from marlgt.solvers.empirical.maximum_entropy import (
    maximum_entropy_correlated_equilibrium,
    maximum_gini_coarse_correlated_equilibrium,
)
from marlgt.solvers.empirical.meta_solvers import (
    alpha_rank_meta,
    nash_meta,
    projected_replicator_dynamics,
    uniform_meta,
)
from marlgt.solvers.empirical.responses import exact_best_response, psro
from marlgt.solvers.matrix_game import minimax

normal_games = st.builds(
    lambda shape, seed: gt.NormalFormGame(np.random.default_rng(seed).integers(-5, 6, (len(shape), *shape))),
    st.sampled_from([(3, 4), (5, 5), (2, 2, 2), (3, 2, 3)]),
    st.integers(0, 5000),
)


@given(normal_games)
@settings(max_examples=40)
def test_with_nash_mixing_it_ends_in_an_equilibrium_before_all_strategies_are_used_up(game):
    found = psro(game)
    assert found.converged
    assert found.equilibrium.epsilon <= 1e-9 * game.payoff_range.max()
    assert found.iterations <= sum(game.n_actions) + 1
    for own, sizes in zip(found.populations, found.sizes.T):
        assert len({tuple(s) for s in own}) == len(own) == sizes[-1]
    assert found.meta_game.n_actions == tuple(found.sizes[-1])


@pytest.mark.parametrize("n_players", [2, 3])
def test_kuhn_poker_is_solved(n_players):
    game = kuhn_poker(n_players)
    found = psro(game)
    assert found.converged
    assert found.gaps[-1] <= 1e-9
    assert nash_conv(game, found.equilibrium.profile) <= 1e-9
    if n_players == 2:
        # Kuhn (1950): the value is -1/18.
        assert found.equilibrium.values[0] == pytest.approx(-1 / 18)


def test_every_gap_is_the_nash_conv_of_the_mixture_in_the_full_game():
    game = gt.NormalFormGame(np.random.default_rng(6).normal(size=(2, 6, 5)))
    found = psro(game, meta_solver=alpha_rank_meta, iterations=4)
    for k, answer in enumerate(found.meta_strategies):
        profile = [sum(w * s for w, s in zip(own, ss)) for own, ss in zip(answer.profile, found.restricted(k))]
        assert found.gaps[k] == pytest.approx(nash_conv(game, profile))
    assert found.equilibrium.regrets.sum() == pytest.approx(found.gaps.min())


def test_the_payoff_table_holds_what_the_strategies_get():
    game = kuhn_poker()
    found = psro(game, iterations=4)
    form = game.sequence_form
    for i, one in enumerate(found.populations[0]):
        for j, other in enumerate(found.populations[1]):
            expected = form.values(form.realization_plans([one, other]))
            assert np.allclose(found.meta_game.payoffs[:, i, j], expected)


def test_uniform_mixing_with_duplicates_is_fictitious_play():
    game = gt.NormalFormGame(np.random.default_rng(9).normal(size=(2, 4, 3)))
    start = ([1, 0, 0, 0], [1, 0, 0])
    found = psro(game, meta_solver=uniform_meta, duplicates=True, start=start, iterations=20)
    actions = np.array([[int(s.argmax()) for s in own] for own in found.populations]).T
    expected = gt.dynamics.fictitious_play(game, steps=20, first_actions=[0, 0]).actions
    assert actions.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "meta_solver",
    [
        lambda g: projected_replicator_dynamics(g, steps=500, step_size=0.1),
        lambda g: alpha_rank_meta(g, alpha=5.0),
        uniform_meta,
        nash_meta,
    ],
)
def test_the_gap_falls_with_every_meta_solver(meta_solver):
    found = psro(kuhn_poker(), meta_solver=meta_solver, iterations=8, duplicates=True)
    assert found.gaps[-1] < 0.75 * found.gaps[0]
    assert found.equilibrium.regrets.sum() == pytest.approx(found.gaps.min(), abs=1e-12)


def test_an_oracle_of_ones_own_is_asked_with_the_populations_and_their_weights():
    game = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    asked = []

    def random_action(full, player, populations, weights, rng):
        asked.append((player, weights.shape, float(weights.sum()), len(populations[1 - player])))
        return np.eye(3)[rng.integers(3)]

    start = ([1, 0, 0], [1, 0, 0])
    found = psro(game, oracle=random_action, start=start, iterations=12, seed=4, duplicates=True)
    same = psro(game, oracle=random_action, start=start, iterations=12, seed=4, duplicates=True)
    assert np.array_equal(found.gaps, same.gaps)
    for player, shape, total, others in asked:
        assert shape == ((1, others) if player == 0 else (others, 1))
        assert total == pytest.approx(1.0)
    exactly = psro(game, oracle=exact_best_response, start=start)
    assert exactly.gaps.tolist() == psro(game, start=start).gaps.tolist() == pytest.approx([2, 2, 0])
    called = psro(game, oracle=lambda *given: exact_best_response(*given), start=start)
    assert called.gaps.tolist() == pytest.approx([2, 2, 0])


@given(st.integers(0, 2000))
@settings(max_examples=20)
def test_exact_replies_to_correlated_opponents_are_best_among_all_pure_strategies(seed):
    rng = np.random.default_rng(seed)
    game = gt.NormalFormGame(rng.integers(-4, 5, (3, 3, 2, 2)))
    populations = [[rng.dirichlet(np.ones(count)) for _ in range(2)] for count in game.n_actions]
    weights = rng.dirichlet(np.ones(4)).reshape(1, 2, 2)
    reply = exact_best_response(game, 0, populations, weights)
    worths = sum(
        weights[0, j, k] * np.einsum("abc,b,c->a", game.payoffs[0], populations[1][j], populations[2][k])
        for j in range(2)
        for k in range(2)
    )
    assert worths @ reply == pytest.approx(worths.max())


def test_stochastic_games_are_certified_as_averaged_stationary_policies():
    # One state, no future: the mixture is stationary after all, and the game is matching pennies.
    pennies = gt.games.StochasticGame.repeated(gt.games.matching_pennies(), discount=0.0)
    found = psro(pennies)
    assert found.converged
    assert found.equilibrium.profile[0].tolist() == [[0.5, 0.5]]
    rng = np.random.default_rng(3)
    rewards = rng.normal(size=(3, 2, 2))
    transitions = rng.dirichlet(np.ones(3), size=(3, 2, 2))
    game = gt.games.StochasticGame.from_dense(np.stack([rewards, -rewards]), transitions, discount=0.7)
    found = psro(game, iterations=15)
    assert found.equilibrium.epsilon >= 0
    assert found.gaps.min() < found.gaps[0]
    assert gt.certify(game, found.equilibrium.profile).epsilon == pytest.approx(found.equilibrium.epsilon)


@given(normal_games, st.sampled_from(["coarse_correlated", "correlated"]))
@settings(max_examples=30)
def test_joint_oracles_end_in_equilibria_of_the_full_game(game, concept):
    found = jpsro(game, concept=concept)
    assert found.converged
    assert found.equilibrium.epsilon <= 1e-9 * game.payoff_range.max()
    joint = np.zeros(game.n_actions)
    for cell in np.argwhere(found.equilibrium.joint > 0).tolist():
        product = np.ones(())
        for own, k in zip(found.populations, cell):
            product = np.multiply.outer(product, own[k])
        joint += found.equilibrium.joint[tuple(cell)] * product
    # Played in the full game the mixture is coarse correlated; the recommendation tells a strategy, not its action.
    assert gt.certify(game, joint, concept="coarse_correlated").epsilon <= 1e-8
    assert found.equilibrium.values == pytest.approx((game.payoffs * joint).reshape(game.n_players, -1).sum(axis=1))


@pytest.mark.parametrize("concept", ["coarse_correlated", "correlated"])
def test_joint_oracles_find_the_value_of_kuhn_poker(concept):
    found = jpsro(kuhn_poker(), concept=concept)
    assert found.converged
    assert found.equilibrium.values[0] == pytest.approx(-1 / 18)
    assert found.equilibrium.concept == concept


def test_joint_oracles_take_other_meta_solvers():
    game = kuhn_poker(3)
    found = jpsro(game, meta_solver=maximum_gini_coarse_correlated_equilibrium)
    assert found.converged
    assert found.equilibrium.joint.shape == tuple(found.sizes[found.gaps.argmin()])
    zero_sum = gt.NormalFormGame.zero_sum([[3, -1], [-2, 1]])
    assert jpsro(zero_sum, meta_solver=minimax).equilibrium.values[0] == pytest.approx(1 / 7)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda g: psro(g, iterations=0), GameError, "iterations is 0"),
        (lambda g: psro(g, seed=-1), GameError, "seed is -1"),
        (lambda g: psro(g, tolerance=-1), GameError, "tolerance is -1"),
        (lambda g: psro(g, meta_solver="nash"), GameError, "meta_solver is 'nash'"),
        (lambda g: psro(g, oracle=3), GameError, "oracle is 3"),
        (lambda g: psro("g"), GameError, "give a NormalFormGame, an ExtensiveGame or a StochasticGame"),
        (lambda g: psro(g, meta_solver=maximum_entropy_correlated_equilibrium), GameError, "use jpsro"),
        (lambda g: psro(g, oracle=lambda *given: [1.0]), GameError, "the oracle of player 0 gave"),
        (lambda g: psro(g, start=([1, 0], [0.5, 0.6])), GameError, "must sum to 1"),
        (lambda g: jpsro(g, concept="nash"), GameError, "concept is 'nash'"),
        (lambda g: jpsro(gt.games.StochasticGame.repeated(g, discount=0.5)), UnsupportedGame, "use psro"),
        (lambda g: psro(gt.games.absent_minded_driver()), UnsupportedGame, "forgets"),
    ],
)
def test_bad_input_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call(gt.NormalFormGame.zero_sum([[1, 2], [3, 0]]))
