"""Fictitious play in extensive form: it is that of the normal form, converges where it should, and ends early."""

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.concepts import best_behavior, exploitability
from marlgt.games import TreeBuilder, kuhn_poker
from marlgt.solvers import extensive_fictitious_play
from marlgt.testing import extensive_games


@settings(max_examples=25)
@given(extensive_games(max_depth=3, exact=True))
def test_one_iteration_is_halfway_to_the_best_reply(game):
    answer = extensive_fictitious_play(game, iterations=1)
    form, uniform = game.sequence_form, game.uniform_profile()
    plans = form.realization_plans(uniform)
    replies = tuple(best_behavior(game, uniform, i)[1] for i in range(game.n_players))
    means = [(plan + reply) / 2 for plan, reply in zip(plans, form.realization_plans(replies))]
    reached = form.realization_plans(answer.profile)
    # Among tied replies another may be chosen, which rounding decides: it earns the same.
    for i, (mean, plan) in enumerate(zip(means, reached)):
        mixed = [plans[j] if j != i else mean for j in range(game.n_players)]
        other = [plans[j] if j != i else plan for j in range(game.n_players)]
        assert form.values(other)[i] == pytest.approx(form.values(mixed)[i], abs=1e-9)


def test_in_a_one_shot_game_it_is_fictitious_play():
    matrix = np.array([[3.0, -1.0, 2.0], [-2.0, 4.0, 0.5]])
    answer = extensive_fictitious_play(
        gt.ExtensiveGame.from_normal_form(gt.NormalFormGame.zero_sum(matrix)), iterations=500
    )
    x, y = np.full(2, 1 / 2), np.full(3, 1 / 3)
    for t in range(1, 501):
        replies = np.eye(2)[np.argmax(matrix @ y)], np.eye(3)[np.argmin(x @ matrix)]
        x, y = x + (replies[0] - x) / (t + 1), y + (replies[1] - y) / (t + 1)
    assert answer.profile[0][0] == pytest.approx(x, abs=1e-9)
    assert answer.profile[1][0] == pytest.approx(y, abs=1e-9)


def test_kuhn_poker_converges_to_its_value(monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    game = kuhn_poker()
    gaps = [exploitability(game, extensive_fictitious_play(game, iterations=k).profile) for k in (100, 10_000)]
    assert gaps[1] < gaps[0] / 5
    answer = extensive_fictitious_play(game, iterations=10**6, gap=2e-3)
    assert exploitability(game, answer.profile) <= 2e-3
    assert answer.values[0] == pytest.approx(-1 / 18, abs=4e-3)  # Kuhn (1950)


def test_common_interest_is_served():
    tree = TreeBuilder(["one", "two"])
    root = tree.decision(None, 0, "one", ["a", "b"])
    for own in range(2):
        node = tree.decision(root, 1, "two", ["a", "b"])
        for other in range(2):
            tree.terminal(node, [own + other == 2, own + other == 2] if own == other else [0, 0])
    answer = extensive_fictitious_play(tree.build(), iterations=1000)
    assert answer.epsilon < 1e-2


def test_the_trace_ends_with_the_answer():
    game = kuhn_poker(3)
    answer = extensive_fictitious_play(game, iterations=50)
    assert answer.trace[-1, 0] == answer.work["iterations"] == 50
    assert answer.trace[-1, 1] * 3 == pytest.approx(answer.regrets.sum())
