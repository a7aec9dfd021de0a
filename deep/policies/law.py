"""What all laws of actions have in common, and which law belongs to which actions.

A law has no parameters: it reads the outputs of a network, of O numbers an agent, as a distribution over her actions.

======================  ======================  ==============  ==========================================
actions                 stored as               shape           law
======================  ======================  ==============  ==========================================
one choice of A         int64                   (...)           :class:`~.categorical.Categorical`
m choices at once       int64                   (..., m)        :class:`~.multi_categorical.MultiCategorical`
d numbers               float32, from -1 to 1   (..., d)        :class:`~.diagonal_gaussian.DiagonalGaussian`
                                                                or :class:`~.squashed_gaussian.SquashedGaussian`
======================  ======================  ==============  ==========================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from marlgt.errors import GameError

__all__ = ["Law", "law_of"]


class Law(Protocol):
    """A distribution over an agent's actions, given the outputs of her network.

    Attributes
    ----------
    n_outputs : int
        O.
    n_scales : int
        How many of the last outputs are log σ, which a head may hold as free parameters; 0 for choices.
    action_shape : tuple of int
        Of one agent's action: (), (m,) or (d,).
    action_dtype : torch.dtype
    """

    n_outputs: int
    n_scales: int
    action_shape: tuple[int, ...]
    action_dtype: torch.dtype

    def log_probability(self, outputs: Tensor, actions: Tensor) -> Tensor:
        """Return log π(a) or its density's, shape (...), of actions ``(..., *action_shape)`` under outputs (..., O)."""

    def entropy(self, outputs: Tensor) -> Tensor:
        """Return the entropy, shape (...), in nats."""

    def sample(self, outputs: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Return an action drawn for each row of outputs (S, ..., O), seed s's from ``generators[s]``."""

    def mode(self, outputs: Tensor) -> Tensor:
        """Return what is played without chance, shape ``(..., *action_shape)``."""

    def divergence(self, old: Tensor, new: Tensor) -> Tensor:
        """Return the Kullback-Leibler divergence KL(old || new), shape (...)."""

    def masked(self, outputs: Tensor, allowed: Tensor | None) -> Tensor:
        """Return outputs under which what is not allowed has probability 0; the same tensor where there is no mask."""


def law_of(n_actions: int, action_size: int, action_choices: tuple[int, ...], squashed: bool = False) -> Law:
    """Return the law of a task's actions.

    Parameters
    ----------
    n_actions : int
        A, the actions of one choice; 0 where there are others.
    action_size : int
        d, the numbers of an action; 0 where it is chosen.
    action_choices : tuple of int
        The sizes of choices made at once; () where there are others.
    squashed : bool
        Whether numbers are kept between -1 and 1 by tanh; otherwise the environment clips what is outside.

    Raises
    ------
    GameError
        Unless exactly one kind of action is told of.

    Examples
    --------
    >>> law_of(0, 3, ()).n_outputs
    6
    """
    from marlgt.deep.policies.categorical import Categorical
    from marlgt.deep.policies.diagonal_gaussian import DiagonalGaussian
    from marlgt.deep.policies.multi_categorical import MultiCategorical
    from marlgt.deep.policies.squashed_gaussian import SquashedGaussian

    if (n_actions > 0) + (action_size > 0) + bool(action_choices) != 1:
        raise GameError(
            "actions are either one choice, several choices, or numbers, got n_actions="
            f"{n_actions}, action_size={action_size} and action_choices={action_choices}: give one of them"
        )
    if action_size:
        return SquashedGaussian(action_size) if squashed else DiagonalGaussian(action_size)
    return MultiCategorical(action_choices) if action_choices else Categorical(n_actions)
