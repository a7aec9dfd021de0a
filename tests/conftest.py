"""Options of the vectors test; the defaults are the copies kept in tests/data."""

from pathlib import Path

DATA = Path(__file__).parent / "data"


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
