"""The index of an equilibrium, and the largest number of totally mixed ones."""

from math import factorial

import numpy as np
import pytest

import marlgt as gt
from marlgt.concepts import equilibrium_index, maximal_totally_mixed

BATTLE = gt.NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])


def test_the_three_equilibria_of_the_battle_of_the_sexes_have_indices_that_sum_to_one():
    equilibria = ([[1, 0], [1, 0]], [[0, 1], [0, 1]], [[2 / 3, 1 / 3], [1 / 3, 2 / 3]])
    assert [equilibrium_index(BATTLE, e) for e in equilibria] == [1, 1, -1]


def test_a_unique_mixed_equilibrium_has_index_one():
    rock_paper_scissors = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    assert equilibrium_index(rock_paper_scissors, [[1 / 3] * 3] * 2) == 1


def test_the_index_does_not_depend_on_units_or_on_the_order_of_actions_and_players():
    mixed = [[2 / 3, 1 / 3], [1 / 3, 2 / 3]]
    scaled = BATTLE.affine(scale=[1000, 0.001], shift=[5, -7])
    assert equilibrium_index(scaled, mixed) == -1
    assert equilibrium_index(BATTLE.permute_players([1, 0]), mixed[::-1]) == -1
    assert equilibrium_index(BATTLE.restrict([[1, 0], [0, 1]]), [mixed[0][::-1], mixed[1]]) == -1


def test_an_answer_of_a_solver_will_do():
    assert [equilibrium_index(BATTLE, e) for e in gt.solvers.pure_equilibria(BATTLE)] == [1, 1]


def test_a_profile_that_is_no_equilibrium_has_no_index():
    with pytest.raises(gt.GameError, match="player 0 plays action 0, which is no best reply"):
        equilibrium_index(BATTLE, [[1, 0], [0, 1]])


def test_an_unplayed_best_reply_leaves_no_index():
    game = gt.NormalFormGame.bimatrix([[1, 0], [1, 0]], [[1, 0], [0, 1]])
    with pytest.raises(gt.GameError, match="player 0 does not play action 1, which is a best reply too"):
        equilibrium_index(game, [[1, 0], [1, 0]])


def test_dependent_equations_leave_no_index():
    game = gt.NormalFormGame(np.zeros((2, 2, 2), dtype=int))
    with pytest.raises(gt.GameError, match="singular"):
        equilibrium_index(game, [[0.5, 0.5], [0.5, 0.5]])


@pytest.mark.parametrize("n", range(1, 8))
def test_with_two_actions_each_the_bound_is_the_number_of_derangements(n):
    # McKelvey and McLennan 1997.
    derangements = round(sum((-1) ** k * factorial(n) / factorial(k) for k in range(n + 1)))
    assert maximal_totally_mixed([2] * n) == derangements


@pytest.mark.parametrize(
    ("n_actions", "bound"),
    [((5,), 0), ((1, 1), 1), ((4, 4), 1), ((4, 3), 0), ((3, 3, 3), 10), ((2, 2, 3), 2), ((2, 2, 4), 0), ((3, 1, 3), 1)],
)
def test_the_bound_for_other_sizes(n_actions, bound):
    assert maximal_totally_mixed(n_actions) == bound


@pytest.mark.parametrize("n_actions", [(), (2, 0)])
def test_the_bound_needs_positive_numbers_of_actions(n_actions):
    with pytest.raises(gt.GameError, match="one positive number per player"):
        maximal_totally_mixed(n_actions)
