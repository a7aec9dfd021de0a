"""Runs of flows and maps on normal-form games: arguments, batches, recording.

A flow ``dx/dt = F(x)`` is integrated by the classical Runge-Kutta method with a fixed step; a map ``x -> f(x)`` is
iterated. Averages, regrets and the joint distribution of play are integrals along the path, by the same weights.
Payoffs are counted from each player's lowest, which no rule here notices unless it says so and which keeps digits
where payoffs are large and differ little.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from marlgt.dynamics.flows._flow_kernels import (
    MOST_PIECES,
    exponential_step,
    map_step,
    observing_step,
    run_flows,
    runge_kutta_step,
)
from marlgt.dynamics.trajectory import MOST_TRACKED, Batch, Trajectories, Trajectory, trajectory
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import positive, require_flag, require_game, require_whole
from marlgt.games._profiles import checked_profile
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.games.structure import is_symmetric
from marlgt.kernels import gear, specialised
from marlgt.progress import progress, stopwatch

__all__ = ["Rule", "games_of", "interior_start", "run_flow", "run_map", "spreads"]

Floats = NDArray[np.float64]

STEP_SHARE = 0.05
"""Length of a step by default, as a share of the time in which the flow could turn over a probability."""

LARGEST_CUT = 0.02
"""How far below 0 a step may throw a probability before the step counts as too long."""

_CHUNK_WORK = 100_000_000.0
_MOST_JOINT = 3 * 10**7
_MOST_RECORDED = 3 * 10**8
_MOST_STEPS, _MOST_CHOSEN_STEPS = 10**15, 10**9
"""Steps that are counted exactly, and that are made where nobody gave their length: minutes of work."""
_WORK_ROWS = 10
_STAGES = {map_step: 1, exponential_step: 30}
_MOST_STAGES = {exponential_step: 4 * MOST_PIECES}


@dataclass(frozen=True)
class Rule:
    """What a dynamic adds to the engine.

    Attributes
    ----------
    name : str
    kernels : mapping of str to callable
        What ``field``, ``update`` and ``settle`` stand for in ``step``.
    guarantee : str
    rates : callable
        From a game to its numbers, an array of shape (k,).
    speed : callable
        From a game to the largest rate at which the flow turns; for the length of a step.
    memory : callable, optional
        From a game and the first probabilities to what a map remembers from step to step.
    step : callable
    """

    name: str
    kernels: dict[str, Callable[..., Any]]
    guarantee: str
    rates: Callable[[NormalFormGame], Any] = field(default=lambda _: (0.0,))
    speed: Callable[[NormalFormGame], float] = field(default=lambda game: float(spreads(game).max()))
    memory: Callable[[NormalFormGame, Floats], Any] = field(default=lambda *_: (0.0,))
    step: Callable[..., Any] = runge_kutta_step


def spreads(game: NormalFormGame) -> Floats:
    """Return each player's highest payoff less the lowest, shape (n,)."""
    return game.payoff_range


def games_of(game: NormalFormGame | Batch) -> tuple[NormalFormGame, ...]:
    """Return the games of a batch, or the one game, checked."""
    games = game.games if isinstance(game, Batch) else (game,)
    for g in games:
        require_game(g)
    return games


def interior_start(game: NormalFormGame, *, one_population: bool = False) -> Profile:
    """Return the profile that flows start from by default: inside, and at no centre of symmetry.

    Player i's weights fall evenly from ``A + i`` to ``1 + i`` over her A actions, beginning with action i modulo A,
    so that neither players nor actions start alike; one population starts like player 0.
    """
    profile = []
    for i, count in enumerate(game.n_actions):
        player = 0 if one_population else i
        weights = np.roll(np.arange(count, 0, -1.0) + player, player % count)
        profile.append(weights / weights.sum())
    return tuple(profile)


def run_flow(
    game: NormalFormGame | Batch,
    rule: Rule,
    *,
    start: Sequence[Any] | None,
    duration: float,
    dt: float | None,
    record: int,
    joint: bool | None,
    one_population: bool,
) -> Trajectory:
    """Integrate a flow and return its trajectory, or the trajectories of a batch."""
    games = games_of(game)
    duration = positive(duration, "duration")
    _require_room(games, record, record)
    require_flag(one_population, "one_population")
    interval = duration / record
    if dt is not None:
        longest = [positive(dt, "dt")] * len(games)
    else:
        longest = [STEP_SHARE / s if s > 0.0 else interval for s in (rule.speed(g) for g in games)]
    most = _MOST_CHOSEN_STEPS if dt is None else _MOST_STEPS
    if duration > most * min(longest):
        raise GameError(
            f"a duration of {duration:g} in steps of {min(longest):.3g} is more than {most:.0e} steps: give a shorter "
            "duration or a longer dt, or payoffs in a larger unit"
        )
    parts = np.array([max(1, int(np.ceil(interval / step - 1e-9))) for step in longest], dtype=np.int64)
    if one_population:
        _require_one_population(games)
    setup = _Setup(game, games, rule, start, joint, one_population)
    times = np.arange(record + 1.0) * np.float64(interval)
    return setup.run(times, np.broadcast_to(parts, (record, len(games))), interval / parts)


def run_map(
    game: NormalFormGame | Batch,
    rule: Rule,
    *,
    start: Sequence[Any] | None,
    steps: int,
    record: int,
    joint: bool | None,
    one_population: bool = False,
) -> Trajectory:
    """Iterate a map and return its trajectory, or the trajectories of a batch."""
    games = games_of(game)
    require_whole(steps, "steps", least=1)
    if steps > _MOST_STEPS:
        raise GameError(f"steps is {steps}: at most {_MOST_STEPS:.0e} steps are counted exactly")
    _require_room(games, record, steps)
    require_flag(one_population, "one_population")
    if one_population:
        _require_one_population(games)
    times = np.unique(np.linspace(0, steps, min(record, steps) + 1).round())
    setup = _Setup(game, games, rule, start, joint, one_population)
    parts = np.diff(times).astype(np.int64)[:, None]
    return setup.run(times, np.broadcast_to(parts, (len(parts), len(games))), np.ones(len(games)))


class _Setup:
    """The arrays of a batch of runs: one row for each."""

    def __init__(
        self,
        given: NormalFormGame | Batch,
        games: tuple[NormalFormGame, ...],
        rule: Rule,
        start: Sequence[Any] | None,
        joint: bool | None,
        one_population: bool,
    ) -> None:
        first = games[0]
        self.games, self.rule, self.one_population, self.batched = games, rule, one_population, isinstance(given, Batch)
        sizes = np.array(first.n_actions, dtype=np.int64)
        self.offsets = np.concatenate([[0], sizes.cumsum()]).astype(np.int64)
        # A game that many runs share is converted once.
        rows = {id(g): _counted_from_lowest(g) for g in games}
        self.payoffs = np.array([rows[id(g)] for g in games])
        starts = _starts(given, games, start, one_population)
        self.x = np.array([np.concatenate(s) for s in starts])
        self.rates = np.array([np.asarray(rule.rates(g), dtype=np.float64) for g in games])
        self.memory = np.array([np.asarray(rule.memory(g, x), dtype=np.float64) for g, x in zip(games, self.x)])
        if joint is not None:
            require_flag(joint, "joint")
        self.joint = joint

    def run(self, times: Floats, parts: NDArray[np.int64], dt: Floats) -> Trajectory:
        """Move all runs from time to time, by ``parts`` steps of length ``dt`` each, and return what they did."""
        clock = stopwatch()
        count, width = self.x.shape
        n, profiles = self.payoffs.shape[1:]
        fits = profiles <= MOST_TRACKED and profiles * count * len(times) <= _MOST_JOINT
        kept = fits if self.joint is None else self.joint
        sums, joint = np.zeros((count, 2 * width + n)), np.zeros((count, profiles if kept else 0))
        path, totals = np.empty((len(times), count, width)), np.empty((len(times), *sums.shape))
        joints = np.empty((len(times), *joint.shape))
        self._advance(observing_step, sums, joint, np.ones(count, dtype=np.int64), np.ones(count), 1.0, lambda: None)
        path[0], totals[0], joints[0] = self.x, sums, joint
        sums[:], joint[:] = 0.0, 0.0
        step = specialised(self.rule.step, **self.rule.kernels)
        ahead = float(parts.sum())
        with progress(self.rule.name.replace("_", " "), total=float(times[-1])) as report:
            for t in range(1, len(times)):
                self._advance(
                    step,
                    sums,
                    joint,
                    parts[t - 1].copy(),
                    dt,
                    ahead,
                    functools.partial(report, float(times[t - 1]), ""),
                )
                path[t], totals[t], joints[t] = self.x, sums / times[t], joint / times[t]
        averages, regrets = self._averages(totals)
        cut = self.offsets[1:-1]
        strategies, means = np.split(path, cut, axis=2), np.split(averages, cut, axis=2)
        runs = [
            trajectory(
                game,
                self.rule.name,
                times,
                [x[:, r] for x in strategies],
                [x[:, r] for x in means],
                joint=joints[:, r].reshape(len(times), *game.n_actions) if kept else None,
                regrets=regrets[:, r],
                guarantee=self.rule.guarantee,
                work={"steps": int(parts[:, r].sum())},
                seconds=clock() / count,
            )
            for r, game in enumerate(self.games)
        ]
        return cast("Trajectory", Trajectories(runs)) if self.batched else runs[0]

    def _advance(
        self,
        step: Callable[..., Any],
        sums: Floats,
        joint: Floats,
        steps: NDArray[np.int64],
        dt: Floats,
        ahead: float,
        report: Callable[[], object],
    ) -> None:
        """Make ``steps`` steps in every run; ``ahead`` is how many all calls together make, for the gear."""
        n, profiles = self.payoffs.shape[1:]
        count, width = self.x.shape
        stages = _STAGES.get(self.rule.step, 4)
        one = stages * ((4.0 if n == 2 else 8.0 * n) * profiles + 20.0 * width + 6.0 * n * joint.shape[1] + 60.0)
        run = gear(specialised(run_flows, advance=step), one * ahead)
        work, digits, cuts = np.empty((_WORK_ROWS, max(width, n))), np.zeros(n, dtype=np.int64), np.zeros(count)
        worst = one * _MOST_STAGES.get(self.rule.step, stages) / stages
        block = max(1, min(count, int(_CHUNK_WORK / worst)))
        most = max(1, int(_CHUNK_WORK / (worst * block)))
        with np.errstate(all="ignore"):
            for low in range(0, count, block):
                rows = slice(low, low + block)
                for done in range(0, int(steps[rows].max()), most):
                    run(
                        self.payoffs[rows],
                        self.offsets,
                        self.x[rows],
                        sums[rows],
                        joint[rows],
                        self.memory[rows],
                        self.rates[rows],
                        cuts[rows],
                        work,
                        digits,
                        dt[rows],
                        steps[rows],
                        done,
                        most,
                        self.one_population,
                    )
                    report()
        if not np.isfinite(self.x).all() or not np.isfinite(sums).all() or cuts.max() > LARGEST_CUT:
            way = "give smaller rates" if stages == 1 else f"give a dt below {float(dt.min()):.3g}"
            raise GameError(f"{self.rule.name} left the simplex, its steps are too long for these payoffs: {way}")

    def _averages(self, totals: Floats) -> tuple[Floats, Floats]:
        """Return the average strategies and the average regrets of integrals divided by time, shapes (T, B, ...)."""
        width = self.x.shape[1]
        starts = self.offsets[:-1]
        x, v, earned = np.split(totals, (width, 2 * width), axis=2)
        # The weights of the steps add up to the time only up to rounding.
        sizes = np.diff(self.offsets)
        mass = np.repeat(np.add.reduceat(x, starts, axis=2), sizes, axis=2)
        return x / mass, np.maximum.reduceat(v, starts, axis=2) - earned


def _counted_from_lowest(game: NormalFormGame) -> Floats:
    flat = game.payoffs.reshape(game.n_players, -1)
    return np.asarray(flat - flat.min(axis=1, keepdims=True))


def _starts(
    given: NormalFormGame | Batch, games: tuple[NormalFormGame, ...], start: Sequence[Any] | None, one_population: bool
) -> list[Profile]:
    starts: Sequence[Any]
    if isinstance(given, Batch) and given.starts is not None:
        if start is not None:
            raise GameError("a batch has its starts: leave out start")
        starts = given.starts
    elif start is not None:
        starts = [start] * len(games)
    else:
        starts = [interior_start(g, one_population=one_population) for g in games]
    checked = [tuple(x / x.sum() for x in checked_profile(g, s)) for g, s in zip(games, starts)]
    for profile in checked:
        if one_population and not np.array_equal(profile[0], profile[1]):
            raise GameError(
                f"start has {short(profile[0].tolist())} for one player and {short(profile[1].tolist())} for the "
                "other: one population has one state, so give the same strategy twice"
            )
    return checked


def _require_room(games: Sequence[NormalFormGame], record: int, most: int) -> None:
    """Raise GameError unless what is recorded, at no more than ``most`` times, can be kept."""
    require_whole(record, "record", least=1)
    times = min(record, most) + 1
    if len(games) * times * sum(games[0].n_actions) > _MOST_RECORDED:
        raise GameError(
            f"{len(games)} runs at {times} times are more than can be kept: record fewer times or run fewer at once"
        )


def _require_one_population(games: Sequence[NormalFormGame]) -> None:
    for game in games:
        if game.n_players != 2 or not is_symmetric(game):
            raise UnsupportedGame(
                "one population needs a symmetric two-player game, with matrices A and A.T: leave out one_population "
                "to give each player a population of her own"
            )
