"""One weight and its step a cycle, out of two prefix-coded bit streams."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import WEIGHT_STEP
from firelane.hw.blocks.ports import MEMORY_WRITES, TABLE_WRITES
from firelane.hw.contract.config import MEMORY_BITS, WEIGHT_BITS, EngineConfig
from firelane.hw.contract.instruction import CODE_WORD, CODE_WORDS, DESCRIPTOR, RUN_ENTRY_BITS, Source
from firelane.hw.contract.timing import DECODE_CYCLES, TABLE_READ_CYCLES
from firelane.hw.taps.bit_reader import CHUNK_BITS, BitReader, ChunkReader
from firelane.hw.taps.prefix_decoder import PREFIX_CODE, LengthFinder, PrefixDecoder
from firelane.hw.taps.symbol_table import SymbolTable

DECODED_STEP = data.StructLayout({"step": WEIGHT_STEP, "bad": 1})
"""A weight with its step; `bad`: there was no code where it should be."""


class WeightDecoder(wiring.Component):
    """Decodes values and runs in lock step, and looks both up.

    The step of a `dense` layer is always one place; for Source.WINDOW the weight means nothing either, and no stream is
    read.

    Latency     DECODE_CYCLES from a cycle with `step` to `o`.
    Throughput  1 weight a cycle, if neither stream runs dry.
    Stalling    by `room`, a cycle ahead; what has been started comes out DECODE_CYCLES later in any case.

    Parameters
    ----------
    cfg : EngineConfig
    values, runs : sequence of int
        First entries of the tables at configuration.

    Members
    -------
    layer : In(DESCRIPTOR)
        Stable while `active`.
    code_write : In(TABLE_WRITES)
        CODE_WORD number `index` of the layer to come.
    coming : In(DESCRIPTOR), take_codes : In(1)
        Pulse, while not `active`: the code words are complete, and for the weights of layer `coming`.
    active : In(1)
        Decode. While it is low, streams are cleared, and nothing comes out.
    value, run : In(stream of 36)
    room : In(1)
        One more weight may be started in the next cycle, even if one is started now.
    step : Out(1)
        A weight is started. A register.
    o : Out(stream of DECODED_STEP, always ready)
    dry : Out(2)
        The reader of the value stream (bit 0), of the run stream (bit 1) lacks bits.
    value_write, run_write : In(MEMORY_WRITES)
        Writes into the tables.
    scan : In(1), scan_address : In(18), value_entry : Out(8), run_entry : Out(17)
        While `scan`, tables are read here, with TABLE_READ_CYCLES.
    """

    def __init__(self, cfg: EngineConfig, *, values=(), runs=()):
        self._cfg = cfg
        self._images = {"value": values, "run": runs}
        words = stream.Signature(MEMORY_BITS)
        super().__init__({
            "layer": In(DESCRIPTOR), "code_write": In(TABLE_WRITES), "coming": In(DESCRIPTOR), "take_codes": In(1),
            "active": In(1), "value": In(words), "run": In(words), "room": In(1),
            "step": Out(1), "o": Out(stream.Signature(DECODED_STEP, always_ready=True)), "dry": Out(2),
            "value_write": In(MEMORY_WRITES), "run_write": In(MEMORY_WRITES),
            "scan": In(1), "scan_address": In(18), "value_entry": Out(WEIGHT_BITS), "run_entry": Out(RUN_ENTRY_BITS),
        })

    def elaborate(self, platform):
        m = Module()
        self._code_words = self._code_table(m)
        self._take, self._plain = Signal(), Signal(reset_less=True)     # a cycle late, as the words are
        m.d.sync += [self._take.eq(self.take_codes), self._plain.eq(self.coming.raw_values)]
        self._clear = Signal(init=1)        #: of what is still read ahead; words come later than it falls
        m.d.sync += self._clear.eq(~self.active)
        value_reader, value_decoder, value_dry = self._symbols(m, "value", WEIGHT_BITS, self._cfg.value_symbols)
        run_reader, run_decoder, run_dry = self._symbols(m, "run", RUN_ENTRY_BITS, self._cfg.run_symbols)

        streamed, runs_used = Signal(), Signal()
        m.d.sync += [streamed.eq(self.layer.source == Source.STREAM),
                     runs_used.eq((self.layer.source == Source.STREAM) & ~self.layer.dense)]
        step_next = Signal()
        m.d.comb += [
            step_next.eq(self.active & self.room & (value_reader.ready_next | ~streamed)
                         & (run_reader.ready_next | ~runs_used)),
            value_reader.take_next.eq(step_next),
            run_reader.take_next.eq(step_next),
            self.dry.eq(Cat(value_dry & streamed, run_dry & runs_used)),
        ]
        m.d.sync += self.step.eq(step_next)
        self._valid_pipeline(m)

        raw = self._later(m, value_decoder.plain, TABLE_READ_CYCLES, "raw_weight")
        value_bad = self._later(m, value_decoder.bad, TABLE_READ_CYCLES, "value_bad")
        run_bad = self._later(m, run_decoder.bad, TABLE_READ_CYCLES, "run_bad")
        one_place = self.layer.kernel_taps == 1     # then the next place is in the next channel
        out = self.o.payload.step
        m.d.comb += [
            out.weight.eq(Mux(self.layer.raw_values, raw, self.value_entry)),
            self.o.payload.bad.eq((value_bad & streamed & ~self.layer.raw_values) | (run_bad & runs_used)),
        ]
        with m.If(runs_used):
            m.d.comb += out.step.eq(self.run_entry)
        with m.Else():
            m.d.comb += [out.step.kernel_step.eq(~one_place), out.step.channel_step.eq(one_place)]
        return m

    def _code_table(self, m):
        words = Signal(data.ArrayLayout(CODE_WORD, CODE_WORDS), reset_less=True)
        written = Signal(CODE_WORD.size, reset_less=True)
        writes = Signal(CODE_WORDS)         # which word, and when: from registers here, because writes come from afar
        m.d.sync += [written.eq(self.code_write.payload.data),
                     writes.eq(Mux(self.code_write.valid, Const(1, CODE_WORDS) << self.code_write.payload.index, 0))]
        for index in range(CODE_WORDS):
            with m.If(writes[index]):
                m.d.sync += words[index].eq(written)
        return words

    def _symbols(self, m, label: str, width: int, depth: int):
        """All from words to table entries of one stream; its reader and its decoder, and whether bits are lacking."""
        chunks = m.submodules[f"{label}_chunks"] = ChunkReader(CHUNK_BITS)
        lengths = m.submodules[f"{label}_lengths"] = LengthFinder()
        reader = m.submodules[f"{label}_reader"] = BitReader()
        decoder = m.submodules[f"{label}_decoder"] = PrefixDecoder()
        table = m.submodules[f"{label}_table"] = SymbolTable(width=width, depth=depth, init=self._images[label])
        wiring.connect(m, wiring.flipped(getattr(self, label)), chunks.i)
        wiring.connect(m, chunks.o, lengths.i)
        wiring.connect(m, lengths.o, reader.i)
        wiring.connect(m, wiring.flipped(getattr(self, f"{label}_write")), table.write)
        code = Signal(PREFIX_CODE, name=f"{label}_code", reset_less=True)
        plain = self._plain if label == "value" else 0      # no code is below a limit of 0: each takes 8 bits
        with m.If(self._take):
            for index in range(CODE_WORDS):
                word = self._code_words[index]
                m.d.sync += [code.limit[index].eq(Mux(plain, 0, word[f"{label}_limit"])),
                             code.offset[index].eq(word[f"{label}_offset"])]
        m.d.comb += [
            chunks.clear.eq(self._clear), lengths.clear.eq(self._clear), reader.clear.eq(self._clear),
            lengths.code.eq(code),
            decoder.code.eq(code),
            decoder.window.eq(reader.window),
            decoder.length_less_one.eq(reader.length_less_one),
            table.base.eq(self.layer[f"{label}_table"]),
            table.symbol.eq(decoder.symbol),
            table.scan.eq(self.scan),
            table.scan_address.eq(self.scan_address),
            getattr(self, f"{label}_entry").eq(table.entry),
        ]
        return reader, decoder, lengths.empty & ~reader.ready_next

    def _valid_pipeline(self, m):
        valid = self.step
        for cycle in range(DECODE_CYCLES):
            later = Signal(name=f"valid_{cycle}")
            m.d.sync += later.eq(valid & self.active)
            valid = later
        m.d.comb += self.o.valid.eq(valid & self.active)

    @staticmethod
    def _later(m, value, cycles: int, name: str):
        for cycle in range(cycles):
            later = Signal(len(value), name=f"{name}_{cycle}", reset_less=True)
            m.d.sync += later.eq(value)
            value = later
        return value
