"""Regret of a history: published cases, the definition recomputed, and its tie to the equilibrium gaps."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import cce_gap, ce_gap, empirical_distribution, external_regret, internal_regret
from marlgt.testing import normal_form_games

CASES = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "equations.json").read_text())["cases"]
    if case["id"].startswith("learn.regret_history_")
]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_published_histories(case):
    inputs, expected = case["inputs"], case["expected"]
    game = gt.NormalFormGame.bimatrix(inputs["A"], inputs["B"])
    for i in range(2):
        assert external_regret(game, inputs["history"], i).tolist() == expected[f"unconditional_{i + 1}"]
        assert internal_regret(game, inputs["history"], i).tolist() == expected[f"conditional_{i + 1}"]
    joint = empirical_distribution(game, inputs["history"])
    assert cce_gap(game, joint) == pytest.approx(expected["cce_gap"], abs=case["tolerance"])
    assert ce_gap(game, joint) == pytest.approx(expected["ce_gap"], abs=case["tolerance"])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_regrets_are_what_other_actions_would_have_earned(data):
    game = data.draw(normal_form_games(n_players=range(1, 4), n_actions=range(1, 4)))
    profile = st.tuples(*[st.integers(0, count - 1) for count in game.n_actions])
    history = data.draw(st.lists(profile, min_size=1, max_size=12))
    for i, count in enumerate(game.n_actions):
        swaps = np.zeros((count, count))
        for played in history:
            for b in range(count):
                other = (*played[:i], b, *played[i + 1 :])
                swaps[played[i], b] += game.payoffs[(i, *other)] - game.payoffs[(i, *played)]
        slack = 1e-9 * max(float(np.abs(game.payoffs[i]).max()), 1e-300)
        assert np.abs(internal_regret(game, history, i) - swaps).max() <= slack
        assert np.abs(external_regret(game, history, i) - swaps.sum(axis=0)).max() <= slack * count


@pytest.mark.parametrize("history", [[], [[0, 0, 0]], [[0.5, 0.5]], [0, 0]])
def test_a_history_of_another_shape_is_refused(history):
    with pytest.raises(gt.GameError, match=r"history must be integers of shape \(T, 2\)"):
        external_regret(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]), history, 0)


def test_an_action_that_does_not_exist_is_named():
    with pytest.raises(gt.GameError, match=r"history\[1, 0\] is 2: player 0 has the actions 0 to 1"):
        empirical_distribution(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]), [[0, 0], [2, 0]])
