"""Optimistic team learners against their update rules, and the coordination games they were made for."""

import json
import math

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import compiled
from marlgt.learners import FMQ, DistributedQ, HystereticQ, LenientQ, Transition
from marlgt.testing import check_learner

CLIMBING = gt.games.climbing_game()


def random_team(seed):
    """Return a deterministic team game of two players."""
    rng = np.random.default_rng(seed)
    paid = rng.integers(0, 9, size=(4, 3, 3)).astype(float)
    nexts = rng.integers(4, size=(4, 3, 3, 1))
    return StochasticGame([paid, paid], nexts, np.ones(nexts.shape), discount=0.7)


def random_play(setting, *, steps, seed):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        state, following = (int(s) for s in rng.integers(setting.n_states, size=2))
        actions = tuple(int(rng.integers(count)) for count in setting.n_actions)
        reward = float(rng.integers(-3, 6))
        yield Transition(state, actions, (reward,) * 2, following, bool(rng.random() < 0.3), bool(rng.random() < 0.2))


def test_hysteretic_updates_have_two_rates():
    learner = HystereticQ(random_team(0), 1, learning_rate=0.4, caution=0.25)
    q = np.zeros((4, 3))
    for step in random_play(learner.setting, steps=150, seed=0):
        learner.observe(step)
        a = step.actions[1]
        target = step.rewards[1] + (0.0 if step.terminated else 0.7 * q[step.next_observation].max())
        delta = target - q[step.observation, a]
        q[step.observation, a] += (0.4 if delta >= 0 else 0.1) * delta
    np.testing.assert_allclose(learner.table("values"), q, atol=1e-12)


def test_without_caution_a_hysteretic_learner_is_a_q_learner():
    ours, plain = HystereticQ(random_team(0), caution=1.0), gt.learners.QLearning(random_team(0))
    for step in random_play(ours.setting, steps=100, seed=1):
        ours.observe(step)
        plain.observe(step)
    np.testing.assert_array_equal(ours.table("values"), plain.values)


def test_distributed_updates_keep_the_best_and_the_policy_that_first_had_it():
    learner = DistributedQ(random_team(0), 0, initial=-9.0)
    q, chosen = np.full((4, 3), -9.0), [None] * 4
    for step in random_play(learner.setting, steps=150, seed=2):
        learner.observe(step)
        s, a = step.observation, step.actions[0]
        best = q[s].max()
        target = step.rewards[0] + (0.0 if step.terminated else 0.7 * q[step.next_observation].max())
        q[s, a] = max(q[s, a], target)
        if q[s].max() > best:
            chosen[s] = a
    np.testing.assert_allclose(learner.table("values"), q, atol=1e-12)
    assert learner.policy().argmax(axis=1).tolist() == chosen


def test_lenient_updates_forgive_at_the_stated_rate_and_cool_down():
    learner = LenientQ(CLIMBING, learning_rate=0.5, warmest=3.0, cooling=1.0, diffusion=0.0, leniency=2.0)
    forgiven = 0
    for _ in range(2000):
        learner.table("values")[:] = 1.0
        learner.observe(Transition(0, (0, 0), (-1.0, -1.0), 0))
        forgiven += learner.table("values")[0, 0] == 1.0
    expected = math.exp(-1 / 6)
    assert abs(forgiven / 2000 - expected) < 4 * math.sqrt(expected * (1 - expected) / 2000)
    learner.observe(Transition(0, (0, 0), (5.0, 5.0), 0, terminated=True))
    assert learner.table("values")[0, 0] in (3.0, 2.5)
    cooling = LenientQ(random_team(0), warmest=10.0, cooling=0.9, diffusion=0.5)
    cooling.table("temperatures")[1] = [1.0, 2.0, 3.0]
    cooling.observe(Transition(0, (2, 0), (1.0, 1.0), 1))
    cooling.observe(Transition(0, (1, 0), (1.0, 1.0), 1, terminated=True))
    # 0.9 (0.5 * 10 + 0.5 * 2), and 0.9 * 10 where nothing follows
    assert cooling.table("temperatures")[0].tolist() == pytest.approx([10.0, 9.0, 5.4])


def test_fmq_estimates_add_the_share_of_the_highest_reward():
    learner = FMQ(CLIMBING, weight=10.0, learning_rate=0.5)
    for reward in (7.0, 3.0, 9.0, 9.0, 1.0):
        learner.observe(Transition(0, (1, 0), (reward, reward), 0))
    value = 0.0
    for reward in (7.0, 3.0, 9.0, 9.0, 1.0):
        value += 0.5 * (reward - value)
    # The highest reward, 9, came twice since it was first seen, in five plays of the action.
    assert learner.table("estimates")[2].tolist() == pytest.approx([0.0, value + 10 * (2 / 5) * 9.0, 0.0])
    assert learner.policy().tolist() == [0.0, 1.0, 0.0]


def share_of_optima(game, pair, *, steps, seeds):
    run = gt.learners.play_seeds(game, pair, steps=steps, seeds=range(seeds), record=1)
    ends = [tuple(int(policy.reshape(-1).argmax()) for policy in profile) for profile in run.profiles()]
    paid = game.payoffs[0]
    return np.mean([paid[end] == paid.max() for end in ends])


def test_fmq_reaches_the_optimum_of_the_climbing_game_in_a_thousand_steps():
    # Kapetanakis and Kudenko (2002), section 5: c = 10, alpha = 0.9, 1000 moves; baseline Q-learning is at chance.
    assert share_of_optima(CLIMBING, [FMQ(CLIMBING, i) for i in range(2)], steps=1000, seeds=20) >= 0.95
    without = [FMQ(CLIMBING, i, weight=0.0) for i in range(2)]
    assert share_of_optima(CLIMBING, without, steps=1000, seeds=20) < 0.6


def test_distributed_q_reaches_an_optimum_together_even_where_there_are_two():
    for game in (CLIMBING, gt.games.penalty_game(penalty=-100)):
        pair = [DistributedQ(game, i, initial=-100.0, exploration=0.5) for i in range(2)]
        assert share_of_optima(game, pair, steps=600, seeds=20) == 1.0


def test_lenient_and_hysteretic_learners_reach_the_optimum_of_the_climbing_game_mostly():
    lenient = [LenientQ(CLIMBING, i, leniency=10.0) for i in range(2)]
    assert share_of_optima(CLIMBING, lenient, steps=3000, seeds=12) >= 0.8
    exploring = gt.learners.linear(1.0, 0.0, steps=1500)
    cautious = [HystereticQ(CLIMBING, i, caution=0.01, exploration=exploring) for i in range(2)]
    assert share_of_optima(CLIMBING, cautious, steps=2000, seeds=10) >= 0.8
    believing = [HystereticQ(CLIMBING, i, caution=1.0, exploration=exploring) for i in range(2)]
    assert share_of_optima(CLIMBING, believing, steps=2000, seeds=12) <= 0.3


def test_distributed_q_plans_deterministic_team_games():
    # Lauer and Riedmiller (2000), proposition: the greedy policies of all are optimal together.
    for seed in range(3):
        game = random_team(seed)
        best = gt.solvers.plan_common_interest(game).values[0]
        pair = [DistributedQ(game, i, exploration=0.7) for i in range(2)]
        run = gt.learners.play_seeds(game, pair, steps=5000, seeds=range(3), record=1)
        for profile in run.profiles():
            worth = gt.concepts.stationary_values(game, profile)[0] @ game.start
            assert worth == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("kind", [HystereticQ, DistributedQ, LenientQ, FMQ])
def test_both_gears_give_the_same_bits(kind):
    game = CLIMBING if kind is FMQ else random_team(1)
    learner = kind(game, 1)
    twins = [learner.copy(), learner.copy()]
    chosen = []
    for way, twin in zip((lambda k: k, compiled), twins):
        acting, observing = way(kind.act_kernel), way(kind.observe_kernel)
        rng = np.random.default_rng(0)
        known = (twin.memory, twin.form, twin.numbers, twin._legal)
        chosen.append([])
        for _ in range(120):
            s, following = (int(x) for x in rng.integers(learner.setting.n_states, size=2))
            played, paid = rng.integers(3, size=2), np.full(2, rng.normal())
            chosen[-1].append(acting(*known, s, twin._stream))
            observing(*known, s, int(played[1]), played, paid, following, int(rng.integers(3)), twin._stream)
    assert chosen[0] == chosen[1]
    assert twins[0].memory.tobytes() == twins[1].memory.tobytes()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (HystereticQ, {"caution": 1.5}, "caution is 1.5"),
        (HystereticQ, {"learning_rate": 2.0}, "every value must be"),
        (HystereticQ, {"exploration": 0.0}, "never explores"),
        (DistributedQ, {"exploration": gt.learners.softmax(1.0)}, "explores epsilon-greedily"),
        (LenientQ, {"warmest": 0.0}, "warmest"),
        (LenientQ, {"cooling": 1.1}, "cooling is 1.1"),
        (LenientQ, {"leniency": -1.0}, "leniency"),
        (FMQ, {"weight": -1.0}, "weight"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_bad_settings_are_refused(kind, options, message):
    with pytest.raises(GameError, match=message):
        kind(CLIMBING, **options)


def test_fmq_refuses_games_of_several_states():
    with pytest.raises(UnsupportedGame, match="one repeated game"):
        FMQ(gt.games.soccer())


def test_learners_are_made_again_from_their_settings():
    for kind in (HystereticQ, DistributedQ, LenientQ):
        learner = kind(CLIMBING, 1, initial=-2.0)
        again = kind(CLIMBING, 1, **json.loads(json.dumps(learner.settings)))
        assert again.numbers.tolist() == learner.numbers.tolist()
        assert again.memory.tolist() == learner.memory.tolist()
    learner = FMQ(CLIMBING, 1, weight=5.0)
    assert FMQ(CLIMBING, 1, **learner.settings).numbers.tolist() == learner.numbers.tolist()


@pytest.mark.parametrize("kind", [HystereticQ, DistributedQ, LenientQ])
def test_the_protocol_is_kept(kind):
    assert check_learner(kind, max_examples=3).passed
