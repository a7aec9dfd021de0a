"""Learning curves: what the greedy policies of all seeds earned at each evaluation, and how the training went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError

__all__ = ["Curve", "Evaluation"]

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One point of a curve, for the S seeds of a run.

    Attributes
    ----------
    steps : int
        Environment steps that each seed has trained for.
    returns : ndarray, shape (S, episodes)
        Undiscounted return of each evaluation episode; nan where a seed was not evaluated.
    lengths : ndarray of int64, shape (S, episodes)
        Steps of each episode.
    success_rates : ndarray, shape (S,)
        Share of the episodes that reached their goal; nan where the task knows no success.
    training_returns : ndarray, shape (S,)
        Mean return of the training episodes that ended since the point before; nan where none did.
    losses : ndarray, shape (S,)
        Mean loss of the updates since the point before; nan where there was none.
    exploration : float
        Share of random actions; of algorithms that learn policies, their mean entropy in the last rollout, nats, and
        nan before the first.
    steps_per_second : float
        Environment steps of all seeds together, learning included, over wall time since the point before.
    """

    steps: int
    returns: Floats
    lengths: Wholes
    success_rates: Floats
    training_returns: Floats
    losses: Floats
    exploration: float = np.nan
    steps_per_second: float = np.nan

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value = np.array(getattr(self, name), dtype=kind)
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        if self.returns.ndim != 2 or self.lengths.shape != self.returns.shape:
            raise GameError(
                "an evaluation needs returns and lengths of shape (seeds, episodes), got "
                f"{self.returns.shape} and {self.lengths.shape}"
            )
        for name in _BY_SEED:
            if getattr(self, name).shape != self.returns.shape[:1]:
                raise GameError(
                    f"an evaluation of {len(self.returns)} seeds needs {name} of shape ({len(self.returns)},), got "
                    f"{getattr(self, name).shape}"
                )

    def facts(self) -> dict[str, Any]:
        """Return the point as a mapping, as a curve in a file has it."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Evaluation:
        """Return the point of which :meth:`facts` told, where null stands for what is not a number.

        Raises
        ------
        KeyError, TypeError, ValueError
            If a part is missing, or is not made of numbers, or its shape does not fit.
        """
        arrays = {name: np.array(facts[name], dtype=np.float64) for name in _KINDS}
        if not np.isfinite(arrays["lengths"]).all():
            raise GameError("the lengths of an evaluation must be whole numbers")
        numbers = {name: float("nan" if facts[name] is None else facts[name]) for name in _NUMBERS}
        parts: dict[str, Any] = {**arrays, **numbers}
        return cls(int(facts["steps"]), **parts)


_KINDS: dict[str, Any] = {
    "returns": np.float64,
    "lengths": np.int64,
    "success_rates": np.float64,
    "training_returns": np.float64,
    "losses": np.float64,
}
_BY_SEED = ("success_rates", "training_returns", "losses")
_NUMBERS = ("exploration", "steps_per_second")


@dataclass(frozen=True, eq=False)
class Curve:
    """The evaluations of a run: P points of S seeds.

    Attributes
    ----------
    seeds : tuple of int
    points : tuple of Evaluation
        All with equally many episodes, at growing steps.
    """

    seeds: tuple[int, ...]
    points: tuple[Evaluation, ...] = ()

    def __post_init__(self) -> None:
        shapes = {point.returns.shape for point in self.points}
        if len(shapes) > 1:
            raise GameError(f"the points of a curve need returns of one shape, got {sorted(shapes)}")
        if shapes and next(iter(shapes))[0] != len(self.seeds):
            raise GameError(f"a curve of {len(self.seeds)} seeds has points of {next(iter(shapes))[0]} seeds")
        if np.any(np.diff(self.steps) <= 0):
            raise GameError(f"the points of a curve stand at growing steps, got {self.steps.tolist()}")

    def __len__(self) -> int:
        return len(self.points)

    def extended(self, point: Evaluation) -> Curve:
        """Return the curve with one more point."""
        return Curve(self.seeds, (*self.points, point))

    @property
    def steps(self) -> Wholes:
        """Environment steps of each seed at each point, shape (P,)."""
        return np.array([point.steps for point in self.points], dtype=np.int64)

    @property
    def returns(self) -> Floats:
        """Return of each evaluation episode, shape (P, S, episodes)."""
        return self._stacked("returns", (0, len(self.seeds), 0))

    @property
    def lengths(self) -> Wholes:
        """Steps of each evaluation episode, shape (P, S, episodes)."""
        return self._stacked("lengths", (0, len(self.seeds), 0)).astype(np.int64)

    @property
    def success_rates(self) -> Floats:
        """Share of successful evaluation episodes, shape (P, S)."""
        return self._stacked("success_rates", (0, len(self.seeds)))

    @property
    def training_returns(self) -> Floats:
        """Mean return of training episodes since the point before, shape (P, S)."""
        return self._stacked("training_returns", (0, len(self.seeds)))

    @property
    def losses(self) -> Floats:
        """Mean loss since the point before, shape (P, S)."""
        return self._stacked("losses", (0, len(self.seeds)))

    @property
    def exploration(self) -> Floats:
        """Share of random actions, or mean entropy of policies, at each point, shape (P,)."""
        return self._stacked("exploration", (0,))

    @property
    def steps_per_second(self) -> Floats:
        """Environment steps of all seeds a second, shape (P,)."""
        return self._stacked("steps_per_second", (0,))

    @property
    def mean_return(self) -> Floats:
        """Mean return of the evaluation episodes, shape (P, S)."""
        returns = self.returns
        if returns.shape[2] == 0:
            return np.full(returns.shape[:2], np.nan)
        mean: Floats = returns.mean(axis=2)
        return mean

    @property
    def final(self) -> Floats:
        """Mean return of each seed at the last point, shape (S,).

        Raises
        ------
        GameError
            If the curve has no point yet.
        """
        if not self.points:
            raise GameError("the curve has no evaluation yet: let the run reach its first one")
        last: Floats = self.mean_return[-1]
        return last

    def solved_at(self, threshold: float) -> Floats:
        """Return the environment steps of each seed's first point whose mean return reaches a threshold, shape (S,).

        Seeds that never reach it have nan.
        """
        reached = self.mean_return >= threshold
        first = np.where(reached, self.steps[:, None], np.inf).min(axis=0, initial=np.inf)
        return np.where(np.isfinite(first), first, np.nan)

    def _stacked(self, name: str, empty: Sequence[int]) -> Floats:
        if not self.points:
            return np.zeros(empty)
        return np.stack([np.asarray(getattr(point, name), dtype=np.float64) for point in self.points])
