"""Flows and gradient maps: replicator, logit, gradient ascent and lookahead."""
