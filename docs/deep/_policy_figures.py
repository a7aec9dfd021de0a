"""Figures of the pages on policies: policy gradients, clipping, trust regions, critics that see more, credit."""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from _panels import COLOURS, QTRAN_GAME, band, line, panels, plain, title, values_table

from marlgt.deep import A2C, IPPO, MAPPO, PPO, REINFORCE, train
from marlgt.deep.losses.policies import clipped_surrogate_losses, counterfactual_advantages
from marlgt.deep.policies.categorical import Categorical
from marlgt.deep.trust_region import conjugate_gradient, line_search, natural_step, second_derivative_product


def reinforce():
    figure, (left, right) = panels(2)
    chances, returns = np.array([0.5, 0.3, 0.2]), np.array([1.0, 2.0, 4.0])
    scores = np.eye(3) - chances
    baselines = np.linspace(-1, 5, 200)
    gradient = (chances * returns) @ scores
    sizes = (scores**2).sum(1)

    def variance(baseline):
        return (chances * (returns - baseline) ** 2) @ sizes - gradient @ gradient

    line(left, baselines, [variance(b) for b in baselines])
    best = (chances * returns) @ sizes / (chances @ sizes)
    for index, (value, name) in enumerate(((0.0, "none"), (chances @ returns, "mean return"), (best, "the best one"))):
        left.plot(value, variance(value), "osD"[index], color=COLOURS[index + 1], markersize=6, label=name)
    plain(left, "variance of the gradient", xlabel="baseline $b$", place="upper center")
    title(left, "a bandit of three arms, exactly")
    settings = {"lr": 5e-3, "n_envs": 16, "rollout_steps": 128, "normalise_advantages": False}
    for index, (name, weight) in enumerate((("with a baseline", 0.5), ("without", 0.0))):
        algorithm = REINFORCE(**settings, value_weight=weight, reward_scale=0.05)
        run = train(algorithm, "CartPole-v1", steps=200_000, seeds=range(5), episodes=20)
        band(right, run.curve.steps, run.curve.mean_return, name, index)
    right.set_ylim(0, 520)
    plain(right, "return of the likeliest actions", place="lower right")
    title(right, "CartPole: mean and range of 5 seeds")
    return figure


def a2c():
    figure, (left, right) = panels(2)
    for index, weight in enumerate((0.0, 0.01, 0.1)):
        algorithm = A2C(lr=3e-3, rollout_steps=8, reward_scale=0.05, entropy_weight=weight)
        run = train(algorithm, "CartPole-v1", steps=80_000, seeds=range(5), episodes=20, evaluate_every=4_000)
        band(left, run.curve.steps[1:], run.curve.training_returns[1:], f"$c_H$ = {weight:g}", index)
        line(right, run.curve.steps[1:], run.curve.exploration[1:], f"$c_H$ = {weight:g}", index)
    right.axhline(np.log(2), color="black", linewidth=1, linestyle=":")
    right.text(
        0.98, np.log(2) - 0.035, "log 2: nothing known", ha="right", fontsize=7.5, transform=right.get_yaxis_transform()
    )
    left.set_ylim(0, 520)
    right.set_ylim(0, 0.75)
    plain(left, "return of training episodes", place="upper left")
    plain(right, "entropy of the policies, nats", place="lower left")
    title(left, "CartPole: mean and range of 5 seeds")
    title(right, "what the bonus keeps open")
    return figure


def ppo():
    figure, (left, right) = panels(2)
    ratios = torch.linspace(0.4, 1.7, 261)
    for index, advantage in enumerate((1.0, -1.0)):
        losses = clipped_surrogate_losses(ratios.log(), torch.zeros(261), torch.full((261,), advantage), 0.2)
        line(left, ratios, -losses, f"$A$ = {advantage:+g}", index)
    for edge in (0.8, 1.2):
        left.axvline(edge, color="black", linewidth=0.8, linestyle=":")
    left.plot(1, 1, "o", color="black", markersize=4)
    left.plot(1, -1, "o", color="black", markersize=4)
    plain(left, "what is gained", xlabel="ratio $\\rho$ of the new policy to the old", place="center right")
    title(left, "one sample, $c$ = 0.2")

    for index, clip in enumerate((0.1, 0.2, 0.4, 1e6)):
        _, seen = _followed(PPO(lr=1e-3, epochs=40, ratio_clip=clip), "CartPole-v1")
        name = "not clipped" if clip > 1 else f"$c$ = {clip}"
        line(right, range(1, 41), seen, name, index)
    plain(right, "divergence from the old policy, nats", xlabel="epochs on one rollout", place="upper left")
    right.set_yscale("log")
    title(right, "how far a policy goes on CartPole")
    return figure


def _followed(algorithm, task):
    """Learn from one rollout, and return the learner and the divergence after each epoch."""
    from marlgt.deep.algorithms.value_algorithm import Spec
    from marlgt.deep.environments import make_environment
    from marlgt.deep.learners.policy_learner import PolicyLearner
    from marlgt.deep.rollouts.minibatches import dealt
    from marlgt.deep.seeded_environments import SeededEnvs

    envs = SeededEnvs(lambda: make_environment(task, algorithm.n_envs), [0], "cpu")
    envs.reset()
    learner = PolicyLearner(algorithm, Spec.of(envs.envs[0]), [0], steps=10**6)
    for _ in range(algorithm.rollout_steps):
        learner.observe(envs.step(learner.act(envs)), envs)
    rows, old, seen = learner.rows(), learner.rollout.fields["outputs"], []
    for _ in range(algorithm.epochs):
        for batch in dealt(rows, algorithm.minibatches, learner.generators[2]):
            learner.update(batch)
        with torch.no_grad():
            new, _ = learner.module.act(learner.rollout.fields["observations"].flatten(1, 2), None)
            seen.append(float(learner.law.divergence(old.flatten(1, 2), new).mean()))
    envs.close()
    return learner, seen


def trpo():
    figure, (left, right) = panels(2)
    law, advantages, radius = Categorical(3), torch.tensor([-1.0, 0.2, 1.0]), 0.05
    here = torch.tensor([[1.6, 0.4]])

    def outputs(parameters):
        return torch.cat((parameters, torch.zeros_like(parameters[..., :1])), -1)

    old = law.probabilities(outputs(here))

    def gain(parameters):
        return (law.probabilities(outputs(parameters)) * advantages).sum(-1) - (old * advantages).sum(-1)

    def divergence(parameters):
        return law.divergence(outputs(here).expand(*parameters.shape[:-1], 3), outputs(parameters))

    free = here.clone().requires_grad_()
    (slope,) = torch.autograd.grad(gain(free).sum(), free)
    product = second_derivative_product(divergence(free), [free])
    natural = natural_step(conjugate_gradient(product, slope), product, radius)
    steep = slope * (2 * radius / (slope * product(slope)).sum()).sqrt()
    first, second = torch.meshgrid(torch.linspace(-0.3, 3.2, 141), torch.linspace(-1.6, 2.2, 141), indexing="xy")
    grid = torch.stack((first, second), -1)
    shades = left.contourf(first, second, gain(grid), levels=14, cmap="RdYlBu_r", alpha=0.6)
    figure.colorbar(shades, ax=left, label="surrogate $L$").ax.tick_params(labelsize=8)
    left.contour(first, second, divergence(grid), levels=[radius], colors="black", linewidths=1.6)
    for index, (step, name) in enumerate(((natural, "natural step"), (steep, "along the gradient"))):
        there = here + step
        left.annotate(
            "",
            there[0].tolist(),
            here[0].tolist(),
            arrowprops={"arrowstyle": "-|>", "color": COLOURS[index], "linewidth": 2},
        )
        left.plot([], [], color=COLOURS[index], label=f"{name}: $L$ = {float(gain(there)):.3f}")
    left.plot(*here[0].tolist(), "o", color="black", markersize=5)
    left.legend(fontsize=7.5, loc="upper left", framealpha=0.9)
    left.set_xlabel("logit of action 0", fontsize=9)
    left.set_ylabel("logit of action 1", fontsize=9)
    left.tick_params(labelsize=8)
    title(left, f"steps to the radius, $\\delta$ = {radius}")

    shares = torch.linspace(0, 8, 161)
    long = natural
    moved = here + shares[:, None] * long
    line(right, shares, gain(moved), "surrogate $L$", 0)
    line(right, shares, divergence(moved), "divergence", 1)
    right.axhline(radius, color="black", linewidth=1, linestyle=":")

    def judge(halves):
        there = here + 8 * halves[:, None] * long
        return gain(there), divergence(there)

    found = line_search(judge, 1, radius=radius, backtracks=10, device=here.device)
    for halving in range(int(found.halvings[0]) + 1):
        share = 8 / 2**halving
        taken = halving == int(found.halvings[0])
        right.plot(
            share,
            float(divergence(here + share * long)),
            "o",
            color=COLOURS[1],
            markersize=6,
            fillstyle="full" if taken else "none",
            label="taken" if taken else ("refused" if halving == 0 else None),
        )
    plain(right, "nats, or what $L$ is in", xlabel="length, in natural steps", place="upper left")
    title(right, "halving until it fits")
    return figure


def mappo():
    figure, (left, right) = panels(2)
    task = "Foraging-1s-5x5-2p-1f-v3"
    settings = {"n_envs": 32, "rollout_steps": 64, "minibatches": 4, "lr": 1e-3, "reward_scale": 5.0}
    for index, kind in enumerate((MAPPO, IPPO)):
        unexplained = []

        @dataclass(frozen=True, kw_only=True)
        class Watched(kind):
            def improve(self, learner, rows, unexplained=unexplained):
                errors, targets = rows.targets - rows.values, rows.targets
                share = errors.flatten(1).var(1) / targets.flatten(1).var(1)
                unexplained.append((learner.steps, share.tolist()))
                super().improve(learner, rows)

        algorithm = Watched(**settings, normalise_values=True, entropy_weight=0.01, trace=0.98)
        run = train(algorithm, task, steps=300_000, seeds=range(5), episodes=64, evaluate_every=30_000)
        steps, shares = zip(*unexplained)
        smooth = np.stack([np.convolve(column, np.ones(15) / 15, "valid") for column in np.array(shares).T], 1)
        band(left, np.array(steps)[14:], smooth, kind.name, index)
        band(right, run.curve.steps, run.curve.mean_return, kind.name, index)
    left.set_ylim(0, 1)
    plain(left, "unexplained share of the returns", place="lower left")
    title(left, "what the critics do not know")
    right.set_ylim(0, 1)
    plain(right, "return of the likeliest actions", place="upper left")
    title(right, "what the policies earn")
    return figure


def coma():
    figure, axes = panels(3, width=8.4, height=3.0)
    policies = torch.tensor([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])
    actions = torch.tensor(list(itertools.product(range(3), range(3))))
    payoffs = torch.from_numpy(QTRAN_GAME).float()
    values = torch.stack((payoffs[:, actions[:, 1]].T, payoffs[actions[:, 0]]), 1)
    credit = counterfactual_advantages(values, policies.expand(9, 2, 3), actions)[:, 0]
    values_table(axes[0], QTRAN_GAME, "what the critic tells: $Q$", digits=0)
    shown = [f"{name}, $\\pi$ = {chance:g}" for name, chance in zip("ABC", policies[0].tolist())]
    axes[0].set_yticks(range(3), shown, fontsize=8)
    values_table(axes[1], credit.view(3, 3).numpy(), "agent 0's advantage $A_0$")
    agents = np.arange(1, 9)
    kinds = {"$Q$ as it is": [], "$Q$ less $V$": [], "counterfactual": []}
    for count in agents:
        for name, variance in zip(kinds, _variances(int(count))):
            kinds[name].append(variance)
    for index, (name, found) in enumerate(kinds.items()):
        axes[2].plot(agents, found, "os^"[index] + "-", color=COLOURS[index], markersize=4, label=name)
    plain(axes[2], "variance of agent 0's gradient", xlabel="agents", place="upper left")
    title(axes[2], "a team paid for each 1 played")
    return figure


def _variances(n_agents):
    """Return the variance of an agent's gradient by three signals, exactly, in a team paid the sum of 0 and 1."""
    joint = torch.tensor(list(itertools.product((0, 1), repeat=n_agents)))
    paid = joint.sum(1).float()
    own = joint[:, 0].float()
    # Of fair coins: the score is 1/2 or -1/2, and all joint actions are equally likely.
    scores = own - 0.5
    values = torch.stack((paid - own, paid - own + 1), 1)
    credit = counterfactual_advantages(values.unsqueeze(1), torch.full((len(joint), 1, 2), 0.5), joint[:, :1])[:, 0]
    return [float((signal * scores).var(correction=0)) for signal in (paid, paid - paid.mean(), credit)]
