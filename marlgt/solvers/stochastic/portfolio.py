"""One stationary equilibrium of any stochastic game, by several methods in turn, each answer certified.

The order is by cost. Zero-sum games go to modified policy iteration, which converges. Where every stage game has a pure
equilibrium, policy iteration over the welfare-best of these settles games with common interests, turns or dominant
actions at once. Best replies in turn, from the plan of the largest sum of rewards, find pure equilibria of games with
thousands of states, where the systems of the other methods are too large. With two players a few rounds of stage
equilibria found by pivoting follow, whose supports Newton's method often corrects to those of an equilibrium. Then
comes the path of Markov logit equilibria with long steps, left for Newton's method as early as that succeeds; the same
path with short steps, which hardly ever jump to another branch; and paths from random policies, which avoid the
bifurcations of the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from marlgt.concepts.stationary import best_stationary, require_discounting, stationary_regrets
from marlgt.equilibria import Equilibrium
from marlgt.errors import NotConverged
from marlgt.games._doors import require_seed, require_stochastic_game, require_whole
from marlgt.games.stochastic import StochasticGame
from marlgt.policy_certificates import certified_policies
from marlgt.progress import progress, stopwatch
from marlgt.solvers._tensors import check_positive
from marlgt.solvers.stochastic._quantal_trace import FULL, SETTLED, QuantalTrace
from marlgt.solvers.stochastic._stage_choice import best_pure, pivoting_choice
from marlgt.solvers.stochastic._stage_tables import Floats, StageTables, stage_tables
from marlgt.solvers.stochastic._stationary_answers import accepted, near_end
from marlgt.solvers.stochastic._stationary_newton import LARGEST_SYSTEM, refined
from marlgt.solvers.stochastic.planning import plan_common_interest
from marlgt.solvers.stochastic.value_iteration import modified_policy_iteration

__all__ = ["stationary_equilibrium"]

_PURE_ROUNDS, _REPLY_ROUNDS = 60, 30
_PURE_GAIN = 1e-10
_PIVOTING_ROUNDS, _MOST_TURNS = 6, 4
_STAGES_A_ROUND = 100
"""Stage games up to which a round is tried from several labels; above, their time is better spent on a path."""
_PIVOTING_SUPPORT_CHANGES = 12
_SHARE = 1e-9
_LONG_STEPS, _SHORT_STEPS = 0.1, 0.01
_GAINS = (1e-2, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8)
_THOROUGH_BELOW = 1e-5
_CHUNK = 20
_SYSTEMS_A_PATH = 4000

Candidate = tuple[str, int, Floats | None, float]
"""A method, the work it has done, policies that may be an equilibrium, and the gain that the method sees."""


def stationary_equilibrium(
    game: StochasticGame, *, seed: int = 0, restarts: int = 20, time_limit: float | None = None
) -> Equilibrium:
    """Return one stationary equilibrium, by whichever method gets there first.

    Also called a Markov perfect equilibrium: it is one from every state. Which of several comes out is reproducible
    and otherwise without meaning; for one with a meaning see :func:`marlgt.solvers.markov_logit`.

    Parameters
    ----------
    game : StochasticGame
        Any number of players; discounted, or sure to end.
    seed : int
        Of the random starts.
    restarts : int
        Random starts after the deterministic methods.
    time_limit : float, optional
        Wall seconds, looked at between a few linear systems.

    Returns
    -------
    Equilibrium
        Its certificate holds; ``method`` names the method that found it.

    Raises
    ------
    GameError
        For a seed or a limit that is none.
    UnsupportedGame
        If the game is not discounted and may go on for ever.
    NotConverged
        If no method finds policies whose certificate holds; ``best`` has the least gain seen.

    Examples
    --------
    A game in which iterating stage equilibria goes round in circles: each player owns a state and keeps or sends.

    >>> import numpy as np
    >>> from marlgt.games import StochasticGame
    >>> rewards = np.zeros((2, 2, 2, 2))
    >>> rewards[0, 0, 0], rewards[1, 0, 1] = 1, 3
    >>> rewards[0, 1, :, 0], rewards[1, 1, :, 0] = 3, 1
    >>> successors = np.array([[[0, 0], [1, 1]], [[1, 0], [1, 0]]])[..., None]
    >>> game = StochasticGame(rewards, successors, np.ones((2, 2, 2, 1)), discount=0.75)
    >>> e = stationary_equilibrium(game)
    >>> round(float(e.profile[0][0, 1]), 9), round(float(e.profile[1][1, 1]), 9)
    (0.666666667, 0.416666667)

    References
    ----------
    Herings, P. J.-J. and Peeters, R. (2004). Stationary equilibria in stochastic games: structure, selection, and
    computation. Journal of Economic Theory 118, 32-60.
    """
    require_stochastic_game(game)
    require_seed(seed)
    require_whole(restarts, "restarts", least=0)
    check_positive(time_limit=time_limit)
    require_discounting(game)
    elapsed = stopwatch()
    tables = stage_tables(game)
    best, least = game.uniform_profile(), np.inf
    work: dict[str, int] = {}
    if game.is_zero_sum:
        try:
            solved = modified_policy_iteration(game)
            return replace(solved, method="stationary_equilibrium/modified_policy_iteration", seconds=elapsed())
        except NotConverged as failure:
            best = failure.best.profile if failure.best is not None else best
    trace: list[tuple[float, float]] = []
    with progress("stationary equilibrium") as report:
        for method, done, x, gain in _candidates(game, tables, np.random.default_rng(seed), restarts):
            work[method] = done
            if x is not None:
                profile = tables.profile(x)
                name = f"stationary_equilibrium/{method}"
                answer = accepted(game, profile, method=name, work=work, seconds=elapsed(), trace=trace)
                if answer is not None:
                    return answer
                if gain < least:
                    best, least = profile, gain
            trace.append((float(sum(work.values())), min(gain, least)))
            report(float(sum(work.values())), f"{method}, gain {gain:.1e}")
            if time_limit is not None and elapsed() > time_limit:
                break
    closest = certified_policies(game, best, method="stationary_equilibrium", work=work, seconds=elapsed())
    raise NotConverged(
        f"no method found a stationary equilibrium within its limits, the least regret was {closest.epsilon:.3g}: "
        "allow more time or restarts, or give another seed",
        best=closest,
    )


def _candidates(
    game: StochasticGame, tables: StageTables, rng: np.random.Generator, restarts: int
) -> Iterator[Candidate]:
    yield from _pure(tables)
    yield from _replies(game, tables)
    if tables.n_players == 2:
        yield from _pivoting(tables)
    even = tables.uniform()
    yield from _along_path(tables, "markov_logit", even, _LONG_STEPS, 0)
    yield from _along_path(tables, "markov_logit_short_steps", even, _SHORT_STEPS, 0)
    done = 0
    for k in range(restarts):
        weights = rng.exponential(size=even.shape) * tables.legal
        for i in range(tables.n_players):
            block = tables.block(i)
            weights[:, block] /= weights[:, block].sum(axis=1, keepdims=True)
        start = 0.9 * weights + 0.1 * even
        steps = _LONG_STEPS if k % 2 == 0 else _SHORT_STEPS
        for method, work, x, gain in _along_path(tables, "markov_logit_from_random", start, steps, done):
            yield method, work, x, gain
            done = work


def _replies(game: StochasticGame, tables: StageTables) -> Iterator[Candidate]:
    """Let the players reply best in turn, beginning at the plan of the largest sum of rewards, until nobody gains."""
    method = "best_replies"
    together = game.with_rewards(np.broadcast_to(game.rewards.sum(axis=0), game.rewards.shape))
    try:
        plan = plan_common_interest(together).profile
    except NotConverged:
        plan = None
    profile = list(game.uniform_profile() if plan is None else plan)
    least = np.inf
    seen = set()
    for k in range(1, _REPLY_ROUNDS + 1):
        for i in range(game.n_players):
            profile[i] = best_stationary(game, profile, i)[1]
        values, gains = stationary_regrets(game, profile)
        least = min(least, float(gains[:, ~game.terminal].max()))
        if least <= _PURE_GAIN * max(1.0, float(np.abs(values).max())):
            yield method, k, tables.packed(tuple(profile)), least
            return
        key = b"".join(policy.tobytes() for policy in profile)
        if key in seen:
            break
        seen.add(key)
    # A gain in a state that the start does not lead to would pass the certificate, but this is to be no equilibrium.
    yield method, len(seen), None, least


def _pure(tables: StageTables) -> Iterator[Candidate]:
    """Iterate over welfare-best pure stage equilibria, each round evaluated exactly, while every state has one.

    The iteration goes on beyond a first equilibrium to one whose values make the same choice again, which with common
    interests is the best of all.
    """
    method = "pure_stage_equilibria"
    values = tables.evaluate(tables.uniform())
    kept: Floats | None = None
    least = np.inf
    seen = set()
    for k in range(_PURE_ROUNDS):
        found, chosen = best_pure(tables, tables.worths(values))
        key = chosen.tobytes()
        if not found.all() or key in seen:
            yield method, k + 1, kept, least
            return
        x = tables.pure(chosen)
        values = tables.evaluate(x)
        gain = tables.largest_gain(x, values)
        # Among equilibria the last one, which the fixed point is.
        if gain <= max(least, _PURE_GAIN * max(1.0, float(np.abs(values).max()))):
            kept, least = x, gain
        seen.add(key)
    yield method, _PURE_ROUNDS, kept, least


def _pivoting(tables: StageTables) -> Iterator[Candidate]:
    """Iterate over stage equilibria found by pivoting, each round evaluated exactly and tried by Newton's method.

    The iteration itself seldom settles, but its supports often come near those of an equilibrium.
    """
    method = "pivoting_stage_equilibria"
    if tables.n_states * 2 * tables.n_players > LARGEST_SYSTEM:
        return
    kept: Floats | None = None
    least = np.inf
    turns = min(_MOST_TURNS, max(1, _STAGES_A_ROUND // tables.n_states)) if tables.n_states else 0
    for k in range(turns * _PIVOTING_ROUNDS):
        turn, done = divmod(k, _PIVOTING_ROUNDS)
        if done == 0:
            values = tables.evaluate(tables.uniform())
        try:
            x = pivoting_choice(tables, tables.worths(values), turn)
        except NotConverged:
            return
        values = tables.evaluate(x)
        gain = tables.largest_gain(x, values)
        if gain < least:
            kept, least = x, gain
        found = refined(tables, x, values, x > _SHARE, support_changes=_PIVOTING_SUPPORT_CHANGES, dependent=False)
        yield method, k + 1, kept if found is None and done == _PIVOTING_ROUNDS - 1 else found, least


def _along_path(tables: StageTables, method: str, start: Floats, aim: float, done: int) -> Iterator[Candidate]:
    """Follow a path, and try Newton's method ever closer to its end; any equilibrium will do."""
    path = QuantalTrace(tables, start, aim=aim)
    for stop_gain in _GAINS:
        status = FULL
        while status == FULL and path.systems < _SYSTEMS_A_PATH:
            status = path.follow(stop_gain=stop_gain, systems=_CHUNK)
            if status == FULL:
                yield method, done + path.systems, None, path.gain
        thorough = stop_gain <= _THOROUGH_BELOW or status != SETTLED
        for x in near_end(tables, path, thorough=thorough):
            yield method, done + path.systems, x, path.gain
        yield method, done + path.systems, path.x, path.gain
        if status != SETTLED:
            return
