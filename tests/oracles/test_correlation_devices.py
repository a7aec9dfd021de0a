"""Distances to correlated equilibria of trees against OpenSpiel, which adds the device to the tree and walks it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.concepts import cce_gap, efcce_gap, efce_gap, swap_gains
from marlgt.games import pure_strategies, to_openspiel, to_openspiel_policy
from marlgt.games.strategic_form import strategic_form
from marlgt.testing import extensive_games, joint_distributions

pyspiel = pytest.importorskip("pyspiel")


def device(game, joint, theirs):
    """Return a joint distribution over reduced strategies as OpenSpiel's list of weights and pure policies."""
    plans = [pure_strategies(game, i) for i in range(game.n_players)]
    listed = []
    for cell in zip(*np.nonzero(joint), strict=True):
        profile = []
        for own, rows, k in zip(game.infosets, plans, cell, strict=True):
            policy = np.zeros((len(own), own.most_actions))
            if len(own):
                policy[np.arange(len(own)), np.maximum(rows[k], 0)] = 1
            profile.append(policy)
        listed.append((float(joint[cell]), to_openspiel_policy(theirs, profile, tree=game)))
    return listed


@settings(max_examples=40)
@given(st.data())
def test_distances_to_correlated_equilibria_are_those_of_openspiel(data):
    game = data.draw(extensive_games(n_players=2, max_actions=2, max_depth=3).filter(lambda g: sum(g.n_infosets) > 0))
    form = strategic_form(game)
    joint = np.asarray(data.draw(joint_distributions(form, exact=False)), dtype=np.float64)
    theirs = to_openspiel(game)
    listed = device(game, joint, theirs)
    scale = max(1.0, float(np.abs(game.terminal_payoffs).max()))

    gains = [swap_gains(form, joint, player) for player in range(2)]
    coarse = [g.sum(axis=0).max() for g in gains]
    swaps = [g.max(axis=1).sum() for g in gains]
    assert pyspiel.cce_dist(theirs, listed).dist_value == pytest.approx(sum(coarse), abs=1e-9 * scale)
    assert pyspiel.ce_dist(theirs, listed).dist_value == pytest.approx(sum(swaps), abs=1e-9 * scale)

    # One trigger gains no more than swapping whole strategies; a coarse deviation is one trigger for every information
    # set that a player can reach first.
    slack = 1e-9 * scale
    assert efce_gap(game, joint) <= sum(swaps) + slack
    assert efcce_gap(game, joint) <= sum(swaps) + slack
    assert cce_gap(form, joint) <= max(game.n_infosets) * efcce_gap(game, joint) + slack
