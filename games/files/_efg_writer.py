"""The writer of ``.efg`` text: one line for each node in preorder, every definition in full."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from marlgt.errors import ExactnessError, GameError
from marlgt.games.extensive import CHANCE, TERMINAL, ExtensiveGame, Infosets
from marlgt.games.files.lexer import Limits, number_token, text_token, unique_filled_labels, unique_labels

__all__ = ["efg_text"]


def efg_text(game: ExtensiveGame, limits: Limits) -> str:
    """Return the text of an extensive game.

    Raises
    ------
    GameError
        As :func:`marlgt.games.files.efg.format_efg` says.
    """
    if game.n_nodes > limits.nodes:
        raise GameError(f"the tree has {game.n_nodes} nodes, more than the limit of {limits.nodes}: raise Limits.nodes")
    players = " ".join(text_token(name, f"players[{i}]") for i, name in enumerate(unique_labels(list(game.players))))
    head = f"EFG 2 R {text_token(game.title, 'title')} {{ {players} }}\n{text_token(game.comment, 'comment')}\n\n"
    labels = [""] * game.n_nodes
    if game.node_labels:
        labels = [text_token(x, "a label of a node")[1:-1] for x in unique_filled_labels(list(game.node_labels))]
    sets = [_decisions(i, own) for i, own in enumerate(game.infosets)]
    chance = _chance_sets(game, limits)
    paid = _outcomes(game, limits)
    lines = []
    rows = zip(game.player.tolist(), game.infoset.tolist(), game.outcome.tolist(), labels)
    for v, (player, infoset, outcome, label) in enumerate(rows):
        if player == TERMINAL:
            lines.append(f't "{label}" {paid[outcome]}\n')
        elif player == CHANCE:
            lines.append(f'c "{label}" {chance[v]} {paid[outcome]}\n')
        else:
            lines.append(f'p "{label}" {sets[player][infoset]} {paid[outcome]}\n')
    return head + "".join(lines)


def _decisions(player: int, sets: Infosets) -> list[str]:
    """Return what stands between the label and the outcome of a node, for each information set."""
    labels = unique_filled_labels(list(sets.labels) or [""] * len(sets))
    return [
        f"{player + 1} {j + 1} {text_token(labels[j], 'the label of an information set')} "
        f"{{ {' '.join(_actions(sets, j))} }}"
        for j in range(len(sets))
    ]


def _actions(sets: Infosets, infoset: int) -> list[str]:
    return [text_token(label, "the label of an action") for label in unique_labels(list(sets.action_labels(infoset)))]


def _chance_sets(game: ExtensiveGame, limits: Limits) -> dict[int, str]:
    """Return the same for each chance node; nodes with other probabilities get an information set of their own."""
    labels = list(game.chance.labels) or [""] * len(game.chance)
    texts: dict[int, str] = {}
    numbers: dict[tuple[int, tuple[Any, ...]], int] = {}
    exact = None if game._exact_probability is None else game.exact_probability
    rows = [(v, int(game.infoset[v])) for v in (game.player == CHANCE).nonzero()[0].tolist()]
    keyed = []
    for v, infoset in rows:
        below = game.children[game.first_child[v] : game.first_child[v + 1]]
        chances = tuple((game.probability if exact is None else exact)[below].tolist())
        if exact is None:
            _check_decimals(chances, v)
        keyed.append((v, (infoset, chances)))
        numbers.setdefault((infoset, chances), len(numbers))
    unique = unique_filled_labels([labels[infoset] for infoset, _ in numbers])
    written = {
        key: f"{number + 1} {text_token(unique[number], 'the label of an information set')} "
        + "{ "
        + " ".join(
            f"{action} {number_token(p, 'a probability', limits)}"
            for action, p in zip(_actions(game.chance, key[0]), key[1])
        )
        + " }"
        for key, number in numbers.items()
    }
    texts.update((v, written[key]) for v, key in keyed)
    return texts


def _check_decimals(chances: tuple[float, ...], node: int) -> None:
    total = sum(Fraction(repr(p)) for p in chances)
    if total != 1:
        raise ExactnessError(
            f"the probabilities of chance node {node} are floats whose decimals sum to {float(total)!r}, not exactly "
            "to 1 as the format asks: write game.rationalize() instead"
        )


def _outcomes(game: ExtensiveGame, limits: Limits) -> list[str]:
    """Return how each outcome is written, and last, for the index -1, how none is."""
    payoffs = game.outcomes if game._exact_outcomes is None else game._exact_outcomes
    labels = [""] * payoffs.shape[1]
    if game.outcome_labels and any(game.outcome_labels):
        labels = unique_labels(list(game.outcome_labels))
    rows = payoffs.T.tolist()
    return [
        f"{k + 1} {text_token(labels[k], 'the label of an outcome')} "
        f"{{ {', '.join(number_token(x, 'a payoff', limits) for x in row)} }}"
        for k, row in enumerate(rows)
    ] + ["0"]
