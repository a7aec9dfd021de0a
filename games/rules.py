"""Games given by their rules: a Python object that knows who moves, what is possible and what follows.

The same object serves to build the tree (:func:`tree_of`) and to search games whose tree is too large to build.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol, TypeVar

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole
from marlgt.games.extensive import CHANCE, MAX_NODES, TERMINAL, ExtensiveGame
from marlgt.games.tree_builder import TreeBuilder

__all__ = ["Rules", "tree_of"]

METHODS = (
    "initial_state",
    "current_player",
    "legal_actions",
    "chance_outcomes",
    "next_state",
    "information_state",
    "returns",
)
"""What an object must know to be the rules of a game."""

State = TypeVar("State")
Action = TypeVar("Action", bound=Hashable)


class Rules(Protocol[State, Action]):
    """What a game must tell to be built or searched; states are values that no method changes."""

    @property
    def players(self) -> Sequence[str]:
        """The name of each player; an attribute will do."""
        ...

    def initial_state(self) -> State:
        """Return the state in which the game begins."""
        ...

    def current_player(self, state: State) -> int:
        """Return who moves: a player from 0, :data:`CHANCE`, or :data:`TERMINAL`."""
        ...

    def legal_actions(self, state: State) -> Sequence[Action]:
        """Return the actions of the player who moves."""
        ...

    def chance_outcomes(self, state: State) -> Sequence[tuple[Action, Any]]:
        """Return the moves of chance with their probabilities, fractions if they are to be exact."""
        ...

    def next_state(self, state: State, action: Action) -> State:
        """Return the state after a move of a player or of chance."""
        ...

    def information_state(self, state: State) -> Hashable:
        """Return what the player who moves knows: equal where she cannot tell; None where nobody else can be there."""
        ...

    def returns(self, state: State) -> Sequence[Any]:
        """Return what each player gets at a terminal state."""
        ...


def tree_of(rules: Rules[Any, Any], *, title: str = "", comment: str = "", max_nodes: int = MAX_NODES) -> ExtensiveGame:
    """Return the whole tree of a game given by its rules.

    Parameters
    ----------
    rules : Rules
    title, comment : str
        The title is by default the name of the class of the rules.
    max_nodes : int

    Raises
    ------
    BudgetExceeded
        If the tree has more than ``max_nodes`` nodes.
    GameError
        If an object knows no rules, a state has no legal action, or a mover that is no player.
    """
    _require_rules(rules)
    require_whole(max_nodes, "max_nodes", least=1)
    tree = TreeBuilder(list(rules.players), title=title or type(rules).__name__, comment=comment, max_nodes=max_nodes)
    stack: list[tuple[int | None, Any]] = [(None, rules.initial_state())]
    try:
        while stack:
            parent, state = stack.pop()
            mover = rules.current_player(state)
            if mover == TERMINAL:
                tree.terminal(parent, rules.returns(state))
                continue
            actions: Sequence[Any]
            if mover == CHANCE:
                moves = list(rules.chance_outcomes(state))
                actions = [action for action, _ in moves]
                node = tree.chance(parent, [(str(action), p) for action, p in moves])
            else:
                actions = rules.legal_actions(state)
                node = tree.decision(parent, mover, rules.information_state(state), [str(a) for a in actions])
            # The last is popped first.
            stack.extend((node, rules.next_state(state, action)) for action in reversed(actions))
    except BudgetExceeded as error:
        raise BudgetExceeded(
            f"the tree of {short(type(rules).__name__, quoted=False)} has more than {max_nodes} nodes: raise "
            "max_nodes, give a smaller game, or search it by its rules",
            estimate=error.estimate,
            limit=error.limit,
        ) from None
    if not tree.n_nodes:
        raise GameError("the rules gave no initial state")
    return tree.build()


def _require_rules(rules: Any) -> None:
    missing = [name for name in METHODS if not callable(getattr(rules, name, None))]
    if isinstance(rules, type) or missing or not isinstance(getattr(rules, "players", None), Sequence):
        lacks = f", which has no method {missing[0]}" if missing else ", which lists no players"
        raise GameError(
            f"rules is {short(rules)}{', a class' if isinstance(rules, type) else lacks}: give an object with the "
            f"methods of marlgt.games.Rules and the list of its players"
        )
