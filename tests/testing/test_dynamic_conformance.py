"""The suite for dynamics passes those of marlgt and catches each planted bug."""

from __future__ import annotations

import dataclasses
import inspect
import math

import numpy as np
import pytest
from hypothesis import strategies as st

from marlgt import NormalFormGame, dynamics
from marlgt.cli.trajectories import rules
from marlgt.errors import GameError
from marlgt.testing import check_dynamic

RULES = rules()
BRIEFLY = {"steps": 12, "duration": 0.5, "population": 6, "adjacency": 1 - np.eye(6)}
OF_POPULATIONS = {
    name for name, rule in RULES.items() if {"population", "adjacency"} & {*inspect.signature(rule).parameters}
}
OF_TWO_ACTIONS = {"infinitesimal_gradient_ascent", "wolf_iga"}
IN_TURN = {"predictive_regret_matching_plus", "regret_matching_plus"}
# The first begins with action 0, the second lets one player after the other reply; the third integrates its path over
# steps that cross a face, where rounding decides about the step, so that early averages differ by 1e-3.
UNEVEN = {"fictitious_play", "best_response_dynamics", "projection_dynamics"}
SCALED = {
    "best_response_flow",
    "cross_learning",
    "conditional_regret_matching",
    "epsilon_greedy",
    "exp3",
    "fictitious_play",
    "follow_the_regularised_leader",
    "hedge",
    "internal_regret_matching",
    "optimistic_hedge",
    "policy_hill_climbing",
    "predictive_regret_matching",
    "regret_matching",
    "regret_matching_plus",
    "roth_erev",
    "swap_regret_minimization",
    "trial_and_error",
    "tsallis_inf",
    "ucb1",
    "wolf_policy_hill_climbing",
}


def small(name, *, ties):
    """Draw small games that a rule takes, with payoffs of -2, ..., 2 or without ties."""

    @st.composite
    def build(draw):
        n = 2 if name in OF_POPULATIONS | OF_TWO_ACTIONS else draw(st.integers(2, 3))
        counts = [2] * n if name in OF_POPULATIONS | OF_TWO_ACTIONS else [draw(st.integers(1, 3)) for _ in range(n)]
        size = n * math.prod(counts)
        if ties:
            numbers = draw(st.lists(st.integers(-2, 2), min_size=size, max_size=size))
        else:
            numbers = np.random.default_rng(draw(st.integers(0, 99))).normal(size=size)
        payoffs = np.reshape(np.array(numbers, dtype=float), (n, *counts))
        return NormalFormGame.bimatrix(payoffs[0], payoffs[0].T) if name in OF_POPULATIONS else NormalFormGame(payoffs)

    return build()


def of_a_run(name):
    parameters = inspect.signature(RULES[name]).parameters
    settings = {key: value for key, value in BRIEFLY.items() if key in parameters}
    return {**settings, "alternating": False} if name in IN_TURN else settings


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_dynamic_keeps_its_books(name):
    report = check_dynamic(
        RULES[name], settings=of_a_run(name), games=small(name, ties=True), averages=True, batches=True, max_examples=2
    )
    report.assert_passed()
    tried = {result.name: result.games for result in report.results}
    assert all(tried[key] for key in ("trajectory", "distributions", "regrets", "same seed, same bits", "no steps"))
    assert tried["averages"]
    assert tried["batches"]


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_dynamic_keeps_its_claims(name):
    report = check_dynamic(
        RULES[name],
        settings=of_a_run(name),
        games=small(name, ties=False),
        symmetric=name not in UNEVEN,
        shift_invariant=name != "projection_dynamics",
        scale_free=name in SCALED,
        max_examples=2,
    )
    report.assert_passed()


def test_bounds_of_regrets_are_kept_and_those_too_good_are_not():
    def hart_and_mas_colell(game, times):
        reach = max(game.payoff_range) * math.sqrt(max(game.n_actions))
        return reach / np.sqrt(times)

    rule, settings = dynamics.regret_matching, {"steps": 40}
    check_dynamic(rule, settings=settings, no_regret=hart_and_mas_colell, max_examples=10).assert_passed()
    report = check_dynamic(rule, settings=settings, no_regret=lambda game, times: 0.0 / times)
    assert [failure.name for failure in report.failures] == ["no regret"]


def test_gradients_climb_what_all_are_paid_and_cautious_leaders_do_not():
    games = small("hedge", ties=True)
    climbing = check_dynamic(dynamics.replicator_dynamics, settings={"duration": 0.5}, games=games, potential=True)
    climbing.assert_passed()
    falling = check_dynamic(dynamics.ucb1, settings={"steps": 12}, games=games, potential=True)
    assert [failure.name for failure in falling.failures] == ["potential"]


def changed(**fields):
    """Return hedging whose trajectory has other fields, each a function of the trajectory."""

    def planted(game, *, steps=12, record=100, joint=None, seed=0):
        run = dynamics.hedge(game, steps=steps, record=record, joint=joint)
        return dataclasses.replace(run, **{name: change(run) for name, change in fields.items()})

    return planted


def of_the_clock(game, *, steps=12, _made=[]):  # noqa: B006
    _made.append(steps)
    return dynamics.hedge(game, steps=steps, rate=0.1 + 0.1 * (len(_made) % 2))


def of_the_record(game, *, steps=12, record=100):
    return dynamics.hedge(game, steps=steps, record=record, rate=0.1 if record == 1 else 0.2)


def of_any_steps(game, *, steps=12):
    return dynamics.hedge(game, steps=max(1, steps))


def of_other_actions(game, *, steps=12, record=100, joint=None, keep_actions=False):
    run = dynamics.fictitious_play(game, steps=steps, record=record, joint=joint, keep_actions=keep_actions)
    return run if run.actions is None else dataclasses.replace(run, actions=np.zeros_like(run.actions))


PLANTED = {
    "trajectory": changed(strategies=lambda run: tuple(x.T for x in run.strategies)),
    "distributions": changed(strategies=lambda run: tuple(1.001 * x for x in run.strategies)),
    "regrets": changed(regrets=lambda run: run.regrets + 0.01),
    "actions": of_other_actions,
    "same seed, same bits": of_the_clock,
    "record": of_the_record,
    "no steps": of_any_steps,
    "averages": changed(averages=lambda run: run.strategies),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_bugs_are_caught(name):
    report = check_dynamic(PLANTED[name], settings={"steps": 12}, games=small("hedge", ties=True), averages=True)
    assert name in [failure.name for failure in report.failures]
    assert "NormalFormGame" in str(report)


def first_player_first(game, *, steps=12, start=None):
    return dynamics.hedge(game, steps=steps, start=start, alternating=True)


def in_payoffs(game, *, steps=12, start=None):
    return dynamics.hedge(game, steps=steps, start=start, rate=0.1)


def of_the_largest(game, *, steps=12):
    return dynamics.hedge(game, steps=steps, rate=0.1 / (1.0 + np.abs(game.payoffs).max()))


@pytest.mark.parametrize(
    ("rule", "claim", "name"),
    [
        (first_player_first, "symmetric", "symmetric"),
        (in_payoffs, "scale_free", "scale free"),
        (of_the_largest, "shift_invariant", "shift invariant"),
    ],
    ids=["symmetric", "scale free", "shift invariant"],
)
def test_false_claims_are_caught(rule, claim, name):
    games = small("hedge", ties=False)
    report = check_dynamic(rule, settings={"steps": 12}, games=games, **{claim: True})
    assert [failure.name for failure in report.failures] == [name]


def test_a_dynamic_without_batches_does_not_claim_them():
    def alone(game, *, steps=12):
        if not isinstance(game, NormalFormGame):
            raise GameError("one game at a time")
        return dynamics.hedge(game, steps=steps)

    check_dynamic(alone, settings={"steps": 4}, max_examples=3).assert_passed()
    assert [f.name for f in check_dynamic(alone, settings={"steps": 4}, batches=True).failures] == ["batches"]


def test_bad_arguments_are_refused():
    with pytest.raises(GameError, match="give a function of a game that returns a trajectory"):
        check_dynamic(3)
    with pytest.raises(GameError, match="at least 1"):
        check_dynamic(dynamics.hedge, max_examples=0)
    with pytest.raises(GameError, match="no_regret is 1"):
        check_dynamic(dynamics.hedge, no_regret=1)
    with pytest.raises(GameError, match="symmetric"):
        check_dynamic(dynamics.hedge, symmetric="yes")
