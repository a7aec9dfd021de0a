"""Hu and Wellman's grid games (2003): what Nash-Q and its kin learn the start to be worth, by how they choose.

In grid game 1 every equilibrium of four steps is worth 97.03 to both, and right against left, after which both stand
where they stood, 95.06. In grid game 2 one player goes through the middle and earns 98.01, the other 49.005, or the
other way round; there is a mixed equilibrium of 49.37 to both. Players learn for so many steps of random play, at rates
of one over the visits of the entry to the power 0.85: the paper's power 1 is on the way to the same after any time
that one can wait, and a power of 1/2 or less does not settle.

Rows are pairs of rules of choice: for Nash-Q the first and the second equilibrium, the best for both together and each
player's own best; for correlated-Q four objectives; and two friends or two foes. A run has reached an equilibrium if
neither of the learned policies can be improved on by more than 0.5, from the start or from any state. Policies of
players who chose different equilibria need not be one.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

import marlgt as gt
from benchmarks.studies import record_study
from marlgt.concepts.stationary import best_stationary
from marlgt.concepts.stationary_correlated import stationary_joint_values
from marlgt.learners import CorrelatedQ, FriendOrFoeQ, NashQ, bootstrap_interval, play_seeds, power

SEEDS = range(20)
STEPS = 100_000
RATE = power(1.0, exponent=0.85, per_visit=True)
SETTINGS: dict[str, Any] = {"learning_rate": RATE, "exploration": 1.0}
NEAR = 0.5
NASH = (
    ("first", "first"), ("second", "second"), ("welfare", "welfare"), ("best_own", "best_own"), ("first", "second"),
    ("first", "welfare"), ("first", "best_own"), ("second", "welfare"), ("second", "best_own"), ("welfare", "best_own"),
)  # fmt: skip
OBJECTIVES = ("utilitarian", "egalitarian", "republican", "libertarian")
KNOWN = {
    "grid game 1": "97.03 to both (right against left 95.06)",
    "grid game 2": "98.01 and 49.005, either way; mixed 49.37 to both",
}


def learners_of(game: gt.games.StochasticGame) -> dict[str, list[Any]]:
    """Return the learners of each row."""
    rows: dict[str, list[Any]] = {}
    for pair in NASH:
        name = f"Nash-Q, {pair[0]} and {pair[1]}".replace("_", " ")
        rows[name] = [NashQ(game, i, selection=rule, **SETTINGS) for i, rule in enumerate(pair)]
    for objective in OBJECTIVES:
        rows[f"correlated-Q, {objective}"] = [CorrelatedQ(game, objective=objective, **SETTINGS)]
    rows["friend-Q"] = [FriendOrFoeQ(game, i, friends="all", **SETTINGS) for i in range(2)]
    rows["foe-Q"] = [FriendOrFoeQ(game, i, **SETTINGS) for i in range(2)]
    return rows


def learned_values(learners: list[Any], start: int) -> list[float]:
    """Return what each player holds the start to be worth to herself."""
    values = []
    for i in range(2):
        learner = learners[min(i, len(learners) - 1)]
        held = learner.state_values if isinstance(learner, FriendOrFoeQ) else learner.state_values[i]
        values.append(float(held[start]))
    return values


def study(folder: Path) -> None:
    """Learn, judge and record."""
    started = time.process_time()
    rows = []
    for title, game in (("grid game 1", gt.games.grid_game_1()), ("grid game 2", gt.games.grid_game_2())):
        start = int(game.start.argmax())
        for name, learners in learners_of(game).items():
            run = play_seeds(game, learners, steps=STEPS, seeds=SEEDS, record=1)
            for seed, own, profile in zip(run.seeds, run.learners, run.profiles()):
                best = [best_stationary(game, profile, i)[0] for i in range(2)]
                values = gt.concepts.stationary_values(game, profile)
                gains = np.array(best) - values
                joint = None
                if isinstance(own[0], CorrelatedQ):
                    joint = stationary_joint_values(game, own[0].joint())[:, start].tolist()
                rows.append(
                    {
                        "game": title,
                        "learners": name,
                        "seed": seed,
                        "learned": learned_values(own, start),
                        "earned": values[:, start].tolist(),
                        "earned with a device": joint,
                        "gain": float(gains[:, start].max()),
                        "gain anywhere": float(gains.max()),
                    }
                )
    _record(folder, rows, time.process_time() - started)


def _interval(samples: list[float], digits: int = 2) -> str:
    found = bootstrap_interval(np.array(samples))
    return f"{found.mean:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"


def _table(rows: list[dict[str, Any]], title: str) -> list[list[str]]:
    table = [["learners", "larger learned value", "smaller learned value", "larger earned", "smaller earned",
              "equilibrium from the start", "from everywhere"]]  # fmt: skip
    for name in dict.fromkeys(row["learners"] for row in rows):
        own = [row for row in rows if row["game"] == title and row["learners"] == name]
        sides = [_interval([pick(row[what]) for row in own]) for what in ("learned", "earned") for pick in (max, min)]
        shares = [sum(row[what] <= NEAR for row in own) for what in ("gain", "gain anywhere")]
        table.append([name, *sides, *(f"{share} of {len(own)}" for share in shares)])
    return table


def _record(folder: Path, rows: list[dict[str, Any]], seconds: float) -> None:
    record_study(
        folder,
        "grid_games",
        title="Grid games of Hu and Wellman",
        text=TEXT,
        settings={
            "seeds": f"0 to {len(SEEDS) - 1}", "steps": STEPS, "discount": 0.99, "exploration": "random play",
            "learning rate": "visits to the power -0.85", "initial value": 0, "tolerance of an equilibrium": NEAR,
        },
        rows=rows,
        tables={f"{title}: {known}": _table(rows, title) for title, known in KNOWN.items()},
        draw=lambda figure: _draw(figure, rows),
        seconds=seconds,
    )  # fmt: skip


TEXT = """
What the start is worth to the players, the larger and the smaller of both, by their own tables and by the policies that
they learned, played apart: means over seeds with 95% bootstrap intervals. An equilibrium is reached if no player could
gain more than 0.5 by another policy, from the start or from any of the states. Players of correlated-Q share a device
and earn more by it than their parts do, played apart, where they mix. Friends hope: what they hold the start to be
worth is the best of all outcomes for each of them; foes hold it to be worth what they can be sure of.
"""


def _draw(figure: Any, rows: list[dict[str, Any]]) -> None:
    figure.set_size_inches(10, 4.6)
    names = list(dict.fromkeys(row["learners"] for row in rows))
    for place, title in enumerate(KNOWN):
        axes = figure.add_subplot(1, 2, 1 + place)
        for k, name in enumerate(names):
            values = [row["learned"] for row in rows if row["game"] == title and row["learners"] == name]
            for player in range(2):
                at = np.full(len(values), k + 0.3 * player - 0.15)
                axes.scatter([v[player] for v in values], at, s=9, alpha=0.5, color=f"C{player}")
        for value in (97.0299,) if place == 0 else (98.01, 49.005, 49.369):
            axes.axvline(value, color="black", linewidth=0.7)
        axes.set_yticks(range(len(names)), names if place == 0 else [""] * len(names), fontsize=7)
        axes.invert_yaxis()
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("learned value of the start (players 1 and 2; lines: equilibria)", fontsize=8)
