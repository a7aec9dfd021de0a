"""What studies of deep learners share: their cells are trained where they are missing, tabled and drawn.

See :mod:`benchmarks.deep_cells` for what a cell is. :func:`study_deep` does all of it::

    cells = [Cell("DQN", "CartPole-v1", seeds=range(10)), Cell("Rainbow", "CartPole-v1", seeds=range(10))]
    study_deep(folder, "deep_single_agent", title=…, text=…, cells=cells)
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.deep_cells import (
    CACHE,
    Baseline,
    Cell,
    carried,
    learnt,
    policy_baseline,
    random_baseline,
    unusual_settings,
)
from benchmarks.studies import record_study
from marlgt.statistics import Interval, bootstrap_interval

__all__ = [
    "CACHE",
    "COLOURS",
    "Baseline",
    "Cell",
    "draw_curves",
    "learnt",
    "policy_baseline",
    "random_baseline",
    "settings_table",
    "study_deep",
    "tables",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F3C8D", "#8C6D31", "#444444", "#A5AA99")
MARKS = ("-", "--", "-.")


def study_deep(
    folder: Path,
    name: str,
    *,
    title: str,
    text: str,
    cells: Sequence[Cell],
    baselines: Sequence[Baseline] = (),
    settings: Mapping[str, Any] | None = None,
    further: Callable[[list[dict[str, Any]]], Mapping[str, Sequence[Sequence[str]]]] | None = None,
    successes: bool = False,
    draw: Callable[[Any, list[dict[str, Any]], Sequence[Baseline]], None] | None = None,
) -> list[dict[str, Any]]:
    """Train all cells that are not there yet, and write the study as .json, .md and .png.

    Parameters
    ----------
    folder : Path
    name, title, text : str
        As :func:`benchmarks.studies.record_study` takes them.
    cells : sequence of Cell
    baselines : sequence of Baseline
        Experts and the like; random actions are added for every task.
    settings : mapping, optional
        More to tell on the page.
    further : callable, optional
        Gives more tables, by heading, from the rows.
    successes : bool
        Whether curves show shares of successes rather than returns.
    draw : callable, optional
        Draws the rows and baselines on a figure; by default :func:`draw_curves`.

    Returns
    -------
    list of dict
        Of :func:`learnt`.
    """
    rows, seeds = [], max((cell.seeds for cell in cells), key=len)
    for cell in cells:
        row = learnt(cell, name)
        rows.append(row)
        print(f"  {row['label']} on {row['panel']}: {' | '.join(_shown(row)[1:])}", flush=True)
    known = {(baseline.task, baseline.name) for baseline in baselines}
    tasks = list(dict.fromkeys(cell.task for cell in cells))
    chance = [random_baseline(task, seeds=seeds) for task in tasks if (task, "random") not in known]
    everything = [*chance, *baselines]
    shown = draw or (lambda figure, rows, levels: draw_curves(figure, rows=rows, baselines=levels, successes=successes))
    facts = [{"baseline": each.name, "task": each.task, "returns": each.returns} for each in everything]
    record_study(
        folder,
        name,
        title=title,
        text=text,
        settings={
            "seeds": f"{min(seeds)} to {max(seeds)}",
            "torch": importlib.metadata.version("torch"),
            "seconds are": "of one core",
            **(settings or {}),
        },
        rows=[*rows, *facts],
        tables={**tables(rows, everything), **(further(rows) if further else {}), "Settings": settings_table(rows)},
        draw=lambda figure: shown(figure, rows, everything),
        seconds=sum(row["cpu_seconds"] for row in rows),
    )
    return rows


def tables(rows: Sequence[Mapping[str, Any]], baselines: Sequence[Baseline]) -> dict[str, list[list[str]]]:
    """Return a table for each panel: what was reached, by how many steps and seconds, and what the baselines earn."""
    made: dict[str, list[list[str]]] = {}
    for panel in dict.fromkeys(row["panel"] for row in rows):
        own = [row for row in rows if row["panel"] == panel]
        body = [_shown(row) for row in own]
        for each in baselines:
            if each.task == own[0]["task"]:
                rates = _rate(each.successes)
                body.append([each.name, _interval(each.returns), "", rates, "", "", "", ""])
        head = ["algorithm", "return, IQM [95 %]", "least to most", "successes", f"solved ({_goal(own[0])})"]
        head += ["steps to the threshold, median", "CPU-s of a seed", "steps/CPU-s"]
        if not any(line[3] for line in body):
            head, body = head[:3] + head[4:], [line[:3] + line[4:] for line in body]
        made[panel] = [head, *body]
    return made


def settings_table(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the settings of each cell that are not the algorithm's defaults."""
    body = []
    for row in rows:
        own = [f"{key}={_plain(value)}" for key, value in unusual_settings(row).items()]
        body.append([row["panel"], row["label"], str(row["steps"]), ", ".join(own)])
    return [["task", "algorithm", "steps", "settings that are not the defaults"], *body]


def _plain(value: Any) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else str(value)


def _shown(row: Mapping[str, Any]) -> list[str]:
    final, reached = row["final"], [at for at in row["solved_at"] if at is not None]
    n_seeds = len(final)
    # The median over all seeds is known as soon as half of them are through.
    known = sorted(reached) + [np.inf] * (n_seeds - len(reached))
    median = float(np.median(known))
    return [
        row["label"],
        _interval(final),
        f"{min(final):.4g} to {max(final):.4g}",
        _rate(row["final_success"]),
        f"{sum(row['solved'])} of {n_seeds}",
        f"{median:,.0f}" if np.isfinite(median) else "–",
        f"{row['cpu_seconds'] / n_seeds:.1f}",
        f"{row['steps_per_second']:,.0f}",
    ]


def _interval(values: Sequence[float]) -> str:
    found = bootstrap_interval(values)
    return f"{float(found.estimate):.4g} [{float(found.low):.4g}, {float(found.high):.4g}]"


def _rate(values: Sequence[float] | None) -> str:
    return "" if values is None else f"{100 * float(bootstrap_interval(values).estimate):.1f} %"


def _goal(row: Mapping[str, Any]) -> str:
    parts = [f"return ≥ {row['return_goal']:g}"] if row["return_goal"] is not None else []
    parts += [f"successes ≥ {100 * row['success_goal']:g} %"] if row["success_goal"] is not None else []
    return ", ".join(parts) or "no goal"


def draw_curves(
    figure: Any, *, rows: Sequence[Mapping[str, Any]], baselines: Sequence[Baseline], successes: bool = False
) -> None:
    """Draw a panel for each task with a line for each algorithm: the IQM over seeds with its 95 % interval.

    Baselines are dotted; a seed that has reached its threshold keeps its value. Where final policies are judged by
    actions drawn from them, curves are returns of training episodes, since evaluations are by the likeliest ones.
    """
    from matplotlib.ticker import MaxNLocator

    panels = list(dict.fromkeys(row["panel"] for row in rows))
    labels = list(dict.fromkeys(row["label"] for row in rows))
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure.set_size_inches(max(7.0, 4.6 * columns), 3.7 * lines + 0.6)
    axes = figure.subplots(lines, columns, squeeze=False)
    handles: dict[str, Any] = {}
    for ax, panel in zip(axes.ravel(), panels):
        own = [row for row in rows if row["panel"] == panel]
        # Many bands at full strength would hide the lines.
        shade = 0.14 if len(own) <= 8 else 0.06
        for row in own:
            place = labels.index(row["label"])
            handles[row["label"]] = _line(ax, row, COLOURS[place % len(COLOURS)], _mark(place), successes, shade)
        for number, each in enumerate(b for b in baselines if b.task == own[0]["task"]):
            level = each.successes if successes else each.returns
            if level is not None:
                grey = "#999999" if number == 0 else "#000000"
                handles[each.name] = ax.axhline(np.mean(level), color=grey, linestyle=":", linewidth=1.3)
        ax.set_title(panel, fontsize=10)
        ax.set_xlabel("thousand environment steps of a seed")
        if ax in axes[:, 0]:
            ax.set_ylabel("share of successes" if successes else _measure(own))
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(lambda steps, _: f"{steps / 1000:g}")
        ax.grid(alpha=0.25, linewidth=0.6)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes.ravel()[len(panels) :]:
        ax.set_visible(False)
    # A legend that is too wide is cut off: a letter is some 0.08 inches, a line with its gaps 0.7.
    fit = int(figure.get_size_inches()[0] / (0.08 * max(map(len, handles)) + 0.7))
    ncols = max(1, min(fit, len(handles)))
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=ncols, frameon=False)


def _mark(place: int) -> str:
    return MARKS[place // len(COLOURS) % len(MARKS)]


def _measure(rows: Sequence[Mapping[str, Any]]) -> str:
    drawn = {bool(row.get("stochastic")) for row in rows}
    if len(drawn) == 2:
        return "return"
    return "return in training, by drawn actions" if drawn == {True} else "return of greedy policies"


def _line(ax: Any, row: Mapping[str, Any], colour: str, mark: str, successes: bool, shade: float) -> Any:
    curve = row["curve"]
    shown = "successes" if successes else "training" if row.get("stochastic") else "returns"
    values = np.array(carried(np.array(curve[shown], dtype=np.float64)))
    # Before the first episodes have ended, training has no returns.
    there = ~np.isnan(values).any(axis=1)
    bands: list[Interval] = [bootstrap_interval(point, resamples=500) for point in values[there]]
    middle, low, high = (np.array([getattr(band, part) for band in bands]) for part in ("estimate", "low", "high"))
    steps = np.array(curve["steps"])[there]
    ax.fill_between(steps, low, high, color=colour, alpha=shade, linewidth=0)
    (line,) = ax.plot(steps, middle, color=colour, linestyle=mark, linewidth=1.6)
    return line
