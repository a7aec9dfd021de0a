"""Best-response dynamics: players switch to a best reply against what the others play now.

Everybody at once (Cournot), one after the other, or one drawn at random; with inertia, a player keeps her action with
that probability. Any profile in which all play best replies stays for ever where ties are won by the last action.
Where players move one at a time, every path in a finite potential game ends in a pure equilibrium (Monderer and
Shapley 1996), because each switch raises the potential; moving at once they may cycle even there. One at random or with
inertia, and with ties drawn, they reach a pure equilibrium almost surely in every weakly acyclic game (Young 1993).

References
----------
Monderer, D. and Shapley, L. (1996). Potential games. Games and Economic Behavior 14.
Young, H. P. (1993). The evolution of conventions. Econometrica 61.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts.deviations import regrets
from marlgt.dynamics._engine import ALTERNATING, ONE_AT_RANDOM, SIMULTANEOUS
from marlgt.dynamics._runs import Rule, games_of, run
from marlgt.dynamics._schedules import pure_profile
from marlgt.dynamics.replies._best_replies import respond_best_slowly, with_ties
from marlgt.dynamics.replies.fictitious import pure_moves
from marlgt.dynamics.trajectory import Batch, Trajectories, Trajectory
from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative
from marlgt.games.normal_form import NormalFormGame

__all__ = ["best_response_dynamics"]

_ORDERS = {"random": ONE_AT_RANDOM, "sequential": ALTERNATING, "simultaneous": SIMULTANEOUS}
_GUARANTEE = (
    "One player at a time, ties not drawn, reaches a pure equilibrium in potential games; simultaneous play may cycle "
    "even there. With random movers or inertia, and ties drawn, pure equilibria are reached almost surely in weakly "
    "acyclic games. "
)


def best_response_dynamics(
    game: NormalFormGame,
    *,
    order: str = "sequential",
    ties: str = "stay",
    inertia: float = 0.0,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    first_actions: Sequence[int] | None = None,
    joint: bool | None = None,
    seed: int = 0,
) -> Trajectory:
    """Let players switch to best replies against the actions that the others play now.

    Where play settles, ``work["settled_at"]`` is the first step of the profile that is played to the end, and
    ``work["pure_equilibrium"]`` 1 or 0. Where a deterministic rule comes back to a profile without settling,
    ``work["cycle_at"]`` and ``work["cycle_length"]`` tell when first and how often. ``guarantee`` says it in words.

    Parameters
    ----------
    game : NormalFormGame
    order : str
        Who moves at a step: everybody at once (``"simultaneous"``), everybody in order, each seeing the moves before
        (``"sequential"``), or one player drawn at random (``"random"``).
    ties : str
        As in :func:`~marlgt.dynamics.fictitious_play`.
    inertia : float
        The probability with which a player who may move does not, below 1.
    steps, record, first_actions, joint
        As in :func:`~marlgt.dynamics.fictitious_play`; the first step plays ``first_actions``.
    seed : int
        Of random movers, inertia and random ties.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For an unknown order or rule for ties, and settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = best_response_dynamics(gt.games.prisoners_dilemma(), steps=10)
    >>> run.work
    {'steps': 10, 'settled_at': 2, 'pure_equilibrium': 1}
    >>> run = best_response_dynamics(gt.games.matching_pennies(), order="simultaneous", steps=10)
    >>> run.work["cycle_length"]
    4
    """
    if not isinstance(order, str) or order not in _ORDERS:
        raise GameError(f"order is {short(order)}: give one of {', '.join(map(repr, sorted(_ORDERS)))}")
    share = nonnegative(inertia, "inertia")
    if share >= 1.0:
        raise GameError(f"inertia is {share:g}: with 1 or more nobody ever moves; give a probability below 1")
    games = games_of(game).games
    starts = game.starts if isinstance(game, Batch) else None
    if starts is not None and first_actions is not None:
        raise GameError("both first_actions and starts are given: give one of them")
    firsts = [pure_profile(g, first_actions) for g in games] if starts is None else map(pure_moves, games, starts)
    result = run(
        game,
        Rule("best_response_dynamics", with_ties(respond_best_slowly, ties), lambda count: 0, _GUARANTEE),
        steps=steps,
        record=record,
        profiles=list(firsts),
        rates=lambda t: np.full(len(t), 1.0 - share),
        order=_ORDERS[order],
        sampled=True,
        joint=joint,
        keep_actions=True,
        seed=seed,
    )
    determined = order != "random" and share == 0.0 and ties != "random"
    if isinstance(result, Trajectories):
        return cast("Trajectory", Trajectories([_judged(one, determined) for one in result]))
    return _judged(result, determined)


def _judged(result: Trajectory, determined: bool) -> Trajectory:
    """Return the trajectory with what became of it: settled, cycling, or neither yet."""
    actions = cast("NDArray[np.int64]", result.actions)
    changes = np.flatnonzero((actions[1:] != actions[:-1]).any(axis=1))
    settled = int(changes[-1]) + 2 if changes.size else 1
    pure = tuple(int(a) for a in actions[-1])
    strategies: list[Any] = [np.eye(k)[a] for a, k in zip(pure, result.game.n_actions)]
    stable = bool((regrets(result.game, strategies) <= 0.0).all())
    if stable or (settled < len(actions) and determined):
        kind = "a pure equilibrium" if stable else "a profile that is no equilibrium"
        said = f"Here play settles at step {settled} in {kind}, {pure}."
        work = {"settled_at": settled, "pure_equilibrium": int(stable)}
    else:
        cycle = _cycle(actions) if determined else None
        if cycle is None:
            said = f"Here play has not settled after {len(actions)} steps."
            work = {}
        else:
            said = f"Here play cycles from step {cycle[0]} on, through {cycle[1]} profiles."
            work = {"cycle_at": cycle[0], "cycle_length": cycle[1]}
    return replace(result, guarantee=_GUARANTEE + said, work={**result.work, **work})


def _cycle(actions: NDArray[np.int64]) -> tuple[int, int] | None:
    """Return the first step whose profile comes back, from 1, and after how many steps it does."""
    seen: dict[bytes, int] = {}
    for t, row in enumerate(actions):
        key = row.tobytes()
        if key in seen:
            return seen[key] + 1, t - seen[key]
        seen[key] = t
    return None
