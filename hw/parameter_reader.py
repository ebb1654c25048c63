"""Per-channel parameters from their bit stream."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bit_reader import ChunkReader
from hw.config import MEMORY_BITS, PARAMETER_CHUNK_BITS, EngineConfig
from hw.instruction import CHANNEL_BITS, parameter_layout


class ParameterReader(wiring.Component):
    """Puts together one record per output channel, in order, ahead of the need for it.

    Latency     1 + parameter_chunks cycles from a record's first word to `o.valid`.
    Throughput  1 record in parameter_chunks + 1 cycles.
    Stalling    `o` may stall for any time.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    start : In(1)
        A new tile: forget everything, then give `records` records. No word is taken in this cycle.
    records : In(11)
        Sampled at `start`; 0 for none.
    i : In(stream of 36)
    o : Out(stream of parameter_layout(cfg))
    waiting : Out(1)
        Words are missing for a record.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({"start": In(1), "records": In(CHANNEL_BITS), "i": In(stream.Signature(MEMORY_BITS)),
                          "o": Out(stream.Signature(parameter_layout(cfg))), "waiting": Out(1)})

    def elaborate(self, platform):
        m = Module()
        chunks = self._cfg.parameter_chunks
        m.submodules.chunks = reader = ChunkReader(PARAMETER_CHUNK_BITS)
        wiring.connect(m, wiring.flipped(self.i), reader.i)
        record = Signal(chunks * PARAMETER_CHUNK_BITS, reset_less=True)
        missing = Signal(range(chunks + 1))         # chunks of the record; the record is complete at 0
        records = Signal(CHANNEL_BITS)              # not yet handed on
        taking = Signal()
        m.d.comb += [
            reader.clear.eq(self.start),
            taking.eq((records != 0) & (missing != 0)),
            reader.o.ready.eq(taking),
            self.waiting.eq(taking & ~reader.o.valid),
            self.o.valid.eq((records != 0) & (missing == 0)),
            self.o.payload.eq(record[:parameter_layout(self._cfg).size]),
        ]
        with m.If(taking & reader.o.valid):
            m.d.sync += [record.eq(Cat(record[PARAMETER_CHUNK_BITS:], reader.o.payload)), missing.eq(missing - 1)]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [missing.eq(chunks), records.eq(records - 1)]
        with m.If(self.start):
            m.d.sync += [missing.eq(chunks), records.eq(self.records)]
        return m
