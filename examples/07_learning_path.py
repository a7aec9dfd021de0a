"""Fictitious play settles in matching pennies and cycles for ever in Shapley's game."""

import marlgt as gt

for name in ("matching_pennies", "shapley_1964"):
    game = gt.games.load(name)
    for steps in (100, 10_000):
        run = gt.dynamics.fictitious_play(game, steps=steps, first_actions=(0, 1))
        print(f"{name}: after {steps} steps the largest regret is {run.equilibrium.epsilon:.4f}")
