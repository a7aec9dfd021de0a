"""All nine equilibria of McKelvey and McLennan's game, and the logit path through another."""

import marlgt as gt

game = gt.games.load("mckelvey_mclennan_1997")
for e in gt.solve(game):
    print([p.round(4).tolist() for p in e.profile], f"regret {e.epsilon:.0e}")

path = gt.solvers.logit_path(gt.games.jordan_matching_pennies())
print(f"logit path: {len(path.rationality)} points up to lambda = {path.rationality[-1]:.3g}")
