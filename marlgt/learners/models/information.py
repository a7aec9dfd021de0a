"""The value of information: what an action is worth against a player of unknown type, counting what it tells.

With the posterior of :mod:`marlgt.learners.models.type_posteriors` (Albrecht, Christianos and Schaefer 2024, eq. 6.19
and 6.20)::

    VI(a_i | h) = sum over types of Pr(type | h) sum over a_j of type(a_j | h) Q(a_i, a_j | h)
    Q(a | h)    = sum over s' of T(s' | s, a) [ R_i(s, a) + discount max over b of VI(b | h a s') ]

The recursion runs over the belief states that can come about: the state of the game, the machine state of each type,
and the posterior. Histories that lead to the same are one, so that deterministic types need few of them. With a horizon
it is exact; without one, belief states are found until no new ones come, or so deep that the discount hides the rest.

References
----------
Albrecht, S. V., Christianos, F. and Schaefer, L. (2024). Multi-Agent Reinforcement Learning: Foundations and Modern
Approaches, section 6.3.3. MIT Press.
Chalkiadakis, G. and Boutilier, C. (2003). Coordination in multiagent reinforcement learning: a Bayesian approach.
AAMAS.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole
from marlgt.games.stochastic import StochasticGame
from marlgt.learners.models.type_posteriors import TypePosterior
from marlgt.learners.settings import Setting, setting_of

__all__ = ["checked_discount", "checked_game", "value_of_information"]

Floats = NDArray[np.float64]

TOLERANCE = 1e-12
LARGEST_HORIZON = 100_000


def value_of_information(
    game: Any,
    posterior: TypePosterior,
    *,
    state: int = 0,
    horizon: int | None = None,
    discount: float | None = None,
    tolerance: float = TOLERANCE,
    budget: int = 200_000,
) -> Floats:
    """Return what each action is worth to the player who plays against the type, counting what it tells.

    Parameters
    ----------
    game : NormalFormGame, played again and again, or StochasticGame
        Of two players.
    posterior : TypePosterior
    state : int
    horizon : int, optional
        Steps that are left; 1 is myopic. By default there is no end.
    discount : float, optional
        By default that of a stochastic game, and 1 for a normal-form game with a horizon.
    tolerance : float
        Largest error without a horizon, as a share of the largest possible value.
    budget : int
        Most belief states.

    Returns
    -------
    ndarray, shape (A_i,)
        Minus infinity for illegal actions.

    Raises
    ------
    UnsupportedGame
        For games that are not of two players.
    GameError
        For a discount of 1 without a horizon, and settings out of their ranges.
    BudgetExceeded
        If there are more belief states.

    Examples
    --------
    The other either always cooperates or is a grim trigger; with ten rounds to go, to find out costs more than it is
    worth (Albrecht, Christianos and Schaefer 2024, section 6.3.3):

    >>> import marlgt as gt
    >>> game = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
    >>> types = [gt.learners.always(game, 1, 0), gt.learners.grim_trigger(game, 1)]
    >>> value_of_information(game, gt.learners.type_posterior(types), horizon=10)
    array([ -9. , -13.5])
    """
    setting = setting_of(game)
    shrink = checked_discount(setting, discount, horizon)
    graph = _Graph(checked_game(setting, posterior), posterior.player, budget)
    require_whole(state, "state", least=0)
    if state >= setting.n_states:
        raise GameError(f"state is {state}: the game has states 0 to {setting.n_states - 1}")
    steps = horizon
    if steps is None:
        # What lies beyond is worth at most discount^steps of the largest value.
        steps = min(LARGEST_HORIZON, 1 if shrink == 0 else 1 + math.ceil(math.log(tolerance) / math.log(shrink)))
    graph.grow(state, posterior, steps)
    return graph.values(steps, shrink, 0.0 if horizon is not None else tolerance)


class _Graph:
    """The belief states that can come about, and what comes of each action in each."""

    def __init__(self, game: StochasticGame, other: int, budget: int) -> None:
        self.game, self.other, self.player, self.budget = game, other, 1 - other, budget
        self.numbers: dict[tuple[Any, ...], int] = {}
        self.legal: list[NDArray[np.bool_]] = []
        self.paid: list[Floats] = []
        # Edges: the row (belief state and action), how likely it is, and the belief state that it leads to.
        self.rows: list[int] = []
        self.shares: list[float] = []
        self.ends: list[int] = []

    def grow(self, state: int, posterior: TypePosterior, depth: int) -> None:
        """Find the belief states at most so many steps away."""
        self.numbers = {(state, *posterior.key()): 0}
        layer = [(state, posterior)]
        for _ in range(depth):
            reached: list[tuple[int, TypePosterior]] = []
            for here, known in layer:
                self._expand(here, known, reached)
            layer = reached
            if not layer:
                break

    def _expand(self, state: int, known: TypePosterior, reached: list[tuple[int, TypePosterior]]) -> None:
        game, count = self.game, self.game.n_actions[self.player]
        row = len(self.paid) * count
        chances = known.predictive(state)
        rewards = game.rewards[self.player, state]
        rewards = rewards if self.player == 0 else rewards.T
        own_legal = game.legal[self.player][state]
        self.legal.append(own_legal)
        self.paid.append(rewards @ chances)
        for own in np.flatnonzero(own_legal):
            for action in np.flatnonzero(chances > 0):
                profile = (int(own), int(action)) if self.player == 0 else (int(action), int(own))
                then = known.observed(profile, state=state)
                for end, share in zip(game.successors[(state, *profile)], game.probabilities[(state, *profile)]):
                    if share > 0 and not game.terminal[end]:
                        place = self._numbered(int(end), then, reached)
                        self.rows.append(row + int(own))
                        self.shares.append(float(chances[action] * share))
                        self.ends.append(place)

    def _numbered(self, state: int, known: TypePosterior, reached: list[tuple[int, TypePosterior]]) -> int:
        key = (state, *known.key())
        place = self.numbers.get(key)
        if place is None:
            place = self.numbers[key] = len(self.numbers)
            if place >= self.budget:
                raise BudgetExceeded(
                    f"more than {self.budget:,} belief states can come about: look less far ahead with horizon, or "
                    "take types that play deterministically",
                    estimate=float(place + 1),
                    limit=float(self.budget),
                )
            reached.append((state, known))
        return place

    def values(self, steps: int, discount: float, tolerance: float) -> Floats:
        """Return what the actions of the first belief state are worth with so many steps left."""
        # Belief states are numbered in the order of their depth, and those at the last depth have no rows: their worth
        # is read only where no step is left, as 0.
        inner = len(self.paid)
        paid = np.where(np.array(self.legal), np.array(self.paid), -np.inf)
        rows, ends = np.array(self.rows, dtype=np.int64), np.array(self.ends, dtype=np.int64)
        shares = discount * np.array(self.shares)
        worth = np.zeros(len(self.numbers))
        result = paid
        for _ in range(steps):
            ahead = np.bincount(rows, weights=shares * worth[ends], minlength=paid.size)
            result = paid + ahead.reshape(paid.shape)
            before = worth[:inner].copy()
            worth[:inner] = result.max(axis=1)
            settled = np.abs(worth[:inner] - before).max() <= tolerance * (1.0 - discount) * np.abs(worth).max()
            if tolerance > 0 and inner == len(worth) and settled:
                break
        return np.asarray(result[0])


def checked_game(setting: Setting, posterior: TypePosterior) -> StochasticGame:
    """Return the tabulated game of two that the types were made for."""
    if not isinstance(posterior, TypePosterior):
        raise GameError(f"posterior is {short(posterior)}: give what type_posterior(types) returns")
    if setting.game is None or setting.n_players != 2:
        raise UnsupportedGame("type-based reasoning is for tabulated games of two players, whose payoffs are known")
    if posterior.types[0].n_actions != setting.n_actions:
        raise GameError(
            f"the types were made for a game with {posterior.types[0].n_actions} actions, this one has "
            f"{setting.n_actions}: make them for the game"
        )
    return setting.game


def checked_discount(setting: Setting, discount: Any, horizon: Any) -> float:
    """Return the discount to plan with."""
    if horizon is not None:
        require_whole(horizon, "horizon", least=1)
    if discount is None and setting.one_shot and horizon is not None:
        return 1.0
    value = discount if discount is not None else setting.discount
    if discount is None and setting.one_shot:
        raise GameError("a normal-form game is repeated without end or discount: give a discount or a horizon")
    if isinstance(value, bool) or not isinstance(value, float | int) or not 0.0 <= value <= 1.0:
        raise GameError(f"discount is {short(value)}: give a number from 0 to 1")
    if value == 1.0 and horizon is None:
        raise GameError("discount is 1 and there is no horizon, so that values may be infinite: give one of the two")
    return float(value)
