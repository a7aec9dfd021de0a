"""A population of policies for Kuhn poker grows until nobody gains, and the meta-game ranks them."""

import marlgt as gt

game = gt.games.kuhn_poker()
for meta_solver in (gt.solvers.nash_meta, gt.solvers.uniform_meta, gt.solvers.projected_replicator_dynamics):
    grown = gt.solvers.psro(game, meta_solver=meta_solver, iterations=12)
    sizes = "+".join(str(len(own)) for own in grown.populations)
    print(f"{meta_solver.__name__:30} {sizes} policies, gap {grown.gaps[-1]:.1e}")

grown = gt.solvers.psro(game, iterations=12)
ranking = gt.solvers.alpha_rank(grown.meta_game)
print("alpha-rank of the first player's policies:", ranking.marginals[0].round(3).tolist())
