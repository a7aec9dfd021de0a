"""Tests of marlgt.deep.recipes: what the books say of tasks."""

import importlib

import numpy as np
import pytest
import torch

from marlgt.deep import VDN, recipe, train
from marlgt.deep.algorithms.naming import ALGORITHMS
from marlgt.deep.environments import make_environment
from marlgt.deep.recipes.naming import _BOOKS, Recipe
from marlgt.errors import GameError
from marlgt.games import NormalFormGame

PAGES = [
    (book, pattern, page)
    for book in _BOOKS
    for pattern, page in importlib.import_module(f"marlgt.deep.recipes.{book}").RECIPES.items()
]
ONE_STEP = ("NStepDQN", "C51", "QRDQN", "IQN", "Rainbow")
TASKS = [
    "climbing",
    "penalty:penalty=-100",
    "two_step",
    "takeoff-2level:actions=four",
    "takeoff-onoff",
    "multihover:n_drones=2",
    "formation:n_drones=3",
    "coverage",
]


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize(("book", "pattern", "page"), PAGES, ids=[f"{book}-{pattern}" for book, pattern, _ in PAGES])
def test_every_page_of_every_book_gives_valid_settings_to_every_algorithm_that_fits(book, pattern, page, name):
    if page.settings.get("recurrent") and name in ONE_STEP:
        with pytest.raises(GameError, match="recurrent network"):
            page.algorithm(name)
        return
    algorithm = page.algorithm(name)
    assert algorithm.name == name
    known = type(algorithm).__dataclass_fields__
    general = page.policy_settings if algorithm.on_policy else page.settings
    told = {key: value for key, value in general.items() if key in known and key != "huber"}
    told |= page.by_algorithm.get(name, {})
    assert {key: getattr(algorithm, key) for key in told} == told


@pytest.mark.parametrize(("book", "pattern", "page"), PAGES, ids=[f"{book}-{pattern}" for book, pattern, _ in PAGES])
def test_every_page_trains_long_enough_to_learn_and_asks_for_what_can_be_reached(book, pattern, page):
    algorithm = page.algorithm("IDQN")
    assert page.steps > algorithm.learning_starts + 100 * algorithm.update_every
    assert page.episodes >= 1
    assert page.success_threshold is None or 0.5 <= page.success_threshold <= 1
    assert page.return_threshold is None or np.isfinite(page.return_threshold)
    for names in page.by_algorithm:
        assert names in ALGORITHMS


@pytest.mark.parametrize("task", TASKS)
def test_tasks_have_a_recipe_in_a_book(task):
    assert recipe(task) in [page for _, _, page in PAGES]
    env = make_environment(task, 2)
    try:
        if recipe(task).success_threshold is not None:
            assert env.judged
    finally:
        env.close()


def test_a_task_that_no_book_knows_is_trained_by_the_defaults():
    assert recipe("prisoners_dilemma") == Recipe(steps=200_000)
    assert recipe("prisoners_dilemma").algorithm("VDN") == type(recipe("prisoners_dilemma").algorithm("vdn"))()


def test_changes_go_before_the_recipe():
    assert recipe("formation:n_drones=3").algorithm("VDN", lr=1e-3, hidden=(32,)).lr == 1e-3
    with pytest.raises(TypeError, match="learning_rate"):
        recipe("formation").algorithm("VDN", learning_rate=1e-3)


def test_a_name_that_is_no_algorithm_is_answered_with_the_nearest():
    with pytest.raises(GameError, match="did you mean QMIX"):
        recipe("formation").algorithm("QMIXX")


def test_values_of_flying_are_of_a_few_units_whatever_the_discount():
    for task in TASKS[3:]:
        algorithm = recipe(task).algorithm("VDN")
        assert algorithm.reward_scale / (1.0 - algorithm.discount) == pytest.approx(10.0)


def test_motors_are_not_told_twice_which_they_are_and_drones_are_told_once():
    assert not recipe("takeoff-2level:actions=four").algorithm("IDQN").agent_ids
    assert recipe("formation:n_drones=3").algorithm("IDQN").agent_ids


def test_a_recipe_of_flying_trains_each_seed_and_judges_it():
    algorithm = recipe("multihover:n_drones=1").algorithm("VDN", learning_starts=640, batch_size=16, hidden=(16, 16))
    run = train(algorithm, "multihover:n_drones=1", steps=3_840, seeds=(0, 1), evaluate_every=1_280, episodes=4)
    assert run.curve.steps.tolist() == [0, 1_280, 2_560, 3_840]
    assert np.isfinite(run.curve.losses[1:]).all()
    assert (run.curve.losses[-1] > 0).all()
    assert ((run.curve.success_rates >= 0) & (run.curve.success_rates <= 1)).all()


def test_scaled_rewards_scale_the_values_and_not_the_returns_that_are_told():
    game = NormalFormGame(np.full((2, 3, 3), 4.0))
    settings = {"lr": 1e-2, "lr_end": 1e-4, "hidden": (16,), "n_envs": 4, "update_every": 4}
    algorithm = VDN(**settings, learning_starts=100, epsilon_end=1.0, reward_scale=0.25)
    run = train(algorithm, game, steps=2_000, episodes=2)
    assert run.curve.final == pytest.approx(4.0)
    with torch.no_grad():
        seen = torch.as_tensor(make_environment(game, 1).reset(0)).unsqueeze(0)
        values = algorithm.values(run.module, seen, None)[0]
    assert values.amax(-1).sum().item() == pytest.approx(1.0, abs=0.02)
    with pytest.raises(GameError, match="reward_scale must be a number above 0"):
        VDN(reward_scale=0.0)
