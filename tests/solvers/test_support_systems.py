"""The polynomial systems of supports: their coefficients, and which supports are refused."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.solvers._support_systems import build_system, choose_actions, expand, new_system, next_support

SHAPES = [(2, 2), (3, 2), (2, 2, 2), (3, 2, 4), (2, 1, 3), (2, 2, 2, 2), (3, 2, 2, 3)]


def systems(payoffs):
    """Yield the system at each candidate."""
    system = new_system(payoffs)
    while (status := next_support(system)) >= 0:
        if status:
            build_system(system)
            yield system


def supports_of(system):
    return [[a for a in range(c) if m >> a & 1] for c, m in zip(system.counts.tolist(), system.masks.tolist())]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_at_the_centre_of_a_box_is_the_difference_of_two_deviation_payoffs(shape):
    rng = np.random.default_rng(3)
    game = gt.NormalFormGame(rng.random((len(shape), *shape)))
    system = new_system(game.payoffs)
    values = np.zeros_like(system.coefficients)
    for masks in product(*(range(1, 2**c) for c in shape)):
        for i, mask in enumerate(masks):
            system.masks[i] = mask
            choose_actions(system, i, mask)
        build_system(system)
        supports = supports_of(system)
        profile, unknowns = [], []
        for count, support in zip(shape, supports):
            x = np.zeros(count)
            x[support] = rng.dirichlet(np.ones(len(support)))
            profile.append(x)
            unknowns.extend(x[support[1:]])
        expand(system, np.array(unknowns), np.full(len(unknowns), 0.1), values)
        for i, support in enumerate(supports):
            gains = game.deviation_payoffs(profile, i)
            others = [*support[1:], *(a for a in range(shape[i]) if a not in support)]
            rows = values[system.first_row[i] : system.first_row[i + 1], 0]
            assert rows == pytest.approx(gains[others] - gains[support[0]], abs=1e-13)


@given(st.sampled_from(SHAPES), st.integers(0, 2**32 - 1), st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_a_support_with_an_equilibrium_inside_is_never_refused(shape, seed, levels):
    """Payoffs are made so that a given interior point of the supports is an equilibrium, ties and all."""
    rng = np.random.default_rng(seed)
    payoffs = rng.integers(0, levels, (len(shape), *shape)).astype(float)
    supports = [np.sort(rng.choice(c, rng.integers(1, c + 1), replace=False)) for c in shape]
    profile = []
    for count, support in zip(shape, supports):
        x = np.zeros(count)
        x[support] = rng.dirichlet(np.ones(len(support))) + 0.05
        profile.append(x / x.sum())
    game = gt.NormalFormGame(payoffs)
    for i, support in enumerate(supports):
        column = tuple(-1 if j == i else 1 for j in range(len(shape)))
        gains = game.deviation_payoffs(profile, i)
        shift = np.where(np.isin(np.arange(shape[i]), support), -gains, -gains - rng.integers(0, 2, shape[i]))
        payoffs[i] += shift.reshape(column)
    if all(len(s) == 1 for s in supports):
        return
    wanted = [s.tolist() for s in supports]
    assert any(supports_of(system) == wanted for system in systems(payoffs / 10))
