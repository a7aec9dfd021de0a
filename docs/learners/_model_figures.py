"""Figures of learners who model the others, one function per page."""

import numpy as np
from _canvas import COLOURS, ROCK_PAPER_SCISSORS, band, line, panels, plain, snapshots, title, triangle

import marlgt as gt

learners = gt.learners
# Years in prison: both stay silent, or one talks, or both do.
PRISON = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])


def policy_reconstruction():
    figure, (left, right) = panels()
    machine = learners.trembling(learners.tit_for_tat(PRISON, 1), 0.2)
    times = np.unique(np.geomspace(1, 2000, 60).astype(int))
    for k, memory in enumerate((0, 1, 3)):
        rows = []
        for seed in range(20):
            model, rng, position = learners.PolicyReconstruction(2, memory=memory), np.random.default_rng(seed), 0
            losses = []
            for t in range(1, 2001):
                own, other = int(rng.integers(2)), int(rng.random() < machine.probabilities(position, 0)[1])
                model.observe(0, other, event=own)
                position = machine.after(position, 2 * own + other)
                if t in times:
                    losses.append(model.log_loss)
            rows.append(losses)
        band(left, times, rows, f"memory {memory}", k)
    least = learners.conditional_entropy(machine.distributions[:, 0])
    left.axhline(least, color="#555555", linewidth=1, linestyle=":", label="entropy of her policy")
    left.set_xscale("log")
    plain(left, "mean log-loss, nats", xlabel="actions seen", place="lower left")
    title(left, "tit for tat with noise, watched")
    rng = np.random.default_rng(1)
    actions = rng.choice(3, size=300, p=[0.6, 0.3, 0.1])
    beliefs, means, spreads = learners.dirichlet_beliefs(3), [], []
    for action in actions:
        beliefs = beliefs.observed(int(action))
        means.append(beliefs.mean)
        spreads.append(np.sqrt(beliefs.variance))
    counted, means, spreads = np.arange(1, 301), np.array(means), np.array(spreads)
    for a, truth in enumerate((0.6, 0.3, 0.1)):
        line(right, counted, means[:, a], f"action {a}", a)
        right.fill_between(
            counted,
            means[:, a] - 2 * spreads[:, a],
            means[:, a] + 2 * spreads[:, a],
            color=COLOURS[a],
            alpha=0.2,
            linewidth=0,
        )
        right.axhline(truth, color=COLOURS[a], linewidth=0.8, linestyle=":")
    right.set_ylim(0, 1)
    plain(right, "belief, with two deviations", xlabel="actions seen", place="upper right")
    title(right, "Dirichlet beliefs about a mixed strategy")
    return figure


def type_based():
    figure, (left, right) = panels()
    noisy = [
        learners.trembling(kind, 0.05)
        for kind in (
            learners.always(PRISON, 1, 0),
            learners.grim_trigger(PRISON, 1),
            learners.tit_for_tat(PRISON, 1),
            learners.win_stay_lose_shift(PRISON, 1),
        )
    ]
    names = ("always silent", "grim trigger", "tit for tat", "win-stay, lose-shift")
    posterior, rng, position = learners.type_posterior(noisy), np.random.default_rng(5), 0
    truth, shares = noisy[2], [posterior.probabilities]
    for t in range(40):
        # Silent but for a few words.
        own = int(t in (8, 9, 20, 28))
        other = int(rng.random() < truth.probabilities(position, 0)[1])
        position = truth.after(position, 2 * own + other)
        posterior = posterior.observed((own, other))
        shares.append(posterior.probabilities)
    for k, name in enumerate(names):
        line(left, np.arange(41), np.array(shares)[:, k], name, k)
    left.set_ylim(-0.02, 1.04)
    plain(left, "posterior probability", xlabel="rounds", place="center right")
    title(left, "the other plays tit for tat, with slips")
    types = [learners.always(PRISON, 1, 0), learners.grim_trigger(PRISON, 1)]
    believed = learners.type_posterior(types)
    discounts = np.linspace(0.0, 0.95, 39)
    values = np.array([learners.value_of_information(PRISON, believed, discount=g) * (1 - g) for g in discounts])
    line(right, discounts, values[:, 0], "stay silent", 0)
    line(right, discounts, values[:, 1], "talk, and see", 1)
    plain(right, "value, as a mean reward", xlabel="discount", place="lower left")
    title(right, "always silent or grim trigger, even odds")
    return figure


def fictitious_player():
    figure, (left, right) = panels()
    rows = ("rock", "paper", "scissors")
    for axes, game, names, text in (
        (left, ROCK_PAPER_SCISSORS, rows, "rock-paper-scissors"),
        (right, gt.games.shapley_1964(), ("1", "2", "3"), "Shapley's game"),
    ):
        pair = [learners.FictitiousPlayer(game, player=i, first=i) for i in range(2)]
        match = learners.Match(game, pair, seeds=[0])
        _, beliefs = snapshots(match, lambda own: own[1].beliefs(0), chunk=2, count=1500)
        triangle(axes, beliefs[0, 1:], text, names, target=[1 / 3] * 3)
    return figure
