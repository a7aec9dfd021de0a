"""Solvers of stochastic games.

- two players, zero sum: ``value_iteration`` and ``policy_iteration``, on ``_iterations``, ``_stages``,
  ``_stage_kernels`` and ``_damped_newton``
- all rewards common: ``planning``
- general sums, one equilibrium: ``portfolio`` and ``quantal_homotopy``, on ``_quantal_trace``, ``_stage_tables``,
  ``_stationary_newton`` and ``_stationary_answers``
- general sums, iterating stage equilibria: ``stage_iteration`` and ``friends_and_foes``, on ``_sweeps`` and
  ``_stage_choice``
- repeated games of two players: ``repeated``
"""
