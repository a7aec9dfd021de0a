"""Scores of policies and recorded flights."""

import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games.drones import Flight, evaluate_policy, make_batch, make_task, record_flight


def hold(view):
    return np.zeros(view.positions.shape[:2], dtype=int)


def test_scores_are_returns_over_the_horizon():
    scores = evaluate_policy("multihover", hold, episodes=20, seed=3)
    assert (scores.task, scores.policy, scores.backend) == ("multihover", "hold", "numba")
    assert scores.returns.shape == (20, 2)
    np.testing.assert_array_equal(scores.lengths, 240)
    np.testing.assert_allclose(scores.scores, scores.returns.mean(axis=1) / 240)
    assert scores.score == pytest.approx(scores.scores.mean())
    assert scores.standard_error == pytest.approx(scores.scores.std(ddof=1) / np.sqrt(20))
    assert scores.crash_rate == 0.0


def test_a_crash_earns_nothing_more():
    def dive(view):
        units = np.zeros((*view.positions.shape[:2], 3))
        units[..., 2] = -1.0
        return units

    task = make_task("multihover", actions="velocity")
    scores = evaluate_policy(task, dive, episodes=8)
    assert scores.success_rate == 0.0
    # At half a metre a second, drones meet the ground softly and stay there.
    assert scores.crash_rate == 0.0
    out = evaluate_policy(task, lambda view: np.broadcast_to([1.0, 0, 0], (*view.positions.shape[:2], 3)), episodes=8)
    assert out.crash_rate == 1.0
    assert (out.lengths < 240).all()
    assert out.score < scores.score


def test_the_same_seed_gives_the_same_scores_and_a_larger_batch_the_same_first_episodes():
    few, many = (evaluate_policy("multihover", "expert", episodes=n, seed=5) for n in (8, 40))
    np.testing.assert_array_equal(few.returns, many.returns[:8])
    random = [evaluate_policy("multihover", "random", episodes=8, seed=5).returns for _ in range(2)]
    np.testing.assert_array_equal(*random)


def test_pybullet_flies_the_same_episodes_however_many_at_once():
    pytest.importorskip("pybullet")
    task = make_task("multihover", seconds=0.5)
    ours, theirs = (evaluate_policy(task, "expert", episodes=20, backend=name) for name in ("numba", "bullet"))
    np.testing.assert_allclose(ours.returns, theirs.returns, rtol=1e-6)


def test_a_flight_keeps_the_whole_episode():
    flight = record_flight("multihover", "expert", seed=4)
    assert isinstance(flight, Flight)
    scores = evaluate_policy("multihover", "expert", episodes=1, seed=4)
    np.testing.assert_allclose(flight.rewards.sum(axis=0), scores.returns[0])
    assert flight.success
    assert not flight.crashed
    assert flight.times[-1] == pytest.approx(8.0)
    assert flight.score == pytest.approx(scores.score)
    # The last moment is the end of this episode, and not the start of the next: no drone leaps.
    assert np.abs(np.diff(flight.positions, axis=0)).max() < 0.1
    np.testing.assert_allclose(np.linalg.norm(flight.orientations, axis=2), 1.0, atol=1e-6)
    np.testing.assert_allclose(flight.goals, np.broadcast_to(flight.goals[0], flight.goals.shape), atol=1e-6)
    velocity = np.diff(flight.positions, axis=0) * 30
    np.testing.assert_allclose(velocity[60:], flight.velocities[61:], atol=0.05)


def test_a_crashed_flight_says_so():
    task = make_task("multihover", actions="velocity")
    flight = record_flight(task, lambda view: np.broadcast_to([1.0, 0, 0], (1, 2, 3)), seed=0)
    assert flight.crashed
    assert not flight.success
    assert len(flight.times) == len(flight.rewards) + 1 < 241


def test_a_load_is_in_the_record():
    flight = record_flight("payload", "expert", seed=0)
    assert flight.loads.shape == (len(flight.times), 3)
    assert (flight.loads[:, 2] < flight.positions[:, :, 2].min(axis=1)).all()


def test_pybullet_draws_a_flight():
    pytest.importorskip("pybullet")
    from marlgt.games.drones.snapshots import bullet_frames

    task = make_task("multihover", seconds=1.0)
    frames = list(bullet_frames(record_flight(task), fps=4, size=(160, 120)))
    assert len(frames) == 5
    assert all(frame.shape == (120, 160, 3) for frame in frames)
    assert np.abs(frames[0].astype(float) - frames[-1]).mean() > 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate_policy("multihover", "best"), "give 'expert', 'random', or a function"),
        (lambda: evaluate_policy("multihover", 3), "give 'expert', 'random', or a function"),
        (lambda: evaluate_policy("multihover", episodes=0), "episodes is 0"),
        (lambda: evaluate_policy("multihover", seed=-1), "seed is -1"),
        (lambda: evaluate_policy("multihover", against="random"), "all agents of multihover are on one side"),
        (lambda: evaluate_policy("multihover", lambda view: np.zeros(3)), "whole numbers of shape"),
        (lambda: record_flight("nothing"), "no drone task"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(GameError, match=message):
        call()


def test_a_view_is_a_copy():
    env = make_batch("multihover", n_envs=2)
    env.reset(seed=0)
    env.view().positions[:] = 100.0
    assert np.abs(env.view().positions).max() < 3.0
