"""Copies, files, forks, spawns, interrupts and missing packages: an environment is the same wherever it lives."""

import copy
import functools
import hashlib
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test
from pettingzoo.utils.conversions import parallel_to_aec

from marlgt.games.drones import (
    TASKS,
    Disturbances,
    evaluate_policy,
    make,
    make_batch,
    make_gymnasium,
    make_task,
    make_vector,
)
from marlgt.games.drones.backends import stepping as steps

ROUGH = Disturbances(mass=0.2, wind=1.0, gusts=0.5, loss=0.5, position_noise=0.01)

IGNORED = "ignore:The old environment creation API:DeprecationWarning"
"""PettingZoo's own checks import a game in the way that it gives up, where pygame is there to draw it."""


def run(code, *arguments, **environment):
    """Run a program in a fresh interpreter in which warnings are errors, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", IGNORED, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def digest(n_envs, threads=1, dtype="float64"):
    """Return a hash of all that 100 steps of random actions give."""
    env = make_batch(make_task("multihover", disturbances=ROUGH), n_envs=n_envs, threads=threads, dtype=dtype)
    env.reset(5)
    found = hashlib.sha256()
    for _ in range(100):
        for array in env.step(env.random_actions()):
            found.update(np.ascontiguousarray(array).tobytes())
    env.close()
    return found.hexdigest()


def test_another_process_and_other_threads_give_the_same_bits():
    here = digest(40)
    assert digest(40, threads=3) == here
    assert digest(40, threads=99) == here
    assert digest(40, dtype="float32") != here
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_processes import digest
        print(digest(40))
    """
    assert run(code)[0].strip() == here


def test_the_package_loads_nothing_heavy_and_in_no_time():
    out, _ = run("""
        import json, sys, time
        begun = time.process_time()
        import marlgt.games.drones
        used = time.process_time() - begun
        names = ("torch", "pybullet", "gymnasium", "pettingzoo", "matplotlib", "numba", "scipy", "imageio")
        print(json.dumps([used, [name for name in names if name in sys.modules]]))
    """)
    used, loaded = json.loads(out)
    assert loaded == []
    assert used < 0.3


@pytest.mark.parametrize(
    ("package", "door", "message"),
    [
        (
            "pybullet",
            'make_batch("hover1d", n_envs=1, backend="bullet")',
            'needs pybullet: pip install "marlgt[drones]"',
        ),
        ("torch", 'make_batch("hover1d", n_envs=1, backend="torch")', 'needs PyTorch: pip install "marlgt[deep]"'),
        ("gymnasium", 'make_gymnasium("hover1d")', 'needs gymnasium and pettingzoo: pip install "marlgt[drones]"'),
        ("pettingzoo", 'make("hover1d")', 'needs gymnasium and pettingzoo: pip install "marlgt[drones]"'),
        ("matplotlib", "draw_flight(flight)", 'needs matplotlib: pip install "marlgt[drones]"'),
    ],
)
def test_what_is_missing_is_named_and_the_rest_flies_on(package, door, message):
    out, _ = run(
        """
        import sys
        sys.modules[sys.argv[1]] = None
        from marlgt.errors import MissingDependency
        from marlgt.games.drones import make, make_batch, make_gymnasium, make_task, record_flight
        from marlgt.pictures.flights import draw_flight
        flight = record_flight(make_task("hover1d", seconds=0.1), "random")
        try:
            eval(sys.argv[2])
        except MissingDependency as error:
            print(error)
        """,
        package,
        door,
    )
    assert message in out


def test_bullet_starts_without_a_word():
    pytest.importorskip("pybullet")
    out, err = run("""
        import sys
        from marlgt.games.drones.backends.bullet_bodies import bullet_library
        bullet_library()
        print("later", file=sys.stderr)
    """)
    assert out == ""
    assert err == "later\n"


def test_plain_python_flies_as_the_compiled_code_does(monkeypatch):
    def fly():
        env = make_batch(make_task("multihover", disturbances=ROUGH, history=1), n_envs=2)
        env.reset(0)
        return [env.step(np.full((2, 2), k)) for k in range(4)]

    compiled = fly()
    monkeypatch.setattr(steps, "forced_gear", lambda: "plain")
    steps.step_kernel.cache_clear()
    try:
        plain = fly()
    finally:
        steps.step_kernel.cache_clear()
    for ours, theirs in zip(compiled, plain, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("name", TASKS)
def test_tasks_are_pickled_and_copied(name):
    task = make_task(name, disturbances=ROUGH)
    for other in (pickle.loads(pickle.dumps(task)), copy.deepcopy(task)):
        assert (other.name, other.disturbances, other.scene) == (task.name, task.disturbances, task.scene)
        assert other.spawn is task.spawn


@pytest.mark.parametrize("backend", ["numba", "bullet", "torch"])
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_of_an_environment_flies_on_its_own(backend, again):
    pytest.importorskip({"bullet": "pybullet"}.get(backend, backend))
    env = make_batch(make_task("multihover", disturbances=ROUGH), n_envs=3, backend=backend)
    begun = again(env)
    env.reset(0)
    begun.reset(0)
    env.step(env.random_actions())
    twin = again(env)
    assert twin.runaways == env.runaways
    np.testing.assert_array_equal(np.asarray(twin.reached_state), np.asarray(env.reached_state))
    for _ in range(3):
        mine, other = np.asarray(env.random_actions()), np.asarray(twin.random_actions())
        np.testing.assert_array_equal(mine, other)
        for a, b in zip(env.step(mine), twin.step(other), strict=True):
            # Bullet is given a quaternion that it had turned into a matrix and back.
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=1e-6 if backend == "bullet" else 0)
    for one in (env, twin, begun):
        one.close()


def test_views_are_copied_with_their_seeds():
    env, vector = make_gymnasium("multihover"), make_vector("multihover", n_envs=2)
    env.reset(seed=1)
    vector.reset(seed=1)
    twin, vector_twin = copy.deepcopy(env), pickle.loads(pickle.dumps(vector))
    np.testing.assert_array_equal(env.reset()[0], twin.reset()[0])
    np.testing.assert_array_equal(vector.reset()[0], vector_twin.reset()[0])


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_gymnasiums_workers_make_environments_of_their_own(context):
    makers = [functools.partial(make_gymnasium, "multihover")] * 2
    together, apart = gymnasium.vector.AsyncVectorEnv(makers, context=context), gymnasium.vector.SyncVectorEnv(makers)
    try:
        np.testing.assert_array_equal(together.reset(seed=3)[0], apart.reset(seed=3)[0])
        for k in range(3):
            actions = np.full((2, 2), k)
            np.testing.assert_array_equal(together.step(actions)[0], apart.step(actions)[0])
    finally:
        together.close()
        apart.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_threads_fly_on_in_a_forked_process():
    out, _ = run("""
        import multiprocessing, warnings
        import numpy as np
        from marlgt.games.drones import make_batch
        # Newer Pythons warn of any fork while there are threads.
        warnings.simplefilter("ignore")
        env = make_batch("multihover", n_envs=40, threads=2)
        env.reset(0)
        env.step(env.random_actions())

        def fly(answers):
            answers.put(float(env.step(np.zeros((40, 2), int)).rewards.sum()))

        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        child = context.Process(target=fly, args=(answers,))
        child.start()
        theirs = answers.get(timeout=60)
        child.join()
        print(theirs == float(env.step(np.zeros((40, 2), int)).rewards.sum()))
    """)
    assert out.strip() == "True"


@pytest.mark.parametrize("backend", ["numba", "bullet"])
def test_an_interrupt_ends_an_evaluation_and_its_worlds(backend):
    bullet = pytest.importorskip("pybullet") if backend == "bullet" else None
    before = [] if bullet is None else [k for k in range(64) if bullet.getConnectionInfo(k)["isConnected"]]
    calls = []

    def policy(view):
        calls.append(len(view.ticks))
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return np.zeros((len(view.ticks), 2), int)

    with pytest.raises(KeyboardInterrupt):
        evaluate_policy("multihover", policy, episodes=3, backend=backend)
    assert calls[:3] == [3, 3, 3]
    assert len(calls) <= 4
    if bullet is not None:
        assert [k for k in range(64) if bullet.getConnectionInfo(k)["isConnected"]] == before


def test_worlds_end_with_an_environment_that_nobody_closed():
    bullet = pytest.importorskip("pybullet")
    before = sum(bullet.getConnectionInfo(k)["isConnected"] for k in range(64))
    env = make_batch("hover1d", n_envs=2, backend="bullet")
    assert sum(bullet.getConnectionInfo(k)["isConnected"] for k in range(64)) == before + 2
    del env
    assert sum(bullet.getConnectionInfo(k)["isConnected"] for k in range(64)) == before


@pytest.mark.parametrize("name", TASKS)
def test_every_task_passes_the_checks_of_gymnasium_and_pettingzoo(name, capsys):
    task = make_task(name, disturbances=ROUGH)
    check_env(make_gymnasium(task), skip_render_check=True)
    parallel_api_test(make(task), 60)
    parallel_seed_test(lambda: make(task), 20)
    api_test(parallel_to_aec(make(task)), 30)
    capsys.readouterr()


def test_two_environments_at_once_do_not_meet():
    one, other = make_batch("multihover", n_envs=3), make_batch("multihover", n_envs=3)
    one.reset(0)
    alone = [one.step(np.full((3, 2), k)).observations.copy() for k in range(4)]
    one.reset(0)
    other.reset(1)
    for k in range(4):
        seen = one.step(np.full((3, 2), k)).observations
        other.step(np.full((3, 2), 8 - k))
        np.testing.assert_array_equal(seen, alone[k])


def test_what_a_step_gave_is_not_written_into_later():
    env = make_batch("multihover", n_envs=3)
    env.reset(0)
    kept = [env.step(np.full((3, 2), k % 9)) for k in range(12)]
    copies = [[array.copy() for array in step] for step in kept]
    views = [step.rewards[:1, 0] for step in kept]
    shown = [view.copy() for view in views]
    for k in range(12):
        env.step(np.full((3, 2), k % 9))
    for step, copied in zip(kept, copies, strict=True):
        for a, b in zip(step, copied, strict=True):
            np.testing.assert_array_equal(a, b)
    del kept, step
    for k in range(12):
        env.step(np.full((3, 2), k % 9))
    for view, copied in zip(views, shown, strict=True):
        np.testing.assert_array_equal(view, copied)


def test_workers_of_a_pool_take_tasks():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        scores = pool.apply(evaluate_policy, (make_task("multihover"), "expert"), {"episodes": 4})
    np.testing.assert_array_equal(scores.returns, evaluate_policy("multihover", "expert", episodes=4).returns)
