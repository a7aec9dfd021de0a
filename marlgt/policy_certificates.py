"""Certificates of policies: the exact gain from deviating in games with turns and games with states.

How the gain is computed stands in :mod:`marlgt.concepts.policies`.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Rational
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts.policies import policy_worth
from marlgt.concepts.stationary import value_units
from marlgt.equilibria import Certificate, Equilibrium
from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.sequence_form import checked_behavior
from marlgt.games.stochastic import StochasticGame

__all__ = ["certified_exact_policies", "certified_policies", "certify_policies", "relative_policy_epsilon"]


def certified_policies(
    game: ExtensiveGame | StochasticGame,
    profile: Any,
    *,
    method: str,
    work: Mapping[str, int] | None = None,
    seconds: float = 0.0,
    concept: str = "nash",
    complete: bool = False,
    error_bound: float | None = None,
    trace: NDArray[np.float64] | None = None,
) -> Equilibrium:
    """Return a solver's policies as a result, their certificate computed here.

    Parameters
    ----------
    profile : sequence of n ndarrays
        Behaviour policies of shapes (I_i, A_i), or stationary policies of shapes (S, A_i).
    method : str
    work, seconds, concept, complete, error_bound, trace
        As in :class:`~marlgt.Equilibrium`.

    Raises
    ------
    ProfileError, UnsupportedGame
        As :func:`policy_worth`.
    """
    values, regrets, by_state = policy_worth(game, profile)
    policies = tuple(np.array(policy, dtype=np.float64) for policy in profile)
    arrays = [*policies, values, regrets] + [a for a in (by_state, trace) if a is not None]
    for array in arrays:
        array.flags.writeable = False
    return Equilibrium(
        concept=concept,
        profile=policies,
        joint=None,
        values=values,
        regrets=regrets,
        exact=False,
        method=method,
        work=work,
        seconds=seconds,
        complete=complete,
        state_values=by_state,
        error_bound=error_bound,
        trace=trace,
    )


def relative_policy_epsilon(game: ExtensiveGame | StochasticGame, answer: Equilibrium) -> float:
    """Return the largest regret of an answer as a share of what is at stake for that player.

    In an extensive game that is the range of the player's payoffs, in a stochastic game what
    :func:`~marlgt.concepts.stationary.value_units` gives for the answer's state values.
    """
    if isinstance(game, StochasticGame):
        stakes = value_units(game, np.asarray(answer.state_values))
    else:
        stakes = np.where(game.payoff_range > 0.0, game.payoff_range, 1.0)
    return float((answer.regrets / stakes).max())


def certified_exact_policies(
    game: ExtensiveGame,
    profile: Any,
    *,
    method: str,
    work: Mapping[str, int] | None = None,
    seconds: float = 0.0,
    complete: bool = False,
) -> Equilibrium:
    """Return behaviour policies in fractions as a result, their certificate computed here without rounding.

    Parameters
    ----------
    profile : sequence of n object ndarray of Fraction, shapes (I_i, A_i)
    method, work, seconds, complete
        As in :class:`~marlgt.Equilibrium`.

    Raises
    ------
    ExactnessError
        If the game holds floats.
    UnsupportedGame
        If a player forgets.
    """
    from marlgt.concepts.exact_behavior import exact_behavior_regrets

    values, regrets = exact_behavior_regrets(game, profile)
    floats = tuple(policy.astype(np.float64) for policy in profile)
    arrays = [values.astype(np.float64), regrets.astype(np.float64)]
    for array in (*profile, *floats, *arrays):
        array.flags.writeable = False
    return Equilibrium(
        concept="nash",
        profile=floats,
        joint=None,
        values=arrays[0],
        regrets=arrays[1],
        exact=True,
        method=method,
        exact_profile=tuple(profile),
        work=work,
        seconds=seconds,
        complete=complete,
    )


def certify_policies(game: ExtensiveGame | StochasticGame, answer: Any, concept: str) -> Certificate:
    """Return what policies, or a distribution over reduced pure strategies, are worth and what deviating gains.

    Parameters
    ----------
    game : ExtensiveGame or StochasticGame
    answer : profile or joint distribution
    concept : str
        As in :func:`marlgt.certify`.

    Raises
    ------
    ProfileError
        If the answer does not fit the game.
    GameError
        If the concept has no certificate for such a game.
    """
    if not isinstance(concept, str):
        raise GameError(f"concept is {short(concept)}: give the name of one, such as 'nash'")
    in_extensive_form = {"extensive_form_correlated": False, "extensive_form_coarse_correlated": True}
    if isinstance(game, ExtensiveGame) and concept in in_extensive_form:
        from marlgt.concepts.trigger_deviations import trigger_regrets

        values, regrets = trigger_regrets(game, answer, coarse=in_extensive_form[concept])
        return Certificate(concept, values, regrets, False)
    if isinstance(game, StochasticGame) and concept == "correlated":
        from marlgt.concepts.stationary_correlated import correlated_worth

        values, regrets, _ = correlated_worth(game, answer)
        return Certificate(concept, values, regrets, False)
    if isinstance(game, ExtensiveGame) and concept == "subgame_perfect":
        from marlgt.concepts.subgames import subgame_regrets

        values, _, _ = policy_worth(game, answer)
        return Certificate(concept, values, subgame_regrets(game, answer).max(axis=1), False)
    if concept != "nash":
        further = ["subgame_perfect", *in_extensive_form] if isinstance(game, ExtensiveGame) else ["correlated"]
        known = ["nash", *further]
        raise GameError(
            f"concept {concept!r} has no certificate for games of type {type(game).__name__}: use {' or '.join(known)}"
        )
    if isinstance(game, ExtensiveGame) and game.is_exact and _all_exact(answer):
        from marlgt.concepts.exact_behavior import exact_behavior_regrets

        checked_behavior(game, answer)
        if all(total == 1 for policy in answer for total in policy.sum(axis=1).tolist()):
            worth, gains = exact_behavior_regrets(game, answer)
            return Certificate("nash", worth.astype(np.float64), gains.astype(np.float64), True)
    values, regrets, _ = policy_worth(game, answer)
    return Certificate("nash", values, regrets, False)


def _all_exact(profile: Any) -> bool:
    return isinstance(profile, tuple | list) and all(
        isinstance(policy, np.ndarray)
        and policy.ndim == 2
        and (policy.size == 0 or policy.dtype == object)
        and all(isinstance(p, Rational) for p in policy.reshape(-1).tolist())
        for policy in profile
    )
