"""The weight side of the engine: from compressed weights in memory to taps for all lanes, and channel parameters."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from firelane.hw.blocks.ports import MEMORY_WRITES, TABLE_WRITES, ScanPort, ScanSelect, tap_stream
from firelane.hw.contract.config import MEMORY_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    DESCRIPTOR,
    WEIGHT_ADDRESS_BITS,
    Source,
    instruction_layout,
    parameter_layout,
)
from firelane.hw.contract.timing import PARAMETER_DELAY, TABLE_READ_CYCLES, record_lag, scan_cycles
from firelane.hw.taps.pair_generator import PairGenerator
from firelane.hw.taps.parameter_reader import ParameterReader
from firelane.hw.taps.tap_address import TapAddress
from firelane.hw.taps.tap_generator import TapGenerator
from firelane.hw.taps.weight_decoder import WeightDecoder
from firelane.hw.taps.weight_fetch import WeightFetch, stream_names
from firelane.hw.taps.weight_memory import WeightMemory


class TapPath(wiring.Component):
    """Makes the taps of one tile after another.

        WeightMemory -- WeightFetch --+-- WeightDecoder -- TapGenerator -- TapAddress --> taps
                                      +-- ParameterReader --> parameters

    With two taps a cycle all but the memory and the parameters is twofold, and a PairGenerator issues the taps; the
    port that reads for a second tap also writes, in cycles that are counted here (`WriteCycles`).

    A tile may start while the last taps of the one before are on their way. Its weights are read and decoded then; its
    addresses and its parameters follow when those of the tile before are done with:

        coming     taken with `start`
        layer      from the cycle after `start` on, decoder and generator
        address_*  from the cycle after the last tap before was at `taps` on (or 2 after `start`)
        parameters `record_lag(cfg)` cycles after that tap (or with `layer`), from `layer`; with two taps a cycle also
                   PARAMETER_DELAY after `start` at the earliest, if there are weights

    Latency     `hw.contract.timing`: from `start` to the first tap, and from `start` to the end of `busy`.
    Throughput  1 tap a cycle, or 2 (`hw.contract.issue`); output channels at least `cfg.drain_cycles` apart.
    Stalling    `parameters` only. Taps cannot be held up from outside.

    Parameters
    ----------
    cfg : EngineConfig
    weights, values, runs : sequence of int
        First words of the weight memory and of the two symbol tables at configuration, unsigned.

    Members
    -------
    weight_write, value_write, run_write : In(MEMORY_WRITES)
        Not while a tile runs. Table entries are in the low bits of data.
    code_write, kernel_write : In(TABLE_WRITES), write_table : In(1)
        CODE_WORD 0 .. 7 (and 8, SECOND_STREAMS, with two taps a cycle), pairs of KERNEL_ENTRY 0 .. 31 of one of two
        tables: for the next tile that starts, not while another one is at work with that table.
    coming, layer, address_layer : In(DESCRIPTOR), address_tile : In(instruction_layout(cfg)), table : In(1)
        Of the tile, as above; `table` is its kernel table, with its addresses.
    start : In(1)
        Pulse, in the cycle after one with `ready`.
    ready : Out(1)
        A tile may start in the next cycle.
    busy : Out(1)
        From the cycle after `start` to that of the terminator at `taps`.
    crowded : Out(1)
        A tile has started, and the last tap of the one before has not been at `taps`.
    last : Out(1)
        The terminator is at `taps`.
    taps : Out(tap_stream(cfg))
    parameters : Out(stream of parameter_layout(cfg))
        A record per output channel, in order, as early as possible; none if the layer has constant parameters. Each
        must be taken `record_lag(cfg)` cycles after the tap with `capture`.
    scan : In(ScanPort())
    bad_code, weight_range, address_range : Out(1)
        Errors: a tap of an invalid code was issued; a stream needs bits past the end of the weight memory; a tap reads
        outside the activation memory, or has a kernel place or an input channel that does not exist.
    tap_taken : Out, stall_decoder, stall_drain : Out(1)
        For counters: taps that are issued; none has been decoded; the one there is waits for `drain_cycles`.
    load_request : In(1), load_slot : Out(1)
        Only with two taps a cycle: the loader asks for a cycle of the port that reads second taps, at most
        LOAD_SLOTS_OWED ahead; it writes a word of its own beside the tap, if any, that is at `taps` now.
    """

    def __init__(self, cfg: EngineConfig, *, weights=(), values=(), runs=()):
        self._cfg = cfg
        self._weights, self._values, self._runs = weights, values, runs
        super().__init__({
            "weight_write": In(MEMORY_WRITES), "value_write": In(MEMORY_WRITES), "run_write": In(MEMORY_WRITES),
            "code_write": In(TABLE_WRITES), "kernel_write": In(TABLE_WRITES), "write_table": In(1),
            "coming": In(DESCRIPTOR), "layer": In(DESCRIPTOR), "address_layer": In(DESCRIPTOR),
            "address_tile": In(instruction_layout(cfg)), "table": In(1),
            "start": In(1), "ready": Out(1), "busy": Out(1), "crowded": Out(1), "last": Out(1),
            "taps": Out(tap_stream(cfg)),
            "parameters": Out(stream.Signature(parameter_layout(cfg))),
            "scan": In(ScanPort()),
            "bad_code": Out(1), "weight_range": Out(1), "address_range": Out(1),
            "tap_taken": Out(range(cfg.taps_per_cycle + 1)), "stall_decoder": Out(1), "stall_drain": Out(1),
            **({"load_request": In(1), "load_slot": Out(1)} if cfg.taps_per_cycle == 2 else {}),
        })

    def elaborate(self, platform):
        m = Module()
        cfg = self._cfg
        m.submodules.weights = weights = WeightMemory(cfg.weight_words, self._weights)
        m.submodules.fetch = fetch = WeightFetch(cfg)
        m.submodules.decoder = decoder = WeightDecoder(cfg, values=self._values, runs=self._runs)
        m.submodules.generator = generator = (TapGenerator if cfg.taps_per_cycle == 1 else PairGenerator)(cfg)
        m.submodules.addresses = addresses = TapAddress(cfg)
        m.submodules.reader = reader = ParameterReader(cfg)
        self._connect_memories(m, weights, fetch, decoder, addresses)
        self._connect_streams(m, fetch, decoder, generator, addresses, reader)
        self._scan(m, weights, fetch, decoder)
        self._errors(m, fetch, decoder, generator, addresses, reader)
        self._hand_over(m, fetch, decoder, generator, addresses, reader)
        return m

    def _hand_over(self, m, fetch, decoder, generator, addresses, reader):
        """What of a tile starts when."""
        tiles = Signal(2)               # that have started and whose terminator has not been at `taps`
        decoding, records_wait = Signal(), Signal()
        with m.If(self.start & ~addresses.last):
            m.d.sync += tiles.eq(tiles + 1)
        with m.Elif(addresses.last & ~self.start):
            m.d.sync += tiles.eq(tiles - 1)
        with m.If(self.start):
            m.d.sync += decoding.eq(1)
        with m.Elif(generator.ended):
            m.d.sync += decoding.eq(0)
        records_start = self._start_records(m, addresses.last, records_wait)
        m.d.comb += [
            self.busy.eq(tiles != 0), self.crowded.eq(tiles[1]), self.last.eq(addresses.last),
            self.ready.eq((~decoding | generator.ended) & ~records_wait),
            fetch.start.eq(self.start), decoder.take_codes.eq(self.start),
            fetch.parameter_start.eq(records_start), reader.start.eq(records_start),
            fetch.coming.eq(self.coming), decoder.coming.eq(self.coming),
        ]
        m.d.sync += [generator.start.eq(self.start), fetch.stop.eq(generator.ended)]

    def _start_records(self, m, last, records_wait):
        """The parameters of a tile start, for which `records_wait` is kept."""
        pairs = self._cfg.taps_per_cycle == 2       # then the start comes out of a register, and counting ends earlier
        longest = max(record_lag(self._cfg), PARAMETER_DELAY) if pairs else record_lag(self._cfg)
        lag = Signal(range(longest))
        with m.If(last):
            m.d.sync += lag.eq(record_lag(self._cfg) - 1 - pairs)
        if pairs:                                   # the first weights are more urgent
            with m.Elif(self.start & (self.coming.source == Source.STREAM)):
                m.d.sync += lag.eq(PARAMETER_DELAY - 2)
        with m.Elif(lag != 0):
            m.d.sync += lag.eq(lag - 1)
        records_start = records_wait & ~self.crowded & (lag == 0)
        with m.If(self.start):
            m.d.sync += records_wait.eq(1)
        with m.Elif(records_start):
            m.d.sync += records_wait.eq(0)
        if pairs:
            starting = Signal()
            m.d.sync += starting.eq(records_start)
            return starting
        return records_start

    def _connect_memories(self, m, weights, fetch, decoder, addresses):
        connect(m, fetch.memory, weights.read)
        connect(m, flipped(self.weight_write), weights.write)
        connect(m, flipped(self.value_write), decoder.value_write)
        connect(m, flipped(self.run_write), decoder.run_write)
        connect(m, flipped(self.code_write), decoder.code_write)
        connect(m, flipped(self.kernel_write), addresses.kernel_write)
        if self._cfg.taps_per_cycle == 2:
            connect(m, flipped(self.code_write), fetch.code_write)

    def _connect_streams(self, m, fetch, decoder, generator, addresses, reader):
        for name in stream_names(self._cfg)[:-1]:
            connect(m, getattr(fetch, name), getattr(decoder, name))
        connect(m, fetch.parameter, reader.i)
        connect(m, reader.o, flipped(self.parameters))
        connect(m, decoder.o, generator.i)
        connect(m, generator.o, addresses.i)
        connect(m, addresses.taps, flipped(self.taps))
        for block in (fetch, decoder, generator, reader):
            m.d.comb += block.layer.eq(self.layer)
        m.d.comb += [
            decoder.active.eq(generator.active),
            decoder.room.eq(generator.room), generator.reserve.eq(decoder.step),
            addresses.layer.eq(self.address_layer), addresses.tile.eq(self.address_tile),
            addresses.table.eq(self.table), addresses.write_table.eq(self.write_table),
            self.tap_taken.eq(generator.tap_taken), self.stall_decoder.eq(generator.stall_decoder),
            self.stall_drain.eq(generator.stall_drain),
        ]
        if self._cfg.taps_per_cycle == 2:
            m.d.comb += [generator.load_request.eq(self.load_request), self.load_slot.eq(generator.load_slot)]

    def _scan(self, m, weights, fetch, decoder):
        """All memories read the same address, and the answer is chosen when the slowest has given it."""
        table_address = self.scan.address
        for cycle in range(scan_cycles(self._cfg) - 1 - TABLE_READ_CYCLES):
            later = Signal(WEIGHT_ADDRESS_BITS, name=f"table_address_{cycle}", reset_less=True)
            m.d.sync += later.eq(table_address)
            table_address = later
        chosen = Signal(MEMORY_BITS, reset_less=True)
        with m.Switch(self.scan.select):
            with m.Case(ScanSelect.VALUE):
                m.d.sync += chosen.eq(decoder.value_entry)
            with m.Case(ScanSelect.RUN):
                m.d.sync += chosen.eq(decoder.run_entry)
            with m.Default():
                m.d.sync += chosen.eq(weights.read.data)
        m.d.comb += [fetch.scan_address.eq(self.scan.address), decoder.scan.eq(~self.busy),
                     decoder.scan_address.eq(table_address), self.scan.data.eq(chosen)]

    def _errors(self, m, fetch, decoder, generator, addresses, reader):
        symbols_end = generator.starving & ((fetch.exhausted[:-1] & decoder.dry) != 0)
        parameters_end = fetch.exhausted[-1] & reader.waiting
        m.d.comb += self.address_range.eq(addresses.address_range)
        issued = generator.o.payload
        bad_code = issued.bad_code if self._cfg.taps_per_cycle == 1 else (
            issued.first.bad_code | (issued.second.take & issued.second.bad_code))
        m.d.sync += [self.bad_code.eq(generator.o.valid & bad_code),
                     self.weight_range.eq(symbols_end | parameters_end)]
