"""Interleaved timing of our calls against peers', as ratios of medians of CPU time."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MINIMUM_SECONDS = 0.02


@dataclass(frozen=True)
class Row:
    """One line of a benchmark table.

    Attributes
    ----------
    area, case : str
        What is timed, for example ``"zero-sum"`` and ``"n = 500"``.
    ours : float
        Median CPU seconds of one call of ours.
    peers : mapping of str to float
        Median over the rounds of ``peer seconds / our seconds``.
    goal : mapping of str to float
        The least ratio asked for, for those peers that have one.
    note : str
    facts : mapping of str to float
        Other figures, such as a solved rate; ``facts_goal`` has the least value asked for.
    """

    area: str
    case: str
    ours: float
    peers: Mapping[str, float] = field(default_factory=dict)
    goal: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    facts: Mapping[str, float] = field(default_factory=dict)
    facts_goal: Mapping[str, float] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether every goal is reached."""
        ratios = all(self.peers.get(name, 0.0) >= least for name, least in self.goal.items())
        return ratios and all(self.facts.get(name, 0.0) >= least for name, least in self.facts_goal.items())


def seconds_per_call(call: Callable[[], object], repeats: int) -> float:
    """Return the CPU seconds of one call, averaged over ``repeats`` calls."""
    started = time.process_time()
    for _ in range(repeats):
        call()
    return (time.process_time() - started) / repeats


def repeats_for(call: Callable[[], object]) -> int:
    """Return how many calls make a measurement long enough for the clock; the first call warms up."""
    call()
    started = time.process_time()
    call()
    once = max(time.process_time() - started, 1e-7)
    return max(1, min(2000, round(MINIMUM_SECONDS / once)))


def compare(
    area: str,
    case: str,
    ours: Callable[[], object],
    peers: Mapping[str, Callable[[], object]],
    *,
    goal: Mapping[str, float] | None = None,
    rounds: int = 7,
    note: str = "",
    facts: Mapping[str, float] | None = None,
    facts_goal: Mapping[str, float] | None = None,
) -> Row:
    """Time zero-argument calls in interleaved rounds; every call is warmed up first.

    Parameters
    ----------
    area, case : str
    ours : callable
    peers : mapping of str to callable
        Each solves the same problem.
    goal : mapping of str to float, optional
        Least ``peer seconds / our seconds`` asked for, by peer.
    rounds : int
        Rounds; the figures are medians over them.
    """
    calls = {"ours": ours, **peers}
    repeats = {name: repeats_for(call) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in calls.items():
                times[name].append(seconds_per_call(call, repeats[name]))
    finally:
        gc.enable()
    ratios = {
        name: statistics.median(peer / own for peer, own in zip(times[name], times["ours"], strict=True))
        for name in peers
    }
    return Row(
        area=area,
        case=case,
        ours=statistics.median(times["ours"]),
        peers=ratios,
        goal=dict(goal or {}),
        note=note,
        facts=dict(facts or {}),
        facts_goal=dict(facts_goal or {}),
    )
