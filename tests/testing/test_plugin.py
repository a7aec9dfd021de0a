"""The Hypothesis plugin, each time in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def run(code, **environment):
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.split()


DRAW = """
from hypothesis import find, strategies as st
{}
from hypothesis import settings
game = find(st.from_type(marlgt.NormalFormGame), lambda g: True, settings=settings(database=None))
print(type(game).__name__, game.n_profiles)
"""


@pytest.mark.parametrize(
    "first", ["import marlgt", "from marlgt.games import NormalFormGame; import marlgt"], ids=["lazy", "by name"]
)
def test_from_type_draws_games_with_no_import_of_the_testing_kit(first):
    assert run(DRAW.format(first)) == ["NormalFormGame", "1"]


def test_it_works_where_the_game_was_imported_before_hypothesis():
    code = "import marlgt; marlgt.NormalFormGame\n" + DRAW.format("")
    assert run(code) == ["NormalFormGame", "1"]


def test_importing_hypothesis_loads_nothing_heavy():
    code = """
import sys, hypothesis
heavy = ("numpy", "scipy", "numba", "marlgt.games.normal_form", "marlgt.testing.strategies")
print(*(m for m in heavy if m in sys.modules))
"""
    assert run(code) == []


def test_importing_marlgt_does_not_import_hypothesis():
    code = "import sys, marlgt, marlgt.testing; marlgt.NormalFormGame; print('hypothesis' in sys.modules)"
    assert run(code) == ["False"]


def test_the_plugin_loads_four_small_modules():
    code = "import sys, hypothesis; print(*(m for m in sys.modules if m.partition('.')[0] == 'marlgt'))"
    assert set(run(code)) == {"marlgt", "marlgt._lazy", "marlgt.testing", "marlgt.testing._register"}
    assert run(code, HYPOTHESIS_NO_PLUGINS="1") == []


def test_setting_up_twice_adds_one_finder():
    code = """
import sys
from marlgt.testing._register import _RegisterOnImport, setup
setup(); setup()
print(sum(isinstance(f, _RegisterOnImport) for f in sys.meta_path))
"""
    assert run(code) == ["1"]
