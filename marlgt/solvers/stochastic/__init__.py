"""Solvers of stochastic games.

- two players, zero sum: ``value_iteration`` and ``policy_iteration``, on ``_iterations``, ``_stages`` and
  ``_stage_kernels``
- all rewards common: ``planning``
"""
