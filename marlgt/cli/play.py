"""``marlgt play``: a person at the terminal against a solved policy, in any kind of game."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.cli.policies import titled
from marlgt.errors import GameError
from marlgt.games.extensive import CHANCE, TERMINAL, ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["play_rounds"]

_LONGEST_PLAY = 1000
"""Steps of a stochastic game after which a round is over."""


class _Quit(Exception):
    """The person wants to stop."""


def play_rounds(
    game: NormalFormGame | StochasticGame | ExtensiveGame,
    profile: Sequence[Any],
    *,
    player: int,
    rounds: int,
    seed: int,
    ask: Callable[[str], str] = input,
    say: Callable[[str], None] = print,
) -> NDArray[np.float64]:
    """Play a game with a person, the others by a profile, and return what every player got in all, shape (n,).

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or ExtensiveGame
    profile : profile of the game
    player : int
        The person's seat.
    rounds : int
    seed : int
    ask, say : callable
        Read a line after a prompt; write a line.
    """
    if not 0 <= player < game.n_players:
        raise GameError(f"player is {player}: the seats of this game are 0 to {game.n_players - 1}")
    rng = np.random.default_rng(seed)
    total = np.zeros(game.n_players)
    say(f"You are {titled(game.players[player])}. Answer with a number or a label; q stops.")
    played = 0
    try:
        for k in range(rounds):
            if rounds > 1:
                say(f"Round {k + 1}")
            got = _round(game, profile, player, rng, ask, say)
            total += got
            played += 1
            say("Payoffs: " + ", ".join(f"{name} {x:g}" for name, x in zip(game.players, got)))
    except (_Quit, EOFError):
        say("Stopped.")
    if played > 1:
        say(f"In {played} rounds: " + ", ".join(f"{name} {x:g}" for name, x in zip(game.players, total)))
    return total


def _round(game: Any, profile: Sequence[Any], player: int, rng: Any, ask: Any, say: Any) -> Any:
    if isinstance(game, NormalFormGame):
        return _one_shot(game, profile, player, rng, ask, say)
    if isinstance(game, StochasticGame):
        return _by_states(game, profile, player, rng, ask, say)
    return _by_turns(game, profile, player, rng, ask, say)


def _one_shot(game: NormalFormGame, profile: Sequence[Any], player: int, rng: Any, ask: Any, say: Any) -> Any:
    actions = [
        _chosen(game.actions[i], ask, say) if i == player else _drawn(profile[i], rng) for i in range(game.n_players)
    ]
    for i, a in enumerate(actions):
        if i != player:
            say(f"{_capital(game.players[i])} plays {game.actions[i][a]}.")
    return game.payoffs.reshape(game.n_players, -1)[:, np.ravel_multi_index(actions, game.n_actions)]


def _by_turns(game: ExtensiveGame, profile: Sequence[Any], player: int, rng: Any, ask: Any, say: Any) -> Any:
    node = 0
    moves: list[str] = []
    while game.player[node] != TERMINAL:
        mover, j = int(game.player[node]), int(game.infoset[node])
        below = game.children[game.first_child[node] : game.first_child[node + 1]]
        if mover == CHANCE:
            a = _drawn(game.probability[below], rng)
            labels = game.chance.action_labels(j)
        elif mover == player:
            labels = game.infosets[mover].action_labels(j)
            say(_seen(game, node, moves))
            a = _chosen(labels, ask, say)
        else:
            labels = game.infosets[mover].action_labels(j)
            a = _drawn(profile[mover][j, : len(labels)], rng)
        # What others do is told only where nothing is hidden; else it shows in what the person knows.
        if mover != player and game.has_perfect_information:
            who = "Chance" if mover == CHANCE else _capital(game.players[mover])
            say(f"{who} plays {labels[a]}.")
        moves.append(f"{'chance' if mover == CHANCE else game.players[mover]} {labels[a]}")
        node = int(below[a])
    column = int(np.searchsorted(game.terminals, node))
    return game.terminal_payoffs[:, column]


def _seen(game: ExtensiveGame, node: int, moves: list[str]) -> str:
    """Return what the player who moves knows: the moves so far, where nothing is hidden."""
    if not game.has_perfect_information:
        return f"You know: {game.infosets[int(game.player[node])].label(int(game.infoset[node]))}"
    if game.node_labels and game.node_labels[node]:
        return game.node_labels[node]
    return f"So far: {', '.join(moves)}" if moves else "You begin."


def _by_states(game: StochasticGame, profile: Sequence[Any], player: int, rng: Any, ask: Any, say: Any) -> Any:
    state = _drawn(game.start, rng)
    got, weight = np.zeros(game.n_players), 1.0
    for _ in range(_LONGEST_PLAY):
        if game.terminal[state]:
            say(f"The game ends: {game.states[state]}")
            break
        say(f"State: {game.states[state]}")
        actions = []
        for i in range(game.n_players):
            allowed = np.flatnonzero(game.legal[i][state])
            if i == player:
                actions.append(int(allowed[_chosen([game.actions[i][a] for a in allowed], ask, say)]))
            else:
                actions.append(_drawn(profile[i][state], rng))
        cell = (state, *actions)
        k = _drawn(game.probabilities[cell], rng)
        paid = np.array([own[cell] for own in game.rewards])
        if game.successor_rewards is not None:
            paid = np.array([own[(*cell, k)] for own in game.successor_rewards])
        got += weight * paid
        weight *= game.discount
        moves = ", ".join(f"{name} {game.actions[i][a]}" for i, (name, a) in enumerate(zip(game.players, actions)))
        say(f"  {moves}; rewards {', '.join(f'{x:g}' for x in paid)}")
        state = int(game.successors[(*cell, k)])
    return got


def _capital(name: str) -> str:
    who = titled(name)
    return who[:1].upper() + who[1:]


def _drawn(distribution: Any, rng: np.random.Generator) -> int:
    weights = np.maximum(np.asarray(distribution, dtype=np.float64), 0.0)
    return int(rng.choice(len(weights), p=weights / weights.sum()))


def _chosen(labels: Sequence[str], ask: Callable[[str], str], say: Callable[[str], None]) -> int:
    """Ask until the answer is the number or the label of an action."""
    if len(labels) == 1:
        say(f"Your only move is {labels[0]}.")
        return 0
    numbered = not all(label.isdigit() for label in labels)
    menu = "  ".join(f"[{k}] {label}" if numbered else label for k, label in enumerate(labels))
    while True:
        answer = ask(f"{menu}\nYour move: ").strip()
        if answer.lower() in ("q", "quit"):
            raise _Quit
        if answer in labels:
            return labels.index(answer)
        if numbered and answer.isdigit() and int(answer) < len(labels):
            return int(answer)
        say(f"There is no move {answer!r}: give one of those shown, or q to stop.")
