"""Errors, progress, files: what knows nothing of networks."""
