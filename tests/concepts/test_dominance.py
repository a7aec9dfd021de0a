"""Dominance: certificates recomputed, against a linear program of another make, and published examples."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import (
    dominated_by,
    dominating_strategy,
    strictly_dominated,
    weakly_dominated,
)
from marlgt.errors import GameError
from marlgt.testing import dominated_games, normal_form_games

GAMES = normal_form_games(n_players=range(1, 4), n_actions=range(1, 4))


def gains_over(game, player, action):
    utilities = np.moveaxis(game.payoffs[player], player, 0).reshape(game.n_actions[player], -1)
    return utilities - utilities[action]


def margin_by_scipy(game, player, action):
    """Return the largest worst-case gain of a mixture of the other actions: max_s min_c s @ D."""
    from scipy.optimize import linprog

    gains = np.delete(gains_over(game, player, action), action, axis=0)
    rivals, choices = gains.shape
    program = linprog(
        np.append(np.zeros(rivals), -1.0),
        A_ub=np.hstack([-gains.T, np.ones((choices, 1))]),
        b_ub=np.zeros(choices),
        A_eq=[[1.0] * rivals + [0.0]],
        b_eq=[1.0],
        bounds=[(0, None)] * rivals + [(None, None)],
    )
    return -program.fun


@settings(max_examples=150, deadline=None)
@given(GAMES, st.booleans(), st.booleans())
def test_every_dominating_strategy_proves_itself(game, strict, by_mixed):
    for player, count in enumerate(game.n_actions):
        for action in range(count):
            found = dominating_strategy(game, player, action, strict=strict, by_mixed=by_mixed)
            if found is None:
                continue
            assert found.is_pure or by_mixed
            if game.is_exact:
                gains = game.fractions[player]
                gains = np.moveaxis(gains, player, 0).reshape(count, -1)
                margins = found.exact_strategy @ gains - gains[action]
                assert sum(found.exact_strategy) == 1
                assert min(found.exact_strategy) >= 0
                assert min(margins) > 0 if strict else min(margins) >= 0 and max(margins) > 0
            else:
                margins = found.strategy @ gains_over(game, player, action)
                assert found.strategy.sum() == pytest.approx(1)
                assert margins.min() > 0 if strict else margins.min() >= -1e-9 * game.payoff_range[player]
            assert dominated_by(
                game, player, action, found.exact_strategy if game.is_exact else found.strategy, strict=strict
            )


@settings(max_examples=100, deadline=None)
@given(GAMES)
def test_strict_dominance_agrees_with_the_program_solved_by_scipy(game):
    for player, count in enumerate(game.n_actions):
        spread = game.payoff_range[player]
        if count == 1 or spread == 0 or not 1e-3 < spread < 1e6:
            continue
        dominated = strictly_dominated(game, player)
        for action in range(count):
            margin = margin_by_scipy(game, player, action) / spread
            if abs(margin) > 1e-6:
                assert (margin > 0) == (action in dominated)


@settings(max_examples=100, deadline=None)
@given(GAMES)
def test_strict_dominance_is_weak_dominance_and_pure_is_mixed(game):
    for player in range(game.n_players):
        strict, weak = set(strictly_dominated(game, player)), set(weakly_dominated(game, player))
        assert strict <= weak
        assert set(strictly_dominated(game, player, by_mixed=False)) <= strict
        assert set(weakly_dominated(game, player, by_mixed=False)) <= weak
        assert len(weak) < game.n_actions[player]


@settings(max_examples=40, deadline=None)
@given(dominated_games())
def test_games_built_with_dominated_actions_have_some(game):
    if max(game.n_actions) > 1:
        assert any(weakly_dominated(game, player) for player in range(game.n_players))


def test_a_mixture_may_dominate_where_no_action_does():
    game = gt.NormalFormGame.bimatrix([[4, 0], [0, 4], [1, 1]], np.zeros((3, 2), dtype=int))
    assert strictly_dominated(game, 0) == (2,)
    assert strictly_dominated(game, 0, by_mixed=False) == ()
    assert dominating_strategy(game, 0, 2).exact_strategy.tolist() == [Fraction(1, 2), Fraction(1, 2), 0]
    assert dominating_strategy(game, 0, 2).gain == 1.0


def test_a_margin_of_one_part_in_a_trillion_counts_in_an_exact_game():
    big = 10**12
    game = gt.NormalFormGame.bimatrix([[2 * big, 0], [0, 2 * big], [big - 1, big - 1]], np.zeros((3, 2), dtype=int))
    tied = gt.NormalFormGame.bimatrix([[2 * big, 0], [0, 2 * big], [big, big]], np.zeros((3, 2), dtype=int))
    assert strictly_dominated(game, 0) == (2,)
    assert strictly_dominated(tied, 0) == weakly_dominated(tied, 0) == ()


def test_rounding_does_not_make_equal_actions_dominate():
    game = gt.NormalFormGame.bimatrix([[0.1 + 0.2, 1.0], [0.3, 1.0]], [[0.0, 0.0], [0.0, 0.0]])
    assert weakly_dominated(game, 0) == ()


def test_large_exact_games_confirm_mixtures_found_in_floats():
    rng = np.random.default_rng(0)
    payoffs = rng.integers(0, 100, size=(40, 60)) * 3
    mixed = (payoffs[0] + 2 * payoffs[1]) // 3 - 1
    game = gt.NormalFormGame.bimatrix(np.vstack([payoffs, mixed]), np.zeros((41, 60), dtype=int))
    found = dominating_strategy(game, 0, 40)
    assert found.exact_strategy is not None
    assert found.gain > 0


def test_unknown_players_and_actions_are_named():
    game = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    with pytest.raises(GameError, match="player is 2: players are numbered from 0 to 1"):
        strictly_dominated(game, 2)
    with pytest.raises(GameError, match="player 0 has the actions 0 to 1"):
        dominating_strategy(game, 0, 5)
