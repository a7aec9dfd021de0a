"""The algorithms by name, for records and for the command line."""

from __future__ import annotations

import difflib
import importlib

from marlgt.deep.algorithms.algorithm import Algorithm
from marlgt.errors import GameError

__all__ = ["ALGORITHMS", "algorithm_named"]

ALGORITHMS = {
    "DQN": "marlgt.deep.algorithms.dqn",
    "DoubleDQN": "marlgt.deep.algorithms.double_dqn",
    "DuelingDQN": "marlgt.deep.algorithms.dueling_dqn",
    "PrioritisedDQN": "marlgt.deep.algorithms.prioritised_dqn",
    "NStepDQN": "marlgt.deep.algorithms.n_step_dqn",
    "NoisyDQN": "marlgt.deep.algorithms.noisy_dqn",
    "C51": "marlgt.deep.algorithms.c51",
    "QRDQN": "marlgt.deep.algorithms.qr_dqn",
    "IQN": "marlgt.deep.algorithms.iqn",
    "Rainbow": "marlgt.deep.algorithms.rainbow",
    "IDQN": "marlgt.deep.algorithms.idqn",
    "CentralQ": "marlgt.deep.algorithms.central_q",
    "VDN": "marlgt.deep.algorithms.vdn",
    "QMIX": "marlgt.deep.algorithms.qmix",
    "QTRAN": "marlgt.deep.algorithms.qtran",
    "JALAM": "marlgt.deep.algorithms.jal_am",
    "REINFORCE": "marlgt.deep.algorithms.reinforce",
    "A2C": "marlgt.deep.algorithms.a2c",
    "PPO": "marlgt.deep.algorithms.ppo",
    "TRPO": "marlgt.deep.algorithms.trpo",
    "IREINFORCE": "marlgt.deep.algorithms.ireinforce",
    "IA2C": "marlgt.deep.algorithms.ia2c",
    "IPPO": "marlgt.deep.algorithms.ippo",
    "MAPPO": "marlgt.deep.algorithms.mappo",
    "MAA2C": "marlgt.deep.algorithms.maa2c",
    "CentralCritic": "marlgt.deep.algorithms.central_critic",
    "COMA": "marlgt.deep.algorithms.coma",
    "GMAC": "marlgt.deep.algorithms.gmac",
    "GMACIPPO": "marlgt.deep.algorithms.gmac",
    "GMACMAPPO": "marlgt.deep.algorithms.gmac",
}
"""Where each algorithm is."""


def algorithm_named(name: str) -> type[Algorithm]:
    """Return the algorithm of a name; capitals do not matter.

    Raises
    ------
    GameError
        For a name that there is not, with the nearest one.
    """
    by_name = {each.lower(): each for each in ALGORITHMS}
    found = by_name.get(str(name).lower())
    if found is None:
        near = difflib.get_close_matches(str(name).lower(), by_name, n=1, cutoff=0.4)
        hint = f"did you mean {by_name[near[0]]}?" if near else f"choose one of {', '.join(ALGORITHMS)}"
        raise GameError(f"there is no algorithm {name!r}; {hint}")
    algorithm: type[Algorithm] = getattr(importlib.import_module(ALGORITHMS[found]), found)
    return algorithm
