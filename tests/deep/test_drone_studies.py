"""Studies of learners on drones: what they share is what each of them would compute."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import deep_drones, deep_policies_drones, drone_studies
from benchmarks.deep_study import policy_baseline


def row(task="formation:n_drones=3,actions=velocity", **changes):
    return {"task": task, "label": "IPPO", "numba": [100.0, 200.0], "bullet": [101.0, 202.0]} | changes


def test_every_cell_has_a_place_on_the_page_and_is_trained_once():
    for study in (deep_drones, deep_policies_drones):
        assert len(set(study.ORDER)) == len(study.ORDER)
        assert {task for task, _ in study.ORDER} == set(study.PANELS)
        assert {algorithm for _, algorithm in study.ORDER} == set(study.ALGORITHMS)


def test_every_algorithm_with_a_scalar_critic_stands_beside_its_form_with_a_mixture():
    cells = set(deep_policies_drones.ORDER)
    forms = {"PPO": "GMAC", "IPPO": "GMACIPPO", "MAPPO": "GMACMAPPO"}
    scalar = {(task, algorithm) for task, algorithm in cells if algorithm in forms}
    assert {(task, forms[algorithm]) for task, algorithm in scalar} == cells - scalar


def test_the_difference_in_bullet_is_of_mean_returns():
    assert drone_studies.gap(row()) == pytest.approx(0.01)
    head, line = drone_studies.bullet_table([row(bullet=[100.0, 210.0])], {row()["task"]: "formation"})
    assert dict(zip(head, line))["differs by"] == "+3.33%"
    assert dict(zip(head, line))["most of a seed"] == "5.00%"


def test_steps_are_shown_in_thousands_and_a_seed_that_did_not_come_there_as_a_dash():
    assert drone_studies.thousands([20_016, None, 150_000]) == "20, –, 150"
    assert drone_studies.solved_of([True, False, True]) == "2 of 3"


@pytest.mark.parametrize(
    ("task", "continuous"), [("multihover:n_drones=2,actions=velocity", True), ("multihover:n_drones=2", False)]
)
def test_the_expert_solves_a_task_by_choices_and_by_numbers(task, continuous):
    found = policy_baseline(
        task,
        "expert",
        lambda env, draws: drone_studies.ExpertPolicy(env),
        seeds=[0],
        episodes=4,
        continuous=continuous,
    )
    assert found.successes == (1.0,)


def test_what_was_flown_in_bullet_is_kept_and_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(drone_studies, "CACHE", tmp_path)
    (tmp_path / "study").mkdir()
    kept = {"numba": [1.0], "bullet": [2.0]}
    (tmp_path / "study" / "run.bullet").write_text(json.dumps(kept))
    assert drone_studies.in_bullet({"folder": "run"}, "study") == kept


def test_a_return_that_was_reached_and_lost_again_is_not_what_was_asked_for():
    curve = {"steps": [0, 1000, 2000], "returns": np.array([[0.0, 0.0], [470.0, 466.0], [470.0, 400.0]]).tolist()}
    scored = row(
        deep_policies_drones.HOVER_1D,
        curve=curve,
        final=[470.0, 400.0],
        steps_per_second=100.0,
        bullet=[100.0, 200.0],
    )
    head, line, _ = deep_policies_drones._asked([scored])
    told = dict(zip(head, line))
    assert (told["seeds that came there"], told["final policies there"], told["as asked"]) == (
        "2 of 2",
        "1 of 2",
        "**no**",
    )
    _, line, _ = deep_policies_drones._asked([scored | {"final": [470.0, 466.0]}])
    assert dict(zip(head, line))["as asked"] == "yes"
    assert dict(zip(head, line))["CPU-s"] == "at most 10 of a seed"


def test_a_page_names_the_cells_that_were_not_trained():
    study = deep_policies_drones.DRONES
    rows = [{"task": task, "algorithm": algorithm} for task, algorithm in study.order]
    assert drone_studies.not_trained(study, rows) == ""
    left = [row for row in rows if row != {"task": deep_policies_drones.GATE, "algorithm": "MAPPO"}]
    assert drone_studies.not_trained(study, left) == "\n**Not trained:** gate, 2 drones by MAPPO.\n"
