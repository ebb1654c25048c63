"""Mutated inputs, and what becomes of them: `make fuzz`."""
