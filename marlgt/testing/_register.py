"""The Hypothesis plugin: ``st.from_type`` draws games of marlgt's types with no import of this package.

Hypothesis calls :func:`setup` whenever it is imported, in projects that never use a game too. So nothing is
loaded here: each type is registered when the module that defines it is imported, by a finder that stands in
``sys.meta_path`` until all are, and the strategies load when the first game is drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["setup"]

_TYPES = {
    "marlgt.games.extensive": ("ExtensiveGame", "marlgt.testing.trees", "extensive_games"),
    "marlgt.games.normal_form": ("NormalFormGame", "marlgt.testing.strategies", "any_game"),
    "marlgt.games.stochastic": ("StochasticGame", "marlgt.testing.stochastic", "any_stochastic_game"),
}
"""By the module that defines a type: its name, and the module and name of the function that draws it."""


def setup() -> None:
    """Register the strategy of each marlgt type now, or as soon as its module is imported."""
    pending = set(_TYPES)
    for name, (type_name, *_) in _TYPES.items():
        module = sys.modules.get(name)
        if hasattr(module, type_name):
            _register(module)
            pending.remove(name)
    if pending and not any(isinstance(finder, _RegisterOnImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, _RegisterOnImport(pending))


class _RegisterOnImport:
    """A finder that leaves finding to Python and adds one step after a module of ours has run."""

    def __init__(self, pending: set[str]) -> None:
        self.pending = pending

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in self.pending:
            return None
        self.pending.remove(name)
        if not self.pending:
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

    type_name, where, drawn_by = _TYPES[module.__name__]

    def games(_: type) -> SearchStrategy[Any]:
        strategy: SearchStrategy[Any] = getattr(import_module(where), drawn_by)()
        return strategy

    register_type_strategy(getattr(module, type_name), games)
