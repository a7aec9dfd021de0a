"""Learners that model the others: frequencies, reconstructed policies, types and beliefs about them."""
