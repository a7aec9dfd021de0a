"""How a catalogue game carries its facts: the known equilibria stand on the function that makes it.

The summary and the source of an entry are read from the docstring of the function, so that each is
written once.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "CatalogueEntry",
    "Number",
    "catalogued",
    "check_count",
    "check_falling",
    "check_numbers",
    "described",
    "half",
    "is_listed",
    "listed",
    "symmetric",
    "tabulated",
    "two_players",
    "zero_sum_game",
]

P = ParamSpec("P")
G = TypeVar("G")

Number = int | float | Fraction
"""A payoff as a parameter; integers and fractions keep the game exact."""

Known = str | tuple[int | tuple[float | Fraction, ...], ...]
"""An equilibrium: probabilities as text, actions of a pure profile, or irrational probabilities."""


LARGEST_TABLE = 5_000_000
"""Players times profiles that a parametrised game may have."""


@dataclass(frozen=True)
class CatalogueEntry:
    """What the catalogue knows of a game, at the default values of its parameters.

    Attributes
    ----------
    name : str
        The name of the function that makes it, as :func:`load` takes it.
    kind : {"normal_form", "stochastic", "extensive"}
    n_players : int
    n_actions : tuple of int
        Of a normal-form game; empty for the others.
    size : int
        Profiles of a normal-form game, states of a stochastic game, nodes of an extensive game.
    summary : str
        One sentence.
    source : str
        The literature, as the docstring gives it.
    equilibria : tuple of profiles
        Known Nash equilibria: per player a tuple of Fractions, or of floats where irrational.
    count : int or None
        How many equilibria there are, where that is known; for two players, how many extreme ones.
    value : Fraction, float or None
        Of a game with states or turns: what it is known to be worth to the first player.
    """

    name: str
    kind: str
    n_players: int
    n_actions: tuple[int, ...]
    size: int
    summary: str
    source: str
    equilibria: tuple[tuple[tuple[Any, ...], ...], ...]
    count: int | None
    value: Number | None = None

    @property
    def complete(self) -> bool:
        """Whether all equilibria are listed; for two players, all extreme ones."""
        return self.count == len(self.equilibria)


@dataclass(frozen=True)
class _Facts:
    make: Callable[..., NormalFormGame]
    equilibria: tuple[Known, ...]
    count: int | None


@dataclass(frozen=True)
class _Listing:
    make: Callable[..., Any]
    n_players: int
    size: int
    value: Number | None


_FACTS: dict[str, _Facts] = {}
_LISTINGS: dict[str, _Listing] = {}


def catalogued(
    *, equilibria: Sequence[Known] = (), complete: bool = False, count: int | None = None
) -> Callable[[Callable[P, NormalFormGame]], Callable[P, NormalFormGame]]:
    """Mark a function without required arguments as a catalogue game, unchanged.

    Parameters
    ----------
    equilibria : sequence
        Of the game at its defaults: ``"1/2 1/2 | 1 0"`` for probabilities, ``(0, 1)`` for actions.
    complete : bool
        Whether these are all equilibria, or for two players all extreme ones.
    count : int, optional
        How many there are, where not all are listed.
    """

    def mark(make: Callable[P, NormalFormGame]) -> Callable[P, NormalFormGame]:
        _FACTS[make.__name__] = _Facts(make, tuple(equilibria), len(equilibria) if complete else count)
        return make

    return mark


def listed(
    *, n_players: int = 2, size: int = 0, value: Number | None = None
) -> Callable[[Callable[P, G]], Callable[P, G]]:
    """Mark a function without required arguments as a catalogue game with states or turns, unchanged.

    Its facts are given, not computed, because some of these games take seconds to build.

    Parameters
    ----------
    n_players, size : int
        Of the game at its defaults; the size counts states or nodes.
    value : number, optional
        What the game at its defaults is known to be worth to the first player.
    """

    def mark(make: Callable[P, G]) -> Callable[P, G]:
        _LISTINGS[make.__name__] = _Listing(make, n_players, size, value)
        return make

    return mark


def is_listed(module: ModuleType, name: str) -> bool:
    """Tell whether a module's function has been marked by :func:`listed`."""
    return name in _LISTINGS and _LISTINGS[name].make is getattr(module, name, None)


def described(name: str) -> CatalogueEntry:
    """Return the entry of a game whose module has been imported."""
    if name in _LISTINGS:
        listing = _LISTINGS[name]
        summary, source = _documented(listing.make)
        return CatalogueEntry(
            name=name,
            kind="stochastic" if "Stochastic" in str(listing.make.__annotations__["return"]) else "extensive",
            n_players=listing.n_players,
            n_actions=(),
            size=listing.size,
            summary=summary,
            source=source,
            equilibria=(),
            count=None,
            value=listing.value,
        )
    facts = _FACTS[name]
    game = facts.make()
    summary, source = _documented(facts.make)
    return CatalogueEntry(
        name=name,
        kind="normal_form",
        n_players=game.n_players,
        n_actions=game.n_actions,
        size=game.n_profiles,
        summary=summary,
        source=source,
        equilibria=tuple(_profile(known, game.n_actions) for known in facts.equilibria),
        count=facts.count,
    )


def _documented(make: Callable[..., Any]) -> tuple[str, str]:
    """Return the summary and the source that the docstring of a game's function gives."""
    text = re.sub(r"\n[ \t]+", "\n", make.__doc__ or "")
    summary = text.split("\n\n")[0].replace("\n", " ").strip().removeprefix("Return ")
    source = re.search(r"References\n-+\n(.*?)(?:\n\n|\Z)", text, re.DOTALL)
    return summary[:1].upper() + summary[1:], "" if source is None else " ".join(source[1].split())


def _profile(known: Known, n_actions: tuple[int, ...]) -> tuple[tuple[Any, ...], ...]:
    if isinstance(known, str):
        return tuple(tuple(map(Fraction, player.split())) for player in known.split("|"))
    return tuple(
        tuple(Fraction(a == choice) for a in range(count)) if isinstance(choice, int) else tuple(choice)
        for choice, count in zip(known, n_actions)
    )


def symmetric(
    matrix: Sequence[Sequence[Number]], *, actions: Sequence[str] | None = None, title: str = ""
) -> NormalFormGame:
    """Return the symmetric two-player game that pays ``matrix[own][other]``."""
    transposed = [list(column) for column in zip(*matrix)]
    return two_players(matrix, transposed, actions=None if actions is None else [actions, actions], title=title)


def two_players(
    A: Any,
    B: Any,
    *,
    title: str,
    players: Sequence[str] | None = None,
    actions: Sequence[Sequence[str]] | None = None,
) -> NormalFormGame:
    """Return the bimatrix game of two matrices of any numbers."""
    return NormalFormGame.bimatrix(A, B, players=players, actions=actions, title=title)


def zero_sum_game(
    A: Any,
    *,
    title: str,
    players: Sequence[str] | None = None,
    actions: Sequence[Sequence[str]] | None = None,
) -> NormalFormGame:
    """Return the zero-sum game of a matrix of any numbers."""
    return NormalFormGame.zero_sum(A, players=players, actions=actions, title=title)


def tabulated(
    payoffs: Callable[[tuple[int, ...]], Sequence[Number]],
    n_actions: Sequence[int],
    *,
    title: str,
    actions: Sequence[Sequence[str]] | None = None,
) -> NormalFormGame:
    """Return the game whose payoffs a function gives for each profile of actions."""
    counts = tuple(n_actions)
    asked = len(counts) * math.prod(counts)
    if asked > LARGEST_TABLE:
        raise GameError(
            f"{title} would have {asked} payoffs, more than {LARGEST_TABLE}: ask for fewer players or actions"
        )
    table = np.empty((len(counts), *counts), dtype=object)
    for profile in itertools.product(*map(range, counts)):
        for i, payoff in enumerate(payoffs(profile)):
            table[(i, *profile)] = payoff
    return NormalFormGame(table, actions=actions, title=title)


def check_falling(**payoffs: Number) -> None:
    """Raise unless the named payoffs fall strictly in the order given."""
    values = list(payoffs.values())
    if not all(a > b for a, b in itertools.pairwise(values)):
        got = ", ".join(f"{name}={value}" for name, value in payoffs.items())
        raise GameError(f"the payoffs must satisfy {' > '.join(payoffs)}, got {got}")


def check_count(value: int, name: str, least: int, most: int) -> None:
    """Raise unless a size is a whole number between two bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise GameError(f"{name} must be a whole number from {least} to {most}, got {short(value)}")


def check_numbers(**values: Any) -> None:
    """Raise unless all arguments are finite real numbers, which may be compared."""
    for name, value in values.items():
        if isinstance(value, np.ndarray) or exact_and_float(value, name)[0].shape != ():
            raise GameError(f"{name} is {short(value)}: give a number")


def half(x: Number) -> Number:
    """Return x / 2, exactly where x is exact."""
    return x / 2 if isinstance(x, float) else Fraction(x) / 2
