"""What policies earn and what deviating gains in trees so small that calling numpy costs more than the sums.

The passes of :mod:`marlgt.concepts.behavior` in one sweep over lists: all players' sequences stand in one row, player
after player, and so do their information sets, so that each pass and each sum over the ends of plays is one loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.games.sequence_form import SUM_TOLERANCE, SequenceForm

__all__ = ["MOST_SEQUENCES", "FlatPlans", "flat_plans", "flat_values_and_regrets"]

FEW_SEQUENCES, MOST_SEQUENCES = 120, 2000
"""Sequences of all players up to which these passes are faster than the compiled ones, and than interpreted ones."""
_ENDS_IN_LISTS = 120
"""Combinations of sequences that end a play, in games of two players, up to which lists beat arrays."""


class FlatPlans(NamedTuple):
    """The sequences of all players in one row.

    Attributes
    ----------
    shapes : tuple of tuple of int
        Of the players' policies.
    empty : list of int
        The place of each player's empty sequence; one more is the length of the row.
    sets : tuple of tuple
        Of each player the number of actions, the parent's place and the first action's place of each information set.
    ends : tuple of tuple, or None
        In games of two players that end in few ways, each end's places and payoffs.
    places : ndarray of int64, shape (n, T)
    payoffs : ndarray, shape (n, T)
    """

    shapes: tuple[tuple[int, int], ...]
    empty: list[int]
    sets: tuple[tuple[tuple[int, int, int], ...], ...]
    ends: tuple[tuple[int, int, float, float], ...] | None
    places: NDArray[np.int64]
    payoffs: NDArray[np.float64]


def flat_plans(form: SequenceForm) -> FlatPlans:
    """Return the sequences of all players in one row, made once a game."""
    made: FlatPlans | None = form.__dict__.get("_flat_plans")
    if made is not None:
        return made
    empty = np.concatenate([[0], np.cumsum([own.n_sequences for own in form.players])]).tolist()
    sets = tuple(
        tuple(
            zip(own.n_actions.tolist(), (own.parent_sequence + start).tolist(), (own.first_sequence + start).tolist())
        )
        for own, start in zip(form.players, empty)
    )
    shapes = tuple((own.n_infosets, max(own.n_actions.tolist(), default=0)) for own in form.players)
    places = form.sequences + np.array(empty[:-1], dtype=np.int64)[:, None]
    few = form.n_players == 2 and places.shape[1] <= _ENDS_IN_LISTS
    ends = tuple(zip(*places.tolist(), *form.payoffs.tolist())) if few else None
    made = FlatPlans(shapes, empty, sets, ends, places, form.payoffs)
    # The form is immutable, and so is what is kept with it.
    form.__dict__["_flat_plans"] = made
    return made


def flat_values_and_regrets(
    form: SequenceForm, profile: Sequence[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the values and regrets of a behaviour profile, shapes (n,), or None for one that is no such profile.

    Policies are arrays of floats here; anything else, right or wrong, is left to
    :func:`~marlgt.games.sequence_form.checked_behavior`.
    """
    flat = flat_plans(form)
    plan = _row_of_plans(flat, profile)
    if plan is None:
        return None
    worths = [0.0] * len(plan)
    if flat.ends is not None:
        for p, q, first, second in flat.ends:
            worths[p] += first * plan[q]
            worths[q] += second * plan[p]
    else:
        worths = _worths(flat, np.array(plan))
    empty, values, best = flat.empty, [], []
    for i, sets in enumerate(flat.sets):
        start, stop = empty[i], empty[i + 1]
        values.append(sum([share * worth for share, worth in zip(plan[start:stop], worths[start:stop])]))
        for count, parent, first_place in reversed(sets):
            if count == 2:
                one, other = worths[first_place], worths[first_place + 1]
                worths[parent] += one if one >= other else other
            else:
                worths[parent] += max(worths[first_place : first_place + count])
        best.append(worths[start])
    found = np.array([values, best])
    return found[0], found[1] - found[0]


def _row_of_plans(flat: FlatPlans, profile: Sequence[Any]) -> list[float] | None:
    """Return the realization plans in one row, or None where a policy is not made of distributions."""
    plan: list[float] = []
    for policy, shape, sets in zip(profile, flat.shapes, flat.sets):
        if type(policy) is not np.ndarray or policy.dtype != np.float64 or policy.shape != shape:
            return None
        plan.append(1.0)
        width = shape[1]
        for row, (count, parent, _) in zip(policy.tolist(), sets):
            if count != width:
                if any(row[count:]):
                    return None
                row = row[:count]
            # Numbers that are none fail these comparisons too.
            if count == 2:
                one, other = row
                if not (one >= 0.0 <= other and -SUM_TOLERANCE <= one + other - 1.0 <= SUM_TOLERANCE):
                    return None
                reach = plan[parent]
                plan.append(one * reach)
                plan.append(other * reach)
                continue
            if not -SUM_TOLERANCE <= sum(row) - 1.0 <= SUM_TOLERANCE or min(row) < 0.0:
                return None
            reach = plan[parent]
            plan += [share * reach for share in row]
    return plan


def _worths(flat: FlatPlans, plan: NDArray[np.float64]) -> list[float]:
    """Return what each sequence earns where it ends a play, in one row."""
    reached = plan[flat.places]
    if len(reached) == 2:
        others = reached[::-1]
    else:
        others = np.ones_like(reached)
        for i, own in enumerate(reached):
            others[:i] *= own
            others[i + 1 :] *= own
    sums: list[float] = np.bincount(flat.places.ravel(), (flat.payoffs * others).ravel(), len(plan)).tolist()
    return sums
