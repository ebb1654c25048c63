"""Compression: a network whose weights, as the engine stores and computes them, fit a budget."""
