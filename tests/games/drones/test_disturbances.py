"""What is drawn anew in each episode, and what it does to drones."""

import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games.drones import Disturbances, make_batch, make_task
from marlgt.games.drones.kernels import layout as fields
from marlgt.games.drones.kernels.lanes import WIDTH

N_ENVS = 256


def batch(disturbances, name="multihover", **options):
    env = make_batch(make_task(name, disturbances=disturbances, **options), n_envs=N_ENVS)
    env.reset(seed=0)
    return env


def drawn(env, field):
    """Return a quantity of every drone of every environment, shape (B, n)."""
    rows = env._drones[:, :, field : field + WIDTH]
    return np.moveaxis(rows, 2, 1).reshape(-1, rows.shape[1])[: env.n_envs]


def test_nothing_is_disturbed_by_default():
    env = batch(Disturbances())
    np.testing.assert_array_equal(drawn(env, fields.MASS), env.task.airframe.mass)
    for field in (fields.INERTIA, fields.H0, fields.H1, fields.H2, fields.H3):
        np.testing.assert_array_equal(drawn(env, field), 1.0)
    np.testing.assert_array_equal(env.view().winds, 0.0)


def test_airframes_spread_as_far_as_asked():
    env = batch(Disturbances(mass=0.2, inertia=0.3, motors=0.1))
    for field, centre, spread in (
        (fields.MASS, env.task.airframe.mass, 0.2),
        (fields.INERTIA, 1.0, 0.3),
        (fields.H2, 1.0, 0.1),
    ):
        ratio = drawn(env, field) / centre - 1.0
        assert np.abs(ratio).max() <= spread
        # Uniform on [-spread, spread]: 512 draws come within a twentieth of the ends, and about 0 on average.
        assert np.abs(ratio).max() > 0.95 * spread
        assert abs(ratio.mean()) < 4 * spread / np.sqrt(3 * ratio.size)
    # Drones of one environment differ, and so do their rotors.
    assert (drawn(env, fields.MASS)[:, 0] != drawn(env, fields.MASS)[:, 1]).all()
    assert abs(np.corrcoef(drawn(env, fields.H0).ravel(), drawn(env, fields.H1).ravel())[0, 1]) < 0.2


def test_episodes_differ_and_seeds_repeat_them():
    trouble = Disturbances(mass=0.2, wind=1.0)
    env, again = batch(trouble), batch(trouble)
    np.testing.assert_array_equal(drawn(env, fields.MASS), drawn(again, fields.MASS))
    before = drawn(env, fields.MASS).copy()
    for _ in range(env.task.horizon):
        env.step(np.zeros((N_ENVS, 2), dtype=int))
    assert (drawn(env, fields.MASS) != before).mean() > 0.99


def test_wind_blows_to_all_sides_at_most_as_fast_as_asked():
    winds = batch(Disturbances(wind=3.0)).view().winds
    speed = np.linalg.norm(winds[:, :2], axis=1)
    assert speed.max() <= 3.0
    assert speed.max() > 2.8
    np.testing.assert_array_equal(winds[:, 2], 0.0)
    assert np.abs(winds[:, :2].mean(axis=0)).max() < 0.5


def test_gusts_spread_about_the_mean_wind():
    env = batch(Disturbances(gusts=0.5), seconds=100)
    seen = []
    for k in range(300):
        env.step(np.zeros((N_ENVS, 2), dtype=int))
        if k > 150:
            seen.append(env.view().winds)
    winds = np.array(seen)
    # In steps of 1/30 s the spread of the discrete process is 0.5 / sqrt(1 - 1/60).
    assert winds.std(axis=(0, 1)) == pytest.approx(np.full(3, 0.504), rel=0.1)
    assert np.abs(winds.mean(axis=(0, 1))).max() < 0.1


def test_noise_is_in_what_is_observed_and_not_in_the_state():
    trouble = Disturbances(position_noise=0.05, velocity_noise=0.2, rate_noise=0.5)
    env, clear = batch(trouble), batch(Disturbances())
    for _ in range(3):
        noisy = env.step(np.zeros((N_ENVS, 2), dtype=int)).reached
        plain = clear.step(np.zeros((N_ENVS, 2), dtype=int)).reached
    np.testing.assert_allclose(env.state, clear.state, atol=1e-6)
    gap = noisy - plain
    assert gap[..., 22:25].std() == pytest.approx(0.05, rel=0.1)
    assert gap[..., 12:15].std() == pytest.approx(0.5 * 0.2, rel=0.1)
    assert gap[..., 15:18].std() == pytest.approx(0.1 * 0.5, rel=0.1)
    # The goal is seen from where the drone holds itself to be.
    np.testing.assert_allclose(gap[..., 0:3], -gap[..., 22:25], atol=1e-6)
    # New noise in each step.
    later = env.step(np.zeros((N_ENVS, 2), dtype=int)).reached - clear.step(np.zeros((N_ENVS, 2), dtype=int)).reached
    assert abs(np.corrcoef(gap[..., 22].ravel(), later[..., 22].ravel())[0, 1]) < 0.2


@pytest.mark.parametrize(
    ("name", "n_drones", "places", "speeds"),
    [("multihover", 2, 25, 28), ("payload", 2, 31, 34), ("pursuit", 2, 25, 32), ("duel", 2, 25, 28)],
)
def test_what_a_drone_sees_relative_to_itself_has_its_own_noise(name, n_drones, places, speeds):
    trouble = Disturbances(position_noise=0.05, velocity_noise=0.2)
    tasks = [make_task(name, n_drones=n_drones, disturbances=d) for d in (trouble, Disturbances())]
    envs = [make_batch(task, n_envs=8) for task in tasks]
    for env in envs:
        env.reset(seed=3)
    for _ in range(3):
        noisy, plain = (env.step(np.zeros((8, env.n_agents), dtype=int)).reached for env in envs)
    gap = noisy - plain
    assert np.abs(gap[..., 22:25]).mean() > 0.02
    np.testing.assert_allclose(gap[..., places : places + 3], -gap[..., 22:25], atol=1e-6)
    np.testing.assert_allclose(gap[..., speeds : speeds + 3], -gap[..., 12:15], atol=1e-6)


def test_in_a_duel_both_see_each_other_from_where_they_sense_themselves_to_be():
    tasks = [make_task("duel", disturbances=d) for d in (Disturbances(position_noise=0.05), Disturbances())]
    envs = [make_batch(task, n_envs=8) for task in tasks]
    noisy, plain = (env.reset(seed=3) for env in envs)
    gap = noisy - plain
    for first in (31, 34):
        seen = np.linalg.norm(gap[..., first : first + 3], axis=2)
        np.testing.assert_allclose(seen, np.linalg.norm(gap[..., 22:25], axis=2), atol=1e-6)


def test_one_rotor_of_as_many_drones_as_asked_is_weak():
    env = batch(Disturbances(motor_failure=0.3, failed_thrust=0.5))
    rotors = np.stack([drawn(env, field) for field in (fields.H0, fields.H1, fields.H2, fields.H3)], axis=-1)
    weak = rotors == 0.5
    assert (weak | (rotors == 1.0)).all()
    assert weak.sum(axis=-1).max() == 1
    assert weak.any(axis=-1).mean() == pytest.approx(0.3, abs=0.08)
    shares = weak.reshape(-1, 4).sum(axis=0) / weak.sum()
    np.testing.assert_allclose(shares, 0.25, atol=0.12)


def test_a_lost_drone_falls_counts_no_more_and_may_only_hold():
    env = batch(Disturbances(loss=0.5))
    for _ in range(200):
        step = env.step(np.zeros((N_ENVS, 2), dtype=int))
        if (~env.view().active).mean() > 0.2:
            break
    view = env.view()
    one_lost = view.active.sum(axis=1) == 1
    assert one_lost.any()
    assert not (step.terminated & one_lost).any()
    allowed = env.allowed
    np.testing.assert_array_equal(allowed[..., 0], True)
    np.testing.assert_array_equal(allowed[..., 1:].all(axis=2), view.active)
    for _ in range(30):
        env.step(np.zeros((N_ENVS, 2), dtype=int))
    still = (env.view().ticks > 30) & one_lost
    lost = ~env.view().active & still[:, None]
    assert (env.view().rotors[lost] < 1.0).all()
    assert env.view().positions[lost][:, 2].mean() < 0.5


def test_where_all_are_lost_the_episode_ends():
    env = batch(Disturbances(loss=1.0))
    ended = np.zeros(N_ENVS, dtype=bool)
    for _ in range(env.task.horizon):
        ended |= env.step(np.zeros((N_ENVS, 2), dtype=int)).terminated
    # Whoever is lost in the very last step is not.
    assert ended.mean() > 0.95


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mass", -0.1, "at least 0"),
        ("mass", 1.0, "below 1"),
        ("wind", float("inf"), "finite"),
        ("wind", "strong", "finite number"),
        ("loss", 1.5, "at most 1"),
        ("motor_failure", 2, "at most 1"),
        ("gusts", True, "finite number"),
    ],
)
def test_what_is_no_disturbance_is_refused(name, value, message):
    with pytest.raises(GameError, match=f"{name} .*{message}"):
        Disturbances(**{name: value})
