"""Populations on graphs: simulation against the exact chain over all assignments, and the rule b / c > k."""

import math
from itertools import product

import numpy as np
import pytest

import marlgt as gt
from marlgt import dynamics

BIRTH_FIRST, DEATH_FIRST = dynamics.birth_death_on_graph, dynamics.death_birth_on_graph
each_order = pytest.mark.parametrize("process", [BIRTH_FIRST, DEATH_FIRST], ids=lambda process: process.__name__)


def cycle(size):
    around = np.roll(np.eye(size, dtype=int), 1, axis=0)
    return around + around.T


# A triangle with a tail: three neighbours, two and one.
KITE = np.array([[0, 1, 1, 1, 0], [1, 0, 1, 0, 0], [1, 1, 0, 0, 0], [1, 0, 0, 0, 1], [0, 0, 0, 1, 0]])


def donation(b, c):
    A = np.array([[b - c, -c], [b, 0.0]])
    return gt.NormalFormGame.bimatrix(A, A.T)


def exact_fixation(process, A, graph, w, start):
    """Return the probability that strategy 0 takes over, from the definition, over all 2^N assignments."""
    N = len(graph)
    states = list(product((0, 1), repeat=N))
    place = {s: i for i, s in enumerate(states)}
    chain = np.zeros((len(states), len(states)))
    for s in states:
        f = [math.exp(w * sum(A[s[x]][s[y]] for y in range(N) if graph[x][y])) for x in range(N)]
        for x in range(N):
            near = [y for y in range(N) if graph[x][y]]
            for y in near:
                # y gives way to a child of x, or x to a child of y.
                if process is BIRTH_FIRST:
                    parent, dead, chance = x, y, f[x] / sum(f) / len(near)
                else:
                    parent, dead, chance = y, x, f[y] / sum(f[z] for z in near) / N
                after = list(s)
                after[dead] = s[parent]
                chain[place[s], place[tuple(after)]] += chance
    inner = np.eye(len(states) - 2) - chain[1:-1, 1:-1]
    return np.linalg.solve(inner, chain[1:-1, 0])[place[start] - 1]


@each_order
@pytest.mark.parametrize("graph", [cycle(5), KITE], ids=["cycle", "kite"])
def test_mutants_take_over_as_often_as_the_exact_chain_says(process, graph):
    A = [[1.0, 0.2], [1.5, 0.4]]
    rho = exact_fixation(process, A, graph, 0.5, (0, 1, 1, 1, 1))
    game = gt.NormalFormGame.bimatrix(A, np.transpose(A))
    runs = dynamics.many(
        process, game, adjacency=graph, seeds=range(1200), start=[0, 1, 1, 1, 1],
        selection=0.5, steps=200, record=1,
    )  # fmt: skip
    last = np.array([run.strategies[0][-1, 0] for run in runs])
    open_runs = ((last > 0) & (last < 1)).mean()
    assert open_runs < 0.01
    assert abs((last == 1).mean() - rho) <= 4 * math.sqrt(rho * (1 - rho) / 1200) + open_runs


def test_death_birth_favours_cooperation_above_the_threshold_of_taylor_day_and_wild():
    # k = 2, N = 7: b / c > k (N - 2) / (N - 2 k) = 10 / 3. It is the definition above that is held to the theorem.
    def favoured(process, b):
        A = donation(b, 1.0).payoffs[0]
        return exact_fixation(process, A, cycle(7), 1e-4, (0, 1, 1, 1, 1, 1, 1)) > 1 / 7

    assert favoured(DEATH_FIRST, 3.4)
    assert not favoured(DEATH_FIRST, 3.27)
    assert not favoured(BIRTH_FIRST, 20.0)


@each_order
def test_the_record_is_that_of_a_population_on_a_graph(process, monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "plain")
    A = np.random.default_rng(0).random((3, 3))
    game = gt.NormalFormGame.bimatrix(A, A.T)
    run = process(game, KITE, steps=30, record=30, mutation=0.3, seed=2, start=[0, 1, 2, 0, 1])
    counts = run.strategies[0] * 5
    assert np.allclose(counts, np.round(counts))
    assert np.abs(np.diff(counts, axis=0)).sum(axis=1).max() <= 2 + 1e-9
    assert np.allclose(run.joint.sum(axis=(1, 2)), 1.0)
    assert np.allclose(run.joint, np.swapaxes(run.joint, 1, 2))
    assert len(np.unique(counts, axis=0)) > 3


def test_the_joint_distribution_is_that_of_the_edges(monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "plain")
    # Nothing can change: one strategy on each of two components.
    pairs = np.kron(np.eye(2, dtype=int), [[0, 1], [1, 0]])
    run = DEATH_FIRST(donation(3, 1), pairs, steps=5, start=[0, 0, 1, 1])
    assert run.joint[-1].tolist() == [[0.5, 0.0], [0.0, 0.5]]
    assert run.averages[0][-1].tolist() == [0.5, 0.5]


@each_order
def test_both_gears_give_the_same_bits_and_a_batch_changes_nothing(process, monkeypatch):
    game = donation(3, 1)
    runs = []
    for gear in ("plain", "compiled"):
        monkeypatch.setenv("MARLGT_GEAR", gear)
        runs.append(process(game, KITE, steps=200, mutation=0.2, seed=4, selection=0.3))
    batch = dynamics.many(process, game, adjacency=KITE, seeds=[1, 4], steps=200, mutation=0.2, selection=0.3)
    for other in (runs[1], batch[1]):
        assert np.array_equal(runs[0].strategies[0], other.strategies[0])
        assert np.array_equal(runs[0].joint, other.joint)


BAD = {
    "shape": (np.ones((2, 3)), {}, "adjacency has shape"),
    "loops": (np.ones((3, 3)), {}, "0 on the diagonal"),
    "direction": ([[0, 1], [0, 0]], {}, "must be symmetric"),
    "weights": ([[0, 2], [2, 0]], {}, "of 0 and 1"),
    "alone": (np.zeros((3, 3)), {}, "individual 0 has no neighbours"),
    "strategies": (cycle(4), {"start": [0, 1, 2, 0]}, "strategies from 0 to 1 of all 4 individuals"),
    "selection": (cycle(4), {"selection": 1000.0}, "lower the selection w to"),
    "fitness": (cycle(4), {"selection": 0.9, "exponential": False}, "the fitness 1 - w"),
}


@pytest.mark.parametrize("case", BAD)
def test_graphs_and_settings_that_do_not_fit_are_errors(case):
    adjacency, setting, message = BAD[case]
    with pytest.raises(gt.GameError, match=message):
        DEATH_FIRST(donation(3, 1), adjacency, **setting)
