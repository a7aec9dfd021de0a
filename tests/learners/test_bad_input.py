"""Learners, schedules and matches refuse what they cannot use, in one sentence that says what to do."""

from __future__ import annotations

import numpy as np
import pytest

from marlgt import games, learners
from marlgt.errors import GameError, ProfileError, UnsupportedGame
from marlgt.learners import FixedPolicy, Match, QLearning, TableLearner, Transition, UniformPolicy, play, play_seeds

PD = games.prisoners_dilemma()
RPS = games.rock_paper_scissors()


def with_rates():
    """Return the exported classes of learners that have a learning rate, by name."""
    found = []
    for name in learners.__all__:
        value = getattr(learners, name)
        learns = isinstance(value, type) and issubclass(value, TableLearner) and value is not TableLearner
        if learns and "learning_rate" in _parameters(value):
            found.append(name)
    return found


def _parameters(kind):
    import inspect

    return inspect.signature(kind).parameters


@pytest.mark.parametrize("rate", [-0.1, np.nan, "fast", None, True, learners.linear(0.1, -0.5, steps=10)], ids=str)
@pytest.mark.parametrize("name", with_rates())
def test_rates_that_are_none_are_refused(name, rate):
    with pytest.raises(GameError):
        getattr(learners, name)(RPS, learning_rate=rate)


@pytest.mark.parametrize(
    "name", ["QLearning", "Sarsa", "ExpectedSarsa", "DoubleQ", "MinimaxQ", "NashQ", "JALAM", "CentralQ"]
)
def test_averaging_rates_above_one_are_refused(name):
    for rate in (1.5, np.inf, learners.power(2.0)):
        with pytest.raises(GameError, match="rate"):
            getattr(learners, name)(RPS, learning_rate=rate)


@pytest.mark.parametrize("name", ["QLearning", "Sarsa", "MinimaxQ", "NashQ", "JALAM", "CentralQ", "HystereticQ"])
@pytest.mark.parametrize("never", [0, 0.0, learners.linear(0, 0, steps=5), learners.geometric(0.0, 0.5)], ids=str)
def test_who_never_explores_is_refused(name, never):
    with pytest.raises(GameError, match="never"):
        getattr(learners, name)(RPS, exploration=never)


@pytest.mark.parametrize("rate", [-0.2, 1.2, np.nan])
def test_epsilon_is_a_probability(rate):
    with pytest.raises(GameError, match=r"epsilon runs from .*: every value must be from 0 to 1"):
        learners.epsilon_greedy(rate)
    with pytest.raises(GameError, match="temperature"):
        learners.softmax(-abs(rate))
    with pytest.raises(GameError, match="ties is 'first'"):
        learners.epsilon_greedy(0.1, ties="first")


def test_schedules_that_are_none_are_refused():
    with pytest.raises(GameError, match="positive steps"):
        learners.linear(1, 0, steps=0)
    with pytest.raises(GameError, match="a geometric schedule falls"):
        learners.geometric(1, 1.1)
    with pytest.raises(GameError, match="positive factor"):
        learners.geometric(1, 0)
    with pytest.raises(GameError, match="not negative"):
        learners.power(1, exponent=-1)
    with pytest.raises(GameError, match="give finite numbers"):
        learners.power(np.inf)
    with pytest.raises(GameError, match="give finite numbers"):
        learners.linear("1", 0, steps=10)


def test_minimax_q_needs_two_players_with_opposite_interests():
    three = games.random_uniform([2, 2, 2], seed=0)
    with pytest.raises(UnsupportedGame):
        learners.MinimaxQ(three)
    with pytest.raises(UnsupportedGame):
        learners.MinimaxQ(PD)
    with pytest.raises(UnsupportedGame):
        learners.MinimaxQ(games.StochasticGame.repeated(PD, discount=0.9))


def test_nash_q_needs_stage_games_that_can_be_solved():
    large = games.random_uniform([40, 40], seed=0)
    with pytest.raises(GameError):
        learners.NashQ(large)
    with pytest.raises(GameError):
        learners.NashQ(games.random_uniform([2, 2, 2], seed=0))


@pytest.mark.parametrize("make", [lambda game: [QLearning(game, player=i) for i in range(2)]])
def test_a_discount_of_one_needs_an_end_or_a_horizon(make):
    game = games.StochasticGame.repeated(PD, discount=1.0)
    with pytest.raises(UnsupportedGame, match=r"give a horizon, or game\.with_discount\(0\.99\)"):
        play(game, make(game), steps=10, seed=0)
    assert play(game, make(game), steps=10, seed=0, horizon=5).episodes.sum() == 2


def test_a_game_that_begins_at_its_end_is_refused():
    shape, ended = (2, 1, 1), [False, True]
    tables = np.zeros((2, *shape)), np.ones((*shape, 1), dtype=int), np.ones((*shape, 1))
    game = games.StochasticGame(*tables, discount=0.5, terminal=ended, start=[0.5, 0.5])
    with pytest.raises(UnsupportedGame, match="begin in a terminal state"):
        play(game, [QLearning(game, player=i) for i in range(2)], steps=10, seed=0)


@pytest.mark.parametrize(
    ("player", "match"),
    [(2, "players 0 to 1"), (-1, "player"), (0.5, "player"), ("nobody", "the players are"), (True, "player")],
    ids=str,
)
def test_players_that_there_are_not_are_refused(player, match):
    with pytest.raises(GameError, match=match):
        QLearning(PD, player=player)


@pytest.mark.parametrize("game", [None, 3, "soccer", [[1, 2], [3, 4]], games.kuhn_poker()], ids=str)
def test_what_is_no_game_of_states_is_refused(game):
    with pytest.raises(GameError, match="learners play a NormalFormGame, a StochasticGame"):
        QLearning(game)


@pytest.mark.parametrize(
    ("team", "match"),
    [
        (lambda: [QLearning(PD)], "there are 1 learners: give one for each of 2 players"),
        (lambda: [QLearning(PD)] * 3, "there are 3 learners"),
        (lambda: [QLearning(PD, player=1), QLearning(PD, player=0)], "in player order"),
        (lambda: [QLearning(PD), 3], r"learners\[1\] is 3: give an object with act, observe and policy"),
        (lambda: [QLearning(RPS), QLearning(PD, player=1)], "make it for the game that it plays"),
        (lambda: [learners.CentralQ(PD), QLearning(PD, player=1)], "plays alone"),
    ],
    ids=["too few", "too many", "order", "no learner", "another game", "central and another"],
)
def test_teams_that_do_not_fit_are_refused(team, match):
    with pytest.raises(GameError, match=match):
        play(PD, team(), steps=10, seed=0)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 2.5}, "steps"),
        ({"seed": -1}, "seed"),
        ({"horizon": 0}, "horizon"),
        ({"record": 0}, "record"),
        ({"record": [0, 5]}, "from 1 to 10"),
        ({"record": [5, 500]}, "from 1 to 10"),
        ({"record": "often"}, "record"),
        ({"views": [[0]]}, "views must be numbers of states"),
        ({"views": [[0], [1]]}, "views must be numbers of states"),
        ({"moves": [[0, 1], [0, 0]]}, "in some order"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_settings_of_a_match_are_checked(options, match):
    pair = [QLearning(PD, player=i) for i in range(2)]
    with pytest.raises(GameError, match=match):
        play(PD, pair, **{"steps": 10, "seed": 0, **options})


def test_seeds_are_different_and_at_least_one():
    pair = [QLearning(PD, player=i) for i in range(2)]
    for seeds in ([], [1, 1], [0, -1]):
        with pytest.raises(GameError, match="seed"):
            play_seeds(PD, pair, steps=5, seeds=seeds)
    with pytest.raises(GameError, match="steps"):
        Match(PD, pair).advance(-3)


@pytest.mark.parametrize("policy", [[0.5, 0.6], [1.5, -0.5], [np.nan, 1.0], [1.0], [[[1.0, 0.0]]]], ids=str)
def test_policies_that_are_no_distributions_are_refused(policy):
    with pytest.raises(ProfileError):
        FixedPolicy(PD, 0, policy=policy)


def test_fixed_policies_play_legal_actions_only():
    legal = [np.array([[True, False]]), np.ones((1, 2), dtype=bool)]
    game = games.StochasticGame(
        np.zeros((2, 1, 2, 2)), np.zeros((1, 2, 2, 1), dtype=int), np.ones((1, 2, 2, 1)), discount=0.5, legal=legal
    )
    with pytest.raises(ProfileError, match="over the legal actions"):
        FixedPolicy(game, 0, policy=[0.5, 0.5])
    assert UniformPolicy(game, 0).policy().tolist() == [[1.0, 0.0]]


def test_tables_and_records_that_there_are_not_are_named():
    learner = QLearning(PD)
    with pytest.raises(GameError, match="has no table 'q': it has values, visits"):
        learner.table("q")
    learner.observe(Transition(0, (0, 1), (0.0, 5.0), 0))
    run = play(PD, [learner, QLearning(PD, player=1)], steps=5, seed=0)
    with pytest.raises(GameError, match="give the name of a record"):
        run.interval("glory")
    with pytest.raises(GameError, match="give the name of a record"):
        run.interval("gaps")


@pytest.mark.parametrize("values", [[], [np.nan, 1.0], [[1.0]], [np.inf]], ids=str)
def test_values_without_a_greedy_action_are_refused(values):
    with pytest.raises(GameError, match="finite numbers"):
        learners.epsilon_greedy_probabilities(values, 0.1)


@pytest.mark.parametrize("initial", [float("nan"), float("inf"), "much", True])
def test_first_values_must_be_finite_numbers(initial):
    with pytest.raises(GameError, match="give a finite number"):
        QLearning(PD, initial=initial)
