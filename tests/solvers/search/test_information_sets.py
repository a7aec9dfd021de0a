"""Information-set search: beliefs by hand, sound moves in Kuhn poker, and refusals."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError
from marlgt.games import ExtensiveGame, KuhnPoker, kuhn_poker
from marlgt.solvers.search.information_sets import information_set_mcts, infoset_weights


class Dealt(KuhnPoker):
    """Kuhn poker whose players think every card that they do not see equally likely to be the other's."""

    def resample(self, state, player, rng):
        cards, history = state
        others = [c for c in range(3) if c != cards[player]]
        other = int(rng.choice(others))
        return ((cards[player], other) if player == 0 else (other, cards[player])), history


def node_of(game, player, card, history):
    """Return a node of Kuhn poker where a player holds a card after some moves."""
    rules = KuhnPoker()
    for node in np.flatnonzero(game.player == player).tolist():
        path, v = [], node
        while game.parent[v] >= 0:
            path.append(int(game.action[v]))
            v = int(game.parent[v])
        state = rules.initial_state()
        for k in reversed(path):
            if rules.current_player(state) < 0:
                moves = [action for action, _ in rules.chance_outcomes(state)]
            else:
                moves = rules.legal_actions(state)
            state = rules.next_state(state, moves[k])
        if state[0][player] == card and state[1] == history:
            return node, state
    raise LookupError(history)


def test_beliefs_weigh_nodes_by_chance_and_by_the_others_policies():
    game = kuhn_poker()
    node, _ = node_of(game, 1, 1, "b")
    nodes, weights = infoset_weights(game, node)
    assert weights.tolist() == [0.5, 0.5]
    # Player 0 bets her lowest card with probability 1/4 and her highest always.
    policy = [p.copy() for p in game.uniform_profile()]
    low, high = (int(game.infoset[node_of(game, 0, card, "")[0]]) for card in (0, 2))
    policy[0][low], policy[0][high] = [0.75, 0.25], [0.0, 1.0]
    nodes, weights = infoset_weights(game, node, policy)
    cards = [int(game.infoset[game.parent[v]]) for v in nodes.tolist()]
    assert dict(zip(cards, weights.tolist())) == pytest.approx({low: 0.2, high: 0.8})
    policy[0][low] = policy[0][high] = [1.0, 0.0]
    with pytest.raises(GameError, match="never reached"):
        infoset_weights(game, node, policy)


@pytest.mark.parametrize("observers", ["multiple", "single"])
@pytest.mark.parametrize("form", ["tree", "rules"])
def test_the_best_card_calls_and_the_worst_folds(observers, form):
    game = kuhn_poker()
    for card, wanted in ((2, 1), (0, 0)):
        node, state = node_of(game, 1, card, "b")
        options = {"simulations": 400, "seed": 1, "observers": observers}
        if form == "tree":
            found = information_set_mcts(game, node, **options)
            choice = found.action
        else:
            found = information_set_mcts(Dealt(), state, **options)
            choice = found.actions.index(found.action)
        assert choice == wanted
        assert found.player == 1
        assert found.visits[wanted] > 3 * found.visits[1 - wanted]
        # Folding loses the ante of 1; the best card wins 2 and the worst loses 2 after a bet and a call.
        assert found.values[1].tolist() == ([-1, 2] if card == 2 else [-1, -2])


def test_at_the_root_a_search_finds_what_dominates_whatever_the_other_does():
    dominant = ExtensiveGame.from_normal_form(gt.NormalFormGame.bimatrix([[0, 1], [2, 3]], [[0, 4], [3, 1]]))
    found = information_set_mcts(dominant, simulations=2000, seed=0, exploration=3.0)
    assert found.action == 1
    assert found.nodes == 2
    # What the other does depends on her information set, not on the node: both meet the same statistics.
    plain = information_set_mcts(dominant, simulations=2000, seed=0, exploration=3.0, observers="single")
    assert plain.action == 1


def test_the_compiled_kernel_does_what_the_plain_one_does(monkeypatch):
    game = kuhn_poker()
    node, _ = node_of(game, 0, 1, "")
    found = []
    for gear in ("plain", "compiled"):
        monkeypatch.setenv("MARLGT_GEAR", gear)
        found.append(information_set_mcts(game, node, simulations=300, seed=9))
    assert np.array_equal(found[0].visits, found[1].visits)
    assert found[0].nodes == found[1].nodes
    assert found[0].values.sum(axis=0) == pytest.approx([0, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: information_set_mcts(g, 0, simulations=5, seed=0), "no player is to move"),
        (lambda g: information_set_mcts(g, 1, simulations=5, seed=0, observers="all"), "observers is 'all'"),
        (lambda g: information_set_mcts(g, 1, simulations=0, seed=0), "simulations is 0"),
        (lambda g: information_set_mcts(KuhnPoker(), ((0, 1), ""), simulations=5, seed=0), "method resample"),
        (
            lambda g: information_set_mcts(Dealt(), ((0, 1), ""), simulations=5, seed=0, beliefs=()),
            "for extensive games",
        ),
        (lambda g: information_set_mcts(g, 2, simulations=5, seed=0, beliefs=()), "one policy for each"),
    ],
)
def test_bad_input_is_explained(call, message):
    with pytest.raises(GameError, match=message):
        call(kuhn_poker())
