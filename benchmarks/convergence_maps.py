"""Which dynamic or learner reaches which solution concept: rates over 200 random games of each family.

Every rule plays every game once, with payoffs scaled to a largest range of 1. What it reached is judged by the game
alone, with a tolerance of 0.05:

    average   no player gains more by deviating from the profile of the players' average strategies (Nash)
    last      likewise for the strategies held, or the policies learned, at the end (Nash)
    CE, CCE   no swap, no fixed action gains more against the joint distribution of play
    welfare   the joint distribution of play earns all that can be earned together

Averages and play are those of the whole run for dynamics, and of its second half for learners, who explore at first.
Rates come with Wilson's 95% intervals (Wilson 1927).
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import marlgt as gt
from benchmarks.studies import record_study
from marlgt.concepts import cce_gap, ce_gap, regrets
from marlgt.statistics import wilson_interval

GAMES = 200
TOLERANCE = 0.05
STEPS = 10_000
PLAYS = 40_000
CONCEPTS = ("average", "last", "CE", "CCE", "welfare")

FAMILIES: dict[str, Callable[[int], gt.NormalFormGame]] = {
    "zero-sum": lambda seed: gt.games.random_zero_sum((3, 3), seed=seed),
    "general sum": lambda seed: gt.games.random_uniform((3, 3), seed=seed),
    "opposed interests": lambda seed: gt.games.random_covariant((3, 3), rho=-0.7, seed=seed),
    "common leanings": lambda seed: gt.games.random_covariant((3, 3), rho=0.7, seed=seed),
    "coordination": lambda seed: gt.games.random_coordination(2, 3, seed=seed),
    "potential": lambda seed: gt.games.random_potential((3, 3), seed=seed),
    "dominance-solvable": lambda seed: gt.games.random_dominance_solvable((3, 3), seed=seed),
    "symmetric": lambda seed: gt.games.random_symmetric(2, 3, seed=seed),
    "ties (0 or 1)": lambda seed: gt.games.random_win_lose((3, 3), seed=seed),
    "three players": lambda seed: gt.games.random_uniform((3, 3, 3), seed=seed),
}


def drawn(family: str, seed: int) -> gt.NormalFormGame:
    """Return a game of a family, its payoffs scaled so that the largest range of a player is 1."""
    game = FAMILIES[family](seed)
    return gt.NormalFormGame(game.payoffs / max(float(game.payoff_range.max()), 1e-12), title=game.title)


DYNAMICS: dict[str, tuple[str, dict[str, Any]]] = {
    "fictitious play": ("fictitious_play", {"keep_actions": False}),
    "stochastic fictitious play": ("stochastic_fictitious_play", {}),
    "best-response dynamics": ("best_response_dynamics", {}),
    "regret matching": ("regret_matching", {}),
    "internal regret matching": ("internal_regret_matching", {}),
    "regret matching+": ("regret_matching_plus", {}),
    "predictive regret matching+": ("predictive_regret_matching_plus", {}),
    "hedge": ("hedge", {}),
    "optimistic hedge": ("optimistic_hedge", {}),
    "GIGA": ("giga", {}),
    "replicator": ("replicator_dynamics", {"duration": 200.0}),
    "logit": ("logit_dynamics", {"duration": 50.0}),
    "Brown-von Neumann-Nash": ("brown_von_neumann_nash", {"duration": 200.0}),
    "Exp3": ("exp3", {}),
    "Roth-Erev": ("roth_erev", {}),
}

EXPLORATION = gt.learners.linear(0.5, 0.005, steps=PLAYS // 2)
"""Of all learners that explore: as good as none in the second half, in which they are judged."""

LEARNERS: dict[str, tuple[str, dict[str, Any]]] = {
    "IQL": ("iql", {"exploration": EXPLORATION}),
    "JAL-AM": ("jal_am", {"exploration": EXPLORATION}),
    "central Q": ("cql", {"exploration": EXPLORATION}),
    "minimax-Q": ("minimax_q", {"exploration": EXPLORATION}),
    "Nash-Q": ("nash_q", {"exploration": EXPLORATION}),
    "friend-Q": ("friend_q", {"exploration": EXPLORATION}),
    "utilitarian CE-Q": ("correlated_q_utilitarian", {"exploration": EXPLORATION}),
    "PHC": ("phc", {"exploration": EXPLORATION}),
    "WoLF-PHC": ("wolf_phc", {"exploration": EXPLORATION}),
    "GIGA-WoLF": ("giga_wolf", {"exploration": EXPLORATION, "feedback": "values"}),
    "REINFORCE": ("reinforce", {}),
    "bandit regret matching": ("regret_matching", {"exploration": EXPLORATION}),
}


def verdict(game: gt.NormalFormGame, averages: Any, last: Any, joint: Any) -> list[bool]:
    """Return, for each concept, whether it was reached."""
    reached = [
        float(regrets(game, averages).max()),
        float(regrets(game, last).max()),
        float(ce_gap(game, joint)),
        float(cce_gap(game, joint)),
        float(game.payoffs.sum(axis=0).max() - (game.payoffs.sum(axis=0) * joint).sum()),
    ]
    return [gap <= TOLERANCE for gap in reached]


def by_dynamic(name: str, family: str, count: int) -> list[list[bool]]:
    """Run one dynamic on all games of a family in one batch."""
    function, settings = DYNAMICS[name]
    games = [drawn(family, seed) for seed in range(count)]
    rule = getattr(gt.dynamics, function)
    extra = {} if "duration" in settings else {"steps": STEPS}
    starts = [interior(game, seed) for seed, game in enumerate(games)]
    if function in ("fictitious_play", "exp3", "roth_erev"):
        starts = None
    elif function == "best_response_dynamics":
        starts = [[np.eye(len(x))[int(np.argmax(x))] for x in start] for start in starts]
    seeds = range(count) if function in ("exp3", "roth_erev") else None
    runs = gt.dynamics.many(rule, games, starts=starts, seeds=seeds, record=1, joint=True, **settings, **extra)
    return [
        verdict(run.game, [x[-1] for x in run.averages], [x[-1] for x in run.strategies], run.joint[-1]) for run in runs
    ]


def interior(game: gt.NormalFormGame, seed: int) -> list[np.ndarray]:
    """Return a start drawn evenly from the strategies."""
    rng = np.random.default_rng(seed)
    return [rng.dirichlet(np.ones(count)) for count in game.n_actions]


def by_learner(name: str, family: str, count: int) -> list[list[bool]] | None:
    """Let learners of one kind play each game of a family; None where they do not fit it."""
    from marlgt.learners.algorithms import make_learners

    algorithm, settings = LEARNERS[name]
    verdicts = []
    for seed in range(count):
        game = drawn(family, seed)
        try:
            learners = make_learners(algorithm, game, settings=settings)
        except gt.UnsupportedGame:
            return None
        if seed == 0:
            # One match alone may be too short to have its loop compiled; two thousand of them are not.
            gt.learners.play_seeds(game, learners, steps=PLAYS, seeds=range(4), record=1)
        match = gt.learners.Match(game, learners, seeds=(seed,))
        before = match.advance(PLAYS // 2, record=1).plays
        run = match.advance(PLAYS // 2, record=1)
        joint = (run.plays[0, 0] - before[0, 0]) / (PLAYS // 2)
        axes = range(game.n_players)
        averages = [joint.sum(axis=tuple(j for j in axes if j != i)) for i in axes]
        verdicts.append(verdict(game, averages, run.profiles()[0], joint))
    return verdicts


def wilson(successes: int, count: int) -> tuple[float, float]:
    """Return Wilson's 95% interval of a rate."""
    interval = wilson_interval(successes, count)
    return float(interval.low), float(interval.high)


def judged(job: tuple[str, str, str, int]) -> dict[str, Any]:
    """Return the rates of one rule on one family."""
    kind, name, family, count = job
    started = time.perf_counter()
    verdicts = (by_dynamic if kind == "dynamic" else by_learner)(name, family, count)
    row: dict[str, Any] = {"kind": kind, "rule": name, "family": family, "games": count}
    if verdicts is None:
        return row | {"rates": None}
    sums = np.array(verdicts).sum(axis=0)
    row["rates"] = {
        concept: {"rate": int(s) / count, "interval": wilson(int(s), count)} for concept, s in zip(CONCEPTS, sums)
    }
    return row | {"seconds": round(time.perf_counter() - started, 2)}


def study(folder: Path, *, games: int = GAMES, workers: int = 2) -> None:
    """Run all rules on all families and write ``convergence_maps`` as .json, .md and .png."""
    started = time.perf_counter()
    # A rule at a time, so that each worker compiles it once.
    jobs = [("dynamic", name, family, games) for name in DYNAMICS for family in FAMILIES]
    jobs += [("learner", name, family, games) for name in LEARNERS for family in FAMILIES]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        rows = []
        for row in pool.imap(judged, jobs, chunksize=len(FAMILIES)):
            rows.append(row)
            if row["family"] == next(reversed(FAMILIES)):
                print(f"  {row['rule']}: {time.perf_counter() - started:.0f} s", flush=True)
    settings = {"tolerance": TOLERANCE, "steps": STEPS, "plays": PLAYS, "games": games, "seeds": f"0 to {games - 1}"}
    record_study(
        folder,
        "convergence_maps",
        title="Which rule reaches which solution concept",
        text=__doc__ or "",
        settings=settings,
        rows=rows,
        tables=tables(rows),
        draw=partial(draw, rows=rows),
        seconds=time.perf_counter() - started,
    )


def tables(rows: list[dict[str, Any]]) -> dict[str, list[list[str]]]:
    """Return a table for each concept: rules down, families across, rates with intervals in percent."""
    made = {}
    for concept in CONCEPTS:
        lines = [["rule", *FAMILIES]]
        for rule in (*DYNAMICS, *LEARNERS):
            cells = [rule]
            for family in FAMILIES:
                row = next(r for r in rows if r["rule"] == rule and r["family"] == family)
                cells.append("-" if row["rates"] is None else shown(row["rates"][concept]))
            lines.append(cells)
        made[concept] = lines
    return made


def shown(rate: dict[str, Any]) -> str:
    low, high = rate["interval"]
    return f"{100 * rate['rate']:.0f} [{100 * low:.0f}, {100 * high:.0f}]"


def draw(figure: Any, *, rows: list[dict[str, Any]]) -> None:
    """Draw the rates as one map for each concept."""
    rules = [*DYNAMICS, *LEARNERS]
    figure.set_size_inches(17, 9)
    axes = figure.subplots(1, len(CONCEPTS), sharey=True)
    for ax, concept in zip(axes, CONCEPTS):
        rates = np.full((len(rules), len(FAMILIES)), np.nan)
        for row in rows:
            if row["rates"] is not None:
                place = rules.index(row["rule"]), list(FAMILIES).index(row["family"])
                rates[place] = row["rates"][concept]["rate"]
        image = ax.imshow(rates, vmin=0, vmax=1, cmap="cividis", aspect="auto")
        for (r, c), rate in np.ndenumerate(rates):
            if np.isfinite(rate):
                colour = "white" if rate < 0.6 else "black"
                ax.text(c, r, f"{100 * rate:.0f}", ha="center", va="center", fontsize=7, color=colour)
        ax.set_title({"average": "Nash, averages", "last": "Nash, last"}.get(concept, concept))
        ax.set_xticks(range(len(FAMILIES)), list(FAMILIES), rotation=60, ha="right", fontsize=8)
        ax.set_yticks(range(len(rules)), rules, fontsize=8)
        ax.axhline(len(DYNAMICS) - 0.5, color="white", linewidth=2)
    figure.colorbar(image, ax=axes, shrink=0.6, label="share of games, %", format=lambda x, _: f"{100 * x:.0f}")
