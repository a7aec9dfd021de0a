"""Double oracle: solve the game among the strategies found so far, add best replies, until none is new.

A minimax pair of the restricted game is one of the full game as soon as neither player has a better reply outside:
best replies bound the value from both sides, so that the gap is known at every step (McMahan, Gordon and Blum 2003).
Every iteration but the last adds a strategy, so it ends; on large games it often ends while the populations are small.

References
----------
McMahan, H. B., Gordon, G. J. and Blum, A. (2003). Planning in the presence of cost functions controlled by an
adversary. Proceedings of the 20th International Conference on Machine Learning, 536-543.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE, certified, relative_epsilon
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError, NotConverged, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_game, require_whole
from marlgt.games._profiles import deviation_payoffs
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.progress import progress, stopwatch
from marlgt.solvers.empirical.results import EmpiricalGame
from marlgt.solvers.matrix_game import minimax

__all__ = ["double_oracle"]


def double_oracle(
    game: NormalFormGame,
    *,
    start: Sequence[int] = (0, 0),
    solve: Callable[[NormalFormGame], Equilibrium] = minimax,
    tolerance: float = TOLERANCE,
    iterations: int | None = None,
) -> EmpiricalGame:
    """Return a minimax pair of a two-player constant-sum game found on a growing part of it.

    The oracle gives each player's best reply in the full game, the lowest index among ties.

    Parameters
    ----------
    game : NormalFormGame
        Two players, constant sum.
    start : pair of int
        The first action of each population.
    solve : callable
        Gives a minimax pair of the restricted game.
    tolerance : float
        Largest regret at which to stop, as a share of the payoff range.
    iterations : int, optional
        Most restricted games to solve, by default as many as it takes.

    Returns
    -------
    EmpiricalGame
        ``populations`` are numbers of actions, ``equilibrium`` is certified in the whole game.

    Raises
    ------
    UnsupportedGame
        If the game is not two-player constant-sum.
    NotConverged
        If the iterations were too few; ``best`` is the pair of the smallest gap.

    Examples
    --------
    >>> import marlgt as gt
    >>> found = double_oracle(gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]))
    >>> found.populations, found.gaps.tolist()
    (((0, 1, 2), (0, 1, 2)), [2.0, 2.0, 0.0])
    """
    clock = stopwatch()
    require_game(game)
    if game.n_players != 2:
        raise UnsupportedGame(f"the game has {game.n_players} players: double oracle takes two, psro any number")
    if not callable(solve):
        raise GameError(f"solve is {short(solve)}: give a function from a game to an equilibrium of it")
    _require_start(start, game.n_actions)
    tolerance = nonnegative(tolerance, "tolerance")
    if iterations is not None:
        require_whole(iterations, "iterations", least=1)
    populations = [[int(start[0])], [int(start[1])]]
    sizes: list[list[int]] = []
    gaps: list[float] = []
    answers: list[Equilibrium] = []
    best: tuple[float, Profile] = (np.inf, ())
    slack = tolerance * game.payoff_range
    with progress("double oracle") as report:
        while True:
            meta_game = game.restrict(populations)
            answers.append(solve(meta_game))
            profile = _lifted(answers[-1], populations, game.n_actions)
            replies = [deviation_payoffs(game.payoffs[i], profile, i) for i in (0, 1)]
            gains = np.array([float(r.max() - p @ r) for r, p in zip(replies, profile)])
            sizes.append([len(own) for own in populations])
            gaps.append(float(np.maximum(gains, 0.0).sum()))
            best = min(best, (gaps[-1], profile), key=lambda pair: pair[0])
            report(len(gaps), f"gap {gaps[-1]:.2e}")
            fresh = [int(r.argmax()) for r in replies]
            grown = [fresh[i] for i in (0, 1) if fresh[i] not in populations[i]]
            if (gains <= slack).all() or not grown or len(gaps) == iterations:
                break
            for own, action in zip(populations, fresh):
                if action not in own:
                    own.append(action)
    work = {"iterations": len(gaps), "rows": sizes[-1][0], "columns": sizes[-1][1]}
    final = best[1] if best[0] < gaps[-1] else _exactly(answers[-1], populations, profile, game)
    answer = certified(game, final, method="double_oracle", work=work, seconds=clock())
    if relative_epsilon(game, answer) > max(tolerance, 1e-15):
        raise NotConverged(
            f"{len(gaps)} restricted games left a regret of {answer.epsilon:.1e}: allow more iterations, or a larger "
            "tolerance",
            best=answer,
        )
    return EmpiricalGame(
        populations=tuple(map(tuple, populations)),
        meta_game=meta_game,
        meta_strategies=tuple(answers),
        sizes=np.array(sizes),
        gaps=np.array(gaps),
        equilibrium=answer,
        converged=True,
    )


def _require_start(start: Any, counts: tuple[int, ...]) -> None:
    fits = isinstance(start, Sequence) and not isinstance(start, str) and len(start) == 2
    if not fits or not all(isinstance(a, (int, np.integer)) and 0 <= a < c for a, c in zip(start, counts)):
        raise GameError(f"start is {short(start)}: give an action of each player, below {counts[0]} and {counts[1]}")


def _lifted(answer: Equilibrium, populations: list[list[int]], counts: tuple[int, ...]) -> Profile:
    """Return a profile of the restricted game as one of the full game."""
    if answer.profile is None:
        raise GameError("solve gave a joint distribution: double oracle needs a profile of mixed strategies")
    lifted = []
    for own, kept, count in zip(answer.profile, populations, counts):
        whole = np.zeros(count)
        whole[kept] = own
        lifted.append(whole)
    return tuple(lifted)


def _exactly(
    answer: Equilibrium, populations: list[list[int]], profile: Profile, game: NormalFormGame
) -> tuple[NDArray[Any], ...]:
    """Return the profile in fractions where the restricted game was solved exactly."""
    if answer.exact_profile is None:
        return profile
    lifted = []
    for own, kept, count in zip(answer.exact_profile, populations, game.n_actions):
        whole = np.zeros(count, dtype=object)
        whole[kept] = own
        lifted.append(whole)
    return tuple(lifted)
