"""Finite populations: processes against their definitions, exact chains and intervals from simulation."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt import dynamics
from marlgt.concepts import cce_gap
from marlgt.dynamics.populations.composition_chains import compositions
from marlgt.testing import symmetric_games

DILEMMA = gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
HAWK_DOVE = gt.NormalFormGame.bimatrix([[-1, 2], [0, 1]], [[-1, 0], [2, 1]])
ROCK_PAPER_SCISSORS = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
PROCESSES = (
    dynamics.imitate_if_better,
    dynamics.imitate_the_best,
    dynamics.moran_process,
    dynamics.pairwise_comparison,
    dynamics.proportional_imitation,
    dynamics.wright_fisher_process,
)
each_process = pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.__name__)


@pytest.fixture
def interpreted(monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "plain")


def one_population(A):
    return gt.NormalFormGame.bimatrix(A, np.transpose(A))


@each_process
@settings(max_examples=12)
@given(
    game=symmetric_games(n_players=2),
    population=st.integers(2, 12),
    seed=st.integers(0, 99),
    mutation=st.sampled_from([0.0, 0.2, 1.0]),
)
def test_the_record_is_that_of_a_population(process, game, population, seed, mutation):
    run = process(game, population=population, steps=9, record=9, seed=seed, mutation=mutation)
    counts = run.strategies[0] * population
    assert np.allclose(counts, np.round(counts))
    assert np.allclose(counts.sum(axis=1), population)
    assert counts.min() >= 0
    assert np.allclose(run.averages[0], np.cumsum(run.strategies[0], axis=0) / np.arange(1, 10)[:, None])
    # The joint distribution: the strategies of two different individuals, averaged over time.
    pairs = [np.outer(n, n) - np.diag(n) for n in np.round(counts)]
    assert np.allclose(run.joint[-1], np.mean(pairs, axis=0) / (population * (population - 1)))
    assert np.allclose(run.joint.sum(axis=1), run.averages[1])
    scale = max(1.0, float(np.abs(game.payoffs).max()))
    assert abs(run.cce_gap[-1] - cce_gap(game, run.joint[-1])) <= 1e-9 * scale


def payoffs_of(A, n):
    N = sum(n)
    return [(sum(A[s][j] * n[j] for j in range(len(n))) - A[s][s]) / (N - 1) for s in range(len(n))]


def moves_by_hand(process, A, n, w, mutation):
    """Return M[i, j] from the definition: one of i gives way to one of j."""
    k, N, u = len(n), sum(n), payoffs_of(A, n)
    spread = np.max(A) - np.min(A)
    M = np.zeros((k, k))
    for i in range(k):
        for j in range(k):
            if process is dynamics.moran_process:
                f = [n[s] * math.exp(w * u[s]) for s in range(k)]
                for parent in range(k):
                    child = 1 - mutation if parent == j else mutation / (k - 1)
                    M[i, j] += f[parent] / sum(f) * child * n[i] / N
                continue
            if j == i:
                continue
            alive = [s for s in range(k) if n[s] > 0]
            if process is dynamics.imitate_the_best:
                copied = float(u[j] > u[i] and j == max(alive, key=lambda s: u[s]))
            else:
                gain = u[j] - u[i]
                chance = {
                    dynamics.pairwise_comparison: 1 / (1 + math.exp(-w * gain)),
                    dynamics.imitate_if_better: float(gain > 0),
                    dynamics.proportional_imitation: max(gain, 0) / spread,
                }[process]
                copied = n[j] / (N - 1) * chance
            M[i, j] = n[i] / N * ((1 - mutation) * copied + mutation / (k - 1))
    return M


@pytest.mark.parametrize("process", PROCESSES[:-1], ids=lambda process: process.__name__)
def test_transitions_follow_the_definition(process):
    rng = np.random.default_rng(1)
    A = rng.normal(size=(3, 3))
    chain = dynamics.composition_chain(one_population(A), population=5, process=process, selection=0.7, mutation=0.1)
    index = {tuple(s): i for i, s in enumerate(chain.states.tolist())}
    assert len(index) == 21
    for state in chain.states.tolist():
        M = moves_by_hand(process, A, state, 0.7, 0.1)
        row = np.zeros(21)
        for i in range(3):
            for j in range(3):
                if i != j and M[i, j] > 0:
                    after = list(state)
                    after[i] -= 1
                    after[j] += 1
                    row[index[tuple(after)]] += M[i, j]
        row[index[tuple(state)]] = 1 - row.sum()
        assert np.allclose(chain.transitions[index[tuple(state)]], row, atol=1e-12)


def test_generations_are_multinomial():
    A = np.random.default_rng(2).random((3, 3))
    chain = dynamics.composition_chain(
        one_population(A), population=4, process=dynamics.wright_fisher_process, selection=0.5, exponential=False,
        mutation=0.1,
    )  # fmt: skip
    for state, row in zip(chain.states, chain.transitions):
        f = state * (0.5 + 0.5 * np.array(payoffs_of(A, state)))
        child = 0.9 * f / f.sum() + 0.05 * (1 - f / f.sum())
        ways = [math.factorial(4) / math.prod(math.factorial(m) for m in after) for after in chain.states.tolist()]
        assert np.allclose(row, ways * np.prod(child**chain.states, axis=1))


@each_process
def test_simulation_visits_the_stationary_distribution(process, interpreted):
    game = one_population([[0.0, 2.0, 0.5], [1.0, 0.5, 2.0], [1.5, 0.0, 1.0]])
    chain = dynamics.composition_chain(game, population=6, process=process, mutation=0.1)
    assert np.allclose(chain.stationary() @ chain.transitions, chain.stationary())
    steps = 400 if process is dynamics.wright_fisher_process else 2_500
    runs = dynamics.many(process, game, seeds=range(12), population=6, steps=steps, mutation=0.1, record=1)
    means = np.array([run.averages[0][-1] for run in runs])
    error = means.std(axis=0) / math.sqrt(12)
    assert (np.abs(means.mean(axis=0) - chain.mean()) <= 4 * error + 2e-3).all()


@pytest.mark.parametrize("name", ["moran_process", "wright_fisher_process", "proportional_imitation"])
def test_both_gears_give_the_same_bits(name, monkeypatch):
    runs = []
    for gear in ("plain", "compiled"):
        monkeypatch.setenv("MARLGT_GEAR", gear)
        runs.append(getattr(dynamics, name)(ROCK_PAPER_SCISSORS, population=30, steps=300, mutation=0.05, seed=3))
    assert np.array_equal(runs[0].strategies[0], runs[1].strategies[0])
    assert np.array_equal(runs[0].joint, runs[1].joint)
    assert len(np.unique(runs[0].strategies[0], axis=0)) > 5


@each_process
def test_a_run_is_the_same_alone_and_in_a_batch(process, interpreted):
    starts = [([1, 0], [1, 0]), ([0.5, 0.5], [0.5, 0.5]), ([0.2, 0.8], [0.2, 0.8])]
    batch = dynamics.many(process, HAWK_DOVE, starts=starts, seeds=[5, 6, 7], population=10, steps=40, mutation=0.1)
    for start, seed, run in zip(starts, [5, 6, 7], batch):
        alone = process(HAWK_DOVE, start=start, seed=seed, population=10, steps=40, mutation=0.1)
        assert np.array_equal(run.strategies[0], alone.strategies[0])
        assert np.array_equal(run.regrets, alone.regrets)


def test_a_start_is_counts_or_the_nearest_to_a_profile(interpreted):
    def first(**start):
        return (dynamics.moran_process(ROCK_PAPER_SCISSORS, population=10, steps=1, **start).strategies[0][0] * 10) // 1

    assert np.abs(first(start=[7, 2, 1]) - [7, 2, 1]).sum() <= 2
    assert np.abs(first() - [4, 3, 3]).sum() <= 2
    assert np.abs(first(start=([0.66, 0.3, 0.04], [1, 0, 0])) - [7, 3, 0]).sum() <= 2


def test_a_strategy_that_died_out_does_not_come_back(interpreted):
    for process in PROCESSES:
        run = process(ROCK_PAPER_SCISSORS, population=9, start=[5, 4, 0], steps=300, record=300)
        assert (run.strategies[0][:, 2] == 0).all()


@given(st.integers(2, 60), st.sampled_from([dynamics.moran_process, dynamics.pairwise_comparison]))
def test_a_neutral_mutant_takes_over_with_probability_one_in_n(population, process):
    flat = one_population(np.full((2, 2), 0.3))
    assert dynamics.fixation_probability(flat, population=population, process=process) == pytest.approx(1 / population)


@settings(max_examples=20)
@given(
    A=st.lists(st.integers(-3, 3), min_size=4, max_size=4),
    population=st.integers(2, 12),
    data=st.data(),
    process=st.sampled_from(
        [dynamics.moran_process, dynamics.pairwise_comparison, dynamics.wright_fisher_process],
    ),
)
def test_the_formula_agrees_with_the_chain(A, population, data, process):
    game = one_population(np.reshape(A, (2, 2)))
    mutants = data.draw(st.integers(1, population - 1))
    exponential = data.draw(st.booleans())
    rho = dynamics.fixation_probability(
        game, population=population, n_mutants=mutants, process=process, selection=0.2, exponential=exponential
    )
    chain = dynamics.composition_chain(
        game, population=population, process=process, selection=0.2, exponential=exponential
    )
    begin, end = (chain.states.tolist().index(s) for s in ([mutants, population - mutants], [population, 0]))
    assert chain.absorption()[begin, end] == pytest.approx(rho, rel=1e-8)


def test_the_formula_agrees_with_exact_arithmetic():
    # Nowak et al. 2004, with fractions: fitness 1 - w + w u, payoffs without oneself.
    A, N, w = ((Fraction(3), Fraction(0)), (Fraction(5), Fraction(1))), 30, Fraction(1, 10)
    total = product = Fraction(1)
    for m in range(1, N):
        mutant = 1 - w + w * (A[1][1] * (m - 1) + A[1][0] * (N - m)) / (N - 1)
        resident = 1 - w + w * (A[0][1] * m + A[0][0] * (N - m - 1)) / (N - 1)
        product *= resident / mutant
        total += product
    rho = dynamics.fixation_probability(DILEMMA, population=N, mutant=1, resident=0, selection=0.1, exponential=False)
    assert rho == pytest.approx(float(1 / total), rel=1e-12)


def test_small_probabilities_keep_their_digits():
    # Constant gain -1, strength s: rho = (e^s - 1) / (e^(N s) - 1), here about 1e-130.
    game = one_population([[0.0, 0.0], [1.0, 1.0]])
    rho = dynamics.fixation_probability(game, population=100, process=dynamics.pairwise_comparison, selection=3.0)
    assert rho == pytest.approx(math.expm1(3.0) / math.expm1(300.0), rel=1e-10)


@pytest.mark.parametrize(
    "process", [dynamics.moran_process, dynamics.pairwise_comparison], ids=lambda process: process.__name__
)
def test_simulated_mutants_take_over_as_often_as_the_formula_says(process):
    rho = dynamics.fixation_probability(HAWK_DOVE, population=8, process=process)
    runs = dynamics.many(process, HAWK_DOVE, seeds=range(1500), population=8, start=[1, 7], steps=1500, record=1)
    last = np.array([run.strategies[0][-1, 0] for run in runs])
    fixed = last == 1.0
    # Of those still mixed after so long there may be a few: they widen the interval.
    open_runs = np.mean((last > 0.0) & (last < 1.0))
    assert abs(fixed.mean() - rho) <= 4 * math.sqrt(rho * (1 - rho) / 1500) + open_runs
    assert open_runs < 0.02


@given(st.lists(st.integers(-9, 9), min_size=4, max_size=4), st.integers(3, 50))
def test_weak_selection_follows_the_one_third_law(A, population):
    # Nowak et al. 2004, equation for finite N: a (N-2) + b (2N-1) > c (N+1) + d (2N-4).
    a, b, c, d = A
    N = population
    sign = a * (N - 2) + b * (2 * N - 1) - c * (N + 1) - d * (2 * N - 4)
    rho = dynamics.fixation_probability(
        one_population([[a, b], [c, d]]), population=N, selection=1e-6, exponential=False
    )
    if sign == 0:
        assert rho == pytest.approx(1 / N, rel=1e-7)
    else:
        assert (rho > 1 / N) == (sign > 0)


def test_large_populations_in_a_bistable_game_favour_a_basin_above_two_thirds():
    # The law itself: the mixed equilibrium below one third, that is a + 2b > c + 2d.
    def favoured(threshold):
        game = one_population([[1 - threshold, 0.0], [0.0, threshold]])
        return dynamics.fixation_probability(game, population=2000, selection=1e-6, exponential=False) > 1 / 2000

    assert favoured(0.32)
    assert not favoured(0.35)


def test_rare_mutations_leave_the_distribution_of_the_small_mutation_limit():
    # Fudenberg and Imhof 2006: the error falls with the mutation rate.
    A = np.array([[1.0, 2.0, 0.0], [0.5, 1.0, 2.0], [2.0, 0.3, 1.0]])
    for process in (dynamics.moran_process, dynamics.pairwise_comparison, dynamics.wright_fisher_process):
        limit = dynamics.small_mutation_limit(one_population(A), population=8, process=process)
        errors = []
        for mutation in (1e-3, 1e-4, 1e-5):
            chain = dynamics.composition_chain(one_population(A), population=8, process=process, mutation=mutation)
            errors.append(np.abs(chain.mean() - limit).max())
        assert errors[0] > errors[1] > errors[2]
        assert errors[2] == pytest.approx(errors[1] / 10, rel=0.1)


def test_the_small_mutation_limit_is_alpha_rank_where_payoffs_depend_on_oneself_alone():
    worth = np.array([0.0, 0.02, 0.05, 0.01])
    game = one_population(np.repeat(worth[:, None], 4, axis=1))
    ranked = gt.solvers.alpha_rank(game, alpha=10.0, population_size=30, single_population=True)
    limit = dynamics.small_mutation_limit(game, population=30, process=dynamics.pairwise_comparison, selection=10.0)
    assert np.allclose(limit, ranked.distribution, rtol=1e-10)


def test_open_spiel_ranks_the_same_population_alike():
    alpharank = pytest.importorskip("open_spiel.python.egt.alpharank")
    worth = np.array([0.0, 0.02, 0.05])
    game = one_population(np.repeat(worth[:, None], 3, axis=1))
    _, _, shares, *_ = alpharank.compute([game.payoffs[0]], m=20, alpha=10.0, use_local_selection_model=True)
    limit = dynamics.small_mutation_limit(game, population=20, process=dynamics.pairwise_comparison, selection=10.0)
    assert np.allclose(limit, shares, atol=1e-6)


@pytest.mark.parametrize(
    ("process", "weight"),
    [
        (dynamics.pairwise_comparison, lambda gain: math.tanh(0.8 * gain / 2)),
        (dynamics.proportional_imitation, lambda gain: gain / 3.0),
    ],
    ids=["pairwise_comparison", "proportional_imitation"],
)
def test_large_populations_move_as_the_mean_dynamics(process, weight):
    A = np.array([[0.0, 3.0, 1.0], [1.0, 0.0, 2.0], [0.5, 2.0, 1.0]])
    errors = []
    for N in (100, 1000):
        n = np.array([0.2, 0.3, 0.5]) * N
        M = moves_by_hand(process, A, n.tolist(), 0.8, 0.0)
        drift = M.sum(axis=0) - M.sum(axis=1)
        x, u = n / N, A @ n / N
        field = [x[i] * sum(x[j] * weight(u[i] - u[j]) for j in range(3)) for i in range(3)]
        errors.append(np.abs(drift - field).max())
    # Traulsen et al. 2006; Schlag 1998: the replicator dynamics over the range of payoffs. The error is of order 1/N.
    assert errors[1] == pytest.approx(errors[0] / 10, rel=0.2)


def test_states_are_all_the_compositions():
    states = compositions(4, 3)
    assert len(states) == math.comb(6, 2)
    assert len(np.unique(states, axis=0)) == len(states)
    assert (states.sum(axis=1) == 4).all()
    assert compositions(5, 1).tolist() == [[5]]


BAD = [
    (dynamics.moran_process, DILEMMA, {"population": 1}, "population is 1: give a whole number from 2"),
    (dynamics.moran_process, DILEMMA, {"mutation": 1.2}, "mutation is 1.2"),
    (dynamics.moran_process, DILEMMA, {"selection": -1}, "selection is -1"),
    (dynamics.moran_process, DILEMMA, {"start": [60, 60]}, "100 in all"),
    (dynamics.moran_process, HAWK_DOVE, {"exponential": False}, "the fitness 1 - w \\+ w u would be -1"),
    (dynamics.moran_process, DILEMMA, {"selection": 2, "exponential": False}, "selection is 2"),
    (dynamics.fixation_probability, DILEMMA, {"mutant": 2}, "mutant is 2: the game has the strategies 0 to 1"),
    (dynamics.fixation_probability, DILEMMA, {"mutant": 1}, "mutant and resident are both 1"),
    (dynamics.fixation_probability, DILEMMA, {"n_mutants": 100}, "below the population of 100"),
    (dynamics.fixation_probability, DILEMMA, {"process": dynamics.imitate_the_best}, "every mutant may take over"),
    (dynamics.composition_chain, DILEMMA, {"process": dynamics.exp3}, "process is"),
    (dynamics.composition_chain, DILEMMA, {"process": ["moran"]}, "process is"),
    (dynamics.composition_chain, ROCK_PAPER_SCISSORS, {"population": 200}, "20,301 compositions"),
    (dynamics.stochastically_stable, DILEMMA, {"population": 0}, "population is 0"),
]


@pytest.mark.parametrize(
    ("function", "game", "setting", "message"),
    BAD,
    ids=[f"{place}-{function.__name__}-{'-'.join(setting)}" for place, (function, _, setting, _) in enumerate(BAD)],
)
def test_settings_out_of_range_are_errors(function, game, setting, message):
    with pytest.raises(gt.GameError, match=message):
        function(game, **setting)


@pytest.mark.parametrize(
    "function",
    [*PROCESSES, dynamics.fixation_probability, dynamics.small_mutation_limit, dynamics.stochastically_stable],
    ids=lambda function: function.__name__,
)
def test_asymmetric_games_are_errors(function):
    with pytest.raises(gt.UnsupportedGame, match="a population plays a symmetric game of two players"):
        function(gt.NormalFormGame.bimatrix([[1, 2], [3, 4]], [[1, 2], [3, 4]]))


@pytest.mark.parametrize("process", PROCESSES[:2] + PROCESSES[4:5], ids=lambda process: process.__name__)
def test_imitators_rest_in_a_mixture_only_if_the_numbers_allow_one(process):
    # Hawks and doves of N earn the same at N / 2 + 1 hawks: among 10 that is a state, among 11 it lies between two.
    for population, ends in ((10, {0, 6, 10}), (11, {0, 11})):
        chain = dynamics.composition_chain(HAWK_DOVE, population=population, process=process)
        assert set(chain.states[np.diagonal(chain.transitions) == 1.0, 0].tolist()) == ends
        later = np.linalg.matrix_power(chain.transitions, 10_000)[population // 2]
        resting = later[np.diagonal(chain.transitions) == 1.0].sum()
        assert resting == pytest.approx(float(population == 10), abs=1e-12)


def test_a_chain_without_mutation_has_no_stationary_distribution():
    with pytest.raises(gt.GameError, match="give a mutation above 0"):
        dynamics.composition_chain(DILEMMA, population=4).stationary()
    with pytest.raises(gt.GameError, match="lead to none that is never left"):
        dynamics.composition_chain(DILEMMA, population=4, mutation=0.1).absorption()
