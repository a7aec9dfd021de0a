"""The polynomial systems of an n-player game: one for each choice of supports.

On supports S_1, ..., S_n an equilibrium is a point x of the product of the faces spanned by the S_i at which
the actions of S_i tie, ``u_i(a, x_-i) - u_i(b, x_-i) = 0``, and no other action pays more. With the
first action of each support as its base, x_i(base) = 1 - sum of the others, every such difference is
a polynomial in d = sum_i (|S_i| - 1) unknowns that is affine in the block of unknowns of each player,
and there are d equations. Its coefficients are kept in one flat array per row, one axis per opponent,
index 0 standing for "no unknown of this opponent".

Over a product of faces a multilinear function takes its extremes at the corners, which are pure
profiles. So supports are refused by looking at payoffs alone: where one action does at least as
well as another against every pure profile of the opponents' supports and better against one, the
worse one is played by nobody whose opponents use all of theirs (conditional dominance; Porter,
Nudelman and Shoham 2008).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import kernel

__all__ = ["System", "build_system", "choose_actions", "expand", "new_system", "next_support"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIE = 1e-14
"""Normalised payoffs closer than this are equal."""


class System(NamedTuple):
    """The supports being looked at and their polynomial system, in arrays made once per game.

    Attributes
    ----------
    payoffs : ndarray, shape (n, A_1 * ... * A_n)
        Normalised to [0, 1] for each player.
    counts, strides : int ndarray, shape (n,)
        Numbers of actions, and the strides of the flat payoffs.
    masks : int ndarray, shape (n,)
        The supports as bit sets; 0 while a player's is undecided.
    walk : int ndarray, shape (1,)
        The player whose support is being chosen.
    actions : int ndarray, shape (n, max A)
        The actions in the support, then the others.
    sizes : int ndarray, shape (n,)
        Actions in the support; all of them while undecided.
    offset : int ndarray, shape (n + 1,)
        Where each player's unknowns begin; the last entry is their number d.
    first_row : int ndarray, shape (n + 1,)
        Where each player's rows begin: first the equations, then the inequalities ``<= 0``.
    stride : int ndarray, shape (n, n)
        Strides of the coefficients of a row of player i along opponent j.
    length : int ndarray, shape (n,)
        Number of coefficients of a row of player i.
    unknown : int ndarray, shape (n, longest, n)
        The unknown of player j in a monomial of player i's rows, or -1.
    coefficients : ndarray, shape (rows, longest)
    n_monomials : int ndarray, shape (1,)
    degree : int ndarray, shape (A_1 * ... * A_n,)
        Of the nonlinear monomials in all unknowns.
    place : int ndarray, shape (A_1 * ... * A_n, n)
        Where such a monomial stands in the rows of player i, or -1.
    digits : int ndarray, shape (n,)
        Scratch: a pure profile.
    """

    payoffs: Floats
    counts: Ints
    strides: Ints
    masks: Ints
    walk: Ints
    actions: Ints
    sizes: Ints
    offset: Ints
    first_row: Ints
    stride: Ints
    length: Ints
    unknown: Ints
    coefficients: Floats
    n_monomials: Ints
    degree: Ints
    place: Ints
    digits: Ints


def new_system(payoffs: Floats) -> System:
    """Return the arrays for a game's payoffs, shape (n, A_1, ..., A_n), before its first support."""
    n = payoffs.shape[0]
    counts = np.array(payoffs.shape[1:], dtype=np.int64)
    total = int(counts.prod())
    strides = np.array([int(counts[i + 1 :].prod()) for i in range(n)], dtype=np.int64)
    longest = total // int(counts.min())
    actions = np.zeros((n, int(counts.max())), dtype=np.int64)
    for i in range(n):
        actions[i, : counts[i]] = np.arange(counts[i])
    return System(
        payoffs=np.ascontiguousarray(payoffs.reshape(n, -1)),
        counts=counts,
        strides=strides,
        masks=np.zeros(n, dtype=np.int64),
        walk=np.zeros(1, dtype=np.int64),
        actions=actions,
        sizes=counts.copy(),
        offset=np.zeros(n + 1, dtype=np.int64),
        first_row=np.concatenate([[0], np.cumsum(counts - 1)]).astype(np.int64),
        stride=np.zeros((n, n), dtype=np.int64),
        length=np.zeros(n, dtype=np.int64),
        unknown=np.zeros((n, longest, n), dtype=np.int64),
        coefficients=np.zeros((max(int((counts - 1).sum()), 1), longest)),
        n_monomials=np.zeros(1, dtype=np.int64),
        degree=np.zeros(total, dtype=np.int64),
        place=np.zeros((total, n), dtype=np.int64),
        digits=np.zeros(n, dtype=np.int64),
    )


@kernel
def next_support(s: System) -> int:
    """Take one step of the walk over supports: 1 at a new candidate, 0 to go on, -1 at the end."""
    n = s.counts.shape[0]
    i = s.walk[0]
    s.masks[i] += 1
    if s.masks[i] >= 1 << s.counts[i]:
        s.masks[i] = 0
        choose_actions(s, i, (1 << s.counts[i]) - 1)
        s.walk[0] = i - 1
        return -1 if i == 0 else 0
    choose_actions(s, i, s.masks[i])
    last = i == n - 1
    for j in range(i + 1):
        if plays_dominated_action(s, j, last):
            return 0
    if not last:
        s.walk[0] = i + 1
        return 0
    for j in range(n):
        if s.sizes[j] > 1:
            return 1
    return 0


@kernel
def choose_actions(s: System, i: int, mask: int) -> None:
    """List the actions of a support first, and the others after them."""
    size = 0
    for a in range(s.counts[i]):
        if mask >> a & 1:
            s.actions[i, size] = a
            size += 1
    s.sizes[i] = size
    for a in range(s.counts[i]):
        if not mask >> a & 1:
            s.actions[i, size] = a
            size += 1


@kernel
def plays_dominated_action(s: System, i: int, decided: bool) -> bool:
    """Tell whether a support holds an action that another one beats against all of the opponents' supports.

    Once every support is decided, never worse and somewhere better is enough; before that, only
    better everywhere is, since the opponents' supports may still shrink.
    """
    n = s.counts.shape[0]
    own = s.strides[i]
    for p in range(s.sizes[i]):
        low = s.actions[i, p] * own
        for b in range(s.counts[i]):
            high = b * own
            if low == high:
                continue
            where = 0
            for j in range(n):
                s.digits[j] = 0
                if j != i:
                    where += s.actions[j, 0] * s.strides[j]
            better = False
            beaten = True
            while True:
                gain = s.payoffs[i, where + high] - s.payoffs[i, where + low]
                if gain < -TIE or (gain <= TIE and not decided):
                    beaten = False
                    break
                if gain > TIE:
                    better = True
                j = n - 1
                while j >= 0:
                    if j != i:
                        where -= s.actions[j, s.digits[j]] * s.strides[j]
                        s.digits[j] += 1
                        if s.digits[j] < s.sizes[j]:
                            where += s.actions[j, s.digits[j]] * s.strides[j]
                            break
                        s.digits[j] = 0
                        where += s.actions[j, 0] * s.strides[j]
                    j -= 1
                if j < 0:
                    break
            if beaten and better:
                return True
    return False


@kernel
def build_system(s: System) -> None:
    """Write the coefficients of every row for the supports of the moment."""
    n = s.counts.shape[0]
    for j in range(n):
        s.offset[j + 1] = s.offset[j] + s.sizes[j] - 1
    for i in range(n):
        step = 1
        for j in range(n - 1, -1, -1):
            if j == i:
                s.stride[i, j] = 0
            else:
                s.stride[i, j] = step
                step *= s.sizes[j]
        s.length[i] = step
        base = s.actions[i, 0] * s.strides[i]
        for q in range(step):
            where = 0
            for j in range(n):
                s.unknown[i, q, j] = -1
                if j != i:
                    digit = q // s.stride[i, j] % s.sizes[j]
                    where += s.actions[j, digit] * s.strides[j]
                    if digit > 0:
                        s.unknown[i, q, j] = s.offset[j] + digit - 1
            for e in range(s.counts[i] - 1):
                other = s.actions[i, e + 1] * s.strides[i]
                s.coefficients[s.first_row[i] + e, q] = s.payoffs[i, where + other] - s.payoffs[i, where + base]
        for j in range(n):
            if j == i or s.sizes[j] == 1:
                continue
            block = s.stride[i, j] * s.sizes[j]
            for e in range(s.first_row[i], s.first_row[i + 1]):
                for start in range(0, step, block):
                    for q in range(start, start + s.stride[i, j]):
                        for k in range(1, s.sizes[j]):
                            s.coefficients[e, q + k * s.stride[i, j]] -= s.coefficients[e, q]
    list_monomials(s)


@kernel
def list_monomials(s: System) -> None:
    """List the nonlinear monomials in all unknowns, and where each stands in every player's rows."""
    n = s.counts.shape[0]
    total = 1
    for j in range(n):
        total *= s.sizes[j]
    found = 0
    for q in range(total):
        rest = q
        degree = 0
        for j in range(n - 1, -1, -1):
            s.digits[j] = rest % s.sizes[j]
            rest //= s.sizes[j]
            if s.digits[j] > 0:
                degree += 1
        if degree < 2 or degree == n:
            continue
        s.degree[found] = degree
        for i in range(n):
            s.place[found, i] = -1
            if s.digits[i] == 0:
                where = 0
                for j in range(n):
                    where += s.digits[j] * s.stride[i, j]
                s.place[found, i] = where
        found += 1
    s.n_monomials[0] = found


@kernel
def expand(s: System, centre: Floats, radius: Floats, values: Floats) -> None:
    """Write every row in the unknowns t of a box, x = centre + radius * t, into ``values``."""
    n = s.counts.shape[0]
    for i in range(n):
        length = s.length[i]
        for e in range(s.first_row[i], s.first_row[i + 1]):
            for q in range(length):
                values[e, q] = s.coefficients[e, q]
            for j in range(n):
                size = s.sizes[j]
                if j == i or size == 1:
                    continue
                stride = s.stride[i, j]
                first = s.offset[j] - 1
                for start in range(0, length, stride * size):
                    for q in range(start, start + stride):
                        constant = values[e, q]
                        for k in range(1, size):
                            slope = values[e, q + k * stride]
                            constant += centre[first + k] * slope
                            values[e, q + k * stride] = slope * radius[first + k]
                        values[e, q] = constant
