"""The testing kit: strategies for games and answers, assertions that explain, a conformance suite.

Solvers and learners are tested here against the definitions: draw a game of any kind with
:func:`normal_form_games`, check an answer with :func:`assert_nash`, or run the whole suite on a solver
of your own with one line, ``check_solver(my_solver)``. It needs Hypothesis: ``pip install "marlgt[testing]"``.
"""

from marlgt._lazy import attach

_EXPORTS = {
    "Conformance": "marlgt.testing.conformance",
    "KINDS": "marlgt.testing.strategies",
    "PropertyResult": "marlgt.testing.conformance",
    "TREE_KINDS": "marlgt.testing.trees",
    "any_game": "marlgt.testing.strategies",
    "any_stochastic_game": "marlgt.testing.stochastic",
    "as_code": "marlgt.testing.strategies",
    "assert_coarse_correlated": "marlgt.testing.assertions",
    "assert_correlated": "marlgt.testing.assertions",
    "assert_epsilon_nash": "marlgt.testing.assertions",
    "assert_nash": "marlgt.testing.assertions",
    "behavior_profiles": "marlgt.testing.trees",
    "bimatrix_games": "marlgt.testing.strategies",
    "broken_game_files": "marlgt.testing.files",
    "check_dynamic": "marlgt.testing.dynamics",
    "check_extensive_solver": "marlgt.testing.policy_conformance",
    "check_learner": "marlgt.testing.learners",
    "check_solver": "marlgt.testing.conformance",
    "check_stochastic_solver": "marlgt.testing.policy_conformance",
    "common_interest_games": "marlgt.testing.strategies",
    "common_interest_stochastic_games": "marlgt.testing.stochastic",
    "constant_sum_games": "marlgt.testing.strategies",
    "coordination_games": "marlgt.testing.strategies",
    "degenerate_games": "marlgt.testing.strategies",
    "dominated_games": "marlgt.testing.strategies",
    "duplicate_games": "marlgt.testing.strategies",
    "ending_stochastic_games": "marlgt.testing.stochastic",
    "extensive_games": "marlgt.testing.trees",
    "extreme_equilibria": "marlgt.testing.reference",
    "extreme_scale_games": "marlgt.testing.strategies",
    "forgetful_games": "marlgt.testing.trees",
    "fraction_games": "marlgt.testing.strategies",
    "from_matrices": "marlgt.testing.sandbox",
    "game_files": "marlgt.testing.files",
    "generic_games": "marlgt.testing.strategies",
    "imperfect_information_games": "marlgt.testing.trees",
    "is_nondegenerate": "marlgt.testing.reference",
    "joint_distributions": "marlgt.testing.strategies",
    "large_integer_games": "marlgt.testing.strategies",
    "near_tie_games": "marlgt.testing.strategies",
    "normal_form_games": "marlgt.testing.strategies",
    "perfect_information_games": "marlgt.testing.trees",
    "potential_games": "marlgt.testing.strategies",
    "profiles": "marlgt.testing.strategies",
    "schedules": "marlgt.testing.learners",
    "simultaneous_games": "marlgt.testing.trees",
    "stationary_profiles": "marlgt.testing.stochastic",
    "stochastic_games": "marlgt.testing.stochastic",
    "symmetric_games": "marlgt.testing.strategies",
    "transitions": "marlgt.testing.learners",
    "win_lose_games": "marlgt.testing.strategies",
    "zero_sum_extensive_games": "marlgt.testing.trees",
    "zero_sum_games": "marlgt.testing.strategies",
    "zero_sum_stochastic_games": "marlgt.testing.stochastic",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
