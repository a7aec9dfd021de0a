"""What deep learners of team values reach, and what values they learn, in the games on which they were first compared.

QTRAN's single-state game (Son et al. 2019), climbing and penalty games (Claus and Boutilier 1998), and QMIX's two-step
game (Rashid et al. 2018). Everything goes through ``train`` with the recipe of these games: all actions are random
(epsilon 1), transitions are replayed, and greedy policies are judged. A seed succeeds if its greedy joint policy earns
the optimum. Published deep baselines stop at 2 of 10 in penalty games from -25 on and near 7 of 11 in climbing
(Papoudakis et al. 2021, table 3, recalled: 50 and about 175 in 25 repetitions).

Papers' figures are recalled, not read again. The additive projection is what VDN's values would be after endless
uniform data, and the monotone projection the best that any monotone mixer can do, over all orders of actions; QMIX's
training ends in a worse local optimum (mean squared error 35.6 against 32.0 in QTRAN's game).
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import marlgt as gt
from benchmarks.deep_study import CACHE, COLOURS
from benchmarks.studies import record_study
from marlgt import concepts
from marlgt.statistics import bootstrap_interval

SEEDS = 20
NEAR = 0.2
"""What counts as 0 of a residual, beside payoffs that span 20 to 110."""
TASKS = {
    "qtran_matrix": "QTRAN's game",
    "climbing": "climbing",
    "penalty:penalty=-25": "penalty -25",
    "penalty:penalty=-50": "penalty -50",
    "penalty:penalty=-75": "penalty -75",
    "penalty:penalty=-100": "penalty -100",
    "two_step_game": "two-step",
}
LEARNERS: dict[str, tuple[str, dict[str, Any]]] = {
    "QTRAN-base": ("QTRAN", {"variant": "base"}),
    "QTRAN-alt": ("QTRAN", {"variant": "alt"}),
    "QMIX": ("QMIX", {}),
    "VDN": ("VDN", {}),
    "IDQN": ("IDQN", {}),
    "JAL-AM": ("JALAM", {}),
    "central Q": ("CentralQ", {}),
}
ALONE = (
    *((name, task) for name in ("QTRAN-base", "QTRAN-alt") for task in TASKS if task != "two_step_game"),
    ("QMIX", "two_step_game"),
    ("VDN", "two_step_game"),
)
"""Learners and tasks whose first seed is also trained alone: what a seed costs, and whether it is the same."""


def payoffs(task: str) -> np.ndarray:
    """Return the team's payoffs of a one-shot game."""
    from marlgt.deep import make_environment

    game: Any = make_environment(task, 1).game  # type: ignore[attr-defined]
    return np.asarray(game.payoffs[0], dtype=float)


def outcomes(task: str) -> np.ndarray:
    """Return what each pure joint policy earns, each as likely as any by random actions."""
    if task != "two_step_game":
        return payoffs(task).ravel()
    return np.array([7.0] * 4 + [0.0, 1.0, 1.0, 8.0])


def learned(name: str, task: str, seeds: Sequence[int]) -> dict[str, Any]:
    """Return what a learner reached on a task, from the cache or else by training."""
    path = CACHE / "deep_matrix_games" / f"{name}_{task.replace(':', '_')}_{len(seeds)}.json"
    algorithm, changes = LEARNERS[name]
    from marlgt.deep import recipe, train
    from marlgt.deep.runs.settings_json import settings_to_json

    book = recipe(task)
    chosen = book.algorithm(algorithm, **changes)
    settings = json.loads(json.dumps(settings_to_json(chosen)))
    if path.exists():
        row: dict[str, Any] = json.loads(path.read_text())
        if row["settings"] == settings and row["steps"] == book.steps:
            return row
    run = train(chosen, task, steps=book.steps, seeds=seeds, episodes=1)
    row = {
        "learner": name,
        "task": task,
        "steps": book.steps,
        "seeds": len(seeds),
        "settings": settings,
        "payoffs": run.curve.final.tolist(),
        "optimum": float(outcomes(task).max()),
        "curve": {"steps": run.curve.steps.tolist(), "payoffs": run.curve.mean_return.tolist()},
        "cpu_seconds": run.record.cpu_seconds,
        "states": states_learnt(run, task),
    }
    if (name, task) in ALONE:
        alone = train(chosen, task, steps=book.steps, seeds=seeds[:1], episodes=1)
        first = states_learnt(alone, task)
        row["alone"] = {
            "cpu_seconds": alone.record.cpu_seconds,
            "same": all(row["states"][state]["joint"][0] == first[state]["joint"][0] for state in first),
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(row))
    return row


def states_learnt(run: Any, task: str) -> dict[str, dict[str, Any]]:
    """Return the tables learnt by all seeds: of the only state, or of the three of the two-step game."""
    from marlgt.deep.inspection import learnt_values

    if task == "two_step_game":
        codes = {state: np.eye(4, dtype=np.float32)[i] for i, state in enumerate(("1", "2A", "2B"))}
        width = run.spec.n_agents if run.algorithm.name != "CentralQ" else 2
        found = {state: learnt_values(run, observations=[code] * width, state=code) for state, code in codes.items()}
    else:
        found = {"": learnt_values(run)}
    return {state: {key: rounded(getattr(values, key)) for key in FIELDS} for state, values in found.items()}


FIELDS = ("utilities", "joint", "state_value")


def rounded(values: Any) -> Any:
    """Return an array as lists of numbers with five decimals."""
    return None if values is None else np.round(values, 5).tolist()


def every_row(seeds: int) -> list[dict[str, Any]]:
    """Return the rows of all learners on all tasks."""
    rows = []
    for task in TASKS:
        for name in LEARNERS:
            row = learned(name, task, range(seeds))
            rows.append(row)
            hits = int((np.array(row["payoffs"]) >= row["optimum"] - 1e-6).sum())
            cost = row["cpu_seconds"] / row["seeds"]
            print(f"  {name} on {TASKS[task]}: {hits} of {row['seeds']}, {cost:.2f} CPU-s a seed", flush=True)
    return rows


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


def tables_of(row: Mapping[str, Any], state: str = "") -> dict[str, np.ndarray]:
    """Return what all seeds learnt in a state: joint values, sums of utilities, V and D."""
    from marlgt.deep.inspection import LearntValues

    found = LearntValues(
        *(None if row["states"][state][key] is None else np.array(row["states"][state][key]) for key in FIELDS)
    )
    made = {} if found.joint is None else {"joint": found.joint}
    if found.utilities is not None:
        made["totals"] = found.totals
    if found.state_value is not None:
        made |= {"V": found.state_value, "D": found.residual}
    return made


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


def study(folder: Path, *, seeds: int = SEEDS) -> None:
    """Train all learners on all games and write ``deep_matrix_games`` as .json, .md and .png."""
    rows = every_row(seeds)
    record_study(
        folder,
        "deep_matrix_games",
        title="Coordination games, deep",
        text=__doc__ or "",
        settings={
            "steps": f"{rows[0]['steps']}, of the two-step game {rows[-1]['steps']}",
            "seeds": f"0 to {seeds - 1}",
            "torch": importlib.metadata.version("torch"),
            "seconds are": "of one core",
            "all": "the recipe's (`marlgt.deep.recipe`)",
        },
        rows=rows,
        tables={
            "Seeds that reach the optimum (in brackets)": reached(rows),
            "Payoff of the greedy policies, IQM [95 % interval]": earned(rows),
            "CPU-seconds of a seed, stacked with the others, and alone": costs(rows),
            "Values learnt in QTRAN's game, means over seeds": qtran_values(rows),
            "QTRAN's conditions, over all seeds": conditions(rows),
            "VDN and QMIX against the best of their classes": projections(rows),
            "Values learnt in the two-step game, means over seeds": two_step_values(rows),
        },
        draw=partial(draw, rows=rows),
        seconds=sum(row["cpu_seconds"] + row.get("alone", {}).get("cpu_seconds", 0.0) for row in rows),
    )


def draw(figure: Any, *, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw the values learnt in QTRAN's game as heat maps, and below them the payoffs of all learners."""
    figure.set_size_inches(13, 6.6)
    above, below = figure.subfigures(2, 1, height_ratios=(0.62, 1.0))
    _maps(above, rows)
    _bars(below, rows)


def _maps(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    game = payoffs("qtran_matrix")
    own = {row["learner"]: tables_of(row) for row in rows if row["task"] == "qtran_matrix"}
    shown = {
        "payoffs": game,
        "QTRAN-base: Q_jt": own["QTRAN-base"]["joint"].mean(0),
        "QTRAN-base: Q'": own["QTRAN-base"]["totals"].mean(0),
        "QTRAN-base: D": own["QTRAN-base"]["D"].mean(0),
        "QMIX": own["QMIX"]["joint"].mean(0),
        "best monotone fit": concepts.monotone_projection(game).fit,
        "VDN": own["VDN"]["joint"].mean(0),
        "additive projection": concepts.additive_projection(game).fit,
    }
    axes = figure.subplots(1, len(shown))
    for ax, (title, values) in zip(axes, shown.items()):
        image = ax.imshow(values, cmap="RdBu", vmin=-20, vmax=20)
        best = values.min() if title.endswith("D") else values.max()
        for (i, j), value in np.ndenumerate(values):
            text = f"{value + 0.0:.1f}".replace("-0.0", "0.0")
            weight = "bold" if abs(value - best) < 0.05 else "normal"
            ink = "white" if abs(value) > 13 else "black"
            ax.text(j, i, text, ha="center", va="center", fontsize=8.5, color=ink, weight=weight)
        ax.set_title(title, fontsize=9.5)
        ax.set_xticks(range(3), "ABC")
        ax.set_yticks(range(3), "ABC")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.6, pad=0.01)
    figure.suptitle("Values learnt in QTRAN's game, means over seeds (bold: the best, of D the least)", fontsize=11)


def _bars(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    ax = figure.subplots()
    width = 0.8 / len(LEARNERS)
    for k, name in enumerate(LEARNERS):
        own = [row for row in rows if row["learner"] == name]
        found = [bootstrap_interval(row["payoffs"]) for row in own]
        middle, low, high = (
            np.array([float(getattr(each, part)) for each in found]) for part in ("estimate", "low", "high")
        )
        places = np.arange(len(own)) + (k - (len(LEARNERS) - 1) / 2) * width
        ax.bar(places, middle, width * 0.92, color=COLOURS[k], label=name)
        ax.errorbar(
            places, middle, np.abs([middle - low, high - middle]), fmt="none", ecolor="black", capsize=1.5, lw=0.9
        )
        for place, value, above in zip(places, middle, high):
            ax.text(place, max(above, 0) + 0.15, f"{value:.3g}", ha="center", fontsize=7)
    for i, task in enumerate(TASKS):
        (best,) = ax.plot([i - 0.45, i + 0.45], [outcomes(task).max()] * 2, color="black", lw=1.2, ls="--")
    best.set_label("optimum")
    ax.set_xticks(range(len(TASKS)), TASKS.values())
    ax.set_ylabel("payoff of greedy policies")
    ax.set_ylim(min(0.0, ax.get_ylim()[0]), 12.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title(f"What greedy policies earn: IQM of {rows[0]['seeds']} seeds with 95 % intervals", fontsize=11)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=8, frameon=False)


if __name__ == "__main__":
    study(Path(__file__).parent / "results")
