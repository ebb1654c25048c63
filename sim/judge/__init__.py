"""Hold the levels of truth together: reference, emulator, Verilog."""
