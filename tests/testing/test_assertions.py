"""The assertions accept equilibria and say of anything else what is wrong with it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.testing import (
    any_game,
    assert_coarse_correlated,
    assert_correlated,
    assert_epsilon_nash,
    assert_nash,
    bimatrix_games,
    extreme_equilibria,
    joint_distributions,
    profiles,
)

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)
DILEMMA = gt.NormalFormGame.bimatrix(
    [[3, 0], [5, 1]], [[3, 5], [0, 1]], actions=[["silent", "betray"], ["silent", "betray"]]
)


@QUICK
@given(bimatrix_games(rows=range(1, 4), columns=range(1, 4)))
def test_every_equilibrium_of_the_reference_is_accepted_exactly(game):
    for x, y in extreme_equilibria(game).equilibria:
        if game.is_exact:
            assert_nash(game, (x, y), tolerance=0)
        assert_nash(game, (x.astype(float), y.astype(float)), tolerance=1e-9)
        assert_correlated(game, np.multiply.outer(x, y).astype(float))


@QUICK
@given(data=st.data(), game=any_game())
def test_nash_is_asserted_exactly_where_the_certificate_says_so(data, game):
    profile = data.draw(profiles(game))
    regrets = gt.certify(game, profile).regrets
    share = np.divide(regrets, game.payoff_range, out=np.zeros_like(regrets), where=game.payoff_range > 0)
    if share.max() > 1e-6:
        with pytest.raises(AssertionError, match="not a Nash equilibrium"):
            assert_nash(game, profile, tolerance=1e-7)
    elif share.max() < 1e-8:
        assert_nash(game, profile, tolerance=1e-7)


@QUICK
@given(data=st.data(), game=any_game())
def test_correlation_is_asserted_where_the_gaps_say_so(data, game):
    joint = data.draw(joint_distributions(game))
    scale = game.payoff_range.max() or 1.0
    for concept, check in (("correlated", assert_correlated), ("coarse_correlated", assert_coarse_correlated)):
        epsilon = gt.certify(game, joint, concept=concept).regrets.max()
        if epsilon == 0:
            check(game, joint, tolerance=1e-9)
        elif (gt.certify(game, joint, concept=concept).regrets > 1e-3 * scale).any():
            with pytest.raises(AssertionError, match="correlated equilibrium"):
                check(game, joint, tolerance=1e-9)


def test_the_message_names_player_action_gain_and_table():
    with pytest.raises(AssertionError) as failure:
        assert_nash(DILEMMA, ([1, 0], [0, 1]))
    text = str(failure.value)
    assert "player 0 gains 1 by playing action 1 ('betray') instead of earning 0" in text
    assert "betray" in text
    assert "<- best" in text


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (([0.5, 0.4], [1, 0]), r"profile\[0\] sums to 0.9"),
        (([1, 0],), "2 players but the profile has 1"),
        (([1, 0], [1, 0, 0]), "player 1 has 2 actions"),
        (([7, -6], [1, 0]), "must not be negative"),
        (([Fraction(1, 3), Fraction(1, 3)], [1, 0]), "must sum to 1"),
        (5, "one distribution per player"),
    ],
)
def test_what_is_no_profile_fails_with_the_reason(answer, message):
    with pytest.raises(AssertionError, match=message):
        assert_nash(DILEMMA, answer)


def test_fractions_are_held_to_the_last_digit():
    thirds = (np.array([Fraction(1, 3), Fraction(2, 3)]), np.array([Fraction(2, 3), Fraction(1, 3)]))
    game = gt.NormalFormGame.bimatrix([[1, 0], [0, 2]], [[2, 0], [0, 1]])
    assert_nash(game, thirds, tolerance=0)
    off = (thirds[0] + np.array([Fraction(1, 10**30), -Fraction(1, 10**30)]), thirds[1])
    assert_nash(game, off)
    with pytest.raises(AssertionError, match="player 1 gains"):
        assert_nash(game, off, tolerance=0)


def test_epsilon_is_in_units_of_payoff():
    assert_epsilon_nash(DILEMMA, ([1, 0], [1, 0]), 2)
    with pytest.raises(AssertionError, match=r"epsilon = 1\.9"):
        assert_epsilon_nash(DILEMMA, ([1, 0], [1, 0]), 1.9)


def test_correlated_messages_name_the_recommendation():
    with pytest.raises(AssertionError, match=r"told to play action 0 \('silent'\).* probability 1, gains 2"):
        assert_correlated(DILEMMA, [[1, 0], [0, 0]])
    with pytest.raises(AssertionError, match="always playing action 1"):
        assert_coarse_correlated(DILEMMA, [[1, 0], [0, 0]])
    with pytest.raises(AssertionError, match="sums to 2"):
        assert_correlated(DILEMMA, [[1, 0], [0, 1]])


def test_results_of_solvers_are_accepted_as_they_are():
    from marlgt.certificates import certified

    answer = certified(DILEMMA, [np.array([0.0, 1.0]), np.array([0.0, 1.0])], method="by hand")
    assert_nash(DILEMMA, answer)
    assert_correlated(DILEMMA, answer)


def test_the_game_comes_first():
    with pytest.raises(gt.GameError, match="give a NormalFormGame"):
        assert_nash([[1, 0]], ([1], [1, 0]))
