"""One weight and its step a cycle, out of two prefix-coded bit streams."""

from typing import NamedTuple

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import WEIGHT_STEP
from firelane.hw.blocks.ports import MEMORY_WRITES, TABLE_WRITES
from firelane.hw.contract.config import CODE_CHUNK_BITS, MEMORY_BITS, WEIGHT_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    CODE_WORD,
    CODE_WORDS,
    DESCRIPTOR,
    RUN_ENTRY_BITS,
    Operation,
    Source,
)
from firelane.hw.contract.timing import DECODE_CYCLES, TABLE_READ_CYCLES
from firelane.hw.taps.bit_reader import BitReader, ChunkReader
from firelane.hw.taps.prefix_decoder import PREFIX_CODE, LengthFinder, PrefixDecoder
from firelane.hw.taps.symbol_table import PairTable, SymbolTable

DECODED_STEP = data.StructLayout({"step": WEIGHT_STEP, "bad": 1})
"""A weight with its step; `bad`: there was no code where it should be."""

DECODED_PAIR = data.ArrayLayout(DECODED_STEP, 2)
"""What two decoders give, with two taps a cycle: a tap and the one after it. Of a layer of single taps only the first
means anything."""


def takes_single_taps(layer):
    """Whether a layer's taps are made one by one with two taps a cycle, too: all from the first decoder.

    `hw.contract.issue.ChannelTaps` calls them alone.
    """
    one_place = (layer.channels_in == 1) & (layer.kernel_taps == 1)
    return (layer.source == Source.WINDOW) | (layer.operation == Operation.MAXIMUM) | one_place


class _Symbols(NamedTuple):
    """The symbols of one stream: who reads it, who decodes it, whether bits are lacking, what a symbol stands for."""

    reader: BitReader
    decoder: PrefixDecoder
    dry: Value
    entry: Signal


class WeightDecoder(wiring.Component):
    """Decodes values and runs in lock step, and looks both up; two of each with two taps a cycle.

    The step of a `dense` layer is always one place; for Source.WINDOW the weight means nothing either, and no stream is
    read. The streams of every second tap are those of a layer of single taps, too, which takes nothing from them: so
    it starts in the same cycle as others.

    Latency     DECODE_CYCLES from a cycle with `step` to `o`.
    Throughput  1 weight a cycle, if neither stream runs dry; with two taps a cycle 2.
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
    value, run, and with two taps a cycle second_value, second_run : In(stream of 36)
    room : In(1)
        One more weight may be started in the next cycle, even if one is started now (or two more, each).
    step : Out(1)
        A weight is started, or two. A register.
    o : Out(stream of DECODED_STEP, always ready)
        With two taps a cycle of DECODED_PAIR.
    dry : Out(a bit for each stream, in the order above)
        Its reader lacks bits.
    value_write, run_write : In(MEMORY_WRITES)
        Writes into the tables.
    scan : In(1), scan_address : In(18), value_entry : Out(8), run_entry : Out(17)
        While `scan`, tables are read here, with TABLE_READ_CYCLES.
    """

    def __init__(self, cfg: EngineConfig, *, values=(), runs=()):
        self._cfg = cfg
        self._images = {"value": values, "run": runs}
        self._prefixes = ("", "second_")[:cfg.taps_per_cycle]       #: of the names of streams
        words = stream.Signature(MEMORY_BITS)
        decoded = DECODED_STEP if cfg.taps_per_cycle == 1 else DECODED_PAIR
        super().__init__({
            "layer": In(DESCRIPTOR), "code_write": In(TABLE_WRITES), "coming": In(DESCRIPTOR), "take_codes": In(1),
            "active": In(1), **{prefix + kind: In(words) for prefix in self._prefixes for kind in ("value", "run")},
            "room": In(1), "step": Out(1), "o": Out(stream.Signature(decoded, always_ready=True)),
            "dry": Out(2 * cfg.taps_per_cycle),
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
        values = self._symbols(m, "value", WEIGHT_BITS, self._cfg.value_symbols)
        runs = self._symbols(m, "run", RUN_ENTRY_BITS, self._cfg.run_symbols)

        streamed, runs_used = Signal(), Signal()
        m.d.sync += [streamed.eq(self.layer.source == Source.STREAM),
                     runs_used.eq((self.layer.source == Source.STREAM) & ~self.layer.dense)]
        step_next = Signal()
        ready = self.active & self.room
        for value, run in zip(values, runs):
            ready = ready & (value.reader.ready_next | ~streamed) & (run.reader.ready_next | ~runs_used)
        m.d.comb += step_next.eq(ready)
        for number, pair in enumerate(zip(values, runs)):
            take_next = step_next if number == 0 else step_next & ~self._single(m)
            m.d.comb += [symbols.reader.take_next.eq(take_next) for symbols in pair]
        lacking = []
        for value, run in zip(values, runs):
            lacking += [value.dry & streamed, run.dry & runs_used]
        m.d.comb += self.dry.eq(Cat(lacking))
        m.d.sync += self.step.eq(step_next)
        self._valid_pipeline(m)
        for number, prefix in enumerate(self._prefixes):
            out = self.o.payload if self._cfg.taps_per_cycle == 1 else self.o.payload[number]
            self._put_together(m, prefix, values[number], runs[number], streamed, runs_used, out)
        return m

    def _single(self, m):
        """The layer's taps are single ones: nothing is taken from the second streams."""
        single = Signal()
        m.d.sync += single.eq(takes_single_taps(self.layer))
        return single

    def _put_together(self, m, prefix: str, value, run, streamed, runs_used, decoded):
        """A weight, its step, and whether there were codes of both."""
        raw = self._later(m, value.decoder.plain, TABLE_READ_CYCLES, f"{prefix}raw_weight")
        value_bad = self._later(m, value.decoder.bad, TABLE_READ_CYCLES, f"{prefix}value_bad")
        run_bad = self._later(m, run.decoder.bad, TABLE_READ_CYCLES, f"{prefix}run_bad")
        one_place = self.layer.kernel_taps == 1     # then the next place is in the next channel
        out = decoded.step
        m.d.comb += [
            out.weight.eq(Mux(self.layer.raw_values, raw, value.entry)),
            decoded.bad.eq((value_bad & streamed & ~self.layer.raw_values) | (run_bad & runs_used)),
        ]
        with m.If(runs_used):
            m.d.comb += out.step.eq(run.entry)
        with m.Else():
            m.d.comb += [out.step.kernel_step.eq(~one_place), out.step.channel_step.eq(one_place)]

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

    def _symbols(self, m, label: str, width: int, depth: int) -> list[_Symbols]:
        """All from words to table entries of values or of runs: the first decoder's, the second's."""
        parts = [self._decoder(m, prefix + label) for prefix in self._prefixes]
        table_type = SymbolTable if self._cfg.taps_per_cycle == 1 else PairTable
        table = m.submodules[f"{label}_table"] = table_type(width=width, depth=depth, init=self._images[label])
        wiring.connect(m, wiring.flipped(getattr(self, f"{label}_write")), table.write)
        code = Signal(PREFIX_CODE, name=f"{label}_code", reset_less=True)
        plain = self._plain if label == "value" else 0      # no code is below a limit of 0: each takes 8 bits
        with m.If(self._take):
            for index in range(CODE_WORDS):
                word = self._code_words[index]
                m.d.sync += [code.limit[index].eq(Mux(plain, 0, word[f"{label}_limit"])),
                             code.offset[index].eq(word[f"{label}_offset"])]
        for chunks, lengths, reader, decoder in parts:
            m.d.comb += [
                chunks.clear.eq(self._clear), lengths.clear.eq(self._clear), reader.clear.eq(self._clear),
                lengths.code.eq(code),
                decoder.code.eq(code),
                decoder.window.eq(reader.window),
                decoder.length_less_one.eq(reader.length_less_one),
            ]
        m.d.comb += [
            table.base.eq(self.layer[f"{label}_table"]),
            *(getattr(table, f"{prefix}symbol").eq(part[-1].symbol) for prefix, part in zip(self._prefixes, parts)),
            table.scan.eq(self.scan),
            table.scan_address.eq(self.scan_address),
            getattr(self, f"{label}_entry").eq(table.entry),
        ]
        return [_Symbols(reader, decoder, lengths.empty & ~reader.ready_next, getattr(table, f"{prefix}entry"))
                for prefix, (_, lengths, reader, decoder) in zip(self._prefixes, parts)]

    def _decoder(self, m, label: str):
        """The blocks from words to symbols of one stream."""
        chunks = m.submodules[f"{label}_chunks"] = ChunkReader(CODE_CHUNK_BITS)
        lengths = m.submodules[f"{label}_lengths"] = LengthFinder()
        reader = m.submodules[f"{label}_reader"] = BitReader()
        decoder = m.submodules[f"{label}_decoder"] = PrefixDecoder()
        wiring.connect(m, wiring.flipped(getattr(self, label)), chunks.i)
        wiring.connect(m, chunks.o, lengths.i)
        wiring.connect(m, lengths.o, reader.i)
        return chunks, lengths, reader, decoder

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
