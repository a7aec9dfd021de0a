"""The faults of docs/peer_faults.md are there in the versions that it names, and what it calls right is right."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import marlgt as gt
from marlgt.certificates import relative_epsilon
from marlgt.concepts import cce_gap, ce_gap, exploitability, is_subgame_perfect
from marlgt.games import NormalFormGame, behavior_profile_from_openspiel, from_openspiel, to_openspiel
from marlgt.games.files.efg import parse_efg
from marlgt.solvers.backends import nashpy_linear_program
from marlgt.testing import (
    assert_nash,
    check_solver,
    degenerate_games,
    extreme_equilibria,
    from_matrices,
    is_nondegenerate,
    zero_sum_games,
)
from marlgt.testing.sandbox import Sandbox


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


NASHPY = pytest.mark.skipif(
    version("nashpy") != "0.0.43", reason=f"the page is about nashpy 0.0.43, here is {version('nashpy')}"
)
OPENSPIEL = pytest.mark.skipif(
    version("open_spiel") != "2.0.2", reason=f"the page is about open_spiel 2.0.2, here is {version('open_spiel')}"
)
LITE_EFG = pytest.mark.skipif(
    version("LiteEFG") != "1.0.0", reason=f"the page is about LiteEFG 1.0.0, here is {version('LiteEFG')}"
)
QUANTECON = pytest.mark.skipif(
    version("quantecon") != "0.11.4", reason=f"the page is about quantecon 0.11.4, here is {version('quantecon')}"
)
BIG = 2**61
ONE_MOVE = 'EFG 2 R "" { "A" "B" } p "" 1 1 "" { "left" "right" } 0 t "" 1 "" { PAID -PAID } t "" 2 "" { 0 0 }'
OUT_OR_IN = (
    'EFG 2 R "" { "A" "B" } p "" 1 1 "" { "out" "in" } 0 t "" 1 "" { 1 -1 } '
    'p "" 2 1 "" { "high" "low" } 0 t "" 2 "" { 0 0 } t "" 3 "" { -1 1 }'
)


def support_enumeration(A, B):
    import nashpy

    return list(nashpy.Game(A, B).support_enumeration())


def vertex_enumeration(A, B):
    import nashpy

    return list(nashpy.Game(A, B).vertex_enumeration())


def lemke_howson(A, B):
    import nashpy

    return nashpy.Game(A, B).lemke_howson(initial_dropped_label=0)


def nashpy_minimax(A, B):
    import nashpy

    return nashpy.Game(A).linear_program()


def openspiel_minimax(A, B):
    import pyspiel
    from open_spiel.python.algorithms import lp_solver

    return lp_solver.solve_zero_sum_matrix_game(pyspiel.create_matrix_game(A.tolist(), B.tolist()))[:2]


def called(solve, game):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return from_matrices(solve)(game)


def certified(game, *strategies):
    """Check in rational arithmetic that the profile is an equilibrium of the game."""
    profile = [np.array([Fraction(x) for x in strategy]) for strategy in strategies]
    exact = game if game.is_exact else NormalFormGame(np.vectorize(Fraction, otypes=[object])(game.payoffs))
    certificate = gt.certify(exact, profile)
    assert certificate.exact
    assert certificate.epsilon == 0


def only_equilibria(game, *equilibria):
    found = {(tuple(x), tuple(y)) for x, y in extreme_equilibria(game).equilibria}
    assert found == {tuple(tuple(Fraction(p) for p in x) for x in pair) for pair in equilibria}
    for pair in equilibria:
        certified(game, *pair)


@NASHPY
def test_1_support_enumeration_finds_nothing():
    game = NormalFormGame.bimatrix([[0, 2, 4], [7, 0, 0]], [[1, 0, 0], [0, 0, 1]])
    only_equilibria(game, (("1/2", "1/2"), ("4/11", 0, "7/11")))
    assert is_nondegenerate(game)
    assert called(support_enumeration, game) == []


@NASHPY
def test_2_support_enumeration_misses_the_mixed_equilibrium():
    game = NormalFormGame.bimatrix([[0, 0, 0], [3, 7, -8]], [[-1, -1, 0], [1, 0, 0]])
    only_equilibria(game, ((1, 0), (0, 0, 1)), ((0, 1), (1, 0, 0)), (("1/2", "1/2"), ("8/11", 0, "3/11")))
    assert is_nondegenerate(game)
    assert len(called(support_enumeration, game)) == 2


@NASHPY
def test_3_support_enumeration_returns_what_is_no_equilibrium():
    game = NormalFormGame.bimatrix([[BIG, 2 * BIG], [0, -2 * BIG]], [[0, BIG], [0, -BIG]])
    only_equilibria(game, ((1, 0), (0, 1)))
    wrong = called(support_enumeration, game)[1]
    assert relative_epsilon(game, gt.certify(game, wrong)) > 0.1


@NASHPY
def test_4_lemke_howson_never_returns():
    game = NormalFormGame.zero_sum([[0]])
    certified(game, [1], [1])
    with Sandbox(from_matrices(lemke_howson), refusals=(), time_limit=1.0) as sandbox:
        assert sandbox.run(game).outcome == "hung"


@NASHPY
def test_5_lemke_howson_raises_for_every_label():
    import nashpy

    game = NormalFormGame.bimatrix([[0, 0]], [[0, 1]])
    only_equilibria(game, ((1,), (0, 1)))
    assert is_nondegenerate(game)
    for label in range(3):
        with pytest.raises(KeyError):
            nashpy.Game([[0, 0]], [[0, 1]]).lemke_howson(label)


@NASHPY
def test_6_vertex_enumeration_raises_on_one_action_each():
    with pytest.raises(TypeError, match="NoneType"):
        called(vertex_enumeration, NormalFormGame.zero_sum([[0]]))


@NASHPY
def test_7_vertex_enumeration_finds_nothing_at_a_large_scale():
    game = NormalFormGame.bimatrix([[1], [0]], [[10**9], [10**9]])
    only_equilibria(game, ((1, 0), (1,)))
    assert called(vertex_enumeration, game) == []


@NASHPY
def test_8_vertex_enumeration_finds_nothing_in_a_degenerate_game():
    game = NormalFormGame.bimatrix([[0, 1], [0, 0]], [[0, -1], [0, 0]])
    only_equilibria(game, ((1, 0), (1, 0)), ((0, 1), (1, 0)))
    assert called(vertex_enumeration, game) == []


@NASHPY
def test_9_linear_program_plays_the_dominated_action():
    game = NormalFormGame.zero_sum([[1e-9], [0]])
    only_equilibria(game, ((1, 0), (1,)))
    answer = called(nashpy_minimax, game)
    assert relative_epsilon(game, gt.certify(game, answer)) == 1
    with pytest.raises(gt.NotConverged, match="use minimax"):
        nashpy_linear_program(game)


@NASHPY
def test_10_linear_program_raises_at_a_large_scale():
    game = NormalFormGame.zero_sum([[1e15]])
    with pytest.raises(TypeError, match="NoneType"):
        called(nashpy_minimax, game)


@OPENSPIEL
def test_11_openspiel_plays_a_dominated_action_half_the_time():
    game = NormalFormGame.zero_sum([[2e-9, 1e-9]])
    only_equilibria(game, ((1,), (0, 1)))
    answer = called(openspiel_minimax, game)
    assert 0.4 < answer[1][0] < 0.6
    assert gt.certify(game, answer).epsilon > 0.4 * game.payoff_range[0]


@OPENSPIEL
def test_12_openspiel_raises_at_a_large_scale():
    with pytest.raises(TypeError, match="NoneType"):
        called(openspiel_minimax, NormalFormGame.zero_sum([[2e12]]))


@OPENSPIEL
def test_13_openspiel_returns_what_is_no_distribution():
    game = NormalFormGame.zero_sum([[-2e10, 1e6, 0]])
    weights = called(openspiel_minimax, game)[1]
    assert abs(sum(weights) - 1) > 1e-6


def sequence_form(text):
    """Return the weights of the only mover, as OpenSpiel's linear program of the tree has them."""
    from open_spiel.python.algorithms import sequence_form_lp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sequence_form_lp.solve_zero_sum_game(to_openspiel(parse_efg(text)))[2].action_probability_array[0]


class Joined:
    """One policy of OpenSpiel for each player."""

    def __init__(self, *policies):
        self.policies = policies

    def action_probabilities(self, state):
        return self.policies[state.current_player()].action_probabilities(state)


@OPENSPIEL
def test_14_sequence_form_plays_a_dominated_action_half_the_time():
    weights = sequence_form(ONE_MOVE.replace("PAID", "1e-9"))
    assert 0.4 < weights[1] < 0.6
    game = parse_efg(ONE_MOVE.replace("PAID", "1e-9"))
    assert exploitability(game, (weights[None] / weights.sum(), np.zeros((0, 0)))) > 0.4 * 1e-9 / 2
    assert gt.solvers.sequence_form_lp(game).profile[0].tolist() == [[1, 0]]


@OPENSPIEL
def test_15_sequence_form_raises_at_a_large_scale():
    with pytest.raises(TypeError, match="NoneType"):
        sequence_form(ONE_MOVE.replace("PAID", "1000000000000"))


@OPENSPIEL
def test_16_sequence_form_returns_what_is_no_distribution():
    assert sequence_form(ONE_MOVE.replace("PAID", "1000000000")).min() < -1e-8


@OPENSPIEL
def test_17_the_perturbed_program_gives_no_sequential_equilibrium():
    from open_spiel.python.algorithms import sequence_form_lp

    game = parse_efg(OUT_OR_IN)
    theirs = to_openspiel(game)
    for eps, right in ((1e-8, False), (1e-6, True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            policies = sequence_form_lp.solve_perturbed_zero_sum_game(theirs, eps=eps)[2:]
        profile = behavior_profile_from_openspiel(theirs, Joined(*policies), tree=game)
        assert bool(profile[1][0, 1] > 0.99) is right
        assert exploitability(game, profile) < 1e-5
        assert is_subgame_perfect(game, profile, tolerance=1e-3) is right


@OPENSPIEL
def test_18_solvers_of_python_raise_where_nobody_moves():
    import pyspiel
    from open_spiel.python.algorithms import cfr, discounted_cfr
    from open_spiel.python.algorithms.sequence_form_lp import solve_zero_sum_game

    game = to_openspiel(parse_efg('EFG 2 R "" { "A" "B" } t "" 1 "" { 0 0 }'))
    for solver in (cfr.CFRSolver, cfr.CFRPlusSolver, discounted_cfr.DCFRSolver, solve_zero_sum_game):
        with pytest.raises(ValueError, match="0 states"):
            solver(game)
    pyspiel.CFRSolver(game).evaluate_and_update_policy()


@OPENSPIEL
def test_19_value_iteration_raises_on_soccer():
    import pyspiel
    from open_spiel.python.algorithms.value_iteration import value_iteration

    with pytest.raises(RecursionError):
        value_iteration(pyspiel.load_game("markov_soccer"), -1, 1e-3, cyclic_game=True)


def ends(program, *arguments):
    """Run a program in a process of its own and tell how it ends."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, timeout=120, check=False)
    return done.returncode


@OPENSPIEL
def test_20_a_policy_dies_with_its_solver():
    program = """if True:
        import sys, pyspiel
        game = pyspiel.load_game("kuhn_poker")
        kept = []

        def solved():
            solver = pyspiel.CFRSolver(game)
            solver.evaluate_and_update_policy()
            kept.extend([solver] if sys.argv[1] == "kept" else [])
            return solver.average_policy()

        policy = solved()
        policy.action_probabilities(game.new_initial_state().child(0).child(1))
    """
    assert ends(program, "kept") == 0
    assert ends(program, "lost") != 0


@OPENSPIEL
def test_21_players_of_goofspiel_forget_their_bids():
    import pyspiel

    name = "goofspiel(num_cards=4,imp_info=False,points_order=descending)"
    first, second = (pyspiel.load_game(name).new_initial_state() for _ in range(2))
    for bid in (0, 1):
        first.apply_actions([bid, bid])
        second.apply_actions([1 - bid, 1 - bid])
    assert first.information_state_string(0) == second.information_state_string(0)
    assert not from_openspiel(name).has_perfect_recall
    assert gt.games.goofspiel(4).has_perfect_recall


@OPENSPIEL
def test_22_chances_written_for_gambit_do_not_sum_to_one():
    import pyspiel
    from open_spiel.python.algorithms.gambit import export_gambit

    text = export_gambit(pyspiel.load_game("kuhn_poker"))
    chances = re.findall(r'"Deal:\d" ([.\d]+)', text.splitlines()[1])
    assert sum(map(Fraction, chances)) == Fraction(9999999999999999, 10**16)
    with pytest.raises(gt.GameError, match="sum to"):
        parse_efg(text)
    assert parse_efg(text, rationalize=True).n_nodes == gt.games.kuhn_poker().n_nodes


@OPENSPIEL
@pytest.mark.parametrize(
    ("rest", "error"),
    [
        ('0 t "" 1 "" { 1 0 } t "" 1', IndexError),
        ('1 "" { 1 0 } t "" 2 "" { 1 0 } t "" 3 "" { 0 1 }', RuntimeError),
    ],
    ids=["an outcome twice", "a payoff before the end"],
)
def test_23_openspiel_refuses_files_of_the_format(rest, error):
    import pyspiel

    text = 'EFG 2 R "" { "A" "B" } p "" 1 1 "" { "l" "r" } ' + rest
    with pytest.raises(error):
        pyspiel.load_efg_game(text)
    game = parse_efg(text)
    theirs = to_openspiel(game).new_initial_state()
    for a in range(2):
        assert theirs.child(a).returns() == game.terminal_payoffs[:, a].tolist()


@OPENSPIEL
def test_24_alpharank_raises_in_a_coordination_game():
    from open_spiel.python.egt import alpharank

    with pytest.raises(ValueError, match="found 2"):
        alpharank.compute([np.eye(2), np.eye(2)], alpha=1)
    ours = gt.solvers.alpha_rank(NormalFormGame.bimatrix(np.eye(2), np.eye(2)), alpha=1.0)
    np.testing.assert_allclose(ours.distribution, np.eye(2) / 2, atol=1e-12)


@OPENSPIEL
def test_25_alpharank_raises_where_payoffs_are_far_apart():
    from open_spiel.python.egt import alpharank

    rows = np.array([[8.0], [0.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="infs or NaNs"):
            alpharank.compute([rows, 0 * rows])
    ours = gt.solvers.alpha_rank(NormalFormGame(np.stack([rows, 0 * rows])))
    np.testing.assert_allclose(ours.distribution, [[1], [0]], atol=1e-12)


@OPENSPIEL
def test_26_double_oracle_raises_where_a_player_has_one_action():
    import pyspiel
    from open_spiel.python.algorithms.double_oracle import DoubleOracleSolver

    with pytest.raises(IndexError):
        DoubleOracleSolver(pyspiel.create_matrix_game([[0, 1]], [[0, -1]])).solve()
    certified(NormalFormGame.zero_sum([[0, 1]]), [1], [1, 0])


@OPENSPIEL
def test_27_nash_averaging_raises_on_a_task_that_tells_nobody_apart():
    import pyspiel
    from open_spiel.python.algorithms.nash_averaging import nash_averaging

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(AssertionError):
            nash_averaging(pyspiel.create_matrix_game([[1, 0], [1, 1]], [[-1, 0], [-1, -1]]), a_v_a=False)


@OPENSPIEL
@pytest.mark.parametrize(("solver", "gap"), [("_mgce", ce_gap), ("_mwce", ce_gap), ("_mgcce", cce_gap)])
def test_28_meta_solvers_return_no_correlated_equilibrium_at_a_small_scale(solver, gap):
    from open_spiel.python.algorithms import jpsro

    payoffs = np.array([[[1.0, 1], [1, 1]], [[1, 1], [1, 2]]])
    for scale, right in ((1e-9, False), (1.0, True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            joint = getattr(jpsro, solver)(scale * payoffs, [[1, 1], [1, 1]])[0]
        joint = np.maximum(joint, 0) / np.maximum(joint, 0).sum()
        assert (gap(NormalFormGame(scale * payoffs), joint) <= 1e-3 * scale) == right


LITE_EFG_ENVIRONMENTS = """if True:
    import os, sys
    os.environ["HOME"] = os.environ["USERPROFILE"] = sys.argv[1]
    import LiteEFG, pyspiel
    from LiteEFG.baselines import CFR, CFRplus

    def iterated(environment, baseline):
        graph = baseline.graph()
        environment.set_graph(graph)
        graph.update_graph(environment)
        environment.update_strategy(graph.current_strategy())
        return environment.utility(graph.current_strategy(), "default")
"""


@LITE_EFG
@OPENSPIEL
def test_29_a_second_graph_kills_the_process(tmp_path):
    program = (
        LITE_EFG_ENVIRONMENTS
        + """
    environment = LiteEFG.OpenSpielEnv(pyspiel.load_game("kuhn_poker"), regenerate=True)
    for baseline in (CFR, CFRplus)[: int(sys.argv[2])]:
        iterated(environment, baseline)
"""
    )
    assert ends(program, str(tmp_path), "1") == 0
    assert ends(program, str(tmp_path), "2") != 0


@LITE_EFG
@OPENSPIEL
def test_30_a_game_from_a_file_is_answered_by_the_tree_of_another(tmp_path):
    program = (
        LITE_EFG_ENVIRONMENTS
        + f"""
    found = []
    for paid in ("1", "5"):
        game = pyspiel.load_efg_game({ONE_MOVE!r}.replace("PAID", paid))
        found.append(iterated(LiteEFG.OpenSpielEnv(game, regenerate=sys.argv[2] == "anew"), CFR)[0])
    sys.exit(0 if found[1] == 5 * found[0] > 0 else 3 if found[1] == found[0] > 0 else 4)
"""
    )
    assert ends(program, str(tmp_path), "anew") == 0
    assert ends(program, str(tmp_path / "kept"), "kept") == 3


@OPENSPIEL
def test_31_outcome_sampling_stays_away_from_equilibrium():
    import pyspiel

    game = parse_efg(
        'EFG 2 R "" { "A" "B" } p "" 1 1 "" { "out" "in" } 0 t "" 1 "" { 1 -1 } '
        'p "" 2 1 "" { "good" "bad" } 0 t "" 2 "" { 0 0 } t "" 3 "" { 3 -3 }'
    )
    theirs = to_openspiel(game)
    for seed in range(3):
        solver = pyspiel.OutcomeSamplingMCCFRSolver(theirs, 0.6, seed)
        for _ in range(30_000):
            solver.run_iteration()
        policy = solver.average_policy()
        profile = behavior_profile_from_openspiel(theirs, policy, tree=game)
        assert exploitability(game, profile) == pytest.approx(0.25, abs=1e-3)
        assert pyspiel.exploitability(theirs, policy) == pytest.approx(0.25, abs=1e-3)
        ours = gt.solvers.outcome_sampling_mccfr(game, iterations=30_000, seed=seed)
        assert exploitability(game, ours.profile) < 1e-3


@NASHPY
@OPENSPIEL
def test_32_wolf_phc_never_moves_in_games_of_one_step():
    from open_spiel.python import rl_environment
    from open_spiel.python.algorithms.wolf_phc import WoLFPHC

    environment = rl_environment.Environment("matrix_pd")
    agents = [WoLFPHC(player, num_actions=2) for player in range(2)]
    for _ in range(1000):
        now = environment.reset()
        now = environment.step([agent.step(now).action for agent in agents])
        for agent in agents:
            agent.step(now)
    values, policy = agents[0]._q_values["[0.0]"], agents[0]._cur_policy["[0.0]"]
    assert abs(values[0] - values[1]) > 0.5
    assert dict(policy) == {0: 0.5, 1: 0.5}
    own = [gt.learners.WoLFPHC(gt.games.prisoners_dilemma(), i) for i in range(2)]
    gt.learners.play(gt.games.prisoners_dilemma(), own, steps=1000, seed=0)
    assert own[0].policy()[1] > 0.51


@OPENSPIEL
def test_33_the_correlated_solver_is_coarse_in_either_case():
    from open_spiel.python.algorithms import jpsro
    from open_spiel.python.algorithms.tabular_multiagent_qlearner import CorrelatedEqSolver

    payoffs = np.array([[[3.0, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]]])
    plain, coarse = (CorrelatedEqSolver(is_cce=flag)(payoffs)[1] for flag in (False, True))
    assert plain == pytest.approx(coarse)
    repeats = [np.ones(count, dtype=np.int32) for count in (3, 2)]
    joint, _ = jpsro._mgce(payoffs, repeats, ignore_repeats=True)
    assert ce_gap(NormalFormGame(payoffs), joint / joint.sum()) <= 1e-4
    joint = np.asarray(joint)
    assert np.abs((payoffs * joint).sum(axis=(1, 2)) - plain).max() > 0.05


@NASHPY
def test_34_regret_minimization_reads_the_column_player_by_rows():
    import nashpy

    game = NormalFormGame.bimatrix([[0, 0], [0, 0]], [[1, 0], [1, 0]])
    found = next(nashpy.Game(*game.payoffs).regret_minimization(iterations=1000))
    assert found[1] == [0.5, 0.5]
    assert gt.certify(game, found).epsilon == pytest.approx(0.5)
    with pytest.raises(ValueError, match="not aligned"):
        list(nashpy.Game(np.zeros((2, 3)), np.zeros((2, 3))).regret_minimization())
    assert gt.dynamics.regret_matching(game, steps=1000).nash_conv[-1] <= 0.01


@NASHPY
def test_35_imitation_dynamics_raises_where_a_game_is_not_square():
    import nashpy

    with pytest.raises(ValueError, match="not aligned"):
        list(nashpy.Game(np.zeros((2, 3)), np.zeros((2, 3))).imitation_dynamics())


@NASHPY
def test_36_a_mutant_is_of_its_parents_type():
    from nashpy.egt.moran_process import update_population

    population, scores = np.array([1, 0]), np.array([1, 0])
    found = {tuple(update_population(population, scores, {0, 1}, mutation_probability=1).tolist()) for _ in range(100)}
    # A copy of the first that has mutated is of type 0, in one place or the other.
    assert not found <= {(0, 0), (1, 0)}


@QUANTECON
def test_37_logit_dynamics_overwrites_the_game():
    import quantecon.game_theory as theory

    game = theory.NormalFormGame((theory.Player([[3.0, 0], [5, 1]]), theory.Player([[3.0, 0], [5, 1]])))
    theory.LogitDynamics(game)
    assert game.players[0].payoff_array.tolist() == [[-2, -1], [0, 0]]


@pytest.mark.parametrize(
    ("solve", "kinds", "broken"),
    [
        (
            support_enumeration,
            [lambda **shape: degenerate_games(magnitude=9, n_players=2, n_actions=3)],
            "finds all",
        ),
        (vertex_enumeration, [degenerate_games], "does not crash"),
        (lemke_howson, [degenerate_games], "finishes"),
        (
            nashpy_minimax,
            [lambda **shape: zero_sum_games(**shape).map(lambda g: g.affine(scale=1e-9))],
            "returns equilibria",
        ),
    ],
    ids=["support_enumeration", "vertex_enumeration", "lemke_howson", "linear_program"],
)
def test_the_suite_finds_a_fault_in_each_solver_of_nashpy(solve, kinds, broken):
    import nashpy  # noqa: F401  the forked process then need not import it after each hang

    only = is_nondegenerate if solve is support_enumeration else None
    report = check_solver(
        from_matrices(solve),
        kinds=kinds,
        only=only,
        n_actions=range(1, 4),
        complete=True,
        max_examples=60,
        time_limit=0.5,
    )
    assert broken in {result.name for result in report.failures}


def test_our_own_solvers_solve_every_game_on_the_page():
    page = Path(__file__).parents[2] / "docs" / "peer_faults.md"
    matrices = re.findall(r"nashpy\.Game\((\[\[[-\d, \[\]]*\]\]), (\[\[[-\d*, \[\]]*\]\])\)", page.read_text())
    assert len(matrices) >= 7
    for A, B in matrices:
        game = NormalFormGame.bimatrix(eval(A), eval(B))
        found = gt.solve(game)
        assert found
        for answer in found:
            assert_nash(game, answer, tolerance=0)
    for value in ([[1e-9], [0]], [[1e15]], [[2e-9, 1e-9]], [[2e12]], [[-2e10, 1e6, 0]]):
        game = NormalFormGame.zero_sum(value)
        assert_nash(game, gt.solve(game)[0], tolerance=1e-9)
