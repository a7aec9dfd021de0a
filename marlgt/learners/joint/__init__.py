"""Learners of joint-action values: central, or by solving the stage game of every state."""
