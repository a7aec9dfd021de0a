"""Play lbforaging 2.0.0 and record what it does, for a test that needs no lbforaging: about a minute.

Run from the root: ``python tests/data/foraging/record_transitions.py``. Each environment gives transitions of random
play, those in which food is gathered or an episode ends before others; ``placed`` and ``return`` are what its resets
and random play over 25 steps are like. Before each reset the agents forget where they stood.
"""

from pathlib import Path

import gymnasium
import lbforaging  # noqa: F401
import numpy as np

NAMES = [
    "Foraging-5x5-2p-1f-v3",
    "Foraging-8x8-2p-2f-coop-v3",
    "Foraging-8x8-2p-3f-v3",
    "Foraging-10x10-3p-3f-v3",
    "Foraging-5x5-5p-4f-v3",
    "Foraging-2s-8x8-3p-3f-v3",
]
KEPT = 80


def made(name):
    return gymnasium.make(name, disable_env_checker=True).unwrapped


def begin(env, seed=None):
    for player in env.players:
        player.position = None
    return env.reset(seed=seed)


def agents_of(env):
    return [(*map(int, p.position), int(p.level)) for p in env.players]


def foods_of(env):
    rows, columns = np.nonzero(env.field)
    foods = [(r, c, env.field[r, c]) for r, c in zip(rows, columns)]
    return foods + [(-1, -1, 0)] * (env.max_num_food - len(foods))


def allowed_of(env):
    return [[action in env._valid_actions[p] for action in type(env._valid_actions[p][0])] for p in env.players]


def transitions(name):
    env, rng, kept = made(name), np.random.default_rng(1), []
    begin(env, seed=1)
    for _ in range(12_000):
        before = (agents_of(env), foods_of(env), (env.current_step, int(env._food_spawned)))
        actions = rng.integers(6, size=len(env.players))
        loads = np.array(allowed_of(env))[:, 5] & (rng.random(len(env.players)) < 0.5)
        actions[loads] = 5
        observations, rewards, over, _, _ = env.step(actions)
        row = (*before, actions, agents_of(env), foods_of(env), rewards, over, np.array(observations), allowed_of(env))
        kept.append((bool(sum(rewards)) or over, rng.random(), row))
        if over:
            begin(env)
    kept.sort(key=lambda item: (-item[0], item[1]))
    half = KEPT // 2
    rest = [item for item in kept if not item[0]]
    chosen = [item[2] for item in [*kept[:half], *rest[:half]]]
    fields = ("agents", "foods", "clock", "actions", "next_agents", "next_foods", "rewards", "over", "seen", "allowed")
    return {f"{name}/{field}": np.array(column) for field, column in zip(fields, zip(*chosen))}


def placed(name, n_resets):
    env = made(name)
    begin(env, seed=2)
    cells, levels, counts = np.zeros(env.field.shape, int), np.zeros((12, 12), int), np.zeros(8, int)
    for _ in range(n_resets):
        begin(env)
        cells += env.field > 0
        for level in env.field[env.field > 0]:
            levels[sum(p.level for p in env.players), level] += 1
        counts[(env.field > 0).sum()] += 1
    return {f"{name}/placed_cells": cells, f"{name}/placed_levels": levels, f"{name}/placed_counts": counts}


def random_return(name, n_episodes, steps):
    env, rng, totals = made(name), np.random.default_rng(3), []
    begin(env, seed=3)
    for _ in range(n_episodes):
        begin(env)
        total, over = 0.0, False
        for _ in range(steps):
            if not over:
                _, rewards, over, _, _ = env.step(rng.integers(6, size=len(env.players)))
                total += sum(rewards)
        totals.append(total)
    return {f"{name}/return": np.array([np.mean(totals), np.std(totals) / np.sqrt(n_episodes)])}


if __name__ == "__main__":
    records = {}
    for name in NAMES:
        records |= transitions(name)
    records |= placed("Foraging-8x8-2p-3f-v3", 6000) | placed("Foraging-5x5-5p-4f-v3", 600)
    records |= random_return("Foraging-8x8-2p-3f-v3", 5000, 25)
    np.savez_compressed(Path(__file__).with_name("transitions.npz"), **records)
