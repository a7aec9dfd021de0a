"""The numbers of observations: a book of what was met, and of what is legal there."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short

__all__ = ["Numbering", "key_of", "observation_of"]


class Numbering:
    """The numbers of observations, and which actions are legal in each.

    Parameters
    ----------
    n_actions : tuple of int
    most : int
        Observations of each player.
    joint : bool
        Whether all players share one book of joint observations.

    Attributes
    ----------
    books : tuple of dict
        From key to number; one for each player, or one.
    flat_legal : ndarray of bool
    legal : tuple of n ndarrays of bool, shapes (most, A_i)
        Views of it. Actions are legal until the environment says otherwise.
    """

    def __init__(self, n_actions: tuple[int, ...], most: int, *, joint: bool) -> None:
        self.joint, self.most = joint, most
        self.books: tuple[dict[Hashable, int], ...] = tuple({} for _ in range(1 if joint else len(n_actions)))
        sizes = [most * count for count in n_actions]
        self.flat_legal = np.ones(sum(sizes), dtype=bool)
        parts = np.split(self.flat_legal, np.cumsum(sizes)[:-1])
        self.legal = tuple(part.reshape(most, count) for part, count in zip(parts, n_actions))

    def number(self, player: int, entry: Hashable, masks: Sequence[bytes | None]) -> int:
        """Return the number of a key, a new one if it was not met before.

        Parameters
        ----------
        player : int
        entry : hashable
        masks : sequence of bytes or None
            For the players of this book, what is legal, as bytes of booleans.

        Raises
        ------
        GameError
            If there are too many, or the key cannot be hashed.
        """
        book = self.books[0 if self.joint else player]
        try:
            found = book.get(entry)
        except TypeError as error:
            raise GameError(f"the key of an observation is {short(entry)}: it must be hashable") from error
        if found is not None:
            return found
        if len(book) >= self.most:
            who = "the players together" if self.joint else f"player {player}"
            raise GameError(
                f"{who} met more than {self.most} different observations: raise max_observations, or give a key that "
                "makes fewer of them"
            )
        found = book[entry] = len(book)
        for i, mask in enumerate(masks, start=0 if self.joint else player):
            if mask is not None and any(mask):
                self.legal[i][found] = np.frombuffer(mask, dtype=bool)
        return found

    def labels(self, player: int) -> list[Any]:
        """Return the observations of a book in the order of their numbers."""
        entries: list[Any] = list(self.books[0 if self.joint else player])
        if self.joint:
            return [tuple(None if part is None else observation_of(part[0]) for part in entry) for entry in entries]
        return [observation_of(entry[0]) for entry in entries]


def key_of(observation: Any) -> Hashable:
    """Return an observation as a value that can be compared and hashed, from which it can be made again.

    Raises
    ------
    GameError
        For an observation that is none of those which the module names.
    """
    if type(observation) is int:
        return observation
    if isinstance(observation, np.ndarray):
        if observation.dtype.kind == "O":
            return key_of(observation.tolist())
        # Adding zero makes -0.0 and 0.0 the same.
        same = observation + 0 if observation.dtype.kind == "f" else observation
        return "array", same.dtype.str, same.shape, same.tobytes()
    if isinstance(observation, (bool, str, bytes)) or observation is None:
        return observation
    if isinstance(observation, (int, np.integer)):
        return int(observation)
    if isinstance(observation, (float, np.floating)):
        return float(observation) + 0.0
    if isinstance(observation, np.bool_):
        return bool(observation)
    if isinstance(observation, (tuple, list)):
        return "tuple", *map(key_of, observation)
    if isinstance(observation, Mapping):
        return "dict", *((str(name), key_of(observation[name])) for name in sorted(observation, key=str))
    raise GameError(
        f"an observation is {short(observation)}: give observed(...) a key that makes it numbers, texts, arrays, or "
        "tuples or dictionaries of them"
    )


def observation_of(entry: Any) -> Any:
    """Return the observation that has a key."""
    if not isinstance(entry, tuple) or not entry:
        return entry
    if entry[0] == "array" and len(entry) == 4:
        return np.frombuffer(entry[3], dtype=entry[1]).reshape(entry[2])
    if entry[0] == "tuple":
        return tuple(map(observation_of, entry[1:]))
    if entry[0] == "dict":
        return {name: observation_of(part) for name, part in entry[1:]}
    return entry
