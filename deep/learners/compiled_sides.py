"""What the compiled sides of learners do alike: see a learner's tensors as arrays, and refuse what they do not have.

Parameters and moments stay the learner's tensors: what compiled loops are given are NumPy's views of them, so that
checkpoints, evaluation and resumption know nothing of it. Random numbers come from the learner's generators in the same
order. Sums are taken in another order than PyTorch's, so that results agree with it to rounding, not in their bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlgt.deep.algorithms.algorithm import Algorithm, owner_of
from marlgt.deep.learners.compiled_updates import CLIP, EPSILON, FIRST, FIRST_REST, SECOND, SECOND_REST
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.optimisers import Adam, FlatParameters
from marlgt.errors import GameError

__all__ = [
    "adam_numbers",
    "adam_step",
    "as_bytes",
    "layers_of",
    "numbers_at",
    "require_owners",
    "require_processor",
    "require_settings",
    "rows_of_networks",
]


def require_owners(algorithm: Algorithm, owners: Mapping[str, tuple[type, ...]], compiled: str) -> None:
    """Refuse an algorithm that has a method from another class than those whose loops are compiled.

    Parameters
    ----------
    algorithm : Algorithm
    owners : mapping of str to tuple of types
        For each method, the classes that it may be from.
    compiled : str
        What there are loops for.
    """
    if any(owner_of(algorithm, method) not in kinds for method, kinds in owners.items()):
        raise GameError(
            f"compiled=True is for {compiled}, and {type(algorithm).__name__} has others: leave compiled False"
        )


def require_settings(algorithm: Algorithm, wanted: Mapping[str, Any]) -> None:
    """Refuse settings that have other values than those there are loops for; those that are not there do not count."""
    for name, value in wanted.items():
        given = getattr(algorithm, name, value)
        if given != value:
            raise GameError(
                f"compiled=True is for perceptrons with {name}={value!r}, got {given!r}: set it so, or leave compiled "
                "False"
            )


def require_processor(device: torch.device) -> None:
    """Refuse another device than a processor."""
    if device.type != "cpu":
        raise GameError(
            f"compiled=True is for processors, but the device is {str(device)!r}: set device='cpu', or leave compiled "
            "False"
        )


def rows_of_networks(parameters: FlatParameters, *flat: Tensor) -> tuple[NDArray[np.float32], ...]:
    """Return buffers such as the values, gradients and moments, shape (S K, numbers of a network) each.

    Of parameters whose number of networks differs, such as the scales of observations of agents that share no network,
    it is those that the module begins with.
    """
    return tuple(cast("NDArray[np.float32]", parameters.blocks(each.detach())[0].numpy()) for each in flat)


def layers_of(agents: AgentNetwork, last: Any) -> list[list[int]]:
    """Return inputs and outputs of each layer, and where its weight and its bias begin in a network's row.

    Parameters
    ----------
    agents : AgentNetwork
    last : nn.Module
        The affine map of its head.
    """
    maps = (*agents.torso.affine_maps, (last.weight, last.bias))
    return [[*weight.shape[1:], weight.storage_offset(), bias.storage_offset()] for weight, bias in maps]


def numbers_at(places: Mapping[int, Any], size: int, kind: type) -> NDArray[Any]:
    """Return an array of zeros but for numbers at given places."""
    numbers: NDArray[Any] = np.zeros(size, kind)
    for place, number in places.items():
        numbers[place] = number
    return numbers


def adam_numbers(optimiser: Adam) -> dict[int, float]:
    """Return what compiled loops are told of an optimiser once, by the places in their settings."""
    first, second = optimiser.betas
    return {
        CLIP: optimiser.clip or 0.0,
        EPSILON: optimiser.epsilon,
        FIRST: first,
        SECOND: second,
        FIRST_REST: 1.0 - first,
        SECOND_REST: 1.0 - second,
    }


def adam_step(optimiser: Adam, steps: Any) -> tuple[Any, Any]:
    """Return by how much a step after so many steps moves, and the root of its second moment's correction, inverted."""
    first, second = optimiser.betas
    return optimiser.lr / (1.0 - first**steps), 1.0 / np.sqrt(1.0 - second**steps)


def as_bytes(field: Tensor) -> NDArray[np.uint8]:
    """Return truth values as bytes, in the same shape."""
    return cast("NDArray[np.uint8]", field.contiguous().numpy().view(np.uint8))
