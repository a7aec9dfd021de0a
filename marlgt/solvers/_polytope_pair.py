"""All vertices of both best-response polytopes of a game, in the arithmetic that suits it.

An exact game is walked so that no decision rests on rounding. First, where integers fit, by integral
pivots in floats; then by rounded pivots, given up at the first decision that is nearly a tie; and else
in Python's integers.

A game of floats is walked by rounded pivots, given up in the same way. Where a decision is close, the
payoffs are taken at their word: as fractions of small denominators, if they are such up to scale and
rounding, else as the binary fractions that they are; and that game is walked exactly. Only in games
too large for this do differences up to a tolerance count as ties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import gear
from marlgt.progress import progress
from marlgt.rational import bareiss_nullspace
from marlgt.solvers._array_walk import MOST_LABELS, ArrayWalk
from marlgt.solvers._envelope import EnvelopeWalk
from marlgt.solvers._polytope_kernel import LARGEST_INTEGER, walk
from marlgt.solvers._polytopes import FULL, INEXACT, TIED, NumberWalk, most_vertices

__all__ = ["PolytopePair", "vertex_bound"]

TIE = 1e-10
"""Share of a player's payoff range below which two payoffs are equal, in a large game of floats with close ones."""

NOISE, MARGIN = 1e-12, 1e-10
"""In a game walked with rounding: what counts as zero, and what is too close to it to tell."""

LARGEST_DRIFT = 1e-8

LARGEST_DENOMINATOR, ROUNDING = 10**6, 1e-14
"""Floats within rounding of fractions with no larger denominator are read as these where there are ties."""

WORK_IN_LONG_INTEGERS = 200_000.0
"""Predicted work up to which a game of floats is walked as the binary fractions that they are."""

BASES_AT_FIRST = 4096

BASES_PER_CALL = {ArrayWalk: 20_000, EnvelopeWalk: 1, NumberWalk: 2_000}
WORK_PER_CALL = 300.0
"""Predicted work below which arrays cost more to set up than they save."""

WORK_TO_REPORT = 100_000.0
"""Predicted work below which nobody waits for progress."""

Matrices = Sequence[list[list[Any]]]
Masks = list[int] | NDArray[np.int64]


def vertex_bound(game: NormalFormGame) -> int:
    """Return an upper bound on the number of vertices of both polytopes together (McMullen 1970)."""
    m, n = game.n_actions
    return most_vertices(m, m + n) + most_vertices(n, m + n)


class PolytopePair:
    """The vertices of the two best-response polytopes of a two-player game.

    Attributes
    ----------
    masks : tuple of two lists of int, or two ndarrays of int64
        For each player, the labels of each vertex of the polytope of their strategies, the origin
        left out, as bit masks: bit i for action i of player 0, bit m + j for action j of player 1.
    bases : int
        The number of bases visited.
    spreads : list of two floats
        In a game of floats, the payoff range of each player, one if that is zero.
    complete : bool
        Whether these are all the vertices.
    stopped : str
        ``"interrupted"`` after Ctrl-C, ``"budget"`` when there was no room for more vertices.
    """

    def __init__(self, game: NormalFormGame) -> None:
        m, n = game.n_actions
        self.n_actions = (m, n)
        self._game = game
        self._labels = (range(m), range(m, m + n))
        self.origins = ((1 << m) - 1, ((1 << n) - 1) << m)
        self.everything = self.origins[0] | self.origins[1]
        self.masks: tuple[Masks, Masks] = ([], [])
        self.bases = 0
        self.complete = False
        self.stopped = ""
        self.spreads = [1.0, 1.0]
        self._walks: tuple[Any, Any] | None = None
        self._floats: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._integers = self._positive_integers() if game.is_exact else None
        self._bounds = most_vertices(m, m + n), most_vertices(n, m + n)
        # Random games have a quarter of the bound; each vertex costs a pivot and half the ratio tests.
        self._work = sum(self._bounds) / 4 * 2 * m * n

    def visit(self, *, until_degenerate: bool = False, exactly: bool = False) -> bool:
        """Walk over all vertices, with progress on the terminal; Ctrl-C keeps those found so far.

        Parameters
        ----------
        until_degenerate : bool
            Stop at the first vertex with more labels than the dimension, and return True.
        exactly : bool
            In a game of floats, walk the fractions that they mean, with no rounded walk before. Where that
            is too much work nothing is visited and ``complete`` stays False.
        """
        degenerate = failed = False
        with progress("vertex enumeration") if self._work >= WORK_TO_REPORT else nullcontext(_silent) as report:
            for walks in self._attempts(exactly):
                self._walks = walks
                try:
                    degenerate = self._run(walks, report, until_degenerate)
                except KeyboardInterrupt:
                    self.stopped = "interrupted"
                failed = any(map(_failed, walks))
                if not self.stopped and any(w.status == FULL for w in walks):
                    self.stopped = "budget"
                self.bases = walks[0].bases + walks[1].bases
                if self.stopped or degenerate or not failed:
                    break
        self.masks = (self._found(0), self._found(1))
        self.complete = self._walks is not None and not (self.stopped or degenerate or failed)
        return degenerate

    def _run(self, walks: tuple[Any, Any], report: Callable[[float, str], None], until_degenerate: bool) -> bool:
        """Walk both polytopes by turns until both walks have ended or one shows what is looked for."""
        ended = [False, False]
        while not all(ended):
            for side in (0, 1):
                if not ended[side]:
                    ended[side] = walks[side].advance(BASES_PER_CALL[type(walks[side])])
                    if until_degenerate and self._has_degenerate(side):
                        return True
            report(walks[0].bases + walks[1].bases, "bases")
        return False

    def strategies(self, side: int, masks: Sequence[int]) -> list[NDArray[Any]]:
        """Return the strategies of the vertices with the given labels, exactly in an exact game."""
        if self._integers is not None:
            return [_fractions(weights) for weights in self.weights(side, masks)]
        walks = self._walks
        if walks is None:
            return self._solved(side, masks)
        if not isinstance(walks[side], ArrayWalk):
            lines = map(walks[side].weights, masks)
            return [np.array([w / total for w in line]) for line, total in ((w, sum(w)) for w in lines)]
        if all(mask.bit_count() == self.n_actions[side] for mask in masks):
            found = walks[side].points(masks)
            if found is not None:
                np.maximum(found, 0.0, out=found)
                found /= found.sum(axis=1, keepdims=True)
                return list(found)
        return self._solved(side, masks)

    def weights(self, side: int, masks: Sequence[int]) -> list[list[int]]:
        """Return integers proportional to the strategies of the vertices with the given labels, in an exact game."""
        walks = self._walks
        if walks is not None and not isinstance(walks[side], ArrayWalk):
            return [walks[side].weights(mask) for mask in masks]
        return [self._solved_exactly(side, mask) for mask in masks]

    def _positive_integers(self) -> Matrices:
        """Return for each polytope its matrix by columns, in positive integers: the opponent's payoffs."""
        numerators, _ = self._game.integer_payoffs
        return _primitive((numerators[1].tolist(), numerators[0].T.tolist()))

    def _positive_lists(self) -> tuple[list[list[float]], list[list[float]]]:
        """Return for each polytope its matrix by columns, between one and two, in Python's numbers."""
        result = []
        for player, matrix in ((1, self._game.payoffs[1].tolist()), (0, self._game.payoffs[0].T.tolist())):
            least = min(map(min, matrix))
            self.spreads[player] = spread = max(map(max, matrix)) - least or 1.0
            result.append([[(x - least) / spread + 1.0 for x in line] for line in matrix])
        return result[0], result[1]

    def _positive_floats(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return for each polytope its matrix by columns, between one and two, in arrays."""
        if self._floats is None:
            result = []
            for player, u in enumerate(self._game.payoffs):
                least = u.min()
                self.spreads[player] = float(u.max() - least) or 1.0
                result.append((u - least) / self.spreads[player] + 1.0)
            self._floats = result[1], np.ascontiguousarray(result[0].T)
        return self._floats

    def _attempts(self, exactly: bool) -> Iterator[tuple[Any, Any]]:
        arrays = (
            sum(self.n_actions) <= MOST_LABELS and self._work >= WORK_PER_CALL and gear(walk, self._work) is not walk
        )
        if self._integers is not None:
            yield from self._exact_attempts(self._integers, arrays)
        elif exactly:
            meant = self._meant_integers(self._positive_lists())
            if meant is not None:
                yield from self._exact_attempts(meant, arrays)
        elif arrays:
            floats = self._positive_floats()
            yield self._array_walks(floats, NOISE, MARGIN, False)
            meant = self._meant_integers([matrix.tolist() for matrix in floats])
            if meant is not None:
                yield from self._exact_attempts(meant, arrays)
            yield self._array_walks(floats, TIE, 0.0, False)
        else:
            lists = self._positive_lists()
            yield self._number_walks(lists, MARGIN, True)
            meant = self._meant_integers(lists)
            if meant is not None:
                yield from self._exact_attempts(meant, arrays)
            yield self._number_walks(lists, TIE, False)

    def _meant_integers(self, scaled: Matrices) -> Matrices | None:
        """Return the matrices as the integers that the payoffs mean, up to scale; None if that is too much work."""
        short = _short_fractions(scaled)
        if short is not None or self._work > WORK_IN_LONG_INTEGERS:
            return short
        payoffs = self._game.payoffs
        return _primitive(map(_over_common_denominator, (payoffs[1].tolist(), payoffs[0].T.tolist())))

    def _exact_attempts(self, integers: Matrices, arrays: bool) -> Iterator[tuple[Any, Any]]:
        if arrays:
            if max(max(map(max, matrix)) for matrix in integers) <= LARGEST_INTEGER:
                yield self._array_walks([np.array(matrix, dtype=np.float64) for matrix in integers], 0.0, 0.0, True)
            if self._integers is not None:
                yield self._array_walks(self._positive_floats(), NOISE, MARGIN, False)
        yield self._number_walks(integers, 0.0, False)

    def _number_walks(self, matrices: Matrices, tolerance: float, strict: bool) -> tuple[Any, Any]:
        labels = self._labels
        first, second = (
            (EnvelopeWalk if self.n_actions[side] == 2 else NumberWalk)(
                matrices[side], labels[1 - side], labels[side], tolerance=tolerance, strict=strict
            )
            for side in (0, 1)
        )
        return first, second

    def _array_walks(
        self,
        matrices: Sequence[NDArray[np.float64]],
        tolerance: float,
        margin: float,
        integral: bool,
    ) -> tuple[ArrayWalk, ArrayWalk]:
        first, second = (
            ArrayWalk(
                matrices[side],
                self._labels[1 - side],
                self._labels[side],
                tolerance=tolerance,
                margin=margin,
                integral=integral,
                capacity=min(self._bounds[side], BASES_AT_FIRST),
            )
            for side in (0, 1)
        )
        return first, second

    def _found(self, side: int) -> Masks:
        found: Masks = self._walks[side].masks() if self._walks is not None else []
        origin = self.origins[side]
        return found[found != origin] if isinstance(found, np.ndarray) else [mask for mask in found if mask != origin]

    def _has_degenerate(self, side: int) -> bool:
        if self._walks is None or _failed(self._walks[side]):
            return False
        masks = self._walks[side].masks()
        if isinstance(masks, np.ndarray):
            return bool((np.bitwise_count(masks) > self.n_actions[side]).any())
        return any(mask.bit_count() > self.n_actions[side] for mask in masks)

    def _solved_exactly(self, side: int, mask: int) -> list[int]:
        """Solve for the strategy that makes the opponent's actions among its labels equally good."""
        columns = self._integers[side]  # type: ignore[index]
        support, tight = self._support(side, mask)
        played = [columns[i] for i in support]
        first = [line[tight[0]] for line in played]
        differences = [[line[j] - base for line, base in zip(played, first)] for j in tight[1:]]
        solutions = bareiss_nullspace(differences, len(support))
        if len(solutions) != 1 or not sum(solutions[0]):
            raise ArithmeticError(f"the labels {mask:b} name no vertex")
        sign = 1 if sum(solutions[0]) > 0 else -1
        weights = [0] * self.n_actions[side]
        for i, value in zip(support, solutions[0]):
            weights[i] = sign * value
        return weights

    def _solved(self, side: int, masks: Sequence[int]) -> list[NDArray[Any]]:
        """Solve in floats, all systems of one size at a time."""
        matrix = self._positive_floats()[side]
        result = [np.zeros(self.n_actions[side]) for _ in masks]
        groups: dict[int, list[tuple[int, list[int], list[int]]]] = {}
        for k, mask in enumerate(masks):
            support, tight = self._support(side, mask)
            if len(support) == len(tight):
                groups.setdefault(len(support), []).append((k, support, tight))
            else:
                system = matrix[np.ix_(support, tight)].T
                result[k][support] = np.linalg.lstsq(system, np.ones(len(tight)), rcond=None)[0]
        for size, members in groups.items():
            supports = np.array([support for _, support, _ in members])
            tights = np.array([tight for _, _, tight in members])
            systems = matrix[supports[:, None, :], tights[:, :, None]]
            solutions = np.linalg.solve(systems, np.ones((len(members), size, 1)))[..., 0]
            for (k, support, _), solution in zip(members, solutions):
                result[k][support] = solution
        for x in result:
            np.maximum(x, 0.0, out=x)
            x /= x.sum()
        return result

    def _support(self, side: int, mask: int) -> tuple[list[int], list[int]]:
        """Return the actions played, and the opponent's actions that are best replies."""
        own, other = self._labels[side], self._labels[1 - side]
        return (
            [i for i, label in enumerate(own) if not mask >> label & 1],
            [j for j, label in enumerate(other) if mask >> label & 1],
        )


def _fractions(weights: list[int]) -> NDArray[Any]:
    total = sum(weights)
    strategy = np.empty(len(weights), dtype=object)
    strategy[:] = [Fraction(w, total) for w in weights]
    return strategy


def _failed(one: Any) -> bool:
    return one.status in (INEXACT, TIED) or (isinstance(one, ArrayWalk) and one.drift > LARGEST_DRIFT)


def _primitive(matrices: Iterable[list[list[int]]]) -> Matrices:
    """Shift integers to begin at one and divide out what they have in common."""
    result = []
    for matrix in matrices:
        least = min(map(min, matrix))
        unit = gcd(*(x - least for line in matrix for x in line)) or 1
        result.append([[(x - least) // unit + 1 for x in line] for line in matrix])
    return result


def _short_fractions(matrices: Matrices) -> Matrices | None:
    """Return matrices of numbers between one and two as positive integers, if they are short fractions."""
    result = []
    for matrix in matrices:
        fractions = [[Fraction(x - 1.0).limit_denominator(LARGEST_DENOMINATOR) for x in line] for line in matrix]
        for line, given in zip(fractions, matrix):
            if any(abs(float(f) + 1.0 - x) > ROUNDING for f, x in zip(line, given)):
                return None
        result.append(_over_common_denominator(fractions))
    return _primitive(result)


def _over_common_denominator(matrix: Sequence[Sequence[Any]]) -> list[list[int]]:
    """Return the numerators of floats or Fractions over one denominator, exactly."""
    ratios = [[x.as_integer_ratio() for x in line] for line in matrix]
    common = lcm(*{d for line in ratios for _, d in line})
    return [[n * (common // d) for n, d in line] for line in ratios]


def _silent(done: float, note: str) -> None:
    """Report nothing: the work is over before anyone could read it."""
