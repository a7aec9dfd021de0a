"""Fictitious play (Brown 1951): every player best-responds to the others' empirical frequencies.

At each step all players move at once; player i plays an action with the highest payoff against the product of the
opponents' empirical distributions, the lowest index among ties unless told otherwise. The empirical frequencies
approach the equilibria of two-player zero-sum games (Robinson 1951), of generic 2 x n games (Berger 2005) and of
potential games (Monderer and Shapley 1996); in Shapley's game (1964) they cycle for ever, in runs whose lengths grow
geometrically.

With two players the payoffs against the frequencies are, but for a factor, the sums of the payoff rows of the actions
played: a step adds one stored row for each player. While a profile is repeated the sums move along a line, so that the
steps for which it will go on being the only best reply are reckoned, and only added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from marlgt.dynamics._record_times import recorded_times
from marlgt.dynamics._runs import Rule, chunks, games_of, kept_actions, run, seeds_of, tracks_joint, trajectory_of
from marlgt.dynamics._schedules import pure_profile
from marlgt.dynamics.replies._best_replies import pick, respond_best, tie_rule, with_ties
from marlgt.dynamics.trajectory import Batch, Trajectory
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._doors import require_flag
from marlgt.games._profiles import checked_profile
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.kernels import gear, is_compiled, kernel, specialised
from marlgt.progress import stopwatch
from marlgt.randomness import streams

__all__ = ["fictitious_play"]

_SLACK = 1e-12
"""With more players beliefs are rounded: payoffs within this share of the largest tie with the best."""

_PATIENCE = 4
"""Steps without a change after which to reckon how long there will be none."""

_GUARANTEE = (
    "The frequencies approach Nash in two-player zero-sum games (Robinson 1951), generic 2 x n games and potential "
    "games; in Shapley's game they cycle for ever, with runs that grow geometrically."
)


@kernel
def safe_steps(values: Any, heard: Any, best: int, most: int) -> int:
    """Return for how many more steps an action stays the only best one while ``heard`` is added at each, or fewer."""
    steps = float(most)
    for k in range(values.shape[0]):
        if k != best:
            gap = values[best] - values[k]
            gain = heard[k] - heard[best]
            if gap <= 0.0:
                return 0
            # One step less than the quotient, so that its rounding does no harm.
            if gain > 0.0 and gap < (steps + 1.0) * gain:
                steps = gap / gain - 1.0
    return max(int(steps), 0)


@kernel
def add_often(values: Any, heard: Any, times: int) -> None:
    """Add one row to another so many times, rounding as if step by step."""
    for _ in range(times):
        for k in range(values.shape[0]):
            values[k] += heard[k]


@kernel
def play_two(
    payoffs: Any,
    which: Any,
    layout: Any,
    sums: Any,
    counts: Any,
    joint: Any,
    earned: Any,
    now: Any,
    streams: Any,
    times: Any,
    shots: Any,
    joints: Any,
    regrets: Any,
    kept: Any,
    bounds: Any,
    alternating: int,
) -> None:
    """Play steps ``bounds[0]`` to ``bounds[1]`` of the runs ``bounds[2]`` to ``bounds[3]``, in place.

    ``sums`` holds for each action of either player the sum of its payoffs against the actions played so far.
    """
    m = layout[0, 0]
    n = layout[0, 1]
    tracking = joint.shape[1] > 0
    keeping = kept.shape[1] > 0
    for r in range(bounds[2], bounds[3]):
        cursor = bounds[4]
        game = payoffs[which[r]]
        stream = streams[r]
        rows = sums[r, :m]
        columns = sums[r, m:]
        first = counts[r, :m]
        second = counts[r, m:]
        a = now[r, 0]
        b = now[r, 1]
        first_earned = earned[r, 0]
        second_earned = earned[r, 1]
        t = bounds[0]
        unchanged = 0
        while t < bounds[1]:
            last_a = a
            last_b = b
            if t > 0:
                a = pick(rows, 0.0, a, stream)
                if not alternating:
                    b = pick(columns, 0.0, b, stream)
            by_first = game[m * n + a * n : m * n + (a + 1) * n]
            add_often(columns, by_first, 1)
            if alternating and t > 0:
                b = pick(columns, 0.0, b, stream)
            by_second = game[b * m : (b + 1) * m]
            add_often(rows, by_second, 1)
            # A profile played for some steps often stays for many: then nobody need look for a best reply.
            extra = 0
            unchanged = unchanged + 1 if a == last_a and b == last_b else 0
            if unchanged >= _PATIENCE:
                unchanged = 0
                limit = bounds[1] if cursor >= times.shape[0] else min(bounds[1], times[cursor])
                extra = safe_steps(rows, by_second, a, limit - t - 1)
                if extra > 0:
                    extra = safe_steps(columns, by_first, b, extra)
                add_often(rows, by_second, extra)
                add_often(columns, by_first, extra)
            for _ in range(1 + extra):
                first_earned += by_second[a]
                second_earned += by_first[b]
            first[a] += 1.0 + extra
            second[b] += 1.0 + extra
            if tracking:
                joint[r, a * n + b] += 1.0 + extra
            if keeping:
                for s in range(t, t + 1 + extra):
                    kept[r, s, 0] = a
                    kept[r, s, 1] = b
            t += 1 + extra
            if cursor < times.shape[0] and t == times[cursor]:
                shot = shots[r, cursor]
                shot[0, a] = 1.0
                shot[0, m + b] = 1.0
                for k in range(m + n):
                    shot[1, k] = counts[r, k] / t
                for k in range(joint.shape[1]):
                    joints[r, cursor, k] = joint[r, k] / t
                regrets[r, cursor, 0] = (rows.max() - first_earned) / t
                regrets[r, cursor, 1] = (columns.max() - second_earned) / t
                cursor += 1
        now[r, 0] = a
        now[r, 1] = b
        earned[r, 0] = first_earned
        earned[r, 1] = second_earned


def fictitious_play(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    first_actions: Sequence[int] | None = None,
    ties: str = "lowest",
    alternating: bool = False,
    joint: bool | None = None,
    keep_actions: bool = True,
    seed: int = 0,
) -> Trajectory:
    """Play ``steps`` rounds of fictitious play, in which everybody best-replies to the others' frequencies so far.

    The frequencies are the ``averages``: they approach Nash in two-player zero-sum games, generic 2 x n games and
    potential games, and need not elsewhere. In zero-sum games with ties broken against it the gap can fall as slowly as
    ``T ** (-1 / A)`` (Daskalakis and Pan 2014).

    Parameters
    ----------
    game : NormalFormGame
    steps : int
        At least 1.
    record : int or sequence of int
        How many evenly spaced times to record, or after which steps; the last step is always recorded.
    first_actions : sequence of int, optional
        The first action of each player; action 0 for everybody if not given.
    ties : str
        Which of several best replies to play: the one of the ``"lowest"`` or the ``"highest"`` index, one at
        ``"random"``, or the last action where it is among them, else the lowest (``"stay"``).
    alternating : bool
        Whether the second player best-replies to frequencies that count the first player's move of the same step.
    joint : bool, optional
        Whether to keep the joint distribution of play; by default up to 10,000 action profiles.
    keep_actions : bool
        Whether to keep every action profile.
    seed : int
        Of the random ties.

    Returns
    -------
    Trajectory
        ``strategies`` are the actions played, ``averages`` their frequencies.

    Raises
    ------
    GameError
        For a number of steps below 1, first actions that the game does not have and other settings out of range.
    UnsupportedGame
        For alternating play with other than two players.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = fictitious_play(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]), steps=10000)
    >>> bool(run.equilibrium.epsilon < 0.02)
    True

    References
    ----------
    Brown, G. W. (1951). Iterative solution of games by fictitious play. In Activity Analysis of Production and
    Allocation. Wiley. Berger, U. (2007). Brown's original fictitious play. Journal of Economic Theory 135.
    """
    require_flag(alternating, "alternating")
    tie_rule(ties)
    table = games_of(game)
    profiles = _first_moves(game, table.games, first_actions)
    if table.games[0].n_players == 2:
        return _play_two(
            game, profiles, steps=steps, record=record, ties=ties, alternating=alternating, joint=joint,
            keep_actions=keep_actions, seed=seed,
        )  # fmt: skip
    if alternating:
        raise UnsupportedGame(
            f"alternating fictitious play is for two players, this game has {table.games[0].n_players}: "
            "give alternating=False"
        )
    return run(
        game,
        Rule("fictitious_play", with_ties(respond_best, ties), lambda count: 0, _GUARANTEE),
        steps=steps,
        record=record,
        profiles=profiles,
        rates=lambda t: np.full(len(t), _SLACK),
        sampled=True,
        believing=True,
        joint=joint,
        keep_actions=keep_actions,
        seed=seed,
    )


def _first_moves(source: Any, games: Sequence[NormalFormGame], first_actions: Any) -> list[Profile]:
    """Return the first actions of each run as strategies."""
    starts = source.starts if isinstance(source, Batch) else None
    if starts is None:
        return [pure_profile(game, first_actions) for game in games]
    if first_actions is not None:
        raise GameError("both first_actions and starts are given: give one of them")
    return [pure_moves(game, start) for game, start in zip(games, starts)]


def pure_moves(game: NormalFormGame, start: Any) -> Profile:
    """Return a profile of pure strategies, checked."""
    profile = checked_profile(game, start)
    if any((x == 1.0).sum() != 1 for x in profile):
        raise GameError("a start of this dynamic is a profile of actions: give pure strategies, such as [1, 0, 0]")
    return profile


def _play_two(
    source: NormalFormGame,
    profiles: list[Profile],
    *,
    steps: int,
    record: int | Sequence[int],
    ties: str,
    alternating: bool,
    joint: bool | None,
    keep_actions: bool,
    seed: int,
) -> Trajectory:
    clock = stopwatch()
    times = recorded_times(record, steps)
    table = games_of(source)
    runs, width = len(table.games), table.heads[-1]
    tracking = tracks_joint(table, len(times), joint)
    kept = kept_actions(table, steps, keep_actions)
    now = np.array([[int(np.argmax(x)) for x in profile] for profile in profiles], dtype=np.int64)
    size = table.n_profiles if tracking else 0
    sums, counts, running, earned = (np.zeros((runs, k)) for k in (width, width, size, 2))
    shots, joints = np.zeros((runs, len(times), 2, width)), np.zeros((runs, len(times), size))
    regrets = np.zeros((runs, len(times), 2))
    random = streams(seeds_of(source, seed, runs))
    loop = specialised(play_two, pick=tie_rule(ties))
    advance = gear(loop, steps * runs * 2.0 * width)

    def part(bounds: NDArray[np.int64]) -> None:
        advance(
            *(table.payoffs, table.which, table.layout, sums, counts, running, earned, now, random, times),
            *(shots, joints, regrets, kept, bounds, int(alternating)),
        )

    rule = Rule("fictitious_play", cast("Any", loop), lambda count: 0, _GUARANTEE)
    chunks(rule.name, times, runs, 10.0 + 2.0 * width, is_compiled(loop) and advance is not loop, part)
    return trajectory_of(source, table, rule, times, shots, joints, regrets, kept if keep_actions else None, clock())
