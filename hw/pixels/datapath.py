"""Data path: everything between a tap and the pixels that it becomes part of."""

from amaranth import Array, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from firelane.hw.blocks.credit_queue import CreditQueue
from firelane.hw.blocks.payload import BYTE_LAST, bank_write_layout, pixel_write_layout, tap_layout
from firelane.hw.blocks.pipeline import copies, delay, delay_control
from firelane.hw.blocks.ports import BYTES, PeekPort, WriteTrace, tap_stream
from firelane.hw.blocks.stream_register import StreamRegister
from firelane.hw.contract.config import PIXEL_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    DESCRIPTOR,
    Destination,
    Operation,
    ParameterForm,
    instruction_layout,
    makes_blocks,
    parameter_layout,
)
from firelane.hw.contract.timing import (
    ACTIVATION_READ_LATENCY,
    AVERAGE_TAIL_CYCLES,
    BLOCK_CYCLES,
    COLUMN_MOVE_LEAD,
    LANE_TAP_LEAD,
    PEEK_LATENCY,
    ROW_MOVE_LEAD,
    SUMS_LAG,
    first_pick,
    moved_cycles,
    read_address_cycles,
    row_moved_cycles,
    tile_tail_cycles,
)
from firelane.hw.pixels.activation_memory import ActivationMemory
from firelane.hw.pixels.channel_sums import AverageWalk, ChannelSums
from firelane.hw.pixels.column_move import ColumnMove
from firelane.hw.pixels.drain import Drain
from firelane.hw.pixels.edge_mask import EdgeMask
from firelane.hw.pixels.lanes import Lanes
from firelane.hw.pixels.requantize import Requantize
from firelane.hw.pixels.row_move import RowMover
from firelane.hw.pixels.two_tap_memory import TwoTapMemory
from firelane.hw.pixels.write_back import WriteBack

RESULT_ROOM = 32        #: averages on their way into the result stream; more than there are cycles on that way


class Datapath(wiring.Component):
    """Activation memory, moves, lanes, drain, requantizers, write back and channel sums.

        cycle   1       2         3         4       5       6        7          8          9
        tap -> tap -> memory -> output -> mask -> row -> edges -> column -> operand -> product ->

                10      11        11+L    12+L    13+L     14+L
                sum -> sums -> .. pixel -> kept -> write -> write

    Each name is a register, and the cycle is the first in which it holds what a tap in cycle 0 leads to; `output` is
    the memory's; L is REQUANTIZE_LATENCY. In cycle 10 of a tap with `capture` bank 0's sums are shifted out, in cycle
    10 + b those of bank b.

    With two taps a cycle there is everything from the memory to the products twice, from a `port` register at each bank
    on, which comes after the tap; and sums go through two registers more. A channel is written by all banks at once:
    its cycle of `port` is that of the second tap `write_slot_lag(cfg)` cycles after the capture, which must not be
    taken. So is a word of `load_write`, in that of a tap beside `load_slot`. With blocks (`instruction.makes_blocks`)
    banks are shifted out two by two, and merged on their way to the requantizers.

        cycle   1      2       3         4         5       6       ..  9          10         11        12       13
        tap -> tap -> port -> memory -> output -> mask -> row ->   .. operand -> product -> packed -> apart -> sum

    Throughput  `cfg.taps_per_cycle` taps a cycle; captures at least `cfg.drain_cycles` apart, with blocks
                `cfg.block_cycles`.
    Latency     `busy` falls `tile_tail_cycles(cfg, averages)` cycles after the last tap.
    Stalling    None in a tile. `load_write` waits for the drain, with two taps a cycle for its slot; `result` may stall
                an AVERAGE.
    Limits      `layer` and `tile` are stable from `start` to the fall of `busy` (AVERAGE: from `average_start` to
                `average_done`). The first tap comes at least a cycle after `start`. `peek` only without a tile. With
                two taps a cycle: `peek` from the cycle after the fall of `busy`; `load_slot` not where a channel is
                written, nor in an AVERAGE into memory.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    layer : In(DESCRIPTOR)
    tile : In(instruction_layout(cfg))
    start : In(1)
        Pulse before the first tap of a tile.
    taps : In(tap_stream(cfg))
    parameters : In(stream.Signature(parameter_layout(cfg)))
        One record a channel unless they are constant; it must be there `first_pick(cfg)` - 2 cycles after the `capture`
        tap.
    load_write : In(stream.Signature(pixel_write_layout(cfg)))
        With two taps a cycle, of `bank_write_layout(cfg)`; valid in the cycle of `load_slot`, in which it is taken.
    load_slot : In(1)
        Only with two taps a cycle.
    average_start : In(1)
    average_done : Out(1)
        Pulse: the last result has been taken, or written.
    result : Out(BYTES)
    peek : In(PeekPort(cfg))
    busy : Out(1)
        From the cycle of a tap (combinationally) until a tap would read what the last drain wrote, and during an
        AVERAGE.
    ends : Out(1)
        It falls in the next cycle, after a tap.
    address_range, parameter_underrun, drain_overrun : Out(1)
        Error pulses. What is wrong is not written.
    trace : Out(WriteTrace(cfg))
        Only with `cfg.trace`.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        self._two_taps = cfg.taps_per_cycle == 2
        load_layout = bank_write_layout(cfg) if self._two_taps else pixel_write_layout(cfg)
        ports = {
            "layer": In(DESCRIPTOR),
            "tile": In(instruction_layout(cfg)),
            "start": In(1),
            "taps": In(tap_stream(cfg)),
            "parameters": In(stream.Signature(parameter_layout(cfg))),
            "load_write": In(stream.Signature(load_layout)),
            "average_start": In(1),
            "average_done": Out(1),
            "result": Out(BYTES),
            "peek": In(PeekPort(cfg)),
            "busy": Out(1),
            "ends": Out(1),
            "address_range": Out(1),
            "parameter_underrun": Out(1),
            "drain_overrun": Out(1),
        }
        if self._two_taps:
            ports["load_slot"] = In(1)
        if cfg.trace:
            ports["trace"] = Out(WriteTrace(cfg))
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = (TwoTapMemory if self._two_taps else ActivationMemory)(self._cfg)
        m.submodules.drain = drain = Drain(self._cfg)
        m.submodules.requantize = requantize = Requantize(self._cfg)
        m.submodules.write_back = write_back = WriteBack(self._cfg)
        m.submodules.sums = sums = ChannelSums(self._cfg)
        m.submodules.walk = walk = AverageWalk(self._cfg, AVERAGE_TAIL_CYCLES)
        take, capture, tap = self._register_tap(m)
        pixels = self._build_reads(m, memory, tap)
        lanes = self._build_lanes(m, take, capture, tap, pixels)
        self._build_drain(m, drain, walk, lanes, capture)
        self._build_requantize(m, requantize, drain, walk, sums)
        self._build_write_back(m, write_back, memory, drain, walk, requantize)
        self._build_averages(m, sums, walk, write_back)
        self._report(m, memory, drain, write_back, walk)
        return m

    def _register_tap(self, m):
        """The tap, registered at the door: cycle 1. `take` and `capture` are 0 where there is no tap."""
        tap = Signal(tap_layout(self._cfg), reset_less=True)
        m.d.sync += tap.eq(self.taps.payload)
        if not self._two_taps:          # else peeks come in at the register behind this one
            with m.If(self.peek.enable):
                m.d.sync += [tap.addresses[bank].eq(self.peek.address) for bank in range(self._cfg.banks)]
        take = delay_control(m, self.taps.valid & self.taps.payload.take, 1, name="take")
        capture = delay_control(m, self.taps.valid & self.taps.payload.capture, 1, name="capture")
        return take, capture, tap

    def _build_reads(self, m, memory, tap) -> list:
        """Memory and moves: cycles 1 to 7. Returns each lane's pixel, with two taps a cycle the second's, too."""
        m.d.comb += memory.read_addresses.eq(tap.addresses)
        mask, moved = self._build_moves(m, tap, memory.read_words, "")
        self._build_peek(m, mask)
        if not self._two_taps:
            return [moved]
        m.d.comb += [
            memory.second_addresses.eq(tap.second.addresses),
            memory.peek.eq(self.peek.enable),
            memory.peek_address.eq(self.peek.address),
        ]
        _, second_moved = self._build_moves(m, tap.second, memory.second_words, "second_")
        return [moved, second_moved]

    def _build_moves(self, m, tap, words, prefix: str):
        """The words of a tap on their way to the lanes. Returns the edge mask, too, through which OUTPUT peeks."""
        cfg, layer, row_moved = self._cfg, self.layer, row_moved_cycles(self._cfg)
        m.submodules[f"{prefix}mask"] = mask = EdgeMask(cfg)
        m.submodules[f"{prefix}row_move"] = row_move = RowMover(cfg)
        m.submodules[f"{prefix}column_move"] = column_move = ColumnMove(cfg)

        def later(field: str, cycles: int):
            return delay(m, tap[field], cycles, name=prefix + field)

        m.d.comb += [
            mask.columns.eq(layer.columns),
            mask.parts_log2.eq(layer.parts_log2),
            mask.pad.eq(layer.pad),
            mask.row_valid.eq(later("row_valid", read_address_cycles(cfg) + ACTIVATION_READ_LATENCY - 2)),
            mask.raw.eq(Const(0, 1) if prefix else self._delay_peek(m)),
            mask.words.eq(words),
            row_move.parts_log2.eq(layer.parts_log2),
            row_move.move.eq(later("row_move", row_moved - ROW_MOVE_LEAD - 2)),
            row_move.pixels.eq(mask.pixels),
            column_move.parts_log2.eq(layer.parts_log2),
            column_move.pad.eq(layer.pad),
            column_move.move.eq(later("column_move", row_moved - COLUMN_MOVE_LEAD - 1)),
            column_move.pixels.eq(row_move.moved),
        ]
        return mask, column_move.moved

    def _delay_peek(self, m):
        """`peek.enable`, when the edge mask wants it."""
        return delay_control(m, self.peek.enable, ACTIVATION_READ_LATENCY - 1, name="peek_enable")

    def _build_peek(self, m, mask: EdgeMask):
        """A pixel of a bank. First each bank chooses the pixel, then one bank is chosen, so that few wires are long."""
        banks = self._cfg.banks
        pixel = delay(m, self.peek.pixel, PEEK_LATENCY - 3, name="peek_pixel")
        chosen = copies(m, pixel, banks, name="peek_pixel")
        of_bank = [Signal(PIXEL_BITS, name=f"peeked_{bank}", reset_less=True) for bank in range(banks)]
        m.d.sync += [of_bank[bank].eq(Array(mask.pixels[bank])[chosen[bank]]) for bank in range(banks)]
        peeked = Signal(PIXEL_BITS, reset_less=True)
        m.d.sync += peeked.eq(Array(of_bank)[delay(m, self.peek.bank, PEEK_LATENCY - 1, name="peek_bank")])
        m.d.comb += self.peek.data.eq(peeked)

    def _build_lanes(self, m, take, capture, tap, pixels: list):
        """Multiply and accumulate: cycles 7 to 10. The sums set aside leave the lanes, those of bank 0 first."""
        m.submodules.lanes = lanes = Lanes(self._cfg)
        later = moved_cycles(self._cfg) - LANE_TAP_LEAD - 1
        m.d.comb += [
            lanes.maximum.eq(self.layer.operation == Operation.MAXIMUM),
            lanes.tap.take.eq(delay_control(m, take, later, name="lanes_take")),
            lanes.tap.capture.eq(delay_control(m, capture, later, name="lanes_capture")),
            lanes.tap.first.eq(delay(m, tap.first, later, name="lanes_first")),
            lanes.tap.weight.eq(delay(m, tap.weight, later, name="lanes_weight")),
            lanes.pixels.eq(pixels[0]),
        ]
        if self._two_taps:
            m.d.comb += [
                lanes.second_tap.take.eq(delay(m, tap.second.take, later, name="lanes_second_take")),
                lanes.second_tap.weight.eq(delay(m, tap.second.weight, later, name="lanes_second_weight")),
                lanes.second_pixels.eq(pixels[1]),
            ]
        return lanes

    def _build_drain(self, m, drain: Drain, walk: AverageWalk, lanes: Lanes, capture):
        """Steps from cycle 9, sums in cycle 11."""
        constant = self.layer.parameters == ParameterForm.CONSTANT
        start = delay_control(m, capture, first_pick(self._cfg) - 3, name="drain_start")
        if self._cfg.merges_blocks:
            blocks = delay(m, makes_blocks(self.layer), 1, name="blocks")
            m.d.comb += [lanes.blocks.eq(blocks), drain.odd_shifted.eq(lanes.odd_shifted)]
            start = Mux(blocks, delay_control(m, start, BLOCK_CYCLES, name="blocks_start"), start)
        m.d.comb += [
            drain.layer.eq(self.layer),
            drain.restart.eq(self.start),
            drain.start.eq(start),
            drain.use_constants.eq(delay(m, constant | walk.active, 1, name="use_constants")),
            drain.shifted.eq(lanes.shifted),
            drain.records.payload.eq(self.parameters.payload),
            drain.records.valid.eq(self.parameters.valid),
            self.parameters.ready.eq(drain.records.ready),
        ]

    def _build_requantize(self, m, requantize: Requantize, drain: Drain, walk: AverageWalk, sums: ChannelSums):
        """Requantizers; an average takes the place of the sum of pixel 0."""
        average = delay_control(m, walk.step, SUMS_LAG, name="average")
        average_sum = delay(m, sums.read_sum, SUMS_LAG - 1, name="average_sum")
        m.d.comb += requantize.sums.eq(drain.sums)
        with m.If(average):
            m.d.comb += requantize.sums[0].eq(average_sum)
        m.d.comb += [
            requantize.parameters.eq(drain.parameters),
            requantize.zero_point.eq(self.layer.zero_point),
            requantize.clamp_low.eq(self.layer.clamp_low),
            requantize.clamp_high.eq(self.layer.clamp_high),
        ]

    def _build_write_back(self, m, write_back: WriteBack, memory, drain: Drain, walk: AverageWalk,
                          requantize: Requantize):
        """Steps of a drain or of an average into memory."""
        m.d.comb += [
            write_back.layer.eq(self.layer),
            write_back.tile.eq(self.tile),
            write_back.steps.valid.eq(drain.steps.valid | walk.step),
            write_back.steps.payload.eq(drain.steps.payload),
            write_back.pixels.eq(requantize.pixels),
            memory.drain_write.valid.eq(write_back.write_valid),
            [memory.drain_write.payload[name].eq(write_back.kept.payload[name])
             for name in ("bank", "address", "enable", "data")],
        ]
        self._build_writes(m, memory, write_back)
        with m.If(walk.active):
            m.d.comb += [
                write_back.steps.payload.single.eq(1),
                write_back.steps.payload.channel.eq(walk.channel),
                write_back.steps.payload.last.eq(walk.last),
            ]

    def _build_writes(self, m, memory, write_back: WriteBack):
        """When the drain's and the loader's pixels are written."""
        if not self._two_taps:
            m.submodules.load_register = load_register = StreamRegister(pixel_write_layout(self._cfg))
            connect(m, flipped(self.load_write), load_register.i)
            connect(m, load_register.o, memory.load_write)
            return
        kept = write_back.kept
        to_memory = delay(m, self.layer.destination == Destination.MEMORY, 1, name="to_memory")
        m.d.comb += [memory.channel_end.eq(kept.valid & to_memory & (kept.payload.last | kept.payload.single)),
                     memory.load_slot.eq(self.load_slot)]
        connect(m, flipped(self.load_write), memory.load_write)

    def _build_averages(self, m, sums: ChannelSums, walk: AverageWalk, write_back: WriteBack):
        """Channel sums and the result stream."""
        kept, kept_valid = write_back.kept.payload, write_back.kept.valid
        to_stream = delay(m, self.layer.destination == Destination.AVERAGE, 1, name="to_stream")
        m.d.comb += [
            sums.from_zero.eq(self.tile.first),
            sums.valid.eq(kept_valid & to_stream & ~kept.single),
            sums.first.eq(kept.first),
            sums.last.eq(kept.last),
            sums.channel.eq(kept.channel),
            sums.enable.eq(kept.enable),
            sums.data.eq(kept.data),
            sums.read.eq(walk.active),
            sums.read_channel.eq(walk.channel),
            walk.start.eq(self.average_start),
            walk.channels.eq(self.layer.channels_out),
            walk.to_stream.eq(to_stream),
            self.average_done.eq(walk.done),
        ]

        m.submodules.results = results = CreditQueue(BYTE_LAST, depth=RESULT_ROOM)
        taken = self.result.valid & self.result.ready
        m.d.comb += [
            results.reserve.eq(walk.step & to_stream),
            results.write.valid.eq(kept_valid & to_stream & kept.single),
            results.write.payload.data.eq(kept.data[:PIXEL_BITS]),
            results.write.payload.last.eq(kept.last),
            results.o.ready.eq(self.result.ready),
            self.result.valid.eq(results.o.valid),
            self.result.payload.data.eq(results.o.payload.data),
            self.result.payload.last.eq(results.o.payload.last & self.tile.last),
            walk.room.eq(results.room),
            walk.taken.eq(taken & results.o.payload.last),
        ]

    def _report(self, m, memory, drain: Drain, write_back: WriteBack, walk: AverageWalk):
        """`busy`, errors and the trace."""
        left = Signal(range(tile_tail_cycles(self._cfg, averages=True)))
        with m.If(self.taps.valid):
            m.d.sync += left.eq(Mux(
                self.layer.destination == Destination.AVERAGE,
                tile_tail_cycles(self._cfg, averages=True) - 1,
                tile_tail_cycles(self._cfg, averages=False) - 1,
            ))
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        m.d.comb += [
            self.busy.eq(self.taps.valid | (left != 0) | walk.active),
            self.ends.eq((left == 1) & ~self.taps.valid),
            self.address_range.eq(write_back.address_range | memory.address_range),
            self.parameter_underrun.eq(drain.underrun),
            self.drain_overrun.eq(drain.overrun | memory.collision if self._two_taps else drain.overrun),
        ]
        if self._cfg.trace:
            kept = write_back.kept.payload
            m.d.comb += [
                self.trace.valid.eq(write_back.write_valid),
                [getattr(self.trace, name).eq(kept[name]) for name in ("bank", "address", "enable", "data")],
            ]
