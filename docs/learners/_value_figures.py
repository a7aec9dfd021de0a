"""Figures of learners of values, alone or for all players, one function per page."""

import numpy as np
from _canvas import COLOURS, DILEMMA, PENNIES, ROCK_PAPER_SCISSORS, band, line, panels, plain, snapshots, title

import marlgt as gt

learners = gt.learners
nash_conv = gt.concepts.nash_conv


def _pair(make, game, **settings):
    return [make(game, player=i, **settings) for i in range(2)]


def independent_q_learning():
    figure, (left, right) = panels()
    games = {"prisoner's dilemma": DILEMMA, "stag hunt": gt.games.stag_hunt(), "matching pennies": PENNIES}
    for k, (name, game) in enumerate(games.items()):
        pair = _pair(learners.QLearning, game)
        run = learners.play_seeds(game, pair, steps=2000, seeds=range(20), record=40, judge=nash_conv)
        band(left, run.times, run.gaps, name, k)
    plain(left, "NashConv of the policies", place="center right")
    title(left, "two learners, 20 seeds")
    match = learners.Match(ROCK_PAPER_SCISSORS, _pair(learners.QLearning, ROCK_PAPER_SCISSORS), seeds=[0])
    times, values = snapshots(match, lambda own: own[0].values[0], chunk=10, count=150)
    for a, name in enumerate(("rock", "paper", "scissors")):
        line(right, times, values[0, :, a], name, a)
    right.set_ylim(-0.75, 1.1)
    plain(right, "value of an action", place="upper right")
    title(right, "rock-paper-scissors, one learner's values")
    return figure


def _cliff():
    """Return the cliff walk of Sutton and Barto (2018), example 6.6: one player, 4 x 12 cells, discount 1."""
    rewards, nexts = np.full((1, 48, 4), -1.0), np.zeros((48, 4, 1), dtype=int)
    for s in range(48):
        row, column = divmod(s, 12)
        for a, (down, across) in enumerate(((-1, 0), (1, 0), (0, -1), (0, 1))):
            to = min(max(row + down, 0), 3) * 12 + min(max(column + across, 0), 11)
            if 36 < to < 47:
                rewards[0, s, a], to = -100.0, 36
            nexts[s, a, 0] = to
    over = np.arange(48) == 47
    return gt.StochasticGame(
        rewards, nexts, np.ones((48, 4, 1)), discount=1.0, start=np.arange(48) == 36, terminal=over, title="Cliff"
    )


def on_policy():
    figure, (left, right) = panels()
    cliff = _cliff()
    kinds = {
        "Q-learning": learners.QLearning,
        "Sarsa": learners.Sarsa,
        "expected Sarsa": learners.ExpectedSarsa,
    }
    for k, (name, make) in enumerate(kinds.items()):
        run = learners.play_seeds(
            cliff, [make(cliff, learning_rate=0.5)], steps=12_000, seeds=range(40), horizon=500, record=30
        )
        band(left, run.times, run.returns[:, :, 0], name, k)
    left.set_ylim(-105, -10)
    plain(left, "return of an episode", place="lower right")
    title(left, "cliff walk, epsilon 0.1, learning rate 0.5")
    rates = np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9])
    for k, (name, make) in enumerate(
        {
            "1 step": lambda a: learners.Sarsa(cliff, learning_rate=a),
            "4 steps": lambda a: learners.Sarsa(cliff, n=4, learning_rate=a),
            "lambda 0.9, replacing": lambda a: learners.SarsaLambda(cliff, learning_rate=a),
        }.items()
    ):
        samples = []
        for rate in rates:
            run = learners.play_seeds(cliff, [make(rate)], steps=3000, seeds=range(40), horizon=500, record=1)
            samples.append(run.rewards[:, 0, 0])
        band(right, rates, np.array(samples).T, name, k)
    plain(right, "mean reward a step", xlabel="learning rate", place="lower left")
    title(right, "Sarsa, the first 3000 steps")
    return figure


def _biased(moves=10):
    """Return the example of the maximisation bias: left leads to noisy rewards of mean -0.1, right ends with 0."""
    rewards, nexts = np.zeros((1, 3, moves, 2)), np.full((3, moves, 2), 2)
    nexts[0, 0] = 1
    rewards[0, 1] = (0.9, -1.1)
    legal = np.ones((3, moves), dtype=bool)
    legal[0, 2:] = False
    return gt.StochasticGame(
        rewards,
        nexts,
        np.full((3, moves, 2), 0.5),
        discount=1.0,
        start=[1, 0, 0],
        terminal=[False, False, True],
        legal=[legal],
        title="Left or right",
    )


def double_q():
    figure, (left, right) = panels()
    game = _biased()
    for k, (name, make) in enumerate({"Q-learning": learners.QLearning, "double Q-learning": learners.DoubleQ}.items()):
        # A longer run first, so that the loop is compiled for the short ones too.
        learners.play_seeds(game, [make(game)], steps=1000, seeds=range(100), record=1)
        match = learners.Match(game, [make(game)], seeds=range(300))
        times, seen = snapshots(match, lambda own: (own[0].values[0, 0], own[0].policy()[0, 0]), chunk=25, count=40)
        band(left, times, seen[:, :, 0], name, k)
        band(right, times, 0.9 * seen[:, :, 1] + 0.05, name, k)
    left.axhline(-0.1, color="#555555", linewidth=1, linestyle=":", label="what left is worth")
    plain(left, "learned value of left")
    title(left, "300 seeds, learning rate 0.1")
    right.axhline(0.05, color="#555555", linewidth=1, linestyle=":", label="the least that epsilon allows")
    right.set_ylim(0, 1)
    plain(right, "chance to go left")
    title(right, "epsilon 0.1")
    return figure


def _walk(size=19):
    """Return the random walk: one player without a choice, a reward of 1 at the right end."""
    states = np.arange(size + 2)
    nexts = np.stack([np.maximum(states - 1, 0), np.minimum(states + 1, size + 1)], axis=1)[:, None]
    rewards = np.zeros((1, size + 2, 1, 2))
    rewards[0, size, 0, 1] = 1.0
    return gt.StochasticGame(
        rewards,
        nexts,
        np.full((size + 2, 1, 2), 0.5),
        discount=1.0,
        start=states == (size + 1) // 2,
        terminal=(states == 0) | (states == size + 1),
        title="Random walk",
    )


def td_prediction():
    figure, (left, right) = panels()
    game, truth = _walk(), np.arange(1, 20) / 20
    rates = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0])

    def errors(make):
        rows = []
        for rate in rates:
            run = learners.play_seeds(game, [make(rate)], steps=1000, seeds=range(60), record=1)
            values = np.array([own[0].values[1:-1] for own in run.learners])
            rows.append(np.sqrt(((values - truth) ** 2).mean(axis=1)))
        return np.array(rows).T

    for k, decay in enumerate((0.0, 0.4, 0.8, 0.95)):
        band(
            left,
            rates,
            errors(
                lambda a, l=decay: learners.TDLambda(game, trace_decay=l, traces="dutch", learning_rate=a, initial=0.5)
            ),
            f"lambda {decay:g}",
            k,
        )
    plain(left, "root mean square error", xlabel="learning rate", place="upper right")
    title(left, "dutch traces, 1000 steps, 60 seeds")
    for k, (name, traces, decay) in enumerate(
        (("accumulating", "accumulating", 0.8), ("replacing", "replacing", 0.8), ("dutch", "dutch", 0.8))
    ):
        band(
            right,
            rates,
            errors(
                lambda a, t=traces, l=decay: learners.TDLambda(
                    game, trace_decay=l, traces=t, learning_rate=a, initial=0.5
                )
            ),
            name,
            k,
        )
    for axes in (left, right):
        axes.set_ylim(0, 0.6)
    plain(right, "root mean square error", xlabel="learning rate", place="upper left")
    title(right, "three kinds of traces, lambda 0.8")
    return figure


def central_q():
    figure, (left, right) = panels()
    game = gt.NormalFormGame.bimatrix([[9, 6, 4], [10, 0, 2], [3, 1, 5]], [[1.5, 3.4, 4], [0, 8, 5], [2, 3, 1]])
    payoffs = game.payoffs.reshape(2, -1)
    left.plot(*payoffs, "o", color="#999999", markersize=5, label="pure outcomes")
    marks = {"sum": ("s", 0), "min": ("^", 1), "product": ("D", 2), "player 0": ("v", 3), "player 1": (">", 4)}
    for name, (mark, k) in marks.items():
        rule = int(name[-1]) if name.startswith("player") else name
        learner = learners.CentralQ(game, scalarisation=rule, exploration=learners.linear(1, 0.1, steps=1000))
        learners.play(game, [learner], steps=2000, seed=0, record=1)
        a, b = (int(policy.argmax()) for policy in learner.policy())
        left.plot(
            *game.payoffs[:, a, b],
            mark,
            color=COLOURS[k],
            markersize=11,
            markerfacecolor="none",
            markeredgewidth=1.8,
            label=name,
        )
    left.set(xlim=(-0.6, 13.8))
    plain(left, "payoff of player 1", xlabel="payoff of player 0", place="upper right")
    title(left, "what each scalarisation chooses")
    for k, rule in enumerate(("sum", 0)):
        learner = learners.CentralQ(PENNIES, scalarisation=rule)
        run = learners.play_seeds(PENNIES, [learner], steps=1000, seeds=range(20), record=25, judge=nash_conv)
        band(right, run.times, run.gaps, "sum of the rewards" if rule == "sum" else "reward of player 0", k)
    pair = _pair(learners.FictitiousPlayer, PENNIES)
    run = learners.play_seeds(PENNIES, pair, steps=1000, seeds=range(1), record=25, judge=nash_conv)
    line(right, run.times, run.gaps[0], "two fictitious players", 2)
    right.set_ylim(0, 3.2)
    plain(right, "NashConv of the policies", place="upper right")
    title(right, "matching pennies: nothing is learned centrally")
    return figure
