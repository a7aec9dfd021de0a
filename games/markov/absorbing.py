"""Absorbing games: one state in which something is decided, and states that are never left.

With discount 1 - l the value of the first state of a zero-sum one, normalised by l, solves ``v = val(A(l, v))``: the
value of the matrix game whose entry is l r + (1 - l) v where the game stays, and the reward of the absorbing state
where it does not (Shapley 1953).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._catalogue import listed
from marlgt.games.stochastic import StochasticGame

__all__ = ["big_match", "everett_1957", "paris_match", "shapley_1953", "sqrt_absorbing_game"]

_PLAY, _WON, _LOST = range(3)


@listed(n_players=2, size=3, value=5)
def big_match(*, discount: float = 0.9) -> StochasticGame:
    """Return the Big Match: the first player may guess once that the other plays left, and that decides the game.

    To continue pays 1 against right and 0 against left, and the game stays. To stop pays 1 in every step from now
    on against left, and 0 for ever against right. The value is 1/2 of a reward of 1 in every step, for every
    discount: 1/(2(1 - discount)). The first player stops with probability (1 - discount)/(2 - discount), the second
    plays left half of the time.

    Parameters
    ----------
    discount : float

    References
    ----------
    Gillette, D. (1957). Stochastic games with zero stop probabilities. Contributions to the Theory of Games III.
    Blackwell, D. and Ferguson, T. S. (1968). The Big Match. Annals of Mathematical Statistics 39, 159-163.

    Examples
    --------
    >>> game = big_match()
    >>> game.states, game.actions
    (('undecided', 'won', 'lost'), (('continue', 'stop'), ('left', 'right')))
    """
    return _absorbing(
        rewards=[[0, 1], [1, 0]],
        successors=[[_PLAY, _PLAY], [_WON, _LOST]],
        actions=[["continue", "stop"], ["left", "right"]],
        discount=discount,
        title="The Big Match",
    )


@listed(n_players=2, size=3, value=1 / (0.1 + 0.1**0.5))
def sqrt_absorbing_game(*, discount: float = 0.9) -> StochasticGame:
    """Return an absorbing game whose value moves with the square root of how little the future is discounted.

    The rewards are 1 on the diagonal and 0 off it; only the second row against the second column stays. The first
    row decides for ever: 1 against the first column, 0 against the second, and so does the second row against the
    first, with 0. With l = 1 - discount the value is sqrt(l)/(1 + sqrt(l)) of a reward of 1 in every step.

    Parameters
    ----------
    discount : float

    References
    ----------
    Bewley, T. and Kohlberg, E. (1976). The asymptotic theory of stochastic games. Mathematics of Operations Research
    1, 197-208: values are series in fractional powers of l.

    Examples
    --------
    >>> sqrt_absorbing_game().discount
    0.9
    """
    return _absorbing(
        rewards=[[1, 0], [0, 1]],
        successors=[[_WON, _LOST], [_LOST, _PLAY]],
        actions=[["top", "bottom"], ["left", "right"]],
        discount=discount,
        title="An absorbing game with a value in square roots",
    )


@listed(n_players=2, size=3, value=5)
def paris_match(*, discount: float = 0.9) -> StochasticGame:
    """Return Sorin's absorbing game that is not zero-sum, whose players want more than discounting gives them.

    The first player continues or stops. To continue pays (1, 0) against left and (0, 1) against right. To stop pays
    (0, 2) in every step from now on against left, and (1, 0) against right. For every discount below 1 each
    equilibrium pays 1/2 and 2/3 of a reward of 1 in every step: the first stops with probability l/(2 + l), where
    l = 1 - discount, and the second plays left half of the time. Without discounting, no equilibrium pays that.

    Parameters
    ----------
    discount : float

    References
    ----------
    Sorin, S. (1986). Asymptotic properties of a non-zero-sum stochastic game. International Journal of Game Theory
    15, 101-107.

    Examples
    --------
    >>> paris_match().is_zero_sum
    False
    """
    undecided, left, right = range(3)
    rewards = np.zeros((2, 3, 2, 2))
    rewards[:, undecided] = [[[1, 0], [0, 1]], [[0, 1], [2, 0]]]
    rewards[1, left], rewards[0, right] = 2, 1
    nexts = np.zeros((3, 2, 2, 1), dtype=np.int64)
    nexts[undecided, 1, :, 0], nexts[left], nexts[right] = (left, right), left, right
    return StochasticGame(
        rewards,
        nexts,
        np.ones(nexts.shape),
        discount=discount,
        start=[1, 0, 0],
        states=["undecided", "stopped on the left", "stopped on the right"],
        actions=[["continue", "stop"], ["left", "right"]],
        title="The Paris match",
    )


@listed(n_players=2, size=2, value=1 / (1 + 0.1**0.5))
def everett_1957(*, discount: float = 0.9) -> StochasticGame:
    """Return a recursive game: the first player wins unless both choose the second action, and the first ones go on.

    Both choose one of two actions at once. The first action against the first leads back and pays nothing; the game
    ends with a payment of 1 if their actions differ and with nothing if both take the second. With discount d the
    value is 1/(1 + sqrt(1 - d)). It goes to 1, and without discounting the first player can be as sure of 1 as she
    likes, but never entirely.

    Parameters
    ----------
    discount : float

    References
    ----------
    Everett, H. (1957). Recursive games. Contributions to the Theory of Games III, 47-78.

    Examples
    --------
    >>> everett_1957().surely_ends
    False
    """
    nexts = np.array([[[0, 1], [1, 1]], [[1, 1], [1, 1]]])
    return StochasticGame.zero_sum(
        [[[0, 1], [1, 0]], [[0, 0], [0, 0]]],
        nexts[..., None],
        np.ones((*nexts.shape, 1)),
        discount=discount,
        terminal=[False, True],
        states=["going on", "over"],
        actions=[["first", "second"]] * 2,
        title="A recursive game",
    )


@listed(n_players=2, size=2, value=2)
def shapley_1953(*, stop: float | Fraction = Fraction(1, 2)) -> StochasticGame:
    """Return a matrix game that is played again until it stops by chance: Shapley's first model.

    Both choose one of two actions; the first player gets 2 if they are the same. Then the game ends with probability
    ``stop``. There is no discount: that it stops takes its place. The value is 1/stop, and both play half and half.

    Parameters
    ----------
    stop : float or Fraction
        From above 0 to 1.

    References
    ----------
    Shapley, L. S. (1953). Stochastic games. Proceedings of the National Academy of Sciences 39, 1095-1100.

    Examples
    --------
    >>> game = shapley_1953()
    >>> game.discount, game.surely_ends
    (1.0, True)
    """
    given, _ = exact_and_float(np.asarray(stop, dtype=object), "stop")
    if given.shape != () or not 0.0 < given <= 1.0:
        raise GameError(f"stop is {short(stop)}: give a probability above 0")
    chance = float(given)
    return StochasticGame.zero_sum(
        [[[2, 0], [0, 2]], [[0, 0], [0, 0]]],
        np.broadcast_to([0, 1], (2, 2, 2, 2)),
        np.broadcast_to([1.0 - chance, chance], (2, 2, 2, 2)),
        discount=1.0,
        terminal=[False, True],
        states=["going on", "stopped"],
        title="A game that stops by chance",
    )


def _absorbing(
    *,
    rewards: list[list[int]],
    successors: list[list[int]],
    actions: list[list[str]],
    discount: float,
    title: str,
) -> StochasticGame:
    nexts = np.array([successors, [[_WON] * 2] * 2, [[_LOST] * 2] * 2])
    return StochasticGame.zero_sum(
        [rewards, [[1, 1], [1, 1]], [[0, 0], [0, 0]]],
        nexts[..., None],
        np.ones((*nexts.shape, 1)),
        discount=discount,
        start=[1, 0, 0],
        states=["undecided", "won", "lost"],
        actions=actions,
        title=title,
    )
