"""Nearest neighbours against a full sort, and what is written of them."""

import numpy as np
import pytest

from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import ACTIVE, DRONE_FIELDS, SPX, SVX, VX, VY, VZ, X, Y, Z
from marlgt.games.drones.kernels.observing import rank_neighbours, ranked, ranks_for, see_neighbours
from marlgt.kernels import compiled


def block(positions, active=True, dtype=float):
    """Return a block of drones at positions of shape (n, WIDTH, 3)."""
    drones = np.zeros((len(positions), DRONE_FIELDS * WIDTH), dtype=dtype)
    for axis, field in enumerate((X, Y, Z)):
        drones[:, field : field + WIDTH] = positions[..., axis]
    drones[:, ACTIVE : ACTIVE + WIDTH] = active
    return drones


def random_positions(n, seed=0):
    return np.random.default_rng(seed).uniform(-1.5, 1.5, (n, WIDTH, 3))


def sorted_neighbours(positions, active, i, k):
    """Return the k nearest active drones of each lane by a full sort, shape (k, WIDTH), -1 where there are fewer."""
    found = np.full((k, WIDTH), -1)
    for e in range(WIDTH):
        ways = positions[:, e] - positions[i, e]
        order = sorted((float(ways[j] @ ways[j]), j) for j in range(len(positions)) if j != i and active[j, e])
        for s, (_, j) in enumerate(order[:k]):
            found[s, e] = j
    return found


def found_neighbours(rank, drones, i, k):
    ranks = np.full(ranks_for(k), 7.0, drones.dtype)
    rank(drones, len(drones), i, k, ranks)
    return np.array([[ranked(ranks, s, e) for e in range(WIDTH)] for s in range(k)]).reshape(k, WIDTH)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 1), (4, 2), (4, 3), (4, 6), (9, 8), (64, 6)])
@pytest.mark.parametrize("grid", [False, True])
def test_neighbours_are_those_of_a_full_sort_with_the_lower_number_first_among_equals(n, k, grid):
    positions = random_positions(n, seed=10 * n + k)
    if grid:
        # Distances of points with whole coordinates are exact, and many are equal.
        positions = np.round(positions)
    active = np.random.default_rng(n).random((n, WIDTH)) < 0.8
    for i in range(0, n, 5):
        expected = sorted_neighbours(positions, active, i, k)
        for rank, dtype in (
            (rank_neighbours, float),
            (compiled(rank_neighbours), float),
            (compiled(rank_neighbours, single=True), np.float32),
        ):
            assert np.array_equal(found_neighbours(rank, block(positions, active, dtype), i, k), expected)


def test_where_a_drones_position_is_not_a_number_it_is_nobodys_neighbour():
    positions = random_positions(5)
    positions[3, 2] = np.nan
    active = np.ones((5, WIDTH), dtype=bool)
    active[3, 2] = False
    expected = sorted_neighbours(positions, active, 0, 4)
    assert np.array_equal(found_neighbours(compiled(rank_neighbours), block(positions), 0, 4), expected)


def test_a_neighbour_is_seen_relative_in_metres_and_in_two_metres_per_second_and_none_as_zeros():
    drones = block(np.broadcast_to(np.array([[0.0, 0, 1], [2, 0, 1], [0.5, -0.25, 1.5]])[:, None], (3, WIDTH, 3)))
    drones[1, ACTIVE] = 0.0
    for field, speeds in ((VX, (1.0, 0.0, -1.0)), (VY, (0.0, 0.0, 0.5)), (VZ, (0.0, 2.0, 3.0))):
        drones[:, field] = speeds
    ranks, row = np.zeros(ranks_for(2)), np.full(14, 9.0)
    rank_neighbours(drones, 3, 0, 2, ranks)
    see_neighbours(drones, 0, 2, ranks, row, 1, 0)
    assert row.tolist() == [9.0, 0.5, -0.25, 0.5, -1.0, 0.25, 1.5, *[0.0] * 6, 9.0]


def test_a_neighbour_is_seen_from_where_the_drone_senses_itself_to_be():
    drones = block(random_positions(2))
    ranks, rows = np.zeros(ranks_for(1)), np.zeros((3, 6))
    rank_neighbours(drones, 2, 0, 1, ranks)
    noise = np.array([0.1, -0.2, 0.3])
    for row, drone in zip(rows, (None, 0, 1)):
        if drone is not None:
            drones[:, SPX:] = 0.0
            drones[drone, SPX : SPX + 3 * WIDTH : WIDTH] = noise
            drones[drone, SVX : SVX + 3 * WIDTH : WIDTH] = 10.0 * noise
        see_neighbours(drones, 0, 1, ranks, row, 0, 0)
    np.testing.assert_allclose(rows[1] - rows[0], [*-noise, *-5.0 * noise], atol=1e-15)
    # What a neighbour senses of itself it does not tell.
    np.testing.assert_array_equal(rows[2], rows[0])
