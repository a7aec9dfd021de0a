"""The catalogue of stochastic games: grids, repeated games, absorbing games, counterexamples and random families."""
