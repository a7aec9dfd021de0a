"""A drone learns to hover by GMAC: it flies in PyBullet, and we see what its critic expects along a flight."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch

from marlgt.deep import GMAC, evaluate, train
from marlgt.deep.distributions import quantile
from marlgt.deep.environments import make_environment
from marlgt.deep.networks.policy_networks import Memories
from marlgt.pictures.learning import draw_return_curve

TASK, UNIT = "hover1d-gpd", 0.02
# At most 474.2 can be earned; the recipe's steps, six times as many, come within tenths of it.
STEPS = 60_000

# A critic that tells of numbers around 1: rewards are told in units of 1 / UNIT.
algorithm = GMAC(
    n_envs=32,
    rollout_steps=32,
    epochs=6,
    minibatches=2,
    lr=2e-3,
    lr_end=1e-4,
    discount=0.98,
    trace=0.97,
    reward_scale=UNIT,
    normalise_values=False,
    normalise_observations=True,
)
run = train(algorithm, TASK, steps=STEPS, episodes=1, evaluate_every=STEPS // 10, return_threshold=472.0)
for steps, returns in zip(run.curve.steps, run.curve.mean_return[:, 0]):
    print(f"{steps:7,} steps: return {returns:.1f}")

# The policy has never met PyBullet, in which gym-pybullet-drones gives this task and its score.
for backend in ("numba", "bullet"):
    print(f"{backend:6}: {evaluate(run, episodes=1, backend=backend).team_returns.mean():.2f}")

# One flight, and the law of discounted returns that the critic tells at each step of it.
env, policy = make_environment(TASK, 1, continuous=True), run.policy()
seen, rewards, over = [torch.as_tensor(env.reset(seed=0), dtype=torch.float32)], [], False
policy.begin()
while not over:
    step = env.step(policy.act(seen[-1].unsqueeze(0), None)[0].numpy())
    rewards.append(float(step.rewards[0, 0]))
    seen.append(torch.as_tensor(step.reached, dtype=torch.float32))
    over = bool(step.terminated[0] or step.truncated[0])
critic = run.module.critic_head
with torch.no_grad():
    outputs, _ = run.module.values(torch.stack(seen).unsqueeze(0), None, Memories(), None)
told = critic.mixture(outputs[0, :, 0, 0])
print("weights at the start:", told.weights[0].numpy().round(2), "means:", (told.means[0] / UNIT).numpy().round(1))
fractions = (0.05, 0.25, 0.5, 0.75, 0.95)
levels = np.stack([quantile(told, torch.full(told.means.shape[:1], each)) / UNIT for each in fractions])

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
draw_return_curve(left, run.curve)
times = np.arange(len(seen)) / 30
right.fill_between(times, levels[0], levels[-1], alpha=0.2, label="90 % of what the critic expects")
right.fill_between(times, levels[1], levels[-2], alpha=0.4, label="50 %")
right.plot(times, levels[2], label="median")
right.set(xlabel="seconds of the flight", ylabel="discounted return")
right.legend(frameon=False)
figure.savefig("hover.png")
