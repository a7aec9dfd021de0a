"""Predictive regret matching: play as if the last regrets came once more.

With ``r_t(a) = u_t(a) - <x_t, u_t>``, sums R_t of them, kept above zero by the variant with a plus::

    x_{t+1} ~ [R_t + r_t]+

Farina, Kroer and Sandholm derive it from follow the leader and mirror descent in Blackwell's approachability, with the
last utilities as the prediction. The regret is of the order of the root of the summed squared changes of r_t: never
above order ``sqrt(A T)``, and small where play moves little.

References
----------
Farina, G., Kroer, C. and Sandholm, T. (2021). Faster game solving via predictive Blackwell approachability: connecting
regret matching and mirror descent. AAAI.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from marlgt.dynamics._runs import Rule, run
from marlgt.dynamics.regret.regrets_matched import one_each, order_of, write_matched, write_regrets
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["predictive_regret_matching", "predictive_regret_matching_plus"]


@kernel
def match_predicted(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Regret matching that expects the last regrets again."""
    write_regrets(utility, played)
    for a in range(utility.shape[0]):
        state[a] += utility[a]
    write_matched(state, utility, 1.0, strategy)


@kernel
def match_predicted_plus(
    state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any
) -> None:
    """Regret matching+ that expects the last regrets again."""
    write_regrets(utility, played)
    for a in range(utility.shape[0]):
        state[a] = max(state[a] + utility[a], 0.0)
    write_matched(state, utility, 1.0, strategy)


_PREDICTIVE = Rule(
    "predictive_regret_matching",
    match_predicted,
    one_each,
    "Regret of order sqrt(sum of the squared changes of the regrets), so at most of order sqrt(A T): averages "
    "approach Nash in two-player zero-sum games.",
)
_PREDICTIVE_PLUS = Rule(
    "predictive_regret_matching_plus",
    match_predicted_plus,
    one_each,
    "Regret at most sqrt(2 sum of the squared changes of the regrets), so at most of order sqrt(A T): averages "
    "approach Nash in two-player zero-sum games. No 1/T rate is proved.",
)


def predictive_regret_matching(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    alternating: bool = False,
    averaging: float = 0.0,
    joint: bool | None = None,
) -> Trajectory:
    """Let every player match her regrets as if the last ones came once more: ``x_{t+1} ~ [R_t + r_t]+``.

    Parameters
    ----------
    game, steps, record, start, alternating, averaging, joint
        As in :func:`regret_matching`.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = predictive_regret_matching(gt.games.matching_pennies(), steps=1000, start=([1, 0], [1, 0]))
    >>> bool(run.nash_conv[-1] < 0.05)
    True

    References
    ----------
    Farina, G., Kroer, C. and Sandholm, T. (2021). Faster game solving via predictive Blackwell approachability. AAAI,
    algorithm 3.
    """
    return run(
        game,
        _PREDICTIVE,
        steps=steps,
        record=record,
        start=start,
        order=order_of(alternating),
        averaging=averaging,
        joint=joint,
    )


def predictive_regret_matching_plus(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    alternating: bool = True,
    averaging: float = 2.0,
    joint: bool | None = None,
) -> Trajectory:
    """Let every player match regrets kept above zero, as if the last ones came once more: ``x_{t+1} ~ [R_t + r_t]+``.

    Parameters
    ----------
    game, steps, record, start, alternating, averaging, joint
        As in :func:`regret_matching`; the paper averages quadratically.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = predictive_regret_matching_plus(gt.games.matching_pennies(), steps=1000, start=([1, 0], [1, 0]))
    >>> bool(run.nash_conv[-1] < 1e-3)
    True

    References
    ----------
    Farina, G., Kroer, C. and Sandholm, T. (2021). Faster game solving via predictive Blackwell approachability. AAAI,
    algorithm 4.
    """
    return run(
        game,
        _PREDICTIVE_PLUS,
        steps=steps,
        record=record,
        start=start,
        order=order_of(alternating),
        averaging=averaging,
        joint=joint,
    )
