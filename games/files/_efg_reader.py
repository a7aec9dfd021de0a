r"""The reader of ``.efg`` trees: nodes in preorder, no recursion, one regular expression for each usual node.

A node is read in one of two ways. The quick way takes a node whose texts hold no backslash and whose numbers are
short, if what it says about its information set and outcome is new and well formed or was said before in the same
characters. Every other node, and so every error, is read token by token; both ways fill the same tables.
"""

from __future__ import annotations

import functools
import re
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, ParseError
from marlgt.games._arrays import short
from marlgt.games.extensive import CHANCE, TERMINAL, ExtensiveGame, Infosets
from marlgt.games.files._numbers import compact, quick_number, restored, restored_distribution
from marlgt.games.files.lexer import Lexer, unique_filled_labels, unique_labels

__all__ = ["EfgReader"]

_NOTHING: tuple[tuple[str, ...], tuple[Fraction, ...]] = ((), ())
_TOKEN = re.compile(r'"(?:[^"\\]++|\\"|\\)*+"|[^\s,"]++', re.ASCII)


@functools.cache
def _patterns(longest: int) -> dict[str, re.Pattern[str]]:
    """Return what a usual node looks like, for each kind of node, from its letter to the next node."""
    text = rf'"([^"\\]{{0,{longest}}}+)"\s*+'
    ending = r'(?=[\s{},"]|\Z)\s*+'
    number = rf"(0|[1-9][0-9]{{0,8}}+){ending}"
    payoffs = r"((?:[^\s{},\"]++\s*+(?:,\s*+)?+)++)"
    outcome = rf'{number}(?:{text}\{{\s*+{payoffs}\}}\s*+|(?!"))'
    actions = rf'((?:"[^"\\]{{0,{longest}}}+"\s*+)++)'
    moves = rf'((?:"[^"\\]{{0,{longest}}}+"\s*+[^\s{{}},"]++\s*+)++)'
    sources = {
        "t": rf"t\s*+{text}{outcome}",
        "p": rf"p\s*+{text}{number}{number}(?:{text}\{{\s*+{actions}\}}\s*+)?+{outcome}",
        "c": rf"c\s*+{text}(){number}(?:{text}\{{\s*+{moves}\}}\s*+)?+{outcome}",
    }
    return {kind: re.compile(source, re.ASCII) for kind, source in sources.items()}


class EfgReader:
    """Reads the tree that a lexer has come to and builds the game.

    Parameters
    ----------
    lexer : Lexer
    players : list of str
    max_denominator : int or None
        If a number, decimals are taken for floats that were rounded, and back to simple fractions.
    """

    def __init__(self, lexer: Lexer, players: list[str], *, max_denominator: int | None) -> None:
        self.lexer, self.players, self.max_denominator = lexer, players, max_denominator
        self.set_of: dict[str, dict[str, int]] = {"": {}, **{f"{i + 1}": {} for i in range(len(players))}}
        self.set_mover: list[int] = []
        self.set_label: list[str] = []
        self.set_actions: list[tuple[str, ...]] = []
        self.set_moves: list[tuple[Fraction, ...]] = []
        self.set_said: list[str] = []
        self.actions_of: dict[tuple[bool, str], tuple[tuple[str, ...], tuple[Fraction, ...]]] = {}
        self.outcome_of: dict[str, int] = {"0": -1}
        self.outcome_label: list[str] = []
        self.outcome_said: list[str] = []
        self.payoffs: list[Any] = []
        self.number_of: dict[str, Any] = {}

    def read(self, *, title: str, comment: str) -> ExtensiveGame:
        """Return the game whose tree begins at the next token; what follows the tree is not read."""
        lexer, text, start = self.lexer, self.lexer.text, self.lexer.position
        patterns, most = _patterns(lexer.limits.label), lexer.limits.nodes
        parents: list[int] = []
        actions: list[int] = []
        sets: list[int] = []
        outcomes: list[int] = []
        labels: list[str] = []
        above: list[tuple[int, int, int]] = []
        parent, action, width, position = -1, -1, 0, start
        while True:
            node = len(parents)
            if node == most:
                lexer.fail(f"the tree has more than {most} nodes: raise Limits.nodes", at=position)
            pattern = patterns.get(text[position : position + 1])
            match = None if pattern is None else pattern.match(text, position)
            found = None if match is None else self._quick(match)
            if match is None or found is None:
                lexer.position = position
                label, number, outcome = self._slow()
                position = lexer.position
            else:
                label, number, outcome = found
                position = match.end()
            parents.append(parent)
            actions.append(action)
            sets.append(number)
            outcomes.append(outcome)
            labels.append(label)
            if number >= 0:
                above.append((parent, action, width))
                parent, action, width = node, 0, len(self.set_actions[number])
                continue
            action += 1
            while action >= width and parent >= 0:
                parent, action, width = above.pop()
                action += 1
            if parent < 0:
                break
        lexer.position = position
        try:
            return self._game(parents, actions, sets, outcomes, labels, title, comment)
        except ParseError:
            raise
        except GameError as error:
            lexer.fail(f"the tree is no game: {error}", at=start)

    def _quick(self, match: re.Match[str]) -> tuple[str, int, int] | None:
        """Return the label, information set and outcome of a usual node; None if it needs a closer look."""
        groups = match.groups()
        number = -1
        if len(groups) == 4:
            label, outcome_id, outcome_label, payoffs = groups
        else:
            label, player, own_id, set_label, body, outcome_id, outcome_label, payoffs = groups
            own = self.set_of.get(player)
            if own is None:
                return None
            known = own.get(own_id)
            if known is None:
                actions, moves = self.actions_of.get((player == "", body), _NOTHING)
                if not actions:
                    return None
                number = self._new_set(player, own_id, set_label, actions, moves, body)
            elif body is None or (self.set_said[known] == body and self.set_label[known] == set_label):
                number = known
            else:
                return None
        outcome = self.outcome_of.get(outcome_id)
        if payoffs is None:
            return None if outcome is None else (label, number, outcome)
        if outcome is None:
            values = self._quick_payoffs(payoffs)
            if values is None:
                return None
            return label, number, self._new_outcome(outcome_id, outcome_label, payoffs, values)
        if outcome >= 0 and self.outcome_said[outcome] == payoffs and self.outcome_label[outcome] == outcome_label:
            return label, number, outcome
        return None

    def _quick_payoffs(self, body: str) -> list[Any] | None:
        values = []
        for token in body.replace(",", " ").split():
            value = self.number_of.get(token)
            if value is None:
                value = quick_number(token)
                if value is None or (self.max_denominator is not None and len(token) > 9):
                    return None
                self.number_of[token] = value
            values.append(value)
        return values if len(values) == len(self.players) else None

    def _new_set(
        self, player: str, own_id: str, label: str, actions: tuple[str, ...], moves: tuple[Fraction, ...], body: str
    ) -> int:
        number = self.set_of[player][own_id] = len(self.set_mover)
        self.set_mover.append(int(player) - 1 if player else CHANCE)
        self.set_label.append(label)
        self.set_actions.append(actions)
        self.set_moves.append(moves)
        self.set_said.append(body)
        return number

    def _new_outcome(self, own_id: str, label: str, body: str, values: list[Any]) -> int:
        column = self.outcome_of[own_id] = len(self.outcome_label)
        self.outcome_label.append(label)
        self.outcome_said.append(body)
        self.payoffs.extend(values)
        return column

    def _slow(self) -> tuple[str, int, int]:
        """Read any node, token by token."""
        lexer = self.lexer
        kind = lexer.symbol(("c", "p", "t"), "a node: c (chance), p (a player) or t (terminal)")
        label = lexer.quoted("the label of a node", limit=lexer.limits.label)
        number = -1
        if kind == "p":
            at = lexer.position
            player = lexer.integer("the number of a player")
            if not 1 <= player <= len(self.players):
                lexer.fail(f"there is no player {player}: the players are numbered 1 to {len(self.players)}", at=at)
            number = self._infoset(str(player))
        elif kind == "c":
            number = self._infoset("")
        return label, number, self._outcome()

    def _infoset(self, player: str) -> int:
        lexer, at = self.lexer, self.lexer.position
        own_id = str(lexer.integer("the number of an information set"))
        who = f"player {player}" if player else "chance"
        number = self.set_of[player].get(own_id)
        if lexer.kind != "text":
            if number is None:
                lexer.fail(
                    f"information set {own_id} of {who} is not defined yet: give its label and actions where it is "
                    "first mentioned",
                    at=at,
                )
            return number
        label = lexer.quoted("the label of an information set", limit=lexer.limits.label)
        lexer.mark("{", "before the actions")
        start = lexer.position
        labels: list[str] = []
        chances: list[tuple[Fraction, str]] = []
        while lexer.kind != "}":
            labels.append(lexer.quoted("the label of an action", limit=lexer.limits.label))
            if not player:
                chances.append(lexer.number_and_token("the probability of a chance move"))
        body = lexer.text[start : lexer.position]
        lexer.skip("}")
        if not labels:
            lexer.fail(f"information set {own_id} of {who} has no actions: list at least one", at=at)
        if number is not None:
            if self.set_label[number] != label or not _same(body, self.set_said[number]):
                lexer.fail(
                    f"information set {own_id} of {who} was defined with another label or other actions: repeat them "
                    "exactly, or leave them out",
                    at=at,
                )
            return number
        moves = self._distribution(chances, own_id, at) if chances else ()
        actions = tuple(unique_labels(labels))
        self.actions_of[not player, body] = (actions, moves)
        return self._new_set(player, own_id, label, actions, moves, body)

    def _distribution(self, chances: list[tuple[Fraction, str]], own_id: str, at: int) -> tuple[Fraction, ...]:
        """Return the probabilities of chance moves, checked."""
        values = [value for value, _ in chances]
        if min(values) < 0:
            self.lexer.fail(
                f"a chance move has probability {short(min(values), quoted=False)}: probabilities are not negative",
                at=at,
            )
        if self.max_denominator is not None:
            exact = restored_distribution(values, [token for _, token in chances], self.max_denominator)
            values = exact or values
        total = sum(values, Fraction(0))
        if total != 1:
            rounded = self.max_denominator is None and abs(total - 1) < Fraction(1, 10**9)
            hint = "write fractions such as 1/3" + (", or read with rationalize=True" if rounded else "")
            shown = short(total, quoted=False)
            if total.denominator >= 10**8:
                shown = f"1 {'-' if total < 1 else '+'} {float(abs(total - 1)):.3g}"
            self.lexer.fail(
                f"the probabilities of chance's information set {own_id} sum to {shown}: they must sum to exactly 1, "
                f"so {hint}",
                at=at,
            )
        return tuple(values)

    def _outcome(self) -> int:
        lexer, at = self.lexer, self.lexer.position
        number = str(lexer.integer("the number of an outcome"))
        column = self.outcome_of.get(number)
        if lexer.kind != "text":
            if column is None:
                lexer.fail(
                    f"outcome {number} is not defined yet: give its label and payoffs where it is first mentioned",
                    at=at,
                )
            return column
        label = lexer.quoted("the label of an outcome", limit=lexer.limits.label)
        if number == "0":
            lexer.fail("outcome 0 pays nothing: it carries neither label nor payoffs", at=at)
        lexer.mark("{", "before the payoffs")
        start = lexer.position
        values: list[Any] = []
        while lexer.kind == "number" and len(values) <= len(self.players):
            value, token = lexer.number_and_token("a payoff")
            if self.max_denominator is not None:
                value = restored(value, token, self.max_denominator)
            values.append(value)
            lexer.skip(",")
        body = lexer.text[start : lexer.position]
        if len(values) != len(self.players):
            found = "more" if len(values) > len(self.players) else str(len(values))
            lexer.fail(f"outcome {number} needs {len(self.players)} payoffs, one per player, and has {found}")
        lexer.mark("}", f"after the payoffs of outcome {number}")
        if column is None:
            return self._new_outcome(number, label, body, values)
        if self.outcome_label[column] != label or not _same(body, self.outcome_said[column]):
            lexer.fail(
                f"outcome {number} was defined with another label or other payoffs: repeat them in the same "
                "characters, or leave them out",
                at=at,
            )
        return column

    def _game(
        self,
        parents: list[int],
        actions: list[int],
        sets: list[int],
        outcomes: list[int],
        labels: list[str],
        title: str,
        comment: str,
    ) -> ExtensiveGame:
        n = len(self.players)
        parent, action, inner = np.array(parents), np.array(actions), np.array(sets)
        mover = np.array([*self.set_mover, TERMINAL])
        own_number = np.zeros(len(mover), dtype=np.int64)
        for i in range(-1, n):
            own_number[mover == i] = np.arange(np.count_nonzero(mover == i))
        # Outcomes become columns in the order of their numbers, so that a written game keeps the order of its own.
        by_id = np.array(
            sorted(range(len(self.outcome_label)), key=list(map(int, self.outcome_of))[1:].__getitem__), int
        )
        column = np.full(len(by_id) + 1, -1)
        column[by_id] = np.arange(len(by_id))
        payoffs = compact(self.payoffs).reshape(-1, n)[by_id].T
        outcome_labels = [self.outcome_label[k] for k in by_id.tolist()]
        return ExtensiveGame(
            parent,
            action,
            mover[inner],
            own_number[inner],
            column[np.array(outcomes)],
            payoffs,
            probability=self._probabilities(mover, inner[parent], action),
            players=unique_labels(self.players),
            infosets=[self._table(i) for i in range(n)],
            chance=self._table(CHANCE),
            node_labels=unique_filled_labels(labels) if any(labels) else (),
            outcome_labels=unique_labels(outcome_labels) if any(outcome_labels) else (),
            title=title,
            comment=comment,
        )

    def _probabilities(
        self, mover: NDArray[np.int64], set_above: NDArray[np.int64], action: NDArray[np.int64]
    ) -> NDArray[Any] | None:
        """Return the probability of the move to each node, None where chance never moves."""
        moves = [p for own in self.set_moves for p in own]
        if not moves:
            return None
        first = np.cumsum([0, *map(len, self.set_moves)])
        table = compact([*moves, Fraction(1)])
        after = mover[set_above] == CHANCE
        after[0] = False
        return table[np.where(after, first[set_above] + action, len(moves))]

    def _table(self, mover: int) -> Infosets:
        own = [k for k, i in enumerate(self.set_mover) if i == mover]
        labels = unique_filled_labels([self.set_label[k] for k in own])
        actions = tuple(self.set_actions[k] for k in own)
        numbered = all(named == tuple(map(str, range(len(named)))) for named in actions)
        counts = np.array(list(map(len, actions)), dtype=np.int32)
        return Infosets(counts, tuple(labels) if any(labels) else (), () if numbered else actions)


def _same(body: str, before: str) -> bool:
    """Tell whether two definitions have the same tokens, numbers by their characters."""
    return _TOKEN.findall(body) == _TOKEN.findall(before)
