"""Figures of the rules that see the payoffs of their own actions only, one function per page."""

import numpy as np
from _panels import (
    COLOURS,
    PENNIES,
    ROCK_PAPER_SCISSORS,
    STYLES,
    curve,
    logarithmic,
    logarithmic_steps,
    panels,
    plain,
    reference,
    series,
)
from _panels import title as name

import marlgt as gt
from marlgt.pictures import draw_simplex_trajectory, draw_square_trajectory

dynamics = gt.dynamics
MEETING = gt.NormalFormGame.common_interest(np.eye(2))
DILEMMA = gt.games.prisoners_dilemma()
STAG_HUNT = gt.NormalFormGame.bimatrix([[4, 0], [3, 3]], [[4, 3], [0, 3]], actions=[["stag", "hare"]] * 2)


PROFILES = ["HH", "HT", "TH", "TT"]


def _regrets(rules, *, steps=20_000, game=PENNIES, seeds=12, gap="cce_gap"):
    """Draw a gap of rules over some seeds."""
    figure, axes = panels(1, width=5.4)
    for index, (label, rule, settings) in enumerate(rules):
        run = dynamics.many(rule, game, seeds=range(seeds), steps=steps, record=logarithmic_steps(steps), **settings)
        curve(axes, run, gap, label=label, index=index)
    return figure, axes


def exp3():
    rules = [("Exp3", dynamics.exp3, {}), ("Exp3-IX", dynamics.exp3_ix, {}), ("Exp3.P", dynamics.exp3_p, {})]
    figure, axes = _regrets(rules)
    reference(axes, lambda t: 2 / np.sqrt(t), "of order 1 / √t", (100, 20_000))
    logarithmic(axes, "largest regret", place="lower left")
    return figure


def tsallis_inf():
    figure, axes = _regrets([("Tsallis-INF", dynamics.tsallis_inf, {}), ("Exp3", dynamics.exp3, {})])
    reference(axes, lambda t: 2 * (4 * np.sqrt(2 / t) + 1 / t), "bound of Tsallis-INF in expectation", (100, 20_000))
    logarithmic(axes, "largest regret", place="lower left")
    return figure


def bandit_regret_matching():
    rules = [
        ("own payoffs only", dynamics.bandit_regret_matching, {}),
        ("all payoffs heard", dynamics.regret_matching, {"sampled": True}),
    ]
    figure, axes = _regrets(rules)
    reference(axes, lambda t: 2 * t ** (-1 / 3), "of order t ^ -1/3", (100, 20_000))
    logarithmic(axes, "largest regret", place="lower left")
    return figure


def bandit_gradient_ascent():
    figure, (left, right) = panels()
    run = dynamics.bandit_gradient_ascent(PENNIES, steps=20_000, record=1500)
    draw_square_trajectory(left, run)
    name(left, "strategies, matching pennies")
    run = dynamics.many(
        dynamics.bandit_gradient_ascent, PENNIES, seeds=range(12), steps=20_000, record=logarithmic_steps(20_000)
    )
    curve(right, run, "cce_gap", label="largest regret")
    curve(right, run, "nash_conv_current", label="NashConv of the strategies", index=1)
    reference(right, lambda t: 2 * t ** (-1 / 3), "of order t ^ -1/3", (100, 20_000))
    logarithmic(right, "gap", place="lower left")
    return figure


def reinforcement_procedure():
    chicken = gt.games.chicken()
    rules = [
        ("reinforcement procedure", dynamics.reinforcement_procedure, {"joint": True}),
        ("conditional regret matching", dynamics.conditional_regret_matching, {"joint": True}),
    ]
    figure, axes = _regrets(rules, game=chicken, steps=50_000, gap="ce_gap", seeds=8)
    logarithmic(axes, "CE gap", place="lower left")
    return figure


def cross_learning():
    figure, (left, right) = panels()
    for axes, rate, steps in ((left, 0.002, 10_000), (right, 0.05, 2000)):
        run = dynamics.cross_learning(
            ROCK_PAPER_SCISSORS,
            rate=rate,
            steps=steps,
            record=1500,
            start=([0.5, 0.25, 0.25], [0.5, 0.25, 0.25]),
            seed=1,
        )
        draw_simplex_trajectory(axes, run)
        name(axes, f"rate {rate}, player 1")
    return figure


def roth_erev():
    figure, (left, right) = panels()
    run = dynamics.many(dynamics.roth_erev, MEETING, seeds=range(10), steps=5000, record=400, initial=3.0)
    draw_square_trajectory(left, list(run))
    name(left, "two places to meet, ten seeds")
    run = dynamics.many(dynamics.roth_erev, PENNIES, seeds=range(12), steps=20_000, record=logarithmic_steps(20_000))
    curve(right, run, "nash_conv_current", label="strategies", index=1)
    curve(right, run, label="averages")
    logarithmic(right, "NashConv, matching pennies", place="lower left")
    return figure


def ucb1():
    figure, (left, right) = panels()
    run = dynamics.ucb1(PENNIES, steps=20_000, record=logarithmic_steps(20_000, 200))
    curve(left, run, "cce_gap", label="largest regret")
    curve(left, run, label="NashConv of the averages", index=1)
    logarithmic(left, "gap", place="lower left")
    name(left, "matching pennies")
    _shares(right, PROFILES, run.joint[-1].ravel())
    plain(right, "share of the steps", xlabel="coins of players 1 and 2")
    name(right, "play of both together")
    return figure


def epsilon_greedy():
    figure, (left, right) = panels()
    run = dynamics.epsilon_greedy(PENNIES, steps=300, record=300)
    for player in (0, 1):
        series(left, run.times, run.strategies[player][:, 0], f"player {player + 1}", player)
    left.set_ylim(0, 1.3)
    plain(left, "probability of heads", place="upper right")
    name(left, "matching pennies")
    run = dynamics.many(dynamics.epsilon_greedy, DILEMMA, seeds=range(12), steps=5000, record=logarithmic_steps(5000))
    curve(right, run, label="averages, dilemma")
    curve(right, run, "nash_conv_current", label="strategies, dilemma", index=1)
    run = dynamics.many(dynamics.epsilon_greedy, PENNIES, seeds=range(12), steps=5000, record=logarithmic_steps(5000))
    curve(right, run, "nash_conv_current", label="strategies, pennies", index=2)
    right.set_ylim(0.01, 5)
    logarithmic(right, "NashConv", place="lower left")
    return figure


def _shares(axes, labels, shares):
    axes.bar(np.arange(len(labels)), shares, color=COLOURS[0])
    axes.set_xticks(np.arange(len(labels)), labels, fontsize=8)


def log_linear_learning():
    figure, axes = panels(1, width=5.4)
    temperatures = np.array([0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0])
    potential = np.array([[4.0, 3.0], [3.0, 6.0]])
    fine = np.geomspace(0.2, 3.0, 80)
    gibbs = np.exp((potential[None] - 6.0) / fine[:, None, None])
    gibbs /= gibbs.sum(axis=(1, 2), keepdims=True)
    for index, (at, label) in enumerate((((1, 1), "both hares"), ((0, 0), "both stags"))):
        series(axes, fine, gibbs[:, *at], f"{label}, stationary", index)
        runs = [
            dynamics.log_linear_learning(STAG_HUNT, temperature=float(t), steps=200_000, seed=2) for t in temperatures
        ]
        axes.plot(
            temperatures,
            [run.joint[-1][at] for run in runs],
            "os"[index],
            color=COLOURS[index],
            label=f"{label}, played",
        )
    plain(axes, "share of the steps", xlabel="temperature", place="upper right")
    return figure


def payoff_based_log_linear():
    figure, axes = panels(1, width=5.4)
    for index, temperature in enumerate((0.5, 1.0)):
        shares = np.array([0.001, 0.003, 0.01, 0.03, 0.1])
        runs = [
            dynamics.many(
                dynamics.payoff_based_log_linear,
                STAG_HUNT,
                seeds=range(4),
                steps=100_000,
                record=1,
                temperature=temperature,
                experimentation=float(e),
            )
            for e in shares
        ]
        played = [np.mean([run.joint[-1][1, 1] for run in batch]) for batch in runs]
        axes.plot(
            shares,
            played,
            "os"[index],
            linestyle=STYLES[index],
            color=COLOURS[index],
            label=f"temperature {temperature}",
        )
    axes.set_xscale("log")
    axes.set_ylim(0, 1)
    plain(axes, "share of both hares", xlabel="share of experiments", place="lower left")
    return figure


def trial_and_error():
    figure, (left, right) = panels()
    shares = np.geomspace(0.001, 0.1, 7)
    for index, (label, g, at) in enumerate(
        (("dilemma", DILEMMA, [(1, 1)]), ("stag hunt", STAG_HUNT, [(0, 0), (1, 1)]))
    ):
        played = []
        for e in shares:
            batch = dynamics.many(
                dynamics.trial_and_error, g, seeds=range(4), steps=100_000, record=1, experimentation=float(e)
            )
            played.append(np.mean([sum(run.joint[-1][a] for a in at) for run in batch]))
        left.plot(shares, played, "os"[index], linestyle=STYLES[index], color=COLOURS[index], label=label)
    left.set_xscale("log")
    left.set_ylim(0, 1.02)
    plain(left, "share of pure equilibria", xlabel="share of experiments", place="lower left")
    run = dynamics.trial_and_error(PENNIES, steps=20_000, experimentation=0.02)
    shares = run.joint[-1].ravel()
    _shares(right, PROFILES, shares)
    plain(right, "share of the steps", xlabel="matching pennies: no pure equilibrium")
    return figure


def win_stay_lose_shift():
    figure, axes = panels(1, width=5.4)
    aspirations = np.linspace(-0.5, 5.5, 49)
    for index, (at, label) in enumerate((((0, 0), "both cooperate"), ((1, 1), "both defect"))):
        runs = [
            dynamics.many(
                dynamics.win_stay_lose_shift, DILEMMA, seeds=range(4), aspiration=float(a), steps=10_000, record=1
            )
            for a in aspirations
        ]
        series(axes, aspirations, [np.mean([run.joint[-1][at] for run in batch]) for batch in runs], label, index)
    for payoff in (0, 1, 3, 5):
        axes.axvline(payoff, color="#999999", linewidth=0.8, linestyle=":")
    plain(axes, "share of the steps", xlabel="aspiration (dotted: the payoffs 0, 1, 3, 5)", place="upper right")
    return figure
