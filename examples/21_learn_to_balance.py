"""A few thousand steps of CartPole for three seeds at once: train, draw the curve, evaluate, look at the network."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import torch

import marlgt as gt
from marlgt.deep import evaluate, recipe, train
from marlgt.pictures.learning import draw_return_curve

algorithm = recipe("CartPole-v1").algorithm("DoubleDQN", epsilon_steps=3000)
run = train(algorithm, "CartPole-v1", steps=6000, seeds=range(3), episodes=10, evaluate_every=1500)

for steps, returns, loss in zip(run.curve.steps, run.curve.mean_return, run.curve.losses):
    print(f"{steps:5} steps: returns {returns.round()}, loss {loss.mean():.3g}")

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
draw_return_curve(axes, run.curve)
figure.savefig("balance.png")

# Fresh episodes that neither the training nor the curve has met; over seeds, an interval.
played = evaluate(run, episodes=50)
interval = gt.statistics.bootstrap_interval(played.team_returns.mean(1))
print(f"greedy: {interval.estimate:.0f}, 95% interval {interval.low:.0f} to {interval.high:.0f}")
noisy = evaluate(run, episodes=50, epsilon=0.1)
print(f"with a tenth of the actions random: {noisy.team_returns.mean():.0f}")

# The policies of all seeds act at once, on tensors of shape (seeds, copies, agents, numbers).
leaning = torch.tensor([[0.0, 0.0, -0.1, 0.0], [0.0, 0.0, 0.1, 0.0]]).view(1, 2, 1, 4).expand(3, 2, 1, 4)
pushes = run.policy().act(leaning)[:, :, 0]
print("pushes of three seeds, 0 left and 1 right, for a pole that leans left and right:\n", pushes.tolist())
