"""Tests of marlgt.deep.recipes for algorithms that learn policies of drones."""

import pytest

from marlgt.deep import evaluate, recipe, train
from marlgt.deep.environments import make_environment

FLYING = (
    "hover1d-gpd",
    "hover-gpd",
    "multihover:n_drones=2,actions=velocity",
    "formation:n_drones=3,actions=velocity",
    "gate:n_drones=2",
    "crossing:n_drones=4",
)
FAMILY = ("PPO", "IPPO", "MAPPO", "GMAC", "GMACIPPO", "GMACMAPPO")


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("task", FLYING)
def test_the_family_of_ppo_has_a_recipe_on_every_drone_task_with_whole_minibatches(task, name):
    algorithm = recipe(task).algorithm(name)
    rows = algorithm.n_envs * algorithm.rollout_steps
    assert rows % algorithm.minibatches == 0
    assert recipe(task).steps_of(name) > 100 * rows // 2
    assert algorithm.normalise_observations
    assert algorithm.normalise_values
    env = make_environment(task, 2, continuous=True)
    try:
        assert env.action_size > 0
    finally:
        env.close()


def test_mixture_critics_differ_from_scalar_ones_in_nothing_but_the_critic_and_a_bonus_for_four_motors():
    bonus = {"entropy_weight", "entropy_weight_end"}
    for task in FLYING:
        for scalar, mixture in zip(("PPO", "IPPO", "MAPPO"), ("GMAC", "GMACIPPO", "GMACMAPPO")):
            one, other = (vars(recipe(task).algorithm(name)) for name in (scalar, mixture))
            more = bonus if (task, mixture) == ("hover-gpd", "GMAC") else set()
            assert {key for key in one if one[key] != other[key]} == {"critic"} | more


def test_a_policy_climbs_and_stops_in_30_000_steps_of_one_seed_and_does_so_in_pybullet():
    algorithm = recipe("hover1d-gpd").algorithm("PPO", n_envs=32, minibatches=2, epochs=6)
    run = train(
        algorithm, "hover1d-gpd", steps=40_000, seeds=(2,), episodes=1, evaluate_every=4_000, return_threshold=465.0
    )
    assert run.curve.mean_return.max() >= 465.0
    ours, theirs = (evaluate(run, episodes=1, backend=backend).team_returns.mean() for backend in ("numba", "bullet"))
    assert theirs == pytest.approx(ours, abs=1e-3)
