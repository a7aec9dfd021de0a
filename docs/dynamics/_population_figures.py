"""Figures of finite populations, one function per page."""

import numpy as np
from _panels import COLOURS, STYLES, panels, plain, series
from _panels import title as name

import marlgt as gt

dynamics = gt.dynamics
HAWK_DOVE = gt.games.hawk_dove()
START = ([0.1, 0.9], [0.1, 0.9])


def _sizes(axes, process, sizes, generations, flow, label, **settings):
    """Draw the hawks of populations of several sizes over generations, and the flow that they follow."""
    for index, size in enumerate(sizes):
        run = process(HAWK_DOVE, population=size, steps=generations * size, record=200, start=START, seed=1, **settings)
        series(axes, run.times / size, run.strategies[0][:, 0], f"{size:,} individuals", index)
    axes.plot(*flow, color="#222222", linewidth=1.2, linestyle=":", label=label)
    axes.set_ylim(0, 1.35)
    plain(axes, "share of hawks", xlabel="generation", place="upper right")


def _integrate(field, duration, x=0.1, steps=2000):
    """Integrate the share of hawks by Euler's method."""
    times, path = np.linspace(0.0, duration, steps + 1), [x]
    for _ in range(steps):
        x += duration / steps * field(x)
        path.append(x)
    return times, np.array(path)


def _payoffs(x):
    return -x + 2 * (1 - x), 1 - x


def moran_process():
    figure, (left, right) = panels()

    def field(x):
        hawk, dove = (np.exp(u) for u in _payoffs(x))
        return x * (1 - x) * (hawk - dove) / (x * hawk + (1 - x) * dove)

    _sizes(left, dynamics.moran_process, (20, 200, 5000), 20, _integrate(field, 20.0), "replicator, mean fitness")
    name(left, "hawk-dove")
    donation = gt.games.donation_game()
    weights = np.geomspace(0.001, 1.0, 25)
    for index, size in enumerate((10, 50)):
        rho = [
            size * dynamics.fixation_probability(donation, population=size, mutant=1, resident=0, selection=w)
            for w in weights
        ]
        series(right, weights, rho, f"a defector, N = {size}", index)
        rho = [size * dynamics.fixation_probability(donation, population=size, selection=w) for w in weights]
        series(right, weights, rho, f"a giver, N = {size}", index + 2)
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_ylim(0.01, 30)
    plain(right, "N × fixation probability", xlabel="strength of selection", place="lower left")
    name(right, "donation game")
    return figure


def wright_fisher_process():
    figure, axes = panels(1, width=5.4)
    for index, size in enumerate((20, 200, 5000)):
        run = dynamics.wright_fisher_process(HAWK_DOVE, population=size, steps=40, record=40, start=START, seed=1)
        series(axes, run.times, run.strategies[0][:, 0], f"{size:,} individuals", index)
    path = [0.1]
    for _ in range(40):
        hawk, dove = (np.exp(u) for u in _payoffs(path[-1]))
        path.append(path[-1] * hawk / (path[-1] * hawk + (1 - path[-1]) * dove))
    axes.plot(path, color="#222222", linewidth=1.2, linestyle=":", label="discrete replicator")
    axes.set_ylim(0, 1)
    plain(axes, "share of hawks", xlabel="generation", place="lower right")
    return figure


def pairwise_comparison():
    figure, (left, right) = panels()

    def field(x):
        hawk, dove = _payoffs(x)
        return x * (1 - x) * np.tanh((hawk - dove) / 2)

    _sizes(left, dynamics.pairwise_comparison, (20, 200, 5000), 20, _integrate(field, 20.0), "its flow")
    name(left, "hawk-dove")
    run = dynamics.composition_chain(HAWK_DOVE, population=50, process=dynamics.pairwise_comparison, mutation=0.02)
    shares = run.states[:, 0] / 50
    right.bar(shares, run.stationary(), 0.015, color=COLOURS[4], label="exact chain")
    simulated = dynamics.pairwise_comparison(HAWK_DOVE, population=50, mutation=0.02, steps=400_000, record=20_000)
    counts = np.bincount(np.rint(simulated.strategies[0][:, 0] * 50).astype(int), minlength=51)
    right.plot(np.arange(51) / 50, counts / counts.sum(), ".", color=COLOURS[1], label="simulated")
    plain(right, "share of time", xlabel="share of hawks, N = 50, mutation 0.02", place="upper right")
    return figure


def proportional_imitation():
    figure, axes = panels(1, width=5.4)

    def field(x):
        hawk, dove = _payoffs(x)
        return x * (1 - x) * (hawk - dove) / 3.0

    _sizes(axes, dynamics.proportional_imitation, (20, 200, 5000), 30, _integrate(field, 30.0), "replicator dynamics")
    run = dynamics.imitate_if_better(HAWK_DOVE, population=200, steps=6000, record=200, start=START, seed=1)
    series(axes, run.times / 200, run.strategies[0][:, 0], "imitate if better, 200", 3)
    axes.legend(frameon=False, fontsize=7.5, loc="upper right")
    return figure


def imitate_the_best():
    figure, (left, right) = panels()
    game = gt.games.bad_rock_paper_scissors()
    run = dynamics.imitate_the_best(game, population=9, steps=180, record=180, start=[4, 3, 2], seed=2)
    for action, label in enumerate(game.actions[0]):
        series(left, run.times / 9, run.strategies[0][:, action], label, action)
    left.set_ylim(0, 1.35)
    plain(left, "share", xlabel="generation", place="upper right")
    name(left, "no mutation")
    run = dynamics.imitate_the_best(
        game, population=60, steps=1800, record=900, mutation=0.02, start=[30, 20, 10], seed=2
    )
    for action, label in enumerate(game.actions[0]):
        series(right, run.times / 60, run.strategies[0][:, action], label, action)
    right.set_ylim(0, 1.35)
    plain(right, "share", xlabel="generation", place="upper right")
    name(right, "mutation 0.02")
    return figure


def _cycle(size):
    one = np.roll(np.eye(size, dtype=int), 1, axis=0)
    return one + one.T


def graph_populations():
    figure, axes = panels(1, width=5.4)
    rules = {"death-birth": dynamics.death_birth_on_graph, "birth-death": dynamics.birth_death_on_graph}
    benefits = np.array([1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0])
    size, count = 10, 1500
    one = np.zeros(size, dtype=int)
    one[1:] = 1
    for index, (label, rule) in enumerate(rules.items()):
        shares = []
        for b in benefits:
            game = gt.NormalFormGame.bimatrix([[b - 1, -1], [b, 0]], [[b - 1, b], [-1, 0]])
            run = dynamics.many(
                rule, game, seeds=range(count), adjacency=_cycle(size), steps=1500, record=1, selection=0.2, start=one
            )
            shares.append(size * np.mean([r.strategies[0][-1, 0] for r in run]))
        axes.plot(benefits, shares, "os"[index], linestyle=STYLES[index], color=COLOURS[index], label=label)
    axes.axhline(1.0, color="#999999", linewidth=0.8, linestyle=":")
    axes.axvline(2 * (size - 2) / (size - 4), color="#999999", linewidth=0.8, linestyle=":")
    plain(axes, "N × share of runs that end in giving", xlabel="benefit over cost")
    return figure
