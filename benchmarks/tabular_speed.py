"""Steps a second of every table learner, and of learning dynamics, against OpenSpiel, nashpy, QuantEcon and Python.

A step is one joint step of two players who learn. Ratios are of CPU seconds for a step, in interleaved rounds, however
many steps each side makes in a round. Everything is compiled before the clock starts.
"""

from __future__ import annotations

import inspect
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import marlgt as gt
from benchmarks.harness import Row, compare, seconds_per_call
from marlgt.errors import GameError, UnsupportedGame
from marlgt.learners import TableLearner, play_seeds

AREA = "tabular learning"
STEPS = 200_000
TRIAL, TRIAL_IN_PYTHON, SECONDS = 60_000, 500, 0.1
"""Steps by which a learner's speed is guessed, and the seconds that a call is to take then."""

GOALS = {
    ("QLearning", "repeated"): 3.0,
    ("QLearning", "soccer"): 3.0,
    ("JALAM", "repeated"): 1.0,
    ("WoLFPHC", "repeated"): 1.0,
    ("MinimaxQ", "soccer"): 1.0,
}
"""Million steps a second asked for."""

APART = {
    "FixedPolicy": "UniformPolicy is one",
    "Person": "as fast as she is",
    "SpielBot": "as fast as the bot is",
}
"""Players that are not timed, and why."""

OPEN_SPIEL, NESTED, KEYED, LINPROG = 250.0, 40.0, 400.0, 2500.0
"""Least ratios to OpenSpiel's agents, and to Python with nested lists, with dictionaries, and with scipy's linprog."""


def run() -> list[Row]:
    return list(_rows())


def _rows() -> Iterator[Row]:
    games = {"repeated": gt.games.rock_paper_scissors(), "soccer": gt.games.soccer()}
    for name, kind in learner_kinds():
        for title, game in games.items():
            yield _learner(name, kind, title, game)
    for title, game in games.items():
        yield _many_seeds(title, game)
    yield from (_against_open_spiel("QLearning"), _against_open_spiel("WoLFPHC"))
    for title, game in games.items():
        yield _against_python(title, game)
    yield _against_linprog(games["soccer"])
    for size, steps, least in ((10, 1_000_000, 1000.0), (100, 100_000, 30.0)):
        yield _fictitious_play(size, steps, least)
    yield _regret_matching()


def learner_kinds() -> list[tuple[str, Any]]:
    """Return every public class that can act and observe, by name."""
    found = [(name, getattr(gt.learners, name)) for name in gt.learners.__all__]
    protocol = {"Learner", "TableLearner"}
    return [
        (name, kind)
        for name, kind in found
        if inspect.isclass(kind)
        and name not in protocol
        and all(hasattr(kind, need) for need in ("act", "observe", "policy"))
    ]


def _seated(kind: Any, game: Any, **settings: Any) -> list[Any]:
    first = kind(game, **settings)
    if getattr(first, "player", 0) == -1:
        return [first]
    return [first, kind(game, player=1, **settings)]


def _learner(name: str, kind: Any, title: str, game: Any) -> Row:
    case = f"{name}, {title}"
    if name in APART:
        return Row(area=AREA, case=case, ours=float("nan"), note=f"not timed: {APART[name]}")
    try:
        learners = _seated(kind, game)
    except (GameError, UnsupportedGame, TypeError) as problem:
        return Row(area=AREA, case=case, ours=float("nan"), note=f"not timed by itself: {problem}")
    fused = issubclass(kind, TableLearner)
    trial = TRIAL if fused else TRIAL_IN_PYTHON
    play_seeds(game, learners, steps=trial, seeds=[0], record=1)
    once = seconds_per_call(lambda: play_seeds(game, learners, steps=trial, seeds=[0], record=1), 1)
    steps = int(np.clip(SECONDS / once * trial, trial, STEPS))
    row = compare(AREA, case, lambda: play_seeds(game, learners, steps=steps, seeds=[0], record=1), {}, rounds=3)
    row.facts["million steps a second"] = steps / row.ours / 1e6
    if (name, title) in GOALS:
        row.facts_goal["million steps a second"] = GOALS[name, title]
    return replace(row, note=f"{steps} steps{'' if fused else ', step by step in Python'}")


def _many_seeds(title: str, game: Any) -> Row:
    """Compare a thousand seeds in one call with one seed: in as long a run, and in as many runs from the beginning."""
    learners = _seated(gt.learners.QLearning, game)
    steps, seeds = 5000, 1000
    # Early steps cost more: all values are tied. In soccer so many are early that only the second comparison is fair.
    long, short = (1.0, 0.0) if title == "repeated" else (0.0, 1.0)

    def alone(length: int) -> Callable[[], object]:
        return lambda: play_seeds(game, learners, steps=length, seeds=[0], record=1)

    return _per_step(
        f"1000 seeds in one call, Q-learning, {title}",
        lambda: play_seeds(game, learners, steps=steps, seeds=range(seeds), record=1),
        steps * seeds,
        {
            "one seed, as long": (alone(steps * seeds), steps * seeds, long),
            "one seed at a time": (alone(steps), steps, short),
        },
        rounds=3,
        note=f"{steps} steps of each seed",
    )


def _per_step(
    case: str,
    ours: Callable[[], object],
    our_steps: int,
    peers: dict[str, tuple[Callable[[], object], int, float]],
    *,
    rounds: int = 5,
    note: str = "",
) -> Row:
    """Compare by the step: each peer with the steps that a call of it makes, and the least ratio."""
    row = compare(AREA, case, ours, {name: call for name, (call, _, _) in peers.items()}, rounds=rounds, note=note)
    ratios = {name: ratio * our_steps / peers[name][1] for name, ratio in row.peers.items()}
    goal = {name: least for name, (_, _, least) in peers.items() if least > 0.0}
    facts = {"million steps a second": our_steps / row.ours / 1e6}
    return replace(row, peers=ratios, goal=goal, facts=facts)


def _against_open_spiel(name: str) -> Row:
    from open_spiel.python import rl_environment
    from open_spiel.python.algorithms import tabular_qlearner, wolf_phc

    game = gt.games.rock_paper_scissors()
    learners = _seated(getattr(gt.learners, name), game)
    kind = tabular_qlearner.QLearner if name == "QLearning" else wolf_phc.WoLFPHC
    environment = rl_environment.Environment("matrix_rps")
    agents = [kind(player_id=i, num_actions=3) for i in range(2)]
    plays = 200

    def theirs() -> None:
        for _ in range(plays):
            time_step = environment.reset()
            while not time_step.last():
                time_step = environment.step([agent.step(time_step).action for agent in agents])
            for agent in agents:
                agent.step(time_step)

    return _per_step(
        f"{name} against OpenSpiel's, repeated",
        lambda: play_seeds(game, learners, steps=STEPS, seeds=[0], record=1),
        STEPS,
        {"open_spiel": (theirs, plays, OPEN_SPIEL)},
        note="theirs in rl_environment on matrix_rps",
    )


def _tables(game: Any) -> tuple[list[Any], list[Any], list[bool], list[int]]:
    """Return successors and rewards of cells as lists, which states are terminal, and where play may begin."""
    whole = game if isinstance(game, gt.games.StochasticGame) else gt.games.StochasticGame.repeated(game, discount=0.9)
    rewards = np.moveaxis(whole.rewards, 0, -1)
    chances = whole.probabilities.cumsum(axis=-1)
    cells = [
        [[(whole.successors[s, a, b].tolist(), chances[s, a, b].tolist()) for b in range(rewards.shape[2])]
         for a in range(rewards.shape[1])]
        for s in range(whole.n_states)
    ]  # fmt: skip
    return cells, rewards.tolist(), whole.terminal.tolist(), np.flatnonzero(whole.start).tolist()


def nested_lists(layout: Any, steps: int, seed: int = 0) -> list[Any]:
    """Run independent Q-learning in plain Python with tables in nested lists, ties drawn as ours draws them."""
    cells, rewards, terminal, starts = layout
    actions = len(rewards[0])
    rng = random.Random(seed)
    tables = [[[0.0] * actions for _ in cells] for _ in range(2)]
    earned = [0.0, 0.0]
    state = rng.choice(starts)
    for _ in range(steps):
        chosen = []
        for table in tables:
            row = table[state]
            if rng.random() < 0.1:
                chosen.append(rng.randrange(actions))
            else:
                top = max(row)
                chosen.append(rng.choice([a for a in range(actions) if row[a] == top]))
        nexts, sums = cells[state][chosen[0]][chosen[1]]
        following = nexts[0]
        if len(nexts) > 1:
            share = rng.random()
            following = next((s for s, total in zip(nexts, sums) if share < total), nexts[-1])
        for i, table in enumerate(tables):
            target = rewards[state][chosen[0]][chosen[1]][i]
            earned[i] += target
            if not terminal[following]:
                target += 0.9 * max(table[following])
            table[state][chosen[i]] += 0.1 * (target - table[state][chosen[i]])
        state = rng.choice(starts) if terminal[following] else following
    return tables


def keyed_by_text(layout: Any, steps: int, seed: int = 0) -> list[Any]:
    """Run independent Q-learning as textbooks write it: dictionaries keyed by states as text, numpy's choices."""
    cells, rewards, terminal, starts = layout
    actions = len(rewards[0])
    rng = np.random.default_rng(seed)
    tables: list[Any] = [defaultdict(lambda: np.zeros(actions)) for _ in range(2)]
    state = int(rng.choice(starts))
    for _ in range(steps):
        chosen = []
        for table in tables:
            key = str((state,))
            if rng.random() < 0.1:
                chosen.append(int(rng.choice(actions)))
            else:
                best = np.flatnonzero(table[key] == np.max(table[key]))
                chosen.append(int(rng.choice(best)))
        nexts, sums = cells[state][chosen[0]][chosen[1]]
        following = nexts[int(np.searchsorted(sums, rng.random(), side="right").clip(0, len(nexts) - 1))]
        for i, table in enumerate(tables):
            target = rewards[state][chosen[0]][chosen[1]][i]
            if not terminal[following]:
                target += 0.9 * np.max(table[str((following,))])
            table[str((state,))][chosen[i]] += 0.1 * (target - table[str((state,))][chosen[i]])
        state = int(rng.choice(starts)) if terminal[following] else following
    return tables


def _against_python(title: str, game: Any) -> Row:
    learners = _seated(gt.learners.QLearning, game)
    layout, long, short = _tables(game), 20_000, 2000
    return _per_step(
        f"QLearning against Python, {title}",
        lambda: play_seeds(game, learners, steps=STEPS, seeds=[0], record=1),
        STEPS,
        {
            "nested lists": (lambda: nested_lists(layout, long), long, NESTED),
            "keyed by text": (lambda: keyed_by_text(layout, short), short, KEYED),
        },
        rounds=3,
        note="their tables of the game are laid out before the clock starts, ours within it",
    )


def minimax_with_linprog(layout: Any, steps: int, seed: int = 0) -> Any:
    """Run minimax-Q of the first player against random play in Python, with scipy's linprog for each stage game."""
    from scipy.optimize import linprog

    cells, rewards, terminal, starts = layout
    rng = random.Random(seed)
    rows, columns = len(cells[0]), len(cells[0][0])
    values = np.ones((len(cells), rows, columns))
    worth = np.ones(len(cells))
    policy = np.full((len(cells), rows), 1.0 / rows)
    cost = np.append(np.zeros(rows), -1.0)
    state = rng.choice(starts)
    for _ in range(steps):
        a = rng.randrange(rows) if rng.random() < 0.2 else rng.choices(range(rows), policy[state])[0]
        b = rng.randrange(columns)
        nexts, sums = cells[state][a][b]
        share = rng.random()
        following = next((s for s, total in zip(nexts, sums) if share < total), nexts[-1])
        target = rewards[state][a][b][0] + (0.0 if terminal[following] else 0.9 * worth[following])
        values[state, a, b] += 0.1 * (target - values[state, a, b])
        below = np.hstack([-values[state].T, np.ones((columns, 1))])
        found = linprog(
            cost,
            A_ub=below,
            b_ub=np.zeros(columns),
            A_eq=np.append(np.ones(rows), 0.0)[None],
            b_eq=[1.0],
            bounds=[(0, None)] * rows + [(None, None)],
        )
        policy[state], worth[state] = np.maximum(found.x[:rows], 0.0), -found.fun
        state = rng.choice(starts) if terminal[following] else following
    return values


def _against_linprog(game: Any) -> Row:
    learners = [gt.learners.MinimaxQ(game, player=0), gt.learners.UniformPolicy(game, player=1)]
    layout, steps = _tables(game), 100
    return _per_step(
        "MinimaxQ against Python with linprog, soccer",
        lambda: play_seeds(game, learners, steps=STEPS, seeds=[0], record=1),
        STEPS,
        {"linprog": (lambda: minimax_with_linprog(layout, steps), steps, LINPROG)},
        rounds=3,
        note="one learner against random play on both sides",
    )


def _random_game(size: int) -> tuple[np.ndarray, np.ndarray, Any]:
    rng = np.random.default_rng(size)
    rows, columns = rng.random((2, size, size))
    return rows, columns, gt.NormalFormGame.bimatrix(rows, columns)


def _fictitious_play(size: int, steps: int, least: float) -> Row:
    import nashpy
    import quantecon.game_theory as quantecon

    rows, columns, game = _random_game(size)
    theirs = nashpy.Game(rows, columns)
    other = quantecon.FictitiousPlay(
        quantecon.NormalFormGame([quantecon.Player(rows), quantecon.Player(np.ascontiguousarray(columns.T))])
    )
    short = 300
    return _per_step(
        f"fictitious play, {size} x {size}",
        lambda: gt.dynamics.fictitious_play(game, steps=steps, record=1, joint=False, keep_actions=False),
        steps,
        {
            "nashpy": (lambda: list(theirs.fictitious_play(iterations=short)), short, least),
            "quantecon": (lambda: other.play(num_reps=short), short, least),
        },
        note=f"{steps} steps of ours with its certificates, {short} of theirs",
    )


def _regret_matching() -> Row:
    from open_spiel.python.algorithms import regret_matching

    rows, columns, game = _random_game(10)
    short, steps = 300, 100_000
    return _per_step(
        "regret matching+, 10 x 10",
        lambda: gt.dynamics.regret_matching_plus(game, steps=steps, record=1, joint=False),
        steps,
        {"open_spiel": (lambda: regret_matching.regret_matching([rows, columns], iterations=short), short, 30.0)},
        note="theirs is plain regret matching",
    )


if __name__ == "__main__":
    from benchmarks.__main__ import describe

    for found in _rows():
        print(describe(found.__dict__ | {"met": found.met}), found.note, flush=True)
