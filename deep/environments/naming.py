"""The door to environments: what a task string means, and which adapter takes what is given.

A task string is a name, and maybe options: ``formation:n_drones=4,seconds=6``. Names are those of drone tasks
(:data:`marlgt.games.drones.TASKS`), of level-based foraging as the ``lbforaging`` package writes them, of catalogue
games (:func:`marlgt.games.load`; a last ``_game`` may be left out) and of Gymnasium. Values of options are whole
numbers, numbers, ``true``, ``false``, ``none``, or text.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from marlgt.deep.environments.protocol import BatchEnv
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole

if TYPE_CHECKING:
    from marlgt.games.drones.task import Task
    from marlgt.games.normal_form import NormalFormGame
    from marlgt.games.stochastic import StochasticGame

__all__ = ["canonical_name", "make_environment", "parsed_task"]

_TASK = re.compile(r"(?P<name>[^:=,]*)(?::(?P<options>.*))?", re.DOTALL)
_OPTION = re.compile(r"\s*(?P<key>[A-Za-z_]\w*)\s*=\s*(?P<value>[^=,]*?)\s*")
_VERSIONED = re.compile(r"[\w./-]+-v\d+")
_WORDS = {"true": True, "false": False, "none": None}

MATRIX_OPTIONS = ("repeats", "pad_actions")
FORAGING_OPTIONS = ("shared_reward", "masked", "observation", "horizon")
STOCHASTIC_OPTIONS = ("horizon", "observation", "pad_actions")


def make_environment(
    task: str | Callable[[], Any] | NormalFormGame | StochasticGame | Task,
    n_envs: int,
    *,
    device: str = "cpu",
    frames: int = 1,
    backend: str | None = None,
    options: Mapping[str, Any] | None = None,
    continuous: bool = False,
) -> BatchEnv:
    """Return ``n_envs`` copies of a task that move at once, on arrays.

    Parameters
    ----------
    task : str, game, Task, or callable
        A task string, see the module. Or a normal-form or stochastic game, or a drone task. Or a function without
        arguments that makes one PettingZoo parallel environment or one Gymnasium environment, and is called once for
        each copy; :class:`ParallelTask` gives it options, also in :func:`marlgt.deep.train`.
    n_envs : int
        B.
    device : str
        Where a drone task lives that is simulated on tensors; everything else gives arrays.
    frames : int
        How many of the last observations an agent sees, see :class:`FrameStack`.
    backend : {'numba', 'torch', 'bullet'}, optional
        The physics of a drone task: by default ``torch`` where the device is not the processor, else ``numba``.
    options : mapping, optional
        Options of the task, as in the string, which it goes before. Drone tasks: ``n_drones, actions, airframe,
        neighbours, history, rate, seconds, dtype, threads``; foraging: ``shared_reward, masked, observation``; matrix
        games: ``repeats``; stochastic games: ``horizon, observation``; both: ``pad_actions`` and the parameters of the
        game's own function; PettingZoo: ``pad_actions``; a Gymnasium name: what ``gymnasium.make`` takes.
    continuous : bool
        Whether tasks are welcome whose actions are numbers, or several choices at once. Drone tasks have then their own
        first kind of actions where none is named, otherwise their first discrete one.

    Returns
    -------
    BatchEnv

    Raises
    ------
    GameError
        For a name that there is not, with the nearest ones, and for options that do not fit.
    UnsupportedGame
        For continuous actions that are not welcome or have no bounds, and observations that are not rows of
        numbers, with the way out.

    Examples
    --------
    >>> env = make_environment("climbing:repeats=25", 4)
    >>> env.reset(seed=0).shape, env.n_actions, env.common_reward
    ((4, 2, 1), 3, True)
    >>> make_environment("Foraging-8x8-2p-3f-v3", 4).n_agents
    2
    """
    require_whole(n_envs, "n_envs", least=1)
    require_whole(frames, "frames", least=1)
    if isinstance(task, str):
        name, chosen = parsed_task(task)
    else:
        name, chosen = "", {}
    chosen |= _checked_options(options)
    if backend is None and "backend" in chosen:
        backend = chosen["backend"]
    chosen.pop("backend", None)
    made = _made(task, name, chosen, int(n_envs), str(device), backend, bool(continuous))
    if frames == 1:
        return made
    from marlgt.deep.environments.frame_stack import FrameStack

    return FrameStack(made, frames)


def parsed_task(task: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the options of a task string.

    Examples
    --------
    >>> parsed_task("formation:n_drones=3,actions=discrete")
    ('formation', {'n_drones': 3, 'actions': 'discrete'})
    """
    found = _TASK.fullmatch(task)
    if found is None or not found["name"].strip():
        raise GameError(f"task is {short(task)}: give a name, or a name with options, such as 'formation:n_drones=3'")
    options: dict[str, Any] = {}
    for part in [] if found["options"] is None else found["options"].split(","):
        option = _OPTION.fullmatch(part)
        if option is None:
            raise GameError(
                f"task is {short(task)}: {short(part)} is no option; write key=value, with commas in between, after "
                "one colon"
            )
        if option["key"] in options:
            raise GameError(f"task is {short(task)}: it gives {option['key']} twice")
        options[option["key"]] = _value(option["value"])
    return found["name"].strip(), options


def canonical_name(name: str, options: Mapping[str, Any]) -> str:
    """Return the task string of a name and options, the options in alphabetical order.

    Examples
    --------
    >>> canonical_name("formation", {"seconds": 4.0, "n_drones": 3})
    'formation:n_drones=3,seconds=4.0'
    """
    if not options:
        return name
    words = {True: "true", False: "false", None: "none"}
    shown = [
        f"{key}={words[value] if value is None or isinstance(value, bool) else value}"
        for key, value in sorted(options.items())
    ]
    return f"{name}:{','.join(shown)}"


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _checked_options(options: Any) -> dict[str, Any]:
    if options is None:
        return {}
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        raise GameError(f"options is {short(options)}: give a dictionary whose keys are names of options")
    return dict(options)


def _made(
    task: Any,
    name: str,
    options: dict[str, Any],
    n_envs: int,
    device: str,
    backend: str | None,
    continuous: bool,
) -> BatchEnv:
    if isinstance(task, str):
        foraging, versioned = name.startswith("Foraging"), _VERSIONED.fullmatch(name) is not None
        if not (foraging or versioned) and _is_drone_task(name):
            return _drones(task, name, options, n_envs, device, backend, continuous)
        _require_no_backend(backend)
        if foraging:
            from marlgt.deep.environments.foraging_grids import ForagingGrid

            _require_known(options, FORAGING_OPTIONS, name)
            return ForagingGrid(name, n_envs, label=canonical_name(name, options), **options)
        if versioned:
            from marlgt.deep.environments.gymnasium_copies import named_copies

            return named_copies(name, n_envs, options, canonical_name(name, options), continuous=continuous)
        return _named_game(name, options, n_envs)
    from marlgt.games.drones.task import Task
    from marlgt.games.extensive import ExtensiveGame
    from marlgt.games.normal_form import NormalFormGame
    from marlgt.games.stochastic import StochasticGame

    if isinstance(task, Task):
        return _drones(task, name, options, n_envs, device, backend, continuous)
    _require_no_backend(backend)
    if isinstance(task, NormalFormGame | StochasticGame | ExtensiveGame):
        return _game(task, "", options, n_envs)
    if callable(task):
        from marlgt.deep.environments.pettingzoo_copies import copies_of

        return copies_of(task, n_envs, options, continuous=continuous)
    raise GameError(
        f"task is {short(task)}: give a task string, a game, a drone task, or a function that makes one environment"
    )


def _is_drone_task(name: str) -> bool:
    # The drones are asked late: their physics would be loaded for every other task, too.
    from marlgt.games.drones.making import TASKS

    return name in TASKS


def _require_no_backend(backend: str | None) -> None:
    if backend is not None:
        raise GameError(f"backend is {short(backend)}: only drone tasks have backends, so leave it out here")


def _drones(
    task: Any,
    name: str,
    options: dict[str, Any],
    n_envs: int,
    device: str,
    backend: str | None,
    continuous: bool,
) -> BatchEnv:
    from marlgt.deep.environments.drone_tasks import BATCH_OPTIONS, TASK_OPTIONS, DroneTask, discrete_task
    from marlgt.games.drones.making import make_task

    made_already = not isinstance(task, str)
    known = BATCH_OPTIONS if made_already else (*TASK_OPTIONS, *BATCH_OPTIONS)
    _require_known(options, known, task.name if made_already else name)
    if backend is None:
        backend = "numba" if device.startswith("cpu") else "torch"
    batch = {key: value for key, value in options.items() if key in BATCH_OPTIONS}
    rest = {key: value for key, value in options.items() if key in TASK_OPTIONS}
    if made_already:
        flown = task
    else:
        flown = make_task(name, **rest) if continuous else discrete_task(name, **rest)
    label = flown.name if made_already else canonical_name(name, options)
    return DroneTask(flown, n_envs, backend=backend, device=device, name=label, continuous=continuous, **batch)


def _named_game(name: str, options: dict[str, Any], n_envs: int) -> BatchEnv:
    from marlgt import games
    from marlgt.games.library import load
    from marlgt.games.normal_form import NormalFormGame

    wanted = name.lower().replace("'", "").replace(" ", "_").replace("-", "_")
    if f"{wanted}_game" in games.__all__ and wanted not in games.__all__:
        wanted = f"{wanted}_game"
    try:
        game = load(wanted)
    except GameError:
        raise GameError(f"there is no task {short(name)}: {_nearest(name)}") from None
    make = getattr(games, wanted)
    kind = MATRIX_OPTIONS if isinstance(game, NormalFormGame) else STOCHASTIC_OPTIONS
    _require_known(options, (*kind, *inspect.signature(make).parameters), name)
    own = {key: value for key, value in options.items() if key not in kind}
    if own:
        game = make(**own)
    rest = {key: value for key, value in options.items() if key in kind}
    return _game(game, canonical_name(wanted, options), rest, n_envs)


def _game(game: Any, label: str, options: dict[str, Any], n_envs: int) -> BatchEnv:
    from marlgt.deep.environments.catalogue_games import MatrixEpisodes, StochasticEpisodes
    from marlgt.games.extensive import ExtensiveGame
    from marlgt.games.normal_form import NormalFormGame

    if isinstance(game, ExtensiveGame):
        raise UnsupportedGame(
            f"{label or game.title or 'this game'} is played in turns, and here all agents act at once: train on "
            "game.normal_form(), or solve it with marlgt.solve(game)"
        )
    if isinstance(game, NormalFormGame):
        _require_known(options, MATRIX_OPTIONS, label or "a normal-form game")
        return MatrixEpisodes(game, n_envs, name=label, **options)
    _require_known(options, STOCHASTIC_OPTIONS, label or "a stochastic game")
    return StochasticEpisodes(game, n_envs, name=label, **options)


def _nearest(name: str) -> str:
    from marlgt.games.drones.making import TASKS
    from marlgt.games.library import catalogue

    names = [*TASKS, *(entry.name for entry in catalogue() if entry.kind != "extensive")]
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    return (
        "give the name of a drone task, of a catalogue game, one like 'Foraging-8x8-2p-3f-v3', or one of Gymnasium "
        "like 'CartPole-v1'"
    )


def _require_known(options: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for key in options:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known) or 'none'}"
            raise GameError(f"{what} has no option {short(key)}: {hint}")
