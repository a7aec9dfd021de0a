"""``marlgt learn``: learners play a game for many seeds; a table of what they earned and how far from equilibrium."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from marlgt.cli.arguments import UnreadableFile
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame
from marlgt.learners.algorithms import make_learners, read_settings
from marlgt.learners.matches import play_seeds
from marlgt.learners.records import Run, bootstrap_interval

__all__ = ["learn_game", "read_seeds"]

_RANGE = re.compile(r"([0-9]{1,40})(?:\.\.([0-9]{1,40}))?")
_LARGEST_JUDGED = 2_000_000
"""States times action profiles times seeds up to which the policies are certified at the end."""


def read_seeds(text: str) -> tuple[int, ...]:
    """Return seeds written as ``0..99``, ``7`` or ``0,3,5..9``.

    Raises
    ------
    GameError
        For text of another form.

    Examples
    --------
    >>> read_seeds("0..3,8")
    (0, 1, 2, 3, 8)
    """
    seeds: list[int] = []
    for part in text.split(","):
        span = _RANGE.fullmatch(part.strip())
        first, last = (0, -1) if span is None else (int(span[1]), int(span[2] or span[1]))
        if not first <= last < first + 10**6 - len(seeds):
            raise GameError(f"seeds is {short(text)}: write 0..99, 7 or 0,3,5..9, at most a million")
        seeds.extend(range(first, last + 1))
    return tuple(dict.fromkeys(seeds))


def learn_game(
    algorithm: str,
    game: Any,
    *,
    against: str | None,
    steps: int,
    seeds: str,
    settings: Sequence[str],
    others: Sequence[str],
    discount: float | None,
    horizon: int | None,
    record: int,
) -> tuple[Any, Run, list[float] | None]:
    """Play, and return the game played, the run, and NashConv of the policies of each seed where it can be computed.

    In games with states it is the sum of what best replies gain from the start.

    Raises
    ------
    UnsupportedGame
        For games with turns.
    """
    if isinstance(game, ExtensiveGame):
        raise UnsupportedGame(
            "learners with tables play normal-form games and games with states, this game has turns: solve it with "
            "marlgt solve --method cfr_plus"
        )
    subject = game
    if discount is not None:
        repeated = isinstance(game, NormalFormGame)
        subject = StochasticGame.repeated(game, discount=discount) if repeated else game.with_discount(discount)
    if others and against is None:
        raise GameError("the others play the same algorithm, with the same settings: name another with --against")
    learners = make_learners(
        algorithm, subject, against=against, settings=read_settings(settings), others=read_settings(others)
    )
    run = play_seeds(
        subject, learners, steps=steps, seeds=read_seeds(seeds), horizon=horizon, record=min(record, steps)
    )
    return subject, run, _gaps(subject, run)


def _gaps(game: Any, run: Run) -> list[float] | None:
    from marlgt.concepts.deviations import nash_conv
    from marlgt.concepts.stationary import start_regrets

    cells = 1 if isinstance(game, NormalFormGame) else game.n_states * int(np.prod(game.n_actions))
    if cells * len(run.seeds) > _LARGEST_JUDGED:
        return None
    try:
        if isinstance(game, NormalFormGame):
            return [float(nash_conv(game, profile)) for profile in run.profiles()]
        return [float(start_regrets(game, profile).sum()) for profile in run.profiles()]
    except UnsupportedGame:
        return None


def run_as_json(algorithm: str, game: Any, run: Run, gaps: list[float] | None) -> str:
    """Return the run as a JSON document; its form is stable: fields are added, never renamed."""
    kept = {
        name: _listed(getattr(run, name))
        for name in ("rewards", "returns", "win_rates", "lengths", "welfare", "fairness")
    }
    document = {
        "format": "marlgt.learn",
        "version": 1,
        "game": game.title,
        "algorithm": algorithm,
        "players": list(run.players),
        "learners": [type(x).__name__ for x in run.learners[0]],
        "seeds": list(run.seeds),
        "times": run.times.tolist(),
        "episodes": run.episodes.tolist(),
        **kept,
        "nash_conv": gaps,
        "policies": [[_listed(p) for p in profile] for profile in run.profiles()],
        "seconds": run.seconds,
    }
    return json.dumps(document)


def _listed(array: Any) -> Any:
    """Return an array as nested lists, null where a number is none."""
    values = np.asarray(array, dtype=np.float64)
    known = values.astype(object)
    known[~np.isfinite(values)] = None
    return known.tolist()


def print_run(game: Any, run: Run, gaps: list[float] | None) -> None:
    """Print what the players earned at the end and how far their policies are from equilibrium, with intervals."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=False)
    table = Table(title=game.title or None, title_justify="left")
    names = [type(x).__name__ for x in run.learners[0]]
    names = names if len(names) == len(run.players) else names * len(run.players)
    table.add_column("player")
    table.add_column("learner")
    table.add_column("reward a step", justify="right")
    if run.episodes.sum():
        table.add_column("return of an episode", justify="right")
        table.add_column("episodes won", justify="right")
    for i, player in enumerate(run.players):
        cells = [player, names[i], _shown(run.rewards[:, -1, i])]
        if run.episodes.sum():
            cells += [_shown(run.returns[:, -1, i]), _shown(100.0 * run.win_rates[:, -1, i], "%")]
        table.add_row(*cells)
    lines = [f"welfare {_shown(run.welfare[:, -1])}"]
    if np.isfinite(run.fairness[:, -1]).any():
        lines.append(f"fairness {_shown(run.fairness[:, -1])} (Jain's index)")
    if gaps is not None:
        start = "" if isinstance(game, NormalFormGame) else " from the start"
        lines.append(f"NashConv of the learned policies{start} {_shown(np.array(gaps))}")
    span = run.times[-1] - (run.times[-2] if len(run.times) > 1 else 0)
    count = len(run.seeds)
    about = "the seed" if count == 1 else f"the means over {count} seeds, with 95% bootstrap intervals"
    rate = count * run.steps / max(run.seconds, 1e-9)
    speed = f"{rate / 1e6:.2f} million" if rate >= 1e6 else f"{rate:,.0f}"
    if run.note:
        lines.append(f"{run.note} after {run.steps:,} steps")
    with console.capture() as captured:
        console.print(table, markup=False)
        console.print("; ".join(lines), markup=False, highlight=False)
        console.print(
            f"The last {span:,} of {run.steps:,} steps: {about}. {speed} steps a second.", markup=False, highlight=False
        )
    print(captured.get(), end="")


def _shown(samples: Any, unit: str = "") -> str:
    interval = bootstrap_interval(np.asarray(samples, dtype=np.float64))
    if not np.isfinite(interval.mean):
        return "-"
    text = f"{float(interval.mean):.4g}{unit}"
    if len(samples) == 1:
        return text
    return f"{text} [{float(interval.low):.4g}, {float(interval.high):.4g}]"


def write_learned(game: Any, run: Run, path: Path) -> None:
    """Write the policies that the first seed learned, as ``marlgt check`` and ``marlgt play --policy`` read them.

    Raises
    ------
    GameError
        For a normal-form game, whose profiles need no file.
    UnreadableFile
        If the file cannot be written.
    """
    from marlgt.games.files.policies import format_policy_json

    if isinstance(game, NormalFormGame):
        raise GameError("a normal-form game has no policies to write: use --format json")
    try:
        path.write_text(format_policy_json(game, run.profiles()[0]), encoding="utf-8")
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be written: {error.strerror or error}") from error


def write_learning_curve(run: Run, path: Path) -> None:
    """Draw what the players earned against the steps, to a PNG, SVG or PDF file."""
    from marlgt.cli.figures import write_picture
    from marlgt.pictures.learning import draw_learning_curve

    what = "win_rates" if run.episodes.sum() else "rewards"
    write_picture(path, lambda axes: draw_learning_curve(axes, run, what=what), what="the learning curve")
    print(f"wrote {path}")
