"""Tests of `sim/waves/`."""
