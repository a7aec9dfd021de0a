"""Nash averaging: rate agents against each other, or against tasks, by what they earn against those that matter.

The agents' results are a zero-sum game between two players who each choose an agent (or one an agent and the other a
task). Its equilibrium of greatest entropy is unique; an agent's rating is what it earns against the other side's
equilibrium strategy. Agents that no equilibrium plays get no weight, and copies share one, so that adding them moves
no rating (Balduzzi et al. 2018); where there are several equilibria, a copy can tilt their balance.

References
----------
Balduzzi, D., Tuyls, K., Perolat, J. and Graepel, T. (2018). Re-evaluating evaluation. NeurIPS 31.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE, certified, relative_epsilon
from marlgt.equilibria import Equilibrium
from marlgt.errors import NotConverged
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import stopwatch
from marlgt.solvers.empirical._entropy import maximum_entropy
from marlgt.solvers.matrix_game import minimax

__all__ = ["NashAverage", "nash_averaging"]


@dataclass(frozen=True)
class NashAverage:
    """Ratings by Nash averaging.

    Attributes
    ----------
    ratings : tuple of ndarray, shapes (A_1,) and (A_2,)
        What each agent (or task) earns against the other side's equilibrium strategy; the best have the value of the
        game. In a symmetric game both are the same.
    equilibrium : Equilibrium
        The equilibrium of greatest entropy, whose profile are the weights of the agents and tasks.
    """

    ratings: tuple[NDArray[np.float64], ...]
    equilibrium: Equilibrium


def nash_averaging(game: NormalFormGame) -> NashAverage:
    """Return the ratings of the strategies of a two-player constant-sum game by Nash averaging.

    Parameters
    ----------
    game : NormalFormGame
        For agents against each other ``NormalFormGame.zero_sum(A)`` with A antisymmetric, such as the logarithm of the
        odds of winning; for agents against tasks any matrix of results.

    Raises
    ------
    UnsupportedGame
        If the game is not two-player constant-sum.
    NotConverged
        If the tolerance of certificates was not reached.

    Examples
    --------
    >>> import marlgt as gt
    >>> found = nash_averaging(gt.NormalFormGame.zero_sum([[0, 1, 1], [-1, 0, 0], [-1, 0, 0]]))
    >>> found.ratings[0].round(6) + 0.0, found.equilibrium.profile[0].round(6)
    (array([ 0., -1., -1.]), array([1., 0., 0.]))
    """
    clock = stopwatch()
    pair = minimax(game)
    steps, settled = 0, True
    profile = []
    for i, own in enumerate((game.payoffs[0], game.payoffs[1].T)):
        # A strategy is optimal if it earns the value against every action of the other side.
        shortfall = (float(pair.values[i]) - own.T) / max(float(game.payoff_range[i]), np.finfo(float).tiny)
        weights, work, converged = maximum_entropy(shortfall)
        steps += work["newton_steps"]
        settled = settled and converged
        profile.append(weights)
    answer = certified(game, profile, method="nash_averaging", work={"newton_steps": steps}, seconds=clock())
    if not settled or relative_epsilon(game, answer) > TOLERANCE:
        raise NotConverged(
            f"Newton's method stopped early, with a regret of {answer.epsilon:.1e}: use minimax, whose pair need not "
            "have the most",
            best=answer,
        )
    ratings = (game.payoffs[0] @ profile[1], profile[0] @ game.payoffs[1])
    for array in ratings:
        array.flags.writeable = False
    return NashAverage(ratings, answer)
