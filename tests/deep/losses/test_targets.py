"""Greedy actions under masks, targets of Q-learning, Huber's loss and the dueling decomposition."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlgt.deep.losses.targets import (
    action_values,
    dueling,
    greedy,
    huber,
    max_value,
    maximisation_bias,
    q_target,
)
from marlgt.errors import GameError

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, *shape, levels=None):
    generator = torch.Generator().manual_seed(seed)
    if levels is None:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)
    return torch.randint(0, levels, shape, generator=generator).double()


def masks(seed, *shape):
    """Draw masks that allow at least one action in every row."""
    generator = torch.Generator().manual_seed(seed)
    allowed = torch.rand(*shape, generator=generator) < 0.4
    sure = torch.randint(0, shape[-1], shape[:-1], generator=generator)
    return allowed | torch.nn.functional.one_hot(sure, shape[-1]).bool()


@given(SEEDS, st.integers(1, 5))
def test_the_greedy_action_is_the_first_best_of_the_allowed_ones(seed, n_actions):
    values, allowed = drawn(seed, 4, 3, n_actions, levels=3), masks(seed + 1, 4, 3, n_actions)
    found = greedy(values, allowed)
    for row, mask, action in zip(values.view(-1, n_actions), allowed.view(-1, n_actions), found.flatten()):
        choices = [a for a in range(n_actions) if mask[a]]
        assert action == max(choices, key=lambda a: (row[a].item(), -a))


@given(SEEDS, st.booleans())
def test_what_is_forbidden_never_enters_a_target(seed, double):
    allowed = masks(seed, 6, 4)
    target, online = drawn(seed + 1, 6, 4), drawn(seed + 2, 6, 4) if double else None
    rewards, discounts = drawn(seed + 3, 6), torch.full((6,), 0.9, dtype=torch.float64)
    before = q_target(rewards, discounts, target, allowed, online)
    spoilt = target.masked_fill(~allowed, 1e9)
    misled = None if online is None else online.masked_fill(~allowed, 1e9)
    assert torch.equal(q_target(rewards, discounts, spoilt, allowed, misled), before)


def test_a_mask_that_allows_nothing_is_harmless():
    allowed = torch.tensor([[True, False], [False, False]])
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert greedy(values, allowed).tolist() == [0, 0]
    assert max_value(values, allowed).isfinite().all()
    ended = q_target(torch.tensor([1.0, 1.0]), torch.tensor([0.9, 0.0]), values, allowed, values)
    assert ended.tolist() == pytest.approx([1.9, 1.0])


def test_double_learning_values_the_online_choice_by_the_target():
    online, target = torch.tensor([[1.0, 3.0, 2.0]]), torch.tensor([[4.0, 0.5, 2.5]])
    one = torch.ones(1)
    assert q_target(one, 0.9 * one, target).item() == pytest.approx(4.6)
    assert q_target(one, 0.9 * one, target, None, online).item() == pytest.approx(1.45)
    forbidding = torch.tensor([[True, False, True]])
    assert q_target(one, 0.9 * one, target, forbidding, online).item() == pytest.approx(1 + 0.9 * 2.5)


@given(SEEDS, st.floats(0, 1))
def test_truncation_keeps_the_value_that_termination_drops(seed, gamma):
    rewards, values = drawn(seed, 5), drawn(seed + 1, 5, 3)
    terminated = torch.zeros(5, dtype=torch.float64)
    truncated = torch.full((5,), gamma, dtype=torch.float64)
    gap = q_target(rewards, truncated, values) - q_target(rewards, terminated, values)
    torch.testing.assert_close(gap, gamma * max_value(values))


def test_a_target_carries_a_gradient_only_where_its_arguments_do():
    weight = torch.tensor(2.0, requires_grad=True)
    assert q_target(torch.ones(1), torch.ones(1), (weight * torch.ones(1, 2))).requires_grad
    assert not q_target(torch.ones(1), torch.ones(1), (weight * torch.ones(1, 2)).detach()).requires_grad


@given(SEEDS)
def test_the_values_of_actions_keep_the_axes_of_the_atoms(seed):
    values = drawn(seed, 2, 3, 4, 5, 6)
    actions = torch.randint(0, 4, (2, 3), generator=torch.Generator().manual_seed(seed))
    found = action_values(values, actions)
    assert found.shape == (2, 3, 5, 6)
    for s in range(2):
        for r in range(3):
            assert torch.equal(found[s, r], values[s, r, actions[s, r]])


@pytest.mark.parametrize("delta", [0.3, 1.0, math.inf])
def test_hubers_loss_and_its_slope_are_the_closed_form(delta):
    errors = torch.tensor([-7.0, -0.2, 0.0, 0.25, 3.0], dtype=torch.float64, requires_grad=True)
    expected = [0.5 * u * u if abs(u) <= delta else delta * (abs(u) - 0.5 * delta) for u in errors.tolist()]
    losses = huber(errors, delta)
    assert losses.tolist() == pytest.approx(expected, abs=1e-15)
    losses.sum().backward()
    assert errors.grad.tolist() == pytest.approx([max(-delta, min(delta, u)) for u in errors.tolist()])
    assert torch.autograd.gradcheck(lambda u: huber(u, delta), errors)


@given(SEEDS, st.floats(-5, 5))
def test_a_shift_between_value_and_advantages_leaves_a_dueling_output_as_it_was(seed, shift):
    value, advantages = drawn(seed, 3), drawn(seed + 1, 3, 4)
    for by_maximum in (False, True):
        joined = dueling(value, advantages, by_maximum=by_maximum)
        torch.testing.assert_close(dueling(value, advantages + shift, by_maximum=by_maximum), joined)
        level = joined.amax(-1) if by_maximum else joined.mean(-1)
        torch.testing.assert_close(level, value)


def test_dueling_joins_atom_by_atom():
    value, advantages = drawn(0, 2, 5), drawn(1, 2, 3, 5)
    joined = dueling(value, advantages, axis=-2)
    for z in range(5):
        torch.testing.assert_close(joined[..., z], dueling(value[..., z], advantages[..., z]))


def test_the_maximum_over_noisy_values_is_biased_and_double_learning_is_not():
    assert maximisation_bias(1) == pytest.approx(0, abs=1e-12)
    assert maximisation_bias(2, 3.0) == pytest.approx(3 / math.sqrt(math.pi), abs=1e-12)
    noise = drawn(0, 2, 200_000, 5)
    zero, one = torch.zeros(200_000, dtype=torch.float64), torch.ones(200_000, dtype=torch.float64)
    standard_error = 3 / math.sqrt(200_000)
    assert abs(q_target(zero, one, noise[0]).mean().item() - maximisation_bias(5)) < standard_error
    assert abs(q_target(zero, one, noise[0], None, noise[1]).mean().item()) < standard_error


def test_the_bias_of_no_actions_is_refused():
    with pytest.raises(GameError, match="at least one action, got 0: give n_actions >= 1"):
        maximisation_bias(0)
