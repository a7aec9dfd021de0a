"""Every isolated solution of the polynomial systems of a game, by branching and contracting.

Support by support, the box of all profiles is refused, shrunk or halved by the tests of
:mod:`marlgt.solvers._contraction` until each part holds no equilibrium or lies in a region proven to hold
one solution, which Newton's method finds. A part is dropped only for a reason: no solution inside is
passed over, and none outside the simplices is followed.

A box that stays undecided down to the least width holds a singular solution or part of a continuum;
its centre is kept as a suspect, and the search does not claim to be complete. Where suspects abound
the rest of that support is searched at a coarse width, which still finds its regular solutions.
"""

from __future__ import annotations

import numpy as np

from marlgt.kernels import kernel
from marlgt.solvers._contraction import (
    Search,
    contract,
    contraction_rate,
    precondition,
    screen,
    shrink,
    trim_to_simplices,
)
from marlgt.solvers._support_systems import System, build_system, expand, next_support

__all__ = [
    "BOXES",
    "DONE",
    "FULL",
    "ROOTS",
    "SUPPORTS",
    "SUSPECTS",
    "Search",
    "advance",
    "new_search",
]

DONE, MORE, FULL = 0, 1, 2
STACK, KNOWN, ROOTS, SUSPECTS, BOXES, SUPPORTS, LOCAL_BOXES, LOCAL_SUSPECTS, IN_HAND = range(9)

FINEST = 2.0**-20
COARSE = 2.0**-5
MANY_SUSPECTS = 24
"""Undecided smallest boxes of one support after which it is taken to hold a continuum."""
MANY_BOXES = 4000
"""Boxes after which a support with a continuum is left."""
CAPACITY = 256
DEPTH = 1024


def new_search(s: System) -> Search:
    """Return the arrays of a search over the supports of a game."""
    n = s.counts.shape[0]
    d = max(int((s.counts - 1).sum()), 1)
    return Search(
        counters=np.zeros(9, dtype=np.int64),
        stack_low=np.zeros((DEPTH, d)),
        stack_high=np.zeros((DEPTH, d)),
        known_low=np.zeros((CAPACITY, d)),
        known_high=np.zeros((CAPACITY, d)),
        roots=np.zeros((CAPACITY, d)),
        suspects=np.zeros((CAPACITY, d)),
        root_masks=np.zeros((CAPACITY, n), dtype=np.int64),
        suspect_masks=np.zeros((CAPACITY, n), dtype=np.int64),
        low=np.zeros(d),
        high=np.zeros(d),
        centre=np.zeros(d),
        radius=np.zeros(d),
        point=np.zeros(d),
        values=np.zeros_like(s.coefficients),
        jacobian=np.zeros((d, d)),
        inverse=np.zeros((d, d)),
        combined=np.zeros((d, s.degree.shape[0])),
        step=np.zeros(d),
        spread=np.zeros(d),
        slack=np.zeros(d),
        score=np.zeros(d),
        lower=np.zeros(d),
        upper=np.zeros(d),
        bend=np.zeros(d),
    )


@kernel
def advance(s: System, w: Search, budget: float) -> int:
    """Search on for about ``budget`` boxes; tell whether it is done, has more to do, or its lists are full.

    One turn of the loop looks at one box: refuses it, settles it, keeps it in hand where it shrank much,
    or halves it.
    """
    spent = 0.0
    while spent < budget:
        if w.counters[ROOTS] == CAPACITY or w.counters[SUSPECTS] == CAPACITY:
            return FULL
        if w.counters[IN_HAND] == 0:
            if w.counters[STACK] == 0:
                status = next_support(s)
                if status < 0:
                    return DONE
                spent += 0.2
                if status == 1:
                    start_support(s, w)
                continue
            take_box(s, w)
        spent += 1.0
        w.counters[BOXES] += 1
        w.counters[LOCAL_BOXES] += 1
        w.counters[IN_HAND] = 0
        d = s.offset[s.offset.shape[0] - 1]
        if not trim_to_simplices(s, w) or is_known(w, d):
            continue
        for k in range(d):
            w.centre[k] = 0.5 * (w.low[k] + w.high[k])
            w.radius[k] = 0.5 * (w.high[k] - w.low[k])
        expand(s, w.centre, w.radius, w.values)
        if not screen(s, w, d):
            continue
        if shrink(w, d):
            w.counters[IN_HAND] = 1
            continue
        if precondition(s, w, d):
            if not contract(s, w, d):
                continue
            if shrink(w, d):
                w.counters[IN_HAND] = 1
                continue
            if contraction_rate(s, w, d) < 0.5 and certify_root(s, w, d):
                continue
        halve(s, w, d)
    return MORE


@kernel
def start_support(s: System, w: Search) -> None:
    """Put the box of all profiles on these supports on the empty stack."""
    build_system(s)
    d = s.offset[s.offset.shape[0] - 1]
    for k in range(d):
        w.stack_low[0, k] = 0.0
        w.stack_high[0, k] = 1.0
    w.counters[STACK] = 1
    w.counters[KNOWN] = 0
    w.counters[LOCAL_BOXES] = 0
    w.counters[LOCAL_SUSPECTS] = 0
    w.counters[SUPPORTS] += 1


@kernel
def take_box(s: System, w: Search) -> None:
    """Take the box on top of the stack in hand."""
    top = w.counters[STACK] - 1
    w.counters[STACK] = top
    for k in range(s.offset[s.offset.shape[0] - 1]):
        w.low[k] = w.stack_low[top, k]
        w.high[k] = w.stack_high[top, k]


@kernel
def is_known(w: Search, d: int) -> bool:
    """Tell whether the box lies in a region whose one solution is known."""
    for i in range(w.counters[KNOWN]):
        inside = True
        for k in range(d):
            if w.low[k] < w.known_low[i, k] or w.high[k] > w.known_high[i, k]:
                inside = False
                break
        if inside:
            return True
    return False


@kernel
def certify_root(s: System, w: Search, d: int) -> bool:
    """Find the solution near the box and prove it the only one in a region over the box."""
    for k in range(d):
        w.point[k] = w.centre[k] + w.radius[k] * max(-1.5, min(1.5, w.step[k]))
        w.upper[k] = 1.0
        w.bend[k] = 0.0
    last = 1e300
    for _ in range(12):
        expand(s, w.point, w.upper, w.values)
        if not precondition(s, w, d):
            return False
        change = 0.0
        for k in range(d):
            w.point[k] += w.step[k]
            change = max(change, abs(w.step[k]))
        if change < 1e-15 or (change < 1e-11 and change >= 0.5 * last):
            last = change
            break
        last = change
    if not last < 1e-10:
        return False
    for k in range(d):
        reach = max(w.point[k] - w.low[k], w.high[k] - w.point[k])
        if not reach < 10.0 * (w.high[k] - w.low[k]) + 1e-6:
            return False
        w.upper[k] = reach * (1.0 + 1e-9) + 1e-9
    expand(s, w.point, w.upper, w.values)
    if not precondition(s, w, d):
        return False
    rate = contraction_rate(s, w, d)
    if rate > 0.9:
        return False
    # N has no linear terms and degree below n: a region f times as large has at most f^(n-2) times the rate.
    power = max(s.sizes.shape[0] - 2, 1)
    growth = max((0.8 / (rate + 1e-9)) ** (1.0 / power), 1.0)
    known = w.counters[KNOWN]
    if known < CAPACITY:
        for k in range(d):
            w.known_low[known, k] = w.point[k] - growth * w.upper[k]
            w.known_high[known, k] = w.point[k] + growth * w.upper[k]
        w.counters[KNOWN] = known + 1
    if is_feasible(s, w):
        root = w.counters[ROOTS]
        for k in range(d):
            w.roots[root, k] = w.point[k]
        for j in range(s.sizes.shape[0]):
            w.root_masks[root, j] = s.masks[j]
        w.counters[ROOTS] = root + 1
    return True


@kernel
def is_feasible(s: System, w: Search) -> bool:
    """Tell whether the solution just expanded about is an equilibrium, by a wide margin of rounding."""
    for i in range(s.sizes.shape[0]):
        base = 1.0
        for k in range(s.offset[i], s.offset[i + 1]):
            if w.point[k] < -1e-9:
                return False
            base -= w.point[k]
        if base < -1e-9:
            return False
        for e in range(s.first_row[i] + s.sizes[i] - 1, s.first_row[i + 1]):
            if w.values[e, 0] > 1e-9:
                return False
    return True


@kernel
def halve(s: System, w: Search, d: int) -> None:
    """Put both halves of the box on the stack, or note a suspect where it is too small to halve."""
    continuum = w.counters[LOCAL_SUSPECTS] >= MANY_SUSPECTS
    if continuum and w.counters[LOCAL_BOXES] > MANY_BOXES:
        w.counters[STACK] = 0
        return
    finest = COARSE if continuum else FINEST
    best = 0.0
    chosen = -1
    for k in range(d):
        if w.high[k] - w.low[k] > finest and w.score[k] > best:
            best = w.score[k]
            chosen = k
    top = w.counters[STACK]
    if chosen < 0 or top + 2 > DEPTH:
        w.counters[LOCAL_SUSPECTS] += 1
        if w.counters[LOCAL_SUSPECTS] <= MANY_SUSPECTS:
            suspect = w.counters[SUSPECTS]
            for k in range(d):
                w.suspects[suspect, k] = 0.5 * (w.low[k] + w.high[k])
            for j in range(s.sizes.shape[0]):
                w.suspect_masks[suspect, j] = s.masks[j]
            w.counters[SUSPECTS] = suspect + 1
        return
    middle = 0.5 * (w.low[chosen] + w.high[chosen])
    for k in range(d):
        w.stack_low[top, k] = w.low[k]
        w.stack_high[top, k] = w.high[k]
        w.stack_low[top + 1, k] = w.low[k]
        w.stack_high[top + 1, k] = w.high[k]
    w.stack_high[top, chosen] = middle
    w.stack_low[top + 1, chosen] = middle
    w.counters[STACK] = top + 2
