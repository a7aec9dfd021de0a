"""Learners of action values: each player for herself, and values of a fixed policy."""
