"""Fictitious play (Brown 1951): every player best-responds to the others' empirical frequencies.

At each step all players move at once; player i plays the action with the highest payoff against the
product of the opponents' empirical distributions, the lowest index among ties. The empirical
frequencies approach the equilibria of two-player zero-sum games (Robinson 1951) and of potential
games (Monderer and Shapley 1996); in Shapley's game (1964) they cycle for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import certified
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError
from marlgt.games._doors import require_game, require_whole
from marlgt.games._profiles import deviation_payoffs
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.kernels import gear, kernel
from marlgt.progress import progress, stopwatch

__all__ = ["FictitiousPlay", "fictitious_play"]

_CHUNK_STEPS = 200_000
_LARGEST_RECORD = 5 * 10**8


@dataclass(frozen=True)
class FictitiousPlay:
    """What fictitious play did.

    Attributes
    ----------
    actions : ndarray of int, shape (steps, n)
        The action profile of each step.
    equilibrium : Equilibrium
        The empirical profile at the end, with its regrets: it need not be an equilibrium.
    """

    actions: NDArray[np.int64]
    equilibrium: Equilibrium

    @property
    def profile(self) -> Profile:
        """The empirical distribution of each player at the end."""
        if self.equilibrium.profile is None:
            raise GameError("fictitious play ends in a profile of mixed strategies, not in a joint distribution")
        return self.equilibrium.profile

    def path(self, player: int) -> NDArray[np.float64]:
        """Return the empirical distribution of one player after each step, shape (steps, A_player)."""
        count = len(self.profile[player])
        played = self.actions[:, player, None] == np.arange(count)
        return np.asarray(played.cumsum(axis=0) / np.arange(1, len(played) + 1)[:, None])


@kernel
def play_two(
    transposed: NDArray[np.float64],
    B: NDArray[np.float64],
    row_sums: NDArray[np.float64],
    column_sums: NDArray[np.float64],
    actions: NDArray[np.int64],
    start: int,
    stop: int,
) -> None:
    """Play steps ``start`` to ``stop`` of a two-player game, in place.

    ``transposed`` is A', ``row_sums[a]`` the sum of ``A[a, b]`` over the columns b played so far, likewise
    ``column_sums`` for B and the rows.
    """
    m = row_sums.shape[0]
    n = column_sums.shape[0]
    for t in range(start, stop):
        if t > 0:
            a = 0
            for k in range(1, m):
                if row_sums[k] > row_sums[a]:
                    a = k
            b = 0
            for k in range(1, n):
                if column_sums[k] > column_sums[b]:
                    b = k
            actions[t, 0] = a
            actions[t, 1] = b
        a = actions[t, 0]
        b = actions[t, 1]
        for k in range(m):
            row_sums[k] += transposed[b, k]
        for k in range(n):
            column_sums[k] += B[a, k]


def fictitious_play(
    game: NormalFormGame, *, steps: int = 1000, first_actions: Sequence[int] | None = None
) -> FictitiousPlay:
    """Play ``steps`` rounds of simultaneous fictitious play, ties to the lowest action.

    Parameters
    ----------
    game : NormalFormGame
    steps : int
        At least 1.
    first_actions : sequence of int, optional
        The first action of each player; action 0 for everybody if not given.

    Returns
    -------
    FictitiousPlay

    Raises
    ------
    GameError
        For a number of steps below 1 or first actions that the game does not have.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = fictitious_play(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]), steps=10000)
    >>> bool(run.equilibrium.epsilon < 0.02)
    True

    References
    ----------
    Brown, G. W. (1951). Iterative solution of games by fictitious play. In Activity Analysis of
    Production and Allocation. Wiley.
    """
    require_game(game)
    clock = stopwatch()
    require_whole(steps, "steps", least=1)
    if steps * game.n_players > _LARGEST_RECORD:
        raise GameError(
            f"the record of {steps} steps would hold {steps * game.n_players:.1e} actions, above the limit of "
            f"{_LARGEST_RECORD:.0e}: play fewer steps"
        )
    first = (0,) * game.n_players if first_actions is None else tuple(int(a) for a in first_actions)
    if len(first) != game.n_players or not all(0 <= a < k for a, k in zip(first, game.n_actions)):
        raise GameError(
            f"first_actions is {first}: give one action of each player, counted from 0, of {game.n_actions}"
        )
    actions = np.zeros((steps, game.n_players), dtype=np.int64)
    actions[0] = first
    if game.n_players == 2:
        _play_two(game, actions)
    else:
        _play_many(game, actions)
    counts = [np.bincount(actions[:, i], minlength=k) for i, k in enumerate(game.n_actions)]
    profile = [c / steps for c in counts]
    result = certified(game, profile, method="fictitious_play", work={"steps": steps}, seconds=clock())
    return FictitiousPlay(actions, result)


def _play_two(game: NormalFormGame, actions: NDArray[np.int64]) -> None:
    m, n = game.n_actions
    row_sums, column_sums = np.zeros(m), np.zeros(n)
    # A step adds the column b of A and the row a of B: with A transposed both are contiguous.
    transposed = np.ascontiguousarray(game.payoffs[0].T)
    play = gear(play_two, len(actions) * 2.0 * (m + n))
    chunk = max(1, _CHUNK_STEPS * 20 // (m + n))
    with progress("fictitious play", total=len(actions)) as report:
        for start in range(0, len(actions), chunk):
            stop = min(start + chunk, len(actions))
            play(transposed, game.payoffs[1], row_sums, column_sums, actions, start, stop)
            report(stop, "")


def _play_many(game: NormalFormGame, actions: NDArray[np.int64]) -> None:
    counts = [np.zeros(k) for k in game.n_actions]
    with progress("fictitious play", total=len(actions)) as report:
        for t in range(len(actions)):
            if t > 0:
                beliefs = [c / t for c in counts]
                for i in range(game.n_players):
                    payoffs = deviation_payoffs(game.payoffs[i], beliefs, i)
                    # Beliefs are rounded: payoffs within rounding of the best tie with it.
                    slack = 1e-12 * max(1.0, float(np.abs(payoffs).max()))
                    actions[t, i] = int(np.argmax(payoffs >= payoffs.max() - slack))
            for i, a in enumerate(actions[t]):
                counts[i][a] += 1
            report(t + 1, "")
