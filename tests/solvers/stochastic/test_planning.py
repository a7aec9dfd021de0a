from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.concepts.stationary import longest_play, value_units
from marlgt.games import StochasticGame
from marlgt.solvers import plan_common_interest
from marlgt.testing import common_interest_stochastic_games

CLIMBING = gt.NormalFormGame.common_interest([[11, -30, 0], [-30, 7, 6], [0, 0, 5]])


def by_linear_program(game):
    """min 1'V  s.t.  V(s) >= r(s, a) + discount * P(s, a) V: the best values (Puterman 1994, section 6.9)."""
    from scipy.optimize import linprog

    rows, bounds = [], []
    for place in np.argwhere(game.played & ~game.terminal.reshape((-1,) + (1,) * game.n_players)):
        at = tuple(place)
        row = np.zeros(game.n_states)
        np.add.at(
            row, game.successors[at], game.discount * game.probabilities[at] * ~game.terminal[game.successors[at]]
        )
        row[at[0]] -= 1.0
        rows.append(row)
        bounds.append(-game.rewards[(0, *at)])
    free = [(0, 0) if over else (None, None) for over in game.terminal]
    return linprog(np.ones(game.n_states), A_ub=np.array(rows), b_ub=bounds, bounds=free).x


@settings(max_examples=40)
@given(common_interest_stochastic_games(n_players=range(1, 4), discount=0.9))
def test_values_are_those_of_the_linear_program_of_the_joint_decisions(game):
    answer = plan_common_interest(game)
    scale = value_units(game, answer.state_values)[0] * longest_play(game)
    assert answer.state_values[0] == pytest.approx(by_linear_program(game), abs=1e-7 * scale)
    assert answer.error_bound <= 1e-9 * scale
    assert all(np.isin(policy, (0.0, 1.0)).all() and (policy.sum(axis=1) == 1.0).all() for policy in answer.profile)
    assert gt.certify(game, answer.profile).epsilon <= 1e-9 * scale


def test_the_best_profile_is_found_where_a_stationary_equilibrium_is_worse():
    game = StochasticGame.repeated(CLIMBING, discount=0.5)
    assert plan_common_interest(game).values == pytest.approx([22.0, 22.0])
    worse = [np.eye(3)[[2]], np.eye(3)[[2]]]
    assert gt.certify(game, [np.eye(3)[[1]], np.eye(3)[[1]]]).epsilon == pytest.approx(0.0)
    assert gt.concepts.stationary_values(game, worse)[0, 0] == pytest.approx(10.0)


def test_ties_go_to_the_first_profile_of_actions():
    game = StochasticGame.repeated(gt.NormalFormGame.common_interest([[0, 1, 0], [1, 0, 1]]), discount=0.9)
    answer = plan_common_interest(game)
    assert [policy.argmax() for policy in answer.profile] == [0, 1]


def test_a_tie_that_rounding_breaks_goes_to_the_first_all_the_same():
    # 0.1 + 0.2 exceeds 0.3 in floats.
    game = StochasticGame.repeated(gt.NormalFormGame.common_interest([[0.3, 0.1 + 0.2], [0, 0]]), discount=0.9)
    assert [policy.argmax() for policy in plan_common_interest(game).profile] == [0, 0]


def test_a_goal_far_away_is_reached_by_the_shortest_way_without_discount():
    # Two players carry a load along 60 cells: it moves only if both push the same way, and each step costs 1.
    cells = 60
    nexts = np.zeros((cells + 1, 2, 2, 1), dtype=int)
    for cell in range(cells):
        nexts[cell] = cell + 2 if cell + 2 <= cells else cells
        nexts[cell, 0, 1] = nexts[cell, 1, 0] = cell + 1
    paid = np.full((2, cells + 1, 2, 2), -1.0)
    game = StochasticGame(paid, nexts, np.ones(nexts.shape), discount=1.0, terminal=np.arange(cells + 1) == cells)
    answer = plan_common_interest(game)
    assert answer.state_values[0, :cells] == pytest.approx(-np.ceil((cells - np.arange(cells)) / 2))
    assert (answer.profile[0][:cells].argmax(axis=1) == answer.profile[1][:cells].argmax(axis=1))[:-1].all()


def test_rewards_that_are_all_costs_are_planned():
    game = StochasticGame(
        [[[-2.0, -1.0], [-5.0, -5.0]]],
        [[[1], [0]], [[0], [0]]],
        np.ones((2, 2, 1)),
        discount=0.5,
    )
    # Staying costs 1 a step for ever: 2 in all; the way back costs 5 once more.
    assert plan_common_interest(game).state_values[0] == pytest.approx([-2.0, -6.0])


def test_games_of_another_kind_are_refused_with_the_solver_to_take():
    pennies = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    with pytest.raises(gt.UnsupportedGame, match="modified_policy_iteration"):
        plan_common_interest(StochasticGame.repeated(pennies, discount=0.5))
    with pytest.raises(gt.UnsupportedGame, match=r"marlgt.solve\(game\) picks a method"):
        plan_common_interest(StochasticGame.repeated(gt.games.prisoners_dilemma(), discount=0.5))
    with pytest.raises(gt.UnsupportedGame, match="the discount is 1"):
        plan_common_interest(StochasticGame.repeated(CLIMBING, discount=1.0))
    with pytest.raises(gt.GameError, match="give a StochasticGame"):
        plan_common_interest(CLIMBING)
    with pytest.raises(gt.GameError, match="tolerance"):
        plan_common_interest(StochasticGame.repeated(CLIMBING, discount=0.5), tolerance=-1)
