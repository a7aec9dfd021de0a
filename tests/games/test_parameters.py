"""Parameters of the functions that make games: what is no number, no size and no list is refused in words."""

import inspect
import math
from decimal import Decimal

import numpy as np
import pytest

from marlgt import games
from marlgt.errors import GameError


class Raises:
    """An object whose own conversion fails."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array here")


JUNK = (
    None,
    np.zeros((2, 0)),
    np.ma.masked,
    np.ma.array([1, 2], mask=[0, 1]),
    math.nan,
    math.inf,
    "x",
    {},
    {1},
    Raises(),
    1j,
    10**400,
    Decimal("snan"),
    int,
    np.datetime64("2020"),
)
GIVEN = {
    "n_actions": (2, 2),
    "n_states": 2,
    "n_players": 2,
    "rho": 0.5,
    "seed": 0,
    "n_equilibria": 1,
    "rank": 1,
    "n_facilities": 2,
}
ONE_COUNT = {"random_symmetric", "random_coordination", "random_anti_coordination", "random_with_equilibria"}


def number_parameters():
    """Return the functions of the catalogue and of random games with their parameters that are numbers or sizes."""
    for name in sorted({entry.name for entry in games.catalogue()} | {n for n in games.__all__ if n[:7] == "random_"}):
        function = getattr(games, name)
        for parameter in inspect.signature(function).parameters.values():
            if parameter.annotation in ("Number", "float", "int", "Sequence[int]", "Sequence[Number]"):
                yield pytest.param(function, parameter.name, id=f"{name} {parameter.name}")


@pytest.mark.parametrize(("function", "name"), list(number_parameters()))
def test_a_parameter_that_is_no_number_is_refused_in_words(function, name):
    required = {p.name for p in inspect.signature(function).parameters.values() if p.default is inspect.Parameter.empty}
    given = {key: value for key, value in GIVEN.items() if key in required}
    if function.__name__ in ONE_COUNT:
        given["n_actions"] = 2
    for value in JUNK:
        if name == "seed" and isinstance(value, int):
            continue
        with pytest.raises(GameError) as raised:
            function(**{**given, name: value})
        text = str(raised.value)
        assert "\n" not in text
        assert len(text) < 400


@pytest.mark.parametrize(
    "call",
    [
        lambda value: games.congestion_game(delays=value),
        lambda value: games.congestion_game(delays=[value, value]),
        lambda value: games.random_polymatrix((2, 2), edges=value, seed=0),
        lambda value: games.random_graphical((2, 2), edges=[value], seed=0),
        lambda value: games.goofspiel(prizes=value),
    ],
)
def test_a_parameter_that_is_no_list_is_refused_in_words(call):
    for value in JUNK:
        if value is not None:
            with pytest.raises(GameError):
                call(value)
