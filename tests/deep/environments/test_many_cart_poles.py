"""Many copies of CartPole, moved together: bit for bit what each does alone."""

from __future__ import annotations

import numpy as np
import pytest

from marlgt.deep.environments.classic_control import MANY, ClassicControl, cart_pole_motion, cart_poles_motion
from marlgt.errors import GameError

COPIES = 2 * MANY


def test_states_move_to_the_same_bits_together_and_one_by_one() -> None:
    rng = np.random.default_rng(0)
    states, actions = rng.normal(size=(1_000, 4)), rng.integers(2, size=1_000)
    moved, rewards, lost = cart_poles_motion(states, actions)
    for state, action, together, paid, over in zip(states.tolist(), actions.tolist(), moved, rewards, lost):
        alone = cart_pole_motion(tuple(state), action)
        assert alone == (tuple(together.tolist()), paid, over)


@pytest.mark.parametrize("name", ["CartPole-v0", "CartPole-v1"])
def test_copies_play_the_same_episodes_among_many_and_among_few(name: str) -> None:
    few = [ClassicControl(name, MANY - 1), ClassicControl(name, 5)]
    many = ClassicControl(name, COPIES)
    many.reset(3)
    few[0].reset(3)
    few[1].reset(3, first=MANY)
    rng = np.random.default_rng(1)
    ends = 0
    for _ in range(300):
        # Towards where the pole falls, so that some episodes last to the horizon.
        actions = (many.observations[:, :, 2] + 0.3 * many.observations[:, :, 3] > 0).astype(np.int64)
        actions[::3] = rng.integers(2, size=actions[::3].shape)
        step = many.step(actions)
        ends += int(step.truncated.sum())
        for env, place in ((few[0], slice(0, MANY - 1)), (few[1], slice(MANY, MANY + 5))):
            own = env.step(actions[place])
            for together, alone in zip(step[:-1], own[:-1]):
                assert np.array_equal(together[place], alone)
    assert ends > 0 or name == "CartPole-v1"


def test_a_snapshot_of_many_copies_goes_on_the_same() -> None:
    env, other = ClassicControl("CartPole-v1", COPIES), ClassicControl("CartPole-v1", COPIES)
    env.reset(0)
    actions = np.random.default_rng(0).integers(2, size=(60, COPIES, 1))
    for chosen in actions[:30]:
        env.step(chosen)
    assert np.array_equal(other.restore(env.snapshot()), env.observations)
    for chosen in actions[30:]:
        assert np.array_equal(env.step(chosen).reached, other.step(chosen).reached)


def test_wrong_actions_are_named_among_many() -> None:
    env = ClassicControl("CartPole-v1", COPIES)
    with pytest.raises(GameError, match="has not begun: call reset"):
        env.step(np.zeros((COPIES, 1), np.int64))
    env.reset(0)
    actions = np.zeros((COPIES, 1), np.int64)
    actions[7] = 2
    with pytest.raises(GameError, match=r"actions\[7, 0\] is 2: CartPole-v1 has the actions 0 to 1"):
        env.step(actions)
    with pytest.raises(GameError, match=rf"actions must have shape \({COPIES}, 1\), got 3 rows"):
        env.step(actions[:3])
