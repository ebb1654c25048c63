"""The netlist as the placer sees it."""
