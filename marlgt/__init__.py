"""marlgt: games, solution concepts, solvers, learners and certificates, from a matrix to a swarm.

>>> import marlgt as gt
>>> g = gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
>>> for e in gt.solve(g):
...     print(e.profile, e.values, e.epsilon)
(array([0., 1.]), array([0., 1.])) [1. 1.] 0.0

Importing it loads numpy and nothing heavier; everything else loads when it is first used.
"""

from marlgt._lazy import attach

__version__ = "0.1.0"

_EXPORTS = {
    "BudgetExceeded": "marlgt.errors",
    "Certificate": "marlgt.certificates",
    "Equilibria": "marlgt.equilibria",
    "Equilibrium": "marlgt.equilibria",
    "ExactnessError": "marlgt.errors",
    "ExtensiveGame": "marlgt.games.extensive",
    "GameError": "marlgt.errors",
    "LearningStopped": "marlgt.errors",
    "NormalFormGame": "marlgt.games.normal_form",
    "NotConverged": "marlgt.errors",
    "ParseError": "marlgt.errors",
    "ProfileError": "marlgt.errors",
    "SavingFailed": "marlgt.errors",
    "StochasticGame": "marlgt.games.stochastic",
    "UnreadableFile": "marlgt.errors",
    "UnsupportedGame": "marlgt.errors",
    "certify": "marlgt.certificates",
    "solve": "marlgt.solvers.selection",
    "warm_up": "marlgt.kernels",
}
_SUBMODULES = ("concepts", "deep", "dynamics", "games", "learners", "pictures", "solvers", "statistics", "testing")
__all__ = ["__version__", *sorted(_EXPORTS), *_SUBMODULES]
__getattr__, __dir__ = attach(__name__, _EXPORTS, submodules=_SUBMODULES)
