"""Which learners find the best joint action of climbing and penalty games, in shares of runs with Wilson's intervals.

All players get the same payoff. In the climbing game (Claus and Boutilier 1998) the best joint action pays 11 and its
neighbours -30; in its partially stochastic form (Kapetanakis and Kudenko 2002) the 7 is 14 or 0 at even odds, in the
fully stochastic form every payoff is one of two. In the penalty games two joint actions pay 10, and to miss each other
costs k. A run succeeds if the policies learned, without exploration, are pure and together best in expectation.

Every learner plays the same number of steps with the same seeds. Where not said otherwise the learning rate is 0.1 and
epsilon falls from 1 to 0 over the first 4/5 of the run. Beta is a hundredth of alpha for hysteretic Q; theta is 10 for
lenient Q, its other settings are those of Wei and Luke (2016); FMQ has c = 10, alpha = 0.9 and a temperature that falls
from 500 to 1 (Kapetanakis and Kudenko 2002), stretched to the length of the run. The distributed learner starts from
the smallest payoff. "Chance" is a pure profile drawn at random.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import marlgt as gt
from benchmarks.convergence_maps import shown, wilson
from benchmarks.studies import record_study
from marlgt import learners
from marlgt.games import StochasticGame

SEEDS = 300
STEPS = 5_000
CLIMBING = np.array([[11.0, -30.0, 0.0], [-30.0, 7.0, 6.0], [0.0, 0.0, 5.0]])
PARTLY = np.stack([CLIMBING, CLIMBING], axis=-1)
PARTLY[1, 1] = (14.0, 0.0)
FULLY = np.array(
    [
        [[10.0, 12.0], [5.0, -65.0], [8.0, -8.0]],
        [[5.0, -65.0], [14.0, 0.0], [12.0, 0.0]],
        [[5.0, -5.0], [5.0, -5.0], [10.0, 0.0]],
    ]
)


def random_payoffs(pairs: np.ndarray, title: str) -> StochasticGame:
    """Return the repeated team game in which every profile pays one of two amounts at even odds."""
    # Two states that are alike, so that each of the amounts comes with a successor of its own.
    rewards = np.broadcast_to(pairs, (2, 1, *pairs.shape))
    successors = np.zeros((1, *pairs.shape), dtype=int)
    halves = np.full((1, *pairs.shape), 0.5)
    return StochasticGame(rewards, successors, halves, discount=0.0, title=title)


def games() -> dict[str, tuple[Any, np.ndarray]]:
    """Return the games with their expected payoffs."""
    made: dict[str, tuple[Any, np.ndarray]] = {
        "climbing": (gt.games.climbing_game(), CLIMBING),
        "partially stochastic": (random_payoffs(PARTLY, "partially stochastic climbing game"), PARTLY.mean(axis=-1)),
        "fully stochastic": (random_payoffs(FULLY, "fully stochastic climbing game"), FULLY.mean(axis=-1)),
    }
    for k in (0, -25, -50, -75, -100):
        game = gt.games.penalty_game(penalty=k)
        made[f"penalty {k}"] = (game, np.asarray(game.payoffs[0], dtype=float))
    return made


def exploring() -> Any:
    """Return the common schedule of epsilon."""
    return learners.linear(1.0, 0.0, steps=STEPS * 4 // 5)


KINDS: dict[str, Callable[[Any, float], list[Any]]] = {
    "IQL": lambda game, least: [learners.QLearning(game, i, exploration=exploring()) for i in range(2)],
    "JAL-AM": lambda game, least: [learners.JALAM(game, i, exploration=exploring()) for i in range(2)],
    "central Q": lambda game, least: [learners.CentralQ(game, exploration=exploring())],
    "hysteretic Q": lambda game, least: [
        learners.HystereticQ(game, i, caution=0.01, exploration=exploring()) for i in range(2)
    ],
    "lenient Q": lambda game, least: [learners.LenientQ(game, i, leniency=10.0) for i in range(2)],
    "FMQ": lambda game, least: [learners.FMQ(game, i, exploration=cooling()) for i in range(2)],
    "distributed Q": lambda game, least: [
        learners.DistributedQ(game, i, exploration=exploring(), initial=least) for i in range(2)
    ],
}


def cooling() -> Any:
    """Return FMQ's temperatures, which reach 1 after the same share of the run as in 1000 steps."""
    return learners.softmax(learners.geometric(500.0, math.exp(-0.006 * 1000 / STEPS), floor=1.0))


def judged(game: Any, paid: np.ndarray, kind: str, seeds: int) -> dict[str, Any]:
    """Return how often a kind of learner reached the optimum of a game, and what its policies earn."""
    least = float(paid.min()) if isinstance(game, gt.NormalFormGame) else float(game.successor_rewards.min())
    run = learners.play_seeds(game, KINDS[kind](game, least), steps=STEPS, seeds=range(seeds), record=1)
    successes, earned = 0, []
    for profile in run.profiles():
        row, column = (np.asarray(policy).reshape(-1) for policy in profile)
        earned.append(float(row @ paid @ column))
        successes += bool(max(row) == max(column) == 1.0 and earned[-1] == paid.max())
    return {
        "rate": successes / seeds,
        "interval": wilson(successes, seeds),
        "payoff": float(np.mean(earned)),
        "best": float(paid.max()),
    }


def study(folder: Path, *, seeds: int = SEEDS) -> None:
    """Let all learners play all games and write ``climbing`` as .json, .md and .png."""
    started = time.process_time()
    rows = []
    made = games()
    for kind in KINDS:
        for name, (game, paid) in made.items():
            rows.append({"learner": kind, "game": name, "seeds": seeds, **judged(game, paid, kind, seeds)})
        print(f"  {kind}: {time.process_time() - started:.0f} s", flush=True)
    shares = {name: float((paid == paid.max()).mean()) for name, (_, paid) in made.items()}
    record_study(
        folder,
        "climbing",
        title="Climbing and penalty games",
        text=__doc__ or "",
        settings={"steps": STEPS, "seeds": f"0 to {seeds - 1}", "seconds are": "of one core"},
        rows=rows,
        tables=tables(rows, shares),
        draw=partial(draw, rows=rows, shares=shares),
        seconds=time.process_time() - started,
    )


def tables(rows: list[dict[str, Any]], shares: dict[str, float]) -> dict[str, list[list[str]]]:
    """Return the shares of runs that reached the optimum, and the mean payoffs of what was learned."""
    reached, payoffs = [["learner", *shares]], [["learner", *shares]]
    for kind in KINDS:
        own = {row["game"]: row for row in rows if row["learner"] == kind}
        reached.append([kind, *(shown(own[name]) for name in shares)])
        payoffs.append([kind, *(f"{own[name]['payoff']:.2f} of {own[name]['best']:.0f}" for name in shares)])
    reached.append(["chance", *(f"{100 * share:.0f}" for share in shares.values())])
    return {"Runs that reached the optimum, % [95% interval]": reached, "Expected payoff of what was learned": payoffs}


def draw(figure: Any, *, rows: list[dict[str, Any]], shares: dict[str, float]) -> None:
    """Draw the shares with their intervals, a panel for each game."""
    figure.set_size_inches(13, 6)
    axes = figure.subplots(2, 4, sharey=True, sharex=True)
    for ax, name in zip(axes.ravel(), shares):
        own = [row for row in rows if row["game"] == name]
        rates = np.array([row["rate"] for row in own])
        spread = np.abs(np.array([row["interval"] for row in own]).T - rates)
        ax.bar(range(len(own)), rates, color="tab:blue", yerr=spread, capsize=3)
        ax.axhline(shares[name], color="grey", linestyle=":")
        ax.set_title(name)
        ax.set_xticks(range(len(own)), [row["learner"] for row in own], rotation=60, ha="right")
        ax.set_ylim(0, 1.05)
    for ax in axes[:, 0]:
        ax.set_ylabel("runs that reached the optimum")


if __name__ == "__main__":
    study(Path(__file__).parent / "results")
