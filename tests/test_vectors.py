"""Every case of a vectors file and of a known-answers file, through one adapter for each kind of case.

An adapter only translates: it calls the library and compares. A case of a kind without an adapter
fails, unless its group is listed below as belonging to a later part of the project.
"""

import re
from fractions import Fraction

import numpy as np
import pytest

import marlgt as gt
from marlgt import concepts
from marlgt.solvers.efficiency import fairness_optimal

LATER_GROUPS = {
    "dist": "the deep layer",
    "sr": "the deep layer",
    "returns": "the tabular learners",
    "c51q": "the deep layer",
    "pg": "the deep layer",
    "dqn": "the deep layer",
    "ctde": "the deep layer",
    "seps": "the deep layer",
    "nn": "the deep layer",
    "learn": "the tabular learners",
    "stoch": "stochastic games",
    "lbf": "the tabular learners",
    "search": "extensive games",
    "extra": "the tabular learners",
    "extra2": "the tabular learners",
}
LATER_KINDS = {
    "efg_value": "extensive games",
    "stochastic_zero_sum": "stochastic games",
    "stochastic_general_sum": "stochastic games",
    "repeated_game_payoff_set": "stochastic games",
}


def test_vector(vector):
    for pattern, adapter in VECTOR_ADAPTERS.items():
        if re.match(pattern, vector["id"]):
            adapter(vector["inputs"], vector["expected"], vector["tolerance"])
            return
    if vector["group"] in LATER_GROUPS:
        pytest.skip(f"group {vector['group']} comes with {LATER_GROUPS[vector['group']]}")
    pytest.fail(f"no adapter for {vector['id']}")


def test_known_answer(known_answer):
    kind = known_answer["kind"]
    if kind in KNOWN_ANSWER_ADAPTERS:
        KNOWN_ANSWER_ADAPTERS[kind](known_answer)
    elif kind in LATER_KINDS:
        pytest.skip(f"kind {kind} comes with {LATER_KINDS[kind]}")
    else:
        pytest.fail(f"no adapter for the kind {kind}")


# Translation


def number(x):
    return Fraction(x) if isinstance(x, str) else x


def nested(values):
    return [nested(v) for v in values] if isinstance(values, list) else number(values)


def floats(values):
    return np.array(nested(values), dtype=object).astype(float)


def bimatrix(inputs):
    return gt.NormalFormGame.bimatrix(nested(inputs["A"]), nested(inputs["B"]))


def assert_same_set(found, expected, tolerance):
    """Assert a one-to-one correspondence between two lists of profiles."""
    missing = list(found)
    for profile in expected:
        match = [k for k, other in enumerate(missing) if close(other, profile, tolerance)]
        assert match, f"{profile} was not found; unmatched: {missing}"
        missing.pop(match[0])
    assert not missing, f"found beside the known ones: {missing}"


def close(profile, other, tolerance):
    return all(np.abs(floats(list(p)) - floats(list(q))).max() <= tolerance for p, q in zip(profile, other))


# Equation vectors


def extreme_equilibria(inputs, expected, tolerance):
    answers = gt.solve(bimatrix(inputs))
    assert answers.complete
    assert_same_set([e.profile for e in answers], [(e["x"], e["y"]) for e in expected], tolerance)
    for e in expected:
        payoffs = bimatrix(inputs).values((e["x"], e["y"]))
        assert np.abs(payoffs - floats(e["payoffs"])).max() <= max(tolerance, 1e-9)


def correlated_extremes(inputs, expected, tolerance):
    game = bimatrix(inputs)
    for name, concept in (("CE", "correlated"), ("CCE", "coarse_correlated")):
        check_optima(game, concept, name, expected, tolerance)


def check_optima(game, concept, name, expected, tolerance):
    def best(objective, **options):
        (answer,) = gt.solve(game, concept=concept, objective=objective, **options)
        gap = concepts.ce_gap if concept == "correlated" else concepts.cce_gap
        assert gap(game, answer.joint) <= 1e-9
        return answer.values

    welfare = game.payoffs.sum(axis=0)
    if f"{name}_uCE" in expected:
        assert abs(best("welfare").sum() - expected[f"{name}_uCE"]) <= tolerance
    if f"{name}_min_welfare" in expected:
        assert abs(best(-welfare).sum() - expected[f"{name}_min_welfare"]) <= tolerance
    if f"{name}_eCE_maxmin" in expected:
        assert abs(best("egalitarian").min() - expected[f"{name}_eCE_maxmin"]) <= tolerance
    singles = [expected.get(f"{name}_rCE_p{i + 1}") for i in range(game.n_players)]
    for i, single in enumerate(singles):
        if single is not None:
            assert abs(best("libertarian", player=i)[i] - single) <= tolerance
    if None not in singles:
        assert abs(best("republican").max() - max(singles)) <= tolerance


def pareto_and_welfare(inputs, expected, tolerance):
    game = bimatrix(inputs)
    outcomes = {tuple(int(np.argmax(p)) for p in e.profile) for e in gt.solve(game, concept="pareto")}
    assert outcomes == {tuple(outcome) for outcome in expected["pareto_pure"]}
    assert abs(gt.solve(game, concept="welfare")[0].values.sum() - expected["max_welfare"]) <= tolerance
    assert (
        abs(gt.solve(game, concept="fairness", method="maxmin_fair")[0].values.min() - expected["max_min"]) <= tolerance
    )
    if expected["max_product"] is None:
        with pytest.raises(gt.GameError, match="positive"):
            fairness_optimal(game)
    else:
        fair = gt.solve(game, concept="fairness")[0]
        assert abs(fair.values.prod() - expected["max_product"]) <= tolerance


def security(inputs, expected, tolerance):
    levels = gt.solvers.security_levels(bimatrix(inputs))
    assert np.abs(levels.values - floats(expected)).max() <= tolerance


def epsilon_nash(inputs, expected, tolerance):
    game, profile = bimatrix(inputs), (inputs["x"], inputs["y"])
    gains = concepts.regrets(game, profile)
    assert abs(gains[0] - expected["gain1"]) <= tolerance
    assert abs(gains[1] - expected["gain2"]) <= tolerance
    assert abs(gt.certify(game, profile).epsilon - expected["eps"]) <= tolerance
    assert abs(concepts.nash_conv(game, profile) - expected["nash_conv"]) <= tolerance


def joint_distribution(inputs, expected, tolerance):
    game, joint = bimatrix(inputs), floats(inputs["pi"])
    assert np.abs(gt.certify(game, joint, concept="correlated").values - floats(expected["payoffs"])).max() <= tolerance
    assert abs(concepts.ce_gap(game, joint) - expected["ce_gap"]) <= tolerance
    assert abs(concepts.cce_gap(game, joint) - expected["cce_gap"]) <= tolerance


def zero_sum(inputs, expected, tolerance):
    (answer,) = gt.solve(gt.NormalFormGame.zero_sum(nested(inputs["A"])), concept="minimax")
    assert abs(answer.values[0] - number(expected["value"])) <= tolerance
    for key, strategy in zip("xy", answer.profile):
        if key in expected:
            assert np.abs(strategy - floats(expected[key])).max() <= tolerance


def several_players(inputs, expected, tolerance):
    game = gt.NormalFormGame(nested(inputs["payoffs"]))
    pure = {tuple(int(np.argmax(p)) for p in e.profile) for e in gt.solve(game, method="pure_equilibria")}
    assert pure == {tuple(profile) for profile in expected["pure_nash"]}
    for name, concept in (("uCE", "correlated"), ("uCCE", "coarse_correlated")):
        if name in expected:
            assert abs(gt.solve(game, concept=concept)[0].values.sum() - expected[name]) <= tolerance
    if "min_CE" in expected:
        (worst,) = gt.solve(game, concept="correlated", objective=-game.payoffs.sum(axis=0))
        assert abs(worst.values.sum() - expected["min_CE"]) <= tolerance


def fictitious_play_actions(inputs, expected, tolerance):
    run = gt.dynamics.fictitious_play(bimatrix(inputs), steps=inputs["n"], first_actions=inputs["first_actions"])
    assert run.actions.tolist() == expected


def fictitious_play_end(inputs, expected, tolerance):
    game = bimatrix(inputs)
    run = gt.dynamics.fictitious_play(game, steps=inputs["n"], first_actions=inputs["first_actions"])
    for key, empirical in zip("xy", run.profile):
        assert np.abs(empirical - floats(expected[key])).max() <= tolerance
    assert abs(concepts.nash_conv(game, run.profile) - expected["nash_conv"]) <= tolerance
    changes = np.flatnonzero((run.actions[1:] != run.actions[:-1]).any(axis=1)) + 1
    runs = np.diff(np.concatenate([[0], changes]))
    assert runs[: len(expected["run_lengths"])].tolist() == expected["run_lengths"]


def regret_history(inputs, expected, tolerance):
    game = bimatrix(inputs)
    for i in range(2):
        external = concepts.external_regret(game, inputs["history"], i)
        internal = concepts.internal_regret(game, inputs["history"], i)
        assert np.abs(external - floats(expected[f"unconditional_{i + 1}"])).max() <= tolerance
        assert np.abs(internal - floats(expected[f"conditional_{i + 1}"])).max() <= tolerance
    joint = concepts.empirical_distribution(game, inputs["history"])
    assert abs(concepts.cce_gap(game, joint) - expected["cce_gap"]) <= tolerance
    assert abs(concepts.ce_gap(game, joint) - expected["ce_gap"]) <= tolerance


VECTOR_ADAPTERS = {
    r"games\.nash_": extreme_equilibria,
    r"games\.ce_cce_extremes_": correlated_extremes,
    r"games\.pareto_welfare_": pareto_and_welfare,
    r"games\.security_": security,
    r"games\.epsilon_nash_": epsilon_nash,
    r"games\..*_is_C?CE$": joint_distribution,
    r"games\.zerosum_": zero_sum,
    r"games\.threeplayer_": several_players,
    r"learn\.fictitious_play_first_": fictitious_play_actions,
    r"learn\.fictitious_play_\d+_": fictitious_play_end,
    r"learn\.regret_history_": regret_history,
}


# Known answers


def known_game(case):
    return gt.NormalFormGame(nested(case["payoffs"]))


def all_extreme_equilibria(case):
    game = known_game(case)
    answers = gt.solve(game)
    for e in answers:
        assert e.epsilon == 0 if game.is_exact else e.epsilon <= 1e-9 * game.payoff_range.max()
    check_against_list(case, answers)


def all_isolated_equilibria(case):
    game = known_game(case)
    answers = gt.solve(game)
    assert len(answers) > 0
    for e in answers:
        assert e.epsilon <= 1e-9 * game.payoff_range.max()
    check_against_list(case, answers)


def check_against_list(case, answers):
    """Compare with the case's list or count, as far as it claims to be complete."""
    game = known_game(case)
    whole = case["equilibria_are"].startswith("all")
    tolerance = max(case["tolerance"], 1e-9)
    if case["equilibria"] is not None:
        for profile in case["equilibria"]:
            exact = game.is_exact and case["exact"]
            assert gt.certify(game, nested(profile)).epsilon <= (0 if exact else 10 * tolerance)
        if whole:
            assert_same_set([e.exact_profile or e.profile for e in answers], case["equilibria"], tolerance)
    if case["count"] is not None and whole:
        assert answers.complete
        assert len(answers) == case["count"]


def known_zero_sum(case):
    game = gt.NormalFormGame.zero_sum(nested(case["payoffs"][0]))
    (answer,) = gt.solve(game, concept="minimax")
    tolerance = max(case["tolerance"], 1e-12)
    assert abs(answer.values[0] - float(number(case["value"]))) <= tolerance
    if game.is_exact:
        assert answer.exact
        assert answer.epsilon == 0
    assert gt.certify(game, nested(case["optimal"])).epsilon <= tolerance
    if case.get("unique"):
        assert close(answer.exact_profile or answer.profile, case["optimal"], tolerance)


def known_correlated(case):
    game = known_game(case)
    if case["objective"] != "max sum of payoffs":
        pytest.fail(f"no adapter for the objective {case['objective']}")
    concept = "correlated" if case["kind"] == "correlated_equilibrium" else "coarse_correlated"
    (answer,) = gt.solve(game, concept=concept, objective="welfare")
    assert abs(answer.values.sum() - case["value"]) <= case["tolerance"]
    assert gt.certify(game, answer.joint, concept=concept).epsilon <= case["tolerance"]
    if "distribution" in case:
        given = gt.certify(game, floats(case["distribution"]), concept=concept)
        assert given.epsilon <= case["tolerance"]
        assert abs(given.values.sum() - case["value"]) <= case["tolerance"]


def known_stackelberg(case):
    (answer,) = gt.solve(known_game(case), concept="stackelberg")
    assert abs(answer.values[0] - case["value"]) <= case["tolerance"]
    assert np.abs(answer.profile[0] - floats(case["leader_commitment"])).max() <= max(case["tolerance"], 1e-9)


def known_logit(case):
    (answer,) = gt.solve(known_game(case), concept="qre", rationality=case["lam"])
    assert close(answer.profile, case["profile"], case["tolerance"])


KNOWN_ANSWER_ADAPTERS = {
    "bimatrix": all_extreme_equilibria,
    "normal_form": all_isolated_equilibria,
    "zero_sum": known_zero_sum,
    "correlated_equilibrium": known_correlated,
    "coarse_correlated_equilibrium": known_correlated,
    "stackelberg_strong": known_stackelberg,
    "logit_qre": known_logit,
}
