"""What a user may do wrong: options, settings and tasks that do not fit are one typed sentence."""

import dataclasses
import json
import typing

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.deep import DQN, VDN, evaluate, load_run, train
from marlgt.deep.algorithms.naming import ALGORITHMS, algorithm_named
from marlgt.deep.runs.settings_json import settings_from_json, settings_to_json
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import NormalFormGame

QUICK = {"learning_starts": 32, "epsilon_steps": 100, "n_envs": 4, "batch_size": 8, "hidden": (8,)}


@pytest.mark.parametrize(
    ("task", "needs"),
    [("hover:actions=velocity", ""), ("Pendulum-v1", "gymnasium")],
)
def test_a_continuous_task_is_refused_with_the_way_out(task, needs):
    if needs:
        pytest.importorskip(needs)
    with pytest.raises(UnsupportedGame, match="are continuous, and learners of action values choose from a list: "):
        train(DQN(), task, steps=10)


def test_agents_with_different_numbers_of_actions_are_told_how_to_pad_them():
    game = NormalFormGame.bimatrix(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(GameError, match="pad_actions"):
        train(VDN(), game, steps=10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"steps": 2.5}, r"steps is 2\.5"),
        ({"steps": True}, "steps is True"),
        ({"seeds": ()}, "seeds must be some seeds"),
        ({"seeds": 3}, "seeds must be some seeds"),
        ({"seeds": (1, 1)}, "each seed is trained once"),
        ({"seeds": (0, -1)}, "seed is -1"),
        ({"seeds": ("a",)}, "seed is 'a'"),
        ({"threads": 0}, "threads is 0"),
        ({"episodes": 0}, "episodes is 0"),
        ({"evaluate_every": 0}, "evaluate_every is 0"),
        ({"checkpoint_every": -5}, "checkpoint_every is -5"),
        ({"return_threshold": "high"}, "return_threshold is 'high'"),
        ({"return_threshold": float("nan")}, "return_threshold is nan"),
        ({"success_threshold": 1.0}, "tells no successes"),
        ({"device": "abacus"}, "device is 'abacus', which PyTorch cannot compute on here"),
        ({"device": "meta"}, "device is 'meta', which PyTorch cannot compute on here"),
        ({"device": None}, "device is None"),
        ({"tensorboard": True}, "give a folder"),
        ({"tensorboard": "yes"}, "tensorboard is 'yes'"),
        ({"folder": 7}, "folder is 7"),
    ],
)
def test_options_of_training_that_do_not_fit_are_one_sentence(options, message):
    with pytest.raises(GameError, match=message):
        train(VDN(), "climbing", **({"steps": 10} | options))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_told(tmp_path):
    message = r"device is 'cuda', which PyTorch cannot compute on here \(there is no GPU with CUDA\): give 'cpu'"
    with pytest.raises(GameError, match=message):
        train(VDN(), "climbing", steps=10, device="cuda", folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    train(VDN(**QUICK), "climbing", steps=8, folder=tmp_path / "run", episodes=1)
    with pytest.raises(GameError, match=message):
        load_run(tmp_path / "run", device="cuda")
    with pytest.raises(GameError, match=message):
        evaluate(tmp_path / "run", device="cuda")


def test_what_is_no_algorithm_is_told():
    for wrong in (DQN, "DQN", None):
        with pytest.raises(GameError, match="algorithm must be one such as QMIX"):
            train(wrong, "climbing", steps=10)


def test_a_folder_that_is_a_file_or_holds_a_run_is_refused_before_anything_is_done(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(GameError, match="is a file: give the path of a folder"):
        train(VDN(), "climbing", steps=10, folder=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "kept"
    train(VDN(**QUICK), "climbing", steps=8, folder=tmp_path / "run", episodes=1)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(GameError, match="holds a run already: resume it, or give another folder"):
        train(VDN(), "climbing", steps=10, folder=tmp_path / "run")
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


@pytest.mark.parametrize("share", [(0,), (0, 0, 0), (0, 2), "some"])
def test_networks_that_are_not_one_for_each_agent_are_refused(share):
    with pytest.raises(GameError, match=r"network index per agent|without gaps"):
        train(VDN(share=share), "climbing", steps=10)


FIELDS = [
    (name, field.name, typing.get_type_hints(algorithm_named(name))[field.name])
    for name in ALGORITHMS
    for field in dataclasses.fields(algorithm_named(name))
]
OPEN = ("v_min", "v_max", "initial_log_scale")
"""Settings that may have any sign."""


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_numeric_setting_refuses_what_is_out_of_its_range_by_name(name):
    kind = algorithm_named(name)
    for _, field, hint in [entry for entry in FIELDS if entry[0] == name]:
        if hint is bool or not {int, float} & {hint, *typing.get_args(hint)}:
            continue
        wrong = [float("nan"), float("inf"), "3", True, object(), 10**400]
        for value in [*wrong, *([] if field in OPEN else [-1, -0.5])]:
            with pytest.raises(GameError) as refused:
                kind(**{field: value})
            assert field in str(refused.value) or "buffer_size" in str(refused.value)
            assert len(str(refused.value)) < 300


@pytest.mark.parametrize("name", ALGORITHMS)
def test_switches_and_words_refuse_other_types_by_name(name):
    kind = algorithm_named(name)
    for _, field, hint in [entry for entry in FIELDS if entry[0] == name]:
        if hint is bool or typing.get_origin(hint) is typing.Literal:
            for value in (None, 7, "perhaps", 0.0):
                with pytest.raises(GameError, match=field):
                    kind(**{field: value})


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.integers(min_value=10**13),
    st.floats(),
    st.text(max_size=5),
    st.tuples(st.integers(-2, 9)),
    st.lists(st.integers(-2, 9), max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(entry=st.sampled_from(FIELDS), value=ANYTHING)
def test_any_value_of_a_setting_is_refused_in_a_sentence_or_kept_with_a_run(entry, value):
    name, field, _ = entry
    kind = algorithm_named(name)
    try:
        made = kind(**{field: value})
    except GameError:
        return
    assert settings_from_json(kind, json.loads(json.dumps(settings_to_json(made)))) == made


def test_memory_that_is_not_there_is_told():
    with pytest.raises(GameError, match="do not fit into memory: take a smaller buffer_size"):
        train(VDN(buffer_size=10**12), "climbing", steps=10)
