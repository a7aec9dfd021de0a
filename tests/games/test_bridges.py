import sys
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings

from marlgt.concepts import nash_conv
from marlgt.errors import BudgetExceeded, GameError, MissingDependency, ProfileError, UnsupportedGame
from marlgt.games import (
    ExtensiveGame,
    NormalFormGame,
    TreeBuilder,
    behavior_profile_from_openspiel,
    kuhn_poker,
    leduc_poker,
    to_openspiel_policy,
)
from marlgt.games._openspiel_tree import _information_state
from marlgt.games.nashpy_bridge import from_nashpy, to_nashpy
from marlgt.games.openspiel import from_openspiel, to_openspiel
from marlgt.testing import extensive_games

nashpy = pytest.importorskip("nashpy")
pyspiel = pytest.importorskip("pyspiel")

ONE_SHOT = sorted(
    kind.short_name
    for kind in pyspiel.registered_games()
    if kind.information == pyspiel.GameType.Information.ONE_SHOT and kind.default_loadable
)


@pytest.mark.parametrize("name", ONE_SHOT)
def test_every_one_shot_game_pays_what_pyspiel_pays(name):
    theirs = pyspiel.load_game(name)
    ours = from_openspiel(name, max_payoffs=10**6)
    state = theirs.new_initial_state()
    legal = [state.legal_actions(i) for i in range(theirs.num_players())]
    assert ours.n_actions == tuple(map(len, legal))
    rng = np.random.default_rng(0)
    for _ in range(20):
        profile = [int(rng.integers(len(actions))) for actions in legal]
        after = state.clone()
        after.apply_actions([legal[i][a] for i, a in enumerate(profile)])
        assert ours.payoffs[(slice(None), *profile)].tolist() == after.returns()


def test_whole_payoffs_are_exact_and_labels_are_kept():
    game = from_openspiel("matrix_pd")
    assert game.is_exact
    assert game.actions == (("Cooperate", "Defect"),) * 2
    assert game.fractions[0].tolist() == [[5, 0], [10, 1]]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 1), (2, 3, 2), (2, 2, 2, 2)])
def test_games_survive_the_way_to_openspiel_and_back(shape):
    rng = np.random.default_rng(1)
    game = NormalFormGame(
        rng.integers(-9, 9, (len(shape), *shape)),
        actions=[[f"{i}:{a}" for a in range(count)] for i, count in enumerate(shape)],
        title="there and back",
    )
    back = from_openspiel(to_openspiel(game))
    assert back == game
    assert back.title == game.title
    floats = NormalFormGame(game.payoffs + 0.25)
    assert np.array_equal(from_openspiel(to_openspiel(floats)).payoffs, floats.payoffs)


def test_the_normal_form_of_a_sequential_game_is_made_only_when_asked():
    assert isinstance(from_openspiel("kuhn_poker"), ExtensiveGame)
    game = from_openspiel("kuhn_poker", normal_form=True)
    assert game.n_actions == (64, 64)
    assert game.is_exact
    assert not game.fractions.sum(axis=0).any()


def test_a_simultaneous_game_of_several_moves_is_converted_only_when_asked():
    game = from_openspiel("goofspiel(num_cards=2)", normal_form=True)
    assert game.n_players == 2


def test_a_conversion_that_would_explode_is_refused_before_it_starts():
    with pytest.raises(BudgetExceeded, match="max_payoffs=1000"):
        from_openspiel("kuhn_poker", normal_form=True, max_payoffs=1000)
    with pytest.raises(BudgetExceeded, match="Leduc Poker has more than 1e300 payoffs"):
        from_openspiel("leduc_poker", normal_form=True)
    with pytest.raises(BudgetExceeded, match="normal form of Blotto"):
        from_openspiel("blotto", max_payoffs=100)


def test_what_is_no_pyspiel_game_is_refused():
    with pytest.raises(GameError, match="'no_such_game', which pyspiel cannot load"):
        from_openspiel("no_such_game")
    with pytest.raises(GameError, match=r"game is 3: give a pyspiel\.Game or the name of one"):
        from_openspiel(3)


SEQUENTIAL = [
    "kuhn_poker",
    "kuhn_poker(players=3)",
    "leduc_poker",
    "liars_dice(dice_sides=3)",
    "goofspiel(imp_info=True,num_cards=3,points_order=random)",
    "first_sealed_auction",
    "tiny_hanabi",
]


def turn_based(name):
    game = pyspiel.load_game(name)
    if game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
        game = pyspiel.convert_to_turn_based(game)
    return game


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_the_export_has_every_history_of_pyspiel(name):
    game = turn_based(name)
    tree = from_openspiel(game)
    below = [tree.children[tree.first_child[v] : tree.first_child[v + 1]].tolist() for v in range(tree.n_nodes)]
    ends = dict(zip(tree.terminals.tolist(), tree.terminal_payoffs.T.tolist()))
    stack, strings, visited = [(0, game.new_initial_state())], {}, 0
    while stack:
        v, state = stack.pop()
        visited += 1
        legal = state.legal_actions()
        assert len(below[v]) == len(legal)
        if state.is_terminal():
            assert ends[v] == pytest.approx(state.returns())
        elif state.is_chance_node():
            assert tree.player[v] == -1
            assert tree.probability[below[v]] == pytest.approx([p for _, p in state.chance_outcomes()], abs=1e-15)
        else:
            player = state.current_player()
            assert tree.player[v] == player
            key = (player, int(tree.infoset[v]))
            assert strings.setdefault(key, state.information_state_string()) == state.information_state_string()
            assert tree.infosets[player].action_labels(key[1]) == tuple(map(state.action_to_string, legal))
        stack += [(u, state.child(a)) for u, a in zip(below[v], legal)]
    assert visited == tree.n_nodes
    assert len(set(strings.values())) == len(strings) == sum(tree.n_infosets)
    assert all(tree.infosets[i].label(j) == string for (i, j), string in strings.items())


def test_perfect_information_needs_no_strings():
    tree = from_openspiel("pig(horizon=5)")
    assert not pyspiel.load_game("pig").get_type().provides_information_state_string
    assert tree.has_perfect_information
    with pytest.raises(GameError, match="pig has no information state strings, by which OpenSpiel keys its policies"):
        to_openspiel_policy("pig(horizon=5)", tree.uniform_profile(), tree=tree)


def test_tensors_name_information_sets_where_there_are_no_strings():
    kind = SimpleNamespace(
        provides_information_state_string=False,
        provides_information_state_tensor=True,
        information=pyspiel.GameType.Information.IMPERFECT_INFORMATION,
    )
    name_of = _information_state(pyspiel, kind, "leduc_poker()")
    strings, stack = {}, [pyspiel.load_game("leduc_poker(suit_isomorphism=True)").new_initial_state()]
    while stack:
        state = stack.pop()
        if state.current_player() >= 0:
            assert strings.setdefault(name_of(state), state.information_state_string()) == (
                state.information_state_string()
            )
        stack += [state.child(a) for a in state.legal_actions()]
    assert len(strings) == len(set(strings.values())) == 288


def test_probabilities_and_payoffs_are_restored_exactly():
    kuhn = from_openspiel("kuhn_poker")
    assert kuhn.is_exact
    assert kuhn.exact_probability[1] == Fraction(1, 3)
    assert kuhn.comment == "kuhn_poker()"
    assert from_openspiel("leduc_poker").is_exact
    thirds = from_openspiel("goofspiel(imp_info=True,num_cards=2,points_order=descending,players=3)")
    assert thirds.is_exact
    assert set(thirds.exact_terminal_payoffs.reshape(-1).tolist()) <= {Fraction(k, 2) for k in range(-2, 3)}


def test_a_game_too_large_to_export_is_stopped_at_the_budget():
    with pytest.raises(BudgetExceeded, match=r"the tree of leduc_poker\(\) has more than 5000 nodes: raise max_nodes"):
        from_openspiel("leduc_poker", max_nodes=5000)
    with pytest.raises(BudgetExceeded, match="the tree of chess"):
        from_openspiel("chess", max_nodes=2000)


def test_games_without_a_tree_are_refused():
    with pytest.raises(UnsupportedGame, match="mfg_crowd_modelling is neither simultaneous nor sequential"):
        from_openspiel("mfg_crowd_modelling")
    with pytest.raises(UnsupportedGame, match=r"pyspiel's coin_game\(\) does not say what a player knows"):
        from_openspiel("coin_game")
    with pytest.raises(UnsupportedGame, match="stones_and_gems draws its chance moves itself and does not list them"):
        from_openspiel("stones_and_gems")
    with pytest.raises(GameError, match="max_nodes is 0: give a whole number from 1"):
        from_openspiel("kuhn_poker", max_nodes=0)


def random_policy(game, seed):
    from open_spiel.python.policy import TabularPolicy

    policy, rng = TabularPolicy(game), np.random.default_rng(seed)
    table = policy.legal_actions_mask * rng.random(policy.legal_actions_mask.shape)
    policy.action_probability_array = table / table.sum(axis=1, keepdims=True)
    return policy


@pytest.mark.parametrize("name", SEQUENTIAL[:5])
def test_policies_are_as_exploitable_here_as_there(name):
    from open_spiel.python.algorithms.exploitability import nash_conv as python_nash_conv

    game = turn_based(name)
    tree = from_openspiel(game)
    uniform = behavior_profile_from_openspiel(game, pyspiel.UniformRandomPolicy(game), tree=tree)
    assert all(np.array_equal(a, b) for a, b in zip(uniform, tree.uniform_profile()))
    assert nash_conv(tree, uniform) == pytest.approx(
        pyspiel.nash_conv(game, pyspiel.UniformRandomPolicy(game)), abs=1e-12
    )
    for seed in range(2 if tree.n_nodes < 1000 else 1):
        policy = random_policy(game, seed)
        profile = behavior_profile_from_openspiel(game, policy, tree=tree)
        gap = nash_conv(tree, profile)
        assert gap == pytest.approx(pyspiel.nash_conv(game, to_openspiel_policy(game, profile, tree=tree)), abs=1e-12)
        if tree.n_nodes < 2000:
            assert gap == pytest.approx(python_nash_conv(game, policy), abs=1e-12)
        if tree.n_players == 2:
            # OpenSpiel's exploitability of two players is half of NashConv
            assert gap / 2 == pytest.approx(
                pyspiel.exploitability(game, to_openspiel_policy(game, profile, tree=tree)), abs=1e-12
            )


def test_policies_survive_the_way_there_and_back():
    tree = from_openspiel("kuhn_poker")
    rng = np.random.default_rng(3)
    profile = [rng.dirichlet(np.ones(2), size=count) for count in tree.n_infosets]
    policy = to_openspiel_policy("kuhn_poker", profile)
    back = behavior_profile_from_openspiel("kuhn_poker", policy)
    assert all(np.array_equal(a, b) for a, b in zip(back, profile))


def test_what_is_no_policy_of_the_game_is_refused():
    with pytest.raises(ProfileError, match="policy is 3: give one with a method action_probabilities"):
        behavior_profile_from_openspiel("kuhn_poker", 3)

    class Elsewhere:
        def action_probabilities(self, state):
            return {7: 1.0}

    with pytest.raises(ProfileError, match=r"the policy plays action 7 at '0', where only .* are legal"):
        behavior_profile_from_openspiel("kuhn_poker", Elsewhere())

    class Unfinished:
        def action_probabilities(self, state):
            return {0: 0.25}

    with pytest.raises(ProfileError, match="give a distribution over its 2 actions"):
        behavior_profile_from_openspiel("kuhn_poker", Unfinished())
    with pytest.raises(GameError, match=r"the tree is not that of kuhn_poker\(\): export it by from_openspiel"):
        behavior_profile_from_openspiel(
            "kuhn_poker", pyspiel.UniformRandomPolicy(pyspiel.load_game("kuhn_poker")), tree=leduc_poker()
        )


@given(extensive_games(n_players=range(1, 4), max_depth=3))
@settings(max_examples=40)
def test_trees_survive_the_way_to_openspiel_and_back(game):
    back = from_openspiel(to_openspiel(game))
    moving = game.player >= 0
    for name in ("parent", "action", "player"):
        assert np.array_equal(getattr(back, name), getattr(game, name))
    assert np.array_equal(back.infoset[moving], game.infoset[moving])
    assert np.array_equal(back.probability, game.probability)
    assert np.array_equal(back.terminal_payoffs, game.terminal_payoffs)
    assert back.title == "efg_game"


def test_labels_are_kept_where_openspiel_keeps_their_order():
    assert from_openspiel(to_openspiel(kuhn_poker())).infosets[0].action_labels(0) == ("pass", "bet")
    # fold comes before call in some information sets of Leduc poker, and after it in the whole tree
    theirs = from_openspiel(to_openspiel(leduc_poker()))
    assert set(theirs.infosets[1].actions) == {("0", "1"), ("0", "1", "2")}
    assert nash_conv(theirs, theirs.uniform_profile()) == nash_conv(leduc_poker(), leduc_poker().uniform_profile())
    quoted = TreeBuilder(['the "one"'])
    root = quoted.decision(None, 0, 'a "set"', ['say "hi"', "b"])
    for payoff in range(2):
        quoted.terminal(root, [payoff])
    assert from_openspiel(to_openspiel(quoted.build())).infosets[0].action_labels(0) == ("say 'hi'", "b")


def test_a_tree_too_deep_for_pyspiel_is_refused():
    deep = TreeBuilder(["A"])
    node = None
    for _ in range(10_001):
        node = deep.decision(node, 0, None, ["on"])
    deep.terminal(node, [1])
    with pytest.raises(UnsupportedGame, match="the tree is 10001 moves deep and pyspiel's reader recurs"):
        to_openspiel(deep.build())
    with pytest.raises(GameError, match="game is 3: give a NormalFormGame or an ExtensiveGame"):
        to_openspiel(3)


def test_games_survive_the_way_to_nashpy_and_back():
    game = NormalFormGame.bimatrix([[3, 0.5], [5, 1]], [[3, 5], [0, 1]])
    theirs = to_nashpy(game)
    assert from_nashpy(theirs) == game
    row, column = theirs[[1, 0], [0, 1]]
    assert (row, column) == (0.5, 5)
    assert from_nashpy(nashpy.Game([[1, -1], [-1, 1]])) == NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    assert from_nashpy(nashpy.Game([[1, -1], [-1, 1]])).is_exact


def test_nashpy_games_without_two_finite_matrices_are_refused():
    with pytest.raises(GameError, match=r"must be a nashpy.Game with two payoff matrices, got 'x'"):
        from_nashpy("x")
    with pytest.raises(GameError, match="finite"):
        from_nashpy(nashpy.Game([[np.nan, 1]], [[1, 2]]))
    with pytest.raises(UnsupportedGame, match="two players, this one has 3"):
        to_nashpy(NormalFormGame.common_interest(np.zeros((2, 2, 2))))


def test_a_missing_package_says_what_to_type(monkeypatch):
    game = NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    monkeypatch.setitem(sys.modules, "pyspiel", None)
    monkeypatch.setitem(sys.modules, "nashpy", None)
    with pytest.raises(MissingDependency, match=r'needs open_spiel: pip install "marlgt\[games\]"'):
        to_openspiel(game)
    with pytest.raises(MissingDependency, match=r'needs nashpy: pip install "marlgt\[games\]"'):
        to_nashpy(game)
