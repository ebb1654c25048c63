"""Static timing of a placed netlist, with an estimate of its wires, fast enough to ask after every move.

All numbers are whole picoseconds, so results are the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from firelane.boards.place.timing.device_timing import DeviceTiming
from firelane.boards.place.timing.sdf import Delays
from firelane.boards.place.timing.wire_estimate import WireEstimate, wire_units
from firelane.compiler.support.errors import ConfigError

NEVER = -(1 << 40)      #: arrival where nothing arrives
SHARED = 250            #: picoseconds: an input of a junction that is so much before the last has no share in a delay
MOST_LEVELS = 10_000    #: of pins on a path; more is a loop


@dataclass(frozen=True, eq=False)
class Timing:
    """Picoseconds; a negative slack is too late.

    Members
    -------
    delay, slack : int64 (wires,)
    end_slack : int64 (ends,)
        Of every place where a path ends.
    share : int64 (wires,)
        How much of the ends' lateness each wire has to do with, see `TimingGraph.analyse`.
    """

    delay: np.ndarray
    slack: np.ndarray
    end_slack: np.ndarray
    share: np.ndarray


class TimingGraph:
    """Pins, wires from driver to reader, and arcs through cells.

    Members
    -------
    driver, reader : int64 (wires,)
        Cells at the ends of each wire.
    direct : bool (wires,)
        No wire at all: the two cells stand side by side.
    source_pin : int64 (wires,)
        The same for all wires of a net.
    unit : int
        Picoseconds of a tile's wire.

    Raises
    ------
    ConfigError
        If the logic has a loop.
    """

    def __init__(self, netlist: PlacedNetlist, delays: Delays, device: DeviceTiming):
        self._netlist, self._device = netlist, device
        self.unit = delays.shortest_wire // device.wires.base
        self._pins: dict[tuple[int, str], int] = {}
        sources, sinks, self.direct = self._wires()
        arc_from, arc_to, self._arc_delay, launches, ends = self._arcs(delays)
        self._ends, self._setup = _pairs(ends)
        self._launches, self._launched = _pairs(launches)
        cell_of = np.array([cell for cell, _ in self._pins])
        self.driver, self.reader = cell_of[sources], cell_of[sinks]
        self.source_pin, self._sink_pin = sources, sinks
        self._order(np.concatenate((sources, arc_from)), np.concatenate((sinks, arc_to)))

    def _pin(self, cell: int, port: str) -> int:
        return self._pins.setdefault((cell, port), len(self._pins))

    def _wires(self):
        """Pins at the ends of all wires that can be long or short."""
        drivers: dict[int, tuple[int, str]] = {}
        readers: list[tuple[int, int, str]] = []
        for number, cell in enumerate(self._netlist.cells):
            for port, net in cell.nets.items():
                if port not in cell.outputs:
                    readers.append((net, number, port))
                elif cell.type not in self._device.global_drivers:
                    drivers[net] = number, port
        ends = [(self._pin(*drivers[net]), self._pin(number, port), port in self._device.direct_ports)
                for net, number, port in readers if net in drivers]
        sources, sinks, direct = zip(*ends)
        return np.array(sources), np.array(sinks), np.array(direct)

    def _arcs(self, delays: Delays):
        """What is in cells: arcs from pin to pin, when outputs change after the clock, when inputs must be there."""
        arcs: list[tuple[int, int, int]] = []
        launches: dict[int, int] = {}
        ends: dict[int, int] = {}
        for number, cell in enumerate(self._netlist.cells):
            found = delays.cells.get(cell.name)
            if not found:
                continue
            for port, output, delay in found.arcs:
                pin = self._pins.get((number, output))
                if pin is None:
                    continue
                if port.startswith(self._device.clock_ports):
                    launches[pin] = max(delay, launches.get(pin, 0))
                elif (source := self._pins.get((number, port))) is not None:
                    arcs.append((source, pin, delay))
            ends |= {pin: setup for port, setup in found.setups.items()
                     if (pin := self._pins.get((number, port))) is not None}
        return *(np.array(column, dtype=np.int64) for column in zip(*arcs, strict=True)), launches, ends

    def _order(self, source, sink) -> None:
        """Sort edges into levels, so that a level needs only those before it."""
        level, before = np.zeros(len(self._pins), dtype=np.int64), None
        while before is None or (level != before).any():
            if level.max() > MOST_LEVELS:
                cell, port = list(self._pins)[int(level.argmax())]
                raise ConfigError(self._netlist.cells[cell].name, f"{port} depends on itself: the logic has a loop",
                                  hint="put a register into it")
            before = level.copy()
            np.maximum.at(level, sink, before[source] + 1)
        self._forward = _by_level(level[sink], source, sink)
        self._backward = _by_level(-level[source], source, sink)

    @property
    def estimate(self) -> WireEstimate:
        """How the units of its wires follow from where their ends are."""
        return self._device.wires

    def wire_delays(self) -> np.ndarray:
        """Picoseconds of each wire with all cells where they are now: int64 (wires,)."""
        x, y = self._netlist.x, self._netlist.y
        units = wire_units(self.estimate, x[self.driver] - x[self.reader], y[self.driver] - y[self.reader])
        return np.where(self.direct, 0, self.unit * units)

    def end_slacks(self, period: int) -> np.ndarray:
        """The slack of every end, without the rest of `analyse`."""
        return self._end_slacks(period, self._arrivals(self._edge_delays(self.wire_delays())))

    def analyse(self, period: int, margin: int) -> Timing:
        """All there is to know for a clock of `period`.

        An end whose slack is less than `margin` is late by the difference; the square of it is shared among the wires
        that lead there, at each junction among the inputs that come last, or less than SHARED before.
        """
        delay = self.wire_delays()
        edges = self._edge_delays(delay)
        arrival = self._arrivals(edges)
        end_slack = self._end_slacks(period, arrival)
        required = np.full(len(arrival), -NEVER)
        required[self._ends] = period - self._setup
        for edge, source, sink in self._backward:
            np.minimum.at(required, source, required[sink] - edges[edge])
        slack = required[self._sink_pin] - arrival[self.source_pin] - delay
        late = np.maximum(margin - end_slack, 0)
        return Timing(delay, slack, end_slack, self._shares(edges, arrival, late * late)[:len(delay)])

    def _edge_delays(self, wire_delays):
        return np.concatenate((wire_delays, self._arc_delay))

    def _arrivals(self, edges):
        arrival = np.full(len(self._pins), NEVER)
        arrival[self._launches] = self._launched
        for edge, source, sink in self._forward:
            np.maximum.at(arrival, sink, arrival[source] + edges[edge])
        return arrival

    def _end_slacks(self, period, arrival):
        return np.where(arrival[self._ends] < 0, -NEVER, period - self._setup - arrival[self._ends])

    def _shares(self, edges, arrival, late):
        weight, total = np.zeros(len(arrival), dtype=np.int64), np.zeros(len(arrival), dtype=np.int64)
        share = np.zeros(len(edges), dtype=np.int64)
        weight[self._ends] = late
        for edge, source, sink in reversed(self._forward):
            closeness = np.maximum(SHARED - (arrival[sink] - arrival[source] - edges[edge]), 0)
            np.add.at(total, sink, closeness)
            part = weight[sink] * closeness // np.maximum(total[sink], 1)
            share[edge] = part
            np.add.at(weight, source, part)
        return share


def _pairs(values: dict[int, int]) -> tuple[np.ndarray, np.ndarray]:
    keys = sorted(values)
    return np.array(keys, dtype=np.int64), np.array([values[key] for key in keys], dtype=np.int64)


def _by_level(level, source, sink) -> list:
    order = np.argsort(level, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(level[order])) + 1)
    return [(edges, source[edges], sink[edges]) for edges in parts]
