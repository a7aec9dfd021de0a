"""Records of play: what learners earned along the way, for one seed or for a thousand, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.statistics import Interval
from marlgt.statistics import mean_interval as bootstrap_interval

__all__ = ["Interval", "Run", "bootstrap_interval"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """What happened in a match at T recorded times, for each seed.

    Attributes
    ----------
    players : tuple of str
    seeds : tuple of int
    times : ndarray of int64, shape (T,)
        Steps played.
    learners : tuple of lists
        The learners of each seed as they are at the end.
    rewards : ndarray, shape (seeds, T, n)
        Mean reward a step since the record before.
    returns : ndarray, shape (seeds, T, n)
        Mean return (sum of rewards) of the episodes that ended since the record before; nan where none did.
    discounted : ndarray, shape (seeds, T, n)
        Likewise, discounted.
    wins : ndarray, shape (seeds, T, n)
        Episodes since the record before in which that player's return was the highest of all.
    episodes : ndarray of int64, shape (seeds, T)
        Episodes that ended since the record before.
    lengths : ndarray, shape (seeds, T)
        Their mean length in steps.
    gaps : ndarray, shape (seeds, T), or None
        What the judge said of the policies learned so far.
    plays : ndarray of int64, shape (seeds, S, A_1, ..., A_n), or None
        How often each profile of actions was played in each state, where that was counted.
    seconds : float
    note : str
    views, moves : ndarray of int64, or None
        As in :func:`marlgt.learners.play`: policies of learners are over these views, :meth:`profiles` over states.
    """

    players: tuple[str, ...]
    seeds: tuple[int, ...]
    times: NDArray[np.int64]
    learners: tuple[list[Any], ...]
    rewards: Floats
    returns: Floats
    discounted: Floats
    wins: Floats
    episodes: NDArray[np.int64]
    lengths: Floats
    gaps: Floats | None = None
    plays: NDArray[np.int64] | None = None
    seconds: float = 0.0
    note: str = field(default="")
    views: NDArray[np.int64] | None = None
    moves: NDArray[np.int64] | None = None

    @property
    def steps(self) -> int:
        """Steps played by each seed."""
        return int(self.times[-1]) if len(self.times) else 0

    @property
    def welfare(self) -> Floats:
        """The sum of the players' mean rewards, shape (seeds, T)."""
        return np.asarray(self.rewards.sum(axis=2))

    @property
    def nash_welfare(self) -> Floats:
        """The product of the players' mean rewards, shape (seeds, T); nan where one is negative (Nash 1950)."""
        return np.asarray(np.where((self.rewards >= 0).all(axis=2), self.rewards.prod(axis=2), np.nan))

    @property
    def fairness(self) -> Floats:
        """Jain's index of the players' mean rewards, from 1/n to 1 where all earn alike, shape (seeds, T).

        It is nan where a reward is negative or all are 0.

        References
        ----------
        Jain, R., Chiu, D. and Hawe, W. (1984). A quantitative measure of fairness. DEC Research Report TR-301.
        """
        squares = (self.rewards**2).sum(axis=2)
        fit = (self.rewards >= 0).all(axis=2) & (squares > 0)
        index = self.welfare**2 / np.where(fit, squares * self.rewards.shape[2], 1.0)
        return np.asarray(np.where(fit, index, np.nan))

    @property
    def win_rates(self) -> Floats:
        """The share of ended episodes that each player won, shape (seeds, T, n); nan where none ended."""
        return np.asarray(self.wins / np.where(self.episodes > 0, self.episodes, np.nan)[:, :, None])

    def interval(self, what: str, *, level: float = 0.95) -> Interval:
        """Return the mean over seeds of one of the records, with a bootstrap interval.

        Parameters
        ----------
        what : str
            The name of an attribute whose first axis are the seeds, such as ``"rewards"`` or ``"gaps"``.
        level : float
        """
        samples = getattr(self, what, None)
        if not isinstance(samples, np.ndarray) or what == "times":
            names = "rewards, returns, discounted, wins, episodes, lengths, gaps, welfare, nash_welfare, fairness"
            raise GameError(f"what is {what!r}: give the name of a record that was kept, of {names}, win_rates")
        return bootstrap_interval(samples.astype(np.float64), level=level)

    def profiles(self) -> list[tuple[Floats, ...]]:
        """Return the learned policies of all players for each seed, which the solvers' functions take.

        Examples
        --------
        >>> import marlgt as gt
        >>> game = gt.games.prisoners_dilemma()
        >>> pair = [gt.learners.QLearning(game, player=i) for i in range(2)]
        >>> run = gt.learners.play(game, pair, steps=2000, seed=0)
        >>> float(gt.concepts.nash_conv(game, run.profiles()[0]))
        0.0
        """
        return [profile_of(learners, self.views, self.moves) for learners in self.learners]

    def __repr__(self) -> str:
        return f"<Run of {len(self.seeds)} seeds, {self.steps} steps each, {int(self.episodes.sum())} episodes ended>"


def profile_of(
    learners: Sequence[Any], views: NDArray[np.int64] | None = None, moves: NDArray[np.int64] | None = None
) -> tuple[Floats, ...]:
    """Return the policies of learners, in player order; one learner may give those of all players.

    Policies over views, in numberings of actions of the players' own, are translated to the game's.
    """
    profile: list[Floats] = []
    for learner in learners:
        policy = learner.policy()
        if isinstance(policy, tuple):
            # Who controls everybody sees what player 0 sees, and numbers the actions as the game does.
            profile.extend(seated_policy(own, 0, views, None) for own in policy)
        else:
            profile.append(seated_policy(policy, len(profile), views, moves))
    return tuple(profile)


def seated_policy(
    policy: Floats, seat: int, views: NDArray[np.int64] | None, moves: NDArray[np.int64] | None
) -> Floats:
    """Return, over the game's own states and actions, the policy of a player who follows one over her view of them.

    Parameters
    ----------
    policy : ndarray, shape (S, A), or (A,)
    seat : int
    views : ndarray of int64, shape (n, S), or None
    moves : ndarray of int64, shape (n, most actions), or None
    """
    rows = policy if views is None or policy.ndim == 1 else policy[views[seat]]
    if moves is None:
        return rows
    result = np.empty_like(rows)
    result[..., moves[seat][: rows.shape[-1]]] = rows
    return result
