"""Dynamics of no regret for players who know their payoffs."""
