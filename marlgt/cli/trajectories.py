"""``marlgt dynamics``: one rule of play on a normal-form game; its gaps over time, where it ended, and a picture."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from marlgt import dynamics
from marlgt.dynamics.trajectory import Trajectory
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame
from marlgt.learners.schedules import Schedule

__all__ = ["PLOTS", "follow_rule", "print_trajectory", "rules", "trajectory_as_json", "write_plot"]

PLOTS = ("gaps", "simplex", "square", "phase")
"""The pictures by name."""

_MOST_ROWS = 12


def rules() -> dict[str, Callable[..., Trajectory]]:
    """Return the dynamics that take a game and give a trajectory, by name."""
    found: dict[str, Callable[..., Trajectory]] = {}
    for name in dynamics.__all__:
        function = getattr(dynamics, name)
        if inspect.isfunction(function) and inspect.signature(function).return_annotation == "Trajectory":
            parameters = list(inspect.signature(function).parameters)
            if parameters[0] == "game":
                found[name] = function
    return found


def follow_rule(
    rule: str,
    game: Any,
    *,
    steps: int | None,
    start: Sequence[Any] | None,
    seed: int | None,
    settings: Mapping[str, Any],
) -> Trajectory:
    """Return the trajectory of a rule on a game.

    Raises
    ------
    GameError
        For a rule or a setting that there is not.
    UnsupportedGame
        For a game with turns or states.
    """
    known = rules()
    if rule not in known:
        raise GameError(f"there is no dynamic {rule!r}: marlgt dynamics list names them")
    if not isinstance(game, NormalFormGame):
        raise UnsupportedGame(
            "dynamics play normal-form games: for games with states use marlgt learn, for games with turns "
            "marlgt solve --method cfr_plus"
        )
    require_game(game)
    parameters = inspect.signature(known[rule]).parameters
    given = dict(settings)
    if steps is not None:
        # Flows run for a time, everything else for a number of steps.
        given["steps" if "steps" in parameters else "duration"] = steps
    for name, value in (("start", start), ("seed", seed)):
        if value is not None:
            given[name] = value
    settable = {name: parameter for name, parameter in parameters.items() if name != "game"}
    unknown = sorted(name for name in given if name not in settable)
    if unknown:
        raise GameError(f"{rule} has no setting {', '.join(unknown)}: its settings are {', '.join(settable)}")
    needed = [name for name, parameter in settable.items() if parameter.default is parameter.empty]
    if any(name not in given for name in needed):
        raise GameError(f"{rule} needs {' and '.join(needed)}, an array: call marlgt.dynamics.{rule} from Python")
    return known[rule](game, **{name: _meant(value, settable[name]) for name, value in given.items()})


def _meant(value: Any, parameter: inspect.Parameter) -> Any:
    """Return a setting as a dynamic takes it: rules by their functions, schedules as functions of steps from 1."""
    if isinstance(value, Schedule):
        return lambda steps: np.array([value(step - 1.0) for step in steps])
    if isinstance(value, str) and "Callable" in str(parameter.annotation):
        return rules().get(value, value)
    return value


def trajectory_as_json(run: Trajectory) -> str:
    """Return a trajectory as a JSON document; its form is stable: fields are added, never renamed."""
    document = {
        "format": "marlgt.dynamics",
        "version": 1,
        "game": run.game.title,
        "rule": run.rule,
        "guarantee": run.guarantee,
        "times": run.times.tolist(),
        "strategies": [x.tolist() for x in run.strategies],
        "averages": [x.tolist() for x in run.averages],
        "regrets": run.regrets.tolist(),
        "nash_conv": run.nash_conv.tolist(),
        "nash_conv_current": run.nash_conv_current.tolist(),
        "cce_gap": run.cce_gap.tolist(),
        "ce_gap": None if run.joint is None else run.ce_gap.tolist(),
        "work": dict(run.work),
        "seconds": run.seconds,
    }
    return json.dumps(document)


def print_trajectory(run: Trajectory) -> None:
    """Print the gaps at some of the recorded times, where the averages ended, and what is proved of the rule."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=False)
    table = Table(title=f"{run.rule} on {run.game.title or 'a game'}", title_justify="left")
    for column in ("time", "NashConv of averages", "NashConv of strategies", "CCE gap", "CE gap"):
        table.add_column(column, justify="right")
    rows = np.unique(np.geomspace(1, len(run.times), _MOST_ROWS).round().astype(int) - 1)
    swaps = run.ce_gap if run.joint is not None else None
    for t in rows:
        gaps = (run.nash_conv[t], run.nash_conv_current[t], run.cce_gap[t])
        last = "-" if swaps is None else f"{swaps[t]:.3g}"
        table.add_row(f"{run.times[t]:g}", *(f"{gap:.3g}" for gap in gaps), last)
    with console.capture() as captured:
        console.print(table, markup=False)
        for i, name in enumerate(run.game.players):
            shown = ", ".join(f"{label} {p:.4g}" for label, p in zip(run.game.actions[i], run.averages[i][-1]))
            console.print(f"player {name} on average: {shown}", markup=False, highlight=False)
        console.print(
            f"What is known: {run.guarantee[:1].lower()}{run.guarantee[1:].rstrip('.')}.", markup=False, highlight=False
        )
    print(captured.get(), end="")


def write_plot(run: Trajectory, plot: str, path: Path, *, settings: Mapping[str, Any]) -> None:
    """Draw a trajectory to a PNG, SVG or PDF file.

    Parameters
    ----------
    run : Trajectory
    plot : str
        One of :data:`PLOTS`.
    path : Path
    settings : mapping
        Of the dynamic, for the other paths of a phase portrait.
    """
    from marlgt.cli.figures import write_picture
    from marlgt.pictures import phase

    # Rules that play pure actions jump from corner to corner: their averages make the path.
    pure = all(bool((x.max(axis=1) == 1.0).all()) for x in run.strategies)

    def draw(axes: Any) -> None:
        if plot == "gaps":
            phase.draw_gap_curves(axes, run)
        elif plot == "square":
            phase.draw_square_trajectory(axes, run, average=pure)
        elif plot == "simplex":
            three = [i for i, count in enumerate(run.game.n_actions) if count == 3]
            if not three:
                raise UnsupportedGame(
                    f"a simplex shows three actions, the players have {run.game.n_actions}: use --plot square for two "
                    "actions each, or --plot gaps"
                )
            phase.draw_simplex_trajectory(axes, run, player=three[0], average=pure)
        else:
            phase.draw_phase_portrait(axes, run.game, rules()[run.rule], **settings)

    size = (5.2, 3.8) if plot == "gaps" else (5.0, 4.8)
    write_picture(path, draw, what="the picture of a trajectory", size=size)
    print(f"wrote {path}")
