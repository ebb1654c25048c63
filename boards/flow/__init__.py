"""Run the tools in order, from gateware to bitstream."""
