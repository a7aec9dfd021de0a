"""Is the other a friend or a grim trigger? Beliefs, and what it is worth to find out."""

import marlgt as gt

game = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
types = [gt.learners.always(game, 1, 0), gt.learners.grim_trigger(game, 1)]

for prior in ([0.5, 0.5], [0.8, 0.2]):
    belief = gt.learners.type_posterior(types, prior=prior)
    for horizon in (10, 1):
        cooperate, defect = gt.learners.value_of_information(game, belief, horizon=horizon)
        choice = "cooperate" if cooperate > defect else "defect"
        print(f"prior {prior}, {horizon:2} rounds to go: cooperate {cooperate:6.2f}, defect {defect:6.2f} -> {choice}")

# One defection tells which type it is, for what comes next.
belief = gt.learners.type_posterior(types)
print("after a defection is answered by another:", belief.observed((1, 0)).observed((0, 1)).probabilities)
