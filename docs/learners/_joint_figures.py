"""Figures of learners of joint actions and of teams, one function per page."""

import numpy as np
from _canvas import COLOURS, ROCK_PAPER_SCISSORS, band, line, panels, plain, snapshots, title, triangle

import marlgt as gt

learners = gt.learners
nash_conv = gt.concepts.nash_conv


def _pair(make, game, **settings):
    return [make(game, player=i, **settings) for i in range(2)]


def minimax_q():
    figure, (left, right) = panels()
    game = gt.games.soccer()
    record = [25_000, 50_000, 100_000, 200_000, 300_000, 450_000, 600_000, 800_000, 1_000_000]
    rate = learners.geometric(1.0, 10 ** (-2 / 1e6))
    kinds = {
        "minimax-Q": _pair(learners.MinimaxQ, game, learning_rate=rate),
        "Q-learning": _pair(learners.QLearning, game, learning_rate=rate, exploration=0.2, initial=1.0),
    }
    for k, (name, pair) in enumerate(kinds.items()):
        run = learners.play_seeds(game, pair, steps=1_000_000, seeds=range(4), record=record, judge=_start_gap)
        band(left, run.times, run.gaps, name, k)
    plain(left, "what best replies gain over the start", place="upper right")
    left.set_xticks([0, 500_000, 1_000_000], ["0", "500,000", "1 million"])
    title(left, "soccer, learner against its own kind, 4 seeds")
    stage = gt.NormalFormGame.zero_sum([[3, -1], [-2, 1]])
    for k, epsilon in enumerate((0.2, 1.0)):
        pair = _pair(learners.MinimaxQ, stage, exploration=epsilon, learning_rate=0.1)
        match = learners.Match(stage, pair, seeds=range(10))
        times, values = snapshots(match, lambda own: own[0].state_values[0], chunk=10, count=30)
        band(right, times, values, f"exploration {epsilon:g}", k)
    right.axhline(1 / 7, color="#555555", linewidth=1, linestyle=":", label="value of the game, 1/7")
    plain(right, "learned value of the state", place="upper right")
    title(right, "a 2 x 2 game, from the first value 1")
    return figure


def _start_gap(game, profile):
    """Return what the players would gain by best replies, over the start of the game; states never met do not count."""
    _, gains = gt.concepts.stationary_regrets(game, profile)
    return float((gains @ game.start).sum())


def nash_q():
    figure, (left, right) = panels()
    game = gt.games.grid_game_1()
    times = np.unique(np.geomspace(20, 5000, 20).astype(int)).tolist()
    for k, selection in enumerate(("first", "second", "welfare", "best_own")):
        group = _nash_learners(game, selection, learning_rate=0.5, exploration=0.5)
        run = learners.play_seeds(game, group, steps=5000, seeds=range(20), record=times, judge=_start_gap)
        line(left, run.times, 100 * (run.gaps < 1.0).mean(axis=0), selection, k)
    left.set_xscale("log")
    left.set_ylim(-3, 103)
    plain(left, "seeds in equilibrium, %", place="lower right")
    title(left, "grid game 1, within 1 of the goal's 100")
    chicken = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    payoffs = chicken.payoffs.reshape(2, -1)
    right.plot(*payoffs, "o", color="#999999", markersize=5, label="pure outcomes")
    for k, (selection, mark) in enumerate({"first": "s", "second": "^", "welfare": "D", "best_own": "v"}.items()):
        group = _nash_learners(chicken, selection, learning_rate=0.2)
        run = learners.play(chicken, group, steps=500, seed=0, record=1)
        x, y = run.profiles()[0]
        right.plot(
            *[x @ payoff @ y for payoff in chicken.payoffs],
            mark,
            color=COLOURS[k],
            markersize=11,
            markerfacecolor="none",
            markeredgewidth=1.8,
            label=selection,
        )
    right.set(xlim=(-0.6, 10.8), ylim=(-0.6, 7.8))
    plain(right, "payoff of player 1", xlabel="payoff of player 0", place="upper right")
    title(right, "chicken: where each selection ends")
    return figure


def _nash_learners(game, selection, **settings):
    """Return one learner for both players, or one for each where they select differently."""
    if selection == "best_own":
        return _pair(learners.NashQ, game, selection=selection, **settings)
    return [learners.NashQ(game, selection=selection, **settings)]


def correlated_q():
    figure, (left, right) = panels()
    chicken = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    left.plot(*chicken.payoffs.reshape(2, -1), "o", color="#999999", markersize=5, label="pure outcomes")
    marks = {"utilitarian": "s", "egalitarian": "^", "republican": "D", "libertarian": "v"}
    for k, (objective, mark) in enumerate(marks.items()):
        learner = learners.CorrelatedQ(chicken, objective=objective, learning_rate=0.2)
        learners.play(chicken, [learner], steps=600, seed=0, record=1)
        paid = [(learner.joint() * payoff).sum() for payoff in chicken.payoffs]
        left.plot(
            *paid, mark, color=COLOURS[k], markersize=11, markerfacecolor="none", markeredgewidth=1.8, label=objective
        )
    left.set(xlim=(-0.6, 11.8), ylim=(-0.6, 7.8))
    plain(left, "payoff of player 1", xlabel="payoff of player 0", place="upper right")
    title(left, "chicken: what each objective chooses")
    game = gt.games.nosde()
    match = learners.Match(game, [learners.CorrelatedQ(game, learning_rate=0.05, exploration=0.3)], seeds=[0])
    times, values = snapshots(match, lambda own: own[0].state_values[:, 0], chunk=50, count=120)
    for i in range(2):
        line(right, times, values[0, :, i], f"first state, player {i}", i)
    plain(right, "learned value", place="lower right")
    title(right, "a game that values of actions cannot solve")
    return figure


def friend_or_foe_q():
    figure, (left, right) = panels(width=8.4)
    games = {
        "stag hunt": gt.games.stag_hunt(),
        "coordination": gt.games.pure_coordination(),
        "chicken": gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]]),
        "matching\npennies": gt.games.matching_pennies(),
    }
    places = np.arange(len(games))
    for k, (name, friends) in enumerate({"friend-Q": "all", "foe-Q": ()}.items()):
        gaps, hoped, earned = [], [], []
        for game in games.values():
            pair = _pair(learners.FriendOrFoeQ, game, friends=friends, learning_rate=0.2)
            run = learners.play_seeds(game, pair, steps=2000, seeds=range(20), record=1)
            gaps.append(np.mean([nash_conv(game, profile) for profile in run.profiles()]))
            hoped.append(np.mean([own[0].state_values[0] for own in run.learners]))
            earned.append(np.mean([profile[0] @ game.payoffs[0] @ profile[1] for profile in run.profiles()]))
        shift = 0.4 * (k - 0.5)
        left.bar(places + shift, gaps, 0.36, color=COLOURS[k], label=name)
        right.bar(
            places + shift - 0.09,
            hoped,
            0.17,
            facecolor="white",
            edgecolor=COLOURS[k],
            hatch="////",
            label=f"{name} expects",
        )
        right.bar(places + shift + 0.09, earned, 0.17, color=COLOURS[k], label=f"{name} gets")
    for axes, text in ((left, "NashConv of the policies"), (right, "payoff of player 0")):
        plain(axes, text, xlabel="", place="upper left" if axes is left else "upper right")
        axes.set_xticks(places, games, fontsize=8.5)
    title(left, "each against its own kind, 20 seeds")
    title(right, "what it expects, and what its policies earn")
    return figure


def jal_am():
    figure, (left, right) = panels()
    match = learners.Match(ROCK_PAPER_SCISSORS, _pair(learners.JALAM, ROCK_PAPER_SCISSORS, prior=1.0), seeds=[3])
    _, models = snapshots(match, lambda own: own[0].model(1), chunk=15, count=400)
    triangle(left, models[0], "what the first thinks of the second", ("rock", "paper", "scissors"), target=[1 / 3] * 3)
    game = gt.games.matching_pennies()
    for k, forgetting in enumerate((0.0, 0.02)):
        learner = learners.JALAM(game, 0, forgetting=forgetting, exploration=0.05)
        rewards = []
        for seed in range(40):
            own, rows = learner.copy(), []
            for chance in (0.9, 0.1):
                other = learners.FixedPolicy(game, 1, policy=[chance, 1 - chance])
                rows.append(learners.play(game, [own, other], steps=400, seed=seed, record=20).rewards[0, :, 0])
            rewards.append(np.concatenate(rows))
        times = 20 * np.arange(1, 41)
        band(right, times, rewards, f"forgetting {forgetting:g}" if forgetting else "remembers all", k)
    right.axvline(400, color="#555555", linewidth=1, linestyle=":")
    plain(right, "mean reward a step", place="lower left")
    title(right, "the other turns from heads to tails at 400")
    return figure


def optimistic_learners():
    figure, axes = panels(1, width=7.0)
    least = -30.0
    steps = 5000

    def exploring():
        return learners.linear(1.0, 0.0, steps=4000)

    kinds = {
        "Q-learning": lambda g, i: learners.QLearning(g, i, exploration=exploring()),
        "distributed": lambda g, i: learners.DistributedQ(g, i, exploration=exploring(), initial=least),
        "hysteretic": lambda g, i: learners.HystereticQ(g, i, caution=0.01, exploration=exploring()),
        "lenient": lambda g, i: learners.LenientQ(g, i, leniency=10.0),
        "FMQ": lambda g, i: learners.FMQ(
            g, i, exploration=learners.softmax(learners.geometric(500.0, np.exp(-0.006 / 5), floor=1.0))
        ),
    }
    climbing = np.array([[11.0, -30.0, 0.0], [-30.0, 7.0, 6.0], [0.0, 0.0, 5.0]])
    noisy = np.stack([climbing, climbing], axis=-1)
    noisy[1, 1] = (14.0, 0.0)
    games = {"climbing game": gt.games.climbing_game(), "the 7 is 14 or 0 at even odds": _noisy_team(noisy)}
    for k, (name, game) in enumerate(games.items()):
        shares = []
        for make in kinds.values():
            run = learners.play_seeds(game, [make(game, i) for i in range(2)], steps=steps, seeds=range(60), record=1)
            hits = [all(np.ravel(policy)[0] == 1.0 for policy in profile) for profile in run.profiles()]
            shares.append(100 * np.mean(hits))
        places = np.arange(len(kinds)) + 0.38 * (k - 0.5)
        bars = axes.bar(places, shares, 0.36, color=COLOURS[k], label=name)
        axes.bar_label(bars, fmt="%.0f", fontsize=8)
    axes.set_xticks(range(len(kinds)), kinds, fontsize=8.5)
    axes.set_ylim(0, 135)
    axes.set_yticks(range(0, 101, 25))
    plain(axes, "runs that found the best, %", xlabel="", place="upper right")
    title(axes, "60 seeds, 5000 steps")
    return figure


def _noisy_team(pairs):
    """Return the repeated team game in which every profile pays one of two amounts at even odds."""
    nexts, halves = np.zeros((1, *pairs.shape), dtype=int), np.full((1, *pairs.shape), 0.5)
    return gt.StochasticGame(np.broadcast_to(pairs, (2, 1, *pairs.shape)), nexts, halves, discount=0.0)
