"""Ctrl-C ends whatever takes long: compiled kernels return in time, and no solver takes an interrupt for an answer."""

import gc
import signal
import time

import pytest

import marlgt as gt
from marlgt import games, kernels, solvers
from marlgt.games import ExtensiveGame

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

DELAY = 0.3
PATIENCE = 10.0
"""Seconds that a loaded machine is given to end; in peace it takes a tenth of one."""


class Counting:
    """A step model without end."""

    players = ("1",)

    def initial_states(self):
        return [(1, 0)]

    def legal_actions(self, state, player):
        return (0, 1)

    def is_terminal(self, state):
        return False

    def step(self, state, actions):
        return [(1, state + 1, [0.0])]


def ties(levels):
    """Return a tree of two moves a node that all pay the same."""
    tree = games.TreeBuilder(["1", "2"])
    stack = [(None, 0)]
    while stack:
        parent, depth = stack.pop()
        if depth == levels:
            tree.terminal(parent, [0, 0])
        else:
            node = tree.decision(parent, depth % 2, None, ["left", "right"])
            stack += [(node, depth + 1)] * 2
    return tree.build()


def states(n_states, n_actions, **options):
    return games.random_stochastic_game(n_states, n_actions, discount=0.999, seed=0, **options)


def again(call):
    """Return a call that is made over and over, to outlast the delay on any machine."""

    def calls(game, **options):
        while True:
            call(game, **options)

    return calls


GEARED = {
    **{name: (games.leduc_poker, {"iterations": 10**9}, {"iterations": 1}) for name in ("cfr", "predictive_cfr_plus")},
    "extensive_fictitious_play": (games.leduc_poker, {"iterations": 10**9}, {"iterations": 1}),
    "external_sampling_mccfr": (games.leduc_poker, {"iterations": 10**9}, {"iterations": 1}),
    "outcome_sampling_mccfr": (games.leduc_poker, {"iterations": 10**9}, {"iterations": 1}),
    "mcts": (games.tic_tac_toe, {"simulations": 10**9, "seed": 0}, {"simulations": 1, "seed": 0}),
}
ENDLESS = {
    "sequence_form_lp": (games.leduc_poker, again(solvers.sequence_form_lp)),
    "sequence_form_lcp": (games.leduc_poker, again(solvers.sequence_form_lcp)),
    "subgame_perfect_equilibria": (
        lambda: ties(12),
        lambda g: solvers.subgame_perfect_equilibria(g, max_answers=10**6),
    ),
    "shapley_value_iteration": (
        lambda: states(300, (6, 6), zero_sum=True, branching=8),
        again(solvers.shapley_value_iteration),
    ),
    "hoffman_karp": (lambda: states(300, (6, 6), zero_sum=True, branching=8), again(solvers.hoffman_karp)),
    "modified_policy_iteration": (
        lambda: states(300, (6, 6), zero_sum=True, branching=8),
        again(solvers.modified_policy_iteration),
    ),
    "plan_common_interest": (
        lambda: states(300, (6, 6), common_interest=True, branching=8),
        again(solvers.plan_common_interest),
    ),
    "nash_value_iteration": (lambda: states(100, (5, 5)), again(solvers.nash_value_iteration)),
    "markov_logit": (lambda: states(60, (5, 5)), again(solvers.markov_logit)),
    "stationary_equilibrium": (lambda: states(20, (5, 5)), again(solvers.stationary_equilibrium)),
    "alpha_beta by rules": (games.ConnectFour, lambda g: solvers.alpha_beta(g, transpositions=True)),
    "alpha_beta in a tree": (games.tic_tac_toe, again(solvers.minimax_search)),
    "mcts by rules": (games.ConnectFour, lambda g: solvers.mcts(g, simulations=10**9, seed=0)),
    "psro": (lambda: games.random_zero_sum((60, 60), seed=0), again(solvers.psro)),
    "alpha_rank": (lambda: games.random_gaussian((30, 30), seed=0), again(solvers.alpha_rank)),
    "tabulate": (Counting, lambda model: games.tabulate(model, discount=0.9, max_states=10**9)),
    "from_rules": (games.ConnectFour, lambda rules: ExtensiveGame.from_rules(rules, max_nodes=10**9)),
    "from_efg": (lambda: ties(10).to_efg(), again(ExtensiveGame.from_efg)),
}


def interrupted(call):
    """Interrupt a call after a delay; return how it ended and how long that took."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    begun = time.perf_counter()
    # An exception raised within a callback of the garbage collector, such as Hypothesis has, is lost.
    gc.disable()
    try:
        # Again and again, for one raised within the callback of a weak reference is lost too.
        signal.setitimer(signal.ITIMER_REAL, DELAY, DELAY)
        try:
            answer = call()
        except KeyboardInterrupt:
            answer = "interrupted"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
    finally:
        signal.signal(signal.SIGALRM, before)
        gc.enable()
    return answer, time.perf_counter() - begun - DELAY


@pytest.mark.parametrize("gear", ["plain", "compiled"])
@pytest.mark.parametrize("name", GEARED)
def test_an_iteration_without_end_stops_in_either_gear(monkeypatch, name, gear):
    make, endless, short = GEARED[name]
    monkeypatch.setattr(kernels, "forced_gear", lambda: gear)
    monkeypatch.setattr(kernels, "_twins", kernels._twins if gear == "compiled" else {})
    game, solver = make(), getattr(solvers, name)
    if gear == "compiled":
        solver(game, **short)
    answer, late = interrupted(lambda: solver(game, **endless))
    assert answer == "interrupted"
    assert late < PATIENCE


@pytest.mark.parametrize("name", ENDLESS)
def test_work_without_end_stops(name):
    make, call = ENDLESS[name]
    game = make()
    answer, late = interrupted(lambda: call(game))
    assert answer == "interrupted"
    assert late < PATIENCE


def test_the_export_of_an_endless_game_stops():
    pyspiel = pytest.importorskip("pyspiel")
    game = pyspiel.load_game("connect_four")
    answer, late = interrupted(lambda: games.from_openspiel(game, max_nodes=10**9))
    assert answer == "interrupted"
    assert late < PATIENCE


def test_a_pyspiel_game_too_large_to_export_is_stopped_at_the_budget_of_nodes():
    pytest.importorskip("pyspiel")
    with pytest.raises(gt.BudgetExceeded, match="nodes") as raised:
        games.from_openspiel("connect_four", max_nodes=1000)
    assert raised.value.limit == 1000


def test_what_an_enumeration_found_until_it_was_stopped_is_no_stage_equilibrium(monkeypatch):
    from marlgt.solvers.stochastic import _stage_choice

    def stopped(game):
        return gt.Equilibria([], concept="nash", method="vertex_enumeration", stopped="interrupted")

    monkeypatch.setattr(_stage_choice, "vertex_enumeration", stopped)
    pennies = gt.NormalFormGame.bimatrix([[2, 0], [0, 1]], [[0, 1], [1, 0]])
    game = games.StochasticGame.repeated(pennies, discount=0.5)
    with pytest.raises(KeyboardInterrupt):
        solvers.nash_value_iteration(game)
