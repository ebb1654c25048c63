"""What a synthesised netlist's cells take of an ECP5."""

from firelane.boards.place.netlist.netlist_graph import LogicTypes

#: A flip-flop takes little, for most share a place with the LUT that feeds them; multiplexers are beside their LUTs.
ECP5_LOGIC = LogicTypes(
    areas={"LUT4": 1.0, "CCU2C": 2.0, "TRELLIS_FF": 0.35, "TRELLIS_DPR16X4": 6.0, "PFUMX": 0.0, "L6MUX21": 0.0},
    ignored=frozenset({"$scopeinfo", "EHXPLLL"}))
