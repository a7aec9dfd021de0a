"""IQL, JAL-AM and central Q-learning in level-based foraging against the exact optimum, with intervals over runs.

The setting is that of Albrecht, Christianos and Schaefer (2024), section 6.3.2, as far as it is known: 11 x 11 cells,
two agents of level 1, one item of level 1 and one of level 2 that both must lift together, an optimum of 13 steps,
discount 0.99, episodes of at most 50 steps, a learning rate of 0.01, and an epsilon that falls from 1 to 0.05 in 80,000
steps. Where the agents and the items stand is our own choice, and a rate of 0.2 is tried beside theirs. The table has
42,603 states, so that the best sum of returns is known exactly: see ``plan_common_interest``.

Every learner is evaluated after each 20,000 steps by the discounted sum of rewards that its policies earn without
exploration in 50 steps, the first of several best actions taken; the game is deterministic, so that this is exact.
Independent and joint-action learners maximise their own shares, which together are all that there is. "Steps to the
optimum" are those after which every evaluation to the end of the run was optimal. All values begin at 0, so that
actions off the way that a learner has found look worse than they are; with so little exploration most runs stay a step
or two from the optimum at either rate.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import marlgt as gt
from benchmarks.convergence_maps import wilson
from benchmarks.studies import record_study
from marlgt import learners

SEEDS = 20
STEPS = 1_000_000
EVERY = 20_000
HORIZON = 50
BATCH = 5
"""Seeds played side by side: the tables of a seed take up to 50 MB."""

WORLD: dict[str, Any] = {
    "grid": (11, 11),
    "player_levels": (1, 1),
    "foods": ((2, 4), (6, 6)),
    "food_levels": (1, 2),
    "start": ((0, 0), (10, 10)),
    "discount": 0.99,
}
RATES = (0.01, 0.2)
EXPLORATION = learners.linear(1.0, 0.05, steps=80_000)

KINDS: dict[str, Callable[..., list[Any]]] = {
    "IQL": lambda game, **rates: [learners.QLearning(game, i, **rates) for i in range(2)],
    "JAL-AM": lambda game, **rates: [learners.JALAM(game, i, **rates) for i in range(2)],
    "central Q": lambda game, **rates: [learners.CentralQ(game, **rates)],
}


def greedy(pair: list[Any], state: int) -> tuple[int, ...]:
    """Return the profile that learners play in a state without exploration, the first of several best actions."""
    first = pair[0]
    if isinstance(first, learners.CentralQ):
        worth = first.values[state]
        return tuple(int(a) for a in np.unravel_index(int(worth.argmax()), worth.shape))
    chosen = []
    for learner in pair:
        if isinstance(learner, learners.JALAM):
            other = 1 - learner.player
            width = sum(learner.setting.n_actions[:other])
            model = learner.table("models")[state, width : width + learner.setting.n_actions[other]]
            worth = learner.values[state] @ model if learner.player == 0 else model @ learner.values[state]
        else:
            worth = learner.values[state]
        chosen.append(int(worth.argmax()))
    return tuple(chosen)


def earned(game: gt.games.StochasticGame, pair: list[Any]) -> float:
    """Return the discounted sum of both agents' rewards of one episode without exploration."""
    state, total = int(game.start.argmax()), 0.0
    for t in range(HORIZON):
        profile = greedy(pair, state)
        total += game.discount**t * float(game.rewards[(slice(None), state, *profile)].sum())
        state = int(game.successors[(state, *profile, 0)])
        if game.terminal[state]:
            break
    return total


def curves(game: gt.games.StochasticGame, kind: str, rate: float, seeds: int, steps: int) -> np.ndarray:
    """Return the evaluations of each seed, shape (seeds, steps / EVERY)."""
    rows = []
    for first in range(0, seeds, BATCH):
        batch = range(first, min(seeds, first + BATCH))
        players = KINDS[kind](game, learning_rate=rate, exploration=EXPLORATION)
        match = learners.Match(game, players, seeds=batch, horizon=HORIZON)
        made = np.empty((len(batch), steps // EVERY))
        for k in range(made.shape[1]):
            match.advance(EVERY, record=1)
            made[:, k] = [earned(game, pair) for pair in match.learners]
        rows.append(made)
    return np.concatenate(rows)


def settled(evaluations: np.ndarray, best: float) -> np.ndarray:
    """Return the steps after which all evaluations are optimal, nan where the last is not, shape (seeds,)."""
    short = evaluations < best - 1e-9
    first = np.where(short.any(axis=1), evaluations.shape[1] - short[:, ::-1].argmax(axis=1), 0) + 1
    return np.where(short[:, -1], np.nan, first * EVERY)


def study(folder: Path, *, seeds: int = SEEDS, steps: int = STEPS) -> None:
    """Let all learners forage and write ``foraging`` as .json, .md and .png."""
    started = time.process_time()
    game = gt.games.level_based_foraging(**WORLD)
    team = gt.games.level_based_foraging(shared_reward=True, **WORLD)
    # Both agents get the sum there.
    best = float(gt.solvers.plan_common_interest(team).values[0])
    rows = []
    for rate, kind in itertools.product(RATES, KINDS):
        began = time.process_time()
        evaluations = curves(game, kind, rate, seeds, steps)
        rows.append({"learner": kind, "rate": rate, **summary(evaluations, best)})
        rows[-1]["seconds"] = round(time.process_time() - began, 1)
        print(f"  {kind}, {rate}: {time.process_time() - started:.0f} s", flush=True)
    record_study(
        folder,
        "foraging",
        title="Level-based foraging",
        text=__doc__ or "",
        settings={"optimum": round(best, 6), "states": game.n_states, "steps": steps, "seeds": f"0 to {seeds - 1}"}
        | {name: value for name, value in WORLD.items() if name != "discount"}
        | {"seconds are": "of one core"},
        rows=rows,
        tables={f"Learning rate {rate}": table([row for row in rows if row["rate"] == rate], best) for rate in RATES},
        draw=partial(draw, rows=rows, best=best),
        seconds=time.process_time() - started,
    )


def summary(evaluations: np.ndarray, best: float) -> dict[str, Any]:
    """Return the curve with its intervals, and when runs reached the optimum."""
    interval = learners.bootstrap_interval(evaluations)
    reached = settled(evaluations, best)
    done = int(np.isfinite(reached).sum())
    return {
        "steps": [int(EVERY * (k + 1)) for k in range(evaluations.shape[1])],
        "mean": interval.mean.tolist(),
        "low": interval.low.tolist(),
        "high": interval.high.tolist(),
        "optimal": done / len(evaluations),
        "optimal_interval": wilson(done, len(evaluations)),
        "steps_to_optimum": [None if np.isnan(x) else int(x) for x in reached],
    }


def table(rows: list[dict[str, Any]], best: float) -> list[list[str]]:
    """Return the table of what was reached, with that of the optimum below."""
    lines = [
        ["learner", "return at the end [95%]", "mean within 5% of the optimum after", "median steps to the optimum"]
    ]
    lines[0] += ["runs optimal at the end, % [95%]"]
    for row in rows:
        near = next((step for step, mean in zip(row["steps"], row["mean"]) if mean >= 0.95 * best), None)
        steps = np.array([np.inf if x is None else x for x in row["steps_to_optimum"]])
        median = float(np.median(steps))
        low, high = row["optimal_interval"]
        lines.append(
            [
                row["learner"],
                f"{row['mean'][-1]:.3f} [{row['low'][-1]:.3f}, {row['high'][-1]:.3f}]",
                "-" if near is None else f"{near:,}",
                "not within the run" if np.isinf(median) else f"{median:,.0f}",
                f"{100 * row['optimal']:.0f} [{100 * low:.0f}, {100 * high:.0f}]",
            ]
        )
    return [*lines, ["exact optimum", f"{best:.3f}", "", "", ""]]


def draw(figure: Any, *, rows: list[dict[str, Any]], best: float) -> None:
    """Draw the learning curves with their intervals."""
    figure.set_size_inches(11, 4.2)
    for ax, rate in zip(figure.subplots(1, len(RATES), sharey=True), RATES):
        for row in rows:
            if row["rate"] == rate:
                steps = np.array(row["steps"]) / 1e3
                (line,) = ax.plot(steps, row["mean"], label=row["learner"])
                ax.fill_between(steps, row["low"], row["high"], color=line.get_color(), alpha=0.25, linewidth=0)
        ax.axhline(best, color="grey", linestyle=":", label="exact optimum")
        ax.set_xlabel("thousand steps")
        ax.set_title(f"learning rate {rate}")
        ax.legend(loc="lower right")
    figure.axes[0].set_ylabel("return of both, without exploration")


if __name__ == "__main__":
    study(Path(__file__).parent / "results")
