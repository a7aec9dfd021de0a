"""The state of a learner by name: tensors of its parts, and what its random numbers go on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["generator_states", "load_generators", "load_parts", "states_of"]


def states_of(parts: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of each part's ``state()``, named ``part.name``."""
    return {f"{part}.{name}": value for part, holder in parts.items() for name, value in holder.state().items()}


def load_parts(parts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Give each part back what :func:`states_of` took from it."""
    for part, holder in parts.items():
        prefix = f"{part}."
        holder.load({name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)})


def generator_states(generators: Mapping[int, Sequence[torch.Generator]]) -> dict[str, Tensor]:
    """Return the states of the generators of all seeds, stacked, for each purpose."""
    return {
        f"generators.{purpose}": torch.stack([each.get_state() for each in own]) for purpose, own in generators.items()
    }


def load_generators(generators: Mapping[int, Sequence[torch.Generator]], tensors: Mapping[str, Tensor]) -> None:
    """Let generators go on from what :func:`generator_states` gave."""
    for purpose, own in generators.items():
        for generator, state in zip(own, tensors[f"generators.{purpose}"]):
            generator.set_state(state.cpu().clone())
