"""The best joint action hides next to the worst: what VDN, QMIX and QTRAN make of it, and what greedy agents lose."""

import marlgt as gt
from marlgt.deep import recipe, train
from marlgt.deep.inspection import learnt_values

game = gt.games.qtran_matrix()
payoffs = game.payoffs[0]
print("what both agents are paid:\n", payoffs)

# What the classes could do at best: least squares over all sums, and over all functions that fall in no utility.
for name, nearest in (
    ("sum (VDN)", gt.concepts.additive_projection(payoffs)),
    ("monotone function (QMIX)", gt.concepts.monotone_projection(payoffs)),
):
    print(f"the nearest {name} makes greedy agents play {nearest.greedy}, worth {nearest.greedy_value:g}")

settings = recipe("qtran_matrix")
for name, changes in (("VDN", {}), ("QMIX", {}), ("QTRAN", {"variant": "base"}), ("QTRAN", {"variant": "alt"})):
    run = train(settings.algorithm(name, **changes), "qtran_matrix", steps=2400, seeds=range(3), episodes=1)
    learnt = learnt_values(run)
    igm = gt.concepts.individual_global_max(payoffs, learnt.utilities[0])
    print(f"\n{name} {changes.get('variant', '')}: greedy returns of three seeds {run.curve.final}")
    print("joint values of the first:\n", learnt.joint[0].round(1))
    print(f"greedy agents lose {igm.loss:g}: individual global max {'holds' if igm.holds else 'fails'}")
    if name == "QTRAN":
        # Theorem 1: D is 0 where agents are greedy and nowhere negative.
        print("D = utilities - joint value + V:\n", learnt.residual[0].round(1) + 0.0)
        at_best = learnt.residual[0][tuple(learnt.greedy[0])]
        print(f"at the greedy joint action {at_best:.2f}, least {learnt.residual[0].min():.2f}")
