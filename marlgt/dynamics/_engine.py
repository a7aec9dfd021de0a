"""The loop behind the step-by-step dynamics: every player revises, plays and is accounted for, step after step.

Player i's payoffs are laid out as a matrix whose rows are the joint actions b of the others and whose columns are her
own actions, so that her utilities against the weights w of the others ::

    u_i(.) = sum_b w(b) row_b,      w(b) = prod_j x_j(b_j)

stream over contiguous rows, and rows of weight zero are skipped. A rule of play is a kernel in place of
:func:`respond`: :func:`loop_of` binds it into the loop.

The arrays of a run: ``layout`` has rows of int64, one entry for each player: her number of actions, where her actions
begin, where her payoff matrix begins and where her state begins. ``book`` has the rows named below, one entry for each
action of each player. ``purse`` holds the weight of the steps so far, then what each player earned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marlgt.kernels import inlined_kernel, lean_kernel, specialised
from marlgt.randomness import drawn_from, uniform_below

__all__ = ["ALTERNATING", "BOOK_ROWS", "ONE_AT_RANDOM", "SIMULTANEOUS", "advance", "loop_of", "respond"]

COUNT, HEAD, PLACE, STATE = 0, 1, 2, 3
STRATEGY, PLAYED, UTILITY, SUM, TALLY, SPARE = 0, 1, 2, 3, 4, 5
BOOK_ROWS = 6
SIMULTANEOUS, ALTERNATING, ONE_AT_RANDOM = 0, 1, 2
_LARGEST_MASS = 1e100


@lean_kernel
def respond(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Write a player's strategy of the next step: this rule keeps the one that she has.

    Parameters
    ----------
    state : ndarray, shape (S,)
        What the rule remembers of this player, zero at first.
    utility : ndarray, shape (A,)
        What each action would have earned at step ``t``, or earns against the beliefs after it.
    played : ndarray, shape (A,)
        What she played at step ``t``: her strategy, or the action drawn from it.
    strategy : ndarray, shape (A,)
        Her strategy of step ``t``, to be overwritten.
    rate : float
        The rate of the step that she prepares.
    t : int
        The steps played, from 1.
    stream : ndarray, shape (3,)
    """


@lean_kernel
def write_weights(values: Any, layout: Any, player: int, share: float, weights: Any) -> int:
    """Write the weight of each joint action of the others of a player, and return how many there are."""
    weights[0] = 1.0
    size = 1
    for j in range(layout.shape[1]):
        if j != player:
            count = layout[COUNT, j]
            head = layout[HEAD, j]
            # From the back: an entry is read before anything overwrites it.
            for k in range(size - 1, -1, -1):
                w = weights[k] * share
                for a in range(count - 1, -1, -1):
                    weights[k * count + a] = w * values[head + a]
            size *= count
    return int(size)


@lean_kernel
def write_utilities(
    payoffs: Any, layout: Any, player: int, values: Any, share: float, weights: Any, utility: Any
) -> None:
    """Write what each action of a player earns while the others play ``share * values``."""
    size = write_weights(values, layout, player, share, weights)
    count = layout[COUNT, player]
    place = layout[PLACE, player]
    for a in range(count):
        utility[a] = 0.0
    for k in range(size):
        w = weights[k]
        if w > 0.0:
            row = payoffs[place + k * count : place + (k + 1) * count]
            for a in range(count):
                utility[a] += w * row[a]


@lean_kernel
def write_realised(payoffs: Any, layout: Any, player: int, now: Any, utility: Any) -> None:
    """Write what each action of a player earns against the actions of the others."""
    k = 0
    for j in range(layout.shape[1]):
        if j != player:
            k = k * layout[COUNT, j] + now[j]
    count = layout[COUNT, player]
    start = layout[PLACE, player] + k * count
    for a in range(count):
        utility[a] = payoffs[start + a]


@lean_kernel
def observe(
    payoffs: Any, layout: Any, player: int, book: Any, purse: Any, now: Any, weights: Any, sampled: int, believing: int
) -> None:
    """Write the utilities that a player's rule hears: against beliefs, drawn actions or strategies."""
    head = layout[HEAD, player]
    utility = book[UTILITY, head : head + layout[COUNT, player]]
    if believing:
        write_utilities(payoffs, layout, player, book[SUM], 1.0 / purse[0], weights, utility)
    elif sampled:
        write_realised(payoffs, layout, player, now, utility)
    else:
        write_utilities(payoffs, layout, player, book[PLAYED], 1.0, weights, utility)


@inlined_kernel
def play(layout: Any, player: int, book: Any, now: Any, stream: Any, sampled: int) -> None:
    """Play a player's strategy, or an action drawn from it."""
    head = layout[HEAD, player]
    tail = head + layout[COUNT, player]
    if sampled:
        for a in range(head, tail):
            book[PLAYED, a] = 0.0
        now[player] = drawn_from(stream, book[STRATEGY, head:tail])
        book[PLAYED, head + now[player]] = 1.0
    else:
        for a in range(head, tail):
            book[PLAYED, a] = book[STRATEGY, a]


@inlined_kernel
def revise(
    layout: Any, player: int, book: Any, state: Any, now: Any, rate: float, t: int, stream: Any, sampled: int
) -> None:
    """Let the rule write one player's next strategy, and play it."""
    head = layout[HEAD, player]
    tail = head + layout[COUNT, player]
    begin = layout[STATE, player]
    end = layout[STATE, player + 1] if player + 1 < layout.shape[1] else state.shape[0]
    respond(
        state[begin:end],
        book[UTILITY, head:tail],
        book[PLAYED, head:tail],
        book[STRATEGY, head:tail],
        rate,
        t,
        stream,
    )
    play(layout, player, book, now, stream, sampled)


@lean_kernel
def track(layout: Any, book: Any, now: Any, joint: Any, weights: Any, weight: float, sampled: int) -> None:
    """Add the profile played to the joint distribution."""
    if sampled:
        k = 0
        for j in range(layout.shape[1]):
            k = k * layout[COUNT, j] + now[j]
        joint[k] += weight
        return
    size = write_weights(book[PLAYED], layout, 0, 1.0, weights)
    for a in range(layout[COUNT, 0]):
        w = weight * book[PLAYED, a]
        if w > 0.0:
            row = joint[a * size : (a + 1) * size]
            for k in range(size):
                row[k] += w * weights[k]


@lean_kernel
def tally(
    payoffs: Any,
    layout: Any,
    book: Any,
    purse: Any,
    now: Any,
    weights: Any,
    weight: float,
    sampled: int,
    row: int,
) -> None:
    """Add what each action would have earned, and what was earned; the utilities stay in that row of the book."""
    for i in range(layout.shape[1]):
        head = layout[HEAD, i]
        tail = head + layout[COUNT, i]
        if sampled:
            write_realised(payoffs, layout, i, now, book[row, head:tail])
        else:
            write_utilities(payoffs, layout, i, book[PLAYED], 1.0, weights, book[row, head:tail])
        for a in range(head, tail):
            book[TALLY, a] += weight * book[row, a]
            purse[1 + i] += weight * book[PLAYED, a] * book[row, a]


@lean_kernel
def weigh(book: Any, purse: Any, joint: Any, share: float) -> float:
    """Return the weight with which a step makes up ``share`` of the average, fading the past where it must."""
    if share < 1.0 and purse[0] < _LARGEST_MASS:
        return float(share / (1.0 - share) * purse[0])
    fade = 0.0 if share >= 1.0 else 1.0 / purse[0]
    for a in range(book.shape[1]):
        book[SUM, a] *= fade
        book[TALLY, a] *= fade
    for i in range(purse.shape[0]):
        purse[i] *= fade
    for k in range(joint.shape[0]):
        joint[k] *= fade
    return 1.0 if share >= 1.0 else float(share / (1.0 - share))


@lean_kernel
def advance(
    payoffs: Any,
    which: Any,
    layout: Any,
    scales: Any,
    schedule: Any,
    book: Any,
    states: Any,
    purse: Any,
    joint: Any,
    now: Any,
    streams: Any,
    weights: Any,
    times: Any,
    shots: Any,
    joints: Any,
    regrets: Any,
    kept: Any,
    bounds: Any,
    order: int,
    sampled: int,
    believing: int,
    sharing: int,
) -> None:
    """Play the steps ``bounds[0]`` to ``bounds[1]`` of the runs ``bounds[2]`` to ``bounds[3]``, in place.

    ``schedule`` holds the weights and the rates of these steps; ``bounds[4]`` is the first recorded time to come.
    """
    n = layout.shape[1]
    start = bounds[0]
    tracking = joint.shape[1] > 0
    # Utilities that the accounts need are those that the rules hear, if all hear the same profile.
    fresh = not tracking and order == SIMULTANEOUS and not believing
    for r in range(bounds[2], bounds[3]):
        cursor = bounds[4]
        game = payoffs[which[r]]
        for t in range(start, bounds[1]):
            rate = schedule[1, t - start]
            if t == 0:
                for i in range(n):
                    play(layout, i, book[r], now[r], streams[r], sampled)
            else:
                mover = uniform_below(streams[r], n) if order == ONE_AT_RANDOM else -1
                if order == SIMULTANEOUS and not fresh:
                    for i in range(n):
                        observe(game, layout, i, book[r], purse[r], now[r], weights, sampled, believing)
                for i in range(n):
                    if mover < 0 or mover == i:
                        if order != SIMULTANEOUS:
                            observe(game, layout, i, book[r], purse[r], now[r], weights, sampled, believing)
                        revise(layout, i, book[r], states[r], now[r], rate * scales[r, i], t, streams[r], sampled)
            weight = schedule[0, t - start]
            if sharing:
                weight = weigh(book[r], purse[r], joint[r], weight)
            purse[r, 0] += weight
            for a in range(book.shape[2]):
                book[r, SUM, a] += weight * book[r, PLAYED, a]
            if tracking:
                track(layout, book[r], now[r], joint[r], weights, weight, sampled)
            else:
                row = UTILITY if fresh else SPARE
                tally(game, layout, book[r], purse[r], now[r], weights, weight, sampled, row)
            if kept.shape[1] > 0:
                for i in range(n):
                    kept[r, t, i] = now[r, i]
            if cursor < times.shape[0] and t + 1 == times[cursor]:
                record(layout, book[r], purse[r], joint[r], shots[r, cursor], joints[r, cursor], regrets[r, cursor])
                cursor += 1


@lean_kernel
def record(layout: Any, book: Any, purse: Any, joint: Any, shot: Any, joint_shot: Any, regret: Any) -> None:
    """Write the strategies, the averages, the joint distribution and the average regrets of this moment."""
    mass = purse[0]
    for a in range(book.shape[1]):
        shot[0, a] = book[STRATEGY, a]
        shot[1, a] = book[SUM, a] / mass
    for k in range(joint.shape[0]):
        joint_shot[k] = joint[k] / mass
    for i in range(layout.shape[1]):
        head = layout[HEAD, i]
        best = book[TALLY, head]
        for a in range(head + 1, head + layout[COUNT, i]):
            best = max(best, book[TALLY, a])
        regret[i] = (best - purse[1 + i]) / mass


def loop_of(rule: Callable[..., None]) -> Callable[..., None]:
    """Return the loop in which every player revises by this kernel; it stands for :func:`respond`."""
    return specialised(advance, revise=specialised(revise, respond=rule))
