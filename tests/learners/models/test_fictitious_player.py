"""Fictitious players against exact sequences, fictitious play on the matrix, and the theory of its smooth form."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import GameError, UnsupportedGame
from marlgt.kernels import compiled
from marlgt.learners import FictitiousPlayer
from marlgt.learners.models.fictitious_player import act, observe
from marlgt.testing import normal_form_games


def sequence(game, *, steps, first):
    """Return the actions of two fictitious players, one step at a time."""
    rng = np.random.default_rng(0)
    pair = [FictitiousPlayer(game, i, first=first[i]) for i in range(2)]
    played = []
    for _ in range(steps):
        actions = tuple(learner.act(0, rng) for learner in pair)
        for learner in pair:
            learner.observe(gt.learners.Transition(0, actions, (0.0, 0.0), 0))
        played.append(actions)
    return played, pair


SHAPLEY = gt.NormalFormGame.bimatrix(np.eye(3), [[0, 1, 0], [0, 0, 1], [1, 0, 0]])
CASES = [
    # learn.fictitious_play_first_*: lengths of the runs of one profile, and where the first twenty actions lead
    (gt.games.rock_paper_scissors(), (0, 0), [(0, 0)] + [(1, 1)] * 3 + [(2, 2)] * 5 + [(0, 0)] * 7 + [(1, 1)] * 4),
    (SHAPLEY, (0, 1), [(0, 1), (1, 1), (1, 1)] + [(1, 2)] * 4 + [(2, 2)] * 6 + [(2, 0)] * 10 + [(0, 0)] * 7),
]


@pytest.mark.parametrize(("game", "first", "expected"), CASES, ids=["rock-paper-scissors", "Shapley"])
def test_two_fictitious_players_are_simultaneous_fictitious_play(game, first, expected):
    assert sequence(game, steps=len(expected), first=first)[0] == expected


def test_frequencies_after_2000_steps_are_the_exact_ones():
    # learn.fictitious_play_2000_rps and _shapley
    game = gt.games.rock_paper_scissors()
    pair = [FictitiousPlayer(game, i, first=0) for i in range(2)]
    gt.learners.play(game, pair, steps=2000, record=1)
    assert pair[0].beliefs(1).tolist() == pair[1].policy().tolist() == [0.3225, 0.3375, 0.34]
    assert gt.concepts.nash_conv(game, tuple(x.policy() for x in pair)) == pytest.approx(0.03, abs=1e-12)
    pair = [FictitiousPlayer(SHAPLEY, i, first=i) for i in range(2)]
    run = gt.learners.play(SHAPLEY, pair, steps=2000, record=1)
    assert pair[1].beliefs(0).tolist() == [0.2355, 0.512, 0.2525]
    assert pair[0].beliefs(1).tolist() == [0.159, 0.3475, 0.4935]
    assert gt.concepts.nash_conv(SHAPLEY, run.profiles()[0]) == pytest.approx(0.290871)


@given(normal_form_games(n_players=range(2, 4), n_actions=range(1, 4)), st.integers(0, 50))
def test_replies_are_best_replies_to_the_product_of_frequencies(game, seed):
    rng = np.random.default_rng(seed)
    for i in range(game.n_players):
        learner = FictitiousPlayer(game, i)
        for _ in range(5):
            actions = tuple(int(rng.integers(count)) for count in game.n_actions)
            learner.observe(gt.learners.Transition(0, actions, (0.0,) * game.n_players, 0))
        worth = game.payoffs[i].astype(float)
        for j in reversed(range(game.n_players)):
            if j != i:
                worth = np.tensordot(worth, learner.beliefs(j), axes=(j, 0))
        played = learner.act(0, rng)
        size = max(1.0, float(np.abs(game.payoffs).max()))
        assert worth[played] >= worth.max() - 1e-9 * size
        assert learner.reply()[played] > 0


def test_tied_replies_go_to_the_lowest_index_or_are_drawn():
    game = gt.NormalFormGame.common_interest(np.zeros((3, 2)))
    rng = np.random.default_rng(0)
    lowest, drawn = FictitiousPlayer(game, 0), FictitiousPlayer(game, 0, ties="random")
    for learner in (lowest, drawn):
        learner.observe(gt.learners.Transition(0, (1, 0), (0.0, 0.0), 0))
    assert {lowest.act(0, rng) for _ in range(30)} == {0}
    counts = np.bincount([drawn.act(0, rng) for _ in range(600)], minlength=3)
    # Four standard deviations of a binomial of 600 and 1/3.
    assert np.abs(counts - 200).max() < 47


def test_smooth_replies_settle_on_the_logit_equilibrium():
    # Hofbauer and Sandholm (2002): stochastic fictitious play converges in zero-sum games.
    game = gt.games.asymmetric_matching_pennies()
    answer = gt.solvers.quantal_response(game, 1.0)
    pair = [FictitiousPlayer(game, i, temperature=1.0, prior=1.0) for i in range(2)]
    run = gt.learners.play_seeds(game, pair, steps=2500, seeds=range(8), record=1)
    mean = [np.mean([profile[i] for profile in run.profiles()], axis=0) for i in range(2)]
    for found, expected in zip(mean, answer.profile):
        assert np.abs(found - expected).max() < 0.03


def test_three_players_settle_on_an_equilibrium_of_a_common_interest_game():
    # Monderer and Shapley (1996): every common interest game has the fictitious play property.
    rng = np.random.default_rng(1)
    for _ in range(5):
        game = gt.NormalFormGame.common_interest(rng.integers(0, 9, size=(2, 3, 2)))
        trio = [FictitiousPlayer(game, i, first=0) for i in range(3)]
        gt.learners.play(game, trio, steps=300, record=1)
        assert gt.concepts.nash_conv(game, tuple(x.policy() for x in trio)) < 0.2


def test_both_gears_give_the_same_bits():
    game = gt.NormalFormGame.common_interest(np.random.default_rng(0).random((2, 3, 2)))
    for temperature in (0.0, 0.5):
        learner = FictitiousPlayer(game, 1, temperature=temperature, ties="random", prior=0.5)
        twins = [learner.copy(), learner.copy()]
        actions = []
        for acting, observing, twin in zip((act, compiled(act)), (observe, compiled(observe)), twins):
            rng = np.random.default_rng(0)
            known = (twin.memory, twin.form, twin.numbers, twin._legal)
            actions.append([])
            for _ in range(80):
                actions[-1].append(acting(*known, 0, twin._stream))
                played = rng.integers((2, 3, 2))
                observing(*known, 0, int(played[1]), played, np.zeros(3), 0, 0, twin._stream)
        assert actions[0] == actions[1]
        assert twins[0].memory.tobytes() == twins[1].memory.tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": 2}, "actions 0 to 1"),
        ({"first": -1}, "whole number from 0"),
        ({"ties": "first"}, "'lowest' or 'random'"),
        ({"temperature": -1.0}, "not negative"),
        ({"prior": -1.0}, "not negative"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(GameError, match=message):
        FictitiousPlayer(gt.games.prisoners_dilemma(), **options)


def test_games_of_several_states_are_refused():
    with pytest.raises(UnsupportedGame, match="take JALAM"):
        FictitiousPlayer(gt.games.soccer())


def test_a_learner_is_made_again_from_its_settings():
    game = gt.games.prisoners_dilemma()
    learner = FictitiousPlayer(game, 1, first=1, prior=0.5, temperature=0.25)
    again = FictitiousPlayer(game, 1, **json.loads(json.dumps(learner.settings)))
    assert again.numbers.tolist() == learner.numbers.tolist()
    assert again.memory.tolist() == learner.memory.tolist()
