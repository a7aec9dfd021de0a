"""Write what is observed: the numbers of a block's lanes, side by side, into the rows of the environments' arrays.

Numbers are computed for all lanes at once into ``notes``, a table of float32 with a row for each number, and then
copied lane by lane, so that what is computed is lane code on vectors and what is copied is nothing but copied. The
global names ``gpd`` and ``motors`` are bound to numbers by :func:`marlgt.kernels.specialised`.
"""

from __future__ import annotations

from typing import Any

from marlgt.games.drones.kernels.lanes import WIDTH, where
from marlgt.games.drones.kernels.layout import ACTIVE, E0, K0, SPX, SPY, SPZ, SVX, SVY, SVZ, TICK, VX, VY, VZ, X, Y, Z
from marlgt.games.drones.kernels.observations import (
    GPD_SIZE,
    KIN_SIZE,
    STATE_SIZE,
    gpd_kinematics,
    kinematics,
    true_state,
)
from marlgt.kernels import lane_kernel, lane_loop

__all__ = ["NOTES", "observe_block", "rank_neighbours", "ranks_for", "see_neighbours"]

NOTES = KIN_SIZE + STATE_SIZE
"""Rows of the table in which the numbers of one drone are computed."""

FAR = 1e30
"""Square of a distance, m², to a drone that is not there."""

gpd = 0
motors = 0


def ranks_for(neighbours: int) -> int:
    """Return how many numbers :func:`rank_neighbours` computes with."""
    return (2 + 6 * -(-neighbours // 3)) * WIDTH


@lane_kernel
def fill_kinematics(notes: Any, drones: Any, i: int, e: int) -> None:
    """Note ``kin25``."""
    (
        notes[e], notes[1 * WIDTH + e], notes[2 * WIDTH + e], notes[3 * WIDTH + e], notes[4 * WIDTH + e],
        notes[5 * WIDTH + e], notes[6 * WIDTH + e], notes[7 * WIDTH + e], notes[8 * WIDTH + e], notes[9 * WIDTH + e],
        notes[10 * WIDTH + e], notes[11 * WIDTH + e], notes[12 * WIDTH + e], notes[13 * WIDTH + e],
        notes[14 * WIDTH + e], notes[15 * WIDTH + e], notes[16 * WIDTH + e], notes[17 * WIDTH + e],
        notes[18 * WIDTH + e], notes[19 * WIDTH + e], notes[20 * WIDTH + e], notes[21 * WIDTH + e],
        notes[22 * WIDTH + e], notes[23 * WIDTH + e], notes[24 * WIDTH + e],
    ) = kinematics(drones, i, e)  # fmt: skip


@lane_kernel
def fill_gpd_kinematics(notes: Any, drones: Any, i: int, e: int) -> None:
    """Note what gym-pybullet-drones observes."""
    (
        notes[e], notes[1 * WIDTH + e], notes[2 * WIDTH + e], notes[3 * WIDTH + e], notes[4 * WIDTH + e],
        notes[5 * WIDTH + e], notes[6 * WIDTH + e], notes[7 * WIDTH + e], notes[8 * WIDTH + e], notes[9 * WIDTH + e],
        notes[10 * WIDTH + e], notes[11 * WIDTH + e],
    ) = gpd_kinematics(drones, i, e)  # fmt: skip


@lane_kernel
def fill_truth(notes: Any, drones: Any, i: int, e: int) -> None:
    """Note a drone's part of the global state, after what it observes."""
    (
        notes[25 * WIDTH + e], notes[26 * WIDTH + e], notes[27 * WIDTH + e], notes[28 * WIDTH + e],
        notes[29 * WIDTH + e], notes[30 * WIDTH + e], notes[31 * WIDTH + e], notes[32 * WIDTH + e],
        notes[33 * WIDTH + e], notes[34 * WIDTH + e], notes[35 * WIDTH + e], notes[36 * WIDTH + e],
        notes[37 * WIDTH + e], notes[38 * WIDTH + e], notes[39 * WIDTH + e], notes[40 * WIDTH + e],
        notes[41 * WIDTH + e], notes[42 * WIDTH + e], notes[43 * WIDTH + e], notes[44 * WIDTH + e],
        notes[45 * WIDTH + e],
    ) = true_state(drones, i, e)  # fmt: skip


@lane_kernel
def approach(a: Any, b: Any, j: int, ranks: Any, e: int) -> None:
    """Let drone ``j`` apply for the places: the square of its distance from another, m², and its number."""
    dx, dy, dz = b[X + e] - a[X + e], b[Y + e] - a[Y + e], b[Z + e] - a[Z + e]
    ranks[e] = where(b[ACTIVE + e] > 0.0, dx * dx + dy * dy + dz * dz, FAR)
    ranks[WIDTH + e] = 1.0 * j


@lane_kernel
def comes_before(square: Any, who: Any, other: Any, holder: Any) -> Any:
    """Tell whether one drone is nearer than another, or as near and of a lower number; what is no number is not."""
    return (square < other) | ((square == other) & (who < holder))


@lane_kernel
def settle_in(ranks: Any, at: int, e: int) -> None:
    """Let who applies take the first of three places whose holder comes after, and who is displaced the next."""
    square, who = ranks[e], ranks[WIDTH + e]
    s0, s1, s2 = ranks[at + e], ranks[at + WIDTH + e], ranks[at + 2 * WIDTH + e]
    h0, h1, h2 = ranks[at + 3 * WIDTH + e], ranks[at + 4 * WIDTH + e], ranks[at + 5 * WIDTH + e]
    first = comes_before(square, who, s0, h0)
    square, who, s0, h0 = (
        where(first, s0, square),
        where(first, h0, who),
        where(first, square, s0),
        where(first, who, h0),
    )
    first = comes_before(square, who, s1, h1)
    square, who, s1, h1 = (
        where(first, s1, square),
        where(first, h1, who),
        where(first, square, s1),
        where(first, who, h1),
    )
    first = comes_before(square, who, s2, h2)
    square, who, s2, h2 = (
        where(first, s2, square),
        where(first, h2, who),
        where(first, square, s2),
        where(first, who, h2),
    )
    ranks[e], ranks[WIDTH + e] = square, who
    ranks[at + e], ranks[at + WIDTH + e], ranks[at + 2 * WIDTH + e] = s0, s1, s2
    ranks[at + 3 * WIDTH + e], ranks[at + 4 * WIDTH + e], ranks[at + 5 * WIDTH + e] = h0, h1, h2


@lane_loop
def rank_neighbours(drones: Any, n: int, i: int, k: int, ranks: Any) -> None:
    """Find the ``k`` drones nearest to drone ``i`` that are not lost, in all lanes of a block, nearest first.

    Parameters
    ----------
    drones : array, shape (n, DRONE_FIELDS * WIDTH)
        The block's drones.
    n, i, k : int
        Number of drones, the one that looks, and how many it looks for, at least 1.
    ranks : array, shape (ranks_for(k),)
        Filled: :func:`ranked` reads it. Places come in threes, which fit into a processor's registers: the squares of
        three distances, then whose they are; before them who applies for a place.
    """
    groups = (k + 2) // 3
    for at in range(2 * WIDTH, (2 + 6 * groups) * WIDTH, 6 * WIDTH):
        for e in range(3 * WIDTH):
            ranks[at + e], ranks[at + 3 * WIDTH + e] = FAR, -1.0
    a = drones[i]
    for j in range(n):
        if j != i:
            b = drones[j]
            for e in range(WIDTH):
                approach(a, b, j, ranks, e)
                settle_in(ranks, 2 * WIDTH, e)
            for at in range(8 * WIDTH, (2 + 6 * groups) * WIDTH, 6 * WIDTH):
                for e in range(WIDTH):
                    settle_in(ranks, at, e)


@lane_kernel
def ranked(ranks: Any, s: int, e: int) -> int:
    """Return which drone is neighbour ``s`` in lane ``e``, the lower first among equally near, -1 if there is none."""
    return int(ranks[(5 + 6 * (s // 3) + s % 3) * WIDTH + e])


@lane_kernel
def see_neighbours(drones: Any, i: int, k: int, ranks: Any, row: Any, at: int, e: int) -> None:
    """Write position and velocity of the drones found, relative to what drone ``i`` senses of its own, into its row."""
    x, y, z = drones[i, X + e] + drones[i, SPX + e], drones[i, Y + e] + drones[i, SPY + e], drones[i, Z + e]
    z = z + drones[i, SPZ + e]
    vx, vy, vz = drones[i, VX + e] + drones[i, SVX + e], drones[i, VY + e] + drones[i, SVY + e], drones[i, VZ + e]
    vz = vz + drones[i, SVZ + e]
    for s in range(k):
        j, base = ranked(ranks, s, e), at + 6 * s
        if j >= 0:
            row[base], row[base + 1], row[base + 2] = drones[j, X + e] - x, drones[j, Y + e] - y, drones[j, Z + e] - z
            row[base + 3] = 0.5 * (drones[j, VX + e] - vx)
            row[base + 4] = 0.5 * (drones[j, VY + e] - vy)
            row[base + 5] = 0.5 * (drones[j, VZ + e] - vz)
        else:
            for m in range(6):
                row[base + m] = 0.0


@lane_loop
def observe_block(
    drones: Any,
    w: Any,
    c: Any,
    past: Any,
    flags: Any,
    seen: Any,
    state: Any,
    sizes: Any,
    notes: Any,
    ranks: Any,
    first: int,
    lanes: int,
    everyone: int,
) -> None:
    """Write the observations of all agents and the global state of the lanes whose episode is over, or of all.

    Parameters
    ----------
    past : ndarray, shape (B, n, width * kept)
        Earlier actions of each drone.
    flags : ndarray of bool, shape (4, B)
        The first two tell whose episode is over.
    seen : ndarray, shape (B, n_agents, D)
    state : ndarray, shape (B, S)
    sizes : ndarray of int64, shape (9,)
        See :func:`marlgt.games.drones.kernels.judging.judge_block`.
    notes : ndarray of float32, shape (NOTES * WIDTH,)
    ranks : ndarray, shape (ranks_for(neighbours),)
        Room to compute in.
    """
    neighbours, extras, worlds, shown, n, horizon = sizes[0], sizes[1], sizes[2], sizes[3], sizes[5], sizes[7]
    for i in range(n):
        for e in range(WIDTH):
            if gpd == 1:
                fill_gpd_kinematics(notes, drones, i, e)
            else:
                fill_kinematics(notes, drones, i, e)
            fill_truth(notes, drones, i, e)
        if gpd == 0 and neighbours > 0:
            rank_neighbours(drones, n, i, neighbours, ranks)
        for e in range(lanes):
            b = first + e
            if everyone == 1 or flags[0, b] or flags[1, b]:
                row, at = seen[b, i], GPD_SIZE if gpd == 1 else KIN_SIZE
                for k in range(at):
                    row[k] = notes[k * WIDTH + e]
                if gpd == 0:
                    if neighbours > 0:
                        see_neighbours(drones, i, neighbours, ranks, row, at, e)
                        at += 6 * neighbours
                    for k in range(extras):
                        row[at + k] = drones[i, E0 + k * WIDTH + e]
                    at += extras
                for k in range(shown):
                    row[at + k] = past[b, i, k]
                for k in range(STATE_SIZE):
                    state[b, i * STATE_SIZE + k] = notes[(KIN_SIZE + k) * WIDTH + e]
    for e in range(lanes):
        b = first + e
        if everyone == 1 or flags[0, b] or flags[1, b]:
            if motors == 1:
                name_motors(seen[b])
            for k in range(worlds):
                state[b, n * STATE_SIZE + k] = w[K0 + k * WIDTH + e]
            state[b, n * STATE_SIZE + worlds] = (horizon - c[TICK + e]) / horizon


@lane_loop
def name_motors(seen: Any) -> None:
    """Give the four motors of a drone what the first of them sees, and each its number."""
    last = seen.shape[1] - 4
    for i in range(1, 4):
        for k in range(last):
            seen[i, k] = seen[0, k]
    for i in range(4):
        for k in range(4):
            seen[i, last + k] = 1.0 if i == k else 0.0
