"""Nash and epsilon-Nash checks."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import is_coarse_correlated, is_correlated, is_epsilon_nash, is_nash, joint_distribution
from marlgt.testing import normal_form_games, profiles

CASES = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "equations.json").read_text())["cases"]
    if case["id"].startswith("games.epsilon_nash_")
]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_published_epsilons_are_the_smallest(case):
    inputs, epsilon = case["inputs"], case["expected"]["eps"]
    game, profile = gt.NormalFormGame.bimatrix(inputs["A"], inputs["B"]), (inputs["x"], inputs["y"])
    assert is_epsilon_nash(game, profile, epsilon)
    assert is_nash(game, profile) == (epsilon == 0)
    if epsilon > 0:
        assert not is_epsilon_nash(game, profile, 0.999 * epsilon)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_nash_equilibrium_is_correlated_and_a_correlated_one_is_coarse(data):
    game = data.draw(normal_form_games(n_players=range(1, 4), n_actions=range(1, 3)))
    profile = data.draw(profiles(game))
    joint = joint_distribution(game, profile)
    if is_nash(game, profile, tolerance=1e-12):
        assert is_correlated(game, joint)
    if is_correlated(game, joint, tolerance=1e-12):
        assert is_coarse_correlated(game, joint)


def test_fractions_are_decided_exactly():
    game = gt.NormalFormGame.bimatrix([[10**12, 0], [0, 1]], [[0, 1], [1, 0]])
    x, y = [Fraction(1, 2)] * 2, [Fraction(1, 10**12 + 1), Fraction(10**12, 10**12 + 1)]
    assert is_nash(game, (x, y))
    off = [y[0] + Fraction(1, 10**40), y[1] - Fraction(1, 10**40)]
    assert not is_nash(game, (x, off))
    assert is_nash(game, (x, [float(v) for v in off]))


def test_a_negative_epsilon_is_refused():
    with pytest.raises(gt.GameError, match="epsilon is -1"):
        is_epsilon_nash(gt.NormalFormGame.zero_sum([[1]]), ([1], [1]), -1)
