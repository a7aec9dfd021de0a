"""Action spaces of Gymnasium as networks see them: one choice, several choices, or numbers from -1 to 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from marlgt.errors import GameError, UnsupportedGame

__all__ = ["ActionForm", "action_form"]


class ActionForm(NamedTuple):
    """How actions are told, and what becomes of them.

    Attributes
    ----------
    n_actions, action_size : int
    action_choices : tuple of int
        See :class:`~marlgt.deep.environments.BatchEnv`.
    own : callable
        ``own(action)`` gives what the environment takes: of a number, a list of whole numbers, or a row of numbers from
        -1 to 1.
    key : tuple
        The same for spaces that are alike.
    """

    n_actions: int
    action_size: int
    action_choices: tuple[int, ...]
    own: Callable[[Any], Any]
    key: tuple[Any, ...]


def action_form(space: Any, whose: str, continuous: bool, way: str) -> ActionForm:
    """Return how actions of a space are told.

    Parameters
    ----------
    space : gymnasium.spaces.Space
    whose : str
        Whose actions they are, for errors.
    continuous : bool
        Whether other actions than single choices are welcome.
    way : str
        What to do where they are not.

    Raises
    ------
    UnsupportedGame
        For spaces that are not welcome, have no bounds, or are of another kind.
    """
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        start, count = int(space.start), int(space.n)
        return ActionForm(count, 0, (), lambda action: action + start, ("choice", count, start))
    if not continuous:
        kind = "continuous" if isinstance(space, spaces.Box) else f"a {type(space).__name__} space"
        raise UnsupportedGame(
            f"the actions of {whose} are {kind}, and learners of action values choose from a list: train PPO, or {way}"
        )
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1:
        return _choices(space)
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating):
        return _numbers(space, whose)
    raise UnsupportedGame(
        f"the actions of {whose} are {space}, and policies here give one choice, several choices, or numbers between "
        "bounds: put a wrapper around the environment that has such actions"
    )


def _choices(space: Any) -> ActionForm:
    sizes = tuple(int(size) for size in space.nvec)
    starts = np.asarray(space.start, np.int64)

    def own(action: Any) -> Any:
        chosen = np.asarray(action, np.int64)
        if chosen.shape != starts.shape or (chosen < 0).any() or (chosen >= space.nvec).any():
            raise GameError(f"the choices {chosen.tolist()} are not one from 0 on for each of the sizes {list(sizes)}")
        return (chosen + starts).astype(space.dtype)

    return ActionForm(0, 0, sizes, own, ("choices", sizes, tuple(starts.tolist())))


def _numbers(space: Any, whose: str) -> ActionForm:
    low, high = np.asarray(space.low, np.float64), np.asarray(space.high, np.float64)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise UnsupportedGame(
            f"the actions of {whose} have no bounds, and numbers from -1 to 1 cannot be scaled to them: put "
            "gymnasium.wrappers.RescaleAction or another wrapper with finite bounds around the environment"
        )
    middle, reach = (high + low) / 2.0, (high - low) / 2.0

    def own(action: Any) -> Any:
        numbers = np.asarray(action, np.float64)
        if numbers.size != low.size or np.isnan(numbers).any():
            raise GameError(f"the action {numbers.tolist()} is not {low.size} numbers from -1 to 1")
        scaled = middle + reach * numbers.reshape(low.shape).clip(-1.0, 1.0)
        # Rounding may lead a hair out of the bounds.
        return scaled.astype(space.dtype).clip(space.low, space.high)

    key = ("numbers", low.shape, tuple(low.ravel().tolist()), tuple(high.ravel().tolist()))
    return ActionForm(0, int(low.size), (), own, key)
