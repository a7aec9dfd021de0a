"""Subgame-perfect equilibria of games with perfect information, by backward induction (Kuhn 1953).

From the last moves to the first, every player takes an action whose subgame is worth most to her. A tie is a choice:
each way to break it is an equilibrium of that subgame, and changes what the moves before it are worth. All pure
subgame-perfect equilibria are found by keeping, at every node, each combination of equilibria of the subgames below
with each best action.

References
----------
Kuhn, H. W. (1953). Extensive games and the problem of information. In Contributions to the Theory of
Games II, 193-216.
Selten, R. (1965). Spieltheoretische Behandlung eines Oligopolmodells mit Nachfragetraegheit. Zeitschrift fuer die
gesamte Staatswissenschaft 121, 301-324, 667-689.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts.subgames import move_probabilities, subgame_worth
from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import UnsupportedGame
from marlgt.games._doors import require_extensive_game, require_whole
from marlgt.games.extensive import CHANCE, TERMINAL, ExtensiveGame
from marlgt.kernels import gear, kernel
from marlgt.progress import stopwatch

__all__ = ["backward_induction", "subgame_perfect_equilibria"]

_EXACT_NODES = 50_000
"""Nodes up to which an exact game is solved in fractions."""

_NODES_AT_ONCE = 2_000_000

_TIE = 1e-12
"""Share of the payoff range within which two float values are a tie."""

_Found = tuple[tuple[Any, ...], Any]
"""What an equilibrium of a subgame is worth to each player, and how it is played: a node, the action taken there, and
how the subgames below are played, which the equilibria share."""


def backward_induction(game: ExtensiveGame) -> Equilibrium:
    """Return a subgame-perfect equilibrium of a game with perfect information, with any number of players.

    Of equally good actions the first is taken. The answer is exact if the game is, up to 50000 nodes. It is one
    equilibrium; :func:`subgame_perfect_equilibria` finds all pure ones.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect information.

    Returns
    -------
    Equilibrium
        Its regrets are each player's largest gain over all subgames, reached or not.

    Raises
    ------
    UnsupportedGame
        If a player does not know where she is.

    References
    ----------
    Kuhn (1953); Selten (1965).

    Examples
    --------
    >>> import marlgt as gt
    >>> from marlgt.games import TreeBuilder
    >>> tree = TreeBuilder(["entrant", "incumbent"])
    >>> root = tree.decision(None, 0, "entry", ["out", "in"])
    >>> _ = tree.terminal(root, [0, 2])
    >>> reply = tree.decision(root, 1, "reply", ["fight", "share"])
    >>> _ = tree.terminal(reply, [-1, -1]), tree.terminal(reply, [1, 1])
    >>> e = gt.solvers.backward_induction(tree.build())
    >>> [policy.tolist() for policy in e.profile], e.values.tolist(), e.exact
    ([[[0.0, 1.0]], [[0.0, 1.0]]], [1.0, 1.0], True)
    """
    clock = stopwatch()
    _require_perfect_information(game, "backward_induction")
    exact = game.is_exact and game.n_nodes <= _EXACT_NODES
    payoffs = game.exact_terminal_payoffs if exact else game.terminal_payoffs
    chances = game.exact_probability if exact else game.probability
    values = np.zeros((game.n_players, game.n_nodes), dtype=payoffs.dtype)
    values[:, game.terminals] = payoffs
    choice = np.zeros(game.n_nodes, dtype=np.int32)
    walk = _induction if exact else gear(_induction, 10.0 * game.n_players * game.n_nodes)
    for end in range(game.n_nodes, 0, -_NODES_AT_ONCE):
        start = max(0, end - _NODES_AT_ONCE)
        walk(start, end, game.player, chances, game.first_child, game.children, values, choice)
    return _certified(game, choice, "backward_induction", {"nodes": game.n_nodes}, clock, exact=exact)


def subgame_perfect_equilibria(game: ExtensiveGame, *, max_answers: int = 1000) -> Equilibria:
    """Return all subgame-perfect equilibria in pure strategies of a game with perfect information.

    Equilibria that differ only at nodes which are not reached are different: strategies say what is done
    everywhere. Their number grows as the product of the numbers of ties.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect information.
    max_answers : int
        Most equilibria to return; if there are more, ``stopped`` says ``"budget"``.

    Returns
    -------
    Equilibria
        In the order of :func:`backward_induction`'s preference for first actions; its answer is the first.

    Raises
    ------
    UnsupportedGame
        If a player does not know where she is.
    GameError
        If ``max_answers`` is not a positive whole number.

    Examples
    --------
    >>> from marlgt.games import TreeBuilder
    >>> tree = TreeBuilder(["Ann", "Bob"])
    >>> root = tree.decision(None, 0, "start", ["stop", "go"])
    >>> _ = tree.terminal(root, [1, 1])
    >>> later = tree.decision(root, 1, "end", ["hurt", "help"])
    >>> _ = tree.terminal(later, [0, 3]), tree.terminal(later, [2, 3])
    >>> [e.values.tolist() for e in subgame_perfect_equilibria(tree.build())]
    [[1.0, 1.0], [2.0, 3.0]]
    """
    clock = stopwatch()
    _require_perfect_information(game, "subgame_perfect_equilibria")
    require_whole(max_answers, "max_answers", least=1)
    found, cut = _all_choices(game, max_answers)
    method = "subgame_perfect_equilibria"
    work = {"nodes": game.n_nodes, "combinations": len(found)}
    exact = game.is_exact and game.n_nodes <= _EXACT_NODES
    answers = []
    for _, taken in found:
        choice = np.zeros(game.n_nodes, dtype=np.int32)
        plays = [taken]
        while plays:
            v, a, below = plays.pop()
            choice[v] = a
            plays.extend(below)
        answers.append(_certified(game, choice, method, work, clock, exact=exact, complete=not cut))
    return Equilibria(
        answers, concept="subgame_perfect", method=method, complete=not cut, stopped="budget" if cut else ""
    )


def _require_perfect_information(game: Any, method: str) -> None:
    require_extensive_game(game)
    if not game.has_perfect_information:
        players = "sequence_form_lp" if game.is_constant_sum else "sequence_form_lcp"
        instead = f"marlgt.solvers.{players}" if game.n_players == 2 else "game.normal_form() with marlgt.solve"
        raise UnsupportedGame(
            f"{method} takes games with perfect information, and in this one a player cannot tell some nodes apart: "
            f"use {instead}"
        )


@kernel
def _induction(
    start: int, end: int, player: Any, chances: Any, first_child: Any, children: Any, values: Any, choice: Any
) -> None:
    """Write, from the last node to the first, what each is worth, and the first best action of its mover."""
    for v in range(end - 1, start - 1, -1):
        mover = player[v]
        first, last = first_child[v], first_child[v + 1]
        if mover == -1:
            for k in range(first, last):
                for i in range(values.shape[0]):
                    values[i, v] += chances[children[k]] * values[i, children[k]]
        elif mover >= 0:
            best = first
            for k in range(first + 1, last):
                if values[mover, children[k]] > values[mover, children[best]]:
                    best = k
            choice[v] = best - first
            for i in range(values.shape[0]):
                values[i, v] = values[i, children[best]]


def _all_choices(game: ExtensiveGame, max_answers: int) -> tuple[list[_Found], bool]:
    """Return all combinations of best actions, at most ``max_answers``, and whether some were left out.

    Every equilibrium of a subgame is part of one of the game, so that no node has more of them than the root.
    """
    exact = game.is_exact
    payoffs = (game.exact_terminal_payoffs if exact else game.terminal_payoffs).T.tolist()
    chances = (game.exact_probability if exact else game.probability).tolist()
    slack = [0 if exact else _TIE * spread for spread in game.payoff_range.tolist()]
    ends = dict(zip(game.terminals.tolist(), payoffs))
    found: dict[int, list[_Found]] = {}
    cut = False
    for v in range(game.n_nodes - 1, -1, -1):
        mover = int(game.player[v])
        if mover == TERMINAL:
            found[v] = [(tuple(ends[v]), (v, 0, ()))]
            continue
        below = game.children[game.first_child[v] : game.first_child[v + 1]].tolist()
        options = _combinations([found.pop(child) for child in below], [chances[c] for c in below], v, mover, slack)
        kept: list[_Found] = []
        for option in options:
            if len(kept) == max_answers:
                cut = True
                break
            kept.append(option)
        found[v] = kept
    return found[0], cut


def _combinations(
    below: Sequence[list[_Found]], chances: Sequence[Any], node: int, mover: int, slack: Sequence[Any]
) -> Iterator[_Found]:
    for chosen in product(*below):
        plays = tuple(play for _, play in chosen)
        if mover == CHANCE:
            worth = tuple(sum(p * u for p, u in zip(chances, own)) for own in zip(*(value for value, _ in chosen)))
            yield worth, (node, 0, plays)
            continue
        best = max(value[mover] for value, _ in chosen)
        for a, (value, _) in enumerate(chosen):
            if value[mover] >= best - slack[mover]:
                yield value, (node, a, plays)


def _certified(
    game: ExtensiveGame,
    choice: NDArray[np.int32],
    method: str,
    work: Mapping[str, int],
    clock: Callable[[], float],
    *,
    exact: bool,
    complete: bool = False,
) -> Equilibrium:
    """Return the pure profile that takes the chosen actions, with its largest gains over all subgames."""
    profile = []
    for i, sets in enumerate(game.infosets):
        nodes = np.flatnonzero(game.player == i)
        policy = np.zeros((len(sets), sets.most_actions), dtype=np.int64)
        policy[game.infoset[nodes], choice[nodes]] = 1
        profile.append(policy)
    if exact:
        fractions = [_as_fractions(policy) for policy in profile]
        moves = move_probabilities(game, fractions, game.exact_probability)
        roots, values, best = subgame_worth(game, moves, game.exact_terminal_payoffs, exact=True)
    else:
        moves = move_probabilities(game, profile, game.probability)
        roots, values, best = subgame_worth(game, moves, game.terminal_payoffs, exact=False)
    policies = tuple(policy.astype(np.float64) for policy in profile)
    worth = values[:, 0].astype(np.float64)
    regrets = (best - values[:, roots]).max(axis=1).astype(np.float64)
    for array in (*policies, worth, regrets):
        array.flags.writeable = False
    return Equilibrium(
        concept="subgame_perfect",
        profile=policies,
        joint=None,
        values=worth,
        regrets=regrets,
        exact=exact,
        method=method,
        exact_profile=tuple(fractions) if exact else None,
        work=work,
        seconds=clock(),
        complete=complete,
    )


def _as_fractions(policy: NDArray[np.int64]) -> NDArray[Any]:
    result = np.empty(policy.shape, dtype=object)
    result.reshape(-1)[:] = [Fraction(p) for p in policy.reshape(-1).tolist()]
    result.flags.writeable = False
    return result
