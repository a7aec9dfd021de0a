"""Learners and matches in files: arrays in ``.npz`` without pickled objects, all else as JSON in one of them.

A file names the schema and its version, the class of each learner with the arguments that it was made with, and the
game by its sizes and a fingerprint of its numbers. To load is to make the learners anew, for the game that is given,
and to fill their memories. Nothing in a file is run: a class is one that marlgt exports, or one that the caller gives.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_path
from marlgt.learners.exploration import Exploration
from marlgt.learners.layout import EVERYBODY
from marlgt.learners.schedules import Schedule
from marlgt.learners.settings import Setting, setting_of
from marlgt.learners.tables import TableLearner
from marlgt.whole_files import write_whole

__all__ = ["load", "load_match", "save", "save_match"]

Arrays = Mapping[str, NDArray[Any]]

_LEARNER, _MATCH, _VERSION = "marlgt.learner", "marlgt.match", 1
_HEADER = "header"
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,
    MemoryError,
)
"""What is raised by files that are no archives, archives with wrong bits, and archives of something else."""


def save(learner: TableLearner, path: str | Path) -> None:
    """Write what a learner has learned, and how it was made, to a file; :func:`load` reads it.

    The file is complete or not there: what stood at the path stays until the new file is whole.

    Parameters
    ----------
    learner : TableLearner
    path : str or Path
        By custom ``name.npz``.

    Raises
    ------
    GameError
        If it is no table learner, or was made with something that cannot be written.
    """
    _require_table(learner, "learner")
    _write(path, _LEARNER, {"learner": _told(learner), **_game_of(learner.setting)}, {"memory_0": learner.memory})


def load(path: str | Path, game: Any, *, same_game: bool = True, classes: Sequence[type] = ()) -> Any:
    """Return the learner that was saved.

    Parameters
    ----------
    path : str or Path
    game : NormalFormGame, StochasticGame or observed environment
        The game that it was made for. An observed environment in which nothing was met takes over the numbers of
        observations that the learner knows.
    same_game : bool
        Whether the numbers of the game must be the same, not only its sizes and discount.
    classes : sequence of types
        Classes of learners that are not of marlgt.

    Raises
    ------
    GameError
        For a file that holds no learner, or one of another game.

    Examples
    --------
    >>> import os, tempfile
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> learner = gt.learners.QLearning(game, player=1, learning_rate=0.5)
    >>> learner.observe(gt.learners.Transition(0, (0, 1), (0.0, 5.0), 0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "learner.npz")
    ...     gt.learners.save(learner, path)
    ...     gt.learners.load(path, game).values
    array([[0. , 2.5]])
    """
    header, arrays = _read(path, _LEARNER)
    with _complaints(path):
        setting = setting_of(game)
        _check_game(path, header, setting, same_game)
        _take_over(path, header, setting)
        learner = _made(header["learner"], game, _known(classes))
        _fill(learner, arrays["memory_0"])
    return learner


def save_match(match: Any, path: str | Path) -> None:
    """Write a match; see :meth:`marlgt.learners.Match.save`."""
    first = match.learners[0]
    for i, learner in enumerate(first):
        _require_table(learner, f"learners[{i}]")
    owners = list({id(x): x for x in first}.values())
    arrays, rest = match._engine.state()
    told = {
        "learners": [_told(x) for x in owners],
        "seats": [next(k for k, x in enumerate(owners) if x is learner) for learner in first],
        "seeds": list(match.seeds),
        "horizon": match.horizon,
        "views": None if match.views is None else match.views.tolist(),
        "moves": None if match.moves is None else match.moves.tolist(),
        "engine": type(match._engine).__name__,
        "state": rest,
        **_game_of(match.setting),
    }
    memories = {}
    for k, place in enumerate(told["seats"]):
        memories[f"memory_{place}"] = np.stack([own[k].memory for own in match.learners])
    _write(path, _MATCH, told, {**memories, **{f"engine_{name}": x for name, x in arrays.items()}})


def load_match(kind: Any, path: str | Path, game: Any, classes: Sequence[type]) -> Any:
    """Return a match of a kind from a file; see :meth:`marlgt.learners.Match.load`."""
    header, arrays = _read(path, _MATCH)
    with _complaints(path):
        setting = setting_of(game)
        _check_game(path, header, setting, same_game=True)
        _take_over(path, header, setting)
        known = _known(classes)
        owners = [_made(told, game, known) for told in header["learners"]]
        seats = [owners[place] for place in header["seats"]]
        # Whoever loads a match gets learners that nobody else has, so that one seed needs no copies.
        options = {"horizon": header["horizon"], "views": header["views"], "moves": header["moves"]}
        match = kind(game, seats, seeds=header["seeds"], copies=len(header["seeds"]) > 1, **options)
        if type(match._engine).__name__ != header["engine"]:
            raise GameError(f"{path} was played by another engine: play it with the learners it was saved with")
        for k, place in enumerate(header["seats"]):
            for own, memory in zip(match.learners, arrays[f"memory_{place}"]):
                _fill(own[k], memory)
        engine = {name.removeprefix("engine_"): x for name, x in arrays.items() if name.startswith("engine_")}
        match._engine.resume(engine, header["state"])
    return match


def _require_table(learner: Any, name: str) -> None:
    if not isinstance(learner, TableLearner):
        raise UnsupportedGame(
            f"{name} is {short(learner)}: only learners with tables can be saved, persons, bots and others cannot"
        )


def _told(learner: TableLearner) -> dict[str, Any]:
    settings = {name: _encoded(value, name) for name, value in learner.settings.items()}
    return {"class": type(learner).__name__, "player": learner.player, "settings": settings}


def _made(told: Mapping[str, Any], game: Any, known: Mapping[str, type]) -> Any:
    name = told["class"]
    if name not in known:
        raise GameError(f"the learner is a {short(name)}, which marlgt does not have: give its class in classes=[...]")
    settings = {key: _decoded(value) for key, value in told["settings"].items()}
    if told["player"] == EVERYBODY:
        return known[name](game, **settings)
    return known[name](game, told["player"], **settings)


def _fill(learner: TableLearner, memory: NDArray[np.float64]) -> None:
    if memory.shape != learner.memory.shape or memory.dtype != learner.memory.dtype:
        raise GameError(
            f"a memory has shape {memory.shape} of {memory.dtype} where the learner needs {learner.memory.shape} of "
            f"{learner.memory.dtype}"
        )
    # In place: a match may read this very memory.
    learner.memory[:] = memory


def _known(classes: Sequence[type]) -> dict[str, type]:
    """Return the classes of table learners by name."""
    from marlgt import learners

    found = {}
    for name in learners.__all__:
        value = getattr(learners, name)
        if isinstance(value, type) and issubclass(value, TableLearner):
            found[name] = value
    for own in classes:
        if not (isinstance(own, type) and issubclass(own, TableLearner)):
            raise GameError(f"classes holds {short(own)}: give classes that derive from TableLearner")
        found[own.__name__] = own
    return found


def _encoded(value: Any, name: str) -> Any:
    if isinstance(value, (Schedule, Exploration)):
        fields = {key: _encoded(part, name) for key, part in vars(value).items()}
        return {type(value).__name__: fields}
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": value.dtype.str}
    if isinstance(value, Mapping):
        return {"mapping": [[_encoded(key, name), _encoded(part, name)] for key, part in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_encoded(part, name) for part in value]}
    if isinstance(value, list):
        return [_encoded(part, name) for part in value]
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise GameError(f"the setting {name} is {short(value)}: numbers, texts, arrays and schedules can be saved")


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(part) for part in value]
    if not isinstance(value, dict):
        return value
    ((name, part), *_) = value.items()
    if name == "Schedule":
        return Schedule(**{key: _decoded(x) for key, x in part.items()})
    if name == "Exploration":
        return Exploration(**{key: _decoded(x) for key, x in part.items()})
    if name == "array":
        return np.array(part, dtype=value["dtype"])
    if name == "mapping":
        return {_decoded(key): _decoded(x) for key, x in part}
    if name == "tuple":
        return tuple(_decoded(x) for x in part)
    return bytes.fromhex(part)


def _game_of(setting: Setting) -> dict[str, Any]:
    told: dict[str, Any] = {"game": setting.signature(), "fingerprint": _fingerprint(setting)}
    if setting.numbering is not None:
        told["joint"] = setting.numbering.joint
        told["books"] = [[_encoded(entry, "key") for entry in book] for book in setting.numbering.books]
    return told


def _fingerprint(setting: Setting) -> str:
    """Return a digest of all the numbers of a game; of an environment, of its players and actions."""
    digest = hashlib.sha256()
    game = setting.game
    if game is None:
        digest.update(repr((setting.players, setting.n_actions)).encode())
        return digest.hexdigest()
    paid = game.rewards if game.successor_rewards is None else game.successor_rewards
    arrays: list[NDArray[Any]] = [*paid, game.successors, game.probabilities, game.start, game.terminal, *game.legal]
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _check_game(path: Any, header: Mapping[str, Any], setting: Setting, same_game: bool) -> None:
    if header["game"] != setting.signature():
        raise GameError(f"{path} belongs to a game with {header['game']}, this one has {setting.signature()}")
    if same_game and header["fingerprint"] != _fingerprint(setting):
        raise GameError(
            f"{path} belongs to a game of the same sizes with other numbers: give the game that was played, or load a "
            "learner with same_game=False"
        )
    if header.get("joint") != (None if setting.numbering is None else setting.numbering.joint):
        raise GameError(f"{path} numbers observations otherwise: make observed(...) with the same shared")


def _take_over(path: Any, header: Mapping[str, Any], setting: Setting) -> None:
    """Give an environment the numbers of observations that a file knows."""
    if setting.numbering is None:
        return
    for player, (book, saved) in enumerate(zip(setting.numbering.books, header["books"], strict=True)):
        entries = [_decoded(entry) for entry in saved]
        if any(a != b for a, b in zip(book, entries)):
            raise GameError(
                f"{path} has other numbers for the observations that this environment has met: load it for a new "
                "observed(...) of the environment"
            )
        for entry in entries[len(book) :]:
            masks = [None if part is None else part[1] for part in entry] if setting.numbering.joint else [entry[1]]
            setting.numbering.number(player, entry, masks)


def _write(path: str | Path, schema: str, told: Mapping[str, Any], arrays: Arrays) -> None:
    """Write a file beside the path, and then put it in its place in one step."""
    require_path(path, "path")
    header = json.dumps({"schema": schema, "version": _VERSION, **told})
    packed = np.frombuffer(header.encode(), dtype=np.uint8)
    contents: dict[str, Any] = {_HEADER: packed, **arrays}
    write_whole(path, lambda file: np.savez_compressed(file, **contents))


def _read(path: str | Path, schema: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    what = schema.removeprefix("marlgt.")
    require_path(path, "path")
    try:
        with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays.pop(_HEADER).tobytes())
        found, version = header["schema"], header["version"]
    except FileNotFoundError:
        raise GameError(f"there is no file {str(path)!r}") from None
    except _DAMAGES as error:
        raise GameError(f"{path} is damaged, or was not saved by marlgt ({type(error).__name__}: {error})") from error
    if found != schema:
        raise GameError(f"{path} holds a {short(found)}, not a {what}: {_reader(found)}")
    if version != _VERSION:
        raise GameError(f"{path} has version {short(version)} of the schema {schema}, this marlgt reads {_VERSION}")
    return header, arrays


def _reader(schema: Any) -> str:
    if schema == _MATCH:
        return "read it with Match.load"
    return "read it with marlgt.learners.load" if schema == _LEARNER else "give a file that marlgt.learners wrote"


@contextlib.contextmanager
def _complaints(path: Any) -> Any:
    """Turn what goes wrong with the contents of a file into one sentence."""
    try:
        yield
    except GameError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, StopIteration) as error:
        raise GameError(
            f"{path} is damaged: its contents do not fit together ({type(error).__name__}: {error})"
        ) from error
