"""Recording of studies: what learners reach, as .json, .md and .png, and the command that made them."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["STUDIES", "record_study", "run_study"]

STUDIES = (
    "littman_soccer",
    "grid_games",
    "foraging",
    "climbing",
    "convergence_maps",
    "drone_fidelity",
    "drone_tasks",
    "deep_drones",
    "deep_policies_drones",
    "deep_policies_single",
    "deep_policies_foraging",
    "deep_policies_matrix",
    "deep_policy_scaling",
    "deep_single_agent",
    "deep_rainbow",
    "deep_matrix_games",
    "deep_ablations",
    "deep_foraging",
    "deep_return_laws",
    "deep_robustness",
)
"""Modules of this folder with a function ``study(folder)``, each run by ``python -m benchmarks NAME``."""

PACKAGES = ("marlgt", "numpy", "numba", "scipy")


def run_study(name: str, folder: Path) -> None:
    """Run a study by the name of its module."""
    import importlib

    importlib.import_module(f"benchmarks.{name}").study(folder)


def record_study(
    folder: Path,
    name: str,
    *,
    title: str,
    text: str,
    settings: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    tables: Mapping[str, Sequence[Sequence[str]]],
    draw: Callable[[Any], None],
    seconds: float,
) -> None:
    """Write the results of a study, with the command, the settings and the versions that made them.

    Parameters
    ----------
    folder : Path
    name : str
        Of the module, and of the files.
    title, text : str
        The heading of the page, and what was asked.
    settings : mapping
        Among them the seeds.
    rows : sequence of mappings
        All results as data.
    tables : mapping of str to rows of cells
        The tables of the page by heading; the first row of each is its head.
    draw : callable
        Draws the picture on a figure.
    seconds : float
        What the study took.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "command": f"python -m benchmarks {name}",
        "versions": {"python": platform.python_version()} | {p: importlib.metadata.version(p) for p in PACKAGES},
        "machine": f"{platform.machine()}, {platform.system()}",
        "settings": dict(settings),
        "seconds": round(seconds, 1),
    }
    (folder / f"{name}.json").write_text(json.dumps({"title": title, **made, "rows": list(rows)}, indent=1) + "\n")
    parts = [f"# {title}", "", text.strip(), ""]
    for heading, table in tables.items():
        parts += [f"## {heading}", "", *_markdown(table), ""]
    versions = ", ".join(f"{package} {version}" for package, version in made["versions"].items())
    shown = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in settings.items())
    parts += [f"![{title}]({name}.png)", ""]
    parts += [f"Made by `{made['command']}` in {made['seconds']} s. Settings: {shown}. Versions: {versions}."]
    (folder / f"{name}.md").write_text("\n".join(parts) + "\n")
    _picture(folder / f"{name}.png", draw)


def _markdown(table: Sequence[Sequence[str]]) -> list[str]:
    head, *body = table
    return [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *(f"| {' | '.join(row)} |" for row in body)]


def _picture(path: Path, draw: Callable[[Any], None]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(layout="constrained")
    draw(figure)
    figure.savefig(path, dpi=110)
    plt.close(figure)
