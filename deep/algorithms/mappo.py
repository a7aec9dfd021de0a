"""Multi-agent PPO: policies that see their own observations, and a critic in training that sees more.

The five things that Yu et al. (2022) found to matter are settings: `normalise_values`; `critic_sees`, by default the
agent's observation and the task's state; how often data are used, `epochs` and `minibatches`; `ratio_clip` and
`value_clip`; and the batch, `n_envs` times `rollout_steps`.

Departures
----------
1. Values are standardised by all returns so far, not by an exponential average of them.
2. No death masking: tasks here keep all agents to the end.

References
----------
Yu, C. et al. (2022). The surprising effectiveness of PPO in cooperative multi-agent games. NeurIPS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from marlgt.deep.algorithms.ppo import PPO

__all__ = ["MAPPO"]


@dataclass(frozen=True, kw_only=True)
class MAPPO(PPO):
    """Multi-agent PPO; its switches are those of :class:`PPO`."""

    name: ClassVar[str] = "MAPPO"

    minibatches: int = 1
    normalise_values: bool = True
    critic_sees: Literal["observation", "state", "both", "joint"] = "both"
