"""Sphinx configuration."""

import importlib
from pathlib import Path

import marlgt

project = "marlgt"
author = "The marlgt developers"
copyright = "2026, the marlgt developers"
version = release = marlgt.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Departures"]
exclude_patterns = ["_build"]
# A word in the column of types, such as score, may be the name of several things.
suppress_warnings = ["ref.python"]
html_theme = "pydata_sphinx_theme"
html_title = "marlgt"
html_extra_path = ["files"]
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}

PACKAGES = (
    "games",
    "games.drones",
    "concepts",
    "solvers",
    "dynamics",
    "learners",
    "deep",
    "deep.environments",
    "deep.distributions",
    "testing",
    "pictures",
)
ENGINE = (
    "algorithms.value_algorithm",
    "algorithms.policy_algorithm",
    "policies.law",
    "critics.mixture",
    "losses.policies",
    "replay.windows",
    "runs.curves",
    "runs.records",
    "networks.layers",
    "networks.agent_networks",
    "networks.sharing",
)
"""Modules of the deep layer that an algorithm of one's own is made from."""
CORE = ("certificates", "equilibria", "errors", "kernels", "statistics")


def write_reference(app):
    """Write a page for each package, with every module that defines one of its public names."""
    folder = Path(app.srcdir) / "reference" / "generated"
    folder.mkdir(exist_ok=True)
    for package in PACKAGES:
        module = importlib.import_module(f"marlgt.{package}")
        sources = sorted({source for source in module._EXPORTS.values() if source.startswith(f"marlgt.{package}.")})
        write_page(folder / f"{package}.md", f"marlgt.{package}", module.__doc__, sources, module._EXPORTS)
    exports = {}
    for name in ENGINE:
        module = importlib.import_module(f"marlgt.deep.{name}")
        exports |= dict.fromkeys(module.__all__, module.__name__)
    title = "What deep algorithms are made from"
    write_page(folder / "deep.engine.md", title, "", [f"marlgt.deep.{name}" for name in ENGINE], exports)
    for name in CORE:
        module = importlib.import_module(f"marlgt.{name}")
        write_page(folder / f"{name}.md", f"marlgt.{name}", "", [f"marlgt.{name}"], {})


def write_page(path, title, introduction, sources, exports):
    """Write one page of the reference."""
    lines = [f"# {title}", "", "```{eval-rst}", introduction or "", "```", ""]
    for source in sources:
        names = sorted(name for name, module in exports.items() if module == source)
        if names:
            lines += [f"## {source.rpartition('.')[2].replace('_', ' ')}", ""]
        lines += ["```{eval-rst}", f".. automodule:: {source}", f"   :members: {', '.join(names)}", "```", ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def setup(app):
    """Register the reference pages."""
    app.connect("builder-inited", write_reference)
