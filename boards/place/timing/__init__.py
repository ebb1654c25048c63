"""Delays of cells and wires, and the paths that are late."""
