"""Places of block RAMs and multipliers."""
