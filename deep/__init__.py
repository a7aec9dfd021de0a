"""Multi-agent deep reinforcement learning: the place where PyTorch lives, and nowhere else.

An algorithm is a frozen dataclass of its settings, such as ``QMIX(lr=3e-4)``; :func:`train` trains it on a task, for
any number of seeds at once, and :func:`evaluate` plays what it learnt.
"""

if __name__ != "marlgt.deep":
    raise ImportError("write `import marlgt.deep` (or `from marlgt import deep`), not `import deep`")

from marlgt._lazy import attach

_EXPORTS = {
    "A2C": "marlgt.deep.algorithms.a2c",
    "COMA": "marlgt.deep.algorithms.coma",
    "CentralCritic": "marlgt.deep.algorithms.central_critic",
    "GMAC": "marlgt.deep.algorithms.gmac",
    "GMACIPPO": "marlgt.deep.algorithms.gmac",
    "GMACMAPPO": "marlgt.deep.algorithms.gmac",
    "IA2C": "marlgt.deep.algorithms.ia2c",
    "IPPO": "marlgt.deep.algorithms.ippo",
    "IREINFORCE": "marlgt.deep.algorithms.ireinforce",
    "MAA2C": "marlgt.deep.algorithms.maa2c",
    "MAPPO": "marlgt.deep.algorithms.mappo",
    "PPO": "marlgt.deep.algorithms.ppo",
    "REINFORCE": "marlgt.deep.algorithms.reinforce",
    "TRPO": "marlgt.deep.algorithms.trpo",
    "C51": "marlgt.deep.algorithms.c51",
    "CentralQ": "marlgt.deep.algorithms.central_q",
    "DQN": "marlgt.deep.algorithms.dqn",
    "DoubleDQN": "marlgt.deep.algorithms.double_dqn",
    "DuelingDQN": "marlgt.deep.algorithms.dueling_dqn",
    "IDQN": "marlgt.deep.algorithms.idqn",
    "IQN": "marlgt.deep.algorithms.iqn",
    "JALAM": "marlgt.deep.algorithms.jal_am",
    "NStepDQN": "marlgt.deep.algorithms.n_step_dqn",
    "NoisyDQN": "marlgt.deep.algorithms.noisy_dqn",
    "PrioritisedDQN": "marlgt.deep.algorithms.prioritised_dqn",
    "QMIX": "marlgt.deep.algorithms.qmix",
    "QRDQN": "marlgt.deep.algorithms.qr_dqn",
    "QTRAN": "marlgt.deep.algorithms.qtran",
    "Rainbow": "marlgt.deep.algorithms.rainbow",
    "Run": "marlgt.deep.runs.run",
    "VDN": "marlgt.deep.algorithms.vdn",
    "evaluate": "marlgt.deep.evaluation",
    "learnt_values": "marlgt.deep.inspection",
    "load_run": "marlgt.deep.runs.run",
    "make_environment": "marlgt.deep.environments",
    "recipe": "marlgt.deep.recipes.naming",
    "resume": "marlgt.deep.training",
    "train": "marlgt.deep.training",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS, submodules=("environments",))
