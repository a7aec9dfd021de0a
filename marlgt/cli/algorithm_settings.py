"""What deep algorithms there are, and the settings of each: types and help straight from their dataclasses."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import re
from typing import Any

from marlgt.deep.algorithms.naming import ALGORITHMS, algorithm_named
from marlgt.deep.recipes.naming import Recipe, recipe

__all__ = ["described_settings", "print_algorithms", "print_settings", "shown_value"]

_ENTRY = re.compile(r"^(?P<names>\w+(?:, \w+)*) : (?P<kind>.+)$")


def described_settings(algorithm: type) -> dict[str, tuple[str, str]]:
    """Return of each setting its type in words and what it is, as the docstrings of the dataclass and its bases tell.

    Parameters
    ----------
    algorithm : dataclass

    Examples
    --------
    >>> from marlgt.deep import QMIX
    >>> described_settings(QMIX)["embedding"]
    ('int', 'Units of the mixing network.')
    """
    found: dict[str, tuple[str, str]] = {}
    for cls in reversed(algorithm.__mro__):
        found |= _attributes(cls.__dict__.get("__doc__") or "")
    fields = [field for field in dataclasses.fields(algorithm) if field.init]
    return {field.name: found.get(field.name, (str(field.type), "")) for field in fields}


def _attributes(docstring: str) -> dict[str, tuple[str, str]]:
    lines = inspect.cleandoc(docstring).splitlines()
    if "Attributes" not in lines:
        return {}
    found: dict[str, tuple[str, str]] = {}
    names: tuple[str, ...] = ()
    for line in lines[lines.index("Attributes") + 2 :]:
        entry = _ENTRY.match(line)
        if entry is not None:
            names = tuple(entry["names"].split(", "))
            found |= dict.fromkeys(names, (entry["kind"], ""))
        elif line.startswith(" "):
            for name in names:
                kind, told = found[name]
                found[name] = (kind, f"{told} {line.strip()}".strip())
        elif line:
            break
    return found


def shown_value(value: Any) -> str:
    """Return a setting as ``--set`` takes it."""
    if isinstance(value, tuple):
        return ",".join(shown_value(part) for part in value)
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def print_algorithms(*, as_json: bool) -> None:
    """Print the algorithms and what each is."""
    rows = []
    for name, module in ALGORITHMS.items():
        told = inspect.cleandoc(importlib.import_module(module).__doc__ or "").partition("\n\n")[0]
        rows.append({"algorithm": name, "summary": " ".join(told.split())})
    if as_json:
        print(json.dumps({"format": "marlgt.algorithms", "version": 1, "algorithms": rows}))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title="deep algorithms", title_justify="left")
    table.add_column("algorithm", no_wrap=True)
    table.add_column("what it is")
    for row in rows:
        table.add_row(row["algorithm"], row["summary"])
    console = Console(soft_wrap=False)
    with console.capture() as captured:
        console.print(table, markup=False)
        console.print("marlgt train ALGORITHM --help lists the settings of one.", markup=False, highlight=False)
    print(captured.get(), end="")


def print_settings(name: str, task: str | None = None) -> None:
    """Print the settings of an algorithm: name, type, default, what it is; with a task, what its recipe sets.

    Raises
    ------
    GameError
        For an algorithm that there is not, with the nearest one.
    """
    from rich.console import Console
    from rich.table import Table

    algorithm = algorithm_named(name)
    described = described_settings(algorithm)
    shared: Any = algorithm.__mro__[-3]  # What learners of values, or of policies, have in common.
    common = {field.name: field.default for field in dataclasses.fields(shared)}
    found = Recipe(steps=0) if task is None else recipe(task)
    usual, made = algorithm(), found.algorithm(name)
    console = Console(soft_wrap=False)
    table = Table(title=f"settings of {algorithm.name}", title_justify="left")
    table.add_column("setting", no_wrap=True)
    table.add_column("type")
    table.add_column("default", overflow="fold")
    if task is not None:
        table.add_column("recipe", overflow="fold")
    table.add_column("what it is")

    def first(setting: str) -> int:
        if setting not in common:
            return 0
        return 1 if common[setting] != getattr(usual, setting) else 2

    for setting in sorted(described, key=first):
        kind, told = described[setting]
        default, chosen = getattr(usual, setting), getattr(made, setting)
        cells = [setting, kind, shown_value(default)]
        if task is not None:
            cells.append("" if chosen == default else shown_value(chosen))
        table.add_row(*cells, told)
    with console.capture() as captured:
        console.print(
            f"Usage: marlgt train {algorithm.name} TASK [--steps 500k] [--seeds 0..4] [--set NAME=VALUE …] …",
            markup=False,
            highlight=False,
        )
        console.print(table, markup=False)
        console.print(
            "Give them as --set lr=3e-4 --set hidden=64,64; marlgt train --help lists the other options, and with a "
            "task the settings of its recipe are shown beside the defaults.",
            markup=False,
            highlight=False,
        )
    print(captured.get(), end="")
