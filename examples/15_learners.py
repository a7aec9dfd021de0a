"""Players who know nothing of the game: they act, observe and improve, and exact solvers judge what they learned."""

import numpy as np

import marlgt as gt

learners = gt.learners
soccer = gt.games.soccer()

# Q-learning against an opponent who moves at random: it wins, but what it learned can be exploited.
careful = learners.QLearning(soccer, player=0, exploration=learners.linear(1.0, 0.1, steps=100_000))
run = learners.play(soccer, [careful, learners.UniformPolicy(soccer, player=1)], steps=300_000, seed=0, record=3)
regrets = gt.concepts.regrets(soccer, run.profiles()[0])
print(f"Q against random: wins {run.win_rates[0, -1, 0]:.1%}; a best reply would gain {regrets[1]:.2f} against it")

# Twenty seeds in one call, each the same as alone; intervals by the bootstrap. To climb, one must not blame one's own
# action for what the other tried out: optimistic learners do not.
game = gt.games.climbing_game()
for make in (learners.QLearning, learners.JALAM, learners.DistributedQ):
    pair = [make(game, player=i, exploration=learners.linear(1.0, 0.01, steps=5000)) for i in range(2)]
    run = learners.play_seeds(game, pair, steps=20_000, seeds=range(20))
    reward = run.interval("rewards")
    settled = np.mean([gt.concepts.nash_conv(game, profile) == 0 for profile in run.profiles()])
    print(
        f"{make.__name__:12} earns {reward.mean[-1, 0]:5.2f} [{reward.low[-1, 0]:.2f}, {reward.high[-1, 0]:.2f}] of 11 "
        f"in the climbing game; {settled:.0%} of the seeds end in an equilibrium"
    )
