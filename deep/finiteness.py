"""Numbers that are not finite: an environment that gives them, and learning that ends in them."""

from __future__ import annotations

import math

import torch

from marlgt.deep.seeded_environments import SeededStep
from marlgt.errors import GameError

__all__ = ["NotFinite", "require_sound"]


class NotFinite(GameError):
    """Learning met a number that is not finite."""

    @classmethod
    def learning(cls, steps: int, updates: int, where: str) -> NotFinite:
        """Return the error of a learner whose loss or networks are broken."""
        return cls(
            f"learning stopped at environment step {steps}, update {updates}: {where} held a number that is not "
            "finite; a lower lr, a clip or rewards of a smaller scale may help, and the last checkpoint is kept"
        )


def require_sound(step: SeededStep, steps: int) -> None:
    """Raise if an environment observed or paid what is not finite; a device is not waited for.

    Parameters
    ----------
    step : SeededStep
    steps : int
        Environment steps before it.

    Raises
    ------
    NotFinite
    """
    if step.rewards.device.type != "cpu":
        return
    # Sums are cheap; they may overflow where no number does.
    if math.isfinite(float(step.rewards.sum()) + float(step.reached.sum())):
        return
    for name, numbers in (("rewards", step.rewards), ("observations", step.reached)):
        if not bool(torch.isfinite(numbers).all()):
            raise NotFinite(
                f"learning stopped after environment step {steps}: the {name} of the environment held a "
                "number that is not finite; mend the environment, and the last checkpoint is kept"
            )
