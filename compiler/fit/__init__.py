"""Whether a network fits, and what it costs."""
