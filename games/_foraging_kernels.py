"""The rules of level-based foraging over many environments at once, compiled.

Each environment has a row in every table:

- agents, int64 (B, n, 5): row, column, level; the cell that she tries to be on and the food that she loads, plus one,
  are room to compute in;
- foods, int64 (B, F, 3): row, column, level in the order of their cells; one that is gathered, or found no place, is
  -1, -1, 0;
- clock, int64 (B, 2): steps of the episode, and the levels of all its food together;
- streams, int64 (B, 3), of :mod:`marlgt.randomness`.
"""

from __future__ import annotations

from typing import Any

from marlgt.kernels import kernel, lean_kernel
from marlgt.randomness import uniform_below

__all__ = ["AGENT_FIELDS", "BEGIN", "LOOK", "N_ACTIONS", "STEP", "forage"]

N_ACTIONS = 6
AGENT_FIELDS = 5
STEP, BEGIN, LOOK = 0, 1, 2

ROW, COLUMN, LEVEL, TARGET, LOADS = 0, 1, 2, 3, 4
STEPS, TOTAL = 0, 1
SIZE, SIGHT, HORIZON, LEAST, MOST, FOOD_LEAST, FOOD_MOST, COOPERATIVE, NORMALISED, SHARED = range(10)
NORTH, SOUTH, WEST, EAST, LOAD = 1, 2, 3, 4, 5
TRIES = 1000
"""Cells that are tried for the food of one episode, as in lbforaging: food that finds no place by then is left out."""

LOOKS_AGAIN = 32
"""Tries after which it is looked whether there is a place at all."""


@lean_kernel
def food_on(foods: Any, e: int, row: int, column: int) -> bool:
    """Return whether food lies on a cell."""
    for f in range(foods.shape[1]):
        if foods[e, f, LEVEL] > 0 and foods[e, f, ROW] == row and foods[e, f, COLUMN] == column:
            return True
    return False


@lean_kernel
def food_beside(foods: Any, e: int, row: int, column: int) -> int:
    """Return which food lies in the next cell of a row or column, or -1; it is placed so that there is only one."""
    for f in range(foods.shape[1]):
        if foods[e, f, LEVEL] > 0 and abs(foods[e, f, ROW] - row) + abs(foods[e, f, COLUMN] - column) == 1:
            return f
    return -1


@lean_kernel
def is_allowed(action: int, agents: Any, foods: Any, e: int, i: int, size: int) -> bool:
    """Return whether an agent's action does what it says: moves onto other agents do, as far as this goes."""
    row, column = agents[e, i, ROW], agents[e, i, COLUMN]
    if action == LOAD:
        return food_beside(foods, e, row, column) >= 0
    if action == NORTH:
        return row > 0 and not food_on(foods, e, row - 1, column)
    if action == SOUTH:
        return row < size - 1 and not food_on(foods, e, row + 1, column)
    if action == WEST:
        return column > 0 and not food_on(foods, e, row, column - 1)
    if action == EAST:
        return column < size - 1 and not food_on(foods, e, row, column + 1)
    return True


@lean_kernel
def place_agents(rules: Any, agents: Any, streams: Any, e: int) -> None:
    """Put every agent on a free cell, with a random level."""
    stream = streams[e]
    for i in range(agents.shape[1]):
        free = False
        row, column = 0, 0
        while not free:
            row, column = uniform_below(stream, rules[SIZE]), uniform_below(stream, rules[SIZE])
            free = True
            for j in range(i):
                if agents[e, j, ROW] == row and agents[e, j, COLUMN] == column:
                    free = False
        agents[e, i, ROW], agents[e, i, COLUMN] = row, column
        agents[e, i, LEVEL] = rules[LEAST] + uniform_below(stream, rules[MOST] - rules[LEAST] + 1)


@lean_kernel
def three_weakest(agents: Any, e: int) -> int:
    """Return the sum of the three lowest levels of agents, or of all if there are fewer."""
    n = agents.shape[1]
    first, second, third = 2**40, 2**40, 2**40
    for i in range(n):
        level = agents[e, i, LEVEL]
        if level < first:
            first, second, third = level, first, second
        elif level < second:
            second, third = level, second
        elif level < third:
            third = level
    total = first
    if n > 1:
        total += second
    if n > 2:
        total += third
    return total


@lean_kernel
def has_room(agents: Any, foods: Any, e: int, placed: int, row: int, column: int) -> bool:
    """Return whether food may lie on a cell: free, and so far from the food already placed that none is beside both."""
    for i in range(agents.shape[1]):
        if agents[e, i, ROW] == row and agents[e, i, COLUMN] == column:
            return False
    for f in range(placed):
        down, across = abs(foods[e, f, ROW] - row), abs(foods[e, f, COLUMN] - column)
        if max(down, across) <= 1 or (min(down, across) == 0 and max(down, across) <= 2):
            return False
    return True


@lean_kernel
def is_full(agents: Any, foods: Any, e: int, placed: int, size: int) -> bool:
    """Return whether no cell is left for more food."""
    for row in range(1, size - 1):
        for column in range(1, size - 1):
            if has_room(agents, foods, e, placed, row, column):
                return False
    return True


@lean_kernel
def place_foods(rules: Any, agents: Any, foods: Any, clock: Any, streams: Any, e: int) -> None:
    """Put food inside of the border, kept in the order of its cells."""
    stream = streams[e]
    most = rules[FOOD_MOST] if rules[FOOD_MOST] > 0 else three_weakest(agents, e)
    least = most if rules[COOPERATIVE] else rules[FOOD_LEAST]
    placed, tries = 0, 0
    clock[e, TOTAL] = 0
    while placed < foods.shape[1] and tries < TRIES:
        tries += 1
        row = 1 + uniform_below(stream, rules[SIZE] - 2)
        column = 1 + uniform_below(stream, rules[SIZE] - 2)
        if not has_room(agents, foods, e, placed, row, column):
            # Where no food fits any more, all other tries would fail too.
            if tries % LOOKS_AGAIN == 0 and is_full(agents, foods, e, placed, rules[SIZE]):
                break
            continue
        level = least
        if most > least:
            level += uniform_below(stream, most - least + 1)
        f = placed
        while f > 0 and (foods[e, f - 1, ROW], foods[e, f - 1, COLUMN]) > (row, column):
            for k in range(3):
                foods[e, f, k] = foods[e, f - 1, k]
            f -= 1
        foods[e, f, ROW], foods[e, f, COLUMN], foods[e, f, LEVEL] = row, column, level
        clock[e, TOTAL] += level
        placed += 1
    for f in range(placed, foods.shape[1]):
        foods[e, f, ROW], foods[e, f, COLUMN], foods[e, f, LEVEL] = -1, -1, 0


@lean_kernel
def move(actions: Any, agents: Any, foods: Any, e: int, size: int) -> None:
    """Move those agents who are alone in trying to be where they try to be, those who stay included."""
    n = agents.shape[1]
    for i in range(n):
        action = actions[e, i]
        row, column = agents[e, i, ROW], agents[e, i, COLUMN]
        agents[e, i, LOADS] = 0
        if is_allowed(action, agents, foods, e, i, size):
            if action == NORTH:
                row -= 1
            elif action == SOUTH:
                row += 1
            elif action == WEST:
                column -= 1
            elif action == EAST:
                column += 1
            elif action == LOAD:
                agents[e, i, LOADS] = 1 + food_beside(foods, e, row, column)
        agents[e, i, TARGET] = row * size + column
    for i in range(n):
        target = agents[e, i, TARGET]
        alone = True
        for j in range(n):
            if j != i and agents[e, j, TARGET] == target:
                alone = False
        if alone:
            agents[e, i, ROW], agents[e, i, COLUMN] = target // size, target % size


@lean_kernel
def load(rules: Any, penalty: float, agents: Any, foods: Any, clock: Any, rewards: Any, e: int) -> int:
    """Give out the food that enough agents load, write the rewards and return how much food is left."""
    n, left = agents.shape[1], 0
    for i in range(n):
        rewards[e, i] = 0.0
    for f in range(foods.shape[1]):
        level, strength = foods[e, f, LEVEL], 0
        if level == 0:
            continue
        left += 1
        for i in range(n):
            if agents[e, i, LOADS] == f + 1:
                strength += agents[e, i, LEVEL]
        if strength == 0:
            continue
        for i in range(n):
            if agents[e, i, LOADS] == f + 1:
                if strength < level:
                    rewards[e, i] = -penalty
                elif rules[NORMALISED]:
                    # r_i = level_i * food / (levels of all loaders * levels of all food of the episode)
                    rewards[e, i] = float(agents[e, i, LEVEL] * level) / float(strength * clock[e, TOTAL])
                else:
                    rewards[e, i] = float(agents[e, i, LEVEL] * level)
        if strength >= level:
            left -= 1
            foods[e, f, ROW], foods[e, f, COLUMN], foods[e, f, LEVEL] = -1, -1, 0
    if rules[SHARED]:
        total = 0.0
        for i in range(n):
            total += rewards[e, i]
        for i in range(n):
            rewards[e, i] = total
    return left


@lean_kernel
def look(sight: int, agents: Any, foods: Any, seen: Any, state: Any, e: int) -> None:
    """Write what each agent sees, and all that is there.

    Cells count from the upper left corner of what is in sight, on the grid. Food is seen up to ``sight`` cells away.
    An agent is seen if her cell so counted is from 0 to twice ``sight``: near the upper or left border, where that
    corner is closer, she is seen from farther.
    """
    n, n_foods = agents.shape[1], foods.shape[1]
    for i in range(n):
        row, column = agents[e, i, ROW], agents[e, i, COLUMN]
        top, left = max(row - sight, 0), max(column - sight, 0)
        at = 0
        for f in range(n_foods):
            down, across = foods[e, f, ROW], foods[e, f, COLUMN]
            if foods[e, f, LEVEL] > 0 and abs(down - row) <= sight and abs(across - column) <= sight:
                seen[e, i, at], seen[e, i, at + 1], seen[e, i, at + 2] = down - top, across - left, foods[e, f, LEVEL]
                at += 3
        while at < 3 * n_foods:
            seen[e, i, at], seen[e, i, at + 1], seen[e, i, at + 2] = -1, -1, 0
            at += 3
        for k in range(n):
            # Herself first, then the others in their order.
            j = i if k == 0 else (k - 1 if k <= i else k)
            down, across = agents[e, j, ROW] - top, agents[e, j, COLUMN] - left
            if min(down, across) >= 0 and max(down, across) <= 2 * sight:
                seen[e, i, at], seen[e, i, at + 1], seen[e, i, at + 2] = down, across, agents[e, j, LEVEL]
                at += 3
        while at < 3 * (n_foods + n):
            seen[e, i, at], seen[e, i, at + 1], seen[e, i, at + 2] = -1, -1, 0
            at += 3
    for f in range(n_foods):
        for k in range(3):
            state[e, 3 * f + k] = foods[e, f, k]
    for i in range(n):
        for k in range(3):
            state[e, 3 * (n_foods + i) + k] = agents[e, i, k]


@lean_kernel
def mask(agents: Any, foods: Any, allowed: Any, e: int, size: int) -> None:
    """Write which actions each agent may choose."""
    for i in range(agents.shape[1]):
        for action in range(N_ACTIONS):
            allowed[e, i, action] = is_allowed(action, agents, foods, e, i, size)


@kernel
def forage(
    mode: int, actions: Any, rules: Any, penalty: float, agents: Any, foods: Any, clock: Any, streams: Any,
    rewards: Any, flags: Any, seen: Any, reached: Any, state: Any, reached_state: Any, allowed: Any,
) -> bool:  # fmt: skip
    """Take a step in every environment, begin all anew or only look; return whether all actions exist.

    Parameters
    ----------
    mode : {STEP, BEGIN, LOOK}
    actions : array of int64, shape (B, n)
        Nothing changes if one of them is none.
    rules : array of int64, shape (10,)
    penalty : float
    agents, foods, clock, streams : array of int64
        The tables of this module.
    rewards : array of float32, shape (B, n)
    flags : array of bool, shape (2, B)
        Terminated and truncated.
    seen, reached : array of float32, shape (B, n, 3 * (F + n))
    state, reached_state : array of float32, shape (B, 3 * (F + n))
    allowed : array of bool, shape (B, n, 6)
    """
    n_envs, n = agents.shape[0], agents.shape[1]
    width = seen.shape[2]
    size, sight = rules[SIZE], rules[SIGHT]
    if mode == STEP:
        for e in range(n_envs):
            for i in range(n):
                if actions[e, i] < 0 or actions[e, i] >= N_ACTIONS:
                    return False
    for e in range(n_envs):
        over = mode == BEGIN
        if mode == STEP:
            move(actions, agents, foods, e, size)
            left = load(rules, penalty, agents, foods, clock, rewards, e)
            clock[e, STEPS] += 1
            flags[0, e] = left == 0
            flags[1, e] = left > 0 and clock[e, STEPS] >= rules[HORIZON]
            look(sight, agents, foods, reached, reached_state, e)
            over = flags[0, e] or flags[1, e]
        if over:
            place_agents(rules, agents, streams, e)
            place_foods(rules, agents, foods, clock, streams, e)
            clock[e, STEPS] = 0
        if over or mode == LOOK:
            look(sight, agents, foods, seen, state, e)
        else:
            for i in range(n):
                for k in range(width):
                    seen[e, i, k] = reached[e, i, k]
            for k in range(width):
                state[e, k] = reached_state[e, k]
        mask(agents, foods, allowed, e, size)
    return True
