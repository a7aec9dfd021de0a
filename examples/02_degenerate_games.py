"""In degenerate games equilibria form components: extreme points, and everything between them."""

import marlgt as gt

game = gt.NormalFormGame.bimatrix([[3, 3], [2, 5], [0, 6]], [[3, 3], [2, 6], [3, 1]])
answers = gt.solve(game)
for number, component in enumerate(answers.components):
    print(f"component {number}:")
    for index in component:
        print("  ", answers[index])
