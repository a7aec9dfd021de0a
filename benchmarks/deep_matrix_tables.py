"""Tables of the study of coordination games: what was reached, at what cost, and values learnt beside exact ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import marlgt as gt
from benchmarks.deep_matrix_cells import LEARNERS, TASKS, outcomes, payoffs, tables_of
from marlgt import concepts
from marlgt.statistics import bootstrap_interval

__all__ = ["conditions", "costs", "earned", "projections", "qtran_values", "reached", "two_step_values"]

NEAR = 0.2
"""What counts as 0 of a residual, beside payoffs that span 20 to 110."""
PAPERS: dict[str, dict[str, list[list[float | None]]]] = {
    "QTRAN's game": {
        "QTRAN-base, Q_jt": [[8.00, -12.02, -12.02], [-12.00, 0.00, 0.00], [None, None, None]],
        "QTRAN-base, Q'": [[8.00, 2.13, 1.92], [6.12, 0.23, 0.04], [None, None, None]],
        "VDN": [[-5.42, -4.57, -4.70], [None, None, None], [None, None, None]],
        "QMIX": [[-8.08, None, None], [-8.08, 0.01, 0.03], [None, None, None]],
    },
    "two-step": {"VDN": [[-1.87, 2.31], [2.33, 6.51]], "QMIX": [[0.0, 1.0], [1.0, 8.0]]},
}
"""What the papers print, where recalled: Son et al. 2019, table 1; Rashid et al. 2018, table 1 (state 2B)."""


def reached(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the table of successes."""
    table = [["learner", *(f"{title} ({outcomes(task).max():g})" for task, title in TASKS.items())]]
    for name in LEARNERS:
        cells = []
        for row in (row for row in rows if row["learner"] == name):
            hits = int((np.array(row["payoffs"]) >= row["optimum"] - 1e-6).sum())
            cells.append(f"{hits} of {row['seeds']}")
        table.append([name, *cells])
    shares = [100 * float((outcomes(task) == outcomes(task).max()).mean()) for task in TASKS]
    table.append(["random joint action", *(f"{share:.0f} %" for share in shares)])
    return table


def earned(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the table of greedy payoffs."""
    table = [["learner", *TASKS.values()]]
    for name in LEARNERS:
        table.append([name, *(interval(row["payoffs"]) for row in rows if row["learner"] == name)])
    table.append(["random joint action", *(f"{outcomes(task).mean():.2f}" for task in TASKS)])
    table.append(["optimum", *(f"{outcomes(task).max():g}" for task in TASKS)])
    return table


def interval(values: Sequence[float]) -> str:
    """Return the interquartile mean with its interval."""
    found = bootstrap_interval(values)
    return f"{float(found.estimate):.2f} [{float(found.low):.2f}, {float(found.high):.2f}]"


def costs(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the table of CPU-seconds: of a seed among the stacked ones, and alone."""
    table = [["learner", *TASKS.values()]]
    for name in LEARNERS:
        cells = []
        for row in (row for row in rows if row["learner"] == name):
            cell = f"{row['cpu_seconds'] / row['seeds']:.2f}"
            if "alone" in row:
                same = "equal" if row["alone"]["same"] else "**not equal**"
                cell += f"; alone {row['alone']['cpu_seconds']:.2f}, {same}"
            cells.append(cell)
        table.append([name, *cells])
    return table


def matrix(values: Any) -> str:
    """Return a matrix in one cell of a table."""
    lines = [
        ", ".join("…" if x is None else f"{x + 0.0:.2f}".replace("-0.00", "0.00") for x in line) for line in values
    ]
    return " / ".join(lines)


def spread(values: np.ndarray) -> str:
    """Return the largest standard deviation over seeds in a table of values."""
    return f"{values.std(axis=0, ddof=1).max():.2f}"


def qtran_values(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the tables of QTRAN's game beside the papers' and the projections."""
    game, title = payoffs("qtran_matrix"), "QTRAN's game"
    own = {row["learner"]: tables_of(row) for row in rows if row["task"] == "qtran_matrix"}
    table = [["what", "rows of the matrix", "largest sd over seeds", "the paper's, recalled"]]
    table.append(["payoffs", matrix(game), "", ""])
    for name in ("QTRAN-base", "QTRAN-alt"):
        for key, label in (("joint", "Q_jt"), ("totals", "Q'"), ("D", "D")):
            paper = PAPERS[title].get(f"{name}, {label}")
            table.append(
                [
                    f"{name}, {label}",
                    matrix(own[name][key].mean(0)),
                    spread(own[name][key]),
                    matrix(paper) if paper else "",
                ]
            )
        table.append([f"{name}, V", f"{own[name]['V'].mean():.2f}", spread(own[name]["V"][:, None]), ""])
    added, mixed = concepts.additive_projection(game), concepts.monotone_projection(game)
    other = concepts.monotone_projection(game, greedy=(2, 2))
    table.append(
        ["VDN", matrix(own["VDN"]["joint"].mean(0)), spread(own["VDN"]["joint"]), matrix(PAPERS[title]["VDN"])]
    )
    table.append(["additive projection (exact)", matrix(added.fit), "", ""])
    table.append(
        ["QMIX", matrix(own["QMIX"]["joint"].mean(0)), spread(own["QMIX"]["joint"]), matrix(PAPERS[title]["QMIX"])]
    )
    error = ((own["QMIX"]["joint"] - game) ** 2).mean((1, 2))
    for label, fit in (("best monotone fit (exact)", mixed), ("best with (C, C) greedy (exact)", other)):
        table.append([f"{label}, MSE {fit.squared_error / 9:.2f}", matrix(fit.fit), "", ""])
    table.append(["QMIX, MSE over seeds", f"{error.min():.2f} to {error.max():.2f}", "", ""])
    table.append(["central Q", matrix(own["central Q"]["joint"].mean(0)), spread(own["central Q"]["joint"]), ""])
    return table


def two_step_values(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the values of the two-step game's states."""
    exact = gt.solve(gt.games.two_step_game())[0].state_values[0]
    table = [["learner", "state 1, first agent plays A, B", "2A", "2B", "sd in 2B", "2B in the paper, recalled"]]
    for row in (row for row in rows if row["task"] == "two_step_game"):
        at = {state: tables_of(row, state).get("joint") for state in ("1", "2A", "2B")}
        if at["1"] is None:
            continue
        paper = PAPERS["two-step"].get(row["learner"])
        first = ", ".join(f"{x:.2f}" for x in at["1"].mean((0, 2)))
        table.append(
            [row["learner"], first, matrix(at["2A"].mean(0)), matrix(at["2B"].mean(0)), spread(at["2B"]),
             matrix(paper) if paper else ""]
        )  # fmt: skip
    body = ["exact (`gt.solve`)", f"best {exact[0]:.2f}", f"best {exact[1]:.2f}", f"best {exact[2]:.2f}", "", ""]
    return [*table, body]


def conditions(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return whether QTRAN's conditions and individual global max hold, seed by seed.

    Greedy is the one joint action that is played: in penalty games utilities of two best ones all but tie.
    """
    table = [["learner", "game", "error of Q_jt, at most", "D at the greedy action, at most", "least D",
              f"theorem 1 holds within {NEAR}", f"theorem 2 holds within {NEAR}", "IGM with the payoffs"]]  # fmt: skip
    for row in rows:
        if not row["learner"].startswith("QTRAN") or row["task"] == "two_step_game":
            continue
        game, values, own = payoffs(row["task"]), tables_of(row), np.array(row["states"][""]["utilities"])
        greedy = own.argmax(-1)
        residual = values["D"]
        at_greedy = np.abs(residual[np.arange(len(own)), greedy[:, 0], greedy[:, 1]])
        first = (at_greedy <= NEAR) & (residual.min((1, 2)) >= -NEAR)
        least = np.concatenate([residual.min(1), residual.min(2)], axis=1)
        second = (at_greedy <= NEAR) & (np.abs(least).max(1) <= NEAR)
        optimal = [concepts.individual_global_max(game, each).holds for each in own]
        table.append(
            [row["learner"], TASKS[row["task"]], f"{np.abs(values['joint'] - game).max():.3f}",
             f"{at_greedy.max():.3f}", f"{residual.min():.3f}", f"{first.sum()} of {len(own)}",
             f"{second.sum()} of {len(own)}", f"{sum(optimal)} of {len(own)}"]
        )  # fmt: skip
    return table


def projections(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return how far VDN and QMIX end from the best of their classes in the one-shot games."""
    table = [["game", "VDN: mean over seeds from the additive projection, at most", "largest sd",
              "MSE: VDN", "additive projection", "QMIX", "best monotone",
              "payoff: VDN, QMIX", "best monotone fit's"]]  # fmt: skip
    for task, title in TASKS.items():
        if task == "two_step_game":
            continue
        game = payoffs(task)
        own = {row["learner"]: row for row in rows if row["task"] == task}
        added, mixed = concepts.additive_projection(game), concepts.monotone_projection(game)
        vdn, qmix = (tables_of(own[name])["joint"] for name in ("VDN", "QMIX"))
        errors = [f"{((values - game) ** 2).mean():.2f}" for values in (vdn, qmix)]
        table.append(
            [title, f"{np.abs(vdn.mean(0) - added.fit).max():.2f}", spread(vdn), errors[0],
             f"{added.squared_error / game.size:.2f}", errors[1], f"{mixed.squared_error / game.size:.2f}",
             f"{interval(own['VDN']['payoffs'])}; {interval(own['QMIX']['payoffs'])}", f"{mixed.greedy_value:g}"]
        )  # fmt: skip
    return table
