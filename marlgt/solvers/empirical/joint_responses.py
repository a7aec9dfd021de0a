"""Joint policy-space response oracles: populations that play by a common distribution, and replies to it.

Where players need not mix on their own, a meta-solver can choose a correlated or coarse correlated equilibrium of the
meta-game. Against a coarse one every player replies to the others' joint play; against a correlated one she replies,
for every strategy that can be recommended to her, to what the others do when it is. With exact replies it ends in an
equilibrium of that kind of the full game, for any number of players (Marris et al. 2021): with a device that draws
from populations of strategies, and deviations to any strategy of the full game.

References
----------
Marris, L., Muller, P., Lanctot, M., Tuyls, K. and Graepel, T. (2021). Multi-agent training beyond zero-sum with
correlated equilibrium meta-solvers. ICML, 7480-7491.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_whole
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import progress, stopwatch
from marlgt.solvers.empirical._arenas import Arena, StochasticArena, Vector, arena_of
from marlgt.solvers.empirical._populations import Populations
from marlgt.solvers.empirical.maximum_entropy import (
    maximum_entropy_coarse_correlated_equilibrium,
    maximum_entropy_correlated_equilibrium,
)
from marlgt.solvers.empirical.responses import payoff_spread, reply_to_joint
from marlgt.solvers.empirical.results import EmpiricalGame

__all__ = ["jpsro"]

_LEAST = 1e-12
"""Least probability of a recommendation to which a reply is sought."""


def jpsro(
    game: NormalFormGame | ExtensiveGame,
    *,
    concept: str = "coarse_correlated",
    meta_solver: Callable[[NormalFormGame], Equilibrium] | None = None,
    iterations: int = 100,
    tolerance: float = TOLERANCE,
    start: Sequence[Any] | None = None,
) -> EmpiricalGame:
    """Return populations grown by replies to their joint play, and that play, certified in the full game.

    Parameters
    ----------
    game : NormalFormGame or ExtensiveGame
        Extensive games need perfect recall.
    concept : {"coarse_correlated", "correlated"}
    meta_solver : callable, optional
        From the meta-game to an Equilibrium with a joint distribution, by default the one of greatest entropy.
    iterations : int
        Most meta-games to solve.
    tolerance : float
        Largest regret at which to stop, as a share of the payoff range of the player.
    start : sequence of n array_like, optional
        The first strategy of each player, by default the uniform one.

    Returns
    -------
    EmpiricalGame
        The equilibrium's ``joint`` is over the strategies of the populations, its regrets are gains from deviating to
        any strategy of the full game, before the draw or after a recommendation.

    Raises
    ------
    GameError
        For options that do not fit.
    UnsupportedGame
        For a stochastic game, or if a player of an extensive game forgets.

    Examples
    --------
    >>> import marlgt as gt
    >>> found = jpsro(gt.games.chicken(), concept="correlated")
    >>> found.converged, found.equilibrium.concept
    (True, 'correlated')
    """
    clock = stopwatch()
    arena = arena_of(game)
    if isinstance(arena, StochasticArena):
        raise UnsupportedGame("stationary policies have no exact reply to correlated play: use psro")
    if concept not in ("coarse_correlated", "correlated"):
        raise GameError(f"concept is {short(concept)}: give 'coarse_correlated' or 'correlated'")
    require_whole(iterations, "iterations", least=1)
    if meta_solver is not None and not callable(meta_solver):
        raise GameError(f"meta_solver is {short(meta_solver)}: give a function")
    coarse = concept == "coarse_correlated"
    if meta_solver is None:
        meta_solver = (
            maximum_entropy_coarse_correlated_equilibrium if coarse else maximum_entropy_correlated_equilibrium
        )
    slack = nonnegative(tolerance, "tolerance") * payoff_spread(game)
    populations = Populations(arena, start)
    sizes: list[list[int]] = []
    gaps: list[float] = []
    answers: list[Equilibrium] = []
    gained: list[NDArray[np.float64]] = []
    with progress("joint response oracles", total=iterations) as report:
        while True:
            meta_game = populations.meta_game()
            answers.append(meta_solver(meta_game))
            joint = _joint(answers[-1])
            found = [_deviations(arena, populations, meta_game, joint, i, coarse=coarse) for i in range(joint.ndim)]
            gained.append(np.array([gain for gain, _ in found]))
            sizes.append(populations.sizes)
            gaps.append(float(gained[-1].sum()))
            report(len(gaps), f"gap {gaps[-1]:.2e}")
            converged = bool((gained[-1] <= slack).all())
            if converged or len(gaps) == iterations:
                break
            if not populations.add([replies for _, replies in found], duplicates=False):
                break
    best = int(np.argmin(gaps))
    chosen = _joint(answers[best])
    regrets = gained[best]
    regrets.flags.writeable = False
    equilibrium = Equilibrium(
        concept=concept,
        profile=None,
        joint=chosen,
        values=answers[best].values,
        regrets=regrets,
        exact=False,
        method="jpsro",
        work={"iterations": len(gaps), "strategies": sum(sizes[-1])},
        seconds=clock(),
    )
    return EmpiricalGame(
        populations=populations.snapshot(),
        meta_game=meta_game,
        meta_strategies=tuple(answers),
        sizes=np.array(sizes),
        gaps=np.array(gaps),
        equilibrium=equilibrium,
        converged=converged,
    )


def _joint(answer: Equilibrium) -> NDArray[np.float64]:
    """Return the joint distribution of an answer, of a profile the product."""
    if answer.joint is not None:
        return answer.joint
    joint: NDArray[np.float64] = np.ones(())
    for own in answer.profile or ():
        joint = np.multiply.outer(joint, own)
    return joint


def _deviations(
    arena: Arena,
    populations: Populations,
    meta_game: NormalFormGame,
    joint: NDArray[np.float64],
    player: int,
    *,
    coarse: bool,
) -> tuple[float, list[Vector]]:
    """Return a player's largest gain from deviating from joint play, and the replies that deviate."""
    payoffs = meta_game.payoffs[player] * joint
    if coarse:
        worth, reply = reply_to_joint(arena, player, populations.vectors, joint.sum(axis=player, keepdims=True))
        return max(worth - float(payoffs.sum()), 0.0), [reply]
    gain, replies = 0.0, []
    for k in range(joint.shape[player]):
        weights = joint.take([k], axis=player)
        if weights.sum() <= _LEAST:
            continue
        worth, reply = reply_to_joint(arena, player, populations.vectors, weights)
        gain = max(gain, worth - float(payoffs.take(k, axis=player).sum()))
        replies.append(reply)
    return gain, replies
