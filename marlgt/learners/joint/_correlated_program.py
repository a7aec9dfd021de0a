"""The kernel that solves for the best correlated equilibrium of a stage game.

The program over distributions p of the legal joint actions is, for the obedience rows of every player i and pair of her
actions a, b (or, coarse, every action b),

    max w'p   s.t.   sum of p(a, a_-i) [u_i(b, a_-i) - u_i(a, a_-i)] <= 0,    sum p <= 1,    p >= 0

With all weights w positive the sum is 1 at the optimum, for p may be scaled up, and p = 0 is a first vertex. The
egalitarian objective is one more variable t with ``t <= w_i'p`` for every i. Of several optima the one best for the
first player is taken, then for the second and so on, so that the values are functions of the payoffs alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from marlgt.kernels import lean_kernel
from marlgt.learners.exploration import is_legal
from marlgt.learners.joint._joint_stages import CHOSEN, STATE_VALUES, VALUES, WORK
from marlgt.learners.joint._stage_simplex import maximise, program_space, read_basic
from marlgt.learners.layout import COUNTS, EXTRA, PLAYERS, PROFILES
from marlgt.learners.settings import Setting

__all__ = ["EGALITARIAN", "LIBERTARIAN", "REPUBLICAN", "UTILITARIAN", "program_work", "solve"]

UTILITARIAN, EGALITARIAN, REPUBLICAN, LIBERTARIAN = 0, 1, 2, 3
OBJECTIVE, COARSE = EXTRA, EXTRA + 1
_LOOSE = 1e-8
_GAIN = 1e-9
"""Gains below this share of a player's range count as none, so that ties that rounding broke are ties."""


def program_size(setting: Setting, *, coarse: bool) -> tuple[int, int, int]:
    """Return the most rows, columns and objectives of a program of this game."""
    rows = sum(a if coarse else a * (a - 1) for a in setting.n_actions) + 1 + setting.n_players
    return rows, setting.n_profiles + 1, setting.n_players + 1


def program_work(setting: Setting, *, coarse: bool) -> int:
    """Return how many numbers of scratch space :func:`solve` takes."""
    n, profiles = setting.n_players, setting.n_profiles
    # The legal joint actions and their parts, a solution, the best one, the players' own parts, the program.
    return profiles * (3 + n) + 1 + sum(setting.n_actions) + program_space(*program_size(setting, coarse=coarse))


@lean_kernel
def list_legal(memory: Any, form: Any, legal: Any, state: int, cells: int, parts: int) -> int:
    """Write the numbers of the legal joint actions, and every player's part of each; return how many they are."""
    n = form[PLAYERS]
    profiles = form[PROFILES]
    count = 0
    for cell in range(profiles):
        allowed = True
        for i in range(n):
            part = cell // form[COUNTS + n + i] % form[COUNTS + i]
            memory[parts + i * profiles + count] = part
            allowed = allowed and is_legal(form, legal, i, state, part)
        if allowed:
            memory[cells + count] = cell
            count += 1
    return count


@lean_kernel
def write_obedience(
    memory: Any,
    form: Any,
    numbers: Any,
    legal: Any,
    state: int,
    cells: int,
    parts: int,
    count: int,
    at: int,
    width: int,
) -> int:
    """Write the rows of obedience, each in units of its largest gain, and return how many they are."""
    n = form[PLAYERS]
    profiles = form[PROFILES]
    coarse = numbers[COARSE] == 1.0
    row = 0
    for i in range(n):
        payoffs = form[VALUES] + (state * n + i) * profiles
        stride = int(form[COUNTS + n + i])
        low = np.inf
        high = -np.inf
        for k in range(count):
            worth = memory[payoffs + int(memory[cells + k])]
            low = min(low, worth)
            high = max(high, worth)
        for a in range(form[COUNTS + i]):
            if not is_legal(form, legal, i, state, a) or (coarse and a > 0):
                continue
            for b in range(form[COUNTS + i]):
                if not is_legal(form, legal, i, state, b) or (a == b and not coarse):
                    continue
                place = at + row * width
                most = 0.0
                for k in range(count):
                    part = int(memory[parts + i * profiles + k])
                    gain = 0.0
                    if coarse or part == a:
                        cell = int(memory[cells + k])
                        gain = memory[payoffs + cell + (b - part) * stride] - memory[payoffs + cell]
                    if abs(gain) <= _GAIN * (high - low):
                        gain = 0.0
                    memory[place + k] = gain
                    most = max(most, abs(gain))
                # A row may be scaled as one likes: with entries of 1 no row is lost among the others.
                for k in range(count):
                    memory[place + k] = memory[place + k] / most if most > 0.0 else 0.0
                for k in range(count, width):
                    memory[place + k] = 0.0
                row += 1
    return row


@lean_kernel
def write_goal(
    memory: Any,
    form: Any,
    state: int,
    cells: int,
    count: int,
    to: int,
    width: int,
    player: int,
    low: float,
    unit: float,
) -> None:
    """Write a player's payoffs, mapped to [1, 2] and negated, as a row; those of all players together for -1."""
    n = form[PLAYERS]
    profiles = form[PROFILES]
    for k in range(width):
        memory[to + k] = 0.0
    for i in range(n):
        if player < 0 or i == player:
            payoffs = form[VALUES] + (state * n + i) * profiles
            for k in range(count):
                memory[to + k] -= (memory[payoffs + int(memory[cells + k])] - low) * unit + 1.0


@lean_kernel
def write_program(
    memory: Any,
    form: Any,
    numbers: Any,
    legal: Any,
    state: int,
    cells: int,
    parts: int,
    count: int,
    leader: int,
    at: int,
    width: int,
) -> int:
    """Write the tableau of the program, its constraints and then its objectives, and return how many constraints."""
    n = form[PLAYERS]
    profiles = form[PROFILES]
    fair = leader == -2
    low = np.inf
    high = -np.inf
    for i in range(n):
        for k in range(count):
            worth = memory[form[VALUES] + (state * n + i) * profiles + int(memory[cells + k])]
            low = min(low, worth)
            high = max(high, worth)
    unit = 1.0 / (high - low) if high > low else 0.0
    rows = write_obedience(memory, form, numbers, legal, state, cells, parts, count, at, width)
    if fair:
        for i in range(n):
            write_goal(memory, form, state, cells, count, at + rows * width, width, i, low, unit)
            memory[at + rows * width + count] = 1.0
            rows += 1
    for k in range(width):
        memory[at + rows * width + k] = 1.0
    if fair:
        memory[at + rows * width + count] = 0.0
    rows += 1
    goal = at + rows * width
    if fair:
        for k in range(width):
            memory[goal + k] = 0.0
        memory[goal + count] = -1.0
    else:
        write_goal(memory, form, state, cells, count, goal, width, leader, low, unit)
    for i in range(n):
        if i != leader:
            goal += width
            write_goal(memory, form, state, cells, count, goal, width, i, low, unit)
    return rows


@lean_kernel
def best_equilibrium(
    memory: Any,
    form: Any,
    numbers: Any,
    legal: Any,
    state: int,
    cells: int,
    parts: int,
    count: int,
    leader: int,
    at: int,
    to: int,
) -> bool:
    """Write the best equilibrium to ``memory[to + k]``, one number for each legal joint action; tell whether there is.

    ``leader`` is the player whose payoff comes first, or -1 for the sum and -2 for the smallest.
    """
    columns = count + 1 if leader == -2 else count
    objectives = form[PLAYERS] if leader >= 0 else form[PLAYERS] + 1
    # Should rounding spoil the path through many ties: with each row loosened a little, in its own way, there are none.
    for attempt in range(3):
        rows = write_program(memory, form, numbers, legal, state, cells, parts, count, leader, at, columns + 1)
        for row in range(rows - 1):
            if attempt > 0:
                memory[at + row * (columns + 1) + columns] += _LOOSE * attempt * abs(math.sin(12.9898 * (row + 1)))
        pivots = maximise(memory, at, rows, columns, objectives, -1)
        total = read_basic(memory, at, rows, columns, objectives, count, to)
        if pivots >= 0 and abs(total - 1.0) < 1e-6:
            for k in range(count):
                memory[to + k] /= total
            return True
    return False


@lean_kernel
def worth_of(memory: Any, form: Any, state: int, cells: int, count: int, solution: int, player: int) -> float:
    """Return a player's expected payoff from a distribution over the legal joint actions."""
    payoffs = form[VALUES] + (state * form[PLAYERS] + player) * form[PROFILES]
    total = 0.0
    for k in range(count):
        total += memory[solution + k] * memory[payoffs + int(memory[cells + k])]
    return total


@lean_kernel
def solve(memory: Any, form: Any, numbers: Any, legal: Any, state: int) -> None:
    """Choose the equilibrium of the stage game of a state, and write its distribution and its values."""
    n = form[PLAYERS]
    profiles = form[PROFILES]
    joint = form[CHOSEN] + state * profiles
    values = form[STATE_VALUES] + state * n
    cells = form[WORK]
    parts = cells + profiles
    solution = parts + n * profiles
    best = solution + profiles + 1
    own = best + profiles
    at = own
    for i in range(n):
        at += form[COUNTS + i]
    count = list_legal(memory, form, legal, state, cells, parts)
    objective = int(numbers[OBJECTIVE])
    first = -1
    last = 0
    if objective == EGALITARIAN:
        first = -2
        last = -1
    elif objective != UTILITARIAN:
        first = 0
        last = n
    highest = -np.inf
    for leader in range(first, last):
        if not best_equilibrium(memory, form, numbers, legal, state, cells, parts, count, leader, at, solution):
            # What was chosen before stays.
            for k in range(count):
                memory[solution + k] = memory[joint + int(memory[cells + k])]
        if objective == LIBERTARIAN:
            memory[values + leader] = worth_of(memory, form, state, cells, count, solution, leader)
            for a in range(form[COUNTS + leader]):
                memory[own + a] = 0.0
            for k in range(count):
                memory[own + int(memory[parts + leader * profiles + k])] += memory[solution + k]
            own += form[COUNTS + leader]
        else:
            worth = 0.0
            if objective == REPUBLICAN:
                worth = worth_of(memory, form, state, cells, count, solution, leader)
            if highest == -np.inf or worth > highest + 1e-12 * abs(highest):
                highest = worth
                for k in range(count):
                    memory[best + k] = memory[solution + k]
    for cell in range(profiles):
        memory[joint + cell] = 0.0
    own = best + profiles
    for k in range(count):
        share = memory[best + k]
        if objective == LIBERTARIAN:
            # Every player draws from her own equilibrium, apart from the others.
            share = 1.0
            place = own
            for i in range(n):
                share *= memory[place + int(memory[parts + i * profiles + k])]
                place += form[COUNTS + i]
        memory[joint + int(memory[cells + k])] = share
    if objective != LIBERTARIAN:
        for i in range(n):
            memory[values + i] = worth_of(memory, form, state, cells, count, best, i)
