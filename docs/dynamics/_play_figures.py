"""Figures of the rules that hear what every action would have earned, one function per page."""

import numpy as np
from _panels import (
    COLOURS,
    PENNIES,
    ROCK_PAPER_SCISSORS,
    SHAPLEY,
    STYLES,
    curve,
    logarithmic,
    logarithmic_steps,
    pair,
    panels,
    plain,
    reference,
    series,
)
from _panels import title as name

import marlgt as gt
from marlgt.pictures import draw_simplex_trajectory, draw_square_trajectory

dynamics = gt.dynamics
PURE = ([1, 0, 0], [0, 1, 0])
CORNER = ([1, 0], [1, 0])


def _zero_sum_games(count, size):
    """Return zero-sum games with payoffs drawn evenly from -1 to 1, so that their range is nearly 2."""
    draws = np.random.default_rng(7).uniform(-1.0, 1.0, (count, size, size))
    return [gt.NormalFormGame.zero_sum(a) for a in draws]


def best_response_dynamics():
    figure, (left, right) = panels()
    i, j = np.mgrid[0:10, 0:10]
    hills = 3.0 * np.exp(-((i - 2) ** 2 + (j - 7) ** 2) / 8) + 2.2 * np.exp(-((i - 7) ** 2 + (j - 2) ** 2) / 10)
    game = gt.NormalFormGame.common_interest(hills - 0.03 * (i - j) ** 2)
    left.imshow(game.payoffs[0].T, origin="lower", cmap="Greys", alpha=0.6)
    for index, start in enumerate(((0, 0), (9, 8), (5, 0), (8, 5))):
        run = dynamics.best_response_dynamics(game, order="random", first_actions=start, steps=60, record=60, seed=3)
        at = np.array([np.argmax(x, axis=1) for x in run.strategies])
        left.plot(at[0], at[1], linestyle=STYLES[index], color=COLOURS[index], linewidth=1.6)
        left.plot(at[0, 0], at[1, 0], "s", color=COLOURS[index], markersize=5)
        left.plot(at[0, -1], at[1, -1], "o", color="#ffcc33", markeredgecolor="#222222", markersize=8)
    left.set_xlabel("action of player 1")
    left.set_ylabel("action of player 2")
    name(left, "one at a time, common interest")
    swap = gt.NormalFormGame.common_interest(np.eye(2))
    for index, order in enumerate(("simultaneous", "random")):
        run = dynamics.best_response_dynamics(swap, order=order, first_actions=(0, 1), steps=12, record=12)
        series(right, run.times, np.sum(run.strategies[0] * run.strategies[1], axis=1), order, index)
    plain(right, "1 where the two meet", place="center right")
    name(right, "two places to meet")
    return figure


def fictitious_play():
    figure, (left, right) = panels()
    run = dynamics.fictitious_play(SHAPLEY, steps=20_000, record=logarithmic_steps(20_000, 400))
    draw_simplex_trajectory(left, run, average=True)
    name(left, "Shapley's game, frequencies of player 1")
    for index, (label, game) in enumerate((("Shapley's game", SHAPLEY), ("rock-paper-scissors", ROCK_PAPER_SCISSORS))):
        run = dynamics.fictitious_play(game, steps=20_000, record=logarithmic_steps(20_000, 120))
        curve(right, run, label=label, index=index)
    reference(right, lambda t: 3 / np.sqrt(t), "of order 1 / √t", (10, 20_000))
    logarithmic(right, "NashConv of the frequencies", place="lower left")
    return figure


def stochastic_fictitious_play():
    figure, (left, right) = panels()
    game = gt.games.asymmetric_matching_pennies()
    temperatures = np.geomspace(0.02, 50.0, 120)
    rest = [dynamics.logit_dynamics(game, temperature=float(t), duration=60.0, record=1) for t in temperatures[22:]]
    left.plot(
        *np.array([[r.last.profile[0][0], r.last.profile[1][0]] for r in rest]).T,
        color="#777777",
        linewidth=1.2,
        label="quantal response equilibria",
    )
    for index, temperature in enumerate((0.1, 0.5, 2.0)):
        run = dynamics.stochastic_fictitious_play(
            game, temperature=temperature, steps=10_000, record=logarithmic_steps(10_000, 80)
        )
        left.plot(
            run.averages[0][:, 0], run.averages[1][:, 0], linestyle=STYLES[index], color=COLOURS[index], linewidth=1.0
        )
        left.plot(run.averages[0][-1, 0], run.averages[1][-1, 0], "o", color=COLOURS[index], markersize=7)
        curve(right, run, label=f"temperature {temperature}", index=index)
    left.plot(0.5, 0.1, "*", color="#ffcc33", markeredgecolor="#222222", markersize=13, label="Nash")
    left.set(xlim=(0, 1), ylim=(0, 1))
    plain(left, "probability that 2 plays 0", xlabel="probability that 1 plays 0", place="upper right")
    logarithmic(right, "NashConv of the beliefs", place="lower left")
    return figure


def weakened_fictitious_play():
    figure, (left, right) = panels()
    sizes = {"1 / t": None, "t ^ -0.7": lambda t: t**-0.7, "0.05": 0.05}
    for index, (label, size) in enumerate(sizes.items()):
        run = gt.dynamics.many(
            dynamics.weakened_fictitious_play,
            PENNIES,
            seeds=range(8),
            step_size=size,
            steps=5000,
            record=logarithmic_steps(5000),
        )
        curve(left, run, label=f"step size {label}", index=index)
    logarithmic(left, "NashConv of the beliefs", place="lower left")
    run = dynamics.weakened_fictitious_play(PENNIES, step_size=0.05, steps=400, record=400, seed=1)
    draw_square_trajectory(right, run, average=True)
    name(right, "beliefs at step size 0.05")
    return figure


def regret_matching():
    figure, (left, right) = panels()
    run = dynamics.regret_matching(SHAPLEY, start=PURE, steps=5000, record=1000)
    draw_simplex_trajectory(left, run)
    name(left, "Shapley's game, strategies of player 1")
    run = dynamics.regret_matching(SHAPLEY, start=PURE, steps=5000, record=logarithmic_steps(5000, 200))
    curve(right, run, label="NashConv of the averages", index=1)
    curve(right, run, "cce_gap", label="largest regret")
    reference(right, lambda t: np.sqrt(3 / t), "bound on regret", (10, 5000))
    logarithmic(right, "gap", place="lower left")
    return figure


def regret_matching_plus():
    figure, axes = panels(1, width=5.4)
    games = _zero_sum_games(12, 10)
    record = logarithmic_steps(2000)
    for index, rule in enumerate((dynamics.regret_matching, dynamics.regret_matching_plus)):
        run = dynamics.many(rule, games, steps=2000, record=record)
        curve(axes, run, label=("regret matching", "regret matching+")[index], index=1 - index)
    reference(axes, lambda t: 4 * np.sqrt(10 / t), "bound for both players together", (10, 2000))
    reference(axes, lambda t: 3 / t, "of order 1 / t", (10, 2000))
    axes.lines[-1].set_linestyle("-.")
    logarithmic(axes, "NashConv of the averages", place="lower left")
    return figure


def predictive_regret_matching():
    figure, axes = panels(1, width=5.4)
    games = _zero_sum_games(12, 10)
    rules = (
        dynamics.predictive_regret_matching_plus,
        dynamics.predictive_regret_matching,
        dynamics.regret_matching_plus,
    )
    labels = ("predictive, plus", "predictive", "regret matching+")
    for index, rule in enumerate(rules):
        run = dynamics.many(rule, games, steps=2000, record=logarithmic_steps(2000))
        curve(axes, run, label=labels[index], index=index)
    logarithmic(axes, "NashConv of the averages", place="lower left")
    return figure


def hedge():
    figure, (left, right) = panels()
    run = dynamics.hedge(PENNIES, rate=0.1, start=pair(0.6, 0.5), steps=1500, record=1500)
    draw_square_trajectory(left, run)
    name(left, "strategies at the rate 0.1")
    run = dynamics.hedge(PENNIES, rate=0.1, start=pair(0.6, 0.5), steps=5000, record=logarithmic_steps(5000, 200))
    curve(right, run, "nash_conv_current", label="strategies, rate 0.1", index=1)
    curve(right, run, label="averages, rate 0.1", index=0)
    run = dynamics.hedge(PENNIES, start=pair(0.6, 0.5), steps=5000, record=logarithmic_steps(5000, 200))
    curve(right, run, label="averages, anytime rate", index=2)
    reference(
        right,
        lambda t: 4 * (np.sqrt(2 * np.log(2) / t) + np.sqrt(np.log(2) / 8) / t),
        "bound, anytime rate",
        (10, 5000),
    )
    right.set_ylim(1e-4, 10)
    logarithmic(right, "NashConv", place="lower left")
    return figure


def optimistic_hedge():
    figure, (left, right) = panels()
    start = ([0.9, 0.1], [0.5, 0.5])
    run = dynamics.optimistic_hedge(PENNIES, start=start, steps=1500, record=1500)
    draw_square_trajectory(left, run)
    name(left, "strategies, matching pennies")
    for index, rule in enumerate((dynamics.optimistic_hedge, dynamics.hedge)):
        run = dynamics.many(rule, _zero_sum_games(12, 5), steps=5000, record=logarithmic_steps(5000))
        curve(right, run, label=("optimistic hedge", "hedge")[index], index=index)
    reference(right, lambda t: 30 / t, "of order 1 / t", (30, 5000))
    logarithmic(right, "NashConv of the averages", place="lower left")
    return figure


def follow_the_regularised_leader():
    figure, (left, right) = panels()
    run = dynamics.follow_the_regularised_leader(ROCK_PAPER_SCISSORS, rate=0.1, start=PURE, steps=1000, record=1000)
    draw_simplex_trajectory(left, run)
    name(left, "rate 0.1, player 1")
    run = dynamics.follow_the_regularised_leader(
        ROCK_PAPER_SCISSORS, optimistic=True, start=PURE, steps=2000, record=2000
    )
    draw_simplex_trajectory(right, run)
    name(right, "optimistic, player 1")
    return figure


def follow_the_perturbed_leader():
    figure, axes = panels(1, width=5.4)
    for index, (label, game) in enumerate((("matching pennies", PENNIES), ("Shapley's game", SHAPLEY))):
        run = dynamics.many(
            dynamics.follow_the_perturbed_leader, game, seeds=range(12), steps=5000, record=logarithmic_steps(5000)
        )
        curve(axes, run, "cce_gap", label=f"largest regret, {label}", index=index)
        curve(axes, run, label=f"NashConv, {label}", index=index + 2)
    reference(axes, lambda t: 1 / np.sqrt(t), "of order 1 / √t", (10, 5000))
    logarithmic(axes, "gap", place="lower left")
    return figure


def online_gradient():
    figure, (left, right) = panels()
    run = dynamics.giga(PENNIES, start=([1, 0], [0.5, 0.5]), steps=2000, record=2000)
    draw_square_trajectory(left, run)
    name(left, "strategies of GIGA")
    run = dynamics.giga(PENNIES, start=([1, 0], [0.5, 0.5]), steps=5000, record=logarithmic_steps(5000, 200))
    curve(right, run, "nash_conv_current", label="strategies", index=1)
    curve(right, run, label="averages")
    reference(right, lambda t: 2 * 3 / np.sqrt(t), "bound", (10, 5000))
    logarithmic(right, "NashConv", place="lower left")
    return figure


def _conditional(rules, labels, seeds=None):
    """Draw the CE gaps of some rules in Shapley's game."""
    figure, axes = panels(1, width=5.4)
    for index, rule in enumerate(rules):
        settings = {"steps": 20_000, "record": logarithmic_steps(20_000), "joint": True}
        given = {"seeds": seeds} if seeds and rule is dynamics.conditional_regret_matching else {"starts": [PURE]}
        run = dynamics.many(rule, SHAPLEY, **given, **settings)
        curve(axes, run, "ce_gap", label=labels[index], index=index)
    return figure, axes


def conditional_regret_matching():
    figure, axes = _conditional(
        (dynamics.conditional_regret_matching, dynamics.internal_regret_matching),
        ("actions drawn, eight seeds", "in expectation (internal)"),
        range(8),
    )
    reference(axes, lambda t: 1 / np.sqrt(t), "of order 1 / √t", (10, 20_000))
    logarithmic(axes, "CE gap", place="lower left")
    return figure


def internal_regret_matching():
    figure, axes = _conditional(
        (dynamics.internal_regret_matching, dynamics.regret_matching), ("internal regrets", "external regrets")
    )
    reference(axes, lambda t: np.sqrt(2 / t), "bound for internal regrets", (10, 20_000))
    logarithmic(axes, "CE gap", place="lower left")
    return figure


def swap_regret_minimization():
    figure, axes = panels(1, width=5.4)
    inner = {
        "regret matching": dynamics.regret_matching,
        "regret matching+": dynamics.regret_matching_plus,
        "hedge": dynamics.hedge,
    }
    for index, (label, rule) in enumerate(inner.items()):
        run = dynamics.swap_regret_minimization(
            SHAPLEY, inner=rule, start=PURE, steps=5000, record=logarithmic_steps(5000, 120)
        )
        curve(axes, run, "ce_gap", label=label, index=index)
    reference(axes, lambda t: 3 * np.sqrt(3 / t), "bound A √(A / t)", (10, 5000))
    logarithmic(axes, "CE gap", place="lower left")
    return figure
