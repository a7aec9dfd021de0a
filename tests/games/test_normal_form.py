"""The type of normal-form games: what it keeps, what it refuses, what it computes."""

from fractions import Fraction as F

import numpy as np
import pytest

import marlgt as gt

PD = gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]], actions=[["C", "D"], ["C", "D"]])


def three_players(seed=0):
    return gt.NormalFormGame(np.random.default_rng(seed).integers(-9, 10, size=(3, 2, 3, 4)))


def test_payoffs_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        PD.payoffs[0, 0, 0] = 9


def test_the_callers_array_stays_the_callers():
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    game = gt.NormalFormGame.zero_sum(A)
    A[0, 0] = 99
    assert game.payoffs[0, 0, 0] == 1


def test_integers_beyond_int64_stay_exact():
    game = gt.NormalFormGame.zero_sum([[2**70, 2**70 + 1], [0, 1]])
    assert game.fractions[0, 0, 1] - game.fractions[0, 0, 0] == 1


def test_the_most_negative_int64_is_negated_exactly():
    game = gt.NormalFormGame.zero_sum(np.array([[-(2**63), 0]]))
    assert game.fractions[1, 0, 0] == 2**63


def test_fractions_stay_exact_and_floats_do_not_become_exact():
    assert gt.NormalFormGame.zero_sum([[F(1, 3), 1]]).fractions[0, 0, 0] == F(1, 3)
    assert not gt.NormalFormGame.zero_sum([[0.1, 1]]).is_exact
    with pytest.raises(gt.ExactnessError, match="rationalize"):
        _ = gt.NormalFormGame.zero_sum([[0.1, 1]]).fractions


def test_rationalize_reads_a_tenth_as_a_tenth():
    assert gt.NormalFormGame.zero_sum([[0.1, 1.0]]).rationalize().fractions[0, 0, 0] == F(1, 10)


def test_integer_payoffs_share_the_least_denominator():
    numerators, denominators = gt.NormalFormGame.bimatrix([[F(1, 2), F(1, 3)]], [[2, 4]]).integer_payoffs
    assert numerators[0].tolist() == [[3, 2]]
    assert denominators == (6, 1)


def test_values_agree_with_the_sum_over_profiles():
    game = three_players()
    rng = np.random.default_rng(1)
    profile = [rng.dirichlet(np.ones(k)) for k in game.n_actions]
    weights = np.einsum("a,b,c->abc", *profile)
    assert np.allclose(game.values(profile), (game.payoffs * weights).sum(axis=(1, 2, 3)))


@pytest.mark.parametrize("player", range(3))
def test_deviation_payoffs_average_to_the_value(player):
    game = three_players()
    rng = np.random.default_rng(2)
    profile = [rng.dirichlet(np.ones(k)) for k in game.n_actions]
    assert profile[player] @ game.deviation_payoffs(profile, player) == pytest.approx(game.values(profile)[player])


def test_best_replies_include_ties():
    game = gt.NormalFormGame.zero_sum([[1, 0], [0, 1], [0.5, 0.5]])
    assert game.best_replies(([1, 0, 0], [0.5, 0.5]), 0) == (0, 1, 2)


def test_restriction_keeps_labels_and_exactness():
    kept = PD.restrict([[1], [0, 1]])
    assert kept.actions == (("D",), ("C", "D"))
    assert kept.is_exact
    assert kept.payoffs[0].tolist() == [[5, 1]]


def test_permuting_players_twice_by_inverse_orders_changes_nothing():
    game = three_players()
    assert game.permute_players([2, 0, 1]).permute_players([1, 2, 0]) == game


def test_permuted_players_get_the_same_payoffs():
    game = three_players()
    permuted = game.permute_players([2, 0, 1])
    assert permuted.payoffs[0, 3, 1, 2] == game.payoffs[2, 1, 2, 3]


def test_affine_transformation_is_exact_in_exact_games():
    game = PD.affine(scale=[F(1, 3), 1], shift=[0, F(1, 7)])
    assert game.fractions[0, 1, 0] == F(5, 3)
    assert game.fractions[1, 0, 0] == 3 + F(1, 7)


def test_affine_transformation_refuses_a_negative_scale():
    with pytest.raises(gt.GameError, match="scale must be positive"):
        PD.affine(scale=-1)


def test_equality_sees_payoffs_and_labels():
    assert gt.NormalFormGame(PD.payoffs.astype(int), actions=PD.actions) == PD
    assert gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]]) != PD
    assert hash(PD) == hash(gt.NormalFormGame(PD.payoffs, actions=PD.actions))


def test_common_interest_gives_everybody_the_same():
    game = gt.NormalFormGame.common_interest(np.arange(8).reshape(2, 2, 2))
    assert game.n_players == 3
    assert np.array_equal(game.payoffs[0], game.payoffs[2])


@pytest.mark.parametrize(
    ("payoffs", "message"),
    [
        ([[1, 2], [3, 4]], r"payoffs must have shape \(n, A_1, ..., A_n\), got \(2, 2\)"),
        ([[]], "every player must have at least one action"),
        (7, "payoffs must have shape"),
    ],
)
def test_wrong_shapes_say_what_to_write(payoffs, message):
    with pytest.raises(gt.GameError, match=message):
        gt.NormalFormGame(payoffs)


def test_two_matrices_of_different_shapes_are_named():
    with pytest.raises(gt.GameError, match=r"B has shape \(1, 2\) but A has shape \(2, 2\)"):
        gt.NormalFormGame.bimatrix([[1, 2], [3, 4]], [[1, 2]])


def test_labels_must_fit():
    with pytest.raises(gt.GameError, match=r"actions\[0\] must be 2 labels"):
        gt.NormalFormGame.zero_sum([[1, 2], [3, 4]], actions=[["a"], ["x", "y"]])
    with pytest.raises(gt.GameError, match="players must be 2 labels"):
        gt.NormalFormGame.zero_sum([[1, 2], [3, 4]], players="ab")
    with pytest.raises(gt.GameError, match="a label is text"):
        gt.NormalFormGame.zero_sum([[1]], actions=[[1], ["x"]])


def test_kept_actions_must_exist():
    with pytest.raises(gt.GameError, match=r"kept\[1\] is \[2\]: name at least one action from 0 to 1"):
        PD.restrict([[0], [2]])


def test_the_payoff_range_of_fractions_is_not_lost_to_rounding():
    game = gt.NormalFormGame.bimatrix([[1, 1 + F(1, 10**27)]], [[0, 0]])
    assert game.payoff_range.tolist() == [1e-27, 0.0]
