"""The pages on the deep layer say what the algorithms, their settings and the recipes are."""

import dataclasses
import importlib.util
import re
from pathlib import Path

import pytest

from marlgt.deep.algorithms.algorithm import Algorithm
from marlgt.deep.algorithms.naming import ALGORITHMS

DOCS = Path(__file__).parents[2] / "docs" / "deep"
AGAIN = "run `python docs/deep/write_tables.py`"


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("write_deep_tables", DOCS / "write_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_in_the_pages_are_those_of_the_algorithms(tables):
    for path, text in tables.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: {AGAIN}"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_algorithm_has_a_page_with_a_picture_in_the_index(tables, name):
    page = DOCS / f"{tables.PAGES[name]}.md"
    pictures = re.findall(r"\{figure\} (\S+)", page.read_text(encoding="utf-8"))
    assert pictures
    assert all((DOCS / picture).stat().st_size < 120_000 for picture in pictures)
    if len(names := [each for each, stem in tables.PAGES.items() if stem == page.stem]) > 1:
        assert all(f"`{each}`" in page.read_text(encoding="utf-8") for each in names)
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    assert f"\n{page.stem}\n" in index
    assert f"[`{name}`]({page.name})" in index


def test_every_shared_setting_stands_in_one_group_of_the_reference(tables):
    _, *parts = re.split(r"\n### ", (DOCS / "settings.md").read_text(encoding="utf-8"))
    shared = {field.name for field in dataclasses.fields(Algorithm)}
    for (section, groups), part in zip(tables.GROUPS.items(), parts, strict=True):
        assert part.startswith(section)
        names = [name for group in groups.values() for name in group]
        assert len(set(names)) == len(names)
        known = {field.name for field in dataclasses.fields(tables.KINDS[section])}
        assert set(names) == (known if section == "All algorithms" else known - shared)
        assert all(part.count(f"\n| `{name}` |") == 1 for name in names)


def test_the_results_are_those_of_every_study_of_deep_learners(tables):
    pages = ("results", "return_laws", "robustness")
    text = "".join((DOCS / f"{page}.md").read_text(encoding="utf-8") for page in pages)
    recorded = {path.stem for path in tables.RESULTS.glob("deep_*.md")}
    shown = set(re.findall(r"benchmarks/results/(\w+)\.md", text))
    assert shown == recorded, "give each study a section in results.md, with what works and what does not"


def test_what_is_said_of_coordination_games_is_what_was_recorded(tables):
    text = (tables.RESULTS / "deep_matrix_games.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([\w -]+) \| ((?:\d+ of 20 \| ?)+)$", text, re.M))
    reached = {name: [int(count) for count in re.findall(r"(\d+) of 20", row)] for name, row in rows.items()}
    assert min(reached["QTRAN-base"]) == 20
    assert sorted(reached["QTRAN-alt"])[:3] == [19, 19, 20]
    for name in ("VDN", "IDQN", "JAL-AM"):
        assert max(reached[name]) == 0
    # QTRAN's game, which the best monotone function would play rightly, and the two-step game.
    assert (reached["QMIX"][0], reached["QMIX"][-1]) == (0, 20)
    seconds = re.findall(r"^\| QTRAN-base \| ([\d.]+); alone ([\d.]+), equal", text, re.M)
    assert all(20 * float(stacked) < 2 * float(alone) for stacked, alone in seconds)
    assert seconds


def test_what_is_said_of_drones_is_what_was_recorded(tables):
    text = (tables.RESULTS / "deep_drones.md").read_text(encoding="utf-8")
    solved = {}
    for heading in ("two-level takeoff", "multi-hover", "formation"):
        part = text.partition(f"\n## {heading}")[2].partition("\n## ")[0]
        solved[heading] = dict(re.findall(r"^\| (\w+) \|.*\| (\d) of 5 \|", part, re.M))
    assert solved["two-level takeoff"].items() >= {"VDN": "5", "IDQN": "0"}.items()
    assert solved["multi-hover"].items() >= {"IDQN": "5", "VDN": "5", "QMIX": "5", "QTRAN": "0"}.items()
    assert solved["formation"].items() >= {"IDQN": "5", "VDN": "5", "QMIX": "5"}.items()


def test_what_is_said_of_drones_by_policies_is_what_was_recorded(tables):
    text = (tables.RESULTS / "deep_policies_drones.md").read_text(encoding="utf-8")
    asked = text.partition("## What was asked")[2].partition("\n## ")[0]
    found = re.findall(r"^\| ([^|]+?) \| (\w+) \| \d of 5 \| (\d of 5) \|.*\| (\S+) \|$", asked, re.M)
    final = {(what, by): (count, met) for what, by, count, met in found}
    hover, motors = "1-D hover, gym-pybullet-drones' score: ≥ ", "4-motor hover, gym-pybullet-drones' score: ≥ "
    for what, by in ((f"{hover}465", "PPO"), (f"{hover}465", "GMAC"), (f"{hover}474", "GMAC"), (f"{motors}450", "PPO")):
        assert final[what, by] == ("5 of 5", "yes")
    assert final[f"{hover}474", "PPO"] == final[f"{motors}467", "PPO"] == ("0 of 5", "**no**")
    for what in ("multi-hover, 2 drones: solved", "formation, 3 drones: solved"):
        assert all(final[what, by] == ("5 of 5", "yes") for by in ("IPPO", "GMACIPPO"))
    assert final[f"{motors}450", "GMAC"] == ("5 of 5", "yes")
    assert final[f"{motors}467", "GMAC"] == ("5 of 5", "yes")
    assert final["formation, 3 drones: solved", "GMACMAPPO"] == ("5 of 5", "yes")
    assert final["gate, 2 drones: solved", "GMACIPPO"] == ("5 of 5", "yes")


def test_a_page_without_a_place_for_what_is_written_is_refused(tables, tmp_path):
    with pytest.raises(ValueError, match=r"vdn.md has no place for settings: put '<!-- settings"):
        tables._replaced(tmp_path / "vdn.md", "nothing", "settings", ["row"])
