"""Recipes of policies on tasks of one agent, by choices and by numbers."""

import numpy as np
import pytest

from marlgt.deep import recipe, train
from marlgt.deep.environments import make_environment
from marlgt.errors import UnsupportedGame

TASKS = ("CartPole-v1", "Acrobot-v1", "Pendulum-v1", "LunarLander-v3", "LunarLanderContinuous-v3")
LEARNERS = ("PPO", "GMAC", "TRPO", "A2C")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", LEARNERS)
def test_every_rollout_of_a_recipe_falls_into_minibatches_of_one_size_and_there_are_many(task, name):
    algorithm = recipe(task).algorithm(name)
    rows = algorithm.n_envs * algorithm.rollout_steps
    assert rows % algorithm.minibatches == 0
    assert recipe(task).steps_of(name) > 25 * rows


@pytest.mark.parametrize("task", TASKS)
def test_a_mixture_critic_changes_nothing_but_the_critic_and_its_units(task):
    one, other = (vars(recipe(task).algorithm(name)) for name in ("PPO", "GMAC"))
    assert {key for key in one if one[key] != other[key]} <= {"critic", "normalise_values"}
    assert other["critic"] == "mixture"


def test_a_lander_that_steers_by_numbers_has_a_name_or_an_option_and_a_recipe_of_its_own():
    pytest.importorskip("Box2D")
    named = make_environment("LunarLanderContinuous-v3", 2, continuous=True)
    chosen = make_environment("LunarLander-v3:continuous=true", 2, continuous=True)
    assert (named.n_actions, named.action_size, named.observation_size) == (0, 2, 8)
    draws = np.random.default_rng(0)
    np.testing.assert_array_equal(named.reset(3), chosen.reset(3))
    for _ in range(120):
        actions = draws.uniform(-1.0, 1.0, (2, 1, 2)).astype(np.float32)
        for ours, theirs in zip(named.step(actions), chosen.step(actions)):
            np.testing.assert_array_equal(ours, theirs)
    assert make_environment("LunarLander-v3", 1, continuous=True).n_actions == 4
    with pytest.raises(UnsupportedGame, match="are continuous, and learners of action values choose from a list"):
        make_environment("LunarLanderContinuous-v3", 1)
    by_choices, by_numbers = (recipe(task).algorithm("PPO") for task in ("LunarLander-v3", "LunarLanderContinuous-v3"))
    assert by_numbers.initial_log_scale < 0.0
    assert by_choices.discount == by_numbers.discount == 0.995


def test_the_swing_is_learnt_in_25_000_steps_since_critics_tell_values_in_units_of_their_own():
    settings = {"seeds": (0,), "steps": 25_000, "evaluate_every": 12_500, "episodes": 20}
    run = train(recipe("Acrobot-v1").algorithm("PPO"), "Acrobot-v1", **settings)
    assert run.curve.mean_return[-1, 0] > -110.0
    assert run.curve.mean_return[0, 0] < -200.0
