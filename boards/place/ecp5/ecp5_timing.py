"""What static timing must know of the ECP5: nextpnr's estimate of a wire, and the ports that have none."""

from firelane.boards.place.timing.device_timing import DeviceTiming
from firelane.boards.place.timing.wire_estimate import WireEstimate

#: predictDelay of nextpnr's ecp5 architecture, whose unit is the delay of a tile far from both ends
ECP5_WIRES = WireEstimate(base=6, near_tiles=5)
ECP5_TIMING = DeviceTiming(wires=ECP5_WIRES, direct_ports=frozenset({"FCI", "FXA", "FXB", "DI"}),
                           global_drivers=frozenset({"DCCA", "EHXPLLL"}), clock_ports=("CLK", "WCK"))
