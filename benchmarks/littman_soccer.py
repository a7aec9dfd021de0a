"""Littman's soccer table (1994): who wins how often after a million steps of training, beside the paper's numbers.

Player A is trained by minimax-Q or Q-learning, against a random opponent (MR, QR) or against a learner of her own kind
(MM, QQ), for a million steps at discount 0.9. Rates fall from 1 to 0.01, a random action is played with probability
0.2, and values begin at 1, as in the paper. Her policy is then frozen and plays 100,000 steps against

* a random opponent,
* an opponent built by hand (ours: the paper does not describe its own),
* a challenger: a Q-learner that was trained against the frozen policy for a million steps.

Every step of these games that scores no goal ends the game as a draw with probability 0.1. Wins are shares of the games
that ended with a goal, as the paper's numbers of games show them to be.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

import marlgt as gt
from benchmarks.studies import record_study
from marlgt.concepts import nash_conv
from marlgt.concepts.stationary import best_stationary
from marlgt.learners import FixedPolicy, MinimaxQ, QLearning, UniformPolicy, bootstrap_interval, geometric, play

SEEDS = range(20)
TRAINING = 1_000_000
EVALUATION = 100_000
RATE = geometric(1.0, 10 ** (-2 / TRAINING))
DRAW = 0.1
SETTINGS: dict[str, Any] = {"learning_rate": RATE, "exploration": 0.2, "initial": 1.0}
EXACT_VALUE = 0.2184844404
"""Of the start with the ball; the two starts together are worth 0."""

KINDS = ("MR", "MM", "QR", "QQ")
OPPONENTS = ("random", "hand-built", "challenger")
PAPER = {
    ("MR", "random"): (99.3, 6500), ("MM", "random"): (99.3, 7200), ("QR", "random"): (99.4, 11300),
    ("QQ", "random"): (99.5, 8600), ("MR", "hand-built"): (48.1, 4300), ("MM", "hand-built"): (53.7, 5300),
    ("QR", "hand-built"): (26.1, 14300), ("QQ", "hand-built"): (76.3, 3300), ("MR", "challenger"): (35.0, 4300),
    ("MM", "challenger"): (37.5, 4400), ("QR", "challenger"): (0.0, 5500), ("QQ", "challenger"): (0.0, 1200),
}  # fmt: skip
"""Littman (1994), table 3: per cent won, and games, in 100,000 steps."""


def with_draws(game: gt.games.StochasticGame) -> gt.games.StochasticGame:
    """Return soccer in which a step that scores no goal ends the game with probability 0.1."""
    over = int(np.flatnonzero(game.terminal)[0])
    goal = game.terminal[game.successors]
    kept = np.where(goal, game.probabilities, (1 - DRAW) * game.probabilities)
    drawn = DRAW * np.where(goal, 0.0, game.probabilities).sum(axis=-1, keepdims=True)
    # A goal pays its scorer when it is scored; nothing else is paid.
    paid = game.rewards[0][..., None] if game.successor_rewards is None else game.successor_rewards[0]
    paid = np.where(goal, paid, 0.0)
    return gt.games.StochasticGame.zero_sum(
        np.concatenate([paid, np.zeros_like(drawn)], axis=-1),
        np.concatenate([game.successors, np.full(drawn.shape, over)], axis=-1),
        np.concatenate([kept, drawn], axis=-1),
        discount=game.discount,
        start=game.start,
        terminal=game.terminal,
    )


def hand_built() -> np.ndarray:
    """Return the policy of an opponent B who was built by hand, shape (S, 5).

    With the ball she goes to the nearer row of the goal and then east, around A if A is in the way. Without it she goes
    to the cell west of A, between A and the goal, and stands there. Of two sensible moves each is made half the time.
    """
    names = ("N", "S", "E", "W", "stand")
    policy = np.zeros((761, len(names)))
    policy[-1] = 1 / len(names)
    cells = [(row, column) for row in range(4) for column in range(5)]
    for a in cells:
        for b in cells:
            if a != b:
                for ball in range(2):
                    moves = _with_ball(a, b) if ball == 1 else _without_ball(a, b)
                    row = policy[gt.games.soccer_state(a, b, ball)]
                    for move in moves:
                        row[names.index(move)] += 1 / len(moves)
    return policy


def _with_ball(a: tuple[int, int], b: tuple[int, int]) -> list[str]:
    to_goal = {0: "S", 3: "N"}.get(b[0])
    if (b[0], b[1] + 1) == a:
        return [move for move, row in (("N", b[0] - 1), ("S", b[0] + 1)) if 0 <= row <= 3]
    if to_goal and (b[0] + (1 if to_goal == "S" else -1), b[1]) == a:
        return ["E"] if b[1] < 4 else ["W"]
    if to_goal and b[1] < 4:
        return [to_goal, "E"]
    return [to_goal or "E"]


def _without_ball(a: tuple[int, int], b: tuple[int, int]) -> list[str]:
    row, column = a[0], max(a[1] - 1, 0)
    moves = ["S"] * (b[0] < row) + ["N"] * (b[0] > row) + ["E"] * (b[1] < column) + ["W"] * (b[1] > column)
    return moves or ["stand"]


def trained(game: gt.games.StochasticGame, kind: str, seed: int) -> Any:
    """Return a learner A of a kind after training."""
    make = MinimaxQ if kind[0] == "M" else QLearning
    other = UniformPolicy(game, 1) if kind[1] == "R" else make(game, 1, **SETTINGS)
    learner = make(game, 0, **SETTINGS)
    play(game, [learner, other], steps=TRAINING, seed=seed, record=1)
    return learner


def challenger_of(game: gt.games.StochasticGame, policy: np.ndarray, seed: int) -> np.ndarray:
    """Return what a Q-learner B learns against a frozen policy of A."""
    challenger = QLearning(game, 1, **SETTINGS)
    play(game, [FixedPolicy(game, 0, policy=policy), challenger], steps=TRAINING, seed=1000 + seed, record=1)
    return challenger.policy()


def played_out(game: gt.games.StochasticGame, a: np.ndarray, b: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the per cent of games with a goal that A won, and their number."""
    pair = [FixedPolicy(game, 0, policy=a), FixedPolicy(game, 1, policy=b)]
    wins = play(game, pair, steps=EVALUATION, seed=2000 + seed, record=1).wins[0, 0]
    return float(100.0 * wins[0] / max(wins.sum(), 1.0)), float(wins.sum())


def study(folder: Path) -> None:
    """Train, play and record."""
    started = time.process_time()
    game = gt.games.soccer()
    games = with_draws(game)
    exact = gt.solve(game)[0].profile
    random, built = np.full((761, 5), 0.2), hand_built()
    rows = []
    for seed in SEEDS:
        for kind in (*KINDS, "exact"):
            learner = None if kind == "exact" else trained(game, kind, seed)
            policy = exact[0] if learner is None else learner.policy()
            opponents = {"random": random, "hand-built": built, "challenger": challenger_of(game, policy, seed)}
            row: dict[str, Any] = {"kind": kind, "seed": seed, **_measured(game, learner, policy, exact[1])}
            for name, other in opponents.items():
                won, count = played_out(games, policy, other, seed)
                row[name] = {"won": won, "games": count}
            rows.append(row)
    _record(folder, rows, time.process_time() - started)


def _measured(game: Any, learner: Any, policy: np.ndarray, answer: np.ndarray) -> dict[str, float | None]:
    # Against A's policy B's best reply earns what A loses: the game is worth 0.
    values, _ = best_stationary(game, (policy, answer), 1)
    start = gt.games.soccer_state((1, 3), (2, 1), 0)
    ball = float(learner.state_values[start]) if isinstance(learner, MinimaxQ) else None
    return {
        "value with the ball": ball,
        "exploitability": float(game.start @ values),
        "nash_conv with the exact other": float(nash_conv(game, (policy, answer))),
    }


def _interval(samples: list[float], digits: int) -> str:
    found = bootstrap_interval(np.array(samples, dtype=float))
    return f"{found.mean:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"


def _record(folder: Path, rows: list[dict[str, Any]], seconds: float) -> None:
    table = [["trained", *(f"{who}: won %, games" for who in OPPONENTS)]]
    for kind in (*KINDS, "exact"):
        own = [row for row in rows if row["kind"] == kind]
        cells = []
        for who in OPPONENTS:
            won = _interval([row[who]["won"] for row in own], 1)
            count = _interval([row[who]["games"] for row in own], 0)
            paper = PAPER.get((kind, who))
            cells.append(f"{won}, {count}" + (f"; paper {paper[0]}, {paper[1]}" if paper else ""))
        table.append([kind, *cells])
    values = [["trained", "V(start, A has the ball)", "exploitability"]]
    for kind in KINDS:
        own = [row for row in rows if row["kind"] == kind]
        balls = [row["value with the ball"] for row in own if row["value with the ball"] is not None]
        values.append([kind, _interval(balls, 4) if balls else "", _interval([r["exploitability"] for r in own], 3)])
    values.append(["exact", f"{EXACT_VALUE:.4f}", "0"])
    record_study(
        folder,
        "littman_soccer",
        title="Littman's soccer",
        text=TEXT,
        settings={
            "seeds": f"0 to {len(SEEDS) - 1}", "training steps": TRAINING, "evaluation steps": EVALUATION,
            "discount": 0.9, "exploration": 0.2, "learning rate": "1 to 0.01, geometric", "initial value": 1,
            "draw probability": DRAW,
        },
        rows=rows,
        tables={"Wins and games in 100,000 steps": table, "What was learned": values},
        draw=lambda figure: _draw(figure, rows),
        seconds=seconds,
    )  # fmt: skip


TEXT = """
Per cent won of the games that ended with a goal, and the number of these games, in 100,000 steps against three
opponents: means over seeds with 95% bootstrap intervals, beside table 3 of Littman (1994). MR is minimax-Q trained
against a random opponent, MM against minimax-Q; QR and QQ are Q-learning likewise; exact is a minimax policy that was
solved for. The challenger is a Q-learner trained against the frozen policy. The opponent built by hand is not the
paper's, which is not described there: those numbers cannot be compared. Exploitability is what a best reply earns
against the policy over the start; the game is worth 0.
"""


def _draw(figure: Any, rows: list[dict[str, Any]]) -> None:
    figure.set_size_inches(10, 3.4)
    for place, who in enumerate(OPPONENTS):
        axes = figure.add_subplot(1, 3, 1 + place)
        for k, kind in enumerate((*KINDS, "exact")):
            won = [row[who]["won"] for row in rows if row["kind"] == kind]
            axes.scatter(np.full(len(won), k), won, s=12, alpha=0.5, color=f"C{k}")
            if (kind, who) in PAPER:
                axes.plot([k - 0.35, k + 0.35], [PAPER[kind, who][0]] * 2, color="black", linewidth=1.5)
        axes.set_xticks(range(5), (*KINDS, "exact"))
        axes.set_ylim(-3, 103)
        axes.set_title(f"against {who}", fontsize=10)
        if place == 0:
            axes.set_ylabel("per cent won (black: the paper)")
