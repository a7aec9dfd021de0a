"""Finite populations: selection, imitation, fixation and stochastic stability."""
