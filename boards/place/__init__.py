"""From a netlist to a better place for each of its cells."""
