"""What networks see, brought to a common scale by statistics that travel with them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Scaling"]

LARGEST = 10.0
"""What is seen is clipped so many deviations from its mean: a number never met before should not blind a network."""


class Scaling(nn.Module):
    """Numbers less their mean, over their deviation, for each seed.

    The statistics are parameters that no gradient reaches, so that they are kept, copied and saved like weights.

    Parameters
    ----------
    n_seeds, n_columns : int
    """

    def __init__(self, n_seeds: int, n_columns: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(n_seeds, 1, n_columns), requires_grad=False)
        self.rate = nn.Parameter(torch.ones(n_seeds, 1, n_columns), requires_grad=False)

    def draw(self, generators: Sequence[torch.Generator]) -> None:
        """Begin with mean 0 and rate 1: nothing is random."""
        self.mean.detach().zero_()
        self.rate.detach().fill_(1.0)

    def take(self, mean: Tensor, deviation: Tensor) -> None:
        """Take over statistics, shape (S, n_columns) each; what never varied is only shifted."""
        with torch.no_grad():
            self.mean.copy_(mean.unsqueeze(1))
            rate = torch.where(deviation < 1e-6, torch.ones_like(deviation), 1.0 / deviation.clamp(min=1e-6))
            self.rate.copy_(rate.unsqueeze(1))

    def forward(self, numbers: Tensor) -> Tensor:
        """Scale numbers of shape (S, ..., n_columns)."""
        shape = (numbers.shape[0], *(1,) * (numbers.dim() - 2), numbers.shape[-1])
        scaled = (numbers - self.mean.view(shape)) * self.rate.view(shape)
        return scaled.clamp_(-LARGEST, LARGEST)
