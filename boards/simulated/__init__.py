"""A board without a board: its top level under Verilator, its serial line a pseudo-terminal."""
