"""Whose word is in which block RAM of a bitstream."""
