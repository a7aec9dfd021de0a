"""Learners: players who know nothing of the game but what they observe, and improve while they play."""

from marlgt._lazy import attach

_EXPORTS = {
    "Exploration": "marlgt.learners.exploration",
    "FixedPolicy": "marlgt.learners.fixed",
    "Interval": "marlgt.learners.records",
    "Learner": "marlgt.learners.play",
    "Match": "marlgt.learners.play",
    "QLearning": "marlgt.learners.independent",
    "Run": "marlgt.learners.records",
    "Schedule": "marlgt.learners.schedules",
    "Setting": "marlgt.learners.settings",
    "TableLearner": "marlgt.learners.tables",
    "Transition": "marlgt.learners.tables",
    "UniformPolicy": "marlgt.learners.fixed",
    "bootstrap_interval": "marlgt.learners.records",
    "count_bonus": "marlgt.learners.exploration",
    "epsilon_greedy": "marlgt.learners.exploration",
    "epsilon_greedy_probabilities": "marlgt.learners.exploration",
    "geometric": "marlgt.learners.schedules",
    "linear": "marlgt.learners.schedules",
    "play": "marlgt.learners.play",
    "play_seeds": "marlgt.learners.play",
    "power": "marlgt.learners.schedules",
    "softmax": "marlgt.learners.exploration",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
