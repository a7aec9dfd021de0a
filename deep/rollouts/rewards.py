"""Rewards in units of the deviation of their discounted sums, which is about what a critic has to tell."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from marlgt.deep.standardising import RunningMoments

__all__ = ["RewardScale"]


class RewardScale:
    """The running deviation of ``G ← γ G + r``, which begins anew after each episode.

    Rewards are divided, and not shifted: a shift would reward long episodes, or short ones.

    Parameters
    ----------
    shape : tuple of int
        (S, B, n).
    discount : float
    device : str

    References
    ----------
    Engstrom, L. et al. (2020). Implementation matters in deep policy gradients. ICLR, section 3.
    """

    def __init__(self, shape: tuple[int, int, int], discount: float, *, device: str = "cpu") -> None:
        self.discount = discount
        self.moments = RunningMoments(shape[0], device=device)
        self.sums = torch.zeros(shape, device=device)

    def scaled(self, rewards: Tensor, ends: Tensor) -> Tensor:
        """Take in the rewards of a rollout, shape (S, T, B, n), and return them scaled.

        Parameters
        ----------
        rewards : Tensor, shape (S, T, B, n)
        ends : Tensor of bool, shape (S, T, B)
        """
        goes_on = (~ends).to(rewards.dtype).unsqueeze(-1)
        sums = torch.empty_like(rewards)
        running = self.sums
        for t in range(rewards.shape[1]):
            running = running * self.discount + rewards[:, t]
            sums[:, t] = running
            running = running * goes_on[:, t]
        self.sums = running
        self.moments.update(sums.unsqueeze(-1))
        shape = (rewards.shape[0], 1, 1, 1)
        deviation = self.moments.deviation.view(shape)
        # What never varied is left as it is: constant rewards are not blown up.
        rate = torch.where(deviation < 1e-8, torch.ones_like(deviation), 1.0 / deviation.clamp(min=1e-8))
        return rewards * rate.to(rewards.dtype)

    def state(self) -> dict[str, Tensor]:
        """Return copies of what it goes on from."""
        return {"sums": self.sums.clone(), **self.moments.state()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take over what :meth:`state` gave."""
        self.sums = state["sums"].to(self.sums.device).clone()
        self.moments.load({name: value for name, value in state.items() if name != "sums"})
