"""Individual global max, the conditions of QTRAN, and the nearest additive and monotone functions."""

import itertools

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import marlgt as gt
from marlgt.concepts import (
    additive_projection,
    individual_global_max,
    monotone_projection,
    qtran_conditions,
    qtran_residual,
)

# Son et al. 2019, table 1a; Claus and Boutilier 1998, section 3.
QTRAN = [[8, -12, -12], [-12, 0, 0], [-12, 0, 0]]
CLIMBING = [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]


def penalty(k):
    return [[k, 0, 10], [0, 2, 0], [10, 0, k]]


def joint_values(*, most_agents=3, most_actions=3):
    shapes = st.lists(st.integers(1, most_actions), min_size=1, max_size=most_agents).map(tuple)
    return shapes.flatmap(lambda shape: arrays.arrays(np.float64, shape, elements=st.integers(-6, 6)))


@st.composite
def utilities_and_values(draw):
    values = draw(joint_values())
    parts = [draw(arrays.arrays(np.float64, a, elements=st.integers(-4, 4))) for a in values.shape]
    return values, parts


def total(parts):
    return sum(np.meshgrid(*parts, indexing="ij"))


# Individual global max


def test_the_loss_is_what_the_worst_combination_of_tied_actions_misses():
    found = individual_global_max([[3, 0], [0, 2]], [[1, 1], [1, 0]])
    assert found.greedy == ((0, 0), (1, 0))
    assert found.optimal == ((0, 0),)
    assert found.loss == 3
    assert not found.holds


def test_combinations_that_are_best_but_not_all_of_the_best_hold_without_being_equal():
    # A mixer max(q_1, q_2) is monotone, not strictly: Rashid et al. 2018 use such mixers.
    found = individual_global_max([[0, 1], [1, 1]], [[0, 1], [0, 1]])
    assert found.greedy == ((1, 1),)
    assert found.optimal == ((0, 1), (1, 0), (1, 1))
    assert found.holds
    assert not found.equal


def test_the_tolerance_decides_what_ties():
    values, parts = [[1.0, 1.01]], [[0.0], [0.5, 0.4]]
    assert not individual_global_max(values, parts).holds
    assert individual_global_max(values, parts, tolerance=0.05).holds


@given(utilities_and_values())
def test_sums_of_utilities_satisfy_individual_global_max(case):
    _, parts = case
    found = individual_global_max(total(parts), parts)
    assert found.holds
    assert found.equal
    assert found.loss == 0


# QTRAN


def test_the_alternative_condition_is_stronger():
    parts = [[4, 2, 2], [4, 2, 2]]
    assert qtran_residual(QTRAN, parts, 0).tolist() == [[0, 18, 18], [18, 4, 4], [18, 4, 4]]
    found = qtran_conditions(QTRAN, parts)
    assert found.value == 0
    assert found.holds
    # In the second and third columns no residual is 0.
    assert not found.alternative_holds
    assert qtran_conditions([[2, 0], [0, -2]], [[1, -1], [1, -1]]).alternative_holds


def test_the_alternative_condition_allows_nothing_below_zero():
    found = qtran_conditions([[2, 0], [0, -1]], [[1, -1], [1, -1]])
    assert found.residual.tolist() == [[0, 0], [0, -1]]
    assert not found.holds
    assert not found.alternative_holds


def test_another_value_moves_the_residual_off_zero():
    assert not qtran_conditions(QTRAN, [[4, 2, 2], [4, 2, 2]], value=1.0).holds


@given(utilities_and_values(), st.booleans())
def test_the_conditions_imply_individual_global_max(case, lowered):
    values, parts = case
    # Half of the cases meet the conditions by construction: no joint value exceeds the sum of utilities.
    values = np.minimum(values, total(parts)) if lowered else values
    greedy = tuple(int(np.argmax(q)) for q in parts)
    if lowered:
        values[np.ix_(*[np.flatnonzero(q == q.max()) for q in parts])] = total(parts)[greedy]
    found = qtran_conditions(values, parts)
    assert found.holds or not lowered
    assert found.holds or not found.alternative_holds
    if found.holds:
        assert individual_global_max(values, parts).holds


# Additive projection


def test_the_additive_fit_of_the_climbing_game_is_greedy_for_the_safe_corner():
    found = additive_projection(CLIMBING)
    # Albrecht et al. 2024, figure 9.15: VDN ends at (C, C), worth 5.
    assert np.abs(found.fit - [[-9.22, -10.56, 0.78], [-8.56, -9.89, 1.44], [-1.22, -2.56, 8.78]]).max() < 0.005
    assert (found.greedy, found.greedy_value) == ((2, 2), 5)


@given(joint_values())
def test_the_additive_fit_is_the_sum_of_its_utilities_and_projects_to_itself(values):
    found = additive_projection(values)
    assert np.abs(total(found.utilities) - found.fit).max() < 1e-12
    again = additive_projection(found.fit)
    assert np.abs(again.fit - found.fit).max() < 1e-12
    assert again.squared_error < 1e-20


@given(joint_values())
def test_equal_weights_change_nothing(values):
    weighted = additive_projection(values, weights=np.full(values.shape, 3.0))
    plain = additive_projection(values)
    assert np.abs(weighted.fit - plain.fit).max() < 1e-9
    assert abs(weighted.squared_error - 3 * plain.squared_error) < 1e-8


def test_weights_count_like_repeated_joint_actions():
    values, weights = np.array(CLIMBING, dtype=float), np.array([[5, 1, 0], [2, 2, 3], [1, 4, 1]])
    found = additive_projection(values, weights=weights)
    rng = np.random.default_rng(0)
    for _ in range(50):
        other = found.fit + total([rng.normal(size=3) * 0.1 for _ in range(2)])
        assert (weights * (values - other) ** 2).sum() > found.squared_error
    assert additive_projection(CLIMBING, weights=np.eye(3)).squared_error < 1e-20


# Monotone projection


@pytest.mark.parametrize(
    ("values", "mean_squared_error", "worth"),
    [
        (QTRAN, 32.0, 8),
        (CLIMBING, 110.82, 5),
        (penalty(-100), 896.30, 2),
        (penalty(-75), 535.19, 2),
        (penalty(-50), 266.67, 2),
        (penalty(-25), 90.74, 2),
        (penalty(0), 7.76, 10),
    ],
)
def test_the_best_monotone_fits_of_coordination_games(values, mean_squared_error, worth):
    found = monotone_projection(values)
    assert abs(found.squared_error / 9 - mean_squared_error) < 0.005
    assert found.greedy_value == worth


def test_the_best_monotone_fit_of_the_climbing_game_for_each_greedy_joint_action():
    expected = [[1459.8667, 1130.875, 1061.8667], [1130.875, 1453.3, 1041.2], [1111.3, 1111.3, 997.4167]]
    for greedy in itertools.product(range(3), repeat=2):
        found = monotone_projection(CLIMBING, greedy=greedy)
        assert abs(found.squared_error - expected[greedy[0]][greedy[1]]) < 1e-4
        assert found.greedy == greedy


def test_a_monotone_fit_can_be_right_where_no_additive_one_is():
    found = monotone_projection(QTRAN)
    assert np.abs(found.fit - [[8, -6, -6], [-6, -6, -6], [-6, -6, -6]]).max() < 1e-12
    assert individual_global_max(QTRAN, found.utilities).holds
    assert not individual_global_max(QTRAN, additive_projection(QTRAN).utilities).holds


@settings(deadline=None)
@given(joint_values())
def test_a_monotone_fit_rises_along_its_orders_and_is_no_worse_than_the_additive_one(values):
    found = monotone_projection(values)
    ordered = found.fit[np.ix_(*found.orders)]
    assert all((np.diff(ordered, axis=i) >= -1e-12).all() for i in range(values.ndim))
    assert found.squared_error <= additive_projection(values).squared_error + 1e-8
    assert abs(((values - found.fit) ** 2).sum() - found.squared_error) < 1e-12
    assert np.isclose(found.fit.mean(), values.mean(), atol=1e-12)
    assert individual_global_max(found.fit, found.utilities).holds


@settings(deadline=None)
@given(joint_values())
def test_a_monotone_fit_projects_to_itself(values):
    found = monotone_projection(values)
    again = monotone_projection(found.fit)
    assert again.squared_error < 1e-12
    assert np.abs(again.fit - found.fit).max() < 1e-6


@settings(deadline=None)
@given(joint_values(), st.randoms(use_true_random=False))
def test_relabelled_actions_and_agents_have_the_same_errors(values, random):
    labels = [random.sample(range(a), a) for a in values.shape]
    agents = random.sample(range(values.ndim), values.ndim)
    relabelled = values[np.ix_(*labels)].transpose(agents)
    for projection in (additive_projection, monotone_projection):
        assert abs(projection(relabelled).squared_error - projection(values).squared_error) < 1e-6
    fit = additive_projection(values).fit[np.ix_(*labels)].transpose(agents)
    assert np.abs(additive_projection(relabelled).fit - fit).max() < 1e-12


@pytest.mark.parametrize("shape", [(3, 2), (2, 2, 2)])
def test_a_general_solver_finds_no_better_monotone_fit(shape):
    values = np.random.default_rng(1).normal(size=shape)
    errors = []
    for orders in itertools.product(*(itertools.permutations(range(a)) for a in shape)):
        target = values[np.ix_(*orders)]
        rises = [
            {"type": "ineq", "fun": lambda x, i=i: np.diff(x.reshape(shape), axis=i).ravel()} for i in range(len(shape))
        ]
        found = minimize(
            lambda x, target=target: ((x - target.ravel()) ** 2).sum(),
            np.full(values.size, values.mean()),
            constraints=rises,
            method="SLSQP",
            options={"ftol": 1e-13, "maxiter": 500},
        )
        errors.append(found.fun)
    assert abs(monotone_projection(values).squared_error - min(errors)) < 1e-7


def test_naming_the_greedy_joint_action_never_lowers_the_error():
    values = np.random.default_rng(2).normal(size=(3, 4))
    errors = [monotone_projection(values, greedy=u).squared_error for u in np.ndindex(3, 4)]
    assert abs(min(errors) - monotone_projection(values).squared_error) < 1e-12


# Bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: additive_projection(3.0), r"must have shape \(A_1, ..., A_n\), got \(\)"),
        (lambda: additive_projection([[1, 2], [3]]), "joint_values must be made of real numbers"),
        (lambda: monotone_projection([[np.nan, 1]]), "joint_values must be finite"),
        (lambda: individual_global_max(QTRAN, [[1, 2, 3]]), r"utilities must have shapes \[\(3,\), \(3,\)\]"),
        (lambda: individual_global_max(QTRAN, None), "utilities must be a sequence of arrays"),
        (lambda: qtran_residual(QTRAN, [[1, 2], [1, 2, 3]], 0), "give one array per agent"),
        (lambda: qtran_residual(QTRAN, [[0, 0, 0], [0, 0, 0]], np.inf), "value must be finite"),
        (lambda: qtran_conditions(QTRAN, [[0, 0, 0]] * 2, value=[1, 2]), "value must be one number"),
        (
            lambda: individual_global_max(QTRAN, [[0, 0, 0]] * 2, tolerance="a"),
            "tolerance must be made of real numbers",
        ),
        (lambda: monotone_projection(QTRAN, budget=0), "budget is 0: give a positive number of operations"),
        (lambda: qtran_conditions(QTRAN, [[0, 0, 0]] * 2, tolerance=-1), "tolerance must be at least 0, got -1"),
        (lambda: additive_projection(QTRAN, weights=[1, 2, 3]), r"weights must have the shape \(3, 3\)"),
        (lambda: additive_projection([1, 2], weights=[1, -1]), "weights must be nonnegative and not all 0"),
        (lambda: additive_projection([1, 2], weights=[0, 0]), "weights must be nonnegative and not all 0"),
        (lambda: monotone_projection(QTRAN, greedy=(0, 3)), r"greedy must name one action per agent below \(3, 3\)"),
        (lambda: monotone_projection(QTRAN, greedy=1), "greedy must name one action per agent"),
    ],
)
def test_what_cannot_be_used_is_named(call, message):
    with pytest.raises(gt.GameError, match=message):
        call()


def test_too_many_orders_are_refused_before_the_work_begins():
    with pytest.raises(gt.BudgetExceeded, match=r"above the budget of 5.0e\+09: give fewer actions") as caught:
        monotone_projection(np.zeros((9, 9)))
    assert caught.value.estimate > caught.value.limit
    with pytest.raises(gt.BudgetExceeded, match=r"tries 3\.6e\+01 orders"):
        monotone_projection(QTRAN, budget=10)
    assert monotone_projection(QTRAN, budget=None).greedy == (0, 0)
