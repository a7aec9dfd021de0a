"""What every solver of games with turns or states must do: the properties that its conformance suite checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import ProfileError
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.sequence_form import checked_behavior
from marlgt.games.stochastic import checked_stationary
from marlgt.policy_certificates import certified_policies, relative_policy_epsilon
from marlgt.testing.policy_images import (
    AnyPolicyGame,
    Image,
    on_other_scales,
    with_actions_reversed,
    with_players_reversed,
    with_states_reversed,
)
from marlgt.testing.properties import (
    FINDS_ONE,
    FINISHES,
    LEAVES_ITS_INPUT,
    SURVIVES,
    NotApplicable,
    Property,
    Trial,
)

__all__ = ["OF_EXTENSIVE_SOLVERS", "OF_STOCHASTIC_SOLVERS"]

Policies = tuple[NDArray[np.float64], ...]


def _returns_policies(trial: Trial, game: AnyPolicyGame) -> str | None:
    for answer in trial.answers(game):
        try:
            _policies(game, answer)
        except ProfileError as error:
            return str(error)
    return None


def _returns_equilibria(trial: Trial, game: AnyPolicyGame) -> str | None:
    for profile in _sound(trial, game):
        why = _why_no_equilibrium(game, profile, trial.tolerance)
        if why is not None:
            return why
    return None


def _keeps(image_of: Callable[[Any], Image]) -> Callable[[Trial, Any], str | None]:
    """Return the property that answers to an image of a game are answers to the game."""

    def failure(trial: Trial, game: AnyPolicyGame) -> str | None:
        known = _sound(trial, game)
        if not known or any(_why_no_equilibrium(game, p, trial.tolerance) for p in known):
            raise NotApplicable
        image = image_of(game)
        run = trial.covered(image.game)
        if run.outcome == "hung":
            raise NotApplicable
        if run.outcome != "answered":
            return f"it answers the game, but when {image.what} it {run.outcome}: {run.detail}"
        found = _sound(trial, image.game)
        if not found:
            return f"it answers the game, but has no answer when {image.what}"
        for profile in found:
            why = _why_no_equilibrium(game, image.back(profile), trial.tolerance)
            if why is not None:
                return f"when {image.what}, an answer is {_shown(profile)}; back in this game, {why}"
        return None

    return failure


def _sound(trial: Trial, game: AnyPolicyGame) -> list[Policies]:
    """Return the answers that are policies of the game."""
    sound = []
    for answer in trial.answers(game):
        try:
            sound.append(_policies(game, answer))
        except ProfileError:
            continue
    return sound


def _policies(game: AnyPolicyGame, answer: Any) -> Policies:
    """Return an answer as the policies of a game.

    Raises
    ------
    ProfileError
        If it is none, with the reason.
    """
    if isinstance(answer, str):
        raise ProfileError(f"it returned {answer}, which is no profile of numbers")
    if isinstance(game, ExtensiveGame):
        shapes = [(len(sets), sets.most_actions) for sets in game.infosets]
    else:
        shapes = [(game.n_states, count) for count in game.n_actions]
    if len(answer) != len(shapes):
        raise ProfileError(f"an answer has {len(answer)} policies for {game.n_players} players")
    policies = []
    for i, (given, shape) in enumerate(zip(answer, shapes)):
        try:
            policy = np.array(given, dtype=np.float64)
        except (TypeError, ValueError):
            raise ProfileError(f"the policy of player {i} is {given}, whose rows differ in length") from None
        policy = policy.reshape(shape) if policy.size == 0 == shape[0] * shape[1] else policy
        if policy.shape == shape and not np.isfinite(policy).all():
            raise ProfileError(f"the policy of player {i} is {policy.tolist()}, which is not finite")
        policies.append(policy)
    checked = checked_behavior if isinstance(game, ExtensiveGame) else checked_stationary
    result: Policies = checked(game, tuple(policies))  # type: ignore[arg-type]
    return result


def _why_no_equilibrium(game: AnyPolicyGame, profile: Policies, tolerance: float) -> str | None:
    answer = certified_policies(game, profile, method="")
    if relative_policy_epsilon(game, answer) <= tolerance:
        return None
    i = int(answer.regrets.argmax())
    return (
        f"player {i} earns {answer.values[i]:.9g} with {_shown(profile)} and gains {answer.regrets[i]:.3g} by her best "
        "deviation"
    )


def _shown(profile: Policies) -> str:
    return " + ".join(str(np.round(policy, 6).tolist()) for policy in profile)


_SHARED = (
    FINISHES,
    SURVIVES,
    FINDS_ONE,
    Property("returns policies", "Every row is a distribution over its actions.", _returns_policies),
    Property("returns equilibria", "No player gains by deviating from an answer.", _returns_equilibria),
    LEAVES_ITS_INPUT,
    Property("positive affine maps", "They change no equilibrium.", _keeps(on_other_scales)),
    Property("order of actions", "It changes no equilibrium.", _keeps(with_actions_reversed)),
    Property("order of players", "It changes no equilibrium.", _keeps(with_players_reversed)),
)

OF_EXTENSIVE_SOLVERS: tuple[Property, ...] = _SHARED
"""What is asked of every solver of extensive games."""

OF_STOCHASTIC_SOLVERS: tuple[Property, ...] = (
    *_SHARED,
    Property("order of states", "It changes no equilibrium.", _keeps(with_states_reversed)),
)
"""What is asked of every solver of stochastic games."""
