"""Tests of marlgt.deep.networks.one_hot_products: sums of picked rows are products of one-hot vectors."""

import math

import pytest
import torch
from torch import Tensor

from marlgt.deep import recipe, train
from marlgt.deep.networks.one_hot_products import add_picked_gradient, picked_rows, picked_sums

N_NETWORKS, N_ROWS, N_AGENTS, WIDTH = 2, 7, 3, 5
NUMBERS = torch.arange(-2.0, 3.0)


def seen(n_told: int) -> Tensor:
    """Return whole numbers, some of which have no column, and what is no whole number or none at all."""
    observations = torch.randint(-4, 5, (N_NETWORKS, N_ROWS, N_AGENTS, n_told), generator=torch.manual_seed(n_told))
    told = observations.float()
    told[0, 0, 0, 0], told[1, 2, 1, -1], told[1, 3, 0, 0], told[0, 1, 2, 0] = 0.5, math.nan, math.inf, -math.inf
    return told


def vectors(observations: Tensor, told: bool) -> Tensor:
    """Return the one-hot vectors themselves, shape (N, rows, inputs)."""
    codes = (observations.unsqueeze(-1) == NUMBERS).flatten(-2).float()
    if told:
        codes = torch.cat((codes, torch.eye(N_AGENTS).expand(*codes.shape[:-1], -1)), dim=-1)
    return codes.flatten(1, 2)


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("n_told", [1, 3, 4, 6, 8])
def test_sums_and_gradients_are_those_of_the_vectors(n_told, told):
    observations = seen(n_told)
    inputs = vectors(observations, told)
    draws = torch.manual_seed(1)
    weight = torch.randn(N_NETWORKS, inputs.shape[2], WIDTH, generator=draws)
    bias = torch.randn(N_NETWORKS, 1, WIDTH, generator=draws)
    gradient = torch.randn(*inputs.shape[:2], WIDTH, generator=draws)
    rows = picked_rows(observations, NUMBERS, told=told).flatten(1, 2)
    assert rows.shape == (N_NETWORKS, N_ROWS * N_AGENTS, n_told + told)
    torch.testing.assert_close(picked_sums(rows, weight, bias), inputs @ weight + bias)
    total = torch.ones_like(weight)
    add_picked_gradient(total, rows, gradient)
    torch.testing.assert_close(total, 1.0 + inputs.mT @ gradient)


def test_numbers_without_a_column_pick_nothing():
    rows = picked_rows(
        torch.tensor([-3.0, 3.0, 0.5, math.nan, math.inf, -2.0, 2.0]).view(1, 1, 1, 7), NUMBERS, told=True
    )
    assert rows.flatten().tolist() == [-1, -1, -1, -1, -1, 25, 34, 35]


def test_weights_may_lie_within_a_longer_row():
    observations = seen(3)
    rows = picked_rows(observations, NUMBERS, told=False).flatten(1, 2)
    buffer = torch.randn(N_NETWORKS, 15 * WIDTH + 9, generator=torch.manual_seed(3))
    inside = buffer[:, 4 : 4 + 15 * WIDTH].view(N_NETWORKS, 15, WIDTH)
    bias = torch.zeros(N_NETWORKS, 1, WIDTH)
    assert torch.equal(picked_sums(rows, inside, bias), picked_sums(rows, inside.contiguous(), bias))
    before = buffer.clone()
    add_picked_gradient(inside, rows, torch.ones(*rows.shape[:2], WIDTH))
    assert torch.equal(buffer[:, :4], before[:, :4])
    assert torch.equal(buffer[:, 4 + 15 * WIDTH :], before[:, 4 + 15 * WIDTH :])
    assert not torch.equal(buffer, before)


@pytest.mark.parametrize("name", ["IPPO", "MAPPO", "IA2C", "COMA"])
def test_policies_forage_by_the_recipe_as_they_do_alone(name):
    task = "Foraging-5x5-2p-1f-v3:observation=relative"
    algorithm = recipe(task).algorithm(name, n_envs=8, rollout_steps=16, hidden=(16,))
    plan = {"steps": 512, "evaluate_every": 256, "episodes": 4}
    both, alone = (train(algorithm, task, seeds=seeds, **plan) for seeds in ((3, 5), (5,)))
    assert torch.equal(
        torch.cat([each.flatten() for each in alone.module.parameters()]),
        torch.cat([each.view(2, -1)[1] for each in both.module.parameters()]),
    )
