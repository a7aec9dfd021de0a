"""Dynamics for players who see no more than their own payoffs."""
