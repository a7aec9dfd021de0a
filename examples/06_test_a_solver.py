"""Find the smallest game on which a wrong solver fails."""

import numpy as np

from marlgt.testing import check_solver


def best_reply_to_uniform(game):
    """A plausible mistake: every player replies to uniform play."""
    uniform = [np.full(count, 1 / count) for count in game.n_actions]
    return tuple(np.eye(count)[game.best_replies(uniform, player)[0]] for player, count in enumerate(game.n_actions))


report = check_solver(best_reply_to_uniform, max_examples=50)
print(report)
