"""Empirical games: populations of policies, the games that they play against each other, and their rankings."""
