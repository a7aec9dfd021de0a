"""Correlated and coarse correlated equilibria of greatest welfare, against OpenSpiel's and scipy.

Each call solves ``GAMES`` different games of one family from arrays to an answer: ours with its
certificate, the peers without. OpenSpiel's solver is a private function of its JPSRO module and needs
cvxpy and ecos; it takes part where they are installed.
"""

import numpy as np

import marlgt as gt
from benchmarks.harness import Row, compare
from marlgt.concepts import cce_gap, ce_gap

GAMES = 3
MARGIN = 0.9
"""What counts as not slower than scipy, for the noise of a shared machine."""


def uniform(shape, rng):
    return rng.random((len(shape), *shape))


def near_zero_sum(shape, rng):
    """Draw a game with few pure equilibria and a degenerate program: u2 = -0.9 u1 + noise."""
    rows = rng.random(shape)
    return np.stack([rows, -0.9 * rows + 0.1 * rng.random(shape)])


GOAL = 5.0
"""Least ratio to OpenSpiel, for every case."""

CASES = (
    ("2 x 2", uniform, (2, 2), 7),
    ("3 x 3", near_zero_sum, (3, 3), 7),
    ("10 x 10, near zero-sum", near_zero_sum, (10, 10), 7),
    ("20 x 20", uniform, (20, 20), 5),
    ("20 x 20, near zero-sum", near_zero_sum, (20, 20), 3),
    ("5 x 5 x 5", uniform, (5, 5, 5), 7),
    ("8 x 8 x 8", uniform, (8, 8, 8), 5),
    ("10 x 10 x 10", uniform, (10, 10, 10), 3),
    ("30 x 30, near zero-sum", near_zero_sum, (30, 30), 3),
)


def run() -> list[Row]:
    return [row for coarse in (False, True) for case in CASES if (row := _row(*case, coarse=coarse)) is not None]


def _row(name, family, shape, rounds, *, coarse):
    rng = np.random.default_rng(20)
    batch = [family(shape, rng) for _ in range(1 if "30 x 30" in name else GAMES)]
    solve = gt.solvers.coarse_correlated_equilibrium if coarse else gt.solvers.correlated_equilibrium
    games = [gt.NormalFormGame(payoffs) for payoffs in batch]
    peers = {"scipy": lambda: [_scipy(payoffs, coarse) for payoffs in batch]}
    goal = {"scipy": MARGIN}
    openspiel = _openspiel(coarse)
    if openspiel is not None:
        peers["open_spiel"] = lambda: [openspiel(payoffs) for payoffs in batch]
        goal["open_spiel"] = GOAL
    gap = cce_gap if coarse else ce_gap
    answers = [solve(game) for game in games]
    worst = max(max(gap(game, e.joint), 0.0) for game, e in zip(games, answers, strict=True))
    missing = max(-_scipy(p, coarse) - e.values.sum() for p, e in zip(batch, answers, strict=True))
    return compare(
        "correlated equilibria",
        f"coarse, {name}" if coarse else name,
        lambda: [solve(gt.NormalFormGame(payoffs)) for payoffs in batch],
        peers,
        goal=goal,
        rounds=rounds,
        note=f"greatest welfare of {len(batch)} game(s); our largest gap {worst:.1e}, welfare short of scipy's "
        f"{max(missing, 0.0):.1e}",
    )


def _scipy(payoffs, coarse):
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix

    shape, size = payoffs.shape[1:], payoffs[0].size
    index = np.arange(size).reshape(shape)
    blocks, columns, lengths = [], [], []
    for player, count in enumerate(shape):
        utilities = np.moveaxis(payoffs[player], player, 0).reshape(count, -1)
        places = np.moveaxis(index, player, 0).reshape(count, -1)
        if coarse:
            gains = utilities[:, None, :] - utilities[None, :, :]
            blocks.append(gains.reshape(count, -1))
            columns.append(np.tile(places.reshape(-1), (count, 1)))
        else:
            told, played = np.nonzero(~np.eye(count, dtype=bool))
            blocks.append(utilities[played] - utilities[told])
            columns.append(places[told])
        lengths += [blocks[-1].shape[1]] * len(blocks[-1])
    matrix = csr_matrix(
        (
            np.concatenate([b.ravel() for b in blocks]),
            np.concatenate([c.ravel() for c in columns]),
            np.concatenate([[0], np.cumsum(lengths)]),
        ),
        shape=(len(lengths), size),
    )
    welfare = payoffs.sum(axis=0).reshape(-1)
    return linprog(
        -welfare, A_ub=matrix, b_ub=np.zeros(len(lengths)), A_eq=np.ones((1, size)), b_eq=[1.0], method="highs"
    ).fun


def _openspiel(coarse):
    try:
        from open_spiel.python.algorithms import jpsro
    except ImportError:
        return None
    solve = jpsro._mwcce if coarse else jpsro._mwce
    return lambda payoffs: solve(payoffs, [np.ones(count) for count in payoffs.shape[1:]])
