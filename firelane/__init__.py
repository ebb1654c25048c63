"""SqueezeNet inside one FPGA: compile, simulate, build."""
