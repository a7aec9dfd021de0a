"""Zero-sum stochastic games; what holds for every method is tested with all four."""

from __future__ import annotations

import json
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts.stationary import longest_play, value_units
from marlgt.games import StochasticGame
from marlgt.games.markov.football import soccer_state
from marlgt.policy_certificates import relative_policy_epsilon
from marlgt.solvers import (
    hoffman_karp,
    modified_policy_iteration,
    pollatschek_avi_itzhak,
    shapley_value_iteration,
)
from marlgt.solvers.stochastic import _stages
from marlgt.solvers.stochastic._stage_kernels import stage_matrix
from marlgt.solvers.stochastic._stages import shapley_sweep, stages_of
from marlgt.testing import zero_sum_stochastic_games

METHODS = (modified_policy_iteration, shapley_value_iteration, hoffman_karp, pollatschek_avi_itzhak)
DATA = Path(__file__).parents[2] / "data"
KNOWN = {
    case["name"]: case
    for case in json.loads((DATA / "known_answers.json").read_text(encoding="utf-8"))
    if case["kind"] == "stochastic_zero_sum"
}
VECTORS = {case["id"]: case for case in json.loads((DATA / "equations.json").read_text(encoding="utf-8"))["cases"]}
PENNIES = gt.NormalFormGame.zero_sum([[2.0, 0.0], [0.0, 2.0]])


def ragged(rewards, transitions, discount):
    """The game of one matrix per state, whose sizes differ, padded by actions that are not legal."""
    matrices = [np.array(matrix, dtype=float) for matrix in rewards]
    m, n = (max(matrix.shape[axis] for matrix in matrices) for axis in (0, 1))
    count = len(matrices)
    paid, moves = np.zeros((count, m, n)), np.zeros((count, m, n, count))
    legal = [np.zeros((count, m), dtype=bool), np.zeros((count, n), dtype=bool)]
    for s, matrix in enumerate(matrices):
        rows, columns = matrix.shape
        paid[s, :rows, :columns] = matrix
        moves[s, :rows, :columns] = transitions[s]
        legal[0][s, :rows] = legal[1][s, :columns] = True
    return StochasticGame.from_dense(np.stack([paid, -paid]), moves, discount=discount, legal=legal)


def big_match(discount):
    """Stop (row 0) absorbs at 1 for ever against Left and at 0 against Right; Continue pays 0 and 1 and stays."""
    rewards = [[[1, 0], [0, 1]], [[1]], [[0]]]
    stays, paid, unpaid = [1, 0, 0], [0, 1, 0], [0, 0, 1]
    return ragged(rewards, [[[paid, unpaid], [stays, stays]], [[paid]], [[unpaid]]], discount)


def pennies_chain():
    """Matching pennies leads on by a match; then a half for certain, and back."""
    rewards = [[[1, 0], [0, 1]], [[0.5]]]
    return ragged(rewards, [[[[0, 1], [1, 0]], [[1, 0], [0, 1]]], [[[1, 0]]]], 0.8)


def taking_turns():
    """The row player chooses between two states, in which the column player chooses what is paid; then it ends."""
    return StochasticGame.zero_sum(
        [[[0, 0], [0, 0]], [[3, 1], [0, 0]], [[2, 5], [0, 0]], [[0, 0], [0, 0]]],
        [[[[1], [0]], [[2], [0]]], [[[3], [3]], [[0], [0]]], [[[3], [3]], [[0], [0]]], [[[0], [0]], [[0], [0]]]],
        np.ones((4, 2, 2, 1)),
        discount=0.9,
        terminal=[False, False, False, True],
        legal=[
            [[True, True], [True, False], [True, False], [True, True]],
            [[True, False], [True, True], [True, True], [True, True]],
        ],
    )


def random_game(n_states, m, n, *, seed, discount=0.9, width=3):
    rng = np.random.default_rng(seed)
    shape = (n_states, m, n)
    return StochasticGame.zero_sum(
        rng.normal(size=shape),
        rng.integers(n_states, size=(*shape, width)),
        rng.dirichlet(np.ones(width), size=shape),
        discount=discount,
    )


def by_linear_programs(game, sweeps):
    """Shapley's iteration with one linear program per state, by scipy."""
    from scipy.optimize import linprog

    values = np.zeros(game.n_states)
    for _ in range(sweeps):
        worths = game.action_values(np.stack([values, -values]))[0]
        found = np.zeros(game.n_states)
        for s in np.flatnonzero(~game.terminal):
            matrix = worths[s][np.ix_(np.flatnonzero(game.legal[0][s]), np.flatnonzero(game.legal[1][s]))]
            m, n = matrix.shape
            # max v  s.t.  (x A)_j >= v for every column j
            solved = linprog(
                np.append(np.zeros(m), -1.0),
                A_ub=np.hstack([-matrix.T, np.ones((n, 1))]),
                b_ub=np.zeros(n),
                A_eq=np.append(np.ones(m), 0.0)[None],
                b_eq=[1.0],
                bounds=[(0, None)] * m + [(None, None)],
            )
            found[s] = -solved.fun
        values = found
    return values


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", KNOWN)
def test_known_values_are_found(name, method):
    case = KNOWN[name]
    game = ragged(case["payoffs"]["rewards"], case["payoffs"]["transitions"], case["discount"])
    answer = method(game)
    assert answer.state_values[0] == pytest.approx(case["value"], abs=case["tolerance"])
    assert relative_policy_epsilon(game, answer) <= 1e-9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("discount", [0.5, 0.99])
def test_the_big_match_is_stopped_with_the_probability_of_blackwell_and_ferguson(method, discount):
    # Blackwell and Ferguson (1968): value 1/2 a step, and Stop with (1 - discount) / (2 - discount).
    expected = VECTORS[f"stoch.big_match_gamma{discount}"]["expected"]
    answer = method(big_match(discount), tolerance=1e-11)
    assert answer.state_values[0, 0] == pytest.approx(expected["value"], abs=1e-9)
    assert answer.profile[0][0, 0] == pytest.approx(expected["prob_stop"], abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_small_vectors_are_solved(method):
    chain = VECTORS["stoch.two_state_mp_chain"]
    assert method(pennies_chain(), tolerance=1e-12).state_values[0] == pytest.approx(chain["expected"], abs=1e-11)
    turns = VECTORS["stoch.alternating_turns"]
    assert method(taking_turns()).state_values[0, :3] == pytest.approx(turns["expected"], abs=1e-12)
    random = VECTORS["stoch.random_zero_sum_a"]
    weights = np.array(random["inputs"]["trans_weights"], dtype=float)
    paid = np.array(random["inputs"]["R"], dtype=float)
    game = StochasticGame.from_dense(
        np.stack([paid, -paid]), weights / weights.sum(axis=-1, keepdims=True), discount=random["inputs"]["gamma"]
    )
    assert method(game, tolerance=1e-12).state_values[0] == pytest.approx(random["expected"], abs=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_soccer_has_its_published_values(method):
    game = gt.games.soccer()
    answer = method(game)
    case = VECTORS["stoch.littman_soccer_4x5_values"]
    for name, (a, b, ball) in case["inputs"]["states"].items():
        state = soccer_state(tuple(a), tuple(b), ball)
        assert answer.state_values[0, state] == pytest.approx(case["expected"][name], abs=2e-9), name
    summary = VECTORS["stoch.littman_soccer_4x5_summary"]["expected"]
    live = answer.state_values[0][~game.terminal]
    assert len(live) == summary["n_states"]
    assert np.abs(live).mean() == pytest.approx(summary["mean_abs_V"], abs=1e-9)
    assert answer.values == pytest.approx([0.0, 0.0], abs=1e-9)
    assert answer.epsilon <= 2e-9


def test_soccer_of_a_long_horizon_is_solved_alike_by_evaluation_sweeps_and_by_shapley():
    game = gt.games.soccer(discount=0.99)
    answer = modified_policy_iteration(game)
    assert answer.state_values == pytest.approx(shapley_value_iteration(game).state_values, abs=2e-9)
    # Fifty sweeps go round in circles here, from which the iteration finds its way out.
    cycling = modified_policy_iteration(game, evaluation_sweeps=50)
    assert cycling.state_values == pytest.approx(answer.state_values, abs=2e-9)


@settings(max_examples=30)
@given(zero_sum_stochastic_games())
def test_all_methods_agree_and_their_bounds_hold(game):
    answers = [method(game) for method in METHODS]
    careful = pollatschek_avi_itzhak(game, tolerance=1e-12)
    stakes = value_units(game, careful.state_values)[0]
    for answer in answers:
        assert relative_policy_epsilon(game, answer) <= 1e-9
        error = np.abs(answer.state_values[0] - careful.state_values[0]).max()
        assert error <= answer.error_bound + careful.error_bound + 1e-13 * stakes
        assert answer.error_bound <= 1e-9 * stakes
        assert answer.trace[-1, 0] == answer.work["sweeps"] == len(answer.trace)


@settings(max_examples=30)
@given(zero_sum_stochastic_games(), st.sampled_from(METHODS))
def test_swapping_the_players_negates_the_values(game, method):
    swapped = StochasticGame(
        game.rewards[::-1].swapaxes(2, 3),
        game.successors.swapaxes(1, 2),
        game.probabilities.swapaxes(1, 2),
        discount=game.discount,
        start=game.start,
        terminal=game.terminal,
        legal=game.legal[::-1],
    )
    stakes = value_units(game, np.zeros((2, game.n_states)))[0] * longest_play(game)
    assert method(swapped).state_values[0] == pytest.approx(-method(game).state_values[0], abs=2e-9 * stakes)


@settings(max_examples=25)
@given(zero_sum_stochastic_games(n_states=range(1, 3), n_actions=range(1, 3), discount=0.9))
def test_no_pure_policy_does_better_against_the_answer(game):
    answer = modified_policy_iteration(game)
    for player in range(2):
        own = [np.flatnonzero(allowed) if allowed.any() else [0] for allowed in game.legal[player]]
        for choice in product(*own):
            replaced = list(answer.profile)
            replaced[player] = np.eye(game.n_actions[player])[list(choice)]
            worth = gt.concepts.stationary_values(game, replaced)[player]
            gain = (worth - answer.state_values[player])[game.reachable & ~game.terminal].max(initial=0.0)
            assert gain <= answer.regrets[player] + 1e-12 * value_units(game, answer.state_values)[player]


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("discount", [0.5, 0.9])
def test_a_sweep_shrinks_the_error_by_the_discount(discount, in_place):
    # Shapley (1953): the operator contracts by the discount; so does the sweep that reads what it has just written.
    game = random_game(12, 3, 4, seed=5, discount=discount)
    truth = pollatschek_avi_itzhak(game, tolerance=1e-12).state_values[0]
    stages, values = stages_of(game), np.zeros(12)
    errors = [np.abs(truth).max()]
    for _ in range(12):
        target = values if in_place else np.empty(12)
        shapley_sweep(stages, values, target, 0.0)
        values = target
        errors.append(np.abs(values - truth).max())
    assert all(after <= discount * before + 1e-12 for before, after in pairwise(errors))
    assert errors[-1] > 0.0


@pytest.mark.parametrize("seed", range(3))
def test_values_agree_with_a_linear_program_for_each_state(seed):
    game = random_game(4, 3, 3, seed=seed, discount=0.6)
    expected = by_linear_programs(game, 50)
    for method in METHODS:
        assert method(game).state_values[0] == pytest.approx(expected, abs=1e-8)


def test_legal_actions_that_differ_between_states_agree_with_linear_programs():
    game = big_match(0.6)
    assert modified_policy_iteration(game).state_values[0] == pytest.approx(by_linear_programs(game, 50), abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_an_undiscounted_game_that_ends_is_solved_backwards(method):
    # Inspection for 1 to 4 rounds (Dresher 1962): the inspector is paid -1 by a violation that he misses.
    rounds = 4
    rewards, nexts = np.zeros((rounds + 1, 2, 2)), np.full((rounds + 1, 2, 2, 1), rounds)
    for left in range(1, rounds + 1):
        state = rounds - left
        # Rows: inspect (his only time), wait. Columns: violate, comply.
        rewards[state] = [[1.0, -1.0 if left > 1 else 0.0], [-1.0, 0.0]]
        nexts[state, 1, 1] = state + 1
    game = StochasticGame.zero_sum(
        rewards, nexts, np.ones((rounds + 1, 2, 2, 1)), discount=1.0, terminal=[False] * rounds + [True]
    )
    expected = np.zeros(rounds + 1)
    for state in reversed(range(rounds)):
        later = rewards[state] + np.where(nexts[state, :, :, 0] < rounds, expected[nexts[state, :, :, 0]], 0.0)
        expected[state] = gt.solvers.minimax(gt.NormalFormGame.zero_sum(later)).values[0]
    answer = method(game)
    assert answer.state_values[0] == pytest.approx(expected, abs=1e-12)
    assert answer.error_bound <= 1e-9
    assert np.abs(answer.state_values[0] - expected).max() <= answer.error_bound + 1e-15


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_rewards_of_any_size_and_offset_are_solved(method, scale):
    game = random_game(6, 3, 2, seed=8, discount=0.75)
    paid = scale * (game.rewards[0] + 50.0)
    moved = StochasticGame.zero_sum(paid, game.successors, game.probabilities, discount=0.75)
    # A constant c more at every step is worth c / (1 - discount).
    expected = scale * (method(game).state_values[0] + 200.0)
    assert method(moved).state_values[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("discount", [0.999, 0.99999])
def test_discounts_near_one_take_few_sweeps(discount):
    answer = modified_policy_iteration(random_game(30, 3, 3, seed=4, discount=discount))
    assert answer.work["sweeps"] <= 20


def test_modified_policy_iteration_takes_fewer_sweeps_than_value_iteration():
    game = random_game(20, 3, 3, seed=6, discount=0.95)
    counts = [method(game).work["sweeps"] for method in (modified_policy_iteration, shapley_value_iteration)]
    assert 5 * counts[0] <= counts[1]


def test_without_evaluations_modified_policy_iteration_is_value_iteration():
    game = random_game(5, 3, 3, seed=7)
    alone, modified = shapley_value_iteration(game), modified_policy_iteration(game, evaluation_sweeps=1)
    assert modified.work["sweeps"] <= alone.work["sweeps"]
    never = modified_policy_iteration(game, evaluation_sweeps=0)
    assert never.state_values == pytest.approx(alone.state_values, abs=1e-8)


def test_a_stage_game_that_the_kernel_leaves_is_solved_with_care(monkeypatch):
    game = random_game(3, 3, 3, seed=9, discount=0.5)
    expected = modified_policy_iteration(game).state_values

    def refusing(function, work):
        if function is not _stages.shapley_states:
            return function

        def refuse(*arguments):
            _, rewards, successors, weights = arguments[:4]
            stage_matrix(rewards, successors, weights, arguments[14], arguments[6], arguments[17])
            return arguments[17]

        return refuse

    monkeypatch.setattr(_stages, "gear", refusing)
    assert modified_policy_iteration(game).state_values == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_sweeps_that_run_out_leave_the_best_answer_with_its_certificate(method):
    game = random_game(20, 3, 3, seed=10, discount=0.99)
    with pytest.raises(gt.NotConverged, match="after 2 sweeps: give it more sweeps with max_sweeps") as failure:
        method(game, max_sweeps=2)
    best = failure.value.best
    assert best.epsilon == pytest.approx(gt.certify(game, best.profile).epsilon)
    assert best.epsilon > 0.0
    truth = modified_policy_iteration(game).state_values[0]
    assert np.abs(best.state_values[0] - truth).max() <= best.error_bound
    # The residual times the discount over one minus the discount is part of the bound.
    assert best.error_bound >= best.trace[-1, 1] * 0.99 / 0.01


@pytest.mark.parametrize("method", METHODS)
def test_games_of_another_kind_are_refused_with_the_solver_to_take(method):
    general = StochasticGame.repeated(gt.games.prisoners_dilemma(), discount=0.5)
    with pytest.raises(gt.UnsupportedGame, match=r"rewards sum to zero.*marlgt.solve\(game\) picks a method"):
        method(general)
    common = StochasticGame.repeated(gt.NormalFormGame.common_interest([[1, 0], [0, 2]]), discount=0.5)
    with pytest.raises(gt.UnsupportedGame, match="plan_common_interest"):
        method(common)
    three = StochasticGame.repeated(gt.NormalFormGame(np.zeros((3, 2, 2, 2))), discount=0.5)
    with pytest.raises(gt.UnsupportedGame, match="this game has 3 players"):
        method(three)
    with pytest.raises(gt.UnsupportedGame, match="the discount is 1"):
        method(StochasticGame.repeated(PENNIES, discount=1.0))
    with pytest.raises(gt.GameError, match="give a StochasticGame"):
        method(PENNIES)


@pytest.mark.parametrize("method", METHODS)
def test_limits_that_are_none_are_refused(method):
    game = StochasticGame.repeated(PENNIES, discount=0.5)
    with pytest.raises(gt.GameError, match="tolerance"):
        method(game, tolerance=-1.0)
    with pytest.raises(gt.GameError, match="max_sweeps"):
        method(game, max_sweeps=0)
    with pytest.raises(gt.GameError, match="evaluation_sweeps"):
        modified_policy_iteration(game, evaluation_sweeps=-1)
