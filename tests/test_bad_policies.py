"""Bad input to functions of games with states and turns: other games, policies that are none, odd options.

Functions are found in the tables of public names, so that one added later is tested with no line here.
"""

import contextlib
import importlib
import inspect
import math
import warnings
from decimal import Decimal

import numpy as np
import pytest

import marlgt as gt
from marlgt import concepts, games, pictures, solvers
from marlgt.games import ExtensiveGame, StochasticGame

NAN, INF = math.nan, math.inf
MATRIX = games.chicken()
KUHN, CENTIPEDE = games.kuhn_poker(), games.centipede_tree()
REPEATED = StochasticGame.repeated(MATRIX, discount=0.5)
PENNIES = StochasticGame.repeated(games.matching_pennies(), discount=0.9)
TEAM = StochasticGame.repeated(gt.NormalFormGame.common_interest([[1, 0], [0, 2]]), discount=0.9)


class Raises:
    """An object whose own conversion fails."""

    def __repr__(self):
        return "Raises()"

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array here")


def refused(call, *, error=gt.GameError, match=None):
    """Check that the call raises, in one sentence, and warns of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=match) as raised:
            call()
    text = str(raised.value)
    assert "\n" not in text
    assert 10 <= len(text) < 400


def takers_of_one_type():
    """Return the public functions that take a game of one type only, with that type."""
    found = []
    for package in (games, concepts, solvers, pictures):
        for name in package._EXPORTS:
            function = getattr(importlib.import_module(package.__name__), name)
            if not inspect.isfunction(function):
                continue
            for parameter in inspect.signature(function).parameters.values():
                if parameter.name == "game" and parameter.annotation in KINDS:
                    found.append(pytest.param(function, parameter.annotation, id=f"{package.__name__}.{name}"))
    return found


KINDS = {"NormalFormGame": MATRIX, "ExtensiveGame": KUHN, "StochasticGame": REPEATED}
WAYS = {
    ("NormalFormGame", "ExtensiveGame"): r"ExtensiveGame\.from_normal_form\(game\)",
    ("NormalFormGame", "StochasticGame"): r"StochasticGame\.repeated\(game",
    ("ExtensiveGame", "NormalFormGame"): r"game\.normal_form\(\)",
    ("StochasticGame", "NormalFormGame"): r"game\.stage_game\(state, values\)",
}


@pytest.mark.parametrize(("function", "wanted"), takers_of_one_type())
def test_a_game_of_another_type_is_refused_with_the_way_to_one_that_fits(function, wanted):
    parameters = list(inspect.signature(function).parameters.values())
    for kind, game in KINDS.items():
        if kind != wanted:
            given = {p.name: None for p in parameters if p.default is inspect.Parameter.empty}
            match = f"^game is <.*give an? {wanted}; .*{WAYS.get((kind, wanted), 'solvers of their own')}.*marlgt.solve"
            refused(lambda given=given, game=game: function(**{**given, "game": game}), match=match)


def broken(profile):
    """Return profiles that differ from a good one in one way, by what is wrong with them."""
    good = [np.array(policy) for policy in profile]

    def first(change):
        return [change(good[0].copy()), *good[1:]]

    def entry(value):
        def changed(policy):
            policy[0, 0] = value
            return policy

        return first(changed)

    nest = []
    nest.append(nest)
    return {
        "None": None,
        "number": 3,
        "text": "ab",
        "dict": {},
        "set": {1},
        "generator": (policy for policy in good),
        "of one player": good[:1],
        "of four players": good + good,
        "nan": entry(NAN),
        "infinity": entry(INF),
        "negative": entry(-0.5),
        "above one": entry(2.0),
        "sums to a half": first(lambda policy: policy / 2),
        "zero": first(lambda policy: policy * 0),
        "flat": first(lambda policy: policy.ravel()),
        "a row too many": first(lambda policy: np.vstack([policy, policy[:1]])),
        "a column too many": first(lambda policy: np.hstack([policy, policy[:, :1]])),
        "complex": first(lambda policy: policy + 0j),
        "digits": first(lambda policy: policy.astype(str)),
        "None inside": [None] * len(good),
        "ragged": [[[1], [1, 2]]] * len(good),
        "masked": first(lambda policy: np.ma.array(policy, mask=policy > 0)),
        "zero dimensions": np.array(3.0),
        "nan decimal": first(lambda policy: np.full(policy.shape, Decimal("nan"))),
        "dates": first(lambda policy: np.zeros(policy.shape, "datetime64[D]")),
        "structured": first(lambda policy: np.zeros(policy.shape, dtype=[("a", int)])),
        "huge": [[[10**400]]] * len(good),
        "10**12 entries": [np.broadcast_to(0.0, (10**6, 10**6))] * len(good),
        "raises": [Raises()] * len(good),
        "circular": nest,
    }


TURNS = {
    "certify": lambda p: gt.certify(KUHN, p),
    "certify subgames": lambda p: gt.certify(KUHN, p, concept="subgame_perfect"),
    "regrets": lambda p: concepts.regrets(KUHN, p),
    "exploitability": lambda p: concepts.exploitability(KUHN, p),
    "best_behavior": lambda p: concepts.best_behavior(KUHN, p, 0),
    "subgame_regrets": lambda p: concepts.subgame_regrets(KUHN, p),
    "is_subgame_perfect": lambda p: concepts.is_subgame_perfect(KUHN, p),
    "behavior_to_mixed": lambda p: games.behavior_to_mixed(KUHN, p),
    "draw_policy": lambda p: pictures.draw_policy(None, KUHN, p, 0),
}
TURNS_OR_NONE = {
    "sequence_form_lcp": lambda p: solvers.sequence_form_lcp(KUHN, prior=p),
    "information_set_mcts": lambda p: solvers.information_set_mcts(KUHN, 2, simulations=3, seed=0, beliefs=p),
    "psro": lambda p: solvers.psro(KUHN, start=p, iterations=2),
}
STATES = {
    "certify": lambda p: gt.certify(REPEATED, p),
    "regrets": lambda p: concepts.regrets(REPEATED, p),
    "stationary_values": lambda p: concepts.stationary_values(REPEATED, p),
    "best_stationary": lambda p: concepts.best_stationary(REPEATED, p, 0),
    "stationary_regrets": lambda p: concepts.stationary_regrets(REPEATED, p),
    "draw_policy": lambda p: pictures.draw_policy(None, REPEATED, p, 0),
}
BROKEN_TURNS, BROKEN_STATES = broken(KUHN.uniform_profile()), broken(REPEATED.uniform_profile())


@pytest.mark.parametrize("kind", BROKEN_TURNS)
def test_no_function_of_trees_takes_what_is_no_behaviour_profile(kind):
    for name, call in (TURNS | TURNS_OR_NONE).items():
        if kind != "None" or name in TURNS:
            refused(lambda call=call: call(broken(KUHN.uniform_profile())[kind]), error=gt.ProfileError)


@pytest.mark.parametrize("kind", BROKEN_STATES)
def test_no_function_of_stochastic_games_takes_what_is_no_stationary_profile(kind):
    for call in STATES.values():
        refused(lambda call=call: call(broken(REPEATED.uniform_profile())[kind]), error=gt.ProfileError)


@pytest.mark.parametrize(
    "joint",
    [None, 3, "ab", {}, Raises(), NAN, -1.0, 0.0, 1.0, 1j, (x for x in [1])],
    ids=lambda value: type(value).__name__ if not isinstance(value, float) else str(value),
)
def test_what_is_no_joint_distribution_is_refused(joint):
    def shaped(shape):
        return np.full(shape, joint) if isinstance(joint, float | complex) else joint

    strategies = tuple(games.n_pure_strategies(CENTIPEDE, i) for i in range(2))
    for call in (
        lambda: concepts.efce_gap(CENTIPEDE, shaped(strategies)),
        lambda: concepts.efcce_gap(CENTIPEDE, shaped(strategies)),
        lambda: gt.certify(CENTIPEDE, shaped(strategies), concept="extensive_form_correlated"),
        lambda: concepts.stationary_joint_values(REPEATED, shaped((1, 2, 2))),
        lambda: concepts.stationary_correlated_regrets(REPEATED, shaped((1, 2, 2))),
        lambda: gt.certify(REPEATED, shaped((1, 2, 2)), concept="correlated"),
    ):
        refused(call, error=gt.ProfileError)


@pytest.mark.parametrize("player", [-1, 2, 1.0, True, None, "x", NAN, 10**30, [0]], ids=repr)
def test_no_function_takes_a_player_who_is_none(player):
    uniform, stationary = KUHN.uniform_profile(), REPEATED.uniform_profile()
    for call in (
        lambda: concepts.best_behavior(KUHN, uniform, player),
        lambda: concepts.best_stationary(REPEATED, stationary, player),
        lambda: games.pure_strategies(KUHN, player),
        lambda: games.n_pure_strategies(KUHN, player),
        lambda: pictures.draw_policy(None, KUHN, uniform, player),
        lambda: pictures.draw_policy(None, REPEATED, stationary, player),
        lambda: solvers.exact_best_response(MATRIX, player, [[[1, 0]], [[1, 0]]], np.ones((1, 1))),
        lambda: KUHN.sequence_form.payoff_matrix(player),
    ):
        refused(call, match="players are numbered from 0 to 1")


WHOLE_FROM_1 = (0, -1, 1.5, True, None, "x", NAN)
NOT_NEGATIVE = (-1, NAN, INF, "x", None, [1, 2])
FLAGS = (3, "x", None)
OPTIONS = {
    "iterations": WHOLE_FROM_1,
    "max_iterations": WHOLE_FROM_1,
    "max_sweeps": WHOLE_FROM_1,
    "max_answers": WHOLE_FROM_1,
    "simulations": WHOLE_FROM_1,
    "rollouts": WHOLE_FROM_1,
    "evaluation_sweeps": (-1, 1.5, True, "x", NAN),
    "restarts": (-1, 1.5, True, "x", None),
    "seed": (-1, 1.5, True, "x", None),
    "gap": (NAN, -1, "x", [1, 2], INF),
    "time_limit": (-1, NAN, "x", [1]),
    "tolerance": NOT_NEGATIVE,
    "temperature": NOT_NEGATIVE,
    "exploration": NOT_NEGATIVE,
    "learning_rate": (-1, NAN, 2, "x", None),
    "budget": (0, -1, NAN, "x", True),
    "alpha": (NAN, "x", None),
    "beta": (NAN, "x", None),
    "gamma": (NAN, -1, INF, "x", None),
    "discount": (NAN, -0.1, 0, 1, 1.1, "x", None),
    "rationality": (NAN, -1, INF, "x", None),
    "depth": (-1, 1.5, True, "x"),
    "bounds": ((1,), (2, 1), "x", (NAN, 1), 3),
    "noise": ((1,), "x", (NAN, 1), (1, 2), 3),
    "state": ("x", -1, 10**9, 1.5, []),
    "foes": (3, "x", [[0]], [[5], [5]], [[NAN], [0]], [[0], [1]]),
    "player": (-1, 7, 1.5, True, None, "x"),
    "objective": ("x", 3, [], {}, None),
    "concept": ("x", 3, None, []),
    "cut": ("x", None, 3, []),
    "selection": ("x", None, 3, []),
    "observers": ("x", None, 3, []),
    "order": (3, "x"),
    "prior": (3, "x"),
    "value_function": (3, "x"),
    "evaluate": (3, "x"),
    "meta_solver": (3, "x"),
    "oracle": (3, "x"),
    "start": (3, "x", [], [[1]]),
    "beliefs": (3, "x", []),
    "exact": (3, "x"),
    "baselines": FLAGS,
    "in_place": FLAGS,
    "duplicates": FLAGS,
    "transpositions": FLAGS,
    "count_states": FLAGS,
    "keep_leaves": FLAGS,
    "solve": FLAGS,
}
LISTS = [[1, 2], [3, 4]]
RUNS = {
    **{name: (KUHN, {"iterations": 3}) for name in ("cfr", "cfr_plus", "linear_cfr", "discounted_cfr")},
    **{name: (KUHN, {"iterations": 3}) for name in ("predictive_cfr_plus", "extensive_fictitious_play")},
    **{name: (KUHN, {"iterations": 3}) for name in ("external_sampling_mccfr", "outcome_sampling_mccfr")},
    **{name: (KUHN, {}) for name in ("sequence_form_lp", "sequence_form_lcp")},
    **{name: (CENTIPEDE, {}) for name in ("reduced_normal_form", "subgame_perfect_equilibria")},
    "extensive_form_correlated_equilibrium": (CENTIPEDE, {}),
    "extensive_form_coarse_correlated_equilibrium": (CENTIPEDE, {}),
    **{name: (PENNIES, {}) for name in ("hoffman_karp", "pollatschek_avi_itzhak", "shapley_value_iteration")},
    **{name: (PENNIES, {}) for name in ("modified_policy_iteration", "friend_or_foe_value_iteration")},
    "plan_common_interest": (TEAM, {}),
    **{name: (REPEATED, {}) for name in ("nash_value_iteration", "correlated_value_iteration", "markov_logit")},
    "stationary_equilibrium": (REPEATED, {}),
    "markov_quantal_response": (REPEATED, {"rationality": 1.0}),
    "repeated_game_payoffs": (MATRIX, {"discount": 0.9}),
    "alpha_beta": (LISTS, {}),
    "minimax_search": (LISTS, {}),
    "mcts": (LISTS, {"simulations": 5, "seed": 0}),
    "information_set_mcts": (KUHN, {"state": 2, "simulations": 5, "seed": 0}),
    "psro": (MATRIX, {}),
    "jpsro": (MATRIX, {}),
    "double_oracle": (games.matching_pennies(), {}),
}


@pytest.mark.parametrize("solver", RUNS)
def test_no_solver_takes_an_option_that_is_none(solver):
    game, given = RUNS[solver]
    function = getattr(solvers, solver)
    tried = 0
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        assert name in OPTIONS, "the option needs bad values in the table"
        for value in OPTIONS[name]:
            if value is not None or parameter.default is not None:
                refused(lambda name=name, value=value: function(game, **{**given, name: value}))
                tried += 1
    assert tried > 0


@pytest.mark.parametrize("value", [NAN, -1, 0, 1.5, None, "x", [0.5], True], ids=repr)
def test_a_bound_is_a_whole_number_from_1(value):
    for call in (
        lambda: KUHN.rationalize(max_denominator=value),
        lambda: ExtensiveGame.from_rules(games.KuhnPoker(), max_nodes=value),
        lambda: KUHN.normal_form(reduced=[value]),
    ):
        refused(call)


@pytest.mark.parametrize("rules", [None, 3, "x", [], {}, games.KuhnPoker, KUHN, REPEATED, MATRIX], ids=repr)
def test_what_knows_no_rules_makes_no_tree_and_no_table(rules):
    refused(lambda: ExtensiveGame.from_rules(rules), match="^rules is .*: give an object with the methods of")
    refused(lambda: games.tabulate(rules, discount=0.9), match="^model is")


@pytest.mark.parametrize("discount", [NAN, INF, -0.1, 1.1, "x", None, [0.5], 1j], ids=repr)
def test_a_discount_is_a_number_from_0_to_1(discount):
    refused(lambda: REPEATED.with_discount(discount), match="discount is")
    refused(lambda: StochasticGame.repeated(MATRIX, discount=discount), match="discount is")


@pytest.mark.parametrize("answers", [None, 3, "x", [3], [None]], ids=repr)
def test_only_answers_of_solvers_have_curves(answers):
    refused(lambda: pictures.draw_convergence(None, answers), match="answers holds")


@pytest.mark.parametrize("values", [None, 3, "ab", {}, Raises(), np.full((2, 1), NAN), np.zeros((1, 2))], ids=str)
def test_what_is_at_stake_is_told_by_the_values_of_all_states(values):
    refused(lambda: concepts.value_units(REPEATED, values), match="state_values")
    refused(lambda: REPEATED.stage_game(0, values))


@pytest.mark.parametrize("path", [None, 3, b"EFG", [], "a\0b"], ids=repr)
def test_what_names_no_file_is_read_by_nobody(path):
    refused(lambda: games.read(path), match="path is")
    if path is not None:
        refused(lambda: KUHN.to_efg(path), match="path is")
    refused(lambda: ExtensiveGame.from_efg(path), match="source is")
    refused(lambda: solvers.RegretMinimizer.load(KUHN, path), match="path is")


def test_a_huge_number_of_iterations_takes_no_memory_and_heeds_the_clock():
    for name in ("cfr_plus", "extensive_fictitious_play", "external_sampling_mccfr", "outcome_sampling_mccfr"):
        answer = getattr(solvers, name)(KUHN, iterations=10**15, time_limit=0.0)
        assert answer.work["iterations"] >= 1
    with contextlib.suppress(gt.NotConverged):
        solvers.nash_value_iteration(REPEATED, max_sweeps=10**15, time_limit=0.2)
