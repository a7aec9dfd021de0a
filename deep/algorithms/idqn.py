"""Independent deep Q-networks: every agent learns the values of her own actions, as if the others were the world.

The loss is the sum over agents of ``(r_i + discount max Q_i'(h_i', .) - Q_i(h_i, a_i))^2``. With `share` ``"all"`` the
agents have one network, which learns from all agents' experience (parameter sharing); with ``"none"`` each has her own
network and learns from her own experience, or with `shared_experience` from everybody's (experience sharing).

Departures
----------
1. Double Q-learning is on unless `double` is turned off; the paper's learners have none.
2. Experience is shared by dealing each window's agents out to the networks at random, so that every network learns from
   as many transitions as before, any agent's alike; the book draws more of them from one replay.

References
----------
Tampuu, A. et al. (2017). Multiagent cooperation and competition with deep reinforcement learning. PLOS ONE 12(4).
Tan, M. (1993). Multi-agent reinforcement learning: independent vs. cooperative agents. ICML.
Gupta, J. K., Egorov, M. & Kochenderfer, M. (2017). Cooperative multi-agent control using deep reinforcement learning.
AAMAS workshops. Parameter sharing.
Albrecht, S. V., Christianos, F. & Schäfer, L. (2024). Multi-agent reinforcement learning: foundations and modern
approaches, algorithm 24. MIT Press. Experience sharing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from marlgt.deep.algorithms.dqn import DQN
from marlgt.deep.algorithms.value_algorithm import HandLoss, Loss
from marlgt.errors import GameError

if TYPE_CHECKING:
    from marlgt.deep.networks.plain_networks import PlainNetwork
    from marlgt.deep.replay.store import Batch

__all__ = ["IDQN"]


@dataclass(frozen=True, kw_only=True)
class IDQN(DQN):
    """Independent deep Q-networks; other settings are those of
    :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm`.

    Attributes
    ----------
    shared_experience : bool
        Whether networks that are not shared learn from what all agents met.
    """

    name: ClassVar[str] = "IDQN"

    double: bool = True
    shared_experience: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shared_experience and self.recurrent:
            raise GameError(
                "shared_experience cannot go with a recurrent network: what one agent remembers means nothing to "
                "another's network; leave one of them False"
            )

    def loss(self, online: Any, target: Any, batch: Batch, generators: Sequence[torch.Generator]) -> Loss:
        """Return the sum over agents of the errors of their own values."""
        if self.shared_experience:
            batch = dealt_out(batch, generators)
        return super().loss(online, target, batch, generators)

    def loss_by_hand(self, online: PlainNetwork, target: PlainNetwork, batch: Batch) -> HandLoss | None:
        """Return what :meth:`DQN.loss_by_hand` does, unless experience is shared."""
        return None if self.shared_experience else super().loss_by_hand(online, target, batch)


def dealt_out(batch: Batch, generators: Sequence[torch.Generator]) -> Batch:
    """Return a batch in which the agents of each window have changed places at random.

    Parameters
    ----------
    batch : Batch
    generators : sequence of torch.Generator
        One for each seed.
    """
    windows, n_agents = batch.actions.shape[2:]
    draws = [torch.rand((windows, n_agents), generator=each, device=batch.actions.device) for each in generators]
    places = torch.stack(draws).argsort(-1).unsqueeze(1)

    def moved(field: Tensor) -> Tensor:
        index = places if field.dim() == 4 else places.unsqueeze(-1)
        return field.gather(3, index.expand(field.shape))

    names = ("observations", "actions", "rewards", "reached", "allowed", "reached_allowed")
    changed = {name: moved(getattr(batch, name)) for name in names if getattr(batch, name) is not None}
    return batch._replace(**changed)
