"""The movers of an extensive game, and the information sets of each with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHANCE", "TERMINAL", "BehaviorProfile", "Infosets", "uniform_policies"]

CHANCE = -1
"""The mover at a node where chance moves."""

TERMINAL = -2
"""The mover at a node where the game is over."""

BehaviorProfile = tuple[NDArray[np.float64], ...]
"""One behaviour policy per player, in player order, of shapes (I_i, A_i)."""


@dataclass(frozen=True)
class Infosets:
    """The information sets of one player, or of chance.

    Attributes
    ----------
    n_actions : ndarray of int32, shape (I,)
    labels : tuple of str
        One per information set, or empty where they are only numbered.
    actions : tuple of tuple of str
        The labels of the actions of each, or empty where they are only numbered.
    """

    n_actions: NDArray[np.int32]
    labels: tuple[str, ...] = ()
    actions: tuple[tuple[str, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.n_actions)

    @property
    def most_actions(self) -> int:
        """The number of actions of the largest information set, 0 if there is none."""
        return int(self.n_actions.max()) if len(self) else 0

    @cached_property
    def is_action(self) -> NDArray[np.bool_]:
        """Whether an entry of a policy is an action or fills up its row, shape (I, A)."""
        return np.arange(self.most_actions)[None, :] < self.n_actions[:, None]

    def label(self, infoset: int) -> str:
        """Return the label of an information set, its number where it has none."""
        return self.labels[infoset] if self.labels else str(infoset)

    def action_labels(self, infoset: int) -> tuple[str, ...]:
        """Return the labels of the actions of an information set, numbers where they have none."""
        return self.actions[infoset] if self.actions else tuple(map(str, range(int(self.n_actions[infoset]))))


def uniform_policies(tables: Sequence[Infosets]) -> BehaviorProfile:
    """Return the profile in which every player chooses each action of each information set alike."""
    profile = []
    for sets in tables:
        policy = np.zeros((len(sets), sets.most_actions))
        for count in np.unique(sets.n_actions):
            policy[np.flatnonzero(sets.n_actions == count), :count] = 1.0 / count
        profile.append(policy)
    return tuple(profile)
