"""Dynamics of replies: fictitious play and its kin, best-response dynamics."""
