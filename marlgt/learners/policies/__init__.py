"""Learners of policies: hill climbing, gradients, regrets, and lookahead with exact derivatives."""
