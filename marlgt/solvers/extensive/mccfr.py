"""Monte-Carlo counterfactual regret minimization: regrets from sampled plays, right on average.

Replacing the counterfactual values by unbiased estimates keeps the regret bound with high probability, up to a
factor for the sampling (Lanctot et al. 2009), while an iteration visits a small part of the tree.
External sampling tries all actions of one player and samples those of the others and of chance; outcome sampling
follows a single play and divides by the probability of having sampled it. Subtracting a baseline, what the action
has been worth before, and adding back its expectation leaves the estimates unbiased and takes most of their
variance away (Schmid et al. 2019).

One iteration is one walk for each player. Where an exact pass over the tree is affordable the methods of
:mod:`marlgt.solvers.extensive.cfr` are better by far; these are for trees too large for that, and for study.

References
----------
Lanctot, M., Waugh, K., Zinkevich, M. and Bowling, M. (2009). Monte Carlo sampling for regret minimization in
extensive games. Advances in Neural Information Processing Systems 22.
Schmid, M., Burch, N., Lanctot, M., Moravcik, M., Kadlec, R. and Bowling, M. (2019). Variance reduction in Monte
Carlo counterfactual regret minimization (VR-MCCFR) for extensive form games using baselines. AAAI Conference on
Artificial Intelligence 33, 2157-2164.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_extensive_game, require_seed
from marlgt.games.extensive import CHANCE, ExtensiveGame
from marlgt.kernels import gear
from marlgt.policy_certificates import certified_policies
from marlgt.progress import stopwatch
from marlgt.solvers.extensive._regret_kernels import best_values, write_plans
from marlgt.solvers.extensive._runs import checked_limits, iterate
from marlgt.solvers.extensive._sampling_kernels import sample_externally, sample_outcomes
from marlgt.solvers.extensive._sequence_rows import SequenceRows, sequence_rows

__all__ = ["external_sampling_mccfr", "outcome_sampling_mccfr"]

MOST_DRAWS = 2**18
"""Random numbers drawn at once, unless one walk may need more."""


def external_sampling_mccfr(
    game: ExtensiveGame,
    *,
    iterations: int = 1000,
    gap: float | None = None,
    time_limit: float | None = None,
    seed: int = 0,
) -> Equilibrium:
    """Return the average policies of Monte-Carlo CFR with external sampling.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall, of any number of players.
    iterations : int
        At most so many, each a walk for every player.
    gap : float, optional
        Stop when the exploitability is at most this; it is measured after iterations ever further apart, at the
        cost of two exact passes.
    time_limit : float, optional
        Stop after so many seconds.
    seed : int
        Of the plays.

    Returns
    -------
    Equilibrium
        ``work`` holds the iterations that were run, ``trace`` the exploitability after some of them.

    Raises
    ------
    GameError
        For limits that are no limits or a seed that is no seed.
    UnsupportedGame
        If a player forgets.

    Examples
    --------
    >>> import marlgt as gt
    >>> pennies = gt.ExtensiveGame.from_normal_form(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]))
    >>> answer = external_sampling_mccfr(pennies, iterations=2000, seed=1)
    >>> bool(answer.epsilon < 0.05)
    True

    References
    ----------
    Lanctot et al. (2009): external sampling; the average is updated at the nodes that are sampled.
    """
    require_extensive_game(game)
    limits = checked_limits(iterations, gap, time_limit)
    require_seed(seed)
    clock = stopwatch()
    walks = _Walks(game, seed, limits[0])
    step = gear(sample_externally, limits[0] * walks.steps)
    nodes, cursors = np.empty(walks.deepest, dtype=np.int64), np.empty(walks.deepest, dtype=np.int64)
    weights = np.empty(walks.deepest)

    def advance(count: int) -> None:
        walks.run(
            count,
            lambda draws, begun, end: step(
                *walks.tree,
                draws,
                walks.longest,
                begun,
                end,
                game.n_players,
                walks.regrets,
                walks.policy,
                walks.average,
                walks.worths,
                nodes,
                cursors,
                weights,
            ),
        )

    return walks.solve(advance, limits, "external_sampling_mccfr", clock)


def outcome_sampling_mccfr(
    game: ExtensiveGame,
    *,
    baselines: bool = True,
    exploration: float = 0.6,
    learning_rate: float = 0.5,
    iterations: int = 1000,
    gap: float | None = None,
    time_limit: float | None = None,
    seed: int = 0,
) -> Equilibrium:
    """Return the average policies of Monte-Carlo CFR with outcome sampling, with or without variance reduction.

    Parameters
    ----------
    baselines : bool
        Subtract from the worth of each action what it has been worth before: by information set for the actions of
        players, by node for those of chance.
    exploration : float
        The probability with which the player who learns tries any action instead of following her policy,
        above 0 and below 1.
    learning_rate : float
        How fast baselines follow, from 0 to 1.
    game, iterations, gap, time_limit, seed
        As for :func:`external_sampling_mccfr`, and so are result and errors.

    References
    ----------
    Lanctot et al. (2009): outcome sampling; Schmid et al. (2019): baselines.
    """
    require_extensive_game(game)
    limits = checked_limits(iterations, gap, time_limit)
    require_seed(seed)
    if not isinstance(baselines, bool):
        raise GameError(f"baselines is {short(baselines)}: give True or False")
    exploration, learning_rate = nonnegative(exploration, "exploration"), nonnegative(learning_rate, "learning_rate")
    if not 0.0 < exploration < 1.0:
        raise GameError(f"exploration is {exploration}: give a probability above 0 and below 1")
    if learning_rate > 1.0:
        raise GameError(f"learning_rate is {learning_rate}: give a number from 0 to 1")
    clock = stopwatch()
    walks = _Walks(game, seed, limits[0])
    step = gear(sample_outcomes, limits[0] * game.n_players * 10.0 * walks.deepest)
    nodes, cursors = np.empty(walks.deepest, dtype=np.int64), np.empty(walks.deepest, dtype=np.int64)
    chances, reaches = np.empty(walks.deepest), np.empty(walks.deepest)
    learned = np.zeros((game.n_players, len(walks.policy)))

    def advance(count: int) -> None:
        walks.run(
            count,
            lambda draws, begun, end: step(
                *walks.tree,
                draws,
                walks.longest,
                begun,
                end,
                game.n_players,
                exploration,
                learning_rate if baselines else 0.0,
                walks.regrets,
                walks.policy,
                walks.average,
                learned,
                nodes,
                cursors,
                chances,
                reaches,
            ),
        )

    return walks.solve(advance, limits, "outcome_sampling_mccfr", clock)


class _Walks:
    """What both samplers keep: the tree for walking, regrets, policies and averages by arc, and random numbers."""

    def __init__(self, game: ExtensiveGame, seed: int, iterations: int) -> None:
        self.game = game
        self.rows: SequenceRows = sequence_rows(game.sequence_form)
        self.tree, self.policy = _walkable(game, self.rows)
        self.longest = max(1, int(np.count_nonzero(game.player >= CHANCE)))
        self.deepest = int(game.depth.max()) + 1
        # A guess: a walk sees far fewer nodes than there are, and how many depends on the game.
        self.steps = 10.0 * game.n_players * game.n_nodes**0.5
        self.planned = iterations * self.steps
        self.regrets, self.average = np.zeros(len(self.policy)), np.zeros(len(self.policy))
        self.worths = np.zeros(len(self.policy))
        self.walks = 0
        self._rng = np.random.default_rng(seed)

    def run(self, iterations: int, step: Callable[[NDArray[np.float64], int, int], int]) -> None:
        """Walk once for each player and iteration, with as many batches of random numbers as it takes."""
        end = self.walks + iterations * self.game.n_players
        while self.walks < end:
            wanted = min(MOST_DRAWS, (end - self.walks) * self.longest)
            self.walks = step(self._rng.random(max(self.longest, wanted)), self.walks, end)

    def solve(
        self,
        advance: Callable[[int], None],
        limits: tuple[int, float | None, float | None],
        method: str,
        clock: Callable[[], float],
    ) -> Equilibrium:
        """Iterate, and return the average policies with their certificate."""
        trace = iterate(advance, self.exploitability, limits=limits, steps=self.steps, name=method)
        work = {"iterations": self.walks // max(1, self.game.n_players)}
        profile = self.rows.behavior(self.average[: self.rows.n_sequences])
        return certified_policies(self.game, profile, method=method, work=work, seconds=clock(), trace=trace)

    def exploitability(self) -> float:
        """Return NashConv of the average policies over the number of players."""
        rows, n = self.rows, self.rows.n_players
        policy = rows.flat(rows.behavior(self.average[: rows.n_sequences]))
        plan, scratch = np.ones(rows.n_sequences), np.empty((2, rows.n_sequences))
        values, best = np.empty(n), np.empty(n)
        gear(write_plans, self.planned)(rows.n_actions, rows.first, rows.parent, policy, plan, 0, len(rows.n_actions))
        gear(best_values, self.planned)(*rows.sets, *rows.payoffs, plan, scratch[0], scratch[1], values, best)
        return rows.exploitability(values, best)


def _walkable(game: ExtensiveGame, rows: SequenceRows) -> tuple[tuple[Any, Any, Any, Any, Any], NDArray[np.float64]]:
    """Return the arrays that the walks take, and a policy by arc: uniform for players, that of chance for chance."""
    first_arc = np.zeros(game.n_nodes, dtype=np.int64)
    movers = np.flatnonzero(game.player >= 0)
    first_arc[movers] = rows.first[rows.set_offset[game.player[movers]] + game.infoset[movers]]
    lots = np.flatnonzero(game.player == CHANCE)
    counts = game.first_child[lots + 1] - game.first_child[lots]
    first_arc[lots] = rows.n_sequences + np.cumsum(counts) - counts
    policy = np.concatenate([rows.uniform_policy(), np.zeros(int(counts.sum()))])
    below = np.flatnonzero(game.player[game.parent[1:]] == CHANCE) + 1
    policy[first_arc[game.parent[below]] + game.action[below]] = game.probability[below]
    payoffs = np.zeros((game.n_players, game.n_nodes))
    payoffs[:, game.terminals] = game.terminal_payoffs / rows.scale[:, None]
    return (game.player, first_arc, game.first_child, game.children, payoffs), policy
