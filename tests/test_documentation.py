"""Everything that the documentation shows is run: docstrings, pages, the README, the examples."""

import doctest
import importlib
import pkgutil
import re
import runpy
import shlex
from pathlib import Path

import pytest

import marlgt
from marlgt.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if "generated" not in p.parts)]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules():
    found = [marlgt.__name__]
    for module in pkgutil.walk_packages(marlgt.__path__, "marlgt."):
        if not module.name.endswith("__main__"):
            found.append(module.name)
    return found


def run(tests):
    runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
    report = []
    for test in tests:
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    run(doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name)))


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.M | re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_in_pages(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    session = "\n".join(blocks(page, "pycon"))
    run([doctest.DocTestParser().get_doctest(session, {}, page.name, str(page), 0)])
    for text in blocks(page, "python"):
        # In the lines where it stands in its page, since numba reads the source of what it compiles.
        above = page.read_text(encoding="utf-8").partition(text)[0].count("\n")
        exec(compile("\n" * above + text, str(page), "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_pages(page, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "game.nfg").write_text(marlgt.games.prisoners_dilemma().to_nfg())
    for text in blocks(page, "console"):
        for line in re.findall(r"^\$ marlgt (.*)$", text, flags=re.M):
            code = main(shlex.split(line.split("#")[0]))
            expected = re.search(r"# exits (\d+)", line)
            assert code == (int(expected.group(1)) if expected else 0), (line, capsys.readouterr().err)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_example_runs(example, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out
