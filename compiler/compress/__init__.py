"""From a float network to one whose weights fit a budget, as the engine stores and computes them."""
