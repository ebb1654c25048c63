"""OUTPUT, and the one stream on which all results leave."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import BANK_PIXELS, PIXEL_BITS, EngineConfig, bits_for
from hw.input_loader import BYTE_LAST
from hw.instruction import CHANNEL_BITS, COLUMN_BITS, DESCRIPTOR, instruction_layout
from hw.payload import BANK_WORD_BITS


class ResultStream(wiring.Component):
    """Executes OUTPUT: reads a map from the banks, channel by channel, row by row; and lets AVERAGE's results through.

    Latency     `hw.timing.output_cycles` from `start` to `done`.
    Throughput  a byte per cycle; a bank word takes at least `peek_latency` + 2 cycles (the next one is read while one
                is sent).
    Stalling    `o` stalls everything behind it. While `halt`, nothing more enters `o`; a byte that is offered stays.
    Limits      fields are in the ranges that `InstructionCheck` wants.

    Parameters
    ----------
    cfg : EngineConfig
    peek_latency : int
        Cycles from `peek_enable` to `peek_data`.

    Members
    -------
    start : In(1)
        Pulse.
    tile, layer : In
        Stable from `start` to `done`.
    peek_enable, peek_address, peek_bank, peek_data
        To the activation memory.
    average : In(stream of data, last)
        Results of AVERAGE; has priority.
    o : Out(stream of data, last)
    halt : In(1)
    done : Out(1)
        Pulse, the cycle after: the last byte of OUTPUT has entered `o`.
    idle : Out(1)
        Nothing is on its way to `o` or waits there.
    address_range : Out(1)
        Error pulse.
    """

    def __init__(self, cfg: EngineConfig, *, peek_latency: int):
        if peek_latency < 1:
            raise ValueError(f"peek_latency must be at least 1, not {peek_latency!r}")
        self._cfg = cfg
        self._peek_latency = peek_latency
        super().__init__({
            "start": In(1), "tile": In(instruction_layout(cfg)), "layer": In(DESCRIPTOR),
            "peek_enable": Out(1), "peek_address": Out(cfg.address_bits), "peek_bank": Out(bits_for(cfg.banks)),
            "peek_data": In(BANK_WORD_BITS),
            "average": In(stream.Signature(BYTE_LAST)), "o": Out(stream.Signature(BYTE_LAST)),
            "halt": In(1), "done": Out(1), "idle": Out(1), "address_range": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        self._active = Signal()             #: between `start` and `done`
        self._words_left = Signal()         #: bank words remain to be asked for
        self._count = Signal(range(BANK_PIXELS + 1))        #: pixels of the bank word asked for
        self._final = Signal()              #: it is the last one
        self._ask = Signal()
        self._halted = Signal()             #: `halt` comes from afar
        m.d.sync += self._halted.eq(self.halt)
        self._walk(m)
        self._send(m, self._read(m))
        return m

    def _walk(self, m):
        """The bank words of the map in order, one for each `ask`."""
        cfg, tile, layer = self._cfg, self.tile, self.layer
        word = Signal(cfg.address_bits + 1, reset_less=True)
        channels_left = Signal(CHANNEL_BITS, reset_less=True)
        rows_left = Signal(cfg.rows_bits, reset_less=True)
        columns_left = Signal(COLUMN_BITS, reset_less=True)
        row = Signal(range(cfg.banks + 1), reset_less=True)         # bank of part 0
        bank = Signal(range(2 * cfg.banks), reset_less=True)
        part_banks = Signal(range(cfg.banks + 1), reset_less=True)
        last_part, in_range = columns_left <= BANK_PIXELS, word < cfg.activation_words
        m.d.comb += [
            self._count.eq(Mux(last_part, columns_left, BANK_PIXELS)),
            self._final.eq(last_part & (rows_left == 1) & (channels_left == 1)),
            self.peek_enable.eq(self._ask),
            self.peek_address.eq(word),
            self.peek_bank.eq(bank),
            self.address_range.eq(self._ask & ~in_range),
        ]
        with m.If(self._ask):
            m.d.sync += [bank.eq(bank + part_banks), columns_left.eq(columns_left - BANK_PIXELS)]
            with m.If(last_part):
                m.d.sync += [row.eq(row + 1), bank.eq(row + 1), columns_left.eq(layer.columns),
                             rows_left.eq(rows_left - 1)]
                with m.If(rows_left == 1):
                    m.d.sync += [row.eq(tile.row), bank.eq(tile.row), rows_left.eq(tile.slots[0].rows),
                                 word.eq(word + 1), channels_left.eq(channels_left - 1)]
            with m.If(self._final):
                m.d.sync += self._words_left.eq(0)
        with m.If(self.start):
            m.d.sync += [
                self._words_left.eq(1), self._active.eq(1),
                word.eq(tile.slots[0].address), channels_left.eq(layer.channels_out),
                row.eq(tile.row), bank.eq(tile.row), rows_left.eq(tile.slots[0].rows),
                columns_left.eq(layer.columns), part_banks.eq(Const(cfg.banks) >> layer.parts_log2),
            ]

    def _read(self, m):
        """One bank word ahead of what is sent: (valid, data, count, final, take)."""
        valid, final, take = Signal(), Signal(reset_less=True), Signal()
        word = Signal(BANK_WORD_BITS, reset_less=True)
        count = Signal(range(BANK_PIXELS + 1), reset_less=True)
        under_way = Signal(self._peek_latency)
        m.d.comb += self._ask.eq(self._words_left & ~self._halted & ~under_way.any() & ~valid)
        m.d.sync += under_way.eq((under_way << 1) | self._ask)
        with m.If(take):
            m.d.sync += valid.eq(0)
        with m.If(self._ask):
            m.d.sync += [count.eq(self._count), final.eq(self._final)]
        with m.If(under_way[-1]):
            m.d.sync += [valid.eq(1), word.eq(self.peek_data)]
        return valid, word, count, final, take

    def _send(self, m, ahead):
        """From bank words to bytes, and the choice between them and AVERAGE."""
        valid, word, count, final, take = ahead
        o, average = self.o, self.average
        pixels = Signal(BANK_WORD_BITS, reset_less=True)
        left = Signal(range(BANK_PIXELS + 1))
        is_final = Signal(reset_less=True)
        byte = Signal(BYTE_LAST, reset_less=True)
        free, send = Signal(), Signal()
        last_pixel, last_byte = left == 1, (left == 1) & is_final
        m.d.comb += [
            free.eq((~o.valid | o.ready) & ~self._halted),
            average.ready.eq(free),
            send.eq(free & ~average.valid & (left != 0)),
            take.eq(valid & ((left == 0) | (send & last_pixel))),
            self.idle.eq(~self._active & ~average.valid & ~o.valid),
            o.payload.eq(byte),
        ]
        with m.If(o.ready):
            m.d.sync += o.valid.eq(0)
        with m.If(average.valid & free):
            m.d.sync += [o.valid.eq(1), byte.eq(average.payload)]
        with m.If(send):
            m.d.sync += [o.valid.eq(1), byte.data.eq(pixels[:PIXEL_BITS]), byte.last.eq(last_byte & self.tile.last),
                         pixels.eq(pixels >> PIXEL_BITS), left.eq(left - 1)]
        with m.If(take):
            m.d.sync += [pixels.eq(word), left.eq(count), is_final.eq(final)]
        ends = send & last_byte
        m.d.sync += self.done.eq(ends)
        with m.If(ends):
            m.d.sync += self._active.eq(0)
