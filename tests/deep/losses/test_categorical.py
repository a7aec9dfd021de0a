"""The projection of categorical returns against exact fractions and a slow reference, and the cross-entropy."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlgt.deep.losses import categorical
from marlgt.deep.losses.categorical import cross_entropy, expected_values, project, return_support
from marlgt.errors import GameError

WAYS = [categorical._project_by_neighbours, categorical._project_by_kernel]
FRACTIONS = st.fractions(-6, 6, max_denominator=40)


def tensor(numbers):
    return torch.tensor([float(x) for x in numbers], dtype=torch.float64)


def projected_exactly(probabilities, reward, discount, atoms):
    spacing = atoms[1] - atoms[0]
    moved = [min(max(reward + discount * z, atoms[0]), atoms[-1]) for z in atoms]
    return [sum(p * max(0, 1 - abs(y - z) / spacing) for p, y in zip(probabilities, moved)) for z in atoms]


def projected_slowly(probabilities, reward, discount, support):
    """Follow algorithm 1 of Bellemare et al. (2017), one atom at a time."""
    low, last = support[0].item(), len(support) - 1
    spacing = (support[-1].item() - low) / last
    masses = [0.0] * len(support)
    for p, z in zip(probabilities.tolist(), support.tolist()):
        place = min(max((reward + discount * z - low) / spacing, 0.0), float(last))
        left, right = math.floor(place), math.ceil(place)
        if left == right:
            masses[left] += p
        else:
            masses[left] += p * (right - place)
            masses[right] += p * (place - left)
    return masses


@st.composite
def categorical_steps(draw):
    """Draw probabilities, a reward, a discount and atoms, all of them fractions; ties and zeros included."""
    n_atoms = draw(st.integers(2, 6))
    low, width = draw(FRACTIONS), draw(st.fractions(Fraction(1, 4), 5, max_denominator=20))
    weights = draw(st.lists(st.integers(0, 4), min_size=n_atoms, max_size=n_atoms).filter(any))
    probabilities = [Fraction(w, sum(weights)) for w in weights]
    discount = draw(st.one_of(st.just(Fraction(0)), st.fractions(0, 1, max_denominator=30)))
    atoms = [low + width * k / (n_atoms - 1) for k in range(n_atoms)]
    return probabilities, draw(FRACTIONS), discount, atoms


def floating(probabilities, reward, discount, atoms):
    support = return_support(float(atoms[0]), float(atoms[-1]), len(atoms), dtype=torch.float64)
    return tensor(probabilities), tensor([reward])[0], tensor([discount])[0], support


@given(categorical_steps())
def test_the_projection_is_that_of_exact_fractions(step):
    found = project(*floating(*step))
    assert found.tolist() == pytest.approx([float(m) for m in projected_exactly(*step)], abs=1e-12)


@given(categorical_steps())
def test_mass_is_conserved_and_so_is_the_mean_where_nothing_is_clipped(step):
    probabilities, reward, discount, atoms = step
    p, r, d, support = floating(*step)
    found = project(p, r, d, support)
    assert found.min() >= 0
    assert found.sum().item() == pytest.approx(1, abs=1e-12)
    if atoms[0] <= reward + discount * atoms[0] and reward + discount * atoms[-1] <= atoms[-1]:
        mean = reward + discount * sum(q * z for q, z in zip(probabilities, atoms))
        assert expected_values(found, support).item() == pytest.approx(float(mean), abs=1e-11)


@given(st.integers(0, 2**32 - 1))
def test_both_ways_to_project_agree_with_the_published_algorithm(seed):
    generator = torch.Generator().manual_seed(seed)
    support = return_support(-3.0, 3.0, 13, dtype=torch.float64)
    probabilities = torch.randn(2, 3, 13, generator=generator, dtype=torch.float64).softmax(-1)
    rewards = 3 * torch.randn(2, 3, generator=generator, dtype=torch.float64)
    discounts = torch.rand(2, 3, generator=generator, dtype=torch.float64)
    positions = categorical._positions(rewards[..., None] + discounts[..., None] * support, support)
    slow = torch.tensor(
        [
            [projected_slowly(probabilities[i, j], rewards[i, j].item(), discounts[i, j].item(), support)]
            for i in range(2)
            for j in range(3)
        ],
        dtype=torch.float64,
    ).view(2, 3, 13)
    for way in WAYS:
        torch.testing.assert_close(way(probabilities, positions), slow, atol=1e-12, rtol=0)


def test_a_row_projects_to_the_same_bits_alone_and_among_others():
    generator = torch.Generator().manual_seed(0)
    support = return_support(-10.0, 10.0, 51)
    probabilities = torch.randn(300, 51, generator=generator).softmax(-1)
    rewards, discounts = torch.randn(300, generator=generator), torch.rand(300, generator=generator)
    together = project(probabilities, rewards, discounts, support)
    means = expected_values(together, support)
    for k in (0, 17, 299):
        alone = project(probabilities[k], rewards[k], discounts[k], support)
        assert torch.equal(alone, together[k])
        assert torch.equal(expected_values(alone, support), means[k])


def test_a_terminal_step_projects_the_reward_itself():
    support = return_support(-10.0, 10.0, 51, dtype=torch.float64)
    uniform = torch.full((51,), 1 / 51, dtype=torch.float64)
    found = project(uniform, torch.tensor(1.3, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64), support)
    expected = torch.zeros(51, dtype=torch.float64)
    expected[28], expected[29] = 0.75, 0.25
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


def test_the_cross_entropy_is_the_closed_form_with_slope_output_less_target():
    probabilities, target = tensor([0.5, 0.25, 0.25]), tensor([0.25, 0.75, 0])
    logits = (probabilities.log() + 3.0).requires_grad_()
    loss = cross_entropy(logits, target)
    assert loss.item() == pytest.approx(0.25 * math.log(2) + 0.75 * math.log(4))
    loss.backward()
    torch.testing.assert_close(logits.grad, probabilities - target)
    batch = torch.randn(3, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: cross_entropy(x, target), batch)


def test_the_projection_lets_gradients_through_to_the_probabilities():
    support = return_support(-1.0, 1.0, 5, dtype=torch.float64)
    probabilities = tensor([0.1, 0.2, 0.3, 0.3, 0.1]).requires_grad_()
    reward, discount = torch.tensor(0.13, dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: project(p, reward, discount, support), probabilities)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1.0, 1.0, 1), "at least two atoms, got 1: give n_atoms >= 2"),
        ((1.0, 1.0, 5), "finite bounds v_min < v_max, got 1.0 and 1.0"),
        ((-math.inf, 1.0, 5), "finite bounds v_min < v_max, got -inf and 1.0"),
        ((math.nan, 1.0, 5), "finite bounds v_min < v_max, got nan and 1.0"),
    ],
)
def test_a_support_that_is_none_is_refused(arguments, message):
    with pytest.raises(GameError, match=message):
        return_support(*arguments)
