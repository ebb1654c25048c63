"""Build the Verilog with Verilator and run it."""
