"""Games as text, HTML and LaTeX: payoff tables whose size is bounded, with every label escaped.

A two-player game is one table, rows for the first player and columns for the second. With more
players there is one such table for each choice of the others. What does not fit is counted, not
shown.
"""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from marlgt.errors import GameError
from marlgt.games.normal_form import NormalFormGame

__all__ = ["as_html", "as_latex", "as_text"]

_LONGEST_LABEL = 60
"""Characters of a label shown in text and LaTeX."""


def as_text(game: NormalFormGame, *, max_actions: int = 12, max_tables: int = 8) -> str:
    """Return the payoffs as aligned plain text.

    Parameters
    ----------
    game : NormalFormGame
    max_actions : int
        The most rows and columns of one table.
    max_tables : int
        The most tables, one for each choice of the players after the second.

    Examples
    --------
    >>> from marlgt.games import NormalFormGame
    >>> print(as_text(NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]], actions=[("C", "D")] * 2)))
    2 players, 2 x 2 (rows: 1, columns: 2)
            C     D
    C    3, 3  0, 5
    D    5, 0  1, 1
    """
    _check_limits(max_actions, max_tables)
    lines = [_one_line(game.title)] if game.title else []
    lines.append(_heading(game))
    tables = list(_tables(game, max_tables))
    for others in tables:
        if others:
            lines.append("")
            lines.append(
                ", ".join(f"{_one_line(name)} plays {_one_line(action)}" for name, action in _named(game, others))
            )
        rows = [[_one_line(cell) for cell in row] for row in _cells(game, others, max_actions, _number_text, "...")]
        widths = [max(map(len, column)) for column in zip(*rows)]
        for row in rows:
            cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
            lines.append((cells[0] + "    " + "  ".join(cells[1:])).rstrip())
    lines.extend(_what_is_left_out(game, len(tables), max_actions))
    return "\n".join(lines)


def as_html(game: NormalFormGame, *, max_actions: int = 12, max_tables: int = 8) -> str:
    """Return the payoffs as HTML tables without script or style sheet, every label escaped.

    Parameters
    ----------
    game : NormalFormGame
    max_actions, max_tables : int
        As in :func:`as_text`.
    """
    _check_limits(max_actions, max_tables)
    parts = ['<div class="marlgt-game">']
    if game.title:
        parts.append(f"<p><strong>{html.escape(game.title)}</strong></p>")
    parts.append(f"<p>{html.escape(_heading(game))}</p>")
    tables = list(_tables(game, max_tables))
    for others in tables:
        parts.append("<table>")
        if others:
            caption = ", ".join(f"{name} plays {action}" for name, action in _named(game, others))
            parts.append(f"<caption>{html.escape(caption)}</caption>")
        head, *body = _cells(game, others, max_actions, _number_text, "…")
        parts.append("<thead><tr>" + "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head))
        parts.append("</tr></thead><tbody>")
        for label, *cells in body:
            row = "".join(f'<td style="text-align:center">{html.escape(cell)}</td>' for cell in cells)
            parts.append(f'<tr><th scope="row">{html.escape(label)}</th>{row}</tr>')
        parts.append("</tbody></table>")
    parts.extend(f"<p>{html.escape(line)}</p>" for line in _what_is_left_out(game, len(tables), max_actions))
    parts.append("</div>")
    return "\n".join(parts)


def as_latex(game: NormalFormGame, *, max_actions: int = 12, max_tables: int = 8) -> str:
    r"""Return the payoffs as displayed LaTeX arrays that need no package, every label escaped.

    Parameters
    ----------
    game : NormalFormGame
    max_actions, max_tables : int
        As in :func:`as_text`.

    Examples
    --------
    >>> from marlgt.games import NormalFormGame
    >>> print(as_latex(NormalFormGame.zero_sum([[1, -1]], actions=[("a",), ("L", "R")])))
    $$
    \begin{array}{r|cc}
     & \mbox{L} & \mbox{R} \\ \hline
    \mbox{a} & 1,\;-1 & -1,\;1
    \end{array}
    $$
    """
    _check_limits(max_actions, max_tables)
    parts = []
    for others in _tables(game, max_tables):
        head, *body = _cells(game, others, max_actions, _number_latex, r"\cdots", separator=r",\;", label=_mbox)
        lines = [" & ".join(head) + r" \\ \hline", *(" & ".join(row) + r" \\" for row in body)]
        lines[-1] = lines[-1].removesuffix(r" \\")
        columns = "c" * (len(head) - 1)
        array = "\n".join([rf"\begin{{array}}{{r|{columns}}}", *lines, r"\end{array}"])
        caption = ", ".join(f"{name}: {action}" for name, action in _named(game, others))
        parts.append(f"{_mbox(caption)}\n{array}" if others else array)
    return "$$\n" + "\n\\quad\n".join(parts) + "\n$$"


def _check_limits(max_actions: int, max_tables: int) -> None:
    if max_actions < 1 or max_tables < 1:
        raise GameError(f"max_actions and max_tables must be at least 1, got {max_actions} and {max_tables}")


def _heading(game: NormalFormGame) -> str:
    counts = " x ".join(map(str, game.n_actions))
    if game.n_players == 1:
        return f"1 player, {counts}"
    names = f"rows: {_one_line(game.players[0])}, columns: {_one_line(game.players[1])}"
    return f"{game.n_players} players, {counts} ({names})"


def _what_is_left_out(game: NormalFormGame, n_tables: int, max_actions: int) -> list[str]:
    in_all = math.prod(game.n_actions[2:])
    lines = []
    if n_tables < in_all:
        lines.append(f"{in_all - n_tables} of {in_all} tables not shown")
    if max(game.n_actions[:2]) > max_actions:
        lines.append(f"only the first {max_actions} rows and columns of each table are shown")
    return lines


def _tables(game: NormalFormGame, max_tables: int) -> Iterator[tuple[int, ...]]:
    """Yield the actions of the players after the second, first things first."""
    return itertools.islice(itertools.product(*map(range, game.n_actions[2:])), max_tables)


def _named(game: NormalFormGame, others: tuple[int, ...]) -> list[tuple[str, str]]:
    return [(game.players[i], game.actions[i][a]) for i, a in enumerate(others, start=2)]


def _cells(
    game: NormalFormGame,
    others: tuple[int, ...],
    max_actions: int,
    number: Callable[[Any], str],
    more: str,
    *,
    separator: str = ", ",
    label: Callable[[str], str] = str,
) -> list[list[str]]:
    """Return one table as rows of text: a head of column labels, then labelled rows of payoffs."""
    rows = min(game.n_actions[0], max_actions)
    columns = min(game.n_actions[1], max_actions) if game.n_players > 1 else 1
    wide = game.n_players > 1 and game.n_actions[1] > columns
    payoffs = game.payoffs if game._exact is None else game._exact
    heads = game.actions[1][:columns] if game.n_players > 1 else (game.players[0],)
    table = [["", *map(label, heads), *([more] if wide else [])]]
    for a in range(rows):
        cells = []
        for b in range(columns):
            profile = (a, b, *others) if game.n_players > 1 else (a,)
            cells.append(separator.join(number(payoffs[(i, *profile)]) for i in range(game.n_players)))
        table.append([label(game.actions[0][a]), *cells, *([more] if wide else [])])
    if game.n_actions[0] > rows:
        table.append([more] * len(table[0]))
    return table


def _number_text(x: Any) -> str:
    return f"{x:.6g}" if isinstance(x, float) else str(x)


def _number_latex(x: Any) -> str:
    if isinstance(x, Fraction) and x.denominator != 1:
        sign = "-" if x < 0 else ""
        return rf"{sign}\frac{{{abs(x.numerator)}}}{{{x.denominator}}}"
    text = _number_text(x)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return rf"{mantissa}\cdot 10^{{{int(exponent)}}}"


def _one_line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST_LABEL else words[: _LONGEST_LABEL - 3] + "..."


_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"$<$",
    ">": r"$>$",
}


def _mbox(text: str) -> str:
    escaped = "".join(_LATEX.get(character, character) for character in _one_line(text))
    return rf"\mbox{{{escaped}}}"
