import dataclasses
import itertools

import pytest

from marlgt.deep.schedules import Linear, towards
from marlgt.errors import GameError


def test_schedules_go_from_the_first_value_to_the_last_and_stay():
    schedule = Linear(1.0, 0.1, 100)
    values = [schedule.value(step) for step in range(120)]
    assert values[0] == 1.0
    assert set(values[100:]) == {0.1}
    assert all(a > b for a, b in itertools.pairwise(values[:101]))
    assert Linear(0.4, 1.0, 100).value(50) > 0.4


def test_a_schedule_has_equal_steps():
    line = Linear(0.4, 1.0, 10)
    assert [line.value(t + 1) - line.value(t) for t in range(10)] == pytest.approx([0.06] * 10)


def test_no_steps_give_the_last_value_at_once():
    assert Linear(1.0, 0.05, 0).value(0) == 0.05


def test_a_setting_goes_straight_to_its_end_or_stays():
    assert [towards(3.0, 1.0, share) for share in (0.0, 0.25, 0.5, 1.0)] == [3.0, 2.5, 2.0, 1.0]
    assert {towards(3.0, None, share) for share in (0.0, 0.5, 1.0)} == {3.0}


def test_schedules_are_frozen_and_compared_by_value():
    assert Linear(1.0, 0.1, 5) == Linear(1.0, 0.1, 5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Linear(1.0, 0.1, 5).first = 0.5


def test_values_out_of_range_are_refused():
    with pytest.raises(GameError, match=r"goes from 1\.5 to 0: both must be from 0 to 1"):
        Linear(1.5, 0.0, 10)
    with pytest.raises(GameError, match="goes from nan to 0"):
        Linear(float("nan"), 0.0, 10)
    with pytest.raises(GameError, match="has -1 steps: give 0 or more"):
        Linear(1.0, 0.0, -1)
