"""From a tap's kernel place and channel to an address for every bank."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from firelane.hw.blocks.ports import TABLE_WRITES, tap_stream
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import DESCRIPTOR, KERNEL_ENTRY, RowMove, Source, instruction_layout
from firelane.hw.contract.timing import ADDRESS_CYCLES
from firelane.hw.taps.kernel_table import KernelTable
from firelane.hw.taps.tap_generator import INPUT_CHANNEL_BITS, PLACED_TAP

_CONTROL = data.StructLayout({"take": 1, "first": 1, "capture": 1, "terminator": 1, "weight": 8})


class TapAddress(wiring.Component):
    """Looks up the kernel entry, forms two addresses (rows inside, row moved in), and gives each bank one of them.

    Latency     ADDRESS_CYCLES from `i` to `taps`; `address_range` one more.
    Throughput  1 tap a cycle.

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
            "i": In(stream.Signature(PLACED_TAP, always_ready=True)),
            "taps": Out(tap_stream(cfg)), "last": Out(1), "address_range": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        valid = [self.i.valid]
        for cycle in range(ADDRESS_CYCLES):
            valid.append(Signal(name=f"valid_{cycle}"))
            m.d.sync += valid[-1].eq(valid[-2])
        looked_up, entry = self._look_up(m)
        control, channel, moves, slots = self._choose_slots(m, looked_up, entry)
        # Cycle 3: the addresses of both slots, and which rows they have.
        summed = [self._sum(m, slot, channel, name) for slot, name in zip(slots, ("slot", "wrap"))]
        control, moves = self._register(m, control, "control_3"), self._register(m, moves, "moves_3")
        self._emit(m, valid[-1], control, moves, summed)
        return m

    def _look_up(self, m):
        """Cycle 1: the tap, and its kernel entry."""
        m.submodules.kernel = kernel = KernelTable()
        connect(m, flipped(self.kernel_write), kernel.write)
        looked_up = Signal(PLACED_TAP, reset_less=True)
        m.d.sync += looked_up.eq(self.i.payload)
        m.d.comb += [kernel.place.eq(self.i.payload.place), kernel.table.eq(self.table),
                     kernel.write_table.eq(self.write_table)]
        return looked_up, kernel.entry

    def _choose_slots(self, m, tap, entry):
        """Cycle 2: the two slots that the entry names, for rows inside and for the row moved in."""
        control, channel, moves = (Signal(_CONTROL, reset_less=True), Signal(INPUT_CHANNEL_BITS, reset_less=True),
                                   Signal(KERNEL_ENTRY, reset_less=True))
        slots = [Signal.like(self.tile.slots[0], name=name, reset_less=True) for name in ("slot", "wrap_slot")]
        m.d.sync += [
            control.take.eq(~tap.terminator),
            control.first.eq(tap.crossing & ~tap.terminator),
            control.capture.eq(tap.capture),
            control.terminator.eq(tap.terminator),
            control.weight.eq(Mux(self.layer.source == Source.WINDOW, entry.weight, tap.weight)),
            channel.eq(tap.channel),
            moves.eq(entry),
            slots[0].eq(self.tile.slots[entry.slot]),
            slots[1].eq(self.tile.slots[entry.wrap_slot]),
        ]
        return control, channel, moves, slots

    def _emit(self, m, valid, control, moves, summed):
        """Cycle 4: one of the two addresses for each bank; the tap; and a cycle later what is wrong with it."""
        last_control = self._register(m, control, "control_4")
        last_moves = self._register(m, moves, "moves_4")
        outside = self._banks(m, moves, summed)
        tap, coming = self.taps.payload, self.i.payload
        m.d.comb += [
            self.taps.valid.eq(valid),
            self.last.eq(valid & last_control.terminator),
            tap.take.eq(last_control.take),
            tap.first.eq(last_control.first),
            tap.capture.eq(last_control.capture),
            tap.weight.eq(last_control.weight),
            tap.row_move.eq(last_moves.row_move),
            tap.column_move.eq(last_moves.column_move),
        ]
        m.d.sync += self.address_range.eq((valid & last_control.take & outside.any())
                                          | (self.i.valid & coming.bad_place & ~coming.terminator))

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

    def _banks(self, m, moves, summed):
        """Drives addresses and row_valid; gives, a bit per bank, that a valid row's address is outside."""
        cfg = self._cfg
        (inside_address, inside_rows), (wrap_address, wrap_rows) = summed
        at_top, at_bottom = Signal(cfg.banks), Signal(cfg.banks)    # the bank's row is the first, the last of a word
        up, down = moves.row_move == RowMove.UP, moves.row_move == RowMove.DOWN
        outside_addresses = [self._register(m, address >= cfg.activation_words, f"outside_{name}")
                             for name, address in (("inside", inside_address), ("wrap", wrap_address))]
        wraps_register = Signal(cfg.banks, name="wraps", reset_less=True)
        for bank in range(cfg.banks):
            rows_of_class = [cfg.banks >> parts for parts in range(cfg.classes)]
            first = [bank % rows == 0 for rows in rows_of_class]
            last = [bank % rows == rows - 1 for rows in rows_of_class]
            m.d.sync += [at_top[bank].eq(self._by_class(m, first, f"top_{bank}")),
                         at_bottom[bank].eq(self._by_class(m, last, f"bottom_{bank}"))]
            exists = [self._by_class(m, [rows_exist[bank % rows] for rows in rows_of_class], f"{name}_row_{bank}")
                      for name, rows_exist in (("inside", inside_rows), ("wrap", wrap_rows))]
            wraps = Signal(name=f"wraps_{bank}")
            address = Signal(cfg.address_bits, name=f"address_{bank}", reset_less=True)
            row_valid = Signal(name=f"row_valid_{bank}", reset_less=True)
            m.d.comb += wraps.eq((up & at_bottom[bank]) | (down & at_top[bank]))
            m.d.sync += [address.eq(Mux(wraps, wrap_address, inside_address)),
                         row_valid.eq(Mux(wraps, exists[1], exists[0])), wraps_register[bank].eq(wraps)]
            m.d.comb += [self.taps.payload.addresses[bank].eq(address), self.taps.payload.row_valid[bank].eq(row_valid)]
        inside_outside, wrap_outside = outside_addresses
        return self.taps.payload.row_valid & Cat(Mux(wraps_register[bank], wrap_outside, inside_outside)
                                        for bank in range(cfg.banks))

    def _by_class(self, m, choices: list, name: str):
        """The choice for the layer's row class."""
        chosen = Signal(name=name)
        with m.Switch(self.layer.parts_log2):
            for parts, choice in enumerate(choices):
                with m.Case(parts):
                    m.d.comb += chosen.eq(choice)
        return chosen
