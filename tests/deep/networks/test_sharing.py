"""Agents go to their networks and come back, in every grouping, and so do gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlgt.deep.networks.sharing import Sharing
from marlgt.errors import GameError


@st.composite
def groupings(draw: st.DrawFn) -> list[int]:
    raw = draw(st.lists(st.integers(0, 4), min_size=1, max_size=7))
    names: dict[int, int] = {}
    return [names.setdefault(value, len(names)) for value in raw]


def rows_of(n_agents: int, n_seeds: int = 2, rows: int = 3, width: int = 4) -> torch.Tensor:
    return torch.arange(float(n_seeds * rows * n_agents * width)).view(n_seeds, rows, n_agents, width)


@given(groupings())
def test_every_network_sees_the_rows_of_its_own_agents_and_outputs_return_to_them(networks: list[int]) -> None:
    sharing = Sharing.of(networks, len(networks))
    values = rows_of(len(networks))
    spread = sharing.spread(values)
    assert spread.shape == (2 * sharing.n_networks, 3 * sharing.group_size, 4)
    for network in range(sharing.n_networks):
        own = values[1][:, [agent for agent, its in enumerate(networks) if its == network]].reshape(-1, 4)
        seen = spread[sharing.n_networks + network]
        assert {tuple(row.tolist()) for row in seen} == {tuple(row.tolist()) for row in own}
    assert torch.equal(sharing.collect(spread), values)


@given(groupings())
def test_repeats_that_fill_a_small_group_carry_no_gradient(networks: list[int]) -> None:
    sharing = Sharing.of(networks, len(networks))
    values = rows_of(len(networks)).requires_grad_()
    weights = torch.ones(2 * sharing.n_networks, 1, 1, requires_grad=True)
    (sharing.collect(sharing.spread(values) * weights)).sum().backward()
    assert values.grad is not None
    assert weights.grad is not None
    assert torch.equal(values.grad, torch.ones_like(values))
    for network in range(sharing.n_networks):
        agents = [agent for agent, its in enumerate(networks) if its == network]
        assert float(weights.grad[network]) == float(values.detach()[0][:, agents].sum())


def test_one_network_for_all_costs_no_copy_and_own_networks_get_neighbouring_rows_both_ways() -> None:
    values = rows_of(3)
    shared = Sharing.of("all", 3)
    assert shared.spread(values).data_ptr() == values.data_ptr()
    assert shared.collect(shared.spread(values)).data_ptr() == values.data_ptr()
    own = Sharing.of("none", 3)
    for n_seeds in (1, 2):
        spread = own.spread(values[:n_seeds]).requires_grad_()
        arrived: list[torch.Tensor] = []
        same = spread * 1.0
        same.register_hook(arrived.append)
        own.collect(same).square().sum().backward()
        # Strided rows round otherwise in products: a lone seed would not get the bits that it gets among others.
        assert spread.is_contiguous()
        assert arrived[0].is_contiguous()
    assert (shared.n_networks, own.n_networks, own.n_agents) == (1, 3, 3)


@pytest.mark.parametrize(
    ("share", "n_agents", "message"),
    [
        ("some", 3, "share must be 'all', 'none' or one network index per agent, got 'some'"),
        ([0, 1], 3, "got 2 for 3 agents"),
        ([0, 2, 2], 3, "without gaps"),
        ([-1, 0, 1], 3, "without gaps"),
        ([0, 0.5, 1], 3, "whole numbers"),
        ([0, True, 1], 3, "whole numbers"),
        ("all", 0, "at least 1, got 0"),
    ],
)
def test_groupings_that_are_none_are_refused(share: object, n_agents: int, message: str) -> None:
    with pytest.raises(GameError, match=message):
        Sharing.of(share, n_agents)  # type: ignore[arg-type]


def test_shapes_that_do_not_fit_are_refused() -> None:
    sharing = Sharing.of([0, 1, 0], 3)
    with pytest.raises(GameError, match="agents on the third axis"):
        sharing.spread(torch.zeros(2, 3, 4))
    with pytest.raises(GameError, match="give what a stacked network made of spread rows"):
        sharing.collect(torch.zeros(3, 4, 5))
    with pytest.raises(GameError, match="give one network index per agent"):
        Sharing(())
