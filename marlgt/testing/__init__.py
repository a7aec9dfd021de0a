"""The testing kit: strategies for games and answers, assertions that explain, a conformance suite.

Solvers and learners are tested here against the definitions: draw a game of any kind with
:func:`normal_form_games`, check an answer with :func:`assert_nash`, or run the whole suite on a solver
of your own with one line, ``check_solver(my_solver)``. It needs Hypothesis: ``pip install "marlgt[testing]"``.
"""

from marlgt._lazy import attach

_EXPORTS: dict[str, str] = {}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
