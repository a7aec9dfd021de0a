"""A person at the terminal: moves are read, checked and played against a profile."""

import io

import numpy as np
import pytest

import marlgt as gt
from marlgt.cli import main
from marlgt.cli.play import play_rounds


def played(game, profile, answers, **options):
    """Play with scripted answers; return the payoffs and the lines that were said."""
    lines, script = [], iter(answers)

    def ask(prompt):
        lines.append(prompt)
        try:
            return next(script)
        except StopIteration:
            raise EOFError from None

    options = {"player": 0, "rounds": 1, "seed": 0} | options
    return play_rounds(game, profile, ask=ask, say=lines.append, **options), lines


def test_a_move_is_given_by_its_number_or_by_its_label():
    pennies = gt.games.matching_pennies()
    heads = (np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    by_number, _ = played(pennies, heads, ["0"])
    by_label, _ = played(pennies, heads, [pennies.actions[0][0]])
    assert by_number.tolist() == by_label.tolist() == pennies.payoffs[:, 0, 0].tolist()


def test_a_move_that_does_not_exist_is_asked_for_again():
    pennies = gt.games.matching_pennies()
    heads = (np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    total, lines = played(pennies, heads, ["7", "sideways", "1"])
    assert sum("There is no move" in line for line in lines) == 2
    assert total.tolist() == pennies.payoffs[:, 1, 0].tolist()


@pytest.mark.parametrize("answers", [["q"], []])
def test_quitting_and_the_end_of_the_input_stop_politely(answers):
    pennies = gt.games.matching_pennies()
    total, lines = played(pennies, pennies_profile(), answers, rounds=3)
    assert total.tolist() == [0.0, 0.0]
    assert "Stopped." in lines


def pennies_profile():
    return np.array([0.5, 0.5]), np.array([0.5, 0.5])


def test_the_payoffs_of_rounds_add_up():
    game = gt.games.prisoners_dilemma()
    defect = (np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    total, lines = played(game, defect, ["1"] * 3, rounds=3)
    assert total.tolist() == (3 * game.payoffs[:, 1, 1]).tolist()
    assert lines[-1].startswith("In 3 rounds")


def test_a_tree_is_played_to_its_end_against_a_policy():
    tree = gt.games.TreeBuilder(["Ann", "Bob"])
    root = tree.decision(None, 0, "start", ["take", "leave"])
    tree.terminal(root, [2, 0])
    after = tree.decision(root, 1, "left", ["take", "leave"])
    tree.terminal(after, [0, 2])
    tree.terminal(after, [1, 1])
    game = tree.build()
    profile = (np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
    total, lines = played(game, profile, ["leave"])
    assert total.tolist() == [1.0, 1.0]
    assert "Bob plays leave." in lines


def test_what_others_do_is_not_told_where_it_is_hidden():
    game = gt.ExtensiveGame.from_normal_form(gt.games.matching_pennies())
    _, lines = played(game, game.uniform_profile(), ["0"], player=1)
    assert not any("plays" in line for line in lines)


def test_a_stochastic_game_is_played_until_it_ends():
    game = gt.StochasticGame(
        rewards=[[[3.0], [0.0]]],
        successors=[[[1]], [[1]]],
        probabilities=[[[1.0]], [[1.0]]],
        discount=0.5,
        start=[1, 0],
        terminal=[False, True],
        states=["open", "closed"],
    )
    total, lines = played(game, game.uniform_profile(), [])
    assert total.tolist() == [3.0]
    assert "State: open" in lines
    assert any(line == "The game ends: closed" for line in lines)


def test_later_rewards_are_discounted():
    game = gt.StochasticGame(
        rewards=[[[1.0], [1.0], [0.0]]],
        successors=[[[1]], [[2]], [[2]]],
        probabilities=[[[1.0]], [[1.0]], [[1.0]]],
        discount=0.5,
        start=[1, 0, 0],
        terminal=[False, False, True],
    )
    assert played(game, game.uniform_profile(), [])[0].tolist() == [1.5]


def test_there_is_no_such_seat():
    with pytest.raises(gt.GameError, match="the seats of this game are 0 to 1"):
        played(gt.games.matching_pennies(), pennies_profile(), [], player=2)


def test_the_command_plays_kuhn_poker_from_standard_input(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("0\n0\n0\n0\n0\n0\n"))
    assert main(["play", "kuhn_poker", "--rounds", "2"]) == 0
    out = capsys.readouterr().out
    assert out.count("Payoffs:") == 2


def test_the_command_plays_by_a_policy_file(capsys, monkeypatch, tmp_path):
    path = tmp_path / "policy.json"
    assert main(["solve", "kuhn_poker", "--policy", str(path)]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("q\n"))
    assert main(["play", "kuhn_poker", "--policy", str(path)]) == 0
    assert "Stopped." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["play", "kuhn_poker", "--player", "5"], 2, "seats"),
        (["play", "matching_pennies", "--policy", "x.json"], 2, "takes no policy file"),
        (["play", "kuhn_poker", "--policy", "missing.json"], 3, "cannot be read"),
        (["play", "no_such_game"], 2, "no_such_game"),
        (["play", "kuhn_poker", "--rounds", "0"], 2, "rounds"),
    ],
)
def test_mistakes_get_one_sentence(capsys, arguments, code, message):
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
