"""Extensive games against Gambit: linear programs, complementarity, every equilibrium, pure ones and logit paths.

Each game is written as ``.efg`` and read by Gambit before the clock starts. The answers are compared: values of
zero-sum games to 1e-6, the payoffs of all equilibria where all are asked for; a note names each game on which they
differ. Gambit runs in a process of its own, as in ``benchmarks.n_player``: ``MARLGT_GAMBIT_PYTHON`` names a Python with
pygambit 17 or later; without it the rows hold our times alone.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import statistics
import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

import marlgt as gt
from benchmarks.harness import Row, repeats_for, seconds_per_call
from marlgt import ExtensiveGame, games
from marlgt.games import TreeBuilder
from marlgt.games.files.efg import format_efg
from marlgt.games.strategic_form import strategic_form

AREA = "trees against gambit"
ROUNDS = 3
PEER_LIMIT = 30.0

WORKER = """
import io, json, sys, time
import pygambit
for line in sys.stdin:
    task = json.loads(line)
    trees = [pygambit.read_efg(io.BytesIO(text.encode())) for text in task["games"]]
    solve = getattr(pygambit.nash, task["method"] + "_solve")
    started = time.process_time()
    results = [solve(tree, **task["arguments"]) for tree in trees]
    seconds = time.process_time() - started
    found = [r.equilibria if hasattr(r, "equilibria") else [r.equilibrium] for r in results]
    values = [
        [[float(e.payoffs[player]) for player in tree.players] for e in equilibria]
        for tree, equilibria in zip(trees, found)
    ]
    print(json.dumps({"version": pygambit.__version__, "seconds": seconds, "values": values}), flush=True)
"""


class Gambit:
    """A Python process with pygambit that is started again after a call that took too long, or nothing."""

    def __init__(self) -> None:
        self.python = os.environ.get("MARLGT_GAMBIT_PYTHON", "")
        self.process: subprocess.Popen[str] | None = None

    def answer(self, texts: Sequence[str], method: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """Return seconds and payoffs; None where Gambit is absent, dies or takes too long."""
        if not self.python:
            return None
        if self.process is None:
            self.process = subprocess.Popen(
                [self.python, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )
        line = ""
        try:
            self.process.stdin.write(json.dumps({"games": texts, "method": method, "arguments": arguments}) + "\n")
            with selectors.DefaultSelector() as waiting:
                waiting.register(self.process.stdout, selectors.EVENT_READ)
                if waiting.select(PEER_LIMIT):
                    line = self.process.stdout.readline()
        except BrokenPipeError:
            pass
        if not line:
            self.close()
            return None
        return json.loads(line)

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def run() -> list[Row]:
    warm_up()
    gambit = Gambit()
    try:
        return [*zero_sum(gambit), *complementarity(gambit), *every_equilibrium(gambit), *pure(gambit), *logit(gambit)]
    finally:
        gambit.close()


def zero_sum(gambit: Gambit) -> list[Row]:
    """The sequence-form linear program, in fractions and in floats."""
    cases = [
        ("Myerson's card game", [games.myerson_poker_tree()]),
        ("stripped-down poker", [games.stripped_down_poker()]),
        ("Kuhn poker", [games.kuhn_poker()]),
        ("Kuhn poker, 8 cards", [games.kuhn_poker(n_cards=8)]),
        ("10 random zero-sum trees", random_trees(10, deals=2, moves=4, zero_sum=True)),
        ("Leduc poker", [games.leduc_poker(suits=False)]),
    ]
    rows = []
    for title, trees in cases:
        for exact in (True, False):
            rows.append(
                timed(
                    gambit,
                    f"linear program in {'fractions' if exact else 'floats'}, {title}",
                    trees,
                    lambda tree, exact=exact: [gt.solvers.sequence_form_lp(tree, exact=exact)],
                    "lp",
                    {"rational": exact},
                    same_values,
                )
            )
    return rows


def complementarity(gambit: Gambit) -> list[Row]:
    """One equilibrium of a general-sum tree by Lemke's algorithm on the sequence form."""
    cases = [
        ("centipede, 6 moves", [games.centipede_tree(moves=6)]),
        ("beer and quiche", [games.beer_quiche()]),
        ("10 random trees", random_trees(10, deals=2, moves=3)),
        ("5 random trees, larger", random_trees(5, deals=2, moves=5)),
    ]
    return [
        timed(
            gambit,
            f"complementarity in {'fractions' if exact else 'floats'}, {title}",
            trees,
            lambda tree, exact=exact: [gt.solvers.sequence_form_lcp(tree, exact=exact)],
            "lcp",
            {"rational": exact},
            both_answer,
        )
        for title, trees in cases
        for exact in (True, False)
    ]


def every_equilibrium(gambit: Gambit) -> list[Row]:
    """All extreme equilibria of the reduced normal form, in fractions."""
    cases = [
        ("Myerson's card game", [games.myerson_poker_tree()]),
        ("stripped-down poker", [games.stripped_down_poker()]),
        ("10 random trees", random_trees(10, deals=2, moves=2)),
    ]
    return [
        timed(
            gambit,
            f"every equilibrium, {title}",
            trees,
            lambda tree: list(gt.solvers.reduced_normal_form(tree)),
            "enummixed",
            {},
            same_set_of_values,
        )
        for title, trees in cases
    ]


def pure(gambit: Gambit) -> list[Row]:
    """Pure equilibria of the reduced normal form, and the subgame-perfect one against all pure ones."""
    trees = random_trees(10, deals=1, moves=4)
    rows = [
        timed(
            gambit,
            "pure equilibria, 10 random trees",
            trees,
            lambda tree: list(gt.solvers.pure_equilibria(strategic_form(tree))),
            "enumpure",
            {},
            same_set_of_values,
        )
    ]
    for moves in (4, 6):
        rows.append(
            timed(
                gambit,
                f"backward induction, centipede, {moves} moves",
                [games.centipede_tree(moves=moves)],
                lambda tree: [gt.solvers.backward_induction(tree)],
                "enumpure",
                {},
                is_among_theirs,
                note="one subgame-perfect equilibrium against all pure ones: Gambit has no backward induction",
            )
        )
    return rows


def logit(gambit: Gambit) -> list[Row]:
    """The logit path of the reduced normal form."""
    cases = [
        ("Myerson's card game", [games.myerson_poker_tree()]),
        ("Kuhn poker", [games.kuhn_poker()]),
        ("10 random trees", random_trees(10, deals=1, moves=3)),
    ]
    return [
        timed(
            gambit,
            f"logit path, {title}",
            trees,
            lambda tree: [gt.solvers.logit(strategic_form(tree))],
            "logit",
            {"use_strategic": True, "maxregret": 1e-8},
            both_answer,
        )
        for title, trees in cases
    ]


def random_trees(number: int, *, deals: int, moves: int, zero_sum: bool = False) -> list[ExtensiveGame]:
    """Two players get one of ``deals`` cards each and move in turn, seen by both; payoffs are whole and random."""
    return [random_tree(np.random.default_rng(seed), deals, moves, zero_sum) for seed in range(number)]


def random_tree(rng: np.random.Generator, deals: int, moves: int, zero_sum: bool) -> ExtensiveGame:
    tree = TreeBuilder(["first", "second"])

    def grow(parent: int | None, cards: tuple[int, int], seen: tuple[int, ...]) -> None:
        if len(seen) == moves:
            first, second = (int(x) for x in rng.integers(-20, 21, size=2))
            tree.terminal(parent, [first, -first if zero_sum else second])
            return
        mover = len(seen) % 2
        node = tree.decision(parent, mover, f"{cards[mover]}|{seen}", ["left", "right"])
        for move in range(2):
            grow(node, cards, (*seen, move))

    if deals == 1:
        grow(None, (0, 0), ())
    else:
        pairs = [(a, b) for a in range(deals) for b in range(deals)]
        root = tree.chance(None, [(f"{a} {b}", Fraction(1, len(pairs))) for a, b in pairs])
        for pair in pairs:
            grow(root, pair, ())
    return tree.build()


def timed(
    gambit: Gambit,
    case: str,
    trees: Sequence[ExtensiveGame],
    ours: Callable[[ExtensiveGame], list[Any]],
    method: str,
    arguments: dict[str, Any],
    agree: Callable[[ExtensiveGame, list[Any], list[Any]], str],
    *,
    note: str = "",
) -> Row:
    """Time both in turn on the same trees, once they are seen to agree; what does not agree is told in the note."""
    notes = [f"{len(trees)} games" if len(trees) > 1 else f"{trees[0].n_nodes} nodes"]
    notes += [note] if note else []
    texts = [format_efg(tree) for tree in trees]
    answer = gambit.answer(texts, method, arguments)
    repeats = repeats_for(lambda: [ours(tree) for tree in trees])
    if answer is None:
        notes += [f"Gambit did not answer in {PEER_LIMIT:g} s"] if gambit.python else []
    else:
        notes.append(f"Gambit {answer['version']}")
        for place, (tree, theirs) in enumerate(zip(trees, answer["values"])):
            found = [list(map(float, e.values)) for e in ours(tree)]
            why = agree(tree, found, theirs)
            if why:
                notes.append(f"game {place}: {why}")
    own, ratios = [], []
    rounds = ROUNDS if answer is None or answer["seconds"] < 2 else 1
    for _ in range(rounds):
        gc.collect()
        own.append(seconds_per_call(lambda: [ours(tree) for tree in trees], repeats) / len(trees))
        if answer is not None:
            again = gambit.answer(texts, method, arguments)
            if again is not None:
                ratios.append(again["seconds"] / len(trees) / own[-1])
    return Row(
        area=AREA,
        case=case,
        ours=statistics.median(own),
        peers={f"gambit {method}": statistics.median(ratios)} if ratios else {},
        note="; ".join(notes),
    )


def same_values(tree: ExtensiveGame, ours: list[Any], theirs: list[Any]) -> str:
    scale = max(1.0, float(np.abs(tree.terminal_payoffs).max()))
    if not theirs:
        return "Gambit finds nothing"
    apart = max(abs(a - b) for mine in ours for other in theirs for a, b in zip(mine, other))
    return "" if apart <= 1e-6 * scale else f"values differ by {apart:.2g}"


def both_answer(tree: ExtensiveGame, ours: list[Any], theirs: list[Any]) -> str:
    return "" if theirs else "Gambit finds nothing"


def same_set_of_values(tree: ExtensiveGame, ours: list[Any], theirs: list[Any]) -> str:
    mine, others = ({tuple(np.round(v, 6) + 0.0) for v in values} for values in (ours, theirs))
    return (
        "" if mine == others else f"payoffs of {len(mine - others)} of ours and {len(others - mine)} of Gambit's differ"
    )


def is_among_theirs(tree: ExtensiveGame, ours: list[Any], theirs: list[Any]) -> str:
    return "" if any(np.allclose(ours[0], other) for other in theirs) else "ours is not among Gambit's"


def warm_up() -> None:
    """Compile every kernel, as after a first long run."""
    gt.warm_up()
    tree = games.myerson_poker_tree()
    for exact in (True, False):
        gt.solvers.sequence_form_lp(tree, exact=exact)
        gt.solvers.sequence_form_lcp(tree, exact=exact)
    gt.solvers.logit(strategic_form(tree))
    gt.solvers.reduced_normal_form(tree)
