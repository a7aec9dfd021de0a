"""Counterfactual regret minimization and exploitability, against OpenSpiel's C++ and LiteEFG.

A call runs ``ITERATIONS`` of the method on a game exported from OpenSpiel before the clock starts; how long the
export and the layout take is reported beside. OpenSpiel's solvers walk its states, whose information sets are
strings; ours and LiteEFG's read a compiled tree. LiteEFG takes part where it is installed.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import marlgt as gt
from benchmarks.harness import Row, compare
from marlgt.concepts import exploitability, nash_conv
from marlgt.games import behavior_profile_from_openspiel, from_openspiel
from marlgt.solvers import (
    RegretMinimizer,
    cfr_plus,
    external_sampling_mccfr,
    outcome_sampling_mccfr,
    predictive_cfr_plus,
)

CFR, EXPLOITABILITY, N_PLAYER = 100.0, 50.0, 15.0
"""Least ratios to OpenSpiel's C++."""

LITE_EFG = 1.0
AREA = "counterfactual regret"
GOOFSPIEL = "goofspiel(num_cards={},imp_info=True,points_order=descending)"

GAMES = (
    ("Kuhn poker", "kuhn_poker", 1000, 7, True),
    ("Leduc poker", "leduc_poker", 50, 5, True),
    ("goofspiel, 4 cards", GOOFSPIEL.format(4), 100, 5, True),
    ("goofspiel, 5 cards", GOOFSPIEL.format(5), 10, 5, True),
    ("liar's dice, 4 sides", "liars_dice(numdice=1,dice_sides=4)", 50, 5, True),
    ("liar's dice, 6 sides", "liars_dice(numdice=1,dice_sides=6)", 3, 3, False),
)
MANY = (
    ("Kuhn poker, 3 players", "kuhn_poker(players=3)", 200, 5),
    ("Kuhn poker, 4 players", "kuhn_poker(players=4)", 20, 5),
    ("Leduc poker, 3 players, suits alike", "leduc_poker(players=3,suit_isomorphism=True)", 2, 3),
    ("goofspiel, 3 players, 4 cards", GOOFSPIEL.format("4,players=3"), 10, 3),
)
METHODS = {"CFR": (float("inf"), float("inf"), 0.0), "CFR+": (float("inf"), -float("inf"), 1.0)}


def run() -> list[Row]:
    return list(_rows())


def _rows() -> Iterator[Row]:
    # Every kernel is compiled, as it is after the first long run, so that small work is not interpreted.
    exploitability(gt.games.kuhn_poker(), gt.games.kuhn_poker().uniform_profile())
    gt.warm_up()
    for case in GAMES:
        yield from _two_player(*case)
    for case in MANY:
        yield from _n_player(*case)
    for method in ("external", "outcome"):
        yield _sampled(method)
    yield from (_leduc(), _predictive(), _largest())


def _exported(name):
    import pyspiel

    started = time.process_time()
    game = from_openspiel(name)
    seconds = time.process_time() - started
    theirs = pyspiel.load_game(name)
    if theirs.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
        theirs = pyspiel.convert_to_turn_based(theirs)
    return game, theirs, seconds


def _two_player(title, name, iterations, rounds, lite):
    game, theirs, export = _exported(name)
    # An iteration of Kuhn poker is a microsecond: reading our clock and entering the kernel tell there.
    goal = CFR if game.n_nodes > 1000 else CFR / 2
    for method in METHODS:
        environment = _lite_efg(theirs, method) if lite else None
        yield _iterations(title, method, game, theirs, export, iterations, rounds, environment, goal)
    yield _exploitability(title, name, game, theirs, rounds)


def _n_player(title, name, iterations, rounds):
    game, theirs, export = _exported(name)
    yield _iterations(title, "CFR", game, theirs, export, iterations, rounds, None, N_PLAYER)
    yield _exploitability(title, name, game, theirs, rounds)


def _iterations(title, method, game, theirs, export, iterations, rounds, environment, goal):
    import pyspiel

    alpha, beta, gamma = METHODS[method]
    started = time.process_time()
    ours = RegretMinimizer(game, alpha=alpha, beta=beta, gamma=gamma)
    layout = time.process_time() - started
    solver = (pyspiel.CFRSolver if method == "CFR" else pyspiel.CFRPlusSolver)(theirs)
    peers = {"open_spiel": lambda: [solver.evaluate_and_update_policy() for _ in range(iterations)]}
    goals = {"open_spiel": goal}
    if environment is not None:
        peers["LiteEFG"] = lambda: [environment() for _ in range(iterations)]
        goals["LiteEFG"] = LITE_EFG
    row = compare(
        AREA,
        f"{method}, {title}",
        lambda: ours.advance(iterations),
        peers,
        goal=goals,
        rounds=rounds,
        note=f"{game.n_nodes} nodes, {sum(game.n_infosets)} information sets, {iterations} iterations; "
        f"export {export:.2g} s, layout {layout * 1e3:.2g} ms",
    )
    row.facts["us an iteration"] = row.ours / iterations * 1e6
    return row


def _exploitability(title, name, game, theirs, rounds):
    import pyspiel

    solver = pyspiel.CFRSolver(theirs)
    for _ in range(3):
        solver.evaluate_and_update_policy()
    # The solver's policy lives as long as the solver.
    policy = solver.average_policy()
    profile = behavior_profile_from_openspiel(name, policy, tree=game)
    ours, measure = (exploitability, pyspiel.exploitability) if game.n_players == 2 else (nash_conv, pyspiel.nash_conv)
    apart = abs(ours(game, profile) - measure(theirs, policy))
    # In the smallest games both are the cost of a call.
    goal = {} if game.n_nodes < 1000 else {"open_spiel": EXPLOITABILITY}
    return compare(
        AREA,
        f"exploitability, {title}",
        lambda: ours(game, profile),
        {"open_spiel": lambda: measure(theirs, policy)},
        goal=goal,
        rounds=rounds,
        note=f"checked at the door; the two differ by {apart:.1e}",
    )


def _lite_efg(theirs, method):
    """Return a function that runs one iteration of LiteEFG, or None; every graph needs an environment of its own."""
    home = os.environ.get("HOME")
    try:
        import importlib

        import LiteEFG

        module = importlib.import_module("LiteEFG.baselines.CFR" if method == "CFR" else "LiteEFG.baselines.CFRplus")
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(None):
            os.environ["HOME"] = folder
            environment, graph = LiteEFG.OpenSpielEnv(theirs, regenerate=True), module.graph()
            environment.set_graph(graph)
    except ImportError:
        return None
    finally:
        if home is not None:
            os.environ["HOME"] = home

    def iteration():
        graph.update_graph(environment)
        environment.update_strategy(graph.current_strategy())

    return iteration


def _sampled(method):
    import pyspiel

    game, theirs, _ = _exported("leduc_poker")
    if method == "external":
        ours, solver = external_sampling_mccfr, pyspiel.ExternalSamplingMCCFRSolver(theirs, 1)
    else:
        ours, solver = outcome_sampling_mccfr, pyspiel.OutcomeSamplingMCCFRSolver(theirs, 0.6, 1)
    iterations = 5000
    return compare(
        AREA,
        f"{method}-sampling MCCFR, Leduc poker",
        lambda: ours(game, iterations=iterations),
        {"open_spiel": lambda: [solver.run_iteration() for _ in range(iterations)]},
        goal={"open_spiel": 1.0},
        rounds=5,
        note=f"{iterations} iterations, ours with the layout, its trace and its certificate",
    )


def _leduc():
    game = from_openspiel("leduc_poker")
    answer = cfr_plus(game, iterations=10**6, gap=1e-4)
    row = compare(
        AREA,
        "Leduc poker to exploitability 1e-4, CFR+",
        lambda: cfr_plus(game, iterations=10**6, gap=1e-4),
        {},
        rounds=3,
        note=f"{answer.work['iterations']} iterations, certified at {exploitability(game, answer.profile):.2e}",
    )
    row.facts["2 s over the time"] = 2.0 / row.ours
    row.facts_goal["2 s over the time"] = 1.0
    return row


def _predictive():
    game = from_openspiel("kuhn_poker")
    row = compare(
        AREA, "1000 iterations of predictive CFR+, Kuhn poker", lambda: predictive_cfr_plus(game), {}, rounds=5
    )
    left = exploitability(game, predictive_cfr_plus(game).profile)
    row.facts.update({"exploitability": left, "2e-6 over it": 2e-6 / left})
    row.facts_goal["2e-6 over it"] = 1.0
    return row


def _largest():
    """Solve liar's dice with 6 sides in a process of its own, whose peak memory counts OpenSpiel and the export."""
    done = subprocess.run([sys.executable, "-c", LARGEST], capture_output=True, check=True, text=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    return Row(
        area=AREA,
        case="liar's dice, 6 sides, to exploitability 1e-3, predictive CFR+",
        ours=seen["seconds"],
        note=f"{seen['nodes']} nodes, {seen['iterations']} iterations, exploitability {seen['exploitability']:.2e}; "
        f"export {seen['export']:.2g} s; peak memory {seen['peak'] / 2**30:.2f} GiB with OpenSpiel and the export",
        facts={"60 s over the time": 60 / seen["seconds"], "2 GB over the peak memory": 2e9 / seen["peak"]},
        facts_goal={"60 s over the time": 1.0, "2 GB over the peak memory": 1.0},
    )


LARGEST = """
import json, resource, time
from marlgt.concepts import exploitability
from marlgt.games import from_openspiel
from marlgt.solvers import predictive_cfr_plus
started = time.process_time()
game = from_openspiel("liars_dice(numdice=1,dice_sides=6)")
export = time.process_time() - started
started = time.process_time()
answer = predictive_cfr_plus(game, iterations=100000, gap=1e-3)
seconds = time.process_time() - started
print(json.dumps(dict(seconds=seconds, export=export, nodes=game.n_nodes, iterations=answer.work["iterations"],
    exploitability=exploitability(game, answer.profile),
    peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)))
"""


if __name__ == "__main__":
    from benchmarks.__main__ import describe

    for found in _rows():
        print(describe(found.__dict__ | {"met": found.met}), found.note, flush=True)
