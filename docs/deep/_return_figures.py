"""Figures of the pages on distributions of the return: C51, QR-DQN, IQN and Rainbow."""

import numpy as np
import torch
from _panels import COLOURS, band, line, panels, plain, recorded, title

from marlgt.deep import recipe, train
from marlgt.deep.exploration import seeded_generators
from marlgt.deep.losses.categorical import cross_entropy, project, return_support
from marlgt.deep.losses.quantiles import cosine_features, midpoints, quantile_huber_loss
from marlgt.deep.networks.heads import ImplicitQuantileHead
from marlgt.deep.networks.initialising import initialise
from marlgt.deep.optimisers import Adam, FlatParameters


def _samples(generator, count):
    """Draw returns of a gamble: two in three times about -2, else about 3."""
    lucky = torch.rand(count, generator=generator) < 1 / 3
    return torch.where(lucky, 3.0, -2.0) + torch.randn(count, generator=generator) * torch.where(lucky, 0.4, 0.8)


def _true_quantiles(fractions):
    many = _samples(torch.Generator().manual_seed(0), 400_000).double()
    return torch.quantile(many[:200_000], fractions.double())


def c51():
    figure, (left, right) = panels(2)
    support = return_support(-4.0, 4.0, 17)
    before = torch.softmax(-0.5 * (support - 0.6).square(), 0)
    after = project(before, torch.tensor(1.15), torch.tensor(0.6), support)
    moved = 1.15 + 0.6 * support
    left.bar(support, after, width=0.42, color=COLOURS[0], alpha=0.75, label="projected onto the atoms")
    left.vlines(moved, 0, before, color=COLOURS[1], linewidth=1.3)
    left.plot(moved, before, "o", color=COLOURS[1], markersize=4, label="$r + \\gamma z$, with the mass it had")
    left.set_ylim(0, 0.44)
    plain(left, "probability", xlabel="return", place="upper left")
    title(left, "one backup, $r = 1.15$, $\\gamma = 0.6$")

    generator = torch.Generator().manual_seed(1)
    support = return_support(-6.0, 6.0, 51)
    logits = torch.zeros(51, requires_grad=True)
    for _ in range(3000):
        drawn = _samples(generator, 32)
        targets = project(torch.full((32, 51), 1 / 51), drawn, torch.zeros(32), support)
        (gradient,) = torch.autograd.grad(cross_entropy(logits.expand(32, -1), targets).mean(), logits)
        with torch.no_grad():
            logits -= 0.5 * gradient
    learnt = logits.detach().softmax(0)
    spacing = float(support[1] - support[0])
    grid = np.linspace(-6, 6, 400)
    density = 2 / 3 * _bell(grid, -2.0, 0.8) + 1 / 3 * _bell(grid, 3.0, 0.4)
    right.bar(support, learnt, width=0.9 * spacing, color=COLOURS[0], alpha=0.75, label="learnt, 51 atoms")
    right.plot(grid, density * spacing, color=COLOURS[1], linewidth=1.3, label="the truth")
    mean = float((learnt * support).sum())
    right.axvline(mean, color="black", linestyle=":", linewidth=1.2)
    right.annotate(f"mean {mean:.2f}", (mean + 0.15, 0.118), fontsize=7.5)
    right.set_ylim(0, 0.13)
    plain(right, "probability", xlabel="return", place="upper left")
    title(right, "a gamble, from samples")
    return figure


def _bell(x, mean, deviation):
    return np.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))


def qr_dqn():
    figure, (left, right) = panels(2)
    errors = torch.linspace(-3, 3, 301)
    for index, fraction in enumerate((0.1, 0.5, 0.9)):
        losses = quantile_huber_loss(torch.zeros(301, 1), errors.unsqueeze(-1), torch.tensor([fraction]))
        line(left, errors, losses, f"$\\tau$ = {fraction}", index)
    plain(left, "loss, $\\kappa$ = 1", xlabel="sample − estimated quantile", place="upper center")
    title(left, "what an error costs")

    generator = torch.Generator().manual_seed(1)
    fractions = midpoints(21)
    for index, kappa in enumerate((1.0, 0.0)):
        quantiles = torch.zeros(21, requires_grad=True)
        for step in range(4000):
            drawn = _samples(generator, 64)
            loss = quantile_huber_loss(quantiles, drawn, fractions, kappa)
            (gradient,) = torch.autograd.grad(loss, quantiles)
            with torch.no_grad():
                quantiles -= 0.3 / (1 + step / 500) * gradient
        right.plot(
            fractions,
            quantiles.detach(),
            "os"[index],
            color=COLOURS[index],
            markersize=4.5 - index,
            label=f"learnt, $\\kappa$ = {kappa:g}",
        )
    grid = torch.linspace(0.005, 0.995, 199)
    right.plot(grid, _true_quantiles(grid), color="black", linewidth=1.2, label="the truth")
    plain(right, "return", xlabel="fraction $\\tau$", place="upper left")
    title(right, "quantiles of a gamble, from samples")
    return figure


def iqn():
    figure, (left, right) = panels(2)
    grid = torch.linspace(0, 1, 201)
    for index, wave in enumerate((0, 1, 2, 5)):
        line(left, grid, cosine_features(grid, 6)[:, wave], f"$i$ = {wave}", index)
    left.set_ylim(-1.15, 1.6)
    left.legend(ncols=4, fontsize=7.5, frameon=False, loc="upper center", columnspacing=1.2, handlelength=1.8)
    left.grid(alpha=0.3)
    left.set_xlabel("fraction $\\tau$", fontsize=9)
    left.set_ylabel("$\\cos(\\pi i \\tau)$", fontsize=9)
    left.tick_params(labelsize=8)
    title(left, "how the network is told a fraction")

    head = ImplicitQuantileHead(1, 16, 1, n_hidden=32)
    generators = seeded_generators([0], 1)
    initialise(head, generators)
    flat = FlatParameters(head, 1)
    adam = Adam(flat, 2e-3)
    features = torch.ones(1, 32, 16)
    draws = torch.Generator().manual_seed(1)
    for step in range(3000):
        adam.lr = 2e-3 * (1 - step / 3000)
        outputs = head(features, generators, 8)
        drawn = _samples(draws, 32 * 8).view(1, 32, 8)
        loss = quantile_huber_loss(outputs[:, :, 0, 0], drawn, outputs[:, :, 0, 1]).mean()
        flat.zero_gradients()
        loss.backward()
        adam.step()
    with torch.no_grad():
        quantiles, fractions = head(features[:, :1], None, 200)[0, 0, 0]
    right.plot(fractions, _true_quantiles(fractions), color="black", linewidth=1.2, label="the truth")
    right.plot(fractions, quantiles, "--", color=COLOURS[0], linewidth=1.6, label="learnt, asked at 200 fractions")
    plain(right, "return", xlabel="fraction $\\tau$", place="upper left")
    title(right, "quantiles of a gamble, from samples")
    return figure


def rainbow():
    figure, (left, right) = panels(2)
    for index, name in enumerate(("Rainbow", "DQN")):
        band(right, *recorded(name, "CartPole-v1"), name, index)
    learnt = train(recipe("CartPole-v1").algorithm("Rainbow"), "CartPole-v1", steps=8000, episodes=10)
    right.set_ylim(0, 520)
    plain(right, "return of the greedy policy", place="lower right")
    title(right, "CartPole: mean and range of 10 seeds")

    falling = torch.tensor([0.0, 0.0, 0.14, 0.6]).expand(1, 1, 1, 4)
    upright = torch.zeros(1, 1, 1, 4)
    agents = learnt.module.agents
    for layer in learnt.policy()._noisy:
        layer.noisy = False
    with torch.no_grad():
        for index, (name, state) in enumerate((("upright", upright), ("falling to the right", falling))):
            outputs, _ = agents.act(state, None)
            chances = outputs.softmax(-1)[0, 0, 0]
            chosen = chances[agents.head_values(outputs)[0, 0, 0].argmax()]
            left.bar(agents.head.support, chosen, width=2.0, color=COLOURS[index], alpha=0.65, label=name)
    plain(left, "probability", xlabel="discounted return of the best action", place="upper left")
    title(left, "what one of them expects")
    return figure
