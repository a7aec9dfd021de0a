"""Type-based play: a learner who holds the other to follow one of some policies, and finds out which by playing.

She keeps the posterior of :mod:`marlgt.learners.models.type_posteriors` and plays what
:mod:`marlgt.learners.models.information` says is worth most. With a horizon of 1 she is myopic: she takes what comes
for information, but never pays for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.learners.models.information import checked_discount, checked_game, value_of_information
from marlgt.learners.models.machines import PolicyMachine
from marlgt.learners.models.type_posteriors import type_posterior
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Transition

__all__ = ["TypeBased"]

Floats = NDArray[np.float64]


class TypeBased:
    """A learner who holds the other to follow one of some types, and plays what is worth most, counting what it tells.

    She plays step by step, not in the fused loop. After an episode the types begin anew, and her beliefs stay.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
        Of two players; her own payoffs and the transitions are known to her.
    player : int or str
    types : sequence of PolicyMachine
        Of the other player.
    prior : array_like, optional
    horizon : int, optional
        How many steps she looks ahead, always as many; 1 is myopic. By default without end.
    discount : float, optional
        By default that of a stochastic game; for a normal-form game it must be given unless there is a horizon.
    budget : int

    Attributes
    ----------
    posterior : TypePosterior

    Examples
    --------
    Who may face a grim trigger and is patient does not try what a defection would bring:

    >>> import marlgt as gt
    >>> game = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
    >>> types = [gt.learners.always(game, 1, 0), gt.learners.grim_trigger(game, 1)]
    >>> pair = [TypeBased(game, 0, types=types, discount=0.99), gt.learners.MachinePlayer(types[1])]
    >>> run = gt.learners.play(game, pair, steps=50, seed=0, record=1)
    >>> run.rewards[0, 0].tolist()
    [-1.0, -1.0]
    """

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        types: Sequence[PolicyMachine],
        prior: ArrayLike | None = None,
        horizon: int | None = None,
        discount: float | None = None,
        budget: int = 20_000,
    ) -> None:
        self.setting = setting_of(game)
        self.player = checked_player(self.setting, player)
        self.posterior = type_posterior(types, prior=prior)
        checked_game(self.setting, self.posterior)
        if self.posterior.player == self.player:
            raise GameError(f"the types are of player {self.player}, the learner herself: give types of the other")
        checked_discount(self.setting, discount, horizon)
        self._options = {"horizon": horizon, "discount": discount, "budget": budget}
        self._known: dict[tuple[Any, ...], Floats] = {}

    def worth(self, observation: int) -> Floats:
        """Return what her actions are worth in a state, shape (A_player,)."""
        key = (observation, *self.posterior.key())
        if key not in self._known:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[key] = value_of_information(
                self.setting,
                self.posterior,
                state=observation,
                **self._options,  # type: ignore[arg-type]
            )
        return self._known[key]

    def act(self, observation: int, rng: np.random.Generator) -> int:
        """Return an action that is worth most; one of several is drawn."""
        return int(rng.choice(np.flatnonzero(self._best(observation))))

    def observe(self, transition: Transition) -> None:
        """Update the beliefs about the type."""
        s, actions, _, _, terminated, truncated = transition
        self.posterior = self.posterior.observed(actions, state=s)
        if terminated or truncated:
            self.posterior = self.posterior.restarted()

    def policy(self) -> Floats:
        """Return what she would play now in each state, ties shared, shape (S, A_player)."""
        rows = np.array([self._best(s) for s in range(self.setting.n_states)], dtype=np.float64)
        rows /= rows.sum(axis=1, keepdims=True)
        return np.asarray(rows[0] if self.setting.one_shot else rows)

    def _best(self, observation: int) -> NDArray[np.bool_]:
        worth = self.worth(observation)
        return np.asarray(worth >= worth.max() - 1e-9 * max(1.0, abs(float(worth.max()))))
