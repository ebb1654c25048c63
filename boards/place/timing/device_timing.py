"""What static timing must be told of a device."""

from __future__ import annotations

from dataclasses import dataclass

from firelane.boards.place.timing.wire_estimate import WireEstimate


@dataclass(frozen=True)
class DeviceTiming:
    """The device's wires, and which ports are special; `boards.place.ecp5.ecp5_timing` has those of the ECP5."""

    wires: WireEstimate
    direct_ports: frozenset[str]        #: next to what drives them: no wire between
    global_drivers: frozenset[str]      #: types of cells that drive clock wires, which go everywhere
    clock_ports: tuple[str, ...]        #: beginnings of their names
