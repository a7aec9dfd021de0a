"""Networks of many agents and seeds in the same tensor operations: layers, heads, mixers, and who shares them."""
