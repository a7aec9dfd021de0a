"""Extensive games of the catalogue, and the rules of those that are also searched."""
