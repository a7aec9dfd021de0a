"""Multi-agent deep reinforcement learning: the place where PyTorch lives, and nowhere else.

An algorithm is a frozen dataclass of its settings, such as ``QMIX(lr=3e-4)``; :func:`train` trains it on a task, for
any number of seeds at once, and :func:`evaluate` plays what it learnt.
"""

if __name__ != "marlgt.deep":
    raise ImportError("write `import marlgt.deep` (or `from marlgt import deep`), not `import deep`")

from marlgt._lazy import attach

_EXPORTS = {
    "C51": "marlgt.deep.c51",
    "CentralQ": "marlgt.deep.central_q",
    "DQN": "marlgt.deep.dqn",
    "DoubleDQN": "marlgt.deep.double_dqn",
    "DuelingDQN": "marlgt.deep.dueling_dqn",
    "IDQN": "marlgt.deep.idqn",
    "IQN": "marlgt.deep.iqn",
    "JALAM": "marlgt.deep.jal_am",
    "NStepDQN": "marlgt.deep.n_step_dqn",
    "NoisyDQN": "marlgt.deep.noisy_dqn",
    "PrioritisedDQN": "marlgt.deep.prioritised_dqn",
    "QMIX": "marlgt.deep.qmix",
    "QRDQN": "marlgt.deep.qr_dqn",
    "QTRAN": "marlgt.deep.qtran",
    "Rainbow": "marlgt.deep.rainbow",
    "Run": "marlgt.deep.training",
    "VDN": "marlgt.deep.vdn",
    "evaluate": "marlgt.deep.evaluation",
    "load_run": "marlgt.deep.training",
    "make_environment": "marlgt.deep.environments",
    "resume": "marlgt.deep.training",
    "train": "marlgt.deep.training",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS, submodules=("environments",))
