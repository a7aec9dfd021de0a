"""The recipe of level-based foraging fits what the grids tell."""

import numpy as np
import pytest

from marlgt.deep import evaluate, make_environment, recipe, train
from marlgt.deep.recipes.naming import Recipe


@pytest.mark.parametrize(
    "name",
    ["Foraging-5x5-2p-1f-v3", "Foraging-8x8-2p-2f-coop-v3", "Foraging-2s-10x10-3p-3f-v3", "Foraging-15x15-4p-5f-v3"],
)
def test_one_hot_vectors_know_every_number_that_a_grid_tells(name):
    env = make_environment(f"{name}:observation=relative", 32)
    low, high = recipe(env.name).settings["one_hot"]
    env.reset(0)
    rng = np.random.default_rng(1)
    for _ in range(60):
        seen = env.step(rng.integers(6, size=(32, env.n_agents))).reached
        assert low <= seen.min()
        assert seen.max() <= high
        assert np.array_equal(seen, np.rint(seen))


def test_places_as_numbers_are_not_made_one_hot():
    assert "one_hot" not in recipe("Foraging-8x8-2p-3f-v3").settings
    assert "one_hot" in recipe("Foraging-8x8-2p-3f-v3:masked=false,observation=relative").settings
    assert recipe("Foraging-8x8-2p-3f-v3") != Recipe(steps=200_000)


@pytest.mark.parametrize("name", ["VDN", "QMIX", "IDQN"])
def test_seeds_forage_by_the_recipe_as_they_do_alone(name):
    task = "Foraging-5x5-2p-1f-v3:observation=relative"
    algorithm = recipe(task).algorithm(name, learning_starts=64, n_envs=8, update_every=16, buffer_size=1_000)
    plan = {"steps": 480, "evaluate_every": 240, "episodes": 4}
    both, alone = (train(algorithm, task, seeds=seeds, **plan) for seeds in ((3, 5), (5,)))
    assert np.array_equal(both.curve.returns[:, 1:], alone.curve.returns)
    assert np.array_equal(both.curve.losses[:, 1:], alone.curve.losses, equal_nan=True)
    assert np.isfinite(both.curve.losses[-1]).all()


def test_episodes_of_foraging_are_as_long_as_is_asked():
    for horizon in (25, 50):
        options = {} if horizon == 50 else {"horizon": horizon}
        env = make_environment("Foraging-8x8-2p-3f-v3", 3, options=options)
        env.reset(0)
        ends = [env.step(np.zeros((3, 2), np.int64)).truncated.all() for _ in range(horizon)]
        assert ends == [False] * (horizon - 1) + [True]


def test_policies_gather_nearly_everything_on_a_small_grid_in_a_few_seconds():
    task = "Foraging-5x5-2p-1f-v3:observation=relative"
    run = train(recipe(task).algorithm("IPPO"), task, steps=30_000, seeds=range(2), episodes=1, evaluate_every=30_000)
    assert evaluate(run, episodes=100, stochastic=True).team_returns.mean(1).min() > 0.95


@pytest.mark.parametrize("name", ["IPPO", "MAPPO", "IA2C", "COMA"])
def test_entropy_counts_nothing_in_the_end_of_foraging(name):
    algorithm = recipe("Foraging-8x8-2p-3f-v3:observation=relative").algorithm(name)
    assert algorithm.entropy_weight > algorithm.entropy_weight_end == 0.0
    assert algorithm.n_envs * algorithm.rollout_steps % algorithm.minibatches == 0
