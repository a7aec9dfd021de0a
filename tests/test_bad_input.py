"""Bad input at every public door: a typed error with one sentence, never a wrong answer, a hang or a crash.

Functions are found in the tables of public names, so that one added later is tested with no line here.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import importlib
import inspect
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt import pictures
from marlgt.certificates import certified
from marlgt.concepts import cce_gap, ce_gap, exploitability, nash_conv, regrets, swap_gains
from marlgt.errors import GameError, ProfileError
from marlgt.games import NormalFormGame

GAME = NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
NAN, INF = float("nan"), float("inf")


class Raises:
    """An object whose own conversion fails."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array here")


class Unprintable(Raises):
    def __repr__(self):
        raise RuntimeError("no words either")


class Frame:
    """Something like a data frame: it converts itself."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)


def circular():
    nest = []
    nest.append(nest)
    return nest


def deep(levels=2000):
    nest = 0
    for _ in range(levels):
        nest = [nest]
    return nest


BAD_MATRICES = {
    "nan": ([[1, NAN], [0, 1]], r"\[0, 1\] is nan: .* must be finite \(1 bad entry\)"),
    "infinity": ([[1, 0], [INF, 1]], r"\[1, 0\] is inf"),
    "minus infinity": (np.array([[1, -INF], [0, 1]]), r"\[0, 1\] is -inf"),
    "two bad": ([[NAN, NAN], [0, 1]], "2 bad entries"),
    "ragged": ([[1, 2], [3]], r"ragged: .*\[1\] has length 1 but .*\[0\] has length 2"),
    "ragged scalar": ([[1, 2], 3], r"\[1\] has no entries of its own"),
    "ragged objects": (np.array([[[1], 1], [1, 1]], dtype=object), "ragged"),
    "empty": ([], "axes|matrix|action|shape"),
    "empty rows": ([[], []], "at least one action|shape"),
    "no columns": (np.zeros((2, 0)), "at least one action|shape"),
    "scalar": (3, "axes|matrix|shape"),
    "zero dimensions": (np.array(3.0), "axes|matrix|shape"),
    "vector": ([1, 2, 3], "axes|matrix|shape"),
    "cube": (np.zeros((3, 2, 2)), "axes|matrix|shape"),
    "text": ("ab", "text"),
    "texts": ([["a", "b"], ["c", "d"]], r"\[0, 0\] is 'a': .* not text"),
    "digits": ([["1", "1/3"]], r"write fractions\.Fraction"),
    "bytes": (b"ab", "text"),
    "texts among numbers": ([["a", 1], [1, 1]], r"\[0, 0\] is 'a'"),
    "text in objects": (np.array([[1, "a"]], dtype=object), r"\[0, 1\] is 'a'"),
    "complex": ([[1j, 0], [0, 1]], r"\[0, 0\] is 1j: .* not complex"),
    "complex without imaginary part": (np.zeros((2, 2), complex), "not complex"),
    "1e300": ([[1e300, 0], [0, -1e300]], "largest magnitude is 1e.150.* divide every payoff"),
    "huge integer": ([[10**400, 0], [0, 1]], r"\[0, 0\] is above 1e150"),
    "huge fraction": ([[Fraction(10**400, 3), 0]], "above 1e150"),
    "huge decimal": ([[Decimal("1e999999"), 0]], "above 1e150"),
    "huge long double": (np.array([["1e4000", "1"]], dtype=np.longdouble), "must be finite|largest magnitude"),
    "tiny decimal": ([[Decimal("1e-999999"), 0]], "round it"),
    "nan decimal": ([[Decimal("nan"), 0]], r"\[0, 0\] is NaN: .* must be finite"),
    "signalling nan": ([[Decimal("snan"), 0]], "must be finite"),
    "infinite decimal": ([[Decimal("inf"), 0]], "must be finite"),
    "nan beside a huge integer": ([[2**70, NAN]], r"\[0, 1\] is nan"),
    "infinity beside a fraction": ([[Fraction(1, 3), INF]], r"\[0, 1\] is inf"),
    "nan in objects": (np.array([[NAN, 1]], dtype=object), "is nan"),
    "None": (None, "is None"),
    "None inside": ([[None, 1]], r"\[0, 0\] is None"),
    "dict": ({0: [1, 2]}, "is {0"),
    "set": ({1, 2}, "is {1"),
    "frozen set": (frozenset([1]), "frozenset"),
    "generator": ((row for row in [[1]]), "generator"),
    "generator inside": ([(x for x in [1])], r"\[0\] is <generator"),
    "function": (len, "built-in"),
    "type": (int, "class"),
    "dates": (np.array([["2020-01-01"]], dtype="datetime64[D]"), "datetime64"),
    "durations": (np.array([[1]], dtype="timedelta64[s]"), "timedelta64"),
    "a date": ([[datetime.date(2020, 1, 1)]], r"datetime\.date"),
    "structured": (np.zeros((1, 1), dtype=[("a", int)]), "dtype"),
    "masked": (np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]), r"\[0, 1\] is masked: fill it"),
    "masked cell": ([[np.ma.masked, 1]], "masked|nan"),
    "nested without end": (circular(), "nested more than 64 deep"),
    "nested deep": (deep(), "nested more than 64 deep"),
    "10**12 entries": (np.broadcast_to(1.0, (10**6, 10**6)), "1,000,000,000,000 entries"),
    "10**18 rows": ([range(10**18)], "entries, more than"),
    "raises": (Raises(), "RuntimeError: no array here"),
    "unprintable": (Unprintable(), "RuntimeError: no array here"),
    "raises inside": ([[Raises(), 1]], "RuntimeError: no array here"),
}
MAKERS = {
    "NormalFormGame": NormalFormGame,
    "bimatrix A": lambda x: NormalFormGame.bimatrix(x, [[1, 2], [3, 4]]),
    "bimatrix B": lambda x: NormalFormGame.bimatrix([[1, 2], [3, 4]], x),
    "zero_sum": NormalFormGame.zero_sum,
    "common_interest": NormalFormGame.common_interest,
    "from_arrays": lambda x: NormalFormGame.from_arrays([x, x]),
}
UNFIT_FOR_SOME = {"vector", "empty", "scalar", "zero dimensions", "cube", "empty rows", "no columns"}


def refused(call, *arguments, error=GameError, match=None):
    """Check that the call raises, in one sentence, even where warnings are not errors."""
    for action in ("error", "ignore"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            with pytest.raises(error, match=match) as raised:
                call(*arguments)
        text = str(raised.value)
        assert "\n" not in text
        assert 10 <= len(text) < 400
    return text


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_no_constructor_takes_a_bad_matrix(maker, kind):
    value, message = BAD_MATRICES[kind]
    if kind in UNFIT_FOR_SOME and maker == "common_interest" and kind == "vector":
        assert MAKERS[maker](value).n_actions == (3,)  # a game of one player
        return
    if kind == "cube" and maker == "common_interest":
        assert MAKERS[maker](value).n_players == 3
        return
    if kind == "cube" and maker == "NormalFormGame":
        message = "got"
    general = kind in UNFIT_FOR_SOME or maker == "NormalFormGame"
    if general and "is" not in message:
        refused(MAKERS[maker], value)
    else:
        refused(MAKERS[maker], value, match=message)


@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_affine_maps_take_no_bad_numbers(kind):
    value, _ = BAD_MATRICES[kind]
    if kind in ("scalar", "zero dimensions"):
        return
    refused(lambda x: GAME.affine(scale=x), value)
    refused(lambda x: GAME.affine(shift=x), value)


GOOD_MATRICES = {
    "booleans": ([[True, False], [False, True]], True),
    "numpy booleans": (np.eye(2, dtype=bool), True),
    "half precision": (np.eye(2, dtype=np.float16), False),
    "long double": (np.eye(2, dtype=np.longdouble), False),
    "big-endian": (np.eye(2, dtype=">f8"), False),
    "unsigned": (np.eye(2, dtype=np.uint8), True),
    "column-major": (np.asfortranarray(np.eye(2)), False),
    "broadcast": (np.broadcast_to(np.int64(1), (2, 2)), True),
    "memory view": (memoryview(np.eye(2)), False),
    "frame": (Frame([[1, 0], [0, 1]]), True),
    "tuples": (((1, 0), (0, 1)), True),
    "ranges": ([range(2), range(2)], True),
    "masked nowhere": (np.ma.array([[1, 0], [0, 1]]), True),
    "fractions": ([[Fraction(1, 3), 0], [0, 1]], True),
    "decimals": ([[Decimal("0.1"), 0], [0, 1]], True),
    "fractions and floats": ([[Fraction(1, 3), 0.5], [0, 1]], False),
    "beyond 64 bits": ([[2**63, 0], [0, -(2**63) - 1]], True),
    "unsigned beyond 63 bits": (np.array([[2**64 - 1, 0], [0, 1]], dtype=np.uint64), True),
    "least integer": (np.array([[-(2**63), 0], [0, 1]]), True),
    "subnormal": ([[5e-324, 0], [0, 1]], False),
}


@pytest.mark.parametrize("kind", GOOD_MATRICES)
def test_what_can_be_read_is_read_without_loss(kind):
    value, exact = GOOD_MATRICES[kind]
    for game in (NormalFormGame.bimatrix(value, value), NormalFormGame.zero_sum(value)):
        assert game.is_exact == exact
        assert game.payoffs.dtype == np.float64
        assert not game.payoffs.flags.writeable


def test_decimals_and_long_integers_stay_exact():
    game = NormalFormGame.zero_sum([[Decimal("0.1"), 2**80 + 1]])
    assert game.fractions[0].tolist() == [[Fraction(1, 10), Fraction(2**80 + 1)]]
    least = NormalFormGame.zero_sum(np.array([[-(2**63)]]))
    assert least.fractions[1, 0, 0] == 2**63


def test_the_equilibria_of_payoffs_near_the_limits_of_int64_are_found():
    for big in (2**62, 2**63, 2**100):
        found = gt.solve(NormalFormGame.bimatrix([[big, 0], [0, big]], [[big, 0], [0, big]]))
        assert len(found) == 3
        assert all(e.exact and e.epsilon == 0 for e in found)


def test_payoffs_of_1e150_are_solved():
    answer = gt.solve(NormalFormGame.zero_sum([[1e150, -1e150], [-1e150, 1e150]]))[0]
    np.testing.assert_allclose(np.stack(answer.profile), 0.5)


BAD_PROFILES = {
    "no distribution": ([7, -3], [1, 0]),
    "sum": ([0.5, 0.4], [1, 0]),
    "nan": ([NAN, 1], [1, 0]),
    "infinity": ([INF, 0], [1, 0]),
    "overflowing sum": ([1e308, 1e308], [1, 0]),
    "huge integers": ([10**400, 1 - 10**400], [1, 0]),
    "zeros": ([0, 0], [0, 0]),
    "short": ([1], [1, 0]),
    "one player": ([1, 0],),
    "three players": ([1, 0], [1, 0], [1, 0]),
    "no player": (),
    "None": None,
    "None inside": ([None, 1], [1, 0]),
    "text": "ab",
    "texts": (["1", "0"], [1, 0]),
    "bytes": b"ab",
    "complex": ([1j, 0], [1, 0]),
    "complex array": (np.array([1 + 0j, 0]), [1, 0]),
    "dict": {0: [1, 0], 1: [1, 0]},
    "dict inside": ({0: 1}, [1, 0]),
    "set": {1, 2},
    "set inside": ({0, 1}, [1, 0]),
    "generator": (p for p in ([1, 0], [1, 0])),
    "generator inside": ((p for p in (1, 0)), [1, 0]),
    "number": 3,
    "ragged": ([1, [0]], [1, 0]),
    "matrices": ([[1, 0]], [[1, 0]]),
    "masked": (np.ma.array([1, 0], mask=[0, 1]), [1, 0]),
    "dates": (np.array(["1971", "1970"], dtype="datetime64[Y]"), [1, 0]),
    "durations": (np.array([1, 0], dtype="timedelta64[s]"), [1, 0]),
    "structured": (np.zeros(2, dtype=[("a", int)]), [1, 0]),
    "fractions": ([Fraction(1, 3), Fraction(1, 3)], [1, 0]),
    "nan decimal": ([Decimal("nan"), Decimal(1)], [1, 0]),
    "zero dimensions": np.array(3),
    "raises": (Raises(), [1, 0]),
    "unprintable": Unprintable(),
    "circular": circular(),
}
PROFILE_TAKERS = {
    "certify": lambda p: gt.certify(GAME, p),
    "certify floats": lambda p: gt.certify(GAME.affine(scale=0.5), p),
    "values": GAME.values,
    "deviation_payoffs": lambda p: GAME.deviation_payoffs(p, 0),
    "best_replies": lambda p: GAME.best_replies(p, 1),
    "regrets": lambda p: regrets(GAME, p),
    "nash_conv": lambda p: nash_conv(GAME, p),
    "exploitability": lambda p: exploitability(GAME, p),
}


@pytest.mark.parametrize("taker", PROFILE_TAKERS)
@pytest.mark.parametrize("kind", BAD_PROFILES)
def test_no_function_takes_a_bad_profile(taker, kind):
    refused(PROFILE_TAKERS[taker], BAD_PROFILES[kind], error=ProfileError)


def test_the_message_about_a_profile_names_place_value_and_remedy():
    text = refused(GAME.values, ([0.5, 0.4], [1, 0]), error=ProfileError)
    assert text == "profile[0] sums to 0.9: probabilities must sum to 1; divide by their sum"
    answer = certified(GAME, [np.array([0.0, 1.0])] * 2, method="by hand")
    assert "give its .profile" in refused(GAME.values, answer, error=ProfileError)


BAD_JOINTS = {
    "sum": [[0.5, 0], [0, 0.6]],
    "negative": [[2, -1], [0, 0]],
    "nan": [[NAN, 0], [0, 1]],
    "profile": ([1, 0], [0, 1]),
    "vector": [1, 0],
    "None": None,
    "text": "a",
    "texts": [["1", "0"], ["0", "0"]],
    "complex": np.array([[1 + 0j, 0], [0, 0]]),
    "durations": np.array([[1, 0], [0, 0]], dtype="timedelta64[s]"),
    "masked": np.ma.array([[1, 0], [0, 0]], mask=[[0, 1], [0, 0]]),
    "dict": {},
    "generator": (x for x in [1]),
    "set": {1},
    "huge integer": [[10**400, 0], [0, 0]],
    "10**12 entries": np.broadcast_to(0.0, (10**6, 10**6)),
    "raises": Raises(),
    "circular": circular(),
}


@pytest.mark.parametrize("kind", BAD_JOINTS)
def test_no_function_takes_a_bad_joint_distribution(kind):
    value = BAD_JOINTS[kind]
    for call in (
        lambda q: gt.certify(GAME, q, concept="correlated"),
        lambda q: gt.certify(GAME, q, concept="coarse_correlated"),
        lambda q: ce_gap(GAME, q),
        lambda q: cce_gap(GAME, q),
        lambda q: swap_gains(GAME, q, 0),
    ):
        refused(call, value, error=ProfileError)


PURE = ([1, 0], [1, 0])
NO_PLAYER = [-1, 2, 1.0, True, None, "x", NAN, 10**30, [0]]


@pytest.mark.parametrize("player", NO_PLAYER, ids=repr)
def test_no_function_takes_a_player_who_is_none(player):
    refused(lambda: GAME.deviation_payoffs(PURE, player), match="players are numbered from 0 to 1")
    refused(lambda: GAME.best_replies(PURE, player), match="players are numbered from 0 to 1")
    refused(lambda: swap_gains(GAME, [[1, 0], [0, 0]], player), match="players are numbered from 0 to 1")


@pytest.mark.parametrize(
    "kept",
    [
        None,
        3,
        "ab",
        {0: [0], 1: [0]},
        [[0]],
        [[0], [0], [0]],
        [[], [0]],
        [[-1], [0]],
        [[2], [0]],
        [[0.5], [0]],
        [[NAN], [0]],
        [["a"], [0]],
        [[True], [0]],
        [[10**30], [0]],
        [[[0]], [0]],
        [{0}, {1}],
        [None, [0]],
        pytest.param((x for x in ([0], [0])), id="a generator"),
    ],
    ids=str,
)
def test_restricting_to_what_are_no_actions_is_refused(kept):
    refused(lambda: GAME.restrict(kept), match="kept")


@pytest.mark.parametrize(
    "order", [None, 1, "01", [0], [0, 0], [0, 2], [-1, 0], [0.0, 1.0], [0, NAN], [0, True], {0, 1}, [[0], [1]]], ids=str
)
def test_what_is_no_permutation_is_refused(order):
    refused(lambda: GAME.permute_players(order), match="order")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GAME.affine(scale=0), "scale must be positive"),
        (lambda: GAME.affine(scale=-1), "scale must be positive"),
        (lambda: GAME.affine(scale=[1, 2, 3]), r"scale has shape \(3,\): give one number, or one for each of 2"),
        (lambda: GAME.affine(scale=1e150), "largest magnitude"),
        (lambda: GAME.best_replies(PURE, 0, tolerance=-1), "not negative"),
        (lambda: GAME.best_replies(PURE, 0, tolerance=NAN), "tolerance is nan"),
        (lambda: GAME.best_replies(PURE, 0, tolerance="a"), "tolerance is 'a'"),
        (lambda: GAME.rationalize(max_denominator=0), "positive integer"),
        (lambda: GAME.rationalize(max_denominator=0.5), "positive integer"),
        (lambda: NormalFormGame(GAME.payoffs, players="ab"), "2 labels in a list"),
        (lambda: NormalFormGame(GAME.payoffs, players=3), "2 labels in a list"),
        (lambda: NormalFormGame(GAME.payoffs, players=["a"]), "2 labels in a list"),
        (lambda: NormalFormGame(GAME.payoffs, players={"a", "b"}), "2 labels in a list"),
        (lambda: NormalFormGame(GAME.payoffs, players=[None, "a"]), r"players\[0\] is None"),
        (lambda: NormalFormGame(GAME.payoffs, actions=3), "one list of labels per player"),
        (lambda: NormalFormGame(GAME.payoffs, actions="ab"), "one list of labels per player"),
        (lambda: NormalFormGame(GAME.payoffs, actions=[["a", "b"]]), "one list of labels per player"),
        (lambda: NormalFormGame(GAME.payoffs, title=3), "title is 3: give text"),
        (lambda: NormalFormGame(GAME.payoffs, comment=None), "comment is None: give text"),
        (lambda: NormalFormGame.from_arrays(None), "arrays is None: give a list"),
        (lambda: NormalFormGame.from_arrays([]), r"arrays is \[\]: give a list"),
        (lambda: NormalFormGame.from_arrays(x for x in [[[1]]]), "give a list of one payoff tensor per player"),
        (lambda: NormalFormGame.from_arrays([[[1]], [[1]], [[1]]]), "3 axes, one per player"),
        (lambda: NormalFormGame.bimatrix([[1, 2]], [[1], [2]]), r"B has shape \(2, 1\) but A has shape \(1, 2\)"),
        (lambda: NormalFormGame.common_interest(np.broadcast_to(1.0, (2,) * 30)), "entries, more than"),
        (lambda: NormalFormGame.from_nfg(3), "source is 3: give the path"),
        (lambda: NormalFormGame.from_nfg(None), "source is None"),
        (lambda: NormalFormGame.from_nfg(b"NFG"), "source is b'NFG'"),
        (lambda: NormalFormGame.from_nfg("a\0b"), "give the path"),
        (lambda: NormalFormGame.from_nfg(""), "regular file|path"),
        (lambda: GAME.to_nfg(3.5), r"path is 3\.5"),
        (lambda: gt.certify(GAME, PURE, concept="nahs"), "use nash, correlated or coarse_correlated"),
        (lambda: gt.certify(GAME, PURE, concept=None), "use nash, correlated or coarse_correlated"),
    ],
)
def test_other_arguments_are_refused_in_words(call, message):
    refused(call, match=message)


def public_functions():
    """Return the functions of every table of public names whose first argument is a game."""
    found = {}
    for package in ("marlgt", "marlgt.games", "marlgt.concepts", "marlgt.solvers", "marlgt.dynamics"):
        module = importlib.import_module(package)
        for name in module._EXPORTS:
            function = getattr(module, name)
            if inspect.isfunction(function):
                parameters = list(inspect.signature(function).parameters.values())
                if parameters and parameters[0].name == "game" and not name.startswith("from_"):
                    found[f"{function.__module__}.{name}"] = (function, parameters[1:])
    for name in pictures._EXPORTS:
        function = getattr(pictures, name)
        _, game, *rest = inspect.signature(function).parameters.values()
        if game.name == "game":
            found[f"{function.__module__}.{name}"] = (functools.partial(function, None), rest)
    return found


FUNCTIONS = public_functions()
NO_GAMES = {
    "None": None,
    "matrix": [[1, 0], [0, 1]],
    "array": np.eye(2),
    "name": "prisoners_dilemma",
    "number": 3,
    "dict": {"payoffs": [[1]]},
    "class": NormalFormGame,
    "unprintable": Unprintable(),
}


def test_the_tables_hold_the_solvers():
    assert {"lemke_howson", "support_enumeration", "minimax"} <= {name.rpartition(".")[2] for name in FUNCTIONS}
    assert len(FUNCTIONS) > 60


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_says_what_a_game_is(name):
    function, rest = FUNCTIONS[name]
    named = [p for p in rest if p.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)]
    needed = [p for p in named if p.default is inspect.Parameter.empty]
    positional = [None for p in needed if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    keywords = {p.name: None for p in needed if p.kind is inspect.Parameter.KEYWORD_ONLY}
    for kind, value in NO_GAMES.items():
        if kind not in ("matrix", "array") or ".search." not in name:  # nested lists are trees to search
            refused(lambda value=value: function(value, *positional, **keywords), match="^game is ")


NUMBERS = st.one_of(st.integers(), st.floats(), st.fractions(), st.decimals(), st.booleans(), st.complex_numbers())
ANYTHING = st.recursive(
    st.one_of(NUMBERS, st.none(), st.text(max_size=3), st.binary(max_size=3), st.dates()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(st.integers(0, 2), inner, max_size=2)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(ANYTHING, ANYTHING)
def test_whatever_is_given_a_constructor_makes_a_game_or_says_why_not(A, B):
    for make in (lambda: NormalFormGame(A), lambda: NormalFormGame.bimatrix(A, B), lambda: NormalFormGame.zero_sum(A)):
        try:
            game = make()
        except GameError:
            continue
        assert np.isfinite(game.payoffs).all()
        assert game.payoffs.size > 0


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(ANYTHING)
def test_whatever_is_given_a_profile_is_a_distribution_or_refused(answer):
    for call in (lambda: gt.certify(GAME, answer).epsilon, lambda: float(GAME.values(answer).sum())):
        with contextlib.suppress(ProfileError):
            assert np.isfinite(call())
