"""Duels: who has whom in its sights, zero sums, symmetry, and who wins."""

import dataclasses

import numpy as np
import pytest

from marlgt.games.drones import evaluate_policy, make_batch, make_task
from marlgt.games.drones.disturbances import Disturbances
from marlgt.games.drones.kernels.lanes import WIDTH, Columns, Table
from marlgt.games.drones.kernels.layout import (
    ACTIVE,
    CLOCK_FIELDS,
    CRASHED,
    DRONE_FIELDS,
    E0,
    ENDED,
    ERROR,
    GX,
    HIT,
    K0,
    QW,
    QZ,
    REWARD,
    WORLD_FIELDS,
    X,
)
from marlgt.games.drones.scene import Scene
from marlgt.games.drones.tasks.duels import RANGE, TURNS, chase_tail, in_sights, note_duel, score_duel
from marlgt.kernels import rebound

WORDS = {"where": np.where, "least": np.minimum, "most": np.maximum, "sqrt": np.sqrt}
NONE = np.zeros(1)
Q = np.array([60.0])
CLOCK = np.zeros(CLOCK_FIELDS * WIDTH, np.int64)


def triple(row, field):
    """Return three numbers of lane 0 that follow one another."""
    return row[field : field + 3 * WIDTH : WIDTH]


def facing(first, second):
    """Return drones in lane 0, each given by x, y and heading in degrees, one metre up."""
    drones = np.zeros((2, DRONE_FIELDS * WIDTH))
    for d, (x, y, heading) in zip(drones, (first, second)):
        triple(d, X)[:] = x, y, 1.0
        half = np.radians(heading) / 2
        d[QZ], d[QW], d[ACTIVE] = np.sin(half), np.cos(half), 1.0
    return drones


def scored(drones, *, hits=(), lost=(), counts=(0.0, 0.0)):
    """Score a step of lane 0, after which the drones have had each other in their sights for these shares."""
    world = np.zeros(WORLD_FIELDS * WIDTH)
    world[[K0, K0 + WIDTH]] = counts
    world[CRASHED] = float(bool(set(hits) - set(lost)))
    for i in range(2):
        drones[i, ACTIVE], drones[i, HIT] = i not in lost, i in hits
    score_duel(drones, world, CLOCK, NONE, Q, 2, 0)
    return world


BEHIND = ((-0.5, 0.0, 0.0), (0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("first", "second", "seen"),
    [
        (*BEHIND, 1.0),
        ((-0.99 * RANGE, 0.0, 0.0), (0.0, 0.0, 0.0), 1.0),
        ((-1.01 * RANGE, 0.0, 0.0), (0.0, 0.0, 0.0), 0.0),
        ((-0.5, 0.0, 44.0), (0.0, 0.0, 0.0), 1.0),
        ((-0.5, 0.0, 46.0), (0.0, 0.0, 0.0), 0.0),
        ((-0.5, 0.0, 0.0), (0.0, 0.0, 59.0), 1.0),
        ((-0.5, 0.0, 0.0), (0.0, 0.0, 61.0), 0.0),
        ((-0.5, 0.0, 0.0), (0.0, 0.0, 180.0), 0.0),
        ((-0.5, 0.0, 180.0), (0.0, 0.0, 0.0), 0.0),
    ],
)
def test_the_sights_are_a_cone_ahead_at_the_back_of_the_other_within_range(first, second, seen):
    assert in_sights(facing(first, second), 0, 1, 0) == seen


def test_two_drones_never_have_each_other_in_their_sights():
    rng = np.random.default_rng(0)
    seen = np.zeros((2000, 2))
    for k in range(2000):
        drones = facing(*(rng.uniform([-0.5, -0.5, 0.0], [0.5, 0.5, 360.0]) for _ in range(2)))
        seen[k] = in_sights(drones, 0, 1, 0), in_sights(drones, 1, 0, 0)
    assert not seen.all(axis=1).any()
    # By the angles alone, a share of 1/4 of headings times 1/3.
    assert seen.mean() == pytest.approx(1 / 12, abs=0.02)


def test_a_step_in_the_sights_is_worth_its_share_of_what_wins():
    drones = facing(*BEHIND)
    world = scored(drones, counts=(0.25, 0.5))
    np.testing.assert_allclose(drones[:, REWARD], [1 / 60, -1 / 60])
    np.testing.assert_allclose(world[[K0, K0 + WIDTH]], [0.25 + 1 / 60, 0.5])
    assert world[ERROR] == pytest.approx(1 - (0.25 + 1 / 60) + 0.5)
    assert world[ENDED] == world[CRASHED] == 0.0


def test_the_duel_is_over_when_one_has_had_the_other_in_its_sights_for_long_enough():
    assert scored(facing(*BEHIND), counts=(sum([1 / 60] * 58), 0.0))[ENDED] == 0.0
    world = scored(facing(*BEHIND), counts=(sum([1 / 60] * 59), 0.0))
    assert world[ENDED] == 1.0
    assert world[ERROR] == pytest.approx(0.0)
    world = scored(facing(*BEHIND[::-1]), counts=(0.0, sum([1 / 60] * 59)))
    assert world[ENDED] == 1.0
    assert world[ERROR] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("hits", "rewards", "crashed", "ended"),
    [((0,), [-1.0, 1.0], 1.0, 0.0), ((1,), [1.0, -1.0], 0.0, 1.0), ((0, 1), [0.0, 0.0], 1.0, 0.0)],
)
def test_a_crash_loses_and_a_collision_is_a_draw(hits, rewards, crashed, ended):
    drones = facing(*BEHIND)
    world = scored(drones, hits=hits)
    np.testing.assert_array_equal(drones[:, REWARD], rewards)
    assert (world[CRASHED], world[ENDED]) == (crashed, ended)
    assert world[ERROR] == (0.0 if hits == (1,) else 1.0)


@pytest.mark.parametrize("lost", [(0,), (1,)])
def test_the_loss_of_a_drone_ends_the_duel_as_it_stands(lost):
    drones = facing(*BEHIND)
    world = scored(drones, lost=lost, hits=lost, counts=(0.2, 0.1))
    assert not drones[:, REWARD].any()
    assert world[ENDED] == 1.0
    assert world[ERROR] == pytest.approx(0.9)


def test_each_drone_sees_the_other_in_its_own_axes():
    drones = facing((0.0, 0.0, 90.0), (0.0, 0.4, 180.0))
    world = scored(drones, counts=(0.3, 0.6))
    note_duel(drones, world, CLOCK, NONE, Q, 2, 0)
    noted = drones[:, E0 : E0 + 8 * WIDTH : WIDTH]
    # The second is ahead of the first, which is on the left of the second.
    np.testing.assert_allclose(noted[0], [0.4, 0, 0, 0, 0.4, 0, 0.3, 0.6], atol=1e-12)
    np.testing.assert_allclose(noted[1], [0, 0.4, 0, 0.4, 0, 0, 0.6, 0.3], atol=1e-12)
    np.testing.assert_allclose(triple(drones[0], GX), triple(drones[1], X))


def test_swapping_the_players_negates_the_rewards():
    rng = np.random.default_rng(1)
    seen = 0
    for _ in range(300):
        places = [rng.uniform([-0.4, -0.4, 0.0], [0.4, 0.4, 360.0]) for _ in range(2)]
        hits = tuple(np.flatnonzero(rng.random(2) < 0.1))
        one, other = facing(*places), facing(*places[::-1])
        counts = tuple(rng.random(2))
        first = scored(one, hits=hits, counts=counts)
        second = scored(other, hits=tuple(1 - i for i in hits), counts=counts[::-1])
        np.testing.assert_array_equal(one[::-1, REWARD], other[:, REWARD])
        np.testing.assert_array_equal(one[:, REWARD], -one[::-1, REWARD])
        np.testing.assert_allclose(first[[K0, K0 + WIDTH]], second[[K0 + WIDTH, K0]])
        assert not hits or one[0, REWARD] in (-1.0, 0.0, 1.0)
        seen += one[0, REWARD] != 0.0
    assert seen > 50


@pytest.mark.parametrize("kernel", [score_duel, note_duel])
def test_kernels_do_the_same_on_lanes_and_on_whole_arrays(kernel):
    env = make_batch(make_task("duel", disturbances=Disturbances(loss=0.5)), n_envs=WIDTH)
    env.reset(seed=5)
    rng = np.random.default_rng(0)
    expert = env.task.expert(env.task)
    for _ in range(100):
        env.step(np.stack([expert(env.view())[:, 0], env.random_actions()[:, 1]], axis=1))
    drones, world, clock = env._drones[0], env._world[0], env._clock[0]
    drones[:, HIT : HIT + WIDTH] = rng.random((2, WIDTH)) < 0.2
    table = Table({k * WIDTH: drones[:, k * WIDTH : (k + 1) * WIDTH].copy() for k in range(DRONE_FIELDS)})
    columns = Columns({k * WIDTH: world[k * WIDTH : (k + 1) * WIDTH].copy() for k in range(WORLD_FIELDS)})
    rebound(kernel, **WORDS)(table, columns, clock, NONE, Q, 2, 0)
    for e in range(WIDTH):
        kernel(drones, world, clock, NONE, Q, 2, e)
    assert len(np.unique(drones[0, REWARD : REWARD + WIDTH])) > 1
    for k in range(DRONE_FIELDS):
        np.testing.assert_allclose(table.arrays[k * WIDTH], drones[:, k * WIDTH : (k + 1) * WIDTH], atol=1e-12)
    for k in range(WORLD_FIELDS):
        np.testing.assert_allclose(columns[k * WIDTH], world[k * WIDTH : (k + 1) * WIDTH], atol=1e-12)


def test_returns_stay_within_1_and_sum_to_zero_whatever_the_skill():
    task = make_task("duel")
    env = make_batch(task, n_envs=64)
    env.reset(seed=2)
    expert, total, over = task.expert(task), np.zeros((64, 2)), np.zeros(64, bool)
    # From expert against expert to chance against chance.
    wise = np.random.default_rng(0).random((64, 2)) < 0.5
    for _ in range(task.horizon):
        step = env.step(np.where(wise, expert(env.view()), env.random_actions()))
        np.testing.assert_allclose(step.rewards.sum(axis=1), 0.0, atol=1e-6)
        total[~over] += step.rewards[~over]
        over |= step.terminated | step.truncated
    assert over.all()
    assert abs(total).max() <= 1.0 + 1e-5
    assert total[wise[:, 0] & ~wise[:, 1], 0].mean() > 0.9


def against_chance(task, seat):
    expert, rng = task.expert(task), np.random.default_rng(3)

    def policy(view):
        actions = expert(view)
        if task.choices is None:
            actions[:, 1 - seat] = rng.uniform(-1.0, 1.0, actions[:, seat].shape)
        else:
            actions[:, 1 - seat] = rng.integers(task.n_actions, size=len(actions))
        return actions

    return policy


@pytest.mark.parametrize("actions", ["discrete", "velocity"])
def test_the_expert_beats_chance_from_either_seat_and_chance_beats_nobody(actions):
    task = make_task("duel", actions=actions)
    first = evaluate_policy(task, against_chance(task, 0), episodes=64)
    assert first.success_rate >= 0.95
    second = evaluate_policy(task, against_chance(task, 1), episodes=64)
    assert second.success_rate == 0.0
    assert second.returns[:, 1].mean() > 0.95
    assert evaluate_policy(task, "random", episodes=200).success_rate < 0.04


def test_duellists_start_out_of_sight_and_alike():
    env = make_batch("duel", n_envs=400)
    env.reset(seed=0)
    view = env.view()
    gap = np.linalg.norm(view.positions[:, 0] - view.positions[:, 1], axis=1)
    assert gap.min() > RANGE
    assert abs(view.positions[..., :2]).max() < 1.0
    for centre in view.rotations[..., :2, 0].mean(axis=0):
        assert abs(centre).max() < 0.15
    assert not env.view().world.any()


def test_the_actions_are_to_hold_to_fly_along_the_axes_and_to_turn():
    assert TURNS.shape == (9, 4)
    assert not TURNS[0].any()
    np.testing.assert_array_equal(TURNS[-2:], [[0, 0, 0, 1], [0, 0, 0, -1]])
    env = make_batch("duel", n_envs=1)
    env.reset(seed=0)
    before = env.view().rotations[0]
    for _ in range(15):
        env.step([[7, 8]])
    # 1.5 rad/s for half a second, less the time to speed up.
    turned = np.einsum("nji,njk->nik", before, env.view().rotations[0])
    angles = np.arctan2(turned[:, 1, 0], turned[:, 0, 0])
    assert 0.4 < angles[0] < 0.8
    assert angles[1] == pytest.approx(-angles[0], abs=0.02)


def test_the_chase_keeps_off_the_walls_of_the_arena_that_it_is_told():
    env = make_batch("duel", n_envs=1)
    env.reset(seed=0)
    # The first is behind the second, which flies ahead along x.
    places, rates = np.array([[[1.2, 0.0, 1.0], [1.8, 0.0, 1.0]]]), np.array([[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]])
    view = dataclasses.replace(
        env.view(), positions=places, velocities=rates, rotations=np.broadcast_to(np.eye(3), (1, 2, 3, 3))
    )
    narrow, wide = Scene((-4.0, -4.0, -0.1), (1.5, 4.0, 4.0)), Scene((-4.0, -4.0, -0.1), (4.0, 4.0, 4.0))
    assert chase_tail(view)[0, 0, 0] > 0.5
    assert chase_tail(view, scene=narrow)[0, 0, 0] <= -0.5
    assert chase_tail(view)[0, 1, 0] <= -0.5
    assert chase_tail(view, scene=wide)[0, 1, 0] > 0.0
    task = dataclasses.replace(env.task, scene=wide)
    np.testing.assert_array_equal(task.expert(task)(view)[0], env.task.expert(task)(view)[0])


def test_the_chase_leads_behind_the_other_and_faces_it():
    env = make_batch("duel", n_envs=64)
    env.reset(seed=3)
    wanted, view = chase_tail(env.view()), env.view()
    assert wanted.shape == (64, 2, 4)
    assert np.linalg.norm(wanted[..., :3], axis=2).max() <= 1.0 + 1e-9
    gap = view.positions[:, ::-1] - view.positions
    left = np.sign(view.rotations[..., 0, 0] * gap[..., 1] - view.rotations[..., 1, 0] * gap[..., 0])
    np.testing.assert_array_equal(np.sign(wanted[..., 3]), left)
