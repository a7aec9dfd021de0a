"""Seeds that have learnt enough: computed along with the others, and left as they are."""

from __future__ import annotations

import torch
from torch import Tensor

from marlgt.deep.optimisers import Adam, FlatParameters

__all__ = ["StoppedSeeds"]


class StoppedSeeds:
    """The networks of seeds that were stopped, which are put back after each update.

    A stopped seed is computed along with the others, since tensors keep their shapes; their bits do not depend on it,
    and it cannot end their run.

    Parameters
    ----------
    parameters : FlatParameters
    optimiser : Adam
    """

    def __init__(self, parameters: FlatParameters, optimiser: Adam) -> None:
        self.parameters, self.optimiser = parameters, optimiser
        self._held: dict[int, list[Tensor]] = {}

    @property
    def places(self) -> tuple[int, ...]:
        """Which seeds were stopped."""
        return tuple(self._held)

    def stop(self, place: int) -> None:
        """Leave the networks of the seed in this place as they are now."""
        self._held[place] = [block[place].clone() for block in self.parameters.by_seed(self.parameters.values)]

    @torch.no_grad()
    def hold(self) -> None:
        """Put the networks of stopped seeds back, and forget their gradients and moments."""
        for place, held in self._held.items():
            for block, values in zip(self.parameters.by_seed(self.parameters.values), held):
                block[place] = values
            # Gradients that are not finite would end the others' run, and moments would stay so.
            for rows in self.parameters.gradients_by_seed:
                rows[place] = 0.0
            for moments in (self.optimiser.first, self.optimiser.second):
                for block in self.parameters.by_seed(moments):
                    block[place] = 0.0
