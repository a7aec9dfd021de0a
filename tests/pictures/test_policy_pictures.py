"""Pictures of trees, policies and convergence show what they should and refuse what they cannot."""

import matplotlib as mpl
import numpy as np
import pytest

import marlgt as gt
from marlgt.pictures import draw_convergence, draw_policy, draw_tree

mpl.use("Agg")


@pytest.fixture
def axes():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_tree_shows_every_move_and_every_payoff(axes):
    game = gt.games.stripped_down_poker()
    draw_tree(axes, game)
    shown = texts(axes)
    labels = {label for sets in game.infosets for j in range(len(sets)) for label in sets.action_labels(j)}
    assert labels <= set(shown)
    assert len(shown) == game.n_nodes - 1 + len(game.terminals)


def test_a_profile_writes_its_probabilities_on_the_moves(axes):
    game = gt.games.stripped_down_poker()
    profile = gt.solve(game)[0].profile
    draw_tree(axes, game, profile)
    assert any("0.333" in text for text in texts(axes))


def test_information_sets_of_several_nodes_are_joined(axes):
    game = gt.ExtensiveGame.from_normal_form(gt.games.matching_pennies())
    draw_tree(axes, game)
    assert sum(line.get_linestyle() == "--" for line in axes.lines) == 1


def test_a_large_tree_is_refused(axes):
    with pytest.raises(gt.UnsupportedGame, match="cannot be drawn legibly"):
        draw_tree(axes, gt.games.leduc_poker())


def test_a_policy_is_drawn_row_by_row(axes):
    game = gt.games.kuhn_poker()
    draw_policy(axes, game, game.uniform_profile(), 0)
    assert texts(axes) == ["0.5"] * 12
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [game.infosets[0].label(j) for j in range(6)]


def test_a_stationary_policy_leaves_out_states_without_a_choice(axes):
    game = gt.StochasticGame(
        rewards=np.zeros((1, 3, 2)),
        successors=np.zeros((3, 2, 1), dtype=int),
        probabilities=np.ones((3, 2, 1)),
        discount=0.9,
        terminal=[False, False, True],
        legal=[[[1, 1], [1, 0], [1, 1]]],
    )
    draw_policy(axes, game, game.uniform_profile(), 0)
    assert texts(axes) == ["0.5", "0.5"]


def test_a_player_without_choices_has_no_policy_to_draw(axes):
    tree = gt.games.TreeBuilder(["Ann", "Bob"])
    tree.terminal(tree.decision(None, 0, "start", ["go"]), [0, 0])
    game = tree.build()
    with pytest.raises(gt.UnsupportedGame, match="never has a choice"):
        draw_policy(axes, game, game.uniform_profile(), 1)


def test_convergence_is_drawn_on_logarithmic_axes(axes):
    answers = gt.solve(gt.games.kuhn_poker(), method="cfr+", iterations=100)
    draw_convergence(axes, answers, gap="NashConv")
    (line,) = axes.lines
    assert axes.get_yscale() == "log"
    assert np.array_equal(np.asarray(line.get_xdata()), answers[0].trace[:, 0])


def test_an_answer_without_a_trace_is_no_curve(axes):
    with pytest.raises(gt.UnsupportedGame, match="no answer has a trace"):
        draw_convergence(axes, gt.solve(gt.games.kuhn_poker(), method="sequence_form_lp"))
