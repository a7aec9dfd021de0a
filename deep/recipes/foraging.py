"""Recipes of level-based foraging, by patterns of their names; the first that fits counts."""

from __future__ import annotations

from marlgt.deep.recipes.naming import Recipe

__all__ = ["RECIPES"]

RECIPES: dict[str, Recipe] = {}
