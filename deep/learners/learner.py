"""What learners of values and of policies have in common: networks of all seeds, and how far their run has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from marlgt.deep.exploration import seeded_generators
from marlgt.deep.finiteness import NotFinite
from marlgt.deep.learners.stopped_seeds import StoppedSeeds
from marlgt.deep.networks.initialising import initialise
from marlgt.deep.optimisers import Adam, FlatParameters
from marlgt.deep.schedules import towards

if TYPE_CHECKING:
    from marlgt.deep.algorithms.algorithm import Algorithm
    from marlgt.deep.algorithms.value_algorithm import Spec

__all__ = ["Learner"]

_INITIAL = 0
"""The purpose for which first weights are drawn."""


class Learner:
    """Networks of S seeds in one buffer, their optimiser, random numbers for each purpose, and counts.

    Parameters
    ----------
    algorithm : Algorithm
    spec : Spec
    seeds : sequence of int
    steps : int
        Environment steps of the whole run, for each seed; rates fall over them.
    device : torch.device or str
    purposes : sequence of int
        What else random numbers are drawn for, from 1 on.
    apart : bool
        Whether seeds may rest while others go on.

    Attributes
    ----------
    module : nn.Module
        The networks that are trained.
    generators : dict of int to list of torch.Generator
        For each purpose one for each seed.
    steps, updates : int
        Environment steps of each seed so far, and updates of the networks.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        spec: Spec,
        seeds: Sequence[int],
        *,
        steps: int,
        device: torch.device | str,
        purposes: Sequence[int],
        apart: bool = False,
    ) -> None:
        self.algorithm, self.spec, self.total = algorithm, spec, steps
        self.seeds = [int(seed) for seed in seeds]
        self.device = torch.device(device)
        n_seeds = len(self.seeds)
        self.module: Any = algorithm.network(spec, n_seeds)
        initialise(self.module, seeded_generators(seeds, _INITIAL))
        self.module.to(self.device)
        self.parameters = FlatParameters(self.module, n_seeds)
        self.optimiser = Adam(self.parameters, algorithm.lr, algorithm.adam_epsilon, clip=algorithm.clip, apart=apart)
        self.generators = {purpose: seeded_generators(seeds, purpose, self.device) for purpose in purposes}
        self.steps = 0
        self.updates = 0
        self._starts = torch.ones((n_seeds, algorithm.n_envs), dtype=torch.bool, device=self.device)
        self._loss = torch.zeros(n_seeds, device=self.device)
        self._stopped = StoppedSeeds(self.parameters, self.optimiser)

    @property
    def progress(self) -> float:
        """The share of the run that is done, from 0 to 1."""
        return min(1.0, self.steps / max(1, self.total))

    @property
    def judged_parameters(self) -> FlatParameters:
        """The networks that are evaluated and kept."""
        return self.parameters

    def stop(self, place: int) -> None:
        """Leave the networks of the seed in this place as they are now, so that it cannot end the others' run."""
        self._stopped.stop(place)

    def require_finite(self) -> None:
        """Raise unless all weights are numbers, from which a run can go on.

        Raises
        ------
        NotFinite
        """
        where = self.parameters.finite()
        if where is not None:
            raise NotFinite.learning(self.steps, self.updates, f"the weights {where}")

    def _set_rate(self) -> None:
        """Give the optimiser the learning rate of this time."""
        self.optimiser.lr = towards(self.algorithm.lr, self.algorithm.lr_end, self.progress)

    def _what_is_broken(self, otherwise: str = "the loss, whose values grew beyond all bounds") -> str:
        """Return what is not finite where a loss is not: the weights, if some are not, or something else."""
        where = self.parameters.finite()
        return otherwise if where is None else f"the weights {where}"
