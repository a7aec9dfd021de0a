"""What is asked of every dynamic, and what some claim besides: properties that are checked on one game."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts.deviations import deviation_gains
from marlgt.dynamics.trajectory import Trajectory, many
from marlgt.errors import GameError
from marlgt.games.normal_form import NormalFormGame
from marlgt.testing.properties import NotApplicable

__all__ = ["CLAIMS", "OF_DYNAMICS", "Bound", "Dynamic", "Entry", "Suspect"]

Dynamic = Callable[..., Any]
Bound = Callable[[NormalFormGame, NDArray[np.float64]], Any]

_ROUNDING = 1e-9
_DRIFT = 1e-6
"""How far two runs may come apart that differ by rounding at their start."""


@dataclass(frozen=True)
class Suspect:
    """A dynamic with the settings of its runs and the bound that is claimed for its regrets.

    Attributes
    ----------
    dynamic : callable
    settings : mapping
    bound : callable or None
    """

    dynamic: Dynamic
    settings: Mapping[str, Any]
    bound: Bound | None = None

    def takes(self, name: str) -> bool:
        """Tell whether the dynamic has a setting of this name that the caller has not fixed."""
        return name in inspect.signature(self.dynamic).parameters and name not in self.settings

    def run(self, game: NormalFormGame, **more: Any) -> Any:
        """Run the dynamic; games that it refuses are passed over."""
        known = {key: value for key, value in more.items() if self.takes(key)}
        try:
            return self.dynamic(game, **{**self.settings, **known})
        except GameError as error:
            raise NotApplicable from error


def _whole(run: Trajectory) -> list[NDArray[Any]]:
    """Return all arrays of a run."""
    parts = [run.times, *run.strategies, *run.averages, run.regrets]
    return [np.asarray(part) for part in (*parts, run.joint, run.actions) if part is not None]


def _difference(one: Trajectory, other: Trajectory, *, within: float = 0.0) -> str | None:
    for first, second in zip(_whole(one), _whole(other), strict=True):
        if first.shape != second.shape:
            return f"an array has shape {first.shape} in one and {second.shape} in the other"
        gap = float(np.abs(first - second).max(initial=0.0))
        if not gap <= within:
            return f"they differ by {gap:.2g}"
    return None


def _no_distribution(rows: NDArray[Any], what: str) -> str | None:
    if not np.isfinite(rows).all() or rows.min(initial=0.0) < -_ROUNDING:
        return f"{what} hold {rows.min():.6g}, which is no probability"
    total = rows.reshape(len(rows), -1).sum(axis=1)
    worst = int(np.abs(total - 1.0).argmax())
    return None if abs(total[worst] - 1.0) <= _ROUNDING else f"{what} sum to {total[worst]:.12g}"


def _keeps_shape(suspect: Suspect, game: NormalFormGame) -> str | None:
    run = suspect.run(game)
    if not isinstance(run, Trajectory):
        return f"it returned {type(run).__name__}"
    times = np.asarray(run.times)
    if times.ndim != 1 or not times.size or (np.diff(times) <= 0).any():
        return f"the times {times.tolist()} do not rise"
    for name, paths in (("strategies", run.strategies), ("averages", run.averages)):
        shapes, wanted = [np.shape(x) for x in paths], [(times.size, count) for count in game.n_actions]
        if shapes != wanted:
            return f"the {name} have shapes {shapes}, not {wanted}"
    if np.shape(run.regrets) != (times.size, game.n_players):
        return f"the regrets have shape {np.shape(run.regrets)}, not {(times.size, game.n_players)}"
    steps = suspect.settings.get("steps")
    if steps is not None and times[-1] != steps:
        return f"the last time is {times[-1]:g} after {steps} steps"
    return None


def _plays_distributions(suspect: Suspect, game: NormalFormGame) -> str | None:
    run = suspect.run(game)
    whys = [_no_distribution(x, f"strategies of player {i}") for i, x in enumerate(run.strategies)]
    whys += [_no_distribution(x, f"averages of player {i}") for i, x in enumerate(run.averages)]
    return next((why for why in whys if why is not None), None)


def _regrets_of_joint(suspect: Suspect, game: NormalFormGame) -> str | None:
    run = suspect.run(game, joint=True)
    if run.joint is None:
        raise NotApplicable
    why = _no_distribution(run.joint, "joint distributions")
    if why is not None:
        return why
    scale = np.maximum(np.abs(game.payoffs).reshape(game.n_players, -1).max(axis=1), 1e-300)
    for t, joint in enumerate(run.joint):
        for i in range(game.n_players):
            known = deviation_gains(game.payoffs, joint, i).sum(axis=0).max()
            if not abs(run.regrets[t, i] - known) <= _ROUNDING * scale[i]:
                return (
                    f"the regret of player {i} is {run.regrets[t, i]:.6g}, that of the joint distribution {known:.6g}"
                )
    return None


def _averages_of_joint(suspect: Suspect, game: NormalFormGame) -> str | None:
    run = suspect.run(game, joint=True)
    if run.joint is None:
        raise NotApplicable
    for i, rows in enumerate(run.averages):
        others = tuple(1 + j for j in range(game.n_players) if j != i)
        gap = float(np.abs(run.joint.sum(axis=others) - rows).max())
        if not gap <= _ROUNDING:
            return f"the averages of player {i} are {gap:.2g} off the parts of the joint distribution"
    return None


def _joint_of_actions(suspect: Suspect, game: NormalFormGame) -> str | None:
    if not suspect.takes("keep_actions"):
        raise NotApplicable
    run = suspect.run(game, joint=True, keep_actions=True)
    if run.actions is None or run.joint is None:
        raise NotApplicable
    actions = np.asarray(run.actions)
    if actions.shape != (int(run.times[-1]), game.n_players):
        return f"the actions have shape {actions.shape} after {run.times[-1]:g} steps"
    if actions.min() < 0 or (actions >= np.array(game.n_actions)).any():
        return "an action is none of the game"
    counts = np.zeros(game.n_actions)
    done = 0
    for t, joint in zip(run.times, run.joint):
        np.add.at(counts, tuple(actions[done : int(t)].T), 1.0)
        done = int(t)
        if not np.abs(counts / done - joint).max() <= _ROUNDING:
            return f"the joint distribution after {done} steps is not that of the actions"
    return None


def _same_seed(suspect: Suspect, game: NormalFormGame) -> str | None:
    why = _difference(suspect.run(game, seed=3), suspect.run(game, seed=3))
    return None if why is None else f"of two runs with one seed: {why}"


def _records_anywhere(suspect: Suspect, game: NormalFormGame) -> str | None:
    steps = suspect.settings.get("steps")
    if steps is None or not suspect.takes("record") or steps < 2:
        raise NotApplicable
    seldom, always = suspect.run(game, record=1), suspect.run(game, record=int(steps))
    for first, second in zip(_whole(seldom)[:-1], _whole(always)[:-1]):
        gap = float(np.abs(first[-1] - second[-1]).max())
        if not gap <= _ROUNDING * (1.0 + float(np.abs(second[-1]).max())):
            return f"recorded at every step it ends {gap:.2g} from where it ends recorded once"
    return None


def _refuses_no_steps(suspect: Suspect, game: NormalFormGame) -> str | None:
    name = "steps" if "steps" in suspect.settings else "duration"
    if name not in suspect.settings:
        raise NotApplicable
    suspect.run(game)
    for value in (0, -1):
        try:
            suspect.dynamic(game, **{**suspect.settings, name: value})
        except GameError:
            continue
        return f"it took {name}={value}"
    return None


def _is_drawn(suspect: Suspect, game: NormalFormGame) -> bool:
    if not suspect.takes("seed"):
        return False
    first = suspect.run(game, seed=0)
    return any(_difference(first, suspect.run(game, seed=seed)) is not None for seed in (1, 2, 3))


def _is_symmetric(suspect: Suspect, game: NormalFormGame) -> str | None:
    if _is_drawn(suspect, game):
        raise NotApplicable
    # What a dynamic begins with by default may be uneven, so that it does not rest at once.
    start = [np.arange(1.0, count + 1) / sum(range(count + 1)) for count in game.n_actions]
    order = list(range(game.n_players))[::-1]
    run = suspect.run(game, start=start)
    turned = suspect.run(game.permute_players(order), start=start[::-1])
    reversed_game = game.restrict([list(range(count))[::-1] for count in game.n_actions])
    mirrored = suspect.run(reversed_game, start=[first[::-1] for first in start])
    for i in range(game.n_players):
        for what in ("strategies", "averages"):
            own = getattr(run, what)[i]
            if not np.abs(own - getattr(turned, what)[order.index(i)]).max() <= _DRIFT:
                return f"the {what} of player {i} depend on the order of the players"
            if not np.abs(own - getattr(mirrored, what)[i][:, ::-1]).max() <= _DRIFT:
                return f"the {what} of player {i} depend on the order of the actions"
    return None


def _ignores(suspect: Suspect, game: NormalFormGame, other: NormalFormGame, change: str) -> str | None:
    one, two = suspect.run(game, seed=3), suspect.run(other, seed=3)
    pairs = zip((*one.strategies, *one.averages), (*two.strategies, *two.averages))
    gap = max(float(np.abs(first - second).max()) for first, second in pairs)
    return None if gap <= _DRIFT else f"{change} moves the run by {gap:.2g}"


def _ignores_shifts(suspect: Suspect, game: NormalFormGame) -> str | None:
    shift = [2.0 * (1 + i) * float(np.ptp(own)) for i, own in enumerate(game.payoffs)]
    return _ignores(suspect, game, game.affine(shift=shift), "a constant added to a player's payoffs")


def _ignores_scales(suspect: Suspect, game: NormalFormGame) -> str | None:
    # Powers of two do not round.
    factors = [4.0 if i % 2 == 0 else 0.5 for i in range(game.n_players)]
    return _ignores(suspect, game, game.affine(scale=factors), "a positive factor of a player's payoffs")


def _bounds_regret(suspect: Suspect, game: NormalFormGame) -> str | None:
    if suspect.bound is None:
        raise NotApplicable
    run = suspect.run(game)
    bounds = np.broadcast_to(np.asarray(suspect.bound(game, run.times), dtype=np.float64), run.times.shape)
    above = run.cce_gap - bounds - _ROUNDING * np.abs(game.payoffs).max(initial=0.0)
    worst = int(above.argmax())
    if above[worst] <= 0:
        return None
    return f"at time {run.times[worst]:g} the regret is {run.cce_gap[worst]:.6g}, above {bounds[worst]:.6g}"


def _climbs_potential(suspect: Suspect, game: NormalFormGame) -> str | None:
    shared = NormalFormGame.common_interest(game.payoffs[0])
    run = suspect.run(shared)
    worths = []
    for t in range(len(run.times)):
        worth = shared.payoffs[0]
        for rows in run.strategies:
            worth = np.tensordot(rows[t], worth, axes=(0, 0))
        worths.append(float(worth))
    fall = float(np.max(-np.diff(worths), initial=0.0))
    least = _DRIFT * float(shared.payoff_range.max())
    return None if fall <= least else f"what all are paid falls by {fall:.2g} between two recorded times"


def _differs_in_batch(suspect: Suspect, game: NormalFormGame) -> str | None:
    alone = suspect.run(game, seed=3)
    other = game.affine(scale=2.0)
    seeds = [5, 3, 4] if suspect.takes("seed") else None
    runs = many(suspect.dynamic, [other, game, other], seeds=seeds, **suspect.settings)
    why = _difference(alone, runs[1])
    return None if why is None else f"in a batch and alone: {why}"


Entry = tuple[str, str, Callable[[Suspect, NormalFormGame], str | None]]

OF_DYNAMICS: tuple[Entry, ...] = (
    ("trajectory", "it returns a trajectory of rising times and arrays of the right shapes", _keeps_shape),
    ("distributions", "strategies and averages are distributions", _plays_distributions),
    ("regrets", "the regrets are those of the joint distribution of play", _regrets_of_joint),
    ("actions", "the joint distribution of play is that of the actions kept", _joint_of_actions),
    ("same seed, same bits", "two runs of one seed are the same", _same_seed),
    ("record", "what is recorded does not depend on when else it is", _records_anywhere),
    ("no steps", "no or negative steps are refused with a GameError", _refuses_no_steps),
)
CLAIMS: dict[str, Entry] = {
    "batches": ("batches", "a run is the same alone and in a batch", _differs_in_batch),
    "averages": ("averages", "the averages are those of the joint distribution of play", _averages_of_joint),
    "symmetric": ("symmetric", "the order of players and of actions does not matter", _is_symmetric),
    "shift_invariant": ("shift invariant", "a constant added to a player's payoffs changes nothing", _ignores_shifts),
    "scale_free": ("scale free", "a positive factor of a player's payoffs changes nothing", _ignores_scales),
    "no_regret": ("no regret", "the largest regret keeps within the bound", _bounds_regret),
    "potential": ("potential", "where all are paid the same, it never falls", _climbs_potential),
}
