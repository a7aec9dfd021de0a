"""First weights, drawn so that a seed gets the same bits whether it trains alone or among others.

Every trained tensor is stacked: its first axis holds the K networks of seed 0, then those of seed 1, and so on. Seed s
owns rows ``s K ... (s + 1) K`` and one `torch.Generator`, from which nothing else is drawn; the layers of a module draw
in the order in which they were defined.

A layer takes part by a method ``draw(generators)`` that fills its own parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from marlgt.errors import GameError

__all__ = ["Drawn", "initialise", "orthogonal_rows", "seed_rows", "uniform_rows"]


@runtime_checkable
class Drawn(Protocol):
    """A layer that fills its own parameters from one generator per seed."""

    def draw(self, generators: Sequence[torch.Generator]) -> None:
        """Fill the parameters; seed s's rows come from ``generators[s]`` alone."""


def initialise(module: nn.Module, generators: Sequence[torch.Generator]) -> None:
    """Draw the first weights of every layer of a module, seed by seed.

    Parameters
    ----------
    module : torch.nn.Module
        Its layers have a method ``draw(generators)``; those without parameters of their own need none.
    generators : sequence of torch.Generator, length S
        One per seed, on the CPU or on the module's device.

    Raises
    ------
    GameError
        If a layer has parameters but no ``draw``, or the seeds do not divide its networks.
    """
    for name, layer in module.named_modules():
        if isinstance(layer, Drawn):
            layer.draw(generators)
        elif own := [parameter for parameter, _ in layer.named_parameters(recurse=False)]:
            where = ".".join(filter(None, (name, own[0])))
            raise GameError(
                f"a layer with parameters must have a method draw(generators), got {type(layer).__name__} "
                f"with parameter {where!r}: use the layers of marlgt.deep.networks.layers, or give it that method"
            )


def seed_rows(stacked: Tensor, generators: Sequence[torch.Generator]) -> Iterator[tuple[Tensor, torch.Generator]]:
    """Yield each seed's rows of a stacked tensor (a view) with the seed's generator.

    Raises
    ------
    GameError
        If the number of seeds does not divide the first axis.
    """
    n_seeds = len(generators)
    if n_seeds == 0 or stacked.shape[0] % n_seeds:
        raise GameError(
            f"the number of generators must divide the number of stacked networks, got {n_seeds} generators for "
            f"{stacked.shape[0]} networks: give one generator per seed"
        )
    return zip(stacked.detach().chunk(n_seeds), generators)


def _fill(
    stacked: Tensor, generators: Sequence[torch.Generator], law: Callable[[Tensor, torch.Generator], object]
) -> None:
    for rows, generator in seed_rows(stacked, generators):
        drawn = torch.empty(rows.shape, dtype=rows.dtype, device=generator.device)
        law(drawn, generator)
        rows.copy_(drawn)


def uniform_rows(stacked: Tensor, bound: float, generators: Sequence[torch.Generator]) -> None:
    """Fill a stacked tensor uniformly on [-bound, bound]."""
    _fill(stacked, generators, lambda rows, generator: rows.uniform_(-bound, bound, generator=generator))


def orthogonal_rows(stacked: Tensor, gain: float, generators: Sequence[torch.Generator]) -> None:
    """Fill every (inputs, outputs) matrix of a stacked tensor with ``gain`` times a random (semi-)orthogonal matrix.

    The law is uniform (Haar): the Q of a Gaussian matrix, with signs that make the diagonal of R positive.

    References
    ----------
    A. M. Saxe, J. L. McClelland, S. Ganguli (2014), *Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks*, ICLR. F. Mezzadri (2007), *How to generate random matrices from the classical compact
    groups*, Notices of the AMS 54, section 5.
    """

    def draw(rows: Tensor, generator: torch.Generator) -> None:
        for matrix in rows:
            tall = max(matrix.shape), min(matrix.shape)
            gaussian = torch.empty(tall, dtype=rows.dtype, device=rows.device).normal_(generator=generator)
            q, r = torch.linalg.qr(gaussian)
            q = q * r.diagonal().sign() * gain
            matrix.copy_(q if matrix.shape == q.shape else q.T)

    _fill(stacked, generators, draw)
