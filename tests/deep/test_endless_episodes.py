"""Episodes that never end: an evaluation says so and does not wait for ever."""

import pytest

from marlgt.deep import IDQN, evaluation, train
from marlgt.errors import BudgetExceeded


def test_an_evaluation_stops_at_an_episode_without_an_end(monkeypatch, clock):
    monkeypatch.setattr(evaluation, "LONGEST", 40)
    with pytest.raises(BudgetExceeded, match="give the task a limit of time"):
        train(IDQN(), lambda: clock(length=1_000), steps=100, episodes=1)


def test_a_long_episode_that_ends_is_played_to_its_end(monkeypatch, clock):
    monkeypatch.setattr(evaluation, "LONGEST", 40)
    run = train(IDQN(), lambda: clock(length=40), steps=100, episodes=1)
    assert run.curve.lengths[-1].tolist() == [[40]]
