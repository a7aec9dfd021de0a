"""Certificates: recomputed apart from any solver, exact where the game is."""

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.certificates import certified, certified_point, relative_epsilon
from marlgt.equilibria import Equilibria

PENNIES = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])
THIRD = F(1, 3)


def brute_force_regrets(game, profile):
    """Regrets straight from the definition, over every pure profile."""
    regrets = []
    for i in range(game.n_players):

        def value(strategies, player=i):
            total = 0
            for index in np.ndindex(*game.n_actions):
                weight = 1
                for p, a in zip(strategies, index):
                    weight = weight * p[a]
                total = total + weight * game.fractions[player][index]
            return total

        pure = [[int(a == b) for b in range(game.n_actions[i])] for a in range(game.n_actions[i])]
        deviations = [value([*profile[:i], e, *profile[i + 1 :]]) for e in pure]
        regrets.append(max(deviations) - value(profile))
    return regrets


@st.composite
def games_with_profiles(draw):
    counts = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    entries = st.integers(-4, 4)
    size = int(np.prod(counts))
    payoffs = [
        np.array(draw(st.lists(entries, min_size=size, max_size=size)), dtype=int).reshape(counts) for _ in counts
    ]
    weights = [draw(st.lists(st.integers(0, 5), min_size=k, max_size=k).filter(any)) for k in counts]
    return gt.NormalFormGame(np.stack(payoffs)), [[F(w, sum(ws)) for w in ws] for ws in weights]


@given(games_with_profiles())
@settings(max_examples=60, deadline=None)
def test_exact_certificates_equal_the_definition(pair):
    game, profile = pair
    certificate = gt.certify(game, profile)
    assert certificate.exact
    assert certificate.regrets.tolist() == [float(r) for r in brute_force_regrets(game, profile)]


@given(games_with_profiles())
@settings(max_examples=60, deadline=None)
def test_float_and_exact_certificates_agree(pair):
    game, profile = pair
    rounded = [np.array(p, dtype=float) for p in profile]
    assert not gt.certify(game, rounded).exact
    assert np.allclose(gt.certify(game, rounded).regrets, gt.certify(game, profile).regrets, atol=1e-12)


@given(games_with_profiles())
@settings(max_examples=60, deadline=None)
def test_a_product_distribution_has_the_profiles_coarse_gains(pair):
    game, profile = pair
    joint = np.array(profile[0], dtype=float)
    for p in profile[1:]:
        joint = np.multiply.outer(joint, np.array(p, dtype=float))
    coarse = gt.certify(game, joint, concept="coarse_correlated")
    assert np.allclose(coarse.regrets, gt.certify(game, profile).regrets, atol=1e-12)


def test_a_third_is_exact_as_a_fraction_and_not_as_a_float():
    rps = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    assert gt.certify(rps, [[THIRD] * 3] * 2).exact
    assert gt.certify(rps, [[THIRD] * 3] * 2).epsilon == 0
    assert not gt.certify(rps, [[1 / 3] * 3] * 2).exact


def test_fractions_that_do_not_sum_to_one_are_refused_however_close():
    almost = F(1, 2) + F(1, 10**12)
    with pytest.raises(gt.ProfileError, match="sum to exactly 1"):
        gt.certify(PENNIES, [[F(1, 2), almost], [F(1, 2), F(1, 2)]])


def test_an_unknown_concept_is_named():
    with pytest.raises(gt.GameError, match="concept 'nsh' has no certificate"):
        gt.certify(PENNIES, ([1, 0], [1, 0]), concept="nsh")


def test_relative_epsilon_does_not_see_the_scale():
    profile = [np.array([1.0, 0.0]), np.array([1.0, 0.0])]
    small = PENNIES.affine(scale=F(1, 10**6))
    answers = [certified(game, profile, method="given") for game in (PENNIES, small)]
    assert relative_epsilon(PENNIES, answers[0]) == pytest.approx(relative_epsilon(small, answers[1]))


def test_results_are_read_only():
    answer = certified(PENNIES, [np.array([0.5, 0.5])] * 2, method="given")
    with pytest.raises(ValueError, match="read-only"):
        answer.profile[0][0] = 1.0


@pytest.mark.parametrize("gear", ["plain", "compiled"])
@given(games_with_profiles().filter(lambda pair: pair[0].n_players == 2))
@settings(max_examples=40, deadline=None)
def test_a_point_has_the_certificate_of_its_profile(gear, pair):
    game, profile = pair
    m, n = game.n_actions
    point = np.full(m + n + 4, np.nan)
    point[:m], point[m : m + n] = profile
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARLGT_GEAR", gear)
        answer, share = certified_point(game, point, "given", {}, 0.0)
    expected = gt.certify(game, profile)
    assert np.allclose(answer.values, expected.values, atol=1e-12)
    assert np.allclose(answer.regrets, expected.regrets, atol=1e-12)
    assert share == pytest.approx(relative_epsilon(game, answer), rel=1e-12)
    assert [p.tolist() for p in answer.profile] == [[float(w) for w in p] for p in profile]
    assert not any(p.flags.writeable for p in answer.profile)


@pytest.mark.parametrize("strategies", [[1.5, -0.5, 1.0, 0.0], [1.0, 0.0, 0.5, 0.4], [np.nan, 1.0, 1.0, 0.0]])
def test_a_point_that_is_no_profile_is_refused(strategies):
    with pytest.raises(gt.ProfileError, match=r"must (not be negative|sum to 1|be finite)"):
        certified_point(PENNIES, np.array([*strategies, 0.0, 0.0, 0.0, 0.0]), "given", {}, 0.0)


def test_a_regret_that_is_not_a_number_is_the_largest():
    answer = certified(PENNIES, [np.array([0.5, 0.5])] * 2, method="given")
    for regrets in ([np.nan, 0.0], [0.0, np.nan]):
        assert relative_epsilon(PENNIES, replace(answer, regrets=np.array(regrets))) == np.inf


def stream_of(*answers, then=None):
    def produce():
        yield from answers
        if then is not None:
            raise then

    return Equilibria(concept="nash", method="given", stream=produce())


def answer():
    return certified(PENNIES, [np.array([0.5, 0.5])] * 2, method="given")


def test_a_stream_yields_before_it_ends_and_is_complete_after():
    answers = stream_of(answer(), answer())
    assert next(iter(answers)).epsilon == 0
    assert len(answers) == 2
    assert answers.complete
    assert all(e.complete for e in answers)


def test_an_interrupted_stream_keeps_what_was_found():
    answers = stream_of(answer(), then=KeyboardInterrupt())
    assert len(answers) == 1
    assert not answers.complete
    assert answers.stopped == "interrupted"


def test_a_stream_can_be_read_twice():
    answers = stream_of(answer(), answer())
    assert [e.epsilon for e in answers] == [e.epsilon for e in answers]
