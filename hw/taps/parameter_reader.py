"""Per-channel parameters from their bit stream."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.config import MEMORY_BITS, MULTIPLIER_BITS, PARAMETER_CHUNK_BITS, SHIFT_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    BIAS_SHIFT_BITS,
    CHANNEL_BITS,
    DESCRIPTOR,
    FRACTION_BITS,
    SHORT_RECORD_CHUNKS,
    ParameterForm,
    parameter_layout,
    record_layout,
)
from firelane.hw.taps.bit_reader import ChunkReader

COARSE_BITS = 3         #: a bias moves by multiples of 2**COARSE_BITS first, then by the rest


class ParameterReader(wiring.Component):
    """Puts together one record per output channel, in order, ahead of the need for it, and expands it.

        chunks -> record -> chosen (fields by form) -> coarse (bias moved by 0, 8, 16 or 24) -> o (by 0 .. 7)

    Each name is a register. One waits for the next to be empty, so that no path leads through all of them.

    Latency     4 + chunks of a record, in cycles, from its first word to `o.valid`.
    Throughput  1 record in as many cycles as it has chunks, at least 2.
    Stalling    `o` may stall for any time.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    layer : In(DESCRIPTOR)
        Taken with `start`.
    start : In(1)
        A new tile: forget everything, then give `channels_out` records of the layer's form, none if it is CONSTANT. No
        word is taken in this cycle.
    i : In(stream of 36)
    o : Out(stream of parameter_layout(cfg))
    waiting : Out(1)
        Words are missing for a record.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        mantissa = max(cfg.accumulator_bits, SHORT_RECORD_CHUNKS * PARAMETER_CHUNK_BITS)
        self._expanding = data.StructLayout({"bias": mantissa, "left": BIAS_SHIFT_BITS + 1,
                                             "multiplier": MULTIPLIER_BITS, "shift": SHIFT_BITS})
        super().__init__({"layer": In(DESCRIPTOR), "start": In(1), "i": In(stream.Signature(MEMORY_BITS)),
                          "o": Out(stream.Signature(parameter_layout(cfg))), "waiting": Out(1)})

    def elaborate(self, platform):
        m = Module()
        self._own = Signal(DESCRIPTOR, name="own", reset_less=True)     #: what is used of `layer`
        with m.If(self.start):
            m.d.sync += self._own.eq(self.layer)
        record, complete, choose = self._collect(m)
        chosen, coarse = Signal(self._expanding, reset_less=True), Signal(self._expanding, reset_less=True)
        have_chosen, have_coarse = Signal(), Signal()
        m.d.comb += choose.eq(complete & ~have_chosen)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(have_coarse & ~self.o.valid):
            m.d.sync += [self.o.valid.eq(1), have_coarse.eq(0),
                         self.o.payload.bias.eq(coarse.bias << coarse.left[:COARSE_BITS]),
                         self.o.payload.multiplier.eq(coarse.multiplier), self.o.payload.shift.eq(coarse.shift)]
        with m.If(have_chosen & ~have_coarse):
            m.d.sync += [have_coarse.eq(1), have_chosen.eq(0), coarse.eq(chosen),
                         coarse.bias.eq(chosen.bias << Cat(Const(0, COARSE_BITS), chosen.left[COARSE_BITS:]))]
        with m.If(choose):
            m.d.sync += have_chosen.eq(1)
            self._choose(m, record, chosen)
        with m.If(self.start):
            m.d.sync += [have_chosen.eq(0), have_coarse.eq(0), self.o.valid.eq(0)]
        return m

    def _collect(self, m):
        """Chunks to a record; a short one is extended by its sign. Gives (record, it is complete, it is taken)."""
        m.submodules.chunks = reader = ChunkReader(PARAMETER_CHUNK_BITS)
        wiring.connect(m, wiring.flipped(self.i), reader.i)
        count = self._cfg.parameter_chunks
        record = Signal(data.ArrayLayout(PARAMETER_CHUNK_BITS, count), reset_less=True)
        place, last_place = Signal(count, init=1), Signal(count, reset_less=True)     # one bit a chunk
        complete, choose, taking, last = Signal(), Signal(), Signal(), Signal()
        missing, some_missing = Signal(CHANNEL_BITS), Signal()      # records that are not complete yet; there are any
        m.d.comb += [
            reader.clear.eq(self.start),
            taking.eq(some_missing & (~complete | choose)),
            reader.o.ready.eq(taking),
            last.eq((place & last_place).any()),
            self.waiting.eq(taking & ~reader.o.valid),
        ]
        with m.If(choose):
            m.d.sync += complete.eq(0)
        with m.If(taking & reader.o.valid):
            m.d.sync += [place.eq(Mux(last, 1, place << 1)), complete.eq(last), missing.eq(missing - last),
                         some_missing.eq(~last | (missing != 1))]
            for chunk in range(count):
                with m.If(place[chunk]):
                    m.d.sync += record[chunk].eq(reader.o.payload)
                if 0 < chunk < SHORT_RECORD_CHUNKS:
                    with m.If(place[:chunk].any()):
                        m.d.sync += record[chunk].eq(reader.o.payload[-1].replicate(PARAMETER_CHUNK_BITS))
        form = self.layer.parameters.as_value()
        with m.If(self.start):
            constant = self.layer.parameters == ParameterForm.CONSTANT
            m.d.sync += [complete.eq(0), place.eq(1), missing.eq(self.layer.channels_out),
                         some_missing.eq(~constant & (self.layer.channels_out != 0)),
                         last_place.eq(Mux(self.layer.parameters == ParameterForm.FULL, 1 << count - 1,
                                           Cat(form[:2] == chunk + 1 for chunk in range(SHORT_RECORD_CHUNKS))))]
        return record, complete, choose

    def _choose(self, m, record, chosen):
        """The fields of a complete record, by its form."""
        layer, bits = self._own, record.as_value()
        full, scaled = (data.View(layout, bits[:layout.size]) for layout in (
            record_layout(ParameterForm.FULL, self._cfg), record_layout(ParameterForm.SCALED_3, self._cfg)))
        short = bits[:SHORT_RECORD_CHUNKS * PARAMETER_CHUNK_BITS].as_signed()
        with m.If(layer.parameters == ParameterForm.FULL):
            m.d.sync += [chosen.bias.eq(full.bias.as_signed()), chosen.left.eq(0),
                         chosen.multiplier.eq(Cat(full.fraction, 1)), chosen.shift.eq(full.shift)]
        with m.Elif(layer.parameters.as_value()[2]):
            m.d.sync += [chosen.bias.eq(scaled.bias.as_signed()), chosen.left.eq(layer.bias_shift + scaled.offset),
                         chosen.multiplier.eq(Cat(Const(0, MULTIPLIER_BITS - 1 - FRACTION_BITS), scaled.fraction, 1)),
                         chosen.shift.eq(layer.shift + scaled.offset)]
        with m.Else():
            m.d.sync += [chosen.bias.eq(short), chosen.left.eq(layer.bias_shift),
                         chosen.multiplier.eq(layer.multiplier), chosen.shift.eq(layer.shift)]
