"""Solvers: they know the whole game and return certified answers, each under its published name.

The question, the module that answers it, and the modules that do its work:

- which method: ``selection``; other packages' methods: ``backends``
- two players, zero sum: ``matrix_game``, ``matrix_game_batch``, ``interior_point``, ``security``, on ``_simplex``,
  ``_condensed_tableau`` and ``_saddle_points``
- two players, every equilibrium: ``vertices`` and ``components``, on ``_polytope_pair``, ``_polytopes``,
  ``_array_walk``, ``_polytope_kernel`` and ``_envelope``; ``supports``, on ``_support_kernel``; ``degeneracy``
- two players, one equilibrium: ``pivoting``, on ``_paths``, ``_path_ends`` and ``_tableaux``; proofs: ``exact``
- more players, every equilibrium: ``polynomial`` on ``_support_systems``, ``_contraction``, ``_subdivision``; ``pure``
- more players, one equilibrium: ``portfolio``, ``polymatrix``, ``homotopy`` and ``newton``, on ``_tensors``,
  ``_lemke``, ``_logit_trace``, ``_small_supports`` and ``_support_newton``
- other concepts: ``correlated`` on ``_incentives``, ``commitment``, ``efficiency``, ``evolution``
"""

from marlgt._lazy import attach

_EXPORTS = {
    "AlphaRank": "marlgt.solvers.empirical.alpharank",
    "BACKENDS": "marlgt.solvers.backends",
    "EmpiricalGame": "marlgt.solvers.empirical.results",
    "LogitPath": "marlgt.solvers.homotopy",
    "MatrixGameBatch": "marlgt.solvers.matrix_game_batch",
    "NashSubset": "marlgt.solvers.components",
    "RegretMinimizer": "marlgt.solvers.extensive.regret_minimizer",
    "SearchResult": "marlgt.solvers.search.results",
    "SecurityLevels": "marlgt.solvers.security",
    "all_isolated_equilibria": "marlgt.solvers.polynomial",
    "alpha_beta": "marlgt.solvers.search.alphabeta",
    "alpha_rank": "marlgt.solvers.empirical.alpharank",
    "alpha_rank_meta": "marlgt.solvers.empirical.meta_solvers",
    "backward_induction": "marlgt.solvers.extensive.subgame_perfection",
    "cfr": "marlgt.solvers.extensive.cfr",
    "cfr_plus": "marlgt.solvers.extensive.cfr",
    "coarse_correlated_equilibrium": "marlgt.solvers.correlated",
    "correlated_equilibrium": "marlgt.solvers.correlated",
    "discounted_cfr": "marlgt.solvers.extensive.cfr",
    "double_oracle": "marlgt.solvers.empirical.restricted",
    "evolutionarily_stable_strategies": "marlgt.solvers.evolution",
    "exact_equilibrium": "marlgt.solvers.exact",
    "extensive_fictitious_play": "marlgt.solvers.extensive.xfp",
    "external_sampling_mccfr": "marlgt.solvers.extensive.mccfr",
    "fairness_optimal": "marlgt.solvers.efficiency",
    "find_one": "marlgt.solvers.portfolio",
    "hoffman_karp": "marlgt.solvers.stochastic.policy_iteration",
    "is_degenerate": "marlgt.solvers.degeneracy",
    "iterated_polymatrix": "marlgt.solvers.polymatrix",
    "lemke_howson": "marlgt.solvers.pivoting",
    "lemke_howson_all_labels": "marlgt.solvers.pivoting",
    "lemke_howson_race": "marlgt.solvers.pivoting",
    "linear_cfr": "marlgt.solvers.extensive.cfr",
    "logit": "marlgt.solvers.homotopy",
    "logit_path": "marlgt.solvers.homotopy",
    "markov_logit": "marlgt.solvers.stochastic.quantal_homotopy",
    "markov_quantal_response": "marlgt.solvers.stochastic.quantal_homotopy",
    "maxmin_fair": "marlgt.solvers.efficiency",
    "minimax": "marlgt.solvers.matrix_game",
    "minimax_batch": "marlgt.solvers.matrix_game_batch",
    "minimax_search": "marlgt.solvers.search.alphabeta",
    "modified_policy_iteration": "marlgt.solvers.stochastic.value_iteration",
    "nash_meta": "marlgt.solvers.empirical.meta_solvers",
    "nash_subsets": "marlgt.solvers.components",
    "nashpy_lemke_howson": "marlgt.solvers.backends",
    "nashpy_linear_program": "marlgt.solvers.backends",
    "nashpy_support_enumeration": "marlgt.solvers.backends",
    "nashpy_vertex_enumeration": "marlgt.solvers.backends",
    "newton_polish": "marlgt.solvers.newton",
    "openspiel_cfr_plus": "marlgt.solvers.backends",
    "outcome_sampling_mccfr": "marlgt.solvers.extensive.mccfr",
    "pareto_optimal": "marlgt.solvers.efficiency",
    "plan_common_interest": "marlgt.solvers.stochastic.planning",
    "pollatschek_avi_itzhak": "marlgt.solvers.stochastic.policy_iteration",
    "predictive_cfr_plus": "marlgt.solvers.extensive.cfr",
    "projected_replicator_dynamics": "marlgt.solvers.empirical.meta_solvers",
    "pure_equilibria": "marlgt.solvers.pure",
    "quantal_response": "marlgt.solvers.homotopy",
    "security_levels": "marlgt.solvers.security",
    "sequence_form_lp": "marlgt.solvers.extensive.sequence_programs",
    "shapley_value_iteration": "marlgt.solvers.stochastic.value_iteration",
    "solve": "marlgt.solvers.selection",
    "stackelberg": "marlgt.solvers.commitment",
    "stackelberg_pure": "marlgt.solvers.commitment",
    "stationary_equilibrium": "marlgt.solvers.stochastic.portfolio",
    "subgame_perfect_equilibria": "marlgt.solvers.extensive.subgame_perfection",
    "support_enumeration": "marlgt.solvers.supports",
    "uniform_meta": "marlgt.solvers.empirical.meta_solvers",
    "vertex_enumeration": "marlgt.solvers.vertices",
    "welfare_optimal": "marlgt.solvers.efficiency",
    "zero_sum_interior_point": "marlgt.solvers.interior_point",
    "zero_sum_linear_program": "marlgt.solvers.matrix_game",
    "zero_sum_simplex": "marlgt.solvers.matrix_game",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
