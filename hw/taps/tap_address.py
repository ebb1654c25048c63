"""From a tap's kernel place and channel to an address for every bank; of two taps at once, with two a cycle."""

from typing import NamedTuple

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from firelane.hw.blocks.ports import TABLE_WRITES, tap_stream
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import DESCRIPTOR, KERNEL_ENTRY, RowMove, Source, instruction_layout
from firelane.hw.contract.timing import ADDRESS_CYCLES
from firelane.hw.taps.kernel_table import KernelTable
from firelane.hw.taps.pair_generator import PLACED_PAIR
from firelane.hw.taps.tap_generator import INPUT_CHANNEL_BITS, PLACED_TAP

_CONTROL = data.StructLayout({"take": 1, "first": 1, "capture": 1, "terminator": 1, "weight": 8})
_SECOND_CONTROL = data.StructLayout({"take": 1, "weight": 8})


class _Lane(NamedTuple):
    """The way of one of the taps of a cycle: a prefix for the names of its signals, where it comes from and goes to."""

    prefix: str
    i: data.View
    o: data.View

    @property
    def is_second(self) -> bool:
        return bool(self.prefix)


class _Wrap(NamedTuple):
    """What all banks of a tap have in common.

    `up`, `down`: its row moves; `summed`: (address, rows that exist) of its two slots; `outside`: whether those
    addresses are outside the memory; `wraps`: a register, a bit a bank, that the bank reads the row moved in.
    """

    up: Value
    down: Value
    summed: list
    outside: list
    wraps: Signal


class TapAddress(wiring.Component):
    """Looks up the kernel entry, forms two addresses (rows inside, row moved in), and gives each bank one of them.

    With two taps a cycle the second has all of this for itself, but for writes of the kernel table. Where there is no
    second tap its weight is 0.

    Latency     ADDRESS_CYCLES from `i` to `taps`; `address_range` one more.
    Throughput  1 tap a cycle, or 2.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    layer : In(DESCRIPTOR), tile : In(instruction_layout(cfg))
        Those of the tile whose taps are at `i`; they may change when no tap has been there for 3 cycles.
    table : In(1)
        Its kernel table, stable with them.
    kernel_write : In(TABLE_WRITES), write_table : In(1)
    i : In(stream of PLACED_TAP, always ready)
        With two taps a cycle of PLACED_PAIR.
    taps : Out(tap_stream(cfg))
    last : Out(1)
        The terminator is at `taps`.
    address_range : Out(1)
        A valid row's address is outside the activation memory, or the kernel place or input channel does not exist.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "layer": In(DESCRIPTOR), "tile": In(instruction_layout(cfg)),
            "table": In(1), "kernel_write": In(TABLE_WRITES), "write_table": In(1),
            "i": In(stream.Signature(PLACED_PAIR if cfg.taps_per_cycle == 2 else PLACED_TAP, always_ready=True)),
            "taps": Out(tap_stream(cfg)), "last": Out(1), "address_range": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        valid = [self.i.valid]
        for cycle in range(ADDRESS_CYCLES):
            valid.append(Signal(name=f"valid_{cycle}"))
            m.d.sync += valid[-1].eq(valid[-2])
        m.submodules.kernel = kernel = KernelTable(self._cfg.taps_per_cycle)
        connect(m, flipped(self.kernel_write), kernel.write)
        moved = [self._sum_slots(m, lane, *self._choose_slots(m, lane, *self._look_up(m, lane, kernel)))
                 for lane in self._lanes()]
        self._emit(m, valid[-1], moved)
        return m

    def _lanes(self) -> list[_Lane]:
        if self._cfg.taps_per_cycle == 1:
            return [_Lane("", self.i.payload, self.taps.payload)]
        return [_Lane("", self.i.payload.first, self.taps.payload),
                _Lane("second_", self.i.payload.second, self.taps.payload.second)]

    def _look_up(self, m, lane, kernel):
        """Cycle 1: the tap, and its kernel entry."""
        looked_up = Signal(lane.i.shape(), name=f"{lane.prefix}looked_up", reset_less=True)
        m.d.sync += looked_up.eq(lane.i)
        m.d.comb += getattr(kernel, f"{lane.prefix}place").eq(lane.i.place)
        if not lane.is_second:
            m.d.comb += [kernel.table.eq(self.table), kernel.write_table.eq(self.write_table)]
        return looked_up, getattr(kernel, f"{lane.prefix}entry")

    def _choose_slots(self, m, lane, tap, entry):
        """Cycle 2: the two slots that the entry names, for rows inside and for the row moved in."""
        control, channel, moves = (Signal(_SECOND_CONTROL if lane.is_second else _CONTROL, reset_less=True),
                                   Signal(INPUT_CHANNEL_BITS, reset_less=True), Signal(KERNEL_ENTRY, reset_less=True))
        slots = [Signal.like(self.tile.slots[0], name=lane.prefix + name, reset_less=True)
                 for name in ("slot", "wrap_slot")]
        if lane.is_second:              # of a stream always, and of weight 0 if there is none
            m.d.sync += [control.take.eq(tap.take), control.weight.eq(Mux(tap.take, tap.weight, 0))]
        else:
            m.d.sync += [
                control.take.eq(~tap.terminator),
                control.first.eq(tap.crossing & ~tap.terminator),
                control.capture.eq(tap.capture),
                control.terminator.eq(tap.terminator),
                control.weight.eq(Mux(self.layer.source == Source.WINDOW, entry.weight, tap.weight)),
            ]
        m.d.sync += [
            channel.eq(tap.channel),
            moves.eq(entry),
            slots[0].eq(self.tile.slots[entry.slot]),
            slots[1].eq(self.tile.slots[entry.wrap_slot]),
        ]
        return control, channel, moves, slots

    def _sum_slots(self, m, lane, control, channel, moves, slots):
        """Cycle 3: the addresses of both slots, and which rows they have."""
        summed = [self._sum(m, slot, channel, lane.prefix + name) for slot, name in zip(slots, ("slot", "wrap"))]
        return (lane, self._register(m, control, f"{lane.prefix}control_3"),
                self._register(m, moves, f"{lane.prefix}moves_3"), summed)

    def _emit(self, m, valid, moved):
        """Cycle 4: one of the two addresses for each bank; the taps; and a cycle later what is wrong with them."""
        lanes = []
        for lane, control, moves, _ in moved:
            lanes.append((lane, self._register(m, control, f"{lane.prefix}control_4"),
                          self._register(m, moves, f"{lane.prefix}moves_4")))
        outside = self._banks(m, moved)
        first = lanes[0][1]
        m.d.comb += [
            self.taps.valid.eq(valid),
            self.last.eq(valid & first.terminator),
            *(lane.o.take.eq(control.take) for lane, control, _ in lanes),
            self.taps.payload.first.eq(first.first),
            self.taps.payload.capture.eq(first.capture),
        ]
        wrong = []
        for (lane, control, moves), lane_outside in zip(lanes, outside):
            m.d.comb += [
                lane.o.weight.eq(control.weight),
                lane.o.row_move.eq(moves.row_move),
                lane.o.column_move.eq(moves.column_move),
            ]
            takes = lane.i.take if lane.is_second else ~lane.i.terminator
            wrong.append((valid & control.take & lane_outside.any()) | (self.i.valid & lane.i.bad_place & takes))
        m.d.sync += self.address_range.eq(wrong[0] if len(wrong) == 1 else wrong[0] | wrong[1])

    @staticmethod
    def _register(m, value, name: str):
        later = Signal.like(value, name=name, reset_less=True)
        m.d.sync += later.eq(value)
        return later

    def _sum(self, m, slot, channel, name: str):
        """(address, a bit for each row that exists) of a slot: registers."""
        cfg = self._cfg
        address = Signal(INPUT_CHANNEL_BITS + 1, name=f"{name}_address", reset_less=True)
        rows = Signal(cfg.banks, name=f"{name}_rows", reset_less=True)
        m.d.sync += [address.eq(slot.address + channel), rows.eq(Cat(row < slot.rows for row in range(cfg.banks)))]
        return address, rows

    def _banks(self, m, moved) -> list:
        """Drives addresses and row_valid; gives, a bit per bank, that a valid row's address is outside, of each tap."""
        cfg = self._cfg
        at_top, at_bottom = Signal(cfg.banks), Signal(cfg.banks)    # the bank's row is the first, the last of a word
        lanes = [(lane, self._wrap(m, lane, moves, summed)) for lane, _, moves, summed in moved]
        for bank in range(cfg.banks):
            rows_of_class = [cfg.banks >> parts for parts in range(cfg.classes)]
            first = [bank % rows == 0 for rows in rows_of_class]
            last = [bank % rows == rows - 1 for rows in rows_of_class]
            m.d.sync += [at_top[bank].eq(self._by_class(m, first, f"top_{bank}")),
                         at_bottom[bank].eq(self._by_class(m, last, f"bottom_{bank}"))]
            for lane, wrap in lanes:
                self._bank(m, bank, lane, wrap, at_top[bank], at_bottom[bank])
        return [lane.o.row_valid & Cat(Mux(wrapped, wrap.outside[1], wrap.outside[0]) for wrapped in wrap.wraps)
                for lane, wrap in lanes]

    def _wrap(self, m, lane, moves, summed):
        """The same for all banks: see `_Wrap`."""
        outside = [self._register(m, address >= self._cfg.activation_words, f"{lane.prefix}outside_{name}")
                   for name, (address, _) in zip(("inside", "wrap"), summed)]
        return _Wrap(moves.row_move == RowMove.UP, moves.row_move == RowMove.DOWN, summed, outside,
                     Signal(self._cfg.banks, name=f"{lane.prefix}wraps", reset_less=True))

    def _bank(self, m, bank: int, lane, wrap, at_top, at_bottom):
        """One bank's address, and whether its row exists."""
        cfg, prefix = self._cfg, lane.prefix
        (inside_address, inside_rows), (wrap_address, wrap_rows) = wrap.summed
        rows_of_class = [cfg.banks >> parts for parts in range(cfg.classes)]
        exists = [self._by_class(m, [rows_exist[bank % rows] for rows in rows_of_class], f"{prefix}{name}_row_{bank}")
                  for name, rows_exist in (("inside", inside_rows), ("wrap", wrap_rows))]
        wraps = Signal(name=f"{prefix}wraps_{bank}")
        address = Signal(cfg.address_bits, name=f"{prefix}address_{bank}", reset_less=True)
        row_valid = Signal(name=f"{prefix}row_valid_{bank}", reset_less=True)
        m.d.comb += wraps.eq((wrap.up & at_bottom) | (wrap.down & at_top))
        m.d.sync += [address.eq(Mux(wraps, wrap_address, inside_address)),
                     row_valid.eq(Mux(wraps, exists[1], exists[0])), wrap.wraps[bank].eq(wraps)]
        m.d.comb += [lane.o.addresses[bank].eq(address), lane.o.row_valid[bank].eq(row_valid)]

    def _by_class(self, m, choices: list, name: str):
        """The choice for the layer's row class."""
        chosen = Signal(name=name)
        with m.Switch(self.layer.parts_log2):
            for parts, choice in enumerate(choices):
                with m.Case(parts):
                    m.d.comb += chosen.eq(choice)
        return chosen
