"""Settings of policies: what does not fit is one sentence, and what fits trains to finite networks."""

import dataclasses
import typing

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.deep import (
    COMA,
    GMAC,
    MAPPO,
    PPO,
    REINFORCE,
    TRPO,
    CentralCritic,
    train,
)
from marlgt.deep.algorithms.naming import ALGORITHMS, algorithm_named
from marlgt.errors import GameError
from marlgt.games import NormalFormGame

QUICK = {"n_envs": 4, "rollout_steps": 8, "hidden": (8,)}
POLICIES = [name for name in ALGORITHMS if algorithm_named(name).on_policy]
KINDS = {name: algorithm_named(name) for name in POLICIES}
DIFFERENT = ("REINFORCE", "A2C", "PPO", "TRPO", "MAPPO", "CentralCritic", "COMA", "GMAC")
"""Those of which no other is just another name for several agents."""


def numbers(run):
    return torch.cat([parameter.detach().reshape(-1) for parameter in run.module.parameters()])


def team(scale):
    """A game of two in which both should play 1: it pays `scale`, all else nothing."""
    return NormalFormGame(np.stack([np.diag([0.0, scale])] * 2))


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (PPO, {"minibatches": 33}, r"at most the 32 rows of a rollout \(4 copies of 8 steps\), got 33"),
        (TRPO, {"minibatches": 33}, "at most the 32 rows of a rollout"),
        (PPO, {"recurrent": True, "sequence_length": 4, "minibatches": 9}, "at most the 8 rows of a rollout"),
        (PPO, {"recurrent": True, "sequence_length": 3}, "rollout_steps must be a multiple of sequence_length"),
        (PPO, {"trace": 1.5}, "trace must be a number from 0 to 1"),
        (PPO, {"discount_end": 1.5}, "discount_end must be a number from 0 to 1"),
        (PPO, {"average_rate": 1.5}, "average_rate must be a number from 0 to 1"),
        (PPO, {"average_rate": 0.0}, "average_rate must be a number above 0"),
        (PPO, {"value_weight": -1.0}, "value_weight must not be negative"),
        (PPO, {"entropy_weight": -1.0}, "entropy_weight must not be negative"),
        (PPO, {"entropy_weight_end": -0.1}, "entropy_weight_end must not be negative"),
        (PPO, {"kl_limit": 0.0}, "kl_limit must be a number above 0"),
        (PPO, {"ratio_clip": 0.0}, "ratio_clip must be a number above 0"),
        (PPO, {"critic": "mixture", "value_clip": 0.2}, "value_clip is for a scalar critic"),
        (GMAC, {"huber": 1.0}, "huber is for a scalar critic"),
        (PPO, {"baseline": "mode"}, "a baseline of 'mode' is a mixture critic's"),
        (PPO, {"initial_log_scale": 3.0}, "initial_log_scale must be a number from -5 to 2, got 3"),
        (PPO, {"v_min": 1.0, "v_max": 1.0}, "v_min must be less than v_max"),
        (MAPPO, {"shared_torso": True}, "cannot share the policy's layers"),
        (REINFORCE, {"trace": 0.9}, "REINFORCE learns from whole returns"),
        (TRPO, {"epochs": 2}, "TRPO takes one step of the policy"),
        (TRPO, {"kl_limit": 0.1}, "give TRPO's kl_radius"),
        (TRPO, {"kl_radius": 0.0}, "kl_radius must be a number above 0"),
        (TRPO, {"damping": -0.1}, "damping must not be negative"),
        (TRPO, {"shared_torso": True}, "out of its radius"),
        (COMA, {"critic": "mixture"}, "critic must be 'scalar' for COMA"),
        (CentralCritic, {"target_period": 0}, "target_period must be a whole number of at least 1"),
        (CentralCritic, {"value_weight": 0.0}, "value_weight must be above 0"),
    ],
)
def test_settings_that_do_not_fit_are_one_sentence(kind, changes, message):
    with pytest.raises(GameError, match=message):
        kind(**(QUICK | changes))


FIELDS = [
    (name, field.name, typing.get_type_hints(KINDS[name])[field.name])
    for name in POLICIES
    for field in dataclasses.fields(KINDS[name])
]
SMALL = {"n_envs": 2, "rollout_steps": 4, "hidden": (4,), "minibatches": 1, "samples": 4, "sequence_length": 2}


def near(hint):
    """Values of a type that somebody might give to a setting, small ones, so that what is accepted can be trained."""
    if typing.get_origin(hint) is typing.Literal:
        return st.sampled_from(typing.get_args(hint))
    kinds = {hint, *typing.get_args(hint)}
    chosen = [st.booleans()] if bool in kinds else []
    chosen += [st.integers(-1, 4)] if int in kinds else []
    chosen += [st.sampled_from([-1.0, 0.0, 1e-3, 0.5, 1.0, 3.0])] if float in kinds else []
    chosen += [st.none()] if type(None) in kinds else []
    return st.one_of(chosen or [st.just((0, 1))])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), name=st.sampled_from(POLICIES), count=st.integers(1, 4))
def test_any_settings_are_refused_in_a_sentence_or_train_to_finite_networks(data, name, count):
    known = [entry for entry in FIELDS if entry[0] == name and entry[1] not in ("frames", "one_hot", "share", "hidden")]
    chosen = data.draw(st.lists(st.sampled_from(known), min_size=count, max_size=count, unique_by=lambda e: e[1]))
    changes = {field: data.draw(near(hint), label=field) for _, field, hint in chosen}
    told = ""
    try:
        algorithm = KINDS[name](**(SMALL | changes))
        run = train(algorithm, "climbing:repeats=2", steps=24, episodes=1, evaluate_every=24)
    except GameError as error:
        told = str(error)
    assert 20 < len(told) < 400 or torch.isfinite(numbers(run)).all()


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_single_copy_of_a_single_step_will_do(name):
    algorithm = KINDS[name](n_envs=1, rollout_steps=1, minibatches=1, hidden=(4,), samples=4)
    run = train(algorithm, team(1.0), steps=6, episodes=1)
    assert torch.isfinite(numbers(run)).all()
    assert run.record.steps_done == 6


def test_steps_that_fill_no_rollout_leave_the_networks_as_they_began():
    first, second = (train(PPO(**QUICK), team(1.0), steps=steps, episodes=1) for steps in (1, 4))
    assert torch.equal(numbers(first), numbers(second))
    assert np.isnan(first.curve.losses).all()
    assert np.isnan(first.curve.exploration).all()
