"""Stochastic stability: trees against enumeration, stable states against theorems and against chains with mistakes."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt import dynamics
from marlgt.dynamics.populations._arborescence import shortest_tree
from marlgt.testing import any_game, potential_games


def one_population(A):
    return gt.NormalFormGame.bimatrix(A, np.transpose(A))


def shortest_by_enumeration(lengths, root):
    count = len(lengths)
    best = math.inf
    others = [s for s in range(count) if s != root]
    for ways in product(range(count), repeat=len(others)):
        way = dict(zip(others, ways))
        for s in others:
            node, steps = s, 0
            while node != root and steps < count:
                node, steps = way[node], steps + 1
            if node != root:
                break
        else:
            best = min(best, sum(lengths[s][way[s]] for s in others))
    return best


@settings(max_examples=80)
@given(st.integers(1, 5), st.data())
def test_the_shortest_tree_is_that_of_enumeration(count, data):
    length = st.sampled_from([0, 1, 1, 2, 3, 5, 8, math.inf])
    lengths = data.draw(st.lists(st.lists(length, min_size=count, max_size=count), min_size=count, max_size=count))
    root = data.draw(st.integers(0, count - 1))
    assert shortest_tree(np.array(lengths, dtype=float), root) == shortest_by_enumeration(lengths, root)


@given(st.lists(st.integers(0, 12), min_size=4, max_size=4))
def test_the_risk_dominant_convention_is_stable_in_large_populations(A):
    # Kandori, Mailath and Rob 1993: a strict coordination game, a - c against d - b.
    a, b, c, d = A
    if not (a > c and d > b and abs((a - c) - (d - b)) > 0):
        return
    # The thresholds differ by one individual where N exceeds the inverse of the gap; 60 > 2 (a - c + d - b) / 1.
    result = dynamics.stochastically_stable(one_population([[a, b], [c, d]]), population=60)
    assert len(result.classes) == 2
    wins = a - c > d - b
    assert result.states.tolist() == [[60, 0] if wins else [0, 60]]
    (winner,) = result.stable
    assert result.radii[winner] > result.coradii[winner]


def test_resistances_count_the_mistakes_that_tip_a_population():
    # Payoffs 2 and 1 on the diagonal, N = 10: an individual prefers 0 as soon as 2 m >= 9 - m, m = 3 others play it.
    result = dynamics.stochastically_stable(one_population([[2, 0], [0, 1]]), population=10)
    zero = next(i for i, states in enumerate(result.classes) if states.tolist() == [[10, 0]])
    assert result.resistances[1 - zero, zero] == 3
    assert result.resistances[zero, 1 - zero] == 6
    assert result.radii[zero] == 6
    assert result.coradii[zero] == 3


def test_youngs_game_of_three_conventions():
    # The 3 x 3 game of Young 1993: from convention 2 to 1 it takes 3/8 of the population, who play 0 and not 1, back
    # from 1 to 2 it takes 2/5, and from 0 to 1 it takes 1/8.
    A = [[6, 0, 0], [5, 7, 5], [0, 5, 8]]
    result = dynamics.stochastically_stable(one_population(A), population=60)
    assert result.states.tolist() == [[0, 60, 0]]
    order = [int(np.argmax(states[0])) for states in result.classes]
    at = {strategy: place for place, strategy in enumerate(order)}
    shares = result.resistances / 60
    assert shares[at[2], at[1]] == pytest.approx(3 / 8, abs=2 / 60)
    assert shares[at[1], at[2]] == pytest.approx(2 / 5, abs=2 / 60)
    assert shares[at[0], at[1]] == pytest.approx(1 / 8, abs=2 / 60)


def test_a_game_of_neutral_strategies_has_one_class():
    result = dynamics.stochastically_stable(one_population(np.ones((2, 2))), population=5)
    assert len(result.classes) == 1
    assert len(result.states) == 6
    assert result.potentials.tolist() == [0.0]


def test_a_strict_dilemma_ends_in_defection():
    game = gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    assert dynamics.stochastically_stable(game, population=12).states.tolist() == [[0, 12]]


@settings(max_examples=40)
@given(potential_games(n_players=2, n_actions=range(1, 4)))
def test_logit_revision_keeps_the_maxima_of_the_potential(game):
    potential = gt.games.potential(game)
    result = dynamics.logit_stable_profiles(game)
    top = potential >= potential.max() - 1e-6 * max(1.0, float(np.ptp(potential)))
    assert all(top[tuple(state)] for state in result.states)


@settings(max_examples=25)
@given(any_game())
def test_the_stable_profiles_lie_in_classes_that_better_replies_do_not_leave(game):
    result = dynamics.logit_stable_profiles(game)
    assert len(result.stable) >= 1
    for states in result.classes:
        members = {tuple(s) for s in states.tolist()}
        for state in members:
            for i in range(game.n_players):
                line = game.payoffs[(i, *(slice(None) if j == i else state[j] for j in range(game.n_players)))]
                slack = 1e-9 * max(float(game.payoff_range[i]), 1e-300)
                for b in np.flatnonzero(line >= line.max() - slack):
                    assert (*state[:i], int(b), *state[i + 1 :]) in members


def logit_chain(game, heat):
    """Return the stationary distribution of asynchronous logit revision, from the definition."""
    shape = game.n_actions
    size = game.n_profiles
    chain = np.zeros((size, size))
    for index, profile in enumerate(np.ndindex(*shape)):
        for i in range(len(shape)):
            line = np.array([game.payoffs[(i, *profile[:i], b, *profile[i + 1 :])] for b in range(shape[i])])
            reply = np.exp((line - line.max()) / heat)
            for b in range(shape[i]):
                after = np.ravel_multi_index((*profile[:i], b, *profile[i + 1 :]), shape)
                chain[index, after] += reply[b] / reply.sum() / len(shape)
    system = np.vstack([chain.T - np.eye(size), np.ones(size)])
    return np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0].reshape(shape)


def test_at_low_temperatures_the_chain_is_nearly_always_at_the_stable_profiles():
    # Young 1993, on games without a potential.
    rng = np.random.default_rng(0)
    for _ in range(15):
        game = gt.NormalFormGame(rng.integers(0, 6, size=(2, 3, 3)))
        stable = dynamics.logit_stable_profiles(game).states
        shares = [sum(logit_chain(game, heat)[tuple(s)] for s in stable) for heat in (0.3, 0.12)]
        assert shares[1] > 0.97
        assert shares[1] >= shares[0] - 1e-6


def test_games_too_large_are_errors():
    with pytest.raises(gt.GameError, match="4,096 pure profiles"):
        dynamics.logit_stable_profiles(gt.NormalFormGame(np.zeros((12, *(2,) * 12))))
