"""Rollouts: what policies do between two updates, and the mini-batches that are learnt from."""
