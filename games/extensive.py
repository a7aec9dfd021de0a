"""Extensive games: n players and chance move in turn on a finite tree, each seeing what her information sets tell.

The tree is flat: arrays over the nodes, which stand in preorder, so that a subtree is a contiguous range, a
parent stands before its children, and no pass over the tree needs recursion. Each player's information sets
are numbered from 0 in the order of their first nodes; with perfect recall every information set then stands
after the one that leads to it. A behaviour policy of player i is an array of shape (I_i, A_i): a distribution
over the actions of each of her information sets, padded with zeros.

References
----------
Kuhn, H. W. (1953). Extensive games and the problem of information. In Contributions to the Theory of
Games II, 193-216.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import ExactnessError, GameError
from marlgt.games._arrays import labels_or_default, short
from marlgt.games._doors import require_whole
from marlgt.games._exact import as_fractions, nearest_fractions
from marlgt.games._tree import checked_tree, path_sums
from marlgt.games._tree_views import forgetful_infoset, same_tree, sequences_and_reach
from marlgt.games.infosets import CHANCE, TERMINAL, BehaviorProfile, Infosets, uniform_policies

if TYPE_CHECKING:
    from pathlib import Path

    from marlgt.games.normal_form import NormalFormGame
    from marlgt.games.rules import Rules
    from marlgt.games.sequence_form import SequenceForm

__all__ = ["CHANCE", "TERMINAL", "BehaviorProfile", "ExtensiveGame", "Infosets"]

MAX_NODES = 5_000_000
"""Most nodes of a tree, by default, that is built from rules or read from a file."""


@dataclass(frozen=True, eq=False, repr=False, init=False)
class ExtensiveGame:
    """A finite game in extensive form: an immutable flattened tree, exact where it was given exactly.

    Most games are made by :meth:`from_rules`, :meth:`from_efg`, :class:`~marlgt.games.TreeBuilder` or a function
    of the catalogue; the constructor takes the arrays themselves, with the nodes in any order.

    Parameters
    ----------
    parent : array_like of int, shape (N,)
        The parent of each node, -1 for the root.
    action : array_like of int, shape (N,)
        The index of the move, at the parent, that leads to the node; ignored at the root.
    player : array_like of int, shape (N,)
        Who moves at the node: 0, ..., n - 1, :data:`CHANCE` or :data:`TERMINAL`.
    infoset : array_like of int, shape (N,)
        The information set of the node among those of its mover, 0, 1, ...; ignored at terminal nodes.
    outcome : array_like of int, shape (N,)
        The column of ``outcomes`` that is paid at the node, -1 for none. Outcomes add up along a path.
    outcomes : array_like, shape (n, K)
        What each player gets: integers, fractions or floats.
    probability : array_like, shape (N,), optional
        Of the chance move that leads to the node; read only below chance nodes.
    players : sequence of str, optional
    infosets : sequence of n Infosets, optional
        Labels; without them information sets and actions are numbered.
    chance : Infosets, optional
        Labels of the information sets of chance and of its moves.
    node_labels : sequence of str, optional
        One per node.
    outcome_labels : sequence of str, optional
        One per outcome.
    title, comment : str

    Attributes
    ----------
    parent, action, player, infoset, outcome : ndarray of int32, shape (N,)
        In preorder, read-only. ``action`` is -1 at the root, ``infoset`` is -1 at terminal nodes.
    probability : ndarray of float64, shape (N,)
        1 where the parent is not a chance node.
    outcomes : ndarray of float64, shape (n, K)
    infosets : tuple of n Infosets
    chance : Infosets
    depth : ndarray of int32, shape (N,)
    first_child : ndarray of int64, shape (N + 1,)
        The children of node v are ``children[first_child[v]:first_child[v + 1]]``, in the order of the actions.
    children : ndarray of int32, shape (N - 1,)

    Raises
    ------
    GameError
        For arrays that are no tree, information sets whose nodes differ in mover or number of actions, negative
        probabilities, chance moves whose probabilities do not sum to 1, and payoffs that are not finite.

    Examples
    --------
    >>> from marlgt.games import TERMINAL, ExtensiveGame
    >>> game = ExtensiveGame(
    ...     parent=[-1, 0, 0], action=[0, 0, 1], player=[0, TERMINAL, TERMINAL], infoset=[0, 0, 0],
    ...     outcome=[-1, 0, 1], outcomes=[[1, 3]],
    ... )
    >>> game.n_nodes, game.n_infosets, game.terminal_payoffs.tolist()
    (3, (1,), [[1.0, 3.0]])
    """

    parent: NDArray[np.int32]
    action: NDArray[np.int32]
    player: NDArray[np.int32]
    infoset: NDArray[np.int32]
    probability: NDArray[np.float64]
    outcome: NDArray[np.int32]
    outcomes: NDArray[np.float64]
    depth: NDArray[np.int32]
    first_child: NDArray[np.int64]
    children: NDArray[np.int32]
    players: tuple[str, ...]
    infosets: tuple[Infosets, ...]
    chance: Infosets
    node_labels: tuple[str, ...]
    outcome_labels: tuple[str, ...]
    title: str
    comment: str
    _exact_outcomes: NDArray[Any] | None
    _exact_probability: NDArray[Any] | None

    def __init__(
        self,
        parent: ArrayLike,
        action: ArrayLike,
        player: ArrayLike,
        infoset: ArrayLike,
        outcome: ArrayLike,
        outcomes: ArrayLike,
        *,
        probability: ArrayLike | None = None,
        players: Sequence[str] | None = None,
        infosets: Sequence[Infosets] | None = None,
        chance: Infosets | None = None,
        node_labels: Sequence[str] = (),
        outcome_labels: Sequence[str] = (),
        title: str = "",
        comment: str = "",
    ) -> None:
        fields = checked_tree(
            parent, action, player, infoset, outcome, outcomes, probability, infosets, chance, node_labels
        )
        n_outcomes = fields["outcomes"].shape[1]
        fields["players"] = labels_or_default(players, len(fields["infosets"]), "players", first=1)
        fields["outcome_labels"] = (
            labels_or_default(outcome_labels, n_outcomes, "outcome_labels", first=1) if outcome_labels else ()
        )
        for name, text in (("title", title), ("comment", comment)):
            if not isinstance(text, str):
                raise GameError(f"{name} is {short(text)}: give text")
            fields[name] = text
        for name, value in fields.items():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            object.__setattr__(self, name, value)

    @classmethod
    def from_rules(
        cls, rules: Rules[Any, Any], *, title: str = "", comment: str = "", max_nodes: int = MAX_NODES
    ) -> ExtensiveGame:
        """Build the whole tree of a game given by its rules; :class:`~marlgt.games.Rules` tells what they are.

        Raises
        ------
        BudgetExceeded
            If the tree has more than ``max_nodes`` nodes.
        """
        from marlgt.games.rules import tree_of

        return tree_of(rules, title=title, comment=comment, max_nodes=max_nodes)

    @classmethod
    def from_efg(cls, source: str | Path) -> ExtensiveGame:
        """Read a game from an ``.efg`` file, or from the text of one.

        Parameters
        ----------
        source : path or str
            A path, or text that begins with ``EFG``.

        Raises
        ------
        ParseError
            With line and column, for text that does not follow the grammar or exceeds a limit.
        """
        from marlgt.games._doors import require_path
        from marlgt.games.files.efg import parse_efg, read_efg

        if isinstance(source, str) and source.lstrip().startswith("EFG"):
            return parse_efg(source)
        require_path(source, "source")
        return read_efg(source)

    def to_efg(self, path: str | Path | None = None) -> str:
        """Return the game as ``.efg`` text, exactly; with a path, write it there too."""
        from marlgt.games._doors import require_path
        from marlgt.games.files.efg import format_efg, write_efg

        if path is not None:
            require_path(path, "path")
            write_efg(self, path)
        return format_efg(self)

    @classmethod
    def from_normal_form(cls, game: NormalFormGame) -> ExtensiveGame:
        """Return the tree in which the players of a normal-form game choose in order, none seeing the others' moves."""
        from marlgt.games.strategic_form import extensive_form

        return extensive_form(game)

    def normal_form(self, *, reduced: bool = True) -> NormalFormGame:
        """Return the game of pure strategies; reduced, with one for each class of strategies that play alike."""
        from marlgt.games.strategic_form import strategic_form

        return strategic_form(self, reduced=reduced)

    @property
    def n_players(self) -> int:
        """The number of players, chance not counted."""
        return len(self.infosets)

    @property
    def n_nodes(self) -> int:
        """The number of nodes, terminal ones included."""
        return len(self.parent)

    @property
    def n_infosets(self) -> tuple[int, ...]:
        """The number of information sets of each player."""
        return tuple(map(len, self.infosets))

    @property
    def is_exact(self) -> bool:
        """Whether payoffs and chance probabilities were given as integers or fractions."""
        return self._exact_outcomes is not None and self._exact_probability is not None

    @cached_property
    def infoset_offset(self) -> NDArray[np.int64]:
        """Where each player's information sets begin in an array over those of all players, shape (n + 1,)."""
        return np.concatenate([[0], np.cumsum(self.n_infosets)]).astype(np.int64)

    @cached_property
    def terminals(self) -> NDArray[np.int64]:
        """The terminal nodes, in preorder."""
        return np.flatnonzero(self.player == TERMINAL)

    @cached_property
    def terminal_payoffs(self) -> NDArray[np.float64]:
        """What each player has got at the end, outcomes of inner nodes included, shape (n, T)."""
        return path_sums(self.parent, self.outcome, self.outcomes, self.terminals)

    @cached_property
    def exact_terminal_payoffs(self) -> NDArray[Any]:
        """The same in fractions, an object array of shape (n, T).

        Raises
        ------
        ExactnessError
            If the payoffs are floats.
        """
        if self._exact_outcomes is None:
            raise ExactnessError(
                "the payoffs are floats, which have no agreed exact value: call game.rationalize() first"
            )
        return path_sums(self.parent, self.outcome, as_fractions(self._exact_outcomes), self.terminals)

    @cached_property
    def exact_probability(self) -> NDArray[Any]:
        """The probabilities of chance moves in fractions, an object array of shape (N,), 1 elsewhere.

        Raises
        ------
        ExactnessError
            If they are floats.
        """
        if self._exact_probability is None:
            raise ExactnessError(
                "the chance probabilities are floats, which have no agreed exact value: call game.rationalize() first"
            )
        return as_fractions(self._exact_probability)

    @cached_property
    def payoff_range(self) -> NDArray[np.float64]:
        """The spread ``max - min`` of each player's terminal payoffs, shape (n,): the unit of a relative tolerance."""
        return np.asarray(self.terminal_payoffs.max(axis=1) - self.terminal_payoffs.min(axis=1))

    @cached_property
    def chance_reach(self) -> NDArray[np.float64]:
        """The probability that chance lets each node be reached, if the players aim for it, shape (N,)."""
        return self._sequences_and_reach[1]

    @cached_property
    def last_sequence(self) -> NDArray[np.int32]:
        """Each player's last sequence at each node, numbered as in the sequence form, shape (n, N)."""
        return self._sequences_and_reach[0]

    @cached_property
    def first_sequence(self) -> NDArray[np.int32]:
        """The first sequence of every information set, all players' in a row (see ``infoset_offset``).

        A player's sequence 0 is the empty one; those of her information set j follow those of set j - 1.
        """
        starts = [1 + np.cumsum(sets.n_actions) - sets.n_actions for sets in self.infosets]
        return np.concatenate(starts).astype(np.int32)

    @cached_property
    def _sequences_and_reach(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        return sequences_and_reach(self)

    @cached_property
    def forgetful_infoset(self) -> tuple[int, int] | None:
        """The first information set, as (player, number), whose player forgets what she did or knew, or None."""
        return forgetful_infoset(self)

    @property
    def has_perfect_recall(self) -> bool:
        """Whether no player ever forgets what she knew or did (Kuhn 1953)."""
        return self.forgetful_infoset is None

    @cached_property
    def has_perfect_information(self) -> bool:
        """Whether every player always knows where in the tree she is."""
        return sum(self.n_infosets) == int(np.count_nonzero(self.player >= 0))

    @cached_property
    def is_constant_sum(self) -> bool:
        """Whether the payoffs of all players sum to the same number at every end of the game."""
        sums = self.terminal_payoffs.sum(axis=0)
        scale = max(float(np.abs(self.terminal_payoffs).max()), np.finfo(float).tiny)
        return bool(sums.max() - sums.min() <= 1e-12 * scale)

    @cached_property
    def sequence_form(self) -> SequenceForm:
        """The sequence form; it needs perfect recall.

        Raises
        ------
        UnsupportedGame
            If a player forgets.
        """
        from marlgt.games.sequence_form import sequence_form

        return sequence_form(self)

    def uniform_profile(self) -> BehaviorProfile:
        """Return the profile in which every player chooses each action of each information set alike."""
        return uniform_policies(self.infosets)

    def rationalize(self, *, max_denominator: int = 10**6) -> ExtensiveGame:
        """Return the exact game whose payoffs and probabilities are the nearest fractions of bounded denominator.

        Raises
        ------
        GameError
            If the bound is no whole number from 1, or the fractions nearest to the probabilities of a chance node do
            not sum to 1.
        """
        require_whole(max_denominator, "max_denominator", least=1)
        outcomes: Any = self._exact_outcomes
        probability: Any = self._exact_probability
        if outcomes is None:
            outcomes = nearest_fractions(self.outcomes, max_denominator)
        if probability is None:
            probability = nearest_fractions(self.probability, max_denominator)
        fields = ("players", "infosets", "chance", "node_labels", "outcome_labels", "title", "comment")
        words = {name: getattr(self, name) for name in fields}
        arrays = (self.parent, self.action, self.player, self.infoset, self.outcome, outcomes)
        return ExtensiveGame(*arrays, probability=probability, **words)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExtensiveGame):
            return NotImplemented
        return same_tree(self, other)

    def __hash__(self) -> int:
        return hash((self.parent.tobytes(), self.player.tobytes(), self.infoset.tobytes(), self.outcomes.tobytes()))

    def __repr__(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        sets = " + ".join(map(str, self.n_infosets))
        exact = "exact" if self.is_exact else "float"
        return f"<ExtensiveGame{title}: {self.n_nodes} nodes, {sets} information sets, {exact}>"
