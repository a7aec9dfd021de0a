"""Agents' networks see whole numbers as one-hot vectors where they are told to."""

import pytest
import torch

from marlgt.deep import QMIX, VDN
from marlgt.deep.algorithms.naming import ALGORITHMS, algorithm_named
from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.exploration import seeded_generators
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.heads import ExpectedHead
from marlgt.deep.networks.initialising import initialise
from marlgt.deep.networks.sharing import Sharing
from marlgt.errors import GameError


def network(observation_size, one_hot=None, **others):
    made = AgentNetwork(
        2, Sharing.of("all", 3), observation_size, ExpectedHead, 4, hidden=(8,), one_hot=one_hot, **others
    )
    initialise(made, seeded_generators((0, 1), 0))
    return made


def test_one_hot_networks_are_those_of_numbers_encoded_by_hand():
    observations = torch.randint(-3, 4, (2, 5, 7, 3, 6), generator=torch.Generator().manual_seed(0)).float()
    encoded = torch.nn.functional.one_hot(observations.long() + 3, 8).float().flatten(-2)
    assert torch.equal(network(6, (-3, 4))(observations)[0], network(48)(encoded)[0])


def test_numbers_out_of_range_are_seen_as_zeros():
    outside = torch.full((2, 1, 1, 3, 6), 9.0)
    assert torch.equal(network(6, (-3, 4))(outside)[0], network(48)(torch.zeros(2, 1, 1, 3, 48))[0])


def test_plain_numbers_stand_behind_those_that_are_one_hot():
    observations = torch.randint(-3, 4, (2, 5, 7, 3, 6), generator=torch.Generator().manual_seed(0)).float()
    encoded = torch.nn.functional.one_hot(observations[..., :4].long() + 3, 8).float().flatten(-2)
    by_hand = torch.cat((encoded, observations[..., 4:]), dim=-1)
    assert torch.equal(network(6, (-3, 4), n_plain=2)(observations)[0], network(34)(by_hand)[0])


@pytest.mark.parametrize("wrong", [(4, 4), (4, -3), (1, 2, 3)])
def test_one_hot_needs_a_least_and_a_largest_number(wrong):
    with pytest.raises(GameError, match="one_hot must be"):
        VDN(one_hot=wrong)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_networks_of_every_algorithm_see_one_hot_numbers_if_asked(name):
    algorithm = algorithm_named(name)(one_hot=(-1, 8), hidden=(8,), recurrent=False)
    module = algorithm.network(Spec(2, 3, 5, 4, False, True), 1)
    own = module.actors if algorithm.on_policy else module.agents
    assert own.numbers.tolist() == list(range(-1, 9))
    assert own.torso.affine_maps[0][0].shape[1] == 5 * 10 + 2


def test_one_hot_is_kept_in_settings():
    from marlgt.deep.runs.settings_json import settings_from_json, settings_to_json

    algorithm = QMIX(one_hot=(-7, 8))
    assert settings_from_json(QMIX, settings_to_json(algorithm)) == algorithm
