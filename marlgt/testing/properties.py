"""What every solver of games must do, whatever its method: the properties that the conformance suite checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.structure import is_common_interest, is_constant_sum, is_symmetric, is_zero_sum
from marlgt.testing.assertions import assert_nash
from marlgt.testing.reference import LIMIT, Reference, extreme_equilibria, reference_work
from marlgt.testing.sandbox import AnyGame, Run, Sandbox

__all__ = [
    "ALWAYS",
    "FINDS_ONE",
    "FINISHES",
    "LEAVES_ITS_INPUT",
    "SURVIVES",
    "WHEN_COMPLETE",
    "NotApplicable",
    "Property",
    "Trial",
]

_SAME = 1e-6
"""Two equilibria closer than this in every probability are matched with each other."""


class NotApplicable(Exception):
    """The property says nothing about this game."""


@dataclass(frozen=True)
class Trial:
    """A solver on trial: runs it once on each game and remembers.

    Attributes
    ----------
    sandbox : Sandbox
    tolerance : float
        Largest relative regret and largest error of a probability.
    """

    sandbox: Sandbox
    tolerance: float
    _runs: dict[AnyGame, Run] = field(default_factory=dict)
    _references: dict[NormalFormGame, Reference] = field(default_factory=dict)

    def run(self, game: AnyGame) -> Run:
        """Return what the solver does on the game."""
        if game not in self._runs:
            self._runs[game] = self.sandbox.run(game)
        return self._runs[game]

    def covered(self, game: AnyGame) -> Run:
        """Return what the solver does on a game that it does not refuse."""
        run = self.run(game)
        if run.outcome == "refused":
            raise NotApplicable
        return run

    def answers(self, game: AnyGame) -> Sequence[Any]:
        """Return the answers to a game that the solver finished; there may be none."""
        run = self.run(game)
        if run.outcome != "answered":
            raise NotApplicable
        return run.answers

    def sound(self, game: NormalFormGame) -> list[tuple[NDArray[Any], ...]]:
        """Return the answers that are profiles of distributions."""
        return [_arrays(a) for a in self.answers(game) if why_no_profile(game, a, self.tolerance) is None]

    def reference(self, game: NormalFormGame) -> Reference:
        """Return all extreme equilibria of a small two-player game whose payoffs stand clear of one another."""
        if game.n_players != 2 or reference_work(game) > LIMIT or not _well_separated(game):
            raise NotApplicable
        if game not in self._references:
            self._references[game] = extreme_equilibria(game)
        return self._references[game]


@dataclass(frozen=True)
class Property:
    """Something that holds for a right solver on every game.

    Attributes
    ----------
    name, statement : str
    failure : callable of (Trial, game)
        Why it fails, or None; raises NotApplicable for games about which it says nothing.
    """

    name: str
    statement: str
    failure: Callable[[Trial, Any], str | None]


def _finishes(trial: Trial, game: AnyGame) -> str | None:
    run = trial.covered(game)
    return run.detail if run.outcome == "hung" else None


def _survives(trial: Trial, game: AnyGame) -> str | None:
    run = trial.covered(game)
    return run.detail if run.outcome in ("raised", "died") else None


def _finds_one(trial: Trial, game: AnyGame) -> str | None:
    return None if trial.answers(game) else "it returned no equilibrium"


def _returns_distributions(trial: Trial, game: NormalFormGame) -> str | None:
    for answer in trial.answers(game):
        why = why_no_profile(game, answer, trial.tolerance)
        if why is not None:
            return why
    return None


def _returns_equilibria(trial: Trial, game: NormalFormGame) -> str | None:
    for profile in trial.sound(game):
        why = _why_no_equilibrium(game, profile, trial.tolerance)
        if why is not None:
            return why
    return None


def _repeats_nothing(trial: Trial, game: NormalFormGame) -> str | None:
    answers = trial.sound(game)
    for i, a in enumerate(answers):
        for j in range(i):
            if _distance(a, answers[j]) <= 1e-9 and not _crowded(trial, game, a):
                return f"answers {j} and {i} of {len(answers)} are the same: {_shown(a)}"
    return None


def _leaves_its_input(trial: Trial, game: AnyGame) -> str | None:
    run = trial.covered(game)
    if run.outcome != "answered":
        raise NotApplicable
    return "the payoffs that it was given have changed" if run.mutated else None


def _keeps_under_affine_maps(trial: Trial, game: NormalFormGame) -> str | None:
    # The maps must not leave the class of games that a special solver covers.
    special = is_zero_sum(game) or is_constant_sum(game) or is_common_interest(game) or is_symmetric(game)
    scale = [3 if special else 3 + 2 * i for i in range(game.n_players)]
    shift = [0.0 if is_zero_sum(game) else -7 * float(spread) for spread in game.payoff_range]
    exact = np.array([Fraction(s) for s in shift], dtype=object)
    try:
        image = game.affine(scale=scale, shift=exact if game.is_exact else shift)
    except GameError:
        raise NotApplicable from None
    return _answers_agree(trial, game, image, lambda p: p, f"u_i becomes {scale}[i] * u_i + {shift}[i]")


def _keeps_under_reordered_actions(trial: Trial, game: NormalFormGame) -> str | None:
    image = game.restrict([list(range(count))[::-1] for count in game.n_actions])
    return _answers_agree(
        trial, game, image, lambda p: tuple(x[::-1] for x in p), "every player's actions are listed backwards"
    )


def _keeps_under_swapped_players(trial: Trial, game: NormalFormGame) -> str | None:
    image = game.permute_players(list(range(game.n_players))[::-1])
    return _answers_agree(trial, game, image, lambda p: p[::-1], "the players are listed backwards")


def _answers_agree(
    trial: Trial,
    game: NormalFormGame,
    image: NormalFormGame,
    back: Callable[[tuple[NDArray[Any], ...]], tuple[NDArray[Any], ...]],
    what: str,
) -> str | None:
    known = trial.sound(game)
    if not known or any(_why_no_equilibrium(game, p, trial.tolerance) for p in known):
        raise NotApplicable
    run = trial.covered(image)
    if run.outcome == "hung":
        raise NotApplicable
    if run.outcome != "answered":
        return f"it answers the game, but when {what} it {run.outcome}: {run.detail}"
    found = trial.sound(image)
    if not found:
        return f"it answers the game, but has no answer when {what}"
    for profile in found:
        why = _why_no_equilibrium(game, back(profile), trial.tolerance)
        if why is not None:
            return f"when {what}, an answer is {_shown(profile)}, which is back in this game {why}"
    return None


def _finds_all(trial: Trial, game: NormalFormGame) -> str | None:
    answers = trial.sound(game)
    expected = trial.reference(game).equilibria
    missing = [e for e in expected if not any(_distance(e, a) <= _SAME for a in answers)]
    if not missing:
        return None
    return f"it found {len(expected) - len(missing)} of {len(expected)} extreme equilibria and missed " + "; ".join(
        _shown(e) for e in missing
    )


def _finds_an_odd_number(trial: Trial, game: NormalFormGame) -> str | None:
    answers = trial.sound(game)
    if not trial.reference(game).nondegenerate:
        raise NotApplicable
    distinct: list[tuple[NDArray[Any], ...]] = []
    for a in answers:
        if not any(_distance(a, other) <= _SAME for other in distinct):
            distinct.append(a)
    if len(distinct) % 2:
        return None
    return f"it found {len(distinct)} equilibria of a nondegenerate game, where their number is odd"


FINISHES = Property("finishes", "It answers within the time limit.", _finishes)
SURVIVES = Property("does not crash", "It raises nothing and its process lives.", _survives)
FINDS_ONE = Property("finds an equilibrium", "Every finite game has a Nash equilibrium (Nash 1951).", _finds_one)
LEAVES_ITS_INPUT = Property("leaves its input", "The payoffs are the same after the call.", _leaves_its_input)

ALWAYS: tuple[Property, ...] = (
    FINISHES,
    SURVIVES,
    FINDS_ONE,
    Property("returns distributions", "Probabilities are not negative and sum to one.", _returns_distributions),
    Property("returns equilibria", "No player gains by deviating from an answer.", _returns_equilibria),
    Property("repeats no answer", "Each answer is returned once.", _repeats_nothing),
    LEAVES_ITS_INPUT,
    Property("positive affine maps", "They change no equilibrium.", _keeps_under_affine_maps),
    Property("order of actions", "It changes no equilibrium.", _keeps_under_reordered_actions),
    Property("order of players", "It changes no equilibrium.", _keeps_under_swapped_players),
)
"""What is asked of every solver."""

WHEN_COMPLETE: tuple[Property, ...] = (
    Property("finds all", "Every extreme equilibrium is among the answers.", _finds_all),
    Property("odd number", "A nondegenerate game has an odd number (Wilson 1971).", _finds_an_odd_number),
)
"""What is asked besides of a solver that claims to find all equilibria."""


def why_no_profile(game: NormalFormGame, answer: Any, tolerance: float) -> str | None:
    """Return what keeps an answer from being one distribution per player, or None."""
    if isinstance(answer, str):
        return f"it returned {answer}, which is no profile of numbers"
    if len(answer) != game.n_players:
        return f"an answer has {len(answer)} strategies for {game.n_players} players"
    for i, (strategy, count) in enumerate(zip(answer, game.n_actions)):
        if len(strategy) != count:
            return f"the strategy of player {i} has {len(strategy)} entries for {count} actions"
        x = np.array([float(p) for p in strategy])
        if not np.isfinite(x).all():
            return f"the strategy of player {i} is {x.tolist()}, which is not finite"
        if x.min() < -tolerance:
            return f"the strategy of player {i} is {x.tolist()}, which has a negative probability"
        if abs(x.sum() - 1) > tolerance:
            return f"the strategy of player {i} is {x.tolist()}, which sums to {x.sum():.12g}"
    return None


def _why_no_equilibrium(game: NormalFormGame, profile: tuple[NDArray[Any], ...], tolerance: float) -> str | None:
    if not all(x.dtype == object for x in profile):
        # What little the sum of probabilities is off is judged elsewhere.
        clipped = [np.maximum(x.astype(np.float64), 0.0) for x in profile]
        profile = tuple(x / x.sum() for x in clipped)
    try:
        assert_nash(game, profile, tolerance=tolerance)
    except AssertionError as error:
        return str(error)
    return None


def _arrays(answer: Sequence[Sequence[Any]]) -> tuple[NDArray[Any], ...]:
    exact = all(isinstance(x, (int, Fraction)) for strategy in answer for x in strategy)
    return tuple(np.array(strategy, dtype=object if exact else np.float64) for strategy in answer)


def _distance(a: Sequence[NDArray[Any]], b: Sequence[NDArray[Any]]) -> float:
    return max(float(np.abs(x.astype(np.float64) - y.astype(np.float64)).max()) for x, y in zip(a, b))


def _crowded(trial: Trial, game: NormalFormGame, profile: Sequence[NDArray[Any]]) -> bool:
    """Return whether the game may have several equilibria so near the profile that floats confuse them."""
    try:
        expected = trial.reference(game).equilibria
    except NotApplicable:
        return not _well_separated(game)
    return sum(_distance(profile, e) <= _SAME for e in expected) > 1


def _well_separated(game: NormalFormGame) -> bool:
    """Return whether two payoffs of a player are equal or differ by more than 1e-6 of the range."""
    for payoffs, spread in zip(game.payoffs, game.payoff_range):
        gaps = np.diff(np.sort(payoffs.reshape(-1)))
        if ((gaps > 0) & (gaps < 1e-6 * spread)).any():
            return False
    return True


def _shown(profile: Sequence[NDArray[Any]]) -> str:
    words = [", ".join(str(x) if isinstance(x, (int, Fraction)) else f"{x:.6g}" for x in p) for p in profile]
    return " ".join(f"({w})" for w in words)
