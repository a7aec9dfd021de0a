"""``marlgt fly``: how well a policy flies a drone task, and pictures of one flight."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

from marlgt.cli.arguments import UnreadableFile
from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.drones.disturbances import Disturbances
from marlgt.games.drones.evaluation import Scores, evaluate_policy, record_flight
from marlgt.games.drones.flights import Flight
from marlgt.games.drones.making import TASKS, make_task
from marlgt.games.drones.task import Task

__all__ = ["print_scores", "print_tasks", "score_policies", "scores_as_json", "show_flight", "task_for", "write_flight"]


def task_for(name: str, *, drones: int | None, actions: str | None, airframe: str | None, wind: float) -> Task:
    """Return the task that the words of the command line ask for."""
    disturbances = Disturbances(wind=wind) if wind else None
    return make_task(name, n_drones=drones, actions=actions, airframe=airframe, disturbances=disturbances)


def read_policy(task: Task, word: str) -> Any:
    """Return the policy that a word names: ``expert``, ``random``, or a Python file that defines ``policy(task)``.

    Raises
    ------
    GameError
        For another word, a file without that function, or one that fails.
    UnreadableFile
        If there is no such file.
    """
    if word in ("expert", "random"):
        return word
    if not word.endswith(".py"):
        raise GameError(f"policy is {short(word)}: give expert, random, or a Python file that defines policy(task)")
    try:
        made = runpy.run_path(word)
    except OSError as error:
        raise UnreadableFile(f"{word} cannot be read: {error.strerror or error}") from error
    except Exception as error:
        raise GameError(f"{word} fails when it is run: {type(error).__name__}: {error}") from error
    if not callable(made.get("policy")):
        raise GameError(f"{word} defines no policy(task): it must return a function from a View to actions")
    try:
        policy = made["policy"](task)
    except GameError:
        raise
    except Exception as error:
        raise GameError(f"policy(task) of {word} fails: {type(error).__name__}: {error}") from error
    if not callable(policy):
        raise GameError(f"policy(task) of {word} returns {short(policy)}: return a function from a View to actions")

    def named(view: Any) -> Any:
        return policy(view)

    # What is returned may be a method or an object, which takes no name.
    named.__name__ = Path(word).stem
    return named


def show_flight(
    task: Task,
    word: str,
    *,
    against: str | None,
    backend: str,
    seed: int,
    video: Path | None,
    camera: str,
    replay: Path | None,
    plots: Path | None,
) -> tuple[Any, Any]:
    """Write what is asked for of the first episode, and return the policies of both sides."""
    policy, other = read_policy(task, word), None if against is None else read_policy(task, against)
    if video is not None or replay is not None or plots is not None:
        write_flight(
            task,
            policy,
            against=other,
            backend=backend,
            seed=seed,
            video=video,
            camera=camera,
            replay=replay,
            plots=plots,
        )
    return policy, other


def write_flight(
    task: Task,
    policy: Any,
    *,
    against: Any,
    backend: str,
    seed: int,
    video: Path | None,
    camera: str,
    replay: Path | None,
    plots: Path | None,
) -> None:
    """Fly one episode, and write what is asked for of it."""
    if video is not None and video.suffix not in (".gif", ".mp4"):
        raise GameError(f"video is {short(str(video))}: end the name in .gif or .mp4")
    if replay is not None and replay.suffix != ".html":
        raise GameError(f"replay is {short(str(replay))}: end the name in .html")
    flight = record_flight(task, policy, against=against, seed=seed, backend=backend)
    try:
        _write(flight, task, video, camera, replay, plots)
    except OSError as error:
        raise UnreadableFile(f"{error.filename or 'the picture'} cannot be written: {error.strerror}") from error


def _write(
    flight: Flight, task: Task, video: Path | None, camera: str, replay: Path | None, plots: Path | None
) -> None:
    from marlgt.pictures.flight_animation import animate_flight
    from marlgt.pictures.flight_film import film_flight
    from marlgt.pictures.flight_replay import write_flight_replay
    from marlgt.pictures.flights import draw_flight, draw_flight_over_time

    if video is not None and camera == "bullet":
        film_flight(flight, video)
    elif video is not None:
        animate_flight(flight, video)
    if replay is not None:
        write_flight_replay(flight, replay)
    if plots is not None:
        draw_flight(flight).savefig(plots / f"{task.name}-flight.png", dpi=130)
        draw_flight_over_time(flight).savefig(plots / f"{task.name}-time.png", dpi=130)


def score_policies(
    task: Task, policy: Any, against: Any, *, backend: str, episodes: int | None, seed: int
) -> list[Scores]:
    """Return what the policy earns, and beside it what the expert and random actions do.

    In tasks with teams, each of them against the same other side: by default the expert, and random actions.
    """
    count = (20 if backend == "bullet" else 100) if episodes is None else episodes
    rows = [policy, *(word for word in ("expert", "random") if word != policy)]
    sides = [against] if against is not None or not task.teams else ["expert", "random"]
    return [
        evaluate_policy(task, row, against=side, episodes=count, seed=seed, backend=backend)
        for row in rows
        for side in sides
    ]


def scores_as_json(task: Task, scores: list[Scores]) -> str:
    """Return scores as a JSON document; its form is stable: fields are added, never renamed."""
    document = {
        "format": "marlgt.fly",
        "version": 1,
        "task": task.name,
        "drones": task.n_drones,
        "agents": task.n_agents,
        "figure": task.figure,
        "solved": task.solved,
        "window": task.window,
        "horizon": task.horizon,
        "policies": [
            {
                "policy": row.policy,
                "backend": row.backend,
                "episodes": len(row.lengths),
                "score": row.score,
                "standard_error": None if len(row.lengths) < 2 else row.standard_error,
                "success_rate": row.success_rate,
                "crash_rate": row.crash_rate,
                "mean_length": float(row.lengths.mean()),
                "mean_returns": row.returns.mean(axis=0).tolist(),
            }
            for row in scores
        ],
    }
    return json.dumps(document)


def print_scores(task: Task, scores: list[Scores]) -> None:
    """Print a table of scores, and what it takes to solve the task."""
    from rich.console import Console
    from rich.table import Table

    drones = f"{task.n_drones} drone{'s' if task.n_drones > 1 else ''}"
    table = Table(title=f"{task.name}, {drones}, {scores[0].backend}", title_justify="left")
    table.add_column("policy")
    for column in ("episodes", "score", "± standard error", "solved", "lost", "steps"):
        table.add_column(column, justify="right")
    for row in scores:
        table.add_row(
            row.policy,
            str(len(row.lengths)),
            f"{row.score:.4f}",
            f"{row.standard_error:.4f}",
            f"{row.success_rate:.0%}",
            f"{row.crash_rate:.0%}",
            f"{row.lengths.mean():.0f} of {task.horizon}",
        )
    console = Console(soft_wrap=False)
    with console.capture() as captured:
        console.print(table, markup=False)
        console.print(f"{task.summary[:1].upper()}{task.summary[1:]}.", markup=False, highlight=False)
        console.print(
            f"Solved: {task.figure} at most {task.solved:g}, mean of the last {task.window:g} s. Lost: crashed or "
            f"beaten. The score is the {'return of the first agent' if task.teams else 'mean reward of a step'}"
            f"{'' if task.teams else ', 0 for steps after the end'}.",
            markup=False,
            highlight=False,
        )
    print(captured.get(), end="")


def print_tasks(*, as_json: bool) -> None:
    """Print the catalogue of drone tasks."""
    tasks = {name: make_task(name) for name in TASKS}
    if as_json:
        rows = [
            {
                "task": name,
                "drones": {"least": entry.drones[0], "usual": entry.drones[1], "most": entry.drones[2]},
                "actions": list(entry.actions),
                "payoff": tasks[name].payoff,
                "summary": tasks[name].summary,
            }
            for name, entry in TASKS.items()
        ]
        print(json.dumps({"format": "marlgt.tasks", "version": 1, "tasks": rows}))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title="drone tasks", title_justify="left")
    for column in ("task", "drones", "actions", "payoff", "what the drones must do"):
        table.add_column(column)
    for name, entry in TASKS.items():
        least, _, most = entry.drones
        drones = str(least) if least == most else f"{least} to {most}"
        table.add_row(name, drones, ", ".join(entry.actions), tasks[name].payoff, tasks[name].summary)
    console = Console(soft_wrap=False)
    with console.capture() as captured:
        console.print(table, markup=False)
    print(captured.get(), end="")
