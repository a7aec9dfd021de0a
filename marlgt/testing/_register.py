"""The Hypothesis plugin: ``st.from_type(marlgt.NormalFormGame)`` works with no import of this package.

Hypothesis calls :func:`setup` whenever it is imported, in projects that never use a game too. So nothing is
loaded here: the type is registered when the module that defines it is imported, by a finder that stands in
``sys.meta_path`` until then, and the strategies load when the first game is drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["setup"]

_MODULE = "marlgt.games.normal_form"


def setup() -> None:
    """Register the strategy of each marlgt type now, or as soon as its module is imported."""
    module = sys.modules.get(_MODULE)
    if hasattr(module, "NormalFormGame"):
        _register(module)
    elif not any(isinstance(finder, _RegisterOnImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, _RegisterOnImport())


class _RegisterOnImport:
    """A finder that leaves finding to Python and adds one step after the module has run."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def run_and_register(module: ModuleType) -> None:
            run(module)
            _register(module)

        spec.loader.exec_module = run_and_register  # type: ignore[method-assign]
        return spec


def _register(module: Any) -> None:
    from hypothesis.strategies import register_type_strategy

    register_type_strategy(module.NormalFormGame, _games)


def _games(_: type) -> SearchStrategy[Any]:
    from marlgt.testing.strategies import any_game

    return any_game()
