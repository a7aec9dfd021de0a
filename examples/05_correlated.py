"""What a trusted adviser can add: the best correlated equilibria of chicken against its Nash equilibria."""

import marlgt as gt

game = gt.games.chicken()
for e in gt.solve(game):
    print(e)
for objective in ("welfare", "egalitarian", "republican"):
    best = gt.solve(game, concept="correlated", objective=objective)[0]
    print(objective, best.values.round(4), "gap", f"{best.epsilon:.0e}")
