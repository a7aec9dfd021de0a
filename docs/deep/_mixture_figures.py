"""Figures of mixtures of normals: GMAC's targets and what its critic learns, and distances between laws."""

import itertools

import torch
from _panels import COLOURS, line, panels, plain, title

from marlgt.deep.critics.mixture import MixtureCritic
from marlgt.deep.critics.scalar import ScalarCritic
from marlgt.deep.distributions import (
    GaussianMixture,
    cdf,
    cramer_distance,
    kl_divergence,
    log_density,
    wasserstein_1,
    wasserstein_2,
)
from marlgt.deep.exploration import seeded_generators
from marlgt.deep.losses.sample_replacement import lambda_mixtures, sample_replacement
from marlgt.deep.networks.initialising import initialise
from marlgt.deep.optimisers import Adam, FlatParameters


def gmac():
    figure, rows = panels(1, width=8.2, height=5.2)
    rows.remove()
    axes = figure.subplots(2, 3)
    rewards = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)
    ends, discounts = torch.zeros(1, 3, 1, dtype=torch.bool), torch.full((1, 3, 1), 0.9)
    means = torch.tensor([[-3.0, -1.0], [2.0, 3.0], [-4.0, 5.0]]).view(1, 3, 1, 1, 2)
    following = GaussianMixture(torch.full_like(means, 0.5), means, torch.full_like(means, 0.35))
    targets = lambda_mixtures(rewards, discounts, ends, following, 0.6)
    outputs = torch.zeros(1, 3, 1, 1, 1)

    def drawn(_, n_samples, generators):
        return _particles(following, n_samples, generators)

    found = sample_replacement(
        rewards, discounts, ends, outputs, drawn, lambda_=0.6, n_samples=64, generators=seeded_generators([1], 0)
    )
    grid = torch.linspace(-6, 7, 521)
    for step, panel in enumerate(axes[0]):
        law = GaussianMixture(*(part[0, step, 0, 0] for part in targets))
        told = found.mixture()
        particles = GaussianMixture(*(part[0, step, 0, 0] for part in told))
        panel.fill_between(grid, _density(law, grid), color=COLOURS[0], alpha=0.25, linewidth=0, label="target $Y_t$")
        line(panel, grid, _density(particles, grid), "64 particles", 1)
        panel.axvline(float((law.weights * law.means).sum()), color="black", linestyle=":", linewidth=1.2)
        panel.set_ylim(0, 0.85)
        plain(panel, "density" if step == 0 else "", xlabel="return", place="upper left")
        title(panel, f"SR(0.6), step {step} of 3")

    critic, scalar = _learnt_chain()
    truth = _chain_laws()
    grid = torch.linspace(-5, 6, 441)
    for state, panel in enumerate(axes[1]):
        law = GaussianMixture(*(part[0, state] for part in critic))
        panel.fill_between(
            grid, _density(truth[state], grid), color="black", alpha=0.18, linewidth=0, label="the truth"
        )
        line(panel, grid, _density(law, grid), "mixture critic", 0)
        panel.axvline(
            float(scalar[state]), color=COLOURS[1], linestyle="--", linewidth=1.5, label="scalar critic", ymax=0.64
        )
        panel.set_ylim(0, 1.0 if state == 2 else 0.42)
        gap = float(wasserstein_1(law, truth[state]))
        plain(panel, "density" if state == 0 else "", xlabel="return", place="upper left")
        title(panel, f"state {state}: $W_1$ to the truth {gap:.2f}")
    return figure


def _density(law, grid):
    return log_density(GaussianMixture(*(part.unsqueeze(0) for part in law)), grid).exp()


def _particles(law, n_samples, generators):
    from marlgt.deep.distributions import Particles
    from marlgt.deep.losses.sample_replacement import systematic_components

    chosen = systematic_components(law.weights, n_samples, generators)
    return Particles(law.means.gather(-1, chosen), law.scales.gather(-1, chosen))


JUMPS, NOISE = (0.7, 0.7, 2.0), 0.3
"""A chain of three steps: each pays its jump or loses it, by a fair coin, with normal noise of this deviation."""


def _chain_laws():
    """Return the law of the return in each of the three states: two, four and eight normals, by enumeration."""
    laws = []
    for state in range(3):
        sides = itertools.product((-1.0, 1.0), repeat=3 - state)
        means = [sum(side * jump for side, jump in zip(each, JUMPS[state:])) for each in sides]
        count, scale = len(means), NOISE * (3 - state) ** 0.5
        laws.append(GaussianMixture(torch.full((count,), 1 / count), torch.tensor(means), torch.full((count,), scale)))
    return laws


def _learnt_chain():
    """Learn the chain by SR(λ), and return the mixtures, shape (1, 3, K), and the scalar critic's means."""
    told = []
    for critic in (MixtureCritic(1, 3, n_components=8, scale_head="initial_scale"), ScalarCritic(1, 3)):
        generators = seeded_generators([0], 1)
        initialise(critic, generators)
        flat = FlatParameters(critic, 1)
        adam = Adam(flat, 1e-2)
        states = torch.eye(3).unsqueeze(0)
        draws = torch.Generator().manual_seed(1)
        copies, updates = 64, 3000
        ends = torch.zeros(1, 3, copies, dtype=torch.bool)
        ends[:, 2] = True
        discounts = (~ends).float()
        for step in range(updates):
            adam.lr = 1e-2 * (1 - step / updates)
            sides = (torch.rand(1, 3, copies, 1, generator=draws) < 0.5).float() * 2 - 1
            noise = NOISE * torch.randn(1, 3, copies, 1, generator=draws)
            rewards = sides * torch.tensor(JUMPS).view(1, 3, 1, 1) + noise
            outputs = critic(states)
            with torch.no_grad():
                ahead = outputs.roll(-1, 1).view(1, 3, 1, 1, -1).expand(1, 3, copies, 1, -1)
                laws = sample_replacement(
                    rewards, discounts, ends, ahead, critic.particles, lambda_=0.8, n_samples=32, generators=generators
                )
            now = outputs.view(1, 3, 1, 1, -1).expand(1, 3, copies, 1, -1)
            targets = laws if critic.distributional else laws.locations.mean(-1)
            flat.zero_gradients()
            critic.losses(now, targets).mean().backward()
            adam.step()
        with torch.no_grad():
            outputs = critic(states)
            told.append(critic.mixture(outputs) if critic.distributional else critic.mean(outputs)[0])
    return told


def distributions():
    figure, (left, right) = panels(2)
    first = GaussianMixture(torch.tensor([0.5, 0.5]), torch.tensor([-1.5, 1.5]), torch.tensor([0.5, 0.5]))
    second = GaussianMixture(torch.tensor([0.7, 0.3]), torch.tensor([-0.5, 1.5]), torch.tensor([0.8, 0.0]))
    grid = torch.linspace(-4, 4, 801)
    one, other = (cdf(GaussianMixture(*(part.unsqueeze(0) for part in law)), grid) for law in (first, second))
    left.fill_between(grid, one, other, color=COLOURS[2], alpha=0.3, linewidth=0)
    line(left, grid, one, "$F$", 0)
    line(left, grid, other, "$G$, with a Dirac at 1.5", 1)
    told = (
        f"$W_1$ = {float(wasserstein_1(first, second)):.3f}: the area\n"
        f"$W_2$ = {float(wasserstein_2(first, second)):.3f}\n"
    )
    left.text(
        0.97,
        0.05,
        told + f"Cramér = {float(cramer_distance(first, second)):.3f}",
        ha="right",
        fontsize=8,
        transform=left.transAxes,
    )
    plain(left, "probability", xlabel="$x$", place="upper left")
    title(left, "two laws, and the area between them")

    gaps = torch.linspace(0.02, 4, 100)
    narrow = torch.full((100, 1), 0.3)
    here = GaussianMixture(torch.ones(100, 1), torch.zeros(100, 1), narrow)
    there = GaussianMixture(torch.ones(100, 1), gaps.unsqueeze(-1), narrow)
    kinds = {
        "KL": kl_divergence,
        "squared $W_2$": lambda p, q: wasserstein_2(p, q) ** 2,
        "$W_1$": wasserstein_1,
        "squared Cramér": cramer_distance,
    }
    for index, (name, distance) in enumerate(kinds.items()):
        line(right, gaps, distance(here, there), name, index)
    right.set_yscale("log")
    right.set_ylim(1e-3, 200)
    plain(right, "distance", xlabel="between the means of N(0, 0.3²) and N(m, 0.3²)", place="lower right")
    title(right, "what an error of a narrow law costs")
    return figure
