"""From a tap to stored pixels: memory, moves, multipliers, requantization."""
