"""Tic-tac-toe searched by its rules: how much of the tree alpha-beta sees, and a game of Monte Carlo against it."""

import marlgt as gt

for name, order in (("row by row", range(9)), ("centre, corners, edges", (4, 0, 2, 6, 8, 1, 3, 5, 7))):
    found = gt.solvers.alpha_beta(gt.games.TicTacToe(order=tuple(order)))
    print(f"{name}: value {found.value:g} after {found.nodes} of 549946 positions")

rules = gt.games.TicTacToe()
state = rules.initial_state()
while rules.current_player(state) != gt.games.TERMINAL:
    if rules.current_player(state) == 0:
        action = gt.solvers.mcts(rules, state, simulations=400, seed=0).action
    else:
        action = gt.solvers.alpha_beta(rules, state).action
    state = rules.next_state(state, action)
print(f"Monte Carlo as X against perfect play: {rules.returns(state)}")
