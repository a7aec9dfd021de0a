"""SR(λ): distributions of returns along a window of steps, by replacing samples (Nam et al. 2021, algorithm 1).

With Z'_t the critic's mixture of what step t led to and d_t = discount (1 - terminated_t), the target of step t is the
mixture, not the sum, of n-step laws; backwards in time::

    Y_t = r_t + d_t [(1 - λ) Z'_t + λ Y_{t+1}],   with Z'_t alone where the episode or the window ends

so that a terminated step's target is a Dirac at its reward, and a truncated one goes on with the critic's word for the
last state of *its* episode. Its mean is the λ-return, that is the generalised advantage plus the value.

Written out, Y_t has some T K components. :func:`sample_replacement` carries m of them instead: it draws components, not
values, of every Z'_t, and on the way back each particle of Y_{t+1} is kept with probability λ and otherwise replaced by
one of Z'_t. On average over draws and replacements the particles' mixture *is* Y_t.

Components are drawn systematically, by one uniform number and m even steps from it (Cochran 1977, chapter 8), so that
their shares are right to 1 / m. Particles are kept or replaced independently of one another: even steps there would
fall in with those of the step before, and what survives two steps would no longer be λ² of all.

References
----------
D. W. Nam, Y. Kim, C. Y. Park (2021), *GMAC: a distributional perspective on actor-critic framework*, ICML.
W. G. Cochran (1977), *Sampling techniques*, Wiley.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from marlgt.deep.distributions.mixtures import GaussianMixture, Particles, component_at
from marlgt.deep.networks.initialising import seed_rows
from marlgt.errors import GameError

__all__ = ["lambda_mixtures", "sample_replacement", "systematic_components", "systematic_positions"]

DrawParticles = Callable[[Tensor, int, Sequence[torch.Generator]], Particles]


@torch.no_grad()
def sample_replacement(
    rewards: Tensor,
    discounts: Tensor,
    ends: Tensor,
    next_outputs: Tensor,
    draw: DrawParticles,
    *,
    lambda_: float,
    n_samples: int,
    generators: Sequence[torch.Generator],
) -> Particles:
    """Give particles of the SR(λ) targets of every step; no gradient flows through them.

    Parameters
    ----------
    rewards : Tensor, shape (S, T, B, n)
    discounts : Tensor, shape (S, T, B)
        discount (1 - terminated).
    ends : Tensor of bool, shape (S, T, B)
        Whether the episode ended with the step, terminated or truncated; the window's last steps count as truncated.
    next_outputs : Tensor, shape (S, T, B, n, O)
        What the critic said, during the rollout, of what each step led to.
    draw : callable
        ``draw(outputs (S, ..., O), m, generators)`` gives particles (S, ..., m), as critics' ``particles`` do.
    lambda_ : float
        0 looks one step ahead, 1 to the end of the episode or window.
    n_samples : int
        m.
    generators : sequence of torch.Generator, length S

    Returns
    -------
    Particles, shape (S, T, B, n, m)

    Raises
    ------
    GameError
        For shapes that do not fit, a λ outside 0 to 1, and fewer than one sample.
    """
    _require(rewards, discounts, ends, next_outputs, len(generators), lambda_)
    drawn = draw(next_outputs, n_samples, generators)
    kept = _kept(rewards, lambda_, n_samples, generators)
    kept &= ends.logical_not()[..., None, None]
    kept[:, -1:] = False
    factors = discounts[..., None, None]
    locations, scales = (part.clone() for part in drawn)
    steps = zip(*(part.unbind(1) for part in (locations, scales, kept, rewards.unsqueeze(-1), factors)))
    later: tuple[Tensor, Tensor] | None = None
    for location, scale, keep, reward, factor in reversed(list(steps)):
        if later is not None:
            torch.where(keep, later[0], location, out=location)
            torch.where(keep, later[1], scale, out=scale)
        location.mul_(factor).add_(reward)
        scale.mul_(factor)
        later = location, scale
    return Particles(locations, scales)


def lambda_mixtures(
    rewards: Tensor, discounts: Tensor, ends: Tensor, following: GaussianMixture[Tensor], lambda_: float
) -> GaussianMixture[Tensor]:
    """Give the targets themselves, T K components a step: what particles stand for, for tests and figures.

    Parameters
    ----------
    rewards : Tensor, shape (S, T, B, n)
    discounts, ends : Tensor, shape (S, T, B)
    following : GaussianMixture, Tensors of shape (S, T, B, n, K)
        Of what each step led to.
    lambda_ : float

    Returns
    -------
    GaussianMixture, Tensors of shape (S, T, B, n, T K)
        Components t' K ... (t' + 1) K of step t are of what step t' led to; their weight is 0 where they do not count.
    """
    _require(rewards, discounts, ends, following.means, rewards.shape[0], lambda_)
    length, size = following.means.shape[1], following.means.shape[-1]
    found = [part.new_zeros(*rewards.shape, length, size) for part in following]
    goes_on = ends.logical_not().to(following.weights.dtype)
    goes_on[:, -1:] = 0
    shares = lambda_ * goes_on[..., None, None]
    for t in range(length - 1, -1, -1):
        if t + 1 < length:
            found[0][:, t] = shares[:, t, ..., None] * found[0][:, t + 1]
            found[1][:, t], found[2][:, t] = found[1][:, t + 1], found[2][:, t + 1]
        own = (following.weights * (1 - shares), following.means, following.scales)
        for whole, part in zip(found, own):
            whole[:, t, ..., t, :] = part[:, t]
        factor = discounts[:, t, :, None, None, None]
        found[1][:, t] = rewards[:, t, ..., None, None] + factor * found[1][:, t]
        found[2][:, t] *= factor
    return GaussianMixture(*(part.flatten(-2) for part in found))


def systematic_positions(
    shape: Sequence[int], n_samples: int, generators: Sequence[torch.Generator], *, device: torch.device
) -> Tensor:
    """Give m evenly spaced numbers from 0 to 1 with one random shift, each of them uniform on a m-th of the way.

    Parameters
    ----------
    shape : sequence of int
        (S, ...), seeds first.
    n_samples : int
        m.
    generators : sequence of torch.Generator, length S

    Returns
    -------
    Tensor, shape (S, ..., m)
    """
    if n_samples < 1:
        raise GameError(f"a distribution is told by at least one particle, got {n_samples}: give n_samples >= 1")
    shifts = _uniform(shape, generators, device)
    positions = (torch.arange(n_samples, device=device) + shifts.unsqueeze(-1)) / n_samples
    # Rounding may reach 1.
    return positions.clamp_(max=1 - torch.finfo(positions.dtype).eps)


def systematic_components(weights: Tensor, n_samples: int, generators: Sequence[torch.Generator]) -> Tensor:
    """Draw components in their order, each as often as its weight times m says, but for one.

    Parameters
    ----------
    weights : Tensor, shape (S, ..., K)
    n_samples : int
        m.
    generators : sequence of torch.Generator, length S

    Returns
    -------
    Tensor of int64, shape (S, ..., m)
    """
    positions = systematic_positions(weights.shape[:-1], n_samples, generators, device=weights.device)
    return component_at(weights.detach(), positions.to(weights.dtype))


def _kept(rewards: Tensor, lambda_: float, n_samples: int, generators: Sequence[torch.Generator]) -> Tensor:
    """Tell which particles are kept, each with probability λ: (S, T, B, n, m)."""
    return _uniform((*rewards.shape, n_samples), generators, rewards.device) < lambda_


def _uniform(shape: Sequence[int], generators: Sequence[torch.Generator], device: torch.device) -> Tensor:
    numbers = torch.empty(tuple(shape), device=device)
    for rows, generator in seed_rows(numbers, generators):
        rows.copy_(torch.rand(rows.shape, generator=generator, device=generator.device))
    return numbers


def _require(
    rewards: Tensor, discounts: Tensor, ends: Tensor, following: Tensor, n_generators: int, lambda_: float
) -> None:
    if not 0.0 <= lambda_ <= 1.0:
        raise GameError(f"lambda is {lambda_:g}: it lies between 0, one step ahead, and 1, all of them")
    shape = tuple(rewards.shape)
    if len(shape) != 4 or tuple(following.shape[:-1]) != shape:
        raise GameError(
            f"rewards have shape {shape} and what the critic says of what followed {tuple(following.shape)}: "
            "give (seeds, steps, copies, agents), and one more axis for the critic's outputs"
        )
    if tuple(discounts.shape) != shape[:3] or tuple(ends.shape) != shape[:3]:
        raise GameError(
            f"discounts have shape {tuple(discounts.shape)} and ends {tuple(ends.shape)}: both must have "
            f"(seeds, steps, copies), here {shape[:3]}"
        )
    if n_generators != shape[0]:
        raise GameError(
            f"every seed draws from its own generator, got {n_generators} for {shape[0]} seeds: give one each"
        )
