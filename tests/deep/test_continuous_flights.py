"""Policies whose actions are numbers, from a short training to their flights in every simulator."""

import numpy as np
import pytest

from marlgt.deep import evaluate, train
from marlgt.deep.algorithms.ppo import PPO
from marlgt.deep.evaluation import evaluate_random
from marlgt.deep.flying import flight_policy, flown_task
from marlgt.errors import GameError
from marlgt.games.drones.evaluation import evaluate_policy, record_flight


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "gate"
    return train(PPO(n_envs=4, frames=2), "gate:seconds=1", steps=1200, seeds=(0, 1), episodes=4, folder=folder)


def test_a_run_is_read_back_and_evaluated_in_its_own_simulator_on_tensors_and_at_random(run):
    ours = evaluate(run.folder, episodes=3)
    assert ours.returns.shape == (2, 3, 2)
    assert run.spec.action_size == 3
    tensors = evaluate(run, episodes=3, backend="torch")
    assert np.allclose(ours.returns, tensors.returns, rtol=1e-3, atol=1e-3)
    by_chance = evaluate_random(run, episodes=3)
    assert by_chance.returns.shape == (1, 3, 2)
    assert np.isfinite(by_chance.returns).all()


def test_pybullet_flies_what_was_learnt(run):
    pytest.importorskip("pybullet")
    assert np.isfinite(evaluate(run, episodes=2, backend="bullet").returns).all()


def test_flights_are_of_the_task_of_the_run_with_its_kind_of_actions(run):
    task = flown_task(run)
    assert task.choices is None
    pilot = flight_policy(run, 1)
    report = evaluate_policy(task, pilot, episodes=3)
    assert np.isfinite(report.returns).all()
    flight = record_flight(task, pilot, seed=0)
    assert flight is not None


def test_a_task_of_other_numbers_is_refused(run):
    with pytest.raises(GameError, match=r"actions of 4 numbers.*actions of 3 numbers"):
        evaluate(run, episodes=2, task="gate:seconds=1,actions=motors")
