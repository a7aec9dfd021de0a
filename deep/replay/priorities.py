"""Sum trees of priorities, one for each seed, drawn from and updated without a loop over the draws.

Proportional prioritisation (Schaul et al. 2016, section 3.3) draws step i with probability ``P(i) = p_i^a / sum p^a``
and weighs its loss by ``(N P(i))^-b``, divided by the largest weight of the batch. The tree keeps the ``p^a``: its
leaves lie in blocks, the level above holds every block's sum, and so on up to one block. Blocks are wide instead of
binary because a level costs a handful of tensor operations however wide it is. A draw descends by the running sums of
one block a level; a change recomputes the blocks that it touches from their leaves, so that sums never drift and depend
on the leaves alone, not on the order of the changes.

References
----------
Schaul, T., Quan, J., Antonoglou, I. and Silver, D. (2016). Prioritized experience replay. ICLR, algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from marlgt.errors import GameError

__all__ = ["SumTrees", "importance_weights"]

WIDEST = 64
"""Most entries of a block: at 100,000 leaves three levels, twice as fast as two for 1,024 draws, alike for 32."""


_SMALLEST = 1e-300
"""Below every priority above 0."""


class SumTrees:
    """One tree of non-negative numbers for each seed; draws are proportional to the numbers.

    Parameters
    ----------
    n_seeds, n_leaves : int
    device : str

    Attributes
    ----------
    levels : list of Tensor, float64, shape (S, blocks, width)
        From the leaves to the one block at the top.
    largest : Tensor, float64, shape (S, 1)
        The largest number ever put into a seed's tree, at first 1: what new leaves get.
    """

    def __init__(self, n_seeds: int, n_leaves: int, *, device: str = "cpu") -> None:
        self.n_seeds, self.n_leaves = n_seeds, n_leaves
        depth = max(1, math.ceil(math.log(n_leaves) / math.log(WIDEST) - 1e-9))
        self.width = max(2, math.ceil(n_leaves ** (1 / depth)))
        self.levels: list[Tensor] = []
        entries = n_leaves
        while not self.levels or entries > 1:
            entries = math.ceil(entries / self.width)
            self.levels.append(torch.zeros(n_seeds, entries, self.width, dtype=torch.float64, device=device))
        self.largest = torch.ones(n_seeds, 1, dtype=torch.float64, device=device)
        self._begins: dict[int, Tensor] = {}
        self._seeds = torch.arange(n_seeds, device=device).unsqueeze(1)

    @property
    def leaves(self) -> Tensor:
        """The numbers, shape (S, n_leaves), a view."""
        return self.levels[0].view(self.n_seeds, -1)[:, : self.n_leaves]

    def fill(self, first: int, last: int, values: Tensor | float) -> None:
        """Set the leaves from ``first`` to before ``last`` to one number a seed, shape (S, 1)."""
        self.levels[0].view(self.n_seeds, -1)[:, first:last] = values
        for level, above in zip(self.levels, self.levels[1:]):
            first, last = first // self.width, (last - 1) // self.width + 1
            # A running sum, as draws use it: a seed's sums must not depend on how many seeds are summed beside it.
            above.view(self.n_seeds, -1)[:, first:last] = level[:, first:last].cumsum(2)[:, :, -1]

    def put(self, indices: Tensor, values: Tensor) -> None:
        """Set single leaves; where an index stands twice, one of its numbers is taken.

        Parameters
        ----------
        indices : Tensor of int64, shape (S, R)
        values : Tensor of float64, shape (S, R)
        """
        self.largest = torch.maximum(self.largest, values.amax(1, keepdim=True))
        self.levels[0].view(self.n_seeds, -1).scatter_(1, indices, values)
        for level, above in zip(self.levels, self.levels[1:]):
            indices = indices.div(self.width, rounding_mode="floor")
            blocks = level.view(-1, self.width).index_select(0, self._rows(indices, level.shape[1]))
            above.view(self.n_seeds, -1).scatter_(1, indices, blocks.cumsum(1)[:, -1].view_as(indices))

    def draw(self, n_draws: int, generators: Sequence[Generator]) -> tuple[Tensor, Tensor]:
        """Draw leaves in proportion to their numbers, one from each of ``n_draws`` equal shares of the total.

        Parameters
        ----------
        n_draws : int
        generators : sequence of Generator
            One for each seed.

        Returns
        -------
        indices : Tensor of int64, shape (S, n_draws)
        values : Tensor of float64, shape (S, n_draws)
            The numbers of the leaves drawn.
        """
        strata = self._strata(n_draws)
        drawn = [torch.rand(n_draws, generator=g, dtype=strata.dtype, device=strata.device) for g in generators]
        sums = self.levels[-1][:, 0].cumsum(1)
        share = sums[:, -1:] / n_draws
        # Mass is counted from the right end of the entry that it falls into, which is exact at the next level too.
        short, indices = _descend(sums, torch.stack(drawn).add_(strata).mul_(share))
        for level in reversed(self.levels[:-1]):
            blocks = level.view(-1, self.width).index_select(0, self._rows(indices, level.shape[1]))
            short, place = _descend(blocks.cumsum_(1), short.view(-1, 1))
            indices = torch.add(place.view_as(indices), indices, alpha=self.width)
        return indices, self.levels[0].view(self.n_seeds, -1).gather(1, indices)

    def rebuild(self, leaves: Tensor, largest: Tensor) -> None:
        """Set every leaf, shape (S, n_leaves), and the largest number so far, shape (S, 1)."""
        self.leaves.copy_(leaves)
        self.largest = largest.clone()
        for level, above in zip(self.levels, self.levels[1:]):
            above.view(self.n_seeds, -1)[:, : level.shape[1]] = level.cumsum(2)[:, :, -1]

    def _strata(self, n_draws: int) -> Tensor:
        """Return how many strata a draw's stratum begins before the right end, -n_draws to -1."""
        strata = self._begins.get(n_draws)
        if strata is None:
            strata = torch.arange(-n_draws, 0, dtype=torch.float64, device=self.largest.device)
            self._begins[n_draws] = strata
        return strata

    def _rows(self, blocks: Tensor, per_seed: int) -> Tensor:
        """Return the numbers of blocks (S, R) among the blocks of all seeds, flat."""
        return (blocks if self.n_seeds == 1 else torch.add(blocks, self._seeds, alpha=per_seed)).flatten()


def _descend(sums: Tensor, short: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far short of its entry's end the mass falls, and the entry, given how far short of the whole it falls.

    Rounding may push the mass to the end of the block, where the last entry above 0 is found, or below its beginning,
    where an entry of 0 would be: it is kept above 0, so that what is found always has a priority.
    """
    mass = (sums[:, -1:] + short).clamp_(min=_SMALLEST)
    place = torch.searchsorted(sums, mass)
    return mass.sub_(sums.gather(1, place)), place


def importance_weights(values: Tensor, beta: float) -> Tensor:
    """Return ``(N P(i))^-beta`` over its largest in the batch, in which the count and the total cancel.

    Parameters
    ----------
    values : Tensor of float64, shape (S, R)
        Of the leaves drawn, proportional to P.
    beta : float
        0 corrects nothing, 1 all of the bias of drawing by priority.

    Returns
    -------
    Tensor of float32, shape (S, R)

    Raises
    ------
    GameError
        For an exponent outside 0 to 1.
    """
    if not 0.0 <= beta <= 1.0:
        raise GameError(f"beta is {beta:g}: the exponent of importance weights lies between 0 and 1")
    return (values.amin(1, keepdim=True) / values).pow_(beta).float()
