"""Games played again and again: states hold what was played in the last steps, or what came of it.

A stationary policy of a game with memory is a strategy with that memory in the repeated game: tit for tat, grim trigger
and win-stay-lose-shift are policies of the prisoner's dilemma with memory 1.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from marlgt.errors import BudgetExceeded
from marlgt.games._arrays import short
from marlgt.games._catalogue import Number, check_numbers, listed
from marlgt.games._doors import require_game, require_whole
from marlgt.games.classic import donation_game, prisoners_dilemma
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["iterated_prisoners_dilemma", "repeated_with_memory", "stochastic_donation_game"]

LARGEST_TABLE = 10_000_000
"""States times profiles that a repeated game with memory may have."""


@listed(n_players=2, size=5)
def iterated_prisoners_dilemma(
    *,
    memory: int = 1,
    discount: float = 0.95,
    temptation: Number = 5,
    reward: Number = 3,
    punishment: Number = 1,
    sucker: Number = 0,
) -> StochasticGame:
    """Return the prisoner's dilemma played again and again by players who remember the last steps.

    In every step both cooperate or defect at once, are paid, and see what the other did.

    Parameters
    ----------
    memory : int
        How many steps they remember. The states are the histories of at most that length, the empty one first:
        5 states with memory 1, 21 with memory 2.
    discount : float
    temptation, reward, punishment, sucker : int, float or Fraction
        As in :func:`~marlgt.games.prisoners_dilemma`.

    References
    ----------
    Axelrod, R. (1984). The Evolution of Cooperation. Basic Books.
    Nowak, M. and Sigmund, K. (1993). A strategy of win-stay, lose-shift that outperforms tit-for-tat. Nature 364,
    56-58.

    Examples
    --------
    >>> iterated_prisoners_dilemma().states
    ('start', 'C C', 'C D', 'D C', 'D D')
    """
    check_numbers(temptation=temptation, reward=reward, punishment=punishment, sucker=sucker)
    stage = prisoners_dilemma(temptation=temptation, reward=reward, punishment=punishment, sucker=sucker)
    stage = NormalFormGame(stage.payoffs, players=stage.players, actions=[["C", "D"]] * 2, title=stage.title)
    return repeated_with_memory(stage, memory=memory, discount=discount)


def repeated_with_memory(game: NormalFormGame, *, memory: int = 1, discount: float) -> StochasticGame:
    """Return a normal-form game played again and again by players who remember the last steps.

    Parameters
    ----------
    game : NormalFormGame
    memory : int
        How many steps they remember; 0 is :meth:`StochasticGame.repeated`.
    discount : float

    Returns
    -------
    StochasticGame
        Its states are the histories of at most ``memory`` profiles of actions, in order of length and then of the
        actions, the oldest first. It begins in the empty history.

    Raises
    ------
    BudgetExceeded
        If the table would have more than ten million entries.

    Examples
    --------
    >>> from marlgt.games import rock_paper_scissors
    >>> repeated_with_memory(rock_paper_scissors(), discount=0.9).n_states
    10
    """
    require_game(game)
    require_whole(memory, "memory", least=0)
    profiles = math.prod(game.n_actions)
    # With one profile there is one history of each length.
    length = min(memory, 40)
    n_states = min(memory, LARGEST_TABLE) + 1 if profiles == 1 else (profiles ** (length + 1) - 1) // (profiles - 1)
    if n_states * profiles > LARGEST_TABLE:
        raise BudgetExceeded(
            f"memory {short(memory)} makes {min(n_states, 10**300):.3g} states of {profiles} profiles, more than "
            f"{LARGEST_TABLE:,} entries: give a shorter memory",
            estimate=float(min(n_states * profiles, 10**300)),
            limit=LARGEST_TABLE,
        )
    histories = [h for length in range(memory + 1) for h in itertools.product(range(profiles), repeat=length)]
    number = {history: s for s, history in enumerate(histories)}
    nexts = [[number[(*h, played)[max(0, len(h) + 1 - memory) :]] for played in range(profiles)] for h in histories]
    names = [" ".join(labels) for labels in itertools.product(*game.actions)]
    shape = (len(histories), *game.n_actions, 1)
    return StochasticGame(
        np.broadcast_to(game.payoffs[:, None], (game.n_players, *shape[:-1])),
        np.reshape(nexts, shape),
        np.ones(shape),
        discount=discount,
        start=np.eye(1, len(histories))[0],
        players=game.players,
        states=[", ".join(names[played] for played in history) or "start" for history in histories],
        actions=game.actions,
        title=f"{game.title or 'a game'}, repeated with memory {memory}",
    )


@listed(n_players=2, size=2)
def stochastic_donation_game(
    *, rich: Number = 2, poor: Number = 1.2, cost: Number = 1, discount: float = 0.9
) -> StochasticGame:
    """Return two donation games between which the players move: only if both help is the next one the rich game.

    In every step both help or defect at once. To help costs the helper ``cost`` and gives the other the benefit of the
    state. The state remembers for the players: to help in the rich game and defect in the poor one is an equilibrium if
    the future matters enough, while in one donation game played again and again nobody helps without a memory.

    Parameters
    ----------
    rich, poor, cost : int, float or Fraction
        The benefits of the two states, and what it costs to help.
    discount : float

    References
    ----------
    Hilbe, C., Simsa, S., Chatterjee, K. and Nowak, M. A. (2018). Evolution of cooperation in stochastic games. Nature
    559, 246-249.

    Examples
    --------
    >>> stochastic_donation_game().states
    ('rich', 'poor')
    """
    check_numbers(rich=rich, poor=poor, cost=cost)
    stages = [donation_game(benefit=benefit, cost=cost) for benefit in (rich, poor)]
    nexts = np.ones((2, 2, 2, 1), dtype=np.int64)
    nexts[:, 0, 0] = 0
    return StochasticGame(
        np.stack([stage.payoffs for stage in stages], axis=1),
        nexts,
        np.ones(nexts.shape),
        discount=discount,
        start=[1, 0],
        states=["rich", "poor"],
        actions=[["help", "defect"]] * 2,
        title="A donation game that grows poorer",
    )
