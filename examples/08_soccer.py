"""Littman's soccer: the value of every state, and how A gets past B, with a proof of both."""

import numpy as np

import marlgt as gt

game = gt.games.soccer()
(answer,) = gt.solve(game)
print(f"{game.n_states} states in {answer.seconds * 1000:.0f} ms, largest regret {answer.epsilon:.0e}")

state = gt.games.soccer_state((1, 1), (1, 0), 0)
print(f"{game.states[state]}: worth {answer.state_values[0, state]:.4f} to A")
for i, name in enumerate(game.players):
    moves = {a: round(float(p), 3) for a, p in zip(game.actions[i], answer.profile[i][state]) if p > 1e-9}
    print(f"  {name} plays {moves}")

# Anybody's policy is judged by its best reply.
careless = gt.certify(game, (game.uniform_profile()[0], answer.profile[1]))
print(f"A moving at random could gain {np.round(careless.regrets[0], 3)} in the worst state")
