"""GMAC: policies by PPO, critics that tell the law of returns as a mixture of normals.

Targets are SR(λ) laws of a rollout (:mod:`marlgt.deep.losses.sample_replacement`), the critic's loss is the energy
distance to them, twice the squared Cramér distance, and advantages come from the means, which makes them those of PPO
(Nam et al. 2021). Nothing else changes: what stands here are defaults of settings that every policy algorithm has.

Departures
----------
1. An episode that is only stopped goes on in the target, with the law of what was reached; the authors' code lets it
   end.
2. The distance of the target from itself, which has no gradient, is left out of the loss.
3. Gradients are clipped at a norm of 0.5, as in PPO; the authors' at 5.
4. Components of targets are drawn systematically, which needs fewer of them.

References
----------
Nam, D. W., Kim, Y. and Park, C. Y. (2021). GMAC: a distributional perspective on actor-critic framework. ICML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from marlgt.deep.algorithms.ippo import IPPO
from marlgt.deep.algorithms.mappo import MAPPO
from marlgt.deep.algorithms.ppo import PPO

__all__ = ["GMAC", "GMACIPPO", "GMACMAPPO"]

Critics = Literal["scalar", "mixture", "categorical", "quantile", "implicit_quantile"]


@dataclass(frozen=True, kw_only=True)
class GMAC(PPO):
    """PPO with a mixture critic; its switches are those of :class:`PPO`."""

    name: ClassVar[str] = "GMAC"

    critic: Critics = "mixture"
    normalise_values: bool = True


@dataclass(frozen=True, kw_only=True)
class GMACIPPO(IPPO):
    """Independent PPO with mixture critics; its switches are those of :class:`PPO`."""

    name: ClassVar[str] = "GMACIPPO"

    critic: Critics = "mixture"
    normalise_values: bool = True


@dataclass(frozen=True, kw_only=True)
class GMACMAPPO(MAPPO):
    """Multi-agent PPO with mixture critics; its switches are those of :class:`PPO`."""

    name: ClassVar[str] = "GMACMAPPO"

    critic: Critics = "mixture"
