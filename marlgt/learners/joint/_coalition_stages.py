"""The kernels of learners who solve a stage game between two coalitions: their own and the foes'.

The values of a state are a matrix Q(s, r, c): r is what the own coalition does together, c what the foes do together.
Beside them stand both coalitions' optimal mixtures x and y and the value V(s) of the stage game. An update changes one
entry of the matrix, and mostly leaves x and y optimal where they do not use it both: if y(c) = 0 no row has become
better, and x stays optimal while column c still gives at least the value; likewise if x(r) = 0. Only else is the stage
game solved again. Of several optimal mixtures the one found first is so kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import inlined_kernel, lean_kernel
from marlgt.learners.exploration import draw_uniformly
from marlgt.learners.joint._stage_simplex import game_space, zero_sum_stage
from marlgt.learners.layout import (
    COUNT,
    COUNTS,
    DISCOUNT,
    EPISODES,
    EXPLORATION,
    EXTRA,
    FREE,
    PER_VISIT,
    PLAYER,
    PLAYERS,
    RATE,
    RUNNING,
    STATES,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners.schedules import scheduled
from marlgt.learners.settings import Setting
from marlgt.randomness import uniform

__all__ = ["Coalitions", "act", "observe"]

VALUES, STATE_VALUES, OWN_MIXTURES, FOE_MIXTURES, VISITS, WORK = (TABLES + k for k in range(6))
# extra: the strides of rows and of columns by player, the numbers of rows and columns, then which of both are legal.
Floats = NDArray[np.float64]


class Coalitions(NamedTuple):
    """How the actions of all players make a row and a column.

    Attributes
    ----------
    own, foes : tuple of int
        Players, in rising order.
    rows, columns : int
    row_strides, column_strides : ndarray of int64, shape (n,)
        ``row = sum_i a_i row_strides[i]``; 0 for players on the other side.
    """

    own: tuple[int, ...]
    foes: tuple[int, ...]
    rows: int
    columns: int
    row_strides: NDArray[np.int64]
    column_strides: NDArray[np.int64]

    @classmethod
    def of(cls, setting: Setting, own: Sequence[int]) -> Coalitions:
        """Return the coalition of the players in ``own`` against all others."""
        foes = tuple(j for j in range(setting.n_players) if j not in own)
        sides = []
        for side in (tuple(sorted(own)), foes):
            strides = np.zeros(setting.n_players, dtype=np.int64)
            size = 1
            for j in reversed(side):
                strides[j], size = size, size * setting.n_actions[j]
            sides.append((size, strides))
        (rows, by_row), (columns, by_column) = sides
        return cls(tuple(sorted(own)), foes, rows, columns, by_row, by_column)

    def tables(self, n_states: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the tables that the kernels read, in their order."""
        # The legal part of the payoffs, its strategies, the numbers of the legal rows and columns, the simplex method.
        work = self.rows * self.columns + 2 * (self.rows + self.columns)
        if self.columns > 1:
            work += game_space(self.rows, self.columns)
        return {
            "values": (n_states, self.rows, self.columns),
            "state_values": (n_states,),
            "mixtures": (n_states, self.rows),
            "foe_mixtures": (n_states, self.columns),
            "visits": (n_states, self.rows, self.columns),
            "work": (work,),
        }

    def legal(self, setting: Setting) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which rows and columns are legal in each state, shapes (S, rows) and (S, columns)."""
        sides = []
        for side in (self.own, self.foes):
            joint = np.ones((setting.n_states, 1), dtype=bool)
            for j in side:
                joint = (joint[:, :, None] & setting.legal[j][:, None, :]).reshape(setting.n_states, -1)
            sides.append(joint)
        return sides[0], sides[1]

    def extra(self, setting: Setting) -> Floats:
        """Return the numbers that the kernels read of this."""
        parts: list[Any] = [self.row_strides, self.column_strides, [self.rows, self.columns]]
        if not setting.all_legal():
            parts += [own.reshape(-1) for own in self.legal(setting)]
        return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])


@inlined_kernel
def act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return the own part of what the own coalition would do, or with the rate of exploration any legal action."""
    level = scheduled(numbers, EXPLORATION + 2, memory[STEPS])
    player = form[PLAYER]
    if level > 0.0 and uniform(stream) < level:
        return draw_uniformly(form, legal, player, state, stream)
    n = form[PLAYERS]
    rows = int(numbers[EXTRA + 2 * n])
    mixture = form[OWN_MIXTURES] + state * rows
    left = uniform(stream)
    row = 0
    for r in range(rows):
        if memory[mixture + r] > 0.0:
            row = r
            left -= memory[mixture + r]
            if left < 0.0:
                break
    if rows == form[COUNT]:
        return row
    return row // int(numbers[EXTRA + player]) % int(form[COUNTS + player])


@inlined_kernel
def still_optimal(memory: Any, matrix: int, x: int, y: int, columns: int, rows: int, r: int, c: int, v: float) -> bool:
    """Tell whether mixtures and value are still those of the game after a change of the entry (r, c)."""
    if memory[y + c] == 0.0:
        if memory[x + r] == 0.0:
            return True
        total = 0.0
        for i in range(rows):
            total += memory[x + i] * memory[matrix + i * columns + c]
        return bool(total >= v)
    if memory[x + r] == 0.0:
        total = 0.0
        for j in range(columns):
            total += memory[y + j] * memory[matrix + r * columns + j]
        return bool(total <= v)
    return False


@lean_kernel
def solve_stage(memory: Any, form: Any, numbers: Any, state: int, rows: int, columns: int) -> float:
    """Solve the stage game over the legal rows and columns, write both mixtures and return the value."""
    matrix = form[VALUES] + state * rows * columns
    own = form[OWN_MIXTURES] + state * rows
    foe = form[FOE_MIXTURES] + state * columns
    work = form[WORK]
    x = own
    y = foe
    m = rows
    k = columns
    free = form[FREE] == 1
    kept_rows = work + rows * columns + rows + columns
    kept_columns = kept_rows + rows
    if not free:
        legal_rows = EXTRA + 2 * form[PLAYERS] + 2
        legal_columns = legal_rows + form[STATES] * rows + state * columns
        legal_rows += state * rows
        x = work + rows * columns
        y = x + rows
        m = 0
        for r in range(rows):
            memory[own + r] = 0.0
            if numbers[legal_rows + r] == 1.0:
                memory[kept_rows + m] = r
                m += 1
        k = 0
        for c in range(columns):
            memory[foe + c] = 0.0
            if numbers[legal_columns + c] == 1.0:
                memory[kept_columns + k] = c
                k += 1
        for i in range(m):
            place = matrix + int(memory[kept_rows + i]) * columns
            for j in range(k):
                memory[work + i * k + j] = memory[place + int(memory[kept_columns + j])]
        matrix = work
        work = kept_columns + columns
    # One place for both cases: the compiler writes the simplex method out wherever it is called.
    value = zero_sum_stage(memory, matrix, m, k, work, x, y)
    if not free:
        for i in range(m):
            memory[own + int(memory[kept_rows + i])] = memory[x + i]
        for j in range(k):
            memory[foe + int(memory[kept_columns + j])] = memory[y + j]
    return value


@lean_kernel
def observe(
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
    """Update the value of what was played, and solve the stage game again if its solution may have changed."""
    n = form[PLAYERS]
    rows = int(numbers[EXTRA + 2 * n])
    columns = int(numbers[EXTRA + 2 * n + 1])
    r = 0
    c = 0
    for i in range(n):
        r += int(actions[i]) * int(numbers[EXTRA + i])
        c += int(actions[i]) * int(numbers[EXTRA + n + i])
    cell = (state * rows + r) * columns + c
    target = rewards[form[PLAYER]]
    if ended != TERMINATED:
        target += numbers[DISCOUNT] * memory[form[STATE_VALUES] + following]
    time = memory[STEPS]
    if numbers[PER_VISIT] == 1.0:
        time = memory[form[VISITS] + cell]
    memory[form[VALUES] + cell] += scheduled(numbers, RATE, time) * (target - memory[form[VALUES] + cell])
    memory[form[VISITS] + cell] += 1.0
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0
    matrix = form[VALUES] + state * rows * columns
    x = form[OWN_MIXTURES] + state * rows
    y = form[FOE_MIXTURES] + state * columns
    value = form[STATE_VALUES] + state
    if not still_optimal(memory, matrix, x, y, columns, rows, r, c, memory[value]):
        memory[value] = solve_stage(memory, form, numbers, state, rows, columns)
