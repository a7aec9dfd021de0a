"""Leduc poker by regret minimization, against the exact value by linear programming."""

import marlgt as gt

game = gt.games.leduc_poker()
exact = gt.solvers.sequence_form_lp(game, exact=False)
print(f"{game}: worth {exact.values[0]:.9f} to the first player")

for method in ("cfr", "cfr+", "pcfr+"):
    (answer,) = gt.solve(game, method=method, iterations=300)
    gap = gt.concepts.exploitability(game, answer.profile)
    print(f"{answer.method:20} after 300 iterations: exploitable for {gap:.5f}, {answer.seconds:.2f} s")
