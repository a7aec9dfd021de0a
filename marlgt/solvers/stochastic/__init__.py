"""Solvers of stochastic games.

- two players, zero sum: ``value_iteration`` and ``policy_iteration``, on ``_iterations``, ``_stages`` and
  ``_stage_kernels``
- all rewards common: ``planning``
- general sums, one equilibrium: ``portfolio`` and ``quantal_homotopy``, on ``_quantal_trace``, ``_stage_tables`` and
  ``_stationary_newton``
- general sums, iterating stage equilibria: ``stage_iteration`` and ``friends_and_foes``, on ``_sweeps`` and
  ``_stage_choice``
"""
