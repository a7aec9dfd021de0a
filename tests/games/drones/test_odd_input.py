"""What users give by mistake: every door answers with a sentence, and extremes end episodes instead of programs."""

import dataclasses
import io

import numpy as np
import pytest

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games.drones import (
    Airframe,
    Box,
    Disturbances,
    Pillar,
    Scene,
    airframe,
    empirical_game,
    evaluate_policy,
    gate,
    make,
    make_batch,
    make_gymnasium,
    make_task,
    make_vector,
    record_flight,
    wall,
)
from marlgt.games.drones.kernels.layout import X
from marlgt.pictures.flight_animation import animate_flight
from marlgt.pictures.flights import draw_flight


class Unprintable:
    """Nor can it be compared or hashed."""

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self):
        raise RuntimeError("no words for it")

    def __eq__(self, other):
        raise RuntimeError("like nothing else")


ODD = [
    float("nan"), float("inf"), "x", b"b", 10**400, -(10**400), -1, 1j, [], [1], {"a": 1}, np.zeros((2, 3)),
    np.array(3.5), np.array("s"), np.array([None, 1], dtype=object), object(), Unprintable(), int,
]  # fmt: skip
SHORT = make_task("hover1d", seconds=0.1)
QUICK_DUEL = make_task("duel", seconds=0.1)

DOORS = {
    "task name": make_task,
    "task of a batch": lambda odd: make_batch(odd, n_envs=2),
    "n_drones": lambda odd: make_task("multihover", n_drones=odd),
    "actions": lambda odd: make_task("multihover", actions=odd),
    "airframe": lambda odd: make_task("multihover", airframe=odd),
    "preset": airframe,
    "disturbances": lambda odd: make_task("multihover", disturbances=odd),
    "neighbours": lambda odd: make_task("multihover", neighbours=odd),
    "history": lambda odd: make_task("multihover", history=odd),
    "rate": lambda odd: make_task("multihover", rate=odd),
    "seconds": lambda odd: make_task("multihover", seconds=odd),
    "starts": lambda odd: make_task("multihover", starts=odd),
    "n_envs": lambda odd: make_batch("multihover", n_envs=odd),
    "backend": lambda odd: make_batch("multihover", n_envs=2, backend=odd),
    "dtype": lambda odd: make_batch("multihover", n_envs=2, dtype=odd),
    "device": lambda odd: make_batch("multihover", n_envs=2, device=odd),
    "render_mode": lambda odd: make("multihover", render_mode=odd),
    "render_mode of Gymnasium": lambda odd: make_gymnasium("multihover", render_mode=odd),
    "mass": lambda odd: airframe("cf2x").replace(mass=odd),
    "inertia": lambda odd: airframe("cf2x").replace(inertia=odd),
    "one inertia": lambda odd: airframe("cf2x").replace(inertia=(1e-5, odd, 1e-5)),
    "wind": lambda odd: Disturbances(wind=odd),
    "centre": lambda odd: Box(odd, (1, 1, 1)),
    "one of the centre": lambda odd: Box((0, odd, 0), (1, odd, 1)),
    "radius": lambda odd: Pillar((0, 0, 0), odd, 1),
    "start of a wall": lambda odd: wall(odd, (1, 1)),
    "width of a gate": lambda odd: gate((0, 0, 1), width=odd),
    "arena": lambda odd: Scene(low=odd),
    "an obstacle": lambda odd: Scene(obstacles=(odd,)),
    "policy": lambda odd: evaluate_policy(SHORT, odd if odd is not int else 3, episodes=2),
    "against": lambda odd: evaluate_policy(QUICK_DUEL, against=odd if odd is not int else 3, episodes=2),
    "episodes": lambda odd: evaluate_policy(SHORT, episodes=odd),
    "backend of an evaluation": lambda odd: evaluate_policy(SHORT, backend=odd),
    "policy of a record": lambda odd: record_flight(SHORT, odd if odd is not int else 3),
    "what a policy gives": lambda odd: evaluate_policy(SHORT, lambda view: odd, episodes=2),
    "what the other side gives": lambda odd: evaluate_policy(QUICK_DUEL, "random", against=lambda view: odd),
    "policies": lambda odd: empirical_game(QUICK_DUEL, odd, episodes=2),
    "a player's policy": lambda odd: empirical_game(QUICK_DUEL, [[odd if odd is not int else 3], ["random"]]),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_every_door_answers_odd_things_with_one_sentence(door):
    for odd in ODD:
        if door == "starts" and isinstance(odd, np.ndarray) and odd.shape == (2, 3):
            continue
        with pytest.raises(GameError) as caught:
            DOORS[door](odd)
        assert "\n" not in str(caught.value)
        assert 10 < len(str(caught.value)) < 400


@pytest.mark.parametrize("task", ["multihover", "hover1d"])
def test_actions_of_a_wrong_kind_change_nothing(task):
    env = make_batch(task, n_envs=3)
    env.reset(0)
    before = env.snapshot()
    for odd in (*ODD, env.random_actions()[:2], env.random_actions()[None], [[1], [2, 3]]):
        with pytest.raises(GameError, match=f"actions of {task}"):
            env.step(odd)
    for name, array in env.snapshot().items():
        if name != "rng":
            np.testing.assert_array_equal(array, before[name])


def test_whole_numbers_as_floats_are_no_choices():
    env = make_batch("multihover", n_envs=3)
    env.reset(0)
    with pytest.raises(GameError, match=r"must be whole numbers of shape \(3, 2\) .*, got float64"):
        env.step(np.zeros((3, 2)))


@pytest.mark.parametrize("change", [np.asfortranarray, lambda a: a.astype(">f8"), lambda a: a.tolist()])
def test_the_same_actions_in_another_form_are_the_same(change):
    env, other = (make_batch("hover", n_envs=3) for _ in range(2))
    actions = np.clip(np.random.default_rng(0).normal(size=(3, 1, 4)), -1, 1)
    env.reset(0)
    other.reset(0)
    actions.setflags(write=False)
    np.testing.assert_array_equal(env.step(actions).observations, other.step(change(actions)).observations)


def test_tensors_with_a_gradient_are_actions_too():
    torch = pytest.importorskip("torch")
    env = make_batch("hover", n_envs=2)
    env.reset(0)
    assert env.step(torch.zeros((2, 1, 4), requires_grad=True)).rewards.shape == (2, 1)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda env: env.step({"drone_0": 0, "drone_1": [1, 2]}), "the same shape for every agent"),
        (lambda env: env.step(3), "give a dictionary"),
        (lambda env: env.reset(seed=-1), "seed is -1"),
        (lambda env: env.reset(seed="now"), "seed is 'now'"),
    ],
)
def test_the_parallel_environment_says_what_it_takes(act, message):
    env = make("multihover")
    env.reset(seed=0)
    with pytest.raises(GameError, match=message):
        act(env)


def test_gymnasiums_views_say_what_they_take():
    env, many = make_gymnasium("multihover"), make_vector("hover1d", n_envs=2)
    env.reset(seed=0)
    many.reset(seed=0)
    with pytest.raises(GameError, match="as many numbers"):
        env.step([[1], [2, 3]])
    with pytest.raises(GameError, match="must be numbers of shape"):
        many.step(3)


def test_an_environment_must_be_begun_and_not_closed():
    env = make_batch("multihover", n_envs=40, threads=2)
    for early in (lambda: env.step(np.zeros((40, 2), int)), env.random_actions, env.view, env.snapshot):
        with pytest.raises(GameError, match="has not begun"):
            early()
    with pytest.raises(GameError, match="has not begun"):
        env.allowed  # noqa: B018
    env.reset(0)
    kept = env.snapshot()
    env.close()
    env.close()
    for late in (lambda: env.step(np.zeros((40, 2), int)), lambda: env.reset(0), lambda: env.restore(kept)):
        with pytest.raises(GameError, match="was closed: make a new one"):
            late()


def test_snapshots_pass_through_files_and_broken_ones_change_nothing():
    env = make_batch("multihover", n_envs=3)
    env.reset(0)
    file = io.BytesIO()
    np.savez(file, **env.snapshot())
    expected = env.step(np.ones((3, 2), int)).observations
    file.seek(0)
    with np.load(file) as kept:
        env.restore(kept)
    np.testing.assert_array_equal(env.step(np.ones((3, 2), int)).observations, expected)
    good = env.snapshot()
    torn = good["drones"].copy()
    torn[0, 0, 0] = np.nan
    foreign = make_batch("multihover", n_envs=17)
    foreign.reset(0)
    for bad, message in [
        (3, "dictionary of arrays, got 3"),
        ({}, "its drones cannot be read"),
        (good | {"drones": torn}, "its drones holds a number that is not finite"),
        (good | {"clock": good["clock"].astype(float)}, "clock must be int64"),
        (good | {"rng": good["rng"][:-3]}, "random state cannot be read"),
        (good | {"rng": np.frombuffer(b"[1]", np.uint8)}, "random state cannot be read"),
        (foreign.snapshot(), "drones must be float64 of shape"),
    ]:
        with pytest.raises(GameError, match=message):
            env.restore(bad)
        for name, array in env.snapshot().items():
            np.testing.assert_array_equal(array, good[name])


def test_more_environments_than_memory_holds_are_refused_before_they_are_made():
    with pytest.raises(BudgetExceeded, match=r"need about .* GB of memory"):
        make_batch("multihover", n_envs=10**9)
    with pytest.raises(BudgetExceeded, match="make fewer at a time"):
        make_batch("multihover", n_envs=10**5, backend="bullet")
    with pytest.raises(GameError, match="at most 10,000,000"):
        evaluate_policy("multihover", episodes=10**30)
    with pytest.raises(GameError, match="too long to keep all of it"):
        record_flight(make_task("hover1d", seconds=9e4))
    env = make_batch("multihover", n_envs=1)
    with pytest.raises(GameError, match="environments are numbered from 0"):
        env.reset(0, first=2**32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 7}, "rate must divide 240"),
        ({"seconds": 1e-9}, "has no control step at 30 a second"),
        ({"history": 240}, "history is 240, but an episode has 240 control steps"),
        ({"neighbours": 2}, "each of 2 drones has 1 others"),
        ({"scene": 3}, "scene of the task multihover must be of the type Scene, got 3"),
        ({"airframe": "cf2x"}, "airframe of the task multihover must be of the type Airframe"),
        ({"n_drones": 0}, "n_drones of the task multihover is 0"),
        ({"n_extras": 25}, "at most 24 numbers"),
        ({"starts": np.zeros((3, 3))}, r"starts of the task multihover must have shape \(2, 3\), got \(3, 3\)"),
        ({"paces": (1.0,)}, "paces of the task multihover must have shape"),
        ({"seats": "motors"}, "the motors of one drone can be the agents"),
    ],
)
def test_a_task_that_is_changed_by_hand_is_checked_again(change, message):
    with pytest.raises(GameError, match=message):
        dataclasses.replace(make_task("multihover"), **change)


def test_nobody_starts_in_an_obstacle():
    task = make_task("gate")
    bar = task.scene.obstacles[0].centre
    with pytest.raises(GameError, match="drone 1 starts in an obstacle, Box"):
        make_task("gate", starts=[[bar[0] - 1.0, 0.0, 1.0], bar])


def test_a_scene_put_around_drones_crashes_them_in_the_first_step():
    task = make_task("multihover")
    full = dataclasses.replace(task, scene=Scene(task.scene.low, task.scene.high, (Box((0, 0, 1), (2, 2, 1)),)))
    env = make_batch(full, n_envs=5)
    env.reset(0)
    assert env.step(np.zeros((5, 2), int)).terminated.all()


def test_numbers_of_arrays_become_floats_in_scenes_and_airframes():
    box = Box(np.array([0.0, 1.0, 2.0], np.float32), [1, 1, 1], np.float64(0.5))
    assert box == Box((0, 1, 2), (1, 1, 1), 0.5)
    assert hash(box) == hash(Box((0.0, 1.0, 2.0), (1.0, 1.0, 1.0), 0.5))
    frame = airframe("cf2x").replace(mass=np.float64(0.03), inertia=np.full(3, 2e-5))
    assert frame.inertia == (2e-5, 2e-5, 2e-5)
    assert type(frame.mass) is float
    assert type(Disturbances(wind=np.float32(2)).wind) is float


ABSURD: dict[str, Airframe] = {
    "one gram": airframe("cf2x").replace(mass=1e-3),
    "a hundred kilograms": airframe("cf2x").replace(mass=100.0, thrust=3.16e-10 * 4000),
    "no inertia": airframe("cf2x").replace(inertia=(1e-30, 1e-30, 1e-30)),
    "a rocket": airframe("cf2x").replace(thrust=1e3, torque=1e12),
    "treacle": airframe("cf2x").replace(damping=1e12, drag=(1e12, 1e12, 1e12)),
    "no ground": airframe("cf2x").replace(ground_effect=1e12, downwash=1e12, height=0.0),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ABSURD)
def test_whoever_flies_an_absurd_airframe_ends_episodes_and_sees_finite_numbers(name, dtype):
    task = make_task("multihover", actions="motors", airframe=ABSURD[name])
    env = make_batch(task, n_envs=17, dtype=dtype)
    env.reset(3)
    ended = 0
    for _ in range(60):
        step = env.step(env.random_actions())
        for array in (*step, env.state, env.reached_state):
            assert np.isfinite(array).all()
        assert ((step.rewards >= 0) & (step.rewards <= 1)).all()
        ended += int((step.terminated | step.truncated).sum())
    assert env.runaways <= ended
    # All that is kept is finite too, in lanes without an environment as well.
    env.restore(env.snapshot())


def test_a_lane_that_runs_away_leaves_its_neighbours_alone():
    task = make_task("hover", actions="motors")
    env, calm = (make_batch(task, n_envs=17) for _ in range(2))
    env.reset(0)
    calm.reset(0)
    env._drones[0, 0, X + 5] = 1e300
    for _ in range(5):
        step, alone = env.step(np.zeros((17, 1, 4))), calm.step(np.zeros((17, 1, 4)))
        others = np.arange(17) != 5
        np.testing.assert_array_equal(step.observations[others], alone.observations[others])
        assert all(np.isfinite(array).all() for array in step)
    assert env.runaways == 1


def test_the_hardest_disturbances_stay_finite_and_within_the_observation_space():
    hard = Disturbances(
        mass=0.99, inertia=0.99, motors=0.99, wind=50.0, gusts=50.0, position_noise=1e3, velocity_noise=1e3,
        rate_noise=1e3, motor_failure=1.0, failed_thrust=0.0, loss=1.0,
    )  # fmt: skip
    env = make_vector(make_task("multihover", disturbances=hard, neighbours=1, history=2), n_envs=17)
    observations, _ = env.reset(seed=0)
    for _ in range(100):
        assert env.observation_space.contains(observations)
        observations, rewards, *_ = env.step(env.action_space.sample())
        assert np.isfinite(rewards).all()


@pytest.mark.parametrize("rate", [1, 240])
def test_the_slowest_and_the_fastest_control_run_to_the_end(rate):
    env = make_batch(make_task("multihover", rate=rate, seconds=1), n_envs=1)
    env.reset(0)
    ends = [bool(np.any(env.step(np.zeros((1, 2), int)).truncated)) for _ in range(rate)]
    assert ends == [False] * (rate - 1) + [True]


def test_an_expert_says_that_it_cannot_steer():
    with pytest.raises(GameError, match="finds no way to steer the airframe custom"):
        evaluate_policy(make_task("hover", airframe=airframe("cf2x").replace(name="custom", motor_lag=1e12)))


def test_a_policy_that_fails_ends_the_evaluation_with_its_own_error():
    def failing(view):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        evaluate_policy(SHORT, failing, episodes=2)


@pytest.mark.parametrize("size", [(0, 4), (4,), "big", (4, float("nan")), (1e9, 1e9), None])
def test_a_figure_has_a_sensible_size(size):
    with pytest.raises(GameError, match="give width and height, two numbers from 1 to 100 inches"):
        draw_flight(record_flight(SHORT, "random"), size=size)


def test_a_path_holds_no_zero():
    with pytest.raises(GameError, match="give the name of a file"):
        animate_flight(record_flight(SHORT, "random"), "a\0.gif")
