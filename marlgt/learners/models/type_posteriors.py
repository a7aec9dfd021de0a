"""Beliefs about a player's type: which of some known policies she follows.

With prior weights of the types, finite-state policies as in :mod:`marlgt.learners.models.machines`, the posterior
after a history h is, by Bayes (Albrecht, Christianos and Schaefer 2024, eq. 6.18)::

    Pr(type | h)  proportional to  Pr(type) prod_t  type(a_j^t | h^t)

If the truth is among the types and has positive weight, predictions merge with what is played (Kalai and Lehrer 1993);
types that the history does not tell apart keep the ratio of their weights.

References
----------
Albrecht, S. V., Christianos, F. and Schaefer, L. (2024). Multi-Agent Reinforcement Learning: Foundations and Modern
Approaches, section 6.3.3. MIT Press.
Kalai, E. and Lehrer, E. (1993). Rational learning leads to Nash equilibrium. Econometrica 61, 1019-1045.
Albrecht, S. V., Crandall, J. W. and Ramamoorthy, S. (2016). Belief and truth in hypothesised behaviours. Artificial
Intelligence 235, 63-94.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.learners.models.machines import PolicyMachine

__all__ = ["TypePosterior", "type_posterior"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TypePosterior:
    """What is known of a player's type; made by :func:`type_posterior`.

    Attributes
    ----------
    types : tuple of PolicyMachine
        All of one player.
    probabilities : ndarray, shape (T,)
    positions : tuple of int
        The machine state of each type.
    """

    types: tuple[PolicyMachine, ...]
    probabilities: Floats
    positions: tuple[int, ...]

    @property
    def player(self) -> int:
        """The player whose type it is."""
        return self.types[0].player

    def likelihoods(self, state: int = 0) -> Floats:
        """Return what each type plays next, shape (T, A_j)."""
        return np.array([kind.probabilities(place, state) for kind, place in zip(self.types, self.positions)])

    def predictive(self, state: int = 0) -> Floats:
        """Return the probability of each next action, shape (A_j,)."""
        return np.asarray(self.probabilities @ self.likelihoods(state))

    def observed(self, actions: Sequence[int], *, state: int = 0) -> TypePosterior:
        """Return the posterior after both have played.

        Parameters
        ----------
        actions : sequence of int
            The profile.
        state : int
            The state of the game in which it was played.

        Raises
        ------
        GameError
            If no type could have played so.
        """
        profile = int(np.ravel_multi_index(tuple(int(a) for a in actions), self.types[0].n_actions))
        weights = self.probabilities * self.likelihoods(state)[:, int(actions[self.player])]
        total = weights.sum()
        if not total > 0:
            raise GameError(
                f"none of the {len(self.types)} types plays action {int(actions[self.player])} there: add a type that "
                "may, or give types noise with trembling(machine, 0.01)"
            )
        places = tuple(kind.after(place, profile) for kind, place in zip(self.types, self.positions))
        return TypePosterior(self.types, weights / total, places)

    def restarted(self) -> TypePosterior:
        """Return the same beliefs about types that begin anew."""
        return TypePosterior(self.types, self.probabilities, tuple(kind.initial for kind in self.types))

    def key(self) -> tuple[Any, ...]:
        """Return what tells belief states apart; the place of a type that is refuted does not matter."""
        shares = np.round(self.probabilities, 12)
        return (*((p if w > 0 else -1) for p, w in zip(self.positions, shares)), *shares.tolist())


def type_posterior(types: Sequence[PolicyMachine], *, prior: ArrayLike | None = None) -> TypePosterior:
    """Return the prior beliefs about a player's type.

    Parameters
    ----------
    types : sequence of T PolicyMachine
        Of the same player.
    prior : array_like, shape (T,), optional
        By default uniform.

    Raises
    ------
    GameError
        For types of different players, and a prior that is no distribution.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> types = [gt.learners.always(game, 1, 0), gt.learners.stationary_machine(game, 1, [0.5, 0.5])]
    >>> type_posterior(types).observed((0, 0)).probabilities
    array([0.66666667, 0.33333333])
    """
    kinds = tuple(types)
    if not kinds or not all(isinstance(kind, PolicyMachine) for kind in kinds):
        raise GameError(f"types is {short(types)}: list PolicyMachines, such as tit_for_tat(game, 1)")
    if len({(kind.player, kind.n_actions) for kind in kinds}) > 1:
        raise GameError("the types must all be of one player of one game")
    weights = np.full(len(kinds), 1.0 / len(kinds)) if prior is None else np.array(prior, dtype=np.float64)
    if weights.shape != (len(kinds),) or not (weights >= 0).all() or not abs(weights.sum() - 1.0) <= 1e-9:
        raise GameError(f"prior is {short(prior)}: give a distribution over {len(kinds)} types")
    return TypePosterior(kinds, weights / weights.sum(), tuple(kind.initial for kind in kinds))
