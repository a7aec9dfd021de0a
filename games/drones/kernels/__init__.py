"""The mathematics of flight and of the rules of a step, written once, in lane code, for all backends."""
