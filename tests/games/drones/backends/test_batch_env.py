"""The compiled backend: reproducible to the bit, whatever the batch; restarts, ends, runaways, snapshots, memory."""

import dataclasses
import io
import tracemalloc

import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games.drones import make_batch, make_task
from marlgt.games.drones.backends import stepping
from marlgt.games.drones.backends.batch_env import BatchEnv
from marlgt.games.drones.disturbances import Disturbances
from marlgt.games.drones.kernels import layout

TROUBLE = Disturbances(mass=0.2, wind=1.0, gusts=0.3, position_noise=0.01, rate_noise=0.1, motor_failure=0.2, loss=0.3)
LAST_STATE = -1


def hovering(**options):
    return make_task("multihover", n_drones=2, actions="velocity", **options)


def flown(env, steps, seed=0, actions=None):
    """Return observations, rewards, ends and states of some steps of random or given actions, one after another."""
    record = [env.reset(seed=seed).copy(), env.state.copy()]
    for k in range(steps):
        step = env.step(env.random_actions() if actions is None else actions[k][: env.n_envs])
        record += [np.copy(part) for part in step] + [env.state.copy(), env.reached_state.copy()]
    return record


def actions_for(n_envs, steps, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, (steps, n_envs, 2, 3))


def assert_same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    task = hovering(disturbances=TROUBLE, history=2, seconds=1.0)
    first = flown(BatchEnv(task, 20), 40, seed=5)
    assert_same(first, flown(BatchEnv(task, 20), 40, seed=5))
    env = BatchEnv(task, 20)
    flown(env, 7, seed=1)
    assert_same(first, flown(env, 40, seed=5))
    assert not np.array_equal(first[0], env.reset(seed=6))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_environment_does_not_depend_on_how_many_there_are(dtype):
    task, actions = hovering(disturbances=TROUBLE, seconds=1.0), actions_for(50, 40)
    many = flown(BatchEnv(task, 50, dtype=dtype), 40, actions=actions)
    for count in (1, 16, 21):
        few = flown(BatchEnv(task, count, dtype=dtype), 40, actions=actions)
        assert_same(few, [part[:count] for part in many])


def test_two_threads_give_the_bits_of_one():
    task, actions = hovering(disturbances=TROUBLE, seconds=1.0), actions_for(70, 40)
    env = BatchEnv(task, 70, threads=2)
    assert_same(flown(BatchEnv(task, 70), 40, actions=actions), flown(env, 40, actions=actions))
    env.close()


@pytest.mark.parametrize("kind", ["same", "fresh", "file"])
def test_a_snapshot_goes_on_as_if_nothing_had_happened(kind):
    task = hovering(disturbances=TROUBLE, history=1, seconds=1.0)
    env = BatchEnv(task, 20)
    flown(env, 17)
    snapshot = env.snapshot()
    if kind == "file":
        file = io.BytesIO()
        np.savez(file, **snapshot)
        file.seek(0)
        snapshot = dict(np.load(file))
    goes_on = [np.copy(part) for _ in range(30) for part in env.step(env.random_actions())]
    back = env if kind == "same" else BatchEnv(task, 20)
    observations = back.restore(snapshot)
    np.testing.assert_array_equal(observations, snapshot["observations"])
    np.testing.assert_array_equal(back.state, snapshot["state"])
    assert_same(goes_on, [np.copy(part) for _ in range(30) for part in back.step(back.random_actions())])


def test_single_precision_stays_near_double_precision():
    task, actions = hovering(), actions_for(32, 50)
    double, single = BatchEnv(task, 32), BatchEnv(task, 32, dtype="float32")
    flown(double, 50, actions=actions)
    flown(single, 50, actions=actions)
    np.testing.assert_allclose(single.view().positions, double.view().positions, atol=2e-4)
    np.testing.assert_allclose(single.observations, double.observations, atol=3e-3)


def test_the_interpreted_step_is_the_compiled_one(monkeypatch):
    task, actions = hovering(disturbances=TROUBLE), actions_for(2, 2)
    compiled = flown(BatchEnv(task, 2), 2, actions=actions)
    monkeypatch.setattr(stepping, "forced_gear", lambda: "plain")
    stepping.step_kernel.cache_clear()
    try:
        interpreted = flown(BatchEnv(task, 2), 2, actions=actions)
    finally:
        stepping.step_kernel.cache_clear()
    for a, b in zip(compiled, interpreted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_at_the_clock_all_are_truncated_and_begin_anew_in_the_same_step():
    env = BatchEnv(hovering(seconds=0.5), 20)
    first = env.reset(seed=0).copy()
    hold = np.zeros((20, 2, 3))
    for _ in range(14):
        step = env.step(hold)
        assert not step.terminated.any()
        assert not step.truncated.any()
        np.testing.assert_array_equal(step.observations, step.reached)
        np.testing.assert_array_equal(env.state, env.reached_state)
    step = env.step(hold)
    assert step.truncated.all()
    assert not step.terminated.any()
    # The state's last number is the share of the episode that is left.
    assert (env.reached_state[:, LAST_STATE] == 0.0).all()
    assert (env.state[:, LAST_STATE] == 1.0).all()
    # Who holds still has gone nowhere, and who begins anew begins elsewhere.
    np.testing.assert_allclose(step.reached[:, :, 22:25], first[:, :, 22:25], atol=0.05)
    assert (np.abs(step.observations - step.reached).max(axis=(1, 2)) > 0.05).all()
    np.testing.assert_array_equal(env.observations, step.observations)
    assert (env.view().ticks == 0).all()


@pytest.mark.parametrize(("solved", "succeeds"), [(10.0, True), (0.0, False)])
def test_success_at_the_clock_asks_for_a_small_mean_error(solved, succeeds):
    env = BatchEnv(dataclasses.replace(hovering(seconds=0.3), solved=solved), 5)
    env.reset(seed=0)
    steps = [env.step(np.zeros((5, 2, 3))) for _ in range(9)]
    assert not any(step.successes.any() for step in steps[:-1])
    assert (steps[-1].successes == succeeds).all()


@pytest.mark.parametrize("moment", [3, 14])
def test_who_leaves_the_arena_is_terminated_even_at_the_clock_and_has_not_succeeded(moment):
    env = BatchEnv(dataclasses.replace(hovering(seconds=0.5), solved=100.0), 20)
    env.reset(seed=0)
    for _ in range(moment):
        env.step(np.zeros((20, 2, 3)))
    env._drones[0, 1, layout.X + 7] = 5.0
    step = env.step(np.zeros((20, 2, 3)))
    assert step.terminated.tolist() == [k == 7 for k in range(20)]
    assert step.truncated.tolist() == [k != 7 and moment == 14 for k in range(20)]
    np.testing.assert_array_equal(step.successes, step.truncated)
    assert step.reached[7, 1, 22] == pytest.approx(5.0, abs=0.1)
    assert abs(step.observations[7, 1, 22]) < 2.5


def test_under_random_actions_no_episode_ends_in_two_ways():
    env = make_batch("multihover", n_drones=4, n_envs=64, actions="motors")
    env.reset(seed=0)
    ends = np.zeros(2, int)
    for _ in range(150):
        step = env.step(env.random_actions())
        assert not (step.terminated & step.truncated).any()
        assert not (step.successes & ~(step.terminated | step.truncated)).any()
        ends += step.terminated.sum(), step.truncated.sum()
    assert ends[0] > 0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e9])
@pytest.mark.parametrize("field", [layout.X, layout.QY, layout.VZ, layout.WX, layout.N2])
def test_a_lane_that_runs_away_ends_its_episode_and_touches_no_other(dtype, value, field):
    # Speeds are held within 100, whatever they were, and a rotor without lag has its command in the next substep.
    held = field in (layout.VZ, layout.WX) or (field == layout.N2 and value == 1e9)
    task, actions = hovering(), actions_for(20, 12)
    calm, wild = BatchEnv(task, 20, dtype=dtype), BatchEnv(task, 20, dtype=dtype)
    calm.reset(seed=0)
    wild.reset(seed=0)
    others = np.arange(20) != 3
    for k in range(12):
        if k == 4:
            wild._drones[0, 1, field + 3] = value
        one, other = calm.step(actions[k]), wild.step(actions[k])
        for a, b in zip(one, other, strict=True):
            assert np.isfinite(b).all()
            np.testing.assert_array_equal(a[others], b[others])
        np.testing.assert_array_equal(calm.state[others], wild.state[others])
        assert np.isfinite(wild.state).all()
        assert np.isfinite(wild.reached_state).all()
        if k == 4 and not held:
            assert other.terminated[3]
            assert not other.truncated[3]
            assert not other.successes[3]
            assert wild.runaways == 1
    assert wild.runaways == int(not held)
    assert calm.runaways == 0
    wild.reset(seed=0)
    assert wild.runaways == 0


def test_what_somebody_keeps_is_not_written_again():
    env = BatchEnv(hovering(), 20)
    env.reset(seed=0)
    kept = [env.step(env.random_actions()) for _ in range(6)]
    copies = [[np.copy(part) for part in step] for step in kept]
    part_of_one = env.step(env.random_actions()).observations[3]
    copy = part_of_one.copy()
    for _ in range(6):
        env.step(env.random_actions())
    for step, parts in zip(kept, copies, strict=True):
        assert_same(step, parts)
    np.testing.assert_array_equal(part_of_one, copy)


def test_what_nobody_keeps_takes_no_new_memory():
    env = BatchEnv(hovering(), 20)
    env.reset(seed=0)
    places = {env.step(env.random_actions()).observations.ctypes.data for _ in range(20)}
    assert len(places) <= 2


def test_65536_drones_fit_into_a_gigabyte():
    task, count = make_task("multihover", n_drones=4, actions="velocity"), 1024
    BatchEnv(task, 1).reset(seed=0)
    tracemalloc.start()
    env = BatchEnv(task, count)
    env.reset(seed=0)
    actions = env.random_actions()
    kept = [env.step(actions) for _ in range(2)]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(kept) == 2
    assert most / count * 65536 / 4 < 1e9


def test_steps_and_actions_that_do_not_fit_are_told_in_a_sentence():
    env = BatchEnv(hovering(), 3)
    with pytest.raises(GameError, match="has not begun: call reset"):
        env.step(np.zeros((3, 2, 3)))
    with pytest.raises(GameError, match="has not begun: call reset"):
        env.random_actions()
    with pytest.raises(GameError, match="has not begun: call reset"):
        env.snapshot()
    env.reset(seed=0)
    before = env.snapshot()
    for wrong, message in (
        (np.zeros((3, 2)), r"shape \(3, 2, 3\)"),
        (np.zeros((4, 2, 3)), r"shape \(3, 2, 3\)"),
        (np.full((3, 2, 3), np.nan), "NaN"),
        (np.full((3, 2, 3), 1.01), r"lie in \[-1, 1\]"),
    ):
        with pytest.raises(GameError, match=message):
            env.step(wrong)
    discrete = make_batch("multihover", n_drones=2, n_envs=3)
    discrete.reset(seed=0)
    for actions, message in ((np.full((3, 2), -1), "are 0 to"), (np.zeros((3, 2)), "whole numbers")):
        with pytest.raises(GameError, match=message):
            discrete.step(actions)
    assert_same(list(before.values()), list(env.snapshot().values()))


def test_batches_that_cannot_be_are_told_in_a_sentence():
    task = hovering()
    with pytest.raises(GameError, match="dtype must be"):
        BatchEnv(task, 2, dtype="float16")
    with pytest.raises(GameError, match="n_envs"):
        BatchEnv(task, 0)
    with pytest.raises(GameError, match="threads"):
        BatchEnv(task, 2, threads=0)
    with pytest.raises(GameError, match="seed"):
        BatchEnv(task, 2).reset(seed=-1)


def test_a_snapshot_of_another_environment_is_refused_and_changes_nothing():
    env = BatchEnv(hovering(), 3)
    env.reset(seed=0)
    before = env.snapshot()
    other = BatchEnv(hovering(), 4)
    other.reset(seed=0)
    single = BatchEnv(hovering(), 3, dtype="float32")
    single.reset(seed=0)
    for wrong, message in (
        (other.snapshot(), "must be .* of shape"),
        (single.snapshot(), "must be float64"),
        ({}, "cannot be read"),
        (before | {"rng": np.zeros(3, np.uint8)}, "random state"),
    ):
        with pytest.raises(GameError, match=message):
            env.restore(wrong)
    assert_same(list(before.values()), list(env.snapshot().values()))
