"""Losses of IDQN, VDN, QMIX and QTRAN: what they are, what they move, and where they lead in one-shot games."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from marlgt.concepts import additive_projection, qtran_residual
from marlgt.deep.losses import factorisation as losses
from marlgt.deep.losses.targets import action_values, greedy, q_target
from marlgt.deep.networks.initialising import initialise
from marlgt.deep.networks.layers import Linear
from marlgt.deep.networks.mixers import JointValueNetwork, MonotoneMixer, StateValueNetwork, SumMixer
from marlgt.deep.optimisers import Adam, FlatParameters
from marlgt.errors import GameError

QTRAN = [[8, -12, -12], [-12, 0, 0], [-12, 0, 0]]
CLIMBING = [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]
TWO_STEP = [[0, 1], [1, 8]]
EITHER = [[0, 7], [7, 8]]


def penalty(k):
    return [[k, 0, 10], [0, 2, 0], [10, 0, k]]


def generators(seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def whole(high, *shape, seed=0):
    return torch.randint(0, high, shape, generator=torch.Generator().manual_seed(seed))


class Team(nn.Module):
    """Agents that see who they are and nothing else, and what a learner of their values needs beside them."""

    def __init__(self, n_seeds, n_agents, n_actions, **parts):
        super().__init__()
        self.n_seeds, self.n_agents = n_seeds, n_agents
        self.first, self.last = Linear(n_seeds, n_agents, 32), Linear(n_seeds, 32, n_actions)
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self):
        """Return features (S, 1, n, H) and utilities (S, 1, n, A)."""
        features = self.first(torch.eye(self.n_agents).expand(self.n_seeds, -1, -1)).relu()
        return features.unsqueeze(1), self.last(features).unsqueeze(1)


def every_joint_action(game, n_seeds):
    actions = torch.tensor(list(itertools.product(*map(range, np.shape(game)))))
    payoffs = torch.tensor(np.array(game).ravel(), dtype=torch.float32)
    return actions.expand(n_seeds, -1, -1), payoffs.expand(n_seeds, -1)


def descend(team, seeds, loss, steps, lr):
    """Let Adam's learning rate fall to a tenth, so that the end is near a fixed point; the loss is one number a row."""
    initialise(team, generators(seeds))
    flat = FlatParameters(team, len(seeds))
    optimiser = Adam(flat, lr)
    for step in range(steps):
        optimiser.lr = lr * (1 - 0.9 * step / steps)
        flat.zero_gradients()
        loss().mean(-1).sum().backward()
        optimiser.step()
    return team


def fit_mixed(game, seeds, mixer, *, steps, lr):
    """Return joint values (S, A_1, …, A_n), and utilities (S, n, A), learnt from all joint actions alike."""
    n_seeds, shape = len(seeds), np.shape(game)
    actions, payoffs = every_joint_action(game, n_seeds)
    states = torch.ones(n_seeds, actions.shape[1], 1)
    team = Team(n_seeds, len(shape), shape[0], mixer=mixer)

    def totals():
        utilities = team()[1].expand(-1, actions.shape[1], -1, -1)
        return team.mixer(action_values(utilities, actions), states)

    descend(team, seeds, lambda: losses.joint_loss(totals(), payoffs), steps, lr)
    with torch.no_grad():
        return totals().view(n_seeds, *shape), team()[1][:, 0]


def fit_qtran(game, seeds, *, alternative, steps, lr=1e-2):
    """Return joint values (S, A_1, …, A_n), utilities (S, n, A) and the value of the state (S,)."""
    n_seeds, shape = len(seeds), np.shape(game)
    actions, payoffs = every_joint_action(game, n_seeds)
    n_agents, n_actions, rows = len(shape), shape[0], actions.shape[1]
    team = Team(
        n_seeds,
        n_agents,
        n_actions,
        joint=JointValueNetwork(n_seeds, 32, n_agents, n_actions),
        value=StateValueNetwork(n_seeds, 32, n_agents),
    )

    def loss():
        features, utilities = team()
        values = team.value(features).expand(-1, rows)
        greedy_values = team.joint(features, greedy(utilities)).expand(-1, rows)
        features, utilities = (x.expand(-1, rows, -1, -1) for x in (features, utilities))
        taken = team.joint(features, actions)
        if not alternative:
            return losses.qtran_base_losses(utilities, actions, taken, greedy_values, values, payoffs).total()
        with torch.no_grad():
            counterfactuals = team.joint.counterfactuals(features, actions)
        return losses.qtran_alt_losses(
            utilities, actions, taken, greedy_values, counterfactuals, values, payoffs
        ).total()

    descend(team, seeds, loss, steps, lr)
    with torch.no_grad():
        features, utilities = team()
        joint = team.joint(features.expand(-1, rows, -1, -1), actions).view(n_seeds, *shape)
        return joint, utilities[:, 0], team.value(features)[:, 0]


@pytest.mark.parametrize("game", [QTRAN, CLIMBING, penalty(-100), penalty(-25), TWO_STEP])
def test_a_sum_learns_the_additive_projection(game):
    found, _ = fit_mixed(game, range(3), SumMixer(), steps=350, lr=0.05)
    assert np.abs(found.numpy() - additive_projection(game).fit).max() <= 0.02


def test_a_sum_learns_the_published_fixed_points():
    found, _ = fit_mixed(QTRAN, (0,), SumMixer(), steps=350, lr=0.05)
    assert np.abs(found[0].numpy()[:2] - [[-6.22, -4.89, -4.89], [-4.89, -3.56, -3.56]]).max() <= 0.02
    found, _ = fit_mixed(TWO_STEP, (0,), SumMixer(), steps=350, lr=0.05)
    assert np.abs(found[0].numpy() - [[-1.5, 2.5], [2.5, 6.5]]).max() <= 0.02


def test_a_monotone_mixer_learns_the_second_matrix_of_the_two_step_game():
    found, utilities = fit_mixed(TWO_STEP, range(5), MonotoneMixer(5, 2, 1), steps=500, lr=0.03)
    assert np.abs(found.numpy() - TWO_STEP).max() <= 0.02
    assert (utilities.argmax(-1) == 1).all()


def test_a_monotone_mixer_learns_no_more_than_a_sum_where_one_agent_is_enough():
    found, utilities = fit_mixed(EITHER, range(3), MonotoneMixer(3, 2, 1), steps=300, lr=0.03)
    errors = ((found.numpy() - EITHER) ** 2).sum((1, 2))
    assert (errors >= additive_projection(EITHER).squared_error - 1e-3).all()
    assert (utilities.argmax(-1) == 1).all()


def test_a_monotone_mixer_descends_to_the_published_values_of_the_matrix_game_of_qtran():
    """Son et al. 2019, table 1; the nearest monotone function has the squared error 288 and would be right."""
    found, utilities = fit_mixed(QTRAN, range(3), MonotoneMixer(3, 2, 1), steps=500, lr=0.03)
    assert np.abs(found.numpy() - [[-8, -8, -8], [-8, 0, 0], [-8, 0, 0]]).max() <= 0.3
    assert (utilities.argmax(-1) > 0).all()


@pytest.mark.parametrize(("alternative", "steps"), [(False, 400), (True, 900)])
def test_qtran_finds_the_optimum_of_its_matrix_game_and_meets_its_conditions(alternative, steps):
    joint, utilities, values = fit_qtran(QTRAN, range(3), alternative=alternative, steps=steps)
    for seed in range(3):
        parts = list(utilities[seed].double().numpy())
        residual = qtran_residual(joint[seed].double().numpy(), parts, values[seed].item())
        best = tuple(int(q.argmax()) for q in parts)
        assert best == (0, 0)
        assert np.abs(joint[seed].numpy() - QTRAN).max() <= 0.02
        assert abs(residual[best]) <= 0.01
        assert residual.min() >= -0.05
        least = max(np.abs(residual.min(axis=axis)).max() for axis in range(2))
        assert least <= 0.05 if alternative else least > 1


def test_seeds_learn_together_what_they_learn_alone():
    together = fit_qtran(QTRAN, (3, 4, 5), alternative=True, steps=30)
    alone = fit_qtran(QTRAN, (4,), alternative=True, steps=30)
    for all_seeds, own in zip(together, alone):
        assert torch.equal(all_seeds[1], own[0])
    joint, utilities = fit_mixed(CLIMBING, (3, 4, 5), MonotoneMixer(3, 2, 1), steps=30, lr=0.01)
    own_joint, own_utilities = fit_mixed(CLIMBING, (4,), MonotoneMixer(1, 2, 1), steps=30, lr=0.01)
    assert torch.equal(joint[1], own_joint[0])
    assert torch.equal(utilities[1], own_utilities[0])


def qtran_arguments():
    """Return the arguments of the alternative's losses, all of which could be moved."""
    utilities = normal(2, 5, 3, 4).requires_grad_()
    taken, best, values, targets = (normal(2, 5, seed=seed).requires_grad_() for seed in (1, 2, 3, 4))
    counterfactuals = normal(2, 5, 3, 4, seed=5).requires_grad_()
    return {
        "utilities": utilities,
        "actions": whole(4, 2, 5, 3),
        "taken_values": taken,
        "greedy_values": best,
        "counterfactual_values": counterfactuals,
        "state_values": values,
        "targets": targets,
    }


@pytest.mark.parametrize("alternative", [False, True])
def test_each_loss_of_qtran_moves_what_the_paper_lets_it_move(alternative):
    arguments = qtran_arguments()
    function = losses.qtran_alt_losses if alternative else losses.qtran_base_losses
    if not alternative:
        del arguments["counterfactual_values"]
    found = function(**arguments)
    tensors = {name: tensor for name, tensor in arguments.items() if name != "actions"}
    expected = {
        "td": {"taken_values"},
        "optimal": {"utilities", "state_values"},
        "not_optimal": {"utilities", "state_values"},
    }
    for name, loss in found._asdict().items():
        assert loss.shape == (2, 5)
        gradients = torch.autograd.grad(loss.sum(), list(tensors.values()), retain_graph=True, allow_unused=True)
        moved = {key for key, gradient in zip(tensors, gradients) if gradient is not None}
        assert moved == expected[name]
        assert all(g is None or g.abs().max() > 0 for g in gradients)


def test_the_td_loss_alone_moves_the_joint_network_and_the_first_layers():
    team = Team(2, 3, 4, joint=JointValueNetwork(2, 32, 3, 4), value=StateValueNetwork(2, 32, 3))
    initialise(team, generators((0, 1)))
    features, utilities = team()
    actions = whole(4, 2, 1, 3)
    found = losses.qtran_base_losses(
        utilities,
        actions,
        team.joint(features, actions),
        team.joint(features, greedy(utilities)),
        team.value(features),
        torch.full((2, 1), 3.0),
    )
    names = [name for name, _ in team.named_parameters()]

    def moved(loss):
        gradients = torch.autograd.grad(loss.sum(), list(team.parameters()), retain_graph=True, allow_unused=True)
        return {name.split(".")[0] for name, gradient in zip(names, gradients) if gradient is not None}

    assert moved(found.td) == {"first", "joint"}
    assert moved(found.optimal) == {"first", "last", "value"}
    assert moved(found.not_optimal) == {"first", "last", "value"}


def test_losses_of_qtran_are_what_enumeration_says():
    given = qtran_arguments()
    base = losses.qtran_base_losses(**{k: v for k, v in given.items() if k != "counterfactual_values"})
    alternative = losses.qtran_alt_losses(**given)
    for s, r in itertools.product(range(2), range(5)):
        q, u = given["utilities"][s, r].tolist(), given["actions"][s, r].tolist()
        value, taken = given["state_values"][s, r].item(), given["taken_values"][s, r].item()
        d = sum(q[i][u[i]] for i in range(3)) - taken + value
        best = sum(map(max, q)) - given["greedy_values"][s, r].item() + value
        least = [
            min(
                sum(q[j][u[j]] for j in range(3) if j != i)
                + q[i][a]
                - given["counterfactual_values"][s, r, i, a].item()
                + value
                for a in range(4)
            )
            for i in range(3)
        ]
        assert base.td[s, r].item() == pytest.approx((taken - given["targets"][s, r].item()) ** 2)
        assert base.optimal[s, r].item() == alternative.optimal[s, r].item() == pytest.approx(best**2)
        assert base.not_optimal[s, r].item() == pytest.approx(min(d, 0) ** 2)
        assert alternative.not_optimal[s, r].item() == pytest.approx(sum(x**2 for x in least) / 3)
    total = base.total(optimal_weight=2.0, not_optimal_weight=0.1)
    assert torch.allclose(total, base.td + 2 * base.optimal + 0.1 * base.not_optimal)


def test_an_action_that_is_not_allowed_counts_in_no_loss_of_qtran():
    given = qtran_arguments()
    allowed = torch.ones(2, 5, 3, 4, dtype=torch.bool)
    allowed[..., 3] = False
    given["actions"] = given["actions"] % 3
    changed = dict(given)
    for name, huge in (("utilities", 1e6), ("counterfactual_values", 1e9)):
        changed[name] = given[name].detach().masked_fill(~allowed, huge)
    first, second = (losses.qtran_alt_losses(**arguments, allowed=allowed) for arguments in (given, changed))
    for one, other in zip(first, second):
        assert torch.equal(one, other)
    after_the_end = losses.qtran_alt_losses(**given, allowed=torch.zeros_like(allowed))
    assert all(torch.isfinite(loss).all() for loss in after_the_end)


def test_counterfactual_totals_change_one_agents_action_at_a_time():
    utilities, actions = normal(2, 5, 3, 4), whole(4, 2, 5, 3)
    found = losses.counterfactual_totals(utilities, actions)
    for agent, own in itertools.product(range(3), range(4)):
        changed = actions.clone()
        changed[..., agent] = own
        expected = action_values(utilities, changed).sum(-1)
        assert torch.allclose(found[..., agent, own], expected, atol=1e-12, rtol=0)


def test_the_maximum_of_a_sum_is_the_sum_of_the_maxima():
    utilities = normal(2, 5, 3, 4)
    joint = (
        utilities[..., 0, :, None, None] + utilities[..., 1, None, :, None] + utilities[..., 2, None, None, :]
    ).flatten(2)
    found = SumMixer()(action_values(utilities, greedy(utilities)))
    assert torch.allclose(found, joint.amax(-1), atol=1e-12, rtol=0)


def test_a_monotone_mixer_bootstraps_from_its_joint_maximum():
    mixer = MonotoneMixer(2, 2, 3)
    initialise(mixer, generators((0, 1)))
    mixer.double()
    utilities, states = normal(2, 5, 2, 4), normal(2, 5, 3, seed=1)
    joint = [
        mixer(torch.stack([utilities[..., 0, a], utilities[..., 1, b]], -1), states)
        for a, b in itertools.product(range(4), repeat=2)
    ]
    found = mixer(action_values(utilities, greedy(utilities)), states)
    assert torch.allclose(found, torch.stack(joint).amax(0), atol=1e-12, rtol=0)


def test_no_gradient_reaches_a_target():
    values, targets = normal(2, 5, 3).requires_grad_(), normal(2, 5, 3, seed=1).requires_grad_()
    losses.independent_loss(values, targets).sum().backward()
    assert targets.grad is None
    assert torch.allclose(values.grad, 2 * (values - targets).detach(), atol=1e-12, rtol=0)


def test_of_one_agent_all_are_deep_q_learning():
    utilities, actions, rewards, discounts = normal(2, 5, 1, 4), whole(4, 2, 5, 1), normal(2, 5), normal(2, 5).abs()
    following = normal(2, 5, 1, 4, seed=1)
    target = q_target(rewards, discounts, following[..., 0, :])
    taken = action_values(utilities, actions)
    joint = rewards + discounts * SumMixer()(action_values(following, greedy(following)))
    expected = (taken[..., 0] - target).square()
    assert torch.equal(losses.joint_loss(SumMixer()(taken), joint), expected)
    assert torch.equal(losses.independent_loss(taken, target.unsqueeze(-1)), expected)


def test_actions_that_do_not_fit_are_refused():
    with pytest.raises(GameError, match=r"\(2, 5, 3\), got \(2, 5\): give one action to each agent"):
        losses.counterfactual_totals(normal(2, 5, 3, 4), whole(4, 2, 5))
