"""Trial and error: players who keep an action until its payoff disappoints, and find pure equilibria.

Trial and error (Young 2009) has moods: a content player now and then tries another action and keeps it if it paid more;
when payoffs change without her doing she becomes hopeful or watchful, and discontent if they stay low; discontent
players search at random. In generic games with a pure equilibrium, where players depend on one another, pure
equilibria are played most of the time when experiments are rare, without a potential.

Win-stay lose-shift (Nowak and Sigmund 1993) keeps an action that paid as much as was aspired to and leaves it
otherwise; aspirations may follow what is received (Karandikar et al. 1998).

References
----------
Young, H. P. (2009). Learning by trial and error. Games and Economic Behavior 65, 626-643.
Nowak, M. and Sigmund, K. (1993). A strategy of win-stay, lose-shift that outperforms tit-for-tat in the Prisoner's
Dilemma game. Nature 364, 56-58.
Karandikar, R., Mookherjee, D., Ray, D. and Vega-Redondo, F. (1998). Evolving aspirations and cooperation. Journal of
Economic Theory 80, 292-331.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics.bandits._sampled import Rule, action_counts, play_rule, simultaneous
from marlgt.dynamics.bandits._sampled_doors import share
from marlgt.dynamics.bandits.log_linear import try_another
from marlgt.dynamics.bandits.reinforcement import point_at
from marlgt.dynamics.trajectory import Trajectory
from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.kernels import kernel
from marlgt.randomness import uniform

__all__ = ["trial_and_error", "win_stay_lose_shift"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@kernel
def learn_trial(
    player: int,
    low: int,
    high: int,
    step: int,
    action: int,
    payoff: float,
    strategy: Floats,
    memory: Floats,
    settings: Floats,
    stream: Whole,
) -> None:
    """Change mood, benchmark action and benchmark payoff, ``memory``: 0 discontent, 1 content, 2 hopeful, 3 watchful.

    ``settings`` is the share of experiments. Payoffs lie between 0 and 1.
    """
    mood = int(memory[player, 0])
    benchmark = memory[player, 2]
    if mood == 0:
        # Acceptance rises with the payoff found and falls with the one missed, within (0, 1).
        if uniform(stream) < 0.5 + 0.4 * (payoff - benchmark):
            memory[player, 0] = 1.0
            memory[player, 1] = action
            memory[player, 2] = payoff
    elif mood == 1 and action != int(memory[player, 1]):
        if payoff > benchmark:
            memory[player, 1] = action
            memory[player, 2] = payoff
    elif payoff == benchmark:
        memory[player, 0] = 1.0
    elif payoff > benchmark:
        if mood == 2:
            memory[player, 0] = 1.0
            memory[player, 2] = payoff
        else:
            memory[player, 0] = 2.0
    elif mood == 3:
        memory[player, 0] = 0.0
    else:
        memory[player, 0] = 3.0
    mood = int(memory[player, 0])
    if mood == 0:
        for b in range(low, high):
            strategy[b] = 1.0 / (high - low)
    elif mood == 1:
        try_another(low, high, int(memory[player, 1]), settings[player, 0], strategy)
    else:
        point_at(low, high, int(memory[player, 1]), strategy)


@kernel
def learn_aspiration(
    player: int,
    low: int,
    high: int,
    step: int,
    action: int,
    payoff: float,
    strategy: Floats,
    memory: Floats,
    settings: Floats,
    stream: Whole,
) -> None:
    """Stay if the payoff reached the aspiration, shift to another action if not, and tremble to any.

    ``memory`` is the aspiration, ``settings`` are the share of trembles and the rate at which aspirations adapt.
    """
    count = high - low
    tremble = settings[player, 0]
    moved = 0.0 if payoff >= memory[player, 0] else 1.0
    try_another(low, high, action, moved, strategy)
    for b in range(low, high):
        strategy[b] = (1.0 - tremble) * strategy[b] + tremble / count
    memory[player, 0] += settings[player, 1] * (payoff - memory[player, 0])


_TRIAL = simultaneous(learn_trial)
_ASPIRATION = simultaneous(learn_aspiration)


def trial_and_error(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    experimentation: float = 0.01,
) -> Trajectory:
    """Let every player learn by interactive trial and error, with moods, benchmark actions and benchmark payoffs.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint
        As in :func:`~marlgt.dynamics.exp3`.
    experimentation : float
        The probability with which a content player tries another action, from 0 to 1.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Notes
    -----
    A discontent player takes up what she found with probability ``1/2 + 0.4 (x - benchmark)``, payoffs between 0 and 1;
    the theorem holds for every such function that stays within (0, 1), rises in the first and falls in the second.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = trial_and_error(gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]]), steps=20_000)
    >>> bool(run.joint[-1][1, 1] > 0.5)
    True
    """
    counts = action_counts(game)
    rule = Rule(
        "trial_and_error",
        "In generic games with a pure equilibrium in which players depend on one another, pure equilibria are played "
        "most of the time when experiments are rare; without one play keeps moving.",
        _TRIAL,
        np.full((len(counts), 1), share(experimentation, "experimentation")),
        np.zeros((len(counts), 3)),
    )
    return play_rule(game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint)


def win_stay_lose_shift(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    aspiration: ArrayLike | None = None,
    adaptation: float = 0.0,
    tremble: float = 0.01,
    start: Profile | None = None,
) -> Trajectory:
    """Let every player repeat an action that reached her aspiration, and shift to another if it did not.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint
        As in :func:`~marlgt.dynamics.exp3`.
    aspiration : float, or one for each player, optional
        In the game's units of payoff; the mean payoff over all profiles if not given.
    adaptation : float
        The rate, from 0 to 1, at which the aspiration moves to the payoffs received.
    tremble : float
        The share of steps in which a player draws from all her actions.
    start : profile, optional
        What the first actions are drawn from, uniform if not given.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    In the Prisoner's Dilemma the shift after mutual defection restores cooperation:

    >>> import marlgt as gt
    >>> run = win_stay_lose_shift(gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]]), aspiration=2)
    >>> bool(run.joint[-1][0, 0] > 0.8)
    True
    """
    counts = action_counts(game)
    n = len(counts)
    levels = None if aspiration is None else exact_and_float(aspiration, "aspiration")[0]
    if levels is not None and levels.shape not in ((), (n,)):
        raise GameError(f"aspiration is {short(aspiration)}: give one number, or one for each of {n} players")

    def first_aspirations(one: NormalFormGame) -> Floats:
        means = one.payoffs.reshape(n, -1).mean(axis=1)
        return (means if levels is None else np.broadcast_to(levels, (n,))).reshape(n, 1).copy()

    rule = Rule(
        "win_stay_lose_shift",
        "Mutual cooperation is absorbing in the Prisoner's Dilemma for aspirations between punishment and reward, "
        "without trembles; in general it stays at profiles that satisfy everybody, equilibria or not.",
        _ASPIRATION,
        np.tile([share(tremble, "tremble"), share(adaptation, "adaptation")], (n, 1)),
        first_aspirations,
        scaled=False,
        starts=True,
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint, start=start
    )
