"""Rules that know the game: what settles, what circles, and what only the averages reach."""

import numpy as np

import marlgt as gt

shapley = gt.games.load("shapley_1964")
run = gt.dynamics.fictitious_play(shapley, steps=5000)
lengths = np.diff(np.flatnonzero((run.actions[1:] != run.actions[:-1]).any(axis=1)))
print(f"fictitious play in Shapley's game: NashConv {run.nash_conv[-1]:.2f}, last runs {lengths[-4:].tolist()}")

zero_sum = gt.games.random_zero_sum((10, 10), seed=0)
for rule in (gt.dynamics.fictitious_play, gt.dynamics.hedge, gt.dynamics.regret_matching_plus):
    run = rule(zero_sum, steps=5000)
    print(f"{run.rule:22} averages {run.nash_conv[-1]:8.4f}   strategies {run.nash_conv_current[-1]:8.4f}")

# The joint distribution of play is what regret governs: it nears the coarse correlated equilibria of every game.
runs = gt.dynamics.many(gt.dynamics.regret_matching, shapley, seeds=range(20), steps=5000, sampled=True)
print(f"regret matching, 20 seeds: CCE gap {runs.cce_gap[:, -1].mean():.4f}, CE gap {runs.ce_gap[:, -1].mean():.4f}")

circling = gt.dynamics.replicator_dynamics(gt.games.matching_pennies(), start=[[0.8, 0.2], [0.5, 0.5]], duration=50.0)
settling = gt.dynamics.wolf_iga(gt.games.matching_pennies(), start=[[0.8, 0.2], [0.5, 0.5]], steps=3000)
for run in (circling, settling):
    print(f"{run.rule:22} ends {np.abs(run.last.profile[0][0] - 0.5):.3f} from the equilibrium")
