"""Policy-space response oracles: mix the policies found so far, let each player find a good reply, and add it.

The meta-solver says how every population is mixed, given the table of what its policies get from each other; an
oracle gives each player a reply to the others' mixtures; the replies join the populations (Lanctot et al. 2017,
algorithm 1). With exact best replies and a Nash meta-solver it is double oracle for any number of players and ends in
a Nash equilibrium of the full game, at the latest when the populations hold all pure strategies; with uniform mixing
and duplicates it is fictitious play.

In stochastic games a mixture of stationary policies plays no stationary policy: what it does depends on the past. Here
the mixture is replaced by the policy that averages it state by state, to which the oracles reply and which is
certified. Nothing promises that the gap closes then.

References
----------
Lanctot, M. et al. (2017). A unified game-theoretic approach to multiagent reinforcement learning. NeurIPS 30.
McMahan, H. B., Gordon, G. J. and Blum, A. (2003). Planning in the presence of cost functions controlled by an
adversary. ICML, 536-543.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._comparable import checked_player
from marlgt.games._doors import nonnegative, require_flag, require_seed, require_whole
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame
from marlgt.progress import progress, stopwatch
from marlgt.solvers.empirical._arenas import Arena, StochasticArena, Vector, arena_of
from marlgt.solvers.empirical._populations import Populations
from marlgt.solvers.empirical.meta_solvers import nash_meta
from marlgt.solvers.empirical.results import EmpiricalGame

__all__ = ["Oracle", "exact_best_response", "psro"]

Oracle = Callable[[Any, int, Sequence[Sequence[Any]], NDArray[np.float64], np.random.Generator], Any]
"""``oracle(game, player, populations, weights, rng)``: a strategy of the player.

``weights`` is a joint distribution over the others' strategies, with an axis of length 1 in the player's own place."""


def psro(
    game: NormalFormGame | ExtensiveGame | StochasticGame,
    *,
    meta_solver: Callable[[NormalFormGame], Equilibrium] = nash_meta,
    oracle: Oracle | None = None,
    iterations: int = 100,
    tolerance: float = TOLERANCE,
    start: Sequence[Any] | None = None,
    duplicates: bool = False,
    seed: int = 0,
) -> EmpiricalGame:
    """Return populations grown by replies to their own mixtures, and the best mixture, certified in the full game.

    Parameters
    ----------
    game : NormalFormGame, ExtensiveGame or StochasticGame
        Extensive games need perfect recall.
    meta_solver : callable
        From the meta-game to an Equilibrium with a profile, such as :func:`nash_meta`, :func:`uniform_meta`,
        :func:`projected_replicator_dynamics` or :func:`alpha_rank_meta`.
    oracle : callable, optional
        ``oracle(game, player, populations, weights, rng)``, by default :func:`exact_best_response`.
    iterations : int
        Most meta-games to solve.
    tolerance : float
        Largest regret at which to stop, as a share of the payoff range of the player.
    start : sequence of n array_like, optional
        The first strategy of each player, by default the uniform one.
    duplicates : bool
        Whether a reply joins the population though it is there already.
    seed : int
        For the oracles.

    Returns
    -------
    EmpiricalGame
        ``converged`` if the gap closed; else the iterations are over, or the replies were nothing new.

    Raises
    ------
    GameError
        For options that do not fit, or a meta-solver that gives a joint distribution: see :func:`jpsro`.
    UnsupportedGame
        If a player of an extensive game forgets.

    Examples
    --------
    >>> import marlgt as gt
    >>> found = psro(gt.games.matching_pennies())
    >>> found.converged, found.equilibrium.profile[0].tolist()
    (True, [0.5, 0.5])
    """
    clock = stopwatch()
    arena = arena_of(game)
    require_whole(iterations, "iterations", least=1)
    require_seed(seed)
    require_flag(duplicates, "duplicates")
    for function, name in ((meta_solver, "meta_solver"), (oracle, "oracle")):
        if function is not None and not callable(function):
            raise GameError(f"{name} is {short(function)}: give a function")
    slack = nonnegative(tolerance, "tolerance") * payoff_spread(game)
    rng = np.random.default_rng(seed)
    populations = Populations(arena, start)
    sizes: list[list[int]] = []
    gaps: list[float] = []
    answers: list[Equilibrium] = []
    best: tuple[float, list[Vector]] = (np.inf, [])
    with progress("policy-space response oracles", total=iterations) as report:
        while True:
            meta_game = populations.meta_game()
            answers.append(meta_solver(meta_game))
            weights = answers[-1].profile
            if weights is None:
                raise GameError("the meta-solver gave a joint distribution: use jpsro, whose oracles reply to those")
            mixed = populations.mixture(weights)
            values = arena.payoffs(mixed)
            replies = [_reply(arena, mixed, i) for i in range(len(mixed))]
            gains = np.array([max(worth - value, 0.0) for (worth, _), value in zip(replies, values)])
            sizes.append(populations.sizes)
            gaps.append(float(gains.sum()))
            best = min(best, (gaps[-1], mixed), key=lambda pair: pair[0])
            report(len(gaps), f"gap {gaps[-1]:.2e}")
            converged = bool((gains <= slack).all())
            if converged or len(gaps) == iterations:
                break
            fresh = [reply for _, reply in replies]
            if oracle is not None and oracle is not exact_best_response:
                fresh = _asked(oracle, populations, weights, rng)
            if not populations.add([[reply] for reply in fresh], duplicates=duplicates):
                break
    work = {"iterations": len(gaps), "strategies": sum(sizes[-1])}
    return EmpiricalGame(
        populations=populations.snapshot(),
        meta_game=meta_game,
        meta_strategies=tuple(answers),
        sizes=np.array(sizes),
        gaps=np.array(gaps),
        equilibrium=arena.certified(best[1], method="psro", work=work, seconds=clock()),
        converged=converged,
    )


def exact_best_response(
    game: NormalFormGame | ExtensiveGame | StochasticGame,
    player: int,
    populations: Sequence[Sequence[Any]],
    weights: NDArray[np.float64],
    rng: np.random.Generator | None = None,
) -> NDArray[np.float64]:
    """Return a pure best reply in the full game to a mixture of the others' strategies, the first one.

    In a stochastic game the reply is to the state-by-state averages of the others' policies.

    Parameters
    ----------
    game : NormalFormGame, ExtensiveGame or StochasticGame
    player : int
    populations : sequence of n sequences
        Strategies of the full game; the player's own are not used.
    weights : ndarray, shape (m_1, ..., m_n), with 1 in the player's place
        A joint distribution over the others' strategies.
    rng : numpy.random.Generator, optional
        Not used.

    Examples
    --------
    >>> import numpy as np, marlgt as gt
    >>> rock, paper = [1, 0, 0], [0, 1, 0]
    >>> rps = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    >>> exact_best_response(rps, 0, [[rock], [rock, paper]], np.array([[0.9, 0.1]])).tolist()
    [0.0, 1.0, 0.0]
    """
    arena = arena_of(game)
    player = checked_player(game, player)
    vectors = [
        [arena.encoded(i, np.asarray(s, dtype=np.float64)) for s in own] if i != player else [arena.uniform()[i]]
        for i, own in enumerate(populations)
    ]
    return reply_to_joint(arena, player, vectors, weights)[1]


def reply_to_joint(
    arena: Arena, player: int, vectors: Sequence[Sequence[Vector]], weights: NDArray[np.float64]
) -> tuple[float, Vector]:
    """Return the worth of a best reply to a joint distribution over the others' encoded strategies, and the reply."""
    if isinstance(arena, StochasticArena):
        axes = range(weights.ndim)
        marginals = [weights.sum(axis=tuple(j for j in axes if j != i)) for i in axes]
        mixed = [np.asarray(sum(w * v for w, v in zip(own, vs))) for own, vs in zip(marginals, vectors)]
        return arena.reply(mixed, player)
    total: Any = 0.0
    for cell in np.argwhere(weights > 0.0).tolist():
        others = [own[k] for own, k in zip(vectors, cell)]
        total = total + weights[tuple(cell)] * arena.worths(others, player)
    return arena.best(player, total)


def payoff_spread(game: NormalFormGame | ExtensiveGame | StochasticGame) -> NDArray[np.float64]:
    """Return the unit of each player's regrets, shape (n,); in a stochastic game the range of one step's rewards."""
    if isinstance(game, StochasticGame):
        flat = game.rewards.reshape(game.n_players, -1)
        return np.asarray(flat.max(axis=1) - flat.min(axis=1))
    return game.payoff_range


def _reply(arena: Arena, mixed: Sequence[Vector], player: int) -> tuple[float, Vector]:
    if isinstance(arena, StochasticArena):
        return arena.reply(mixed, player)
    return arena.best(player, arena.worths(mixed, player))


def _asked(
    oracle: Oracle, populations: Populations, weights: Sequence[NDArray[np.float64]], rng: np.random.Generator
) -> list[Vector]:
    """Return every player's reply by an oracle that is given."""
    fresh = []
    for i in range(len(weights)):
        joint = np.ones(1)
        for j, own in enumerate(weights):
            joint = np.multiply.outer(joint, np.ones(1) if j == i else own)
        reply = oracle(populations.arena.game, i, populations.strategies, joint[0], rng)
        fresh.append(populations.checked_reply(i, reply))
    return fresh
