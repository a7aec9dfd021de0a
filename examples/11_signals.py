"""Beer and quiche: what a signalling game has for equilibria, and what trust in a mediator adds."""

import marlgt as gt

game = gt.games.beer_quiche()
for e in gt.solve(game, method="reduced_normal_form"):
    print(f"equilibrium worth {e.values.round(3).tolist()}, largest regret {e.epsilon:.0e}")
for concept in ("extensive_form_correlated", "extensive_form_coarse_correlated"):
    (best,) = gt.solve(game, concept=concept, objective="welfare")
    print(f"best {concept.replace('_', ' ')}: {best.values.round(3).tolist()}")
