"""Flat buffers, Adam against torch.optim, clipping by seed, seeds alone against seeds together."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from marlgt.deep.networks.initialising import initialise
from marlgt.deep.networks.layers import MLP, Linear
from marlgt.deep.optimisers import Adam, FlatParameters, clip_gradients
from marlgt.errors import GameError

pytestmark = pytest.mark.usefixtures("one_thread")


def networks(seeds: list[int], n_agents: int = 3) -> nn.ModuleList:
    """Agents with a network each, and one mixer per seed: two heights of stacks."""
    module = nn.ModuleList([MLP(len(seeds) * n_agents, (3, 7, 5)), Linear(len(seeds), 5, 1)])
    initialise(module, [torch.Generator().manual_seed(seed) for seed in seeds])
    return module


def descend(module: nn.ModuleList, flat: FlatParameters, seeds: list[int], scale: float = 1.0) -> Tensor:
    """Accumulate the gradients of a loss that mixes no seeds."""
    inputs = torch.stack([torch.randn(3, 10, 3, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
    hidden = module[0](inputs.flatten(0, 1)).view(len(seeds), 30, 5)
    losses = scale * (module[1](hidden) - 1.0).square().mean((1, 2))
    flat.zero_gradients()
    losses.sum().backward()  # type: ignore[no-untyped-call]
    return losses.detach()


def test_parameters_and_gradients_are_views_of_one_buffer_with_their_values_kept() -> None:
    module = networks([0, 1])
    before = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    flat = FlatParameters(module, 2)
    descend(module, flat, [0, 1])
    for name, parameter in module.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is not None
        assert parameter.grad.any()
    assert float(flat.values.abs().sum()) == pytest.approx(sum(float(value.abs().sum()) for value in before.values()))
    flat.gradients.zero_()
    assert not any(parameter.grad.any() for parameter in module.parameters())
    flat.values.fill_(3.0)
    assert all((parameter == 3.0).all() for parameter in module.parameters())


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("fused", [True, False])
def test_a_seed_learns_bit_for_bit_the_same_alone_and_among_others(clip: float | None, fused: bool) -> None:
    def learn(seeds: list[int]) -> FlatParameters:
        module = networks(seeds)
        flat = FlatParameters(module, len(seeds))
        optimiser = Adam(flat, 1e-2, clip=clip)
        optimiser.fused = fused and optimiser.fused
        for _ in range(5):
            descend(module, flat, seeds)
            optimiser.step()
        return flat

    together = learn(list(range(8)))
    for seed in (0, 5):
        alone, among = learn([seed]).seed_slice(0), together.seed_slice(seed)
        assert all(torch.equal(alone[name], among[name]) for name in alone)


@pytest.mark.parametrize("fused", [True, False])
def test_adam_is_torchs(fused: bool) -> None:
    module, peer = networks([0]), networks([0])
    flat = FlatParameters(module, 1)
    ours = Adam(flat, 1e-2, 1e-5)
    if fused and not ours.fused:
        pytest.skip("this PyTorch has no fused Adam")
    ours.fused = fused
    theirs = torch.optim.Adam(peer.parameters(), lr=1e-2, eps=1e-5)
    for step in range(20):
        ours.lr = theirs.param_groups[0]["lr"] = 1e-2 * (1 - step / 20)
        descend(module, flat, [0])
        for mine, other in zip(module.parameters(), peer.parameters()):
            assert mine.grad is not None
            other.grad = mine.grad.clone()
        ours.step()
        theirs.step()
        for mine, other in zip(module.parameters(), peer.parameters()):
            torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-7)


def test_the_fused_and_the_plain_step_agree() -> None:
    found = []
    for fused in (True, False):
        module = networks([0, 1])
        flat = FlatParameters(module, 2)
        optimiser = Adam(flat, 1e-3)
        optimiser.fused = fused and optimiser.fused
        for _ in range(10):
            descend(module, flat, [0, 1])
            optimiser.step()
        found.append(flat.values.clone())
    torch.testing.assert_close(found[0], found[1], rtol=1e-6, atol=1e-7)


def test_clipping_bounds_each_seeds_norm_and_leaves_small_gradients_alone() -> None:
    module = networks([0, 1, 2])
    flat = FlatParameters(module, 3)
    descend(module, flat, [0, 1, 2])
    before = [
        torch.cat([p.grad.reshape(3, -1)[seed] for p in module.parameters() if p.grad is not None]) for seed in range(3)
    ]
    lengths = torch.stack([vector.norm() for vector in before])
    limit = float(lengths.median())
    torch.testing.assert_close(clip_gradients(flat, limit), lengths)
    for seed in range(3):
        now = torch.cat([p.grad.reshape(3, -1)[seed] for p in module.parameters() if p.grad is not None])
        torch.testing.assert_close(now, before[seed] * min(1.0, limit / float(lengths[seed])))


def test_targets_follow_by_copy_and_by_blend() -> None:
    module, target = networks([0, 1]), networks([2, 3])
    flat, follower = FlatParameters(module, 2), FlatParameters(target, 2)
    old = follower.values.clone()
    follower.blend_from(flat, 0.25)
    torch.testing.assert_close(follower.values, 0.75 * old + 0.25 * flat.values)
    follower.copy_from(flat)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), target.parameters()))


def test_a_follower_begins_where_its_networks_are_and_moves_by_itself_without_gradients() -> None:
    flat = FlatParameters(networks([0, 1]), 2)
    descend(flat.module, flat, [0, 1])  # type: ignore[arg-type]
    before = flat.values.clone()
    follower = flat.follower()
    assert torch.equal(follower.values, before)
    assert not any(parameter.requires_grad for parameter in follower.module.parameters())
    assert all(parameter.requires_grad for parameter in flat.module.parameters())
    flat.values.add_(1.0)
    assert torch.equal(follower.values, before)
    follower.blend_from(flat, 0.5)
    assert torch.allclose(follower.values, 0.5 * (before + flat.values))
    for name, parameter in follower.module.named_parameters():
        assert torch.allclose(parameter, flat.parameters[name] - 0.5)


def test_a_seed_can_be_taken_out_and_put_back() -> None:
    flat, other = FlatParameters(networks([0, 1, 2]), 3), FlatParameters(networks([7]), 1)
    other.load_seed_slice(0, flat.seed_slice(1))
    expected = FlatParameters(networks([1]), 1)
    assert torch.equal(other.values, expected.values)


def test_adam_goes_on_from_its_saved_state() -> None:
    module = networks([0])
    flat = FlatParameters(module, 1)
    optimiser = Adam(flat, 1e-2)
    descend(module, flat, [0])
    optimiser.step()
    values, state = flat.values.clone(), optimiser.state()
    descend(module, flat, [0])
    optimiser.step()
    after = flat.values.clone()
    again = Adam(flat, 1e-2)
    again.load(state)
    flat.values.copy_(values)
    descend(module, flat, [0])
    again.step()
    assert torch.equal(flat.values, after)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_named(bad: float) -> None:
    module = networks([0, 1])
    flat = FlatParameters(module, 2)
    assert flat.finite() is None
    module[0].layers[1].bias.grad[2, 0, 1] = bad
    assert flat.finite() == "gradient of 0.layers.1.bias"
    module[1].weight.data[1, 0, 0] = bad
    module[1].weight.data[0, 0, 0] = -bad
    flat.zero_gradients()
    assert flat.finite() == "1.weight"


def test_what_cannot_be_used_is_refused_with_the_way_out() -> None:
    flat = FlatParameters(networks([0, 1]), 2)
    with pytest.raises(GameError, match="multiple of the 2 seeds, got 'weight'"):
        FlatParameters(Linear(3, 2, 2), 2)
    with pytest.raises(GameError, match="give one with layers"):
        FlatParameters(nn.ReLU(), 1)
    with pytest.raises(GameError, match="build the target from the same settings"):
        flat.copy_from(FlatParameters(networks([0]), 1))
    with pytest.raises(GameError, match="from 0 to 1, got 2"):
        flat.seed_slice(2)
    with pytest.raises(GameError, match=r"'1\.weight' stands in only one"):
        flat.load_seed_slice(0, {name: value for name, value in flat.seed_slice(0).items() if name != "1.weight"})
    with pytest.raises(GameError, match=r"'1\.weight' must have shape \(1, 5, 1\)"):
        flat.load_seed_slice(0, {**flat.seed_slice(0), "1.weight": torch.zeros(2)})
    with pytest.raises(GameError, match="give a learning rate"):
        Adam(flat, -1.0)
    with pytest.raises(GameError, match="clip must be a positive norm, got 0"):
        Adam(flat, 1e-3, clip=0)
    with pytest.raises(GameError, match="saved with the same networks and seeds"):
        Adam(flat, 1e-3).load({})
