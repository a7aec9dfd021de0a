"""Figures of learners of mixed policies, one function per page."""

import numpy as np
from _canvas import DILEMMA, PENNIES, ROCK_PAPER_SCISSORS, band, panels, plain, snapshots, square, title

import marlgt as gt

learners = gt.learners
nash_conv = gt.concepts.nash_conv


def _pair(make, game, **settings):
    return [make(game, player=i, **settings) for i in range(2)]


def _both(own):
    """Return both players' probabilities of their first action."""
    return [own[0].current[0], own[1].current[0]]


def hill_climbing():
    figure, axes = panels(4, width=9.6, height=2.8)
    kinds = {
        "PHC": (learners.PHC, {"delta": 0.004}),
        "WoLF-PHC": (learners.WoLFPHC, {"delta_win": 0.002, "delta_lose": 0.008}),
        "PGA-APP": (learners.PGAAPP, {"step": 0.004}),
        "WPL": (learners.WPL, {"step": 0.004}),
    }
    for one, (name, (make, settings)) in zip(axes, kinds.items()):
        pair = _pair(make, PENNIES, **settings)
        for learner, chance in zip(pair, (0.85, 0.3)):
            learner.table("policy")[:] = [[chance, 1 - chance]]
        match = learners.Match(PENNIES, pair, seeds=[1])
        _, points = snapshots(match, _both, chunk=20, count=600)
        square(one, points[0], name, target=(0.5, 0.5))
        if one is not axes[0]:
            one.set_ylabel("")
    return figure


def giga():
    figure, axes = panels(3, width=9.0, height=3.0)
    for one, make in zip(axes, (learners.GIGA, learners.GIGAWoLF)):
        pair = _pair(make, PENNIES, feedback="payoffs", step=0.01)
        for learner, chance in zip(pair, (0.85, 0.3)):
            for name in ("policy", "slow")[: 2 if make is learners.GIGAWoLF else 1]:
                learner.table(name)[:] = [[chance, 1 - chance]]
        match = learners.Match(PENNIES, pair, seeds=[1])
        _, points = snapshots(match, _both, chunk=10, count=500)
        square(one, points[0], make.__name__, target=(0.5, 0.5))
    for k, make in enumerate((learners.GIGA, learners.GIGAWoLF)):
        pair = _pair(make, PENNIES, feedback="payoffs")
        times = np.unique(np.geomspace(10, 30_000, 30).astype(int)).tolist()
        match = learners.Match(PENNIES, pair, seeds=range(8))
        rows = []
        for before, now in zip([0, *times], times):
            match.advance(now - before, record=1)
            rows.append([nash_conv(PENNIES, [x.average for x in own]) for own in match.learners])
        band(axes[2], times, np.array(rows).T, make.__name__, k)
    t = np.geomspace(10, 30_000, 50)
    axes[2].plot(t, 4 / np.sqrt(t), ":", color="#555555", linewidth=1, label="slope -1/2")
    axes[2].set_xscale("log")
    axes[2].set_yscale("log")
    plain(axes[2], "NashConv of the averages", place="lower left")
    title(axes[2], "step 1/sqrt(t), 8 seeds")
    return figure


def policy_gradients():
    figure, (left, middle, right) = panels(3, width=9.6, height=3.0)
    rich = gt.NormalFormGame(DILEMMA.payoffs + 20)
    for k, rate in enumerate((0.0, 0.1)):
        pair = _pair(learners.Reinforce, rich, baseline_rate=rate, learning_rate=0.02)
        match = learners.Match(rich, pair, seeds=range(20))
        times, chances = snapshots(match, lambda own: own[0].policy()[1], chunk=25, count=40)
        band(left, times, chances, "with baseline" if rate else "without", k)
    left.set_ylim(0, 1.02)
    plain(left, "chance to defect", place="lower right")
    title(left, "REINFORCE, dilemma with 20 added")
    for k, natural in enumerate((False, True)):
        game = gt.games.stag_hunt()
        pair = _pair(learners.ActorCritic, game, natural=natural, policy_rate=0.02)
        match = learners.Match(game, pair, seeds=range(20))
        times, chances = snapshots(match, lambda own: max(own[0].policy()), chunk=50, count=40)
        band(middle, times, chances, "natural" if natural else "plain gradient", k)
    middle.set_ylim(0.45, 1.02)
    plain(middle, "chance of the likelier action", place="lower right")
    title(middle, "actor-critic, stag hunt")
    pair = _pair(learners.Reinforce, PENNIES, learning_rate=0.02)
    match = learners.Match(PENNIES, pair, seeds=[0])
    _, points = snapshots(match, lambda own: [x.policy()[0] for x in own], chunk=40, count=500)
    square(right, points[0], "REINFORCE, matching pennies", target=(0.5, 0.5))
    return figure


def regret_matching():
    figure, (left, right) = panels()
    game = gt.games.shapley_1964()
    kinds = {
        "regret matching, payoffs": lambda g, i: learners.RegretMatcher(g, i, feedback="payoffs"),
        "regret matching, sampled": lambda g, i: learners.RegretMatcher(g, i),
        "Exp3": lambda g, i: learners.Exp3(g, i),
    }
    times = np.unique(np.geomspace(20, 50_000, 25).astype(int)).tolist()
    for k, (name, make) in enumerate(kinds.items()):
        match = learners.Match(game, [make(game, i) for i in range(2)], seeds=range(8))
        rows = []
        for before, now in zip([0, *times], times):
            run = match.advance(now - before, record=1)
            rows.append([gt.concepts.cce_gap(game, plays[0] / plays.sum()) for plays in run.plays])
        band(left, times, np.maximum(np.array(rows).T, 1e-4), name, k)
    left.set_xscale("log")
    left.set_yscale("log")
    plain(left, "CCE gap of what was played", place="lower left")
    title(left, "Shapley's game, 8 seeds")
    for k, (name, make) in enumerate(
        {"regret matching": learners.RegretMatcher, "regret matching+": learners.RegretMatcherPlus}.items()
    ):
        pair = _pair(make, ROCK_PAPER_SCISSORS, feedback="payoffs")
        run = learners.play_seeds(
            ROCK_PAPER_SCISSORS, pair, steps=50_000, seeds=range(8), record=times, judge=nash_conv
        )
        band(right, run.times, run.gaps, name, k)
    t = np.geomspace(20, 50_000, 40)
    right.plot(t, 3 / np.sqrt(t), ":", color="#555555", linewidth=1, label="slope -1/2")
    right.set_xscale("log")
    right.set_yscale("log")
    plain(right, "NashConv of the averages", place="lower left")
    title(right, "rock-paper-scissors, payoffs known")
    return figure


def lookahead():
    figure, (left, right) = panels()
    game = gt.games.iterated_prisoners_dilemma(discount=0.96)
    kinds = {
        "naive": learners.naive_policy_ascent,
        "policy prediction": learners.policy_prediction,
        "LOLA": learners.lola,
        "stable shaping": learners.stable_opponent_shaping,
    }
    for k, (name, ascend) in enumerate(kinds.items()):
        run = ascend(game, step=0.1, steps=400, seeds=range(20), record=40)
        band(left, run.times, (1 - game.discount) * run.values.mean(axis=2), name, k)
        if name in ("naive", "LOLA"):
            chances = run.policies[0][:, :, 0]
            middle = np.median(chances, axis=0)
            places = np.arange(5) + (0.18 if k else -0.18)
            right.bar(places, middle, 0.34, color="#0072B2" if not k else "#009E73", label=name)
            right.errorbar(
                places,
                middle,
                np.abs(np.quantile(chances, (0.25, 0.75), axis=0) - middle),
                fmt="none",
                color="black",
                linewidth=1,
            )
    left.set_ylim(0.9, 3.1)
    plain(left, "mean reward", place="center right")
    title(left, "iterated prisoner's dilemma, 20 starts")
    right.set_xticks(range(5), [s.replace(" ", "") for s in game.states])
    right.set_ylim(0, 1.3)
    plain(right, "chance to cooperate", xlabel="what both played last (own first)", place="upper right")
    title(right, "what player 0 learned: median, middle half")
    return figure


def write_a_learner():
    figure, axes = panels(1, width=5.2)
    game = gt.games.iterated_prisoners_dilemma(discount=0.95)
    own = learners.QLearning(game, 0, learning_rate=0.2, exploration=learners.linear(1.0, 0.0, steps=6000))
    machines = (learners.tit_for_tat(game, 1), learners.grim_trigger(game, 1), learners.always(game, 1, 0))
    for k, machine in enumerate(machines):
        group = [own, learners.MachinePlayer(machine)]
        run = learners.play_seeds(game, group, steps=8000, seeds=range(10), horizon=50, record=40)
        band(axes, run.times, run.rewards[:, :, 0], f"against {machine.title}", k)
    axes.set_ylim(0.4, 6.4)
    plain(axes, "mean reward a step", place="upper right")
    title(axes, "Q-learning that remembers the last round")
    return figure
