"""Find every equilibrium of a game, with its proof."""

import marlgt as gt

game = gt.NormalFormGame.bimatrix(
    [[3, 3], [2, 5], [0, 6]],
    [[3, 2], [2, 6], [3, 1]],
    players=["row", "column"],
    actions=[["top", "middle", "bottom"], ["left", "right"]],
)
print(game)
answers = gt.solve(game)
for e in answers:
    print(e)
print("complete:", answers.complete, "because:", answers.why)
