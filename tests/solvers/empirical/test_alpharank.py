"""Alpha-rank: OpenSpiel's figures, chains solved by hand, and invariances."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import BudgetExceeded, GameError, UnsupportedGame
from marlgt.solvers.empirical._markov import stationary_distribution
from marlgt.solvers.empirical.alpharank import alpha_rank

shapes = st.sampled_from([(2, 2), (3, 2), (2, 3, 2), (4, 4), (1, 3)])
games = st.builds(
    lambda shape, seed: gt.NormalFormGame(np.random.default_rng(seed).integers(-4, 5, (len(shape), *shape)) / 4.0),
    shapes,
    st.integers(0, 10_000),
)
strengths = st.sampled_from([0.0, 0.1, 1.0, 20.0, 1000.0, float("inf")])


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 2), (4, 5)])
@pytest.mark.parametrize("alpha", [0.1, 1.0])
def test_profiles_are_ranked_as_by_openspiel(shape, alpha):
    peer = pytest.importorskip("open_spiel.python.egt.alpharank")
    payoffs = np.random.default_rng(len(shape)).normal(size=(len(shape), *shape))
    expected = peer.compute(list(payoffs), alpha=alpha)[2]
    found = alpha_rank(gt.NormalFormGame(payoffs), alpha=alpha)
    assert np.abs(found.distribution.reshape(-1) - expected).max() <= 1e-9


def test_the_limit_and_single_populations_are_ranked_as_by_openspiel():
    peer = pytest.importorskip("open_spiel.python.egt.alpharank")
    rng = np.random.default_rng(8)
    payoffs = rng.integers(-2, 3, (2, 3, 4)).astype(float)
    expected = peer.compute(list(payoffs), use_inf_alpha=True, inf_alpha_eps=0.05)[2]
    found = alpha_rank(gt.NormalFormGame(payoffs), alpha=float("inf"), perturbation=0.05)
    assert np.abs(found.distribution.reshape(-1) - expected).max() <= 1e-9
    own = rng.normal(size=(5, 5))
    found = alpha_rank(gt.NormalFormGame.bimatrix(own, own.T), alpha=2.0, single_population=True)
    assert np.abs(found.distribution - peer.compute([own], alpha=2.0)[2]).max() <= 1e-9


@given(games, strengths)
@settings(max_examples=60)
def test_it_is_a_distribution_that_ignores_shifts_and_follows_relabelling(game, alpha):
    found = alpha_rank(game, alpha=alpha)
    assert found.distribution.shape == game.n_actions
    assert found.distribution.sum() == pytest.approx(1.0)
    assert (found.distribution >= 0).all()
    for i, own in enumerate(found.marginals):
        assert own.sum() == pytest.approx(1.0)
        assert len(own) == game.n_actions[i]
    shifted = alpha_rank(game.affine(shift=list(range(1, game.n_players + 1))), alpha=alpha)
    assert np.allclose(shifted.distribution, found.distribution, atol=1e-9)
    order = list(range(game.n_players))[::-1]
    swapped = alpha_rank(game.permute_players(order), alpha=alpha)
    assert np.allclose(swapped.distribution, np.transpose(found.distribution, order), atol=1e-9)
    reverse = [range(count)[::-1] for count in game.n_actions]
    flipped = alpha_rank(game.restrict([list(r) for r in reverse]), alpha=alpha)
    assert np.allclose(flipped.distribution[np.ix_(*reverse)], found.distribution, atol=1e-9)


def test_without_selection_all_profiles_are_alike_and_with_much_the_strict_equilibrium_has_all():
    game = gt.games.prisoners_dilemma()
    assert np.allclose(alpha_rank(game, alpha=0.0).distribution, 0.25)
    strong = alpha_rank(game, alpha=1e6)
    assert strong.ranking[0] == ((1, 1), pytest.approx(1.0))
    limit = alpha_rank(game, alpha=float("inf"), perturbation=1e-300)
    assert limit.ranking[0] == ((1, 1), pytest.approx(1.0))


def test_the_share_of_two_strategies_is_the_ratio_of_their_fixation_probabilities():
    # A chain of two states: share(b) / share(a) = rho(a to b) / rho(b to a) = exp((m - 1) alpha D), by hand.
    game = gt.NormalFormGame.bimatrix([[0.0], [0.03]], [[0.0], [0.0]])
    alpha, size = 5.0, 20
    share = alpha_rank(game, alpha=alpha, population_size=size).marginals[0]
    assert share[1] / share[0] == pytest.approx(np.exp((size - 1) * alpha * 0.03))


def test_rock_paper_scissors_and_its_cycles_rank_alike():
    rps = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    for alpha in (0.5, 50.0, float("inf")):
        assert np.allclose(alpha_rank(rps, alpha=alpha, single_population=True).distribution, 1 / 3)
    off = alpha_rank(rps, alpha=300.0).distribution
    assert np.allclose(off, off.T)


@given(st.integers(2, 6), st.integers(0, 5000))
@settings(max_examples=40)
def test_the_stationary_distribution_is_exact_for_rates_of_any_size(count, seed):
    rng = np.random.default_rng(seed)
    exponents = rng.integers(-40, 1, (count, count))
    found = stationary_distribution(exponents * np.log(2.0))
    expected = stationary_in_fractions([[Fraction(2) ** int(e) for e in row] for row in exponents])
    assert np.allclose(found, np.array(expected, dtype=float), rtol=1e-10, atol=0)
    # The same chain, all its rates far below the smallest float.
    assert np.allclose(stationary_distribution(exponents * np.log(2.0) - 1e4), found, rtol=1e-9, atol=0)


def stationary_in_fractions(rates):
    """Return the stationary distribution by the matrix-tree theorem of two lines: elimination in fractions."""
    count = len(rates)
    rates = [row[:] for row in rates]
    for last in range(count - 1, 0, -1):
        out = sum(rates[last][:last])
        for i in range(last):
            rates[i][last] /= out
            for j in range(last):
                rates[i][j] += rates[i][last] * rates[last][j]
    weights = [Fraction(1)]
    for state in range(1, count):
        weights.append(sum(weights[i] * rates[i][state] for i in range(state)))
    total = sum(weights)
    return [w / total for w in weights]


def test_the_stationary_distribution_balances_every_state():
    rates = np.random.default_rng(2).random((30, 30))
    share = stationary_distribution(np.log(rates))
    np.fill_diagonal(rates, 0.0)
    assert np.allclose(share @ rates, share * rates.sum(axis=1), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"alpha": -1}, GameError, "alpha is -1"),
        ({"alpha": float("nan")}, GameError, "alpha"),
        ({"population_size": 1}, GameError, "population_size is 1"),
        ({"perturbation": 0.5}, GameError, "perturbation is 0.5"),
        ({"single_population": True}, UnsupportedGame, "symmetric"),
    ],
)
def test_bad_input_is_explained(options, error, message):
    game = gt.NormalFormGame.bimatrix([[1, 2], [3, 4]], [[1, 2], [3, 4]])
    with pytest.raises(error, match=message):
        alpha_rank(game, **options)


def test_games_that_are_too_large_are_refused():
    with pytest.raises(BudgetExceeded, match="10,000 pure profiles"):
        alpha_rank(gt.NormalFormGame(np.zeros((2, 100, 100))))
