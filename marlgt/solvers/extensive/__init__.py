"""Solvers of extensive games; their functions are exported by :mod:`marlgt.solvers`.

- counterfactual regret minimization: ``cfr`` (CFR, CFR+, linear, discounted, predictive) and ``regret_minimizer``, the
  state of a run, on ``_sequence_rows`` and ``_regret_kernels``
- the same from sampled plays: ``mccfr``, on ``_sampling_kernels``
- fictitious play in extensive form: ``xfp``
"""
