"""Rows of a rollout, one window of a copy each, dealt out to mini-batches in an order of each seed's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from marlgt.deep.networks.policy_networks import Memories

__all__ = ["Minibatch", "all_rows", "as_rows", "averaged", "dealt", "shuffled"]


class Minibatch(NamedTuple):
    """Windows of L steps, R for each of S seeds; n agents.

    Attributes
    ----------
    observations : Tensor, shape (S, L, R, n, D)
    actions : Tensor, shape (S, L, R, n) or (S, L, R, n, d)
    before : Tensor, shape (S, L, R, n)
        Log-probabilities of the actions under the policy that took them.
    advantages : Tensor, shape (S, L, R, n)
    values : Tensor, shape (S, L, R, n)
        What the critic told before the update, in its own units.
    targets : Any
        What the critic should tell: a tensor of shape (S, L, R, n), or named tensors of shape (S, L, R, n, m).
    starts : Tensor of bool, shape (S, L, R)
        Steps at which episodes begin.
    states : Tensor, shape (S, L, R, Z), or None
    allowed : Tensor of bool, shape (S, L, R, n, A), or None
    weights : Tensor, shape (S, L, R), or None
        What each step counts.
    memories : Memories
        Before the first step.
    """

    observations: Tensor
    actions: Tensor
    before: Tensor
    advantages: Tensor
    values: Tensor
    targets: Any
    starts: Tensor
    states: Tensor | None
    allowed: Tensor | None
    weights: Tensor | None
    memories: Memories


def all_rows(
    kept: Mapping[str, Tensor],
    length: int,
    *,
    before: Tensor,
    advantages: Tensor,
    values: Tensor,
    targets: Any,
    memories: Memories,
    weights: Tensor | None = None,
) -> Minibatch:
    """Return all rows of a rollout, with what is to be learnt from them.

    Parameters
    ----------
    kept : mapping of str to Tensor, shape (S, T, B, ...)
        The fields of a rollout: ``observations, actions, starts`` and, where they are kept, ``states, allowed``.
    length : int
        L, the steps of a window.
    before, advantages, values : Tensor, shape (S, T, B, n)
    targets : Tensor, shape (S, T, B, n), or named tensors, shape (S, T, B, n, m)
    memories : Memories
        Before each row.
    weights : Tensor, shape (S, T, B), optional
    """
    return Minibatch(
        as_rows(kept["observations"], length),
        as_rows(kept["actions"], length),
        as_rows(before, length),
        as_rows(advantages, length),
        as_rows(values, length),
        as_rows(targets, length)
        if isinstance(targets, Tensor)
        else type(targets)(*(as_rows(each, length) for each in targets)),
        as_rows(kept["starts"], length),
        as_rows(kept["states"], length) if "states" in kept else None,
        as_rows(kept["allowed"], length) if "allowed" in kept else None,
        None if weights is None else as_rows(weights, length),
        memories,
    )


def as_rows(field: Tensor, length: int) -> Tensor:
    """Return a field of shape (S, T, B, ...) as rows of windows, shape (S, L, T / L * B, ...).

    Row c B + b is the c-th window of copy b.
    """
    n_seeds, n_steps, n_envs = field.shape[:3]
    rest = field.shape[3:]
    if length == 1:
        return field.reshape(n_seeds, 1, n_steps * n_envs, *rest)
    windows = field.reshape(n_seeds, n_steps // length, length, n_envs, *rest)
    return windows.transpose(1, 2).reshape(n_seeds, length, (n_steps // length) * n_envs, *rest)


def dealt(
    rows: Minibatch, parts: int, generators: Sequence[torch.Generator], active: Tensor | None = None
) -> Iterator[Minibatch]:
    """Yield all rows, dealt out at random into so many parts of equal size, or one more.

    One part is the whole, in the order it has.

    Parameters
    ----------
    rows : Minibatch
        All rows of a rollout.
    parts : int
    generators : sequence of torch.Generator
        One for each seed.
    active : Tensor of bool, shape (S,), optional
        Seeds that learn; the generators of the others are left alone, so that it does not matter to a seed how long
        others go on.
    """
    if parts == 1:
        yield rows
        return
    for chosen in shuffled(rows.starts.shape[2], generators, active).tensor_split(parts, dim=1):
        yield _mapped(rows, chosen)


def shuffled(n_rows: int, generators: Sequence[torch.Generator], active: Tensor | None = None) -> Tensor:
    """Return the numbers of the rows in an order of each seed's own, shape (S, rows), as :func:`dealt` deals them."""
    learning = [True] * len(generators) if active is None else active.tolist()
    return torch.stack(
        [
            torch.randperm(n_rows, generator=each, device=each.device)
            if learns
            else torch.arange(n_rows, device=each.device)
            for each, learns in zip(generators, learning)
        ]
    )


def averaged(elements: Tensor, weights: Tensor | None) -> Tensor:
    """Return the sum over agents, averaged over rows, for each seed, shape (S,).

    Parameters
    ----------
    elements : Tensor, shape (S, L, R, n)
    weights : Tensor, shape (S, L, R), or None
    """
    rows = elements.sum(-1).flatten(1)
    if weights is None:
        return rows.mean(1)
    flat = weights.flatten(1)
    return (rows * flat).sum(1) / flat.sum(1).clamp(min=1.0)


def _mapped(value: Any, chosen: Tensor) -> Any:
    if value is None:
        return None
    if isinstance(value, Tensor):
        return _taken(value, chosen)
    if isinstance(value, Memories):
        return Memories(*(None if each is None else _taken(each.unsqueeze(1), chosen).squeeze(1) for each in value))
    return type(value)(*(_mapped(each, chosen) for each in value))


def _taken(field: Tensor, chosen: Tensor) -> Tensor:
    """Return the chosen rows, shape (S, L, R, ...), of a field of shape (S, L, rows, ...)."""
    n_seeds, length, n_rows = field.shape[:3]
    if n_seeds == length == 1:
        return field.index_select(2, chosen[0])
    firsts = torch.arange(n_seeds * length, device=field.device).view(n_seeds, length, 1) * n_rows
    places = (firsts + chosen.unsqueeze(1)).flatten()
    taken = field.reshape(n_seeds * length * n_rows, *field.shape[3:]).index_select(0, places)
    return taken.view(n_seeds, length, chosen.shape[1], *field.shape[3:])
