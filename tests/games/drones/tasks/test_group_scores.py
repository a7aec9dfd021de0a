"""Formation, following, coverage, gate and crossing by hand, against independent oracles, and alike in all gears."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import directed_hausdorff

from marlgt.games.drones import make_task
from marlgt.games.drones.kernels.contacts import distance
from marlgt.games.drones.kernels.draws import keys
from marlgt.games.drones.kernels.lanes import WIDTH, Columns, Table
from marlgt.games.drones.kernels.layout import (
    ACTIVE,
    CLOCK_FIELDS,
    DRONE_FIELDS,
    E0,
    ERROR,
    GVX,
    GX,
    K0,
    KEY,
    REWARD,
    TICK,
    VX,
    WORLD_FIELDS,
    X,
)
from marlgt.games.drones.tasks import leader_follower
from marlgt.kernels import rebound

NAMES = ("formation", "leaderfollow", "coverage", "gate", "crossing")
FEWEST = {"formation": 3, "leaderfollow": 2, "coverage": 3, "gate": 2, "crossing": 4}
WORDS = {
    "where": np.where,
    "least": np.minimum,
    "most": np.maximum,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
}


class Lane:
    """One environment of a task in lane 0 of a block, in plain Python."""

    def __init__(self, name, n_drones, seed=0):
        self.task = make_task(name, n_drones=n_drones)
        _, self.p, self.q, *_ = self.task.constants(np.dtype(float))
        self.n = n_drones
        self.drones = np.zeros((n_drones, DRONE_FIELDS * WIDTH))
        self.world = np.zeros(WORLD_FIELDS * WIDTH)
        self.clock = np.zeros(CLOCK_FIELDS * WIDTH, np.int64)
        self.clock[KEY] = keys(seed, 1)[0]
        self.drones[:, ACTIVE] = 1.0
        self.call(self.task.spawn)

    def call(self, kernel):
        kernel(self.drones, self.world, self.clock, self.p, self.q, self.n, 0)

    def triples(self, field):
        return np.stack([self.drones[:, field + k * WIDTH] for k in range(3)], axis=1)

    def put(self, positions):
        for k in range(3):
            self.drones[:, X + k * WIDTH] = np.asarray(positions)[:, k]

    def lose(self, *drones):
        self.drones[list(drones), ACTIVE] = 0.0

    def score(self):
        """Return the rewards and the error."""
        self.call(self.task.score)
        return self.drones[:, REWARD].copy(), float(self.world[ERROR])

    def extras(self):
        self.call(self.task.note)
        return self.drones[:, E0 : E0 + self.task.n_extras * WIDTH : WIDTH].copy()

    @property
    def targets(self):
        return self.world[K0 : K0 + 3 * self.n * WIDTH : WIDTH].reshape(self.n, 3).copy()


def close(x):
    return 1 / (1 + (1.6 * x) ** 2)


@pytest.mark.parametrize("n_drones", [3, 5, 8])
def test_drones_on_the_corners_in_any_order_score_1(n_drones):
    lane = Lane("formation", n_drones)
    corners = lane.triples(GX)
    assert np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1) == pytest.approx(0.7)
    for order in (np.arange(n_drones), np.roll(np.arange(n_drones), 1), np.arange(n_drones)[::-1]):
        lane.put(corners[order])
        rewards, error = lane.score()
        assert rewards == pytest.approx(1.0)
        assert error == pytest.approx(0.0, abs=1e-7)


def test_a_formation_at_the_wrong_place_scores_by_how_far_it_is_moved():
    lane = Lane("formation", 4)
    lane.put(lane.triples(GX) + np.array([0.0, 0.1, 0.0]))
    rewards, error = lane.score()
    assert error == pytest.approx(0.1)
    assert rewards == pytest.approx(close(0.1))


def test_one_drone_out_of_place_costs_its_corner_and_the_worst_case():
    lane = Lane("formation", 3)
    positions = lane.triples(GX)
    positions[1, 2] += 0.3
    lane.put(positions)
    rewards, error = lane.score()
    assert error == pytest.approx(0.3)
    assert rewards == pytest.approx((close(0.3) + (2 + close(0.3)) / 3) / 2)


def test_drones_too_near_each_other_lose_their_share_of_the_reward():
    lane = Lane("formation", 3)
    far = lane.triples(GX)
    far[1] = far[0] + [0.0, 0.0, 0.07]
    lane.put(far)
    rewards, error = lane.score()
    assert error == pytest.approx(0.7)
    # The corner that was left is nearest to drone 0, a side away.
    assert rewards == pytest.approx((close(0.7) + (2 + close(0.7)) / 3) / 2 * 0.07 / 0.35)


@pytest.mark.parametrize("n_drones", [3, 6])
def test_the_error_is_the_hausdorff_distance_whoever_is_who(n_drones):
    lane, rng = Lane("formation", n_drones), np.random.default_rng(0)
    corners = lane.triples(GX)
    for _ in range(20):
        positions = corners + rng.normal(0, 0.5, (n_drones, 3))
        lane.put(positions)
        rewards, error = lane.score()
        assert error == pytest.approx(
            max(directed_hausdorff(positions, corners)[0], directed_hausdorff(corners, positions)[0])
        )
        lane.put(rng.permutation(positions))
        again, same = lane.score()
        assert again == pytest.approx(rewards)
        assert same == pytest.approx(error)


def test_drones_that_are_left_form_the_polygon_of_their_number():
    lane = Lane("formation", 5)
    lane.lose(1, 3)
    lane.score()
    triangle = lane.triples(GX)[[0, 2, 4]]
    assert np.linalg.norm(triangle - np.roll(triangle, 1, axis=0), axis=1) == pytest.approx(0.7)
    positions = lane.triples(X)
    positions[[0, 2, 4]] = triangle[[1, 2, 0]]
    lane.put(positions)
    rewards, error = lane.score()
    assert rewards == pytest.approx(1.0)
    assert error == pytest.approx(0.0, abs=1e-7)


def test_the_last_drone_left_takes_the_centre():
    lane = Lane("formation", 3)
    lane.lose(0, 1)
    centre = lane.world[K0 : K0 + 3 * WIDTH : WIDTH]
    lane.put(np.tile(centre, (3, 1)))
    rewards, error = lane.score()
    assert rewards == pytest.approx(1.0)
    assert error == pytest.approx(0.0, abs=1e-7)


def test_each_drone_sees_its_own_corner_as_goal_and_the_others_in_the_order_of_the_circle():
    lane = Lane("formation", 5)
    lane.score()
    corners, seen = lane.triples(GX), lane.extras()
    for i in range(5):
        for k in range(4):
            expected = (corners[(i + k + 1) % 5] - lane.triples(X)[i])[:2]
            assert seen[i, 2 * k : 2 * k + 2] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(6))
def test_the_target_moves_as_fast_as_it_says_and_below_half_a_metre_a_second(seed):
    lane = Lane("leaderfollow", 3, seed)
    places, speeds = [], []
    for tick in range(361):
        lane.clock[TICK] = tick
        lane.score()
        places.append(lane.triples(GX)[0])
        speeds.append(lane.triples(GVX)[0])
    places, speeds = np.array(places), np.array(speeds)
    assert np.abs((places[2:] - places[:-2]) * 15.0 - speeds[1:-1]).max() < 1e-4
    assert 0.15 < np.linalg.norm(speeds, axis=1).max() < 0.45
    assert np.linalg.norm(places, axis=1).max() < 2.0


def test_a_target_at_another_rate_is_at_the_same_place_at_the_same_time():
    lane, slow = Lane("leaderfollow", 2), Lane("leaderfollow", 2)
    slow.q = make_task("leaderfollow", n_drones=2, rate=15).constants(np.dtype(float))[2]
    lane.clock[TICK], slow.clock[TICK] = 60, 30
    lane.score(), slow.score()
    assert lane.triples(GX)[0] == pytest.approx(slow.triples(GX)[0])


def test_followers_are_judged_by_where_the_leader_is_and_not_by_the_target():
    lane = Lane("leaderfollow", 2)
    lane.score()
    target = lane.triples(GX)[0]
    offset = lane.triples(GX)[1] - lane.triples(X)[0]
    assert np.linalg.norm(offset) == pytest.approx(0.6)
    leader = target + np.array([0.0, 0.2, 0.0])
    lane.put([leader, leader + offset])
    rewards, error = lane.score()
    assert rewards == pytest.approx((math.exp(-0.4) + 1) / 2)
    assert error == pytest.approx(0.1)


def test_followers_see_the_velocity_of_the_leader_and_only_the_leader_that_of_the_target():
    lane = Lane("leaderfollow", 3)
    for k, speed in enumerate((0.1, 0.2, -0.3)):
        lane.drones[0, VX + k * WIDTH] = speed
    lane.score()
    seen = lane.extras()
    assert seen[0] == pytest.approx(0.5 * lane.world[K0 : K0 + 3 * WIDTH : WIDTH])
    assert seen[1] == pytest.approx([0.05, 0.1, -0.15])
    assert seen[2] == pytest.approx(seen[1])


def test_where_the_leader_is_lost_the_others_follow_the_target():
    lane = Lane("leaderfollow", 3)
    lane.lose(0)
    lane.put([[0.0, 0.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    lane.score()
    goals = lane.triples(GX)
    assert np.linalg.norm(goals[1:] - goals[0], axis=1) == pytest.approx(leader_follower.CIRCLE)
    lane.put(goals + np.array([[9.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.3]]))
    rewards, error = lane.score()
    assert rewards == pytest.approx((1 + math.exp(-0.6)) / 2)
    assert error == pytest.approx(0.15)


def test_targets_count_by_their_nearest_drones_whoever_they_are():
    lane = Lane("coverage", 3)
    targets = lane.targets
    for order in ([0, 1, 2], [2, 0, 1]):
        positions = targets.copy()
        positions[2, 2] += 0.3
        lane.put(positions[order])
        rewards, error = lane.score()
        assert rewards == pytest.approx((2 + math.exp(-0.6)) / 3)
        assert error == pytest.approx(1 / 3)


def test_two_drones_at_one_target_leave_another_bare():
    lane = Lane("coverage", 3)
    targets = lane.targets
    lane.put([targets[0], targets[0], targets[1]])
    rewards, error = lane.score()
    nearest = np.linalg.norm(targets[2] - targets[:2], axis=1).min()
    assert rewards == pytest.approx((2 + math.exp(-2 * nearest)) / 3)
    assert error == pytest.approx(1 / 3)


def test_a_lost_drone_covers_nothing_and_excuses_one_target():
    lane = Lane("coverage", 4)
    targets = lane.targets
    lane.put(targets)
    lane.lose(3)
    rewards, error = lane.score()
    assert error == 0.0
    assert rewards.max() < 0.9
    lane.put(targets[[0, 1, 1, 3]])
    assert lane.score()[1] == pytest.approx(1 / 4)


def test_each_drone_sees_all_targets_and_how_near_the_others_are_to_them():
    lane = Lane("coverage", 4)
    lane.score()
    positions, targets, seen = lane.triples(X), lane.targets, lane.extras().reshape(4, 4, 4)
    assert seen[..., :3] == pytest.approx(targets[None] - positions[:, None])
    gaps = np.linalg.norm(targets[None] - positions[:, None], axis=2)
    for i in range(4):
        assert seen[i, :, 3] == pytest.approx(np.delete(gaps, i, axis=0).min(axis=0))
        assert lane.triples(GX)[i] == pytest.approx(targets[gaps[i].argmin()])


@pytest.mark.parametrize("n_drones", [3, 4, 5, 6])
def test_targets_lie_apart(n_drones):
    for seed in range(40):
        targets = Lane("coverage", n_drones, seed).targets
        gaps = np.linalg.norm(targets[:, None] - targets[None], axis=2) + 9 * np.eye(n_drones)
        assert gaps.min() > 0.45


def test_progress_grows_along_the_way_through_the_gate_and_a_passage_is_worth_as_much():
    lane = Lane("gate", 2)
    starts, goals = lane.triples(X), lane.triples(GX)
    gate = np.array([0.0, 0.0, 1.0])
    rewards, error = lane.score()
    assert rewards == pytest.approx(0.0)
    assert error == 1.0
    way = np.linalg.norm(starts - gate, axis=1) + np.linalg.norm(goals - gate, axis=1)
    before, behind = np.array([-1e-9, 0.0, 1.0]), np.array([1e-9, 0.0, 1.0])
    share = 1 - np.linalg.norm(goals - gate, axis=1) / way
    lane.put([before, starts[1]])
    assert lane.score()[0] == pytest.approx(share[0] / 4)
    lane.put([behind, starts[1]])
    rewards, error = lane.score()
    assert rewards == pytest.approx(share[0] / 4 + 0.25)
    assert error == 1.0
    lane.put([goals[0], starts[1]])
    rewards, error = lane.score()
    assert rewards == pytest.approx(0.5)
    assert error == 0.5
    lane.put(goals)
    rewards, error = lane.score()
    assert rewards == pytest.approx(1.0)
    assert error == 0.0


def test_a_lost_drone_need_not_pass():
    lane = Lane("gate", 3)
    positions = lane.triples(GX)
    positions[1] = [-1.0, 0.0, 0.0]
    lane.put(positions)
    lane.lose(1)
    rewards, error = lane.score()
    assert rewards == pytest.approx(1.0)
    assert error == 0.0


def test_there_is_no_other_way_than_the_opening():
    scene = make_task("gate").scene
    geometry = scene.geometry()
    for y in np.linspace(scene.low[1], scene.high[1], 61):
        for z in np.linspace(0.0, scene.high[2], 45):
            gap = min(distance(0.0, y, z, geometry, k) for k in range(len(geometry)))
            if abs(y) < 0.2 - 1e-9 and abs(z - 1.0) < 0.2 - 1e-9:
                assert gap == pytest.approx(0.2 - max(abs(y), abs(z - 1.0)))
            else:
                assert gap < 1e-6


def test_each_drone_sees_the_gate_and_whether_it_has_passed():
    lane = Lane("gate", 2)
    lane.put([[-1.0, 0.5, 0.8], [0.3, -0.1, 1.2]])
    assert lane.extras() == pytest.approx(np.array([[1.0, -0.5, 0.2, 0.0], [-0.3, 0.1, -0.2, 1.0]]))


def test_each_drone_earns_by_its_own_distance_alone():
    lane = Lane("crossing", 4)
    away = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.2]])
    lane.put(lane.triples(GX) + away)
    rewards, error = lane.score()
    assert rewards == pytest.approx(np.exp([0.0, -0.2, -1.0, -0.4]))
    assert error == pytest.approx(0.5)
    lane.lose(2)
    rewards, error = lane.score()
    assert rewards[2] == 0.0
    assert error == pytest.approx(0.2)


@pytest.mark.parametrize("n_drones", [4, 5, 8])
def test_goals_lie_on_the_opposite_side_of_the_circle(n_drones):
    lane = Lane("crossing", n_drones)
    apart = (lane.triples(GX) - lane.triples(X))[:, :2]
    assert np.abs(np.linalg.norm(apart, axis=1) - 2.0).max() < 0.15
    assert np.linalg.norm(lane.triples(GX)[:, :2], axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize("name", NAMES)
def test_whole_arrays_give_what_lanes_give(name):
    n = FEWEST[name] + 2
    task = make_task(name, n_drones=n)
    _, p, q, *_ = task.constants(np.dtype(float))
    rng = np.random.default_rng(3)
    drones, world = np.zeros((n, DRONE_FIELDS * WIDTH)), np.zeros(WORLD_FIELDS * WIDTH)
    clock = np.zeros(CLOCK_FIELDS * WIDTH, np.int64)
    clock[KEY : KEY + WIDTH] = keys(5, WIDTH)
    drones[:, ACTIVE : ACTIVE + WIDTH] = 1.0
    table = Table({k * WIDTH: drones[:, k * WIDTH : (k + 1) * WIDTH].copy() for k in range(DRONE_FIELDS)})
    row = Columns({k * WIDTH: world[k * WIDTH : (k + 1) * WIDTH].copy() for k in range(WORLD_FIELDS)})
    ticks = Columns({k * WIDTH: clock[k * WIDTH : (k + 1) * WIDTH].copy() for k in range(CLOCK_FIELDS)})
    moves, active = rng.normal(0, 0.6, (3, n, WIDTH)), (rng.random((n, WIDTH)) < 0.7).astype(float)
    for stage, kernel in enumerate((task.spawn, task.score, task.note)):
        for e in range(WIDTH):
            kernel(drones, world, clock, p, q, n, e)
        rebound(kernel, **WORDS)(table, row, ticks, p, q, n, 0)
        for k in range(DRONE_FIELDS):
            assert table.arrays[k * WIDTH] == pytest.approx(drones[:, k * WIDTH : (k + 1) * WIDTH], abs=1e-12)
        for k in range(WORLD_FIELDS):
            assert row.arrays[k * WIDTH] == pytest.approx(world[k * WIDTH : (k + 1) * WIDTH], abs=1e-12)
        if stage == 0:
            for k in range(3):
                drones[:, X + k * WIDTH : X + (k + 1) * WIDTH] += moves[k]
                table.arrays[X + k * WIDTH] += moves[k]
            drones[:, ACTIVE : ACTIVE + WIDTH] = active
            table.arrays[ACTIVE] = active.copy()
            clock[TICK : TICK + WIDTH] = np.arange(WIDTH)
            ticks.arrays[TICK] = np.arange(WIDTH)
