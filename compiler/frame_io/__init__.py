"""A picture as input bytes, result bytes as classes."""
