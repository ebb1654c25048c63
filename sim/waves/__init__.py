"""Waveforms to look at: which part of a run is written, and how a viewer shows it."""
