"""Write back: which of the drained pixels are kept, and where they go."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import BANK_WORD_BITS
from firelane.hw.blocks.pipeline import delay, delay_control
from firelane.hw.blocks.ports import drain_steps
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig, bits_for
from firelane.hw.contract.geometry import PIXELS
from firelane.hw.contract.instruction import (
    CHANNEL_BITS,
    DESCRIPTOR,
    Destination,
    instruction_layout,
    makes_blocks,
)
from firelane.hw.contract.timing import KEPT_LAG, REQUANTIZE_LATENCY

HALF = BANK_PIXELS // 2


def kept_layout(cfg: EngineConfig) -> data.StructLayout:
    """Pixels of one drain step after subsampling. `enable` is 0 if there are none."""
    return data.StructLayout({
        "bank": bits_for(cfg.banks),
        "address": cfg.address_bits,
        "enable": BANK_PIXELS,
        "data": BANK_WORD_BITS,
        "channel": CHANNEL_BITS,
        "first": 1,
        "last": 1,
        "single": 1,
    })


class WriteBack(wiring.Component):
    """Place the pixels of drain steps in output rows, parts and words.

    If `layer.subsample`, pixels of one column phase of rows of one row phase remain: the 7 of bank part q go to half
    q % 2 of output part q div 2, those of row r to row r div 2. Otherwise all go to the same part and row. A step
    whose row or part the output does not have is dropped, as are columns from `layer.out_columns` on if the
    destination is the channel sums. Where blocks are merged of rows that take the word, the pixels of an even part are
    all that is kept of it and of the next part: 7 pixels in even places for the lower half, and 7 in odd ones for the
    upper half. A `single` step is pixel 0 of row `tile.row` at word `channel`.

    Latency     KEPT_LAG + REQUANTIZE_LATENCY cycles from a step to `kept`, 1 cycle from `pixels`.
    Throughput  1 step a cycle.
    Errors      A write beyond the memory is dropped (`address_range`).

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    layer : In(DESCRIPTOR)
    tile : In(instruction_layout(cfg))
    steps : In(drain_steps(cfg))
    pixels : In(PIXELS)
        Pixels of the step, SUMS_LAG + REQUANTIZE_LATENCY cycles after it.
    kept : Out(stream of kept_layout(cfg), always ready)
    write_valid : Out(1)
        `kept` is for the activation memory.
    address_range : Out(1)
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "layer": In(DESCRIPTOR),
            "tile": In(instruction_layout(cfg)),
            "steps": In(drain_steps(cfg)),
            "pixels": In(PIXELS),
            "kept": Out(stream.Signature(kept_layout(cfg), always_ready=True)),
            "write_valid": Out(1),
            "address_range": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        self._whole = 0             #: a step makes both halves of a word
        if self._cfg.merges_blocks:
            one_row = self.layer.parts_log2 == self._cfg.classes - 1
            self._whole = delay(m, makes_blocks(self.layer) & one_row, 1, name="whole")
        valid = delay_control(m, self.steps.valid, KEPT_LAG, name="valid")
        step = delay(m, self.steps.payload, 1, name="step")
        row, part, exists, odd_part = self._subsample(m, step)
        step = delay(m, step, 1, name="step_2")
        placed, columns = self._place(m, step, row, part, exists, odd_part)
        later = REQUANTIZE_LATENCY
        valid = delay_control(m, valid, later - 1, name="valid_later")
        placed = delay(m, placed, later - 1, name="placed")
        self._emit(m, valid, placed, delay(m, columns, later - 2, name="columns"))
        return m

    def _subsample(self, m, step):
        """Row and part of the output, whether the step is kept, which half of a word it makes. 1 cycle."""
        single_row = Signal()
        row = Signal.like(step.row, name="out_row", reset_less=True)
        part = Signal.like(step.part, name="out_part", reset_less=True)
        exists, odd_part = Signal(reset_less=True), Signal(reset_less=True)
        m.d.comb += single_row.eq(self.layer.parts_log2 == self._cfg.classes - 1)
        m.d.sync += odd_part.eq(step.part[0])
        with m.If(self.layer.subsample & ~step.single):
            m.d.sync += [
                row.eq(step.row >> 1),
                part.eq(step.part >> 1),
                exists.eq(single_row | (step.row[0] == self.layer.row_phase)),
            ]
        with m.Else():
            m.d.sync += [row.eq(step.row), part.eq(step.part), exists.eq(1)]
        return row, part, exists, odd_part

    def _place(self, m, step, row, part, exists, odd_part):
        """Bank, address and halves of the write; how many columns of the part the output has. 1 cycle; columns 2."""
        cfg, layer, tile = self._cfg, self.layer, self.tile
        placed = Signal(data.StructLayout({
            "bank": bits_for(cfg.banks), "address": max(cfg.address_bits, CHANNEL_BITS) + 1, "low": 1, "high": 1,
            "channel": CHANNEL_BITS, "first": 1, "last": 1, "single": 1,
        }), reset_less=True)
        bank = Signal(bits_for(cfg.banks))
        narrow = Signal()
        with m.Switch(layer.out_parts_log2):
            for k in range(cfg.classes):
                with m.Case(k):
                    m.d.comb += [bank.eq(tile.row + row + (part << cfg.classes - 1 - k)), narrow.eq((part >> k) != 0)]
        to_memory = layer.destination == Destination.MEMORY
        keep = Signal()
        m.d.comb += keep.eq(step.single | (exists & (row < tile.rows) & ~(to_memory & narrow)))
        m.d.sync += [
            placed.bank.eq(Mux(step.single, tile.row, bank)),
            placed.address.eq(tile.address + step.channel),
            placed.low.eq(keep & ~(layer.subsample & odd_part & ~step.single)),
            placed.high.eq(keep & self._makes_upper(odd_part) & ~step.single),
            placed.channel.eq(step.channel),
            placed.first.eq(step.first),
            placed.last.eq(step.last),
            placed.single.eq(step.single),
        ]
        left = Signal(range(-BANK_PIXELS * cfg.banks, 256), reset_less=True)
        m.d.sync += left.eq(layer.out_columns - (part << 4) + (part << 1))     # BANK_PIXELS a part
        columns = Signal(range(BANK_PIXELS + 1), reset_less=True)
        m.d.sync += columns.eq(Mux(left < 0, 0, Mux(left > BANK_PIXELS, BANK_PIXELS, left)))
        return placed, columns

    def _makes_upper(self, odd_part):
        """Whether a step makes pixels of the upper half of a word."""
        upper = ~self.layer.subsample | odd_part
        return upper | self._whole if self._cfg.merges_blocks else upper

    def _emit(self, m, valid, placed, columns):
        """Pick the pixels and make the byte enables."""
        kept, layer = self.kept.payload, self.layer
        to_memory = layer.destination == Destination.MEMORY
        inside = placed.address < self._cfg.activation_words
        later = Signal(kept_layout(self._cfg), name="kept_later", reset_less=True)
        enable = Signal(BANK_PIXELS)
        for n in range(BANK_PIXELS):
            half = placed.low if n < HALF else placed.high
            m.d.comb += enable[n].eq(half & (to_memory | (n < columns)))
        with m.If(placed.single):
            m.d.comb += enable.eq(1)
        m.d.sync += [later[name].eq(placed[name]) for name in ("bank", "address", "channel", "first", "last", "single")]
        m.d.sync += later.enable.eq(enable)
        subsample, phase = Signal(reset_less=True), Signal(reset_less=True)
        m.d.sync += [subsample.eq(layer.subsample), phase.eq(layer.column_phase)]
        phases = [phase, phase]
        if self._cfg.merges_blocks:
            phases[1] = Signal(name="upper_phase", reset_less=True)
            m.d.sync += phases[1].eq(layer.column_phase | self._whole)
        for n in range(BANK_PIXELS):
            even = 2 * (n % HALF)
            pair = Mux(phases[n // HALF], self.pixels[even + 1], self.pixels[even])
            pixel = Mux(subsample & ~placed.single, pair, self.pixels[n])
            m.d.sync += later.data.word_select(n, 8).eq(pixel)
        write = Signal()
        m.d.comb += write.eq(valid & to_memory & (enable != 0))
        m.d.sync += [
            self.kept.valid.eq(valid),
            self.write_valid.eq(write & inside),
            self.address_range.eq(write & ~inside),
        ]
        m.d.comb += kept.eq(later)
