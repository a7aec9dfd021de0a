"""The study of policy gradients on tasks of one agent: what its tables say of what was measured."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import deep_policies_single as study


def row(label="PPO", task="Acrobot-v1", **changes):
    usual = {"final": [-80.0, -90.0], "solved": [True, True], "seeds": [0, 1], "cpu_seconds": 20.0}
    named = {"label": label, "algorithm": label.removesuffix(", longer"), "task": task, "steps_done": 96_000}
    return named | usual | changes


def test_every_cell_is_trained_once_with_at_least_five_seeds_and_ppo_on_every_task():
    pairs = [(cell.label or cell.algorithm, cell.task) for cell in study.cells()]
    assert len(set(pairs)) == len(pairs)
    assert {task for name, task in pairs if name == "PPO"} == set(study.GOALS) == set(study.ASKED)
    assert min(len(cell.seeds) for cell in study.cells()) == 5


def test_what_was_asked_is_reached_by_all_seeds_within_the_time_or_not_at_all():
    told = {
        "met": row(),
        "a seed short": row(solved=[True, False]),
        "too slow": row(cpu_seconds=31.0),
        "no limit": row(task="LunarLander-v3", cpu_seconds=1e6),
    }
    _, *lines = study.as_asked([*told.values(), row(label="A2C")])
    assert [line[-1] for line in lines] == ["yes", "**no**", "**no**", "yes"]
    assert lines[0][1] == "≥ -90 with every seed, ≤ 15 CPU-s"
    assert lines[3][1] == "≥ 200 with every seed"


@pytest.mark.parametrize(
    ("label", "mean", "met"),
    [
        ("PPO", -80.0, "**no**"),
        ("PPO", -73.0, "yes"),
        ("PPO, longer", -74.0, "**no**"),
        ("GMAC", -80.0, "**no**"),
        ("A2C", -83.0, "yes"),
        ("A2C, longer", -84.0, "**no**"),
    ],
)
def test_returns_stand_beside_the_highest_that_is_published_of_the_algorithm_and_mixtures_beside_ppo(label, mean, met):
    head, line = study.published([row(label, final=[mean - 1.0, mean + 1.0])])
    told = dict(zip(head, line))
    assert told["reached"] == met
    assert told["mean here (steps at most)"] == f"{mean:.1f} (96,000)"
    assert told["CleanRL (steps)"] == ("" if label.startswith("A2C") else "-86.4 ± 1.3 (500,000)")
