"""Critics of one interface: shapes, means, seeds apart, their losses' gradients, and a two-point law learnt."""

import math

import pytest
import torch

from marlgt.deep.critics import (
    CategoricalCritic,
    ImplicitQuantileCritic,
    MixtureCritic,
    QuantileCritic,
    ScalarCritic,
)
from marlgt.deep.critics.categorical import project_particles
from marlgt.deep.distributions import GaussianMixture, Particles, energy_distance, mean, wasserstein_1, wasserstein_2
from marlgt.deep.losses.categorical import return_support
from marlgt.deep.losses.mixture_losses import (
    ScaleHead,
    cross_entropy_loss,
    energy_loss,
    head_energy_loss,
    mixture_of,
    particle_values,
    transport_loss,
)
from marlgt.deep.networks.initialising import initialise
from marlgt.errors import GameError

HEADS = (ScaleHead(True, 0.0025, 0.0025), ScaleHead(False, 1.4, 1e-4))
CRITICS = {
    "scalar": (ScalarCritic, {}),
    "cramer": (MixtureCritic, {"least_scale": 0.01, "n_components": 3}),
    "cross_entropy": (
        MixtureCritic,
        {"least_scale": 0.01, "n_components": 3, "loss": "cross_entropy", "scale_head": "initial_scale"},
    ),
    "wasserstein": (
        MixtureCritic,
        {"least_scale": 0.01, "n_components": 3, "loss": "wasserstein", "scale_head": "initial_scale"},
    ),
    "categorical": (CategoricalCritic, {"v_min": -2.0, "v_max": 2.0, "n_atoms": 21}),
    "quantile": (QuantileCritic, {"n_quantiles": 8, "kappa": 0.0}),
    "implicit": (ImplicitQuantileCritic, {"n_quantiles": 8, "n_cosines": 32, "kappa": 0.0}),
}
ALL = pytest.mark.parametrize("name", CRITICS)
DISTRIBUTIONAL = pytest.mark.parametrize("name", [name for name in CRITICS if name != "scalar"])


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def built(name, seeds=(0,), n_features=4):
    make, options = CRITICS[name]
    critic = make(len(seeds), n_features, **options)
    initialise(critic, generators(*seeds))
    return critic


def normal(seed, *shape, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def particles(seed, *shape, dtype=torch.float32):
    widths = normal(seed + 1, *shape, dtype=dtype).clamp(min=0)
    return Particles(normal(seed, *shape, dtype=dtype), widths)


@ALL
def test_every_critic_keeps_the_interface(name):
    critic = built(name, (0, 1))
    outputs = critic(normal(1, 2, 5, 4))
    assert outputs.shape == (2, 5, critic.n_outputs)
    values = critic.mean(outputs)
    assert values.shape == (2, 5)
    targets = particles(3, 2, 5, 6) if critic.distributional else normal(3, 2, 5)
    losses = critic.losses(outputs, targets)
    assert losses.shape == (2, 5)
    losses.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in critic.parameters())
    assert any(p.grad.abs().sum() > 0 for p in critic.parameters())
    found = critic.particles(outputs, 7, generators(5, 6))
    assert found.locations.shape == found.scales.shape == (2, 5, 7)
    many = critic.particles(outputs.detach(), 4000, generators(5, 6)).mixture()
    torch.testing.assert_close(mean(many), values.detach(), atol=2e-3, rtol=1e-3)


@ALL
def test_a_seed_has_the_bits_that_it_has_alone(name, one_thread):
    together = built(name, (3, 4))
    features, targets = normal(1, 2, 6, 4), particles(2, 2, 6, 5)
    goals = targets if together.distributional else targets.locations[..., 0]
    outputs = together(features)
    losses = together.losses(outputs, goals)
    losses.sum().backward()
    for s in range(2):
        own = slice(s, s + 1)
        alone = built(name, (3 + s,))
        single = alone(features[own])
        assert torch.equal(single, outputs[own])
        goal = Particles(*(part[own] for part in goals)) if together.distributional else goals[own]
        loss = alone.losses(single, goal)
        assert torch.equal(loss, losses[own])
        loss.sum().backward()
        for ours, theirs in zip(alone.parameters(), together.parameters()):
            assert torch.equal(ours.grad, theirs.grad[own])


@DISTRIBUTIONAL
def test_a_law_of_two_points_is_learnt_where_a_mean_says_nothing(name):
    """A return of -1 or 1, equally likely: Diracs, told by eight particles, some of each."""
    size = 32 if name == "implicit" else 4
    critic, features = built(name, n_features=size), torch.ones(1, 1, size)
    law = GaussianMixture(*(torch.tensor(x) for x in ([0.5, 0.5], [-1.0, 1.0], [0.0, 0.0])))
    targets = Particles(torch.tensor([-1.0, 1.0] * 4).view(1, 1, 8), torch.zeros(1, 1, 8))
    optimiser = torch.optim.Adam(critic.parameters(), lr=0.02)
    for step in range(600):
        for group in optimiser.param_groups:
            group["lr"] = 0.02 * (1 - step / 600)
        optimiser.zero_grad()
        critic.losses(critic(features), targets).sum().backward()
        optimiser.step()
    found = critic.particles(critic(features).detach(), 200, generators(0)).mixture()
    assert wasserstein_1(GaussianMixture(*(part[0, 0] for part in found)), law).item() < 0.05
    assert abs(critic.mean(critic(features)).item()) < 0.05
    best_number = GaussianMixture(*(torch.tensor([x]) for x in (1.0, 0.0, 0.0)))
    assert wasserstein_1(best_number, law).item() == pytest.approx(1.0)


@pytest.mark.parametrize("head", HEADS)
def test_the_compiled_pass_agrees_with_the_formula_in_double_precision(head):
    outputs = 2 * normal(0, 3, 200, 15)
    targets = particles(1, 3, 200, 9)
    doubles = outputs.double().requires_grad_()
    exact = energy_loss(mixture_of(doubles, head), Particles(*(part.double() for part in targets)))
    slopes = torch.autograd.grad(exact.sum(), doubles)[0]
    single = outputs.clone().requires_grad_()
    for found in (head_energy_loss(single, targets, head), energy_loss(mixture_of(single, head), targets)):
        torch.testing.assert_close(found.double(), exact.detach(), atol=1e-6, rtol=1e-6)
        ours = torch.autograd.grad(found.sum(), single)[0]
        torch.testing.assert_close(ours.double(), slopes, atol=3e-6, rtol=1e-5)


def test_the_compiled_pass_is_safe_where_diracs_meet():
    weights, means, scales = (torch.tensor([x], requires_grad=True) for x in ([0.5, 0.5], [1.0, 1.0], [0.0, 0.0]))
    found = energy_loss(GaussianMixture(weights, means, scales), Particles(torch.ones(1, 3), torch.zeros(1, 3)))
    assert found.item() == pytest.approx(0, abs=1e-6)
    for part in torch.autograd.grad(found.sum(), (weights, means, scales)):
        assert part.abs().max() < 1e-6
    far = energy_loss(GaussianMixture(weights, means, scales), Particles(torch.full((1, 3), 4.0), torch.zeros(1, 3)))
    assert far.item() == pytest.approx(6, rel=1e-6)
    assert torch.autograd.grad(far.sum(), means)[0].tolist() == [[-1.0, -1.0]]


@pytest.mark.parametrize("loss", [energy_loss, cross_entropy_loss])
def test_losses_have_the_gradients_of_finite_differences(loss):
    leaves = [part.requires_grad_() for part in normal(0, 3, 2, 3, dtype=torch.float64).unbind(0)]
    targets = particles(4, 2, 5, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda w, m, s: loss(GaussianMixture(w.softmax(-1), m, 0.1 + s.square()), targets), leaves
    )


def test_the_transport_is_the_squared_wasserstein_distance_to_values_and_so_is_its_gradient():
    leaves = [part.requires_grad_() for part in normal(0, 3, 2, 3, dtype=torch.float64).unbind(0)]
    targets = Particles(normal(4, 2, 5, dtype=torch.float64), torch.zeros(2, 5, dtype=torch.float64))

    def law():
        return GaussianMixture(leaves[0].softmax(-1), leaves[1], 0.1 + leaves[2].square())

    losses, distances = transport_loss(law(), targets), wasserstein_2(law(), targets.mixture()).square()
    torch.testing.assert_close(losses, distances, atol=1e-8, rtol=1e-8)
    found = torch.autograd.grad(losses.sum(), leaves)
    for number, leaf in enumerate(leaves):
        for place in range(leaf.numel()):
            sides = []
            for step in (1e-5, -1e-5):
                with torch.no_grad():
                    leaf.view(-1)[place] += step
                    sides.append(transport_loss(law(), targets).sum().item())
                    leaf.view(-1)[place] -= step
            assert found[number].reshape(-1)[place].item() == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=1e-6)


def test_the_whole_energy_is_the_distance_and_values_of_particles_keep_their_law():
    weights, parts = normal(0, 4, 3, dtype=torch.float64).softmax(-1), normal(1, 2, 4, 3, dtype=torch.float64).abs()
    law = GaussianMixture(weights, *parts)
    targets = particles(5, 4, 6, dtype=torch.float64)
    torch.testing.assert_close(energy_loss(law, targets, whole=True), energy_distance(law, targets.mixture()))
    standard = particle_values(Particles(torch.zeros(64), torch.ones(64)))
    assert standard.mean().item() == pytest.approx(0, abs=1e-6)
    assert standard.square().mean().item() == pytest.approx(1, abs=1e-5)
    # Neighbours, of the same component, have values on both sides.
    assert standard.view(16, 4).mean(-1).abs().max() < 0.6


def test_particles_are_projected_exactly_with_or_without_width():
    support = return_support(-2.0, 2.0, 9, dtype=torch.float64)
    narrow = Particles(normal(0, 3, 7, dtype=torch.float64).clamp(-1.9, 1.9), torch.zeros(3, 7, dtype=torch.float64))
    thin = Particles(narrow.locations, torch.full_like(narrow.scales, 1e-9))
    found = project_particles(narrow, support)
    torch.testing.assert_close(found, project_particles(thin, support), atol=1e-8, rtol=0)
    torch.testing.assert_close((found * support).sum(-1), narrow.locations.mean(-1))
    wide = Particles(narrow.locations, 0.3 * narrow.locations.abs())
    offsets = torch.special.ndtri((torch.arange(4000, dtype=torch.float64) + 0.5) / 4000)
    spread = (wide.locations.unsqueeze(-1) + wide.scales.unsqueeze(-1) * offsets).flatten(-2)
    sampled = project_particles(Particles(spread, torch.zeros_like(spread)), support)
    torch.testing.assert_close(project_particles(wide, support), sampled, atol=1e-4, rtol=0)
    torch.testing.assert_close(project_particles(wide, support).sum(-1), torch.ones(3, dtype=torch.float64))


def test_scales_start_where_they_are_told():
    zeros = torch.zeros(1, 15)
    first = MixtureCritic(1, 4).mixture(zeros).scales
    assert first.flatten()[0].item() == pytest.approx(0.05 * math.sqrt(1 + math.log(2)))
    second = MixtureCritic(1, 4, scale_head="initial_scale", initial_scale=1e-3, least_scale=1e-4).mixture(zeros)
    assert second.scales.flatten()[0].item() == pytest.approx(1.1e-3)
    origin = MixtureCritic(1, 4, location_gain=1e-5)
    initialise(origin, generators(0))
    assert origin.mixture(origin(normal(0, 1, 9, 4))).means.abs().max() < 1e-3
    law = MixtureCritic(1, 4, n_components=2)
    outputs = torch.tensor([math.log(0.7), math.log(0.3), 0.0, 4.0, 30.0**2, -50.0])
    assert law.mean(outputs).item() == pytest.approx(1.2)
    assert law.mode(outputs).item() == pytest.approx(4.0, abs=0.01)


def test_implicit_quantiles_keep_the_fractions_that_were_drawn():
    critic = built("implicit", (0, 1))
    drawn = critic(normal(1, 2, 3, 4), generators(7, 8))[..., 8:]
    assert ((drawn >= 0) & (drawn < 1)).all()
    alone = built("implicit", (1,))(normal(1, 2, 3, 4)[1:], generators(8))[..., 8:]
    assert torch.equal(alone, drawn[1:])
    assert critic(normal(1, 2, 3, 4))[0, 0, 8:].tolist() == pytest.approx([(2 * i + 1) / 16 for i in range(8)])


def test_bad_settings_are_refused():
    with pytest.raises(GameError, match="got 0: give n_components >= 1"):
        MixtureCritic(1, 4, n_components=0)
    with pytest.raises(GameError, match="loss must be one of cramer, cross_entropy, wasserstein, got 'mse'"):
        MixtureCritic(1, 4, loss="mse")
    with pytest.raises(GameError, match="scale_head must be one of"):
        MixtureCritic(1, 4, scale_head="exp")
    with pytest.raises(GameError, match="scales are positive"):
        MixtureCritic(1, 4, least_scale=0.0)
    with pytest.raises(GameError, match="at least one cosine"):
        ImplicitQuantileCritic(1, 4, n_cosines=0)
    with pytest.raises(GameError, match="got 4: give a multiple of 3"):
        mixture_of(torch.zeros(4), HEADS[0])
    with pytest.raises(GameError, match="a mixture needs particles of its own"):
        built("cramer").losses(torch.zeros(2, 9), particles(0, 3, 4))
