"""The same game told differently: payoffs on other scales, and actions, players or states in another order.

An image comes with a function that takes its policies back to the game. Whatever is an equilibrium of the image is
one of the game. A game that fails is also made smaller here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.games.extensive import TERMINAL, ExtensiveGame, Infosets
from marlgt.games.stochastic import StochasticGame

__all__ = [
    "Image",
    "on_other_scales",
    "with_actions_reversed",
    "with_fewer_nodes",
    "with_players_reversed",
    "with_states_reversed",
]

Policies = tuple[NDArray[np.float64], ...]
AnyPolicyGame = ExtensiveGame | StochasticGame


class Image(NamedTuple):
    """A game made from another one.

    Attributes
    ----------
    game : ExtensiveGame or StochasticGame
    back : callable
        Takes policies of the image to policies of the game.
    what : str
        What was done, for a message.
    """

    game: AnyPolicyGame
    back: Callable[[Policies], Policies]
    what: str


def on_other_scales(game: AnyPolicyGame) -> Image:
    """Multiply and, in trees, shift each player's payoffs; where players share a scale, alike.

    Payoffs at inner nodes of a tree move to the ends of the game, which changes no payoff.
    """
    special = game.is_constant_sum if isinstance(game, ExtensiveGame) else game.is_zero_sum or game.is_common_interest
    scale = [3 if special else 3 + 2 * i for i in range(game.n_players)]
    if isinstance(game, StochasticGame):
        factors = np.array(scale, dtype=np.float64).reshape((-1,) + (1,) * (game.rewards.ndim - 1))
        return Image(_stochastic(game, factor=factors), _unchanged, f"rewards are multiplied by {scale}")
    exact = game._exact_outcomes is not None
    payoffs = game.exact_terminal_payoffs if exact else game.terminal_payoffs
    shift = [7 * (1 - 2 * i) for i in range(game.n_players)]
    outcome = np.full(game.n_nodes, -1)
    outcome[game.terminals] = np.arange(len(game.terminals))
    outcomes = np.stack([s * own + t for s, own, t in zip(scale, payoffs, shift)])
    image = _tree(game, outcome=outcome, outcomes=outcomes)
    return Image(image, _unchanged, f"u_i becomes {scale}[i] * u_i + {shift}[i]")


def with_actions_reversed(game: AnyPolicyGame) -> Image:
    """List the actions of every player, and the moves of chance, backwards."""
    what = "all actions are listed backwards"
    if isinstance(game, StochasticGame):
        axes = tuple(range(1, 1 + game.n_players))
        return Image(_stochastic(game, flipped=axes), lambda policies: tuple(p[:, ::-1] for p in policies), what)
    count = np.diff(game.first_child)
    action = game.action.copy()
    action[1:] = count[game.parent[1:]] - 1 - game.action[1:]
    labelled = [Infosets(sets.n_actions, tuple(map(str, range(len(sets))))) for sets in game.infosets]
    image = _tree(game, action=action, infosets=labelled)

    def back(policies: Policies) -> Policies:
        result = []
        for sets, moved, policy in zip(game.infosets, image.infosets, policies):
            own = np.zeros(policy.shape)
            for j in range(len(moved)):
                before = int(moved.labels[j])
                wide = int(sets.n_actions[before])
                own[before, :wide] = policy[j, :wide][::-1]
            result.append(own)
        return tuple(result)

    return Image(image, back, what)


def with_players_reversed(game: AnyPolicyGame) -> Image:
    """List the players backwards."""
    what = "the players are listed backwards"
    if isinstance(game, StochasticGame):
        return Image(_stochastic(game, turned=True), lambda policies: policies[::-1], what)
    player = np.where(game.player >= 0, game.n_players - 1 - game.player, game.player)
    outcomes = game.outcomes if game._exact_outcomes is None else game._exact_outcomes
    image = _tree(game, player=player, outcomes=outcomes[::-1])
    return Image(image, lambda policies: policies[::-1], what)


def with_states_reversed(game: StochasticGame) -> Image:
    """List the states backwards."""
    image = _stochastic(game, flipped=(0,))
    return Image(image, lambda policies: tuple(p[::-1] for p in policies), "the states are listed backwards")


def _unchanged(policies: Policies) -> Policies:
    return policies


def _tree(game: ExtensiveGame, **changed: Any) -> ExtensiveGame:
    fields: dict[str, Any] = {
        "parent": game.parent,
        "action": game.action,
        "player": game.player,
        "infoset": np.maximum(game.infoset, 0),
        "outcome": game.outcome,
        "outcomes": game.outcomes if game._exact_outcomes is None else game._exact_outcomes,
        "probability": game.probability if game._exact_probability is None else game._exact_probability,
    }
    return ExtensiveGame(**{**fields, **changed})


def _stochastic(
    game: StochasticGame, *, factor: Any = 1.0, flipped: tuple[int, ...] = (), turned: bool = False
) -> StochasticGame:
    """Return the game with rewards multiplied, axes (states, then actions) flipped, or players turned around."""
    detailed = game.successor_rewards is not None
    rewards: Any = game.successor_rewards if detailed else game.rewards
    if np.ndim(factor):
        rewards = rewards * np.reshape(factor, (-1,) + (1,) * (rewards.ndim - 1))
    legal = [own[::-1] if 0 in flipped else own for own in game.legal]
    legal = [own[:, ::-1] if 1 + i in flipped else own for i, own in enumerate(legal)]
    successors, chances = np.flip(game.successors, flipped), np.flip(game.probabilities, flipped)
    rewards = np.flip(rewards, tuple(1 + axis for axis in flipped))
    start, terminal = game.start, game.terminal
    if 0 in flipped:
        successors, start, terminal = game.n_states - 1 - successors, start[::-1], terminal[::-1]
    if turned:
        n = game.n_players
        actions = tuple(range(n, 0, -1))
        successors = successors.transpose(0, *actions, n + 1)
        chances = chances.transpose(0, *actions, n + 1)
        tail = (n + 2,) if detailed else ()
        rewards = rewards[::-1].transpose(0, 1, *(1 + axis for axis in actions), *tail)
        legal = legal[::-1]
    return StochasticGame(
        rewards, successors, chances, discount=game.discount, start=start, terminal=terminal, legal=legal
    )


def with_fewer_nodes(game: ExtensiveGame, fails: Callable[[ExtensiveGame], bool]) -> ExtensiveGame:
    """Put a node's child in its place, at one node after another, while the game keeps failing.

    A game that is constant-sum, or has perfect information, stays so; no player becomes forgetful.
    """
    smaller = True
    while smaller:
        smaller = False
        for candidate in _prunings(game):
            same_sum = candidate.is_constant_sum or not game.is_constant_sum
            same_sight = candidate.has_perfect_information or not game.has_perfect_information
            if candidate.has_perfect_recall and same_sum and same_sight and fails(candidate):
                game, smaller = candidate, True
                break
    return game


def _prunings(game: ExtensiveGame) -> Iterator[ExtensiveGame]:
    """Yield the games in which a child has taken the place of its parent, the root's children first."""
    payoffs = game.terminal_payoffs if game._exact_outcomes is None else game.exact_terminal_payoffs
    chances = game.probability if game._exact_probability is None else game._exact_probability
    place = np.searchsorted(game.terminals, np.arange(game.n_nodes))
    for v in range(game.n_nodes):
        for child in game.children[game.first_child[v] : game.first_child[v + 1]].tolist():
            below = [_is_under(game, u, v) and not _is_under(game, u, child) for u in range(game.n_nodes)]
            kept = np.flatnonzero(~np.array(below))
            number = np.full(game.n_nodes + 1, -1)
            number[kept] = np.arange(len(kept))
            parent, action, probability = game.parent.copy(), game.action.copy(), chances.copy()
            parent[child], action[child], probability[child] = parent[v], action[v], probability[v]
            ends = game.player[kept] == TERMINAL
            yield ExtensiveGame(
                number[parent[kept]],
                action[kept],
                game.player[kept],
                np.maximum(game.infoset[kept], 0),
                np.where(ends, np.cumsum(ends) - 1, -1),
                payoffs[:, place[kept[ends]]],
                probability=probability[kept],
            )


def _is_under(game: ExtensiveGame, node: int, top: int) -> bool:
    while node > top:
        node = int(game.parent[node])
    return node == top
