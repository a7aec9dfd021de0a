"""Layers against torch.nn and finite differences, and seeds alone against seeds together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

from marlgt.deep.networks.initialising import initialise
from marlgt.deep.networks.layers import GRU, MLP, GRUCell, LayerNorm, Linear, NoisyLinear
from marlgt.deep.networks.products import affine
from marlgt.errors import GameError

pytestmark = pytest.mark.usefixtures("one_thread")

MAKERS: dict[str, Callable[[int], nn.Module]] = {
    "linear": lambda n: Linear(n, 3, 5),
    "orthogonal": lambda n: Linear(n, 3, 5, orthogonal=2.0),
    "noisy": lambda n: NoisyLinear(n, 3, 5),
    "norm": lambda n: LayerNorm(n, 7),
    "relu": lambda n: MLP(n, (3, 17, 9, 2)),
    "tanh": lambda n: MLP(n, (3, 17, 9, 1), "tanh"),
    "elu": lambda n: MLP(n, (1, 17, 9, 2), "elu", activate_last=True),
    "normalised": lambda n: MLP(n, (3, 16, 9, 2), normalised=True),
    "cell": lambda n: GRUCell(n, 3, 7),
    "window": lambda n: GRU(n, 5, 9),
}


def generators(seeds: Sequence[int]) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def drawn(module: nn.Module, seeds: Sequence[int] = (0,)) -> nn.Module:
    initialise(module, generators(seeds))
    return module


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def inputs_of(module: nn.Module, n_networks: int, rows: int) -> tuple[Tensor, ...]:
    if isinstance(module, GRU):
        starts = random(n_networks, 4, rows, seed=3) > 1.0
        return random(n_networks, 4, rows, 5), random(n_networks, rows, 9, seed=1), starts
    if isinstance(module, GRUCell):
        return random(n_networks, rows, 3), random(n_networks, rows, 7, seed=1)
    first = next(module.parameters())
    width = first.shape[2] if isinstance(module, LayerNorm) else first.shape[1]
    return (random(n_networks, rows, width),)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("rows", [1, 3, 8, 33, 128])
def test_a_seed_has_the_same_outputs_and_gradients_alone_and_among_others(name: str, rows: int) -> None:
    together = drawn(MAKERS[name](8), range(8))
    inputs = inputs_of(together, 8, rows)
    outputs = together(*inputs)
    weights = random(*outputs.shape, seed=2)
    (outputs * weights).sum().backward()
    for seed in (0, 3, 7):
        alone = drawn(MAKERS[name](1), [seed])
        rows_of = slice(seed, seed + 1)
        own = alone(*(value[rows_of] for value in inputs))
        (own * weights[rows_of]).sum().backward()
        assert torch.equal(own, outputs[rows_of])
        for (label, one), (_, many) in zip(alone.named_parameters(), together.named_parameters()):
            assert torch.equal(one, many[rows_of]), label
            assert one.grad is not None
            assert many.grad is not None
            assert torch.equal(one.grad, many.grad[rows_of]), label


@pytest.mark.parametrize("n_outputs", [1, 2, 5, 7, 33, 64])
@pytest.mark.parametrize("n_inputs", [1, 2, 7, 31, 40, 128])
def test_affine_products_do_not_depend_on_the_number_of_networks(n_inputs: int, n_outputs: int) -> None:
    for rows in (1, 2, 3, 5, 10, 31, 32, 33, 96, 320):
        parts = random(8, rows, n_inputs), random(8, n_inputs, n_outputs, seed=1), random(8, 1, n_outputs, seed=2)
        weights = random(8, rows, n_outputs, seed=3)
        answers = []
        for chosen in (slice(0, 8), slice(2, 3), slice(1, 4)):
            leaves = [part[chosen].detach().requires_grad_() for part in parts]
            output = affine(*leaves)
            answers.append([output.detach(), *torch.autograd.grad(output, leaves, weights[chosen])])
        for all_eight, one, three in zip(*answers):
            assert torch.equal(all_eight[2:3], one)
            assert torch.equal(all_eight[1:4], three)


@pytest.mark.parametrize("name", MAKERS)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    module = drawn(MAKERS[name](2).double(), [0])
    inputs = tuple(value.double() if value.is_floating_point() else value for value in inputs_of(module, 2, 3))
    for value in inputs:
        value.requires_grad_(value.is_floating_point())
    names = [label for label, _ in module.named_parameters()]

    def run(*values: Tensor) -> Tensor:
        given = dict(zip(names, values[len(inputs) :]))
        return torch.func.functional_call(module, given, values[: len(inputs)])

    assert torch.autograd.gradcheck(run, (*inputs, *(p.detach().requires_grad_() for p in module.parameters())))


def test_a_perceptron_is_torchs_network_by_network() -> None:
    for activation, peer in (("relu", nn.ReLU()), ("tanh", nn.Tanh()), ("elu", nn.ELU())):
        stacked = MLP(3, (4, 8, 8, 2), activation, normalised=True)
        drawn(stacked)
        inputs = random(3, 6, 4)
        for network in range(3):
            parts: list[nn.Module] = []
            for index, (n_inputs, n_outputs) in enumerate([(4, 8), (8, 8), (8, 2)]):
                linear = nn.Linear(n_inputs, n_outputs)
                linear.weight.data = stacked.layers[index].weight.data[network].T
                linear.bias.data = stacked.layers[index].bias.data[network, 0]
                parts += [linear, nn.LayerNorm(8), peer] if index < 2 else [linear]
            torch.testing.assert_close(nn.Sequential(*parts)(inputs[network]), stacked(inputs)[network])


def test_the_cell_is_torchs_network_by_network() -> None:
    cell = GRUCell(3, 4, 6)
    drawn(cell)
    inputs, hidden = random(3, 5, 4), random(3, 5, 6, seed=1)
    ours = cell(inputs, hidden)
    for network in range(3):
        peer = nn.GRUCell(4, 6)
        peer.weight_ih.data = cell.weight_input.data[network].T
        peer.weight_hh.data = cell.weight_hidden.data[network].T
        peer.bias_ih.data = cell.bias_input.data[network, 0]
        peer.bias_hh.data = cell.bias_hidden.data[network, 0]
        torch.testing.assert_close(peer(inputs[network], hidden[network]), ours[network])


def test_a_window_is_its_steps_one_by_one_with_memory_cleared_where_an_episode_starts() -> None:
    unit = GRU(2, 3, 5)
    drawn(unit)
    inputs, hidden = random(2, 6, 4, 3), random(2, 4, 5, seed=1)
    starts = random(2, 6, 4, seed=2) > 0.5
    memory, expected = hidden, []
    for step in range(6):
        memory = unit.step(inputs[:, step], memory.masked_fill(starts[:, step].unsqueeze(-1), 0.0))
        expected.append(memory)
    torch.testing.assert_close(unit(inputs, hidden, starts), torch.stack(expected, 1))
    torch.testing.assert_close(unit(inputs), unit(inputs, torch.zeros_like(hidden), torch.zeros_like(starts)))


def test_no_gradient_crosses_the_start_of_an_episode() -> None:
    unit = GRU(1, 3, 5)
    drawn(unit)
    inputs, hidden = random(1, 4, 2, 3).requires_grad_(), random(1, 2, 5, seed=1).requires_grad_()
    starts = torch.zeros(1, 4, 2, dtype=torch.bool)
    starts[0, 2, 0] = True
    unit(inputs, hidden, starts)[:, 3].sum().backward()
    assert inputs.grad is not None
    assert hidden.grad is not None
    assert not inputs.grad[0, :2, 0].any()
    assert not hidden.grad[0, 0].any()
    assert inputs.grad[0, :2, 1].all()
    assert hidden.grad[0, 1].all()


def test_a_step_from_every_memory_is_that_many_steps() -> None:
    unit = GRU(2, 3, 5)
    drawn(unit)
    memories, inputs = random(2, 6, 4, 5), random(2, 6, 4, 3, seed=1)
    together = unit.step_from(memories, inputs)
    for step in range(6):
        torch.testing.assert_close(together[:, step], unit.step(inputs[:, step], memories[:, step]))


def test_gradients_of_gradients_are_refused_by_name() -> None:
    unit = GRU(1, 3, 5)
    drawn(unit)
    with pytest.raises(GameError, match="call backward without it"):
        torch.autograd.grad(unit(random(1, 2, 2, 3)).sum(), list(unit.parameters()), create_graph=True)


def test_noise_has_the_published_law_and_leaves_with_evaluation() -> None:
    layer = NoisyLinear(4, 200, 100, sigma=0.5)
    drawn(layer, [0, 1])
    inputs = random(4, 3, 200)
    mean = affine(inputs, layer.weight, layer.bias)
    assert torch.equal(layer.weight_sigma, torch.full_like(layer.weight, 0.5 / 200**0.5))
    assert not torch.equal(layer(inputs), mean)
    # Factorised: the noise of a weight is that of its input times that of its output, which is the bias's.
    ratio = layer.weight_noise / layer.bias_noise
    torch.testing.assert_close(ratio, ratio[:, :, :1].expand_as(ratio))
    # E f(x)^2 = E |x| = sqrt(2 / pi) for a standard normal x.
    assert float(layer.bias_noise.square().mean()) == pytest.approx((2 / torch.pi) ** 0.5, rel=0.15)
    before = layer.weight_noise.clone()
    layer.redraw(generators([5, 6]))
    assert not torch.equal(before, layer.weight_noise)
    alone = NoisyLinear(2, 200, 100)
    alone.redraw(generators([6]))
    assert torch.equal(alone.weight_noise, layer.weight_noise[2:])
    assert torch.equal(alone.bias_noise, layer.bias_noise[2:])
    layer.noisy = False
    assert torch.equal(layer(inputs), mean)
    layer.noisy = True
    layer.eval()
    assert torch.equal(layer(inputs), mean)


def test_first_weights_have_torchs_law() -> None:
    layer = Linear(50, 16, 20)
    drawn(layer, [0])
    for parameter in (layer.weight.detach(), layer.bias.detach()):
        assert float(parameter.abs().max()) <= 0.25
        assert float(parameter.std()) == pytest.approx(0.25 / 3**0.5, rel=0.05)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5)])
def test_orthogonal_weights_are_orthogonal_times_their_gain(shape: tuple[int, int]) -> None:
    layer = Linear(3, *shape, orthogonal=2.0)
    drawn(layer)
    weight = layer.weight if shape[0] >= shape[1] else layer.weight.mT
    torch.testing.assert_close(weight.mT @ weight, 4.0 * torch.eye(min(shape)).expand(3, -1, -1))
    assert not layer.bias.any()


def test_gains_of_a_perceptron_go_to_the_hidden_and_the_last_layers() -> None:
    network = MLP(1, (4, 4, 4), orthogonal=2.0, last_gain=0.01)
    drawn(network)
    norms = [float(torch.linalg.matrix_norm(layer.weight.detach(), 2)) for layer in network.layers]
    assert norms == pytest.approx([2.0, 0.01])


def test_bad_settings_are_refused_with_the_way_out() -> None:
    with pytest.raises(GameError, match="give at least two"):
        MLP(1, (4,))
    with pytest.raises(GameError, match="activation must be one of relu, tanh, elu, got 'gelu'"):
        MLP(1, (4, 2), "gelu")
    with pytest.raises(GameError, match="give positive sizes"):
        Linear(0, 4, 2)
    with pytest.raises(GameError, match="give one generator per seed"):
        initialise(Linear(3, 4, 2), generators([0, 1]))
    with pytest.raises(GameError, match=r"got Linear with parameter '0\.weight'"):
        initialise(nn.Sequential(nn.Linear(2, 2)), generators([0]))
