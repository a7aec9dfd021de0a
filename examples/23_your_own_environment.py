"""A PettingZoo environment of one's own, in which QMIX finds what two agents can only do together."""

import numpy as np
from gymnasium.spaces import Box, Discrete

from marlgt.deep import QMIX, evaluate, train


class TwoKeys:
    """A line of five places with a lock at either end, which the two agents must turn in the same step."""

    possible_agents = ("one", "two")

    def observation_space(self, agent):
        return Box(-1.0, 1.0, (3,))

    def action_space(self, agent):
        return Discrete(3)  # left, stay, right

    def state(self):
        return np.array([*self.places / 2, self.time / 8], dtype=np.float32)

    def _told(self):
        one, two = self.places / 2
        seen = {"one": np.float32([one, two, self.time / 8]), "two": np.float32([two, one, self.time / 8])}
        masks = {a: np.int8([p > -2, 1, p < 2]) for a, p in zip(self.possible_agents, self.places)}
        return seen, {agent: {"action_mask": masks[agent]} for agent in self.possible_agents}

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.agents, self.time = list(self.possible_agents), 0
        self.places = self.rng.integers(-1, 2, 2)
        return self._told()

    def step(self, actions):
        self.places = self.places + [int(actions[agent]) - 1 for agent in self.possible_agents]
        self.time += 1
        opened = bool(self.places[0] == -2 and self.places[1] == 2)
        late = self.time == 8
        seen, infos = self._told()
        infos["one"]["is_success"] = opened
        # A step costs a little, and opening pays: sooner is better.
        paid = dict.fromkeys(self.agents, 1.0 if opened else -0.05)
        # Who runs out of time has lost, and sees it coming: that is an end, after which nothing is worth anything. If
        # the clock were only there to stop long episodes, and not observed, they would be truncated.
        ended, stopped = dict.fromkeys(self.agents, opened or late), dict.fromkeys(self.agents, False)
        if opened or late:
            self.agents = []
        return seen, paid, ended, stopped, infos


algorithm = QMIX(lr=2e-3, learning_starts=300, epsilon_steps=3000, update_every=8, batch_size=64, target_period=25)
run = train(algorithm, TwoKeys, steps=4800, seeds=range(2), episodes=20, evaluate_every=1200)
for steps, returns in zip(run.curve.steps, run.curve.mean_return):
    print(f"{steps:5} steps: returns of two seeds, summed over the agents: {returns.round(2)}")

played = evaluate(run, episodes=50)
print(f"fresh episodes: opened in {played.successes.mean():.0%}, after {played.lengths.mean():.1f} steps")
