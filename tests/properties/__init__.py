"""Random data and random expressions, asked of the engine and of the oracle: they must agree."""
