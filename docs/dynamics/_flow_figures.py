"""Figures of the flows and the maps that know every payoff, one function per page."""

import numpy as np
from _panels import PENNIES, ROCK_PAPER_SCISSORS, SHAPLEY, curve, logarithmic, pair, panels, plain, reference, series
from _panels import title as name

import marlgt as gt
from marlgt.pictures import draw_phase_portrait, draw_simplex_trajectory, draw_square_trajectory

dynamics = gt.dynamics
OFF = (np.array([0.5, 0.3, 0.2]), np.array([0.5, 0.3, 0.2]))
NEAR = (np.array([0.4, 0.32, 0.28]), np.array([0.4, 0.32, 0.28]))
APART = (np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.5, 0.3]))
BAD = gt.games.bad_rock_paper_scissors()


def _triangle(axes, game, dynamic, text, *, start=OFF, **settings):
    """Draw the portrait of one population with a single path."""
    draw_phase_portrait(axes, game, dynamic, starts=[start], **settings)
    name(axes, text)


def _square(axes, game, dynamic, text, *, start=None, **settings):
    draw_phase_portrait(axes, game, dynamic, starts=None if start is None else [start], **settings)
    name(axes, text)


def replicator_dynamics():
    figure, (left, right) = panels()
    _triangle(
        left, ROCK_PAPER_SCISSORS, dynamics.replicator_dynamics, "rock-paper-scissors, one population", duration=30.0
    )
    _square(right, gt.games.hawk_dove(), dynamics.replicator_dynamics, "hawk-dove, two populations", duration=20.0)
    return figure


def discrete_replicator():
    figure, (left, right) = panels()
    for b, axes in ((1.0, left), (10.0, right)):
        text = f"background fitness {b:g}, {int(40 * b)} generations"
        _triangle(
            axes, ROCK_PAPER_SCISSORS, dynamics.discrete_replicator, text, start=NEAR, background=b, steps=int(40 * b)
        )
    return figure


def replicator_mutator():
    figure, (left, right) = panels()
    for m, axes in ((0.02, left), (0.2, right)):
        _triangle(axes, ROCK_PAPER_SCISSORS, dynamics.replicator_mutator, f"mutation {m}", mutation=m, duration=40.0)
    return figure


def brown_von_neumann_nash():
    figure, (left, right) = panels()
    _triangle(left, ROCK_PAPER_SCISSORS, dynamics.brown_von_neumann_nash, "rock-paper-scissors", duration=60.0)
    _triangle(
        right, BAD, dynamics.brown_von_neumann_nash, "a loss costs twice what a win pays", start=NEAR, duration=200.0
    )
    return figure


def smith_dynamics():
    figure, (left, right) = panels()
    _triangle(left, ROCK_PAPER_SCISSORS, dynamics.smith_dynamics, "rock-paper-scissors", duration=60.0)
    _triangle(right, BAD, dynamics.smith_dynamics, "a loss costs twice what a win pays", start=NEAR, duration=60.0)
    return figure


def projection_dynamics():
    figure, (left, right) = panels()
    _triangle(left, ROCK_PAPER_SCISSORS, dynamics.projection_dynamics, "rock-paper-scissors", duration=20.0)
    _square(right, gt.games.hawk_dove(), dynamics.projection_dynamics, "hawk-dove, two populations", duration=20.0)
    return figure


def best_response_flow():
    figure, (left, right) = panels()
    _triangle(left, ROCK_PAPER_SCISSORS, dynamics.best_response_flow, "rock-paper-scissors", duration=8.0)
    _triangle(right, BAD, dynamics.best_response_flow, "a loss costs twice what a win pays", duration=12.0)
    return figure


def logit_dynamics():
    figure, (left, right) = panels()
    for temperature, axes in ((0.1, left), (0.6, right)):
        _triangle(
            axes, BAD, dynamics.logit_dynamics, f"temperature {temperature}", temperature=temperature, duration=40.0
        )
    return figure


def boltzmann_q_dynamics():
    figure, (left, right) = panels()
    for temperature, axes in ((0.2, left), (1.0, right)):
        _square(
            axes,
            gt.games.chicken(),
            dynamics.boltzmann_q_dynamics,
            f"chicken, temperature {temperature}",
            temperature=temperature,
            duration=40.0,
        )
    return figure


def infinitesimal_gradient_ascent():
    figure, (left, right) = panels()
    ascend = dynamics.infinitesimal_gradient_ascent
    _square(left, PENNIES, ascend, "matching pennies", start=pair(0.75, 0.5), step=0.001, steps=6000)
    run = ascend(PENNIES, step=0.001, start=pair(0.75, 0.5), steps=100_000, record=400)
    curve(right, run, "nash_conv_current", label="strategies", index=1)
    curve(right, run, label="averages")
    reference(right, lambda t: 300 / t, "of order 1 / t", (300, 100_000))
    logarithmic(right, "NashConv", place="lower left")
    return figure


def wolf_iga():
    figure, (left, right) = panels()
    start = pair(0.9, 0.5)
    _square(left, PENNIES, dynamics.wolf_iga, "matching pennies", start=start, step=0.002, steps=6000)
    run = dynamics.wolf_iga(PENNIES, step=0.002, start=start, steps=4000, record=400)
    plain_run = dynamics.infinitesimal_gradient_ascent(PENNIES, step=0.002, start=start, steps=4000, record=400)
    for r, label, index in ((run, "win or learn fast", 0), (plain_run, "gradient ascent", 1)):
        distance = np.hypot(r.strategies[0][:, 0] - 0.5, r.strategies[1][:, 0] - 0.5)
        series(right, r.times, distance, label, index)
    right.set_yscale("log")
    plain(right, "distance from equilibrium", place="lower left")
    return figure


def policy_hill_climbing():
    figure, (left, right) = panels()
    start = pair(0.8, 0.5)
    run = dynamics.policy_hill_climbing(PENNIES, start=start, steps=10_000, record=1000)
    draw_square_trajectory(left, run)
    run = dynamics.wolf_policy_hill_climbing(PENNIES, start=start, steps=10_000, record=1000)
    draw_square_trajectory(right, run)
    return figure


def weighted_policy_learner():
    figure, (left, right) = panels()
    run = dynamics.weighted_policy_learner(PENNIES, start=pair(0.9, 0.5), step=0.01, steps=3000, record=1000)
    draw_square_trajectory(left, run)
    run = dynamics.weighted_policy_learner(SHAPLEY, start=APART, step=0.01, steps=6000, record=1000)
    draw_simplex_trajectory(right, run)
    name(right, "Shapley's game, player 1")
    return figure


def extragradient_ascent():
    return _foresight(dynamics.extragradient_ascent, "extragradient")


def optimistic_gradient_ascent():
    return _foresight(dynamics.optimistic_gradient_ascent, "optimistic gradient")


def _foresight(dynamic, label):
    """Draw a path and its gap in rock-paper-scissors beside those of plain gradient steps."""
    figure, (left, right) = panels()
    run = dynamic(ROCK_PAPER_SCISSORS, step=0.1, start=APART, steps=1000, record=1000)
    draw_simplex_trajectory(left, run)
    name(left, "rock-paper-scissors, player 1")
    curve(right, run, "nash_conv_current", label=label)
    blind = dynamics.online_gradient(ROCK_PAPER_SCISSORS, rate=0.1, start=APART, steps=1000, record=1000)
    curve(right, blind, "nash_conv_current", label="plain gradient", index=1)
    logarithmic(right, "NashConv of the strategies", place="lower left")
    right.set_xscale("linear")
    right.set_ylim(1e-8, 10)
    return figure


def lola_dynamics():
    figure, (left, right) = panels()
    _square(
        left, PENNIES, dynamics.lola_dynamics, "matching pennies", start=pair(0.9, 0.5), opponent_step=0.3, steps=3000
    )
    _square(right, gt.games.chicken(), dynamics.lola_dynamics, "chicken", opponent_step=0.3, steps=1000)
    return figure


def epsilon_greedy_dynamics():
    figure, (left, right) = panels()
    run = dynamics.epsilon_greedy_dynamics(PENNIES, steps=3000, record=3000)
    for player in (0, 1):
        series(left, run.times[:500], run.strategies[player][:500, 0], f"player {player + 1}", player)
    left.set_ylim(0, 1.3)
    plain(left, "probability of heads", place="upper right")
    name(left, "matching pennies")
    start = pair(0.6, 0.6)
    run = dynamics.epsilon_greedy_dynamics(gt.games.prisoners_dilemma(), start=start, steps=4000, record=4000)
    for player in (0, 1):
        # Both switch at nearly every step in the end: a moving mean shows how much they cooperate.
        moving = np.convolve(run.strategies[player][:, 0], np.ones(100) / 100, mode="valid")
        series(right, run.times[: len(moving)], moving, f"player {player + 1}", player)
    right.set_ylim(0, 1.3)
    plain(right, "cooperation, mean of 100 steps", place="upper right")
    name(right, "prisoner's dilemma")
    return figure
