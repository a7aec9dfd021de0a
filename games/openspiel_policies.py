"""Policies of OpenSpiel as behaviour profiles, and back, for games that :func:`from_openspiel` has exported.

OpenSpiel keys a policy by the string of an information state; here it is a row of an array. Any object with the
method ``action_probabilities(state)``, which returns probabilities by action, is a policy: those of
``open_spiel.python.policy`` and of ``pyspiel`` are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.errors import GameError, ProfileError
from marlgt.games._arrays import short
from marlgt.games._openspiel_tree import exported, first_states, loaded, turn_based
from marlgt.games.extensive import MAX_NODES, BehaviorProfile, ExtensiveGame
from marlgt.games.sequence_form import checked_behavior

__all__ = ["behavior_profile_from_openspiel", "to_openspiel_policy"]


def behavior_profile_from_openspiel(game: Any, policy: Any, *, tree: ExtensiveGame | None = None) -> BehaviorProfile:
    """Return a policy of OpenSpiel as a profile of behaviour policies.

    The policy is asked once for every information set.

    Parameters
    ----------
    game : pyspiel.Game or str
        The game of the policy; one with simultaneous moves is made turn-based first, and the policy is asked about
        its states.
    policy : object
        With a method ``action_probabilities(state)`` that returns a mapping from action to probability, or pairs.
    tree : ExtensiveGame, optional
        What ``from_openspiel(game)`` gave, to save exporting it again.

    Returns
    -------
    tuple of ndarray, shapes (I_i, A_i)

    Raises
    ------
    ProfileError
        If the policy has no such method, or gives no distribution over the legal actions.
    """
    pyspiel, game = loaded(game)
    game = turn_based(pyspiel, game)
    ask = getattr(policy, "action_probabilities", None)
    if ask is None:
        raise ProfileError(
            f"policy is {short(policy)}: give one with a method action_probabilities(state), as OpenSpiel's have"
        )
    tree = exported(pyspiel, game, MAX_NODES) if tree is None else tree
    profile = [np.zeros((len(sets), sets.most_actions)) for sets in tree.infosets]
    for player, infoset, state in first_states(game, tree):
        legal = state.legal_actions()
        chances = dict(ask(state))
        outside = [a for a, p in chances.items() if p and a not in legal]
        if outside:
            raise ProfileError(
                f"the policy plays action {outside[0]} at {short(tree.infosets[player].label(infoset))}, where only "
                f"{short(legal)} are legal: give a policy of this game"
            )
        profile[player][infoset, : len(legal)] = [chances.get(a, 0.0) for a in legal]
    return checked_behavior(tree, tuple(profile))


def to_openspiel_policy(game: Any, profile: Any, *, tree: ExtensiveGame | None = None) -> Any:
    """Return a profile of behaviour policies as a ``pyspiel.TabularPolicy``.

    Parameters
    ----------
    game : pyspiel.Game or str
        Sequential, and with strings for its information states.
    profile : sequence of n array_like, shapes (I_i, A_i)
        Of the game that ``from_openspiel(game)`` gives.
    tree : ExtensiveGame, optional
        That game, to save exporting it again.

    Returns
    -------
    pyspiel.TabularPolicy

    Raises
    ------
    ProfileError
        If the profile does not fit the game.
    GameError
        If the information states of the game have no strings.
    """
    pyspiel, game = loaded(game)
    game = turn_based(pyspiel, game)
    kind = game.get_type()
    if not kind.provides_information_state_string:
        raise GameError(f"{kind.short_name} has no information state strings, by which OpenSpiel keys its policies")
    tree = exported(pyspiel, game, MAX_NODES) if tree is None else tree
    policies = checked_behavior(tree, profile)
    table = {
        state.information_state_string(): list(zip(state.legal_actions(), policies[player][infoset].tolist()))
        for player, infoset, state in first_states(game, tree)
    }
    return pyspiel.TabularPolicy(table)
