"""The regret bounds of the rules against every sequence of utilities, at every step, and in play among themselves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from marlgt import dynamics
from marlgt.dynamics.regret import (
    conditional_regrets,
    hedging,
    leaders,
    online_ascent,
    predictive_regrets,
    regrets_matched,
)
from marlgt.randomness import streams
from marlgt.testing import normal_form_games

SPAN = 2.0


@st.composite
def tables(draw):
    """Utilities from -1 to 1 of some steps, shape (T, A), with many ties or with none."""
    shape = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return rng.integers(-1, 2, shape).astype(float) if draw(st.booleans()) else rng.uniform(-1, 1, shape)


def faced(rule, hear, count, steps, *, rate=lambda t: 1.0, room=lambda count: count):
    """Return the strategies and the utilities of a player of a rule who hears ``hear(t, strategy)`` at step t."""
    state, stream = np.zeros(room(count)), streams([0])[0]
    strategy = np.full(count, 1.0 / count)
    played, heard = [], []
    for t in range(1, steps + 1):
        utility = np.array(hear(t, strategy), dtype=float)
        played.append(strategy.copy())
        heard.append(utility.copy())
        rule(state, utility, played[-1].copy(), strategy, rate(t + 1), t, stream)
    return np.array(played), np.array(heard)


def external_regrets(played, heard):
    """Return the regret after each step, shape (T,)."""
    earned = (played * heard).sum(axis=1).cumsum()
    return heard.cumsum(axis=0).max(axis=1) - earned


def worst(t, strategy):
    """Give all to the action that the player plays least."""
    return np.where(strategy == strategy.min(), 1.0, -1.0)


def hearings(table):
    rows = lambda t, strategy: table[(t - 1) % len(table)]  # noqa: E731
    return [(rows, 3 * len(table)), (worst, 30)]


def root_bound(count, t):
    return SPAN * math.sqrt(count * t)


def hedge_bound(count, t):
    # Cesa-Bianchi and Lugosi 2006, theorem 2.3, for losses in an interval of length D.
    return SPAN * (2 * math.sqrt(t / 2 * math.log(count)) + math.sqrt(math.log(count) / 8))


def giga_bound(count, t):
    # Zinkevich 2003, theorem 1, with |F|^2 = 2 and a gradient no longer than sqrt(A).
    return math.sqrt(t) + (math.sqrt(t) - 0.5) * count


RULES = {
    "regret_matching": (regrets_matched.match_regrets, None, root_bound),
    "regret_matching_plus": (regrets_matched.match_regrets_plus, None, root_bound),
    "hedge": (hedging.respond_hedge, lambda A: lambda t: math.sqrt(8 * math.log(A) / t) / SPAN, hedge_bound),
    "euclidean": (leaders.respond_euclidean, lambda A: lambda t: math.sqrt(2 / (A * t)) / SPAN, root_bound),
    "giga": (online_ascent.respond_gradient, lambda A: lambda t: 1 / math.sqrt(t - 1), giga_bound),
}


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=25)
@given(table=tables())
def test_no_sequence_of_utilities_beats_the_bound(name, table):
    rule, rate, bound = RULES[name]
    count = table.shape[1]
    for hear, steps in hearings(table):
        played, heard = faced(rule, hear, count, steps, rate=rate(count) if rate else lambda t: 1.0)
        assert (played >= 0).all()
        assert np.allclose(played.sum(axis=1), 1.0)
        for t, regret in enumerate(external_regrets(played, heard), start=1):
            assert regret <= bound(count, t) + 1e-9


@settings(max_examples=25)
@given(table=tables())
def test_linear_averages_of_regret_matching_plus_keep_twice_the_bound(table):
    # Every tail of its regrets is at most D sqrt(A T); summed by parts, t r_t make at most T D sqrt(A T).
    count = table.shape[1]
    for hear, steps in hearings(table):
        played, heard = faced(regrets_matched.match_regrets_plus, hear, count, steps)
        times = np.arange(1, steps + 1)
        weighed = (times[:, None] * (heard - (played * heard).sum(axis=1, keepdims=True))).cumsum(axis=0).max(axis=1)
        assert (weighed / times.cumsum() <= 2 * SPAN * np.sqrt(count / times) + 1e-9).all()


@settings(max_examples=25)
@given(table=tables(), eta=st.floats(0.01, 10.0))
def test_hedge_and_gradient_ascent_keep_the_bounds_of_fixed_rates(table, eta):
    count = table.shape[1]
    for hear, steps in hearings(table):
        played, heard = faced(hedging.respond_hedge, hear, count, steps, rate=lambda t: eta)
        moved, utilities = faced(online_ascent.respond_gradient, hear, count, steps, rate=lambda t: eta)
        for t, regret in enumerate(external_regrets(played, heard), start=1):
            assert regret <= math.log(count) / eta + eta * t * SPAN**2 / 8 + 1e-9
        for t, regret in enumerate(external_regrets(moved, utilities), start=1):
            assert regret <= 1 / eta + eta * t * count / 2 + 1e-9


@pytest.mark.parametrize("rule", [predictive_regrets.match_predicted, predictive_regrets.match_predicted_plus])
@settings(max_examples=25)
@given(table=tables())
def test_predictive_regret_is_bounded_by_how_much_regrets_change(rule, table):
    # Farina, Kroer and Sandholm 2021, theorem 3, with the last regrets as the prediction.
    count = table.shape[1]
    for hear, steps in hearings(table):
        played, heard = faced(rule, hear, count, steps)
        instant = heard - (played * heard).sum(axis=1, keepdims=True)
        changes = np.diff(instant, axis=0, prepend=np.zeros((1, count)))
        bound = np.sqrt(2.0 * (changes**2).sum(axis=1).cumsum())
        assert (external_regrets(played, heard) <= bound + 1e-9).all()


def test_opponents_who_foresee_the_last_action_keep_conditional_regrets_up():
    # The theorem on Hart and Mas-Colell's procedure is about players who all follow it; its exact form needs no such.
    kept = []
    for seed in range(3):
        rng, state, strategy = np.random.default_rng(seed), np.zeros(4), np.full(2, 0.5)
        for t in range(1, 3001):
            action = int(rng.random() < strategy[1])
            utility = np.eye(2)[strategy.argmin()]
            conditional_regrets.match_conditional(state, utility, np.eye(2)[action], strategy, 1 / 2.2, t, None)
        kept.append(state.max() / 3000)
    assert min(kept) > 0.25
    least = lambda t, strategy: np.eye(2)[strategy.argmin()]  # noqa: E731
    exact = conditional_regrets.match_internal
    played, heard = faced(exact, least, 2, 3000, room=lambda count: 2 * count * count)
    assert conditional(played, heard)[-1].max() / 3000 < 0.02


def conditional(played, heard):
    """Return the conditional regrets after each step, shape (T, A, A)."""
    gains = played[:, :, None] * (heard[:, None, :] - heard[:, :, None])
    return gains.cumsum(axis=0)


@settings(max_examples=25)
@given(table=tables())
def test_internal_regret_stays_below_its_bound(table):
    # Blackwell: the squared positive conditional regrets grow by at most (A - 1) D^2 a step.
    count = table.shape[1]
    for hear, steps in hearings(table):
        played, heard = faced(
            conditional_regrets.match_internal, hear, count, steps, room=lambda count: 2 * count * count
        )
        assert np.allclose(played.sum(axis=1), 1.0)
        for t, regrets in enumerate(conditional(played, heard), start=1):
            assert regrets.max() <= SPAN * math.sqrt((count - 1) * t) + 1e-9


@pytest.mark.parametrize("inner", [regrets_matched.match_regrets, regrets_matched.match_regrets_plus])
@settings(max_examples=15)
@given(table=tables())
def test_swap_regret_stays_below_its_bound(inner, table):
    # Blum and Mansour 2007: the learners' regrets add up, at most D sqrt(A sum_t x_t(a)^2) for the one of action a.
    rule = conditional_regrets.specialised(conditional_regrets.respond_by_swaps, inner=inner)
    count = table.shape[1]
    for hear, steps in hearings(table):
        played, heard = faced(rule, hear, count, steps, room=lambda count: 3 * count * count + count)
        swaps = np.maximum(conditional(played, heard), 0.0).max(axis=2).sum(axis=1)
        for t, regret in enumerate(swaps, start=1):
            assert regret <= SPAN * count * math.sqrt(t) + 1e-9


@settings(max_examples=100)
@given(
    st.integers(1, 5).flatmap(
        lambda count: arrays(float, (count, count), elements=st.one_of(st.just(0.0), st.floats(1e-6, 10.0)))
    )
)
def test_what_flows_into_a_state_flows_out_of_it_even_where_chains_fall_apart(moves):
    count = len(moves)
    strategy = np.zeros(count)
    conditional_regrets.write_stationary(moves.reshape(-1).copy(), count, strategy)
    np.fill_diagonal(moves, 0.0)
    assert (strategy >= 0).all()
    assert strategy.sum() == pytest.approx(1.0)
    assert np.allclose(strategy @ moves, strategy * moves.sum(axis=1), atol=1e-9)


PLAYED = {
    "regret_matching": lambda D, A, t: D * np.sqrt(A / t),
    "hedge": lambda D, A, t: D * (np.sqrt(2 * np.log(A) / t) + np.sqrt(np.log(A) / 8) / t),
    "follow_the_regularised_leader": lambda D, A, t: D * np.sqrt(A / t),
}


@pytest.mark.parametrize("name", PLAYED)
@settings(max_examples=15)
@given(
    game=st.one_of(normal_form_games(n_players=2, n_actions=range(1, 4)), normal_form_games(n_players=3, n_actions=2))
)
def test_in_every_game_average_regrets_stay_below_the_bound_at_every_recorded_time(name, game):
    run = getattr(dynamics, name)(game, steps=40, record=40)
    flat = game.payoffs.reshape(game.n_players, -1)
    for i, count in enumerate(game.n_actions):
        largest = np.abs(flat[i]).max()
        bound = PLAYED[name](np.ptp(flat[i]), count, run.times)
        assert (run.regrets[:, i] <= bound + 1e-9 * largest + 1e-300).all()
        assert np.allclose(run.averages[i].sum(axis=1), 1.0)


@settings(max_examples=15)
@given(game=normal_form_games(n_players=2, n_actions=range(1, 4)))
def test_the_ce_gap_of_internal_regret_matching_stays_below_its_bound(game):
    run = dynamics.internal_regret_matching(game, steps=40, record=10, joint=True)
    flat = game.payoffs.reshape(2, -1)
    bound = max(np.ptp(flat[i]) * math.sqrt(count - 1) for i, count in enumerate(game.n_actions))
    assert (run.ce_gap <= bound / np.sqrt(run.times) + 1e-9 * np.abs(flat).max() + 1e-300).all()


@settings(max_examples=15)
@given(game=normal_form_games(n_players=2, n_actions=range(2, 4)))
def test_the_regrets_of_optimistic_players_add_up_to_a_constant(game):
    # Syrgkanis et al. 2015, theorem 4: at eta = 1 / (4 (n - 1) D) at most n ln A / eta, in units of each range.
    run = dynamics.optimistic_hedge(game, steps=150, record=5)
    spans = np.ptp(game.payoffs.reshape(2, -1), axis=1)
    if (spans > 1e-9 * np.abs(game.payoffs).max()).all() and (spans > 1e-290).all():
        total = (run.regrets / spans * run.times[:, None]).sum(axis=1)
        assert (total <= 4 * sum(math.log(count) for count in game.n_actions) + 1e-4).all()
