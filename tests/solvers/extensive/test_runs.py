"""What all iterative solvers of trees share: their limits, their trace, interrupts, and no unit of payoffs."""

import math
import signal

import numpy as np
import pytest

import marlgt as gt
from marlgt.concepts import exploitability
from marlgt.errors import GameError
from marlgt.games import kuhn_poker, leduc_poker
from marlgt.solvers import (
    cfr,
    cfr_plus,
    discounted_cfr,
    extensive_fictitious_play,
    external_sampling_mccfr,
    linear_cfr,
    outcome_sampling_mccfr,
    predictive_cfr_plus,
)

METHODS = [
    cfr,
    cfr_plus,
    linear_cfr,
    discounted_cfr,
    predictive_cfr_plus,
    external_sampling_mccfr,
    outcome_sampling_mccfr,
    extensive_fictitious_play,
]


def matrix_tree(payoffs):
    return gt.ExtensiveGame.from_normal_form(gt.NormalFormGame.zero_sum(payoffs))


@pytest.mark.parametrize("scale", [2.0**490, 2.0**-1060])
@pytest.mark.parametrize("method", METHODS)
def test_the_unit_of_the_payoffs_does_not_matter(method, scale):
    game, scaled = matrix_tree([[2, -1], [-1, 1]]), matrix_tree(np.array([[2.0, -1.0], [-1.0, 1.0]]) * scale)
    for policy, other in zip(method(game, iterations=30).profile, method(scaled, iterations=30).profile):
        assert np.array_equal(policy, other)


def test_the_trace_records_the_exploitability_on_the_way():
    game = kuhn_poker()
    answer = cfr_plus(game, iterations=100)
    counts, gaps = answer.trace.T
    assert counts[0] == 1
    assert counts[-1] == 100
    assert (np.diff(counts) > 0).all()
    assert gaps[-1] == pytest.approx(exploitability(game, answer.profile), abs=1e-12)
    assert gaps[0] == pytest.approx(exploitability(game, game.uniform_profile()), abs=1e-12)


def test_a_gap_ends_the_run_early_and_holds():
    game = kuhn_poker()
    answer = predictive_cfr_plus(game, iterations=10**6, gap=1e-3)
    assert answer.work["iterations"] < 1000
    assert exploitability(game, answer.profile) <= 1e-3


def test_a_time_limit_of_zero_leaves_the_answer_of_one_chunk():
    answer = cfr(kuhn_poker(), iterations=10**9, time_limit=0.0)
    assert answer.work["iterations"] < 10**9
    assert answer.epsilon < 1.0


@pytest.mark.parametrize(
    "method", [cfr, predictive_cfr_plus, external_sampling_mccfr, outcome_sampling_mccfr, extensive_fictitious_play]
)
def test_an_interrupt_ends_a_run_that_would_take_days(method, monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "compiled")

    def interrupt(*_):
        raise KeyboardInterrupt

    game = leduc_poker()
    method(game, iterations=1)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            method(game, iterations=10**12)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"iterations": 0}, "iterations is 0: give a whole number from 1"),
        ({"iterations": 1.5}, "iterations is 1.5"),
        ({"gap": -1e-3}, "gap is -0.001"),
        ({"gap": math.nan}, "gap"),
        ({"time_limit": -1}, "time_limit is -1"),
    ],
)
def test_limits_that_are_none_are_refused(method, limits, message):
    with pytest.raises(GameError, match=message):
        method(kuhn_poker(), **limits)


def test_a_matrix_is_no_tree():
    with pytest.raises(GameError, match="give an ExtensiveGame"):
        cfr(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]))
