"""OUTPUT, and the one stream on which all results leave."""

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.credit_queue import CreditQueue
from firelane.hw.blocks.payload import BYTE_LAST
from firelane.hw.blocks.pipeline import delay_control
from firelane.hw.blocks.ports import BYTES, PeekPort
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.instruction import CHANNEL_BITS, COLUMN_BITS, DESCRIPTOR, instruction_layout

ROOM = 16               #: pixels on their way from memory, enough for one a cycle


class ResultStream(wiring.Component):
    """Executes OUTPUT: reads a map from the banks, channel by channel, row by row; and lets AVERAGE's results through.

    Latency     `hw.contract.timing.output_cycles` from `start` to `done`.
    Throughput  a byte a cycle.
    Stalling    `o` stalls everything behind it. While `halt`, nothing more enters `o`; a byte that is offered stays.
    Limits      fields are in the ranges that `InstructionCheck` wants.

    Parameters
    ----------
    cfg : EngineConfig
    peek_latency : int
        Cycles from `peek.enable` to `peek.data`.

    Members
    -------
    start : In(1)
        Pulse.
    tile, layer : In
        Stable from `start` to `done`.
    peek : Out(PeekPort(cfg))
        To the activation memory.
    average : In(BYTES)
        Results of AVERAGE; has priority.
    o : Out(BYTES)
    halt : In(1)
    done : Out(1)
        Pulse, the cycle after: the last byte of OUTPUT has entered `o`.
    idle : Out(1)
        Nothing is on its way to `o` or waits there.
    address_range : Out(1)
        Error pulse.
    """

    def __init__(self, cfg: EngineConfig, *, peek_latency: int):
        if not 1 <= peek_latency <= ROOM // 2:
            raise ValueError(f"peek_latency must be 1 to {ROOM // 2}, not {peek_latency!r}")
        self._cfg = cfg
        self._peek_latency = peek_latency
        super().__init__({
            "start": In(1), "tile": In(instruction_layout(cfg)), "layer": In(DESCRIPTOR),
            "peek": Out(PeekPort(cfg)), "average": In(BYTES), "o": Out(BYTES),
            "halt": In(1), "done": Out(1), "idle": Out(1), "address_range": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        self._active = Signal()             #: between `start` and `done`
        self._pixels_left = Signal()        #: pixels remain to be asked for
        self._ask, self._final = Signal(), Signal()         #: for a pixel; it is the last one
        self._halted = Signal()             #: `halt` comes from afar
        m.d.sync += self._halted.eq(self.halt)
        self._walk(m)
        self._send(m, self._read(m))
        return m

    def _walk(self, m):
        """The pixels of the map in order, one for each `ask`."""
        cfg, tile, layer = self._cfg, self.tile, self.layer
        word = Signal(cfg.address_bits + 1, reset_less=True)
        channels_left = Signal(CHANNEL_BITS, reset_less=True)
        rows_left = Signal(cfg.rows_bits, reset_less=True)
        columns_left = Signal(COLUMN_BITS, reset_less=True)
        row = Signal(range(cfg.banks + 1), reset_less=True)         # bank of part 0
        bank = Signal(range(2 * cfg.banks), reset_less=True)
        part_banks = Signal(range(cfg.banks + 1), reset_less=True)
        pixel = Signal(range(BANK_PIXELS), reset_less=True)
        last_column, in_range = columns_left == 1, word < cfg.activation_words
        m.d.comb += [
            self._final.eq(last_column & (rows_left == 1) & (channels_left == 1)),
            self.peek.enable.eq(self._ask),
            self.peek.address.eq(word),
            self.peek.bank.eq(bank),
            self.peek.pixel.eq(pixel),
            self.address_range.eq(self._ask & ~in_range),
        ]
        with m.If(self._ask):
            m.d.sync += [pixel.eq(pixel + 1), columns_left.eq(columns_left - 1)]
            with m.If(pixel == BANK_PIXELS - 1):
                m.d.sync += [pixel.eq(0), bank.eq(bank + part_banks)]
            with m.If(last_column):
                m.d.sync += [row.eq(row + 1), bank.eq(row + 1), pixel.eq(0), columns_left.eq(layer.columns),
                             rows_left.eq(rows_left - 1)]
                with m.If(rows_left == 1):
                    m.d.sync += [row.eq(tile.row), bank.eq(tile.row), rows_left.eq(tile.slots[0].rows),
                                 word.eq(word + 1), channels_left.eq(channels_left - 1)]
            with m.If(self._final):
                m.d.sync += self._pixels_left.eq(0)
        with m.If(self.start):
            m.d.sync += [
                self._pixels_left.eq(1), self._active.eq(1),
                word.eq(tile.slots[0].address), channels_left.eq(layer.channels_out),
                row.eq(tile.row), bank.eq(tile.row), rows_left.eq(tile.slots[0].rows),
                columns_left.eq(layer.columns), part_banks.eq(Const(cfg.banks) >> layer.parts_log2), pixel.eq(0),
            ]

    def _read(self, m):
        """Pixels from memory, in a queue with room for all that are under way."""
        m.submodules.pixels = pixels = CreditQueue(BYTE_LAST, depth=ROOM)
        m.d.comb += [
            self._ask.eq(self._pixels_left & pixels.room & ~self._halted),
            pixels.reserve.eq(self._ask),
            pixels.write.valid.eq(delay_control(m, self._ask, self._peek_latency, name="asked")),
            pixels.write.payload.data.eq(self.peek.data),
            pixels.write.payload.last.eq(delay_control(m, self._final, self._peek_latency, name="final")),
        ]
        return pixels.o

    def _send(self, m, pixels):
        """The choice between pixels and AVERAGE's results."""
        o, average = self.o, self.average
        byte = Signal(BYTE_LAST, reset_less=True)
        free, send = Signal(), Signal()
        m.d.comb += [
            free.eq((~o.valid | o.ready) & ~self._halted),
            average.ready.eq(free),
            pixels.ready.eq(free & ~average.valid),
            send.eq(pixels.valid & pixels.ready),
            self.idle.eq(~self._active & ~average.valid & ~o.valid),
            o.payload.eq(byte),
        ]
        with m.If(o.ready):
            m.d.sync += o.valid.eq(0)
        with m.If(average.valid & free):
            m.d.sync += [o.valid.eq(1), byte.eq(average.payload)]
        with m.If(send):
            m.d.sync += [o.valid.eq(1), byte.data.eq(pixels.payload.data),
                         byte.last.eq(pixels.payload.last & self.tile.last)]
        ends = send & pixels.payload.last
        m.d.sync += self.done.eq(ends)
        with m.If(ends):
            m.d.sync += self._active.eq(0)
