"""Finding the recipe of a task: how long to train on it, by which settings, and what counts as solved."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marlgt.deep.algorithms.algorithm import Algorithm
from marlgt.deep.algorithms.naming import algorithm_named

__all__ = ["Recipe", "recipe"]

_OWN_LOSSES = ("C51", "QRDQN", "IQN", "Rainbow", "QTRAN", "JALAM")
"""Algorithms whose losses are not an error's, so that ``huber`` says nothing to them."""

_BOOKS = ("matrix_games", "classic_control", "foraging", "drones")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train on one kind of task.

    Attributes
    ----------
    steps : int
        Environment steps of each seed.
    settings : mapping
        Settings of every value-based algorithm that has them, where they are not the defaults; ``huber`` is only told
        to those whose loss is an error's.
    policy_steps : int or None
        Environment steps of each seed for algorithms that learn policies; None for `steps`.
    policy_settings : mapping
        Settings of every algorithm that learns policies, where they are not the defaults.
    by_algorithm : mapping of str to mapping
        Further settings of single algorithms, by their names.
    return_threshold, success_threshold : float or None
        Mean return and share of successes at which a seed has solved the task.
    episodes : int
        Of an evaluation.
    """

    steps: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    policy_steps: int | None = None
    policy_settings: Mapping[str, Any] = field(default_factory=dict)
    by_algorithm: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    return_threshold: float | None = None
    success_threshold: float | None = None
    episodes: int = 100

    def algorithm(self, name: str, **changes: Any) -> Algorithm:
        """Return an algorithm with the settings of this recipe, and perhaps some of the caller's own."""
        kind = algorithm_named(name)
        known = kind.__dataclass_fields__
        foreign = ("huber",) if kind.name in _OWN_LOSSES else ()
        general = self.policy_settings if kind.on_policy else self.settings
        settings = {key: value for key, value in general.items() if key in known and key not in foreign}
        return kind(**{**settings, **self.by_algorithm.get(kind.name, {}), **changes})

    def steps_of(self, name: str) -> int:
        """Return the environment steps of each seed for an algorithm."""
        if self.policy_steps is not None and algorithm_named(name).on_policy:
            return self.policy_steps
        return self.steps


def recipe(task: str) -> Recipe:
    """Return the recipe of a task; of one that no book knows, 200,000 steps by default settings.

    Parameters
    ----------
    task : str
        A task string; options after the colon count where a book says so.

    Examples
    --------
    >>> recipe("CartPole-v1").algorithm("DQN").name
    'DQN'
    """
    for book in _BOOKS:
        pages: Mapping[str, Recipe] = importlib.import_module(f"marlgt.deep.recipes.{book}").RECIPES
        for pattern, found in pages.items():
            if re.fullmatch(pattern, task) or re.fullmatch(pattern, task.partition(":")[0]):
                return found
    return Recipe(steps=200_000)
