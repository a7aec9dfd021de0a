"""Drones take the corners of a pentagon: thousands of environments at once, the expert against chance, a picture."""

import numpy as np

from marlgt.games.drones import Disturbances, evaluate_policy, make_batch, make_task, record_flight
from marlgt.pictures import draw_flight, write_flight_replay

task = make_task("formation", n_drones=5)
print(f"{task.name}: {task.n_agents} agents with {task.n_actions} actions, {task.n_observations} numbers observed")

# A learner's loop: act in what is observed; an environment that is over begins anew in the same step.
env = make_batch(task, n_envs=1024)
observations = env.reset(seed=0)
total = np.zeros(1024)
for _ in range(task.horizon):
    step = env.step(env.random_actions())
    total += step.rewards[:, 0]
print(f"random actions earn {total.mean() / task.horizon:.3f} a step")

for policy in ("expert", "random"):
    scores = evaluate_policy(task, policy, episodes=200)
    print(f"{policy:6} scores {scores.score:.3f}, solves {scores.success_rate:.0%}, crashes in {scores.crash_rate:.0%}")

# The same in wind, with drones that are not all alike, one of which may be lost on the way.
rough = make_task("formation", n_drones=5, disturbances=Disturbances(mass=0.1, wind=1.0, gusts=0.5, loss=0.1))
scores = evaluate_policy(rough, "expert", episodes=200)
print(f"disturbed, the expert scores {scores.score:.3f} and solves {scores.success_rate:.0%}")

flight = record_flight(task, "expert", seed=0)
draw_flight(flight).savefig("formation.png")
write_flight_replay(flight, "formation.html")
