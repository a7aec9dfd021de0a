"""The fused loop: table learners and a tabulated game in one kernel, seed after seed.

The loop has a seat for each of up to six learners. It calls their kernels by the names ``act_0`` to ``act_5`` and
``observe_0`` to ``observe_5``, which :func:`marlgt.kernels.specialised` binds to those of the learners at hand. What is
there for seats from ``SEATS`` on is left out when the loop is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.games._transition_tables import TransitionTables
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import inlined_kernel, lean_kernel, specialised
from marlgt.learners.layout import COUNTS, EVERYBODY, PLAYER, PLAYERS, PROFILES, RUNNING, TERMINATED, TRUNCATED
from marlgt.randomness import uniform

__all__ = ["LEARNERS", "Arena", "Tally", "arena_of", "fused_loop", "seated"]

LEARNERS = 6
"""Most learners that the fused loop seats."""


class Arena(NamedTuple):
    """A tabulated game as the loop reads it; a cell is a state with a profile of actions.

    Attributes
    ----------
    successors : ndarray of int32, shape (cells, k)
    cumulative : ndarray, shape (cells, k)
    rewards : ndarray, shape (cells, n) or (cells * k, n)
    by_successor : int
    terminal : ndarray of bool, shape (S,)
    start : ndarray, shape (S,)
        Cumulative probabilities of the first state.
    discount : float
    horizon : int
        Steps after which an episode is truncated, 0 for never.
    views : ndarray of int64, shape (n, S)
        What each player sees in place of each state.
    moves : ndarray of int64, shape (n, most actions)
        The action of the game that each player's own numbering means.
    """

    successors: NDArray[np.int32]
    cumulative: NDArray[np.float64]
    rewards: NDArray[np.float64]
    by_successor: int
    terminal: NDArray[np.bool_]
    start: NDArray[np.float64]
    discount: float
    horizon: int
    views: NDArray[np.int64]
    moves: NDArray[np.int64]


class Tally(NamedTuple):
    """What the loop counts for each seed.

    Attributes
    ----------
    place : ndarray of int64, shape (seeds, 2)
        The state, and the steps since the episode began.
    ongoing : ndarray, shape (seeds, 3, n)
        Return and discounted return of the episode so far; then, in the first place, what a reward now counts.
    sums : ndarray, shape (seeds, 4, n)
        Since the last record: rewards, returns and discounted returns of the episodes that ended, and episodes in which
        the player's return was the highest of all.
    ended : ndarray of int64, shape (seeds, 2)
        Since the last record: episodes that ended, and their steps.
    plays : ndarray of int64, shape (seeds, cells) or (seeds, 0)
        How often each cell was played since the beginning.
    """

    place: NDArray[np.int64]
    ongoing: NDArray[np.float64]
    sums: NDArray[np.float64]
    ended: NDArray[np.int64]
    plays: NDArray[np.int64]


def arena_of(
    game: StochasticGame, horizon: int | None, views: NDArray[np.int64] | None, moves: NDArray[np.int64] | None
) -> Arena:
    """Return the tabulated form of a game."""
    tables = TransitionTables(game)
    n, most = game.n_players, max(game.n_actions)
    return Arena(
        np.ascontiguousarray(tables.successors),
        np.ascontiguousarray(tables.cumulative),
        tables.rewards,
        int(tables.by_successor),
        game.terminal,
        tables.start[0],
        game.discount,
        0 if horizon is None else horizon,
        np.tile(np.arange(game.n_states), (n, 1)) if views is None else views,
        np.tile(np.arange(most), (n, 1)) if moves is None else moves,
    )


@inlined_kernel
def absent_act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Stand for a learner that does not play."""
    return 0


@inlined_kernel
def absent_observe(
    memory: Any,
    form: Any,
    numbers: Any,
    legal: Any,
    state: int,
    own: int,
    actions: Any,
    rewards: Any,
    following: int,
    ended: int,
    stream: Any,
) -> None:
    """Stand for a learner that does not play."""


def seated(form: NDArray[np.int64], seat: int) -> NDArray[np.int64]:
    """Return the form of a learner who sits in another player's seat, and sees the game as from her own."""
    own = int(form[PLAYER])
    if own in (EVERYBODY, seat):
        return form
    n = int(form[PLAYERS])
    there = form.copy()
    there[PLAYER] = seat
    # Her actions are numbered, and legal, as in her own seat; rewards and moves are those of this one.
    there[COUNTS + 2 * n + seat] = form[COUNTS + 2 * n + own]
    return there


SEATS = LEARNERS
act_0 = act_1 = act_2 = act_3 = act_4 = act_5 = absent_act
observe_0 = observe_1 = observe_2 = observe_3 = observe_4 = observe_5 = absent_observe


def fused_loop(learners: Sequence[tuple[Callable[..., int], Callable[..., None]]]) -> Callable[..., int]:
    """Return the loop for these learners, each given by its two kernels."""
    bound: dict[str, Any] = {"SEATS": len(learners)}
    for k, (act, observe) in enumerate(learners):
        bound[f"act_{k}"], bound[f"observe_{k}"] = act, observe
    return specialised(play_seeds, **bound)


@lean_kernel
def first_above(cumulative: Any, share: float) -> int:
    """Return, by bisection, the first place whose sum is above the share."""
    low = 0
    high = cumulative.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if cumulative[middle] > share:
            high = middle
        else:
            low = middle + 1
    return low


@lean_kernel
def count_episode(ongoing: Any, sums: Any, ended: Any, seed: int, n: int, length: int) -> None:
    """Book an episode that has ended."""
    best = ongoing[seed, 0, 0]
    second = -np.inf
    for i in range(1, n):
        if ongoing[seed, 0, i] > best:
            second = best
            best = ongoing[seed, 0, i]
        elif ongoing[seed, 0, i] > second:
            second = ongoing[seed, 0, i]
    for i in range(n):
        sums[seed, 1, i] += ongoing[seed, 0, i]
        sums[seed, 2, i] += ongoing[seed, 1, i]
        if ongoing[seed, 0, i] == best and best > second:
            sums[seed, 3, i] += 1.0
        ongoing[seed, 0, i] = 0.0
        ongoing[seed, 1, i] = 0.0
    ended[seed, 0] += 1
    ended[seed, 1] += length


@inlined_kernel
def placed(actions: Any, moves: Any, form: Any, player: int, own: int) -> int:
    """Write what a learner chose into the profile of actions, and return what it adds to the profile's number."""
    if player == EVERYBODY:
        n = form[PLAYERS]
        for i in range(n):
            actions[i] = own // form[COUNTS + n + i] % form[COUNTS + i]
        return own
    actions[player] = moves[player, own]
    return int(actions[player] * form[COUNTS + form[PLAYERS] + player])


@lean_kernel
def play_seeds(
    arena: Any,
    legal: Any,
    begins: Any,
    forms: Any,
    numbers: Any,
    memories: Any,
    streams: Any,
    tally: Any,
    actions: Any,
    rewards: Any,
    first: int,
    last: int,
    steps: int,
) -> int:
    """Play ``steps`` steps of the seeds ``first`` to ``last - 1``, and return how many seeds these are.

    Learner q has ``memories[seed, begins[q, 0]:begins[q, 1]]``, ``forms[q]`` and ``numbers[q]``; rows of learners that
    there are not are empty. ``actions`` and ``rewards``, one place for each player, are scratch. The learners' views
    are taken outside of the loop over steps: to take one costs as much as a learner's whole update.
    """
    n = forms[0, PLAYERS]
    # What a tuple holds is taken out of it once: to take an array out inside of the loop counts its references.
    successors, cumulative, paid_by, by_successor, terminal, start, discount, horizon, views, moves = arena
    places, ongoing, sums, ended_episodes, plays = tally
    profiles = forms[0, PROFILES]
    width = successors.shape[1]
    form_0, numbers_0, player_0, seat_0 = forms[0], numbers[0], forms[0, PLAYER], max(forms[0, PLAYER], 0)
    if SEATS > 1:
        form_1, numbers_1, player_1, seat_1 = forms[1], numbers[1], forms[1, PLAYER], max(forms[1, PLAYER], 0)
    if SEATS > 2:
        form_2, numbers_2, player_2, seat_2 = forms[2], numbers[2], forms[2, PLAYER], max(forms[2, PLAYER], 0)
    if SEATS > 3:
        form_3, numbers_3, player_3, seat_3 = forms[3], numbers[3], forms[3, PLAYER], max(forms[3, PLAYER], 0)
    if SEATS > 4:
        form_4, numbers_4, player_4, seat_4 = forms[4], numbers[4], forms[4, PLAYER], max(forms[4, PLAYER], 0)
    if SEATS > 5:
        form_5, numbers_5, player_5, seat_5 = forms[5], numbers[5], forms[5, PLAYER], max(forms[5, PLAYER], 0)
    for seed in range(first, last):
        stream = streams[seed]
        block = memories[seed]
        memory_0 = block[begins[0, 0] : begins[0, 1]]
        if SEATS > 1:
            memory_1 = block[begins[1, 0] : begins[1, 1]]
        if SEATS > 2:
            memory_2 = block[begins[2, 0] : begins[2, 1]]
        if SEATS > 3:
            memory_3 = block[begins[3, 0] : begins[3, 1]]
        if SEATS > 4:
            memory_4 = block[begins[4, 0] : begins[4, 1]]
        if SEATS > 5:
            memory_5 = block[begins[5, 0] : begins[5, 1]]
        own_0 = own_1 = own_2 = own_3 = own_4 = own_5 = 0
        state = places[seed, 0]
        length = places[seed, 1]
        fading = ongoing[seed, 2, 0]
        for _ in range(steps):
            if state < 0:
                state = first_above(start, uniform(stream))
                length = 0
                fading = 1.0
            own_0 = act_0(memory_0, form_0, numbers_0, legal, views[seat_0, state], stream)
            joint = placed(actions, moves, form_0, player_0, own_0)
            if SEATS > 1:
                own_1 = act_1(memory_1, form_1, numbers_1, legal, views[seat_1, state], stream)
                joint += placed(actions, moves, form_1, player_1, own_1)
            if SEATS > 2:
                own_2 = act_2(memory_2, form_2, numbers_2, legal, views[seat_2, state], stream)
                joint += placed(actions, moves, form_2, player_2, own_2)
            if SEATS > 3:
                own_3 = act_3(memory_3, form_3, numbers_3, legal, views[seat_3, state], stream)
                joint += placed(actions, moves, form_3, player_3, own_3)
            if SEATS > 4:
                own_4 = act_4(memory_4, form_4, numbers_4, legal, views[seat_4, state], stream)
                joint += placed(actions, moves, form_4, player_4, own_4)
            if SEATS > 5:
                own_5 = act_5(memory_5, form_5, numbers_5, legal, views[seat_5, state], stream)
                joint += placed(actions, moves, form_5, player_5, own_5)
            cell = state * profiles + joint
            place = 0
            if width > 1:
                place = first_above(cumulative[cell], uniform(stream))
            following = int(successors[cell, place])
            paid = cell
            if by_successor == 1:
                paid = cell * width + place
            for i in range(n):
                rewards[i] = paid_by[paid, i]
                sums[seed, 0, i] += rewards[i]
                ongoing[seed, 0, i] += rewards[i]
                ongoing[seed, 1, i] += fading * rewards[i]
            length += 1
            fading *= discount
            ended = RUNNING
            if terminal[following]:
                ended = TERMINATED
            elif length == horizon:
                ended = TRUNCATED
            seen = views[seat_0, state]
            then = views[seat_0, following]
            observe_0(memory_0, form_0, numbers_0, legal, seen, own_0, actions, rewards, then, ended, stream)
            if SEATS > 1:
                seen = views[seat_1, state]
                then = views[seat_1, following]
                observe_1(memory_1, form_1, numbers_1, legal, seen, own_1, actions, rewards, then, ended, stream)
            if SEATS > 2:
                seen = views[seat_2, state]
                then = views[seat_2, following]
                observe_2(memory_2, form_2, numbers_2, legal, seen, own_2, actions, rewards, then, ended, stream)
            if SEATS > 3:
                seen = views[seat_3, state]
                then = views[seat_3, following]
                observe_3(memory_3, form_3, numbers_3, legal, seen, own_3, actions, rewards, then, ended, stream)
            if SEATS > 4:
                seen = views[seat_4, state]
                then = views[seat_4, following]
                observe_4(memory_4, form_4, numbers_4, legal, seen, own_4, actions, rewards, then, ended, stream)
            if SEATS > 5:
                seen = views[seat_5, state]
                then = views[seat_5, following]
                observe_5(memory_5, form_5, numbers_5, legal, seen, own_5, actions, rewards, then, ended, stream)
            if plays.shape[1] > 0:
                plays[seed, cell] += 1
            state = following
            if ended != RUNNING:
                count_episode(ongoing, sums, ended_episodes, seed, n, length)
                state = -1
        ongoing[seed, 2, 0] = fading
        places[seed, 0] = state
        places[seed, 1] = length
    return last - first
