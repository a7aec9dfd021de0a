"""Cost against size: seconds and memory for trees of a thousand to a million nodes, which should grow in proportion.

The family: chance deals each of two players one of ten cards, then they move in turn in a random tree that both
see, with payoffs that depend on the cards at random. Every size runs in a process of its own, for its peak memory.
``python -m benchmarks.tree_size`` writes ``results/tree_size.json`` and ``results/tree_size.png``.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.harness import Row

CARDS = 10
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
ITERATIONS = 20
STEEPEST = 1.25
"""Largest exponent that counts as near-linear: rows that leave the cache cost more a node."""

RESULTS = Path(__file__).parent / "results"
STEPS = {
    "build": "tree built and checked",
    "layout": "sequence form",
    "iteration": "one iteration of CFR+",
    "exploitability": "exploitability",
}


def public_tree(n_nodes, rng):
    """Return parents, actions, movers and depths of a random tree in preorder, inner nodes with 2 or 3 actions."""
    parent, action, player = [-1], [-1], [-2]
    open_nodes = [0]
    children = {0: []}
    while len(parent) < n_nodes:
        # Growing at a random leaf keeps the tree about as deep as the logarithm of its size.
        place = int(rng.integers(len(open_nodes)))
        node = open_nodes[place]
        open_nodes[place] = open_nodes[-1]
        open_nodes.pop()
        player[node] = 0
        for k in range(int(rng.integers(2, 4))):
            children[node].append(len(parent))
            children[len(parent)] = []
            open_nodes.append(len(parent))
            parent.append(node)
            action.append(k)
            player.append(-2)
    order, stack, place, depth = [], [(0, 0)], {}, []
    while stack:
        node, deep = stack.pop()
        place[node] = len(order)
        order.append(node)
        depth.append(deep)
        stack.extend((child, deep + 1) for child in reversed(children[node]))
    parents = np.array([place.get(parent[v], -1) for v in order])
    movers = np.array([player[v] for v in order])
    return parents, np.array([action[v] for v in order]), np.where(movers < 0, -2, np.array(depth) % 2)


def card_game(n_nodes, seed=0):
    """Return a two-player zero-sum game of about so many nodes."""
    from marlgt import ExtensiveGame

    rng = np.random.default_rng(seed)
    deals = CARDS * CARDS
    parents, actions, movers = public_tree(max(3, n_nodes // deals), rng)
    size = len(parents)
    starts = 1 + size * np.arange(deals)[:, None]
    parent = np.where(parents < 0, 0, parents + starts).ravel()
    action = np.where(parents < 0, np.arange(deals)[:, None], actions).ravel()
    cards = np.stack([np.repeat(np.arange(CARDS), CARDS), np.tile(np.arange(CARDS), CARDS)])
    infosets = np.full((deals, size), -1)
    for i in range(2):
        own = np.flatnonzero(movers == i)
        infosets[:, own] = cards[i][:, None] * len(own) + np.arange(len(own))
    ends = np.tile(movers, deals) == -2
    outcome = np.where(ends, np.cumsum(ends) - 1, -1)
    paid = rng.standard_normal(int(ends.sum()))
    probability = np.ones(1 + deals * size)
    probability[starts.ravel()] = 1.0 / deals
    started = time.process_time()
    game = ExtensiveGame(
        np.concatenate([[-1], parent]),
        np.concatenate([[-1], action]),
        np.concatenate([[-1], np.tile(movers, deals)]),
        np.concatenate([[0], infosets.ravel()]),
        np.concatenate([[-1], outcome]),
        np.stack([paid, -paid]),
        probability=probability,
    )
    return game, time.process_time() - started


def measured(n_nodes):
    """Return what one size costs, in this process."""
    import marlgt as gt
    from marlgt.concepts import exploitability
    from marlgt.solvers import RegretMinimizer

    # Both gears of every kernel are loaded by a small game first.
    small, _ = card_game(1000)
    RegretMinimizer(small)
    exploitability(small, small.uniform_profile())
    gt.warm_up()
    again, _ = card_game(1000, seed=1)
    RegretMinimizer(again).advance(1)
    RegretMinimizer(again).exploitability()
    exploitability(again, again.uniform_profile())

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    game, build = card_game(n_nodes)
    started = time.process_time()
    run = RegretMinimizer(game)
    layout = time.process_time() - started
    run.advance(1)
    started = time.process_time()
    run.advance(ITERATIONS)
    iteration = (time.process_time() - started) / ITERATIONS
    profile = run.profile()
    exploitability(game, profile)
    started = time.process_time()
    exploitability(game, profile)
    return {
        "nodes": game.n_nodes,
        "infosets": sum(game.n_infosets),
        "build": build,
        "layout": layout,
        "iteration": iteration,
        "exploitability": time.process_time() - started,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "before": before,
    }


def run() -> list[Row]:
    points = []
    for size in SIZES:
        command = [sys.executable, "-m", "benchmarks.tree_size", str(size)]
        done = subprocess.run(command, capture_output=True, check=True, text=True, cwd=RESULTS.parents[1])
        points.append(json.loads(done.stdout.splitlines()[-1]))
    slopes = {name: slope(points, name) for name in STEPS}
    RESULTS.mkdir(exist_ok=True)
    recorded = {"command": "python -m benchmarks.tree_size", "points": points, "exponents": slopes}
    (RESULTS / "tree_size.json").write_text(json.dumps(recorded, indent=1) + "\n")
    draw(points, RESULTS / "tree_size.png")
    rows = []
    for name, words in STEPS.items():
        rows.append(
            Row(
                area="cost against size",
                case=f"{words}, {points[-1]['nodes']} nodes",
                ours=points[-1][name],
                note=f"from 10000 nodes on, seconds grow as nodes to the {slopes[name]:.2f}",
                facts={"near-linear": STEEPEST / slopes[name]},
                facts_goal={"near-linear": 1.0},
            )
        )
    last = points[-1]
    used = (last["peak"] - last["before"]) / last["nodes"]
    return [*rows, Row("cost against size", "memory", 0.0, facts={"bytes a node": used}, note="peak, build included")]


def slope(points, name):
    """Return the exponent of seconds against nodes, from 10000 nodes on, where fixed costs are gone."""
    large = [point for point in points if point["nodes"] >= 9000]
    x, y = (np.log([point[key] for point in large]) for key in ("nodes", name))
    return float(np.polyfit(x, y, 1)[0])


def draw(points, path):
    """Write a picture of seconds and of memory against nodes, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    nodes = np.array([point["nodes"] for point in points])
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, words in STEPS.items():
        left.loglog(nodes, [point[name] for point in points], "o-", label=words)
    left.loglog(nodes, nodes * 1e-7, color="grey", linestyle=":", label="0.1 us a node")
    left.set_xlabel("nodes")
    left.set_ylabel("CPU seconds")
    left.legend(fontsize=7)
    right.loglog(nodes, [point["peak"] / 2**20 for point in points], "o-", label="peak of the process")
    used = np.array([max(point["peak"] - point["before"], 1) / 2**20 for point in points])
    right.loglog(nodes[used > 0.1], used[used > 0.1], "o-", label="above what importing takes")
    right.set_xlabel("nodes")
    right.set_ylabel("MiB")
    right.legend(fontsize=7)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measured(int(sys.argv[1]))))
    else:
        from benchmarks.__main__ import describe

        for row in run():
            print(describe(row.__dict__ | {"met": row.met}), row.note)
