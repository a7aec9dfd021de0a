"""Solvers of stochastic games.

- two players, zero sum: ``value_iteration`` and ``policy_iteration``, on ``_iterations``, ``_stages`` and
  ``_stage_kernels``
- all rewards common: ``planning``
- general sums, one equilibrium: ``portfolio`` and ``quantal_homotopy``, on ``_quantal_trace``, ``_stationary_newton`` and
  ``_stage_tables``
- general sums, iterating stage equilibria: ``stage_iteration`` and ``friends_and_foes``, on ``_sweeps`` and
  ``_stage_choice``
"""
