"""Sphinx configuration."""

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
]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_ivar = True
exclude_patterns = ["_build"]
html_theme = "pydata_sphinx_theme"
html_title = "marlgt"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
