"""Laws of actions against torch.distributions, finite differences and their samples, and seeds alone and together."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import distributions

from marlgt.deep.networks.initialising import initialise
from marlgt.deep.policies.categorical import Categorical
from marlgt.deep.policies.diagonal_gaussian import DiagonalGaussian
from marlgt.deep.policies.heads import LOG_SCALES, PolicyHead
from marlgt.deep.policies.law import law_of
from marlgt.deep.policies.multi_categorical import MultiCategorical
from marlgt.deep.policies.squashed_gaussian import SquashedGaussian, log_slope, pre_image
from marlgt.errors import GameError

LAWS = {
    "categorical": Categorical(4),
    "lone": Categorical(1),
    "even": MultiCategorical((3, 3)),
    "uneven": MultiCategorical((2, 5, 1)),
    "gaussian": DiagonalGaussian(3),
    "gaussian1": DiagonalGaussian(1),
    "squashed": SquashedGaussian(3),
}
law_cases = pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
CHOICES = {name: law for name, law in LAWS.items() if not law.n_scales}
choice_cases = pytest.mark.parametrize("law", CHOICES.values(), ids=list(CHOICES))


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def outputs_of(law, *shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, law.n_outputs, generator=generators(seed)[0], dtype=dtype)


def references(law, outputs):
    """Give the same law as torch's own distributions, one for each part of an action."""
    if isinstance(law, Categorical):
        return [distributions.Categorical(logits=outputs)]
    if isinstance(law, MultiCategorical):
        return [distributions.Categorical(logits=part) for part in outputs.split(law.choices, dim=-1)]
    means, log_scales = outputs.chunk(2, dim=-1)
    normal = distributions.Normal(means, log_scales.exp())
    if isinstance(law, SquashedGaussian):
        return [distributions.TransformedDistribution(normal, [distributions.TanhTransform(cache_size=1)])]
    return [normal]


def summed(law, parts):
    """Sum over the parts of an action."""
    total = sum(parts)
    return total.sum(-1) if law.n_scales else total


def split(law, actions):
    return list(actions.unbind(-1)) if isinstance(law, MultiCategorical) else [actions]


@law_cases
def test_log_probabilities_are_those_of_torch(law):
    # Small enough that tanh tells all numbers apart, which torch's own transform needs.
    outputs = 0.3 * outputs_of(law, 2, 5, 3)
    actions = law.sample(outputs, generators(1, 2))
    expected = summed(law, [d.log_prob(a) for d, a in zip(references(law, outputs), split(law, actions))])
    torch.testing.assert_close(law.log_probability(outputs, actions), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in LAWS if name != "squashed"])
def test_entropies_are_those_of_torch(name):
    law = LAWS[name]
    outputs = outputs_of(law, 2, 5, 3)
    expected = summed(law, [d.entropy() for d in references(law, outputs)])
    torch.testing.assert_close(law.entropy(outputs), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in LAWS if name != "squashed"])
def test_divergences_are_those_of_torch(name):
    law = LAWS[name]
    old, new = outputs_of(law, 2, 5, 3), outputs_of(law, 2, 5, 3, seed=1)
    pairs = zip(references(law, old), references(law, new))
    expected = summed(law, [distributions.kl_divergence(one, other) for one, other in pairs])
    torch.testing.assert_close(law.divergence(old, new), expected, rtol=1e-9, atol=1e-9)


@law_cases
def test_a_divergence_is_0_from_itself_and_the_same_for_small_steps_there_and_back(law):
    outputs = outputs_of(law, 4)
    assert law.divergence(outputs, outputs).abs().max() < 1e-12
    step = 1e-4 * outputs_of(law, 4, seed=2)
    there, back = law.divergence(outputs, outputs + step), law.divergence(outputs, outputs - step)
    torch.testing.assert_close(there, back, rtol=2e-2, atol=1e-13)
    assert (there >= 0).all()


@law_cases
def test_gradients_are_those_of_finite_differences(law):
    outputs = outputs_of(law, 1, 3, 2).requires_grad_()
    actions = law.sample(outputs.detach(), generators(4))
    other = outputs_of(law, 1, 3, 2, seed=5)
    assert torch.autograd.gradcheck(lambda x: law.log_probability(x, actions), outputs)
    assert torch.autograd.gradcheck(law.entropy, outputs)
    assert torch.autograd.gradcheck(lambda x: law.divergence(other, x), outputs)


@choice_cases
def test_samples_pass_a_chi_squared_test(law):
    outputs = outputs_of(law, 1, 1)
    drawn = law.sample(outputs.expand(1, 20_000, -1), generators(6))[0]
    for reference, column in zip(references(law, outputs[0, 0]), split(law, drawn)):
        counts = np.bincount(column.numpy(), minlength=len(reference.probs))
        if len(counts) > 1:
            expected = reference.probs.numpy() / reference.probs.numpy().sum() * 20_000
            assert stats.chisquare(counts, expected).pvalue > 1e-3
        else:
            assert counts.tolist() == [20_000]


@pytest.mark.parametrize("name", ["gaussian", "squashed"])
def test_samples_of_numbers_have_the_law_by_kolmogorov_and_smirnov(name):
    law = LAWS[name]
    outputs = outputs_of(law, 1, 1)
    drawn = law.sample(outputs.expand(1, 20_000, -1), generators(7))[0]
    means, log_scales = outputs[0, 0].chunk(2)
    for j in range(3):
        column = drawn[:, j] if name == "gaussian" else pre_image(drawn[:, j])
        assert stats.kstest(column.numpy(), "norm", (means[j].item(), log_scales[j].exp().item())).pvalue > 1e-3


@law_cases
def test_samples_and_modes_have_the_shape_and_kind_of_actions(law):
    outputs = outputs_of(law, 2, 5, 3, dtype=torch.float32)
    for actions in (law.sample(outputs, generators(1, 2)), law.mode(outputs)):
        assert actions.shape == (2, 5, 3, *law.action_shape)
        assert actions.dtype == law.action_dtype


@pytest.mark.parametrize("name", [name for name in LAWS if name != "squashed"])
def test_a_mode_is_at_least_as_probable_as_any_sample(name):
    law = LAWS[name]
    outputs = outputs_of(law, 1, 1).expand(1, 200, -1)
    best = law.log_probability(outputs, law.mode(outputs))
    assert (best >= law.log_probability(outputs, law.sample(outputs, generators(8)))).all()


def test_half_of_the_squashed_samples_lie_below_the_mode():
    law = SquashedGaussian(2)
    outputs = torch.tensor([0.8, -0.3, 0.2, -0.5])
    drawn = law.sample(outputs.expand(1, 20_000, -1), generators(8))
    below = (drawn < law.mode(outputs)).float().mean((0, 1))
    assert (below - 0.5).abs().max() < 4 * 0.5 / math.sqrt(20_000)


@law_cases
@pytest.mark.parametrize("copies", [1, 5, 16])
def test_a_seed_gets_the_bits_that_it_gets_alone(law, copies):
    outputs = outputs_of(law, 3, copies, 2, dtype=torch.float32) * 3
    allowed = None
    if not law.n_scales:
        allowed = torch.rand(outputs.shape, generator=generators(9)[0]) < 0.6
        allowed[..., 0] = True

    def everything(rows, *seeds):
        own = outputs[rows].clone().requires_grad_()
        masked = law.masked(own, None if allowed is None else allowed[rows])
        actions = law.sample(masked.detach(), generators(*seeds))
        chosen, entropies = law.log_probability(masked, actions), law.entropy(masked)
        divergences = law.divergence(masked.detach().roll(1, 1), masked)
        (chosen.sum() + entropies.sum() + divergences.sum()).backward()
        return [actions, chosen, entropies, divergences, law.mode(masked), own.grad]

    together = everything(slice(None), 10, 11, 12)
    for s in range(3):
        for mine, ours in zip(everything(slice(s, s + 1), 10 + s), together):
            assert torch.equal(mine[0], ours[s])


@choice_cases
def test_what_is_masked_has_probability_0_no_part_in_the_entropy_and_no_gradient(law):
    outputs = outputs_of(law, 1, 500, dtype=torch.float32)
    allowed = torch.rand(outputs.shape, generator=generators(13)[0]) < 0.5
    firsts = np.cumsum([0, *getattr(law, "choices", ())[:-1]])
    allowed[..., firsts] = True
    outputs.requires_grad_()
    masked = law.masked(outputs, allowed)
    actions = law.sample(masked.detach(), generators(14))
    for taken in (actions, law.mode(masked)):
        places = taken.unsqueeze(-1) if isinstance(law, Categorical) else taken + torch.tensor(firsts)
        assert allowed.gather(-1, places).all()
    parts = [masked] if isinstance(law, Categorical) else masked.split(law.choices, dim=-1)
    probabilities = torch.cat([part.softmax(-1) for part in parts], dim=-1)
    assert (probabilities[~allowed] == 0).all()
    smaller = [-(p * p.clamp(min=1e-30).log()).sum(-1) for p in (part.softmax(-1) for part in parts)]
    torch.testing.assert_close(law.entropy(masked), sum(smaller), atol=1e-5, rtol=1e-5)
    other = law.masked(outputs_of(law, 1, 500, seed=3, dtype=torch.float32), allowed)
    total = law.entropy(masked) + law.log_probability(masked, actions) + law.divergence(other, masked)
    assert torch.isfinite(total).all()
    total.sum().backward()
    assert torch.isfinite(outputs.grad).all()
    assert (outputs.grad[~allowed] == 0).all()


def test_what_is_masked_is_not_drawn_even_where_the_uniform_number_is_0(monkeypatch):
    # The chance of an exact 0 is 2^-24 a number: it is brought about here.
    law = Categorical(3)
    outputs = law.masked(torch.zeros(1, 4, 3), torch.tensor([False, True, False]))

    def at_the_end(tensor, least, most, generator=None):
        return tensor.fill_(least) if at_the_end.low else tensor.fill_(1.0 - 2.0**-24)

    monkeypatch.setattr(torch.Tensor, "uniform_", at_the_end)
    for at_the_end.low in (True, False):
        assert law.sample(outputs, generators(0)).tolist() == [[1] * 4]


@law_cases
def test_no_mask_gives_the_same_tensor(law):
    outputs = outputs_of(law, 2)
    assert law.masked(outputs, None) is outputs
    assert law.masked(outputs, torch.ones(2, 0, dtype=torch.bool)) is outputs


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(GameError, match="an entry for each of the 3 outputs, got 2"):
        Categorical(3).masked(torch.zeros(1, 3), torch.ones(1, 2, dtype=torch.bool))


def test_the_entropy_of_squashed_numbers_is_near_that_of_many_samples():
    law = SquashedGaussian(2)
    outputs = torch.tensor([0.4, -1.5, -0.7, 0.0], dtype=torch.float64)
    many = law.sample(outputs.expand(1, 400_000, -1), generators(15))
    losses = -law.log_probability(outputs, many)
    error = losses.std() / math.sqrt(losses.numel())
    assert (losses.mean() - law.entropy(outputs)).abs() < 4 * error


def test_the_entropy_of_squashed_numbers_is_that_of_a_fine_integral():
    law, points = SquashedGaussian(1), torch.linspace(-12.0, 12.0, 100_001, dtype=torch.float64)
    density = torch.exp(-0.5 * points.square()) / math.sqrt(2 * math.pi)
    for log_scale, bound in ((-5.0, 1e-9), (-1.0, 1e-6), (0.0, 2e-5), (1.0, 0.02), (2.0, 0.25)):
        for mean in (-5.0, -1.0, 0.0, 0.5, 3.0):
            added = (density * log_slope(mean + math.exp(log_scale) * points)).sum() * (points[1] - points[0])
            exact = log_scale + 0.5 * (1 + math.log(2 * math.pi)) + added
            assert abs(law.entropy(torch.tensor([mean, log_scale], dtype=torch.float64)) - exact) < bound


def test_squashed_numbers_at_the_bounds_have_finite_probabilities_and_gradients():
    law = SquashedGaussian(1)
    outputs = torch.tensor([[0.0, 0.0], [50.0, -5.0], [-50.0, 2.0]], requires_grad=True)
    chances = law.log_probability(outputs, torch.tensor([[1.0], [1.0], [-1.0]]))
    chances.sum().backward()
    assert torch.isfinite(chances).all()
    assert torch.isfinite(outputs.grad).all()
    assert torch.isfinite(log_slope(torch.tensor([-1e4, 0.0, 1e4]))).all()


def test_the_density_of_squashed_numbers_integrates_to_1():
    law, actions = SquashedGaussian(1), torch.linspace(-0.99999, 0.99999, 200_001, dtype=torch.float64)
    outputs = torch.tensor([0.3, -0.4], dtype=torch.float64)
    density = law.log_probability(outputs, actions.unsqueeze(-1)).exp()
    assert abs(torch.trapezoid(density, actions).item() - 1.0) < 1e-6


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ((4, 0, ()), Categorical),
        ((0, 0, (2, 3)), MultiCategorical),
        ((0, 2, ()), DiagonalGaussian),
        ((0, 2, (), True), SquashedGaussian),
    ],
)
def test_the_law_is_that_of_the_actions(told, kind):
    assert type(law_of(*told)) is kind


@pytest.mark.parametrize("told", [(0, 0, ()), (2, 1, ()), (2, 0, (2,)), (0, 1, (2, 2))])
def test_actions_of_no_kind_or_of_two_are_refused(told):
    with pytest.raises(GameError, match="either one choice, several choices, or numbers"):
        law_of(*told)


def test_laws_of_nothing_are_refused():
    with pytest.raises(GameError, match="at least one action, got 0"):
        Categorical(0)
    with pytest.raises(GameError, match="sizes of at least 1"):
        MultiCategorical((2, 0))
    with pytest.raises(GameError, match="at least one number, got 0"):
        DiagonalGaussian(0)
    with pytest.raises(GameError, match="one generator for each seed"):
        Categorical(2).sample(torch.zeros(2, 1, 2), generators(0))


@law_cases
def test_a_head_begins_with_nearly_equal_chances_and_each_seed_with_its_own_weights(law):
    features = torch.randn(4, 7, 8, generator=generators(16)[0])
    head = PolicyHead(4, 8, law, log_scale=-0.5)
    initialise(head, generators(17, 18))
    outputs = head(features)
    assert outputs.shape == (4, 7, law.n_outputs)
    first = outputs[..., : law.n_outputs - law.n_scales]
    assert first.abs().max() < 0.1
    if law.n_scales:
        assert (outputs[..., -law.n_scales :] == -0.5).all()
    alone = PolicyHead(2, 8, law, log_scale=-0.5)
    initialise(alone, generators(18))
    outputs.square().sum().backward()
    own = alone(features[2:])
    own.square().sum().backward()
    assert torch.equal(own, outputs[2:])
    for mine, ours in zip(alone.parameters(), head.parameters()):
        assert ours.grad.abs().sum() > 0
        assert torch.equal(mine.grad, ours.grad[2:])


def test_the_rows_of_a_head_are_orthogonal_with_its_gain():
    head = PolicyHead(1, 8, Categorical(3), gain=0.5)
    initialise(head, generators(19))
    weight = head.linear.weight[0]
    torch.testing.assert_close(weight.T @ weight, 0.25 * torch.eye(3), atol=1e-6, rtol=0)


def test_log_scales_stay_within_bounds_and_can_come_back():
    head = PolicyHead(1, 2, DiagonalGaussian(3))
    least, most = LOG_SCALES
    head.log_scales.data[:] = torch.tensor([most + 1, least - 1, 0.0])
    features = torch.zeros(1, 1, 2)
    assert head(features)[0, 0, 3:].tolist() == [most, least, 0.0]
    for slope, expected in ((1.0, [1.0, 0.0, 1.0]), (-1.0, [0.0, -1.0, -1.0])):
        head.log_scales.grad = None
        (slope * head(features)[..., 3:]).sum().backward()
        # Descent goes against the gradient: from above only down, from below only up.
        assert head.log_scales.grad[0, 0].tolist() == expected


def test_settings_of_a_head_that_cannot_be_are_refused():
    with pytest.raises(GameError, match=r"log_scale is log σ at first, from -5\.0 to 2\.0, got 3"):
        PolicyHead(1, 2, DiagonalGaussian(1), log_scale=3)
    with pytest.raises(GameError, match="gain must be a number above 0, got 0"):
        PolicyHead(1, 2, DiagonalGaussian(1), gain=0)
