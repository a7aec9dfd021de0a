"""Solvers of extensive games; their functions are exported by :mod:`marlgt.solvers`.

- counterfactual regret minimization: ``cfr`` (CFR, CFR+, linear, discounted, predictive) and ``regret_minimizer``, the
  state of a run, on ``_sequence_rows`` and ``_regret_kernels``
- the same from sampled plays: ``mccfr``, on ``_sampling_kernels``
- fictitious play in extensive form: ``xfp``
- perfect information: ``subgame_perfection`` (backward induction, all pure subgame-perfect equilibria)
- two players, zero sum: ``sequence_programs`` (linear programming); any payoffs: ``sequence_pivoting`` (Lemke), on
  ``_complementarity``, ``_integer_lemke`` and ``_exact_plans``
- correlation in extensive form: ``correlation``
- any players, small: ``strategic`` (the reduced normal form)
"""
