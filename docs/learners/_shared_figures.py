"""Figures of what all learners share: play, exploration, rewards, self-play; one function per page."""

import numpy as np
from _canvas import ROCK_PAPER_SCISSORS, band, line, panels, plain, title

import marlgt as gt

learners = gt.learners
nash_conv = gt.concepts.nash_conv


def self_play():
    figure, axes = panels(1, width=5.2)
    game = gt.games.soccer()
    uniform = game.uniform_profile()

    def earned(game, profile):
        values = gt.concepts.stationary_values(game, (profile[0], uniform[1]))
        return float(game.start @ values[0])

    common = {"learning_rate": 0.2, "exploration": 0.2}
    seats = learners.self_play(game, learners.QLearning(game, **common))
    record = [0, 1, 2, 4, 8, 16, 24, 32, 40, 48, 64, 80]
    times = [2500 * t for t in record[1:]]
    one = learners.play_seeds(
        game,
        seats.learners,
        views=seats.views,
        moves=seats.moves,
        steps=200_000,
        seeds=range(8),
        record=times,
        judge=earned,
    )
    two = learners.play_seeds(
        game,
        learners.algorithm_self_play(lambda g, player: learners.QLearning(g, player, **common), game),
        steps=200_000,
        seeds=range(8),
        record=times,
        judge=earned,
    )
    band(axes, one.times, one.gaps, "policy self-play: one memory in both seats", 0)
    band(axes, two.times, two.gaps, "algorithm self-play: a memory each", 1)
    plain(axes, "value of the start against random play", place="lower right")
    title(axes, "soccer, 8 seeds")
    return figure


def exploration():
    figure, (left, right) = panels()
    times = np.arange(0, 10_001, 50)
    for k, (name, schedule) in enumerate(
        {
            "linear(1, 0.05, steps=6000)": learners.linear(1.0, 0.05, steps=6000),
            "geometric(1, 0.9995)": learners.geometric(1.0, 0.9995),
            "power(1, exponent=0.5, scale=100)": learners.power(1.0, exponent=0.5, scale=100),
            "power(1, scale=500, floor=0.1)": learners.power(1.0, scale=500, floor=0.1),
        }.items()
    ):
        line(left, times, [schedule(t) for t in times], name, k)
    plain(left, "value", xlabel="time", place="upper right")
    title(left, "schedules")
    game = _bandit()
    best = float(game.rewards[0, 0].max())
    rules = {
        "epsilon-greedy, 0.1": learners.epsilon_greedy(0.1),
        "epsilon-greedy, linear": learners.epsilon_greedy(learners.linear(1.0, 0.0, steps=500)),
        "softmax, 0.1": learners.softmax(0.1),
        "count bonus, 0.5": learners.count_bonus(0.5),
    }
    average = learners.power(1.0, per_visit=True)
    for k, (name, rule) in enumerate(rules.items()):
        make = learners.QLearning(game, exploration=rule, learning_rate=average)
        run = learners.play_seeds(game, [make], steps=2000, seeds=range(100), record=40)
        widths = np.diff(np.append(0, run.times))
        band(right, run.times, np.cumsum((best - run.rewards[:, :, 0]) * widths, axis=1), name, k)
    plain(right, "reward lost so far", place="upper left")
    title(right, "a bandit with five actions, 100 seeds")
    return figure


def _bandit():
    chances = np.array([0.3, 0.4, 0.5, 0.6, 0.7])
    shares = np.stack([1 - chances, chances], axis=1)[None]
    rewards = np.broadcast_to(np.array([0.0, 1.0]), (1, 1, 5, 2))
    return gt.StochasticGame(rewards, np.zeros((1, 5, 2), dtype=int), shares, discount=0.0, title="Bandit")


def rewards():
    figure, (left, right) = panels()
    team = _commuters()
    best = float(team.payoffs.max())
    games = {
        "the team's reward": team,
        "aristocrat utility": learners.aristocrat_utilities(team, [np.full(4, 0.25)] * 6),
        "difference rewards": learners.difference_rewards(team, [0] * 6),
    }
    for k, (name, game) in enumerate(games.items()):
        group = [learners.QLearning(game, i, exploration=learners.softmax(0.1)) for i in range(6)]
        # Rewards as the team gets them, whatever the players are paid.
        times = np.unique(np.geomspace(1, 1500, 30).astype(int)).tolist()
        run = learners.play_seeds(game, group, steps=1500, seeds=range(30), record=times, judge=_team_reward(team))
        band(left, run.times, run.gaps / best, name, k)
    left.set_xscale("log")
    plain(left, "team's reward, share of the best", place="lower right")
    title(left, "six commuters, four roads, softmax 0.1")
    game = _corridor()
    hint = 0.99 ** np.arange(20, -1, -1.0)
    hint[-1] = 0.0
    for k, (name, played) in enumerate({"plain": game, "shaped": learners.potential_shaping(game, hint)}.items()):
        run = learners.play_seeds(
            played, [learners.QLearning(played)], steps=6000, seeds=range(30), horizon=400, record=30
        )
        band(right, run.times, run.lengths, name, k)
    right.axhline(20, color="#555555", linewidth=1, linestyle=":", label="shortest")
    right.set_yscale("log")
    plain(right, "steps of an episode", place="upper right")
    title(right, "a corridor of 20 steps")
    return figure


def _team_reward(team):
    """Return a judge that says what the team gets in the mean of the players' policies."""

    def judge(_, profile):
        worth = team.payoffs[0]
        for own in reversed(profile):
            worth = worth @ own
        return float(worth)

    return judge


def _commuters(count=6, roads=4):
    """Return a team game of commuters on roads that are soon crowded: a road of k of them is worth k exp(1 - k)."""
    choices = np.indices((roads,) * count)
    crowds = np.stack([(choices == road).sum(axis=0) for road in range(roads)])
    reward = (crowds * np.exp(1.0 - crowds) * (1.0 + np.arange(roads).reshape(-1, *[1] * count))).sum(axis=0)
    return gt.NormalFormGame(np.broadcast_to(reward, (count, *reward.shape)))


def _corridor(length=20):
    """Return a corridor with a reward of 1 at its end only, discount 0.99."""
    states = np.arange(length + 1)
    nexts = np.stack([np.maximum(states - 1, 0), np.minimum(states + 1, length)], axis=1)[:, :, None]
    rewards = np.zeros((1, length + 1, 2))
    rewards[0, length - 1, 1] = 1.0
    return gt.StochasticGame(
        rewards, nexts, np.ones((length + 1, 2, 1)), discount=0.99, start=states == 0, terminal=states == length
    )


def play():
    figure, (left, right) = panels()
    soccer = gt.games.soccer()
    pair = [learners.QLearning(soccer, 0, learning_rate=0.2), learners.UniformPolicy(soccer, 1)]
    run = learners.play_seeds(soccer, pair, steps=60_000, seeds=range(10), record=30)
    gt.pictures.draw_learning_curve(left, run, what="win_rates")
    left.set_xticks(range(0, 60_001, 20_000))
    title(left, "soccer: Q-learning (A) against random play (B)")
    named = {}
    for name, make in {
        "WoLF-PHC": learners.WoLFPHC,
        "regret matching": learners.RegretMatcher,
        "Q-learning": learners.QLearning,
    }.items():
        game = ROCK_PAPER_SCISSORS
        named[name] = learners.play_seeds(
            game, [make(game, player=i) for i in range(2)], steps=20_000, seeds=range(10), record=40, judge=nash_conv
        )
    gt.pictures.draw_learning_curve(right, named, what="gaps", logarithmic=True)
    right.set_ylabel("NashConv")
    title(right, "rock-paper-scissors, policies as learned")
    return figure
