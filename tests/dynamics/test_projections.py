"""The projection onto the simplex: the nearest distribution, found in finitely many steps whatever rounding does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import marlgt as gt
from marlgt.dynamics import project_to_simplex

vectors = hnp.arrays(np.float64, st.integers(1, 8), elements=st.floats(-1e6, 1e6))


def sorted_projection(v):
    """Project by the sorted threshold (Held, Wolfe and Crowder 1974)."""
    ordered = np.sort(v)[::-1]
    thresholds = (np.cumsum(ordered) - 1) / np.arange(1, len(v) + 1)
    kept = np.flatnonzero(ordered > thresholds)[-1]
    return np.maximum(v - thresholds[kept], 0.0)


@given(vectors)
def test_it_agrees_with_the_sorted_threshold(v):
    projected = project_to_simplex(v)
    assert projected.min() >= 0.0
    assert abs(projected.sum() - 1.0) <= 1e-9
    assert np.abs(projected - sorted_projection(v - v.max())).max() <= 1e-9 * max(1.0, np.ptp(v))


def test_it_ends_where_an_entry_lies_on_the_threshold_up_to_rounding():
    """Such points come up when gradient ascent is pushed to and fro near the centre."""
    payoffs = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
    x = np.full(3, 1 / 3)
    for t in range(1, 20_001):
        x = project_to_simplex(x + payoffs[:, int(np.argmin(x @ payoffs))] / np.sqrt(t))
        x = project_to_simplex(x + 1e-17 * t)
    assert abs(x.sum() - 1.0) <= 1e-12


@pytest.mark.parametrize("v", [[], [[1.0, 2.0]], [np.nan, 1.0], "ab"])
def test_what_is_no_vector_is_refused(v):
    with pytest.raises(gt.GameError):
        project_to_simplex(v)
