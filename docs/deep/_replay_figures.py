"""Figures of the pages on single agents: DQN, and what improves its targets, replay, layers and exploring."""

import numpy as np
import torch
from _panels import COLOURS, band, line, panels, plain, recorded, title, watched

from marlgt.deep import DQN, DoubleDQN, NStepDQN, recipe, train
from marlgt.deep.losses.returns import n_step_returns
from marlgt.deep.losses.targets import maximisation_bias
from marlgt.deep.replay.priorities import SumTrees, importance_weights
from marlgt.games import StochasticGame

CART_POLE = {
    "learning_starts": 500,
    "n_envs": 8,
    "update_every": 4,
    "batch_size": 64,
    "lr": 1e-3,
    "target_period": 50,
    "epsilon_steps": 8000,
}


def _claimed(observations):
    """Return a function that asks a learner for the values of its best actions, one mean for each seed."""

    def look(learner):
        with torch.no_grad():
            values, _ = learner.algorithm.values(learner.online, observations, None)
        return values.amax(-1).mean((1, 2)).numpy()

    return look


def dqn():
    figure, (left, right) = panels(2)
    seeds = range(3)
    band(left, *recorded("DQN", "CartPole-v1"))
    left.set_ylim(0, 520)
    plain(left, "return of the greedy policy")
    title(left, "CartPole: mean and range of 10 seeds")
    upright = torch.zeros(3, 1, 1, 4)
    for index, period in enumerate((50, 1)):
        algorithm = DQN(**{**CART_POLE, "target_period": period})
        times, seen = watched(algorithm, "CartPole-v1", _claimed(upright), steps=16_000, seeds=seeds, every=1000)
        band(right, times, seen, "a copy each 50 updates" if period > 1 else "no lag: each update", index)
    right.set_yscale("log")
    right.set_ylim(0.5, 20_000)
    right.axhline(100, color="black", linewidth=1, linestyle=":", label="the most there can be")
    plain(right, "value claimed upright", place="upper left")
    title(right, "what the target network is for, 3 seeds")
    return figure


def _gamble(n_actions=30):
    """Return a step that leads to a choice among gambles, each of which wins 1 or loses 1 at even odds."""
    nexts, chances = np.full((5, n_actions, 2), 4), np.zeros((5, n_actions, 2))
    nexts[0, :, 0], nexts[1, :, 0], nexts[1, :, 1] = 1, 2, 3
    chances[..., 0] = 1.0
    chances[1] = 0.5
    rewards = np.zeros((1, 5, n_actions))
    rewards[0, 2], rewards[0, 3] = 1.0, -1.0
    return StochasticGame(
        rewards, nexts, chances, discount=1.0, start=np.eye(5)[0], terminal=np.arange(5) == 4, title="gambles"
    )


def double_dqn():
    figure, (left, right) = panels(2)
    generator = np.random.default_rng(0)
    counts = np.array([1, 2, 3, 5, 8, 12, 20, 30])
    single, double = [], []
    for count in counts:
        choosing, judging = generator.normal(size=(2, 20_000, count))
        chosen = choosing.argmax(1)
        single.append(choosing.max(1).mean())
        double.append(judging[np.arange(20_000), chosen].mean())
    grid = range(1, 31)
    left.plot(grid, [maximisation_bias(n) for n in grid], color="black", linewidth=1, label="theory")
    left.plot(counts, single, "o", color=COLOURS[0], markersize=5, label="the largest of noisy values")
    left.plot(counts, double, "s", color=COLOURS[1], markersize=5, label="chosen by one, judged by another")
    left.set_ylim(-0.3, 3.1)
    plain(left, "bias, standard deviations", xlabel="equally good actions", place="upper left")
    title(left, "where the bias comes from")
    start = torch.eye(5)[0].expand(5, 1, 1, 5)
    settings = {"n_envs": 8, "update_every": 4, "learning_starts": 200, "target_period": 50, "lr": 1e-3}
    for index, kind in enumerate((DQN, DoubleDQN)):
        algorithm = kind(**settings, epsilon_end=1.0, discount=1.0, buffer_size=1000)
        times, seen = watched(algorithm, _gamble(), _claimed(start), steps=20_000, seeds=range(5), every=500)
        band(right, times, seen, kind.name, index)
    right.axhline(0, color="black", linewidth=1, linestyle=":")
    plain(right, "value claimed before the gamble", place="upper right")
    title(right, "30 gambles at even odds, worth 0")
    return figure


def dueling_dqn():
    figure, (left, right) = panels(2)
    algorithm = recipe("CartPole-v1").algorithm("DuelingDQN")
    run = train(algorithm, "CartPole-v1", steps=24_000, episodes=20, return_threshold=490)
    angles = torch.linspace(-0.2, 0.2, 81)
    states = torch.zeros(1, 1, 81, 1, 4)
    states[0, 0, :, 0, 2] = angles
    agents = run.module.agents
    with torch.no_grad():
        _, features = agents(states)
        flat = features.flatten(1, 2)
        value = agents.head.streams.value(flat)[0, :, 0]
        advantages = agents.head.streams.advantages(flat)[0]
    advantages -= advantages.mean(1, keepdim=True)
    degrees = np.degrees(angles)
    line(left, degrees, value, None, 2)
    plain(left, "$V$", xlabel="angle of the pole, degrees")
    title(left, "what the state is worth")
    for index, name in enumerate(("push left", "push right")):
        line(right, degrees, advantages[:, index], name, index)
    plain(right, "$A$ − mean $A$", xlabel="angle of the pole, degrees", place="upper center")
    title(right, "what the choice adds")
    return figure


def prioritised_dqn():
    figure, (left, right) = panels(2)
    errors = np.geomspace(0.01, 10, 40)
    for index, alpha in enumerate((0.6, 0.3, 0.0)):
        trees = SumTrees(1, 40)
        trees.put(torch.arange(40)[None], torch.from_numpy(errors**alpha)[None])
        drawn, _ = trees.draw(400_000, [torch.Generator().manual_seed(0)])
        share = np.bincount(drawn[0], minlength=40) / 400_000
        left.loglog(errors, share, "os^"[index], color=COLOURS[index], markersize=4, label=f"$\\alpha$ = {alpha:g}")
        left.loglog(errors, errors**alpha / (errors**alpha).sum(), color="black", linewidth=0.8)
    plain(left, "share of the draws", xlabel="error of the transition", place="upper left")
    title(left, "400,000 draws from 40 transitions")
    for index, beta in enumerate((0.4, 0.7, 1.0)):
        weights = importance_weights(torch.from_numpy(errors**0.6)[None], beta)[0]
        right.semilogx(
            errors, weights, linestyle=("-", "--", "-.")[index], color=COLOURS[index], label=f"$\\beta$ = {beta:g}"
        )
    plain(right, "weight of the loss", xlabel="error of the transition", place="upper right")
    title(right, "what takes the bias back, $\\alpha$ = 0.6")
    return figure


def _corridor(length=16):
    """Return a walk to the right end of a corridor, where 1 is paid; left leads back a step."""
    rewards, nexts = np.zeros((1, length + 1, 2)), np.zeros((length + 1, 2, 1), dtype=int)
    for place in range(length):
        nexts[place, :, 0] = max(place - 1, 0), place + 1
    nexts[length] = length
    rewards[0, length - 1, 1] = 1.0
    return StochasticGame(
        rewards,
        nexts,
        np.ones(nexts.shape),
        discount=0.95,
        start=np.eye(length + 1)[0],
        terminal=np.arange(length + 1) == length,
        title="corridor",
    )


def n_step_dqn():
    figure, (left, right) = panels(2)
    generator = torch.Generator().manual_seed(0)
    discount, steps = 0.95, np.arange(1, 31)
    rewards = 1 + torch.randn(20_000, 40, generator=generator).T[None]
    zeros = torch.zeros(1, 40, 20_000)
    found = np.array(
        [
            n_step_returns(rewards, torch.full_like(zeros, discount), zeros > 0, zeros, int(n))[0, 0].numpy()
            for n in steps
        ]
    )
    bias, deviation = found.mean(1) - 1 / (1 - discount), found.std(1)
    line(left, steps, -bias, "bias: the value is too small", 0)
    line(left, steps, deviation, "standard deviation", 1)
    line(left, steps, np.hypot(bias, deviation), "both: root mean square", 2)
    plain(left, "error of the target", xlabel="steps $n$", place="upper right")
    title(left, "values all 0, rewards $1 \\pm 1$, $\\gamma$ = 0.95")
    task = _corridor()
    start = torch.zeros(5, 1, 1, 17)
    start[..., 0] = 1
    for index, n_steps in enumerate((1, 3, 8)):
        algorithm = NStepDQN(
            n_steps=n_steps,
            n_envs=8,
            update_every=8,
            learning_starts=200,
            epsilon_steps=2000,
            epsilon_end=0.3,
            discount=0.95,
            target_period=50,
            lr=1e-3,
        )
        times, seen = watched(algorithm, task, _claimed(start), steps=16_000, seeds=range(5), every=500)
        band(right, times, seen, f"$n$ = {n_steps}", index)
    right.axhline(0.95**15, color="black", linewidth=1, linestyle=":")
    plain(right, "value at the start", place="lower right")
    title(right, "a corridor of 16 steps, paid at its end")
    return figure


def noisy_dqn():
    figure, (left, right) = panels(2)
    leaning = torch.zeros(1, 1, 1, 4)
    leaning[..., 2], leaning[..., 3] = 0.1, 0.3
    probes = torch.randn(1, 256, 1, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.8, 0.5, 0.05, 0.5])
    draws = torch.Generator().manual_seed(1)

    def look(learner):
        layers, module, algorithm = learner._noisy, learner.online, learner.algorithm
        kept = [(layer.weight_noise.clone(), layer.bias_noise.clone()) for layer in layers]
        found, other = [], []
        with torch.no_grad():
            for layer in layers:
                layer.noisy = False
            greedy = algorithm.values(module, probes, None)[0].argmax(-1)
            for layer in layers:
                layer.noisy = True
            for _ in range(100):
                for layer in layers:
                    layer.redraw([draws])
                found.append(algorithm.values(module, leaning, None)[0].flatten())
                other.append((algorithm.values(module, probes, None)[0].argmax(-1) != greedy).float().mean())
            for layer, (weight, bias) in zip(layers, kept):
                layer.weight_noise.copy_(weight)
                layer.bias_noise.copy_(bias)
        values = torch.stack(found)
        return (values[:, 1] - values[:, 0]).numpy(), float(torch.stack(other).mean())

    times, seen = watched(recipe("CartPole-v1").algorithm("NoisyDQN"), "CartPole-v1", look, steps=24_000, every=1000)
    for place in (0, 4, 12, 24):
        spread = np.sort(seen[place][0])
        x = times[place] / 1000
        left.plot(x + np.linspace(-0.9, 0.9, spread.size), spread, ".", color=COLOURS[0], markersize=2.5)
        left.plot([x - 1, x + 1], [np.median(spread)] * 2, color=COLOURS[1], linewidth=1.8)
    left.axhline(0, color="black", linewidth=0.8)
    plain(left, "$Q$(right) − $Q$(left)", xlabel="environment steps, thousands")
    left.set_xticks([0, 4, 12, 24])
    title(left, "100 draws of the noise, pole falling right")
    line(right, times, [share for _, share in seen], "noisy layers", 0)
    line(right, times, 0.5 * np.interp(times, [0, 6000, 24_000], [1, 0.04, 0.04]), "random by the schedule", 1)
    right.set_ylim(0, 0.55)
    plain(right, "share of actions that are not greedy", place="upper right")
    title(right, "how much is explored")
    return figure
