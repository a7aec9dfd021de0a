"""Sampled play: rules against their definitions, bookkeeping against the history, gears against each other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt import dynamics
from marlgt.concepts import empirical_distribution, external_regret
from marlgt.testing import any_game

PENNIES = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])
DILEMMA = gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
RULES = (
    "bandit_gradient_ascent",
    "bandit_regret_matching",
    "cross_learning",
    "epsilon_greedy",
    "exp3",
    "exp3_ix",
    "exp3_p",
    "log_linear_learning",
    "payoff_based_log_linear",
    "reinforcement_procedure",
    "roth_erev",
    "trial_and_error",
    "tsallis_inf",
    "ucb1",
    "win_stay_lose_shift",
)


@pytest.fixture
def interpreted(monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "plain")


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=12)
@given(game=any_game(), seed=st.integers(0, 1000))
def test_the_record_is_that_of_the_actions_played(name, game, seed):
    run = getattr(dynamics, name)(game, steps=15, record=[1, 4, 15], seed=seed, keep_actions=True, joint=True)
    scale = max(1.0, float(np.abs(game.payoffs).max()))
    for place, t in enumerate([1, 4, 15]):
        played = run.actions[:t]
        assert np.allclose(run.joint[place], empirical_distribution(game, played))
        for i in range(game.n_players):
            others = tuple(j for j in range(game.n_players) if j != i)
            assert np.allclose(run.averages[i][place], run.joint[place].sum(axis=others))
            assert run.strategies[i][place].min() >= 0.0
            assert run.strategies[i][place].sum() == pytest.approx(1.0)
            regret = external_regret(game, played, i).max() / t
            assert abs(run.regrets[place, i] - regret) <= 1e-9 * scale
    loose = getattr(dynamics, name)(game, steps=15, record=[1, 4, 15], seed=seed, joint=False)
    assert loose.joint is None
    assert np.abs(loose.regrets - run.regrets).max() <= 1e-9 * scale
    assert all(np.allclose(a, b) for a, b in zip(loose.averages, run.averages))
    assert all(np.array_equal(a, b) for a, b in zip(loose.strategies, run.strategies))


def rescaled(game):
    flat = game.payoffs.reshape(game.n_players, -1)
    low, high = flat.min(axis=1), flat.max(axis=1)
    shape = (-1,) + (1,) * game.n_players
    return (game.payoffs - low.reshape(shape)) / (high - low).reshape(shape)


def onto_simplex(v):
    # Held, Wolfe and Crowder 1974: sort, and find how many coordinates stay.
    u = np.sort(v)[::-1]
    levels = (np.cumsum(u) - 1.0) / np.arange(1, len(u) + 1)
    return np.maximum(v - levels[np.flatnonzero(u > levels)[-1]], 0.0)


def exp3(k, xs, steps):
    gamma = min(1.0, math.sqrt(k * math.log(k) / ((math.e - 1) * steps)))
    w = np.ones(k)
    for a, x in xs:
        p = (1 - gamma) * w / w.sum() + gamma / k
        w[a] *= math.exp(gamma * x / p[a] / k)
    return (1 - gamma) * w / w.sum() + gamma / k


def exp3_ix(k, xs, steps):
    rate = math.sqrt(2 * math.log(k) / (k * steps))
    losses = np.zeros(k)
    for a, x in xs:
        p = np.exp(-rate * losses) / np.exp(-rate * losses).sum()
        losses[a] += (1 - x) / (p[a] + rate / 2)
    return np.exp(-rate * losses) / np.exp(-rate * losses).sum()


def exp3_p(k, xs, steps):
    gamma = min(0.6, 2 * math.sqrt(0.6 * k * math.log(k) / steps))
    alpha = 2 * math.sqrt(math.log(k * steps / 0.05))
    w = np.full(k, math.exp(alpha * gamma / 3 * math.sqrt(steps / k)))
    for a, x in xs:
        p = (1 - gamma) * w / w.sum() + gamma / k
        estimates = np.where(np.arange(k) == a, x / p, 0.0)
        w = w * np.exp(gamma / (3 * k) * (estimates + alpha / (p * math.sqrt(k * steps))))
    return (1 - gamma) * w / w.sum() + gamma / k


def tsallis_inf(k, xs, steps):
    from scipy.optimize import brentq

    losses = np.zeros(k)
    p = np.full(k, 1.0 / k)
    for t, (a, x) in enumerate(xs, start=1):
        losses[a] += (1 - x) / p[a]
        rate = 2 / math.sqrt(t + 1)
        low, high = losses.min() - 2 * math.sqrt(k) / rate, losses.min() - 2 / rate
        z = brentq(lambda z, rate=rate: (4 / (rate * (losses - z)) ** 2).sum() - 1, low - 1e-9, high, xtol=1e-14)
        p = 4 / (rate * (losses - z)) ** 2
    return p


def bandit_regret_matching(k, xs, steps):
    regrets = np.zeros(k)
    p = matched = np.full(k, 1.0 / k)
    for t, (a, x) in enumerate(xs, start=1):
        estimates = np.where(np.arange(k) == a, x / p, 0.0)
        regrets = regrets + estimates - matched @ estimates
        positive = np.maximum(regrets, 0.0)
        matched = positive / positive.sum() if positive.sum() > 0 else np.full(k, 1.0 / k)
        explored = (t + 1) ** (-1 / 3)
        p = (1 - explored) * matched + explored / k
    return p


def reinforcement_procedure(k, xs, steps):
    # Hart and Mas-Colell 2001: C_t(j, k) from the whole history at every step.
    strategies = [np.full(k, 1.0 / k)]
    for t in range(1, len(xs) + 1):
        j = xs[t - 1][0]
        explored = 0.5 * (t + 1) ** (-0.2)
        p = np.zeros(k)
        for b in range(k):
            if b != j:
                regret = 0.0
                for (a, x), q in zip(xs[:t], strategies):
                    regret += q[j] / q[b] * x if a == b else -x if a == j else 0.0
                p[b] = (1 - explored) * min(max(regret / t, 0) / (2.02 * (k - 1)), 1 / (k - 1)) + explored / k
        p[j] = 1 - p.sum()
        strategies.append(p)
    return strategies[-1]


def bandit_gradient_ascent(k, xs, steps):
    point = p = np.full(k, 1.0 / k)
    for t, (a, x) in enumerate(xs, start=1):
        point = onto_simplex(point + t ** (-2 / 3) * np.where(np.arange(k) == a, x / p, 0.0))
        explored = (t + 1) ** (-1 / 3)
        p = (1 - explored) * point + explored / k
    return p


def cross_learning(k, xs, steps):
    p = np.full(k, 1.0 / k)
    for a, x in xs:
        p = p + 0.01 * x * (np.eye(k)[a] - p)
    return p


def roth_erev(k, xs, steps):
    q = np.ones(k)
    for a, x in xs:
        q[a] += x
    return q / q.sum()


def ucb1(k, xs, steps):
    paid = [[x for a, x in xs if a == b] for b in range(k)]
    if not all(paid):
        return np.eye(k)[[bool(p) for p in paid].index(False)]
    return np.eye(k)[np.argmax([np.mean(p) + math.sqrt(2 * math.log(len(xs)) / len(p)) for p in paid])]


def epsilon_greedy(k, xs, steps):
    values = np.zeros(k)
    for a, x in xs:
        values[a] += 0.1 * (x - values[a])
    return 0.1 / k + 0.9 * np.eye(k)[np.argmax(values)]


ORACLES = (
    exp3,
    exp3_ix,
    exp3_p,
    tsallis_inf,
    bandit_regret_matching,
    reinforcement_procedure,
    bandit_gradient_ascent,
    cross_learning,
    roth_erev,
    ucb1,
    epsilon_greedy,
)


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.__name__)
def test_a_rule_follows_its_definition(oracle, interpreted):
    rng = np.random.default_rng(3)
    for seed, shape in enumerate([(2, 2), (3, 4), (2, 3, 2)]):
        game = gt.NormalFormGame(rng.normal(size=(len(shape), *shape)))
        run = getattr(dynamics, oracle.__name__)(game, steps=40, record=[1, 2, 7, 40], seed=seed, keep_actions=True)
        payoffs = rescaled(game)
        for i, k in enumerate(shape):
            xs = [(int(a[i]), payoffs[i][tuple(a)]) for a in run.actions]
            for place, t in enumerate([1, 2, 7, 40]):
                assert np.allclose(run.strategies[i][place], oracle(k, xs[:t], 40), atol=1e-9)


def payoff_based_log_linear(k, xs):
    # Marden and Shamma 2012: an experiment is a change by one who did not experiment the step before.
    experimented = False
    for t in range(1, len(xs)):
        experimented = not experimented and xs[t][0] != xs[t - 1][0]
    (a, x) = xs[-1]
    if experimented:
        before, earned = xs[-2]
        weights = np.exp(np.array([earned, x]) / 0.5)
        return weights[0] / weights.sum() * np.eye(k)[before] + weights[1] / weights.sum() * np.eye(k)[a]
    return np.where(np.arange(k) == a, 0.7, 0.3 / (k - 1))


def win_stay_lose_shift(k, xs):
    aspiration = 0.2
    for _, x in xs[:-1]:
        aspiration += 0.1 * (x - aspiration)
    a, x = xs[-1]
    kept = np.eye(k)[a] if x >= aspiration else (1 - np.eye(k)[a]) / (k - 1)
    return 0.05 / k + 0.95 * kept


SETTINGS = {
    payoff_based_log_linear: {"temperature": 0.5, "experimentation": 0.3},
    win_stay_lose_shift: {"aspiration": 0.2, "adaptation": 0.1, "tremble": 0.05},
}


@pytest.mark.parametrize("oracle", SETTINGS, ids=lambda oracle: oracle.__name__)
def test_a_rule_for_payoffs_as_they_are_follows_its_definition(oracle, interpreted):
    rng = np.random.default_rng(9)
    for seed, shape in enumerate([(2, 2), (3, 4), (2, 3, 2)]):
        game = gt.NormalFormGame(rng.normal(size=(len(shape), *shape)))
        rule = getattr(dynamics, oracle.__name__)
        run = rule(game, steps=60, record=60, seed=seed, keep_actions=True, **SETTINGS[oracle])
        for i, k in enumerate(shape):
            xs = [(int(a[i]), game.payoffs[i][tuple(a)]) for a in run.actions]
            for t in range(60):
                assert np.allclose(run.strategies[i][t], oracle(k, xs[: t + 1]), atol=1e-9)


@pytest.mark.parametrize("name", ["exp3", "reinforcement_procedure", "log_linear_learning", "trial_and_error"])
def test_both_gears_give_the_same_bits(name, monkeypatch):
    game = gt.NormalFormGame(np.random.default_rng(5).normal(size=(2, 3, 2)))
    runs = []
    for gear in ("plain", "compiled"):
        monkeypatch.setenv("MARLGT_GEAR", gear)
        runs.append(getattr(dynamics, name)(game, steps=400, seed=8, keep_actions=True))
    plain, fast = runs
    assert np.array_equal(plain.actions, fast.actions)
    assert np.array_equal(plain.regrets, fast.regrets)
    assert all(np.array_equal(a, b) for a, b in zip(plain.strategies, fast.strategies))


@pytest.mark.parametrize("name", RULES)
def test_a_run_is_the_same_alone_and_in_a_batch(name, interpreted):
    rng = np.random.default_rng(6)
    games = [gt.NormalFormGame(rng.normal(size=(2, 3, 2))) for _ in range(3)]
    rule = getattr(dynamics, name)
    batch = dynamics.many(rule, games, seeds=[4, 9, 4], steps=60)
    for game, seed, run in zip(games, [4, 9, 4], batch):
        alone = rule(game, steps=60, seed=seed)
        assert np.array_equal(run.joint, alone.joint)
        assert np.array_equal(run.regrets, alone.regrets)
        assert all(np.array_equal(a, b) for a, b in zip(run.strategies, alone.strategies))


def test_another_seed_plays_otherwise(interpreted):
    runs = dynamics.many(dynamics.exp3, PENNIES, seeds=range(4), steps=60, keep_actions=True)
    assert len({run.actions.tobytes() for run in runs}) == 4


def test_starts_are_where_play_begins(interpreted):
    runs = dynamics.many(
        dynamics.cross_learning, PENNIES, starts=[([1, 0], [0, 1]), ([0, 1], [0, 1])], steps=3, keep_actions=True
    )
    assert runs[0].actions.tolist() == [[0, 1]] * 3
    assert runs[1].actions.tolist() == [[1, 1]] * 3
    with pytest.raises(gt.GameError, match="exp3 begins with uniform strategies"):
        dynamics.many(dynamics.exp3, PENNIES, starts=[([1, 0], [0, 1])], steps=3)


def test_the_last_step_is_always_recorded(interpreted):
    assert dynamics.exp3(PENNIES, steps=10, record=3).times.tolist() == [3, 6, 10]
    assert dynamics.exp3(PENNIES, steps=10, record=[5, 2]).times.tolist() == [2, 5, 10]
    assert dynamics.exp3(PENNIES, steps=10, record=50).times.tolist() == list(range(1, 11))


@pytest.mark.parametrize("rate", [1e17, 1e100, 1e150])
def test_enormous_steps_go_to_pure_strategies(rate, interpreted):
    run = dynamics.bandit_gradient_ascent(DILEMMA, steps=30, rate=rate, seed=1, exploration=0.1)
    for x in run.strategies:
        assert np.allclose(x.sum(axis=1), 1.0)
        assert x.min() >= 0.0
    assert run.averages[0][-1, 1] > 0.5


@pytest.mark.parametrize("rule", [dynamics.log_linear_learning, dynamics.payoff_based_log_linear])
def test_temperatures_next_to_zero_make_best_replies(rule, interpreted):
    game = gt.NormalFormGame.common_interest([[1e150, 0.0], [0.0, -1e150]])
    run = rule(game, steps=400, temperature=1e-300, seed=2, start=([1, 0], [1, 0]))
    assert run.averages[0][-1, 0] > 0.9


def test_moods_change_as_young_describes_them(interpreted):
    # The acceptance by the discontent is drawn: it is read from the strategy held next, and counted.
    accepted = []
    for seed, shape in enumerate([(2, 2), (3, 3), (2, 3, 2)]):
        game = gt.NormalFormGame(np.random.default_rng(seed).integers(0, 4, size=(len(shape), *shape)))
        payoffs = rescaled(game)
        run = dynamics.trial_and_error(game, steps=1200, record=1200, seed=seed, keep_actions=True, experimentation=0.2)
        for i, k in enumerate(shape):
            mood, action, benchmark = "discontent", 0, 0.0
            for t, played in enumerate(run.actions):
                x, held = payoffs[i][tuple(played)], run.strategies[i][t]
                if mood == "discontent":
                    calm = not np.allclose(held, 1 / k)
                    accepted.append((0.5 + 0.4 * (x - benchmark), calm))
                    if calm:
                        mood, action, benchmark = "content", int(played[i]), x
                elif mood == "content" and played[i] != action:
                    if x > benchmark:
                        action, benchmark = int(played[i]), x
                elif x == benchmark:
                    mood = "content"
                elif x > benchmark:
                    if mood == "hopeful":
                        mood, benchmark = "content", x
                    else:
                        mood = "hopeful"
                else:
                    mood = "discontent" if mood == "watchful" else "watchful"
                expected = {
                    "content": np.where(np.arange(k) == action, 0.8, 0.2 / (k - 1)),
                    "discontent": np.full(k, 1 / k),
                }.get(mood, np.eye(k)[action])
                assert np.allclose(held, expected)
    chances, calm = np.array(accepted).T
    assert len(calm) > 200
    assert abs(calm.mean() - chances.mean()) < 4 * math.sqrt(0.25 / len(calm))


def test_a_weight_that_fell_far_rises_again(interpreted):
    # The logarithms are kept: 50 powers of e below the heaviest, and further, is not lost.
    from marlgt.dynamics.bandits.bandits import weigh

    memory = np.zeros((1, 7))
    memory[0, 3:6] = 1.0
    for _ in range(3000):
        weigh(0, 0, 3, 1, 1.0, memory)
    for _ in range(3001):
        total = weigh(0, 0, 3, 2, 1.0, memory)
    share = memory[0, 3:6] / total
    assert share[0] == 0.0
    assert share[2] / share[1] == pytest.approx(math.e)


BAD = [
    (dynamics.exp3, {"gamma": 0}, "gamma is 0"),
    (dynamics.exp3, {"gamma": 1.5}, "gamma is 1.5: give one number from 0 to 1"),
    (dynamics.exp3, {"payoff_range": (0, 1)}, "every payoff between them, which here lie from -1 to 1"),
    (dynamics.exp3, {"payoff_range": (1, -1)}, r"payoff_range is \(1, -1\)"),
    (dynamics.exp3, {"steps": 0}, "steps is 0: give a whole number from 1"),
    (dynamics.exp3, {"record": "all"}, "record is 'all'"),
    (dynamics.exp3, {"record": [0, 3]}, "a list of steps from 1 to"),
    (dynamics.exp3, {"record": 0}, "record is 0"),
    (dynamics.exp3, {"seed": -1}, "seed is -1"),
    (dynamics.exp3, {"joint": "yes"}, "joint is 'yes'"),
    (dynamics.exp3, {"keep_actions": True, "steps": 10**9}, "the history would hold"),
    (dynamics.exp3_ix, {"rate": 0}, "rate is 0: it must be positive"),
    (dynamics.exp3_p, {"confidence": 1}, "strictly between 0 and 1"),
    (dynamics.bandit_regret_matching, {"exploration": 0}, "actions that are never drawn teach nothing"),
    (dynamics.reinforcement_procedure, {"inertia": -1}, "inertia is -1"),
    (dynamics.bandit_gradient_ascent, {"rate": 0}, "rate is 0"),
    (dynamics.cross_learning, {"rate": 0}, "nothing would move"),
    (dynamics.epsilon_greedy, {"rate": 0.0}, "nothing would be learned"),
    (dynamics.epsilon_greedy, {"epsilon": 2}, "epsilon is 2"),
    (dynamics.roth_erev, {"forgetting": -0.1}, "forgetting is -0.1"),
    (dynamics.ucb1, {"confidence": 0}, "confidence is 0"),
    (dynamics.log_linear_learning, {"temperature": 0}, "temperature is 0"),
    (dynamics.payoff_based_log_linear, {"experimentation": 3}, "experimentation is 3"),
    (dynamics.trial_and_error, {"experimentation": float("nan")}, "experimentation"),
    (dynamics.win_stay_lose_shift, {"aspiration": [1, 2, 3]}, "give one number, or one for each of 2 players"),
]


@pytest.mark.parametrize(
    ("rule", "setting", "message"), BAD, ids=[f"{rule.__name__}-{'-'.join(setting)}" for rule, setting, _ in BAD]
)
def test_settings_out_of_range_are_errors(rule, setting, message):
    with pytest.raises(gt.GameError, match=message):
        rule(PENNIES, **setting)


@pytest.mark.parametrize("name", RULES)
def test_something_else_than_a_normal_form_game_is_an_error(name):
    with pytest.raises(gt.GameError, match="give a NormalFormGame"):
        getattr(dynamics, name)([[1, 2], [3, 4]])
