"""Drones for any multi-agent library: PettingZoo's interface, with action masks and a global state for critics."""

import numpy as np

from marlgt.games.drones import Disturbances, make, make_task

# Four agents, the motors of one drone, each on or off: none can do good alone.
env = make("takeoff-onoff")
observations, infos = env.reset(seed=0)
print(f"{env.agents}: {env.action_space('motor_0')}, {env.observation_space('motor_0').shape[0]} numbers observed")
for name, off in (("all motors off", env.possible_agents), ("all on but one", env.possible_agents[:1])):
    actions = {agent: 0 if agent in off else 1 for agent in env.possible_agents}
    env.reset(seed=1)
    steps = 0
    while env.agents:
        observations, rewards, terminated, truncated, infos = env.step(actions)
        steps += 1
    # Terminated: the episode was decided, here by a crash. Truncated: the clock stopped it, and its value lives on.
    end = "terminated" if any(terminated.values()) else "truncated"
    print(f"{name}: {end} after {steps} of {env.task.horizon} steps")

# Drones may be lost; who is lost may only hold, as the mask says. Random actions under a mask:
env = make(make_task("coverage", n_drones=4, disturbances=Disturbances(loss=0.5)))
rng = np.random.default_rng(0)
observations, infos = env.reset(seed=1)
earned = 0.0
while env.agents:
    masks = {agent: infos[agent]["action_mask"] for agent in env.agents}
    lost = sum(int(mask.sum()) == 1 for mask in masks.values())
    actions = {agent: rng.choice(np.flatnonzero(mask)) for agent, mask in masks.items()}
    observations, rewards, terminated, truncated, infos = env.step(actions)
    earned += rewards["drone_0"]
print(f"coverage: earned {earned:.1f}, {lost} of 4 drones lost, a state of {env.state().size} numbers for critics")
