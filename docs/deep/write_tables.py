"""Write the tables in the pages on the deep layer again: ``python docs/deep/write_tables.py``.

Settings, departures and references come from the algorithms themselves, recipes from their books. What is written
stands between two comments, so that a page can be read as it is.
"""

import dataclasses
import importlib
import inspect
import re
import textwrap
from pathlib import Path

from marlgt.cli.algorithm_settings import described_settings, shown_value
from marlgt.deep.algorithms.naming import ALGORITHMS, algorithm_named
from marlgt.deep.algorithms.value_algorithm import ValueAlgorithm

FOLDER = Path(__file__).parent
RESULTS = FOLDER.parents[1] / "benchmarks" / "results"
PAGES = {
    "DQN": "dqn",
    "DoubleDQN": "double_dqn",
    "DuelingDQN": "dueling_dqn",
    "PrioritisedDQN": "prioritised_dqn",
    "NStepDQN": "n_step_dqn",
    "NoisyDQN": "noisy_dqn",
    "C51": "c51",
    "QRDQN": "qr_dqn",
    "IQN": "iqn",
    "Rainbow": "rainbow",
    "IDQN": "idqn",
    "CentralQ": "central_q",
    "VDN": "vdn",
    "QMIX": "qmix",
    "QTRAN": "qtran",
    "JALAM": "jal_am",
}
"""The page of each algorithm."""

GROUPS = {
    "Learning rate": ("lr", "lr_end", "adam_epsilon", "clip"),
    "Updates": ("n_envs", "batch_size", "update_every", "learning_starts", "buffer_size", "averaged_policy"),
    "Targets": ("discount", "target_period", "target_rate", "double", "n_steps", "trace", "huber"),
    "Exploration": ("epsilon_start", "epsilon_end", "epsilon_steps", "noisy"),
    "Rewards": ("standardise_rewards", "reward_scale"),
    "Networks": ("hidden", "normalised", "dueling", "stream", "recurrent", "sequence_length", "frames", "one_hot"),
    "Replay by priority": ("prioritised", "priority_exponent", "priority_correction"),
    "Agents": ("share", "agent_ids"),
}
"""Settings that all algorithms share, in the order of the reference; what is in no group comes last."""


BOOKS = {
    "matrix_games": "Matrix games",
    "classic_control": "One agent",
    "foraging": "Foraging",
    "drones": "Drones",
}
"""The books of recipes, and their headings."""


def pages():
    """Return the pages that hold something written here, and what they should say."""
    written = {}
    for name in ALGORITHMS:
        path, kind = FOLDER / f"{PAGES[name]}.md", algorithm_named(name)
        text = _replaced(path, path.read_text(encoding="utf-8"), "settings", _own_settings(kind))
        written[path] = _replaced(path, text, "sources", _sources(kind))
    path = FOLDER / "settings.md"
    written[path] = _replaced(path, path.read_text(encoding="utf-8"), "settings", _all_settings())
    path = FOLDER / "recipes.md"
    text = _replaced(path, path.read_text(encoding="utf-8"), "recipes", _recipes())
    written[path] = _replaced(path, text, "findings", _findings())
    path = FOLDER / "results.md"
    text = path.read_text(encoding="utf-8")
    for study in re.findall(r"^<!-- tables of (\w+): by write_tables.py -->$", text, re.M):
        text = _replaced(path, text, f"tables of {study}", _study(study))
    written[path] = text
    return written


def _study(name):
    """Return the lines that take up the tables of a study from its page, which begins with what was asked."""
    lines = (RESULTS / f"{name}.md").read_text(encoding="utf-8").splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("## "))
    return [
        f"```{{include}} ../../benchmarks/results/{name}.md",
        f":start-line: {first}",
        ":heading-offset: 1",
        ":relative-images:",
        "```",
    ]


def _recipes():
    """Return a table for each book of recipes."""
    blocks = []
    for book, heading in BOOKS.items():
        module = importlib.import_module(f"marlgt.deep.recipes.{book}")
        rows, told = [], {pattern: _told(found) for pattern, found in module.RECIPES.items()}
        shared = {} if not told else {n: v for n, v in next(iter(told.values())).items() if _in_all(n, v, told)}
        for pattern, found in module.RECIPES.items():
            solved = [
                f"{name} {value:g}"
                for name, value in (("return", found.return_threshold), ("successes", found.success_threshold))
                if value is not None
            ]
            own = ", ".join(f"`{name}={value}`" for name, value in told[pattern].items() if name not in shared)
            shown = pattern.replace("|", "\\|")
            rows.append((f"`{shown}`", f"{found.steps:,}", " and ".join(solved) or "—", own or "—"))
        if rows:
            blocks += [
                f"### {heading}",
                "",
                *_table(("tasks, as a pattern", "steps", "solved at", "own settings"), rows),
            ]
            common = ", ".join(f"`{name}={value}`" for name, value in shared.items())
            blocks += ["", *_wrapped(f"All of them: {common}.", ""), ""]
    return blocks[:-1]


def _told(found):
    """Return the settings of a recipe as they are shown, those of single algorithms last."""
    named = {**found.settings} | {
        f"{name}: {key}": value for name, own in found.by_algorithm.items() for key, value in own.items()
    }
    return {name: shown_value(value) for name, value in named.items()}


def _in_all(name, value, told):
    return all(settings.get(name) == value for settings in told.values())


def _findings():
    """Return what the books say was found, in their order."""
    lines = []
    for book, heading in BOOKS.items():
        told = inspect.getdoc(importlib.import_module(f"marlgt.deep.recipes.{book}")) or ""
        _, _, rest = told.partition("\n\n")
        for place, paragraph in enumerate(rest.split("\n\n") if rest else []):
            words = " ".join(_marked(paragraph).split())
            lines += [*_wrapped(f"**{heading}.** {words}" if place == 0 else words, ""), ""]
    return lines[:-1]


def _all_settings():
    known, defaults = (
        described_settings(ValueAlgorithm),
        {f.name: f.default for f in dataclasses.fields(ValueAlgorithm)},
    )
    rest = tuple(name for name in defaults if not any(name in names for names in GROUPS.values()))
    blocks = []
    for group, names in {**GROUPS, "Others": rest}.items():
        if names:
            rows = [(f"`{name}`", _shown(defaults[name]), _marked(known[name][1])) for name in names]
            blocks += [f"### {group}", "", *_table(("setting", "default", "meaning"), rows), ""]
    return blocks[:-1]


def _own_settings(kind):
    """Return the table of settings that are an algorithm's own, or have other defaults than usual."""
    known = described_settings(kind)
    usual = {f.name: f.default for f in dataclasses.fields(ValueAlgorithm)}
    rows = [
        (f"`{f.name}`", _shown(f.default), _marked(known[f.name][1]))
        for f in dataclasses.fields(kind)
        if f.name not in usual or f.default != usual[f.name]
    ]
    if not rows:
        return ["No settings of its own, and the usual defaults."]
    return _table(("setting", "default", "meaning"), rows)


def _sources(kind):
    text = inspect.getdoc(inspect.getmodule(kind)) or ""
    departures = re.findall(r"^(\d+)\. (.*(?:\n   .*)*)", _section(text, "Departures"), re.M)
    lines = ["## Departures from the paper", ""]
    for number, item in departures:
        lines += _wrapped(f"{number}. {_marked(' '.join(item.split()))}", "   ")
    lines += ["", "## References", ""]
    entries = re.split(r"\n(?=\S[^.\n]*\(\d{4}\))", _section(text, "References").strip())
    for entry in entries:
        lines += _wrapped(f"- {_marked(' '.join(entry.split()))}", "  ")
    return lines


def _section(text, name):
    """Return a section of a docstring in NumPy's style."""
    found = re.search(rf"^{name}\n-+\n(.*?)(?=^\w[^\n]*\n---+\n|\Z)", inspect.cleandoc(text) + "\n", re.M | re.S)
    return found[1] if found else ""


def _marked(text):
    """Return a docstring's words as a page has them."""
    text = re.sub(r":mod:`marlgt\.deep\.algorithms\.(\w+)`", r"[\1](\1.md)", text)
    text = re.sub(r":\w+:`~?([^`]*?)`", lambda found: f"`{found[1].rpartition('.')[2]}`", text)
    return text.replace("``", "`").replace("[dqn]", "[DQN]")


def _wrapped(text, indent):
    return textwrap.wrap(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _shown(value):
    return f"`{value!r}`".replace("'", '"')


def _table(head, rows):
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]


def _replaced(path, text, what, lines):
    begin, end = f"<!-- {what}: by write_tables.py -->", "<!-- end -->"
    before, found, rest = text.partition(begin)
    if not found or end not in rest:
        raise ValueError(f"{path.name} has no place for {what}: put {begin!r} and {end!r} there")
    return "".join((before, begin, "\n\n", "\n".join(lines), "\n\n", end, rest.partition(end)[2]))


def main():
    for path, text in pages().items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.name)


if __name__ == "__main__":
    main()
