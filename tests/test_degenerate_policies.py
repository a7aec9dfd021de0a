"""Games with states or turns at their edges: one node, one action, nobody to move, nowhere to go, 200,000 levels."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import marlgt as gt
from marlgt import concepts, games, pictures, solvers
from marlgt.games import CHANCE, TERMINAL, ExtensiveGame, StochasticGame
from marlgt.games.files.json_form import format_json, parse_json
from marlgt.games.files.policies import format_policy_json, parse_policy_json

FORK = ([-1, 0, 0], [0, 0, 1])
NO_OUTCOMES = np.zeros((2, 0))
TREES = {
    "one node": ExtensiveGame([-1], [0], [TERMINAL], [0], [0], [[3], [-3]]),
    "one node of one player": ExtensiveGame([-1], [0], [TERMINAL], [0], [0], [[3]]),
    "one node that pays nothing": ExtensiveGame([-1], [0], [TERMINAL], [0], [-1], NO_OUTCOMES),
    "no outcomes": ExtensiveGame(*FORK, [0, TERMINAL, TERMINAL], [0] * 3, [-1] * 3, NO_OUTCOMES),
    "one action each": ExtensiveGame([-1, 0, 1], [0] * 3, [0, 1, TERMINAL], [0] * 3, [-1, -1, 0], [[1], [-1]]),
    "one player": ExtensiveGame(*FORK, [0, TERMINAL, TERMINAL], [0] * 3, [-1, 0, 1], [[1, 3]]),
    "chance only": ExtensiveGame(
        *FORK, [CHANCE, TERMINAL, TERMINAL], [0] * 3, [-1, 0, 1], [[1, 3], [-1, -3]], probability=[1, 0.5, 0.5]
    ),
    "the second never moves": ExtensiveGame(
        *FORK, [0, TERMINAL, TERMINAL], [0] * 3, [-1, 0, 1], [[1, 3], [-1, -3]]
    ),
    "only the second moves": ExtensiveGame(*FORK, [1, TERMINAL, TERMINAL], [0] * 3, [-1, 0, 1], [[1, 3], [-1, -3]]),
    "two of three never move": ExtensiveGame(
        *FORK, [1, TERMINAL, TERMINAL], [0] * 3, [-1, 0, 1], [[1, 3], [-1, -3], [2, 2]]
    ),
    "chance never goes right": ExtensiveGame(
        [-1, 0, 0, 1, 1, 2, 2], [0, 0, 1, 0, 1, 0, 1], [CHANCE, 0, 1, *[TERMINAL] * 4], [0] * 7,
        [-1, -1, -1, 0, 1, 1, 0], [[1, 3], [-1, -3]], probability=[1, 1, 0, 1, 1, 1, 1],
    ),
}  # fmt: skip
TREE_SOLVERS = {
    **{name: {"iterations": 20} for name in ("cfr", "cfr_plus", "linear_cfr", "discounted_cfr")},
    **{name: {"iterations": 20} for name in ("predictive_cfr_plus", "extensive_fictitious_play")},
    **{name: {"iterations": 20} for name in ("external_sampling_mccfr", "outcome_sampling_mccfr")},
    **{name: {} for name in ("sequence_form_lp", "sequence_form_lcp", "reduced_normal_form", "psro")},
    **{name: {} for name in ("backward_induction", "subgame_perfect_equilibria", "minimax_search", "alpha_beta")},
    "extensive_form_correlated_equilibrium": {},
    "extensive_form_coarse_correlated_equilibrium": {},
    "jpsro": {},
    "mcts": {"simulations": 20, "seed": 0},
    "information_set_mcts": {"simulations": 20, "seed": 0},
}


def check_numbers(answer):
    """Check that whatever a solver returned holds finite numbers only."""
    for found in answer if isinstance(answer, gt.Equilibria) else [answer]:
        held = getattr(found, "equilibrium", found)
        for name in ("values", "value", "regrets", "state_values", "policy"):
            numbers = getattr(held, name, None)
            assert numbers is None or np.isfinite(np.asarray(numbers, dtype=np.float64)).all()
        for policy in getattr(held, "profile", None) or ():
            assert np.isfinite(policy).all()


@pytest.mark.parametrize("kind", TREES)
def test_every_solver_of_trees_answers_or_says_why_not(kind):
    solved = 0
    for name, options in TREE_SOLVERS.items():
        try:
            answer = getattr(solvers, name)(TREES[kind], **options)
        except gt.UnsupportedGame:
            continue
        except gt.GameError as error:
            assert "no player is to move" in str(error)  # noqa: PT017
            continue
        check_numbers(answer)
        solved += 1
    assert solved >= 10
    check_numbers(gt.solve(TREES[kind]))


@pytest.mark.parametrize("kind", TREES)
def test_everything_else_takes_the_smallest_trees(kind):
    game = TREES[kind]
    uniform = game.uniform_profile()
    assert ExtensiveGame.from_efg(game.to_efg()).n_nodes == game.n_nodes
    assert parse_json(format_json(game)) == game
    assert pickle.loads(pickle.dumps(game)) == copy.deepcopy(game) == game
    assert repr(game)
    assert game.normal_form().n_players == game.normal_form(reduced=False).n_players == game.n_players
    assert all(map(np.array_equal, parse_policy_json(game, format_policy_json(game, uniform)), uniform))
    assert np.isfinite(gt.certify(game, uniform).epsilon)
    assert np.isfinite(concepts.subgame_regrets(game, uniform)).all()
    mixed = games.behavior_to_mixed(game, uniform)
    assert all(map(np.allclose, games.mixed_to_behavior(game, mixed), uniform))


@pytest.mark.parametrize("kind", TREES)
def test_the_smallest_trees_are_drawn(kind):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, axes = pyplot.subplots()
    pictures.draw_tree(axes, TREES[kind])
    pictures.draw_tree(axes, TREES[kind], TREES[kind].uniform_profile())
    pyplot.close(figure)


def _to(targets, *counts):
    """Return successors and probabilities of states that go wherever ``targets`` says, whatever is played."""
    shape = (len(targets), *counts, 1)
    return np.broadcast_to(np.reshape(targets, (-1,) + (1,) * (len(counts) + 1)), shape), np.ones(shape)


REWARDS = np.random.default_rng(0).normal(size=(3, 2, 2))
STATES = {
    "one state, one action": StochasticGame.zero_sum(np.ones((1, 1, 1)), *_to([0], 1, 1), discount=0.5),
    "one action, general sum": StochasticGame(np.ones((2, 1, 1, 1)), *_to([0], 1, 1), discount=0.5),
    "no future": StochasticGame.zero_sum(REWARDS, *_to([0, 1, 2], 2, 2), discount=0.0),
    "one player": StochasticGame(REWARDS[:1], *_to([1, 0], 2), discount=0.5),
    "all terminal but one": StochasticGame.zero_sum(REWARDS, *_to([1] * 3, 2, 2), discount=1.0, terminal=[0, 1, 1]),
    "begins at the end": StochasticGame.zero_sum(
        REWARDS, *_to([1] * 3, 2, 2), discount=1.0, terminal=[0, 1, 1], start=[0, 1, 0]
    ),
    "unreachable": StochasticGame.zero_sum(REWARDS, *_to([0, 1, 2], 2, 2), discount=0.9, start=[1, 0, 0]),
    "unreachable, general sum": StochasticGame(
        np.stack([REWARDS, REWARDS[::-1]]), *_to([0, 2, 1], 2, 2), discount=0.9, start=[1, 0, 0]
    ),
    "nothing at stake": StochasticGame(np.zeros((3, 2, 2, 1, 2)), *_to([0, 0], 2, 1, 2), discount=0.9),
    "all one team": StochasticGame(np.ones((2, 2, 2, 2)), *_to([1, 0], 2, 2), discount=0.9),
    "payoffs of 1e150": StochasticGame.zero_sum([[[1e150, 0], [0, 1e150]]], *_to([0], 2, 2), discount=0.9),
    "payoffs of 1e-300": StochasticGame.zero_sum([[[1e-300, 0], [0, 1e-300]]], *_to([0], 2, 2), discount=0.9),
}
STATE_SOLVERS = (
    "hoffman_karp",
    "modified_policy_iteration",
    "pollatschek_avi_itzhak",
    "shapley_value_iteration",
    "plan_common_interest",
    "nash_value_iteration",
    "correlated_value_iteration",
    "friend_or_foe_value_iteration",
    "markov_logit",
    "stationary_equilibrium",
)


@pytest.mark.parametrize("kind", STATES)
def test_every_solver_of_stochastic_games_answers_in_all_states_or_says_why_not(kind):
    game, solved = STATES[kind], 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in STATE_SOLVERS:
            try:
                answer = getattr(solvers, name)(game)
            except gt.UnsupportedGame:
                continue
            except gt.NotConverged as error:
                answer = error.best
            check_numbers(answer)
            solved += 1
    assert solved >= 4
    assert parse_json(format_json(game)) == game
    assert pickle.loads(pickle.dumps(game)) == copy.deepcopy(game) == game


def chain(levels):
    """Return the game in which two players stop or go on in turn."""
    own = 2 * np.arange(levels)
    n_nodes = 2 * levels + 1
    parent, action = np.full(n_nodes, -1), np.zeros(n_nodes, dtype=int)
    player, outcome = np.full(n_nodes, TERMINAL), np.ones(n_nodes, dtype=int)
    parent[own + 1] = parent[own + 2] = own
    action[own + 2] = 1
    player[own], outcome[own], outcome[own + 1] = np.arange(levels) % 2, -1, np.arange(levels) % 3
    infoset = np.arange(n_nodes) // 4
    return ExtensiveGame(parent, action, player, infoset, outcome, [[0, 1, 2], [0, -1, -2]])


@pytest.fixture(scope="module")
def deep():
    return chain(200_000)


def test_a_tree_of_200000_levels_is_solved_and_certified(deep):
    assert int(deep.depth.max()) == 200_000
    uniform = deep.uniform_profile()
    assert solvers.backward_induction(deep).values.tolist() == [1.0, -1.0]
    assert (
        solvers.alpha_beta(deep).value == solvers.alpha_beta(deep, depth=10**6, evaluate=lambda state: 0.0).value == 1
    )
    assert solvers.cfr_plus(deep, iterations=2).epsilon < gt.certify(deep, uniform).epsilon < 1.0
    assert solvers.mcts(deep, simulations=5, seed=0).action in (0, 1)
    assert repr(deep) == "<ExtensiveGame: 400001 nodes, 100000 + 100000 information sets, exact>"
    assert pickle.loads(pickle.dumps(deep)) == deep


def test_all_ways_to_play_a_tree_of_20000_levels_are_found_in_time_that_grows_with_it():
    answers = solvers.subgame_perfect_equilibria(chain(20_000), max_answers=2)
    assert len(answers) == 2
    assert max(answer.epsilon for answer in answers) == 0.0


def test_what_does_not_fit_a_deep_tree_is_refused_before_it_is_tried(deep):
    for refuse in (
        deep.normal_form,
        lambda: deep.normal_form(reduced=False),
        lambda: solvers.reduced_normal_form(deep),
        lambda: solvers.sequence_form_lcp(deep),
        lambda: solvers.extensive_form_correlated_equilibrium(deep),
    ):
        with pytest.raises(gt.BudgetExceeded):
            refuse()
    with pytest.raises(gt.UnsupportedGame, match="cannot be drawn"):
        pictures.draw_tree(None, deep)


def test_deep_trees_are_written_and_read():
    game = chain(20_000)
    assert ExtensiveGame.from_efg(game.to_efg()) == parse_json(format_json(game)) == game
    uniform = game.uniform_profile()
    assert all(map(np.array_equal, parse_policy_json(game, format_policy_json(game, uniform)), uniform))
    assert solvers.sequence_form_lp(game).values[0] == pytest.approx(1.0)


@pytest.mark.parametrize("forgetful", [games.absent_minded_driver(), games.wichardt_2008()], ids=["driver", "pennies"])
def test_a_player_who_forgets_is_refused_by_every_solver_that_needs_recall(forgetful):
    uniform = forgetful.uniform_profile()
    for name, options in TREE_SOLVERS.items():
        if name not in ("mcts", "information_set_mcts"):
            with pytest.raises(gt.UnsupportedGame):
                getattr(solvers, name)(forgetful, **options)
    for call in (gt.certify, concepts.regrets, concepts.subgame_regrets, games.behavior_to_mixed):
        with pytest.raises(gt.UnsupportedGame, match="forgets"):
            call(forgetful, uniform)
