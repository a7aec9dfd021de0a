r"""Steps of policies within a radius of Kullback-Leibler divergence, for several seeds at once.

With g the gradient of the surrogate L = E[ρ A], F the second derivative of the mean divergence KL(π_old || π) at
π = π_old, which is Fisher's matrix, and damping c (Schulman et al. 2015, appendix C)::

    (F + c) x = g             by conjugate gradients
    s = √(2 δ / xᵀ(F + c)x) x
    θ ← θ + s / 2^j           with the least j at which L rises and the mean divergence is at most δ

Products F v are gradients of gradients: F v = ∇(∇KL · v), with no matrix. Vectors stand in rows, shape (S, P), one for
each seed; every number of an iteration is a seed's own.

References
----------
Hestenes, M. R. and Stiefel, E. (1952). Methods of conjugate gradients for solving linear systems. Journal of Research
of the National Bureau of Standards 49, 409-436.
Schulman, J., Levine, S., Abbeel, P., Jordan, M. and Moritz, P. (2015). Trust region policy optimization. ICML.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = [
    "LineSearch",
    "Product",
    "as_seed_rows",
    "conjugate_gradient",
    "line_search",
    "natural_step",
    "second_derivative_product",
    "seed_rows_as",
]

Product = Callable[[Tensor], Tensor]
"""Maps vectors, shape (S, P), to their products with a matrix of each seed."""


class LineSearch(NamedTuple):
    """Where a backtracking search has ended.

    Attributes
    ----------
    shares : Tensor, shape (S,)
        Of the full step that is taken: 1 / 2^j, or 0 where no step is good enough.
    halvings : Tensor of int64, shape (S,)
        j; -1 where no step is good enough.
    gains, divergences : Tensor, shape (S,)
        Of the step that is taken.
    """

    shares: Tensor
    halvings: Tensor
    gains: Tensor
    divergences: Tensor


def as_seed_rows(tensors: Sequence[Tensor], n_seeds: int) -> Tensor:
    """Return stacked tensors, the first axis of each of which is seed-major, as one row a seed, shape (S, P)."""
    return torch.cat([each.reshape(n_seeds, -1) for each in tensors], dim=1)


def seed_rows_as(rows: Tensor, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return rows, shape (S, P), as tensors of the shapes of those that :func:`as_seed_rows` joined."""
    n_seeds = rows.shape[0]
    pieces = torch.split(rows, [each.numel() // n_seeds for each in tensors], dim=1)
    return [piece.reshape(each.shape) for piece, each in zip(pieces, tensors)]


def second_derivative_product(divergences: Tensor, parameters: Sequence[Tensor], *, damping: float = 0.0) -> Product:
    """Return what maps v to (H + c) v, for H the second derivative of each seed's number.

    Parameters
    ----------
    divergences : Tensor, shape (S,)
        Each a function of the parameters of its own seed alone, such as the mean divergence from a policy.
    parameters : sequence of Tensor
        Stacked, seed-major.
    damping : float
        c.
    """
    n_seeds = divergences.shape[0]
    slopes = torch.autograd.grad(divergences.sum(), parameters, create_graph=True)
    slope_rows = as_seed_rows(slopes, n_seeds)

    def product(vectors: Tensor) -> Tensor:
        curved = torch.autograd.grad((slope_rows * vectors).sum(), parameters, retain_graph=True)
        return torch.add(as_seed_rows(curved, n_seeds), vectors, alpha=damping)

    return product


def conjugate_gradient(product: Product, right: Tensor, *, iterations: int = 10, tolerance: float = 1e-10) -> Tensor:
    """Return x with A x = b, nearly, for a symmetric positive definite matrix of each seed.

    Parameters
    ----------
    product : callable
        Gives A x.
    right : Tensor, shape (S, P)
        b.
    iterations : int
    tolerance : float
        A seed rests when the square of its residual is so small a share of that of b; 0 lets it go on.

    Returns
    -------
    Tensor, shape (S, P)
    """
    solution = torch.zeros_like(right)
    residual, direction = right.clone(), right.clone()
    squares = _dots(residual, residual)
    enough = squares * tolerance
    for _ in range(iterations):
        active = squares > enough
        if not bool(active.any()):
            break
        image = product(direction)
        length = _ratio(squares, _dots(direction, image), active).to(right.dtype)
        solution = solution + length * direction
        residual = residual - length * image
        following = _dots(residual, residual)
        turn = _ratio(following, squares, active).to(right.dtype)
        direction = torch.where(active.unsqueeze(1), residual + turn * direction, direction)
        squares = torch.where(active, following, squares)
    return solution


def natural_step(solution: Tensor, product: Product, radius: float) -> Tensor:
    """Return √(2 δ / xᵀAx) x, the step along x to where ½ sᵀAs is δ; zeros where x has no such step.

    Parameters
    ----------
    solution : Tensor, shape (S, P)
        x.
    product : callable
        Gives A x.
    radius : float
        δ.

    Returns
    -------
    Tensor, shape (S, P)
    """
    curvature = _dots(solution, product(solution))
    known = (curvature > 0) & curvature.isfinite()
    size = torch.where(known, 2.0 * radius / curvature, torch.zeros_like(curvature)).sqrt()
    return size.to(solution.dtype).unsqueeze(1) * solution


def line_search(
    judge: Callable[[Tensor], tuple[Tensor, Tensor]],
    n_seeds: int,
    *,
    radius: float,
    backtracks: int = 10,
    device: torch.device | str = "cpu",
) -> LineSearch:
    """Return how much of its step each seed takes: the largest 1 / 2^j that gains and stays within the radius.

    Parameters
    ----------
    judge : callable
        Maps shares of the step, shape (S,), to gains and mean divergences, shape (S,) each; those that are no numbers
        are not good enough.
    n_seeds : int
        S.
    radius : float
        δ.
    backtracks : int
        Steps that are tried.
    device : torch.device or str
        Where the shares are.
    """
    halvings = torch.full((n_seeds,), -1, dtype=torch.int64, device=device)
    kept_gains = kept_divergences = torch.zeros(n_seeds, dtype=torch.float64, device=device)
    for j in range(backtracks):
        # Seeds that have found their step are judged by it again: all are one network.
        gains, divergences = judge(_shares(halvings, 0.5**j))
        good = (halvings < 0) & (gains > 0) & (divergences <= radius)
        halvings = torch.where(good, j, halvings)
        kept_gains = torch.where(good, gains.double(), kept_gains)
        kept_divergences = torch.where(good, divergences.double(), kept_divergences)
        if bool((halvings >= 0).all()):
            break
    return LineSearch(_shares(halvings, 0.0), halvings, kept_gains, kept_divergences)


def _shares(halvings: Tensor, otherwise: float) -> Tensor:
    """Return 1 / 2^j, shape (S,), and something else where j is not known."""
    return torch.where(halvings < 0, otherwise, 0.5 ** halvings.clamp(min=0).float())


def _dots(rows: Tensor, others: Tensor) -> Tensor:
    """Return the products of rows, shape (S,), summed in double precision."""
    return (rows.double() * others.double()).sum(1)


def _ratio(above: Tensor, below: Tensor, active: Tensor) -> Tensor:
    """Return quotients, shape (S, 1), of the seeds that go on; 0 for the others."""
    known = active & (below > 0)
    quotients = torch.where(known, above / torch.where(known, below, torch.ones_like(below)), torch.zeros_like(above))
    return quotients.unsqueeze(1)
