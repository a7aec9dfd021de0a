"""Play: one loop for all learners, with the same bits alone and beside others, in one piece and in many."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import StochasticGame
from marlgt.kernels import compiled
from marlgt.learners import (
    FixedPolicy,
    Match,
    QLearning,
    Sarsa,
    UniformPolicy,
    bootstrap_interval,
    play,
    play_seeds,
    power,
)
from marlgt.learners._fused import fused_loop


def game_with_ends(discount=0.9):
    """A random game of two players whose last state is terminal and reached with luck from everywhere."""
    game = gt.games.random_stochastic_game(4, (2, 3), discount=discount, seed=8)
    terminal = np.arange(4) == 3
    start = np.where(terminal, 0.0, 1 / 3)
    return StochasticGame(
        game.rewards, game.successors, game.probabilities, discount=discount, terminal=terminal, start=start
    )


def pair_for(game):
    return [QLearning(game, 0, learning_rate=power(1.0, per_visit=True)), QLearning(game, 1, exploration=0.3)]


def assert_same(one, two, *, seeds=slice(None)):
    for name in ("rewards", "returns", "discounted", "wins", "episodes", "lengths", "plays"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name)[seeds], err_msg=name)
    for own, other in zip(one.learners, two.learners[seeds]):
        for a, b in zip(own, other):
            np.testing.assert_array_equal(a.memory, b.memory)


def test_a_seed_gives_the_same_bits_alone_and_beside_others():
    game = game_with_ends()
    together = play_seeds(game, pair_for(game), steps=300, seeds=[3, 5, 900], record=4, horizon=20)
    for k, seed in enumerate([3, 5, 900]):
        alone = play_seeds(game, pair_for(game), steps=300, seeds=[seed], record=4, horizon=20)
        assert_same(alone, together, seeds=slice(k, k + 1))
    assert len({own[0].memory.tobytes() for own in together.learners}) == 3


def test_play_lets_the_given_learners_learn_as_a_copy_would():
    game = game_with_ends()
    given, copied = pair_for(game), pair_for(game)
    one = play(game, given, steps=200, seed=5, record=3)
    two = play_seeds(game, copied, steps=200, seeds=[5], record=3)
    assert_same(one, two)
    assert [x.steps for x in given] == [200, 200]
    assert [x.steps for x in copied] == [0, 0]


def test_cut_into_pieces_a_match_is_the_same():
    game = game_with_ends()
    whole = Match(game, pair_for(game), seeds=[0, 1], horizon=15)
    parts = Match(game, pair_for(game), seeds=[0, 1], horizon=15)
    once = whole.advance(301, record=[100, 101, 250, 301])
    runs = [parts.advance(steps, record=1) for steps in (100, 1, 149, 51)]
    assert [int(run.times[0]) for run in runs] == [100, 101, 250, 301] == once.times.tolist()
    for name in ("rewards", "returns", "wins", "episodes"):
        np.testing.assert_array_equal(np.concatenate([getattr(r, name) for r in runs], axis=1), getattr(once, name))
    np.testing.assert_array_equal(runs[-1].plays, once.plays)
    for own, other in zip(whole.learners, parts.learners):
        np.testing.assert_array_equal(own[0].memory, other[0].memory)


def test_the_compiled_loop_gives_the_bits_of_the_plain_one():
    game = game_with_ends()
    ends = []
    for turn in range(2):
        match = Match(game, pair_for(game), seeds=[0, 1], horizon=15)
        engine = match._engine
        loop = fused_loop([(type(x).act_kernel, type(x).observe_kernel) for x in match.learners[0]])
        loop = compiled(loop) if turn else loop
        arguments = engine._forms, engine._numbers, engine._memories, engine._streams, tuple(engine._tally)
        loop(tuple(engine._arena), engine._legal, engine._begins, *arguments, *engine._scratch, 0, 2, 500)
        ends.append([engine._memories, engine._streams, *engine._tally])
    for plain, fast in zip(*ends):
        np.testing.assert_array_equal(plain, fast)


class Script:
    """A player in Python who plays a given list of actions over and over."""

    def __init__(self, actions, policy):
        self.actions, self.told, self._policy = actions, [], policy

    def act(self, observation, rng):
        return self.actions[len(self.told) % len(self.actions)]

    def observe(self, transition):
        self.told.append(transition)

    def policy(self):
        return self._policy


def chain():
    """Three states in a row and an end: action 1 of player 0 moves on and pays her the state, and the other 1."""
    successors = np.array(
        [[[[0], [0]], [[1], [1]]], [[[1], [1]], [[2], [2]]], [[[2], [2]], [[3], [3]]], [[[3]] * 2] * 2]
    )
    rewards = np.zeros((2, 4, 2, 2))
    rewards[0, :3, 1] = np.arange(3)[:, None] + 1.0
    rewards[1, :3, 1] = 1.0
    return StochasticGame(
        rewards, successors, np.ones(successors.shape), discount=0.5, terminal=np.arange(4) == 3, start=[1, 0, 0, 0]
    )


def test_records_are_what_happened():
    game = chain()
    one, two = Script([1], np.ones((4, 2)) / 2), Script([0], np.ones((4, 2)) / 2)
    run = play(game, [one, two], steps=7, seed=0, record=[3, 7])
    # An episode is three steps: returns 1 + 2 + 3 and 3, discounted 1 + 1 + 3/4 and 7/4.
    np.testing.assert_allclose(run.rewards[0], [[2, 1], [(6 + 1) / 4, 1]])
    np.testing.assert_allclose(run.returns[0], [[6, 3], [6, 3]])
    np.testing.assert_allclose(run.discounted[0], [[2.75, 1.75], [2.75, 1.75]])
    np.testing.assert_array_equal(run.wins[0], [[1, 0], [1, 0]])
    np.testing.assert_array_equal(run.episodes[0], [1, 1])
    np.testing.assert_array_equal(run.lengths[0], [3, 3])
    np.testing.assert_allclose(run.win_rates[0], [[1, 0], [1, 0]])
    np.testing.assert_allclose(run.welfare[0], [3, 2.75])
    np.testing.assert_allclose(run.nash_welfare[0], [2, 1.75])
    np.testing.assert_allclose(run.fairness[0], [9 / 10, 2.75**2 / (2 * (1.75**2 + 1))])
    assert [t.terminated for t in one.told] == [False, False, True] * 2 + [False]
    assert [t.observation for t in two.told] == [0, 1, 2, 0, 1, 2, 0]
    assert {t.actions for t in one.told} == {(1, 0)}


def test_the_fused_loop_keeps_the_same_records():
    game = chain()
    policies = [np.tile([0.0, 1.0], (4, 1)), np.tile([1.0, 0.0], (4, 1))]
    run = play(game, [FixedPolicy(game, i, policy=p) for i, p in enumerate(policies)], steps=7, seed=0, record=[3, 7])
    slow = play(game, [Script([1], policies[0]), Script([0], policies[1])], steps=7, seed=0, record=[3, 7])
    for name in ("rewards", "returns", "discounted", "wins", "episodes", "lengths"):
        np.testing.assert_allclose(getattr(run, name), getattr(slow, name), err_msg=name)
    assert run.plays[0, :, 1, 0].tolist() == [3, 2, 2, 0]


def test_a_horizon_truncates_and_is_not_an_end():
    game = chain()
    one, two = Script([0], np.ones((4, 2)) / 2), Script([0], np.ones((4, 2)) / 2)
    run = play(game, [one, two], steps=10, seed=0, horizon=4, record=1)
    assert run.episodes[0, 0] == 2
    assert [t.truncated for t in one.told] == [False, False, False, True] * 2 + [False, False]
    assert not any(t.terminated for t in one.told)
    # An end that comes with the last step of the horizon is an end.
    one, two = Script([1], np.ones((4, 2)) / 2), Script([0], np.ones((4, 2)) / 2)
    play(game, [one, two], steps=3, seed=0, horizon=3)
    assert (one.told[-1].terminated, one.told[-1].truncated) == (True, False)


def test_truncated_steps_bootstrap_and_terminated_ones_do_not():
    game = chain()
    policies = [np.tile([0.0, 1.0], (4, 1)), np.tile([1.0, 0.0], (4, 1))]
    learner = QLearning(game, learning_rate=1.0, exploration=1e-9, initial=10.0)
    other = FixedPolicy(game, 1, policy=policies[1])
    learner.table("values")[:, 0] = -99.0
    play(game, [learner, other], steps=2, seed=0, horizon=2)
    np.testing.assert_allclose(learner.values[:2, 1], [1 + 0.5 * 10, 2 + 0.5 * 10])
    play(game, [learner, other], steps=3, seed=0)
    assert learner.values[2, 1] == 3.0


def test_the_states_are_visited_as_the_game_says():
    game = game_with_ends()
    run = play_seeds(game, [UniformPolicy(game, i) for i in range(2)], steps=4000, seeds=[0], record=1)
    plays = run.plays[0]
    # Uniform play: each profile is played alike in each state, and none in the terminal one.
    assert not plays[3].any()
    for table in plays[:3]:
        mean = table.sum() / 6
        assert (np.abs(table - mean) < 5 * np.sqrt(mean)).all()
    # The mean reward is that of the rewards of the plays, in expectation over successors.
    expected = (plays * game.rewards).sum(axis=(1, 2, 3)) / 4000
    np.testing.assert_allclose(run.rewards[0, 0], expected, atol=0.2)


def test_views_and_moves_are_what_a_player_sees_and_means():
    game = chain()
    views = [[0, 1, 2, 3], [2, 1, 0, 3]]
    moves = [[1, 0], [0, 1]]
    policies = [np.tile([1.0, 0.0], (4, 1)), np.array([[1.0, 0], [0, 1], [0, 1], [1, 0]])]
    pair = [FixedPolicy(game, i, policy=p) for i, p in enumerate(policies)]
    run = play(game, pair, steps=3, seed=0, views=views, moves=moves, record=1)
    # Player 0's action 0 means 1, so that the game moves on; player 1 sees states 2, 1, 0 and plays 1, 1, 0.
    assert [tuple(x) for x in np.argwhere(run.plays[0])] == [(0, 1, 1), (1, 1, 1), (2, 1, 0)]
    first, second = run.profiles()[0]
    np.testing.assert_array_equal(first, np.tile([0.0, 1.0], (4, 1)))
    np.testing.assert_array_equal(second, policies[1][[2, 1, 0, 3]])
    scripts = [Script([0], policies[0]), Script([1, 1, 0], policies[1])]
    play(game, scripts, steps=3, seed=0, views=views, moves=moves)
    assert [t.observation for t in scripts[1].told] == [2, 1, 0]
    assert [t.next_observation for t in scripts[1].told] == [1, 0, 3]
    assert [t.rewards[0] for t in scripts[0].told] == [1, 2, 3]


def test_step_by_step_and_fused_learn_alike():
    # Their random numbers differ; what they learn has the same distribution.
    game = game_with_ends()
    rate = power(1.0, exponent=0.8, per_visit=True)
    learner, other = QLearning(game, 0, learning_rate=rate, exploration=0.5), UniformPolicy(game, 1)

    fused = play_seeds(game, [learner, other], steps=600, seeds=range(12), record=1, horizon=30)
    stepped = play_seeds(game, [learner, Stand(game)], steps=600, seeds=range(12), record=1, horizon=30)
    both = [np.array([own[0].values[:3] for own in run.learners]) for run in (fused, stepped)]
    spread = np.sqrt(sum(x.var(axis=0, ddof=1) for x in both) / 12)
    assert (np.abs(both[0].mean(axis=0) - both[1].mean(axis=0)) < 5 * spread + 0.05).all()


class Stand:
    """A uniformly random player 1 in Python."""

    def __init__(self, game):
        self.count, self.states = game.n_actions[1], game.n_states

    def act(self, observation, rng):
        return int(rng.integers(self.count))

    def observe(self, transition):
        pass

    def policy(self):
        return np.full((self.states, self.count), 1 / self.count)


def test_intervals_cover_the_mean_as_often_as_they_say():
    rng = np.random.default_rng(0)
    covered = 0
    for k in range(150):
        interval = bootstrap_interval(rng.exponential(size=(40, 1)), level=0.9, seed=k)
        covered += int(interval.low[0] <= 1.0 <= interval.high[0])
    # Percentile intervals of 40 skewed samples cover a little too seldom; 90 % +- noise, less that.
    assert 0.82 < covered / 150 < 0.94


def test_intervals_leave_out_what_is_no_number():
    samples = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan], [2.0, 5.0]])
    interval = bootstrap_interval(samples)
    np.testing.assert_allclose(interval.mean, [2.0, 5.0])
    assert 1.0 <= interval.low[0] <= 2.0 <= interval.high[0] <= 3.0
    assert interval.low[1] == interval.high[1] == 5.0
    assert np.isnan(bootstrap_interval(np.full((3, 1), np.nan)).mean).all()


def test_a_run_gives_intervals_of_its_records():
    game = game_with_ends()
    run = play_seeds(game, pair_for(game), steps=60, seeds=range(6), record=3)
    interval = run.interval("rewards", level=0.8)
    np.testing.assert_allclose(interval.mean, run.rewards.mean(axis=0))
    assert (interval.low <= interval.mean).all()
    assert (interval.mean <= interval.high).all()
    with pytest.raises(GameError, match="what is 'joy': give the name of a record that was kept"):
        run.interval("joy")
    with pytest.raises(GameError, match="what is 'gaps'"):
        run.interval("gaps")


def test_a_judge_is_asked_at_every_record():
    game = gt.games.prisoners_dilemma()
    run = play_seeds(
        game, [QLearning(game, i) for i in range(2)], steps=40, seeds=[0, 1], record=4, judge=gt.concepts.nash_conv
    )
    assert run.gaps.shape == (2, 4)
    np.testing.assert_allclose(run.gaps[:, -1], [gt.concepts.nash_conv(game, p) for p in run.profiles()])


GAME = chain()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"learners": []}, GameError, "there are 0 learners: give one for each of 2 players"),
        ({"learners": [QLearning(GAME, 1), QLearning(GAME, 0)]}, GameError, r"learners\[0\] is a learner of player 1"),
        ({"learners": [QLearning(GAME), object()]}, GameError, r"learners\[1\] is .*act, observe and policy"),
        ({"learners": [QLearning(gt.games.chicken()), QLearning(GAME, 1)]}, GameError, "make it for the game"),
        ({"steps": 0}, GameError, "steps is 0: give a whole number from 1"),
        ({"seed": -1}, GameError, "seed is -1: give a whole number from 0"),
        ({"horizon": 0}, GameError, "horizon is 0: give a whole number from 1"),
        ({"record": [5, 0]}, GameError, "a list of steps from 1 to 10"),
        ({"record": [11]}, GameError, "a list of steps from 1 to 10"),
        ({"record": "all"}, GameError, "record is 'all': give a number of times"),
        ({"views": [[0, 1, 2, 9]] * 2}, GameError, r"views must be numbers of states, of shape \(2, 4\)"),
        ({"moves": [[0, 0]] * 2}, GameError, "moves must hold each player's actions in some order"),
        ({"game": GAME.with_discount(1.0)}, UnsupportedGame, "discount is 1 and the game may go on for ever"),
    ],
    ids=range(13),
)
def test_bad_input_is_told_the_rule(settings, error, message):
    given = dict(settings)
    game = given.pop("game", GAME)
    learners = given.pop("learners", None)
    learners = [QLearning(game, i) for i in range(2)] if learners is None else learners
    with pytest.raises(error, match=message):
        play(game, learners, **{"steps": 10, **given})


def test_seeds_are_different_and_at_least_one():
    for seeds in ([], [1, 1]):
        with pytest.raises(GameError, match="give at least one, all different"):
            play_seeds(GAME, [QLearning(GAME, i) for i in range(2)], steps=1, seeds=seeds)


def test_a_game_that_begins_at_its_end_cannot_be_played():
    game = StochasticGame(
        np.zeros((1, 2, 1)),
        np.zeros((2, 1, 1), int),
        np.ones((2, 1, 1)),
        discount=0.5,
        terminal=[False, True],
        start=[0.5, 0.5],
    )
    with pytest.raises(UnsupportedGame, match="the game may begin in a terminal state"):
        play(game, [Sarsa(game)], steps=1)
