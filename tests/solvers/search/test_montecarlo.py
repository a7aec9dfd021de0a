"""Monte-Carlo tree search: it finds best moves and proofs, for n players and chance, in both gears and by seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import CHANCE, TERMINAL, TicTacToe, TreeBuilder, kuhn_poker
from marlgt.solvers.search.alphabeta import alpha_beta, minimax_search
from marlgt.solvers.search.montecarlo import mcts

small_trees = st.recursive(
    st.integers(-3, 3), lambda children: st.lists(children, min_size=1, max_size=3), max_leaves=12
).filter(lambda tree: isinstance(tree, list))


class Coins:
    """Player 0 takes 1, or a gamble on 4 or -4 with the odds given, after which player 1 may halve the sum."""

    players = ("0", "1")

    def __init__(self, odds):
        self.odds = odds

    def initial_state(self):
        return ""

    def current_player(self, state):
        return {"": 0, "g": CHANCE, "gw": 1, "gl": 1}.get(state, TERMINAL)

    def legal_actions(self, state):
        return ["t", "g"] if not state else ["h", "k"]

    def chance_outcomes(self, state):
        return [("w", self.odds), ("l", 1 - self.odds)]

    def next_state(self, state, action):
        return state + action

    def information_state(self, state):
        return None

    def returns(self, state):
        x = 1.0 if state == "t" else (4.0 if state[1] == "w" else -4.0) / (2 if state[2] == "h" else 1)
        return x, -x


class Split:
    """Three players in turn go on or stop; whoever stops gets 2 and the others 1; after all went on each gets 3."""

    players = ("a", "b", "c")

    def initial_state(self):
        return ""

    def current_player(self, state):
        return TERMINAL if state.endswith("s") or len(state) == 3 else len(state)

    def legal_actions(self, state):
        return ["s", "g"]

    def chance_outcomes(self, state):
        return []

    def next_state(self, state, action):
        return state + action

    def information_state(self, state):
        return None

    def returns(self, state):
        return [2 if i == len(state) - 1 else 1 for i in range(3)] if state.endswith("s") else [3, 3, 3]


def built(tree):
    game = TreeBuilder(["max", "min"])
    stack = [(None, tree, 0)]
    while stack:
        parent, node, player = stack.pop()
        if isinstance(node, list):
            here = game.decision(parent, player, None, [str(k) for k in range(len(node))])
            stack.extend((here, child, 1 - player) for child in reversed(node))
        else:
            game.terminal(parent, [node, -node])
    return game.build()


def against_random(first, seed, simulations):
    """Play tic-tac-toe as one side against a random player; return what it brings."""
    rules, rng = TicTacToe(), np.random.default_rng(seed)
    state = rules.initial_state()
    while rules.current_player(state) != TERMINAL:
        if rules.current_player(state) == first:
            action = mcts(rules, state, simulations=simulations, seed=int(rng.integers(2**30))).action
        else:
            action = rng.choice(rules.legal_actions(state))
        state = rules.next_state(state, int(action))
    return rules.returns(state)[first]


def test_with_800_simulations_it_never_loses_to_a_random_player():
    results = [against_random(seed % 2, seed, 800) for seed in range(10)]
    assert min(results) >= 0
    assert results.count(1) >= 7


@given(small_trees)
@settings(max_examples=60)
def test_a_search_with_proofs_solves_every_tree(tree):
    exact = minimax_search(tree)
    for selection in ("uct", "puct"):
        found = mcts(tree, simulations=500, seed=1, solve=True, selection=selection)
        assert found.solution is not None
        assert found.solution.tolist() == [exact.value, -exact.value]
        child = tree[found.action]
        assert (alpha_beta(tree, (child, 1)).value if isinstance(child, list) else child) == exact.value


def test_bounds_prove_a_win_without_looking_at_the_other_moves():
    tree = [1, [[[[0, 0], [0, 0]]] * 3] * 3]
    assert mcts(tree, simulations=100, seed=0, solve=True, bounds=(-1, 1)).simulations <= 3
    assert mcts(tree, simulations=100, seed=0, solve=True).simulations > 10
    assert mcts(TicTacToe(), (0b11, 0b11000), simulations=300, seed=0, solve=True, bounds=(-1, 1)).action == 2


def test_the_average_over_chance_decides():
    for odds, best in ((0.9, "g"), (0.2, "t")):
        value = alpha_beta(Coins(odds)).value
        for options in ({}, {"selection": "puct"}, {"solve": True}, {"rollouts": 3}):
            found = mcts(Coins(odds), simulations=1500, seed=3, exploration=4.0, **options)
            assert found.action == best
            if options.get("solve"):
                assert found.solution == pytest.approx([value, -value])


def test_every_player_seeks_her_own_payoff():
    for selection in ("uct", "puct"):
        found = mcts(Split(), simulations=4000, seed=0, selection=selection, exploration=5.0)
        # The last player goes on, 3 > 2, so the others do too.
        assert found.principal_variation == ("g", "g", "g")
        assert found.values.shape == (3, 2)
        assert found.values[:, 0].tolist() == [2, 1, 1]
    assert mcts(Split(), simulations=100, seed=0, solve=True).solution.tolist() == [3, 3, 3]


def test_trees_and_rules_are_searched_alike():
    rng = np.random.default_rng(4)
    tree = rng.integers(-9, 10, (3, 3, 3)).tolist()
    options = {"simulations": 4000, "seed": 5, "exploration": 10.0}
    rules, arrays = mcts(tree, **options), mcts(built(tree), **options)
    best = minimax_search(tree).action
    for found in (rules, arrays):
        assert found.action == best
        assert found.visits.sum() == 4000
        assert found.principal_variation[0] == best
    assert np.abs(rules.values - arrays.values).max() < 1.0


def test_the_compiled_kernel_does_what_the_plain_one_does(monkeypatch):
    game = built(np.random.default_rng(2).integers(-9, 10, (2, 3, 2, 3)).tolist())
    found = []
    for gear in ("plain", "compiled"):
        monkeypatch.setenv("MARLGT_GEAR", gear)
        found.append(mcts(game, simulations=700, seed=3))
    assert np.array_equal(found[0].visits, found[1].visits)
    assert np.array_equal(found[0].values, found[1].values)


def test_the_seed_decides_and_the_statistics_add_up():
    one, same, other = (mcts(TicTacToe(), simulations=300, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.visits, same.visits)
    assert not np.array_equal(one.visits, other.visits)
    assert np.allclose(one.policy, one.visits / 300)
    assert np.allclose(one.values[0], -one.values[1])
    assert one.action == one.actions[int(one.visits.argmax())]


def test_the_prior_and_the_value_function_lead_puct():
    # Nothing tells the moves apart but the prior.
    tree = [[0, 0], [0, 0], [0, 0]]
    found = mcts(
        tree,
        simulations=60,
        seed=0,
        selection="puct",
        prior=lambda s, a: [0.1, 0.7, 0.2][: len(a)],
        value_function=lambda s: 0.0,
    )
    assert found.action == 1
    assert found.visits[1] > found.visits[2] > found.visits[0]
    # The value function calls the second move good for player 0, whatever comes.
    guided = mcts([[0, 0], [0, 0]], simulations=5, seed=0, selection="puct", value_function=lambda s: 1.0)
    assert guided.values[0].max() == pytest.approx(1.0, abs=0.7)
    noisy = mcts(tree, simulations=60, seed=0, selection="puct", noise=(0.3, 1.0), value_function=lambda s: (0, 0))
    plain = mcts(tree, simulations=60, seed=0, selection="puct", value_function=lambda s: (0, 0))
    assert not np.array_equal(noisy.visits, plain.visits)


def test_puct_visits_by_the_formula_of_alphazero():
    from marlgt.solvers.search.tree_policies import puct_scores

    prior, values = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.4, 0.2])
    found = mcts(values.tolist(), simulations=50, seed=0, selection="puct", exploration=1.5, prior=lambda s, a: prior)
    visits = np.zeros(3)
    for _ in range(50):
        scores = puct_scores(np.where(visits > 0, values, 0.0), visits, prior, exploration=1.5)
        visits[np.lexsort((-prior, -scores))[0]] += 1
    assert found.visits.tolist() == visits.tolist()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"simulations": 0}, GameError, "simulations is 0"),
        ({"seed": -1}, GameError, "seed is -1"),
        ({"selection": "ucb"}, GameError, "selection is 'ucb'"),
        ({"prior": lambda s, a: a}, GameError, "need selection='puct'"),
        ({"selection": "puct", "prior": lambda s, a: [1.0]}, GameError, "a probability for each move"),
        ({"value_function": lambda s: (1, 2, 3)}, GameError, "each of 2 players"),
        ({"value_function": lambda s: np.nan}, GameError, "each of 2 players"),
        ({"value_function": 3}, GameError, "value_function is 3"),
        ({"exploration": -1}, GameError, "exploration is -1"),
        ({"rollouts": 0}, GameError, "rollouts is 0"),
        ({"bounds": (1, 0)}, GameError, "bounds is"),
        ({"selection": "puct", "noise": (0, 1)}, GameError, "noise is"),
        ({"temperature": -1}, GameError, "temperature is -1"),
    ],
)
def test_bad_options_are_explained(options, error, message):
    with pytest.raises(error, match=message):
        mcts([[1, 2], [3, 4]], **{"simulations": 10, "seed": 0, **options})


def test_hidden_information_and_positions_without_a_player_are_refused():
    with pytest.raises(UnsupportedGame, match="information_set_mcts"):
        mcts(kuhn_poker(), 1, simulations=1, seed=0)
    with pytest.raises(GameError, match="no player is to move"):
        mcts(Coins(0.5), "g", simulations=1, seed=0)
    with pytest.raises(GameError, match="no player is to move"):
        mcts(built([1, 2]), 1, simulations=1, seed=0)
