"""Hypothesis strategies for the text of game files: every branch of each grammar, and files that are broken.

Texts are drawn token by token from the grammar, so that they hold what no writer here writes: numbers in every form,
definitions left out or repeated, commas, comments, labels that repeat or hold quotes.

>>> from hypothesis import given, settings
>>> from marlgt.games.files.formats import parse_game
>>> from marlgt.testing import game_files
>>> @settings(max_examples=10, database=None)
... @given(game_files("efg"))
... def test_a_file_is_read(text):
...     assert parse_game(text).n_nodes >= 1
>>> test_a_file_is_read()
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from math import prod
from typing import Any

from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.games.action_graph import ActionGraph, FunctionNode
from marlgt.games.files.efg import parse_efg
from marlgt.games.files.json_form import format_json
from marlgt.games.files.lexer import text_token
from marlgt.testing._draws import Draw
from marlgt.testing.stochastic import stochastic_games
from marlgt.testing.strategies import normal_form_games
from marlgt.testing.trees import extensive_games

__all__ = ["broken_game_files", "game_files"]

Texts = st.SearchStrategy[str]

_NUMBERS = st.sampled_from(
    ["0", "1", "-1", "2", "+3", "1/2", "-6/4", "0.5", ".25", "-1.", "1e2", "25E-1", "007", "1e-30"]
)
_LABELS = st.sampled_from(
    ["", "a", "b", "c", 'the "x"', "\\x", "é ∆", "{ } ,", "two\nlines", 'c " 1', "<&>"]
) | st.text(st.characters(codec="utf-8", exclude_characters="\\"), max_size=4)
_SPACES = st.sampled_from([" ", "\n", "  ", "\t", " \r\n "])
_JUNK = st.sampled_from(
    ["9" * 30, "999999999", "</efgfile>", "1e99999", "nan", "1/0", "-1", "99", '""', *'{}",[]<#\\ \n01pct\x00\x1c٣']
)


def game_files(name: str) -> Texts:
    """Draw the text of a game file that follows its format.

    Parameters
    ----------
    name : str
        ``"nfg"``, ``"efg"``, ``"agg"``, ``"bagg"``, ``"gbt"`` or ``"json"``.

    Raises
    ------
    GameError
        For another name.
    """
    if name not in _FORMATS:
        raise GameError(f"name is {name!r}: the formats of games are {', '.join(_FORMATS)}")
    return st.composite(_FORMATS[name])()


def broken_game_files(name: str) -> Texts:
    """Draw the text of a game file in which tokens were deleted, doubled, put in, cut off or changed.

    It may still be a game; a reader must return one or raise :class:`~marlgt.GameError`, at once.
    """

    def build(draw: Draw) -> str:
        text = str(draw(game_files(name)))
        for _ in range(draw(st.integers(1, 4))):
            start = draw(st.integers(0, len(text)))
            end = min(len(text), start + draw(st.integers(0, 12)))
            change = draw(st.integers(0, 3))
            piece = ("", text[start:end] * 2, draw(_JUNK) if change == 2 else "", "")[change]
            text = text[:start] + piece + (text[end:] if change < 3 else "")
        return text

    return st.composite(build)()


def _label(draw: Draw) -> str:
    return text_token(draw(_LABELS), "a label")


def _nfg(draw: Draw) -> str:
    n = draw(st.integers(1, 3))
    counts = [draw(st.integers(1, 3)) for _ in range(n)]
    tokens = ["NFG", "1", draw(st.sampled_from("RD")), _label(draw), "{", *(_label(draw) for _ in range(n)), "}", "{"]
    if draw(st.booleans()):
        for count in counts:
            tokens += ["{", *(_label(draw) for _ in range(count)), "}"]
    else:
        tokens += map(str, counts)
    tokens.append("}")
    if draw(st.booleans()):
        tokens.append(_label(draw))
    profiles = prod(counts)
    if draw(st.booleans()):
        outcomes = draw(st.integers(0, 3))
        tokens.append("{")
        for _ in range(outcomes):
            tokens += ["{", _label(draw), *_payoffs(draw, n), "}"]
        tokens += ["}", *(str(draw(st.integers(0, outcomes))) for _ in range(profiles))]
    else:
        tokens += (draw(_NUMBERS) for _ in range(n * profiles))
    return str(draw(_SPACES)).join(tokens)


def _payoffs(draw: Draw, n: int) -> list[str]:
    comma = draw(st.sampled_from(["", ",", " ,"]))
    return [draw(_NUMBERS) + comma for _ in range(n)]


def _efg(draw: Draw) -> str:
    n = draw(st.integers(1, 2))
    tokens = ["EFG", "2", draw(st.sampled_from("RD")), _label(draw), "{", *(_label(draw) for _ in range(n)), "}"]
    if draw(st.booleans()):
        tokens.append(_label(draw))
    sets: dict[tuple[str, str], list[str]] = {}
    outcomes: dict[str, list[str]] = {}
    pending = [0]
    while pending:
        depth = pending.pop()
        kind = draw(st.sampled_from("tpc")) if depth < 3 else "t"
        tokens += [kind, _label(draw)]
        if kind != "t":
            player = str(draw(st.integers(1, n))) if kind == "p" else ""
            number = str(draw(st.integers(0, 2)))
            tokens += [player, number] if player else [number]
            tokens += _repeated(draw, sets, (player, number), partial(_actions, draw, chance=kind == "c"))
            width = (len(sets[player, number]) - 3) // (2 if kind == "c" else 1)
            pending += [depth + 1] * width
        outcome = str(draw(st.integers(0, 3)))
        tokens.append(outcome)
        if outcome != "0":
            tokens += _repeated(draw, outcomes, outcome, lambda: [_label(draw), "{", *_payoffs(draw, n), "}"])
    tail = draw(st.sampled_from(["", "\n", ' t "" 0', " what follows is not read"]))
    return f"{str(draw(_SPACES)).join(tokens)}{tail}"


def _repeated(draw: Draw, known: dict[Any, list[str]], key: Any, define: Callable[[], list[str]]) -> list[str]:
    """Return a definition, or for what is defined already nothing or the same again."""
    if key in known:
        return known[key] if draw(st.booleans()) else []
    known[key] = define()
    return known[key]


def _actions(draw: Draw, *, chance: bool) -> list[str]:
    if not chance:
        return [_label(draw), "{", *(_label(draw) for _ in range(draw(st.integers(1, 2)))), "}"]
    moves = draw(st.sampled_from([("1",), ("1/2", ".5"), ("0.25", "3/4"), ("0", "1"), ("1e-1", "9/10")]))
    return [_label(draw), "{", *(token for p in moves for token in (_label(draw), p)), "}"]


def _graph(draw: Draw, sets: list[list[int]], n_nodes: int) -> list[str]:
    """Return the lines of neighbours, signatures and payoffs, and of comments between them."""
    n_functions = draw(st.integers(0, 2))
    kind = draw(st.sampled_from([0, 1, 2, 3, 10, 11, 12, 13]))
    chained = kind < 10 and draw(st.booleans())
    rows = [draw(_some(n_nodes + n_functions, least=0)) for _ in range(n_nodes)]
    rows += [draw(_some(n_nodes + (p if chained else 0), least=0)) for p in range(n_functions)]
    functions = []
    for _ in range(n_functions):
        kind = kind if chained else draw(st.sampled_from([0, 1, 2, 3, 10, 11, 12, 13]))
        weights = st.integers(0 if kind == 11 else -2, 2)
        extended = kind >= 10
        own = tuple(draw(weights) for _ in range(n_nodes)) if extended else ()
        functions.append(FunctionNode(kind, draw(weights) if extended else 0, own))
    lines = [str(n_functions), *_rows([len(row), *row] for row in rows)]
    for function in functions:
        weights_shown = f" {function.default} [{' '.join(map(str, function.weights))}]" if function.kind >= 10 else ""
        lines.append(f"{function.kind}{weights_shown}")
    graph = ActionGraph(sets, rows, functions, lambda node, table: [0] * len(table))
    for table in graph.configurations:
        values = [draw(_NUMBERS) for _ in range(len(table))]
        if draw(st.booleans()):
            lines.append(" ".join(["0", *values]))
        else:
            shown = (f"[{' '.join(map(str, row))}] {value}" for row, value in zip(table.tolist(), values))
            lines.append("\n".join([f"1 {len(table)}", *shown]))
    return lines


def _some(count: int, *, least: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, count - 1), min_size=least, max_size=3, unique=True)


def _rows(rows: Any) -> list[str]:
    return [" ".join(map(str, row)) for row in rows]


def _commented(draw: Draw, first: str, lines: list[str]) -> str:
    comment = draw(st.sampled_from(["", "# a comment\n", "\n# one\n#two 1 2\n"]))
    return first + "\n" + "".join(f"{comment}{line}\n" for line in lines)


def _agg(draw: Draw) -> str:
    n, n_nodes = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    sets = [sorted(draw(_some(n_nodes, least=1))) for _ in range(n)]
    functions, *graph = _graph(draw, sets, n_nodes)
    return _commented(draw, "#AGG", [str(n), str(n_nodes), functions, *_rows([map(len, sets), *sets]), *graph])


def _bagg(draw: Draw) -> str:
    n, n_nodes = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    chances = [draw(st.sampled_from([("1",), ("1/3", "2/3"), (".25", "0.75")])) for _ in range(n)]
    sets = [[sorted(draw(_some(n_nodes, least=1))) for _ in own] for own in chances]
    functions, *graph = _graph(draw, [sorted(set().union(*own)) for own in sets], n_nodes)
    types = [map(len, chances), *chances, *(map(len, own) for own in sets), *(own for types in sets for own in types)]
    return _commented(draw, "#BAGG", [str(n), str(n_nodes), functions, *_rows(types), *graph])


def _gbt(draw: Draw) -> str:
    extensive = draw(st.booleans())
    raw = draw(st.composite(_efg)() if extensive else st.composite(_nfg)())
    analyses = ""
    if extensive and draw(st.booleans()):
        numbers = []
        for sets in parse_efg(raw).infosets:
            for count in sets.n_actions.tolist():
                numbers += [str(Fraction(1, count))] * count
        profile = f'<profile type="behav"> {draw(st.sampled_from([",", ", "])).join(numbers)}</profile>'
        skipped = draw(st.sampled_from(["", '<profile type="mixed">1,0</profile>']))
        said = draw(st.sampled_from(["", "<description>By &lt;hand&gt;</description>"]))
        analyses = f'<analysis type="list">{said}{profile}{skipped}</analysis>'
    tag = "efgfile" if extensive else "nfgfile"
    head = draw(st.sampled_from(["", '<?xml version="1.0"?>\n', "<colors><player id='0'/></colors>"]))
    opened = '<gambit:document xmlns:gambit="http://gambit.sourceforge.net/" version="0.1">'
    return f"{head}{opened}\n<game>\n<{tag}>{raw}</{tag}>{analyses}</game></gambit:document>\n"


def _json(draw: Draw) -> str:
    return format_json(draw(normal_form_games() | extensive_games() | stochastic_games()))


_FORMATS: dict[str, Callable[[Draw], str]] = {
    "nfg": _nfg,
    "efg": _efg,
    "agg": _agg,
    "bagg": _bagg,
    "gbt": _gbt,
    "json": _json,
}
