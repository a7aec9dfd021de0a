"""Every dynamic on games that nobody would call games, and with settings that nobody should give."""

from __future__ import annotations

import inspect
from fractions import Fraction

import numpy as np
import pytest

from marlgt import NormalFormGame, dynamics, games
from marlgt.cli.trajectories import rules
from marlgt.errors import BudgetExceeded, GameError

RULES = rules()
HAWK_DOVE = NormalFormGame.bimatrix([[-1, 2], [0, 1]], [[-1, 0], [2, 1]])
ODD = {
    "one player": NormalFormGame([[1.0, 2.0, 3.0]]),
    "nobody has a choice": NormalFormGame(np.zeros((3, 1, 1, 1))),
    "one of two has a choice": NormalFormGame.bimatrix([[3], [1]], [[4], [0]]),
    "all payoffs the same": NormalFormGame.bimatrix(np.ones((3, 3)), np.ones((3, 3))),
    "payoffs below every normal float": NormalFormGame.common_interest([[5e-324, 0], [0, 5e-324]]),
    "payoffs of all sizes": NormalFormGame.bimatrix([[1e150, 1e-300], [1e12, 0]], [[0, 1e-300], [1e150, 1]]),
    "payoffs that differ in the last digit": NormalFormGame.common_interest([[1e15, 1e15 + 1], [1e15 + 2, 1e15]]),
    "fractions": NormalFormGame.common_interest([[Fraction(1, 3), Fraction(-2, 7)], [Fraction(0), Fraction(1, 9)]]),
    "five players": NormalFormGame(np.random.default_rng(0).normal(size=(5, 2, 3, 2, 1, 2))),
}


def briefly(name, game, **settings):
    """Follow a rule for a little while."""
    parameters = inspect.signature(RULES[name]).parameters
    known = {"steps": 12, "duration": 0.5, "population": 6, "adjacency": 1 - np.eye(6), "record": 4}
    return RULES[name](game, **{**{key: x for key, x in known.items() if key in parameters}, **settings})


@pytest.mark.parametrize("kind", ODD)
def test_every_rule_plays_distributions_or_says_in_a_sentence_why_not(kind):
    played, reasons = 0, []
    for name in RULES:
        try:
            run = briefly(name, ODD[kind])
        except GameError as error:
            reasons.append(str(error))
            continue
        played += 1
        for x in (*run.strategies, *run.averages):
            assert np.isfinite(x).all(), name
            assert x.min() >= -1e-12, name
            assert np.allclose(x.sum(axis=1), 1.0), name
        assert np.isfinite(run.regrets).all(), name
        assert np.isfinite(run.nash_conv).all(), name
    assert played >= 30
    assert not any("\n" in reason for reason in reasons)


@pytest.mark.parametrize("name", sorted(RULES))
def test_games_of_other_kinds_are_refused(name):
    for game in (games.kuhn_poker(), games.soccer(), None):
        with pytest.raises(GameError, match="give a NormalFormGame"):
            briefly(name, game)


@pytest.mark.parametrize(
    "name", [name for name in sorted(RULES) if "steps" in inspect.signature(RULES[name]).parameters]
)
def test_more_steps_than_can_be_counted_are_refused(name):
    for steps in (2**63, 10**30):
        with pytest.raises(GameError, match=r"at most 1e\+15 steps are counted exactly"):
            briefly(name, HAWK_DOVE, steps=steps)


@pytest.mark.parametrize("name", ["replicator_dynamics", "smith_dynamics", "logit_dynamics"])
def test_a_flow_that_would_take_years_is_refused(name):
    with pytest.raises(GameError, match="payoffs in a larger unit"):
        briefly(name, NormalFormGame.common_interest([[1e13, 0], [0, 1e13]]), duration=50)


def test_a_number_of_records_may_be_an_array_without_axes():
    assert len(dynamics.hedge(HAWK_DOVE, steps=30, record=np.array(3)).times) == 3
    with pytest.raises(GameError, match="record is 0"):
        dynamics.hedge(HAWK_DOVE, steps=30, record=np.array(0.5))


@pytest.mark.parametrize("rate", [lambda: 0.1, lambda t: "fast", lambda t: np.ones(3)], ids=["none", "text", "three"])
@pytest.mark.parametrize("rule", [dynamics.hedge, dynamics.online_gradient])
def test_functions_that_are_no_schedules_are_refused(rule, rate):
    with pytest.raises(GameError, match=r"rate is a function that fails or gives no numbers"):
        rule(HAWK_DOVE, rate=rate, steps=30)


def test_populations_beyond_what_is_counted_or_held_are_refused():
    for process in (dynamics.moran_process, dynamics.wright_fisher_process, dynamics.imitate_the_best):
        for population in (10**9, 2**63, 10**30):
            with pytest.raises(GameError, match="counted exactly"):
                process(HAWK_DOVE, population=population, steps=100)
        for population in (None, "many", [3], 1):
            with pytest.raises(GameError, match="population"):
                process(HAWK_DOVE, population=population)
    for population in (10**9, 10**30):
        with pytest.raises(BudgetExceeded, match="take a smaller population"):
            dynamics.fixation_probability(HAWK_DOVE, population=population)


def test_a_kind_of_fitness_is_true_or_false_on_graphs_too():
    for process in (dynamics.birth_death_on_graph, dynamics.death_birth_on_graph):
        for exponential in (None, "no", np.ones(2)):
            with pytest.raises(GameError, match="give True or False"):
                process(HAWK_DOVE, 1 - np.eye(4), steps=5, exponential=exponential)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"games": None}, "games is None: give a list of normal-form games"),
        ({"games": games.kuhn_poker()}, "give a list of normal-form games"),
        ({"games": "ab"}, "give a list of normal-form games"),
        ({"games": []}, "at least one"),
        ({"games": [HAWK_DOVE, games.rock_paper_scissors()]}, "of one shape"),
        ({"starts": 3}, "give a list of profiles"),
        ({"starts": []}, "as many of each"),
        ({"seeds": 3}, "give a list of whole numbers"),
        ({"seeds": "12"}, "give a list of whole numbers"),
        ({"seeds": [1.5]}, "seed is 1.5"),
        ({"seeds": [True]}, "seed is True"),
        ({"seeds": [None]}, "seed is None"),
        ({"seeds": [0, -1]}, "seed is -1"),
        ({"seeds": range(10**12)}, "more than 10,000,000"),
        ({"dynamic": "hedge"}, "give a function of marlgt.dynamics"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_batches_that_do_not_fit_are_refused(options, message):
    given = {"dynamic": dynamics.hedge, "games": HAWK_DOVE, **options}
    with pytest.raises(GameError, match=message):
        dynamics.many(given.pop("dynamic"), given.pop("games"), **given)


def test_games_and_seeds_may_come_one_by_one():
    runs = dynamics.many(dynamics.exp3, (HAWK_DOVE for _ in range(3)), seeds=iter([4, 5, 6]), steps=20)
    alone = dynamics.exp3(HAWK_DOVE, seed=5, steps=20)
    assert np.array_equal(runs[1].strategies[0], alone.strategies[0])
