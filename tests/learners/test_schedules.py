"""Schedules: their values, their two gears, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.kernels import compiled
from marlgt.learners import Schedule, geometric, linear, power
from marlgt.learners.schedules import as_schedule, scheduled

VALUES = st.floats(0, 1)
TIMES = st.integers(0, 10**7)


@given(VALUES, VALUES, st.integers(1, 10**6), TIMES)
def test_linear_goes_straight_and_stays(first, last, steps, t):
    value = linear(first, last, steps=steps)(t)
    assert value == pytest.approx(first + (last - first) * min(t, steps) / steps, abs=1e-12)
    if t >= steps:
        assert value == last


@given(VALUES, st.floats(0.5, 1), VALUES, st.integers(0, 2000))
def test_geometric_is_a_power_of_its_factor_above_a_floor(first, factor, floor, t):
    expected = max(floor, first * factor**t)
    assert geometric(first, factor, floor=floor)(t) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@given(VALUES, st.floats(0, 1.5), st.floats(0.5, 100), VALUES, TIMES)
def test_power_is_a_power_of_time_above_a_floor(first, exponent, scale, floor, t):
    expected = max(floor, first / (1 + t / scale) ** exponent)
    assert power(first, exponent=exponent, scale=scale, floor=floor)(t) == pytest.approx(expected, rel=1e-12)


@given(VALUES, st.sampled_from([0.51, 0.75, 1.0]), TIMES)
def test_rates_of_robbins_and_monro_sum_to_infinity_but_their_squares_do_not(first, exponent, t):
    schedule = power(first, exponent=exponent, per_visit=True)
    # Beside the integrals of (1 + t)^-p: a_t is at least, and its square at most, what makes the sums so.
    assert schedule(t) >= first / (1.0 + t) * (1 - 1e-12)
    assert schedule(t) ** 2 <= first**2 * (1.0 + t) ** -1.02 * (1 + 1e-12)


def test_littmans_rate_falls_to_a_hundredth_in_a_million_steps():
    # Littman (1994): decay 10^(log 0.01 / 10^6) = 0.9999954.
    factor = 10 ** (math.log10(0.01) / 10**6)
    assert round(factor, 7) == 0.9999954
    assert geometric(1.0, factor)(10**6) == pytest.approx(0.01, rel=1e-9)


def test_both_gears_give_the_same_bits():
    shapes = (linear(1, 0.1, steps=50), geometric(1, 0.99), power(1, exponent=0.7), power(1), as_schedule(0.3, "x"))
    for schedule in shapes:
        row = schedule.row()
        for t in (0.0, 1.0, 7.0, 49.0, 50.0, 12345.0):
            assert compiled(scheduled)(row, 0, t) == scheduled(row, 0, t)


def test_a_number_is_a_schedule_that_never_changes():
    schedule = as_schedule(0.25, "rate")
    assert [schedule(t) for t in (0, 10, 10**9)] == [0.25] * 3
    assert schedule.most() == 0.25
    given_one = linear(0.1, 0.9, steps=3)
    assert as_schedule(given_one, "rate") is given_one
    assert given_one.most() == 0.9
    assert as_schedule(np.float64(0.5), "rate").first == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: linear(1, 0, steps=0), "steps 0 and exponent 1: give a positive steps"),
        (lambda: geometric(1, 1.5), "factor is 1.5: a geometric schedule falls"),
        (lambda: geometric(1, 0), "give a positive factor"),
        (lambda: power(1, exponent=-1), "an exponent that is not negative"),
        (lambda: power(math.nan), "give finite numbers"),
        (lambda: power("fast"), "give finite numbers"),
        (lambda: as_schedule(1.5, "alpha"), "alpha runs from 1.5 to 1.5: every value must be from 0 to 1"),
        (lambda: as_schedule(-0.1, "alpha"), "every value must be from 0 to 1"),
        (lambda: as_schedule(math.nan, "alpha"), "every value must be from 0 to 1"),
        (lambda: as_schedule(linear(0.5, 2, steps=3), "alpha"), "alpha runs from 0.5 to 2"),
        (lambda: as_schedule(0, "heat", most=math.inf, positive=True), "above 0 and finite"),
        (lambda: as_schedule(True, "alpha"), "alpha is True: give a number, or a schedule"),
        (lambda: as_schedule("0.1", "alpha"), "alpha is '0.1': give a number, or a schedule"),
    ],
    ids=range(13),
)
def test_bad_input_is_told_the_rule(make, message):
    with pytest.raises(GameError, match=message):
        make()


def test_schedules_are_values():
    assert linear(1, 0, steps=5) == linear(1, 0, steps=5)
    assert hash(power(1.0)) == hash(power(1.0))
    assert isinstance(power(1.0), Schedule)
