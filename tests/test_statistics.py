"""Statistics over seeds: Agarwal et al.'s definitions against scipy, and intervals that cover what they should."""

import time

import numpy as np
import pytest
from scipy import stats

import marlgt as gt
from marlgt.errors import GameError
from marlgt.statistics import (
    bootstrap_interval,
    interquartile_mean,
    mean_interval,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
    wilson_interval,
)

SHAPES = [(1,), (2,), (3,), (4,), (5,), (8,), (1, 7), (3, 5), (6, 20)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_interquartile_mean_is_the_trimmed_mean_of_all_scores(shape):
    scores = np.random.default_rng(sum(shape)).standard_cauchy(shape)
    assert interquartile_mean(scores) == pytest.approx(stats.trim_mean(scores, 0.25, axis=None), rel=1e-12)


def test_every_statistic_treats_a_batch_as_one_call_each():
    rng = np.random.default_rng(0)
    scores, others = rng.normal(size=(7, 3, 5)), rng.normal(size=(7, 3, 4))
    levels = [-1.0, 0.0, 0.5]
    for k in range(7):
        assert interquartile_mean(scores)[k] == interquartile_mean(scores[k])
        assert optimality_gap(scores, target=0.3)[k] == optimality_gap(scores[k], target=0.3)
        assert np.array_equal(performance_profile(scores, levels)[k], performance_profile(scores[k], levels))
        assert probability_of_improvement(scores, others)[k] == probability_of_improvement(scores[k], others[k])


def test_the_probability_of_improvement_is_the_mean_mann_whitney_statistic_with_ties():
    rng = np.random.default_rng(1)
    mine, theirs = rng.integers(4, size=(3, 6)).astype(float), rng.integers(5, size=(3, 9)).astype(float)
    expected = np.mean([stats.mannwhitneyu(x, y).statistic / (6 * 9) for x, y in zip(mine, theirs)])
    assert probability_of_improvement(mine, theirs) == pytest.approx(expected, abs=1e-12)
    assert probability_of_improvement(theirs, mine) == pytest.approx(1 - expected, abs=1e-12)
    assert probability_of_improvement(mine, mine) == 0.5


def test_the_optimality_gap_is_what_is_missing_and_nothing_makes_up_for_it():
    assert optimality_gap([0.0, 0.5, 1.0, 9.0]) == pytest.approx((1 + 0.5) / 4)
    assert optimality_gap([[2.0, 3.0], [4.0, 8.0]], target=4.0) == pytest.approx((2 + 1) / 4)
    assert optimality_gap([5.0, 6.0]) == 0.0


def test_the_performance_profile_counts_the_runs_strictly_above_each_threshold():
    scores = np.array([[0.0, 1.0], [1.0, 3.0]])
    assert np.array_equal(performance_profile(scores, [-1, 0, 0.5, 1, 3]), [1.0, 0.75, 0.75, 0.25, 0.0])
    levels = np.linspace(-3, 3, 50)
    drawn = np.random.default_rng(2).normal(size=(4, 6))
    assert np.array_equal(performance_profile(drawn, levels), [(drawn > level).mean() for level in levels])
    # The area under it is the mean, the theorem by which optimality gaps are read off it (Agarwal et al., appendix A).
    fine = np.linspace(0, 4, 40_001)
    assert np.trapezoid(performance_profile(np.abs(drawn), fine), fine) == pytest.approx(np.abs(drawn).mean(), abs=1e-3)


def test_the_bootstrap_of_one_task_is_scipys():
    scores = np.random.default_rng(3).gamma(2.0, size=12)
    mine = bootstrap_interval(scores, lambda s: s.mean(axis=(-2, -1)), resamples=20_000)
    theirs = stats.bootstrap(
        (scores,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert mine.estimate == pytest.approx(scores.mean())
    assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_seeds_are_drawn_again_within_their_task():
    # All seeds of a task score alike: to draw them again changes nothing, unless tasks were mixed.
    scores = np.repeat([[0.0], [1.0], [5.0]], 6, axis=1)
    found = bootstrap_interval(scores, lambda s: s.mean(axis=(-2, -1)))
    assert found.low == found.high == found.estimate == 2.0


def test_the_interval_covers_the_true_value_about_as_often_as_its_level_says():
    rng = np.random.default_rng(4)
    covered = 0
    for k in range(300):
        found = bootstrap_interval(rng.normal(size=(2, 20)), level=0.9, resamples=500, seed=k)
        covered += bool(found.low <= 0 <= found.high)
    # 0.9 of 300 with three standard deviations below; percentile intervals of 20 seeds are a little short.
    assert 0.83 <= covered / 300 <= 0.95


def test_a_bootstrap_takes_statistics_of_two_arguments_and_of_many_values():
    rng = np.random.default_rng(5)
    better, worse = rng.normal(3, 1, size=(2, 10)), rng.normal(0, 1, size=(2, 8))
    found = bootstrap_interval((better, worse), probability_of_improvement)
    assert found.low <= found.estimate <= found.high <= 1
    assert found.low > 0.9
    levels = np.linspace(-3, 3, 7)
    band = bootstrap_interval(worse, lambda s: performance_profile(s, levels))
    assert band.low.shape == band.high.shape == band.estimate.shape == (7,)
    assert np.all((band.low <= band.estimate) & (band.estimate <= band.high))


def test_the_same_seed_gives_the_same_interval_whatever_is_held_at_once(monkeypatch):
    scores = np.random.default_rng(6).normal(size=(3, 5))
    first, again = bootstrap_interval(scores, seed=1), bootstrap_interval(scores, seed=1)
    assert (first.low, first.high) == (again.low, again.high)
    assert bootstrap_interval(scores, seed=2).low != first.low
    monkeypatch.setattr(gt.statistics, "_CELLS", 100)
    chunked = bootstrap_interval(scores, seed=1)
    assert (chunked.low, chunked.high) == (first.low, first.high)


def test_ten_thousand_resamples_of_a_hundred_runs_take_less_than_a_second():
    scores = np.random.default_rng(7).normal(size=(10, 10))
    began = time.process_time()
    bootstrap_interval(scores, resamples=10_000)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(("wins", "count"), [(0, 5), (1, 5), (9, 10), (20, 20), (19, 20), (500, 1000)])
def test_wilsons_interval_is_scipys(wins, count):
    found = wilson_interval(wins, count, level=0.9)
    theirs = stats.binomtest(wins, count).proportion_ci(0.9, method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert found.estimate == wins / count
    assert 0 <= found.low <= found.high <= 1


def test_wilsons_interval_takes_many_rates_at_once():
    found = wilson_interval([0, 3, 5], 5)
    assert found.low.shape == (3,)
    assert found.low[0] == 0.0
    assert found.high[2] == 1.0
    assert found.low[1] == wilson_interval(3, 5).low


def test_a_mean_interval_is_elementwise_and_that_of_the_learners():
    samples = np.random.default_rng(8).normal(size=(6, 4, 2))
    found, theirs = mean_interval(samples), gt.learners.bootstrap_interval(samples)
    assert found.mean == pytest.approx(samples.mean(axis=0))
    assert np.array_equal(found.low, theirs.low)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: interquartile_mean([]), "at least one"),
        (lambda: interquartile_mean(3.0), "at least one"),
        (lambda: interquartile_mean([[1, 2], [3]]), "at least one"),
        (lambda: interquartile_mean(["a"]), "scores must be numbers"),
        (lambda: interquartile_mean([1.0, np.nan]), "finite numbers: leave out or count as failed"),
        (lambda: probability_of_improvement([[1.0], [2.0]], [1.0]), r"same tasks, got shapes \(2, 1\) and \(1, 1\)"),
        (lambda: performance_profile([1.0], 0.5), r"shape \(thresholds,\), got \(\)"),
        (lambda: bootstrap_interval([1.0, 2.0], np.mean), r"gave shape \(\) for 1 resamples: give a function"),
        (lambda: bootstrap_interval(np.zeros((2, 3, 4))), r"got \[\(2, 3, 4\)\]"),
        (lambda: bootstrap_interval([1.0], level=95), "level is 95: give a number between 0 and 1"),
        (lambda: bootstrap_interval([1.0], resamples=0), "resamples is 0: give a whole number from 1"),
        (lambda: wilson_interval(6, 5), "successes must be from 0 to count"),
        (lambda: wilson_interval(0, 0), "count from 1"),
    ],
)
def test_what_cannot_be_summarised_is_named(call, match):
    with pytest.raises(GameError, match=match):
        call()
