"""The ``.gbt`` documents of Gambit's graphical interface: a game, and profiles computed for it.

A document looks like XML but is not: the game stands in it as ``.efg`` or ``.nfg`` text in which ``<`` and ``&`` are
plain characters. So the text is cut between the tags, and what is inside is read as the format that it is::

    <gambit:document xmlns:gambit="..." version="0.1"> ... <game>
      <efgfile>EFG</efgfile> | <nfgfile>NFG</nfgfile>
      ( <analysis type="list"> <description>TEXT</description>
        ( <profile type="behav|mixed">p,p,...</profile> )* </analysis> )*
    </game> </gambit:document>

The numbers of a ``mixed`` profile are the probabilities of each player's strategies, those of a ``behav`` profile
the probabilities of the actions of each player's information sets, in order. Colours, fonts and layout are not kept.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, ParseError, ProfileError
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.files.efg import format_efg, parse_efg
from marlgt.games.files.lexer import Lexer, Limits, number_token, read_text
from marlgt.games.files.nfg import format_nfg, parse_nfg
from marlgt.games.normal_form import NormalFormGame

__all__ = ["GambitDocument", "format_gbt", "parse_gbt", "read_gbt", "write_gbt"]

_GAME = re.compile(r"<(efgfile|nfgfile)\s*>")
_PROBABILITY = re.compile(r"[^\s,]+")
_SUM_TOLERANCE = Fraction(1, 1000)
"""How far from 1 the rounded probabilities of an information set, as Gambit prints them, may sum."""

_KIND = re.compile(r"""\btype\s*=\s*["']([^"']*)["']""")


@dataclass(frozen=True, eq=False)
class GambitDocument:
    """A game with profiles of it.

    Attributes
    ----------
    game : ExtensiveGame or NormalFormGame
    profiles : tuple of tuples of n ndarrays
        Mixed profiles of a normal-form game, behaviour profiles of an extensive one: object arrays of Fraction
        where every distribution sums to exactly 1 as it is written, else of float64.
    descriptions : tuple of str
        What Gambit says of the computation of each profile.
    skipped : int
        How many profiles of an extensive game were over strategies, which such a game here does not number.
    """

    game: ExtensiveGame | NormalFormGame
    profiles: tuple[tuple[NDArray[Any], ...], ...] = ()
    descriptions: tuple[str, ...] = ()
    skipped: int = 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GambitDocument):
            return NotImplemented
        return (
            self.game == other.game
            and self.descriptions == other.descriptions
            and len(self.profiles) == len(other.profiles)
            and all(
                np.array_equal(a, b)
                for mine, theirs in zip(self.profiles, other.profiles)
                for a, b in zip(mine, theirs, strict=True)
            )
        )

    def __hash__(self) -> int:
        return hash((self.game, self.descriptions))


def read_gbt(path: str | os.PathLike[str], *, limits: Limits | None = None) -> GambitDocument:
    """Read a document from a ``.gbt`` file.

    Raises
    ------
    ParseError
        With line and column, for a file that does not follow the format, is not text or exceeds a limit.
    GameError
        If the path is a directory or a device.
    OSError
        If the file is not there or may not be read.
    """
    limits = limits or Limits()
    return parse_gbt(read_text(path, limits), limits=limits)


def parse_gbt(text: str, *, limits: Limits | None = None) -> GambitDocument:
    """Read the game and the profiles of a document.

    Raises
    ------
    ParseError
        With line and column, for text that does not follow the format or exceeds a limit.

    Examples
    --------
    >>> document = parse_gbt('<gambit:document version="0.1"><game><nfgfile>NFG 1 R "" { "A" } { 2 } 1 0</nfgfile>'
    ...     '<analysis type="list"><description>pure</description><profile type="mixed">1,0</profile></analysis>'
    ...     '</game></gambit:document>')
    >>> document.game.n_actions, [str(p) for p in document.profiles[0][0]]
    ((2,), ['1', '0'])
    """
    if not isinstance(text, str):
        raise GameError(f"text must be a str, got {type(text).__name__}: decode it first, or give read_gbt a path")
    limits = limits or Limits()
    place = Lexer(text, limits)
    if "<gambit:document" not in text:
        place.fail("expected a document that opens with <gambit:document")
    opening = _GAME.search(text)
    if opening is None:
        place.fail("the document holds no game: expected <efgfile> or <nfgfile>")
    kind = opening[1]
    # A label may hold the closing tag; nothing after the game does.
    end = text.rfind(f"</{kind}>")
    if end < opening.end():
        place.fail(f"<{kind}> is never closed", at=opening.start())
    before = text[: opening.end()]
    # Line breaks and spaces in place of what stands before keep the lines and columns of errors.
    inner = "\n" * before.count("\n") + " " * (len(before) - 1 - before.rfind("\n")) + text[opening.end() : end]
    game: ExtensiveGame | NormalFormGame = (parse_efg if kind == "efgfile" else parse_nfg)(inner, limits=limits)
    profiles, descriptions, skipped = [], [], 0
    for start, stop in _elements(place, "analysis", end, len(text)):
        said = next(_elements(place, "description", start, stop), (start, start))
        for inside, closing in _elements(place, "profile", start, stop):
            opened = text.rfind("<profile", start, inside)
            match = _KIND.search(text, opened, inside)
            kind_of_profile = "" if match is None else match[1]
            if isinstance(game, ExtensiveGame) and kind_of_profile == "mixed":
                skipped += 1
                continue
            expected = "behav" if isinstance(game, ExtensiveGame) else "mixed"
            if kind_of_profile != expected:
                place.fail(f"a profile has the type {kind_of_profile[:40]!r}: expected {expected!r}", at=opened)
            profiles.append(_profile(place, game, opened, inside, closing))
            descriptions.append(html.unescape(text[slice(*said)]).strip())
    return GambitDocument(game, tuple(profiles), tuple(descriptions), skipped)


def _elements(place: Lexer, tag: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Give where the content of each element of a tag begins and ends."""
    text = place.text
    opened = text.find(f"<{tag}", start, stop)
    while opened >= 0:
        inside = text.find(">", opened, stop) + 1
        closing = text.find(f"</{tag}", inside, stop)
        if inside == 0 or closing < 0:
            place.fail(f"<{tag}> is never closed", at=opened)
        yield inside, closing
        opened = text.find(f"<{tag}", closing, stop)


def _counts(game: ExtensiveGame | NormalFormGame) -> list[list[int]]:
    """Return how many actions stand in each row of each player's part of a profile."""
    if isinstance(game, NormalFormGame):
        return [[count] for count in game.n_actions]
    return [sets.n_actions.tolist() for sets in game.infosets]


def _profile(
    place: Lexer, game: ExtensiveGame | NormalFormGame, opened: int, inside: int, closing: int
) -> tuple[NDArray[Any], ...]:
    counts = _counts(game)
    values: list[Fraction] = []
    for token in _PROBABILITY.finditer(place.text, inside, closing):
        at = token.start()
        lexer = Lexer(token[0], place.limits)
        try:
            value = lexer.number("a probability")
            if lexer.kind != "end" or value < 0:
                lexer.fail(f"a probability is {token[0][:40]!r}: expected a number that is not negative")
        except ParseError as error:
            place.fail(str(error).partition(": ")[2], at=at)
        values.append(value)
    needed = sum(map(sum, counts))
    if len(values) != needed:
        place.fail(f"a profile has {len(values)} probabilities: the game has {needed} actions", at=opened)
    rows = []
    start = 0
    for own in counts:
        rows.append([values[start + sum(own[:j]) : start + sum(own[: j + 1])] for j in range(len(own))])
        start += sum(own)
    errors = [abs(sum(row, Fraction(-1))) for own_rows in rows for row in own_rows]
    exact = not any(errors)
    if any(error > _SUM_TOLERANCE for error in errors):
        place.fail("a profile holds probabilities that do not sum to 1", at=opened)
    profile = []
    for own, own_rows in zip(counts, rows):
        policy: NDArray[Any] = np.zeros((len(own), max(own, default=0)), dtype=object if exact else np.float64)
        for j, row in enumerate(own_rows):
            policy[j, : len(row)] = row if exact else [float(x) for x in row]
        profile.append(policy if isinstance(game, ExtensiveGame) else policy[0])
    return tuple(profile)


def format_gbt(document: GambitDocument, *, limits: Limits | None = None) -> str:
    """Return a document as text that :func:`parse_gbt` reads back equal.

    Raises
    ------
    GameError
        For a game that its format cannot hold.
    ProfileError
        For a profile that does not fit the game, or descriptions that are not one for each profile.
    """
    limits = limits or Limits()
    game = document.game
    extensive = isinstance(game, ExtensiveGame)
    raw = format_efg(game, limits=limits) if isinstance(game, ExtensiveGame) else format_nfg(game, limits=limits)
    tag, kind = ("efgfile", "behav") if extensive else ("nfgfile", "mixed")
    descriptions = document.descriptions or ("",) * len(document.profiles)
    if len(descriptions) != len(document.profiles):
        raise ProfileError(f"there are {len(document.profiles)} profiles but {len(descriptions)} descriptions")
    parts = [
        '<?xml version="1.0" encoding="UTF-8" ?>\n',
        '<gambit:document xmlns:gambit="http://gambit.sourceforge.net/" version="0.1">\n<game>\n',
        f"<{tag}>\n{raw}</{tag}>\n",
    ]
    for description, group in groupby(zip(descriptions, document.profiles), key=lambda pair: pair[0]):
        parts.append(f'<analysis type="list">\n<description>{html.escape(description, quote=False)}</description>\n')
        for _, profile in group:
            numbers = ",".join(number_token(x, "a probability", limits) for x in _listed(game, profile))
            parts.append(f'<profile type="{kind}">{numbers}</profile>\n')
        parts.append("</analysis>\n")
    return "".join([*parts, "</game>\n</gambit:document>\n"])


def _listed(game: ExtensiveGame | NormalFormGame, profile: Sequence[Any]) -> list[Any]:
    counts = _counts(game)
    if len(profile) != len(counts):
        raise ProfileError(f"a profile has {len(profile)} policies: the game has {len(counts)} players")
    listed: list[Any] = []
    for i, (own, given) in enumerate(zip(counts, profile)):
        policy = np.asarray(given)
        rows = policy if isinstance(game, ExtensiveGame) else policy[None]
        if rows.shape != (len(own), max(own, default=0)):
            raise ProfileError(f"the policy of player {i} has shape {policy.shape}, which does not fit the game")
        listed.extend(x for row, count in zip(rows.tolist(), own) for x in row[:count])
    return listed


def write_gbt(document: GambitDocument, path: str | os.PathLike[str], *, limits: Limits | None = None) -> None:
    """Write a document to a ``.gbt`` file, as :func:`format_gbt` gives it."""
    Path(path).write_bytes(format_gbt(document, limits=limits).encode())
