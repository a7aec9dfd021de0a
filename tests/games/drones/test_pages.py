"""The pages on drone tasks say what the tasks are."""

import importlib.util
import re
from pathlib import Path

import pytest

from marlgt.games.drones import TASKS

DOCS = Path(__file__).parents[3] / "docs" / "drones"
AGAIN = "run `python docs/drones/write_tables.py`, with `--scores TASK` where a task has changed"


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("write_tables", DOCS / "write_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_in_the_pages_are_those_of_the_tasks(tables):
    for path, text in tables.pages(tables.recorded()).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: {AGAIN}"


@pytest.mark.parametrize("name", TASKS)
def test_every_variant_of_a_task_has_been_flown(tables, name):
    rows = tables.recorded()[name]
    assert [(row["drones"], row["actions"]) for row in rows] == tables.variants(name), AGAIN


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_a_page_with_a_picture_in_the_index(tables, name):
    page = tables.page_of(name)
    pictures = re.findall(r"\{figure\} (\S+)", page.read_text(encoding="utf-8"))
    assert pictures
    assert all((DOCS / picture).stat().st_size < 120_000 for picture in pictures)
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    assert f"\n{page.stem}\n" in index


def test_a_task_whose_observation_is_not_told_is_refused(tables, monkeypatch):
    monkeypatch.delitem(tables.EXTRAS, "gate")
    with pytest.raises(ValueError, match="gate adds 4 numbers to the observation: say in EXTRAS what they are"):
        tables.facts("gate")
