"""Mixers never fall in a utility, keep individual global max, and give each seed what it gets alone."""

import itertools

import pytest
import torch

from marlgt.concepts import individual_global_max
from marlgt.deep.networks.initialising import initialise
from marlgt.deep.networks.mixers import JointTable, JointValueNetwork, MonotoneMixer, StateValueNetwork, SumMixer
from marlgt.errors import GameError

MIXERS = [
    pytest.param(layers, monotone, id=f"{layers}-{monotone}")
    for layers, monotone in itertools.product((1, 2), ("absolute", "softplus"))
]


def generators(seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def drawn(module, seeds):
    initialise(module, generators(seeds))
    return module


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_sum_mixer_adds_the_utilities_up_and_needs_no_state():
    utilities = normal(2, 4, 5, 3)
    assert torch.equal(SumMixer()(utilities, None), utilities.sum(-1))
    assert list(SumMixer().parameters()) == []


def test_of_one_agent_the_sum_mixer_gives_her_own_value():
    utilities = normal(2, 4, 1)
    assert torch.equal(SumMixer()(utilities), utilities[..., 0])


@pytest.mark.parametrize(("layers", "monotone"), MIXERS)
def test_the_joint_value_never_falls_in_a_utility(layers, monotone):
    mixer = drawn(MonotoneMixer(2, 4, 6, hypernetwork_layers=layers, monotone=monotone), (0, 1))
    utilities = (10 * normal(2, 5_000, 4)).requires_grad_()
    mixer(utilities, 3 * normal(2, 5_000, 6, seed=1)).sum().backward()
    assert utilities.grad.min() >= 0
    assert (utilities.grad > 0).float().mean() > 0.99


def test_softplus_keeps_the_joint_value_rising_where_the_absolute_weights_are_0():
    slopes = {}
    for monotone in ("absolute", "softplus"):
        utilities = normal(1, 50, 2).requires_grad_()
        # Parameters begin at 0, so that all hypernetworks give 0.
        MonotoneMixer(1, 2, 3, monotone=monotone)(utilities, normal(1, 50, 3)).sum().backward()
        slopes[monotone] = utilities.grad
    assert slopes["absolute"].abs().max() == 0
    assert slopes["softplus"].min() > 0


@pytest.mark.parametrize(("layers", "monotone"), MIXERS)
def test_the_agents_own_best_actions_are_a_best_joint_action(layers, monotone):
    for n_agents, n_actions in ((1, 4), (2, 4), (3, 3), (3, 4)):
        mixer = drawn(MonotoneMixer(3, n_agents, 2, hypernetwork_layers=layers, monotone=monotone), range(3)).double()
        utilities = 3 * normal(3, n_agents, n_actions, seed=n_agents + 10 * n_actions).double()
        actions = torch.tensor(list(itertools.product(range(n_actions), repeat=n_agents)))
        rows = utilities.unsqueeze(1).expand(-1, len(actions), -1, -1).gather(-1, actions.expand(3, -1, -1)[..., None])
        states = normal(3, 1, 2, seed=5).double().expand(-1, len(actions), -1)
        totals = mixer(rows.squeeze(-1), states).detach()
        for seed in range(3):
            joint = totals[seed].view((n_actions,) * n_agents).numpy()
            found = individual_global_max(joint, list(utilities[seed].numpy()))
            assert found.holds
            assert found.equal


@pytest.mark.parametrize("layers", [1, 2])
def test_the_mixer_follows_its_formula(layers):
    mixer = drawn(MonotoneMixer(1, 3, 4, embedding=5, hypernetwork_layers=layers, hidden=6), (0,)).double()
    q, s = normal(1, 1, 3).double(), normal(1, 1, 4, seed=1).double()
    made = (s[0, 0] @ mixer.lower.weight[0] + mixer.lower.bias[0, 0]).split(
        [15, 5, 5, 5] if layers == 1 else [6, 6, 5, 5]
    )
    first, second, value, shift = made
    if layers == 2:
        first, second = (
            part.relu() @ upper.weight[0] + upper.bias[0, 0] for part, upper in zip((first, second), mixer.upper)
        )
    hidden = torch.nn.functional.elu(q[0, 0] @ first.abs().view(3, 5) + shift)
    expected = hidden @ second.abs() + value.relu() @ mixer.value.weight[0, :, 0] + mixer.value.bias[0, 0, 0]
    assert mixer(q, s).item() == pytest.approx(expected.item(), abs=1e-12)


def test_the_value_of_the_state_may_be_negative_and_bends():
    mixer = drawn(MonotoneMixer(1, 2, 1), (3,))
    states = torch.linspace(-20, 20, 41).view(1, -1, 1)
    with torch.no_grad():
        mixer.lower.weight[..., : 2 * 32 + 32] = 0
        mixer.lower.bias[..., : 2 * 32 + 32] = 0
        totals = mixer(torch.zeros(1, 41, 2), states)[0]
    assert totals.min() < 0
    assert totals.diff().diff().abs().max() > 1e-3


@pytest.mark.parametrize("make", [
    lambda seeds: MonotoneMixer(seeds, 3, 5),
    lambda seeds: MonotoneMixer(seeds, 3, 5, hypernetwork_layers=2, monotone="softplus"),
])  # fmt: skip
def test_a_seed_gets_the_bits_from_the_mixer_that_it_gets_alone(make):
    utilities, states = normal(3, 32, 3), normal(3, 32, 5, seed=1)
    together = drawn(make(3), (7, 8, 9))
    totals = together(utilities, states)
    totals.square().mean(-1).sum().backward()
    for row, seed in enumerate((7, 8, 9)):
        alone = drawn(make(1), (seed,))
        own = alone(utilities[row : row + 1], states[row : row + 1])
        own.square().mean(-1).sum().backward()
        assert torch.equal(own[0], totals[row])
        for mine, all_seeds in zip(alone.parameters(), together.parameters()):
            assert torch.equal(mine.grad[0], all_seeds.grad[row])


def test_a_gradient_reaches_every_parameter():
    utilities, states, features = normal(2, 40, 3), normal(2, 40, 5, seed=1), normal(2, 40, 3, 6, seed=2)
    actions = torch.randint(0, 4, (2, 40, 3), generator=torch.Generator().manual_seed(3))
    outputs = {
        "one layer": (m := drawn(MonotoneMixer(2, 3, 5), (0, 1)), m(utilities, states)),
        "two layers": (m := drawn(MonotoneMixer(2, 3, 5, hypernetwork_layers=2), (0, 1)), m(utilities, states)),
        "joint": (m := drawn(JointValueNetwork(2, 6, 3, 4, 5), (0, 1)), m(features, actions, states)),
        "table": (m := drawn(JointTable(2, 6, 3, 4, 5), (0, 1)), m(features, actions, states)),
        "value": (m := drawn(StateValueNetwork(2, 6, 3, 5), (0, 1)), m(features, states)),
    }
    for module, output in outputs.values():
        output.square().sum().backward()
        for parameter in module.parameters():
            assert (parameter.grad.flatten(1).abs().amax(-1) > 0).all()


@pytest.mark.parametrize("kind", [JointValueNetwork, JointTable])
@pytest.mark.parametrize("state_size", [0, 2])
def test_counterfactual_values_are_those_of_the_joint_actions(kind, state_size):
    network = drawn(kind(2, 5, 3, 4, state_size), (0, 1)).double()
    features = normal(2, 6, 3, 5).double()
    states = normal(2, 6, 2, seed=1).double() if state_size else None
    actions = torch.randint(0, 4, (2, 6, 3), generator=torch.Generator().manual_seed(2))
    found = network.counterfactuals(features, actions, states)
    assert found.shape == (2, 6, 3, 4)
    for agent, own in itertools.product(range(3), range(4)):
        changed = actions.clone()
        changed[..., agent] = own
        assert torch.allclose(found[..., agent, own], network(features, changed, states), atol=1e-12, rtol=0)


def test_the_table_lists_joint_actions_with_the_last_agent_fastest():
    network = drawn(JointTable(2, 5, 3, 2), (0, 1))
    features = normal(2, 4, 3, 5)
    table = network.table(features)
    assert table.shape == (2, 4, 2, 2, 2)
    for joint in itertools.product(range(2), repeat=3):
        values = network(features, torch.tensor(joint).expand(2, 4, 3))
        assert torch.equal(table[(..., *joint)], values)


def test_the_joint_network_tells_agents_apart_that_have_the_same_features():
    network = drawn(JointValueNetwork(1, 3, 2, 3), (0,))
    features = torch.ones(1, 1, 2, 3)
    values = [network(features, torch.tensor([[pair]])).item() for pair in ([0, 1], [1, 0])]
    assert abs(values[0] - values[1]) > 1e-4


@pytest.mark.parametrize("axes", [(6,), (2, 3), (1, 2, 3)])
def test_networks_take_any_axes_between_seeds_and_agents(axes):
    utilities, states, features = normal(2, 6, 3), normal(2, 6, 5, seed=1), normal(2, 6, 3, 4, seed=2)
    actions = torch.randint(0, 2, (2, 6, 3), generator=torch.Generator().manual_seed(3))

    def shaped(x, trailing):
        return x.view(2, *axes, *x.shape[x.dim() - trailing :])

    u, s, f, a = shaped(utilities, 1), shaped(states, 1), shaped(features, 2), shaped(actions, 1)
    mixer, joint = drawn(MonotoneMixer(2, 3, 5), (0, 1)), drawn(JointValueNetwork(2, 4, 3, 2, 5), (0, 1))
    value = drawn(StateValueNetwork(2, 4, 3, 5), (0, 1))
    assert torch.equal(mixer(u, s), mixer(utilities, states).view(2, *axes))
    assert torch.equal(joint(f, a, s), joint(features, actions, states).view(2, *axes))
    assert joint.counterfactuals(f, a, s).shape == (2, *axes, 3, 2)
    assert torch.equal(value(f, s), value(features, states).view(2, *axes))


def test_a_seed_gets_the_values_from_joint_networks_that_it_gets_alone():
    features, states = normal(3, 32, 3, 6), normal(3, 32, 5, seed=1)
    actions = torch.randint(0, 4, (3, 32, 3), generator=torch.Generator().manual_seed(3))
    for kind in (JointValueNetwork, JointTable):
        together, alone = drawn(kind(3, 6, 3, 4, 5), (4, 5, 6)), drawn(kind(1, 6, 3, 4, 5), (5,))
        own = alone(features[1:2], actions[1:2], states[1:2])
        assert torch.equal(own[0], together(features, actions, states)[1])


def test_the_joint_network_can_be_moved_by_the_first_layers_of_the_agents():
    network = drawn(JointValueNetwork(1, 4, 2, 3), (0,))
    features = normal(1, 8, 2, 4).requires_grad_()
    network(features, torch.zeros(1, 8, 2, dtype=torch.int64)).sum().backward()
    assert (features.grad.abs().sum(-1) > 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hypernetwork_layers": 3}, "hypernetwork_layers must be 1 or 2, got 3"),
        ({"monotone": "square"}, "monotone must be 'absolute' or 'softplus', got 'square'"),
        ({"state_size": 0}, "got a state of size 0: give the task a state"),
    ],
)
def test_a_mixer_that_cannot_be_built_is_refused(options, message):
    with pytest.raises(GameError, match=message):
        MonotoneMixer(**{"n_seeds": 1, "n_agents": 2, "state_size": 3, **options})


def test_a_table_of_too_many_joint_actions_is_refused():
    with pytest.raises(GameError, match=r"got 9\^4 = 6561: use JointValueNetwork"):
        JointTable(1, 4, 4, 9)


@pytest.mark.parametrize(("layers", "monotone"), MIXERS)
def test_what_a_utility_adds_never_falls_in_another_utility(layers, monotone):
    mixer = drawn(MonotoneMixer(2, 3, 4, hypernetwork_layers=layers, monotone=monotone), (0, 1)).double()
    base, states = normal(2, 2_000, 3).double(), 3 * normal(2, 2_000, 4, seed=1).double()
    up = normal(2, 2_000, 2, seed=2).double().abs()

    def raised(first, second):
        step = torch.stack([first * up[..., 0], second * up[..., 1], torch.zeros(2, 2_000)], dim=-1)
        return mixer(base + step, states)

    differences = raised(1, 1) - raised(1, 0) - raised(0, 1) + raised(0, 0)
    assert differences.min() >= -1e-10
    assert (differences > 1e-6).double().mean() > 0.5
