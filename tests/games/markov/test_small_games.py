"""Games of a few states against what is known of them on paper."""

from fractions import Fraction

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import BudgetExceeded, GameError
from marlgt.games import NormalFormGame, StochasticGame


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.9, 0.99])
def test_the_big_match_is_worth_one_half_for_every_discount(discount, shapley_values):
    # Blackwell and Ferguson (1968); the first player stops with probability l/(1 + l) for l = 1 - discount.
    game = gt.games.big_match(discount=discount)
    assert shapley_values(game)[0] * (1 - discount) == pytest.approx(0.5, abs=1e-9)
    stop = (1 - discount) / (2 - discount)
    certificate = gt.certify(game, ([[1 - stop, stop]] * 3, [[0.5, 0.5]] * 3))
    assert certificate.epsilon * (1 - discount) <= 1e-12
    assert certificate.values[0] * (1 - discount) == pytest.approx(0.5)


@pytest.mark.parametrize("discount", [0.5, 0.9, 0.99])
def test_the_square_root_game_is_worth_a_square_root(discount, shapley_values):
    # (1 - l) v^2 + 2 l v - l = 0 for l = 1 - discount.
    value = shapley_values(gt.games.sqrt_absorbing_game(discount=discount))[0] * (1 - discount)
    root = np.sqrt(1 - discount)
    assert value == pytest.approx(root / (1 + root), abs=1e-9)


@pytest.mark.parametrize("discount", [0.5, 0.9, 0.99])
def test_the_paris_match_pays_one_half_and_two_thirds(discount):
    # Sorin (1986): the only equilibrium payoffs for every discount; stopping is (0, 2) or (1, 0) for ever.
    rate = 1 - discount
    stop = rate / (2 + rate)
    game = gt.games.paris_match(discount=discount)
    certificate = gt.certify(game, ([[1 - stop, stop]] * 3, [[0.5, 0.5]] * 3))
    assert certificate.epsilon * rate <= 1e-12
    np.testing.assert_allclose(certificate.values * rate, [1 / 2, 2 / 3])


@pytest.mark.parametrize("discount", [0.5, 0.9, 0.99])
def test_the_recursive_game_is_worth_what_its_equation_says(discount, shapley_values):
    # v = val([[d v, 1], [1, 0]]) = 1/(2 - d v).
    value = shapley_values(gt.games.everett_1957(discount=discount))[0]
    assert value == pytest.approx(1 / (2 - discount * value), abs=1e-9)
    assert value == pytest.approx(1 / (1 + np.sqrt(1 - discount)), abs=1e-9)


@pytest.mark.parametrize("stop", [Fraction(1, 2), 0.25, 1])
def test_a_game_that_stops_is_worth_its_value_over_the_chance_to_stop(stop):
    game = gt.games.shapley_1953(stop=stop)
    certificate = gt.certify(game, ([[0.5, 0.5]] * 2, [[0.5, 0.5]] * 2))
    assert certificate.epsilon <= 1e-12
    assert certificate.values[0] == pytest.approx(1 / float(stop))


@pytest.mark.parametrize("stop", [0, 1.5, -0.1, [0.5]])
def test_a_game_stops_with_a_probability(stop):
    with pytest.raises(GameError, match=r"stop is .*: give a probability above 0"):
        gt.games.shapley_1953(stop=stop)


@pytest.mark.parametrize("discount", [0.3, 0.8])
def test_pennies_with_a_rest_are_worth_half_of_a_reward_in_every_step(discount, shapley_values):
    values = shapley_values(gt.games.two_state_matching_pennies(discount=discount))
    np.testing.assert_allclose(values, 0.5 / (1 - discount), atol=1e-10)


def test_turns_are_solved_by_looking_ahead(shapley_values):
    game = gt.games.alternating_turns(discount=0.9)
    np.testing.assert_allclose(shapley_values(game), [1.8, 1, 2, 0], atol=1e-12)  # max(0.9 * 1, 0.9 * 2)
    assert not game.all_legal
    assert game.surely_ends


def nosde_gains(first, second):
    """Return the gain of keeping over sending for the player who moves in each state, in exact arithmetic."""
    discount = Fraction(3, 4)
    gains = []
    # Own reward for keeping, what the other's state pays when he keeps and when he sends, and his chance to send.
    for kept, other_keeps, other_sends, sends in ((1, 3, 0, second), (1, 0, 3, first)):
        # The other's state, if she keeps for ever in hers: v = sends (o + d u) + (1 - sends) (k + d v)
        keeping = Fraction(kept) / (1 - discount)
        sent = (sends * (other_sends + discount * keeping) + (1 - sends) * other_keeps) / (1 - discount * (1 - sends))
        gains.append(keeping - discount * sent)
    return gains


def test_nosde_has_its_only_stationary_equilibrium_at_two_thirds_and_five_twelfths():
    # To keep for ever is worth k/(1 - d); a deviation to sending gains unless the other's chance to send is right, and
    # the gain falls or rises strictly with it, so each player is indifferent at one chance of the other only.
    assert nosde_gains(Fraction(2, 3), Fraction(5, 12)) == [0, 0]
    grid = [Fraction(k, 24) for k in range(25)]
    for_first = [nosde_gains(Fraction(0), sends)[0] for sends in grid]
    for_second = [nosde_gains(sends, Fraction(0))[1] for sends in grid]
    assert for_first == sorted(for_first)
    assert len(set(for_first)) == 25
    assert for_second == sorted(for_second, reverse=True)
    assert len(set(for_second)) == 25
    # Pure play of one makes the other's best reply pure, and the four pure profiles are no equilibria.
    game = gt.games.nosde()
    equilibrium = ([[1 / 3, 2 / 3], [1, 0]], [[1, 0], [7 / 12, 5 / 12]])
    assert gt.certify(game, equilibrium).epsilon <= 1e-12
    for a, b in np.ndindex(2, 2):
        certificate = gt.certify(game, (np.eye(2)[[a, 0]], np.eye(2)[[0, b]]))
        assert certificate.epsilon > 0.1
    nearby = ([[0.35, 0.65], [1, 0]], [[1, 0], [7 / 12, 5 / 12]])
    assert gt.certify(game, nearby).epsilon > 1e-3


@pytest.mark.parametrize("discount", [Fraction(11, 20), Fraction(3, 4), Fraction(9, 10), Fraction(99, 100)])
def test_nosde_mixes_as_its_formulas_say_for_every_discount_above_a_half(discount):
    first, second = 1 / (2 * discount), (3 * discount - 1) / (4 * discount)
    game = gt.games.nosde(discount=float(discount))
    equilibrium = ([[float(1 - first), float(first)], [1, 0]], [[1, 0], [float(1 - second), float(second)]])
    assert gt.certify(game, equilibrium).epsilon <= 1e-9
    # A player's indifference fixes the other's chance to send: elsewhere somebody gains.
    for k, j in np.ndindex(13, 13):
        gain = gt.certify(game, ([[1 - k / 12, k / 12], [1, 0]], [[1, 0], [1 - j / 12, j / 12]])).epsilon
        assert (gain <= 1e-9) == (Fraction(k, 12) == first and Fraction(j, 12) == second)


@pytest.mark.parametrize(("discount", "first"), [(0.2, [1, 0]), (0.4, [0, 1]), (0.5, [0, 1])])
def test_nosde_with_less_of_a_future_is_played_without_mixing(discount, first):
    assert gt.certify(gt.games.nosde(discount=discount), ([first, [1, 0]], [[1, 0], [1, 0]])).epsilon == 0


def test_the_threat_never_to_forgive_keeps_the_peace_if_the_future_matters():
    # Grim trigger is in equilibrium, also after a defection, from discount (5 - 3)/(5 - 1) = 1/2 on.
    grim = [[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]
    for discount, holds in ((0.95, True), (0.51, True), (0.49, False)):
        certificate = gt.certify(gt.games.iterated_prisoners_dilemma(discount=discount), (grim, grim))
        assert certificate.values == pytest.approx([3 / (1 - discount)] * 2)
        assert (certificate.epsilon <= 1e-10) == holds


def test_a_benefit_that_falls_helps_to_keep_helping():
    # To help while the game is rich, and to defect for ever after a defection. In one state with the same benefit a
    # strategy without memory cannot keep anybody helping.
    loyal = [[1, 0], [0, 1]]
    holds = gt.games.stochastic_donation_game(rich=2, poor=1.2, cost=1, discount=0.9)
    assert gt.certify(holds, (loyal, loyal)).epsilon <= 1e-12
    assert gt.certify(holds.with_discount(0.3), (loyal, loyal)).epsilon > 0.1
    alone = StochasticGame.repeated(gt.games.donation_game(benefit=2, cost=1), discount=0.9)
    assert gt.certify(alone, ([[1, 0]], [[1, 0]])).epsilon > 0.1
    with pytest.raises(GameError, match=r"benefit > cost > 0, got 0\.5 and 1"):
        gt.games.stochastic_donation_game(poor=0.5)


def test_a_longer_memory_keeps_the_last_steps():
    game = gt.games.iterated_prisoners_dilemma(memory=2)
    assert game.n_states == 21
    after = game.states.index("C D, D C")
    assert game.states[game.successors[after, 1, 1, 0]] == "D C, D D"
    assert game.states[game.successors[0, 0, 1, 0]] == "C D"


def test_no_memory_is_the_repeated_game():
    stage = gt.games.rock_paper_scissors()
    game = gt.games.repeated_with_memory(stage, memory=0, discount=0.5)
    other = StochasticGame.repeated(stage, discount=0.5)
    np.testing.assert_array_equal(game.rewards, other.rewards)
    assert game.n_states == 1


def test_a_memory_too_long_is_refused():
    with pytest.raises(BudgetExceeded, match=r"memory 20 makes 1.47e[+]12 states of 4 profiles"):
        gt.games.iterated_prisoners_dilemma(memory=20)
    with pytest.raises(GameError, match="memory is -1: give a whole number from 0"):
        gt.games.iterated_prisoners_dilemma(memory=-1)
    trivial = NormalFormGame([[[1.0]], [[2.0]]])
    assert gt.games.repeated_with_memory(trivial, memory=3, discount=0.5).n_states == 4


class TestRandomGames:
    def test_the_same_seed_gives_the_same_game(self):
        make = gt.games.random_stochastic_game
        assert make(4, (2, 3), branching=2, seed=5) == make(4, (2, 3), branching=2, seed=5)
        assert make(4, (2, 3), branching=2, seed=5) != make(4, (2, 3), branching=2, seed=6)

    def test_successors_differ_and_are_as_many_as_asked_for(self):
        game = gt.games.random_stochastic_game(6, (2, 2, 2), branching=3, seed=0)
        assert game.successors.shape == (6, 2, 2, 2, 3)
        assert (np.diff(game.successors, axis=-1) > 0).all()
        assert 0 <= game.rewards.min() <= game.rewards.max() <= 1

    def test_rewards_are_of_the_kind_asked_for(self):
        assert gt.games.random_stochastic_game(3, (2, 3), zero_sum=True, seed=0).is_zero_sum
        assert gt.games.random_stochastic_game(3, (2, 3, 2), common_interest=True, seed=0).is_common_interest

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (dict(n_states=0), "n_states is 0: give a whole number from 1"),
            (dict(branching=4), "branching is 4: it cannot be more than the 3 states"),
            (dict(branching=0), "branching is 0: give a whole number from 1"),
            (dict(n_actions=(2, 2, 2), zero_sum=True), "n_actions must hold 2 numbers"),
            (dict(n_actions=(0, 2)), "n_actions must hold a whole number from 1"),
            (dict(zero_sum=True, common_interest=True), "not both true"),
            (dict(seed=-1), "seed must be a whole number from 0"),
            (dict(n_states=5000), "random numbers, more than 20000000: ask for fewer"),
            (dict(discount=1.5), "discount is 1.5: give a number from 0 to 1"),
        ],
    )
    def test_what_makes_no_game_is_refused(self, options, message):
        with pytest.raises(GameError, match=message):
            gt.games.random_stochastic_game(**{"n_states": 3, "n_actions": (2, 2), "seed": 0, **options})


def test_the_two_step_game_is_the_one_whose_normal_form_the_catalogue_has():
    game, matrix = gt.games.two_step_game(), gt.games.qmix_two_step()
    assert game.is_common_interest
    first, risky = game.successors[0, :, :, 0], game.stage_game(2, np.zeros((2, 4)))
    np.testing.assert_array_equal(first, [[1, 1], [2, 2]])
    np.testing.assert_array_equal(risky.payoffs, matrix.payoffs[:, 1:])
    assert (game.rewards[:, 1] == matrix.payoffs[0, 0, 0]).all()
    # Rashid et al. 2018, section 5: 8 in the second step is worth 0.99 * 8 = 7.92 in the first, 7 is worth 6.93.
    values = np.array([[0.0, 7.0, 8.0, 0.0]] * 2)
    np.testing.assert_allclose(game.action_values(values, 0)[0], [[6.93, 6.93], [7.92, 7.92]])
