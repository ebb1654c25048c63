"""Simulated annealing of the places of cells."""
