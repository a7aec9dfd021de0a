"""Game files: one module for each format, all on one lexer with limits."""
