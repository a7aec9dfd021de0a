"""Options of the vectors test (the defaults are in tests/data), fixed examples, and the gear that a test asks for."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from marlgt import kernels

DATA = Path(__file__).parent / "data"

# The same examples in every run; `pytest --hypothesis-profile random` draws new ones.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("random", derandomize=False, deadline=None)
settings.load_profile("fixed")


@pytest.fixture(autouse=True)
def gear_of_the_environment(monkeypatch):
    """Let a test that sets ``MARLGT_GEAR`` force a gear, which a process otherwise reads only once."""
    monkeypatch.setattr(kernels, "forced_gear", lambda: os.environ.get("MARLGT_GEAR", ""))


def pytest_addoption(parser):
    parser.addoption("--vectors", default=str(DATA / "equations.json"), help="a file of equation vectors")
    parser.addoption("--known-answers", default=str(DATA / "known_answers.json"), help="a file of solved games")


def pytest_generate_tests(metafunc):
    """Make one test of each case of the vectors file and of the known-answers file, its id the case's id."""
    import json

    for argument, option, key in (("vector", "--vectors", "id"), ("known_answer", "--known-answers", "name")):
        if argument in metafunc.fixturenames:
            content = json.loads(Path(metafunc.config.getoption(option)).read_text(encoding="utf-8"))
            cases = content["cases"] if isinstance(content, dict) else content
            metafunc.parametrize(argument, cases, ids=[case[key] for case in cases])
