"""Search and empirical games against OpenSpiel's: alpha-beta, tree search, alpha-rank, PSRO and their meta-solvers.

Tree search counts simulations from the empty board of tic-tac-toe: ours by the rules, interpreted, and on the tree,
compiled, OpenSpiel's in C++. Its PSRO samples its payoff table and ours computes it, so that only the time of the
iterations is compared; gaps stand in the note. Peers that need cvxpy take part where it is installed.
"""

import contextlib
import io
import warnings

import numpy as np

import marlgt as gt
from benchmarks.harness import Row, compare

SIMULATIONS = 800
GAMES = 100
PSRO_ITERATIONS = 6


def run() -> list[Row]:
    rows = [_alpha_beta(), _tree_search(on_tree=False), _tree_search(on_tree=True), _strength()]
    rows += [_alpha_rank(*case) for case in (((2, 3, 2), 1.0), ((10, 10), 0.1), ((5, 5, 5), 0.1))]
    rows += [_replicator(shape) for shape in ((3, 3), (10, 10))]
    return rows + [row for row in (_psro(), _gini((5, 5)), _gini((3, 3, 3)), _averaging(5)) if row is not None]


def _alpha_beta() -> Row:
    import pyspiel
    from open_spiel.python.algorithms import minimax

    game, rules, tree = pyspiel.load_game("tic_tac_toe"), gt.games.TicTacToe(), gt.games.tic_tac_toe()
    found = gt.solvers.alpha_beta(rules)
    return compare(
        "search",
        "alpha-beta, tic-tac-toe",
        lambda: gt.solvers.alpha_beta(rules),
        {
            "open_spiel": lambda: minimax.alpha_beta_search(game),
            "ours, on the tree": lambda: gt.solvers.alpha_beta(tree),
        },
        rounds=5,
        note=f"{found.nodes} nodes by the rules, in row order",
    )


def _tree_search(*, on_tree: bool) -> Row:
    import pyspiel

    peer = pyspiel.load_game("tic_tac_toe")
    evaluator = pyspiel.RandomRolloutEvaluator(1, 0)
    bot = pyspiel.MCTSBot(
        peer, evaluator, 2.0**0.5, SIMULATIONS, 1000, False, 0, False, pyspiel.ChildSelectionPolicy.UCT
    )
    state = peer.new_initial_state()
    game = gt.games.tic_tac_toe() if on_tree else gt.games.TicTacToe()
    # A tree is searched compiled from some number of simulations on, and then at any number.
    gt.solvers.mcts(game, simulations=50_000 if on_tree else 10, seed=0)
    row = compare(
        "search",
        f"UCT, tic-tac-toe, {'on the tree' if on_tree else 'by the rules'}",
        lambda: gt.solvers.mcts(game, simulations=SIMULATIONS, seed=0),
        {"open_spiel": lambda: bot.mcts_search(state)},
        note=f"{SIMULATIONS} simulations",
    )
    rate = SIMULATIONS / row.ours
    return Row(**{**vars(row), "facts": {"simulations per second": rate}})


def _strength() -> Row:
    """Play against a random player, each side half the games."""
    rules, rng = gt.games.TicTacToe(), np.random.default_rng(0)
    results = []
    for k in range(GAMES):
        state = rules.initial_state()
        while rules.current_player(state) >= 0:
            if rules.current_player(state) == k % 2:
                seed = int(rng.integers(2**30))
                action = gt.solvers.mcts(rules, state, simulations=SIMULATIONS, seed=seed).action
            else:
                action = int(rng.choice(rules.legal_actions(state)))
            state = rules.next_state(state, action)
        results.append(rules.returns(state)[k % 2])
    facts = {"won": results.count(1), "drawn": results.count(0), "not lost": GAMES - results.count(-1)}
    return Row(
        "search",
        f"UCT with {SIMULATIONS} simulations against a random player",
        0.0,
        facts=facts,
        facts_goal={"not lost": GAMES},
        note=f"{GAMES} games of tic-tac-toe",
    )


def _alpha_rank(shape: tuple[int, ...], alpha: float) -> Row:
    from open_spiel.python.egt import alpharank

    payoffs = np.random.default_rng(1).normal(size=(len(shape), *shape))
    game = gt.NormalFormGame(payoffs)
    off = np.abs(
        gt.solvers.alpha_rank(game, alpha=alpha).distribution.reshape(-1)
        - alpharank.compute(list(payoffs), alpha=alpha)[2]
    )
    return compare(
        "empirical games",
        f"alpha-rank, {' x '.join(map(str, shape))}, alpha {alpha:g}",
        lambda: gt.solvers.alpha_rank(game, alpha=alpha),
        {"open_spiel": lambda: alpharank.compute(list(payoffs), alpha=alpha)},
        rounds=5,
        note=f"largest difference {off.max():.0e}",
    )


def _replicator(shape: tuple[int, int]) -> Row:
    from open_spiel.python.algorithms import projected_replicator_dynamics as peer

    steps = 10_000
    payoffs = np.random.default_rng(2).normal(size=(2, *shape))
    game = gt.NormalFormGame(payoffs)
    return compare(
        "empirical games",
        f"projected replicator dynamics, {shape[0]} x {shape[1]}",
        lambda: gt.solvers.projected_replicator_dynamics(game, steps=steps),
        {"open_spiel": lambda: peer.projected_replicator_dynamics(list(payoffs), prd_iterations=steps)},
        rounds=3,
        note=f"{steps} steps",
    )


def _psro() -> Row | None:
    try:
        import pyspiel
        from open_spiel.python.algorithms.psro_v2 import best_response_oracle, psro_v2
    except ImportError:
        return None
    peer, ours = pyspiel.load_game("kuhn_poker"), gt.games.kuhn_poker()
    found = gt.solvers.psro(ours, iterations=PSRO_ITERATIONS + 1)

    def theirs() -> object:
        oracle = best_response_oracle.BestResponseOracle(best_response_backend="cpp", game=peer)
        with contextlib.redirect_stdout(io.StringIO()):
            solver = psro_v2.PSROSolver(
                peer,
                oracle,
                sims_per_entry=10,
                meta_strategy_method="nash",
                training_strategy_selector="probabilistic",
            )
            for _ in range(PSRO_ITERATIONS):
                solver.iteration()
        return solver

    return compare(
        "empirical games",
        f"PSRO, Kuhn poker, {PSRO_ITERATIONS} iterations",
        lambda: gt.solvers.psro(ours, iterations=PSRO_ITERATIONS + 1),
        {"open_spiel": theirs},
        rounds=3,
        note=f"our table exact, theirs of 10 plays a cell; our gap {found.gaps[-1]:.1e}",
    )


def _gini(shape: tuple[int, ...]) -> Row | None:
    try:
        import cvxpy  # noqa: F401
        from open_spiel.python.algorithms import jpsro
    except ImportError:
        return None
    payoffs = np.random.default_rng(3).normal(size=(len(shape), *shape))
    game, ones = gt.NormalFormGame(payoffs), [np.ones(count) for count in shape]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compare(
            "empirical games",
            f"correlated equilibrium of greatest Gini impurity, {' x '.join(map(str, shape))}",
            lambda: gt.solvers.maximum_gini_correlated_equilibrium(game),
            {"open_spiel": lambda: jpsro._mgce(payoffs, ones)},
            rounds=5,
        )


def _averaging(count: int) -> Row | None:
    try:
        import cvxpy  # noqa: F401
        from open_spiel.python.algorithms import nash_averaging as peer
    except ImportError:
        return None
    # Whole numbers: on normal ones theirs ends with an error of its solver.
    upper = np.triu(np.random.default_rng(4).integers(-3, 4, (count, count)), 1).astype(float)
    table = upper - upper.T
    game = gt.NormalFormGame.zero_sum(table)
    return compare(
        "empirical games",
        f"Nash averaging, {count} agents",
        lambda: gt.solvers.nash_averaging(game),
        {"open_spiel": lambda: peer._max_entropy_symmetric_nash(table)},
        rounds=5,
    )
