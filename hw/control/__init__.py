"""Which instruction runs, and when the engine stops."""
