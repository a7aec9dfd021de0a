r"""Tokens of the ``.nfg`` and ``.efg`` formats, with limits that are checked before anything is built.

Outside quotes white space never matters. A token is a brace, a comma, a number, a quoted text or a
symbol (any other run of characters up to white space). Numbers are exact rationals: ``0.1`` is 1/10.
In a text ``\"`` stands for a quote and every other backslash for itself, so that a text cannot end
in a backslash.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

from marlgt.errors import GameError, ParseError
from marlgt.games._arrays import LARGEST, LARGEST_EXACT

__all__ = ["Lexer", "Limits", "number_token", "read_text", "text_token", "unique_filled_labels", "unique_labels"]


@dataclass(frozen=True)
class Limits:
    """How much a file may ask for.

    Attributes
    ----------
    file_bytes : int
        Size of the file; 64 MiB.
    payoffs : int
        Players times profiles; ten million.
    nodes : int
        Nodes of a tree; one million.
    digits : int
        Digits of one number; 4,096.
    exponent : int
        Power of ten of one number; 10,000.
    label : int
        Characters of one label; 65,536.
    """

    file_bytes: int = 64 * 2**20
    payoffs: int = 10**7
    nodes: int = 10**6
    digits: int = 4_096
    exponent: int = 10_000
    label: int = 64 * 2**10


_SPACE = re.compile(r"[ \t\n\r\f\v]*")
_SPACE_AND_COMMENTS = re.compile(r"(?:[ \t\n\r\f\v]++|#[^\n\r]*+)*+")
_NUMBER = re.compile(
    r"[+-]?(?:(\d+)/(\d+)|(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?)"
    r'(?=[ \t\n\r\f\v{},"\[\]]|\Z)',
    re.ASCII,
)
_SYMBOL = re.compile(r'[^ \t\n\r\f\v{},"]+')
_MARKS = "{},"
_BRACKETS = "[]"
_INTEGERS = re.compile(r"[0-9+\- \t\n\r\f\v]*", re.ASCII)
_STRETCH = 2**16
"""Characters of integers that are converted at once."""


class Lexer:
    """Reads tokens from the front of a text; every error carries the line and column.

    Parameters
    ----------
    text : str
    limits : Limits
    action_graph : bool
        Read the ``.agg`` formats, whose marks are square brackets and whose lines that begin with # are comments.
    """

    def __init__(self, text: str, limits: Limits, *, action_graph: bool = False) -> None:
        self.text = text
        self.limits = limits
        self.position = 0
        self._marks = _BRACKETS if action_graph else _MARKS
        self._space = _SPACE_AND_COMMENTS if action_graph else _SPACE
        self._skip_space()

    def fail(self, message: str, *, at: int | None = None) -> NoReturn:
        """Raise a :class:`ParseError` at a position, by default where the next token begins."""
        at = self.position if at is None else at
        before = self.text[:at]
        raise ParseError(message, line=before.count("\n") + 1, column=at - before.rfind("\n"))

    @property
    def kind(self) -> str:
        """What the next token is: a mark such as ``"{"``, ``"number"``, ``"text"``, ``"symbol"`` or ``"end"``."""
        if self.position >= len(self.text):
            return "end"
        character = self.text[self.position]
        if character in self._marks:
            return character
        if character == '"':
            return "text"
        return "number" if _NUMBER.match(self.text, self.position) else "symbol"

    def shown(self) -> str:
        """Return the next token as an error message shows it."""
        if self.kind == "end":
            return "the end of the file"
        if self.kind == "text":
            return "a text in quotes"
        if self.kind in self._marks:
            return f"'{self.kind}'"
        return _short(self._word())

    def symbol(self, expected: tuple[str, ...], what: str) -> str:
        """Read one of the expected symbols."""
        word = self._word() if self.kind in ("symbol", "number") else ""
        if word not in expected:
            self.fail(f"expected {what}, found {self.shown()}")
        self._advance(len(word))
        return word

    def skip(self, mark: str) -> bool:
        """Read the brace or comma if it comes next; tell whether it did."""
        if self.kind != mark:
            return False
        self._advance(1)
        return True

    def mark(self, mark: str, what: str) -> None:
        """Read a brace or comma that must come next."""
        if not self.skip(mark):
            self.fail(f"expected '{mark}' {what}, found {self.shown()}")

    def quoted(self, what: str, *, limit: int | None = None) -> str:
        """Read a text in quotes, of at most ``limit`` characters."""
        if self.kind != "text":
            self.fail(f"expected {what} in quotes, found {self.shown()}")
        start = self.position + 1
        end = self.text.find('"', start)
        while end > start and self.text[end - 1] == "\\":
            end = self.text.find('"', end + 1)
        if end < 0:
            self.fail(f"{what} begins with a quote that is never closed")
        if limit is not None and end - start > limit:
            self.fail(f"{what} has {end - start} characters, more than the limit of {limit}")
        content = self.text[start:end].replace('\\"', '"')
        self._advance(end + 1 - self.position)
        return content

    def number(self, what: str) -> Fraction:
        """Read an exact rational number."""
        match = _NUMBER.match(self.text, self.position)
        if match is None:
            self.fail(f"expected {what}, a number, found {self.shown()}")
        value = self._value(match, what)
        self._advance(match.end() - match.start())
        return value

    def _value(self, match: re.Match[str], what: str) -> Fraction:
        """Return the number that a token is, its limits checked before it is built."""
        at = match.start()
        token = match.group()
        digits = sum(map(str.isdigit, token)) if len(token) > self.limits.digits else 0
        if digits > self.limits.digits:
            self.fail(f"{what} has {digits} digits, more than the limit of {self.limits.digits}", at=at)
        numerator, denominator, whole, decimals, bare, exponent = match.groups()
        if exponent is not None and (len(exponent) > 20 or abs(int(exponent)) > self.limits.exponent):
            self.fail(f"{what} has an exponent beyond the limit of {self.limits.exponent}", at=at)
        if denominator is not None and not denominator.strip("0"):
            self.fail(f"{what} is {_short(token)}: a fraction needs a denominator other than 0", at=at)
        try:
            if numerator is not None:
                value = Fraction(int(numerator), int(denominator))
            else:
                decimals = decimals or bare or ""
                places = len(decimals) - int(exponent or 0)
                value = Fraction(int((whole or "") + decimals) * 10 ** max(-places, 0), 10 ** max(places, 0))
        except ValueError:
            self.fail(f"{what} has more digits than this Python converts: see sys.set_int_max_str_digits", at=at)
        if (exponent is not None or len(token) > 140) and abs(value) > LARGEST_EXACT:
            self.fail(
                f"{what} is {_short(token)}: the largest magnitude is {LARGEST:g}, divide every payoff by a constant",
                at=at,
            )
        return -value if token[0] == "-" else value

    def number_and_token(self, what: str) -> tuple[Fraction, str]:
        """Read an exact rational number, and give the characters that wrote it too."""
        start = self.position
        value = self.number(what)
        return value, self.text[start : self.position].rstrip()

    def integer(self, what: str) -> int:
        """Read a whole number."""
        at, shown = self.position, self.shown()
        value = self.number(what)
        if value.denominator != 1:
            self.fail(f"{what} is {shown}: it must be a whole number", at=at)
        return value.numerator

    def numbers(self, count: int, what: str, *, detail: str = "") -> Iterator[list[int] | list[Fraction]]:
        """Read exactly ``count`` numbers up to the end of the text, in blocks, integers fast.

        Parameters
        ----------
        count : int
        what : str
            What each is, in the singular, for errors: ``"payoff"``.
        detail : str
            Why there must be so many.
        """
        read = 0
        wanted = f"expected {count} {what}{'' if count == 1 else 's'}{detail}"
        while read < count:
            if self.kind != "number":
                place = "the file ends" if self.kind == "end" else f"then comes {self.shown()}"
                self.fail(f"{wanted}, found {read}: {place}")
            block: list[int] | list[Fraction] = self._integers(count - read) or self._rationals(count - read, what)
            read += len(block)
            yield block
        if self.kind == "number":
            near = self.text[self.position : self.position + _STRETCH]
            more = "" if self.position + _STRETCH >= len(self.text) else "more than "
            self.fail(f"{wanted}, found {more}{count + len(near.split())}")
        if self.kind != "end":
            self.fail(f"expected the end of the file after {count} {what}s, found {self.shown()}")

    def _integers(self, most: int) -> list[int]:
        """Read the integers in the next stretch of text; none where some token of it is anything else."""
        stop = min(self.position + _STRETCH, len(self.text))
        matched = _INTEGERS.match(self.text, self.position, stop)
        end = stop if matched is None else matched.end()
        if end < len(self.text):
            end = max(self.text.rfind(space, self.position, end) for space in " \t\n\r") + 1
        words = self.text[self.position : end].split()
        if not words or len(words) > most or max(map(len, words)) > min(self.limits.digits, 140):
            return []
        try:
            values = list(map(int, words))
        except ValueError:
            return []
        self._advance(end - self.position)
        return values

    def _rationals(self, most: int, what: str) -> list[Fraction]:
        """Read the numbers in the next stretch of text, one at a time, until something else comes."""
        stop = self.position + _STRETCH
        values: list[Fraction] = []
        position = self.position
        match = _NUMBER.match(self.text, position)
        while match is not None and len(values) < most and position < stop:
            values.append(self._value(match, f"a {what}" if what[0] not in "aeio" else f"an {what}"))
            space = _SPACE.match(self.text, match.end())
            position = match.end() if space is None else space.end()
            match = _NUMBER.match(self.text, position)
        self.position = position
        return values

    def _word(self) -> str:
        match = _SYMBOL.match(self.text, self.position)
        return "" if match is None else match.group()

    def _advance(self, length: int) -> None:
        self.position += length
        self._skip_space()

    def _skip_space(self) -> None:
        match = self._space.match(self.text, self.position)
        if match is not None:
            self.position = match.end()


def _short(token: str) -> str:
    return repr(token if len(token) <= 30 else token[:30] + "...")


def read_text(path: str | os.PathLike[str], limits: Limits) -> str:
    """Return the text of a file, refusing directories, binary files and files above the limit.

    Raises
    ------
    OSError
        If the file is not there or may not be read.
    GameError
        If it is no regular file.
    ParseError
        If it is larger than the limit or not UTF-8.
    """
    file = Path(path)
    if file.exists() and not file.is_file():
        raise GameError(f"{str(file)!r} is not a regular file: give the path of a game file")
    with file.open("rb") as stream:
        data = stream.read(limits.file_bytes + 1)
    if len(data) > limits.file_bytes:
        raise ParseError(f"the file is larger than the limit of {limits.file_bytes} bytes: raise Limits.file_bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        raise ParseError(
            f"byte {data[error.start]:#04x} is not UTF-8 text: is this a game file?",
            line=before.count(b"\n") + 1,
            column=error.start - before.rfind(b"\n"),
        ) from error


def unique_labels(labels: list[str]) -> list[str]:
    """Return the labels with ``_1``, ``_2``, ... added to those that are empty or occur more than once."""
    counts = Counter(labels)
    taken = set(labels)
    suffixes: Counter[str] = Counter()
    result = []
    for label in labels:
        unique = label
        if not label or counts[label] > 1:
            while unique in taken or not unique:
                suffixes[label] += 1
                unique = f"{label}_{suffixes[label]}"
            taken.add(unique)
        result.append(unique)
    return result


def unique_filled_labels(labels: list[str]) -> list[str]:
    """Return the labels with ``_1``, ``_2``, ... added to those that occur more than once; empty ones stay empty."""
    filled = list(filter(None, labels))
    if len(set(filled)) == len(filled):
        return labels
    changed = iter(unique_labels(filled))
    return [label and next(changed) for label in labels]


def text_token(text: str, what: str) -> str:
    r"""Return a text in quotes, as :meth:`Lexer.quoted` reads it back.

    Raises
    ------
    GameError
        If it ends in a backslash, which the format cannot hold, or is not Unicode.
    """
    if text.endswith("\\"):
        raise GameError(f"{what} is {text!r}: a quoted text cannot end in a backslash; remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise GameError(f"{what} is {text!r}: it holds half of a surrogate pair, which UTF-8 cannot write") from error
    return '"' + text.replace('"', '\\"') + '"'


def number_token(x: int | float | Fraction, what: str, limits: Limits) -> str:
    """Return a number as :meth:`Lexer.number` reads it back.

    Raises
    ------
    GameError
        If an exact number has more digits than the limit.
    """
    if isinstance(x, int) and -(2**63) <= x < 2**63:
        return str(x)
    if isinstance(x, float):
        return repr(x) if not x.is_integer() or abs(x) >= 1e15 else str(int(x))
    exact = Fraction(x)
    # Below 3.3 bits a digit the number is surely short enough, and str() never refuses it.
    if exact.numerator.bit_length() + exact.denominator.bit_length() > 3.3 * limits.digits:
        raise GameError(f"{what} is a fraction of more than {limits.digits} digits: round it first")
    return str(exact)
