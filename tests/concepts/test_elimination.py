"""Iterated elimination and rationalizability: order independence, equilibria kept, published examples."""

import numpy as np
from hypothesis import given, settings

import marlgt as gt
from marlgt.concepts import (
    dominating_strategy,
    is_dominance_solvable,
    is_rationalizable,
    iterated_elimination,
    rationalizable_actions,
    strictly_dominated,
)
from marlgt.testing import normal_form_games

GAMES = normal_form_games(n_players=range(2, 4), n_actions=range(1, 4))
TRAVELLERS = gt.NormalFormGame.bimatrix(
    [[2, 4, 4, 4], [0, 3, 5, 5], [0, 1, 4, 6], [0, 1, 2, 5]], [[2, 0, 0, 0], [4, 3, 1, 1], [4, 5, 4, 2], [4, 5, 6, 5]]
)


def one_at_a_time(game):
    """Remove strictly dominated actions one by one, always the last that there is."""
    kept = [list(range(count)) for count in game.n_actions]
    while True:
        reduced = game.restrict(kept)
        found = [(i, a) for i in range(game.n_players) for a in strictly_dominated(reduced, i)]
        if not found:
            return tuple(map(tuple, kept))
        player, action = found[-1]
        del kept[player][action]


@settings(max_examples=80, deadline=None)
@given(GAMES)
def test_the_order_of_strict_elimination_does_not_matter(game):
    if game.is_exact:
        assert iterated_elimination(game).actions == one_at_a_time(game)


@settings(max_examples=80, deadline=None)
@given(GAMES)
def test_what_is_left_has_nothing_dominated_and_every_step_is_recorded(game):
    for strict in (True, False):
        result = iterated_elimination(game, strict=strict)
        removed = {(s.domination.player, s.domination.action) for s in result.steps}
        survivors = {(i, a) for i, actions in enumerate(result.actions) for a in actions}
        assert removed.isdisjoint(survivors)
        assert len(removed) + len(survivors) == sum(game.n_actions)
        assert result.game.n_actions == tuple(map(len, result.actions))
        for i, count in enumerate(result.game.n_actions):
            # The tolerance is that of the game given, whose payoff range may be wider.
            slack, spread = 1e-9 * game.payoff_range[i], result.game.payoff_range[i]
            tolerance = slack / spread if spread > slack else 1.0
            for a in range(count):
                assert dominating_strategy(result.game, i, a, strict=strict, tolerance=tolerance) is None


def test_the_travellers_dilemma_is_solved_by_weak_dominance_alone():
    # Basu (1994): claims unravel from the highest to the lowest.
    weak = iterated_elimination(TRAVELLERS, strict=False)
    assert weak.actions == ((0,), (0,))
    assert is_dominance_solvable(TRAVELLERS, strict=False)
    assert not is_dominance_solvable(TRAVELLERS, strict=True, tolerance=0.0) or weak.rounds > 0


def test_a_textbook_game_unravels_in_three_rounds():
    # Osborne and Rubinstein (1994), section 4.2, discuss removal by mixtures.
    game = gt.NormalFormGame.bimatrix([[3, 0], [0, 3], [1, 1]], [[1, 0], [0, 0], [0, 5]])
    result = iterated_elimination(game)
    assert [(s.round, s.domination.player, s.domination.action) for s in result.steps] == [(1, 0, 2)]
    assert result.rounds == 1
    assert "round 1: player 0 drops action 2, dominated by 0.5 of 0 + 0.5 of 1" in str(result)


def test_rationalizable_actions_survive_and_dominated_ones_do_not():
    game = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
    assert rationalizable_actions(game) == ((1,), (1,))
    assert is_rationalizable(game, 0, 1)
    assert not is_rationalizable(game, 1, 0)


@settings(max_examples=60, deadline=None)
@given(normal_form_games(n_players=2, n_actions=range(1, 4)))
def test_every_rationalizable_action_is_a_best_reply_to_a_belief_on_rationalizable_actions(game):
    from scipy.optimize import linprog

    if not game.is_exact:
        return
    reduced = iterated_elimination(game).game
    for player, count in enumerate(reduced.n_actions):
        utilities = np.moveaxis(reduced.payoffs[player], player, 0)
        spread = max(float(np.ptp(utilities)), 1e-300)
        for action in range(count):
            # a belief y with (u(b) - u(a)) @ y <= 0 for every b
            program = linprog(
                np.zeros(utilities.shape[1]),
                A_ub=(utilities - utilities[action]) / spread,
                b_ub=np.full(count, 1e-9),
                A_eq=np.ones((1, utilities.shape[1])),
                b_eq=[1.0],
            )
            assert program.status == 0


def test_rounding_errors_do_not_become_payoffs_in_a_reduced_game():
    noise = 1e-12
    game = gt.NormalFormGame.bimatrix(
        [[1.0, 1.0 + noise], [1.0 + noise, 1.0 + 2 * noise], [-9.0, -9.0]], [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    )
    assert iterated_elimination(game).actions == ((0, 1), (0, 1))
    assert iterated_elimination(game, strict=False).actions == ((0, 1), (0, 1))
