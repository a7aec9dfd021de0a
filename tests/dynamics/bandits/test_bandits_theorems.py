"""Theorems about rules of sampled play, with statistics over seeds."""

import math

import numpy as np
import pytest

import marlgt as gt
from marlgt import dynamics
from marlgt.dynamics.bandits._sampled import Rule, drawn, play_rule, simultaneous
from marlgt.dynamics.bandits.bandit_entropy import learn_tsallis
from marlgt.dynamics.bandits.bandits import learn_exp3
from marlgt.dynamics.bandits.reinforcement import learn_cross
from marlgt.dynamics.trajectory import Batch
from marlgt.kernels import kernel
from marlgt.randomness import uniform

PENNIES = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])
DILEMMA = gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
SHAPLEY = gt.NormalFormGame.bimatrix(np.eye(3), np.roll(np.eye(3), 1, axis=1))
CHICKEN = gt.NormalFormGame.bimatrix([[0, 7], [2, 6]], [[0, 2], [7, 6]])


@kernel
def act_against(player, low, high, step, stream, strategy, memory, settings):
    """Player 0 learns; player 1 plays at random, in a cycle, or against what player 0 is about to draw."""
    if player == 0:
        return drawn(player, low, high, step, stream, strategy, memory, settings)
    if settings[1, 1] == 0.0:
        return 1 if uniform(stream) < 0.7 else 0
    if settings[1, 1] == 1.0:
        return (step // 50) % 2
    return 1 if strategy[0] > 0.5 else 0


ADVERSARIES = {"random": 0.0, "cyclic": 1.0, "adaptive": 2.0}
GAMMA = math.sqrt(2 * math.log(2) / ((math.e - 1) * 4000))
RIVALS = {
    # Auer et al. 2002, Corollary 3.2; Zimmert and Seldin 2021, Theorem 1.
    "exp3": (simultaneous(learn_exp3, act_against), GAMMA, 2.63 * math.sqrt(4000 * 2 * math.log(2))),
    "tsallis_inf": (simultaneous(learn_tsallis, act_against), 2.0, 4 * math.sqrt(2 * 4000) + 1),
}


@pytest.mark.parametrize(
    ("name", "adversary"),
    [
        ("exp3", "random"),
        ("exp3", "cyclic"),
        ("exp3", "adaptive"),
        ("tsallis_inf", "random"),
        ("tsallis_inf", "cyclic"),
    ],
)
def test_expected_regret_stays_below_its_bound(name, adversary):
    advance, number, bound = RIVALS[name]
    memory = np.zeros((2, 5))
    if name == "exp3":
        memory[:, 2:4] = 1.0
    rule = Rule(name, "", advance, np.array([[number, 0.0], [number, ADVERSARIES[adversary]]]), memory)
    batch = Batch((PENNIES,) * 150, None, tuple(range(150)))
    runs = play_rule(batch, rule, steps=4000, record=1, seed=0, keep_actions=False, joint=True)
    q = np.array([run.joint[-1] for run in runs])
    match = np.array([[1.0, 0.0], [0.0, 1.0]])
    earned = (q * match).sum(axis=(1, 2))
    # For each fixed action, its regret over the seeds; payoffs between 0 and 1.
    gaps = 4000 * (q.sum(axis=1) @ match - earned[:, None])
    error = gaps.std(axis=0) / math.sqrt(150)
    assert (gaps.mean(axis=0) + 3 * error).max() <= bound
    if adversary != "cyclic":
        # Regret is of the order of sqrt(T), not only below it: nobody saw the draws in advance.
        assert gaps.mean(axis=0).max() > 0.02 * bound


def test_the_averages_of_exp3_approach_the_value_at_the_rate_of_its_regret():
    game = gt.NormalFormGame.zero_sum([[2, -1], [-1, 1]])
    early = dynamics.many(dynamics.exp3, game, seeds=range(40), steps=1_000, record=1).nash_conv[:, -1]
    late = dynamics.many(dynamics.exp3, game, seeds=range(40), steps=64_000, record=1).nash_conv[:, -1]
    # 64 times the steps, an eighth of the gap, within a factor of two.
    assert late.mean() < early.mean() / 4
    assert late.mean() < 0.05


@pytest.mark.parametrize("game", [SHAPLEY, CHICKEN], ids=["shapley", "chicken"])
def test_the_reinforcement_procedure_approaches_the_correlated_equilibria(game):
    # Hart and Mas-Colell 2001.
    runs = dynamics.many(dynamics.reinforcement_procedure, game, seeds=range(8), steps=300_000, record=[1_000])
    spread = float(game.payoff_range.max())
    early, late = runs.ce_gap[:, 0].mean() / spread, runs.ce_gap[:, -1].mean() / spread
    assert late < 0.04
    assert late < 0.75 * early


def test_log_linear_learning_plays_the_gibbs_distribution_of_the_potential():
    # Blume 1993: payoffs are a potential and what the others alone decide.
    rng = np.random.default_rng(2)
    potential = rng.normal(size=(2, 3, 2))
    payoffs = [potential + rng.normal(size=[1 if j == i else k for j, k in enumerate((2, 3, 2))]) for i in range(3)]
    game = gt.NormalFormGame(np.array(payoffs))
    runs = dynamics.many(dynamics.log_linear_learning, game, seeds=range(6), steps=200_000, record=1, temperature=0.8)
    gibbs = np.exp(potential / 0.8) / np.exp(potential / 0.8).sum()
    distances = [np.abs(run.joint[-1] - gibbs).sum() / 2 for run in runs]
    assert max(distances) < 0.015


def test_in_other_games_log_linear_learning_plays_the_stationary_distribution_of_its_chain():
    # An oracle from the definition: one player in n is drawn, and replies by the logit rule.
    heat = 0.7
    A, B = np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([[-2.0, 1.0], [1.0, -1.0]])
    chain = np.zeros((4, 4))
    for a in range(2):
        for b in range(2):
            row, column = np.exp(A[:, b] / heat), np.exp(B[a] / heat)
            for c in range(2):
                chain[2 * a + b, 2 * c + b] += 0.5 * row[c] / row.sum()
                chain[2 * a + b, 2 * a + c] += 0.5 * column[c] / column.sum()
    stationary = np.linalg.matrix_power(chain, 200)[0].reshape(2, 2)
    game = gt.NormalFormGame.bimatrix(A, B)
    runs = dynamics.many(dynamics.log_linear_learning, game, seeds=range(6), steps=200_000, record=1, temperature=heat)
    assert max(np.abs(run.joint[-1] - stationary).sum() / 2 for run in runs) < 0.015


def test_the_mean_step_of_cross_learning_is_the_replicator_field():
    # Boergers and Sarin 1997, exactly: the expectation over all draws of one step.
    rng = np.random.default_rng(4)
    payoffs, rate = rng.random((2, 3, 4)), 0.3
    x, y = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(4))
    drift = np.zeros(3)
    for a in range(3):
        for b in range(4):
            after = x.copy()
            learn_cross(0, 0, 3, 0, a, payoffs[0, a, b], after, np.zeros((1, 1)), np.array([[rate]]), None)
            drift += x[a] * y[b] * (after - x)
    earned = payoffs[0] @ y
    assert np.allclose(drift, rate * x * (earned - x @ earned))


def test_slow_cross_learning_follows_the_replicator_dynamics(monkeypatch):
    from scipy.integrate import solve_ivp

    monkeypatch.setenv("MARLGT_GEAR", "plain")
    A = np.array([[0.0, 1.0], [1.0, 0.0]])
    start = ([0.8, 0.2], [0.3, 0.7])

    def field(t, z):
        p, q = z
        row, column = A @ [q, 1 - q], np.array([p, 1 - p]) @ (1 - A)
        return [p * (1 - p) * (row[0] - row[1]), q * (1 - q) * (column[0] - column[1])]

    game = gt.NormalFormGame.bimatrix(A, 1 - A)
    runs = dynamics.many(
        dynamics.cross_learning, game, seeds=range(60), rate=0.01, steps=400, record=[100, 200, 400], start=start
    )
    exact = solve_ivp(field, (0, 4), [0.8, 0.3], t_eval=[1, 2, 4], rtol=1e-9, atol=1e-9).y.T
    paths = np.array([[run.strategies[i][:, 0] for i in range(2)] for run in runs])
    error = paths.std(axis=0) / math.sqrt(60)
    # Four standard errors, and the bias of a rate that is not zero.
    assert (np.abs(paths.mean(axis=0) - exact.T) <= 4 * error + 0.01).all()


def test_trial_and_error_plays_pure_equilibria_most_of_the_time():
    # Young 2009, Theorem 1: generic games with a pure equilibrium.
    rng = np.random.default_rng(11)
    games = []
    while len(games) < 8:
        game = gt.NormalFormGame(rng.normal(size=(2, 2, 2)))
        if len(gt.solve(game, method="pure_equilibria")) > 0:
            games.append(game)
    runs = dynamics.many(
        dynamics.trial_and_error, games, seeds=range(8), steps=400_000, record=1, experimentation=0.003
    )
    for game, run in zip(games, runs):
        share = 0.0
        for e in gt.solve(game, method="pure_equilibria"):
            share += run.joint[-1][tuple(int(np.argmax(x)) for x in e.profile)]
        assert share > 0.8


def test_payoff_based_log_linear_learning_finds_the_maximum_of_the_potential_as_experiments_become_rare():
    # Marden and Shamma 2012: of two strict equilibria the one that maximises the potential, from the other one.
    game = gt.NormalFormGame.common_interest([[1.0, 0.0], [0.0, 0.6]])
    shares = []
    for tried, steps in ((0.05, 200_000), (0.002, 2_000_000)):
        runs = dynamics.many(
            dynamics.payoff_based_log_linear, game, seeds=range(5), steps=steps, record=1, temperature=0.12,
            experimentation=tried, start=([0, 1], [0, 1]),
        )  # fmt: skip
        shares.append([run.joint[-1][0, 0] for run in runs])
    often, seldom = np.array(shares)
    assert seldom.mean() > 0.75
    assert seldom.mean() > often.mean() + 0.1


@pytest.mark.parametrize("start", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_win_stay_lose_shift_restores_cooperation(start, monkeypatch):
    # Nowak and Sigmund 1993: from every profile of the Prisoner's Dilemma within two steps.
    monkeypatch.setenv("MARLGT_GEAR", "plain")
    run = dynamics.win_stay_lose_shift(
        DILEMMA, steps=10, aspiration=2, tremble=0, start=np.eye(2)[list(start)], keep_actions=True
    )
    assert run.actions[0].tolist() == list(start)
    assert (run.actions[2:] == 0).all()


def test_aspirations_follow_what_is_received(monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "plain")
    # Mutual defection pays 1: who aspires to 0 stays, and comes to aspire to 1, which it still reaches.
    run = dynamics.win_stay_lose_shift(
        DILEMMA, steps=200, aspiration=0, adaptation=0.1, tremble=0, start=([0, 1], [0, 1]), keep_actions=True
    )
    assert (run.actions == 1).all()


@pytest.mark.parametrize("rule", [dynamics.exp3, dynamics.roth_erev, dynamics.epsilon_greedy, dynamics.tsallis_inf])
def test_dominated_actions_become_rare(rule, monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "plain")
    runs = dynamics.many(rule, DILEMMA, seeds=range(5), steps=3_000, record=1)
    assert np.mean([run.averages[0][-1, 1] for run in runs]) > 0.75


def test_ucb1_plays_worse_arms_a_logarithmic_number_of_times(monkeypatch):
    # Auer, Cesa-Bianchi and Fischer 2002, Theorem 1: at most 8 ln T / gap^2 + 1 + pi^2 / 3 times.
    monkeypatch.setenv("MARLGT_GEAR", "plain")
    arms = np.array([0.0, 0.5, 0.8, 1.0])
    run = dynamics.ucb1(gt.NormalFormGame(arms[None]), steps=5_000, record=[50, 500, 5_000])
    for place, t in enumerate(run.times):
        played = run.averages[0][place][:3] * t
        assert (played <= 8 * math.log(t) / (1 - arms[:3]) ** 2 + 1 + math.pi**2 / 3).all()
