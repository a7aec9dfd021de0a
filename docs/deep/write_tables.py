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
from marlgt.deep.algorithms.algorithm import Algorithm
from marlgt.deep.algorithms.naming import ALGORITHMS, algorithm_named
from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm
from marlgt.deep.algorithms.value_algorithm import ValueAlgorithm
from marlgt.deep.environments import make_environment
from marlgt.errors import GameError, UnsupportedGame

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
    "REINFORCE": "reinforce",
    "A2C": "a2c",
    "PPO": "ppo",
    "TRPO": "trpo",
    "IREINFORCE": "reinforce",
    "IA2C": "a2c",
    "IPPO": "ppo",
    "MAPPO": "mappo",
    "MAA2C": "mappo",
    "COMA": "coma",
    "CentralCritic": "coma",
    "GMAC": "gmac",
    "GMACIPPO": "gmac",
    "GMACMAPPO": "gmac",
}
"""The page of each algorithm; some share one, which the first of them gives its name."""

GROUPS = {
    "All algorithms": {
        "Learning rate": ("lr", "lr_end", "adam_epsilon", "clip"),
        "Returns": ("discount", "reward_scale"),
        "Networks": ("hidden", "normalised", "recurrent", "frames", "one_hot"),
        "Copies and agents": ("n_envs", "share", "agent_ids"),
    },
    "Learners of values": {
        "Updates": ("batch_size", "update_every", "learning_starts", "buffer_size", "averaged_policy"),
        "Targets": ("target_period", "target_rate", "double", "n_steps", "trace", "huber"),
        "Exploration": ("epsilon_start", "epsilon_end", "epsilon_steps", "noisy"),
        "Rewards": ("standardise_rewards",),
        "Layers": ("dueling", "stream", "sequence_length"),
        "Replay by priority": ("prioritised", "priority_exponent", "priority_correction"),
    },
    "Learners of policies": {
        "Rollouts": ("rollout_steps", "epochs", "minibatches", "kl_limit", "average_rate", "sequence_length"),
        "What is descended on": (
            "discount_end",
            "trace",
            "value_weight",
            "entropy_weight",
            "entropy_weight_end",
            "huber",
            "signal",
            "default_action",
        ),
        "Normalisation": (
            "normalise_advantages",
            "normalise_values",
            "normalise_rewards",
            "normalise_observations",
        ),
        "Actors": ("squashed", "initial_log_scale", "policy_gain"),
        "Layers of both": ("activation", "orthogonal", "shared_torso"),
        "Critics": ("critic", "critic_sees", "baseline"),
        "Critics of laws": (
            "critic_loss",
            "components",
            "samples",
            "scale_head",
            "least_scale",
            "initial_scale",
            "v_min",
            "v_max",
        ),
    },
}
"""Settings that all algorithms share, that learners of values do, and of policies, in the order of the reference."""

KINDS = {"All algorithms": Algorithm, "Learners of values": ValueAlgorithm, "Learners of policies": PolicyAlgorithm}

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
    for page in dict.fromkeys(PAGES.values()):
        path = FOLDER / f"{page}.md"
        kinds = [algorithm_named(name) for name in ALGORITHMS if PAGES[name] == page]
        text = _replaced(path, path.read_text(encoding="utf-8"), "settings", _own_settings(kinds))
        written[path] = _replaced(path, text, "sources", _sources(kinds))
    path = FOLDER / "settings.md"
    written[path] = _replaced(path, path.read_text(encoding="utf-8"), "settings", _all_settings())
    path = FOLDER / "recipes.md"
    text = _replaced(path, path.read_text(encoding="utf-8"), "recipes", _recipes())
    written[path] = _replaced(path, text, "findings", _findings())
    for page in ("results", "return_laws", "robustness"):
        path = FOLDER / f"{page}.md"
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
    """Return tables for each book of recipes: of learners of values, and of policies."""
    blocks = []
    for book, heading in BOOKS.items():
        recipes = importlib.import_module(f"marlgt.deep.recipes.{book}").RECIPES
        blocks += [f"### {heading}", ""]
        by_values = {
            pattern: found for pattern, found in recipes.items() if found.settings and not _by_numbers(pattern)
        }
        by_policies = {pattern: found for pattern, found in recipes.items() if found.policy_settings}
        for on_policy, chosen in ((False, by_values), (True, by_policies)):
            if chosen:
                blocks += [f"Learners of {'policies' if on_policy else 'values'}:", "", *_book(chosen, on_policy), ""]
    return blocks[:-1]


def _by_numbers(pattern):
    """Tell whether a pattern is the name of a task whose actions are numbers."""
    try:
        make_environment(pattern, 1).close()
    except UnsupportedGame:
        return True
    except GameError:
        return False
    return False


def _book(recipes, on_policy):
    """Return the table of a book for one of the two kinds of learners, and what all its recipes have in common."""
    rows, told = [], {pattern: _told(found, on_policy) for pattern, found in recipes.items()}
    shared = {name: v for name, v in next(iter(told.values())).items() if _in_all(name, v, told)}
    for pattern, found in recipes.items():
        solved = [
            f"{name} {value:g}"
            for name, value in (("return", found.return_threshold), ("successes", found.success_threshold))
            if value is not None
        ]
        own = ", ".join(f"`{name}={value}`" for name, value in told[pattern].items() if name not in shared)
        steps = found.policy_steps if on_policy and found.policy_steps is not None else found.steps
        shown = pattern.replace("|", "\\|")
        rows.append((f"`{shown}`", f"{steps:,}", " and ".join(solved) or "—", own or "—"))
    common = ", ".join(f"`{name}={value}`" for name, value in shared.items())
    lines = _table(("tasks, as a pattern", "steps", "solved at", "own settings"), rows)
    return [*lines, "", *_wrapped(f"All of them: {common}.", "")] if common else lines


def _told(found, on_policy):
    """Return the settings of a recipe as they are shown, those of single algorithms last."""
    named = {
        name: shown_value(value) for name, value in (found.policy_settings if on_policy else found.settings).items()
    }
    of = {}
    for name, own in found.by_algorithm.items():
        if algorithm_named(name).on_policy == on_policy:
            for key, value in own.items():
                of.setdefault((key, shown_value(value)), []).append(name)
    for (key, value), names in of.items():
        named[f"{', '.join(_families(names))}: {key}"] = value
    return named


def _families(names):
    """Return names in which all forms of an algorithm are told as one."""
    names = list(names)
    for base in ("PPO", "A2C"):
        forms = [name for name in ALGORITHMS if issubclass(algorithm_named(name), algorithm_named(base))]
        if set(forms) <= set(names):
            place = names.index(base)
            names = [*names[:place], f"{base}s", *names[place:]]
            names = [name for name in names if name not in forms]
    return names


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
    blocks = []
    for section, groups in GROUPS.items():
        kind = KINDS[section]
        known, usual = described_settings(kind), _defaults(kind)
        blocks += [f"### {section}", ""]
        for group, names in groups.items():
            if kind is Algorithm:
                head = ("setting", "values", "policies", "meaning")
                both = [_defaults(KINDS[name]) for name in ("Learners of values", "Learners of policies")]
                rows = [
                    (f"`{name}`", *(_shown(defaults[name]) for defaults in both), _marked(known[name][1]))
                    for name in names
                ]
            else:
                head = ("setting", "default", "meaning")
                rows = [(f"`{name}`", _shown(usual[name]), _marked(known[name][1])) for name in names]
            blocks += [f"#### {group}", "", *_table(head, rows), ""]
    return blocks[:-1]


def _defaults(kind):
    return {field.name: field.default for field in dataclasses.fields(kind)}


def _own_settings(kinds):
    """Return tables of settings that are an algorithm's own, or have other defaults than usual; equal ones once."""
    tables = {}
    for kind in kinds:
        known = described_settings(kind)
        usual = _defaults(PolicyAlgorithm if kind.on_policy else ValueAlgorithm)
        rows = [
            (f"`{f.name}`", _shown(f.default), _marked(known[f.name][1]))
            for f in dataclasses.fields(kind)
            if f.name not in usual or f.default != usual[f.name]
        ]
        tables.setdefault(tuple(rows), []).append(kind.__name__)
    lines = []
    for rows, names in tables.items():
        if len(kinds) > 1:
            lines += [f"{' and '.join(f'`{name}`' for name in names)}:", ""]
        if rows:
            lines += [*_table(("setting", "default", "meaning"), rows), ""]
        else:
            lines += ["No settings of its own, and the usual defaults.", ""]
    return lines[:-1]


def _sources(kinds):
    modules = {inspect.getmodule(kind): kind.__name__ for kind in reversed(kinds)}
    found, listed = [], {}
    for module, name in reversed(modules.items()):
        text = inspect.getdoc(module) or ""
        departures = re.findall(r"^(\d+)\. (.*(?:\n   .*)*)", _section(text, "Departures"), re.M)
        if departures and len(modules) > 1:
            found += [f"{name}:", ""]
        for number, item in departures:
            found += _wrapped(f"{number}. {_marked(' '.join(item.split()))}", "   ")
        found += [""] if departures else []
        for entry in re.split(r"\n(?=\S[^\n]*\(\d{4}\))", _section(text, "References").strip()):
            listed |= dict.fromkeys(_wrapped_as_one(f"- {_marked(' '.join(entry.split()))}", "  "))
    lines = ["## Departures from the paper", "", *(found or ["None that is known.", ""])]
    return [*lines, "## References", "", *"\n".join(listed).split("\n")]


def _wrapped_as_one(text, indent):
    return ["\n".join(_wrapped(text, indent))]


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
