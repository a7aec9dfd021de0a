"""Dynamics and learners against those of nashpy, OpenSpiel and QuantEcon, where both follow the same rule."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from marlgt import NormalFormGame, dynamics
from marlgt.games import StochasticGame
from marlgt.learners import MinimaxQ, NashQ, QLearning, Transition

SEEDS = range(3)


def integrated(field, run, start, times):
    """Follow a vector field of a peer to the recorded times of a run."""
    from scipy.integrate import solve_ivp

    answer = solve_ivp(lambda t, y: field(y, t), (0, times[-1]), start, t_eval=times, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.hstack(run.strategies), answer.y.T, atol=1e-5)


def inner_start(shape, seed):
    rng = np.random.default_rng(seed)
    return [rng.dirichlet(np.full(count, 3.0)) for count in shape]


@pytest.mark.parametrize("seed", SEEDS)
def test_replicator_and_boltzmann_flows_are_those_of_open_spiel_with_three_players(seed):
    egt = pytest.importorskip("open_spiel.python.egt.dynamics")
    payoffs = np.random.default_rng(seed).normal(size=(3, 2, 3, 2))
    game, start = NormalFormGame(payoffs), inner_start((2, 3, 2), seed)
    run = dynamics.replicator_dynamics(game, start=start, duration=4.0, record=5)
    integrated(egt.MultiPopulationDynamics(payoffs, egt.replicator), run, np.concatenate(start), run.times)
    run = dynamics.boltzmann_q_dynamics(game, start=start, duration=4.0, record=5, temperature=0.5)
    peer = egt.MultiPopulationDynamics(payoffs, lambda x, fitness: egt.boltzmannq(x, fitness, temperature=0.5))
    integrated(peer, run, np.concatenate(start), run.times)


@pytest.mark.parametrize("seed", SEEDS)
def test_replicators_of_one_and_of_two_populations_are_those_of_nashpy(seed):
    nashpy = pytest.importorskip("nashpy")
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(2, 3, 3))
    x, y = inner_start((3, 3), seed)
    run = dynamics.replicator_dynamics(NormalFormGame.bimatrix(A, B), start=[x, y], duration=4.0, record=5)
    times = np.append(0.0, run.times[run.times > 0])
    rows, columns = nashpy.Game(A, B).asymmetric_replicator_dynamics(x0=x, y0=y, timepoints=times)
    kept = run.times > 0
    np.testing.assert_allclose(run.strategies[0][kept], rows[1:], atol=1e-5)
    np.testing.assert_allclose(run.strategies[1][kept], columns[1:], atol=1e-5)
    shared = NormalFormGame.bimatrix(A, A.T)
    run = dynamics.replicator_dynamics(shared, start=[x, x], duration=4.0, record=5, one_population=True)
    known = nashpy.Game(A).replicator_dynamics(y0=x, timepoints=times)
    np.testing.assert_allclose(run.strategies[0][kept], known[1:], atol=1e-5)


def test_log_linear_learning_has_the_long_run_of_the_logit_chain_of_quantecon():
    theory = pytest.importorskip("quantecon.game_theory")
    A, B = np.random.default_rng(1).integers(0, 4, size=(2, 2, 3)).astype(float)
    peer = theory.LogitDynamics((theory.Player(A.copy()), theory.Player(B.T.copy())), beta=1 / 0.7)
    rows, columns = (np.diff(cdf, axis=-1, prepend=0.0) / cdf[..., -1:] for cdf in peer.logit_choice_cdfs())
    chain = np.zeros((6, 6))
    for (a, b), (c, d) in itertools.product(np.ndindex(2, 3), np.ndindex(2, 3)):
        chain[3 * a + b, 3 * c + d] = 0.5 * (b == d) * rows[b, c] + 0.5 * (a == c) * columns[a, d]
    stationary = np.linalg.matrix_power(chain, 4096)[0]
    game = NormalFormGame.bimatrix(A, B)
    runs = dynamics.many(dynamics.log_linear_learning, game, seeds=range(8), steps=40_000, record=1, temperature=0.7)
    joints = np.array([run.joint[-1].reshape(-1) for run in runs])
    error = joints.std(axis=0, ddof=1) / np.sqrt(len(joints))
    assert (np.abs(joints.mean(axis=0) - stationary) <= 5 * error + 1e-3).all()


def test_a_mutant_takes_over_as_often_as_in_the_moran_process_of_nashpy():
    moran = pytest.importorskip("nashpy.egt.moran_process")
    A = np.array([[1.0, 4.0], [2.0, 1.0]])
    np.random.seed(0)  # noqa: NPY002  nashpy draws from the global state
    ends = [list(moran.moran_process(A, np.array([0, 1, 1, 1, 1])))[-1] for _ in range(600)]
    rate = np.mean([end[0] == 0 for end in ends])
    game = NormalFormGame.bimatrix(A, A.T)
    known = dynamics.fixation_probability(game, population=5, mutant=0, resident=1, selection=1.0, exponential=False)
    assert abs(rate - known) <= 4 * np.sqrt(known * (1 - known) / len(ends))


def played(game, steps, seed):
    """Yield random transitions of episodes of a stochastic game, each with whether an episode begins."""
    rng = np.random.default_rng(seed)
    state, fresh = int(rng.choice(game.n_states, p=game.start)), True
    for _ in range(steps):
        actions = tuple(int(rng.integers(count)) for count in game.n_actions)
        cell = (state, *actions)
        following = int(
            game.successors[(*cell, int(rng.choice(game.probabilities.shape[-1], p=game.probabilities[cell])))]
        )
        ended = bool(rng.random() < 0.1)
        yield fresh, Transition(state, actions, tuple(float(r[cell]) for r in game.rewards), following, ended)
        state, fresh = (int(rng.choice(game.n_states, p=game.start)) if ended else following), ended


def time_step(kind, state, rewards, counts):
    from open_spiel.python import rl_environment

    observations = {
        "info_state": [[float(state)]] * len(counts),
        "legal_actions": [list(range(count)) for count in counts],
    }
    step = rl_environment.StepType[kind]
    return rl_environment.TimeStep(observations=observations, rewards=rewards, discounts=None, step_type=step)


def taught(agent, game, steps, seed, *, joint):
    """Show a peer's agent the transitions; what it would do itself is overruled."""
    for fresh, seen in played(game, steps, seed):
        if fresh:
            agent._prev_info_state = None
            first = time_step("FIRST", seen.observation, None, game.n_actions)
            agent.step(first, actions=seen.actions) if joint else agent.step(first)
        agent._prev_action = seen.actions if joint else seen.actions[0]
        kind = "LAST" if seen.terminated else "MID"
        after = time_step(kind, seen.next_observation, list(seen.rewards), game.n_actions)
        agent.step(after, actions=seen.actions) if joint else agent.step(after)


def random_game(seed, *, zero_sum=False):
    rng = np.random.default_rng(seed)
    rewards = rng.normal(size=(2, 3, 2, 2))
    if zero_sum:
        rewards[1] = -rewards[0]
    chances = rng.dirichlet(np.ones(2), size=(3, 2, 2))
    return StochasticGame(rewards, rng.integers(3, size=(3, 2, 2, 2)), chances, discount=0.9)


@pytest.mark.parametrize("seed", SEEDS)
def test_q_learning_is_that_of_open_spiel(seed):
    peer = pytest.importorskip("open_spiel.python.algorithms.tabular_qlearner")
    game = random_game(seed)
    agent = peer.QLearner(0, 2, step_size=0.2, discount_factor=0.9)
    taught(agent, game, 300, seed, joint=False)
    own = QLearning(game, 0, learning_rate=0.2)
    for _, seen in played(game, 300, seed):
        own.observe(seen)
    theirs = [[agent._q_values[str([float(s)])][a] for a in range(2)] for s in range(3)]
    np.testing.assert_allclose(own.values, theirs, atol=1e-12)


def saddle_point(payoffs):
    """Return what a peer asks of a solver of stage games, by a linear program for each side."""
    from scipy.optimize import linprog

    mixtures = []
    for matrix in (payoffs[0], payoffs[1].T):
        rows, columns = matrix.shape
        program = linprog(
            np.append(np.zeros(rows), -1.0),
            A_ub=np.hstack([-matrix.T, np.ones((columns, 1))]),
            b_ub=np.zeros(columns),
            A_eq=[np.append(np.ones(rows), 0.0)],
            b_eq=[1.0],
            bounds=[(0, None)] * rows + [(None, None)],
        )
        mixtures.append(np.maximum(program.x[:-1], 0.0) / np.maximum(program.x[:-1], 0.0).sum())
    return mixtures, [float(mixtures[0] @ own @ mixtures[1]) for own in payoffs]


@pytest.mark.parametrize("seed", SEEDS)
def test_minimax_q_and_nash_q_are_the_joint_learners_of_open_spiel_where_stages_are_zero_sum(seed):
    peer = pytest.importorskip("open_spiel.python.algorithms.tabular_multiagent_qlearner")
    game = random_game(seed, zero_sum=True)
    agent = peer.MultiagentQLearner(0, 2, [2, 2], saddle_point, step_size=0.3, discount_factor=0.9)
    taught(agent, game, 120, seed, joint=True)
    minimax = MinimaxQ(game, 0, learning_rate=0.3, initial=0.0)
    nash = NashQ(game, learning_rate=0.3)
    for _, seen in played(game, 120, seed):
        minimax.observe(seen)
        nash.observe(seen)
    cells = list(np.ndindex(2, 2))
    theirs = np.array(
        [[[agent._q_values[n][str([[float(s)]] * 2)][c] for c in cells] for s in range(3)] for n in range(2)]
    )
    np.testing.assert_allclose(np.reshape(nash.values, theirs.shape), theirs, atol=1e-8)
    np.testing.assert_allclose(np.reshape(minimax.values, theirs[0].shape), theirs[0], atol=1e-8)
