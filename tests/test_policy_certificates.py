"""Certificates of policies: exact where game and policies are, and one for each concept that trees have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import efcce_gap, efce_gap, subgame_regrets
from marlgt.errors import GameError, ProfileError
from marlgt.games import NormalFormGame, StochasticGame, kuhn_poker
from marlgt.policy_certificates import certified_exact_policies
from marlgt.solvers import sequence_form_lcp, sequence_form_lp
from marlgt.testing import behavior_profiles, extensive_games, joint_distributions


@settings(max_examples=40)
@given(extensive_games(n_players=2, exact=True))
def test_fractions_in_an_exact_game_are_certified_exactly(game):
    answer = sequence_form_lcp(game)
    certificate = gt.certify(game, answer)
    assert (certificate.exact, certificate.epsilon) == (True, 0.0)
    assert gt.certify(game, answer.profile).exact == all(policy.size == 0 for policy in answer.profile)
    np.testing.assert_allclose(gt.certify(game, answer.profile).values, certificate.values, atol=1e-9)


@settings(max_examples=40)
@given(data=st.data())
def test_every_concept_has_its_own_gain(data):
    game = data.draw(extensive_games(max_depth=3, max_actions=2))
    profile = data.draw(behavior_profiles(game))
    certificate = gt.certify(game, profile, concept="subgame_perfect")
    np.testing.assert_array_equal(certificate.regrets, subgame_regrets(game, profile).max(axis=1))
    assert (certificate.regrets >= gt.certify(game, profile).regrets - 1e-9).all()
    joint = data.draw(joint_distributions(game.normal_form(), exact=False))
    for concept, gap in (
        ("extensive_form_correlated", efce_gap),
        ("extensive_form_coarse_correlated", efcce_gap),
    ):
        assert gt.certify(game, joint, concept=concept).epsilon == gap(game, joint)


def test_what_an_exact_certificate_says_is_printed_in_one_line():
    answer = sequence_form_lp(kuhn_poker())
    assert str(answer).startswith("nash 6 x 2 + 6 x 2 policies  values (-0.0555556, 0.0555556)  epsilon 0 (exact)")


def test_a_regret_that_is_not_zero_is_not_rounded_away():
    game = kuhn_poker()
    uniform = [np.array([[gt.rational.Fraction(1, 2)] * 2] * len(policy)) for policy in game.uniform_profile()]
    answer = certified_exact_policies(game, uniform, method="uniform")
    # Uniform play in Kuhn poker has a NashConv of 11/12 (OpenSpiel's exploitability of a uniform policy, 0.458333).
    assert answer.regrets.sum() == pytest.approx(11 / 12, abs=1e-15)
    assert answer.exact


def test_concepts_without_a_certificate_are_refused():
    game = kuhn_poker()
    with pytest.raises(GameError, match="has no certificate for games of type ExtensiveGame: use nash or subgame_perf"):
        gt.certify(game, game.uniform_profile(), concept="correlated")
    repeated = StochasticGame.repeated(NormalFormGame.zero_sum([[1, -1], [-1, 1]]), discount=0.5)
    with pytest.raises(GameError, match="has no certificate for games of type StochasticGame: use nash"):
        gt.certify(repeated, repeated.uniform_profile(), concept="subgame_perfect")
    with pytest.raises(ProfileError, match="one policy for each of 2 players"):
        gt.certify(game, game.uniform_profile()[:1])
