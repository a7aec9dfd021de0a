"""A game in which value iteration goes round in circles, and the homotopy that does not."""

import marlgt as gt

game = gt.games.nosde()
try:
    gt.solvers.nash_value_iteration(game)
except gt.NotConverged as failure:
    print(f"value iteration: {failure}")

(answer,) = gt.solve(game)
print(f"{answer.method}: largest regret {answer.epsilon:.0e}")
for i, name in enumerate(game.players):
    print(f"  player {name} keeps with probability {answer.profile[i][i, 0]:.6f}")
