"""Counterfactual regret minimization: the regret theorem, exact first iterations, peers, odd games, bad input."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.concepts import exploitability, nash_conv
from marlgt.errors import UnsupportedGame
from marlgt.games import TreeBuilder, behavior_profile_from_openspiel, from_openspiel, kuhn_poker, leduc_poker
from marlgt.games.extensive import CHANCE, TERMINAL
from marlgt.solvers import (
    cfr,
    cfr_plus,
    discounted_cfr,
    linear_cfr,
    predictive_cfr_plus,
)
from marlgt.testing import extensive_games, zero_sum_extensive_games

METHODS = [cfr, cfr_plus, linear_cfr, discounted_cfr, predictive_cfr_plus]
GOOFSPIEL = "goofspiel(num_cards={},imp_info=True,points_order=descending)"


def matrix_tree(payoffs):
    return gt.ExtensiveGame.from_normal_form(gt.NormalFormGame.zero_sum(payoffs))


def chance_only():
    tree = TreeBuilder(["one", "two"])
    root = tree.chance(None, [("heads", Fraction(1, 4)), ("tails", Fraction(3, 4))])
    tree.terminal(root, [4, 0])
    tree.terminal(root, [0, 4])
    return tree.build()


def alone():
    """One player draws a card, sees it or not, and guesses: 3/4 + 1/2 of the time she can be right."""
    tree = TreeBuilder(["she"])
    root = tree.chance(None, [("seen", Fraction(1, 2)), ("unseen", Fraction(1, 2))])
    for seen in (True, False):
        card = tree.chance(root, [("low", Fraction(1, 4)), ("high", Fraction(3, 4))])
        for value in (0, 1):
            guess = tree.decision(card, 0, f"seen {value}" if seen else "unseen", ["low", "high"])
            for guessed in (0, 1):
                tree.terminal(guess, [int(guessed == value)])
    return tree.build()


def zinkevich_bound(game, iterations):
    """Return the bound of Zinkevich et al. (2007) on the sum of all players' average regrets."""
    bound = sum(
        range_ * len(sets) * math.sqrt(sets.most_actions) for range_, sets in zip(game.payoff_range, game.infosets)
    )
    return bound / math.sqrt(iterations)


def value_by_linear_program(game):
    """Return the first player's value: max e'q over plans x with A'x >= F'q (Koller, Megiddo and von Stengel 1994)."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, hstack

    form = game.sequence_form
    own, other = (player.constraints() for player in form.players)
    cost = np.zeros(own.shape[1] + other.shape[0])
    cost[own.shape[1]] = -1.0
    rows = hstack([-form.payoff_matrix(0).T, other.T])
    plans = hstack([own, csr_array((own.shape[0], other.shape[0]))])
    start = np.zeros(own.shape[0])
    start[0] = 1.0
    bounds = [(0, None)] * own.shape[1] + [(None, None)] * other.shape[0]
    return -linprog(cost, A_ub=rows, b_ub=np.zeros(rows.shape[0]), A_eq=plans, b_eq=start, bounds=bounds).fun


def exact_iterations(game, iterations, *, plus=False):
    """Run CFR in fractions by a recursive walk of the tree, and return the average policies as floats.

    The players move in turn; with ``plus`` negative regrets are forgotten and averages are linear.
    """
    payoffs = dict(zip(game.terminals.tolist(), game.exact_terminal_payoffs.T.tolist()))
    chances = game.exact_probability.tolist()
    players, infosets, children = game.player.tolist(), game.infoset.tolist(), game.children.tolist()
    first = game.first_child.tolist()
    tables = [[[Fraction(0)] * int(k) for k in sets.n_actions] for sets in game.infosets]
    averages = [[[Fraction(0)] * int(k) for k in sets.n_actions] for sets in game.infosets]
    policies = [[[Fraction(1, int(k))] * int(k) for k in sets.n_actions] for sets in game.infosets]

    def walk(v, i, own, others, weight, instant):
        mover, j = players[v], infosets[v]
        if not own and not others:
            return Fraction(0)  # nothing above or below depends on it
        if mover == TERMINAL:
            return payoffs[v][i]
        below = children[first[v] : first[v + 1]]
        if mover == CHANCE:
            return sum(chances[u] * walk(u, i, own, others * chances[u], weight, instant) for u in below)
        policy = policies[mover][j]
        if mover != i:
            worth = [walk(u, i, own, others * p, weight, instant) for p, u in zip(policy, below)]
            return sum(p * w for p, w in zip(policy, worth) if p and w)
        worth = [walk(u, i, own * p, others, weight, instant) for p, u in zip(policy, below)]
        value = sum(p * w for p, w in zip(policy, worth) if p and w)
        if others:
            for a, w in enumerate(worth):
                if w != value:
                    instant[j][a] += others * (w - value)
        if j not in own_averages:
            own_averages[j] = [weight * own * p for p in policy]
        return value

    for t in range(1, iterations + 1):
        for i in range(game.n_players):
            instant = [[Fraction(0)] * len(row) for row in tables[i]]
            own_averages = {}
            walk(0, i, Fraction(1), Fraction(1), t if plus else 1, instant)
            for j, gained in enumerate(instant):
                row = [r + g for r, g in zip(tables[i][j], gained)]
                tables[i][j] = [max(r, Fraction(0)) for r in row] if plus else row
                averages[i][j] = [a + b for a, b in zip(averages[i][j], own_averages.get(j, [0] * len(row)))]
                positive = [max(r, Fraction(0)) for r in row]
                total = sum(positive)
                policies[i][j] = [r / total for r in positive] if total else [Fraction(1, len(row))] * len(row)
    profile = []
    for own, sets in zip(averages, game.infosets):
        policy = np.zeros((len(sets), sets.most_actions))
        for j, row in enumerate(own):
            total = sum(row)
            policy[j, : len(row)] = [float(a / total) if total else 1 / len(row) for a in row]
        profile.append(policy)
    return tuple(profile)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("iterations", [1, 10, 100, 1000])
def test_nash_conv_falls_as_the_regret_theorem_says(method, iterations):
    game = kuhn_poker()
    answer = method(game, iterations=iterations)
    assert answer.regrets.sum() <= zinkevich_bound(game, iterations)
    assert answer.work == {"iterations": iterations}


@settings(max_examples=25)
@given(zero_sum_extensive_games(max_depth=3))
def test_nash_conv_is_within_the_bound_in_every_zero_sum_game(game):
    assert cfr(game, iterations=50).regrets.sum() <= zinkevich_bound(game, 50) + 1e-9


@pytest.mark.parametrize(
    ("method", "least"),
    [(cfr_plus, 5.0), (linear_cfr, 5.0), (discounted_cfr, 5.0), (predictive_cfr_plus, 1000.0)],
)
def test_the_later_methods_are_faster_on_kuhn_poker(method, least):
    game = kuhn_poker()
    assert method(game, iterations=1000).regrets.sum() < cfr(game, iterations=1000).regrets.sum() / least


def test_predictive_cfr_plus_solves_kuhn_poker_to_two_millionths_in_a_thousand_iterations():
    game = kuhn_poker()
    answer = predictive_cfr_plus(game, iterations=1000)
    assert exploitability(game, answer.profile) <= 2e-6
    assert answer.values == pytest.approx([-1 / 18, 1 / 18], abs=2e-6)  # Kuhn (1950): the first player loses 1/18


@pytest.mark.parametrize("method", METHODS)
def test_the_average_of_every_method_is_worth_the_value_of_the_game(method):
    answer = method(matrix_tree([[2, -1], [-1, 1]]), iterations=3000)
    assert answer.values[0] == pytest.approx(1 / 5, abs=2e-2)
    assert answer.epsilon < 5e-2


def test_leduc_poker_reaches_a_ten_thousandth(monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    game = leduc_poker()
    answer = cfr_plus(game, iterations=10_000, gap=1e-4)
    assert exploitability(game, answer.profile) <= 1e-4
    assert answer.work["iterations"] < 10_000
    assert answer.values[0] == pytest.approx(value_by_linear_program(game), abs=2e-4)


@pytest.mark.parametrize(
    ("name", "iterations"),
    [
        ("kuhn_poker", 50),
        ("leduc_poker", 15),
        (GOOFSPIEL.format(4), 30),
        ("liars_dice(numdice=1,dice_sides=4)", 20),
        ("kuhn_poker(players=3)", 30),
    ],
)
@pytest.mark.parametrize("plus", [False, True])
def test_exploitability_after_the_same_iterations_is_openspiel_s(name, iterations, plus, monkeypatch):
    pyspiel = pytest.importorskip("pyspiel")
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    theirs = pyspiel.load_game(name)
    if theirs.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
        theirs = pyspiel.convert_to_turn_based(theirs)
    solver = (pyspiel.CFRPlusSolver if plus else pyspiel.CFRSolver)(theirs)
    for _ in range(iterations):
        solver.evaluate_and_update_policy()
    expected = pyspiel.nash_conv(theirs, solver.average_policy())
    game = from_openspiel(name)
    answer = (cfr_plus if plus else cfr)(game, iterations=iterations)
    assert nash_conv(game, answer.profile) == pytest.approx(expected, abs=1e-9)


def test_the_first_iterations_of_goofspiel_with_five_cards_are_exact(monkeypatch):
    # OpenSpiel's floats part from the fractions at iteration 3, where regrets that tie at zero are rounded.
    pytest.importorskip("pyspiel")
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    game = from_openspiel(GOOFSPIEL.format(5)).rationalize()
    exact = exact_iterations(game, 3)
    assert nash_conv(game, cfr(game, iterations=3).profile) == pytest.approx(nash_conv(game, exact), abs=1e-12)


@settings(max_examples=30)
@given(extensive_games(max_depth=3, exact=True))
def test_iterations_agree_with_fractions_in_every_game(game):
    for method, plus in ((cfr, False), (cfr_plus, True)):
        answer = method(game, iterations=4)
        exact = exact_iterations(game, 4, plus=plus)
        plans = game.sequence_form.realization_plans(answer.profile)
        expected = game.sequence_form.realization_plans(exact)
        for plan, other in zip(plans, expected):
            assert plan == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_interpreted_and_compiled_iterations_agree(method, monkeypatch):
    game = kuhn_poker(3)
    answers = []
    for kind in ("plain", "compiled"):
        monkeypatch.setenv("MARLGT_GEAR", kind)
        answers.append(method(game, iterations=20))
    for plain, fast in zip(answers[0].profile, answers[1].profile):
        assert plain == pytest.approx(fast, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_player_alone_learns_the_best_policy(method):
    answer = method(alone(), iterations=1000)
    assert answer.values[0] == pytest.approx(1 / 2 + 3 / 8, abs=1e-2)
    assert answer.epsilon < 1e-2


@pytest.mark.parametrize("method", METHODS)
def test_a_game_of_chance_is_an_equilibrium_at_once(method):
    answer = method(chance_only(), iterations=3)
    assert answer.values.tolist() == [1.0, 3.0]
    assert answer.epsilon == 0.0
    assert [policy.shape for policy in answer.profile] == [(0, 0), (0, 0)]


def test_a_player_who_never_moves_has_no_regret():
    tree = TreeBuilder(["mover", "watcher"])
    root = tree.decision(None, 0, "root", ["left", "right"])
    tree.terminal(root, [1, 5])
    tree.terminal(root, [2, 4])
    answer = cfr_plus(tree.build(), iterations=2000)
    assert answer.regrets[1] == 0.0
    assert answer.values == pytest.approx([2, 4], abs=2e-3)


@settings(max_examples=20)
@given(zero_sum_extensive_games(max_depth=3, exact=True))
def test_adding_a_constant_to_all_payoffs_changes_no_policy(game):
    shifted = gt.ExtensiveGame(
        game.parent,
        game.action,
        game.player,
        game.infoset,
        np.where(game.player == TERMINAL, np.cumsum(game.player == TERMINAL) - 1, -1),
        game.exact_terminal_payoffs + np.array([[Fraction(7)], [Fraction(-3)]]),
        probability=game.exact_probability,
        infosets=game.infosets,
        chance=game.chance,
    )
    for plan, other in zip(
        game.sequence_form.realization_plans(cfr(game, iterations=5).profile),
        shifted.sequence_form.realization_plans(cfr(shifted, iterations=5).profile),
    ):
        assert plan == pytest.approx(other, abs=1e-9)


def test_a_tree_deeper_than_the_interpreter_recurs_is_solved():
    # Both players may stop at every step; whoever would move at the end loses one.
    steps = 5000
    nodes = 2 * steps + 1
    stop = np.arange(nodes) % 2 == 1
    player = np.where(stop, TERMINAL, (np.arange(nodes) // 2) % 2)
    player[-1] = TERMINAL
    ends = np.flatnonzero(player == TERMINAL)
    outcome = np.full(nodes, -1)
    outcome[ends] = np.arange(len(ends))
    payoffs = np.where(np.arange(len(ends)) == len(ends) - 1, -1, 0)
    game = gt.ExtensiveGame(
        np.where(stop, np.arange(nodes) - 1, np.arange(nodes) - 2).clip(-1),
        np.where(stop, 0, 1),
        player,
        np.where(player >= 0, np.arange(nodes) // 4, -1),
        outcome,
        np.stack([payoffs, -payoffs]),
    )
    assert game.depth.max() == steps
    for method in (cfr, predictive_cfr_plus):
        assert method(game, iterations=3).epsilon <= 1.0


def test_three_players_get_a_certificate_though_no_guarantee():
    game = kuhn_poker(3)
    answer = cfr(game, iterations=300)
    assert answer.epsilon < 0.02
    assert answer.regrets == pytest.approx(gt.certify(game, answer.profile).regrets)


@pytest.mark.parametrize(("method", "theirs"), [(linear_cfr, "LCFRSolver"), (discounted_cfr, "DCFRSolver")])
def test_discounts_are_openspiel_s(method, theirs):
    pyspiel = pytest.importorskip("pyspiel")
    from open_spiel.python.algorithms import discounted_cfr as peer

    kuhn = pyspiel.load_game("kuhn_poker")
    solver = getattr(peer, theirs)(kuhn)
    for _ in range(30):
        solver.evaluate_and_update_policy()
    game = from_openspiel("kuhn_poker")
    profile = behavior_profile_from_openspiel("kuhn_poker", solver.average_policy(), tree=game)
    for ours, other in zip(method(game, iterations=30).profile, profile):
        assert ours == pytest.approx(other, abs=1e-9)


def test_a_player_who_forgets_is_refused():
    tree = TreeBuilder(["she"])
    root = tree.decision(None, 0, "first", ["left", "right"])
    for _ in range(2):
        node = tree.decision(root, 0, "second", ["left", "right"])
        tree.terminal(node, [0])
        tree.terminal(node, [1])
    with pytest.raises(UnsupportedGame, match="player 0 forgets"):
        cfr(tree.build())
