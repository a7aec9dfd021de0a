"""Elo ratings, and whom to play next against a pool of past selves.

Elo's model says that a player with rating r beats one with rating s with probability

    1 / (1 + 10^((s - r) / 400)),

a logistic model whose likelihood is concave: ratings that maximise it exist, and are unique up to a constant, exactly
if the players cannot be split into two groups of which one never beat the other (Zermelo 1929; Ford 1957). Newton's
method finds them. Prioritized fictitious self-play draws opponents in proportion to a function of the chance x of
beating them: (1 - x)^p turns to the hard ones, x (1 - x) to those at one's own level (Vinyals et al. 2019).

References
----------
Zermelo, E. (1929). Die Berechnung der Turnier-Ergebnisse als ein Maximumproblem der Wahrscheinlichkeitsrechnung.
Mathematische Zeitschrift 29, 436-460.
Ford, L. R. (1957). Solution of a ranking problem from binary comparisons. American Mathematical Monthly 64, 28-33.
Elo, A. E. (1978). The Rating of Chessplayers, Past and Present. Arco.
Vinyals, O. et al. (2019). Grandmaster level in StarCraft II using multi-agent reinforcement learning. Nature 575,
350-354.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError, NotConverged
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import nonnegative

__all__ = ["elo_expected", "elo_ratings", "elo_update", "prioritized_fictitious_self_play_weights"]

_SCALE = 400.0 / math.log(10.0)
_STEPS = 200
_HALVINGS = 60


def elo_expected(rating: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """Return the expected score of players against others by their ratings, elementwise.

    Examples
    --------
    >>> float(elo_expected(1600, 1200).round(4))
    0.9091
    """
    own, theirs = exact_and_float(rating, "rating")[0], exact_and_float(other, "other")[0]
    # tanh does not overflow where the power of 10 would.
    return np.asarray(0.5 + 0.5 * np.tanh((own - theirs) / (2.0 * _SCALE)))


def elo_update(rating: float, other: float, score: float, *, step: float = 32.0) -> tuple[float, float]:
    """Return both players' ratings after a game.

    Parameters
    ----------
    rating, other : float
    score : float
        What the first player scored: 1 for a win, 1/2 for a draw, 0 for a loss.
    step : float
        The most that one game can change, Elo's K.

    Examples
    --------
    >>> elo_update(1500, 1500, 1)
    (1516.0, 1484.0)
    """
    points, _ = exact_and_float(score, "score")
    if points.shape != () or not 0.0 <= points <= 1.0:
        raise GameError(f"score is {short(score)}: give 1 for a win, 1/2 for a draw, 0 for a loss")
    change = nonnegative(step, "step") * (float(points) - float(elo_expected(rating, other)))
    return float(rating) + change, float(other) - change


def elo_ratings(scores: ArrayLike, *, mean: float = 0.0) -> NDArray[np.float64]:
    """Return the ratings of greatest likelihood, given how often everyone beat everyone.

    Parameters
    ----------
    scores : array_like, shape (N, N)
        ``scores[i, j]`` is how many points player i made against player j: a win counts 1, a draw 1/2 for either.
        The diagonal is not read.
    mean : float
        The mean of the ratings, which results do not determine.

    Returns
    -------
    ndarray, shape (N,)

    Raises
    ------
    GameError
        If the scores are negative or no square, or some group of players made no point against the rest, so that no
        ratings are best.

    Examples
    --------
    >>> elo_ratings([[0, 10], [1, 0]]).round(3).tolist()
    [200.0, -200.0]
    """
    points, _ = exact_and_float(scores, "scores")
    if points.ndim != 2 or points.shape[0] != points.shape[1] or points.size == 0 or points.min() < 0:
        raise GameError(f"scores is {short(scores)}: give a square matrix of points, none negative")
    centre, _ = exact_and_float(mean, "mean")
    if centre.shape != ():
        raise GameError(f"mean is {short(mean)}: give one number")
    np.fill_diagonal(points, 0.0)
    _require_connected(points)
    count = len(points)
    games = points + points.T
    ratings = np.zeros(count)
    for _ in range(_STEPS):
        chances = 0.5 + 0.5 * np.tanh((ratings[:, None] - ratings) / 2.0)
        gradient = (points - games * chances).sum(axis=1)
        if np.abs(gradient).max() <= 1e-13 * games.sum():
            return ratings * _SCALE + float(centre)
        weights = games * chances * chances.T
        # The Laplacian of the graph of games, made regular by fixing the sum of the ratings.
        laplacian = np.diag(weights.sum(axis=1)) - weights + weights.max() / count
        direction = np.linalg.solve(laplacian, gradient)
        likelihood, length = _log_likelihood(points, ratings), 1.0
        for _ in range(_HALVINGS):
            trial = ratings + length * direction
            if _log_likelihood(points, trial) >= likelihood:
                break
            length /= 2.0
        else:
            break
        ratings = trial - trial.mean()
    if np.abs(gradient).max() <= 1e-9 * games.sum():
        return np.asarray(ratings * _SCALE + float(centre))
    raise NotConverged("Newton's method did not reach the ratings of greatest likelihood: scale the scores down")


def prioritized_fictitious_self_play_weights(
    win_rates: ArrayLike, *, power: float = 2.0, even: bool = False
) -> NDArray[np.float64]:
    """Return the probability with which to play each opponent of a pool next.

    Parameters
    ----------
    win_rates : array_like, shape (N,)
        The chance x of beating each.
    power : float
        Of the weight (1 - x)^power: 0 for all alike, larger for the hardest.
    even : bool
        Weigh by x (1 - x) instead: those whom one beats half the time.

    Returns
    -------
    ndarray, shape (N,)
        In proportion to the weights, all alike where they are all zero.

    Examples
    --------
    >>> prioritized_fictitious_self_play_weights([0.5, 0.0, 1.0]).tolist()
    [0.2, 0.8, 0.0]
    """
    x, _ = exact_and_float(win_rates, "win_rates")
    if x.ndim != 1 or x.size == 0 or x.min() < 0 or x.max() > 1:
        raise GameError(f"win_rates is {short(win_rates)}: give the chance, from 0 to 1, of beating each opponent")
    weights = x * (1.0 - x) if even else (1.0 - x) ** nonnegative(power, "power")
    total = float(weights.sum())
    return np.asarray(weights / total) if total > 0.0 else np.full(x.size, 1.0 / x.size)


def _log_likelihood(points: NDArray[np.float64], ratings: NDArray[np.float64]) -> float:
    return -float((points * np.logaddexp(0.0, ratings - ratings[:, None])).sum())


def _require_connected(points: NDArray[np.float64]) -> None:
    """Raise unless, for any two groups that the players can be split into, each made a point against the other."""
    for table, what in ((points > 0, "made no point against"), (points.T > 0, "lost no point to")):
        reached = np.zeros(len(points), dtype=bool)
        reached[0] = True
        frontier = reached
        while frontier.any():
            found = table[frontier].any(axis=0) & ~reached
            reached = reached | found
            frontier = found
        if not reached.all():
            group = np.flatnonzero(reached).tolist()
            raise GameError(
                f"players {short(group)} {what} the others, so that no ratings are best: leave players out, or add "
                "half a point to every pair"
            )
