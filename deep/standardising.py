"""Running mean and deviation of a stream, one for each seed, and rewards brought to a common scale by them.

Batches are merged into count, mean and sum of squared deviations by the formula of Chan, Golub and LeVeque: with n and
m numbers, means a and b, and d = b - a::

    mean = a + d m / (n + m)            squares = squares_a + squares_b + d^2 n m / (n + m)

It is exact up to rounding whatever the batches, and never subtracts large sums from one another, as
``E[x^2] - E[x]^2`` does. The statistics are kept in double precision.

References
----------
Chan, T. F., Golub, G. H. and LeVeque, R. J. (1979). Updating formulae and a pairwise algorithm for computing sample
variances. Technical Report STAN-CS-79-773, Stanford University, equation 2.1.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from marlgt.errors import GameError

__all__ = ["RunningMoments"]


class RunningMoments:
    """Count, mean and deviation of all the numbers seen, of each seed apart.

    Parameters
    ----------
    n_seeds : int
    n_columns : int
        Numbers that are kept apart within a seed: 1, or one for each agent.
    device : str

    Attributes
    ----------
    count : Tensor, float64, shape ()
    mean, squares : Tensor, float64, shape (S, n_columns)
        The mean, and the sum of squared deviations from it.

    Raises
    ------
    GameError
        For sizes below 1.
    """

    def __init__(self, n_seeds: int, *, n_columns: int = 1, device: str = "cpu") -> None:
        if min(n_seeds, n_columns) < 1:
            raise GameError(f"{n_seeds} seeds and {n_columns} columns: moments need at least 1 of each")
        self.count = torch.zeros((), dtype=torch.float64, device=device)
        self.mean = torch.zeros(n_seeds, n_columns, dtype=torch.float64, device=device)
        self.squares = torch.zeros_like(self.mean)

    @property
    def deviation(self) -> Tensor:
        """The standard deviation of each column, of the numbers themselves (divided by their count), (S, n_columns)."""
        return (self.squares / self.count.clamp(min=1.0)).sqrt()

    def update(self, numbers: Tensor) -> None:
        """Take in a batch.

        Parameters
        ----------
        numbers : Tensor, shape (S, ..., n_columns)
            As many of every seed; the last axis is that of the columns.

        Raises
        ------
        GameError
            For other seeds or columns, and an empty batch.
        """
        seeds, columns = self.mean.shape
        if numbers.dim() < 2 or numbers.shape[0] != seeds or numbers.shape[-1] != columns or not numbers.numel():
            raise GameError(f"numbers have shape {tuple(numbers.shape)}: give ({seeds}, ..., {columns}), not empty")
        # One seed's numbers lie together, so that its sums do not depend on how many seeds there are.
        batch = numbers.detach().double().reshape(seeds, -1, columns).transpose(1, 2).contiguous()
        n_new = batch.shape[2]
        mean = batch.cumsum(2)[:, :, -1] / n_new
        squares = (batch - mean.unsqueeze(2)).square_().cumsum_(2)[:, :, -1]
        apart, total = mean - self.mean, self.count + n_new
        self.squares = self.squares + squares + apart.square() * (self.count * n_new / total)
        self.mean = self.mean + apart * (n_new / total)
        self.count = total

    def standardised(self, numbers: Tensor, *, centred: bool = True, smallest: float = 1e-8) -> Tensor:
        """Return numbers less the mean, divided by the deviation.

        Parameters
        ----------
        numbers : Tensor, shape (S, ..., n_columns)
        centred : bool
            Whether the mean is taken off; rewards that are only scaled keep which policy is best even where episodes
            have different lengths.
        smallest : float
            Added to the deviation: numbers that are all alike become 0, not NaN.

        Returns
        -------
        Tensor, shape of ``numbers``, and its type
        """
        shape = (self.mean.shape[0], *(1,) * (numbers.dim() - 2), self.mean.shape[1])
        scale = (1.0 / (self.deviation + smallest)).view(shape)
        shifted = numbers - self.mean.view(shape) if centred else numbers
        return (shifted * scale).to(numbers.dtype)

    def state(self) -> dict[str, Tensor]:
        """Return copies of the statistics, from which :meth:`load` goes on bit for bit."""
        return {"count": self.count.clone(), "mean": self.mean.clone(), "squares": self.squares.clone()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take over a state that :meth:`state` gave.

        Raises
        ------
        GameError
            For a state of other sizes; nothing is changed then.
        """
        expected = {name: tuple(tensor.shape) for name, tensor in self.state().items()}
        got = {name: tuple(tensor.shape) for name, tensor in state.items()}
        if got != expected:
            raise GameError(f"the state holds {got}, these moments {expected}: load it into moments of the same sizes")
        device = self.mean.device
        self.count, self.mean, self.squares = (state[name].to(device).clone() for name in ("count", "mean", "squares"))
