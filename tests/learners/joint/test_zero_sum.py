"""Minimax-Q: its update against a plain reimplementation, and its limit against Shapley's values."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError, UnsupportedGame
from marlgt.kernels import compiled
from marlgt.learners import MinimaxQ, geometric, play, play_seeds, power
from marlgt.learners.joint._coalition_stages import observe
from marlgt.learners.tables import Transition


def random_zero_sum(seed, *, ties=False, illegal=False):
    game = gt.games.random_stochastic_game(4, (3, 3), discount=0.8, zero_sum=True, branching=2, seed=seed)
    legal = [np.ones((4, 3), dtype=bool), np.ones((4, 3), dtype=bool)]
    if illegal:
        legal[0][1, 0] = legal[1][1, 2] = legal[1][3, 0] = legal[1][3, 1] = False
    rewards = np.round(game.rewards[0] * 2) if ties else game.rewards[0]
    return gt.games.StochasticGame.zero_sum(
        rewards, game.successors, game.probabilities, discount=0.8, legal=legal, start=np.full(4, 0.25)
    )


def random_transitions(game, count, seed):
    rng = np.random.default_rng(seed)
    state = 0
    for _ in range(count):
        actions = tuple(int(rng.choice(np.flatnonzero(own[state]))) for own in game.legal)
        place = rng.choice(game.successors.shape[-1], p=game.probabilities[(state, *actions)])
        following = int(game.successors[(state, *actions, place)])
        ended = rng.random()
        rewards = tuple(float(r[(state, *actions)]) for r in game.rewards)
        yield Transition(state, actions, rewards, following, ended < 0.1, 0.1 <= ended < 0.2)
        state = following


def stage_value(q, rows, columns):
    return float(gt.solvers.minimax(gt.NormalFormGame.zero_sum(q[np.ix_(rows, columns)])).values[0])


@pytest.mark.parametrize(("player", "seed"), [(0, 0), (1, 1), (0, 2), (1, 3)])
def test_every_update_is_that_of_the_definition(player, seed):
    game = random_zero_sum(seed, ties=seed >= 2, illegal=True)
    learner = MinimaxQ(game, player, learning_rate=0.5, initial=0.25)
    q, v = np.full((4, 3, 3), 0.25), np.full(4, 0.25)
    for step in random_transitions(game, 150, seed):
        learner.observe(step)
        s, (own, other) = step.observation, (step.actions[player], step.actions[1 - player])
        ahead = 0.0 if step.terminated else v[step.next_observation]
        q[s, own, other] += 0.5 * (step.rewards[player] + 0.8 * ahead - q[s, own, other])
        rows, columns = (np.flatnonzero(game.legal[j][s]) for j in (player, 1 - player))
        v[s] = stage_value(q[s], rows, columns)
        assert learner.state_values[s] == pytest.approx(v[s], abs=1e-12)
        mixture = learner.policy()[s]
        assert mixture[rows].sum() == pytest.approx(1.0, abs=1e-12)
        assert (mixture[rows] @ q[s][np.ix_(rows, columns)]).min() >= v[s] - 1e-12
    held = learner.values if player == 0 else learner.values.transpose(0, 2, 1)
    np.testing.assert_allclose(held, q, atol=1e-12)
    assert learner.steps == 150


def test_littmans_settings_are_the_defaults():
    learner = MinimaxQ(gt.games.soccer())
    assert learner.settings["learning_rate"](1_000_000) == pytest.approx(0.01)
    assert learner.settings["exploration"] == 0.2
    assert (learner.state_values == 1.0).all()
    assert (learner.policy() == 0.2).all()


def test_a_step_gives_the_same_bits_in_both_gears():
    game = random_zero_sum(5, illegal=True)
    one, two = (MinimaxQ(game, 1, learning_rate=0.3) for _ in range(2))
    for step in random_transitions(game, 200, 5):
        played = np.array(step.actions), np.array(step.rewards)
        ended = 1 if step.terminated else 2 if step.truncated else 0
        for learner, kernel in ((one, observe), (two, compiled(observe))):
            arrays = learner.memory, learner.form, learner.numbers, learner._legal
            own = step.actions[1]
            kernel(*arrays, step.observation, own, *played, step.next_observation, ended, learner._stream)
        np.testing.assert_array_equal(one.memory, two.memory)


@pytest.fixture(scope="module")
def learned():
    """Values learned by pairs of learners, and the exact ones, of three random games."""
    pairs = []
    for seed in range(3):
        game = random_zero_sum(seed)
        rate = power(1.0, exponent=0.7, per_visit=True)
        pair = [MinimaxQ(game, i, learning_rate=rate, exploration=0.5) for i in range(2)]
        run = play_seeds(game, pair, steps=60_000, seeds=range(6), record=1)
        pairs.append((game, run, gt.solve(game)[0]))
    return pairs


def test_the_values_tend_to_shapleys_over_all_seeds(learned):
    for game, run, exact in learned:
        values = np.array(exact.state_values)[0]
        errors = [np.abs(own[0].state_values - values).max() for own in run.learners]
        assert max(errors) < 0.08
        assert np.mean(errors) < 0.05
        gaps = [gt.concepts.nash_conv(game, profile) for profile in run.profiles()]
        uniform = gt.concepts.nash_conv(game, tuple(np.full((4, 3), 1 / 3) for _ in range(2)))
        assert np.mean(gaps) < 0.1 * uniform


def test_the_two_players_values_are_opposite_where_both_learn_from_the_same_steps():
    game = random_zero_sum(7)
    pair = [MinimaxQ(game, i, learning_rate=power(1.0, per_visit=True), initial=0.0) for i in range(2)]
    play(game, pair, steps=3000, seed=0)
    np.testing.assert_allclose(pair[0].state_values, -pair[1].state_values, atol=1e-9)
    np.testing.assert_allclose(pair[0].values, -pair[1].values, atol=1e-9)


def test_rock_paper_scissors_is_worth_nothing_to_either():
    game = gt.games.StochasticGame.repeated(gt.games.rock_paper_scissors(), discount=0.9)
    pair = [MinimaxQ(game, i, learning_rate=geometric(1.0, 0.9995, floor=0.001)) for i in range(2)]
    run = play_seeds(game, pair, steps=30_000, seeds=range(6), record=1)
    assert max(abs(float(own[0].state_values[0])) for own in run.learners) < 0.02
    policies = np.array([own[0].policy()[0] for own in run.learners])
    assert np.abs(policies - 1 / 3).max() < 0.05


def test_what_is_learned_does_not_depend_on_how_the_other_plays():
    game = random_zero_sum(1)
    rate = power(1.0, exponent=0.7, per_visit=True)
    # The other one plays at random all along.
    pair = [MinimaxQ(game, i, learning_rate=rate, exploration=level) for i, level in enumerate((0.5, 1.0))]
    run = play_seeds(game, pair, steps=60_000, seeds=range(4), record=1)
    exact = np.array(gt.solve(game)[0].state_values)[0]
    assert max(np.abs(own[0].state_values - exact).max() for own in run.learners) < 0.08


def test_a_seed_gives_the_same_bits_alone_and_beside_others():
    game = random_zero_sum(2)
    pair = [MinimaxQ(game, i) for i in range(2)]
    together = play_seeds(game, pair, steps=2000, seeds=(3, 5, 8))
    alone = play_seeds(game, pair, steps=2000, seeds=(5,))
    np.testing.assert_array_equal(together.learners[1][0].memory, alone.learners[0][0].memory)


def test_games_that_are_not_zero_sum_between_two_are_refused():
    with pytest.raises(UnsupportedGame, match="do not sum to zero: use FriendOrFoeQ"):
        MinimaxQ(gt.games.prisoners_dilemma())
    three = gt.games.random_stochastic_game(2, (2, 2, 2), seed=0)
    with pytest.raises(UnsupportedGame, match="this game has 3 players: use FriendOrFoeQ"):
        MinimaxQ(three)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": 1.5}, "every value must be from 0 to 1"),
        ({"learning_rate": -0.1}, "every value must be from 0 to 1"),
        ({"exploration": 0.0}, "never explores"),
        ({"exploration": gt.learners.softmax(1.0)}, "explores with a probability"),
        ({"initial": float("nan")}, "give a finite number"),
        ({"player": 2}, "players 0 to 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(GameError, match=message):
        MinimaxQ(gt.games.matching_pennies(), **settings)


def test_the_settings_rebuild_the_learner():
    game = random_zero_sum(0)
    learner = MinimaxQ(game, 1, learning_rate=0.3, exploration=0.4, initial=0.5)
    twin = MinimaxQ(game, 1, **learner.settings)
    np.testing.assert_array_equal(twin.memory, learner.memory)
    np.testing.assert_array_equal(twin.numbers, learner.numbers)
