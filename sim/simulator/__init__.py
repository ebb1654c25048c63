"""Make the program that simulates an engine: its Verilog, then C++ and objects by Verilator and g++, kept by digest."""
