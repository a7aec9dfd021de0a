"""Solve one large matrix game, then ten thousand small ones in a single call."""

import numpy as np

import marlgt as gt

rng = np.random.default_rng(0)
large = gt.NormalFormGame.zero_sum(rng.standard_normal((200, 200)))
answer = gt.solve(large, concept="minimax")[0]
print(f"value of a 200 x 200 game: {answer.values[0]:.6f}, largest regret {answer.epsilon:.1e}")

batch = gt.solvers.minimax_batch(rng.standard_normal((10_000, 3, 3)))
print(f"mean value of 10,000 games: {batch.values.mean():+.4f}, worst gap {batch.gaps.max():.1e}")
