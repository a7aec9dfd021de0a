"""The four heads: one interface, dueling and noise, gradients, seeds apart, and a chain of two states solved."""

import math

import pytest
import torch
from torch import nn

from marlgt.deep.losses.quantiles import midpoints
from marlgt.deep.losses.targets import greedy
from marlgt.deep.networks.heads import CategoricalHead, ExpectedHead, ImplicitQuantileHead, QuantileHead
from marlgt.deep.networks.initialising import initialise
from marlgt.deep.networks.layers import NoisyLinear
from marlgt.deep.optimisers import Adam, FlatParameters
from marlgt.errors import GameError

pytestmark = pytest.mark.usefixtures("one_thread")

HEADS = {
    "expected": (ExpectedHead, {}, ()),
    "huber": (ExpectedHead, {"delta": 0.5}, ()),
    "categorical": (CategoricalHead, {"v_min": -3.0, "v_max": 3.0, "n_atoms": 7}, (7,)),
    "quantile": (QuantileHead, {"n_quantiles": 5}, (5,)),
    "implicit": (ImplicitQuantileHead, {"n_cosines": 6}, (2, 32)),
}
ALL = pytest.mark.parametrize("name", HEADS)


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def built(name, seeds=(0,), n_networks=2, n_features=4, n_actions=3, **options):
    """Make a head of ``n_networks`` for every seed, initialised, in double precision."""
    make, settings, _ = HEADS[name]
    head = make(n_networks * len(seeds), n_features, n_actions, **settings, **options)
    initialise(head, generators(*seeds))
    return head.double()


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def batch(rows=(2, 5), n_actions=3, seed=9):
    """Draw actions, rewards, discounts of which some are 0, and next actions."""
    generator = torch.Generator().manual_seed(seed)
    actions, following = (torch.randint(0, n_actions, rows, generator=generator) for _ in range(2))
    discounts = 0.9 * (torch.rand(rows, generator=generator, dtype=torch.float64) < 0.7)
    return actions, normal(seed + 1, *rows), discounts, following


@ALL
@pytest.mark.parametrize("options", [{}, {"dueling": True}, {"noisy": True, "dueling": True, "n_hidden": 8}])
def test_every_head_gives_values_and_errors_of_the_promised_shapes(name, options):
    head, features = built(name, **options), normal(1, 2, 5, 4)
    outputs, following = head(features), head(normal(2, 2, 5, 4))
    assert outputs.shape == (2, 5, 3, *HEADS[name][2])
    assert head.values(outputs).shape == (2, 5, 3)
    actions, rewards, discounts, next_actions = batch()
    losses, priorities = head.errors(outputs, actions, rewards, discounts, following, next_actions)
    assert losses.shape == priorities.shape == (2, 5)
    assert losses.requires_grad
    assert not priorities.requires_grad
    assert (priorities >= 0).all()
    # Any leading axes: the same numbers in another arrangement.
    split = head.errors(
        *(x.unflatten(1, (5, 1)) for x in (outputs, actions, rewards, discounts, following, next_actions))
    )
    assert torch.equal(split.losses.flatten(1), losses)
    assert torch.equal(split.priorities.flatten(1), priorities)


@ALL
def test_gradients_reach_every_parameter_but_never_through_the_target(name):
    head, target = built(name, dueling=True, noisy=True, n_hidden=8), built(name, (3,), dueling=True)
    actions, rewards, discounts, next_actions = batch()
    outputs, following = head(normal(1, 2, 5, 4)), target(normal(2, 2, 5, 4))
    assert following.requires_grad
    head.errors(outputs, actions, rewards, discounts, following, next_actions).losses.sum().backward()
    for parameter, tensor in head.named_parameters():
        assert tensor.grad is not None, parameter
        assert tensor.grad.abs().sum() > 0, parameter
    assert all(tensor.grad is None for tensor in target.parameters())


@ALL
@pytest.mark.parametrize("dueling", [False, True])
def test_the_losses_have_the_gradients_of_finite_differences(name, dueling):
    head = built(name, n_networks=1, dueling=dueling)
    following = head(normal(2, 1, 3, 4)).detach()
    actions, rewards, discounts, next_actions = batch((1, 3))

    def losses(features):
        return head.errors(head(features), actions, rewards, discounts, following, next_actions).losses

    assert torch.autograd.gradcheck(losses, normal(1, 1, 3, 4).requires_grad_())


@ALL
def test_only_the_action_taken_is_corrected(name):
    head = built(name)
    outputs = head(normal(1, 2, 5, 4)).detach().requires_grad_()
    actions, rewards, discounts, next_actions = batch()
    head.errors(outputs, actions, rewards, discounts, outputs.detach(), next_actions).losses.sum().backward()
    touched = outputs.grad.abs().reshape(2, 5, 3, -1).sum(-1) > 0
    assert torch.equal(touched, nn.functional.one_hot(actions, 3).bool())


@ALL
def test_truncation_keeps_the_return_that_termination_drops(name):
    head = built(name)
    outputs, following = head(normal(1, 2, 5, 4)), head(normal(2, 2, 5, 4))
    actions, rewards, _, next_actions = batch()
    ended = torch.zeros(2, 5, dtype=torch.float64)
    terminal = head.errors(outputs, actions, rewards, ended, following, next_actions).losses
    other = head.errors(outputs, actions, rewards, ended, head(normal(3, 2, 5, 4)), next_actions).losses
    torch.testing.assert_close(terminal, other)
    assert (head.errors(outputs, actions, rewards, ended + 0.9, following, next_actions).losses != terminal).all()


@ALL
def test_a_shift_of_all_advantages_changes_no_dueling_output(name):
    head, features = built(name, dueling=True), normal(1, 2, 5, 4)
    before = head(features)
    with torch.no_grad():
        head.streams.advantages.bias += 2.5
    torch.testing.assert_close(head(features), before)
    value = head.streams.value(features)
    if name != "implicit":
        torch.testing.assert_close(head.streams(features).mean(2), value)


@ALL
def test_a_noisy_head_is_its_mean_network_when_the_noise_is_off(name):
    noisy, plain = built(name, noisy=True), built(name, (3,))
    with torch.no_grad():
        plain.load_state_dict({k: v for k, v in noisy.state_dict().items() if k in plain.state_dict()})
    features = normal(1, 2, 5, 4)
    assert not torch.equal(noisy(features), plain(features))
    noisy.eval()
    assert torch.equal(noisy(features), plain(features))


def test_noisy_values_average_to_those_of_the_mean_network():
    head, features = built("expected", noisy=True), normal(1, 2, 1, 4)
    draws = torch.empty(4000, 2, 1, 3, dtype=torch.float64)
    source = generators(7)
    with torch.no_grad():
        for draw in draws:
            for layer in head.modules():
                if isinstance(layer, NoisyLinear):
                    layer.redraw(source)
            draw.copy_(head(features))
        mean = head.eval()(features)
    standard_error = draws.std(0) / math.sqrt(len(draws))
    assert ((draws.mean(0) - mean).abs() < 4 * standard_error).all()


@ALL
@pytest.mark.parametrize("noisy", [False, True])
def test_a_seed_gets_the_same_bits_alone_and_among_others(name, noisy):
    make, settings, _ = HEADS[name]
    features, following = normal(1, 6, 20, 8).float(), normal(2, 6, 20, 8).float()
    actions, rewards, discounts, next_actions = batch((6, 20))

    def results(seeds, rows):
        head = make(2 * len(seeds), 8, 3, dueling=True, noisy=noisy, n_hidden=16, **settings)
        initialise(head, generators(*seeds))
        extra = (generators(*(100 + seed for seed in seeds)), 8) if name == "implicit" else ()
        outputs, later = head(features[rows], *extra), head(following[rows], *extra)
        step = (actions[rows], rewards[rows].float(), discounts[rows].float())
        losses, priorities = head.errors(outputs, *step, later, next_actions[rows])
        losses.mean().backward()
        return outputs, head.values(outputs), losses, priorities, head.streams.advantages[0].weight.grad * len(seeds)

    together = results((4, 5, 6), slice(None))
    for s, seed in enumerate((4, 5, 6)):
        rows = slice(2 * s, 2 * s + 2)
        *forward, gradient = results((seed,), rows)
        for alone, among in zip(forward, together):
            assert torch.equal(alone, among[rows])
        torch.testing.assert_close(gradient, together[-1][rows])


def test_the_implicit_head_carries_its_fractions_and_draws_as_many_as_asked():
    head, features = built("implicit", (0, 1)), normal(1, 4, 5, 4)
    drawn = head(features, generators(2, 3), 10)
    assert drawn.shape == (4, 5, 3, 2, 10)
    assert torch.equal(drawn[:, :, 0, 1], drawn[:, :, 2, 1])
    assert drawn[:, :, 0, 1].unique().numel() == 4 * 5 * 10
    fixed = head(features, n_samples=6)
    assert torch.equal(fixed[0, 0, 0, 1], midpoints(6, dtype=torch.float64))
    torch.testing.assert_close(head.values(fixed), fixed[..., 0, :].mean(-1))
    actions, rewards, discounts, next_actions = batch((4, 5))
    assert head.errors(drawn, actions, rewards, discounts, fixed, next_actions).losses.shape == (4, 5)


def test_the_errors_of_expected_values_are_those_of_q_learning():
    outputs, following = torch.tensor([[1.0, 3.0]]), torch.tensor([[4.0, 0.5]])
    zero, one = torch.tensor([0]), torch.tensor([1])
    step = (zero, torch.tensor([1.0]), torch.tensor([0.5]))
    squared = ExpectedHead(1, 1, 2).errors(outputs, *step, following, one)
    assert squared.losses.item() == pytest.approx(0.0625)
    assert squared.priorities.item() == pytest.approx(0.25)
    straight = ExpectedHead(1, 1, 2, delta=0.1).errors(outputs, *step, following, zero)
    assert straight.losses.item() == pytest.approx(0.1 * (2 - 0.05))


def test_the_priority_of_a_categorical_output_is_its_divergence_from_the_target():
    head = CategoricalHead(1, 1, 1, v_min=0.0, v_max=2.0, n_atoms=3).double()
    logits = torch.tensor([[[[0.2, 0.3, 0.5]]]], dtype=torch.float64).log()
    action, zero = torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, 1, dtype=torch.float64)
    same = head.errors(logits, action, zero, zero + 1, logits, action)
    assert same.priorities.item() == pytest.approx(0, abs=1e-12)
    assert same.losses.item() == pytest.approx(-sum(p * math.log(p) for p in (0.2, 0.3, 0.5)))
    ended = head.errors(logits, action, zero + 1.5, zero, logits, action)
    assert ended.losses.item() == pytest.approx(-0.5 * math.log(0.3 * 0.5))
    assert ended.priorities.item() == pytest.approx(0.5 * math.log(0.25 / 0.15))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExpectedHead(1, 1, 0), "at least one action, got 0: give n_actions >= 1"),
        (lambda: ExpectedHead(1, 1, 1, delta=0.0), "turns straight, got 0.0: give a number > 0, or None"),
        (lambda: QuantileHead(1, 1, 1, kappa=-1.0), "got -1.0: give a number >= 0, 0 for the pinball loss"),
        (lambda: ImplicitQuantileHead(1, 1, 1, kappa=math.nan), "got nan: give a number >= 0"),
        (lambda: ImplicitQuantileHead(1, 1, 1, n_cosines=0), "at least one cosine, got 0: give n_cosines >= 1"),
        (lambda: CategoricalHead(1, 1, 1, n_atoms=1), "at least two atoms, got 1: give n_atoms >= 2"),
    ],
)
def test_settings_that_make_no_head_are_refused(make, message):
    with pytest.raises(GameError, match=message):
        make()


# A chain of two states. Action 0 leads from state 0, for a reward of 0 or 1, to state 1, and from there, for -1 or 2,
# to the end; action 1 ends everything for -1. At a discount of 1/2 the returns of action 0 are, equally likely,
#     state 1: -1, 2 (mean 1/2)        state 0: -1/2, 1/2, 1, 2 (mean 3/4)
# if state 1 then is played well.
RETURNS = {1: [-1.0, 2.0], 0: [-0.5, 0.5, 1.0, 2.0]}
STATES, ACTIONS = torch.tensor([[0, 0, 1, 1, 0, 1]]), torch.tensor([[0, 0, 0, 0, 1, 1]])
REWARDS = torch.tensor([[0.0, 1.0, -1.0, 2.0, -1.0, -1.0]])
DISCOUNTS = torch.tensor([[0.5, 0.5, 0.0, 0.0, 0.0, 0.0]])


def solved_chain(head, steps, lr, sampling=(), width=1):
    """Descend on the chain's six equally frequent transitions, and return the outputs in both states."""
    initialise(head, generators(0))
    states = torch.eye(2).repeat_interleave(width, -1)[None]
    flat = FlatParameters(head, 1)
    optimiser = Adam(flat, lr)
    for step in range(steps):
        flat.zero_gradients()
        outputs, later = head(states[:, STATES[0]], *sampling), head(states[:, [1] * 6], *sampling).detach()
        next_actions = greedy(head.values(later))
        head.errors(outputs, ACTIONS, REWARDS, DISCOUNTS, later, next_actions).losses.sum().backward()
        optimiser.lr = lr * (1 - step / steps)
        optimiser.step()
    return head(states).detach()[0]


def test_expected_values_of_the_chain_are_the_means():
    head = ExpectedHead(1, 2, 2)
    outputs = solved_chain(head, 400, 0.05)
    torch.testing.assert_close(outputs, torch.tensor([[0.75, -1.0], [0.5, -1.0]]), atol=2e-3, rtol=0)


def test_categorical_returns_of_the_chain_are_the_projection_of_the_true_ones():
    head = CategoricalHead(1, 2, 2, v_min=-2.0, v_max=2.0, n_atoms=5)
    outputs = solved_chain(head, 600, 0.1)
    for state, returns in RETURNS.items():
        kernel = [[max(0.0, 1 - abs(y - z)) for y in returns] for z in range(-2, 3)]
        expected = torch.tensor(kernel).mean(1)
        torch.testing.assert_close(outputs[state, 0].softmax(-1), expected, atol=5e-3, rtol=0)
        assert head.values(outputs)[state, 0].item() == pytest.approx(sum(returns) / len(returns), abs=0.01)


def test_quantiles_of_the_chain_are_the_true_ones():
    head = QuantileHead(1, 2, 2, n_quantiles=4, kappa=0.02)
    outputs = solved_chain(head, 600, 0.05)
    torch.testing.assert_close(outputs[0, 0], torch.tensor(RETURNS[0]), atol=0.03, rtol=0)
    torch.testing.assert_close(outputs[1, 0], torch.tensor(RETURNS[1]).repeat_interleave(2), atol=0.03, rtol=0)


def test_implicit_quantiles_of_the_chain_are_the_true_ones():
    head = ImplicitQuantileHead(1, 64, 2, n_cosines=16, kappa=0.05)
    solved_chain(head, 500, 0.02, (generators(1), 32), width=32)
    states = torch.eye(2).repeat_interleave(32, -1)[None]
    quantiles = head(states, n_samples=4).detach()[0, :, 0, 0]
    # A step is drawn by smooth functions, so the fractions in the middle of each are compared.
    torch.testing.assert_close(quantiles[0], torch.tensor(RETURNS[0]), atol=0.1, rtol=0)
    torch.testing.assert_close(quantiles[1], torch.tensor(RETURNS[1]).repeat_interleave(2), atol=0.1, rtol=0)
    means = head.values(head(states, n_samples=64)).detach()[0]
    torch.testing.assert_close(means, torch.tensor([[0.75, -1.0], [0.5, -1.0]]), atol=0.05, rtol=0)
