"""The torch backend against the compiled one: the same random numbers, motion, rewards, flags and observations."""

import builtins
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from marlgt.errors import GameError, MissingDependency  # noqa: E402
from marlgt.games.drones import Disturbances, make_batch, make_task  # noqa: E402
from marlgt.games.drones.backends.batch_env import BatchEnv  # noqa: E402
from marlgt.games.drones.backends.torch_env import TorchEnv  # noqa: E402
from marlgt.games.drones.making import TASKS  # noqa: E402

TROUBLE = Disturbances(
    mass=0.1, inertia=0.1, motors=0.05, wind=0.5, gusts=0.2, position_noise=0.01, velocity_noise=0.02, rate_noise=0.05,
    motor_failure=0.2, loss=0.5,
)  # fmt: skip


def apart(a, b):
    """Return the largest difference of two arrays, of which the second may be a tensor."""
    return float(np.abs(np.asarray(a, dtype=float) - np.asarray(b, dtype=float)).max(initial=0.0))


ROUNDING = 2.5e-7
"""What single precision, in which observations and rewards are, makes of the last bit of numbers up to 4."""


def gap_of_steps(env, other, step, twin):
    """Return the largest difference of what a step gave in two backends, flags included."""
    seen = max(apart(x, y) for x, y in zip(step, twin, strict=True))
    return max(seen, apart(env.state, other.state), apart(env.reached_state, other.reached_state))


def gap_of_tables(env, other):
    """Return the largest difference of all numbers of all drones, relative to them where they are large."""
    drones, twins = env.snapshot()["drones"], other.snapshot()["drones"]
    lanes = [table.reshape(*table.shape[:2], -1, 16).transpose(1, 2, 0, 3) for table in (drones, twins)]
    mine, theirs = (lane.reshape(*lane.shape[:2], -1)[:, :, : env.n_envs] for lane in lanes)
    return float((np.abs(mine - theirs) / (1.0 + np.abs(mine))).max())


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_the_same_in_both_backends(name):
    task = make_task(name)
    env, other = BatchEnv(task, 20), TorchEnv(task, 20)
    assert apart(env.reset(seed=5), other.reset(seed=5)) == 0.0
    for _ in range(10):
        actions = env.random_actions()
        assert apart(actions, other.random_actions()) == 0.0
        assert gap_of_steps(env, other, env.step(actions), other.step(actions)) <= ROUNDING
        assert gap_of_tables(env, other) <= 1e-9
    assert apart(env.allowed, other.allowed) == 0.0


@pytest.mark.parametrize("sparing", [True, False], ids=["some lanes", "all lanes"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_disturbed_episodes_that_end_and_begin_anew_are_the_same(dtype, sparing):
    task = make_task("multihover", n_drones=3, disturbances=TROUBLE, seconds=0.5, history=2)
    env, other = BatchEnv(task, 20, dtype=dtype), TorchEnv(task, 20, dtype=dtype)
    other._sparing = sparing
    tolerance = ROUNDING if dtype == "float64" else 2e-4
    assert apart(env.reset(seed=1), other.reset(seed=1)) <= tolerance
    ended = 0
    for _ in range(40):
        actions = env.random_actions()
        step = env.step(actions)
        assert gap_of_steps(env, other, step, other.step(actions)) <= tolerance
        ended += int((step.terminated | step.truncated).sum())
    assert ended > 40
    assert (~env.view().active).any()
    assert (env.view().active == other.view().active).all()


def test_resets_draw_the_same_bits():
    task = make_task("multihover", n_drones=2, disturbances=TROUBLE)
    env, other = BatchEnv(task, 40), TorchEnv(task, 40)
    env.reset(seed=9, first=3)
    other.reset(seed=9, first=3)
    mine, theirs = env.view(), other.view()
    # Sine and cosine of the array library differ in the last bit.
    assert apart(mine.positions, theirs.positions) <= 1e-15
    masses = env.snapshot()["drones"][:2], other.snapshot()["drones"][:2]
    uniform = slice(27 * 16, 33 * 16)
    assert (masses[0][:, :, uniform] == masses[1][:, :, uniform]).all()


def test_a_snapshot_of_the_compiled_backend_goes_on_in_tensors_and_back():
    task = make_task("multihover", n_drones=2, history=1)
    env, other = BatchEnv(task, 19), TorchEnv(task, 19)
    env.reset(seed=2)
    for _ in range(5):
        env.step(env.random_actions())
    assert apart(other.restore(env.snapshot()), env.observations) == 0.0
    for _ in range(3):
        assert gap_of_steps(env, other, env.step(env.random_actions()), other.step(other.random_actions())) <= ROUNDING
    kept = other.snapshot()
    first = [other.step(other.random_actions()).rewards for _ in range(3)]
    other.restore(kept)
    assert all((other.step(other.random_actions()).rewards == rewards).all() for rewards in first)
    env.restore(kept)
    assert apart(env.step(env.random_actions()).rewards, first[0]) <= ROUNDING


def test_a_snapshot_of_another_environment_does_not_fit():
    env = TorchEnv(make_task("multihover"), 4)
    env.reset(seed=0)
    kept = env.snapshot()
    with pytest.raises(GameError, match="observations must be float32 of shape"):
        env.restore({**kept, "observations": kept["observations"][:2]})
    with pytest.raises(GameError, match="random state cannot be read"):
        env.restore({**kept, "rng": kept["rng"][:5]})


def test_what_a_number_that_ran_away_leaves_is_finite():
    env = TorchEnv(make_task("multihover"), 4)
    env.reset(seed=0)
    env._fields[0][0, 1] = torch.nan
    step = env.step(np.zeros((4, 2), dtype=int))
    assert step.terminated.tolist() == [False, True, False, False]
    assert env.runaways == 1
    assert all(bool(torch.isfinite(part).all()) for part in step)


def test_unchecked_actions_are_held_to_the_nearest_and_named_later():
    env = TorchEnv(make_task("multihover", actions="velocity"), 4, checked=False)
    twin = TorchEnv(make_task("multihover", actions="velocity"), 4)
    env.reset(seed=0)
    twin.reset(seed=0)
    wild = torch.full((4, 2, 3), 7.0)
    assert (env.step(wild).rewards == twin.step(torch.ones(4, 2, 3)).rewards).all()
    with pytest.raises(GameError, match=r"24 actions of multihover since the last check were not numbers in \[-1, 1\]"):
        env.reset(seed=0)
    assert env.reset(seed=0).shape == (4, 2, 31)


@pytest.mark.parametrize("checked", [True, False])
def test_actions_of_another_shape_or_kind_are_refused(checked):
    env = TorchEnv(make_task("multihover"), 4, checked=checked)
    env.reset(seed=0)
    with pytest.raises(GameError, match="must be whole numbers of shape"):
        env.step(torch.zeros(4, 3, dtype=torch.int64))
    with pytest.raises(GameError, match="must be whole numbers of shape"):
        env.step(torch.zeros(4, 2))


def test_an_action_that_does_not_exist_is_refused_on_the_processor():
    env = TorchEnv(make_task("multihover"), 4)
    env.reset(seed=0)
    with pytest.raises(GameError, match="are 0 to 8, got 9"):
        env.step(torch.full((4, 2), 9))


def test_a_step_before_the_first_reset_is_refused():
    env = TorchEnv(make_task("multihover"), 4)
    for early in (lambda: env.step(torch.zeros(4, 2, dtype=torch.int64)), env.snapshot, env.view, env.random_actions):
        with pytest.raises(GameError, match="call reset"):
            early()


def test_the_door_makes_tensors_on_the_device_asked_for():
    env = make_batch("multihover", n_envs=3, backend="torch", device="cpu", dtype="float32")
    assert env.reset(seed=0).device == torch.device("cpu")
    step = env.step(env.random_actions())
    assert all(isinstance(part, torch.Tensor) for part in step)
    env.close()


@pytest.mark.parametrize("device", ["nowhere", "cuda:99", 3.5])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(GameError, match="cannot be used here"):
        make_batch("multihover", n_envs=3, backend="torch", device=device)


def test_options_that_do_not_exist_are_refused():
    with pytest.raises(GameError, match="dtype must be"):
        TorchEnv(make_task("multihover"), 3, dtype="float16")
    with pytest.raises(GameError, match="compile must be"):
        TorchEnv(make_task("multihover"), 3, compile="fast")


def test_the_package_does_not_import_torch():
    program = "import sys, marlgt.games.drones as d; d.make_task; d.make_batch; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


def test_without_torch_the_error_says_what_to_type(monkeypatch):
    real = builtins.__import__

    def blocked(name, *args, **kwargs):
        if name == "torch":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.startswith("marlgt.games.drones.backends.torch_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", blocked)
    with pytest.raises(MissingDependency, match=r'needs PyTorch: pip install "marlgt\[deep\]"'):
        make_batch("multihover", n_envs=2, backend="torch")
