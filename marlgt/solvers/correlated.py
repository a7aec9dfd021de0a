"""Correlated and coarse correlated equilibria by linear programming.

Both sets are polytopes, so that any linear objective has an optimum found by a linear program. The named
objectives are the selections of Greenwald and Hall: the utilitarian maximises the sum of the payoffs,
the egalitarian their minimum, the republican their maximum and the libertarian the payoff of one player.

References
----------
Aumann, R. J. (1974). Subjectivity and correlation in randomized strategies. Journal of Mathematical
Economics 1, 67-96.
Greenwald, A. and Hall, K. (2003). Correlated Q-learning. Proceedings of the 20th International Conference
on Machine Learning.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.certificates import TOLERANCE, certify, relative_epsilon
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError, NotConverged
from marlgt.games._arrays import exact_and_float
from marlgt.games._comparable import checked_player
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import stopwatch
from marlgt.solvers._incentives import FEASIBILITY, IncentiveProgram

__all__ = [
    "OBJECTIVES",
    "coarse_correlated_equilibrium",
    "correlated_equilibrium",
    "objective_values",
    "on_unit_scale",
]

OBJECTIVES = ("welfare", "utilitarian", "egalitarian", "republican", "libertarian")
"""The named objectives; ``"utilitarian"`` is another name of ``"welfare"``."""

_ROUNDING = 1e-14
_POLISH_CELLS = 5_000_000

Floats = NDArray[np.float64]


def correlated_equilibrium(
    game: NormalFormGame, *, objective: str | ArrayLike = "welfare", player: int = 0
) -> Equilibrium:
    """Return a correlated equilibrium that maximises an objective.

    Parameters
    ----------
    game : NormalFormGame
    objective : str or array_like, shape (A_1, ..., A_n)
        ``"welfare"`` (or ``"utilitarian"``): the sum of the payoffs; ``"egalitarian"``: the smallest
        payoff; ``"republican"``: the largest; ``"libertarian"``: that of ``player``; or the value of
        each action profile, whose expectation is maximised (negate it to minimise).
    player : int
        Whose payoff the libertarian objective is.

    Returns
    -------
    Equilibrium
        With ``joint``, its values, and as regrets each player's largest gain from one swap of actions.

    Raises
    ------
    GameError
        For an unknown objective or one of another shape.
    NotConverged
        If the linear program cannot be solved to the tolerance of certificates.

    Notes
    -----
    No equilibrium is better, but to 1e-9 of the payoff range. The answer can be better than the best equilibrium in
    exact arithmetic: where payoffs nearly tie, gains of 1e-16 can decide about much of the objective. Small programs,
    up to 5x5 actions, are solved again in exact arithmetic where the answer has gains above rounding, or where the
    multipliers do not prove that it is the best.

    Examples
    --------
    >>> import marlgt as gt
    >>> chicken = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    >>> e = correlated_equilibrium(chicken)
    >>> e.joint.round(6).tolist(), e.values.round(6).tolist()
    ([[0.5, 0.25], [0.25, 0.0]], [5.25, 5.25])
    """
    require_game(game)
    return _optimum(game, objective, player, coarse=False)


def coarse_correlated_equilibrium(
    game: NormalFormGame, *, objective: str | ArrayLike = "welfare", player: int = 0
) -> Equilibrium:
    """Return a coarse correlated equilibrium that maximises an objective.

    Parameters
    ----------
    game, objective, player
        As in :func:`correlated_equilibrium`.

    Returns
    -------
    Equilibrium
        With ``joint``, its values, and as regrets each player's largest gain from one fixed action.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> round(float(coarse_correlated_equilibrium(g).values.sum()), 6)
    9.75
    """
    require_game(game)
    return _optimum(game, objective, player, coarse=True)


def _optimum(game: NormalFormGame, objective: str | ArrayLike, player: int, *, coarse: bool) -> Equilibrium:
    clock = stopwatch()
    concept = "coarse_correlated" if coarse else "correlated"
    spread = np.where(game.payoff_range > 0, game.payoff_range, 1.0)
    shape = (game.n_players, *(1,) * game.n_players)
    lowest = game.payoffs.reshape(game.n_players, -1).min(axis=1)
    unit = (game.payoffs - lowest.reshape(shape)) / spread.reshape(shape)
    egalitarian = isinstance(objective, str) and objective == "egalitarian"
    floor = on_unit_scale(game.payoffs) if egalitarian else None
    unrounded = game.payoffs if game._exact is None else game._exact
    program = IncentiveProgram(unit, coarse=coarse, floor=floor, unrounded=unrounded)
    joint, best = np.zeros(0), -np.inf
    for values in objective_values(game, objective, player):
        goal = on_unit_scale(values).reshape(-1)
        candidate = _polished(program.maximize(goal), program)
        if program.is_exactly_solvable and program.is_doubtful(goal, candidate):
            candidate = program.maximize_exactly(goal)
        reached = float(values.reshape(-1) @ candidate)
        if not joint.size or reached > best:
            joint, best = candidate, reached
    return _certified(game, np.reshape(joint, game.n_actions), concept, program.work, clock)


def objective_values(game: NormalFormGame, objective: str | ArrayLike, player: int) -> list[Floats]:
    """Return the linear objectives of which the best optimum is wanted."""
    player = checked_player(game, player)
    if not isinstance(objective, str):
        values, _ = exact_and_float(objective, "objective")
        if values.shape != game.n_actions:
            raise GameError(
                f"objective has shape {values.shape} but the game has actions {game.n_actions}: "
                "give one value per action profile"
            )
        return [values]
    if objective in ("welfare", "utilitarian"):
        return [game.payoffs.sum(axis=0)]
    if objective == "egalitarian":
        return [game.payoffs.min(axis=0)]
    if objective == "republican":
        return list(game.payoffs)
    if objective == "libertarian":
        return [game.payoffs[player]]
    raise GameError(
        f"unknown objective {objective!r}: choose from {', '.join(OBJECTIVES)}, or give one value per action profile"
    )


def on_unit_scale(values: Floats) -> Floats:
    """Return values shifted and scaled into [0, 1], all by the same map."""
    low = values.min()
    spread = values.max() - low
    return np.asarray((values - low) / (spread if spread > 0 else 1.0))


def _polished(joint: Floats, program: IncentiveProgram) -> Floats:
    """Return the distribution with rounding removed: clipped, and moved onto the constraints that bind."""
    joint = np.maximum(joint, 0.0)
    joint /= joint.sum()
    gains = program.gains(joint)
    violation = gains.max()
    if violation <= _ROUNDING:
        return joint
    support = np.flatnonzero(joint > FEASIBILITY)
    binding = np.flatnonzero(gains > -10 * FEASIBILITY)
    if len(binding) * joint.size > _POLISH_CELLS:
        return joint
    moved = np.zeros_like(joint)
    moved[support] = joint[support]
    rows = program.dense_rows(binding)
    # Where all gains of a row are small, a small gain does not tell that it binds.
    largest = np.abs(rows).max(axis=1)
    binds = (largest > 0) & (gains[binding] > -10 * FEASIBILITY * largest)
    rows = (rows[binds] / largest[binds, None])[:, support]
    # The least change of the support's probabilities that makes the binding constraints equalities.
    system = np.vstack([rows[np.abs(rows).max(axis=1) > 0], np.ones(len(support))])
    wanted = np.zeros(len(system))
    wanted[-1] = 1.0
    moved[support] += np.linalg.lstsq(system, wanted - system @ moved[support], rcond=None)[0]
    moved = np.maximum(moved, 0.0)
    moved /= moved.sum()
    return moved if program.gains(moved).max() < violation else joint


def _certified(
    game: NormalFormGame, joint: Floats, concept: str, work: dict[str, int], clock: Callable[[], float]
) -> Equilibrium:
    certificate = certify(game, joint, concept=concept)
    joint.flags.writeable = False
    answer = Equilibrium(
        concept=concept,
        profile=None,
        joint=joint,
        values=certificate.values,
        regrets=certificate.regrets,
        exact=False,
        method=f"{concept}_equilibrium",
        work=work,
        seconds=clock(),
    )
    if relative_epsilon(game, answer) > TOLERANCE:
        raise NotConverged(
            f"the linear program left a gain of {answer.epsilon:.1e} from deviating: use answer.best as it is, "
            "or scale the payoffs to comparable sizes",
            best=answer,
        )
    return answer
