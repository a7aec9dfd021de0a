"""What studies of deep learners share: cells of algorithm and task, trained once, judged, tabled and drawn.

A *cell* is one algorithm on one task with all its seeds, which are trained stacked in one process. What it reached is
kept as JSON under ``build/deep_studies`` as soon as it is there, so that a study that was stopped goes on with the
cells that are missing; a cell whose settings change is trained anew. :func:`study_deep` does all of it::

    cells = [Cell("DQN", "CartPole-v1", seeds=range(10)), Cell("Rainbow", "CartPole-v1", seeds=range(10))]
    study_deep(folder, "deep_single_agent", title=…, text=…, cells=cells)

Steps, settings and thresholds are the recipe's (:func:`marlgt.deep.recipe`) where the cell does not say otherwise. The
final policies are judged on fresh episodes that neither training nor its evaluations met. CPU-seconds of a seed are
those of the cell, evaluations included, over its seeds.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies import record_study
from marlgt.statistics import Interval, bootstrap_interval

__all__ = ["Baseline", "Cell", "draw_curves", "learnt", "policy_baseline", "random_baseline", "study_deep", "tables"]

CACHE = Path(__file__).parents[1] / "build" / "deep_studies"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F3C8D", "#8C6D31", "#444444", "#A5AA99")
MARKS = ("-", "--", "-.")

_PLANNED = ("algorithm", "label", "task", "panel", "seeds", "steps", "evaluate_every", "episodes", "judged_on")
_PLANNED += ("return_threshold", "success_threshold", "return_goal", "success_goal", "checkpoint_every")


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What something that does not learn earns on a task.

    Attributes
    ----------
    task : str
        As the cells have it.
    name : str
        Such as "random" or "expert".
    returns : tuple of float
        Mean team return of each seed.
    successes : tuple of float or None
        Share of successes of each seed, where the task tells.
    """

    task: str
    name: str
    returns: tuple[float, ...]
    successes: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Cell:
    """One algorithm on one task.

    Attributes
    ----------
    algorithm, task : str
        As :func:`marlgt.deep.recipe` and its ``algorithm`` take them.
    seeds : range or tuple of int
    label, panel : str
        Name of the line and of the panel; by default the algorithm's and the task's.
    steps : int or None
        Environment steps of each seed.
    changes : mapping
        Settings that are not the recipe's.
    evaluations : int
        Points of the curve after the first.
    episodes : int
        Of an evaluation, which stops a seed at the threshold.
    return_threshold, success_threshold : float or None
        In place of the recipe's.
    return_goal, success_goal : float or None
        What a final policy must earn to count as solved; by default the thresholds.
    judged_on : int
        Fresh episodes on which final policies are judged.
    checkpoint_every : int or None
        Environment steps between checkpoints in the cache, from which a stopped cell goes on; None for none.
    stochastic : bool
        Whether final policies are judged as they are, by actions drawn from them, and not by their likeliest ones.
    """

    algorithm: str
    task: str
    seeds: Sequence[int] = range(5)
    label: str = field(default="", kw_only=True)
    panel: str = field(default="", kw_only=True)
    steps: int | None = field(default=None, kw_only=True)
    changes: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    evaluations: int = field(default=20, kw_only=True)
    episodes: int | None = field(default=None, kw_only=True)
    return_threshold: float | None = field(default=None, kw_only=True)
    success_threshold: float | None = field(default=None, kw_only=True)
    return_goal: float | None = field(default=None, kw_only=True)
    success_goal: float | None = field(default=None, kw_only=True)
    judged_on: int = field(default=100, kw_only=True)
    checkpoint_every: int | None = field(default=None, kw_only=True)
    stochastic: bool = field(default=False, kw_only=True)

    def plan(self) -> dict[str, Any]:
        """Return everything that decides what the cell reaches, as JSON has it."""
        from marlgt.deep import recipe
        from marlgt.deep.runs.settings_json import settings_to_json

        book = recipe(self.task)
        steps = book.steps_of(self.algorithm) if self.steps is None else self.steps
        threshold = book.return_threshold if self.return_threshold is None else self.return_threshold
        success = book.success_threshold if self.success_threshold is None else self.success_threshold
        return {
            "algorithm": self.algorithm,
            "label": self.label or self.algorithm,
            "task": self.task,
            "panel": self.panel or self.task,
            "seeds": [int(seed) for seed in self.seeds],
            "steps": steps,
            "settings": dict(settings_to_json(book.algorithm(self.algorithm, **self.changes))),
            "evaluate_every": max(1, steps // self.evaluations),
            "episodes": book.episodes if self.episodes is None else self.episodes,
            "return_threshold": threshold,
            "success_threshold": success,
            "return_goal": threshold if self.return_goal is None else self.return_goal,
            "success_goal": success if self.success_goal is None else self.success_goal,
            "judged_on": self.judged_on,
            "checkpoint_every": self.checkpoint_every,
            **({"stochastic": True} if self.stochastic else {}),
        }


def learnt(cell: Cell, study: str) -> dict[str, Any]:
    """Return what a cell reached: from the cache of a study, or else by training.

    Returns
    -------
    dict
        The plan of the cell, and for each seed ``final`` (mean return over the fresh episodes), ``final_success``,
        ``best`` (mean return of the best evaluation), ``solved_at`` (environment steps at which the thresholds were
        reached, or None), ``final_greedy`` (as ``final``, by the likeliest actions) and ``solved``; ``cpu_seconds`` of
        all seeds, ``steps_per_second`` of CPU, ``steps_done``, ``folder`` (of the run, in the folder of the study under
        the cache, if it has checkpoints), and ``curve`` with ``steps`` (P,), ``returns`` (P, S) and ``successes``
        (P, S), where a seed that has reached the thresholds keeps its value, and ``training`` (P, S), returns of the
        training episodes since the point before.
    """
    plan = cell.plan()
    text = json.dumps(plan, sort_keys=True)
    name = f"{plan['label']}_{plan['panel']}".replace("/", "-").replace(" ", "-")
    path = CACHE / study / f"{name}_{hashlib.sha1(text.encode()).hexdigest()[:10]}.json"
    for known in (path, *sorted(path.parent.glob(f"{name}_*.json"))):
        if known.exists():
            row: dict[str, Any] = json.loads(known.read_text())
            if _own(row) == _own(plan):
                return row
    row = plan | _trained(plan, path.with_suffix(""))
    row["folder"] = path.stem if plan["checkpoint_every"] else None
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_path = path.with_suffix(".new")
    partial_path.write_text(json.dumps(row))
    partial_path.replace(path)
    return row


def _own(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan without the settings that are defaults: settings that came later do not make it another."""
    known = {key: plan[key] for key in _PLANNED}
    return known | {"stochastic": plan.get("stochastic", False), "settings": _unusual(plan)}


def _unusual(plan: Mapping[str, Any]) -> dict[str, Any]:
    from marlgt.deep.algorithms.naming import algorithm_named
    from marlgt.deep.runs.settings_json import settings_to_json

    usual = settings_to_json(algorithm_named(plan["algorithm"])())
    return {key: value for key, value in plan["settings"].items() if value != usual.get(key)}


def _trained(plan: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    from marlgt.deep import evaluate, resume, train
    from marlgt.deep.algorithms.naming import algorithm_named
    from marlgt.deep.runs.settings_json import settings_from_json

    if (folder / "run.json").exists():
        run = resume(folder)
    else:
        run = train(
            settings_from_json(algorithm_named(plan["algorithm"]), plan["settings"]),
            plan["task"],
            steps=plan["steps"],
            seeds=plan["seeds"],
            folder=folder if plan["checkpoint_every"] else None,
            evaluate_every=plan["evaluate_every"],
            episodes=plan["episodes"],
            checkpoint_every=plan["checkpoint_every"],
            return_threshold=plan["return_threshold"],
            success_threshold=plan["success_threshold"],
        )
    stochastic = plan.get("stochastic", False)
    played = evaluate(run, episodes=plan["judged_on"], stochastic=stochastic)
    greedy = evaluate(run, episodes=plan["judged_on"]) if stochastic else played
    final, rates = played.team_returns.mean(1), played.successes.mean(1)
    returns, successes = run.curve.mean_return, run.curve.success_rates
    judged = bool(np.isfinite(successes[0]).all())
    return {
        "final": final.tolist(),
        "final_greedy": greedy.team_returns.mean(1).tolist(),
        "final_success": rates.tolist() if judged else None,
        "best": np.nanmax(returns, axis=0).tolist(),
        "solved": _reached(plan["return_goal"], final, plan["success_goal"], rates).tolist(),
        "solved_at": _solved_at(plan, run.curve.steps, returns, successes),
        "cpu_seconds": run.record.cpu_seconds,
        "steps_done": run.record.steps_done,
        "steps_per_second": run.record.steps_done * len(final) / run.record.cpu_seconds,
        "curve": {
            "steps": run.curve.steps.tolist(),
            "returns": _carried(returns),
            "successes": _carried(successes) if judged else None,
            "training": [[None if np.isnan(x) else x for x in row] for row in run.curve.training_returns.tolist()],
        },
        "versions": dict(run.record.versions),
    }


def _reached(least_return: float | None, returns: Any, least_rate: float | None, rates: Any) -> np.ndarray:
    """Return where all goals that are given are reached; with no goal nowhere."""
    given = [(least, got) for least, got in ((least_return, returns), (least_rate, rates)) if least is not None]
    if not given:
        return np.zeros(np.shape(returns), dtype=bool)
    with np.errstate(invalid="ignore"):
        return np.logical_and.reduce([np.asarray(got) >= least for least, got in given])


def _solved_at(plan: Mapping[str, Any], steps: Any, returns: Any, successes: Any) -> list[int | None]:
    reached = _reached(plan["return_threshold"], returns, plan["success_threshold"], successes)
    return [int(steps[column.argmax()]) if column.any() else None for column in reached.T]


def _carried(values: np.ndarray) -> list[list[float]]:
    carried = np.array(values)
    for before, row in itertools.pairwise(carried):
        row[np.isnan(row)] = before[np.isnan(row)]
    rows: list[list[float]] = carried.tolist()
    return rows


def policy_baseline(
    task: str,
    name: str,
    policy: Callable[[Any, list[Any]], Any],
    *,
    seeds: Sequence[int],
    episodes: int = 100,
    continuous: bool = False,
) -> Baseline:
    """Return what a policy earns on the episodes on which final policies are judged.

    Parameters
    ----------
    task, name : str
    policy : callable
        Gives a :class:`marlgt.deep.evaluation.Policy` for an environment and a torch generator for each seed.
    seeds : sequence of int
    episodes : int
        Of each seed.
    continuous : bool
        Whether the task is the one that policies are trained on, whose actions may be numbers.
    """
    from marlgt.deep import make_environment
    from marlgt.deep.evaluation import FRESH_COPIES, play_episodes
    from marlgt.deep.exploration import seeded_generators
    from marlgt.deep.seeded_environments import SeededEnvs

    envs = SeededEnvs(lambda: make_environment(task, episodes, continuous=continuous), seeds, "cpu")
    try:
        env: Any = envs.envs[0]
        played = play_episodes(policy(env, seeded_generators(seeds, 10)), envs, first=FRESH_COPIES)
    finally:
        envs.close()
    rates = tuple(played.successes.mean(1).tolist()) if env.judged else None
    return Baseline(task=task, name=name, returns=tuple(played.team_returns.mean(1).tolist()), successes=rates)


def random_baseline(task: str, *, seeds: Sequence[int], episodes: int = 100, continuous: bool = False) -> Baseline:
    """Return what random allowed actions earn."""
    from marlgt.deep.evaluation import RandomPolicy

    return policy_baseline(
        task,
        "random",
        lambda env, draws: RandomPolicy(env.n_actions, draws, action_size=env.action_size),
        seeds=seeds,
        episodes=episodes,
        continuous=continuous,
    )


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
        draw=partial(draw_curves, rows=rows, baselines=everything, successes=successes),
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
        own = [f"{key}={_plain(value)}" for key, value in _unusual(row).items()]
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

    Baselines are dotted; a seed that has reached its threshold keeps its value.
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
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(lambda steps, _: f"{steps / 1000:g}")
        ax.grid(alpha=0.25, linewidth=0.6)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes.ravel()[len(panels) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel("share of successes" if successes else "return of greedy policies")
    # A legend that is too wide is cut off: a letter is some 0.08 inches, a line with its gaps 0.7.
    fit = int(figure.get_size_inches()[0] / (0.08 * max(map(len, handles)) + 0.7))
    ncols = max(1, min(fit, len(handles)))
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=ncols, frameon=False)


def _mark(place: int) -> str:
    return MARKS[place // len(COLOURS) % len(MARKS)]


def _line(ax: Any, row: Mapping[str, Any], colour: str, mark: str, successes: bool, shade: float) -> Any:
    curve = row["curve"]
    values = np.array(curve["successes"] if successes else curve["returns"], dtype=np.float64)
    bands: list[Interval] = [bootstrap_interval(point, resamples=500) for point in values]
    middle, low, high = (np.array([getattr(band, part) for band in bands]) for part in ("estimate", "low", "high"))
    steps = np.array(curve["steps"])
    ax.fill_between(steps, low, high, color=colour, alpha=shade, linewidth=0)
    (line,) = ax.plot(steps, middle, color=colour, linestyle=mark, linewidth=1.6)
    return line
