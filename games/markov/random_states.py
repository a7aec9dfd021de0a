"""Random stochastic games: Garnets, in which each profile of actions leads to a few states drawn at random."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole
from marlgt.games.generators import checked_counts, generator
from marlgt.games.stochastic import StochasticGame

__all__ = ["random_stochastic_game"]

LARGEST_TABLE = 20_000_000
"""States times profiles times successors of a random game."""


def random_stochastic_game(
    n_states: int,
    n_actions: Sequence[int],
    *,
    branching: int | None = None,
    discount: float = 0.9,
    zero_sum: bool = False,
    common_interest: bool = False,
    seed: int,
) -> StochasticGame:
    """Return a game whose rewards are uniform between 0 and 1 and whose successors are drawn without repetition.

    The probabilities of the successors are uniform on the simplex. The same seed gives the same game on every
    machine with the same NumPy.

    Parameters
    ----------
    n_states : int
    n_actions : sequence of int
        The number of actions of each player, in every state.
    branching : int, optional
        How many states may follow a profile of actions; by default all.
    discount : float
    zero_sum : bool
        Two players: the rewards of the first are uniform between -1 and 1, and the second loses what she gets.
    common_interest : bool
        All players get the same.
    seed : int

    References
    ----------
    Archibald, T. W., McKinnon, K. I. M. and Thomas, L. C. (1995). On the generation of Markov decision processes.
    Journal of the Operational Research Society 46, 354-361.

    Examples
    --------
    >>> random_stochastic_game(3, (2, 2), branching=2, seed=0)
    <StochasticGame 'A random stochastic game': 3 states, 2 x 2 actions, discount 0.9>
    """
    require_whole(n_states, "n_states", least=1)
    if not isinstance(zero_sum, bool) or not isinstance(common_interest, bool) or (zero_sum and common_interest):
        raise GameError("zero_sum and common_interest are true or false, and not both true")
    counts = checked_counts(n_actions, players=2 if zero_sum else None)
    width = n_states if branching is None else branching
    require_whole(width, "branching", least=1)
    if width > n_states:
        raise GameError(f"branching is {width}: it cannot be more than the {n_states} states")
    shape = (n_states, *counts)
    size = math.prod(shape) * n_states
    if size > LARGEST_TABLE:
        raise GameError(
            f"{short(n_states)} states and {short(counts)} actions take {short(size)} random numbers, more than "
            f"{LARGEST_TABLE}: ask for "
            "fewer"
        )
    rng = generator(seed)
    if zero_sum:
        own = rng.uniform(-1.0, 1.0, shape)
        rewards = np.stack([own, -own])
    elif common_interest:
        rewards = np.stack([rng.uniform(size=shape)] * len(counts))
    else:
        rewards = rng.uniform(size=(len(counts), *shape))
    successors = np.argsort(rng.random((*shape, n_states)), axis=-1)[..., :width]
    weights = rng.exponential(size=(*shape, width))
    return StochasticGame(
        rewards,
        np.sort(successors, axis=-1),
        weights / weights.sum(axis=-1, keepdims=True),
        discount=discount,
        title="A random stochastic game",
    )
