"""Stochastic games of a few states, small enough to be solved on paper."""

from __future__ import annotations

import numpy as np

from marlgt.games._catalogue import listed
from marlgt.games.stochastic import StochasticGame

__all__ = ["alternating_turns", "nosde", "two_state_matching_pennies", "two_step_game"]


@listed(n_players=2, size=2, value=2.5)
def two_state_matching_pennies(*, discount: float = 0.8) -> StochasticGame:
    """Return matching pennies played until a match, which is followed by a rest that pays a half.

    In the first state the first player gets 1 for a match, and then comes the rest; otherwise nothing, and the
    state stays. The rest pays 1/2 whatever is played and leads back. With v and w the values of the two states,
    v = (1 + discount (v + w))/2 and w = 1/2 + discount v, so both are 1/(2(1 - discount)).

    Parameters
    ----------
    discount : float

    References
    ----------
    Shapley, L. S. (1953). Stochastic games. Proceedings of the National Academy of Sciences 39, 1095-1100.

    Examples
    --------
    >>> two_state_matching_pennies().states
    ('pennies', 'rest')
    """
    nexts = np.array([[[1, 0], [0, 1]], [[0, 0], [0, 0]]])
    return StochasticGame.zero_sum(
        [[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]],
        nexts[..., None],
        np.ones((*nexts.shape, 1)),
        discount=discount,
        start=[1, 0],
        states=["pennies", "rest"],
        actions=[["heads", "tails"]] * 2,
        title="Matching pennies with a rest",
    )


@listed(n_players=2, size=4, value=1.8)
def alternating_turns(*, discount: float = 0.9) -> StochasticGame:
    """Return a game of two turns: the first player chooses where the second then chooses the payment.

    On the left the second player pays 3 or 1, on the right 2 or 5, and the game ends: it is worth discount * 2.
    Each of them has one action where the other moves.

    Parameters
    ----------
    discount : float

    References
    ----------
    Littman, M. L. (1994). Markov games as a framework for multi-agent reinforcement learning. ICML, 157-163: in games
    of alternating moves the value needs no mixing.

    Examples
    --------
    >>> alternating_turns().states
    ('choice', 'left', 'right', 'over')
    """
    end = 3
    rewards = np.zeros((4, 2, 2))
    rewards[1], rewards[2] = [[3, 1]] * 2, [[2, 5]] * 2
    nexts = np.full((4, 2, 2, 1), end)
    nexts[0, :, :, 0] = [[1, 1], [2, 2]]
    first, second = [[True, False]] * 4, [[True, False]] * 4
    first[0] = second[1] = second[2] = [True, True]
    return StochasticGame.zero_sum(
        rewards,
        nexts,
        np.ones(nexts.shape),
        discount=discount,
        start=[1, 0, 0, 0],
        terminal=np.arange(4) == end,
        legal=[first, second],
        states=["choice", "left", "right", "over"],
        title="Alternating turns",
    )


@listed(n_players=2, size=2, value=4)
def nosde(*, discount: float = 0.75) -> StochasticGame:
    """Return a game whose only stationary equilibrium is mixed, though only one player moves in each state.

    In the first state the first player keeps the turn or sends it, which leads to the second state, where the second
    player keeps it or sends it back. Nothing is hidden. To keep pays who keeps 1 and to send pays her nothing; the
    other gets 3 when the first sends or the second keeps. So what a player gets later depends on how the other moves,
    and no deterministic stationary policies are in equilibrium: in the only stationary equilibrium the first sends
    with probability 1/(2 discount) and the second with (3 discount - 1)/(4 discount), at discount 3/4 with 2/3 and
    5/12. Another game has the same values of actions in equilibrium, and another equilibrium: who looks at these
    values alone cannot tell.

    Parameters
    ----------
    discount : float
        Above 1/2 for what is said here. Up to 1/2 the second player always keeps in equilibrium, and so does the first
        below 1/3, who sends above.

    References
    ----------
    Zinkevich, M., Greenwald, A. and Littman, M. L. (2005). Cyclic equilibria in Markov games. NIPS 18, 1641-1648.

    Examples
    --------
    >>> game = nosde()
    >>> [own.tolist() for own in game.legal]
    [[[True, True], [True, False]], [[True, False], [True, True]]]
    """
    keep, send = 0, 1
    rewards = np.zeros((2, 2, 2, 2))
    rewards[0, 0, keep], rewards[1, 0, send] = 1, 3
    rewards[0, 1, :, keep], rewards[1, 1, :, keep] = 3, 1
    nexts = np.zeros((2, 2, 2, 1), dtype=np.int64)
    nexts[0, send], nexts[1, :, keep] = 1, 1
    return StochasticGame(
        rewards,
        nexts,
        np.ones(nexts.shape),
        discount=discount,
        start=[1, 0],
        legal=[[[True, True], [True, False]], [[True, False], [True, True]]],
        states=["the first moves", "the second moves"],
        actions=[["keep", "send"]] * 2,
        title="NoSDE",
    )


@listed(n_players=2, size=4, value=7.92)
def two_step_game(*, discount: float = 0.99) -> StochasticGame:
    """Return QMIX's two-step game: the first player chooses which of two common payoffs is then played for.

    The first choice pays nothing. Its A leads to a state that pays both 7 whatever they do, its B to one that pays 8 if
    both choose B, 1 if one does, else 0; then the game is over. Sums of individual values cannot represent the second:
    who learns them settles for 7. :func:`marlgt.games.qmix_two_step` is the same game in normal form.

    Parameters
    ----------
    discount : float

    References
    ----------
    Rashid, T., Samvelyan, M., Schroeder de Witt, C., Farquhar, G., Foerster, J. and Whiteson, S. (2018). QMIX:
    monotonic value function factorisation for deep multi-agent reinforcement learning. ICML, section 5.

    Examples
    --------
    >>> two_step_game().states
    ('1', '2A', '2B', 'over')
    """
    rewards = np.zeros((4, 2, 2))
    rewards[1], rewards[2] = 7, [[0, 1], [1, 8]]
    nexts = np.full((4, 2, 2, 1), 3)
    nexts[0, :, :, 0] = [[1, 1], [2, 2]]
    return StochasticGame(
        np.stack([rewards, rewards]),
        nexts,
        np.ones(nexts.shape),
        discount=discount,
        start=[1, 0, 0, 0],
        terminal=np.arange(4) == 3,
        states=["1", "2A", "2B", "over"],
        actions=[["A", "B"]] * 2,
        title="Two-step game",
    )
