"""What a team would have been paid had one agent acted otherwise: against the games' own tables."""

import numpy as np
import pytest

from marlgt.deep.environments import make_environment
from marlgt.deep.environments.protocol import alternatives_of
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import NormalFormGame, StochasticGame


@pytest.mark.parametrize(
    "task",
    [
        "climbing",
        "prisoners_dilemma",
        NormalFormGame(np.random.default_rng(0).normal(size=(3, 2, 4, 3))),
    ],
    ids=["common", "apart", "three agents"],
)
def test_alternatives_of_a_matrix_game_are_its_entries(task):
    env = make_environment(task, 5, options={"pad_actions": True})
    env.reset(0)
    payoffs, counts = env.game.payoffs, env.game.n_actions
    team = payoffs[0] if env.common_reward else payoffs.sum(axis=0)
    rng = np.random.default_rng(1)
    actions = np.stack([rng.integers(0, count, 5) for count in counts], axis=1)
    told = alternatives_of(env)(actions)
    assert told.shape == (5, env.n_agents, env.n_actions)
    for k, own in enumerate(actions):
        for i, count in enumerate(counts):
            for other in range(env.n_actions):
                profile = [*own[:i], other, *own[i + 1 :]]
                if other < count:
                    assert told[k, i, other] == pytest.approx(team[tuple(profile)], rel=1e-6)
                else:
                    assert np.isnan(told[k, i, other])
    rewards = env.step(actions).rewards
    paid = rewards[:, 0] if env.common_reward else rewards.sum(axis=1)
    for i in range(env.n_agents):
        assert np.allclose(told[np.arange(5), i, actions[:, i]], paid, rtol=1e-6)


@pytest.mark.parametrize("task", ["two_step", "soccer:observation=binary,horizon=20", "alternating_turns"])
def test_alternatives_of_a_stochastic_game_are_what_a_twin_is_paid(task):
    env, twin = make_environment(task, 4), make_environment(task, 4)
    env.reset(2)
    rng = np.random.default_rng(3)
    for _ in range(8):
        allowed = np.asarray(env.allowed)
        actions = np.array([[rng.choice(np.flatnonzero(own)) for own in copy] for copy in allowed])
        told, here = alternatives_of(env)(actions), env.snapshot()
        assert np.array_equal(np.isnan(told), ~allowed)
        for i in range(env.n_agents):
            for other in range(env.n_actions):
                rows = allowed[:, i, other]
                twin.restore(here)
                changed = actions.copy()
                changed[rows, i] = other
                rewards = twin.step(changed).rewards
                paid = rewards[:, 0] if env.common_reward else rewards.sum(axis=1)
                assert np.allclose(told[rows, i, other], paid[rows], atol=1e-6)
        assert np.array_equal(env.snapshot()["states"], here["states"])
        env.step(actions)


def test_where_chance_pays_alternatives_are_means():
    game = paid_by_chance()
    env = make_environment(game, 3)
    env.reset(0)
    told = alternatives_of(env)(np.zeros((3, 2), int))
    # In state 0 the pair (a, b) pays each of both a + b, and 4 in one of four cases.
    assert np.allclose(told, [[[1.0, 2.0], [1.0, 2.0]]] * 3)


def paid_by_chance():
    """Return a game of one round: the first successor pays nothing, the second 4, beside a + b."""
    rewards = np.zeros((2, 2, 2, 2, 2))
    rewards[:, 0] = np.add.outer(np.arange(2.0), np.arange(2.0))[None, :, :, None] + np.array([0.0, 4.0])
    successors = np.ones((2, 2, 2, 2), int)
    return StochasticGame(
        rewards,
        successors,
        np.broadcast_to([0.75, 0.25], (2, 2, 2, 2)),
        discount=0.9,
        start=[1.0, 0.0],
        terminal=[False, True],
    )


def test_frames_tell_the_alternatives_of_what_they_stack():
    env = make_environment("climbing:repeats=3", 2, frames=2)
    env.reset(0)
    assert alternatives_of(env)(np.zeros((2, 2), int))[0, 0].tolist() == [11.0, -30.0, 0.0]


def test_tasks_that_cannot_tell_alternatives_say_so():
    with pytest.raises(UnsupportedGame, match="CartPole-v1 cannot tell what would have been paid"):
        alternatives_of(make_environment("CartPole-v1", 1))


def test_alternatives_of_what_cannot_be_played_are_refused():
    env = make_environment("alternating_turns", 1)
    env.reset(0)
    with pytest.raises(GameError, match="alternatives are those of actions that are allowed"):
        env.alternatives(np.full((1, 2), 99))
    with pytest.raises(GameError, match="has actions 0 to 2"):
        make_environment("climbing", 1).alternatives(np.array([[0, 3]]))
