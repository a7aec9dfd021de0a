"""Finite-state policies of the repeated prisoner's dilemma, step by step."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError, UnsupportedGame
from marlgt.learners import (
    MachinePlayer,
    always,
    grim_trigger,
    policy_machine,
    stationary_machine,
    tit_for_tat,
    trembling,
    win_stay_lose_shift,
)

GAME = gt.games.prisoners_dilemma()


def replies(machine, others):
    """Return what a deterministic machine plays against a sequence of the other's actions."""
    place, played = machine.initial, []
    for action in others:
        own = int(machine.probabilities(place, 0).argmax())
        played.append(own)
        profile = (own, action) if machine.player == 0 else (action, own)
        place = machine.after(place, int(np.ravel_multi_index(profile, machine.n_actions)))
    return played


OTHERS = [0, 0, 1, 0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize("player", [0, 1])
def test_machines_play_as_their_definitions_say(player):
    assert replies(always(GAME, player, 1), OTHERS) == [1] * 9
    assert replies(tit_for_tat(GAME, player), OTHERS) == [0, *OTHERS[:-1]]
    assert replies(tit_for_tat(GAME, player, first=1), OTHERS) == [1, *OTHERS[:-1]]
    assert replies(grim_trigger(GAME, player), OTHERS) == [0, 0, 0, 1, 1, 1, 1, 1, 1]
    # Nowak and Sigmund (1993): after T or R the same, after P or S the other.
    assert replies(win_stay_lose_shift(GAME, player), OTHERS) == [0, 0, 0, 1, 1, 1, 0, 1, 1]


@pytest.mark.parametrize("player", [0, 1])
def test_win_stay_lose_shift_is_that_of_the_policy_with_memory_one(player):
    # Against each other they return to cooperation two steps after a slip.
    machine = win_stay_lose_shift(GAME, player)
    assert [machine.after(place, p) for place in range(2) for p in (0, 3)] == [0, 0, 0, 0]
    assert all(machine.after(place, p) == 1 for place in range(2) for p in (1, 2))


def test_a_machine_may_look_at_the_state():
    game = gt.games.random_stochastic_game(n_states=3, n_actions=(2, 2), seed=0)
    policy = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    machine = stationary_machine(game, 1, policy)
    assert machine.probabilities(0, 1).tolist() == [0.5, 0.5]
    assert MachinePlayer(machine).policy().tolist() == policy.tolist()


def test_trembling_machines_hold_nothing_impossible():
    machine = trembling(grim_trigger(GAME, 1), 0.2)
    assert machine.probabilities(0, 0).tolist() == pytest.approx([0.9, 0.1])
    assert machine.probabilities(1, 0).tolist() == pytest.approx([0.1, 0.9])
    assert machine.after(0, 2) == 1


def test_machine_players_play_their_machine_and_start_anew_with_the_episode():
    pair = [MachinePlayer(always(GAME, 0, 1)), MachinePlayer(grim_trigger(GAME, 1))]
    run = gt.learners.play(GAME, pair, steps=6, horizon=3, record=6)
    # The temptation once, then punishment, in both episodes.
    assert run.rewards[0, :, 0].tolist() == [5.0, 1.0, 1.0, 5.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: always(GAME, 1, 2), "actions 0 to 1"),
        (lambda: grim_trigger(GAME, 1, punish=5), "punish is 5"),
        (lambda: policy_machine(GAME, 0, distributions=[[1, 0, 0]], successors=[[0] * 4]), "distributions has shape"),
        (lambda: policy_machine(GAME, 0, distributions=[[0.5, 0.6]], successors=[[0] * 4]), "must be a distribution"),
        (lambda: policy_machine(GAME, 0, distributions=[[1, 0]], successors=[[0, 0]]), "successors has shape"),
        (lambda: policy_machine(GAME, 0, distributions=[[1, 0]], successors=[[0, 0, 0, 1]]), "states 0 to 0"),
        (lambda: trembling(always(GAME, 0, 0), 2.0), "noise is 2"),
        (lambda: MachinePlayer("tit for tat"), "give a PolicyMachine"),
    ],
    ids=["action", "punish", "shape", "distribution", "successors", "state", "noise", "player"],
)
def test_bad_machines_are_refused(call, message):
    with pytest.raises(GameError, match=message):
        call()


def test_machines_that_react_to_one_other_refuse_more_players_and_other_actions():
    three = gt.NormalFormGame.common_interest(np.zeros((2, 2, 2)))
    with pytest.raises(UnsupportedGame, match="reacts to one other"):
        grim_trigger(three, 0)
    wide = gt.NormalFormGame.common_interest(np.zeros((2, 3)))
    with pytest.raises(UnsupportedGame, match="who copies"):
        tit_for_tat(wide, 0)
    with pytest.raises(UnsupportedGame, match="two actions"):
        win_stay_lose_shift(wide, 1)
